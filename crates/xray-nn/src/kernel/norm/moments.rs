//! Means and variances of channels, taken while a convolution's result is in the cache.

#![allow(clippy::inline_always, reason = "a kernel must be compiled with its caller's instructions")]
#![allow(clippy::cast_precision_loss, reason = "counts of pixels fit 53 bits")]

use crate::kernel::Compute;
use crate::kernel::maps::Extent;
use crate::simd::{Block, Kernel, LANES, Simd};

/// The mean of each channel, and the sum of the squared differences from it.
#[derive(Debug, Clone, Default)]
pub struct Moments {
    pub count: f64,
    /// By channel.
    pub mean: Vec<f64>,
    /// By channel.
    pub squares: Vec<f64>,
}

impl Moments {
    /// Of all values of one slab.
    pub fn of(compute: &Compute, slab: &[Block], extent: Extent) -> Self {
        compute.isa.run(SlabMoments { slab, extent })
    }

    /// Of all values of several slabs together.
    pub fn join(parts: Vec<Self>) -> Self {
        parts.into_iter().reduce(|all, part| all.and(&part)).unwrap_or_default()
    }

    fn and(mut self, other: &Self) -> Self {
        let count = self.count + other.count;
        let share = other.count / count;
        for (channel, (mean, squares)) in self.mean.iter_mut().zip(&mut self.squares).enumerate() {
            let difference = other.mean[channel] - *mean;
            *mean += difference * share;
            *squares += other.squares[channel] + difference * difference * self.count * share;
        }
        self.count = count;
        self
    }
}

struct SlabMoments<'a> {
    slab: &'a [Block],
    extent: Extent,
}

impl Kernel for SlabMoments<'_> {
    type Output = Moments;

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) -> Moments {
        let Self { slab, extent } = self;
        let count = (slab.len() / extent.blocks) as f64;
        let mut moments = Moments { count, ..Moments::default() };
        for block in 0..extent.blocks {
            let about = &slab[block * extent.width];
            let origin = simd.load(about);
            let (mut sum, mut squares) = (simd.zero(), simd.zero());
            for row in slab.chunks_exact(extent.row()) {
                for pixel in &row[block * extent.width..(block + 1) * extent.width] {
                    let difference = simd.sub(simd.load(pixel), origin);
                    sum = simd.add(sum, difference);
                    squares = simd.fma(difference, difference, squares);
                }
            }
            let (mut sums, mut all_squares) = ([0.0; LANES], [0.0; LANES]);
            simd.store(&mut sums, sum);
            simd.store(&mut all_squares, squares);
            for lane in 0..LANES {
                let sum = f64::from(sums[lane]);
                moments.mean.push(f64::from(about[lane]) + sum / count);
                moments.squares.push((f64::from(all_squares[lane]) - sum * sum / count).max_or_nan(0.0));
            }
        }
        moments
    }
}

trait MaxOrNan {
    fn max_or_nan(self, other: Self) -> Self;
}

impl MaxOrNan for f64 {
    /// As `max`, but a NaN is not hidden.
    #[inline(always)]
    fn max_or_nan(self, other: Self) -> Self {
        if self < other { other } else { self }
    }
}
