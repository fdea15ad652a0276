//! Runs a finished run again and says whether the same bits come, or what is the first that differs.

mod before;

use std::ops::ControlFlow;

use serde::Serialize;
use serde_json::{Value, json};

use super::original::Original;
use super::{Start, Workplace, config_of};
use crate::dataset::Split;
use crate::dataset::cache::Progress;
use crate::error::{Error, Result};
use crate::metrics::comparison::{Comparison, Side};
use crate::metrics::{EpochFigures, Interval};
use crate::store::{Answer, Run, Store, cases};
use crate::train::{EngineKind, machine};

/// How far the first step's loss may be off on other instructions, as a share: rounding alone gives some 1e-7.
const FIRST_LOSS: f64 = 1e-4;

/// The first thing that is not as it was.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Difference {
    /// `before training`, `epoch 3`, `answers`, `figures`.
    pub place: String,
    pub what: String,
    pub was: Value,
    pub is: Value,
}

impl Difference {
    fn new(place: impl Into<String>, what: impl Into<String>, (was, is): (Value, Value)) -> Self {
        Self { place: place.into(), what: what.into(), was, is }
    }
}

/// Something that is otherwise on this machine.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Change {
    pub what: String,
    pub was: Value,
    pub is: Value,
}

/// Where bits cannot be the same, whether a figure is near enough.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Bound {
    pub what: &'static str,
    /// In words.
    pub bound: &'static str,
    pub was: Option<f64>,
    pub is: Option<f64>,
    /// `None` where there is nothing to compare.
    pub within: Option<bool>,
}

/// What came of it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Reproduction {
    /// `None` where bits cannot be compared.
    pub identical: Option<bool>,
    pub first_difference: Option<Difference>,
    pub epochs_compared: usize,
    /// Whether it was trained again; not where something was changed since the run.
    pub was_run: bool,
    /// What an older program did not keep.
    pub not_compared: Vec<String>,
    /// What is otherwise here than it was there.
    pub environment: Vec<Change>,
    /// Only where bits cannot be compared.
    pub bounds: Vec<Bound>,
}

/// A run that is ready to be run again.
#[derive(Debug)]
pub struct Repetition {
    original: Original,
    environment: Vec<Change>,
    comparable: bool,
    epochs_compared: usize,
    difference: Option<Difference>,
    first_loss: Option<f64>,
}

impl Repetition {
    /// Looks at record, weights and images before anything is trained. `Err` holds what was changed since the run.
    ///
    /// # Errors
    /// Where something cannot be read at all.
    pub fn prepare(
        original: Original,
        place: &Workplace,
        watch: &mut dyn FnMut(Progress) -> ControlFlow<()>,
    ) -> Result<Result<Self, Reproduction>> {
        let environment = before::environment(&original)?;
        if let Some(difference) = before::tampered(&original, place, watch)? {
            return Ok(Err(Reproduction {
                identical: Some(false),
                first_difference: Some(difference),
                epochs_compared: 0,
                was_run: false,
                not_compared: Vec::new(),
                environment,
                bounds: Vec::new(),
            }));
        }
        let comparable = is_comparable(&original, &environment);
        Ok(Ok(Self { original, environment, comparable, epochs_compared: 0, difference: None, first_loss: None }))
    }

    /// Whether the same bits are to be expected: the same instructions compute here.
    #[must_use]
    pub const fn is_comparable(&self) -> bool {
        self.comparable
    }

    /// The run to be started, in a place of its own.
    ///
    /// # Errors
    /// `Run` where its settings cannot be read.
    pub fn start(&self) -> Result<Start> {
        Ok(Start::Repeat { config: Box::new(self.original.config()?), rates: self.original.rates() })
    }

    /// Notes the first step's loss.
    pub const fn see_loss(&mut self, loss: f64) {
        if self.first_loss.is_none() {
            self.first_loss = Some(loss);
        }
    }

    /// Compares an epoch with the same of the original; whether it is worth to go on.
    pub fn see_epoch(&mut self, epoch: &EpochFigures) -> ControlFlow<()> {
        if !self.comparable {
            return ControlFlow::Continue(());
        }
        let place = format!("epoch {}", epoch.epoch);
        match self.original.epochs.iter().find(|was| was.epoch == epoch.epoch) {
            Some(was) => self.difference = differ(&place, &epoch_figures(was), &epoch_figures(epoch)),
            None => self.difference = Some(Difference::new(place, "the epoch", (Value::Null, json!("is new")))),
        }
        if self.difference.is_some() {
            return ControlFlow::Break(());
        }
        self.epochs_compared += 1;
        ControlFlow::Continue(())
    }

    /// What came of it, from the store in which it was run again.
    ///
    /// # Errors
    /// `Store` where the file cannot be read.
    pub fn finish(self, store: &Store) -> Result<Reproduction> {
        let run = store.newest(1)?.pop().ok_or(Error::Cancelled)?;
        let now = store.all_answers(&run.started.id)?;
        let difference = self.difference.clone().or_else(|| self.last_difference(&run, &now));
        // Where it is not known what the run ran on, a difference may be the machine's.
        let is_known = self.comparable && self.original.provenance().is_some();
        let (identical, first_difference, bounds) = match (self.comparable, difference) {
            (false, _) => (None, None, self.bounds(&now)),
            (true, None) => (Some(true), None, Vec::new()),
            (true, found) => (is_known.then_some(false), found, Vec::new()),
        };
        Ok(Reproduction {
            identical,
            first_difference,
            epochs_compared: self.epochs_compared,
            was_run: true,
            not_compared: self.not_compared(),
            environment: self.environment,
            bounds,
        })
    }

    /// Of answers and figures, once all epochs were the same.
    fn last_difference(&self, run: &Run, now: &[Answer]) -> Option<Difference> {
        let was = &self.original;
        let epochs = (json!(was.epochs.len()), json!(self.epochs_compared));
        let number = (epochs.0 != epochs.1).then(|| Difference::new("figures", "the number of epochs", epochs));
        number
            .or_else(|| first_answer(&was.answers, now))
            .or_else(|| differ("figures", &run_figures(&was.run), &run_figures(run)))
    }

    fn not_compared(&self) -> Vec<String> {
        let was = &self.original;
        let of_epochs = was.epochs.iter().flat_map(epoch_figures);
        let missing = of_epochs.chain(run_figures(&was.run)).filter(|(_, value)| value.is_null());
        let names: std::collections::BTreeSet<&str> = missing.map(|(what, _)| what).collect();
        names.into_iter().map(str::to_owned).collect()
    }

    fn bounds(&self, now: &[Answer]) -> Vec<Bound> {
        let was = self.original.first_step.map(|point| point.loss);
        let near = was.zip(self.first_loss).map(|(was, is)| (was - is).abs() <= FIRST_LOSS * was.abs());
        let (bound, is) = ("the same within 1e-4 of it", self.first_loss);
        vec![Bound { what: "loss of the first step", bound, was, is, within: near }, self.auc_bound(now)]
    }

    /// The AUC may differ as far as other images of such patients would make it differ.
    fn auc_bound(&self, now: &[Answer]) -> Bound {
        let (what, bound) = ("AUC on test images", "the 95 % interval of the difference holds 0");
        let sides = [self.original.answers.as_slice(), now].map(|answers| {
            let mut test: Vec<Answer> = answers.iter().filter(|answer| answer.split == Split::Test).cloned().collect();
            test.sort_by(|a, b| a.file.cmp(&b.file));
            cases(&test)
        });
        let threshold = self.original.run.threshold();
        let auc = |cases| crate::metrics::ranking::Ranking::of(cases).and_then(|ranking| ranking.auc());
        let [was, is] = [auc(&sides[0]), auc(&sides[1])];
        if sides[0].len() != sides[1].len() {
            return Bound { what, bound, was, is, within: None };
        }
        let [a, b] = [&sides[0], &sides[1]].map(|cases| Side { cases, threshold });
        let interval = Comparison::of(a, b).auc_difference_interval;
        let within = interval.map(|Interval { low, high }| low <= 0.0 && 0.0 <= high);
        Bound { what, bound, was, is, within }
    }
}

/// Our kernels give the same bits on the same instructions; candle's choose theirs by the processor.
fn is_comparable(original: &Original, environment: &[Change]) -> bool {
    let changed = |names: &[&str]| environment.iter().any(|change| names.contains(&change.what.as_str()));
    let isa = original.run.started.versions["isa"].as_str().is_none_or(|was| was == machine::isa().name());
    let engine = config_of(&original.run).map_or(EngineKind::Plain, |config| config.engine);
    match engine {
        EngineKind::Fast => isa && !changed(&["target", before::RESUMED]),
        EngineKind::Plain => !changed(&["target", "processor", "processor features", before::UNKNOWN]),
    }
}

fn run_figures(run: &Run) -> [(&'static str, Value); 4] {
    [
        ("best epoch", json!(run.best_epoch)),
        ("threshold and temperature", json!(run.operating)),
        ("test figures", json!(run.test)),
        ("weights", json!(run.weights)),
    ]
}

fn epoch_figures(epoch: &EpochFigures) -> [(&'static str, Value); 6] {
    [
        ("train_loss", json!(epoch.train.loss)),
        ("train confusion", json!(epoch.train.confusion)),
        ("val_loss", json!(epoch.validation.loss)),
        ("validation confusion", json!(epoch.validation.confusion)),
        ("figures of harder images", json!(epoch.shifted)),
        ("weights", json!(epoch.weights)),
    ]
}

/// The first pair that is not the same. What an older program did not keep cannot differ.
fn differ(place: &str, was: &[(&str, Value)], is: &[(&str, Value)]) -> Option<Difference> {
    let differs = |((what, was), (_, is)): (&(&str, Value), &(&str, Value))| {
        (was != is && !was.is_null()).then(|| Difference::new(place, *what, (was.clone(), is.clone())))
    };
    was.iter().zip(is).find_map(differs)
}

/// The first image that is answered otherwise, bit for bit.
fn first_answer(was: &[Answer], is: &[Answer]) -> Option<Difference> {
    let bits = |answer: &Answer| answer.logits.map(f32::to_bits);
    let place = "answers";
    if was.len() != is.len() {
        return Some(Difference::new(place, "how many images are answered", (json!(was.len()), json!(is.len()))));
    }
    let same = |was: &Answer, is: &Answer| (&was.file, was.truth, bits(was)) == (&is.file, is.truth, bits(is));
    let pair = was.iter().zip(is).find(|(was, is)| !same(was, is))?;
    let what = format!("logits of {} image {}", pair.0.probe().name(), pair.0.file);
    Some(Difference::new(place, what, (json!(pair.0.logits), json!(pair.1.logits))))
}
