//! A run's settings by name: those of the command line's flags and of a run's JSON, augmentation's beside the others.

use serde_json::{Value, json};

use crate::train::TrainConfig;

/// Settings that the JSON names more precisely than the command line does.
const SHORT: [(&str, &str); 2] = [("horizontal_flip", "flip"), ("rotation_degrees", "rotation")];

/// What a cross-validation chooses, not a search.
const NOT_SEARCHED: &str = "fold";

/// A setting and its place in the JSON of all settings.
struct Place {
    name: String,
    /// A JSON pointer (RFC 6901).
    pointer: String,
    default: Value,
}

fn places() -> Vec<Place> {
    let all = json!(TrainConfig::default());
    let outer = all.as_object().into_iter().flatten().filter(|(key, _)| *key != NOT_SEARCHED);
    let mut found = Vec::new();
    for (key, value) in outer {
        match value {
            Value::Object(inner) => {
                found.extend(inner.iter().map(|(name, value)| place(name, format!("/{key}/{name}"), value)));
            }
            _ => found.push(place(key, format!("/{key}"), value)),
        }
    }
    found
}

fn place(key: &str, pointer: String, default: &Value) -> Place {
    let name = SHORT.iter().find(|(long, _)| *long == key).map_or(key, |(_, short)| short);
    Place { name: name.to_owned(), pointer, default: default.clone() }
}

/// The names of all settings that can be searched over.
#[must_use]
pub fn names() -> Vec<String> {
    places().into_iter().map(|place| place.name).collect()
}

/// The name as it is kept, of one that may be written as a flag is (`learning-rate`) or as a run's JSON has it.
///
/// # Errors
/// Which names there are.
pub fn resolve(written: &str) -> Result<String, String> {
    let wanted = written.trim().trim_start_matches("--").replace('-', "_");
    let short = SHORT.iter().find(|(long, _)| *long == wanted).map_or(wanted.as_str(), |(_, short)| short);
    let known = names();
    known
        .iter()
        .find(|name| *name == short)
        .cloned()
        .ok_or_else(|| format!("is no setting: choose of {}", known.join(", ")))
}

/// What kind of value a setting takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Whole,
    Number,
    Switch,
    Word,
}

/// The kind of the setting of that name.
#[must_use]
pub fn kind(name: &str) -> Kind {
    match places().into_iter().find(|place| place.name == name).map(|place| place.default) {
        Some(Value::Number(number)) if number.is_f64() => Kind::Number,
        Some(Value::Number(_)) => Kind::Whole,
        Some(Value::Bool(_)) => Kind::Switch,
        _ => Kind::Word,
    }
}

/// The value that a word means for a setting; whether it lies in range is for [`TrainConfig::validate`] to say.
///
/// # Errors
/// What the word should be.
pub fn parse(name: &str, word: &str) -> Result<Value, String> {
    let meant = meanings(word);
    let plain = TrainConfig::default();
    let mut said = String::new();
    for value in meant {
        match with(&plain, name, &value) {
            Ok(config) => return Ok(self::value(&config, name)),
            Err(problem) => said = problem,
        }
    }
    Err(match kind(name) {
        Kind::Whole => "is no whole number".to_owned(),
        Kind::Number => "is no number".to_owned(),
        Kind::Switch => "is neither on nor off".to_owned(),
        Kind::Word => format!("cannot be used: {said}"),
    })
}

/// All that a word may mean, the likeliest first.
fn meanings(word: &str) -> Vec<Value> {
    let switch = match word {
        "on" | "true" | "yes" => Some(Value::Bool(true)),
        "off" | "false" | "no" => Some(Value::Bool(false)),
        "none" => Some(Value::Null),
        _ => None,
    };
    let whole = word.parse::<u64>().ok().map(|number| json!(number));
    let number = word.parse::<f64>().ok().filter(|number| number.is_finite()).map(|number| json!(number));
    [switch, whole, number, Some(json!(word))].into_iter().flatten().collect()
}

/// `config` with another value of one setting, its range unchecked.
///
/// # Errors
/// Where there is no such setting, or it takes no such value.
pub fn with(config: &TrainConfig, name: &str, value: &Value) -> Result<TrainConfig, String> {
    let places = places();
    let place = places.iter().find(|place| place.name == name).ok_or_else(|| format!("{name} is no setting"))?;
    let mut all = json!(config);
    let slot = all.pointer_mut(&place.pointer).ok_or_else(|| format!("{name} is no setting"))?;
    *slot = value.clone();
    serde_json::from_value(all).map_err(|error| error.to_string())
}

/// The value that a setting has.
#[must_use]
pub fn value(config: &TrainConfig, name: &str) -> Value {
    let pointer = places().into_iter().find(|place| place.name == name).map(|place| place.pointer);
    pointer.and_then(|pointer| json!(config).pointer(&pointer).cloned()).unwrap_or_default()
}

/// A value as it is typed.
#[must_use]
pub fn text(value: &Value) -> String {
    match value {
        Value::Bool(true) => "on".to_owned(),
        Value::Bool(false) => "off".to_owned(),
        Value::Null => "none".to_owned(),
        Value::String(word) => word.clone(),
        Value::Number(number) => number.as_f64().filter(|_| number.is_f64()).map_or_else(|| number.to_string(), rate),
        other => other.to_string(),
    }
}

/// Small numbers are read more easily with a power of ten.
fn rate(number: f64) -> String {
    if number != 0.0 && number.abs() < 1e-2 { format!("{number:e}") } else { number.to_string() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_setting_has_the_value_that_its_text_means() {
        let config = TrainConfig::default();
        for name in names() {
            let value = value(&config, &name);
            assert_eq!(parse(&name, &text(&value)).unwrap(), value, "{name}");
            assert_eq!(with(&config, &name, &value).unwrap(), config, "{name}");
        }
    }

    #[test]
    fn settings_are_named_as_flags_and_as_json() {
        for (written, name) in
            [("learning-rate", "learning_rate"), ("--flip", "flip"), ("rotation_degrees", "rotation")]
        {
            assert_eq!(resolve(written).unwrap(), name);
        }
        let said = resolve("fold").unwrap_err();
        assert!(said.contains("batch_size") && said.contains("brightness") && !said.contains("fold"), "{said}");
    }

    #[test]
    fn a_word_that_is_no_value_is_refused_with_what_it_should_be() {
        assert_eq!(parse("epochs", "many").unwrap_err(), "is no whole number");
        assert_eq!(parse("epochs", "1.5").unwrap_err(), "is no whole number");
        assert_eq!(parse("learning_rate", "NaN").unwrap_err(), "is no number");
        assert_eq!(parse("flip", "1").unwrap_err(), "is neither on nor off");
        assert!(parse("threshold", "half of it").unwrap_err().contains("youden"));
        assert_eq!(parse("threshold", "sensitivity=0.97").unwrap(), json!("sensitivity=0.97"));
        assert_eq!(parse("pretrained", "none").unwrap(), Value::Null);
        assert_eq!(parse("engine", "plain").unwrap(), json!("plain"));
    }
}
