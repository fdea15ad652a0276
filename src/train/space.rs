//! A search for settings as plain data: what is tried, and how much of its training each candidate gets.
//!
//! Candidates come from a grid or by chance (Bergstra & Bengio 2012); successive halving (Jamieson & Talwalkar 2016, Li
//! et al. 2018) trains all of them a little, the better part longer, and the best to their end. Validation figures alone
//! decide.

pub mod axis;
pub mod file;

use serde::{Deserialize, Serialize};
use serde_json::Value;

pub use axis::{Axis, Scale, Values};

use super::{TrainConfig, setting};
use crate::dataset::random::{Purpose, stream};
use crate::error::{Error, Result};

/// Runs that one search may have.
const MOST_RUNS: usize = 10_000;

/// Candidates that are drawn at most to find one that is new.
const DRAWS_FOR_ONE: usize = 20;

/// The settings that make repetitions of a candidate, not other candidates.
const REPEATED: [&str; 3] = ["held_out", "split_seed", "seed"];

/// Settings by name.
pub type Settings = Vec<(String, Value)>;

/// A search for settings.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Search {
    /// What all candidates have in common.
    pub base: TrainConfig,
    /// Sets of settings that are tried one by one, each with every combination of the axes; none is the base alone.
    #[serde(default)]
    pub variants: Vec<Settings>,
    /// At most one of each setting. Values of `seed`, `split_seed` and `held_out` are repetitions: every candidate runs with each of them.
    pub axes: Vec<Axis>,
    pub strategy: Strategy,
    /// Whether weak candidates end early.
    pub halving: Option<Halving>,
}

/// Where candidates come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Strategy {
    /// Every combination.
    Grid,
    /// So many by chance, all different; the base's seed decides which.
    Random(usize),
}

/// Successive halving.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Halving {
    /// Of so many candidates one goes on, and trains so many times longer: 2 to 100, usually 3.
    pub eta: usize,
    /// Epochs that every candidate gets; where there are none, as many as leave one candidate at the last rung.
    pub min_epochs: Option<usize>,
}

/// Settings that are tried, with one run a seed.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Candidate {
    /// What it has otherwise than the base, but for the seed.
    pub settings: Vec<(String, Value)>,
    /// One a seed.
    pub configs: Vec<TrainConfig>,
}

impl Candidate {
    /// `learning_rate 3e-4, flip off`; of one that changes nothing, `as given`.
    #[must_use]
    pub fn text(&self) -> String {
        text(&self.settings)
    }
}

/// Settings in words.
#[must_use]
pub fn text(settings: &[(String, Value)]) -> String {
    let words: Vec<String> = settings.iter().map(|(name, value)| format!("{name} {}", setting::text(value))).collect();
    if words.is_empty() { "as given".to_owned() } else { words.join(", ") }
}

/// A part of successive halving.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rung {
    /// Epochs that its candidates have in all at its end; `None` for the last one, whose runs are trained whole and tested.
    pub until_epoch: Option<usize>,
    /// Candidates that reach it.
    pub candidates: usize,
}

impl Search {
    /// Candidates are ranked by one figure, and halving shares out one number of epochs.
    fn check_comparable(&self, settings: &Settings, config: &TrainConfig) -> Result<()> {
        if config.choose_by != self.base.choose_by {
            let (own, all) = (config.choose_by.name(), self.base.choose_by.name());
            return Err(over(format!("{}: judged by {own}, the base by {all}: give it choose_by too", text(settings))));
        }
        if self.halving.is_some() && config.epochs != self.base.epochs {
            let problem = "epochs are what halving shares out: give the most with --epochs";
            return Err(over(format!("{}: {problem}", text(settings))));
        }
        Ok(())
    }

    /// All candidates, every one of its settings in range.
    ///
    /// # Errors
    /// `BadSetting` names the axis or the settings that cannot be used, and what is allowed.
    pub fn candidates(&self) -> Result<Vec<Candidate>> {
        self.check()?;
        let settings = match self.strategy {
            Strategy::Grid => self.grid()?,
            Strategy::Random(draws) => self.draw(draws)?,
        };
        let repetitions = combinations(vec![Vec::new()], self.axes.iter().filter(|axis| is_repeated(axis)))?;
        let runs = settings.len().saturating_mul(repetitions.len());
        if runs > MOST_RUNS {
            return Err(over(format!(
                "makes {runs} runs, at most {MOST_RUNS} are allowed: take fewer values or --random N"
            )));
        }
        settings.into_iter().map(|settings| self.candidate(settings, &repetitions)).collect()
    }

    /// The rungs that so many candidates climb; one alone without halving.
    #[must_use]
    pub fn rungs(&self, candidates: usize) -> Vec<Rung> {
        let mut rungs = Vec::new();
        let mut left = candidates;
        if let Some(halving) = self.halving {
            let eta = halving.eta.max(2);
            let mut until =
                halving.min_epochs.unwrap_or_else(|| least_epochs(candidates, eta, self.base.epochs)).max(1);
            while left > 1 && until < self.base.epochs {
                rungs.push(Rung { until_epoch: Some(until), candidates: left });
                left = (left / eta).max(1);
                until = until.saturating_mul(eta);
            }
        }
        rungs.push(Rung { until_epoch: None, candidates: left });
        rungs
    }

    /// What can be said before any candidate is made.
    fn check(&self) -> Result<()> {
        self.base.validate()?;
        for (place, axis) in self.axes.iter().enumerate() {
            let name = &axis.setting;
            if self.axes[..place].iter().any(|before| before.setting == *name) {
                return Err(over(format!("{name} is there twice: write all its values in one")));
            }
            if name == "epochs" && self.halving.is_some() {
                return Err(over("epochs are what halving shares out: give the most with --epochs".to_owned()));
            }
            for value in axis.ends() {
                check_value(&self.base, name, &value)?;
            }
        }
        let is_axis = |name: &String| self.axes.iter().any(|axis| axis.setting == *name);
        if let Some((name, _)) = self.variants.iter().flatten().find(|(name, _)| is_axis(name)) {
            return Err(over(format!("{name} is tried by itself too: leave it out of one of the two")));
        }
        if let Strategy::Random(draws) = self.strategy {
            if !self.variants.is_empty() {
                return Err(over("draws by chance, which knows no variants: leave out one of the two".to_owned()));
            }
            bound("random", (1..=MOST_RUNS).contains(&draws), "1 to 10,000 candidates")?;
        }
        let Some(halving) = self.halving else { return Ok(()) };
        bound("halving", (2..=100).contains(&halving.eta), "2 to 100: of so many candidates one goes on")?;
        let epochs = halving.min_epochs.unwrap_or(1);
        bound("min epochs", (1..=self.base.epochs).contains(&epochs), "1 to the number of epochs")
    }

    /// The axes that make candidates.
    fn searched(&self) -> impl Iterator<Item = &Axis> {
        self.axes.iter().filter(|axis| !is_repeated(axis))
    }

    /// Every combination with every variant; the last axis changes first.
    fn grid(&self) -> Result<Vec<Settings>> {
        let none = || vec![Vec::new()];
        combinations(if self.variants.is_empty() { none() } else { self.variants.clone() }, self.searched())
    }

    /// So many different ones, fewer where there are no more. Each draw depends on the seed and its number alone.
    fn draw(&self, wanted: usize) -> Result<Vec<Settings>> {
        if self.searched().next().is_none() {
            return Err(over("names no setting to draw: give --over SETTING=LOW..HIGH".to_owned()));
        }
        let mut found: Vec<Settings> = Vec::new();
        for number in 0..wanted.saturating_mul(DRAWS_FOR_ONE) {
            let draw = |(place, axis): (usize, &Axis)| {
                let mut rng = stream(self.base.seed, Purpose::Search, [number as u64, place as u64]);
                (axis.setting.clone(), axis.draw(&mut rng))
            };
            let settings: Settings = self.searched().enumerate().map(draw).collect();
            if !found.contains(&settings) {
                found.push(settings);
            }
            if found.len() == wanted {
                break;
            }
        }
        Ok(found)
    }

    fn candidate(&self, mut settings: Settings, repetitions: &[Settings]) -> Result<Candidate> {
        // A recipe comes before what changes it.
        settings.sort_by_key(|(name, _)| setting::NAMES.iter().position(|known| known == name));
        let with = |config: TrainConfig, (name, value): &(String, Value)| {
            setting::with(&config, name, value).map_err(|problem| over(format!("{name}: {problem}")))
        };
        let base = settings.iter().try_fold(self.base.clone(), with)?;
        self.check_comparable(&settings, &base)?;
        let config = |repetition: &Settings| {
            let config = repetition.iter().try_fold(base.clone(), with)?;
            config.validate().map_err(|error| over(format!("{}: {error}", text(&settings))))?;
            Ok(config)
        };
        let configs = repetitions.iter().map(config).collect::<Result<_>>()?;
        Ok(Candidate { settings, configs })
    }
}

fn is_repeated(axis: &Axis) -> bool {
    REPEATED.contains(&axis.setting.as_str())
}

/// `found` with every combination of the axes' values; the last axis changes first.
fn combinations<'a>(mut found: Vec<Settings>, axes: impl Iterator<Item = &'a Axis>) -> Result<Vec<Settings>> {
    for axis in axes {
        let values = axis.each().map_err(over)?;
        if found.len().saturating_mul(values.len()) > MOST_RUNS {
            return Err(over(format!("makes more than {MOST_RUNS} combinations: take fewer values or --random N")));
        }
        let with = |settings: &Settings, value: &Value| {
            [settings.clone(), vec![(axis.setting.clone(), value.clone())]].concat()
        };
        found = found.iter().flat_map(|settings| values.iter().map(move |value| with(settings, value))).collect();
    }
    Ok(found)
}

/// Whether a setting of `base` may have another value.
fn check_value(base: &TrainConfig, name: &str, value: &Value) -> Result<()> {
    let said = |problem: String| over(format!("{name} = {}: {problem}", setting::text(value)));
    let config = setting::with(base, name, value).map_err(said)?;
    config.validate().map_err(|error| said(error.to_string()))
}

/// Epochs of the first rung that leave one candidate at the last.
fn least_epochs(candidates: usize, eta: usize, epochs: usize) -> usize {
    let (mut left, mut least) = (candidates, epochs);
    while left >= eta {
        left /= eta;
        least /= eta;
    }
    least.max(1)
}

/// What is wrong with what is searched over.
fn over(problem: String) -> Error {
    Error::BadSetting { setting: "over", problem }
}

fn bound(setting: &'static str, holds: bool, allowed: &str) -> Result<()> {
    if holds { Ok(()) } else { Err(Error::BadSetting { setting, problem: format!("must be {allowed}") }) }
}

#[cfg(test)]
mod tests;
