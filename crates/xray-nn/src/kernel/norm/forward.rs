//! The pass that applies a batch norm, adds a shortcut and rectifies.

#![allow(clippy::inline_always, reason = "a kernel must be compiled with its caller's instructions")]

use super::ROWS;
use crate::kernel::maps::{Extent, Maps};
use crate::kernel::{Affine, Compute};
use crate::simd::{Block, Kernel, Simd};

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
