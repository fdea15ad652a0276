//! The two passes that go back through a batch norm: sums over the batch, then its input's gradient.

#![allow(clippy::inline_always, reason = "a kernel must be compiled with its caller's instructions")]

use super::{Norm, ROWS};
use crate::kernel::Compute;
use crate::kernel::maps::{Extent, Maps};
use crate::simd::{Block, Kernel, LANES, Simd};

/// Sums over a batch, by channel, that a batch norm's backward pass needs. They are its shift's and scale's gradients.
#[derive(Debug, Clone, Default)]
pub struct Sums {
    /// Of the gradient.
    pub alone: Vec<f64>,
    /// Of the gradient times the normalised input.
    pub with_normalised: Vec<f64>,
}

impl Sums {
    /// Of several slabs together.
    pub fn join(parts: Vec<Self>) -> Self {
        let add = |mut all: Self, part: Self| {
            all.alone.iter_mut().zip(part.alone).for_each(|(all, part)| *all += part);
            all.with_normalised.iter_mut().zip(part.with_normalised).for_each(|(all, part)| *all += part);
            all
        };
        parts.into_iter().reduce(add).unwrap_or_default()
    }

    /// Takes one block's sums.
    #[inline(always)]
    pub(in crate::kernel) fn push<S: Simd>(&mut self, simd: S, alone: S::V, with_normalised: S::V) {
        let mut values = [0.0; LANES];
        simd.store(&mut values, alone);
        self.alone.extend(values.map(f64::from));
        simd.store(&mut values, with_normalised);
        self.with_normalised.extend(values.map(f64::from));
    }
}

/// Where a rectifier behind the batch norm lets the gradient through.
#[derive(Debug, Clone, Copy)]
pub enum Gate<'a> {
    /// Everywhere: there is none.
    Open,
    /// Where its output, these maps, is above zero.
    Output(&'a Maps),
    /// Where the normalised input is above zero.
    Normalised,
}

/// Takes from a slab of the output's gradient what the rectifier holds back, and sums the rest; `row` is its first row.
pub fn gate_and_sum(
    compute: &Compute,
    (row, slab): (usize, &mut [Block]),
    (input, norm): (&Maps, &Norm),
    gate: Gate<'_>,
) -> Sums {
    let extent = input.extent;
    let rows = row..row + slab.len() / extent.row();
    let output = if let Gate::Output(maps) = gate { Some(maps.slab(rows.clone())) } else { None };
    let normalised = matches!(gate, Gate::Normalised);
    compute.isa.run(GateAndSum { input: input.slab(rows), norm, output, normalised, extent, slab })
}

/// [`gate_and_sum`] over all rows.
pub fn gate_and_sum_all(compute: &Compute, gradient: &mut Maps, input: (&Maps, &Norm), gate: Gate<'_>) -> Sums {
    Sums::join(gradient.for_slabs(ROWS, |row, slab| gate_and_sum(compute, (row, slab), input, gate)))
}

struct GateAndSum<'a> {
    input: &'a [Block],
    norm: &'a Norm,
    output: Option<&'a [Block]>,
    normalised: bool,
    extent: Extent,
    slab: &'a mut [Block],
}

impl Kernel for GateAndSum<'_> {
    type Output = Sums;

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) -> Sums {
        let Self { input, norm, output, normalised, extent, slab } = self;
        let mut sums = Sums::default();
        for block in 0..extent.blocks {
            let (mean, inverse) = norm.normaliser(simd, block);
            let (scale, shift) = (simd.load(&norm.affine.scale[block]), simd.load(&norm.affine.shift[block]));
            let (mut alone, mut with_normalised) = (simd.zero(), simd.zero());
            for (row, slab) in slab.chunks_exact_mut(extent.row()).enumerate() {
                let line = &mut slab[block * extent.width..(block + 1) * extent.width];
                let at = row * extent.row() + block * extent.width..row * extent.row() + (block + 1) * extent.width;
                if let Some(output) = output {
                    for (gradient, output) in line.iter_mut().zip(&output[at.clone()]) {
                        simd.store(gradient, simd.where_positive(simd.load(output), simd.load(gradient)));
                    }
                } else if normalised {
                    for (gradient, pixel) in line.iter_mut().zip(&input[at.clone()]) {
                        let value = simd.fma(simd.load(pixel), scale, shift);
                        simd.store(gradient, simd.where_positive(value, simd.load(gradient)));
                    }
                }
                for (gradient, pixel) in line.iter().zip(&input[at]) {
                    let gradient = simd.load(gradient);
                    let value = simd.mul(simd.sub(simd.load(pixel), mean), inverse);
                    alone = simd.add(alone, gradient);
                    with_normalised = simd.fma(gradient, value, with_normalised);
                }
            }
            sums.push(simd, alone, with_normalised);
        }
        sums
    }
}

/// A batch norm's input's gradient is `of_gradient * gradient + of_input * input + constant`.
#[derive(Debug, Clone, Default)]
pub struct Terms {
    pub of_gradient: Vec<Block>,
    pub of_input: Vec<Block>,
    pub constant: Vec<Block>,
}

/// Puts the input's gradient in the place of the input, given the output's gradient behind its gate.
pub fn input_gradient(compute: &Compute, gradient: &Maps, terms: &Terms, input: &mut Maps) {
    let extent = input.extent;
    input.for_slabs(ROWS, |row, slab| {
        let gradient = gradient.slab(row..row + slab.len() / extent.row());
        compute.isa.run(InputGradient { gradient, terms, extent, slab });
    });
}

struct InputGradient<'a> {
    gradient: &'a [Block],
    terms: &'a Terms,
    extent: Extent,
    slab: &'a mut [Block],
}

impl Kernel for InputGradient<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        let Self { gradient, terms, extent, slab } = self;
        let lines = slab.chunks_exact_mut(extent.width).zip(gradient.chunks_exact(extent.width));
        for (index, (line, gradient)) in lines.enumerate() {
            let block = index % extent.blocks;
            let of_gradient = simd.load(&terms.of_gradient[block]);
            let (of_input, constant) = (simd.load(&terms.of_input[block]), simd.load(&terms.constant[block]));
            for (pixel, gradient) in line.iter_mut().zip(gradient) {
                let rest = simd.fma(simd.load(pixel), of_input, constant);
                simd.store(pixel, simd.fma(simd.load(gradient), of_gradient, rest));
            }
        }
    }
}
