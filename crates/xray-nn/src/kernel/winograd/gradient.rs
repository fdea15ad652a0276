//! The gradient of a 3x3 convolution's weights, by Winograd's method.
//!
//! `dW = G^T [sum over tiles of (B^T d B) (A dY A^T)] G`: the same frequencies as forward, in each of which the sum over
//! tiles is a matrix product. Groups of tiles are transformed, then each frequency's sum goes on over the group, so that
//! the order of the sum, and with it every bit, is the same on any number of threads.

#![allow(clippy::needless_range_loop, reason = "tiles are indexed by two coordinates")]

use rayon::prelude::*;

use super::lines::{OfGradient, ToFilter, square};
use super::{Tiles, frequencies, transform_input, write_spectrum};
use crate::kernel::gemm::{Tall, multiply_transposed};
use crate::kernel::maps::{Band, Bands, Extent, Maps};
use crate::kernel::{Compute, Input};
use crate::simd::{Block, Kernel, LANES, Simd};

/// Tiles that a piece of a group has at least.
const TILES_OF_PIECE: usize = 28;

/// Writes the gradient of the weights, (outputs, inputs, 3, 3), given the input and the output's gradient.
pub fn gradient<const M: usize>(
    compute: &Compute,
    (input, output): (Input<'_>, &Maps),
    (outputs, inputs): (usize, usize),
    kernel: &mut [f32],
) {
    let (from, to) = (input.maps.extent, output.extent);
    let across = to.width.div_ceil(M);
    let bands = Bands::new((output.images, to.height), M, TILES_OF_PIECE.div_ceil(across));
    let pieces: Vec<Band> = bands.iter().collect();
    let piece = Tiles { first: 0, rows: bands.most(), across };
    let piece_size = piece.size::<M>(from.blocks) + piece.size::<M>(to.blocks);
    // As many tiles as there are channels: then the sums are read and written less often than the tiles.
    let group = (from.blocks * LANES).max(196).div_ceil(piece.count());
    let sums_of_frequency = from.blocks * to.blocks * LANES;
    compute.scratch.with(group.min(pieces.len()) * piece_size, |spectra| {
        compute.scratch.with(frequencies(M) * sums_of_frequency, |sums| {
            for (number, group) in pieces.chunks(group).enumerate() {
                let parts = spectra.par_chunks_exact_mut(piece_size).zip(group);
                parts.for_each(|(spectrum, band)| {
                    let tiles = Tiles { first: band.strips.start, rows: band.strips.len(), across };
                    compute.isa.run(Spectra::<M> { input, output, tiles, spectrum });
                });
                let tiles = |band: &Band| Tiles { first: 0, rows: band.strips.len(), across };
                let parts: Vec<(Tiles, &[Block])> =
                    group.iter().map(tiles).zip(spectra.chunks_exact(piece_size)).collect();
                let tasks = sums.par_chunks_exact_mut(to.blocks * LANES).enumerate();
                tasks.for_each(|(index, sums)| {
                    if number == 0 {
                        sums.fill([0.0; LANES]);
                    }
                    let (frequency, block) = (index / from.blocks, index % from.blocks);
                    compute.isa.run(Sum::<M> {
                        parts: &parts,
                        blocks: (from.blocks, to.blocks),
                        frequency,
                        block,
                        sums,
                    });
                });
            }
            let panels = kernel.par_chunks_mut(LANES * inputs * 9).enumerate();
            panels.for_each(|(panel, kernel)| {
                let outputs = LANES.min(outputs - panel * LANES);
                compute.isa.run(Back::<M> {
                    sums,
                    blocks: (from.blocks, to.blocks),
                    panel,
                    sizes: (outputs, inputs),
                    kernel,
                });
            });
        });
    });
}

/// Transforms a piece's inputs and gradients, one after the other.
struct Spectra<'a, const M: usize> {
    input: Input<'a>,
    output: &'a Maps,
    tiles: Tiles,
    spectrum: &'a mut [Block],
}

impl<const M: usize> Kernel for Spectra<'_, M> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        let Self { input, output, tiles, spectrum } = self;
        let (of_input, of_gradient) = spectrum.split_at_mut(tiles.size::<M>(input.maps.extent.blocks));
        transform_input::<S, M>(simd, input, tiles, of_input);
        let Extent { blocks, height, .. } = output.extent;
        let stride = tiles.stride(blocks);
        for row in 0..tiles.rows {
            let (image, tile_row) = tiles.place(row, height, M);
            for block in 0..blocks {
                let out = &mut of_gradient[block * tiles.count() + row * tiles.across..];
                for x in 0..tiles.across {
                    let mut tile = read_output::<S, M>(simd, output, (image, block), (tile_row * M, x * M));
                    square::<OfGradient, S, M>(simd, &mut tile);
                    write_spectrum::<S, M>(simd, &tile, &mut out[x..], stride);
                }
            }
        }
    }
}

/// The `M` x `M` pixels from (y, x) on, zeros beyond the edge.
#[inline(always)]
fn read_output<S: Simd, const M: usize>(
    simd: S,
    maps: &Maps,
    (image, block): (usize, usize),
    (top, left): (usize, usize),
) -> [[S::V; 6]; 6] {
    let mut tile = [[simd.zero(); 6]; 6];
    let Extent { height, width, .. } = maps.extent;
    for y in 0..M.min(height - top) {
        let line = &maps.line(image, top + y, block)[left..width.min(left + M)];
        for (x, pixel) in line.iter().enumerate() {
            tile[y][x] = simd.load(pixel);
        }
    }
    tile
}

/// Adds a group's products to one frequency's sums, for one block of inputs: `[panel][input][output]`.
struct Sum<'a, const M: usize> {
    parts: &'a [(Tiles, &'a [Block])],
    blocks: (usize, usize),
    frequency: usize,
    block: usize,
    sums: &'a mut [Block],
}

impl<const M: usize> Kernel for Sum<'_, M> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        for &(tiles, spectra) in self.parts {
            let (of_input, of_gradient) = spectra.split_at(tiles.size::<M>(self.blocks.0));
            let input = &of_input[self.frequency * tiles.stride(self.blocks.0) + self.block * tiles.count()..];
            let gradient = &of_gradient[self.frequency * tiles.stride(self.blocks.1)..];
            multiply_transposed(simd, (Tall::blocks(input), tiles.count()), (gradient, tiles.count()), self.sums);
        }
    }
}

/// Transforms the sums back, for sixteen outputs.
struct Back<'a, const M: usize> {
    sums: &'a [Block],
    blocks: (usize, usize),
    panel: usize,
    /// Outputs of this panel, and inputs.
    sizes: (usize, usize),
    kernel: &'a mut [f32],
}

impl<const M: usize> Kernel for Back<'_, M> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        let (outputs, inputs) = self.sizes;
        for input in 0..inputs {
            let (block, lane) = (input / LANES, input % LANES);
            let mut tile = [[simd.zero(); 6]; 6];
            for y in 0..M + 2 {
                for x in 0..M + 2 {
                    let row = (y * (M + 2) + x) * self.blocks.0 + block;
                    tile[y][x] = simd.load(&self.sums[(row * self.blocks.1 + self.panel) * LANES + lane]);
                }
            }
            square::<ToFilter, S, M>(simd, &mut tile);
            let mut taps = [[0.0; LANES]; 9];
            for y in 0..3 {
                for x in 0..3 {
                    simd.store(&mut taps[y * 3 + x], tile[y][x]);
                }
            }
            for output in 0..outputs {
                let out = &mut self.kernel[(output * inputs + input) * 9..][..9];
                for tap in 0..9 {
                    out[tap] = taps[tap][output];
                }
            }
        }
    }
}
