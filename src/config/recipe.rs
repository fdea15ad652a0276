//! What is said of how to train: by `[train]` of the file and, under the same names, by flags.

use std::collections::BTreeMap;
use std::fmt;

use serde::de::{self, DeserializeSeed, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::{Value, json};

use super::place;
use crate::metrics::Rule;
use crate::train::TrainConfig;
use crate::train::setting::{self, Kind, NAMES, Setting, Step};

/// Says the contrary of `flip`, as files did before there was that name.
const NO_FLIP: &str = "no_flip";

/// The setting that `no_flip` is about.
const FLIP: &str = "flip";

/// What one of them says about training: values as JSON has them, by the names of [`setting::ALL`]. Their ranges are
/// unchecked.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Recipe {
    said: BTreeMap<&'static str, Value>,
}

impl Recipe {
    /// Takes in what is said of a setting.
    pub fn say(&mut self, setting: &'static Setting, value: Value) {
        self.said.insert(setting.name, value);
    }

    /// Whether something is said of the setting of that name.
    #[must_use]
    pub fn says(&self, name: &str) -> bool {
        self.said.contains_key(name)
    }

    /// The settings: what is said, else what is `plain`.
    #[must_use]
    pub fn over(&self, plain: &TrainConfig) -> TrainConfig {
        let with = |config: TrainConfig, (name, value): (&&str, &Value)| {
            // Each value was read as one of its setting.
            setting::with(&config, name, &meant(name, value)).unwrap_or(config)
        };
        // In the table's order: a recipe comes before the settings that change it.
        let said = setting::ALL.iter().filter_map(|setting| self.said.get_key_value(setting.name));
        said.fold(plain.clone(), with)
    }
}

/// A file may be below `~/`, and an empty one is none.
fn meant(name: &str, value: &Value) -> Value {
    match (name, value) {
        ("pretrained", Value::String(file)) => {
            let path = place::said(file.into());
            path.map_or(Value::Null, |path| json!(path.to_str().unwrap_or(file)))
        }
        _ => value.clone(),
    }
}

/// What a key of the file is about.
#[derive(Clone, Copy)]
enum Key {
    Setting(&'static Setting),
    NoFlip,
}

struct KeyVisitor;

impl Visitor<'_> for KeyVisitor {
    type Value = Key;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the name of a setting")
    }

    fn visit_str<E: de::Error>(self, name: &str) -> Result<Key, E> {
        match setting::find(name) {
            Some(setting) => Ok(Key::Setting(setting)),
            None if name == NO_FLIP => Ok(Key::NoFlip),
            None => Err(E::unknown_field(name, &NAMES)),
        }
    }
}

impl<'de> Deserialize<'de> for Key {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_identifier(KeyVisitor)
    }
}

/// Reads a value of the setting.
struct ValueOf(&'static Setting);

impl<'de> DeserializeSeed<'de> for ValueOf {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        match self.0.kind() {
            Kind::Whole => u64::deserialize(deserializer).map(Value::from),
            Kind::Number => f64::deserialize(deserializer).map(setting::number),
            Kind::Switch => bool::deserialize(deserializer).map(Value::Bool),
            Kind::Word => word(self.0, &String::deserialize(deserializer)?),
        }
    }
}

fn word<E: de::Error>(setting: &Setting, text: &str) -> Result<Value, E> {
    match setting.step {
        Step::Words(names) if !names.contains(&text) => Err(E::unknown_variant(text, names)),
        Step::Rules => text.parse::<Rule>().map(|rule| json!(rule)).map_err(E::custom),
        _ => setting.typed(text).map_err(E::custom),
    }
}

struct TableVisitor;

impl<'de> Visitor<'de> for TableVisitor {
    type Value = Recipe;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("struct Recipe")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut table: A) -> Result<Recipe, A::Error> {
        let mut recipe = Recipe::default();
        while let Some(key) = table.next_key::<Key>()? {
            match key {
                Key::Setting(setting) => recipe.say(setting, table.next_value_seed(ValueOf(setting))?),
                Key::NoFlip => {
                    let flip = !table.next_value::<bool>()?;
                    recipe.said.insert(FLIP, Value::Bool(flip));
                }
            }
        }
        Ok(recipe)
    }
}

impl<'de> Deserialize<'de> for Recipe {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(TableVisitor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Recipe {
        toml::from_str(text).unwrap()
    }

    #[test]
    fn nothing_said_is_the_default_recipe() {
        assert_eq!(Recipe::default().over(&TrainConfig::default()), TrainConfig::default());
    }

    #[test]
    fn every_setting_can_be_said() {
        let mut wanted = TrainConfig::default();
        let mut recipe = Recipe::default();
        for setting in setting::ALL {
            let text = match setting.step {
                Step::Whole(_) | Step::Double => "40",
                Step::Rate | Step::Share(_) | Step::Add(_) | Step::Among(_) => "0.25",
                Step::Switch => "true",
                Step::Words(names) => names[names.len() - 1],
                Step::Rules => "youden",
                Step::None => "w.pth",
            };
            let value = setting.typed(text).unwrap();
            wanted = setting.with(&wanted, &value).unwrap();
            recipe.say(setting, value);
        }
        assert_eq!(recipe.over(&TrainConfig::default()), wanted);
        assert!(wanted.keep_epochs && wanted.pretrained.is_some() && wanted.augmentation.crop_scale < 1.0);
    }

    #[test]
    fn a_file_says_its_settings_by_name() {
        let recipe = read("learning_rate = 3\nflip = false\nschedule = \"cosine\"\npretrained = \"\"");
        let plain = TrainConfig { pretrained: Some("w.pth".into()), ..TrainConfig::default() };
        let config = recipe.over(&plain);
        assert_eq!((config.learning_rate, config.augmentation.horizontal_flip), (3.0, false));
        assert_eq!((config.schedule.name(), config.pretrained), ("cosine", None));
        assert!(recipe.says("pretrained") && !recipe.says("epochs"));
    }

    #[test]
    fn the_old_name_says_the_contrary() {
        let flips = |text: &str| read(text).over(&TrainConfig::default()).augmentation.horizontal_flip;
        assert!(!flips("no_flip = true") && flips("no_flip = false"));
        assert!(read("no_flip = true").says("flip"));
    }
}
