//! Two networks on the same images: do they differ, and by how much.

use serde::{Deserialize, Serialize};

use super::bootstrap;
use super::delong::{Placements, p_of_difference};
use super::ranking::Ranking;
use super::{Case, Interval, Threshold};

/// One network's answers and its threshold.
#[derive(Debug, Clone, Copy)]
pub struct Side<'a> {
    pub cases: &'a [Case],
    pub threshold: Threshold,
}

/// What differs between two networks.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Comparison {
    pub images: usize,
    /// Images that A calls right and B wrong.
    pub right_in_a: u64,
    /// Images that B calls right and A wrong.
    pub right_in_b: u64,
    /// Exact two-sided p of McNemar's test that both are right equally often (McNemar 1947); `None` where they never
    /// differ.
    pub mcnemar_p: Option<f64>,
    /// AUC of A minus that of B.
    pub auc_difference: Option<f64>,
    /// Its 95 % interval, patients drawn anew.
    pub auc_difference_interval: Option<Interval>,
    /// Two-sided p of DeLong's paired test that the areas are equal.
    pub delong_p: Option<f64>,
    /// Accuracy of A minus that of B, 95 % interval, patients drawn anew.
    pub accuracy_difference_interval: Option<Interval>,
}

impl Comparison {
    /// Compares the answers of A and B for the same images in the same order.
    ///
    /// # Panics
    /// Where they are not: other truths or patients, or more of one.
    #[must_use]
    pub fn of(a: Side<'_>, b: Side<'_>) -> Self {
        let same = |(a, b): (&Case, &Case)| (a.truth, a.patient) == (b.truth, b.patient);
        assert!(
            a.cases.len() == b.cases.len() && a.cases.iter().zip(b.cases).all(same),
            "the same images on both sides"
        );
        let right = |side: Side<'_>, place: usize| {
            (side.cases[place].margin > side.threshold.margin) == side.cases[place].truth
        };
        let only = |one: Side<'_>, other: Side<'_>| {
            (0..a.cases.len()).filter(|&place| right(one, place) && !right(other, place)).count() as u64
        };
        let (right_in_a, right_in_b) = (only(a, b), only(b, a));
        let rankings = Ranking::of(a.cases).zip(Ranking::of(b.cases));
        let difference = |drawn: &dyn Fn(&Case) -> u64| {
            let (a, b) = rankings.as_ref()?;
            Some(a.weighted_auc(drawn)? - b.weighted_auc(drawn)?)
        };
        let advantage: Vec<i32> =
            (0..a.cases.len()).map(|place| i32::from(right(a, place)) - i32::from(right(b, place))).collect();
        let [auc_difference_interval, accuracy_difference_interval] =
            bootstrap::intervals(bootstrap::patients(a.cases), |drawn| {
                [difference(&|case| u64::from(drawn[case.patient])), gain(a.cases, &advantage, drawn)]
            });
        Self {
            images: a.cases.len(),
            right_in_a,
            right_in_b,
            mcnemar_p: mcnemar(right_in_a, right_in_b),
            auc_difference: difference(&|_| 1),
            auc_difference_interval,
            delong_p: Placements::of(a.cases).zip(Placements::of(b.cases)).and_then(|(a, b)| p_of_difference(&a, &b)),
            accuracy_difference_interval,
        }
    }

    /// Images on which one is right and the other wrong.
    #[must_use]
    pub const fn disagreements(&self) -> u64 {
        self.right_in_a + self.right_in_b
    }

    /// Accuracy of A minus that of B; `None` without images.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "counts of images stay far below 2^53")]
    pub fn accuracy_difference(&self) -> Option<f64> {
        (self.images > 0).then(|| (self.right_in_a as f64 - self.right_in_b as f64) / self.images as f64)
    }
}

/// The mean advantage over the drawn patients' images.
fn gain(cases: &[Case], advantage: &[i32], drawn: &[u32]) -> Option<f64> {
    let (mut sum, mut images) = (0.0, 0.0);
    for (case, advantage) in cases.iter().zip(advantage) {
        let times = f64::from(drawn[case.patient]);
        sum += times * f64::from(*advantage);
        images += times;
    }
    (images > 0.0).then(|| sum / images)
}

/// Twice the chance that, of `b + c` fair coins, as few or fewer show the rarer side.
pub(super) fn mcnemar(b: u64, c: u64) -> Option<f64> {
    let (few, n) = (b.min(c), b + c);
    if n == 0 {
        return None;
    }
    // Each term of the binomial sum from the one before, relative to the largest, as 2^-n may be too small to write.
    #[expect(clippy::cast_precision_loss, reason = "counts of images stay far below 2^53")]
    let terms = |last: u64| {
        let (mut term, mut sum) = (1.0_f64, 1.0_f64);
        for k in (0..last).rev() {
            term *= (k + 1) as f64 / (n - k) as f64;
            sum += term;
        }
        sum
    };
    #[expect(clippy::cast_precision_loss, reason = "counts of images stay far below 2^53")]
    let ln_largest = libm::lgamma((n + 1) as f64)
        - libm::lgamma((few + 1) as f64)
        - libm::lgamma((n - few + 1) as f64)
        - n as f64 * std::f64::consts::LN_2;
    Some((2.0 * ln_largest.exp() * terms(few)).min(1.0))
}
