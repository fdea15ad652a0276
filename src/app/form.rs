//! The settings of the next run, one line each, stepped or typed in place.

use crate::metrics::Rule;
use crate::train::{EngineKind, TrainConfig};

/// One setting.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Field {
    Epochs,
    BatchSize,
    LearningRate,
    SampleFraction,
    ValidationFraction,
    ImageSize,
    Seed,
    Flip,
    Rotation,
    Brightness,
    Contrast,
    Threshold,
    KeepEpochs,
    ExcludeMarked,
    Pretrained,
    Engine,
}

impl Field {
    pub const ALL: [Self; 16] = [
        Self::Epochs,
        Self::BatchSize,
        Self::LearningRate,
        Self::SampleFraction,
        Self::ValidationFraction,
        Self::ImageSize,
        Self::Seed,
        Self::Flip,
        Self::Rotation,
        Self::Brightness,
        Self::Contrast,
        Self::Threshold,
        Self::KeepEpochs,
        Self::ExcludeMarked,
        Self::Pretrained,
        Self::Engine,
    ];

    /// Name and unit or meaning.
    #[must_use]
    pub const fn label(self) -> (&'static str, &'static str) {
        match self {
            Self::Epochs => ("epochs", ""),
            Self::BatchSize => ("batch size", "images a step"),
            Self::LearningRate => ("learning rate", "of Adam"),
            Self::SampleFraction => ("sample fraction", "of the training patients"),
            Self::ValidationFraction => ("validation", "share of the patients"),
            Self::ImageSize => ("image size", "pixels"),
            Self::Seed => ("seed", "for all that is random"),
            Self::Flip => ("flip", "left and right"),
            Self::Rotation => ("rotation", "degrees at most"),
            Self::Brightness => ("brightness", "at most this share"),
            Self::Contrast => ("contrast", "at most this share"),
            Self::Threshold => ("threshold", "from validation images"),
            Self::KeepEpochs => ("keep epochs", "45 MB an epoch"),
            Self::ExcludeMarked => ("leave out marked", "wrong label, poor quality"),
            Self::Pretrained => ("pretrained", "weights to start from"),
            Self::Engine => ("engine", "fast, or plain to check it"),
        }
    }

    /// As configuration, sweeps and the store name it.
    #[must_use]
    pub const fn setting(self) -> &'static str {
        match self {
            Self::Epochs => "epochs",
            Self::BatchSize => "batch_size",
            Self::LearningRate => "learning_rate",
            Self::SampleFraction => "sample_fraction",
            Self::ValidationFraction => "validation_fraction",
            Self::ImageSize => "image_size",
            Self::Seed => "seed",
            Self::Flip => "flip",
            Self::Rotation => "rotation",
            Self::Brightness => "brightness",
            Self::Contrast => "contrast",
            Self::Threshold => "threshold",
            Self::KeepEpochs => "keep_epochs",
            Self::ExcludeMarked => "exclude_marked",
            Self::Pretrained => "pretrained",
            Self::Engine => "engine",
        }
    }

    /// The value as shown and typed.
    #[must_use]
    pub fn text(self, config: &TrainConfig) -> String {
        let changes = &config.augmentation;
        match self {
            Self::Epochs => config.epochs.to_string(),
            Self::BatchSize => config.batch_size.to_string(),
            Self::LearningRate => config.learning_rate.to_string(),
            Self::SampleFraction => config.sample_fraction.to_string(),
            Self::ValidationFraction => config.validation_fraction.to_string(),
            Self::ImageSize => config.image_size.to_string(),
            Self::Seed => config.seed.to_string(),
            Self::Flip => if changes.horizontal_flip { "on" } else { "off" }.into(),
            Self::Rotation => changes.rotation_degrees.to_string(),
            Self::Brightness => changes.brightness.to_string(),
            Self::Contrast => changes.contrast.to_string(),
            Self::Threshold => config.threshold.to_string(),
            Self::KeepEpochs => if config.keep_epochs { "on" } else { "off" }.into(),
            Self::ExcludeMarked => if config.exclude_marked { "on" } else { "off" }.into(),
            Self::Engine => config.engine.name().into(),
            Self::Pretrained => config.pretrained.as_ref().map_or_else(String::new, |file| file.display().to_string()),
        }
    }

    /// `config` with the typed value.
    ///
    /// # Errors
    /// What was typed instead of a value, or what the value must be.
    pub fn typed(self, config: &TrainConfig, text: &str) -> Result<TrainConfig, String> {
        let mut next = config.clone();
        let changes = &mut next.augmentation;
        let text = text.trim();
        match self {
            Self::Epochs => next.epochs = whole(text)?,
            Self::BatchSize => next.batch_size = whole(text)?,
            Self::LearningRate => next.learning_rate = number(text)?,
            Self::SampleFraction => next.sample_fraction = number(text)?,
            Self::ValidationFraction => next.validation_fraction = number(text)?,
            Self::ImageSize => next.image_size = whole(text)?,
            Self::Seed => next.seed = text.parse().map_err(|_| "must be a whole number, 0 or more".to_owned())?,
            Self::Flip => changes.horizontal_flip = switch(text)?,
            Self::Rotation => changes.rotation_degrees = number(text)?,
            Self::Brightness => changes.brightness = number(text)?,
            Self::Contrast => changes.contrast = number(text)?,
            Self::Threshold => next.threshold = text.parse()?,
            Self::KeepEpochs => next.keep_epochs = switch(text)?,
            Self::ExcludeMarked => next.exclude_marked = switch(text)?,
            Self::Engine => {
                next.engine = EngineKind::named(text).ok_or(format!("{text:?} is neither fast nor plain"))?;
            }
            Self::Pretrained => next.pretrained = (!text.is_empty()).then(|| text.into()),
        }
        next.validate().map_err(|error| error.to_string())?;
        Ok(next)
    }

    /// The next usual value up or down, where that is allowed.
    #[must_use]
    pub fn stepped(self, config: &TrainConfig, up: bool) -> Option<TrainConfig> {
        let mut next = config.clone();
        let changes = &mut next.augmentation;
        match self {
            Self::Epochs => next.epochs = step_whole(next.epochs, up),
            Self::BatchSize => next.batch_size = if up { next.batch_size * 2 } else { next.batch_size / 2 },
            Self::LearningRate => next.learning_rate = step_rate(next.learning_rate, up),
            Self::SampleFraction => next.sample_fraction = step_share(next.sample_fraction, up, 0.1),
            Self::ValidationFraction => next.validation_fraction = step_share(next.validation_fraction, up, 0.05),
            Self::ImageSize => {
                next.image_size = if up { next.image_size + 32 } else { next.image_size.saturating_sub(32) }
            }
            Self::Seed => next.seed = if up { next.seed.saturating_add(1) } else { next.seed.saturating_sub(1) },
            Self::Flip => changes.horizontal_flip = up,
            Self::Rotation => changes.rotation_degrees += if up { 5.0 } else { -5.0 },
            Self::Brightness => changes.brightness = step_share(changes.brightness, up, 0.1),
            Self::Contrast => changes.contrast = step_share(changes.contrast, up, 0.1),
            Self::Threshold => next.threshold = step_rule(next.threshold, up),
            Self::KeepEpochs => next.keep_epochs = up,
            Self::ExcludeMarked => next.exclude_marked = up,
            Self::Engine => next.engine = if up { EngineKind::Fast } else { EngineKind::Plain },
            Self::Pretrained => return None,
        }
        next.validate().is_ok().then_some(next)
    }
}

fn switch(text: &str) -> Result<bool, String> {
    match text.to_lowercase().as_str() {
        "on" | "yes" | "true" | "1" => Ok(true),
        "off" | "no" | "false" | "0" => Ok(false),
        _ => Err(format!("{text:?} is neither on nor off")),
    }
}

fn whole(text: &str) -> Result<usize, String> {
    text.parse().map_err(|_| format!("{text:?} is no whole number"))
}

fn number(text: &str) -> Result<f64, String> {
    text.parse().map_err(|_| format!("{text:?} is no number"))
}

const fn step_whole(value: usize, up: bool) -> usize {
    if up { value + 1 } else { value.saturating_sub(1) }
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
fn step_rule(rule: Rule, up: bool) -> Rule {
    const USUAL: [Rule; 4] = [Rule::Half, Rule::Youden, Rule::Sensitivity(0.97), Rule::Specificity(0.9)];
    let at = USUAL.iter().position(|usual| *usual == rule);
    let next = at.map_or(0, |at| if up { at + 1 } else { at + USUAL.len() - 1 });
    USUAL[next % USUAL.len()]
}

/// The next multiple of `by`.
fn step_share(value: f64, up: bool, by: f64) -> f64 {
    let next = (value / by).round() + if up { 1.0 } else { -1.0 };
    (next * by * 1e6).round() / 1e6
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_is_shown_can_be_typed_again() {
        let config = TrainConfig::default();
        for field in Field::ALL {
            assert_eq!(field.typed(&config, &field.text(&config)).unwrap(), config, "{field:?}");
        }
    }

    #[test]
    fn every_setting_of_the_form_can_be_tried_with_several_values() {
        let known = crate::train::space::setting::names();
        for field in Field::ALL {
            assert!(known.iter().any(|name| name == field.setting()), "{field:?} is none of {known:?}");
        }
    }

    #[test]
    fn a_value_out_of_range_is_refused_with_what_is_allowed() {
        let said = Field::ImageSize.typed(&TrainConfig::default(), "9999").unwrap_err();
        assert!(said.contains("32 to 512"), "{said}");
        assert!(Field::Flip.typed(&TrainConfig::default(), "onn").unwrap_err().contains("neither on nor off"));
        assert!(Field::Epochs.typed(&TrainConfig::default(), "many").unwrap_err().contains("no whole number"));
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
