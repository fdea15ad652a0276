//! Figures of runs that ought to give the same, with mean and standard deviation.

use serde_json::{Map, Value, json};

use super::assessment::interval_json;
use crate::dataset::Split;
use crate::error::Error;
use crate::metrics::assessment::Terms;
use crate::metrics::means::{self, Network};
use crate::metrics::{Assessment, Interval, Measure, Spread};
use crate::store::{Run, Store, cases};
use crate::units::{interval, share};

/// Figures of some runs, by name.
pub struct Table {
    names: Vec<&'static str>,
    /// A row of figures a run.
    rows: Vec<Vec<Option<f64>>>,
    /// Of the mean, by name, where all runs answered the same images.
    intervals: Vec<(&'static str, Interval)>,
}

impl Table {
    /// What each run's test images scored.
    ///
    /// # Errors
    /// `Store` where the file cannot be read.
    pub fn of(store: &Store, runs: &[&Run]) -> Result<Self, Error> {
        let others = [means::AUC, "average_precision", means::SPECIFICITY_AT_SENSITIVITY_97, "brier", "ece"];
        let names = Measure::ALL.map(Measure::key).into_iter().chain(others).collect();
        let networks: Vec<Network> = runs.iter().map(|run| network(store, run)).collect::<Result<_, _>>()?;
        Ok(Self { names, rows: networks.iter().map(figures).collect(), intervals: means::intervals(&networks) })
    }

    /// One run's figures.
    pub fn row(&self, place: usize) -> Map<String, Value> {
        let figures = self.names.iter().zip(&self.rows[place]);
        figures.map(|(name, figure)| ((*name).to_owned(), json!(figure))).collect()
    }

    /// Of each figure, over all runs.
    pub fn spreads(&self) -> impl Iterator<Item = (&'static str, Option<Spread>)> {
        self.names.iter().enumerate().map(|(place, name)| (*name, Spread::of(self.rows.iter().map(|row| row[place]))))
    }

    /// Means and standard deviations by name.
    pub fn summary(&self) -> [Value; 2] {
        let of = |part: fn(Spread) -> Option<f64>| -> Map<String, Value> {
            self.spreads().map(|(name, spread)| (name.to_owned(), json!(spread.and_then(part)))).collect()
        };
        [of(|spread| Some(spread.mean)), of(|spread| spread.sd)].map(Value::Object)
    }

    /// 95 % intervals of the means by name.
    pub fn intervals(&self) -> Map<String, Value> {
        self.intervals.iter().map(|(name, interval)| ((*name).to_owned(), interval_json(Some(*interval)))).collect()
    }

    /// Means and standard deviations as lines, with the means' intervals where they have some.
    pub fn text(&self) -> String {
        let interval_of = |name: &str| self.intervals.iter().find(|(of, _)| *of == name).map(|(_, interval)| interval);
        let line = |(name, spread): (&str, Option<Spread>)| {
            let sd = spread.map_or_else(|| "–".to_owned(), |spread| share(spread.sd));
            let known = interval_of(name).map_or_else(String::new, |i| format!("   {}", interval(i.low, i.high)));
            format!("{:<30}{:>8}{sd:>11}{known}", name.replace('_', " "), share(spread.map(|spread| spread.mean)))
        };
        let head = format!("{:<30}{:>8}{:>11}", "", "mean", "deviation");
        let head = if self.intervals.is_empty() { head } else { head + "   95 % interval" };
        std::iter::once(head).chain(self.spreads().map(line)).collect::<Vec<_>>().join("\n")
    }
}

/// What a run answered for the test images.
fn network(store: &Store, run: &Run) -> Result<Network, Error> {
    Ok((cases(&store.answers(&run.started.id, Split::Test)?), run.threshold()))
}

fn figures((cases, threshold): &Network) -> Vec<Option<f64>> {
    let assessment = Assessment::quick(cases, Terms { threshold: *threshold, temperature: None, prevalence: None });
    let measures = Measure::ALL.map(|measure| assessment.measure(measure).map(|estimate| estimate.value));
    let others = [
        assessment.auc.map(|auc| auc.value),
        assessment.average_precision,
        assessment.specificity_at_sensitivity_97,
        assessment.calibration.brier,
        assessment.calibration.ece,
    ];
    measures.into_iter().chain(others).collect()
}
