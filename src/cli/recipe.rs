//! How to train, as `train`, `cv`, `sweep` and `find-rate` take it.

use std::path::PathBuf;

use clap::Args;

use super::Engine;
use crate::config;
use crate::metrics::Rule;
use crate::train::{EngineKind, TrainConfig};

/// How to train. Flattened last of a command: its heading stands over what follows.
#[derive(Debug, Clone, Args)]
#[group(id = "Recipe", multiple = true)]
#[command(next_help_heading = "How to train")]
pub struct Recipe {
    /// Epochs [default: 10]
    #[arg(long, value_name = "N")]
    epochs: Option<usize>,
    /// Images a step [default: 64]
    #[arg(long, value_name = "N")]
    batch_size: Option<usize>,
    /// Adam's step size [default: 0.001]
    #[arg(long, value_name = "X")]
    learning_rate: Option<f64>,
    /// Share of the training patients to use [default: 1]
    #[arg(long, value_name = "X")]
    sample_fraction: Option<f64>,
    /// Share of the patients of train and val that validation gets [default: 0.1]
    #[arg(long, value_name = "X")]
    validation_fraction: Option<f64>,
    /// Side of the network's input in pixels [default: 224]
    #[arg(long, value_name = "N")]
    image_size: Option<usize>,
    /// Decides weights, split, sample, order and augmentation [default: 42]
    #[arg(long, value_name = "N")]
    seed: Option<u64>,
    /// Start from these weights: safetensors or a .pth of torchvision's or timm's ResNet-18, or `resnet18` for ImageNet's,
    /// once `weights fetch resnet18` has got them
    #[arg(long, value_name = "FILE")]
    pretrained: Option<PathBuf>,
    /// Do not mirror training images
    #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = "true", value_name = "true|false")]
    no_flip: Option<bool>,
    /// Rotate training images by at most this many degrees [default: 10]
    #[arg(long, value_name = "DEGREES")]
    rotation: Option<f64>,
    /// Change the brightness of training images by at most this share [default: 0.2]
    #[arg(long, value_name = "X")]
    brightness: Option<f64>,
    /// Change the contrast of training images by at most this share [default: 0.2]
    #[arg(long, value_name = "X")]
    contrast: Option<f64>,
    /// Where PNEUMONIA begins, chosen on the validation images: half (probability 0.5), youden, sensitivity=X or
    /// specificity=X [default: half]
    #[arg(long, value_name = "RULE")]
    threshold: Option<Rule>,
    /// Keep the weights of every epoch, 45 MB each, for `eval --every-epoch`
    #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = "true", value_name = "true|false")]
    keep_epochs: Option<bool>,
    /// Leave images out of training that are marked on Inspect as wrongly labelled or of poor quality; validation and test
    /// keep theirs, as figures over other images cannot be compared
    #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = "true", value_name = "true|false")]
    exclude_marked: Option<bool>,
    /// What computes the network: this program's kernels, or candle's operations to check them by
    #[arg(long, value_enum)]
    engine: Option<Engine>,
}

impl Recipe {
    /// The settings: what was said, else what is `plain`.
    #[must_use]
    pub fn config(&self, plain: &TrainConfig) -> TrainConfig {
        let said = config::Recipe {
            epochs: self.epochs,
            batch_size: self.batch_size,
            learning_rate: self.learning_rate,
            sample_fraction: self.sample_fraction,
            validation_fraction: self.validation_fraction,
            image_size: self.image_size,
            seed: self.seed,
            pretrained: self.pretrained.clone(),
            no_flip: self.no_flip,
            rotation: self.rotation,
            brightness: self.brightness,
            contrast: self.contrast,
            threshold: self.threshold,
            keep_epochs: self.keep_epochs,
            exclude_marked: self.exclude_marked,
            engine: self.engine.map(EngineKind::from),
        };
        said.over(plain)
    }
}
