//! The first convolution, 7x7 with stride 2, whose input has three channels: too few for blocks of sixteen.
//!
//! Its input is laid out pixel by pixel, `[row][column][channel]` with zeros around, so that the 21 values which a row of
//! taps sees of a row of pixels lie side by side, and the next output's 6 further on. That makes the image itself the
//! left-hand side of the product: nothing is gathered.

#![allow(clippy::inline_always, reason = "a kernel must be compiled with its caller's instructions")]

use std::ops::Range;

use rayon::prelude::*;

use super::gemm::{Left, Right, Tall, multiply, multiply_transposed};
use super::maps::{Bands, Extent, Maps};
use super::{Compute, Finish};
use crate::arch::{IMAGE_CHANNELS, STEM_KERNEL, STEM_STRIDE};
use crate::simd::{Block, Kernel, LANES, Simd};

/// Values that a row of taps sees.
const SEEN: usize = STEM_KERNEL * IMAGE_CHANNELS;
/// Values from one output to the next.
const STEP: usize = STEM_STRIDE * IMAGE_CHANNELS;
const PADDING: usize = STEM_KERNEL / 2;
/// Rows of output that a task works on.
const ROWS: usize = 4;

/// A batch of images, (B, 3, height, width).
#[derive(Debug, Clone, Copy)]
pub struct Images<'a> {
    pub values: &'a [f32],
    pub height: usize,
    pub width: usize,
}

impl Images<'_> {
    pub fn count(&self) -> usize {
        self.values.len() / (IMAGE_CHANNELS * self.height * self.width)
    }

    /// The size of the convolution's output.
    pub fn extent(&self, outputs: usize) -> Extent {
        Extent::new(outputs, self.height.div_ceil(STEM_STRIDE), self.width.div_ceil(STEM_STRIDE))
    }

    /// Values of a row with zeros around.
    fn padded_row(&self) -> usize {
        (self.width + 2 * PADDING) * IMAGE_CHANNELS
    }

    /// Copies the rows that rows `rows` of one image's output see.
    fn stage(&self, image: usize, rows: Range<usize>, staged: &mut [f32]) {
        let plane = self.height * self.width;
        let values = &self.values[image * IMAGE_CHANNELS * plane..][..IMAGE_CHANNELS * plane];
        for (index, out) in staged.chunks_exact_mut(self.padded_row()).take(rows_seen(rows.len())).enumerate() {
            out.fill(0.0);
            let y = rows.start * STEM_STRIDE + index;
            if y < PADDING || y >= self.height + PADDING {
                continue;
            }
            for channel in 0..IMAGE_CHANNELS {
                let row = &values[channel * plane + (y - PADDING) * self.width..][..self.width];
                for (pixel, value) in out[PADDING * IMAGE_CHANNELS..].chunks_exact_mut(IMAGE_CHANNELS).zip(row) {
                    pixel[channel] = *value;
                }
            }
        }
    }
}

/// Rows of the image that so many rows of the output see.
const fn rows_seen(rows: usize) -> usize {
    (rows - 1) * STEM_STRIDE + STEM_KERNEL
}

/// Blocks of the weights for [`convolve`].
pub fn weights_size(outputs: usize) -> usize {
    outputs.div_ceil(LANES) * STEM_KERNEL * SEEN
}

/// Fills `packed` with `[panel][row of taps][tap][channel]` of `kernel`, (outputs, 3, 7, 7).
pub fn weights(kernel: &[f32], packed: &mut [Block]) {
    let (taps, each) = (STEM_KERNEL * STEM_KERNEL, IMAGE_CHANNELS * STEM_KERNEL * STEM_KERNEL);
    packed.fill([0.0; LANES]);
    for (index, value) in kernel.iter().enumerate() {
        let (output, channel, tap) = (index / each, index % each / taps, index % taps);
        packed[output / LANES * each + tap * IMAGE_CHANNELS + channel][output % LANES] = *value;
    }
}

/// Convolves images into `output`; `finish` gets each slab of it when it is ready, and its answers come in order.
pub fn convolve<R: Send>(
    compute: &Compute,
    (images, weights): (Images<'_>, &[Block]),
    output: &mut Maps,
    finish: impl Finish<R>,
) -> Vec<R> {
    let extent = output.extent;
    let tasks = Bands::new((output.images, extent.height), 1, ROWS).cut(output);
    tasks
        .into_par_iter()
        .map(|(band, slab)| {
            compute.scratch.with(staged_size(images, band.rows.len()), |scratch| {
                for rows in by_image(band.rows.clone(), extent.height) {
                    let at = (rows.start - band.rows.start) * extent.row();
                    let slab = &mut slab[at..at + rows.len() * extent.row()];
                    let staged = scratch[..staged_size(images, rows.len())].as_flattened_mut();
                    let y = rows.start % extent.height;
                    images.stage(rows.start / extent.height, y..y + rows.len(), staged);
                    compute.isa.run(Convolve { staged, row: images.padded_row(), weights, extent, slab });
                }
            });
            finish(band.rows.start, slab)
        })
        .collect()
}

/// Blocks that staged rows take.
fn staged_size(images: Images<'_>, rows: usize) -> usize {
    (rows_seen(rows) * images.padded_row()).div_ceil(LANES)
}

/// Cuts rows of all images where an image ends.
fn by_image(rows: Range<usize>, height: usize) -> impl Iterator<Item = Range<usize>> {
    let images = rows.start / height..rows.end.div_ceil(height);
    images.map(move |image| rows.start.max(image * height)..rows.end.min((image + 1) * height))
}

struct Convolve<'a> {
    staged: &'a [f32],
    /// Values of a staged row.
    row: usize,
    weights: &'a [Block],
    extent: Extent,
    slab: &'a mut [Block],
}

impl Kernel for Convolve<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        let Extent { blocks: panels, width, .. } = self.extent;
        let right = Right { values: self.weights, panels, stride: STEM_KERNEL * SEEN };
        for (index, out) in self.slab.chunks_exact_mut(self.extent.row()).enumerate() {
            let left = Left {
                values: &self.staged[index * STEM_STRIDE * self.row..],
                rows: width,
                row_stride: STEP,
                groups: STEM_KERNEL,
                group_stride: self.row,
                group_depth: SEEN,
            };
            multiply(simd, left, right, (out, width));
        }
    }
}

/// Writes the gradient of the weights, (outputs, 3, 7, 7), given the images and the output's gradient.
///
/// Tasks sum over pieces of an image, and the pieces are added in order, so that the sum is the same on any number of
/// threads.
pub fn gradient(compute: &Compute, images: Images<'_>, output: &Maps, kernel: &mut [f32]) {
    let extent = output.extent;
    let size = STEM_KERNEL * extent.blocks * SEEN;
    let pieces = Bands::new((output.images, extent.height), 1, extent.height.div_ceil(2));
    let bands: Vec<_> = pieces.iter().collect();
    compute.scratch.with(bands.len() * size, |sums| {
        sums.par_chunks_exact_mut(size).zip(&bands).for_each(|(sums, band)| {
            sums.fill([0.0; LANES]);
            compute.scratch.with(staged_size(images, ROWS), |staged| {
                let staged = staged.as_flattened_mut();
                for rows in by_image(band.rows.clone(), extent.height) {
                    let (image, end) =
                        (rows.start / extent.height, rows.end - rows.start / extent.height * extent.height);
                    for y in (rows.start % extent.height..end).step_by(ROWS) {
                        let rows = y..end.min(y + ROWS);
                        images.stage(image, rows.clone(), staged);
                        compute.isa.run(Gradient { staged, row: images.padded_row(), output, image, rows, sums });
                    }
                }
            });
        });
        let (total, rest) = sums.split_at_mut(size);
        for sums in rest.chunks_exact(size) {
            for (total, sum) in total.as_flattened_mut().iter_mut().zip(sums.as_flattened()) {
                *total += sum;
            }
        }
        unpack(total, extent.blocks, kernel);
    });
}

/// Adds to `[row of taps][panel][tap][channel]`.
struct Gradient<'a> {
    staged: &'a [f32],
    row: usize,
    output: &'a Maps,
    image: usize,
    rows: Range<usize>,
    sums: &'a mut [Block],
}

impl Kernel for Gradient<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        let Extent { blocks: panels, width, .. } = self.output.extent;
        for (index, y) in self.rows.enumerate() {
            let first = self.image * self.output.extent.height + y;
            let gradients = self.output.slab(first..first + 1);
            for (tap_row, sums) in self.sums.chunks_exact_mut(panels * SEEN).enumerate() {
                let values = &self.staged[(index * STEM_STRIDE + tap_row) * self.row..];
                multiply_transposed(simd, (Tall { values, stride: STEP, rows: SEEN }, width), (gradients, width), sums);
            }
        }
    }
}

fn unpack(sums: &[Block], panels: usize, kernel: &mut [f32]) {
    let (taps, each) = (STEM_KERNEL * STEM_KERNEL, IMAGE_CHANNELS * STEM_KERNEL * STEM_KERNEL);
    for (index, value) in kernel.iter_mut().enumerate() {
        let (output, channel, tap) = (index / each, index % each / taps, index % taps);
        let (tap_row, column) = (tap / STEM_KERNEL, tap % STEM_KERNEL);
        let row = (tap_row * panels + output / LANES) * SEEN + column * IMAGE_CHANNELS + channel;
        *value = sums[row][output % LANES];
    }
}
