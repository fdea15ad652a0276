//! Truth against prediction, and the figures that come from the four counts.

use serde::{Deserialize, Serialize};

use super::{Case, Estimate, Threshold};

/// Counts of truth against prediction.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Confusion {
    /// NORMAL called NORMAL.
    pub tn: u64,
    /// NORMAL called PNEUMONIA.
    pub fp: u64,
    /// PNEUMONIA called NORMAL.
    #[serde(rename = "fn")]
    pub fn_: u64,
    /// PNEUMONIA called PNEUMONIA.
    pub tp: u64,
}

impl Confusion {
    /// Counts of `cases` at a threshold, each case `weight` times.
    #[must_use]
    pub fn at(cases: &[Case], threshold: Threshold, weight: impl Fn(&Case) -> u64) -> Self {
        let mut confusion = Self::default();
        for case in cases {
            *confusion.cell(case.truth, case.margin > threshold.margin) += weight(case);
        }
        confusion
    }

    /// Counts one image; `true` means PNEUMONIA.
    pub fn count(&mut self, truth: bool, predicted: bool) {
        *self.cell(truth, predicted) += 1;
    }

    const fn cell(&mut self, truth: bool, predicted: bool) -> &mut u64 {
        match (truth, predicted) {
            (false, false) => &mut self.tn,
            (false, true) => &mut self.fp,
            (true, false) => &mut self.fn_,
            (true, true) => &mut self.tp,
        }
    }

    /// Calls one image PNEUMONIA that was called NORMAL.
    pub const fn move_up(&mut self, truth: bool) {
        *self.cell(truth, false) -= 1;
        *self.cell(truth, true) += 1;
    }

    #[must_use]
    pub fn total(&self) -> u64 {
        self.tn + self.fp + self.fn_ + self.tp
    }

    /// Share of images called right; `None` without images.
    #[must_use]
    pub fn accuracy(&self) -> Option<f64> {
        ratio(self.tp + self.tn, self.total())
    }

    /// Share of PNEUMONIA among the images called PNEUMONIA; `None` where none is called so.
    #[must_use]
    pub fn precision(&self) -> Option<f64> {
        ratio(self.tp, self.tp + self.fp)
    }

    /// Share of the PNEUMONIA images called so (sensitivity); `None` without PNEUMONIA images.
    #[must_use]
    pub fn recall(&self) -> Option<f64> {
        ratio(self.tp, self.tp + self.fn_)
    }

    /// Harmonic mean of precision and recall, `2tp / (2tp + fp + fn)`; `None` where that is 0/0.
    #[must_use]
    pub fn f1(&self) -> Option<f64> {
        ratio(2 * self.tp, 2 * self.tp + self.fp + self.fn_)
    }

    /// Share of the NORMAL images called so; `None` without NORMAL images.
    #[must_use]
    pub fn specificity(&self) -> Option<f64> {
        ratio(self.tn, self.tn + self.fp)
    }

    /// Matthews' correlation coefficient of truth and prediction, -1 to 1; `None` where a class is never there or never
    /// called (Matthews 1975).
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "counts of images stay far below 2^53")]
    pub fn mcc(&self) -> Option<f64> {
        let [tn, fp, fn_, tp] = [self.tn, self.fp, self.fn_, self.tp].map(|count| count as f64);
        let product = (tp + fp) * (tp + fn_) * (tn + fp) * (tn + fn_);
        (product > 0.0).then(|| (tp * tn - fp * fn_) / product.sqrt())
    }

    /// A measure with Wilson's interval; `None` where it is 0/0. Matthews' coefficient is no share and has none here.
    #[must_use]
    pub fn estimate(&self, measure: Measure) -> Option<Estimate> {
        let Self { tn, fp, fn_, tp } = *self;
        match measure {
            Measure::Accuracy => Estimate::share(tp + tn, self.total()),
            Measure::BalancedAccuracy => {
                let [sensitivity, specificity] = [Measure::Sensitivity, Measure::Specificity].map(|m| self.estimate(m));
                Some(Estimate::mean(sensitivity?, specificity?))
            }
            Measure::Sensitivity => Estimate::share(tp, tp + fn_),
            Measure::Specificity => Estimate::share(tn, tn + fp),
            Measure::Ppv => Estimate::share(tp, tp + fp),
            Measure::Npv => Estimate::share(tn, tn + fn_),
            // F1 grows with the share of right ones among all that are PNEUMONIA or called so (Hand et al. 2021).
            Measure::F1 => Some(Estimate::share(tp, tp + fp + fn_)?.map(|share| 2.0 * share / (1.0 + share))),
            Measure::Mcc => Some(Estimate { value: self.mcc()?, interval: None }),
        }
    }
}

/// A figure of the four counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Measure {
    /// Share of images called right.
    Accuracy,
    /// Mean of sensitivity and specificity.
    BalancedAccuracy,
    /// Share of the PNEUMONIA images called so.
    Sensitivity,
    /// Share of the NORMAL images called so.
    Specificity,
    /// Share of PNEUMONIA among the images called so (positive predictive value, precision).
    Ppv,
    /// Share of NORMAL among the images called so (negative predictive value).
    Npv,
    /// Harmonic mean of sensitivity and PPV.
    F1,
    /// Matthews' correlation coefficient.
    Mcc,
}

impl Measure {
    pub const ALL: [Self; 8] = [
        Self::Accuracy,
        Self::BalancedAccuracy,
        Self::Sensitivity,
        Self::Specificity,
        Self::Ppv,
        Self::Npv,
        Self::F1,
        Self::Mcc,
    ];

    /// The key in JSON.
    #[must_use]
    pub const fn key(self) -> &'static str {
        match self {
            Self::Accuracy => "accuracy",
            Self::BalancedAccuracy => "balanced_accuracy",
            Self::Sensitivity => "sensitivity",
            Self::Specificity => "specificity",
            Self::Ppv => "ppv",
            Self::Npv => "npv",
            Self::F1 => "f1",
            Self::Mcc => "mcc",
        }
    }

    /// The label on screen.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Accuracy => "accuracy",
            Self::BalancedAccuracy => "balanced accuracy",
            Self::Sensitivity => "sensitivity",
            Self::Specificity => "specificity",
            Self::Ppv => "PPV",
            Self::Npv => "NPV",
            Self::F1 => "F1",
            Self::Mcc => "MCC",
        }
    }
}

#[expect(clippy::cast_precision_loss, reason = "counts of images stay far below 2^53")]
fn ratio(part: u64, whole: u64) -> Option<f64> {
    (whole > 0).then(|| part as f64 / whole as f64)
}

impl std::ops::Add for Confusion {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self { tn: self.tn + other.tn, fp: self.fp + other.fp, fn_: self.fn_ + other.fn_, tp: self.tp + other.tp }
    }
}
