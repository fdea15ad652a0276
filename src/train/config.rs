//! The settings of a run, the same on screen, on the command line and in the store.

use std::path::PathBuf;

use candle_core::Device;
use serde::{Deserialize, Serialize};
use xray_nn::Engine;

use super::machine;
use crate::dataset::augment::Augmentation;
use crate::dataset::look::{Look, TestAugmentation};
use crate::dataset::normalisation::Normalisation;
use crate::dataset::split::{Fold, HeldOut};
use crate::dataset::{Probe, Split};
use crate::error::{Error, Result};
use crate::metrics::{Criterion, Rule, ThresholdOn};
use crate::words::words;

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
    /// Adam's step size, above 0: the highest one of a schedule.
    pub learning_rate: f64,
    /// How the step size changes over the run.
    #[serde(default)]
    pub schedule: Schedule,
    /// Epochs over which the step size rises from nothing: 0 to 100,000, may be a fraction.
    #[serde(default)]
    pub warmup_epochs: f64,
    /// Share by which a step of size 1 shrinks the weights (AdamW): 0 to 1.
    #[serde(default)]
    pub weight_decay: f64,
    /// Longest gradient, as the Euclidean norm over all parameters; 0 is any.
    #[serde(default)]
    pub clip_norm: f64,
    /// Share of the label that is spread over both classes: 0 to below 1.
    #[serde(default)]
    pub label_smoothing: f64,
    /// What is done about unequal classes.
    #[serde(default)]
    pub class_balance: ClassBalance,
    /// Share that the averaged weights keep at every step; they are what is scored. 0 is off, below 1.
    #[serde(default)]
    pub averaging: f64,
    /// Stop after so many epochs without a better one; 0 is never.
    #[serde(default)]
    pub early_stopping: usize,
    /// Share of the training patients that are used, stratified by class: above 0, at most 1.
    pub sample_fraction: f64,
    /// Share of the images of train and val that validation gets, in whole patients: above 0, below 1.
    pub validation_fraction: f64,
    /// Families of file names that validate instead of a share of the patients.
    #[serde(default)]
    pub held_out: HeldOut,
    /// Side of the square network input in pixels: 32 to 512.
    pub image_size: usize,
    /// Side of the training pictures at first, which grows to `image_size` where that is larger: 32 to 512, or 0.
    #[serde(default)]
    pub first_image_size: usize,
    /// What is done to the greys of every picture, in training and after.
    #[serde(default)]
    pub normalisation: Normalisation,
    /// Decides initial weights, split, sample, order and augmentation.
    pub seed: u64,
    /// Decides the split and the sample instead of `seed`, so that runs of several seeds share them; 0 is `seed`.
    #[serde(default)]
    pub split_seed: u64,
    pub augmentation: Augmentation,
    /// Start from these weights: safetensors or torchvision's `.pth`.
    pub pretrained: Option<PathBuf>,
    /// Parts of the network that keep their first weights: the stem, then the four stages, 0 to 5.
    #[serde(default)]
    pub frozen_stages: usize,
    /// How many looks are taken at a picture whose answers are averaged.
    #[serde(default)]
    pub test_augmentation: TestAugmentation,
    /// What the best epoch is best by.
    #[serde(default)]
    pub choose_by: Criterion,
    /// Where PNEUMONIA begins: chosen by this rule on the validation images, once the best epoch is known.
    #[serde(default)]
    pub threshold: Rule,
    /// Which pictures of them it is chosen on.
    #[serde(default)]
    pub threshold_on: ThresholdOn,
    /// Score the test images once at the end: to be turned off for a search.
    #[serde(default = "yes")]
    pub score_test: bool,
    /// Keep the weights of every epoch, to be scored afterwards.
    #[serde(default)]
    pub keep_epochs: bool,
    /// Leave marked images out of training: those whose label looks wrong and those of poor quality.
    #[serde(default)]
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

words! {
    /// What computes the network.
    EngineKind {
        /// This program's own kernels.
        #[default] Fast = "fast",
        /// candle's operations, layer by layer: slow, to check the other one by.
        Plain = "plain",
    }
}

words! {
    /// How the step size changes over the run.
    Schedule {
        /// Not at all.
        #[default] Constant = "constant",
        /// It falls as half a cosine wave to nothing (Loshchilov & Hutter 2017).
        Cosine = "cosine",
        /// It is divided by 10 after three epochs without a better one.
        Plateau = "plateau",
    }
}

words! {
    /// What is done about classes of unequal size.
    ClassBalance {
        #[default] None = "none",
        /// An image of the rarer class counts for more in the loss.
        Weights = "weights",
        /// An epoch has only as many images of the commoner class as of the rarer one, other ones each time.
        Sampling = "sampling",
    }
}

/// Settings from before there was a choice had the test images scored.
const fn yes() -> bool {
    true
}

impl EngineKind {
    const fn unnamed() -> Self {
        Self::Plain
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
            epochs: 16,
            batch_size: 32,
            learning_rate: 1e-3,
            schedule: Schedule::Cosine,
            warmup_epochs: 1.0,
            weight_decay: 0.05,
            clip_norm: 1.0,
            label_smoothing: 0.0,
            class_balance: ClassBalance::None,
            averaging: 0.99,
            early_stopping: 0,
            sample_fraction: 1.0,
            validation_fraction: 0.1,
            held_out: HeldOut::None,
            image_size: 128,
            first_image_size: 0,
            normalisation: Normalisation::Clahe,
            seed: 42,
            split_seed: 0,
            augmentation: Augmentation::default(),
            pretrained: None,
            frozen_stages: 0,
            test_augmentation: TestAugmentation::None,
            choose_by: Criterion::Shifted,
            threshold: Rule::Youden,
            threshold_on: ThresholdOn::Shifted,
            score_test: true,
            keep_epochs: false,
            exclude_marked: false,
            excluded: None,
            fold: None,
            engine: EngineKind::default(),
        }
    }
}

impl TrainConfig {
    /// What decides the split and the sample.
    #[must_use]
    pub const fn seed_of_split(&self) -> u64 {
        if self.split_seed == 0 { self.seed } else { self.split_seed }
    }

    /// How its network looks at pictures once it is trained.
    #[must_use]
    pub const fn look(&self) -> Look {
        Look { normalisation: self.normalisation, test_augmentation: self.test_augmentation }
    }

    /// What the threshold is chosen on.
    #[must_use]
    pub const fn decides_on(&self) -> Probe {
        match self.threshold_on {
            ThresholdOn::Plain => Probe::Plain(Split::Validation),
            ThresholdOn::Shifted => Probe::Harder,
        }
    }

    /// Whether a run asks its test split at its end. A fold is scored on its own part, which is none of the test images.
    #[must_use]
    pub const fn asks_test(&self) -> bool {
        self.score_test || self.fold.is_some()
    }

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
        check("warmup epochs", (0.0..=100_000.0).contains(&self.warmup_epochs), "0 to 100,000")?;
        check("weight decay", (0.0..=1.0).contains(&self.weight_decay), "0 to 1")?;
        check("clip norm", self.clip_norm >= 0.0 && self.clip_norm.is_finite(), "0 or more")?;
        check("label smoothing", (0.0..1.0).contains(&self.label_smoothing), "0 to below 1")?;
        check("averaging", (0.0..1.0).contains(&self.averaging), "0 to below 1")?;
        let grows = self.first_image_size == 0 || (32..=512).contains(&self.first_image_size);
        check("first image size", grows, "0, or 32 to 512 pixels")?;
        check("frozen stages", self.frozen_stages <= 5, "0 to 5")?;
        let crops = augmentation.crop_scale > 0.0 && augmentation.crop_scale <= 1.0;
        check("crop scale", crops, "above 0, at most 1")?;
        check("translation", (0.0..=1.0).contains(&augmentation.translation), "0 to 1")?;
        check("gamma", (0.0..=9.0).contains(&augmentation.gamma), "0 to 9")?;
        check("erasing", (0.0..=1.0).contains(&augmentation.erasing), "0 to 1")?;
        check("rotation", (0.0..=180.0).contains(&augmentation.rotation_degrees), "0 to 180 degrees")?;
        check("brightness", (0.0..=1.0).contains(&augmentation.brightness), "0 to 1")?;
        check("contrast", (0.0..=1.0).contains(&augmentation.contrast), "0 to 1")?;
        let fold =
            self.fold.is_none_or(|fold| (2..=MOST_FOLDS).contains(&fold.of) && (1..=fold.of).contains(&fold.number));
        check("folds", fold, "2 to 100")?;
        let splits = self.fold.is_none() || self.held_out == HeldOut::None;
        check("held out", splits, "none in a cross-validation, whose parts are of patients")?;
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_from_before_there_was_a_choice_mean_what_was_done_then() {
        let old: TrainConfig = serde_json::from_str("{}").unwrap();
        assert_eq!((old.threshold_on, old.threshold, old.choose_by), Default::default());
        assert_eq!(old.decides_on(), Probe::Plain(Split::Validation));
        assert_eq!((old.schedule, old.score_test, old.engine), (Schedule::Constant, true, EngineKind::Plain));
    }
}
