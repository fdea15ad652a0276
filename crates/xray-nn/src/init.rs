//! How a new network's tensors start: torchvision's rules, with numbers from the caller's generator.

use candle_core::{Device, Tensor};
use rand::RngCore;

use crate::Result;
use crate::arch::{FEATURES, Role, TensorSpec};

/// The tensor that `spec` starts from.
///
/// Convolutions are normal with deviation `sqrt(2 / fan_out)` (He et al., 2015, arXiv:1502.01852), the head uniform
/// within `±1 / sqrt(512)`, batch norms start as the identity. Only the first two draw numbers.
///
/// # Errors
/// If candle cannot make the tensor.
pub fn initial(spec: &TensorSpec, rng: &mut dyn RngCore, device: &Device) -> Result<Tensor> {
    let shape = spec.shape.as_slice();
    Ok(match spec.role {
        Role::Kernel => {
            let deviation = kernel_deviation(shape);
            filled(shape, device, || deviation * normal(rng))?
        }
        Role::HeadWeight | Role::HeadBias => {
            let bound = 1.0 / to_f64(FEATURES).sqrt();
            filled(shape, device, || bound * (2.0 * uniform(rng) - 1.0))?
        }
        Role::Scale | Role::RunningVariance => Tensor::ones(shape, spec.role.dtype(), device)?,
        Role::Shift | Role::RunningMean | Role::BatchesTracked => Tensor::zeros(shape, spec.role.dtype(), device)?,
    })
}

/// `sqrt(2 / fan_out)` for a kernel of shape (outputs, inputs, height, width).
fn kernel_deviation(shape: &[usize]) -> f64 {
    let fan_out: usize = shape.iter().enumerate().filter(|(axis, _)| *axis != 1).map(|(_, size)| size).product();
    (2.0 / to_f64(fan_out)).sqrt()
}

#[expect(clippy::cast_possible_truncation, reason = "weights are f32")]
fn filled(shape: &[usize], device: &Device, mut draw: impl FnMut() -> f64) -> Result<Tensor> {
    let values = (0..shape.iter().product()).map(|_| draw() as f32).collect();
    Ok(Tensor::from_vec::<_, f32>(values, shape, device)?)
}

/// Uniform in [0, 1), 53 bits.
#[expect(clippy::cast_precision_loss, reason = "53 bits fit")]
fn uniform(rng: &mut dyn RngCore) -> f64 {
    (rng.next_u64() >> 11) as f64 / (1_u64 << 53) as f64
}

/// Standard normal, by Box and Muller's transform.
fn normal(rng: &mut dyn RngCore) -> f64 {
    let radius = (-2.0 * (1.0 - uniform(rng)).ln()).sqrt();
    radius * (std::f64::consts::TAU * uniform(rng)).cos()
}

#[expect(clippy::cast_precision_loss, reason = "layer sizes are small")]
fn to_f64(size: usize) -> f64 {
    size as f64
}

#[cfg(test)]
mod tests {
    #![allow(clippy::cast_precision_loss)]

    use rand_chacha::ChaCha8Rng;
    use rand_chacha::rand_core::SeedableRng;

    use super::*;

    fn values(role: Role, shape: &[usize]) -> Vec<f32> {
        let spec = TensorSpec { name: "x".to_owned(), shape: shape.to_vec(), role };
        let mut rng = ChaCha8Rng::seed_from_u64(7);
        initial(&spec, &mut rng, &Device::Cpu).unwrap().flatten_all().unwrap().to_vec1().unwrap()
    }

    #[test]
    fn kernels_are_normal_with_the_deviation_of_he() {
        let kernel = values(Role::Kernel, &[128, 64, 3, 3]);
        let count = kernel.len() as f64;
        let mean = kernel.iter().map(|&x| f64::from(x)).sum::<f64>() / count;
        let moment = |power: i32| kernel.iter().map(|&x| f64::from(x).powi(power)).sum::<f64>() / count;
        let expected = 2.0 / (128.0 * 9.0);
        assert!(mean.abs() < 5e-4, "mean {mean}");
        assert!((moment(2) / expected - 1.0).abs() < 0.02, "variance {} of {expected}", moment(2));
        assert!((moment(4) / (3.0 * moment(2).powi(2)) - 1.0).abs() < 0.05, "a normal's fourth moment");
    }

    #[test]
    fn the_head_is_uniform_within_its_bound() {
        let head = values(Role::HeadWeight, &[20, FEATURES]);
        let bound = 1.0 / (FEATURES as f32).sqrt();
        assert!(head.iter().all(|x| x.abs() <= bound));
        assert!(head.iter().any(|x| *x > 0.99 * bound) && head.iter().any(|x| *x < -0.99 * bound));
    }
}
