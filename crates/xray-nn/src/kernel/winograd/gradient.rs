//! The gradient of a 3x3 convolution's weights, by Winograd's method.
//!
//! `dW = G^T [sum over tiles of (B^T d B) (A dY A^T)] G`: the same frequencies as forward, in each of which the sum over
//! tiles is a matrix product. Some pieces, bands of tile rows, are transformed at once, then each frequency's sum goes on
//! over them: in an order that does not depend on the number of threads, and so with the same bits.

#![allow(clippy::needless_range_loop, reason = "tiles are indexed by two coordinates")]

use rayon::prelude::*;

use super::lines::{OfGradient, ToFilter, square};
use super::{Tiles, frequencies, transform_input, write_spectrum};
use crate::kernel::gemm::{Tall, multiply_transposed};
use crate::kernel::maps::{Band, Bands, Extent, Maps};
use crate::kernel::{Compute, Input};
use crate::simd::{Block, Kernel, LANES, Simd};

/// Tiles that a piece has at least.
const TILES_OF_PIECE: usize = 28;

/// Writes the gradient of the weights, (outputs, inputs, 3, 3), given the input and the output's gradient.
pub fn gradient<const M: usize>(
    compute: &Compute,
    (input, output): (Input<'_>, &Maps),
    (outputs, inputs): (usize, usize),
    kernel: &mut [f32],
) {
    let blocks = Blocks { inputs: input.maps.extent.blocks, outputs: output.extent.blocks };
    let across = output.extent.width.div_ceil(M);
    let bands = Bands::new((output.images, output.extent.height), M, TILES_OF_PIECE.div_ceil(across));
    let pieces: Vec<Tiles> = bands.iter().map(|band| tiles(&band, across)).collect();
    let piece = Tiles { first: 0, rows: bands.most(), across };
    let piece_size = piece.size::<M>(blocks.inputs) + piece.size::<M>(blocks.outputs);
    // As many tiles as there are channels: then the sums are read and written less often than the tiles.
    let at_once = (blocks.inputs * LANES).max(196).div_ceil(piece.count());
    compute.scratch.with(at_once.min(pieces.len()) * piece_size, |spectra| {
        compute.scratch.with(frequencies(M) * blocks.sums(), |sums| {
            for (number, pieces) in pieces.chunks(at_once).enumerate() {
                let transformed = spectra.par_chunks_exact_mut(piece_size).zip(pieces);
                transformed.for_each(|(spectrum, &tiles)| {
                    compute.isa.run(Spectra::<M> { input, output, tiles, spectrum });
                });
                let parts: Vec<Part> = pieces.iter().copied().zip(spectra.chunks_exact(piece_size)).collect();
                add_products::<M>(compute, (&parts, blocks), number == 0, sums);
            }
            let panels = kernel.par_chunks_mut(LANES * inputs * 9).enumerate();
            panels.for_each(|(panel, kernel)| {
                let outputs = LANES.min(outputs - panel * LANES);
                compute.isa.run(InverseTransform::<M> { sums, blocks, panel, sizes: (outputs, inputs), kernel });
            });
        });
    });
}

fn tiles(band: &Band, across: usize) -> Tiles {
    Tiles { first: band.strips.start, rows: band.strips.len(), across }
}

/// A piece with its spectra.
type Part<'a> = (Tiles, &'a [Block]);

/// Blocks of channels.
#[derive(Debug, Clone, Copy)]
struct Blocks {
    inputs: usize,
    outputs: usize,
}

impl Blocks {
    /// Blocks that the sums of one frequency take.
    fn sums(self) -> usize {
        self.inputs * self.outputs * LANES
    }
}

/// Adds the parts' products to the sums, `[frequency][block of inputs][panel][input]`, or begins them.
fn add_products<const M: usize>(
    compute: &Compute,
    (parts, blocks): (&[Part], Blocks),
    begins: bool,
    sums: &mut [Block],
) {
    sums.par_chunks_exact_mut(blocks.outputs * LANES).enumerate().for_each(|(index, sums)| {
        if begins {
            sums.fill([0.0; LANES]);
        }
        let (frequency, block) = (index / blocks.inputs, index % blocks.inputs);
        compute.isa.run(Sum::<M> { parts, blocks, frequency, block, sums });
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

/// Adds the parts' products to one frequency's sums, for one block of inputs: `[panel][input][output]`.
struct Sum<'a, const M: usize> {
    parts: &'a [Part<'a>],
    blocks: Blocks,
    frequency: usize,
    block: usize,
    sums: &'a mut [Block],
}

impl<const M: usize> Kernel for Sum<'_, M> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        for &(tiles, spectra) in self.parts {
            let (of_input, of_gradient) = spectra.split_at(tiles.size::<M>(self.blocks.inputs));
            let input = &of_input[self.frequency * tiles.stride(self.blocks.inputs) + self.block * tiles.count()..];
            let gradient = &of_gradient[self.frequency * tiles.stride(self.blocks.outputs)..];
            multiply_transposed(simd, (Tall::blocks(input), tiles.count()), (gradient, tiles.count()), self.sums);
        }
    }
}

/// Transforms the sums back, for sixteen outputs.
struct InverseTransform<'a, const M: usize> {
    sums: &'a [Block],
    blocks: Blocks,
    panel: usize,
    /// Outputs of this panel, and inputs.
    sizes: (usize, usize),
    kernel: &'a mut [f32],
}

impl<const M: usize> Kernel for InverseTransform<'_, M> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        let (outputs, inputs) = self.sizes;
        for input in 0..inputs {
            let (block, lane) = (input / LANES, input % LANES);
            let mut tile = [[simd.zero(); 6]; 6];
            for y in 0..M + 2 {
                for x in 0..M + 2 {
                    let row = (y * (M + 2) + x) * self.blocks.inputs + block;
                    tile[y][x] = simd.load(&self.sums[(row * self.blocks.outputs + self.panel) * LANES + lane]);
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
