//! Batch norm: statistics while a convolution's result is in the cache, and the passes that use them.
//!
//! Ioffe and Szegedy, 2015 (arXiv:1502.03167). Sums are taken in f32 over a slab and in f64 over slabs, always in the same
//! order. Variances are summed about a value of the channel itself and joined by the rule of Chan, Golub and LeVeque
//! (1979), so that the variances of channels far from zero lose no digits.

#![allow(clippy::inline_always, reason = "a kernel must be compiled with its caller's instructions")]
#![allow(clippy::cast_possible_truncation, clippy::cast_precision_loss, reason = "sums are f64, maps f32")]

use super::maps::{Extent, Maps};
use super::{Affine, Compute};
use crate::arch::EPSILON;
use crate::simd::{Block, Kernel, LANES, Simd};

/// Rows that a task of an elementwise pass works on.
const ROWS: usize = 16;

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

/// What is added to a normalised map before its rectifier.
#[derive(Debug, Clone, Copy)]
pub enum Shortcut<'a> {
    /// Nothing.
    None,
    /// These maps.
    Plain(&'a Maps),
    /// These maps, normalised.
    Normalised(&'a Maps, &'a Affine),
}

/// `output = relu(affine(input) + shortcut)`.
pub fn activate(compute: &Compute, (input, affine): (&Maps, &Affine), shortcut: Shortcut<'_>, output: &mut Maps) {
    let extent = output.extent;
    output.for_slabs(ROWS, |row, slab| {
        let input = input.slab(row..row + slab.len() / extent.row());
        let shortcut = shortcut.slab(row, slab.len());
        compute.isa.run(Activate { input: Some(input), affine, shortcut, rectify: true, extent, slab });
    });
}

/// `slab = relu(affine(slab) + shortcut)`, the rectifier left out where `rectify` is false; `row` is the slab's first.
pub fn activate_slab(
    compute: &Compute,
    (row, slab, extent): (usize, &mut [Block], Extent),
    (affine, rectify): (&Affine, bool),
    shortcut: Shortcut<'_>,
) {
    let shortcut = shortcut.slab(row, slab.len());
    compute.isa.run(Activate { input: None, affine, shortcut, rectify, extent, slab });
}

impl<'a> Shortcut<'a> {
    fn slab(self, row: usize, len: usize) -> Option<(&'a [Block], Option<&'a Affine>)> {
        let slab = |maps: &'a Maps| maps.slab(row..row + len / maps.extent.row());
        match self {
            Self::None => None,
            Self::Plain(maps) => Some((slab(maps), None)),
            Self::Normalised(maps, affine) => Some((slab(maps), Some(affine))),
        }
    }
}

struct Activate<'a> {
    /// Without one, the slab itself.
    input: Option<&'a [Block]>,
    affine: &'a Affine,
    shortcut: Option<(&'a [Block], Option<&'a Affine>)>,
    rectify: bool,
    extent: Extent,
    slab: &'a mut [Block],
}

impl Kernel for Activate<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        let Self { input, affine, shortcut, rectify, extent, slab } = self;
        let width = extent.width;
        for (index, line) in slab.chunks_exact_mut(width).enumerate() {
            let block = index % extent.blocks;
            let at = index * width..(index + 1) * width;
            let (scale, shift) = (simd.load(&affine.scale[block]), simd.load(&affine.shift[block]));
            if let Some(input) = input {
                for (out, pixel) in line.iter_mut().zip(&input[at.clone()]) {
                    simd.store(out, simd.fma(simd.load(pixel), scale, shift));
                }
            } else {
                for out in line.iter_mut() {
                    simd.store(out, simd.fma(simd.load(out), scale, shift));
                }
            }
            if let Some((other, affine)) = shortcut {
                add_line(simd, &other[at], affine.map(|affine| (&affine.scale[block], &affine.shift[block])), line);
            }
            if rectify {
                for out in line.iter_mut() {
                    simd.store(out, simd.relu(simd.load(out)));
                }
            }
        }
    }
}

/// Adds a line to another, through an affine where there is one.
#[inline(always)]
fn add_line<S: Simd>(simd: S, from: &[Block], affine: Option<(&Block, &Block)>, to: &mut [Block]) {
    if let Some((scale, shift)) = affine {
        let (scale, shift) = (simd.load(scale), simd.load(shift));
        for (out, pixel) in to.iter_mut().zip(from) {
            let value = simd.fma(simd.load(pixel), scale, shift);
            simd.store(out, simd.add(simd.load(out), value));
        }
    } else {
        for (out, pixel) in to.iter_mut().zip(from) {
            simd.store(out, simd.add(simd.load(out), simd.load(pixel)));
        }
    }
}

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
    pub(super) fn push<S: Simd>(&mut self, simd: S, alone: S::V, with_normalised: S::V) {
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
