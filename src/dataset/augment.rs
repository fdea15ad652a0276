//! Random changes to training images, derived from (seed, epoch, sample) and from nothing else.

use rand::Rng;
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};

use self::part::{Draws, Part};
use super::{GreyImage, resize};

pub(super) mod geometry;
pub(super) mod part;
#[cfg(test)]
mod tests;
pub(super) mod tones;

/// Aspects of a crop, width to height (torchvision's `RandomResizedCrop`).
const CROP_ASPECTS: [f64; 2] = [3.0 / 4.0, 4.0 / 3.0];
/// Shares of the area that may be blotted out (torchvision's `RandomErasing`).
const ERASED_AREAS: [f64; 2] = [0.02, 0.33];
/// Aspects of what is blotted out, width to height: torchvision says 0.3 to 3.3 of height to width.
const ERASED_ASPECTS: [f64; 2] = [1.0 / 3.3, 1.0 / 0.3];

/// Which random changes a training image gets. All off is the evaluation picture.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Augmentation {
    /// Mirror left and right with probability one half. It moves the heart to the other side.
    pub horizontal_flip: bool,
    /// Cut out a part of between this share of the picture's area and all of it, of an aspect of 3:4 to 4:3, and scale it
    /// to the whole (torchvision's `RandomResizedCrop`); 1 is off.
    #[serde(default = "whole")]
    pub crop_scale: f64,
    /// Rotate by an angle drawn from plus or minus this many degrees; 0 is off.
    pub rotation_degrees: f64,
    /// Move along each axis by a share of the side drawn from plus or minus this; 0 is off.
    #[serde(default)]
    pub translation: f64,
    /// Multiply by a factor drawn from 1 plus or minus this; 0 is off.
    pub brightness: f64,
    /// Blend with the mean grey by a factor drawn from 1 plus or minus this; 0 is off.
    pub contrast: f64,
    /// Raise to a power drawn from 1/(1 + this) to 1 + this, evenly in its logarithm; 0 is off.
    #[serde(default)]
    pub gamma: f64,
    /// Probability of blotting out a rectangle of 2 to 33 % of the area (Zhong et al. 2020); 0 is off.
    #[serde(default)]
    pub erasing: f64,
}

/// A crop that cuts nothing off.
const fn whole() -> f64 {
    1.0
}

impl Default for Augmentation {
    fn default() -> Self {
        Self {
            horizontal_flip: true,
            crop_scale: 0.3,
            rotation_degrees: 10.0,
            brightness: 0.3,
            contrast: 0.3,
            gamma: 0.3,
            ..Self::OFF
        }
    }
}

impl Augmentation {
    /// No change at all.
    pub const OFF: Self = Self {
        horizontal_flip: false,
        crop_scale: whole(),
        rotation_degrees: 0.0,
        translation: 0.0,
        brightness: 0.0,
        contrast: 0.0,
        gamma: 0.0,
        erasing: 0.0,
    };

    /// Whether every image stays as it is.
    #[must_use]
    pub fn is_off(&self) -> bool {
        *self == Self::OFF
    }
}

/// One image's changes, in the order in which they are made.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Change {
    /// The part of the source that is shown; all of it if there is none.
    crop: Option<Part>,
    flip: bool,
    /// Counter-clockwise, as in torchvision.
    degrees: f32,
    /// To the right and down, in shares of the side.
    moved: [f32; 2],
    brightness: f32,
    contrast: f32,
    /// The logarithm of the exponent.
    gamma: f32,
    erased: Option<Part>,
}

impl Change {
    /// Always 52 draws, so that switching one change off leaves the others as they were.
    ///
    /// Those of changes that came later are made later: recorded runs repeat bit for bit.
    fn draw(recipe: &Augmentation, rng: &mut ChaCha8Rng) -> Self {
        let [flip, angle, brightness, contrast]: [f32; 4] = rng.random();
        let crop = Draws::new(rng);
        let [across, down, gamma, blot]: [f32; 4] = rng.random();
        let erased = Draws::new(rng);
        #[expect(clippy::cast_possible_truncation, reason = "a setting of a few digits")]
        let around = |middle: f32, by: f64, draw: f32| middle + by as f32 * (2.0 * draw - 1.0);
        let crops = recipe.crop_scale < 1.0;
        let blots = f64::from(blot) < recipe.erasing;
        Self {
            crop: crops.then(|| Part::drawn([recipe.crop_scale, 1.0], CROP_ASPECTS, &crop)).flatten(),
            flip: recipe.horizontal_flip && flip < 0.5,
            degrees: around(0.0, recipe.rotation_degrees, angle),
            moved: [across, down].map(|draw| around(0.0, recipe.translation, draw)),
            brightness: around(1.0, recipe.brightness, brightness).max(0.0),
            contrast: around(1.0, recipe.contrast, contrast).max(0.0),
            gamma: around(0.0, libm::log1p(recipe.gamma), gamma),
            erased: blots.then(|| Part::drawn(ERASED_AREAS, ERASED_ASPECTS, &erased)).flatten(),
        }
    }

    /// The square picture that the other changes begin with.
    fn cut(&self, source: &GreyImage, size: usize) -> Vec<u8> {
        match self.crop {
            Some(part) => part.cut(source, size),
            None if source.width == size && source.height == size => source.pixels.clone(),
            None => resize::to_square(source, size).pixels,
        }
    }

    /// Changes a `size` x `size` picture, which is cropped already. Values are rounded once, at the end: to nearest,
    /// halves away from zero.
    fn apply(self, mut picture: Vec<u8>, size: usize) -> Vec<u8> {
        if self.flip {
            geometry::flip(&mut picture, size);
        }
        let mut grey = geometry::turned_and_moved(&picture, size, (self.degrees, pixels(self.moved, size)));
        tones::adjust_brightness(&mut grey, self.brightness);
        tones::adjust_contrast(&mut grey, self.contrast);
        tones::adjust_gamma(&mut grey, libm::expf(self.gamma));
        if let Some(part) = self.erased {
            // Not black: so is what lies outside an X-ray, and the network is to learn nothing from a patch of it.
            let mean = tones::mean(&grey);
            part.fill(&mut grey, size, mean);
        }
        grey.into_iter().map(tones::to_byte).collect()
    }
}

/// Scales `source`, or a part of it, to `size` x `size` as for evaluation, then changes it as drawn.
///
/// The operations are torchvision's `hflip`, `affine` (bilinear, black outside, a turn around the centre and then a
/// move by whole pixels), `adjust_brightness`, `adjust_contrast`, `adjust_gamma` and `erase` in this order, without
/// rounding between them. Returns `size * size` values.
#[must_use]
pub fn augment(source: &GreyImage, size: usize, recipe: &Augmentation, rng: &mut ChaCha8Rng) -> Vec<u8> {
    let change = Change::draw(recipe, rng);
    change.apply(change.cut(source, size), size)
}

/// Shares of a side in whole pixels, as torchvision's `RandomAffine` moves: a picture that is not turned stays sharp.
#[expect(clippy::cast_precision_loss, reason = "sides of a few hundred pixels")]
fn pixels(shares: [f32; 2], size: usize) -> [f32; 2] {
    shares.map(|share| (share * size as f32).round())
}
