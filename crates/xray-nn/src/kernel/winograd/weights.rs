//! A 3x3 convolution's weights, transformed for [`convolve`](super::convolve).

use rayon::prelude::*;

use super::frequencies;
use super::lines::{OfFilter, square};
use crate::kernel::Compute;
use crate::simd::{Block, Kernel, LANES, Simd};

/// Which way the weights are used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// From inputs to outputs.
    Forward,
    /// From an output's gradient to the input's: outputs and inputs change places, and the taps are turned by 180°.
    Backward,
}

/// Fills `transformed` with `[panel][frequency][k]` of `kernel`, (outputs, inputs, 3, 3). A panel is sixteen of the
/// channels that are written, `k` counts those that are read, both filled up with zeros.
pub fn weights<const M: usize>(
    compute: &Compute,
    (kernel, outputs, inputs): (&[f32], usize, usize),
    direction: Direction,
    transformed: &mut [Block],
) {
    let (writes, reads) = match direction {
        Direction::Forward => (outputs, inputs),
        Direction::Backward => (inputs, outputs),
    };
    let depth = reads.next_multiple_of(LANES);
    let panels = transformed.par_chunks_exact_mut(frequencies(M) * depth);
    panels.enumerate().for_each(|(panel, out)| {
        let channels = panel * LANES..writes.min((panel + 1) * LANES);
        compute.isa.run(Panel::<M> { kernel, inputs, direction, channels, reads, out });
    });
}

/// Blocks that [`weights`] fills, whichever way they are used.
pub fn size<const M: usize>(outputs: usize, inputs: usize) -> usize {
    outputs.div_ceil(LANES) * frequencies(M) * inputs.next_multiple_of(LANES)
}

struct Panel<'a, const M: usize> {
    kernel: &'a [f32],
    inputs: usize,
    direction: Direction,
    /// Of those written, at most sixteen.
    channels: std::ops::Range<usize>,
    reads: usize,
    out: &'a mut [Block],
}

impl<const M: usize> Kernel for Panel<'_, M> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        let depth = self.reads.next_multiple_of(LANES);
        for k in 0..depth {
            let taps = self.taps(k);
            let mut tile = [[simd.zero(); 6]; 6];
            for y in 0..3 {
                for x in 0..3 {
                    tile[y][x] = simd.load(&taps[y * 3 + x]);
                }
            }
            square::<OfFilter, S, M>(simd, &mut tile);
            for y in 0..M + 2 {
                for x in 0..M + 2 {
                    simd.store(&mut self.out[(y * (M + 2) + x) * depth + k], tile[y][x]);
                }
            }
        }
    }
}

impl<const M: usize> Panel<'_, M> {
    /// The nine taps between the channel `k` that is read and the sixteen that are written.
    #[inline(always)]
    fn taps(&self, k: usize) -> [Block; 9] {
        let mut taps = [[0.0; LANES]; 9];
        if k >= self.reads {
            return taps;
        }
        for (lane, channel) in self.channels.clone().enumerate() {
            let (output, input) = match self.direction {
                Direction::Forward => (channel, k),
                Direction::Backward => (k, channel),
            };
            let start = (output * self.inputs + input) * 9;
            for (tap, value) in self.kernel[start..start + 9].iter().enumerate() {
                let tap = if self.direction == Direction::Forward { tap } else { 8 - tap };
                taps[tap][lane] = *value;
            }
        }
        taps
    }
}
