//! A loaded model answering for one image or many.

pub mod deletion;
pub mod familiarity;
pub mod heat;
pub mod neighbours;
pub mod placement;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use candle_core::{Device, Tensor};
use xray_nn::Inference;

use crate::dataset::batch::normalise;
use crate::dataset::format::Decoded;
use crate::dataset::look::Look;
use crate::dataset::scan::{is_hidden, is_image_extension};
use crate::dataset::{Class, GreyImage, format, resize};
use crate::error::{Error, Result};
use crate::metrics::{self, Fingerprint, Threshold};
use crate::train::{EngineKind, checkpoint, evaluate};

/// A trained network, ready to answer.
#[derive(Debug)]
pub struct Predictor {
    network: Inference,
    image_size: usize,
    look: Look,
    weights: Fingerprint,
}

/// The network's answer for one image.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Prediction {
    /// NORMAL, PNEUMONIA.
    pub logits: [f32; 2],
    /// Standard deviation of the probability over the members of an ensemble; `None` of a single network.
    pub disagreement: Option<f64>,
}

impl Prediction {
    /// The class at a threshold.
    #[must_use]
    pub fn class(self, threshold: Threshold) -> Class {
        if metrics::margin(self.logits) > threshold.margin { Class::Pneumonia } else { Class::Normal }
    }

    /// Probability of PNEUMONIA, 0 to 1.
    #[must_use]
    pub fn probability(self) -> f64 {
        metrics::probability(self.logits)
    }
}

impl Predictor {
    /// Loads the best weights of the run whose checkpoints lie in `folder`.
    ///
    /// # Errors
    /// Where the run has no checkpoint yet, or a damaged one.
    pub fn load(folder: &Path) -> Result<Self> {
        checkpoint::existing_best(folder)?;
        let (config, network, weights) = checkpoint::load_best_known(folder, EngineKind::Fast)?;
        Ok(Self { network, image_size: config.image_size, look: config.look(), weights })
    }

    /// Side of the square input in pixels.
    #[must_use]
    pub const fn image_size(&self) -> usize {
        self.image_size
    }

    /// What tells its weights from all others, as [`checkpoint::fingerprint`] has it.
    #[must_use]
    pub const fn weights(&self) -> Fingerprint {
        self.weights
    }

    /// The network itself, for evaluating a whole split.
    #[must_use]
    pub const fn network(&self) -> &Inference {
        &self.network
    }

    /// Answers for one picture of any size; sees what torchvision's `Resize((S, S))`, `ToTensor`, `Normalize` give.
    ///
    /// # Errors
    /// Where the network cannot run.
    pub fn predict(&self, picture: &GreyImage) -> Result<Prediction> {
        self.judge(&self.network.features(&self.looks(picture)?)?)
    }

    /// The answer that the features of all looks at one picture make.
    fn judge(&self, features: &Tensor) -> Result<Prediction> {
        let (logits, disagreement) = evaluate::judge(&self.network, features, self.look.count())?[0];
        Ok(Prediction { logits, disagreement })
    }

    /// How it looks at pictures.
    #[must_use]
    pub const fn look(&self) -> Look {
        self.look
    }

    /// All looks at one picture, as `(B, 3, S, S)` f32, ImageNet-normalised: the picture itself first.
    fn looks(&self, picture: &GreyImage) -> Result<Tensor> {
        let square = resize::to_square(picture, self.image_size);
        self.input(&self.look.pictures(&square.pixels, self.image_size))
    }

    /// The picture as the network gets it, `S * S` greys.
    fn square(&self, picture: &GreyImage) -> Vec<u8> {
        let mut square = resize::to_square(picture, self.image_size).pixels;
        self.look.normalisation.apply(&mut square, self.image_size);
        square
    }

    /// Grey pictures of the network's size S, each of S * S values, as `(B, 3, S, S)` f32, ImageNet-normalised.
    fn input(&self, squares: &[Vec<u8>]) -> Result<Tensor> {
        let side = self.image_size;
        let mut pixels = vec![0.0; squares.len() * 3 * side * side];
        for (grey, out) in squares.iter().zip(pixels.chunks_exact_mut(3 * side * side)) {
            normalise(grey, out);
        }
        let shape = (squares.len(), 3, side, side);
        Ok(Tensor::from_vec(pixels, shape, &Device::Cpu).map_err(xray_nn::Error::from)?)
    }
}

/// Reads an image file of any supported form, in grey.
///
/// # Errors
/// Why it cannot be read, in words for the user.
pub fn read_picture(path: &Path) -> Result<GreyImage, String> {
    read_decoded(path).map(|decoded| decoded.grey)
}

/// Reads an image file of any supported form, with what the file says of itself beside its grey.
///
/// # Errors
/// As [`read_picture`].
pub fn read_decoded(path: &Path) -> Result<Decoded, String> {
    let failed = |error| Error::io("read", path, error).to_string();
    // A pipe or a device would be read without end.
    if !std::fs::metadata(path).map_err(failed)?.is_file() {
        return Err(format!("{} is no regular file", path.display()));
    }
    format::decode(&std::fs::read(path).map_err(failed)?)
}

/// The image files that `paths` name: files as they are, folders with all images below them, sorted.
///
/// # Errors
/// `Io` where a folder cannot be read, `BadSetting` where there is no image at all.
pub fn image_files(paths: &[PathBuf]) -> Result<Vec<PathBuf>> {
    let (mut files, mut seen) = (Vec::new(), BTreeSet::new());
    for path in paths {
        if path.is_dir() { collect(path, &mut seen, &mut files)? } else { files.push(path.clone()) }
    }
    if files.is_empty() {
        let problem = "names no .jpeg, .jpg or .png file".to_owned();
        return Err(Error::BadSetting { setting: "FILE|DIR", problem });
    }
    Ok(files)
}

/// Adds the images below `folder`, once for each folder, however many links lead there.
fn collect(folder: &Path, seen: &mut BTreeSet<PathBuf>, files: &mut Vec<PathBuf>) -> Result<()> {
    let listed = |error| Error::io("list", folder, error);
    if !seen.insert(std::fs::canonicalize(folder).map_err(listed)?) {
        return Ok(());
    }
    let entries = std::fs::read_dir(folder).map_err(listed)?.collect::<Result<Vec<_>, _>>().map_err(listed)?;
    let mut paths: Vec<PathBuf> = entries
        .iter()
        .filter(|entry| !is_hidden(&entry.file_name().to_string_lossy()))
        .map(std::fs::DirEntry::path)
        .collect();
    paths.sort();
    for path in paths {
        if path.is_dir() {
            collect(&path, seen, files)?;
        } else if is_image(&path) {
            files.push(path);
        }
    }
    Ok(())
}

fn is_image(path: &Path) -> bool {
    let ending = path.extension().and_then(|ending| ending.to_str()).unwrap_or_default();
    is_image_extension(ending)
}
