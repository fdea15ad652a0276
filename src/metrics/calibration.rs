//! Whether probabilities mean what they say.

use serde::{Deserialize, Serialize};

use super::{Case, sigmoid};

/// Bars of a reliability curve.
pub const BINS: usize = 15;

/// Images whose probability of PNEUMONIA lies in one fifteenth of 0 to 1.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub struct Bin {
    pub images: u64,
    /// Sum of their probabilities.
    pub probability: f64,
    /// How many of them are PNEUMONIA.
    pub positives: u64,
}

/// Mean squared difference of probability and truth, 0 to 1 (Brier 1950); `None` without images, or where a margin is no
/// number.
#[must_use]
pub fn brier(cases: &[Case], temperature: f64) -> Option<f64> {
    mean(cases.iter().map(|case| (sigmoid(case.margin / temperature) - f64::from(case.truth)).powi(2)))
}

/// The reliability curve: equally wide bins of the probability of PNEUMONIA.
#[must_use]
#[expect(clippy::cast_precision_loss, reason = "15 bins")]
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a number of a bin")]
pub fn reliability(cases: &[Case], temperature: f64) -> [Bin; BINS] {
    let mut bins = [Bin::default(); BINS];
    for case in cases {
        let probability = sigmoid(case.margin / temperature);
        let bin = &mut bins[((probability * BINS as f64) as usize).min(BINS - 1)];
        bin.images += 1;
        bin.probability += probability;
        bin.positives += u64::from(case.truth);
    }
    bins
}

/// Expected calibration error: the mean distance of mean probability and share of PNEUMONIA over the bins, weighted by
/// their images, 0 to 1 (Naeini et al. 2015); `None` without images.
#[must_use]
#[expect(clippy::cast_precision_loss, reason = "counts of images stay far below 2^53")]
pub fn expected_error(bins: &[Bin]) -> Option<f64> {
    let images: u64 = bins.iter().map(|bin| bin.images).sum();
    let distance: f64 = bins.iter().map(|bin| (bin.probability - bin.positives as f64).abs()).sum();
    Some(distance / images as f64).filter(|error| error.is_finite())
}

/// The temperature that margins are best divided by: the least mean cross entropy on these images (Guo et al. 2017).
/// `None` where none is best: a class is missing, every image lies on its right side of 0, or they say the opposite.
#[must_use]
pub fn temperature(cases: &[Case]) -> Option<f64> {
    const LARGEST: f64 = 1e4;
    let has = |truth| cases.iter().any(|case| case.truth == truth);
    if !(has(true) && has(false) && cases.iter().all(|case| case.margin.is_finite())) {
        return None;
    }
    // Cross entropy is convex in the inverse of the temperature: its slope has one root.
    let slope = |inverse: f64| -> f64 {
        let of = |case: &Case| case.margin * (sigmoid(inverse * case.margin) - f64::from(case.truth));
        cases.iter().map(of).sum()
    };
    let (mut low, mut high) = (1.0 / LARGEST, LARGEST);
    if slope(low) >= 0.0 || slope(high) <= 0.0 {
        return None;
    }
    for _ in 0..64 {
        let middle = (low * high).sqrt();
        *if slope(middle) < 0.0 { &mut low } else { &mut high } = middle;
    }
    Some(2.0 / (low + high))
}

#[expect(clippy::cast_precision_loss, reason = "counts of images stay far below 2^53")]
fn mean(values: impl ExactSizeIterator<Item = f64>) -> Option<f64> {
    let n = values.len();
    Some(values.sum::<f64>() / n as f64).filter(|mean| mean.is_finite())
}
