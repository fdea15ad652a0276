//! Pictures made harder in fixed ways, as another hospital, machine or file format would: to see how well a network carries over.
//!
//! After D. Hendrycks and T. Dietterich, Benchmarking Neural Network Robustness to Common Corruptions and Perturbations,
//! ICLR 2019, with kinds and strengths for chest X-rays, one strength of each. Seven of them change greys and sharpness, nine
//! what is in the frame and where: a network that knows classes by how pictures were taken and cut does well on pictures
//! that were taken and cut alike, and on no others.

use rand::Rng;
use rand_chacha::ChaCha8Rng;

use super::augment::part::Part;
use super::augment::{geometry, tones};
use super::normalisation::Normalisation;
use super::random::{Purpose, stream};
use super::{GreyImage, resize};
use crate::words::words;

#[cfg(test)]
mod tests;

/// Ways that each image is shown in where a network is judged by them: all sixteen would take eight times as long.
pub const WAYS_AN_IMAGE: usize = 2;

words! {
    /// A way in which a picture is made harder.
    Shift {
        /// It stays as it is.
        #[default] None = "none",
        /// Values of 0 to 1 to the power 1.6.
        Darker = "darker",
        /// Values of 0 to 1 to the power 0.6.
        Lighter = "lighter",
        /// Distances from the mean grey times 0.6.
        Flatter = "flatter",
        /// Distances from the mean grey times 1.6.
        Steeper = "steeper",
        /// A Gaussian blur of a standard deviation of 1/160 of the side, 1.4 pixels of 224.
        Blurred = "blurred",
        /// Gaussian noise of a standard deviation of 12 of 255 levels.
        Noisy = "noisy",
        /// Contrast made equal over the picture: [`Normalisation::Clahe`].
        Equalised = "equalised",
        /// Turned by 8 degrees counter-clockwise, black outside.
        Turned = "turned",
        /// Scaled down to 85 % of each side, black around.
        Farther = "farther",
        /// The middle 80 % of each side, scaled up.
        Closer = "closer",
        /// The middle 75 % of the height, stretched.
        Wider = "wider",
        /// The middle 75 % of the width, stretched.
        Taller = "taller",
        /// 75 % of each side from this corner, scaled up; so are the next three.
        UpperLeft = "upper-left",
        UpperRight = "upper-right",
        LowerLeft = "lower-left",
        LowerRight = "lower-right",
    }
}

const DARKER: f32 = 1.6;
const LIGHTER: f32 = 0.6;
const FLATTER: f32 = 0.6;
const STEEPER: f32 = 1.6;
/// Standard deviations of the blur in a side.
const BLURS_IN_A_SIDE: f32 = 160.0;
const NOISE: f32 = 12.0;
/// Hundredths of a side.
const FARTHER: usize = 85;
const DEGREES: f32 = 8.0;

impl Shift {
    /// All that change something.
    pub const ALL: [Self; 16] = [
        Self::Darker,
        Self::Lighter,
        Self::Flatter,
        Self::Steeper,
        Self::Blurred,
        Self::Noisy,
        Self::Equalised,
        Self::Turned,
        Self::Farther,
        Self::Closer,
        Self::Wider,
        Self::Taller,
        Self::UpperLeft,
        Self::UpperRight,
        Self::LowerLeft,
        Self::LowerRight,
    ];

    /// Changes a `size` x `size` picture, 0 black to 255 white; one with another number of pixels stays as it is.
    ///
    /// The same picture and `seed` (which only the noise looks at; the image's number, say) always give the same.
    pub fn apply(self, grey: &mut [u8], size: usize, seed: u64) {
        if grey.len() != size * size {
            return;
        }
        match self {
            Self::None => {}
            Self::Darker => with_values(grey, |values| tones::adjust_gamma(values, DARKER)),
            Self::Lighter => with_values(grey, |values| tones::adjust_gamma(values, LIGHTER)),
            Self::Flatter => with_values(grey, |values| tones::adjust_contrast(values, FLATTER)),
            Self::Steeper => with_values(grey, |values| tones::adjust_contrast(values, STEEPER)),
            Self::Blurred => blur(grey, size),
            Self::Noisy => with_values(grey, |values| add_noise(values, seed)),
            Self::Equalised => Normalisation::Clahe.apply(grey, size),
            Self::Turned => turn(grey, size),
            Self::Farther => shrink(grey, size),
            Self::Closer => enlarge(grey, size, part([0.1, 0.1], [0.8, 0.8])),
            Self::Wider => enlarge(grey, size, part([0.0, 0.125], [1.0, 0.75])),
            Self::Taller => enlarge(grey, size, part([0.125, 0.0], [0.75, 1.0])),
            Self::UpperLeft => enlarge(grey, size, part([0.0, 0.0], [0.75, 0.75])),
            Self::UpperRight => enlarge(grey, size, part([0.25, 0.0], [0.75, 0.75])),
            Self::LowerLeft => enlarge(grey, size, part([0.0, 0.25], [0.75, 0.75])),
            Self::LowerRight => enlarge(grey, size, part([0.25, 0.25], [0.75, 0.75])),
        }
    }
}

fn image(grey: &[u8], size: usize) -> GreyImage {
    GreyImage { width: size, height: size, pixels: grey.to_vec() }
}

/// Changes `grey` without rounding in between.
fn with_values(grey: &mut [u8], change: impl FnOnce(&mut [f32])) {
    let mut values: Vec<f32> = grey.iter().copied().map(f32::from).collect();
    change(&mut values);
    write(grey, &values);
}

fn write(grey: &mut [u8], values: &[f32]) {
    for (level, &value) in grey.iter_mut().zip(values) {
        *level = tones::to_byte(value);
    }
}

fn blur(grey: &mut [u8], size: usize) {
    let kernel = bell(size);
    let values: Vec<f32> = grey.iter().copied().map(f32::from).collect();
    // Along rows, then along what were columns: the second turn sets the picture upright.
    let half = blurred_and_transposed(&values, size, &kernel);
    write(grey, &blurred_and_transposed(&half, size, &kernel));
}

/// A Gaussian up to at least three standard deviations to either side, of sum 1.
#[expect(clippy::cast_precision_loss, clippy::cast_possible_truncation, reason = "sides of a few hundred pixels")]
fn bell(size: usize) -> Vec<f32> {
    let deviation = size.max(1) as f32 / BLURS_IN_A_SIDE;
    let reach = (3.0 * deviation).ceil() as i16;
    let heights: Vec<f32> =
        (-reach..=reach).map(|place| libm::expf(-0.5 * (f32::from(place) / deviation).powi(2))).collect();
    let sum: f32 = heights.iter().sum();
    heights.into_iter().map(|height| height / sum).collect()
}

/// Blurs the rows, the pixels at their ends going on beyond them, and makes columns of them.
fn blurred_and_transposed(values: &[f32], size: usize, kernel: &[f32]) -> Vec<f32> {
    let reach = kernel.len() / 2;
    let mut blurred = vec![0.0; values.len()];
    let mut padded = vec![0.0; size + 2 * reach];
    for (y, row) in values.chunks_exact(size.max(1)).enumerate() {
        padded[..reach].fill(row[0]);
        padded[reach..reach + size].copy_from_slice(row);
        padded[reach + size..].fill(row[size - 1]);
        for (x, around) in padded.windows(kernel.len()).enumerate() {
            blurred[x * size + y] = around.iter().zip(kernel).map(|(value, weight)| value * weight).sum();
        }
    }
    blurred
}

/// Adds Gaussian noise, a stream of its own for each `seed`.
fn add_noise(values: &mut [f32], seed: u64) {
    let mut rng = stream(seed, Purpose::Shift, [0, 0]);
    for pair in values.chunks_mut(2) {
        for (value, normal) in pair.iter_mut().zip(two_normals(&mut rng)) {
            *value += NOISE * normal;
        }
    }
}

/// Two independent draws of the standard normal distribution (Box and Muller 1958), the same on every machine.
fn two_normals(rng: &mut ChaCha8Rng) -> [f32; 2] {
    let [radius, angle]: [f32; 2] = rng.random();
    let radius = (-2.0 * libm::logf(1.0 - radius)).sqrt();
    let (sin, cos) = libm::sincosf(std::f32::consts::TAU * angle);
    [radius * cos, radius * sin]
}

/// Of a picture, in shares of its sides.
const fn part([left, top]: [f64; 2], [width, height]: [f64; 2]) -> Part {
    Part { left, top, width, height }
}

fn enlarge(grey: &mut [u8], size: usize, part: Part) {
    let larger = part.cut(&image(grey, size), size);
    grey.copy_from_slice(&larger);
}

fn turn(grey: &mut [u8], size: usize) {
    let turned = geometry::turned_and_moved(grey, size, (DEGREES, [0.0; 2]));
    write(grey, &turned);
}

fn shrink(grey: &mut [u8], size: usize) {
    let inner = (size * FARTHER).div_ceil(100);
    let margin = (size - inner) / 2;
    let small = resize::to_square(&image(grey, size), inner).pixels;
    grey.fill(0);
    let rows = grey.chunks_exact_mut(size.max(1)).skip(margin);
    for (row, from) in rows.zip(small.chunks_exact(inner.max(1))) {
        row[margin..margin + inner].copy_from_slice(from);
    }
}
