//! Figures of runs that ought to give the same, with mean and standard deviation.

use serde_json::{Map, Value, json};

use super::assessment::interval_json;
use crate::dataset::{Class, Split};
use crate::error::Error;
use crate::metrics::means::{self, Network, Row};
use crate::metrics::{Interval, Spread};
use crate::store::{Answer, Run, Store, cases};
use crate::units::{interval, share};

/// Figures of some runs.
pub struct Table {
    /// A row a run.
    rows: Vec<Row>,
    /// Of the means, where all runs answered the same images and that is asked for.
    intervals: Vec<Option<Interval>>,
}

impl Table {
    /// What each run's test images scored.
    ///
    /// # Errors
    /// `Store` where the file cannot be read.
    pub fn of(store: &Store, runs: &[&Run]) -> Result<Self, Error> {
        let rows = runs.iter().map(|run| Ok(means::figures(&network(run, &answers(store, run)?))));
        Ok(Self { rows: rows.collect::<Result<_, Error>>()?, intervals: Vec::new() })
    }

    /// The same, and how far the means are known, of runs that answered the same test images.
    ///
    /// # Errors
    /// `Store` where the file cannot be read.
    pub fn with_intervals(store: &Store, runs: &[&Run]) -> Result<Self, Error> {
        let answers: Vec<_> = runs.iter().map(|run| answers(store, run)).collect::<Result<_, _>>()?;
        let networks: Vec<Network> = runs.iter().zip(&answers).map(|(run, answers)| network(run, answers)).collect();
        let is_of_one_list = answers.windows(2).all(|pair| images(&pair[0]).eq(images(&pair[1])));
        let intervals = if is_of_one_list { means::intervals(&networks).to_vec() } else { Vec::new() };
        Ok(Self { rows: networks.iter().map(means::figures).collect(), intervals })
    }

    /// One run's figures.
    pub fn row(&self, place: usize) -> Map<String, Value> {
        self.rows[place].iter().map(|(name, figure)| ((*name).to_owned(), json!(figure))).collect()
    }

    /// Of each figure, over all runs.
    pub fn spreads(&self) -> impl Iterator<Item = (&'static str, Option<Spread>)> {
        let names = self.rows.first().into_iter().flatten().map(|(name, _)| *name);
        names.enumerate().map(|(place, name)| (name, Spread::of(self.rows.iter().map(|row| row[place].1))))
    }

    /// Means and standard deviations by name.
    pub fn summary(&self) -> [Value; 2] {
        let of = |part: fn(Spread) -> Option<f64>| -> Map<String, Value> {
            self.spreads().map(|(name, spread)| (name.to_owned(), json!(spread.and_then(part)))).collect()
        };
        [of(|spread| Some(spread.mean)), of(|spread| spread.sd)].map(Value::Object)
    }

    /// Intervals of the means by name; none where the runs answered other images.
    pub fn intervals(&self) -> Map<String, Value> {
        let known = self.spreads().zip(&self.intervals);
        known.map(|((name, _), interval)| (name.to_owned(), interval_json(*interval))).collect()
    }

    /// Means and standard deviations as lines, with the means' intervals where they are known.
    pub fn text(&self) -> String {
        let line = |(place, (name, spread)): (usize, (&str, Option<Spread>))| {
            let [mean, sd] = [spread.map(|spread| spread.mean), spread.and_then(|spread| spread.sd)].map(share);
            let known = self.intervals.get(place).copied().flatten();
            let known = known.map_or_else(String::new, |i| format!("   {}", interval(i.low, i.high)));
            format!("{:<30}{mean:>8}{sd:>11}{known}", name.replace('_', " "))
        };
        let head = format!("{:<30}{:>8}{:>11}", "", "mean", "deviation");
        let head = if self.intervals.is_empty() { head } else { head + "   95 %, other patients" };
        std::iter::once(head).chain(self.spreads().enumerate().map(line)).collect::<Vec<_>>().join("\n")
    }
}

fn answers(store: &Store, run: &Run) -> Result<Vec<Answer>, Error> {
    store.answers(&run.started.id, Split::Test)
}

fn network(run: &Run, answers: &[Answer]) -> Network {
    (cases(answers), run.threshold())
}

fn images(answers: &[Answer]) -> impl Iterator<Item = (&str, Class)> {
    answers.iter().map(|answer| (&*answer.file, answer.truth))
}
