//! The gradient of a convolution's weights: what the pixels saw, transposed, times their gradients.

use rayon::prelude::*;

use super::{Field, Geometry};
use crate::kernel::gemm::{Tall, multiply_transposed};
use crate::kernel::maps::{Band, Bands, Maps};
use crate::kernel::{Compute, Input};
use crate::simd::{Block, Kernel, LANES, Simd};

/// Pixels that a piece has at least.
const PIXELS_OF_PIECE: usize = 56;
/// Blocks that the pieces at once may take: 8 MiB, which shared caches have room for.
const BLOCKS_AT_ONCE: usize = 8 * 1024 * 1024 / size_of::<Block>();

/// Writes the gradient of the weights, (outputs, inputs, kernel, kernel), given the input and the output's gradient.
///
/// Some pieces, bands of rows, are gathered at once, then the sum of each pair of blocks goes on over them: in an order
/// that does not depend on the number of threads.
pub fn gradient(compute: &Compute, (input, output): (Input<'_>, &Maps), geometry: Geometry, kernel: &mut [f32]) {
    let extent = output.extent;
    let (groups, panels) = (geometry.groups(), geometry.output_blocks());
    let bands = Bands::new((output.images, extent.height), 1, PIXELS_OF_PIECE.div_ceil(extent.width));
    let pieces: Vec<Band> = bands.iter().collect();
    let piece_size = (groups + panels) * bands.most() * extent.width;
    let at_once = (BLOCKS_AT_ONCE / piece_size).clamp(1, pieces.len());
    compute.scratch.with(at_once * piece_size, |gathered| {
        compute.scratch.with(groups * panels * LANES, |sums| {
            for (number, pieces) in pieces.chunks(at_once).enumerate() {
                gathered.par_chunks_exact_mut(piece_size).zip(pieces).for_each(|(gathered, band)| {
                    let rows = band.rows.clone();
                    let field = Field { input, geometry, rows, height: extent.height, width: extent.width };
                    compute.isa.run(Gather { field, output, gathered });
                });
                let pixels = |band: &Band| band.rows.len() * extent.width;
                let parts: Vec<(usize, &[Block])> =
                    pieces.iter().map(pixels).zip(gathered.chunks_exact(piece_size)).collect();
                sums.par_chunks_exact_mut(panels * LANES).enumerate().for_each(|(index, sums)| {
                    if number == 0 {
                        sums.fill([0.0; LANES]);
                    }
                    compute.isa.run(Sum { parts: &parts, groups, index, sums });
                });
            }
            unpack(geometry, sums, kernel);
        });
    });
}

/// Gathers what a piece sees, and its gradients as `[panel][pixel]` behind it.
struct Gather<'a> {
    field: Field<'a>,
    output: &'a Maps,
    gathered: &'a mut [Block],
}

impl Kernel for Gather<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        let Self { field, output, gathered } = self;
        let (seen, gradients) = gathered.split_at_mut(field.geometry.groups() * field.pixels());
        field.gather(simd, seen);
        let mut lines = gradients.chunks_exact_mut(field.width);
        for panel in 0..output.extent.blocks {
            for (row, out) in field.rows.clone().zip(&mut lines) {
                out.copy_from_slice(output.line(row / field.height, row % field.height, panel));
            }
        }
    }
}

/// Adds the parts' products to the sums of one tap and block of inputs: `[panel][input][output]`.
struct Sum<'a> {
    parts: &'a [(usize, &'a [Block])],
    groups: usize,
    index: usize,
    sums: &'a mut [Block],
}

impl Kernel for Sum<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        for &(pixels, gathered) in self.parts {
            let seen = &gathered[self.index * pixels..];
            let gradients = &gathered[self.groups * pixels..];
            multiply_transposed(simd, (Tall::blocks(seen), pixels), (gradients, pixels), self.sums);
        }
    }
}

/// `[tap][block][panel][input][output]` to (outputs, inputs, kernel, kernel).
fn unpack(geometry: Geometry, sums: &[Block], kernel: &mut [f32]) {
    let Geometry { inputs, .. } = geometry;
    let (taps, blocks, panels) = (geometry.taps(), geometry.input_blocks(), geometry.output_blocks());
    kernel.par_chunks_mut(LANES * inputs * taps).enumerate().for_each(|(panel, kernel)| {
        for (index, out) in kernel.chunks_exact_mut(taps).enumerate() {
            let (output, input) = (index / inputs, index % inputs);
            for (tap, out) in out.iter_mut().enumerate() {
                let tile = (tap * blocks + input / LANES) * panels + panel;
                *out = sums[tile * LANES + input % LANES][output];
            }
        }
    });
}
