//! Loss and quality figures: plain numbers in, plain numbers out; PNEUMONIA is the positive class.

use serde::{Deserialize, Serialize};

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
    /// Counts one image; `true` means PNEUMONIA.
    pub fn count(&mut self, truth: bool, predicted: bool) {
        *match (truth, predicted) {
            (false, false) => &mut self.tn,
            (false, true) => &mut self.fp,
            (true, false) => &mut self.fn_,
            (true, true) => &mut self.tp,
        } += 1;
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

/// Probability of PNEUMONIA from the two logits (softmax).
#[must_use]
pub fn probability(logits: [f32; 2]) -> f64 {
    1.0 / (1.0 + (f64::from(logits[0]) - f64::from(logits[1])).exp())
}

/// PNEUMONIA at a threshold of 0.5; equal logits count as NORMAL, as the first maximum does.
#[must_use]
pub fn is_positive(logits: [f32; 2]) -> bool {
    logits[1] > logits[0]
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
    /// Figures of `(logits, truth)` pairs.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "counts of images stay far below 2^53")]
    pub fn of(answers: impl IntoIterator<Item = ([f32; 2], bool)>) -> Self {
        let (mut sum, mut confusion) = (0.0, Confusion::default());
        for (logits, truth) in answers {
            sum += cross_entropy(logits, truth);
            confusion.count(truth, is_positive(logits));
        }
        let n = confusion.total();
        Self { loss: (n > 0).then(|| sum / n as f64), confusion }
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
}

impl EpochFigures {
    /// Whether this epoch beats `best`: higher validation accuracy, ties to the lower validation loss.
    #[must_use]
    pub fn beats(&self, best: &Self) -> bool {
        let key =
            |e: &Self| (e.validation.confusion.accuracy().unwrap_or(-1.0), -e.validation.loss.unwrap_or(f64::MAX));
        key(self) > key(best)
    }
}
