//! What training makes small: the cross entropy, with softened labels and weighted classes where that is asked for.

use candle_core::{Device, Tensor};
use candle_nn::loss::cross_entropy;
use candle_nn::ops::log_softmax;

use super::TrainConfig;
use super::config::ClassBalance;
use crate::dataset::{Class, Dataset};
use crate::error::Result;

/// The loss of a batch.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Objective {
    /// Share of each label that is spread evenly over both classes (Szegedy et al. 2016).
    smoothing: f64,
    /// What an image of each class counts for.
    weights: [f64; 2],
}

impl Objective {
    /// The plain cross entropy.
    pub const PLAIN: Self = Self { smoothing: 0.0, weights: [1.0; 2] };

    /// As `config` asks for, over these training images: both classes weigh the same in all where classes are weighted.
    #[must_use]
    pub fn of(config: &TrainConfig, dataset: &Dataset, train: &[usize]) -> Self {
        let ill = train.iter().filter(|&&index| dataset.images[index].class == Class::Pneumonia).count();
        let weights = match config.class_balance {
            ClassBalance::Weights => [train.len() - ill, ill].map(|count| half(train.len()) / real(count.max(1))),
            ClassBalance::None | ClassBalance::Sampling => [1.0; 2],
        };
        Self { smoothing: config.label_smoothing, weights }
    }

    /// The mean over a batch, a scalar: `logits` (B, 2), `labels` (B). As `torch.nn.CrossEntropyLoss` has it with the same
    /// weights and smoothing.
    ///
    /// # Errors
    /// Where the shapes do not fit.
    pub fn loss(self, logits: &Tensor, labels: &[u32]) -> Result<Tensor> {
        let found = if self == Self::PLAIN {
            Tensor::from_slice(labels, labels.len(), &Device::Cpu).and_then(|labels| cross_entropy(logits, &labels))
        } else {
            let targets = Tensor::from_vec(self.targets(labels), (labels.len(), 2), &Device::Cpu);
            targets.and_then(|targets| (log_softmax(logits, 1)? * targets)?.sum_all()?.neg())
        };
        Ok(found.map_err(xray_nn::Error::from)?)
    }

    /// What the logarithm of each probability counts for, row by row.
    #[expect(clippy::cast_possible_truncation, reason = "the network computes in f32")]
    fn targets(self, labels: &[u32]) -> Vec<f32> {
        let weight = |label: u32| self.weights[usize::from(label == 1)];
        let all: f64 = labels.iter().map(|&label| weight(label)).sum();
        let share = |label: u32, class: u32| {
            let truth = if label == class { 1.0 - self.smoothing } else { 0.0 };
            // torch weighs the spread part by the class that it falls to.
            (truth * weight(label) + self.smoothing / 2.0 * weight(class)) / all
        };
        labels.iter().flat_map(|&label| [0, 1].map(|class| share(label, class) as f32)).collect()
    }
}

fn half(count: usize) -> f64 {
    real(count) / 2.0
}

#[expect(clippy::cast_precision_loss, reason = "counts of images stay far below 2^53")]
const fn real(count: usize) -> f64 {
    count as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn loss(objective: Objective) -> f32 {
        let logits = Tensor::new(&[[2.0_f32, -1.0], [0.5, 0.25], [-3.0, 1.5]], &Device::Cpu).unwrap();
        objective.loss(&logits, &[0, 1, 1]).unwrap().to_scalar().unwrap()
    }

    /// By torch 2.15: `CrossEntropyLoss(weight=torch.tensor(w), label_smoothing=s)(logits, labels)`.
    #[test]
    fn losses_are_those_of_torch() {
        let cases = [
            (0.0, [1.0, 1.0], TORCH[0]),
            (0.1, [1.0, 1.0], TORCH[1]),
            (0.0, [2.0, 0.75], TORCH[2]),
            (0.2, [2.0, 0.75], TORCH[3]),
        ];
        for (smoothing, weights, wanted) in cases {
            let found = loss(Objective { smoothing, weights });
            assert!((found - wanted).abs() < 1e-6, "{smoothing} {weights:?}: {found} instead of {wanted}");
        }
    }

    const TORCH: [f32; 4] = [0.295_191_5, 0.416_024_8, 0.207_118_59, 0.542_418_6];
}
