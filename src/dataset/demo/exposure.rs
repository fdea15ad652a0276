//! From attenuation to a film: its curve, brightness and contrast, grain and burnt-in letters.

#![allow(clippy::cast_possible_truncation, clippy::cast_precision_loss, clippy::cast_sign_loss, reason = "grey values")]

use rand::RngCore;
use rand_chacha::ChaCha8Rng;

use super::label;
use super::render::{Field, STRIDE, View};
use crate::dataset::GreyImage;

/// Exposes a film so that its mean and deviation are those of `view`: opacities leave no trace in either.
pub fn expose(field: &Field, view: &View, rng: &mut ChaCha8Rng) -> GreyImage {
    let film: Vec<f32> = field.values.iter().map(|depth| (1.0 - (-depth).exp()).powf(view.gamma)).collect();
    let [gain, offset] = level(&film, [view.mean, view.deviation]);
    let mut pixels = Vec::with_capacity(view.width * view.height);
    for row in 0..view.height {
        for column in 0..view.width {
            let at = row / STRIDE * field.width + column / STRIDE;
            let (right, down) = (column % STRIDE, row % STRIDE * field.width);
            let between = 0.25 * (film[at] + film[at + right] + film[at + down] + film[at + right + down]);
            pixels.push((255.0 * (gain * between + offset + view.grain * gauss(rng))).round() as u8);
        }
    }
    let mut image = GreyImage { width: view.width, height: view.height, pixels };
    burn_labels(&mut image, view.side_marked);
    image
}

/// Gain and offset that give the values, clipped to 0 to 1, about that mean and deviation.
fn level(film: &[f32], [mean, deviation]: [f32; 2]) -> [f32; 2] {
    let (mut gain, mut offset) = (1.0, 0.0);
    for _ in 0..8 {
        let some = || film.iter().step_by(7).map(|value| f64::from((gain * value + offset).clamp(0.0, 1.0)));
        let count = some().count() as f64;
        let middle = some().sum::<f64>() / count;
        let spread = (some().map(|value| (value - middle).powi(2)).sum::<f64>() / count).sqrt();
        let stretch = deviation / (spread as f32).max(1e-3);
        gain *= stretch;
        offset = mean - stretch * (middle as f32 - offset);
    }
    [gain, offset]
}

/// About normally distributed, with deviation 1: the sum of four random bytes.
fn gauss(rng: &mut ChaCha8Rng) -> f32 {
    let sum: u32 = rng.next_u32().to_le_bytes().iter().map(|byte| u32::from(*byte)).sum();
    (sum as f32 - 510.0) / 147.8
}

fn burn_labels(image: &mut GreyImage, side_marked: bool) {
    let dot = (image.width / 200).max(1);
    let margin = 4 * dot;
    label::burn(image, super::MARKER, (margin, image.height.saturating_sub(margin + 7 * dot)), dot);
    if side_marked {
        label::burn(image, "R", (margin, image.height / 3), 2 * dot);
    }
}
