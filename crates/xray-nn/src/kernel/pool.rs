//! The maximum of 3x3 pixels with stride 2, joined with the batch norm and rectifier before it.
//!
//! The rectified maps, the network's largest, are never written down: forward they are made from the convolution's result
//! as it is pooled, backward from the codes that say which of the nine pixels was the largest. Of equal ones that is the
//! first, row by row, and NaN counts as the largest, as in PyTorch.

#![allow(clippy::inline_always, reason = "a kernel must be compiled with its caller's instructions")]
#![allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "codes are 0 to 8")]

use rayon::prelude::*;

use super::buffer::Buffer;
use super::maps::{Extent, Maps};
use super::norm::{Norm, Sums, Terms};
use super::{Affine, Compute};
use crate::simd::{Block, Kernel, LANES, Simd};

/// Which of the 3x3 pixels was the largest, 0 to 8, for sixteen channels.
type Code = [u8; LANES];

/// Rows of the input that a task of the backward pass works on.
const ROWS: usize = 8;

/// The size of what is pooled from maps of this size.
pub fn pooled(extent: Extent) -> Extent {
    Extent { height: extent.height.div_ceil(2), width: extent.width.div_ceil(2), ..extent }
}

/// The codes of pooled maps.
#[derive(Debug, Default)]
pub struct Codes(Buffer);

impl Codes {
    fn resize(&mut self, len: usize) {
        self.0.resize((len * size_of::<Code>()).div_ceil(size_of::<Block>()));
    }

    fn all(&self) -> &[Code] {
        bytemuck::cast_slice(&self.0)
    }

    fn all_mut(&mut self) -> &mut [Code] {
        bytemuck::cast_slice_mut(&mut self.0)
    }
}

/// `output = max over 3x3 of relu(affine(input))`; the codes take the output's size.
pub fn forward(compute: &Compute, (input, affine): (&Maps, &Affine), output: &mut Maps, codes: &mut Codes) {
    let row = output.extent.row();
    codes.resize(output.values.len());
    let lines = output.values.par_chunks_exact_mut(row).zip(codes.all_mut().par_chunks_mut(row));
    lines.enumerate().for_each(|(row, (output, codes))| {
        compute.isa.run(Forward { input, affine, row, output, codes });
    });
}

struct Forward<'a> {
    input: &'a Maps,
    affine: &'a Affine,
    /// Of all images' pooled rows.
    row: usize,
    output: &'a mut [Block],
    codes: &'a mut [Code],
}

impl Kernel for Forward<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        let Extent { height, width, .. } = self.input.extent;
        let across = width.div_ceil(2);
        let (image, y) = (self.row / height.div_ceil(2), self.row % height.div_ceil(2));
        let lines = self.output.chunks_exact_mut(across).zip(self.codes.chunks_exact_mut(across));
        for (block, (output, codes)) in lines.enumerate() {
            let (scale, shift) = (simd.load(&self.affine.scale[block]), simd.load(&self.affine.shift[block]));
            for (x, (output, code)) in output.iter_mut().zip(codes).enumerate() {
                let (mut best, mut place) = (simd.splat(f32::NEG_INFINITY), simd.zero());
                for ky in 0..3_u8 {
                    let row = 2 * y + usize::from(ky);
                    if row == 0 || row > height {
                        continue;
                    }
                    let line = self.input.line(image, row - 1, block);
                    for kx in 0..3_u8 {
                        let column = 2 * x + usize::from(kx);
                        if column == 0 || column > width {
                            continue;
                        }
                        let value = simd.relu(simd.fma(simd.load(&line[column - 1]), scale, shift));
                        let here = simd.splat(f32::from(3 * ky + kx));
                        (place, best) = simd.larger(value, best, here, place);
                    }
                }
                simd.store(output, best);
                let mut places = [0.0; LANES];
                simd.store(&mut places, place);
                *code = places.map(|place| place as u8);
            }
        }
    }
}

/// What the backward passes read.
#[derive(Debug, Clone, Copy)]
pub struct Pooled<'a> {
    /// Of the pooled maps.
    pub gradient: &'a Maps,
    pub codes: &'a Codes,
}

/// The sums that the batch norm's backward pass needs, over all of its input.
pub fn sum(compute: &Compute, pooled: Pooled<'_>, (input, norm): (&Maps, &Norm)) -> Sums {
    let rows = (0..input.rows()).into_par_iter().step_by(ROWS);
    let parts = rows.map(|row| {
        let rows = row..(row + ROWS).min(input.rows());
        compute.isa.run(Sum { pooled, norm, extent: input.extent, row, slab: input.slab(rows) })
    });
    Sums::join(parts.collect())
}

/// Puts the gradient of the batch norm's input in the place of that input.
pub fn input_gradient(compute: &Compute, pooled: Pooled<'_>, (norm, terms): (&Norm, &Terms), input: &mut Maps) {
    let extent = input.extent;
    input.for_slabs(ROWS, |row, slab| compute.isa.run(InputGradient { pooled, norm, terms, extent, row, slab }));
}

struct Sum<'a> {
    pooled: Pooled<'a>,
    norm: &'a Norm,
    extent: Extent,
    row: usize,
    slab: &'a [Block],
}

impl Kernel for Sum<'_> {
    type Output = Sums;

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) -> Sums {
        let Self { pooled, norm, extent, row, slab } = self;
        let mut sums = Sums::default();
        for block in 0..extent.blocks {
            let (mean, inverse) = norm.normaliser(simd, block);
            let (scale, shift) = (simd.load(&norm.affine.scale[block]), simd.load(&norm.affine.shift[block]));
            let (mut alone, mut with_normalised) = (simd.zero(), simd.zero());
            for (index, slab) in slab.chunks_exact(extent.row()).enumerate() {
                let line = &slab[block * extent.width..(block + 1) * extent.width];
                let windows = Windows::of(extent, row + index, block);
                for (x, pixel) in line.iter().enumerate() {
                    let value = simd.load(pixel);
                    let open = simd.fma(value, scale, shift);
                    let gradient = simd.where_positive(open, windows.gradient(simd, pooled, x));
                    alone = simd.add(alone, gradient);
                    with_normalised = simd.fma(gradient, simd.mul(simd.sub(value, mean), inverse), with_normalised);
                }
            }
            sums.push(simd, alone, with_normalised);
        }
        sums
    }
}

struct InputGradient<'a> {
    pooled: Pooled<'a>,
    norm: &'a Norm,
    terms: &'a Terms,
    extent: Extent,
    row: usize,
    slab: &'a mut [Block],
}

impl Kernel for InputGradient<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        let Self { pooled, norm, terms, extent, row, slab } = self;
        for (index, line) in slab.chunks_exact_mut(extent.width).enumerate() {
            let block = index % extent.blocks;
            let (scale, shift) = (simd.load(&norm.affine.scale[block]), simd.load(&norm.affine.shift[block]));
            let of_gradient = simd.load(&terms.of_gradient[block]);
            let (of_input, constant) = (simd.load(&terms.of_input[block]), simd.load(&terms.constant[block]));
            let windows = Windows::of(extent, row + index / extent.blocks, block);
            for (x, pixel) in line.iter_mut().enumerate() {
                let value = simd.load(pixel);
                let open = simd.fma(value, scale, shift);
                let gradient = simd.where_positive(open, windows.gradient(simd, pooled, x));
                simd.store(pixel, simd.fma(gradient, of_gradient, simd.fma(value, of_input, constant)));
            }
        }
    }
}

/// The pooled rows whose windows hold a row of the input.
#[derive(Debug, Clone, Copy)]
struct Windows {
    /// For each of at most two rows: where its line begins, and the row of the window that the input's row is.
    rows: [(usize, u8); 2],
    count: usize,
    /// Pooled columns.
    across: usize,
}

impl Windows {
    #[inline(always)]
    fn of(extent: Extent, row: usize, block: usize) -> Self {
        let (image, y) = (row / extent.height, row % extent.height);
        let pooled = pooled(extent);
        let start = |y: usize| (image * pooled.height + y) * pooled.row() + block * pooled.width;
        let (places, count) = places(y, pooled.height);
        Self { rows: places.map(|(y, code)| (start(y), code)), count, across: pooled.width }
    }

    /// The gradient that comes to column `x` of the row.
    #[inline(always)]
    fn gradient<S: Simd>(&self, simd: S, pooled: Pooled<'_>, x: usize) -> S::V {
        let (columns, width) = places(x, self.across);
        let mut sum = simd.zero();
        for &(start, ky) in &self.rows[..self.count] {
            for &(column, kx) in &columns[..width] {
                let at = start + column;
                let gradient = simd.load(&pooled.gradient.values[at]);
                sum = simd.add(sum, simd.where_equal(&pooled.codes.all()[at], ky * 3 + kx, gradient));
            }
        }
        sum
    }
}

/// The windows along one axis that hold place `at`: which, and which of their three places it is. The second number says
/// how many there are: one for an even place, else two but at the end.
#[inline(always)]
fn places(at: usize, windows: usize) -> ([(usize, u8); 2], usize) {
    if at.is_multiple_of(2) {
        ([(at / 2, 1); 2], 1)
    } else {
        let next = at / 2 + 1;
        ([(at / 2, 2), (next.min(windows - 1), 0)], if next < windows { 2 } else { 1 })
    }
}
