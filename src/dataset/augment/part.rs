//! Rectangles of random size and place within a picture: what a crop shows and what is blotted out.

use rand::Rng;
use rand_chacha::ChaCha8Rng;

use super::{GreyImage, resize};

/// How often another size is drawn where one does not fit (torchvision).
const TRIES: usize = 10;

/// Random numbers of 0 to 1 for one rectangle.
#[derive(Debug, Clone, Copy)]
pub struct Draws {
    /// For area and aspect, until both sides fit.
    sizes: [[f32; 2]; TRIES],
    /// For left and top.
    place: [f32; 2],
}

impl Draws {
    /// Always 22 draws, however many of them are needed.
    pub fn new(rng: &mut ChaCha8Rng) -> Self {
        Self { sizes: rng.random(), place: rng.random() }
    }
}

/// A rectangle in shares of a picture's width and height, all 0 to 1: of a picture that is not square it is what it would
/// be once the picture is squashed to a square.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Part {
    pub left: f64,
    pub top: f64,
    pub width: f64,
    pub height: f64,
}

impl Part {
    /// One whose share of the area is even within `areas` and whose aspect (width to height) is even in its logarithm
    /// within `aspects`, as torchvision's `RandomResizedCrop.get_params` draws it; nothing if none of ten tries fits.
    /// In a square its way out, the largest central part of an allowed aspect, is the whole.
    pub fn drawn(areas: [f64; 2], aspects: [f64; 2], draws: &Draws) -> Option<Self> {
        let mut tries = draws.sizes.iter().map(|&[area, aspect]| sides(even(areas, area), log_even(aspects, aspect)));
        let (width, height) = tries.find(|&(width, height)| width <= 1.0 && height <= 1.0)?;
        let [left, top] = draws.place.map(f64::from);
        Some(Self { left: left * (1.0 - width), top: top * (1.0 - height), width, height })
    }

    /// This part of `source` scaled to `size * size` pixels as the whole is by [`resize::to_square`]: what PIL's
    /// `resize(box=...)` does. Pixels next to the part weigh in at its edges.
    pub fn cut(&self, source: &GreyImage, size: usize) -> Vec<u8> {
        let (width, height) = (self.width.min(1.0 - self.left), self.height.min(1.0 - self.top));
        resize::part_to_square(source, [self.left, self.top, width, height], size).pixels
    }

    /// Gives its pixels of a picture of `size` x `size` one value, to the nearest pixel.
    pub fn fill(&self, grey: &mut [f32], size: usize, value: f32) {
        let (columns, rows) = (nearest(self.left, self.width, size), nearest(self.top, self.height, size));
        for row in grey.chunks_exact_mut(size.max(1)).take(rows.1).skip(rows.0) {
            row.iter_mut().take(columns.1).skip(columns.0).for_each(|pixel| *pixel = value);
        }
    }
}

/// Width and height, of an area of 1.
fn sides(area: f64, aspect: f64) -> (f64, f64) {
    ((area * aspect).sqrt(), (area / aspect).sqrt())
}

fn even([low, high]: [f64; 2], draw: f32) -> f64 {
    low + (high - low) * f64::from(draw)
}

fn log_even([low, high]: [f64; 2], draw: f32) -> f64 {
    // The same on every machine, which the standard library's are not.
    libm::exp(even([libm::log(low), libm::log(high)], draw))
}

/// The first pixel and the one after the last.
#[expect(clippy::cast_precision_loss, reason = "sides of a few hundred pixels")]
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "shares are 0 to 1")]
fn nearest(start: f64, length: f64, size: usize) -> (usize, usize) {
    let [first, end] = [start, start + length].map(|share| (share * size as f64).round() as usize);
    (first, end.min(size))
}
