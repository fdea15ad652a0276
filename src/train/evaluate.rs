//! The network's answers for the images of a split.

use std::ops::ControlFlow;

use candle_core::{Device, Tensor};
use xray_nn::Inference;

use crate::dataset::Dataset;
use crate::dataset::batch::{Batch, evaluation_batch};
use crate::dataset::cache::{Cache, Progress};
use crate::error::{Error, Result};
use crate::metrics::Figures;

/// Images answered at once: enough to keep the cores busy, few enough to stop soon.
const BATCH: usize = 16;

/// The answer for one image.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Answered {
    /// Index into `Dataset::images`.
    pub image: usize,
    /// NORMAL, PNEUMONIA.
    pub logits: [f32; 2],
}

/// Answers `images` in order, in evaluation mode, telling `watch` after every few.
///
/// # Errors
/// `Cancelled` where `watch` breaks; what the network or the cache cannot do.
pub fn answer(
    network: &Inference,
    (dataset, cache): (&Dataset, &Cache),
    images: &[usize],
    watch: &mut dyn FnMut(Progress) -> ControlFlow<()>,
) -> Result<Vec<Answered>> {
    let mut answers = Vec::with_capacity(images.len());
    for chunk in images.chunks(BATCH) {
        if watch(Progress { done: answers.len(), total: images.len() }).is_break() {
            return Err(Error::Cancelled);
        }
        let batch = evaluation_batch(dataset, cache, chunk)?;
        let logits = network.forward(&to_tensor(&batch, cache.image_size())?)?;
        answers.extend(chunk.iter().zip(pairs(&logits)?).map(|(&image, logits)| Answered { image, logits }));
    }
    Ok(answers)
}

/// What `answers` scored against the data set's labels.
#[must_use]
pub fn figures(dataset: &Dataset, answers: &[Answered]) -> Figures {
    Figures::of(answers.iter().map(|a| (a.logits, dataset.images[a.image].class.index() == 1)))
}

/// A batch's pixels as `(B, 3, size, size)` f32.
///
/// # Errors
/// Where the pixels do not fit the shape.
pub fn to_tensor(batch: &Batch, size: usize) -> Result<Tensor> {
    let shape = (batch.labels.len(), 3, size, size);
    Ok(Tensor::from_slice(&batch.pixels, shape, &Device::Cpu).map_err(xray_nn::Error::from)?)
}

/// The rows of a `(B, 2)` f32 tensor.
///
/// # Errors
/// Where the tensor has another shape.
pub fn pairs(logits: &Tensor) -> Result<Vec<[f32; 2]>> {
    let rows = logits.to_vec2::<f32>().map_err(xray_nn::Error::from)?;
    Ok(rows.iter().map(|row| [row[0], row[1]]).collect())
}
