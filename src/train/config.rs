//! The settings of a run, the same on screen, on the command line and in the store.

use std::path::PathBuf;

use candle_core::Device;
use serde::{Deserialize, Serialize};
use xray_nn::Engine;

use super::machine;
use crate::dataset::augment::Augmentation;
use crate::dataset::split::Fold;
use crate::error::{Error, Result};
use crate::metrics::Rule;

/// Parts that a cross-validation may have.
const MOST_FOLDS: usize = 100;

/// Everything that decides a run's outcome beside the data.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct TrainConfig {
    /// 1 to 100,000.
    pub epochs: usize,
    /// Images a step, 2 to 100,000 (batch norm needs two values per channel).
    pub batch_size: usize,
    /// Adam's step size, above 0.
    pub learning_rate: f64,
    /// Share of the training patients that are used, stratified by class: above 0, at most 1.
    pub sample_fraction: f64,
    /// Share of the patients of train and val that validation gets: above 0, below 1.
    pub validation_fraction: f64,
    /// Side of the square network input in pixels: 32 to 512.
    pub image_size: usize,
    /// Decides initial weights, split, sample, order and augmentation.
    pub seed: u64,
    pub augmentation: Augmentation,
    /// Start from these weights: safetensors or torchvision's `.pth`.
    pub pretrained: Option<PathBuf>,
    /// Where PNEUMONIA begins: chosen by this rule on the validation images, once the best epoch is known.
    pub threshold: Rule,
    /// Keep the weights of every epoch, to be scored afterwards.
    pub keep_epochs: bool,
    /// Leave marked images out of training: those whose label looks wrong and those of poor quality.
    pub exclude_marked: bool,
    /// The images of the folders train and val that were marked so when the run began, by the md5 of their files in
    /// ascending order: no training split holds one. `None` where none was to be left out, or before a run has begun.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub excluded: Option<Vec<String>>,
    /// A part of a cross-validation: scored on its own part instead of the test images.
    pub fold: Option<Fold>,
    /// Settings from before there was a choice mean candle.
    #[serde(default = "EngineKind::unnamed")]
    pub engine: EngineKind,
}

/// What computes the network.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum EngineKind {
    /// This program's own kernels.
    #[default]
    Fast,
    /// candle's operations, layer by layer: slow, to check the other one by.
    Plain,
}

impl EngineKind {
    const fn unnamed() -> Self {
        Self::Plain
    }

    /// `fast` or `plain`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Fast => "fast",
            Self::Plain => "plain",
        }
    }

    /// The one of that name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        [Self::Fast, Self::Plain].into_iter().find(|engine| engine.name() == name)
    }

    /// The engine on this machine.
    #[must_use]
    pub fn here(self) -> Engine {
        match self {
            Self::Fast => Engine::Fast(machine::isa()),
            Self::Plain => Engine::Plain(Device::Cpu),
        }
    }
}

impl Default for TrainConfig {
    fn default() -> Self {
        Self {
            epochs: 10,
            batch_size: 64,
            learning_rate: 1e-3,
            sample_fraction: 1.0,
            validation_fraction: 0.1,
            image_size: 224,
            seed: 42,
            augmentation: Augmentation::default(),
            pretrained: None,
            threshold: Rule::default(),
            keep_epochs: false,
            exclude_marked: false,
            excluded: None,
            fold: None,
            engine: EngineKind::default(),
        }
    }
}

impl TrainConfig {
    /// Whether an image with this content is not trained on.
    #[must_use]
    pub fn leaves_out(&self, md5: &str) -> bool {
        let known = |list: &Vec<String>| list.binary_search_by(|other| other.as_str().cmp(md5)).is_ok();
        self.excluded.as_ref().is_some_and(known)
    }

    /// Checks every setting's range.
    ///
    /// # Errors
    /// `BadSetting` names the first setting out of range and what is allowed.
    pub fn validate(&self) -> Result<()> {
        let augmentation = &self.augmentation;
        check("epochs", (1..=100_000).contains(&self.epochs), "1 to 100,000")?;
        let allowed = "2 to 100,000: batch normalisation needs two images";
        check("batch size", (2..=100_000).contains(&self.batch_size), allowed)?;
        check("learning rate", self.learning_rate > 0.0 && self.learning_rate <= 10.0, "above 0, at most 10")?;
        check("sample fraction", self.sample_fraction > 0.0 && self.sample_fraction <= 1.0, "above 0, at most 1")?;
        check(
            "validation fraction",
            self.validation_fraction > 0.0 && self.validation_fraction < 1.0,
            "above 0, below 1",
        )?;
        check("image size", (32..=512).contains(&self.image_size), "32 to 512 pixels")?;
        check("rotation", (0.0..=180.0).contains(&augmentation.rotation_degrees), "0 to 180 degrees")?;
        check("brightness", (0.0..=1.0).contains(&augmentation.brightness), "0 to 1")?;
        check("contrast", (0.0..=1.0).contains(&augmentation.contrast), "0 to 1")?;
        let fold =
            self.fold.is_none_or(|fold| (2..=MOST_FOLDS).contains(&fold.of) && (1..=fold.of).contains(&fold.number));
        check("folds", fold, "2 to 100")?;
        // The store and every report keep it as text.
        let named = self.pretrained.as_ref().is_none_or(|file| file.to_str().is_some());
        check("pretrained", named, "a path in UTF-8: rename the file or its folder")
    }
}

fn check(setting: &'static str, holds: bool, allowed: &str) -> Result<()> {
    if holds {
        return Ok(());
    }
    Err(Error::BadSetting { setting, problem: format!("must be {allowed}") })
}
