//! Feature maps as the kernels lay them out, and how work on them is shared out.
//!
//! `[image][row][block][column]` of [`Block`]s: sixteen channels of a pixel side by side, then the pixels of a row, then
//! the row's other channels. So one row of all channels lies in one piece: tasks own whole rows, and need no others' leave.
//! Channels are filled up to a multiple of sixteen with zeros.

use std::ops::Range;

use rayon::prelude::*;

use super::buffer::Buffer;
use crate::simd::{Block, LANES};

/// The size of one image's maps.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Extent {
    /// Blocks of sixteen channels.
    pub blocks: usize,
    pub height: usize,
    pub width: usize,
}

impl Extent {
    pub fn new(channels: usize, height: usize, width: usize) -> Self {
        Self { blocks: channels.div_ceil(LANES), height, width }
    }

    /// Blocks in a row of all channels.
    pub fn row(self) -> usize {
        self.blocks * self.width
    }

    pub fn pixels(self) -> usize {
        self.height * self.width
    }
}

/// The maps of a batch.
#[derive(Debug)]
pub struct Maps {
    pub images: usize,
    pub extent: Extent,
    pub values: Buffer,
}

impl Maps {
    pub fn new(images: usize, extent: Extent) -> Self {
        Self { images, extent, values: Buffer::new(images * extent.height * extent.row()) }
    }

    /// Takes another size; what the maps hold is then open.
    pub fn resize(&mut self, images: usize, extent: Extent) {
        (self.images, self.extent) = (images, extent);
        self.values.resize(images * extent.height * extent.row());
    }

    /// Rows of all images.
    pub fn rows(&self) -> usize {
        self.images * self.extent.height
    }

    /// Rows `rows` of all images, all channels.
    #[inline]
    pub fn slab(&self, rows: Range<usize>) -> &[Block] {
        &self.values[rows.start * self.extent.row()..rows.end * self.extent.row()]
    }

    /// One block of channels of one row.
    #[inline]
    pub fn line(&self, image: usize, row: usize, block: usize) -> &[Block] {
        let start = (image * self.extent.height + row) * self.extent.row() + block * self.extent.width;
        &self.values[start..start + self.extent.width]
    }

    /// Calls `work` with (first row, slab) for pieces of about `per` rows, on all threads; the answers come in order.
    pub fn for_slabs<R: Send>(&mut self, per: usize, work: impl Fn(usize, &mut [Block]) -> R + Sync) -> Vec<R> {
        let row = self.extent.row();
        let slabs = self.values.par_chunks_mut((per * row).max(1)).enumerate();
        slabs.map(|(index, slab)| work(index * per, slab)).collect()
    }
}

/// (B, C, H, W) values, planes of one channel after the other, to maps.
pub fn from_planes(planes: &[f32], channels: usize, maps: &mut Maps) {
    let Extent { width, height, .. } = maps.extent;
    maps.for_slabs(1, |row, slab| {
        let (image, y) = (row / height, row % height);
        for (block, line) in slab.chunks_exact_mut(width).enumerate() {
            for lane in 0..LANES {
                let channel = block * LANES + lane;
                let start = ((image * channels + channel) * height + y) * width;
                for (x, pixel) in line.iter_mut().enumerate() {
                    pixel[lane] = if channel < channels { planes[start + x] } else { 0.0 };
                }
            }
        }
    });
}

/// Maps to (B, C, H, W) values.
pub fn to_planes(maps: &Maps, channels: usize) -> Vec<f32> {
    let mut planes = vec![0.0; maps.images * channels * maps.extent.pixels()];
    let plane = maps.extent.pixels().max(1);
    planes.par_chunks_exact_mut(plane).enumerate().for_each(|(index, plane)| {
        let (image, channel) = (index / channels, index % channels);
        for (y, row) in plane.chunks_exact_mut(maps.extent.width).enumerate() {
            let line = maps.line(image, y, channel / LANES);
            row.iter_mut().zip(line).for_each(|(out, block)| *out = block[channel % LANES]);
        }
    });
    planes
}

/// Images' rows cut into strips of some rows each, which end with their image, and the strips into bands for tasks.
///
/// Nothing of it depends on the number of threads, so that sums come out the same on any.
#[derive(Debug, Clone, Copy)]
pub struct Bands {
    height: usize,
    strip: usize,
    strips: usize,
    count: usize,
}

/// Neighbouring strips, which one task works on.
#[derive(Debug, Clone)]
pub struct Band {
    pub strips: Range<usize>,
    /// Rows of all images.
    pub rows: Range<usize>,
}

impl Bands {
    /// Strips of `strip` rows, about `per` of them in a band, in an even number of bands of nearly one size.
    pub fn new((images, height): (usize, usize), strip: usize, per: usize) -> Self {
        let strips = images * height.div_ceil(strip);
        let bands = strips.div_ceil(per.max(1)).next_multiple_of(2).min(strips).max(1);
        Self { height, strip, strips, count: bands }
    }

    /// Strips of one image.
    pub fn strips_of_image(&self) -> usize {
        self.height.div_ceil(self.strip)
    }

    /// The most strips in a band.
    pub fn most(&self) -> usize {
        self.strips.div_ceil(self.count)
    }

    /// The first of all images' rows of a strip.
    fn first_row(&self, strip: usize) -> usize {
        let each = self.strips_of_image();
        strip / each * self.height + strip % each * self.strip
    }

    pub fn iter(self) -> impl ExactSizeIterator<Item = Band> {
        let (each, longer) = (self.strips / self.count, self.strips % self.count);
        let start = move |index: usize| index * each + index.min(longer);
        (0..self.count).map(move |index| {
            let strips = start(index)..start(index + 1);
            Band { rows: self.first_row(strips.start)..self.first_row(strips.end), strips }
        })
    }

    /// Cuts `maps` into the bands' slabs.
    pub fn cut(self, maps: &mut Maps) -> Vec<(Band, &mut [Block])> {
        let row = maps.extent.row();
        let mut left: &mut [Block] = &mut maps.values;
        let mut slabs = Vec::with_capacity(self.iter().len());
        for band in self.iter() {
            let (slab, rest) = left.split_at_mut(band.rows.len() * row);
            slabs.push((band, slab));
            left = rest;
        }
        slabs
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn bands_cover_every_row_once(images in 1_usize..5, height in 1_usize..20, strip in 1_usize..5, per in 1_usize..9) {
            let mut row = 0;
            let mut strip_at = 0;
            for band in Bands::new((images, height), strip, per).iter() {
                prop_assert_eq!(band.rows.start, row);
                prop_assert_eq!(band.strips.start, strip_at);
                prop_assert!(!band.rows.is_empty());
                (row, strip_at) = (band.rows.end, band.strips.end);
            }
            prop_assert_eq!(row, images * height);
            let bands = Bands::new((images, height), strip, per).iter().len();
            prop_assert!(bands.is_multiple_of(2) || bands == strip_at);
        }

        #[test]
        fn planes_go_to_maps_and_back(channels in 1_usize..40, height in 1_usize..5, width in 1_usize..5) {
            let planes: Vec<f32> = (0_u16..).map(f32::from).take(2 * channels * height * width).collect();
            let mut maps = Maps::new(2, Extent::new(channels, height, width));
            from_planes(&planes, channels, &mut maps);
            prop_assert_eq!(to_planes(&maps, channels), planes);
        }
    }
}
