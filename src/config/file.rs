//! The configuration file: what can stand in it, and what is said where something else does.

use std::collections::BTreeMap;
use std::io::ErrorKind;
use std::ops::Range;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use toml::de::{DeTable, DeValue};

use super::recipe::Recipe;
use super::words::{Ascii, Cells, Colours, Graphics, Isa, Notify, Theme};
use super::{Keys, MOST_THREADS};
use crate::error::{Error, Result};
use crate::train::TrainConfig;

/// A configuration file that was read.
#[derive(Debug, Clone, PartialEq)]
pub struct File {
    pub path: PathBuf,
    text: String,
    pub contents: Contents,
}

/// What the file says; `None` where it says nothing.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Contents {
    pub data: Option<PathBuf>,
    pub db: Option<PathBuf>,
    /// 0 is one a core.
    pub threads: Option<u16>,
    pub isa: Option<Isa>,
    pub cache: Option<PathBuf>,
    pub screen: Screen,
    pub train: Recipe,
    pub mlflow: Mlflow,
    keys: BTreeMap<String, BTreeMap<String, Strokes>>,
}

/// `[screen]`.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Screen {
    pub theme: Option<Theme>,
    pub colours: Option<Colours>,
    pub ascii: Option<Ascii>,
    pub mouse: Option<bool>,
    pub notify: Option<Notify>,
    pub graphics: Option<Graphics>,
    pub cells: Option<Cells>,
}

/// `[mlflow]`.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Mlflow {
    pub uri: Option<String>,
    pub experiment: Option<String>,
    pub mirror: Option<bool>,
    pub model: Option<String>,
}

/// The keys of an action.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(untagged, expecting = "must be a key as a string, \"s\" or \"ctrl-s\", or a list of them")]
enum Strokes {
    One(String),
    Many(Vec<String>),
}

impl Contents {
    /// The remapped keys.
    #[must_use]
    pub fn keys(&self) -> Keys {
        let strokes = |strokes: &Strokes| match strokes {
            Strokes::One(key) => vec![key.clone()],
            Strokes::Many(keys) => keys.clone(),
        };
        let table = |actions: &BTreeMap<String, Strokes>| {
            actions.iter().map(|(action, keys)| (action.clone(), strokes(keys))).collect()
        };
        self.keys.iter().map(|(place, actions)| (place.clone(), table(actions))).collect()
    }
}

impl File {
    /// Reads the file at `path`; `None` where there is none.
    ///
    /// # Errors
    /// `Config` with line and column of what is wrong in it, `Io` where it cannot be read.
    pub fn read(path: &Path) -> Result<Option<Self>> {
        match std::fs::read(path) {
            Ok(bytes) => Self::parse(path, &bytes).map(Some),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(Error::io("read", path, error)),
        }
    }

    fn parse(path: &Path, bytes: &[u8]) -> Result<Self> {
        let text = std::str::from_utf8(bytes).map_err(|error| {
            let read = String::from_utf8_lossy(&bytes[..error.valid_up_to()]);
            wrong((path, &read), read.len(), "is no UTF-8 from here on: save the file as UTF-8")
        })?;
        // Editors of some systems begin a file so.
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        let contents = toml::from_str(text).map_err(|error| explain((path, text), &error))?;
        let file = Self { path: path.to_owned(), text: text.to_owned(), contents };
        file.check()?;
        Ok(file)
    }

    /// Checks the ranges of numbers.
    fn check(&self) -> Result<()> {
        if self.contents.threads.is_some_and(|threads| threads > MOST_THREADS) {
            return Err(self.problem(&["threads"], &format!("must be 0 (one a core) to {MOST_THREADS}")));
        }
        match self.contents.train.over(&TrainConfig::default()).validate() {
            Err(Error::BadSetting { setting, problem }) => {
                Err(self.problem(&["train", &setting.replace(' ', "_")], &problem))
            }
            other => other,
        }
    }

    /// An error about the value at `path`, the names of its tables and its own: `["keys", "runs", "sort"]`.
    #[must_use]
    pub fn problem(&self, path: &[&str], problem: &str) -> Error {
        let parsed = DeTable::parse(&self.text).ok();
        let at = parsed.and_then(|table| span(table.get_ref(), path)).map_or(0, |span| span.start);
        wrong((&self.path, &self.text), at, &format!("{}: {problem}", path.join(".")))
    }
}

/// Where the value at `path` stands.
fn span(table: &DeTable, path: &[&str]) -> Option<Range<usize>> {
    let (first, rest) = path.split_first()?;
    let (_, value) = table.iter().find(|(key, _)| key.get_ref() == first)?;
    match value.get_ref() {
        DeValue::Table(inner) if !rest.is_empty() => span(inner, rest),
        _ => Some(value.span()),
    }
}

/// The name of the value at byte `at`, with its tables: `train.epochs`.
fn name_at(table: &DeTable, at: usize) -> Option<String> {
    table.iter().find_map(|(key, value)| match value.get_ref() {
        DeValue::Table(inner) => Some(format!("{}.{}", key.get_ref(), name_at(inner, at)?)),
        _ => value.span().contains(&at).then(|| key.get_ref().to_string()),
    })
}

fn wrong((path, text): (&Path, &str), at: usize, problem: &str) -> Error {
    let before = text.get(..at).unwrap_or_default();
    let line = before.matches('\n').count() + 1;
    let column = before.chars().rev().take_while(|letter| *letter != '\n').count() + 1;
    Error::Config { place: format!("{}:{line}:{column}", path.display()), problem: problem.to_owned() }
}

/// What the reader found, in our words.
fn explain(file: (&Path, &str), error: &toml::de::Error) -> Error {
    let at = error.span().map_or(0, |span| span.start);
    let parsed = DeTable::parse(file.1).ok();
    let name = parsed.and_then(|table| name_at(table.get_ref(), at));
    let problem = reword(error.message());
    wrong(file, at, &name.map_or(problem.clone(), |name| format!("{name}: {problem}")))
}

fn reword(message: &str) -> String {
    let quoted: Vec<&str> = message.split('`').skip(1).step_by(2).collect();
    if let ([wrong, known @ ..], true) = (quoted.as_slice(), message.starts_with("unknown field")) {
        let guess = nearest(wrong, known).map_or_else(String::new, |near| format!("did you mean `{near}`? "));
        return format!("there is no key `{wrong}` here; {guess}known: {}", known.join(", "));
    }
    if let ([wrong, known @ ..], true) = (quoted.as_slice(), message.starts_with("unknown variant")) {
        return format!("`{wrong}` is none of {}", known.join(", "));
    }
    let invalid = message.strip_prefix("invalid type: ").or_else(|| message.strip_prefix("invalid value: "));
    match invalid.and_then(|text| text.split_once(", expected ")) {
        Some((found, expected)) => format!("is {}, must be {}", found.replace('`', ""), kind(expected)),
        None => message.to_owned(),
    }
}

/// What a value must be, in plain words.
fn kind(expected: &str) -> &str {
    match expected {
        "usize" | "u64" | "u16" | "u32" => "a whole number, 0 or more",
        "f64" => "a number",
        "a boolean" => "true or false",
        "path string" | "a string" => "text in quotes",
        "a map" => "a table",
        other if other.starts_with("struct ") => "a table",
        other => other,
    }
}

/// The known name that is most like a wrong one, if any is alike.
fn nearest<'a>(wrong: &str, known: &[&'a str]) -> Option<&'a str> {
    let scored = known.iter().map(|name| (strsim::jaro_winkler(wrong, name), *name));
    scored.filter(|(score, _)| *score > 0.75).max_by(|a, b| a.0.total_cmp(&b.0)).map(|(_, name)| name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn complaint(text: &str) -> String {
        File::parse(Path::new("c.toml"), text.as_bytes()).unwrap_err().to_string()
    }

    #[test]
    fn an_unknown_key_is_named_with_its_place_and_the_nearest_known_one() {
        let said = complaint("db = \"a.db\"\n\n[train]\nepoch = 3\n");
        assert!(said.starts_with("c.toml:4:1: "), "{said}");
        assert!(
            said.contains("there is no key `epoch` here; did you mean `epochs`? known: recipe, epochs, batch_size"),
            "{said}"
        );
        let said = complaint("zzzz = 1");
        assert!(said.starts_with("c.toml:1:1: ") && !said.contains("did you mean"), "{said}");
        assert!(complaint("[tain]\nepochs = 1").contains("did you mean `train`?"));
    }

    #[test]
    fn a_wrong_value_is_named_with_its_key_and_what_is_allowed() {
        assert_eq!(
            complaint("[screen]\ntheme = \"drak\""),
            "c.toml:2:9: screen.theme: `drak` is none of auto, dark, light, colour-blind, colour-blind-light"
        );
        let said = complaint("[train]\nepochs = \"ten\"");
        assert_eq!(said, "c.toml:2:10: train.epochs: is string \"ten\", must be a whole number, 0 or more");
        let said = complaint("[screen]\nmouse = 1");
        assert_eq!(said, "c.toml:2:9: screen.mouse: is integer 1, must be true or false");
        let said = complaint("[train]\nthreshold = \"best\"");
        assert!(said.starts_with("c.toml:2:13: train.threshold: must be half, youden"), "{said}");
        let said = complaint("[train]\nengine = \"slow\"");
        assert_eq!(said, "c.toml:2:10: train.engine: `slow` is none of fast, plain");
    }

    #[test]
    fn a_value_out_of_range_is_named_with_its_line() {
        assert_eq!(complaint("[train]\nseed = 1\nbatch_size = 1").split(": ").next(), Some("c.toml:3:14"));
        assert_eq!(complaint("train.epochs = 0"), "c.toml:1:16: train.epochs: must be 1 to 100,000");
        assert_eq!(
            complaint("[train]\nlearning_rate = nan"),
            "c.toml:2:17: train.learning_rate: must be above 0, at most 10"
        );
        assert_eq!(complaint("threads = 5000"), "c.toml:1:11: threads: must be 0 (one a core) to 1024");
    }

    #[test]
    fn what_is_no_toml_is_named_with_its_place() {
        let said = complaint("a = \n");
        assert!(said.starts_with("c.toml:1:"), "{said}");
        let said = File::parse(Path::new("c.toml"), b"# x\ndb = \"\xff\"").unwrap_err().to_string();
        assert!(said.starts_with("c.toml:2:7: is no UTF-8"), "{said}");
    }

    #[test]
    fn keys_are_one_or_many_and_can_be_found_again() {
        let text = "[keys.everywhere]\nquit = \"ctrl-q\"\n[keys.runs]\nsort = [\"s\", \"ctrl-s\"]";
        let file = File::parse(Path::new("c.toml"), text.as_bytes()).unwrap();
        let keys = file.contents.keys();
        assert_eq!(keys["everywhere"]["quit"], ["ctrl-q"]);
        assert_eq!(keys["runs"]["sort"], ["s", "ctrl-s"]);
        let said = file.problem(&["keys", "runs", "sort"], "`s` is taken").to_string();
        assert_eq!(said, "c.toml:4:8: keys.runs.sort: `s` is taken");
        let said = complaint("[keys.runs]\nsort = 1");
        assert!(said.starts_with("c.toml:2:8: keys.runs.sort: must be a key as a string"), "{said}");
    }

    #[test]
    fn nothing_at_all_is_a_file_too() {
        assert_eq!(File::parse(Path::new("c.toml"), b"").unwrap().contents, Contents::default());
        assert_eq!(File::parse(Path::new("c.toml"), b"\xef\xbb\xbf").unwrap().contents, Contents::default());
    }
}
