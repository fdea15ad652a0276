//! Figures of runs that ought to give the same, with mean and standard deviation.

use serde_json::{Map, Value, json};

use crate::dataset::Split;
use crate::error::Error;
use crate::metrics::assessment::Terms;
use crate::metrics::{Assessment, Measure, Spread};
use crate::store::{Run, Store, cases};
use crate::units::share;

/// Figures of some runs, by name.
pub struct Table {
    names: Vec<&'static str>,
    /// A row of figures a run.
    rows: Vec<Vec<Option<f64>>>,
}

impl Table {
    /// What each run's test images scored.
    ///
    /// # Errors
    /// `Store` where the file cannot be read.
    pub fn of(store: &Store, runs: &[&Run]) -> Result<Self, Error> {
        let names = Measure::ALL.map(Measure::key).into_iter().chain(["auc", "average_precision", "brier"]).collect();
        let rows = runs.iter().map(|run| figures(store, run)).collect::<Result<_, _>>()?;
        Ok(Self { names, rows })
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

    /// Means and standard deviations as lines.
    pub fn text(&self) -> String {
        let line = |(name, spread): (&str, Option<Spread>)| {
            let name = name.replace('_', " ");
            let sd = spread.map_or_else(|| "–".to_owned(), |spread| share(spread.sd));
            format!("{name:<20}{:>8}{sd:>10}", share(spread.map(|spread| spread.mean)))
        };
        let head = format!("{:<20}{:>8}{:>10}", "", "mean", "deviation");
        std::iter::once(head).chain(self.spreads().map(line)).collect::<Vec<_>>().join("\n")
    }
}

fn figures(store: &Store, run: &Run) -> Result<Vec<Option<f64>>, Error> {
    let answers = store.answers(&run.started.id, Split::Test)?;
    let terms = Terms { threshold: run.threshold(), temperature: None, prevalence: None };
    let assessment = Assessment::quick(&cases(&answers), terms);
    let measures = Measure::ALL.map(|measure| assessment.measure(measure).map(|estimate| estimate.value));
    let others = [assessment.auc.map(|auc| auc.value), assessment.average_precision, assessment.calibration.brier];
    Ok(measures.into_iter().chain(others).collect())
}
