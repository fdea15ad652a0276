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
use crate::{Engine, Mode, Result, check, ensemble, fast};

/// A ResNet-18 that answers for images, one or many; or an ensemble of some, which answers the mean of their logits.
#[derive(Debug)]
pub struct Inference {
    members: Vec<Member>,
    /// (classes, 512 a member): each member's share of the logits.
    weight: Tensor,
}

#[derive(Debug)]
struct Member {
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
    /// The network whose [`Network::state`](crate::Network::state) this is, or the ensemble that [`ensemble::join`] made.
    ///
    /// # Errors
    /// Names the first tensor that is missing, unknown, or of another shape or type.
    pub fn new(state: &BTreeMap<String, Tensor>, engine: &Engine) -> Result<Self> {
        let members = ensemble::split(state);
        let members = members.iter().map(|state| Member::new(state, engine)).collect::<Result<Vec<_>>>()?;
        let weights: Vec<&Tensor> = members.iter().map(|member| &member.weight).collect();
        let weight = match weights.as_slice() {
            [single] => (*single).clone(),
            several => (Tensor::cat(several, 1)? / count(several.len()))?,
        };
        Ok(Self { members, weight })
    }

    /// Images (B, 3, S, S) f32, normalised as ImageNet's, to logits (B, classes).
    ///
    /// # Errors
    /// If the images have another shape or type.
    pub fn forward(&self, images: &Tensor) -> Result<Tensor> {
        self.head(&self.features(images)?)
    }

    /// Images (B, 3, S, S) f32, normalised as ImageNet's, to features (B, 512, S/32, S/32), rounded up and never
    /// negative; of an ensemble 512 a member, one behind the other. Each image's are the same whatever others come with
    /// it, up to rounding.
    ///
    /// # Errors
    /// If the images have another shape or type.
    pub fn features(&self, images: &Tensor) -> Result<Tensor> {
        let each = self.members.iter().map(|member| member.features(images)).collect::<Result<Vec<_>>>()?;
        Ok(if let [single] = each.as_slice() { single.clone() } else { Tensor::cat(&each, 1)? })
    }

    /// Features to logits (B, classes): their mean over the picture through the linear layer; of an ensemble the mean
    /// over its members.
    ///
    /// # Errors
    /// If the features have another shape.
    pub fn head(&self, features: &Tensor) -> Result<Tensor> {
        let each = self.each(features)?;
        let Some((first, others)) = each.split_first() else { return Err(crate::Error::PassUsed) };
        if others.is_empty() {
            return Ok(first.clone());
        }
        let sum = others.iter().try_fold(first.clone(), |sum, logits| sum + logits)?;
        Ok((sum / count(each.len()))?)
    }

    /// Features to each member's logits (B, classes).
    ///
    /// # Errors
    /// If the features have another shape.
    pub fn each(&self, features: &Tensor) -> Result<Vec<Tensor>> {
        let of = |(number, member): (usize, &Member)| {
            head(&features.narrow(1, number * FEATURES, FEATURES)?, &member.weight, &member.bias)
        };
        self.members.iter().enumerate().map(of).collect()
    }

    /// The linear layer's weights, (classes, 512 a member) f32: what a class's logit grows by with each feature's mean.
    #[must_use]
    pub const fn head_weight(&self) -> &Tensor {
        &self.weight
    }
}

fn count(members: usize) -> f64 {
    u32::try_from(members).map_or(f64::INFINITY, f64::from)
}

impl Member {
    fn new(state: &BTreeMap<String, Tensor>, engine: &Engine) -> Result<Self> {
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

    fn features(&self, images: &Tensor) -> Result<Tensor> {
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
