//! The columns of the table of runs: what each says of a run, as a value and as text.

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::LazyLock;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::{Value as Json, json};

use super::figure::Figure;
use super::marks::Marks;
use super::value::Value;
use crate::app::form::Field;
use crate::store::{Run, RunState};
use crate::train::TrainConfig;
use crate::train::setting::{self, Step};
use crate::units::bytes;

/// A column of the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Column {
    Star,
    Mark,
    Name,
    Id,
    State,
    Data,
    Started,
    Tags,
    Note,
    /// Bytes on disk.
    Size,
    Setting(Field),
    Figure(Figure),
}

/// What is known of runs beside what the store's list says.
#[derive(Debug, Clone, Default)]
pub struct Facts {
    /// Bytes on disk by run id, as far as they were asked for.
    pub sizes: HashMap<String, u64>,
    pub marks: Marks,
    /// The champion's run and version, where there is one.
    pub champion: Option<(String, i64)>,
}

impl Facts {
    /// The version of the model that a run is the champion as.
    #[must_use]
    pub fn champion_version(&self, run: &Run) -> Option<i64> {
        let (run_id, version) = self.champion.as_ref()?;
        (*run_id == run.started.id).then_some(*version)
    }
}

/// Other words for columns, as people and this program's JSON have them, beside the full names of settings.
pub const ALIASES: [(&str, &str); 18] = [
    ("tag", "tags"),
    ("notes", "note"),
    ("run_id", "id"),
    ("rate", "lr"),
    ("acc", "val_acc"),
    ("val", "val_acc"),
    ("best_val_accuracy", "val_acc"),
    ("test", "test_acc"),
    ("test_accuracy", "test_acc"),
    ("test_precision", "precision"),
    ("sensitivity", "sens"),
    ("recall", "sens"),
    ("specificity", "spec"),
    ("test_f1", "f1"),
    ("loss", "test_loss"),
    ("images_per_second", "speed"),
    ("seconds", "time"),
    ("epochs_done", "epochs"),
];

/// What kind of value a column has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Words,
    /// Words that sort as times do.
    Time,
    Number,
    Switch,
}

impl Column {
    /// What says which run it is.
    const IDENTITY: [Self; 10] = [
        Self::Star,
        Self::Mark,
        Self::Name,
        Self::Id,
        Self::State,
        Self::Data,
        Self::Started,
        Self::Tags,
        Self::Note,
        Self::Size,
    ];

    /// All there are: identity, settings, figures.
    pub fn all() -> impl Iterator<Item = Self> {
        let settings = Field::stored().map(Self::Setting);
        Self::IDENTITY.into_iter().chain(settings).chain(Figure::ALL.into_iter().map(Self::Figure))
    }

    /// What filter, command line and files call it.
    #[must_use]
    pub const fn key(self) -> &'static str {
        match self {
            Self::Star => "star",
            Self::Mark => "mark",
            Self::Name => "name",
            Self::Id => "id",
            Self::State => "state",
            Self::Data => "data",
            Self::Started => "started",
            Self::Tags => "tags",
            Self::Note => "note",
            Self::Size => "size",
            Self::Setting(field) => field.setting().column,
            Self::Figure(figure) => figure.key(),
        }
    }

    /// The column of that key, or of another word that people use for it.
    #[must_use]
    pub fn named(word: &str) -> Option<Self> {
        let word = word.to_lowercase();
        let key = ALIASES.iter().find(|(alias, _)| *alias == word).map_or(word.as_str(), |(_, key)| *key);
        let setting = |word: &str| Field::stored().find(|field| field.setting().name == word);
        Self::all().find(|column| column.key() == key).or_else(|| setting(&word).map(Self::Setting))
    }

    /// Over the column, with its unit where that is not told by the values.
    #[must_use]
    pub const fn title(self) -> &'static str {
        match self {
            Self::Star => "★",
            Self::Mark => "◆",
            Self::Started => "started (UTC)",
            Self::Size => "on disk",
            Self::Setting(field) => match field {
                Field::LEARNING_RATE => "rate",
                Field::VALIDATION_FRACTION => "val. part",
                Field::BRIGHTNESS => "bright.",
                _ => field.setting().column,
            },
            Self::Figure(figure) => figure.title(),
            _ => self.key(),
        }
    }

    /// In the list of columns.
    #[must_use]
    pub fn label(self) -> String {
        match self {
            Self::Star => "star".into(),
            Self::Mark => "mark".into(),
            Self::Setting(field) => {
                let (name, unit) = field.label();
                format!("{name}  {unit}").trim_end().to_owned()
            }
            Self::Figure(figure) => figure.label().into(),
            _ => self.title().into(),
        }
    }

    #[must_use]
    pub const fn kind(self) -> Kind {
        match self {
            Self::Star | Self::Mark => Kind::Switch,
            Self::Started => Kind::Time,
            Self::Name | Self::Id | Self::State | Self::Data | Self::Tags | Self::Note => Kind::Words,
            Self::Size | Self::Figure(_) => Kind::Number,
            Self::Setting(field) => match field.setting().kind() {
                setting::Kind::Whole | setting::Kind::Number => Kind::Number,
                setting::Kind::Switch => Kind::Switch,
                setting::Kind::Word => Kind::Words,
            },
        }
    }

    /// What it says of a run.
    #[must_use]
    pub fn value<'a>(self, run: &'a Run, facts: &Facts) -> Value<'a> {
        let words = |text: &'a str| Value::Text(Cow::Borrowed(text));
        match self {
            Self::Star => Value::Truth(run.starred),
            Self::Mark => Value::Truth(facts.marks.place_of(&run.started.id).is_some()),
            Self::Name => words(&run.started.name),
            Self::Id => words(&run.started.id),
            Self::State => words(run.state.name()),
            Self::Data => Value::Text(run.started.data.to_string_lossy()),
            Self::Started => words(&run.started_at),
            Self::Tags if run.tags.is_empty() => Value::None,
            Self::Tags => Value::Text(run.tags.join(" ").into()),
            Self::Note => run.note.as_deref().map_or(Value::None, words),
            Self::Size => facts.sizes.get(&run.started.id).map_or(Value::None, |size| Value::Whole(*size)),
            Self::Setting(Field::SEED) => Value::Whole(run.started.seed),
            Self::Setting(field) => stored(&run.started.config, field).map_or(Value::None, of_json),
            Self::Figure(figure) => figure.of(run).map_or(Value::None, Value::Number),
        }
    }

    /// What it says of a run, for reading.
    #[must_use]
    pub fn text(self, run: &Run, facts: &Facts) -> String {
        match (self, self.value(run, facts)) {
            (Self::Star, value) => if value == Value::Truth(true) { "★" } else { "" }.into(),
            (Self::Mark, value) => if value == Value::Truth(true) { "◆" } else { "" }.into(),
            (Self::State, _) => state_text(run.state),
            (Self::Data, _) if run.started.synthetic => "SYNTHETIC".into(),
            (Self::Data, _) => run.started.data.file_name().unwrap_or_default().to_string_lossy().into_owned(),
            (Self::Started, _) => minute(&run.started_at),
            (Self::Size, Value::Whole(size)) => bytes(size),
            (Self::Tags | Self::Note, Value::None) => String::new(),
            (Self::Note, value) => value.to_string().lines().collect::<Vec<_>>().join(" "),
            (Self::Figure(figure), value) => figure.text_of(run, value.number()),
            (_, value) => value.to_string(),
        }
    }

    /// Sorted by it for the first time, whether the largest comes first.
    #[must_use]
    pub const fn starts_descending(self) -> bool {
        !matches!(self.kind(), Kind::Words) && !matches!(self, Self::Setting(_) | Self::Figure(Figure::Loss))
    }

    /// Cells across; with `spread` where means and deviations stand in it.
    #[must_use]
    pub const fn width(self, spread: bool) -> usize {
        match self {
            Self::Star | Self::Mark => 1,
            Self::Name | Self::Id => 12,
            Self::State | Self::Data => 10,
            Self::Started | Self::Tags => 16,
            Self::Note => 24,
            Self::Size => 9,
            Self::Setting(field) => setting_width(field),
            Self::Figure(figure) => figure.width(spread),
        }
    }

    /// Whether it stays where it is while the others are shifted.
    #[must_use]
    pub const fn is_fixed(self) -> bool {
        matches!(self, Self::Star | Self::Mark | Self::Name)
    }

    #[must_use]
    pub const fn is_number(self) -> bool {
        matches!(self.kind(), Kind::Number)
    }
}

/// A date and time to the minute.
fn minute(at: &str) -> String {
    at.chars().take(16).map(|letter| if letter == 'T' { ' ' } else { letter }).collect()
}

/// A state with its sign.
#[must_use]
pub fn state_text(state: RunState) -> String {
    let sign = match state {
        RunState::Running => "●",
        RunState::Finished => "✓",
        RunState::Stopped => "◌",
        RunState::Failed | RunState::Crashed => "✗",
    };
    format!("{sign} {}", state.name())
}

/// Cells across of a setting: at least its key with the arrow of the order, or its usual words.
const fn setting_width(field: Field) -> usize {
    let with_arrow = field.setting().column.len() + 1;
    let least = match field {
        Field::VALIDATION_FRACTION => return 10,
        Field::THRESHOLD | Field::PRETRAINED => 16,
        Field::LEARNING_RATE => 9,
        Field::EPOCHS | Field::ENGINE => 8,
        Field::BRIGHTNESS => return 8,
        _ => match field.setting().step {
            Step::Words(_) => 10,
            _ => 7,
        },
    };
    if with_arrow > least { with_arrow } else { least }
}

/// Where a run's settings have it. Reading it there spares turning thousands of runs' settings into records.
fn stored(config: &Json, field: Field) -> Option<&Json> {
    config.pointer(field.setting().pointer)
}

fn of_json(value: &Json) -> Value<'_> {
    match value {
        Json::Bool(on) => Value::Truth(*on),
        Json::Number(number) => match (number.as_u64(), number.as_f64()) {
            (Some(whole), _) => Value::Whole(whole),
            (None, number) => number.map_or(Value::None, Value::Number),
        },
        Json::String(text) => Value::Text(Cow::Borrowed(text)),
        _ => Value::None,
    }
}

/// What a run did by a setting, be it that its program had no such setting: then it did what a record without it means.
pub(super) fn done(run: &Run, field: Field) -> Value<'_> {
    static WITHOUT: LazyLock<Json> =
        LazyLock::new(|| json!(serde_json::from_value::<TrainConfig>(json!({})).unwrap_or_default()));
    // Of another program's run nothing is known but what it says.
    let without = || if run.started.is_foreign() { None } else { stored(&WITHOUT, field) };
    stored(&run.started.config, field).or_else(without).map_or(Value::None, of_json)
}

impl Serialize for Column {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.key())
    }
}

impl<'de> Deserialize<'de> for Column {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let key = String::deserialize(deserializer)?;
        Self::named(&key).ok_or_else(|| serde::de::Error::custom(format!("there is no column {key}")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::sample;

    #[test]
    fn every_column_has_a_key_of_its_own_and_is_found_by_it() {
        for column in Column::all() {
            assert_eq!(Column::named(column.key()), Some(column));
            let width = unicode_width::UnicodeWidthStr::width(column.title());
            assert!(width < column.width(false) || column.width(false) == 1, "{column:?} has no room for its arrow");
        }
    }

    #[test]
    fn a_setting_has_a_short_key_and_its_full_name() {
        for (name, key) in [("learning_rate", "lr"), ("image_size", "pixels"), ("warmup_epochs", "warmup")] {
            assert_eq!(Column::named(name).unwrap().key(), key);
        }
        for field in Field::stored().filter(|field| *field != Field::EPOCHS) {
            assert_eq!(Column::named(field.setting().name), Some(Column::Setting(field)));
        }
        assert_eq!(Column::named("epochs"), Some(Column::Figure(Figure::Epochs)), "those that were done");
    }

    #[test]
    fn a_run_is_said_in_words_and_in_numbers() {
        let (run, facts) = (sample::run(5, RunState::Finished), Facts::default());
        let said = |key: &str| Column::named(key).unwrap().text(&run, &facts);
        let expected = [
            ("name", "run-5"),
            ("state", "✓ finished"),
            ("data", "SYNTHETIC"),
            ("started", "2026-11-06 09:30"),
            ("lr", "0.001"),
            ("flip", "on"),
            ("threshold", "half"),
            ("pretrained", "–"),
            ("epochs", "10/10"),
            ("acc", "0.950"),
            ("test_acc", "0.901"),
            ("time", "51m 15s"),
            ("size", "–"),
            ("tags", ""),
        ];
        for (key, text) in expected {
            assert_eq!(said(key), text, "{key}");
        }
    }

    #[test]
    fn a_setting_that_an_older_program_did_not_have_is_not_made_up() {
        let mut run = sample::run(5, RunState::Finished);
        run.started.config = serde_json::json!({"epochs": 3});
        assert_eq!(Column::Setting(Field::ENGINE).value(&run, &Facts::default()), Value::None);
        assert_eq!(Column::Setting(Field::ROTATION).value(&run, &Facts::default()), Value::None);
        assert_eq!(done(&run, Field::ENGINE), Value::Text("plain".into()), "but it did what it did");
        assert_eq!(done(&run, Field::EPOCHS), Value::Whole(3));
    }
}
