//! The settings by name: one table for flags, files, forms, searches and reports, and access to their values.

mod table;

use serde_json::{Value, json};

use super::TrainConfig;
use super::recipe::Named;
use crate::metrics::Rule;
pub use table::ALL;

/// A setting as every surface knows it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Setting {
    /// In the configuration file, in searches and in a run's JSON but for those of augmentation.
    pub name: &'static str,
    /// The name with dashes.
    pub flag: &'static str,
    /// Its place in the JSON of [`TrainConfig`] (RFC 6901); empty for the recipe, which stands for many of them.
    pub pointer: &'static str,
    /// On screen and in reports.
    pub label: &'static str,
    /// Its unit, or what it means in a few words; may be empty.
    pub meaning: &'static str,
    /// The key of its column in the table of runs.
    pub column: &'static str,
    /// One sentence or two, without the default.
    pub help: &'static str,
    /// What its value is called in help texts.
    pub value: &'static str,
    pub group: Group,
    pub step: Step,
}

/// What settings stand together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Group {
    Training,
    Optimiser,
    Network,
    Pictures,
    Augmentation,
    Judging,
}

impl Group {
    /// Over its settings.
    #[must_use]
    pub const fn title(self) -> &'static str {
        match self {
            Self::Training => "Training",
            Self::Optimiser => "Optimiser",
            Self::Network => "Network",
            Self::Pictures => "Pictures",
            Self::Augmentation => "Changes to training images",
            Self::Judging => "Judging",
        }
    }
}

/// How one comes from a value to the next usual one, and so what values there are.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Step {
    /// A whole number, by so many.
    Whole(u64),
    /// A whole number, by doubling and halving.
    Double,
    /// A number, through 1, 3, 10, 30 and so on times a power of ten.
    Rate,
    /// A number, through multiples of this one.
    Share(f64),
    /// A number, by adding this one.
    Add(f64),
    /// A number, through these in ascending order.
    Among(&'static [f64]),
    /// On or off.
    Switch,
    /// One of these words.
    Words(&'static [&'static str]),
    /// A rule for the threshold.
    Rules,
    /// A file, or none: there is no usual one.
    None,
}

/// What kind of value a setting takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Whole,
    Number,
    Switch,
    Word,
}

impl Setting {
    /// Whether runs have it, and not only what it stands for.
    #[must_use]
    pub const fn is_stored(&self) -> bool {
        !self.pointer.is_empty()
    }

    #[must_use]
    pub const fn kind(&self) -> Kind {
        match self.step {
            Step::Whole(_) | Step::Double => Kind::Whole,
            Step::Rate | Step::Share(_) | Step::Add(_) | Step::Among(_) => Kind::Number,
            Step::Switch => Kind::Switch,
            Step::Words(_) | Step::Rules | Step::None => Kind::Word,
        }
    }

    /// The value that it has.
    #[must_use]
    pub fn value(&self, config: &TrainConfig) -> Value {
        if !self.is_stored() {
            return json!(Named::of(config).map_or("own", Named::name));
        }
        let all = serde_json::to_value(config).unwrap_or_default();
        all.pointer(self.pointer).cloned().unwrap_or_default()
    }

    /// `config` with another value of it, whose range is unchecked.
    ///
    /// # Errors
    /// Where it takes no such value.
    pub fn with(&self, config: &TrainConfig, value: &Value) -> Result<TrainConfig, String> {
        if !self.is_stored() {
            return Ok(value.as_str().unwrap_or_default().parse::<Named>()?.over(config));
        }
        let mut all = serde_json::to_value(config).map_err(|error| error.to_string())?;
        let slot = all.pointer_mut(self.pointer).ok_or_else(|| format!("{} is no setting", self.name))?;
        *slot = value.clone();
        serde_json::from_value(all).map_err(|error| error.to_string())
    }

    /// The value that a typed text means; whether it lies in range is for [`TrainConfig::validate`] to say.
    ///
    /// # Errors
    /// What the text is not, or must be: to be read after it.
    pub fn typed(&self, text: &str) -> Result<Value, String> {
        match self.step {
            Step::Whole(_) | Step::Double => {
                text.parse::<u64>().map(Value::from).map_err(|_| "is no whole number".to_owned())
            }
            Step::Rate | Step::Share(_) | Step::Add(_) | Step::Among(_) => {
                text.parse::<f64>().map(number).map_err(|_| "is no number".to_owned())
            }
            Step::Switch => switch(text).map(Value::Bool).ok_or_else(|| "is neither on nor off".to_owned()),
            Step::Words(names) if names.contains(&text) => Ok(json!(text)),
            Step::Words(names) => Err(format!("is none of {}", names.join(", "))),
            Step::Rules => text.parse::<Rule>().map(|rule| json!(rule)),
            Step::None if text.is_empty() || text == "none" => Ok(Value::Null),
            Step::None => Ok(json!(text)),
        }
    }

    /// A value as it is shown and typed; nothing where there is none.
    #[must_use]
    pub fn shown(&self, value: &Value) -> String {
        match value {
            Value::Null => String::new(),
            Value::Number(number) if self.kind() == Kind::Number => {
                number.as_f64().map_or_else(|| number.to_string(), |number| number.to_string())
            }
            value => text(value),
        }
    }
}

fn switch(text: &str) -> Option<bool> {
    match text.to_lowercase().as_str() {
        "on" | "yes" | "true" | "1" => Some(true),
        "off" | "no" | "false" | "0" => Some(false),
        _ => None,
    }
}

/// JSON has nothing for what is no finite number. The lowest one stands for it, as that is out of every range too.
#[must_use]
pub fn number(number: f64) -> Value {
    json!(if number.is_finite() { number } else { f64::MIN })
}

/// The names of all settings, in the table's order.
pub const NAMES: [&str; ALL.len()] = {
    let mut names = [""; ALL.len()];
    let mut at = 0;
    while at < ALL.len() {
        names[at] = ALL[at].name;
        at += 1;
    }
    names
};

/// The setting of that name.
#[must_use]
pub fn find(name: &str) -> Option<&'static Setting> {
    ALL.iter().find(|setting| setting.name == name)
}

/// The name as it is kept, of one that may be written as a flag is (`learning-rate`) or as a run's JSON has it.
///
/// # Errors
/// Which names there are.
pub fn resolve(written: &str) -> Result<String, String> {
    let wanted = written.trim().trim_start_matches("--").replace('-', "_");
    let in_json = |setting: &Setting| setting.pointer.rsplit('/').next() == Some(wanted.as_str());
    let is_wanted = |setting: &&Setting| setting.name == wanted || in_json(setting);
    let found = ALL.iter().find(is_wanted).map(|setting| setting.name.to_owned());
    found.ok_or_else(|| format!("is no setting: choose of {}", NAMES.join(", ")))
}

/// The kind of the setting of that name.
#[must_use]
pub fn kind(name: &str) -> Kind {
    find(name).map_or(Kind::Word, Setting::kind)
}

/// The value that a word of a search means; whether it lies in range is for [`TrainConfig::validate`] to say.
///
/// # Errors
/// What the word is not, or should be.
pub fn parse(name: &str, word: &str) -> Result<Value, String> {
    let setting = find(name).ok_or_else(|| "is no setting".to_owned())?;
    let number = word.parse::<f64>();
    match (setting.kind(), number) {
        // Among the values of a search, a number is no switch.
        (Kind::Switch, Ok(_)) => Err("is neither on nor off".to_owned()),
        (Kind::Number, Ok(number)) if !number.is_finite() => Err("is no number".to_owned()),
        _ => setting.typed(word),
    }
}

/// `config` with another value of one setting, its range unchecked.
///
/// # Errors
/// Where there is no such setting, or it takes no such value.
pub fn with(config: &TrainConfig, name: &str, value: &Value) -> Result<TrainConfig, String> {
    find(name).ok_or_else(|| format!("{name} is no setting"))?.with(config, value)
}

/// A value of a search as it is typed.
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
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn the_table_has_every_setting_of_a_run_and_no_other() {
        let all = json!(TrainConfig::default());
        let outer = all.as_object().unwrap().iter().filter(|(key, _)| *key != "augmentation" && *key != "fold");
        let inner = all["augmentation"].as_object().unwrap();
        let inner = inner.keys().map(|key| format!("/augmentation/{key}"));
        let places: BTreeSet<String> = outer.map(|(key, _)| format!("/{key}")).chain(inner).collect();
        let known: BTreeSet<String> =
            ALL.iter().filter(|setting| setting.is_stored()).map(|setting| setting.pointer.to_owned()).collect();
        assert_eq!(places, known);
    }

    #[test]
    fn names_are_unique_and_the_rows_agree_with_themselves() {
        let texts: [fn(&Setting) -> &'static str; 3] = [|s| s.name, |s| s.label, |s| s.column];
        for of in texts {
            assert_eq!(ALL.iter().map(of).collect::<BTreeSet<_>>().len(), ALL.len());
        }
        for setting in ALL {
            assert_eq!(setting.flag, setting.name.replace('_', "-"));
            assert!(setting.label.len() <= 18 && setting.meaning.len() <= 26, "{}", setting.name);
            assert!(!setting.help.ends_with('.'), "{}", setting.name);
            let kind = match setting.value(&TrainConfig::default()) {
                Value::Number(number) if number.is_f64() => Kind::Number,
                Value::Number(_) => Kind::Whole,
                Value::Bool(_) => Kind::Switch,
                _ => Kind::Word,
            };
            assert_eq!(setting.kind(), kind, "{}", setting.name);
        }
    }

    #[test]
    fn groups_are_not_scattered() {
        let mut groups: Vec<Group> = ALL.iter().map(|setting| setting.group).collect();
        groups.dedup();
        assert_eq!(groups.len(), 6);
    }

    #[test]
    fn every_setting_has_the_value_that_its_text_means() {
        let config = TrainConfig::default();
        for setting in ALL {
            let value = setting.value(&config);
            assert_eq!(parse(setting.name, &text(&value)).unwrap(), value, "{}", setting.name);
            assert_eq!(setting.typed(&setting.shown(&value)).unwrap(), value, "{}", setting.name);
            assert_eq!(setting.with(&config, &value).unwrap(), config, "{}", setting.name);
        }
    }

    #[test]
    fn every_word_is_taken() {
        let config = TrainConfig::default();
        for setting in ALL {
            let Step::Words(names) = setting.step else { continue };
            for name in names {
                let value = setting.typed(name).unwrap();
                let found = setting.value(&setting.with(&config, &value).unwrap());
                // Recipes may have the same settings.
                assert!(found == json!(name) || !setting.is_stored(), "{name}");
            }
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

    #[test]
    fn what_is_no_finite_number_is_out_of_every_range() {
        let config = TrainConfig::default();
        for setting in ALL.iter().filter(|setting| setting.kind() == Kind::Number) {
            for text in ["NaN", "inf", "-inf"] {
                let value = setting.typed(text).unwrap();
                assert!(setting.with(&config, &value).unwrap().validate().is_err(), "{} {text}", setting.name);
            }
        }
    }
}
