//! The variance of areas under ROC curves, and of the difference of two on the same images.
//!
//! DeLong, DeLong and Clarke-Pearson, "Comparing the areas under two or more correlated receiver operating
//! characteristic curves", 1988. Images count as independent; where patients have several, the bootstrap is wider.

use super::{Case, Interval};

/// How each image stands among those of the other class.
#[derive(Debug)]
pub struct Placements {
    /// For each PNEUMONIA image, the share of NORMAL ones with a smaller margin, equal ones counted half.
    ill: Vec<f64>,
    /// For each NORMAL image, the share of PNEUMONIA ones with a larger margin, equal ones counted half.
    healthy: Vec<f64>,
}

impl Placements {
    /// `None` where a class has fewer than two images or a margin is no number.
    pub fn of(cases: &[Case]) -> Option<Self> {
        if cases.iter().any(|case| case.margin.is_nan()) {
            return None;
        }
        let [ill, healthy] = [true, false].map(|truth| margins(cases, truth));
        let enough = ill.len() >= 2 && healthy.len() >= 2;
        let negated = |margins: &[f64]| margins.iter().map(|margin| -margin).collect::<Vec<_>>();
        enough.then(|| Self { ill: places(&ill, &healthy), healthy: places(&negated(&healthy), &negated(&ill)) })
    }

    pub fn auc(&self) -> f64 {
        mean(&self.ill)
    }

    /// The 95 % interval of the area; `None` where the margins part the classes wholly, as the variance is 0 then and
    /// says nothing.
    pub fn interval(&self) -> Option<Interval> {
        let variance = covariance(self, self);
        (variance > 0.0).then(|| Interval::normal(self.auc(), variance.sqrt()))
    }
}

/// Two-sided p of the hypothesis that two networks have the same area, given their answers for the same images in the
/// same order; `None` where their placements do not differ or have no variance.
pub fn p_of_difference(a: &Placements, b: &Placements) -> Option<f64> {
    let variance = covariance(a, a) + covariance(b, b) - 2.0 * covariance(a, b);
    // Rounding leaves a little of a variance that is 0.
    (variance > 1e-15).then(|| libm::erfc((a.auc() - b.auc()).abs() / (2.0 * variance).sqrt()))
}

fn covariance(a: &Placements, b: &Placements) -> f64 {
    let part = |a: &[f64], b: &[f64]| {
        let (mean_a, mean_b) = (mean(a), mean(b));
        let sum: f64 = a.iter().zip(b).map(|(a, b)| (a - mean_a) * (b - mean_b)).sum();
        sum / count(a) / (count(a) - 1.0)
    };
    part(&a.ill, &b.ill) + part(&a.healthy, &b.healthy)
}

fn margins(cases: &[Case], truth: bool) -> Vec<f64> {
    cases.iter().filter(|case| case.truth == truth).map(|case| case.margin).collect()
}

/// For each of `values`, the share of `others` that are smaller, equal ones counted half.
fn places(values: &[f64], others: &[f64]) -> Vec<f64> {
    let mut others = others.to_vec();
    others.sort_by(f64::total_cmp);
    let place = |value: &f64| {
        let (smaller, not_larger) =
            (others.partition_point(|other| other < value), others.partition_point(|other| other <= value));
        #[expect(clippy::cast_precision_loss, reason = "counts of images stay far below 2^53")]
        let doubled = (smaller + not_larger) as f64;
        doubled / 2.0 / count(&others)
    };
    values.iter().map(place).collect()
}

#[expect(clippy::cast_precision_loss, reason = "counts of images stay far below 2^53")]
fn count(values: &[f64]) -> f64 {
    values.len() as f64
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / count(values)
}
