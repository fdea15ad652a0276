//! Batch norm: statistics while a convolution's result is in the cache, and the passes that use them.
//!
//! Ioffe and Szegedy, 2015 (arXiv:1502.03167). Sums are taken in f32 over a slab and in f64 over slabs, always in the same
//! order. Variances are summed about a value of the channel itself and joined by the rule of Chan, Golub and LeVeque
//! (1979), so that the variances of channels far from zero lose no digits.

#![allow(clippy::inline_always, reason = "a kernel must be compiled with its caller's instructions")]
#![allow(clippy::cast_possible_truncation, reason = "sums are f64, maps f32")]

mod backward;
mod forward;
mod moments;

pub use backward::{Gate, Sums, Terms, gate_and_sum, gate_and_sum_all, input_gradient};
pub use forward::{Shortcut, activate, activate_slab};
pub use moments::Moments;

use super::Affine;
use crate::arch::EPSILON;
use crate::simd::{Block, LANES, Simd};

/// Rows that a task of an elementwise pass works on.
const ROWS: usize = 16;

/// A batch norm with the statistics of a batch.
#[derive(Debug, Clone, Default)]
pub struct Norm {
    pub affine: Affine,
    mean: Vec<Block>,
    /// One over the standard deviation.
    inverse: Vec<Block>,
    /// Values of each channel.
    count: f64,
}

impl Norm {
    /// From `moments`, with `scale` and `shift` for each channel.
    pub fn new(moments: &Moments, scale: &[f32], shift: &[f32]) -> Self {
        let inverse: Vec<f64> =
            moments.squares.iter().map(|squares| 1.0 / (squares / moments.count + EPSILON).sqrt()).collect();
        let affine = affine((scale, shift), (&moments.mean, &inverse));
        Self { affine, mean: to_blocks(&moments.mean), inverse: to_blocks(&inverse), count: moments.count }
    }

    /// The mean and one over the standard deviation of a block.
    #[inline(always)]
    pub(super) fn normaliser<S: Simd>(&self, simd: S, block: usize) -> (S::V, S::V) {
        (simd.load(&self.mean[block]), simd.load(&self.inverse[block]))
    }

    /// What takes its input's place when the output's gradient has these sums: see [`input_gradient`].
    pub fn terms(&self, sums: &Sums, scale: &[f32]) -> Terms {
        let mut terms = Terms::default();
        for (block, (mean, inverse)) in self.mean.iter().zip(&self.inverse).enumerate() {
            let [mut of_gradient, mut of_input, mut constant] = [[0.0; LANES]; 3];
            for lane in 0..LANES {
                let channel = block * LANES + lane;
                let scale = scale.get(channel).copied().map_or(0.0, f64::from);
                let (mean, inverse) = (f64::from(mean[lane]), f64::from(inverse[lane]));
                let factor = scale * inverse;
                let slope = -factor * inverse * sums.with_normalised[channel] / self.count;
                of_gradient[lane] = factor as f32;
                of_input[lane] = slope as f32;
                constant[lane] = (-factor * sums.alone[channel] / self.count - slope * mean) as f32;
            }
            terms.of_gradient.push(of_gradient);
            terms.of_input.push(of_input);
            terms.constant.push(constant);
        }
        terms
    }
}

/// `scale * (x - mean) * inverse + shift` as a factor and a summand.
pub fn affine((scale, shift): (&[f32], &[f32]), (mean, inverse): (&[f64], &[f64])) -> Affine {
    let of = |channel: usize, values: &[f32]| values.get(channel).copied().map_or(0.0, f64::from);
    let factors: Vec<f64> = inverse.iter().enumerate().map(|(channel, inverse)| of(channel, scale) * inverse).collect();
    let summand = |(channel, mean): (usize, &f64)| of(channel, shift) - mean * factors[channel];
    let summands: Vec<f64> = mean.iter().enumerate().map(summand).collect();
    Affine { scale: to_blocks(&factors), shift: to_blocks(&summands) }
}

fn to_blocks(values: &[f64]) -> Vec<Block> {
    let block = |values: &[f64]| {
        let mut block = [0.0; LANES];
        block.iter_mut().zip(values).for_each(|(out, value)| *out = *value as f32);
        block
    };
    values.chunks(LANES).map(block).collect()
}
