//! The network with fixed weights: it only answers.

use std::collections::BTreeMap;

use candle_core::{Device, Tensor, Var};

use crate::arch::{self, EPSILON, FEATURES, HEAD_BIAS, HEAD_WEIGHT, TensorSpec};
use crate::kernel::Affine;
use crate::kernel::norm::affine;
use crate::kernel::stem::Images;
use crate::network::{fixed, head};
use crate::plain::Plain;
use crate::storage::values;
use crate::{Engine, Mode, Result, check, fast};

/// A ResNet-18 that answers for images, one or many.
#[derive(Debug)]
pub struct Inference {
    trunk: Trunk,
    /// (classes, 512)
    weight: Tensor,
    /// (classes)
    bias: Tensor,
}

#[derive(Debug)]
enum Trunk {
    Fast(Box<fast::Inference>),
    Plain(Plain),
}

impl Inference {
    /// The network whose [`Network::state`](crate::Network::state) this is.
    ///
    /// # Errors
    /// Names the first tensor that is missing, unknown, or of another shape or type.
    pub fn new(state: &BTreeMap<String, Tensor>, engine: &Engine) -> Result<Self> {
        check::state(&arch::tensors(check::classes(state)?), state)?;
        let trunk = match engine {
            Engine::Fast(isa) => Trunk::Fast(Box::new(fast::Inference::new(*isa, kernels(state)?, affines(state)?))),
            Engine::Plain(device) => {
                let variable = |(name, tensor): (&String, &Tensor)| {
                    Ok((name.clone(), Var::from_tensor(&fixed(tensor)?.to_device(device)?)?))
                };
                Trunk::Plain(Plain::new(&state.iter().map(variable).collect::<Result<_>>()?)?)
            }
        };
        let device = match engine {
            Engine::Fast(_) => &Device::Cpu,
            Engine::Plain(device) => device,
        };
        let of_head = |name: &str| Ok::<_, crate::Error>(fixed(&state[name])?.to_device(device)?);
        Ok(Self { trunk, weight: of_head(HEAD_WEIGHT)?, bias: of_head(HEAD_BIAS)? })
    }

    /// Images (B, 3, S, S) f32, normalised as ImageNet's, to logits (B, classes).
    ///
    /// # Errors
    /// If the images have another shape or type.
    pub fn forward(&self, images: &Tensor) -> Result<Tensor> {
        self.head(&self.features(images)?)
    }

    /// Images (B, 3, S, S) f32, normalised as ImageNet's, to features (B, 512, S/32, S/32), rounded up and never
    /// negative. Each image's are the same whatever others come with it, up to rounding.
    ///
    /// # Errors
    /// If the images have another shape or type.
    pub fn features(&self, images: &Tensor) -> Result<Tensor> {
        check::images(images, Mode::Evaluate)?;
        match &self.trunk {
            Trunk::Plain(plain) => plain.features(images, arch::PARTS),
            Trunk::Fast(trunk) => {
                let images = images.contiguous()?;
                let (count, _, height, width) = images.dims4()?;
                let (storage, layout) = images.storage_and_layout();
                let values = values(&storage, layout)?;
                let (features, [rows, columns]) = trunk.features(Images { values, height, width })?;
                Ok(Tensor::from_vec(features, (count, FEATURES, rows, columns), &Device::Cpu)?)
            }
        }
    }

    /// Features (B, 512, h, w) to logits (B, classes): their mean over the picture through the linear layer.
    ///
    /// # Errors
    /// If the features have another shape.
    pub fn head(&self, features: &Tensor) -> Result<Tensor> {
        head(features, &self.weight, &self.bias)
    }

    /// The linear layer's weights, (classes, 512) f32: what a class's logit grows by with each feature's mean.
    #[must_use]
    pub const fn head_weight(&self) -> &Tensor {
        &self.weight
    }
}

/// Each unit's kernel.
fn kernels(state: &BTreeMap<String, Tensor>) -> Result<Vec<Tensor>> {
    let kernel =
        |unit: &arch::Unit| Ok(fixed(&state[&unit.tensors()[0].name])?.to_device(&Device::Cpu)?.contiguous()?);
    arch::units().iter().map(kernel).collect()
}

/// Each unit's norm by its running statistics.
fn affines(state: &BTreeMap<String, Tensor>) -> Result<Vec<Affine>> {
    let of_unit = |unit: &arch::Unit| {
        let [_, scale, shift, mean, variance, _] = unit.tensors();
        let [scale, shift] = [vector(state, &scale)?, vector(state, &shift)?];
        let mean: Vec<f64> = vector(state, &mean)?.into_iter().map(f64::from).collect();
        let inverse = |variance: f32| 1.0 / (f64::from(variance) + EPSILON).sqrt();
        let inverse: Vec<f64> = vector(state, &variance)?.into_iter().map(inverse).collect();
        Ok(affine((&scale, &shift), (&mean, &inverse)))
    };
    arch::units().iter().map(of_unit).collect()
}

fn vector(state: &BTreeMap<String, Tensor>, spec: &TensorSpec) -> Result<Vec<f32>> {
    Ok(state[&spec.name].flatten_all()?.to_vec1()?)
}
