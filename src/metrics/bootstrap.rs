//! Intervals from drawing the patients anew: images of one patient are alike, so patients are drawn, not images.
//!
//! Efron and Tibshirani, "An introduction to the bootstrap", 1993: percentile intervals.

use rand::Rng;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;

use super::{Case, Interval};

/// How often the patients are drawn anew.
pub const REPLICATES: usize = 2000;

/// The same patients are drawn whenever the number of patients is the same.
const SEED: u64 = 2000;

/// 95 % intervals of `N` figures. `figures` gets how often each of `patients` patients was drawn. A figure that more
/// than half of the draws leave undefined has no interval.
pub fn intervals<const N: usize>(
    patients: usize,
    figures: impl Fn(&[u32]) -> [Option<f64>; N],
) -> [Option<Interval>; N] {
    let mut found: [Vec<f64>; N] = std::array::from_fn(|_| Vec::with_capacity(REPLICATES));
    let mut rng = ChaCha8Rng::seed_from_u64(SEED);
    let mut drawn = vec![0; patients];
    for _ in 0..if patients == 0 { 0 } else { REPLICATES } {
        drawn.fill(0);
        for _ in 0..patients {
            drawn[rng.random_range(0..patients)] += 1;
        }
        for (found, figure) in found.iter_mut().zip(figures(&drawn)) {
            found.extend(figure);
        }
    }
    found.map(|mut values| {
        values.sort_by(f64::total_cmp);
        (values.len() > REPLICATES / 2)
            .then(|| Interval { low: percentile(&values, 0.025), high: percentile(&values, 0.975) })
    })
}

/// One more than the largest number of a patient.
#[must_use]
pub fn patients(cases: &[Case]) -> usize {
    cases.iter().map(|case| case.patient + 1).max().unwrap_or(0)
}

/// Between neighbours in a straight line.
#[expect(clippy::cast_precision_loss, reason = "there are few values")]
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a place among the values")]
fn percentile(sorted: &[f64], share: f64) -> f64 {
    let place = share * (sorted.len() - 1) as f64;
    let (below, above) = (sorted[place.floor() as usize], sorted[place.ceil() as usize]);
    below + (above - below) * place.fract()
}
