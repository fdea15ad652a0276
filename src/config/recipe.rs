//! What is said of how to train: by `[train]` of the file and, under the same names, by flags.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::place;
use crate::dataset::augment::Augmentation;
use crate::metrics::Rule;
use crate::train::{EngineKind, TrainConfig};

/// What one of them says about training; see [`TrainConfig`] for ranges and units.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Recipe {
    pub epochs: Option<usize>,
    pub batch_size: Option<usize>,
    pub learning_rate: Option<f64>,
    pub sample_fraction: Option<f64>,
    pub validation_fraction: Option<f64>,
    pub image_size: Option<usize>,
    pub seed: Option<u64>,
    /// Nothing, or the empty path: from new weights.
    pub pretrained: Option<PathBuf>,
    pub no_flip: Option<bool>,
    pub rotation: Option<f64>,
    pub brightness: Option<f64>,
    pub contrast: Option<f64>,
    pub threshold: Option<Rule>,
    pub keep_epochs: Option<bool>,
    pub exclude_marked: Option<bool>,
    pub engine: Option<EngineKind>,
}

impl Recipe {
    /// The settings: what is said, else what is `plain`.
    #[must_use]
    pub fn over(self, plain: &TrainConfig) -> TrainConfig {
        let changes = plain.augmentation;
        TrainConfig {
            epochs: self.epochs.unwrap_or(plain.epochs),
            batch_size: self.batch_size.unwrap_or(plain.batch_size),
            learning_rate: self.learning_rate.unwrap_or(plain.learning_rate),
            sample_fraction: self.sample_fraction.unwrap_or(plain.sample_fraction),
            validation_fraction: self.validation_fraction.unwrap_or(plain.validation_fraction),
            image_size: self.image_size.unwrap_or(plain.image_size),
            seed: self.seed.unwrap_or(plain.seed),
            pretrained: self.pretrained.map_or_else(|| plain.pretrained.clone(), place::said),
            threshold: self.threshold.unwrap_or(plain.threshold),
            keep_epochs: self.keep_epochs.unwrap_or(plain.keep_epochs),
            exclude_marked: self.exclude_marked.unwrap_or(plain.exclude_marked),
            excluded: plain.excluded.clone(),
            fold: plain.fold,
            engine: self.engine.unwrap_or(plain.engine),
            augmentation: Augmentation {
                horizontal_flip: self.no_flip.map_or(changes.horizontal_flip, |no| !no),
                rotation_degrees: self.rotation.unwrap_or(changes.rotation_degrees),
                brightness: self.brightness.unwrap_or(changes.brightness),
                contrast: self.contrast.unwrap_or(changes.contrast),
            },
        }
    }

    /// The same settings as the file would say them, each of them.
    #[must_use]
    pub fn of(config: &TrainConfig) -> Self {
        let changes = config.augmentation;
        Self {
            epochs: Some(config.epochs),
            batch_size: Some(config.batch_size),
            learning_rate: Some(config.learning_rate),
            sample_fraction: Some(config.sample_fraction),
            validation_fraction: Some(config.validation_fraction),
            image_size: Some(config.image_size),
            seed: Some(config.seed),
            pretrained: config.pretrained.clone(),
            no_flip: Some(!changes.horizontal_flip),
            rotation: Some(changes.rotation_degrees),
            brightness: Some(changes.brightness),
            contrast: Some(changes.contrast),
            threshold: Some(config.threshold),
            keep_epochs: Some(config.keep_epochs),
            exclude_marked: Some(config.exclude_marked),
            engine: Some(config.engine),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_said_is_the_default_recipe() {
        assert_eq!(Recipe::default().over(&TrainConfig::default()), TrainConfig::default());
    }

    #[test]
    fn a_recipe_says_all_that_the_settings_hold() {
        let augmentation =
            Augmentation { horizontal_flip: false, rotation_degrees: 3.0, brightness: 0.4, contrast: 0.5 };
        let config = TrainConfig {
            epochs: 3,
            batch_size: 5,
            learning_rate: 0.5,
            sample_fraction: 0.5,
            validation_fraction: 0.3,
            image_size: 64,
            seed: 7,
            augmentation,
            pretrained: Some("w.pth".into()),
            threshold: Rule::Youden,
            keep_epochs: true,
            exclude_marked: true,
            excluded: None,
            fold: None,
            engine: EngineKind::Plain,
        };
        assert_eq!(Recipe::of(&config).over(&TrainConfig::default()), config);
    }
}
