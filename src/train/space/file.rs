//! A search in a TOML file: `[base]` has the settings of all, each `[[try]]` a set of them that is tried by itself, `[over]`
//! the values whose combinations are.

use serde::Deserialize;
use serde_json::Value;
use toml::{Table, Value as Toml};

use super::{Axis, Settings, Values};
use crate::train::setting::NAMES;
use crate::train::{TrainConfig, setting};

/// What a file asks for. What it does not name is `None`.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct File {
    pub name: Option<String>,
    /// Settings of all candidates, by name, in the file's order.
    pub base: Vec<(String, Value)>,
    /// Sets of settings, each tried by itself.
    pub variants: Vec<Settings>,
    pub axes: Vec<Axis>,
    /// Candidates drawn by chance.
    pub random: Option<usize>,
    /// Of so many one goes on.
    pub halving: Option<usize>,
    pub min_epochs: Option<usize>,
    /// Runs of each candidate.
    pub seeds: Option<usize>,
}

#[derive(Deserialize, Default)]
#[serde(default, deny_unknown_fields)]
struct Raw {
    name: Option<String>,
    random: Option<usize>,
    halving: Option<usize>,
    min_epochs: Option<usize>,
    seeds: Option<usize>,
    base: Table,
    r#try: Vec<Table>,
    over: Table,
}

impl File {
    /// Reads the text of a file.
    ///
    /// # Errors
    /// The line or the key that is wrong, and what is allowed.
    pub fn parse(text: &str) -> Result<Self, String> {
        let raw: Raw = toml::from_str(text).map_err(|error| said(text, &error))?;
        let Raw { name, random, halving, min_epochs, seeds, base, r#try, over } = raw;
        let base = settings("[base]", base)?;
        let variants = r#try.into_iter().map(|table| settings("[[try]]", table)).collect::<Result<_, _>>()?;
        let axes = over.into_iter().map(|(name, value)| axis(&name, &value)).collect::<Result<_, _>>()?;
        Ok(Self { name, base, variants, axes, random, halving, min_epochs, seeds })
    }

    /// `plain` with the settings that the file names.
    ///
    /// # Errors
    /// The setting that takes no such value.
    pub fn config(&self, plain: &TrainConfig) -> Result<TrainConfig, String> {
        let with = |config: TrainConfig, (name, value): &(String, Value)| setting::with(&config, name, value);
        self.base.iter().try_fold(plain.clone(), with)
    }
}

/// The parser's words with the line that they are about.
fn said(text: &str, error: &toml::de::Error) -> String {
    let before = error.span().and_then(|span| text.get(..span.start));
    let line = before.map(|before| before.matches('\n').count() + 1);
    let problem = error.message();
    line.map_or_else(|| problem.to_owned(), |line| format!("line {line}: {problem}"))
}

/// The settings of a table, `heading` for its reader.
fn settings(heading: &str, table: Table) -> Result<Settings, String> {
    let one = |(name, value): (String, Toml)| {
        let setting = setting::resolve(&name).map_err(|problem| format!("{heading} {name:?} {problem}"))?;
        let value = one(&setting, &value).map_err(|problem| format!("{heading} {name}: {problem}"))?;
        Ok((setting, value))
    };
    let mut settings: Settings = table.into_iter().map(one).collect::<Result<_, String>>()?;
    // A recipe comes before what changes it, wherever it stands.
    settings.sort_by_key(|(name, _)| NAMES.iter().position(|known| known == name));
    Ok(settings)
}

fn axis(name: &str, value: &Toml) -> Result<Axis, String> {
    match value {
        Toml::String(text) => Axis::of(name, text).map_err(|problem| format!("[over] {problem}")),
        Toml::Array(values) => {
            let setting = setting::resolve(name).map_err(|problem| format!("[over] {name:?} {problem}"))?;
            let values: Result<Vec<Value>, String> = values.iter().map(|value| one(&setting, value)).collect();
            let values = values.map_err(|problem| format!("[over] {name}: {problem}"))?;
            if values.is_empty() {
                return Err(format!("[over] {name}: has no values"));
            }
            Ok(Axis { setting, values: Values::List(values) })
        }
        _ => Err(format!("[over] {name}: write [VALUE, VALUE] or \"LOW..HIGH\"")),
    }
}

fn one(setting: &str, value: &Toml) -> Result<Value, String> {
    let word = match value {
        Toml::String(word) => word.clone(),
        Toml::Integer(number) => number.to_string(),
        Toml::Float(number) => number.to_string(),
        Toml::Boolean(switch) => switch.to_string(),
        _ => return Err(format!("a {} is no value of a setting", value.type_str())),
    };
    setting::parse(setting, &word).map_err(|problem| format!("{word:?} {problem}"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_file_says_all_that_flags_can() {
        let text = "name = \"rates\"\nrandom = 20\nhalving = 3\nmin_epochs = 1\nseeds = 2\n\
                    [base]\nepochs = 9\nflip = false\nrotation = 5\n\
                    [over]\nlearning_rate = \"1e-4..1e-2\"\nbatch_size = [8, 16]\nthreshold = [\"half\", \"youden\"]\n";
        let file = File::parse(text).unwrap();
        assert_eq!((file.name.as_deref(), file.random, file.halving), (Some("rates"), Some(20), Some(3)));
        assert_eq!((file.min_epochs, file.seeds), (Some(1), Some(2)));
        let config = file.config(&TrainConfig::default()).unwrap();
        assert_eq!((config.epochs, config.augmentation.rotation_degrees), (9, 5.0));
        assert!(!config.augmentation.horizontal_flip);
        let texts: Vec<String> = file.axes.iter().map(Axis::text).collect();
        assert_eq!(texts, ["learning_rate = 1e-4..0.01 log", "batch_size = 8, 16", "threshold = half, youden"]);
        assert_eq!(file.axes[1].values, Values::List(vec![json!(8), json!(16)]));
    }

    #[test]
    fn a_variant_is_a_set_of_settings_of_which_the_recipe_comes_first() {
        let file = File::parse("[[try]]\n[[try]]\nbatch_size = 7\nrecipe = \"plain\"\nclip_norm = 2\n").unwrap();
        assert_eq!(file.variants[0], []);
        let names: Vec<&str> = file.variants[1].iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, ["recipe", "batch_size", "clip_norm"]);
        assert!(File::parse("[[try]]\nspeed = 1\n").unwrap_err().contains("[[try]] \"speed\" is no setting"));
    }

    #[test]
    fn what_is_wrong_in_a_file_is_named() {
        let said = |text: &str| File::parse(text).unwrap_err();
        assert!(said("name = \n").starts_with("line 1: "), "{}", said("name = \n"));
        assert!(said("\nspeed = 3\n").contains("line 2: unknown field `speed`"), "{}", said("\nspeed = 3\n"));
        assert!(said("[base]\nspeed = 3\n").contains("[base] \"speed\" is no setting"));
        assert!(said("[base]\nepochs = 1.5\n").contains("\"1.5\" is no whole number"));
        assert!(said("[over]\nepochs = []\n").contains("has no values"));
        assert!(said("[over]\nepochs = 3\n").contains("[VALUE, VALUE]"));
        assert!(said("[over]\nrotation = \"20..0\"\n").contains("LOW..HIGH"));
    }
}
