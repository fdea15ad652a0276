//! Convolutions of any kernel and stride as one matrix product: pixels times (taps x channels).
//!
//! A task gathers what its pixels see, tap by tap, into a small matrix in its core's cache ("implicit GEMM": the whole
//! matrix never exists), multiplies, and hands its rows of the output to `finish`. Sums are of up to 9 x 512 products in
//! f32, one after the other: within 3e-6 of the sum of the absolute products, and some 3e-7 in the mean square.

#![allow(clippy::inline_always, reason = "a kernel must be compiled with its caller's instructions")]

mod backward;
mod gradient;

use std::ops::Range;

use rayon::prelude::*;

pub use backward::{input_gradient, weights_backward};
pub use gradient::gradient;

use super::gemm::{Left, Right, multiply};
use super::maps::{Bands, Maps};
use super::{Affine, Compute, Finish, Input};
use crate::simd::{Block, Kernel, LANES, Simd};

/// A square convolution with `kernel / 2` pixels of zeros around its input.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Geometry {
    /// Channels read.
    pub inputs: usize,
    /// Channels written.
    pub outputs: usize,
    pub kernel: usize,
    pub stride: usize,
}

impl Geometry {
    pub fn padding(self) -> usize {
        self.kernel / 2
    }

    pub fn taps(self) -> usize {
        self.kernel * self.kernel
    }

    pub fn input_blocks(self) -> usize {
        self.inputs.div_ceil(LANES)
    }

    pub fn output_blocks(self) -> usize {
        self.outputs.div_ceil(LANES)
    }

    /// Blocks that each pixel of the output sees.
    fn groups(self) -> usize {
        self.taps() * self.input_blocks()
    }
}

/// Pixels that a task should have: few enough for its cache, many enough to be worth reading the weights.
fn pixels_of_task(groups: usize) -> usize {
    (128 * 1024 / (groups * LANES)).clamp(28, 112)
}

/// Blocks of the weights for [`convolve`], and as many for [`input_gradient`], where each tap has one phase.
pub fn weights_size(geometry: Geometry) -> usize {
    geometry.output_blocks() * geometry.groups() * LANES
}

/// Fills `packed` with `[panel][tap][input]` of `kernel`, (outputs, inputs, kernel, kernel).
pub fn weights(geometry: Geometry, kernel: &[f32], packed: &mut [Block]) {
    let Geometry { inputs, outputs, .. } = geometry;
    let (taps, depth) = (geometry.taps(), geometry.input_blocks() * LANES);
    packed.par_chunks_exact_mut(taps * depth).enumerate().for_each(|(panel, out)| {
        out.fill([0.0; LANES]);
        for (lane, output) in (panel * LANES..outputs.min((panel + 1) * LANES)).enumerate() {
            for (input, values) in kernel[output * inputs * taps..].chunks_exact(taps).take(inputs).enumerate() {
                for (tap, value) in values.iter().enumerate() {
                    out[tap * depth + input][lane] = *value;
                }
            }
        }
    });
}

/// Convolves `input` with `weights` (see [`weights`]) into `output`. `finish` gets each slab of the output when it is
/// ready; its answers come in order.
pub fn convolve<R: Send>(
    compute: &Compute,
    (input, weights): (Input<'_>, &[Block]),
    (output, geometry): (&mut Maps, Geometry),
    finish: impl Finish<R>,
) -> Vec<R> {
    let extent = output.extent;
    let per = pixels_of_task(geometry.groups()).div_ceil(extent.width);
    let tasks = Bands::new((output.images, extent.height), 1, per).cut(output);
    tasks
        .into_par_iter()
        .map(|(band, slab)| {
            let pixels = band.rows.len() * extent.width;
            compute.scratch.with((geometry.groups() + extent.blocks) * pixels, |scratch| {
                let field =
                    Field { input, geometry, rows: band.rows.clone(), height: extent.height, width: extent.width };
                compute.isa.run(Convolve { field, weights, slab, scratch });
            });
            finish(band.rows.start, slab)
        })
        .collect()
}

/// The receptive field of some rows of the output.
#[derive(Debug, Clone)]
struct Field<'a> {
    input: Input<'a>,
    geometry: Geometry,
    /// Of all images.
    rows: Range<usize>,
    /// Of the output.
    height: usize,
    width: usize,
}

impl Field<'_> {
    fn pixels(&self) -> usize {
        self.rows.len() * self.width
    }

    /// Fills `gathered` with `[tap][block][pixel]`.
    #[inline(always)]
    fn gather<S: Simd>(&self, simd: S, gathered: &mut [Block]) {
        let blocks = self.geometry.input_blocks();
        assert!(gathered.len() >= self.geometry.groups() * self.pixels());
        let mut lines = gathered.chunks_exact_mut(self.width);
        for tap in 0..self.geometry.taps() {
            let (ky, kx) = (tap / self.geometry.kernel, tap % self.geometry.kernel);
            for block in 0..blocks {
                for row in self.rows.clone() {
                    let Some(out) = lines.next() else { return };
                    let y = row % self.height * self.geometry.stride + ky;
                    let line = self.line(row / self.height, y, block);
                    self.gather_line(simd, (line, kx, block), out);
                }
            }
        }
    }

    /// The input's row `y`, counted from the first row of padding.
    #[inline(always)]
    fn line(&self, image: usize, y: usize, block: usize) -> Option<&[Block]> {
        let padding = self.geometry.padding();
        let inside = y >= padding && y < self.input.maps.extent.height + padding;
        inside.then(|| self.input.maps.line(image, y - padding, block))
    }

    #[inline(always)]
    fn gather_line<S: Simd>(&self, simd: S, (line, kx, block): (Option<&[Block]>, usize, usize), out: &mut [Block]) {
        let Geometry { stride, .. } = self.geometry;
        let padding = self.geometry.padding();
        let Some(line) = line else { return out.fill([0.0; LANES]) };
        // Column `x` sees column `x * stride + kx - padding` of the input.
        let first = padding.saturating_sub(kx).div_ceil(stride).min(out.len());
        let end = (line.len() + padding).saturating_sub(kx).div_ceil(stride).clamp(first, out.len());
        out[..first].fill([0.0; LANES]);
        out[end..].fill([0.0; LANES]);
        if first < end {
            let seen = line[first * stride + kx - padding..].iter().step_by(stride);
            read_pixels(simd, (seen, self.input.activation, block), &mut out[first..end]);
        }
    }
}

/// Copies pixels, through the activation where there is one.
#[inline(always)]
fn read_pixels<'a, S: Simd>(
    simd: S,
    (pixels, activation, block): (impl Iterator<Item = &'a Block>, Option<&Affine>, usize),
    out: &mut [Block],
) {
    if let Some(affine) = activation {
        let (scale, shift) = (simd.load(&affine.scale[block]), simd.load(&affine.shift[block]));
        for (out, pixel) in out.iter_mut().zip(pixels) {
            simd.store(out, simd.relu(simd.fma(simd.load(pixel), scale, shift)));
        }
    } else {
        for (out, pixel) in out.iter_mut().zip(pixels) {
            simd.store(out, simd.load(pixel));
        }
    }
}

struct Convolve<'a> {
    field: Field<'a>,
    weights: &'a [Block],
    slab: &'a mut [Block],
    scratch: &'a mut [Block],
}

impl Kernel for Convolve<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        let Self { field, weights, slab, scratch } = self;
        let (groups, pixels, panels) = (field.geometry.groups(), field.pixels(), field.geometry.output_blocks());
        let (seen, products) = scratch.split_at_mut(groups * pixels);
        field.gather(simd, seen);
        let right = Right { values: weights, panels, stride: groups * LANES };
        multiply(simd, Left::blocks(seen, (groups, pixels), pixels), right, (products, pixels));
        let width = field.width;
        for (row, lines) in slab.chunks_exact_mut(panels * width).enumerate() {
            for (panel, line) in lines.chunks_exact_mut(width).enumerate() {
                line.copy_from_slice(&products[panel * pixels + row * width..][..width]);
            }
        }
    }
}
