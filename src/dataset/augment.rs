//! Random changes to training images, derived from (seed, epoch, sample) and from nothing else.

use rand::Rng;
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};

use super::{GreyImage, resize};

#[cfg(test)]
mod tests;

/// Which random changes a training image gets. All off is the evaluation picture.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Augmentation {
    /// Mirror left and right with probability one half. It moves the heart to the other side.
    pub horizontal_flip: bool,
    /// Rotate by an angle drawn from plus or minus this many degrees; 0 is off.
    pub rotation_degrees: f64,
    /// Multiply by a factor drawn from 1 plus or minus this; 0 is off.
    pub brightness: f64,
    /// Blend with the mean grey by a factor drawn from 1 plus or minus this; 0 is off.
    pub contrast: f64,
}

impl Default for Augmentation {
    fn default() -> Self {
        Self { horizontal_flip: true, rotation_degrees: 10.0, brightness: 0.2, contrast: 0.2 }
    }
}

impl Augmentation {
    /// No change at all.
    pub const OFF: Self = Self { horizontal_flip: false, rotation_degrees: 0.0, brightness: 0.0, contrast: 0.0 };

    /// Whether every image stays as it is.
    #[must_use]
    pub fn is_off(&self) -> bool {
        *self == Self::OFF
    }
}

/// One image's changes, in the order in which they are made.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Change {
    flip: bool,
    /// Counter-clockwise, as in torchvision.
    degrees: f32,
    brightness: f32,
    contrast: f32,
}

impl Change {
    /// Always four draws, so that switching one change off leaves the others as they were.
    fn draw(recipe: &Augmentation, rng: &mut ChaCha8Rng) -> Self {
        let [flip, angle, brightness, contrast]: [f32; 4] = rng.random();
        #[expect(clippy::cast_possible_truncation, reason = "a setting of a few digits")]
        let around = |middle: f32, by: f64, draw: f32| middle + by as f32 * (2.0 * draw - 1.0);
        Self {
            flip: recipe.horizontal_flip && flip < 0.5,
            degrees: around(0.0, recipe.rotation_degrees, angle),
            brightness: around(1.0, recipe.brightness, brightness).max(0.0),
            contrast: around(1.0, recipe.contrast, contrast).max(0.0),
        }
    }

    /// Changes a `size` x `size` picture. Values are rounded once, at the end: to nearest, halves away from zero.
    fn apply(self, mut picture: Vec<u8>, size: usize) -> Vec<u8> {
        if self.flip {
            flip(&mut picture, size);
        }
        let mut grey = rotate(&picture, size, self.degrees);
        adjust_brightness(&mut grey, self.brightness);
        adjust_contrast(&mut grey, self.contrast);
        grey.into_iter().map(to_byte).collect()
    }
}

/// Scales `source` to `size` x `size` as for evaluation, then flips, rotates, brightens and stretches it by four draws.
///
/// The operations are torchvision's `hflip`, `rotate` (bilinear, black outside, around the centre),
/// `adjust_brightness` and `adjust_contrast` in this order, without rounding between them. Returns `size * size` values.
#[must_use]
pub fn augment(source: &GreyImage, size: usize, recipe: &Augmentation, rng: &mut ChaCha8Rng) -> Vec<u8> {
    let fits = source.width == size && source.height == size;
    let picture = if fits { source.pixels.clone() } else { resize::to_square(source, size).pixels };
    Change::draw(recipe, rng).apply(picture, size)
}

fn flip(picture: &mut [u8], size: usize) {
    picture.chunks_exact_mut(size.max(1)).for_each(<[u8]>::reverse);
}

/// Each pixel takes what lay at its centre before the turn; outside is black, and so the picture's edge fades into it.
#[allow(clippy::cast_precision_loss, reason = "sides of a few hundred pixels")]
fn rotate(picture: &[u8], size: usize, degrees: f32) -> Vec<f32> {
    if degrees == 0.0 {
        return picture.iter().copied().map(f32::from).collect();
    }
    let (sin, cos) = degrees.to_radians().sin_cos();
    let middle = (size as f32 - 1.0) / 2.0;
    let from_middle = |at: usize| at as f32 - middle;
    let turned = |x: f32, y: f32| (middle + cos * x - sin * y, middle + sin * x + cos * y);
    let places = (0..size).flat_map(|y| (0..size).map(move |x| (x, y)));
    places.map(|(x, y)| sample(picture, size, turned(from_middle(x), from_middle(y)))).collect()
}

/// The value between the four pixels around (x, y).
fn sample(picture: &[u8], size: usize, (x, y): (f32, f32)) -> f32 {
    let (left, top) = (x.floor(), y.floor());
    let (right_share, bottom_share) = (x - left, y - top);
    let row = |y: f32| {
        pixel(picture, size, (left, y)) * (1.0 - right_share) + pixel(picture, size, (left + 1.0, y)) * right_share
    };
    row(top) * (1.0 - bottom_share) + row(top + 1.0) * bottom_share
}

#[allow(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "checked before"
)]
fn pixel(picture: &[u8], size: usize, (x, y): (f32, f32)) -> f32 {
    let inside = x >= 0.0 && y >= 0.0 && x < size as f32 && y < size as f32;
    let index = if inside { y as usize * size + x as usize } else { picture.len() };
    picture.get(index).copied().map_or(0.0, f32::from)
}

fn adjust_brightness(grey: &mut [f32], factor: f32) {
    for value in grey {
        *value = (*value * factor).clamp(0.0, 255.0);
    }
}

/// `mean + factor * (value - mean)`, written so that a factor of 1 changes nothing, not even by a rounding.
#[allow(clippy::cast_precision_loss, clippy::cast_possible_truncation, reason = "a mean of greys")]
fn adjust_contrast(grey: &mut [f32], factor: f32) {
    let sum: f64 = grey.iter().copied().map(f64::from).sum();
    let mean = (sum / grey.len().max(1) as f64) as f32;
    for value in grey {
        *value = (*value + (factor - 1.0) * (*value - mean)).clamp(0.0, 255.0);
    }
}

#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped before")]
fn to_byte(value: f32) -> u8 {
    value.round().clamp(0.0, 255.0) as u8
}
