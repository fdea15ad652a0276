//! Loss and counts of a set of images, and of an epoch.

use serde::{Deserialize, Serialize};

use super::confusion::Confusion;
use super::ranking::Ranking;
use super::{Case, Fingerprint, Threshold, margin};
use crate::words::words;

words! {
    /// What an epoch is judged by, on the validation images.
    Criterion {
        /// Accuracy at 0.5, ties to the lower loss.
        #[default] Accuracy = "accuracy",
        /// Mean cross entropy.
        Loss = "loss",
        /// Area under the ROC curve over the pictures made harder (`dataset::shift`), ties to their lower loss.
        Shifted = "shifted",
    }
}

/// Probability of PNEUMONIA from the two logits (softmax).
#[must_use]
pub fn probability(logits: [f32; 2]) -> f64 {
    1.0 / (1.0 + (f64::from(logits[0]) - f64::from(logits[1])).exp())
}

/// Cross entropy of one image in nats.
#[must_use]
pub fn cross_entropy(logits: [f32; 2], truth: bool) -> f64 {
    let [normal, pneumonia] = logits.map(f64::from);
    let (right, wrong) = if truth { (pneumonia, normal) } else { (normal, pneumonia) };
    let margin = wrong - right;
    // ln(1 + e^margin), without overflow for a large margin.
    margin.max(0.0) + (-margin.abs()).exp().ln_1p()
}

/// What a set of images scored.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub struct Figures {
    /// Mean cross entropy in nats; `None` without images.
    pub loss: Option<f64>,
    pub confusion: Confusion,
}

impl Figures {
    /// Figures of `(logits, truth)` pairs at a threshold of 0.5.
    #[must_use]
    pub fn of(answers: impl IntoIterator<Item = ([f32; 2], bool)>) -> Self {
        Self::at(Threshold::HALF, answers)
    }

    /// Figures of `(logits, truth)` pairs.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "counts of images stay far below 2^53")]
    pub fn at(threshold: Threshold, answers: impl IntoIterator<Item = ([f32; 2], bool)>) -> Self {
        let (mut sum, mut confusion) = (0.0, Confusion::default());
        for (logits, truth) in answers {
            sum += cross_entropy(logits, truth);
            confusion.count(truth, margin(logits) > threshold.margin);
        }
        let n = confusion.total();
        Self { loss: (n > 0).then(|| sum / n as f64), confusion }
    }
}

/// What images made harder scored, all ways together.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub struct Shifted {
    /// Area under the ROC curve; `None` where a class has no image.
    pub auc: Option<f64>,
    /// Mean cross entropy in nats; `None` without images.
    pub loss: Option<f64>,
}

impl Shifted {
    /// Of `(logits, truth)` pairs.
    #[must_use]
    pub fn of(answers: &[([f32; 2], bool)]) -> Self {
        let case = |&(logits, truth): &_| Case { margin: margin(logits), truth, patient: 0, kind: None };
        let cases: Vec<Case> = answers.iter().map(case).collect();
        let auc = Ranking::of(&cases).and_then(|ranking| ranking.auc());
        Self { auc, loss: Figures::of(answers.iter().copied()).loss }
    }
}

/// One epoch's figures.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct EpochFigures {
    /// Counted from 1.
    pub epoch: usize,
    /// Over the epoch's batches, in training mode, while the weights moved; `None` where no batch was trained.
    pub train: Figures,
    pub validation: Figures,
    /// Training and validation together.
    pub seconds: f64,
    /// Of the validation images made harder; `None` where the run is not judged by it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shifted: Option<Shifted>,
    /// Of the weights after it; `None` in runs of an older program.
    #[serde(default)]
    pub weights: Option<Fingerprint>,
}

impl EpochFigures {
    /// Area under the ROC curve over the validation images made harder, where that is measured.
    #[must_use]
    pub fn harder_auc(&self) -> Option<f64> {
        self.shifted.and_then(|shifted| shifted.auc)
    }

    /// Whether this epoch beats `best`.
    #[must_use]
    pub fn beats(&self, best: &Self, by: Criterion) -> bool {
        self.merit(by) > best.merit(by)
    }

    /// The more the better.
    #[must_use]
    pub fn merit(&self, by: Criterion) -> [f64; 2] {
        let less = |loss: Option<f64>| -loss.unwrap_or(f64::MAX);
        let shifted = self.shifted.unwrap_or_default();
        let accuracy = self.validation.confusion.accuracy().unwrap_or(-1.0);
        match by {
            Criterion::Accuracy => [accuracy, less(self.validation.loss)],
            Criterion::Loss => [less(self.validation.loss), accuracy],
            Criterion::Shifted => [shifted.auc.unwrap_or(-1.0), less(shifted.loss)],
        }
    }
}
