//! Batches of images as the network takes them: normalised floats and labels, in an order that a seed decides.

use rand::seq::SliceRandom;

use super::Dataset;
use super::augment::{Augmentation, augment};
use super::cache::Cache;
use super::random::{Purpose, stream};
use crate::error::Result;

#[cfg(test)]
mod tests;

/// The mean of ImageNet's red, green and blue, from 0 to 1 (torchvision).
pub const IMAGENET_MEAN: [f32; 3] = [0.485, 0.456, 0.406];
/// The standard deviation of ImageNet's red, green and blue, from 0 to 1 (torchvision).
pub const IMAGENET_STD: [f32; 3] = [0.229, 0.224, 0.225];

/// B images for one step.
#[derive(Debug, Clone, PartialEq)]
pub struct Batch {
    /// `(B, 3, S, S)`, ImageNet-normalised.
    pub pixels: Vec<f32>,
    /// `(B)`: 0 is NORMAL, 1 is PNEUMONIA.
    pub labels: Vec<u32>,
    /// `(B)`: indices into [`Dataset::images`].
    pub images: Vec<usize>,
}

/// Where training batches come from.
#[derive(Debug, Clone, Copy)]
pub struct Source<'a> {
    pub dataset: &'a Dataset,
    pub cache: &'a Cache,
    pub augmentation: Augmentation,
    pub seed: u64,
}

/// `images` in the order of `epoch`, shuffled by `seed`.
#[must_use]
pub fn order(images: &[usize], seed: u64, epoch: usize) -> Vec<usize> {
    let mut order = images.to_vec();
    order.shuffle(&mut stream(seed, Purpose::Order, [epoch as u64, 0]));
    order
}

/// Augmented images, each by (seed, epoch, image) alone: in whatever batch it comes, at whatever place.
///
/// # Errors
/// Where an image can no longer be read.
pub fn training_batch(source: &Source<'_>, images: &[usize], epoch: usize) -> Result<Batch> {
    let Source { dataset, cache, augmentation, seed } = *source;
    // The cached source may be smaller than the original, so only the evaluation picture is exact.
    if augmentation.is_off() {
        return evaluation_batch(dataset, cache, images);
    }
    let size = cache.image_size();
    assemble(dataset, (images, size), |index, grey| {
        let mut rng = stream(seed, Purpose::Augmentation, [epoch as u64, index as u64]);
        grey.copy_from_slice(&augment(&cache.read_source(index)?, size, &augmentation, &mut rng));
        Ok(())
    })
}

/// Images as evaluation and prediction see them: torchvision's `Resize((S, S))`, `ToTensor` and `Normalize`.
///
/// # Errors
/// Where an image can no longer be read.
pub fn evaluation_batch(dataset: &Dataset, cache: &Cache, images: &[usize]) -> Result<Batch> {
    assemble(dataset, (images, cache.image_size()), |index, grey| cache.read_evaluation(index, grey))
}

/// Normalises one grey picture of S * S values into three planes of as many, for red, green and blue.
///
/// `out` holds `3 * grey.len()` values; what is beyond that is left alone.
pub fn normalise(grey: &[u8], out: &mut [f32]) {
    let planes = out.chunks_exact_mut(grey.len().max(1));
    for (plane, (mean, std)) in planes.zip(IMAGENET_MEAN.into_iter().zip(IMAGENET_STD)) {
        let mut table = [0.0; 256];
        for (entry, value) in table.iter_mut().zip(0..=u8::MAX) {
            *entry = (f32::from(value) / 255.0 - mean) / std;
        }
        for (out, &value) in plane.iter_mut().zip(grey) {
            *out = table[usize::from(value)];
        }
    }
}

/// Fills a batch of `images` of side `size` with the grey pictures that `read` writes.
fn assemble(
    dataset: &Dataset,
    (images, size): (&[usize], usize),
    read: impl Fn(usize, &mut [u8]) -> Result<()>,
) -> Result<Batch> {
    let mut grey = vec![0; size * size];
    let mut pixels = vec![0.0; images.len() * 3 * size * size];
    for (&index, out) in images.iter().zip(pixels.chunks_exact_mut((3 * size * size).max(1))) {
        read(index, &mut grey)?;
        normalise(&grey, out);
    }
    let labels = images.iter().map(|&index| dataset.images[index].class as u32).collect();
    Ok(Batch { pixels, labels, images: images.to_vec() })
}
