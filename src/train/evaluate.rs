//! The network's answers for the images of a split.

use std::ops::ControlFlow;

use candle_core::{Device, Tensor};
use xray_nn::Inference;

use crate::dataset::Dataset;
use crate::dataset::batch::{Batch, evaluation_batch, shifted_batch};
use crate::dataset::cache::{Cache, Progress};
use crate::dataset::look::Look;
use crate::dataset::shift::{Shift, WAYS_AN_IMAGE};
use crate::error::{Error, Result};
use crate::metrics::{self, Figures, Shifted, Spread};

/// Images answered at once: enough to keep the cores busy, few enough to stop soon.
const BATCH: usize = 16;

/// The answer for one image.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Answered {
    /// Index into `Dataset::images`.
    pub image: usize,
    /// NORMAL, PNEUMONIA.
    pub logits: [f32; 2],
    /// Standard deviation of the probability over the members of an ensemble; `None` of a single network.
    pub disagreement: Option<f64>,
}

/// Answers `images` in order, in evaluation mode, telling `watch` after every few. Where `look` asks for several pictures of
/// each, their logits are averaged.
///
/// # Errors
/// `Cancelled` where `watch` breaks; what the network or the cache cannot do.
pub fn answer(
    (network, look): (&Inference, Look),
    sets: (&Dataset, &Cache),
    images: &[usize],
    watch: Watch,
) -> Result<Vec<Answered>> {
    let each = BATCH / look.count();
    answer_by((network, sets.1), (images, each), &mut |chunk| evaluation_batch(sets, chunk, look), watch)
}

/// Answers for `images` made harder (see [`crate::dataset::shift`]), each in [`WAYS_AN_IMAGE`] of all ways, which stay the same from epoch
/// to epoch.
///
/// # Errors
/// As [`answer`].
pub fn answer_harder(
    (network, look): (&Inference, Look),
    sets: (&Dataset, &Cache),
    images: &[usize],
    watch: Watch,
) -> Result<Vec<Answered>> {
    let ways = Shift::ALL.len();
    let mut answers = Vec::new();
    for turn in 0..WAYS_AN_IMAGE {
        let shift = |index: usize| Shift::ALL[(index + turn * ways / WAYS_AN_IMAGE) % ways];
        let before = answers.len();
        let both = |each: Progress| watch(Progress { done: before + each.done, total: WAYS_AN_IMAGE * each.total });
        answers.extend(answer_shifted((network, look), sets, (images, &shift), &mut { both })?);
    }
    Ok(answers)
}

/// Answers for `images`, each made harder in the way that `shift` has for it.
///
/// # Errors
/// As [`answer`].
pub fn answer_shifted(
    (network, look): (&Inference, Look),
    sets: (&Dataset, &Cache),
    (images, shift): (&[usize], &dyn Fn(usize) -> Shift),
    watch: Watch,
) -> Result<Vec<Answered>> {
    let make = &mut |chunk: &[usize]| shifted_batch(sets, chunk, (look, shift));
    answer_by((network, sets.1), (images, BATCH / look.count()), make, watch)
}

/// Told how far the work is; whether it goes on.
pub type Watch<'a> = &'a mut dyn FnMut(Progress) -> ControlFlow<()>;

fn answer_by(
    (network, cache): (&Inference, &Cache),
    (images, each): (&[usize], usize),
    make: &mut dyn FnMut(&[usize]) -> Result<Batch>,
    watch: Watch,
) -> Result<Vec<Answered>> {
    let mut answers = Vec::with_capacity(images.len());
    for chunk in images.chunks(each) {
        if watch(Progress { done: answers.len(), total: images.len() }).is_break() {
            return Err(Error::Cancelled);
        }
        let batch = make(chunk)?;
        let features = network.features(&to_tensor(&batch, cache.image_size())?)?;
        let judged = judge(network, &features, batch.labels.len() / chunk.len())?;
        let answer = |(&image, (logits, disagreement))| Answered { image, logits, disagreement };
        answers.extend(chunk.iter().zip(judged).map(answer));
    }
    Ok(answers)
}

/// What the features of pictures, so many looks at each, make of each: mean logits and, over the members of an ensemble,
/// the standard deviation of the probability.
///
/// # Errors
/// Where the features have another shape.
pub fn judge(network: &Inference, features: &Tensor, looks: usize) -> Result<Vec<([f32; 2], Option<f64>)>> {
    let logits = pairs(&network.head(features)?)?;
    let members = network.each(features)?.iter().map(pairs).collect::<Result<Vec<_>>>()?;
    let picture = |place: usize| {
        let of = |logits: &[[f32; 2]]| mean(&logits[place * looks..][..looks]);
        let spread = Spread::of(members.iter().map(|logits| Some(metrics::probability(of(logits)))));
        (of(&logits), spread.and_then(|spread| spread.sd))
    };
    Ok((0..logits.len() / looks.max(1)).map(picture).collect())
}

/// The mean of the logits of several looks at one image; of a single one its own bits.
#[must_use]
#[expect(clippy::cast_precision_loss, reason = "a few looks")]
pub fn mean(looks: &[[f32; 2]]) -> [f32; 2] {
    [0, 1].map(|class| looks.iter().map(|logits| logits[class]).sum::<f32>() / looks.len() as f32)
}

/// What `answers` scored against the data set's labels.
#[must_use]
pub fn figures(dataset: &Dataset, answers: &[Answered]) -> Figures {
    Figures::of(answers.iter().map(|a| (a.logits, dataset.images[a.image].class.index() == 1)))
}

/// What `answers` for images made harder scored, all together.
#[must_use]
pub fn shifted(dataset: &Dataset, answers: &[Answered]) -> Shifted {
    let pair = |answer: &Answered| (answer.logits, dataset.images[answer.image].class.index() == 1);
    Shifted::of(&answers.iter().map(pair).collect::<Vec<_>>())
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
