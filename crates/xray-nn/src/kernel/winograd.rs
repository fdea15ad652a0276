//! 3x3 convolutions of stride 1 by Winograd's method: fewer products, for some sums more.
//!
//! The output is cut into tiles of `M` x `M` pixels. Each tile's input, `(M + 2)` x `(M + 2)` pixels, is transformed to as
//! many "frequencies", in each of which the convolution is a matrix product over the channels; the products are
//! transformed back. With `M` = 4 that takes 36 products a tile where the direct way takes 144. See `lines`.
//!
//! A task takes a band of tile rows through all three steps, so that what lies in between stays in its core's cache.
//!
//! Rounding: in f32 the results are within about 1e-5 of the sum of the absolute products for `M` = 4 (some 4e-6 in the
//! mean square), as the transforms subtract numbers that are up to 20 times larger than what is left; tested against f64.

#![allow(clippy::inline_always, reason = "a kernel must be compiled with its caller's instructions")]
#![allow(clippy::needless_range_loop, reason = "tiles are indexed by two coordinates")]

mod gradient;
mod lines;
mod weights;

use rayon::prelude::*;

pub use gradient::gradient;
pub use weights::{Direction, size as weights_size, weights};

use super::gemm::{Left, Right, multiply};
use super::maps::{Bands, Extent, Maps};
use super::{Compute, Finish, Input};
use crate::simd::{Block, Kernel, Simd};
use lines::{Line, OfInput, ToOutput, square};

/// Frequencies of a tile.
pub const fn frequencies(m: usize) -> usize {
    (m + 2) * (m + 2)
}

/// Products for each pixel and pair of channels, by which a tile size is chosen: those beyond the edge count too.
pub fn products<const M: usize>(extent: Extent) -> usize {
    frequencies(M) * extent.height.div_ceil(M) * extent.width.div_ceil(M)
}

/// Tiles that a task should have at least, so that the weights, which it reads once, are worth the reading.
fn tiles_of_task(blocks: usize) -> usize {
    if blocks <= 8 { 28 } else { 64 }
}

/// A 3x3 convolution's weights in `M`-frequencies: see [`weights`].
#[derive(Debug, Clone, Copy)]
pub struct Weights<'a, const M: usize>(pub &'a [Block]);

/// Convolves `input` with `weights` into `output`, whose extent differs in channels only, or adds to what is there.
/// `finish` gets each slab of the output when it is ready; its answers come in order.
pub fn convolve<const M: usize, R: Send>(
    compute: &Compute,
    (input, weights): (Input<'_>, Weights<'_, M>),
    (output, adds): (&mut Maps, bool),
    finish: impl Finish<R>,
) -> Vec<R> {
    let extent = output.extent;
    let across = extent.width.div_ceil(M);
    let per = tiles_of_task(input.maps.extent.blocks).div_ceil(across);
    let bands = Bands::new((output.images, extent.height), M, per);
    let tasks = bands.cut(output);
    tasks
        .into_par_iter()
        .map(|(band, slab)| {
            let tiles = Tiles { first: band.strips.start, rows: band.strips.len(), across };
            let need = tiles.size::<M>(input.maps.extent.blocks) + tiles.size::<M>(extent.blocks);
            compute.scratch.with(need, |scratch| {
                compute.isa.run(Convolve::<M> { input, weights: weights.0, tiles, extent, adds, slab, scratch });
            });
            finish(band.rows.start, slab)
        })
        .collect()
}

/// Rows of tiles, counted through all images.
#[derive(Debug, Clone, Copy)]
struct Tiles {
    first: usize,
    rows: usize,
    /// Tiles in a row.
    across: usize,
}

impl Tiles {
    fn count(self) -> usize {
        self.rows * self.across
    }

    /// Blocks between two frequencies of transformed maps. One more than is needed: powers of two would make all
    /// frequencies of a tile share a few lines of the cache.
    fn stride(self, blocks: usize) -> usize {
        blocks * self.count() + 1
    }

    /// Blocks that transformed maps take.
    fn size<const M: usize>(self, blocks: usize) -> usize {
        frequencies(M) * self.stride(blocks)
    }

    /// The image and the tile row in it.
    #[inline(always)]
    fn place(self, row: usize, height: usize, m: usize) -> (usize, usize) {
        let each = height.div_ceil(m);
        ((self.first + row) / each, (self.first + row) % each)
    }
}

struct Convolve<'a, const M: usize> {
    input: Input<'a>,
    weights: &'a [Block],
    tiles: Tiles,
    /// Of the output.
    extent: Extent,
    adds: bool,
    slab: &'a mut [Block],
    scratch: &'a mut [Block],
}

impl<const M: usize> Kernel for Convolve<'_, M> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        let Self { input, weights, tiles, extent, adds, slab, scratch } = self;
        let blocks = input.maps.extent.blocks;
        let (spectrum, products) = scratch.split_at_mut(tiles.size::<M>(blocks));
        transform_input::<S, M>(simd, input, tiles, spectrum);
        let (from, to) = (tiles.stride(blocks), tiles.stride(extent.blocks));
        let depth = blocks * crate::simd::LANES;
        for f in 0..frequencies(M) {
            let left = Left::blocks(&spectrum[f * from..], (blocks, tiles.count()), tiles.count());
            let right = Right { values: &weights[f * depth..], panels: extent.blocks, stride: frequencies(M) * depth };
            multiply(simd, left, right, (&mut products[f * to..], tiles.count()));
        }
        for row in 0..tiles.rows {
            let (_, tile_row) = tiles.place(row, extent.height, M);
            // Tile rows of a slab that starts in mid-image are `M` rows each but for an image's last.
            let start = slab_row::<M>(tiles, row, extent.height);
            let rows = M.min(extent.height - tile_row * M);
            let out = &mut slab[start * extent.row()..(start + rows) * extent.row()];
            transform_output::<S, M>(simd, (&products[row * tiles.across..], tiles), (out, extent), adds);
        }
    }
}

/// The row of the slab that a tile row starts with.
#[inline(always)]
fn slab_row<const M: usize>(tiles: Tiles, row: usize, height: usize) -> usize {
    let at = |row| {
        let (image, tile_row) = tiles.place(row, height, M);
        image * height + tile_row * M
    };
    at(row) - at(0)
}

/// Transforms the inputs of all tiles to `[frequency][block][tile]`.
#[inline(always)]
fn transform_input<S: Simd, const M: usize>(simd: S, input: Input<'_>, tiles: Tiles, spectrum: &mut [Block]) {
    let Extent { blocks, height, .. } = input.maps.extent;
    let stride = tiles.stride(blocks);
    for row in 0..tiles.rows {
        let (image, tile_row) = tiles.place(row, height, M);
        for block in 0..blocks {
            let out = &mut spectrum[block * tiles.count() + row * tiles.across..];
            for x in 0..tiles.across {
                let mut tile = read::<S, M>(simd, input, (image, block), (tile_row * M, x * M));
                square::<OfInput, S, M>(simd, &mut tile);
                write_spectrum::<S, M>(simd, &tile, &mut out[x..], stride);
            }
        }
    }
}

#[inline(always)]
fn write_spectrum<S: Simd, const M: usize>(simd: S, tile: &[Line<S::V>; 6], out: &mut [Block], stride: usize) {
    for y in 0..M + 2 {
        for x in 0..M + 2 {
            simd.store(&mut out[(y * (M + 2) + x) * stride], tile[y][x]);
        }
    }
}

/// The input of the tile whose output starts at (y, x): from one pixel before it, zeros beyond the edge.
#[inline(always)]
fn read<S: Simd, const M: usize>(
    simd: S,
    input: Input<'_>,
    (image, block): (usize, usize),
    (top, left): (usize, usize),
) -> [Line<S::V>; 6] {
    let Extent { height, width, .. } = input.maps.extent;
    let affine = input.activation.map(|affine| (simd.load(&affine.scale[block]), simd.load(&affine.shift[block])));
    let mut tile = [[simd.zero(); 6]; 6];
    let inside = left > 0 && left + M < width;
    for y in 0..M + 2 {
        if top + y == 0 || top + y > height {
            continue;
        }
        let line = input.maps.line(image, top + y - 1, block);
        for x in 0..M + 2 {
            if inside || (left + x > 0 && left + x <= width) {
                tile[y][x] = simd.load(&line[left + x - 1]);
                if let Some((scale, shift)) = affine {
                    tile[y][x] = simd.relu(simd.fma(tile[y][x], scale, shift));
                }
            }
        }
    }
    tile
}

/// Transforms one row of tiles back and writes what lies in the picture.
#[inline(always)]
fn transform_output<S: Simd, const M: usize>(
    simd: S,
    (products, tiles): (&[Block], Tiles),
    (out, extent): (&mut [Block], Extent),
    adds: bool,
) {
    let stride = tiles.stride(extent.blocks);
    let rows = out.len() / extent.row();
    for block in 0..extent.blocks {
        for x in 0..tiles.across {
            let products = &products[block * tiles.count() + x..];
            let mut tile = [[simd.zero(); 6]; 6];
            for v in 0..M + 2 {
                for u in 0..M + 2 {
                    tile[v][u] = simd.load(&products[(v * (M + 2) + u) * stride]);
                }
            }
            square::<ToOutput, S, M>(simd, &mut tile);
            let columns = M.min(extent.width - x * M);
            for v in 0..rows {
                let start = v * extent.row() + block * extent.width + x * M;
                for (u, pixel) in out[start..start + columns].iter_mut().enumerate() {
                    let value = if adds { simd.add(simd.load(pixel), tile[v][u]) } else { tile[v][u] };
                    simd.store(pixel, value);
                }
            }
        }
    }
}
