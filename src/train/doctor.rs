//! Checks that this machine computes right: one image through three networks with the same weights, and one training step
//! by two engines.

use std::collections::BTreeMap;

use candle_core::{DType, Device, Tensor};
use rand::Rng;
use xray_nn::{Adam, Inference, Network, reference};

use super::step::{Aim, TOLERANCE, step};
use super::{EngineKind, TrainConfig, evaluate, machine};
use crate::dataset::Class;
use crate::dataset::batch::Batch;
use crate::dataset::random::{Purpose, stream};
use crate::error::Result;

/// Largest differences between the networks' logits, relative to logits above 1. Usual is 1e-5.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Agreement {
    /// This program's kernels against candle's operations.
    pub with_plain: f32,
    /// This program's kernels against candle-transformers' ResNet-18.
    pub with_reference: f32,
}

impl Agreement {
    /// The larger one; NaN if either is.
    #[must_use]
    pub fn largest(self) -> f32 {
        let Self { with_plain, with_reference } = self;
        if with_plain.is_nan() || with_plain > with_reference { with_plain } else { with_reference }
    }

    /// Whether rounding explains the differences.
    #[must_use]
    pub fn is_sound(self) -> bool {
        self.largest() <= TOLERANCE
    }
}

/// Sends one image of 224 x 224 pixels through all three, with a new network's weights.
///
/// # Errors
/// Where a network cannot run.
pub fn examine() -> Result<Agreement> {
    const SIDE: usize = 224;
    let values: Vec<f32> = (0..u32::MAX).take(3 * SIDE * SIDE).map(wave).collect();
    let images = Tensor::from_vec(values, (1, 3, SIDE, SIDE), &Device::Cpu).map_err(xray_nn::Error::from)?;
    let mut rng = stream(TrainConfig::default().seed, Purpose::Weights, [0, 0]);
    let state = Network::new(Class::ALL.len(), &mut rng, &EngineKind::Fast.here())?.state()?;
    let answer = |engine: EngineKind| evaluate::pairs(&Inference::new(&state, &engine.here())?.forward(&images)?);
    let fast = answer(EngineKind::Fast)?;
    let other = evaluate::pairs(&reference::forward(&state, &images)?)?;
    Ok(Agreement {
        with_plain: difference(fast[0], answer(EngineKind::Plain)?[0]),
        with_reference: difference(fast[0], other[0]),
    })
}

#[expect(clippy::cast_precision_loss, reason = "any picture will do")]
fn wave(place: u32) -> f32 {
    (place as f32 * 0.37).sin()
}

fn difference(own: [f32; 2], other: [f32; 2]) -> f32 {
    let relative = |own: f32, other: f32| (own - other).abs() / other.abs().max(1.0);
    let [first, second] = [relative(own[0], other[0]), relative(own[1], other[1])];
    if first.is_nan() || first > second { first } else { second }
}

/// How far one training step of this program's kernels is from the same step by candle's operations: forward, backward
/// and Adam. Differences are by the length of the vectors, relative to candle's. Usual is 1e-5; 1e-2 where a value is so near to 0, or two to each other, that rounding decides
/// which way a rectifier or a max-pool goes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct StepAgreement {
    /// The largest of any tensor's gradient.
    pub gradients: f32,
    /// Of all new weights together.
    pub weights: f32,
}

impl StepAgreement {
    /// Whether rounding explains the differences. Wrong gradients are apart by more than a tenth, and a step of the
    /// wrong size moves the weights by some hundredths.
    #[must_use]
    pub fn is_sound(self) -> bool {
        self.gradients <= 5e-2 && self.weights <= 1e-2
    }
}

/// Takes one step on four pictures of 64 x 64 pixels with both engines, from the same new weights.
///
/// # Errors
/// Where a network cannot run.
pub fn examine_training() -> Result<StepAgreement> {
    let [own, other] = [one_step(EngineKind::Fast)?, one_step(EngineKind::Plain)?];
    let gradients = own.0.iter().zip(&other.0).map(|(own, other)| distance(own, other));
    Ok(StepAgreement {
        gradients: gradients.fold(0.0, |most: f32, next| if next.is_nan() || next > most { next } else { most }),
        weights: distance(&own.1.concat(), &other.1.concat()),
    })
}

/// The values of tensors, in the order of their names.
type Values = Vec<Vec<f32>>;

/// The gradients of every tensor, and the new weights.
fn one_step(engine: EngineKind) -> Result<(Values, Values)> {
    const SIDE: usize = 64;
    let mut noise = stream(TrainConfig::default().seed, Purpose::Sample, [0, 0]);
    let pixels = (0..4 * 3 * SIDE * SIDE).map(|_| noise.random_range(-2.0..2.0_f32)).collect();
    let batch = Batch { pixels, labels: vec![0, 1, 0, 1], images: vec![0, 1, 2, 3] };
    let mut rng = stream(TrainConfig::default().seed, Purpose::Weights, [0, 0]);
    let network = Network::new(Class::ALL.len(), &mut rng, &engine.here())?;
    let mut adam = Adam::new(network.parameters(), TrainConfig::default().learning_rate).with_isa(machine::isa());
    step((&network, &mut adam), (&batch, SIDE), Aim::PLAIN)?;
    // After one step the mean is the gradient but for a factor.
    Ok((values(&adam.state()?, "adam.mean.")?, values(&network.state()?, "")?))
}

/// The f32 tensors whose name begins so.
fn values(state: &BTreeMap<String, Tensor>, beginning: &str) -> Result<Values> {
    let chosen = state.iter().filter(|(name, tensor)| name.starts_with(beginning) && tensor.dtype() == DType::F32);
    let values = chosen.map(|(_, tensor)| tensor.flatten_all().and_then(|flat| flat.to_vec1()));
    Ok(values.collect::<candle_core::Result<_>>().map_err(xray_nn::Error::from)?)
}

/// The length of the difference relative to the other's length; NaN where either is no number.
fn distance(own: &[f32], other: &[f32]) -> f32 {
    let length =
        |values: &mut dyn Iterator<Item = f32>| values.map(|value| f64::from(value).powi(2)).sum::<f64>().sqrt();
    let apart = length(&mut own.iter().zip(other).map(|(own, other)| own - other));
    #[expect(clippy::cast_possible_truncation, reason = "a ratio")]
    let relative = (apart / length(&mut other.iter().copied()).max(f64::from(f32::MIN_POSITIVE))) as f32;
    relative
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_machine_computes_right() {
        let agreement = examine().unwrap();
        assert!(agreement.is_sound(), "{agreement:?}");
    }

    #[test]
    fn this_machine_trains_right() {
        let agreement = examine_training().unwrap();
        assert!(agreement.is_sound() && agreement.gradients > 0.0, "{agreement:?}");
    }

    #[test]
    fn a_step_with_wrong_gradients_is_not_sound() {
        let of = |gradients, weights| StepAgreement { gradients, weights }.is_sound();
        assert!(of(1e-4, 1e-4));
        assert!(!of(f32::NAN, 1e-4) && !of(1e-4, f32::NAN) && !of(0.5, 1e-4) && !of(1e-4, 0.03));
        assert!(distance(&[f32::NAN], &[1.0]).is_nan() && distance(&[0.0], &[0.0]) == 0.0);
    }

    #[test]
    fn a_difference_that_is_no_number_is_not_sound() {
        let of = |with_plain, with_reference| Agreement { with_plain, with_reference }.is_sound();
        assert!(of(1e-6, 1e-5));
        assert!(!of(f32::NAN, 1e-5) && !of(1e-5, f32::NAN) && !of(1e-5, 0.1));
    }
}
