//! Batches of images as the network takes them: normalised floats and labels, in an order that a seed decides.

use rand::seq::SliceRandom;

use super::Dataset;
use super::augment::{Augmentation, augment};
use super::cache::Cache;
use super::look::Look;
use super::normalisation::Normalisation;
use super::random::{Purpose, stream};
use super::shift::Shift;
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
    /// Indices into [`Dataset::images`], one for each picture or, where an image has several, for each group of them.
    pub images: Vec<usize>,
}

/// Where training batches come from.
#[derive(Debug, Clone, Copy)]
pub struct Source<'a> {
    pub dataset: &'a Dataset,
    pub cache: &'a Cache,
    pub augmentation: Augmentation,
    pub normalisation: Normalisation,
    /// Side of the pictures in pixels.
    pub size: usize,
    pub seed: u64,
}

/// The images of `epoch` in order: as many of each class, all of the rarer one and others of the commoner one each time.
#[must_use]
pub fn balanced_order(dataset: &Dataset, images: &[usize], seed: u64, epoch: usize) -> Vec<usize> {
    let rank = |index: usize| dataset.images[index].class.index();
    let count = |class: usize| images.iter().filter(|&&index| rank(index) == class).count();
    let mut left = [count(0).min(count(1)); 2];
    let mut order = order(images, seed, epoch);
    order.retain(|&index| {
        let left = &mut left[rank(index)];
        let keep = *left > 0;
        *left = left.saturating_sub(1);
        keep
    });
    // The commoner class is used up before the end: in that order, the last batches would be of the rarer one alone.
    order.shuffle(&mut stream(seed, Purpose::Order, [epoch as u64, 1]));
    order
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
    let Source { dataset, cache, augmentation, normalisation, size, seed } = *source;
    let picture = |index: usize| {
        // The cached source may be smaller than the original, so only the evaluation picture is exact.
        let mut grey = if augmentation.is_off() && size == cache.image_size() {
            read_evaluation(cache, index)?
        } else {
            let mut rng = stream(seed, Purpose::Augmentation, [epoch as u64, index as u64]);
            augment(&cache.read_source(index)?, size, &augmentation, &mut rng)
        };
        normalisation.apply(&mut grey, size);
        Ok(vec![grey])
    };
    assemble(dataset, (images, size), picture)
}

/// Images as evaluation and prediction see them: torchvision's `Resize((S, S))`, `ToTensor` and `Normalize`, each in as
/// many pictures, one after the other, as `look` asks for.
///
/// # Errors
/// Where an image can no longer be read.
pub fn evaluation_batch((dataset, cache): (&Dataset, &Cache), images: &[usize], look: Look) -> Result<Batch> {
    let size = cache.image_size();
    assemble(dataset, (images, size), |index| Ok(look.pictures(&read_evaluation(cache, index)?, size)))
}

/// Images made harder, each in the way that `shift` has for it; then as [`evaluation_batch`] has them.
///
/// # Errors
/// Where an image can no longer be read.
pub fn shifted_batch(
    (dataset, cache): (&Dataset, &Cache),
    images: &[usize],
    (look, shift): (Look, &dyn Fn(usize) -> Shift),
) -> Result<Batch> {
    let size = cache.image_size();
    assemble(dataset, (images, size), |index| {
        let mut grey = read_evaluation(cache, index)?;
        shift(index).apply(&mut grey, size, index as u64);
        Ok(look.pictures(&grey, size))
    })
}

fn read_evaluation(cache: &Cache, index: usize) -> Result<Vec<u8>> {
    let mut grey = vec![0; cache.image_size() * cache.image_size()];
    cache.read_evaluation(index, &mut grey)?;
    Ok(grey)
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

/// A batch of `images`, each in the grey pictures of side `size` that `read` gives.
fn assemble(
    dataset: &Dataset,
    (images, size): (&[usize], usize),
    read: impl Fn(usize) -> Result<Vec<Vec<u8>>>,
) -> Result<Batch> {
    let mut batch = Batch { pixels: Vec::new(), labels: Vec::new(), images: images.to_vec() };
    for &index in images {
        for grey in read(index)? {
            let start = batch.pixels.len();
            batch.pixels.resize(start + 3 * size * size, 0.0);
            normalise(&grey, &mut batch.pixels[start..]);
            batch.labels.push(dataset.images[index].class as u32);
        }
    }
    Ok(batch)
}
