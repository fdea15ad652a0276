//! Runs of one kind together: by a setting, or by all settings but the seed, with mean and deviation of their figures.

use std::collections::HashMap;
use std::fmt::Write as _;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Value as Json;

use super::column::{Column, Facts, done};
use super::figure::Figure;
use super::value::Value;
use crate::app::form::Field;
use crate::metrics::Spread;
use crate::store::{Run, RunState};

/// What runs of one group have in common.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Grouping {
    /// All settings but the seed, the data and the versions.
    ButSeed,
    By(Field),
}

impl Grouping {
    /// The choices, in their order.
    pub fn all() -> impl Iterator<Item = Self> {
        std::iter::once(Self::ButSeed).chain(Field::stored().map(Self::By))
    }

    #[must_use]
    pub fn label(self) -> String {
        match self {
            Self::ButSeed => "same settings but the seed".into(),
            Self::By(field) => field.label().0.into(),
        }
    }

    fn key(self) -> &'static str {
        match self {
            Self::ButSeed => "but_seed",
            Self::By(field) => Column::Setting(field).key(),
        }
    }
}

impl Serialize for Grouping {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.key())
    }
}

impl<'de> Deserialize<'de> for Grouping {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let key = String::deserialize(deserializer)?;
        let found = Self::all().find(|grouping| grouping.key() == key);
        found.ok_or_else(|| serde::de::Error::custom(format!("runs cannot be grouped by {key}")))
    }
}

/// Runs with something in common.
#[derive(Debug, Clone, PartialEq)]
pub struct Group {
    /// Tells it from the others.
    pub key: String,
    /// What its runs have in common.
    pub label: String,
    /// Places of its runs in the list of all, in the table's order.
    pub runs: Vec<usize>,
    /// Finished ones among them.
    pub finished: usize,
    /// Of each of [`Figure::ALL`], over those that have it.
    spreads: Vec<Option<Spread>>,
    /// Settings that are the same in all its runs.
    shared: Vec<Field>,
}

impl Group {
    #[must_use]
    pub fn spread(&self, figure: Figure) -> Option<Spread> {
        let place = Figure::ALL.iter().position(|known| *known == figure)?;
        self.spreads[place]
    }

    /// What all its runs have of a setting; `None` where they differ.
    #[must_use]
    pub fn shared(&self, field: Field, runs: &[Run]) -> Option<String> {
        let first = runs.get(*self.runs.first()?)?;
        self.shared.contains(&field).then(|| Column::Setting(field).text(first, &Facts::default()))
    }
}

/// The settings that all these runs share. Those of one recipe share all but what it leaves out.
fn shared(runs: &[Run], places: &[usize], grouping: Grouping) -> Vec<Field> {
    let facts = Facts::default();
    let same = |field: &Field| {
        let mut values = places.iter().map(|at| Column::Setting(*field).value(&runs[*at], &facts));
        let first = values.next();
        values.all(|value| Some(value) == first)
    };
    let is_given = |field: &Field| grouping == Grouping::ButSeed && !matches!(*field, Field::SEED | Field::KEEP_EPOCHS);
    Field::stored().filter(|field| is_given(field) || same(field)).collect()
}

/// Parts runs, given by their places in the list and in the table's order; the groups come in the order of their first
/// runs, or of their means where the table is sorted by a figure.
#[must_use]
pub fn group(runs: &[Run], order: &[usize], (grouping, sort): (Grouping, (Column, bool))) -> Vec<Group> {
    let mut places: HashMap<String, usize> = HashMap::new();
    let mut groups: Vec<Group> = Vec::new();
    for &at in order {
        let run = &runs[at];
        let key = key(run, grouping);
        let place = *places.entry(key).or_insert_with_key(|key| {
            let (key, label) = (key.clone(), label(run, grouping));
            groups.push(Group { key, label, runs: Vec::new(), finished: 0, spreads: Vec::new(), shared: Vec::new() });
            groups.len() - 1
        });
        groups[place].runs.push(at);
    }
    for group in &mut groups {
        let members = || group.runs.iter().map(|at| &runs[*at]);
        group.finished = members().filter(|run| run.state == RunState::Finished).count();
        let counted = counted(runs, &group.runs, grouping);
        let spread = |figure: Figure| Spread::of(counted.iter().filter_map(|run| figure.of(run)).map(Some));
        group.spreads = Figure::ALL.into_iter().map(spread).collect();
        group.shared = shared(runs, &group.runs, grouping);
    }
    if grouping == Grouping::ButSeed {
        say_what_differs(runs, &mut groups);
    }
    if let (Column::Figure(figure), descending) = sort {
        let mean = |group: &Group| group.spread(figure).map_or(Value::None, |spread| Value::Number(spread.mean));
        groups.sort_by(|a, b| mean(a).compare(&mean(b), descending));
    }
    groups
}

/// The runs that a group's mean and deviation are of: over seeds the newest finished run of each, as `runs groups` has it.
fn counted<'a>(runs: &'a [Run], group: &[usize], grouping: Grouping) -> Vec<&'a Run> {
    let mut members: Vec<&Run> = group.iter().map(|at| &runs[*at]).collect();
    if grouping == Grouping::ButSeed {
        members.retain(|run| run.state == RunState::Finished);
        members.sort_by(|a, b| (a.started.seed, &b.started_at).cmp(&(b.started.seed, &a.started_at)));
        members.dedup_by_key(|run| run.started.seed);
    }
    members
}

fn key(run: &Run, grouping: Grouping) -> String {
    let Grouping::By(field) = grouping else { return recipe(run) };
    Column::Setting(field).value(run, &Facts::default()).to_string()
}

/// All that decides a run's figures but for its seed.
fn recipe(run: &Run) -> String {
    let mut text = format!("{} {}", run.started.data_hash, run.started.versions);
    if let Some(settings) = run.started.config.as_object() {
        // What is left out decides, not that it was asked for: a list without images is as good as none.
        let decides = |key: &str| !["seed", "keep_epochs", "exclude_marked"].contains(&key);
        let is_empty = |value: &serde_json::Value| value.as_array().is_some_and(Vec::is_empty);
        for (key, value) in settings.iter().filter(|(key, value)| decides(key) && !is_empty(value)) {
            let _ = write!(text, " {key} {value}");
        }
    }
    text
}

fn label(run: &Run, grouping: Grouping) -> String {
    let Grouping::By(field) = grouping else { return String::new() };
    let value = Column::Setting(field).text(run, &Facts::default());
    format!("{} {value}", Column::Setting(field).title())
}

/// The images that a run was not trained on.
fn left_out(run: &Run) -> Option<&Vec<Json>> {
    run.started.config["excluded"].as_array()
}

/// Names groups by the settings in which they differ from each other.
fn say_what_differs(runs: &[Run], groups: &mut [Group]) {
    let facts = Facts::default();
    let columns = Field::stored().filter(|field| !matches!(*field, Field::SEED | Field::KEEP_EPOCHS));
    let columns = columns.map(Column::Setting).chain([Column::Data]);
    let firsts: Vec<&Run> = groups.iter().map(|group| &runs[group.runs[0]]).collect();
    let has = |column: &Column, run: &Run| match column {
        Column::Setting(field) => done(run, *field).to_string(),
        column => column.value(run, &facts).to_string(),
    };
    let differs = |column: &Column| firsts.windows(2).any(|pair| has(column, pair[0]) != has(column, pair[1]));
    let differing: Vec<Column> = columns.filter(differs).collect();
    let other_images = firsts.windows(2).any(|pair| left_out(pair[0]) != left_out(pair[1]));
    let labels: Vec<String> = firsts
        .iter()
        .map(|run| {
            let words = differing.iter().map(|column| format!("{} {}", column.title(), column.text(run, &facts)));
            let images = other_images.then(|| format!("left out {}", left_out(run).map_or(0, Vec::len)));
            let label = words.chain(images).collect::<Vec<_>>().join(", ");
            if label.is_empty() { "the same settings".to_owned() } else { label }
        })
        .collect();
    for (group, label) in groups.iter_mut().zip(labels) {
        group.label = label;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::sample;

    /// Two rates, of the first two seeds, and one run that failed.
    fn runs() -> Vec<Run> {
        let of = |number: usize, rate: f64, seed: u64| {
            let mut run = sample::run(number, RunState::Finished);
            run.started.config["learning_rate"] = rate.into();
            run.started.config["seed"] = seed.into();
            run.started.seed = seed;
            run.started.synthetic = false;
            run.started.data = "/home/ada/chest_xray".into();
            run
        };
        let failed = sample::run(4, RunState::Failed);
        let failed =
            Run { started: crate::store::NewRun { id: sample::run_id(4), ..of(4, 1e-3, 44).started }, ..failed };
        vec![of(1, 1e-3, 42), of(2, 1e-4, 42), of(3, 1e-3, 43), failed]
    }

    #[test]
    fn runs_that_differ_in_their_seed_alone_are_one_group_with_mean_and_deviation() {
        let runs = runs();
        let groups = group(&runs, &[3, 2, 1, 0], (Grouping::ButSeed, (Column::Started, true)));
        let said: Vec<_> =
            groups.iter().map(|group| (group.label.as_str(), group.runs.clone(), group.finished)).collect();
        assert_eq!(said, [("rate 0.001", vec![3, 2, 0], 2), ("rate 0.0001", vec![1], 1)]);
        let spread = groups[0].spread(Figure::Validation).unwrap();
        assert_eq!((spread.runs, format!("{:.3}", spread.mean)), (2, "0.920".into()), "the failed one has no figure");
        assert_eq!(groups[1].spread(Figure::Validation).unwrap().sd, None);
    }

    #[test]
    fn runs_that_left_out_other_images_are_of_different_groups_that_say_how_many() {
        let mut runs = runs();
        runs.truncate(3);
        for (run, list) in runs.iter_mut().zip([serde_json::json!(["0a", "0b"]), serde_json::json!(["0a"])]) {
            run.started.config["learning_rate"] = 1e-3.into();
            run.started.config["exclude_marked"] = true.into();
            run.started.config["excluded"] = list;
        }
        let by_images = |runs: &[Run]| {
            let groups = group(runs, &[0, 1, 2], (Grouping::ButSeed, (Column::Started, true)));
            groups.into_iter().map(|group| group.label).collect::<Vec<_>>()
        };
        let expected =
            ["exclude on, left out 2", "exclude on, left out 1", "exclude off, left out 0"].map(str::to_owned);
        assert_eq!(by_images(&runs), expected);
        runs[1].started.config["excluded"] = serde_json::json!(["0a", "0c"]);
        runs[2].started.config = runs[0].started.config.clone();
        assert_eq!(by_images(&runs), ["left out 2", "left out 2"], "as many, but other ones");
    }

    #[test]
    fn groups_are_in_the_order_of_their_means_where_the_table_is_sorted_by_a_figure() {
        let runs = runs();
        let by_time = |descending| {
            let sort = (Column::Figure(Figure::Time), descending);
            let groups = group(&runs, &[0, 1, 2, 3], (Grouping::By(Field::LEARNING_RATE), sort));
            groups.into_iter().map(|group| group.label).collect::<Vec<_>>()
        };
        assert_eq!(by_time(true), ["rate 0.001", "rate 0.0001"]);
        assert_eq!(by_time(false), ["rate 0.0001", "rate 0.001"]);
    }

    #[test]
    fn a_group_says_what_its_runs_share() {
        let runs = runs();
        let groups = group(&runs, &[0, 1, 2], (Grouping::By(Field::LEARNING_RATE), (Column::Started, true)));
        assert_eq!(groups[0].shared(Field::LEARNING_RATE, &runs).as_deref(), Some("0.001"));
        assert_eq!(groups[0].shared(Field::SEED, &runs), None);
    }
}
