//! A model card as data: what both files say, in order, without a word on how they look.

use super::chart::Chart;
use super::material::Material;
use super::{checklist, curves, data, limits, mistakes, origin, recipe, summary};
use crate::store::Run;
use crate::units::share;

/// On top of every card.
pub const WARNING: &str = "Research use only, not for clinical use";

/// A run's model card.
#[derive(Debug, Clone, PartialEq)]
pub struct Card {
    pub run_id: String,
    /// The run's name.
    pub name: String,
    /// Id, state and dates.
    pub facts: Facts,
    /// The data are computed, not of people.
    pub synthetic: bool,
    pub sections: Vec<Section>,
}

/// A heading and what stands below it.
#[derive(Debug, Clone, PartialEq)]
pub struct Section {
    pub title: &'static str,
    pub blocks: Vec<Block>,
}

/// What a section is made of.
#[derive(Debug, Clone, PartialEq)]
pub enum Block {
    Heading(&'static str),
    Text(String),
    /// A reason for doubt.
    Alarm(String),
    Facts(Facts),
    Table(Table),
    List(Vec<String>),
    /// A line for a shell.
    Command(String),
    Charts(Vec<Chart>),
    Pictures(Vec<Picture>),
}

/// Names and their values.
pub type Facts = Vec<(&'static str, String)>;

/// Rows under named columns; the first cell of a row is its name.
#[derive(Debug, Clone, PartialEq)]
pub struct Table {
    pub caption: String,
    pub columns: Vec<Column>,
    pub rows: Vec<Vec<String>>,
}

/// A column's name and whether it holds numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Column {
    pub name: &'static str,
    pub number: bool,
}

/// An image with what the network made of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Picture {
    /// Path below the data set's root.
    pub file: String,
    pub truth: &'static str,
    pub called: &'static str,
    /// Of PNEUMONIA.
    pub probability: Option<f64>,
    /// PNG, or why there is none.
    pub png: Result<Vec<u8>, &'static str>,
}

/// A column of words.
pub const fn words(name: &'static str) -> Column {
    Column { name, number: false }
}

/// A column of numbers.
pub const fn number(name: &'static str) -> Column {
    Column { name, number: true }
}

/// Said where the folds of a cross-validation have what it has not.
pub const SEE_PARTS: &str = "Each part is a run of its own: see its card.";

/// What is not known.
pub const UNKNOWN: &str = "–";

/// What is known, else a dash.
pub fn known(value: Option<impl ToString>) -> String {
    value.map_or_else(|| UNKNOWN.into(), |value| value.to_string())
}

/// A figure with three decimals; a dash where it is undefined or no number.
pub fn figure(value: Option<f64>) -> String {
    share(value.filter(|value| value.is_finite()))
}

/// Pictures without the pictures.
pub fn listed(pictures: &[Picture]) -> Table {
    let row = |picture: &Picture| {
        vec![picture.file.clone(), picture.truth.into(), picture.called.into(), figure(picture.probability)]
    };
    Table {
        caption: "Test images that were called wrong".into(),
        columns: vec![words("image"), words("truth"), words("called"), number("probability of PNEUMONIA")],
        rows: pictures.iter().map(row).collect(),
    }
}

impl Card {
    #[must_use]
    pub fn of(material: &Material) -> Self {
        let run = &material.run;
        Self {
            run_id: run.started.id.clone(),
            name: run.started.name.clone(),
            facts: head(run, material.parent.as_deref()),
            synthetic: run.started.synthetic,
            sections: vec![
                summary::section(material),
                data::section(material),
                data::split_section(material),
                recipe::section(material),
                curves::section(material),
                mistakes::section(material),
                origin::section(material),
                limits::section(material),
                checklist::section(material),
            ],
        }
    }
}

fn head(run: &Run, parent: Option<&str>) -> Facts {
    let mut facts = vec![
        ("run", run.started.id.clone()),
        ("state", run.state.name().to_owned()),
        ("started", moment(&run.started_at)),
        ("ended", run.ended_at.as_deref().map_or_else(|| UNKNOWN.into(), moment)),
    ];
    facts.extend(parent.map(|parent| ("part of", parent.to_owned())));
    facts
}

/// RFC 3339 in UTC, to the minute, for people.
pub fn moment(text: &str) -> String {
    match (text.get(..10), text.get(11..16), text.ends_with('Z')) {
        (Some(day), Some(time), true) => format!("{day} {time} UTC"),
        _ => text.to_owned(),
    }
}
