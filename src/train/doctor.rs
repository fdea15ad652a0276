//! A check that this machine computes right: one image through three networks with the same weights.

use candle_core::{Device, Tensor};
use xray_nn::{Inference, Network, reference};

use super::trainer::TOLERANCE;
use super::{EngineKind, TrainConfig, evaluate};
use crate::dataset::Class;
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_machine_computes_right() {
        let agreement = examine().unwrap();
        assert!(agreement.is_sound(), "{agreement:?}");
    }

    #[test]
    fn a_difference_that_is_no_number_is_not_sound() {
        let of = |with_plain, with_reference| Agreement { with_plain, with_reference }.is_sound();
        assert!(of(1e-6, 1e-5));
        assert!(!of(f32::NAN, 1e-5) && !of(1e-5, f32::NAN) && !of(1e-5, 0.1));
    }
}
