//! The small language that says which runs are shown: words that must all hold, `acc>0.9 tag:baseline !crashed`.

use super::column::{Column, Facts, Kind};
use super::figure::Figure;
use super::value::Value;
use crate::app::query::{self, Comparison, Problem, Sign, Term};
use crate::store::{Run, RunState};

/// What must hold of a run; without any words all runs match.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Filter(Vec<Term<Test>>);

#[derive(Debug, Clone, PartialEq)]
enum Test {
    /// In its name, id, tags, note or state; in small letters.
    Anywhere(String),
    /// Undefined.
    Missing(Column),
    Switch(Column, bool),
    /// Holds this, or is this; in small letters.
    Words(Column, Sign, String),
    /// As an order of words.
    Time(Sign, String),
    /// With how far off still counts as equal.
    Number(Column, Sign, (f64, f64)),
}

impl Filter {
    /// Reads a filter.
    ///
    /// # Errors
    /// The first word that cannot be understood, with what could stand there.
    pub fn parse(text: &str) -> Result<Self, Problem> {
        query::parse(text, test).map(Self)
    }

    /// Whether a run is shown.
    #[must_use]
    pub fn matches(&self, run: &Run, facts: &Facts) -> bool {
        self.0.iter().all(|term| term.test.holds(run, facts) != term.negated)
    }

    /// Whether all runs match.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether it asks for a column.
    #[must_use]
    pub fn asks_for(&self, column: Column) -> bool {
        self.0.iter().any(|term| term.test.column() == Some(column))
    }
}

impl Test {
    const fn column(&self) -> Option<Column> {
        match self {
            Self::Anywhere(_) => None,
            Self::Time(..) => Some(Column::Started),
            Self::Missing(column) | Self::Switch(column, _) | Self::Words(column, ..) | Self::Number(column, ..) => {
                Some(*column)
            }
        }
    }

    fn holds(&self, run: &Run, facts: &Facts) -> bool {
        match self {
            Self::Anywhere(word) => is_anywhere(run, word),
            Self::Missing(column) => column.value(run, facts) == Value::None,
            Self::Switch(column, on) => column.value(run, facts) == Value::Truth(*on),
            Self::Words(Column::Tags, sign @ (Sign::Is | Sign::Not), word) => {
                run.tags.iter().any(|tag| tag.to_lowercase() == *word) != (*sign == Sign::Not)
            }
            Self::Words(Column::Data, sign, word) if "synthetic".starts_with(word.as_str()) => {
                run.started.synthetic != (*sign == Sign::Not)
            }
            Self::Words(column, sign, word) => sign.holds_for_words(&in_words(&column.value(run, facts)), word),
            Self::Time(sign, time) => {
                // A day holds all its minutes.
                let at = run.started_at.get(..time.len()).unwrap_or(&run.started_at);
                sign.holds(at.cmp(time))
            }
            Self::Number(column, sign, number) => {
                column.value(run, facts).number().is_some_and(|value| sign.holds_for_number(value, *number))
            }
        }
    }
}

/// In small letters; nothing where it is undefined.
fn in_words(value: &Value) -> String {
    if *value == Value::None { String::new() } else { value.to_string().to_lowercase() }
}

fn is_anywhere(run: &Run, word: &str) -> bool {
    let has = |text: &str| text.to_lowercase().contains(word);
    let of_state = run.state.name() == word || (word.len() > 2 && run.state.name().starts_with(word));
    of_state
        || has(&run.started.name)
        || run.started.id.starts_with(word)
        || run.tags.iter().any(|tag| has(tag))
        || run.note.as_deref().is_some_and(has)
}

fn test(at: usize, word: &str) -> Result<Test, Problem> {
    let Some(comparison) = Comparison::of(at, word) else { return Ok(bare(word)) };
    let (key, (sign_at, sign), (value_at, _)) = (comparison.key, comparison.sign, comparison.value);
    let Some(column) = Column::named(key) else {
        return Err(Problem { at, text: unknown(key) });
    };
    let value = comparison.plain_value();
    if value.is_empty() {
        return Err(Problem { at: value_at, text: format!("a value must stand here: {}", example(column)) });
    }
    if value.eq_ignore_ascii_case("none") && matches!(sign, Sign::Has | Sign::Is) {
        return Ok(Test::Missing(column));
    }
    if column == Column::State {
        known_state(&value).map_err(|text| Problem { at: value_at, text })?;
    }
    compared((column, sign), &value).map_err(|text| match text {
        Wrong::Value(text) => Problem { at: value_at, text },
        Wrong::Sign(text) => Problem { at: sign_at, text },
    })
}

/// A part of a state's name.
fn known_state(value: &str) -> Result<(), String> {
    let names = STATES.map(RunState::name);
    let value = value.to_lowercase();
    if names.iter().any(|name| name.contains(&value)) {
        return Ok(());
    }
    Err(format!("no run is ever so: a run is {}", names.join(", ")))
}

/// All that a run can be.
const STATES: [RunState; 5] =
    [RunState::Running, RunState::Finished, RunState::Stopped, RunState::Failed, RunState::Crashed];

/// What of a word cannot be understood.
enum Wrong {
    Sign(String),
    Value(String),
}

/// Words that ask for something by themselves.
pub const FLAGS: [&str; 5] = ["star", "starred", "mark", "marked", "synthetic"];

/// A word with nothing to compare by.
fn bare(word: &str) -> Test {
    match word {
        "star" | "starred" => Test::Switch(Column::Star, true),
        "mark" | "marked" => Test::Switch(Column::Mark, true),
        "synthetic" => Test::Words(Column::Data, Sign::Has, word.to_owned()),
        _ => Test::Anywhere(word.replace('"', "").to_lowercase()),
    }
}

fn unknown(key: &str) -> String {
    if key.is_empty() {
        return "a column must stand before this, as in acc>0.9".into();
    }
    let keys: Vec<&str> = Column::all().map(Column::key).collect();
    format!("there is no column {key}; there are {}", keys.join(" "))
}

fn example(column: Column) -> String {
    let (key, value) = match column.kind() {
        Kind::Switch => (":", "on"),
        Kind::Words => (":", "text"),
        Kind::Time => (">", "2026-11-30"),
        Kind::Number => (
            ">",
            match column {
                Column::Size => "100MB",
                Column::Figure(Figure::Time) => "10m",
                Column::Setting(_) | Column::Figure(Figure::Epochs | Figure::BestEpoch | Figure::Speed) => "5",
                _ => "0.9",
            },
        ),
    };
    format!("{}{key}{value}", column.key())
}

fn compared((column, sign): (Column, Sign), value: &str) -> Result<Test, Wrong> {
    match column.kind() {
        Kind::Number => number(column, value)
            .map(|number| Test::Number(column, sign, number))
            .ok_or_else(|| Wrong::Value(format!("{value:?} is no number: write {}", example(column)))),
        _ if sign.is_order() && column != Column::Started => {
            Err(Wrong::Sign(format!("{} is no number: compare it with : or =", column.key())))
        }
        Kind::Time => Ok(Test::Time(sign, value.to_uppercase())),
        Kind::Words => Ok(Test::Words(column, sign, value.to_lowercase())),
        Kind::Switch => match value.to_lowercase().as_str() {
            "on" | "yes" | "true" | "1" => Ok(Test::Switch(column, sign != Sign::Not)),
            "off" | "no" | "false" | "0" => Ok(Test::Switch(column, sign == Sign::Not)),
            _ => Err(Wrong::Value(format!("{value:?} is neither on nor off"))),
        },
    }
}

/// A number with its unit, and half of its last digit: as exact as it was typed is what equals it. Settings are exact.
fn number(column: Column, text: &str) -> Option<(f64, f64)> {
    let (plain, unit) = strip_unit(column, text);
    let (number, slack) = query::number(plain)?;
    let is_exact = matches!(column, Column::Setting(_)) || plain.contains(['e', 'E']);
    let slack = if is_exact { number.abs() * 1e-9 } else { slack };
    Some((number * unit, slack * unit))
}

fn strip_unit(column: Column, text: &str) -> (&str, f64) {
    let units: &[(&str, f64)] = match column {
        Column::Size => &[("kb", 1e3), ("mb", 1e6), ("gb", 1e9), ("k", 1e3), ("m", 1e6), ("g", 1e9), ("b", 1.0)],
        Column::Figure(Figure::Time) => &[("s", 1.0), ("m", 60.0), ("h", 3600.0)],
        _ => &[("%", 0.01)],
    };
    let ends = |unit: &str| {
        let at = text.len().checked_sub(unit.len())?;
        let end = text.get(at..)?;
        end.eq_ignore_ascii_case(unit).then(|| &text[..at])
    };
    units.iter().find_map(|(unit, factor)| Some((ends(unit)?, *factor))).unwrap_or((text, 1.0))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::sample;
    use proptest::prelude::*;

    /// Names of those of the sample's five runs that match.
    fn found(text: &str) -> Vec<String> {
        let filter = Filter::parse(text).unwrap_or_else(|problem| panic!("{text}: {problem:?}"));
        let mut facts = Facts::default();
        facts.sizes.insert(sample::run_id(2), 45_000_000);
        facts.marks.set(&sample::run_id(4), true);
        let matching = labelled().into_iter().filter(|run| filter.matches(run, &facts));
        matching.map(|run| run.started.name.replace("run-", "")).collect()
    }

    /// Finished, stopped, crashed, failed, finished; accuracy 0.91, 0.92, 0.93, none, 0.95.
    fn labelled() -> Vec<Run> {
        let states = [RunState::Finished, RunState::Stopped, RunState::Crashed, RunState::Failed, RunState::Finished];
        let mut runs: Vec<Run> = (1..).zip(states).map(|(number, state)| sample::run(number, state)).collect();
        runs[0].tags = vec!["baseline".into(), "wide".into()];
        runs[0].starred = true;
        runs[1].note = Some("The first try\nwith more".into());
        runs[2].started.config["learning_rate"] = 1e-4.into();
        runs
    }

    #[test]
    fn every_word_must_hold() {
        for (text, expected) in [
            ("", "1 2 3 4 5"),
            ("acc>0.92", "3 5"),
            ("acc>=0.92", "2 3 5"),
            ("acc>92%", "3 5"),
            ("acc>0.92 !crashed", "5"),
            ("!acc>0.92", "1 2 4"),
            ("acc:none", "4"),
            ("lr:1e-4", "3"),
            ("lr=0.0001", "3"),
            ("lr=1e-3", "1 2 4 5"),
            ("lr!=1e-3", "3"),
            ("epochs>=5", "1 5"),
            ("state:finished", "1 5"),
            ("state=finish", ""),
            ("crash", "3"),
            ("tag:baseline", "1"),
            ("tag=wide", "1"),
            ("tag=wid", ""),
            ("tag:wid", "1"),
            ("name:RUN-5", "5"),
            ("star", "1"),
            ("!star", "2 3 4 5"),
            ("star:no", "2 3 4 5"),
            ("marked", "4"),
            ("\"first try\"", "2"),
            ("note:\"first try\"", "2"),
            ("note:none", "1 3 4 5"),
            ("seed:42", "1 2 3 4 5"),
            ("seed<42", ""),
            ("size>40MB", "2"),
            ("size:45MB", "2"),
            ("time>=40m", "4 5"),
            ("time>0.5h", "3 4 5"),
            ("test_acc=0.9", "1 5"),
            ("sens>0.9 spec<0.9 f1>0.9", "1 5"),
            ("data:synthetic", "1 3 5"),
            ("data:ada/chest", "2 4"),
            ("synthetic", "1 3 5"),
            ("started>=2026-11-05", "4 5"),
            ("started:2026-11-05", "4"),
            ("started<2026-11-03T09", "1"),
            ("flip:on", "1 2 3 4 5"),
            ("threshold:half", "1 2 3 4 5"),
            ("!!star", "1"),
        ] {
            let expected: Vec<&str> = expected.split_whitespace().collect();
            assert_eq!(found(text), expected, "{text:?}");
        }
    }

    #[test]
    fn what_is_no_filter_is_said_at_its_place() {
        for (text, at, says) in [
            ("acc>0.9 colour:red", 8, "there is no column colour; there are star"),
            ("acc>", 4, "a value must stand here: val_acc>0.9"),
            ("star !", 5, "after the !"),
            ("epochs>many", 7, "\"many\" is no number: write epochs>5"),
            ("name>a", 4, "compare it with : or ="),
            ("flip:maybe", 5, "neither on nor off"),
            (">0.9", 0, "a column must stand before"),
            ("肺 note:\"open", 9, "not closed"),
            ("lr>NaN", 3, "is no number"),
            ("size>50%MB", 5, "is no number"),
        ] {
            let problem = Filter::parse(text).unwrap_err();
            assert!(problem.text.contains(says) && problem.at == at, "{text:?}: {problem:?}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_a_filter_or_a_problem_within_it(text in r#"([a-z_]{1,9}|[!:=<>"% 0-9.肺é-]|acc>|lr:|size<|note:"|time>=|\PC){0,12}"#) {
            match Filter::parse(&text) {
                Ok(filter) => prop_assert!(labelled().iter().filter(|run| filter.matches(run, &Facts::default())).count() <= 5),
                Err(problem) => prop_assert!(text.is_char_boundary(problem.at), "{problem:?}"),
            }
        }

        #[test]
        fn a_word_and_its_negation_part_all_runs(word in r"(acc|lr|size|name|state|f1|star|tag|started)(:|=|<|>=)(0\.9|on|run|5)") {
            if let (Ok(one), Ok(other)) = (Filter::parse(&word), Filter::parse(&format!("!{word}"))) {
                for run in labelled() {
                    prop_assert!(one.matches(&run, &Facts::default()) != other.matches(&run, &Facts::default()));
                }
            }
        }
    }
}
