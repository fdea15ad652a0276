//! The settings of the next run, one line each, stepped or typed in place.

use serde_json::Value;

use crate::metrics::Rule;
use crate::train::TrainConfig;
use crate::train::setting::{self, Setting, Step};

/// One setting: its place in [`setting::ALL`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Field(usize);

impl Field {
    pub const EPOCHS: Self = Self::named("epochs");
    pub const BATCH_SIZE: Self = Self::named("batch_size");
    pub const LEARNING_RATE: Self = Self::named("learning_rate");
    pub const VALIDATION_FRACTION: Self = Self::named("validation_fraction");
    pub const IMAGE_SIZE: Self = Self::named("image_size");
    pub const SEED: Self = Self::named("seed");
    pub const FLIP: Self = Self::named("flip");
    pub const ROTATION: Self = Self::named("rotation");
    pub const BRIGHTNESS: Self = Self::named("brightness");
    pub const THRESHOLD: Self = Self::named("threshold");
    pub const KEEP_EPOCHS: Self = Self::named("keep_epochs");
    pub const PRETRAINED: Self = Self::named("pretrained");
    pub const ENGINE: Self = Self::named("engine");

    /// In the form's order.
    pub const ALL: [Self; setting::ALL.len()] = {
        let mut all = [Self(0); setting::ALL.len()];
        let mut at = 0;
        while at < all.len() {
            all[at] = Self(at);
            at += 1;
        }
        all
    };

    /// Those that runs have, in the form's order.
    pub fn stored() -> impl Iterator<Item = Self> {
        Self::ALL.into_iter().filter(|field| field.setting().is_stored())
    }

    /// A name that is none does not compile: there is no such place in the table.
    const fn named(name: &str) -> Self {
        let mut at = 0;
        while !is_same(setting::ALL[at].name, name) {
            at += 1;
        }
        Self(at)
    }

    /// What is known of it.
    #[must_use]
    pub const fn setting(self) -> &'static Setting {
        &setting::ALL[self.0]
    }

    /// Its place in the form.
    #[must_use]
    pub const fn place(self) -> usize {
        self.0
    }

    /// Name and unit or meaning.
    #[must_use]
    pub const fn label(self) -> (&'static str, &'static str) {
        let setting = self.setting();
        (setting.label, setting.meaning)
    }

    /// The value as shown and typed.
    #[must_use]
    pub fn text(self, config: &TrainConfig) -> String {
        let setting = self.setting();
        setting.shown(&setting.value(config))
    }

    /// `config` with the typed value.
    ///
    /// # Errors
    /// What was typed instead of a value, or what the value must be.
    pub fn typed(self, config: &TrainConfig, text: &str) -> Result<TrainConfig, String> {
        let text = text.trim();
        // Settings of one's own are no recipe, and stay as they are.
        if text == self.text(config) {
            return Ok(config.clone());
        }
        let value = self.setting().typed(text).map_err(|problem| format!("{text:?} {problem}"))?;
        let next = self.setting().with(config, &value)?;
        next.validate().map_err(|error| error.to_string())?;
        Ok(next)
    }

    /// The next usual value up or down, where that is allowed.
    #[must_use]
    pub fn stepped(self, config: &TrainConfig, up: bool) -> Option<TrainConfig> {
        let setting = self.setting();
        let value = stepped(setting.step, &setting.value(config), up)?;
        setting.with(config, &value).ok().filter(|next| next.validate().is_ok())
    }
}

const fn is_same(one: &str, other: &str) -> bool {
    let (one, other) = (one.as_bytes(), other.as_bytes());
    let mut at = 0;
    while at < one.len() && at < other.len() && one[at] == other[at] {
        at += 1;
    }
    at == one.len() && at == other.len()
}

/// The next usual value; its range is unchecked.
fn stepped(step: Step, value: &Value, up: bool) -> Option<Value> {
    let next: Value = match step {
        Step::Whole(by) => step_whole(value.as_u64()?, up, by).into(),
        Step::Double => step_double(value.as_u64()?, up).into(),
        Step::Rate => step_rate(value.as_f64()?, up).into(),
        Step::Share(by) => step_share(value.as_f64()?, up, by).into(),
        Step::Add(by) => (value.as_f64()? + if up { by } else { -by }).into(),
        Step::Among(usual) => step_among(usual, value.as_f64()?, up)?.into(),
        Step::Switch => up.into(),
        Step::Words(names) => {
            let at = names.iter().position(|name| value == name);
            names[round(at, up, names.len())].into()
        }
        Step::Rules => step_rule(value.as_str()?, up).into(),
        Step::None => return None,
    };
    Some(next)
}

/// The place after or before this one and round again; the first one after none.
const fn round(at: Option<usize>, up: bool, places: usize) -> usize {
    match at {
        None => 0,
        Some(at) if up => (at + 1) % places,
        Some(at) => (at + places - 1) % places,
    }
}

const fn step_whole(value: u64, up: bool, by: u64) -> u64 {
    if up { value.saturating_add(by) } else { value.saturating_sub(by) }
}

const fn step_double(value: u64, up: bool) -> u64 {
    if up { value.saturating_mul(2) } else { value / 2 }
}

/// The next one of these, which ascend.
fn step_among(usual: &[f64], value: f64, up: bool) -> Option<f64> {
    if up {
        usual.iter().copied().find(|next| *next > value)
    } else {
        usual.iter().rev().copied().find(|next| *next < value)
    }
}

/// 1, 3, 10, 30, … times a power of ten.
pub fn step_rate(rate: f64, up: bool) -> f64 {
    let power = 10_f64.powf(rate.log10().floor());
    let starts_with_one = rate / power < 2.0;
    let next = match (up, starts_with_one) {
        (true, true) => 3.0 * power,
        (true, false) => 10.0 * power,
        (false, true) => 0.3 * power,
        (false, false) => power,
    };
    format!("{next:.1e}").parse().unwrap_or(next)
}

/// Through the usual rules and round again; from a rule that is none of them to the first.
fn step_rule(rule: &str, up: bool) -> String {
    const USUAL: [Rule; 4] = [Rule::Half, Rule::Youden, Rule::Sensitivity(0.97), Rule::Specificity(0.9)];
    let at = USUAL.iter().position(|usual| usual.to_string() == rule);
    USUAL[round(at, up, USUAL.len())].to_string()
}

/// The next multiple of `by`.
fn step_share(value: f64, up: bool, by: f64) -> f64 {
    let next = (value / by).round() + if up { 1.0 } else { -1.0 };
    (next * by * 1e6).round() / 1e6
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::train::recipe::Named;
    use proptest::prelude::*;

    #[test]
    fn what_is_shown_can_be_typed_again() {
        let config = TrainConfig::default();
        for field in Field::ALL {
            assert_eq!(field.typed(&config, &field.text(&config)).unwrap(), config, "{field:?}");
        }
    }

    #[test]
    fn what_is_shown_of_the_usual_settings_stays_as_it_was() {
        let config = Named::Plain.config();
        let text =
            |name: &str| Field::ALL.into_iter().find(|field| field.setting().name == name).unwrap().text(&config);
        let expected = [
            ("epochs", "10"),
            ("learning_rate", "0.001"),
            ("sample_fraction", "1"),
            ("flip", "on"),
            ("keep_epochs", "off"),
            ("threshold", "half"),
            ("pretrained", ""),
            ("engine", "fast"),
            ("schedule", "constant"),
        ];
        for (name, shown) in expected {
            assert_eq!(text(name), shown, "{name}");
        }
    }

    #[test]
    fn stepping_through_words_comes_round_again() {
        let config = Named::Plain.config();
        for field in Field::ALL {
            let Step::Words(names) = field.setting().step else { continue };
            // Recipes may have the same settings.
            if !field.setting().is_stored() {
                continue;
            }
            let all = (0..names.len()).fold(config.clone(), |now, _| field.stepped(&now, true).unwrap());
            assert_eq!(all, config, "{field:?}");
            let there = field.stepped(&config, false).unwrap();
            assert_eq!(field.text(&there), *names.last().unwrap());
        }
    }

    #[test]
    fn usual_values_are_stepped_through_and_not_beyond() {
        let decay = Field::ALL.into_iter().find(|field| field.setting().name == "weight_decay").unwrap();
        let config = TrainConfig { weight_decay: 0.0, ..TrainConfig::default() };
        assert_eq!(decay.stepped(&config, false), None);
        let one = decay.stepped(&config, true).unwrap();
        assert_eq!((one.weight_decay, decay.stepped(&one, false)), (1e-4, Some(config)));
    }

    #[test]
    fn a_value_out_of_range_is_refused_with_what_is_allowed() {
        let said = Field::IMAGE_SIZE.typed(&TrainConfig::default(), "9999").unwrap_err();
        assert!(said.contains("32 to 512"), "{said}");
        assert!(Field::FLIP.typed(&TrainConfig::default(), "onn").unwrap_err().contains("neither on nor off"));
        assert!(Field::EPOCHS.typed(&TrainConfig::default(), "many").unwrap_err().contains("no whole number"));
    }

    #[test]
    fn the_learning_rate_steps_through_ones_and_threes() {
        let steps = [(1e-3, true), (3e-3, true), (1e-3, false), (3e-3, false)].map(|(rate, up)| step_rate(rate, up));
        assert_eq!(steps.map(|rate| rate.to_string()), ["0.003", "0.01", "0.0003", "0.001"]);
    }

    proptest! {
        #[test]
        fn stepping_never_leaves_what_is_allowed(steps in prop::collection::vec((0..Field::ALL.len(), any::<bool>()), 0..200)) {
            let mut config = TrainConfig::default();
            for (field, up) in steps {
                config = Field::ALL[field].stepped(&config, up).unwrap_or(config);
                prop_assert!(config.validate().is_ok());
            }
        }
    }
}
