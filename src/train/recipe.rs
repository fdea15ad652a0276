//! Recipes: settings that go well together, by name.

use super::TrainConfig;
use super::config::{ClassBalance, Schedule};
use crate::dataset::augment::Augmentation;
use crate::dataset::look::TestAugmentation;
use crate::dataset::normalisation::Normalisation;
use crate::metrics::{Criterion, Rule, ThresholdOn};
use crate::words::words;

words! {
    /// A named recipe.
    Named {
        /// What a new run has where nothing else is said.
        #[default] Default = "default",
        /// Small pictures, for a good answer after minutes.
        Fast = "fast",
        /// A common first script: Adam at a steady rate, a flip, a small turn, a little jitter.
        Plain = "plain",
    }
}

impl Named {
    /// `config` with the settings of this recipe; what is trained on, from which weights and seed, and what is kept stays.
    #[must_use]
    pub fn over(self, config: &TrainConfig) -> TrainConfig {
        let keep = config.clone();
        TrainConfig {
            sample_fraction: keep.sample_fraction,
            validation_fraction: keep.validation_fraction,
            held_out: keep.held_out,
            seed: keep.seed,
            split_seed: keep.split_seed,
            pretrained: keep.pretrained,
            frozen_stages: keep.frozen_stages,
            score_test: keep.score_test,
            keep_epochs: keep.keep_epochs,
            exclude_marked: keep.exclude_marked,
            excluded: keep.excluded,
            fold: keep.fold,
            engine: keep.engine,
            ..self.config()
        }
    }

    /// The recipe that the settings are.
    #[must_use]
    pub fn of(config: &TrainConfig) -> Option<Self> {
        [Self::Default, Self::Fast, Self::Plain].into_iter().find(|recipe| recipe.over(config) == *config)
    }

    /// Its settings, with those of a new run for what it says nothing about.
    #[must_use]
    pub fn config(self) -> TrainConfig {
        match self {
            Self::Default => TrainConfig::default(),
            Self::Fast => fast(),
            Self::Plain => plain(),
        }
    }
}

/// The default over small pictures and fewer epochs.
fn fast() -> TrainConfig {
    TrainConfig { epochs: 10, batch_size: 64, image_size: 64, ..TrainConfig::default() }
}

fn plain() -> TrainConfig {
    TrainConfig {
        epochs: 10,
        batch_size: 64,
        learning_rate: 1e-3,
        schedule: Schedule::Constant,
        warmup_epochs: 0.0,
        weight_decay: 0.0,
        clip_norm: 0.0,
        label_smoothing: 0.0,
        class_balance: ClassBalance::None,
        averaging: 0.0,
        early_stopping: 0,
        image_size: 224,
        first_image_size: 0,
        normalisation: Normalisation::None,
        augmentation: Augmentation {
            horizontal_flip: true,
            rotation_degrees: 10.0,
            brightness: 0.2,
            contrast: 0.2,
            ..Augmentation::OFF
        },
        test_augmentation: TestAugmentation::None,
        choose_by: Criterion::Accuracy,
        threshold: Rule::Half,
        threshold_on: ThresholdOn::Plain,
        ..TrainConfig::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_recipe_is_told_by_its_settings_whatever_it_trains_on() {
        let other = TrainConfig { seed: 7, sample_fraction: 0.5, keep_epochs: true, ..TrainConfig::default() };
        for name in Named::NAMES {
            let recipe: Named = name.parse().unwrap();
            let config = recipe.over(&other);
            assert_eq!((config.seed, config.sample_fraction, config.keep_epochs), (7, 0.5, true));
            assert!(config.validate().is_ok());
            assert_eq!(Named::of(&config).map(Named::config), Some(recipe.config()));
            assert_eq!(Named::of(&TrainConfig { clip_norm: 7.5, ..config }), None);
        }
    }
}
