//! The gradient of a convolution's input: the transposed convolution, without the zeros between strides.
//!
//! With stride 2, pixels of the input whose rows and columns have the same parity are seen through the same taps. Each of
//! these four phases is a matrix product of its own.

use std::ops::Range;

use rayon::prelude::*;

use super::{Geometry, pixels_of_task};
use crate::kernel::gemm::{Left, Right, multiply};
use crate::kernel::maps::{Bands, Extent, Maps};
use crate::kernel::{Compute, Finish};
use crate::simd::{Block, Kernel, LANES, Simd};

/// Pixels of the input with `y % stride == row`, `x % stride == column`.
#[derive(Debug, Clone, Copy)]
struct Phase {
    geometry: Geometry,
    row: usize,
    column: usize,
}

impl Phase {
    fn all(geometry: Geometry) -> impl Iterator<Item = Self> {
        let stride = geometry.stride;
        (0..stride * stride).map(move |index| Self { geometry, row: index / stride, column: index % stride })
    }

    /// Taps along one axis through which a pixel at `offset` is seen: the tap, and from how many strides before it.
    fn seen(self, offset: usize) -> impl Iterator<Item = (usize, isize)> {
        let Geometry { kernel, stride, .. } = self.geometry;
        let padded = offset + self.geometry.padding();
        let taps = (0..kernel).filter(move |tap| padded % stride == tap % stride);
        taps.map(move |tap| (tap, (padded.cast_signed() - tap.cast_signed()) / stride.cast_signed()))
    }

    /// The taps, as (tap, rows down, columns right in the output).
    fn taps(self) -> impl Iterator<Item = (usize, isize, isize)> {
        let along_row = move |(ky, down)| {
            self.seen(self.column).map(move |(kx, right)| (ky * self.geometry.kernel + kx, down, right))
        };
        self.seen(self.row).flat_map(along_row)
    }

    /// Blocks that each pixel sees of the output's gradient.
    fn groups(self) -> usize {
        self.taps().count() * self.geometry.output_blocks()
    }

    fn weights_size(self) -> usize {
        self.geometry.input_blocks() * self.groups() * LANES
    }
}

/// Fills `packed`, as many blocks as for [`convolve`](super::convolve), with `[phase][panel of inputs][tap][output]` of
/// `kernel`, (outputs, inputs, kernel, kernel).
pub fn weights_backward(geometry: Geometry, kernel: &[f32], mut packed: &mut [Block]) {
    let Geometry { inputs, outputs, .. } = geometry;
    let depth = geometry.output_blocks() * LANES;
    for phase in Phase::all(geometry) {
        let (of_phase, rest) = packed.split_at_mut(phase.weights_size());
        packed = rest;
        if of_phase.is_empty() {
            continue;
        }
        of_phase.par_chunks_exact_mut(phase.groups() * LANES).enumerate().for_each(|(panel, out)| {
            out.fill([0.0; LANES]);
            for ((tap, ..), out) in phase.taps().zip(out.chunks_exact_mut(depth)) {
                for (output, block) in out.iter_mut().enumerate().take(outputs) {
                    for (lane, input) in (panel * LANES..inputs.min((panel + 1) * LANES)).enumerate() {
                        block[lane] = kernel[(output * inputs + input) * geometry.taps() + tap];
                    }
                }
            }
        });
    }
}

/// Writes the input's gradient, given the output's, or adds to what is there. `finish` gets each slab of it when it is
/// ready; its answers come in order.
pub fn input_gradient<R: Send>(
    compute: &Compute,
    (gradient, weights): (&Maps, &[Block]),
    (input, geometry, adds): (&mut Maps, Geometry, bool),
    finish: impl Finish<R>,
) -> Vec<R> {
    let extent = input.extent;
    let most = Phase::all(geometry).map(Phase::groups).max().unwrap_or(0);
    let columns = extent.width.div_ceil(geometry.stride);
    let per = pixels_of_task(most).div_ceil(columns);
    let tasks = Bands::new((input.images, extent.height), geometry.stride, per).cut(input);
    tasks
        .into_par_iter()
        .map(|(band, slab)| {
            // Each phase has at most one row in each strip.
            let need = (most + extent.blocks) * band.strips.len() * columns;
            compute.scratch.with(need, |scratch| {
                let place = Place { rows: band.rows.clone(), extent };
                compute.isa.run(InputGradient { gradient, weights, geometry, place, adds, slab, scratch });
            });
            finish(band.rows.start, slab)
        })
        .collect()
}

/// Rows of the input.
#[derive(Debug, Clone)]
struct Place {
    /// Of all images.
    rows: Range<usize>,
    extent: Extent,
}

impl Place {
    /// Rows of a phase.
    fn rows_of(&self, phase: Phase) -> impl Iterator<Item = usize> {
        let (height, stride) = (self.extent.height, phase.geometry.stride);
        self.rows.clone().filter(move |row| row % height % stride == phase.row)
    }

    /// Columns of a phase.
    fn columns_of(&self, phase: Phase) -> usize {
        self.extent.width.saturating_sub(phase.column).div_ceil(phase.geometry.stride)
    }
}

struct InputGradient<'a> {
    gradient: &'a Maps,
    weights: &'a [Block],
    geometry: Geometry,
    place: Place,
    adds: bool,
    slab: &'a mut [Block],
    scratch: &'a mut [Block],
}

impl Kernel for InputGradient<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        let Self { gradient, weights, geometry, place, adds, slab, scratch } = self;
        let panels = geometry.input_blocks();
        let mut weights = weights;
        for phase in Phase::all(geometry) {
            let (of_phase, rest) = weights.split_at(phase.weights_size());
            weights = rest;
            let (groups, columns) = (phase.groups(), place.columns_of(phase));
            let pixels = place.rows_of(phase).count() * columns;
            if pixels == 0 || (groups == 0 && adds) {
                continue;
            }
            let (seen, products) = scratch.split_at_mut(groups * pixels);
            gather(simd, (gradient, phase), &place, seen);
            let right = Right { values: of_phase, panels, stride: groups * LANES };
            multiply(simd, Left::blocks(seen, (groups, pixels), pixels), right, (products, pixels));
            scatter(simd, (products, pixels, adds), (&place, phase), slab);
        }
    }
}

/// Fills `gathered` with `[tap][block][pixel]` of the output's gradient.
#[inline(always)]
fn gather<S: Simd>(simd: S, (gradient, phase): (&Maps, Phase), place: &Place, gathered: &mut [Block]) {
    let (height, columns) = (place.extent.height, place.columns_of(phase));
    let mut lines = gathered.chunks_exact_mut(columns);
    for (_, down, right) in phase.taps() {
        for block in 0..gradient.extent.blocks {
            for row in place.rows_of(phase) {
                let Some(out) = lines.next() else { return };
                let y = (row % height / phase.geometry.stride).checked_add_signed(down);
                let inside = y.filter(|y| *y < gradient.extent.height);
                let Some(y) = inside else {
                    out.fill([0.0; LANES]);
                    continue;
                };
                shifted(simd, gradient.line(row / height, y, block), right, out);
            }
        }
    }
}

/// `out[x] = line[x + right]`, zeros beyond the ends.
#[inline(always)]
fn shifted<S: Simd>(simd: S, line: &[Block], right: isize, out: &mut [Block]) {
    let first = right.min(0).unsigned_abs().min(out.len());
    let from = right.max(0).unsigned_abs().min(line.len());
    let count = (out.len() - first).min(line.len() - from);
    out[..first].fill([0.0; LANES]);
    out[first + count..].fill([0.0; LANES]);
    for (out, pixel) in out[first..first + count].iter_mut().zip(&line[from..]) {
        simd.store(out, simd.load(pixel));
    }
}

/// Writes a phase's pixels to their places.
#[inline(always)]
fn scatter<S: Simd>(
    simd: S,
    (products, pixels, adds): (&[Block], usize, bool),
    (place, phase): (&Place, Phase),
    slab: &mut [Block],
) {
    let (extent, columns) = (place.extent, place.columns_of(phase));
    for (index, row) in place.rows_of(phase).enumerate() {
        let lines = &mut slab[(row - place.rows.start) * extent.row()..][..extent.row()];
        for (panel, line) in lines.chunks_exact_mut(extent.width).enumerate() {
            let products = &products[panel * pixels + index * columns..][..columns];
            let places = line[phase.column..].iter_mut().step_by(phase.geometry.stride);
            for (out, value) in places.zip(products) {
                let value = simd.load(value);
                let value = if adds { simd.add(simd.load(out), value) } else { value };
                simd.store(out, value);
            }
        }
    }
}
