//! The trainable ResNet-18.

mod freeze;
mod statistics;
#[cfg(test)]
pub(crate) mod tests;

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use candle_core::{DType, Device, Tensor, Var};
use rand::RngCore;

use crate::arch::{self, HEAD_BIAS, HEAD_WEIGHT, TensorSpec};
use crate::fast::Trunk;
use crate::inference::Inference;
use crate::init::initial;
use crate::parameters::{Gradients, Parameter, View};
use crate::plain::Plain;
use crate::simd::Isa;
use crate::{Error, Result, check};

/// What the network is run for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// Batch norm uses the batch's statistics and moves the running ones; a backward pass may follow.
    Train,
    /// Batch norm uses the running statistics; nothing changes, and the weights of the trunk are constants.
    Evaluate,
}

impl Mode {
    /// The variable's value: in training as a part of the graph, else as a constant, which keeps no activations alive.
    pub(crate) fn view(self, variable: &Var) -> Tensor {
        match self {
            Self::Train => variable.as_tensor().clone(),
            Self::Evaluate => variable.as_detached_tensor(),
        }
    }
}

/// What computes the trunk.
#[derive(Debug, Clone)]
pub enum Engine {
    /// The kernels of this crate, on the CPU.
    Fast(Isa),
    /// candle's own operations. Two that candle lacks, max-pool's gradient and Adam's step, are made for the CPU so far.
    Plain(Device),
}

impl Engine {
    /// The fast one, with the best instructions that this processor has.
    pub fn best() -> Self {
        Self::Fast(Isa::best())
    }

    fn device(&self) -> Device {
        match self {
            Self::Fast(_) => Device::Cpu,
            Self::Plain(device) => device.clone(),
        }
    }
}

/// A ResNet-18 with a head of some number of classes, in training. To have it answer, see [`Network::inference`].
#[derive(Debug)]
pub struct Network {
    engine: Engine,
    specs: Vec<TensorSpec>,
    /// The trunk in one piece, the head's weight, the head's bias.
    parameters: [Parameter; 3],
    /// The running statistics.
    statistics: BTreeMap<String, Var>,
    trunk: TrainedBy,
    /// Of the trunk's parts, how many are constants.
    frozen: usize,
}

/// The trunk's engine, with what it keeps between forward and backward.
#[derive(Debug)]
enum TrainedBy {
    Fast(Trunk),
    /// The variables of the last forward pass, one for each of the trunk's views.
    Plain(Mutex<Vec<Var>>),
}

impl Network {
    /// A network as torchvision starts it, filled in name order from `rng`: the same generator gives the same bits.
    ///
    /// # Errors
    /// If candle cannot make the tensors.
    pub fn new(classes: usize, rng: &mut dyn RngCore, engine: &Engine) -> Result<Self> {
        let specs = arch::tensors(classes);
        let by_name: BTreeMap<&str, &TensorSpec> = specs.iter().map(|spec| (spec.name.as_str(), spec)).collect();
        let mut tensor = |spec: &&TensorSpec| Ok((spec.name.clone(), initial(spec, rng, &engine.device())?));
        let state = by_name.values().map(&mut tensor).collect::<Result<_>>()?;
        Self::from_state(&state, engine)
    }

    /// The network whose [`Network::state`] this is.
    ///
    /// # Errors
    /// Names the first tensor that is missing, unknown, or of another shape or type.
    pub fn from_state(state: &BTreeMap<String, Tensor>, engine: &Engine) -> Result<Self> {
        let specs = arch::tensors(check::classes(state)?);
        check::state(&specs, state)?;
        let state = on(state, &engine.device())?;
        let of_head = |spec: &&TensorSpec| [HEAD_WEIGHT, HEAD_BIAS].contains(&spec.name.as_str());
        let learnt = specs.iter().filter(|spec| spec.role.is_parameter());
        let (head, trunk): (Vec<&TensorSpec>, Vec<&TensorSpec>) = learnt.partition(of_head);
        let single = |index: usize| Parameter::single(head[index], &state);
        let parameters = [Parameter::flat(&trunk, &state)?, single(0)?, single(1)?];
        let tracked = specs.iter().filter(|spec| !spec.role.is_parameter());
        let statistic = |spec: &TensorSpec| Ok((spec.name.clone(), Var::from_tensor(&state[&spec.name])?));
        let statistics = tracked.map(statistic).collect::<Result<_>>()?;
        let trunk = match engine {
            Engine::Fast(isa) => TrainedBy::Fast(Trunk::new(*isa)),
            Engine::Plain(_) => TrainedBy::Plain(Mutex::default()),
        };
        Ok(Self { engine: engine.clone(), specs, parameters, statistics, trunk, frozen: 0 })
    }

    pub fn device(&self) -> Device {
        self.engine.device()
    }

    /// What the optimizer moves: the trunk's 60 tensors in one piece, the head's weight and bias. They share their values
    /// with the network.
    pub fn parameters(&self) -> &[Parameter] {
        &self.parameters
    }

    /// Each batch norm's running mean and variance, f32, and its count of batches, an i64 scalar, by torchvision's name.
    pub(crate) fn statistics(&self) -> &BTreeMap<String, Var> {
        &self.statistics
    }

    /// Images (B, 3, S, S) f32, normalised as ImageNet's, to logits (B, classes), moving the running statistics.
    ///
    /// # Errors
    /// As [`Network::features`].
    pub fn forward(&self, images: &Tensor) -> Result<Tensor> {
        self.head(&self.features(images)?)
    }

    /// Images (B, 3, S, S) f32, normalised as ImageNet's, to features (B, 512, S/32, S/32), rounded up and never
    /// negative, moving the running statistics. One forward pass can be in flight: the next one takes its memory.
    ///
    /// # Errors
    /// If the images have another shape or type, or if they leave batch norm a single value per channel.
    pub fn features(&self, images: &Tensor) -> Result<Tensor> {
        check::images(images, Mode::Train)?;
        match &self.trunk {
            TrainedBy::Fast(trunk) => {
                let parameters = self.parameters[0].variable.as_tensor();
                let (features, moments) = trunk.forward(images, parameters, self.fixed()?)?;
                self.track(&moments)?;
                Ok(features)
            }
            TrainedBy::Plain(leaves) => {
                let mut variables = self.statistics.clone();
                let mut of_pass = Vec::new();
                for (name, tensor) in self.parameters[0].tensors()? {
                    let leaf = Var::from_tensor(&tensor)?;
                    of_pass.push(leaf.clone());
                    variables.insert(name, leaf);
                }
                *leaves.lock().unwrap_or_else(PoisonError::into_inner) = of_pass;
                Plain::new(&variables)?.features(images, self.frozen)
            }
        }
    }

    /// Features (B, 512, h, w) to logits (B, classes): their mean over the picture through the linear layer.
    ///
    /// # Errors
    /// If the features have another shape.
    pub fn head(&self, features: &Tensor) -> Result<Tensor> {
        head(features, self.parameters[1].variable.as_tensor(), self.parameters[2].variable.as_tensor())
    }

    /// The gradient of every parameter, given a loss that was made of the last forward pass: exactly zero in frozen parts.
    /// No parameter may have moved since: the gradient would be neither the old ones' nor the new ones'.
    ///
    /// # Errors
    /// If the loss does not depend on a parameter, or another forward pass came in between.
    pub fn backward(&self, loss: &Tensor) -> Result<Gradients> {
        if let TrainedBy::Fast(trunk) = &self.trunk {
            // One that nobody asked for belongs to another loss.
            drop(trunk.take_gradient()?);
        }
        let all = loss.backward()?;
        // Undetached, a gradient would keep the graph, and so the activations, of its step.
        let of = |variable: &Var, name: &str| {
            let missing = || Error::NoGradient { name: name.to_owned() };
            all.get(variable).map(Tensor::detach).ok_or_else(missing)
        };
        let [trunk, weight, bias] = &self.parameters;
        let frozen = arch::values_of(self.frozen);
        let of_trunk = match &self.trunk {
            TrainedBy::Fast(fast) => {
                let missing = || Error::NoGradient { name: trunk.views[0].name.clone() };
                let gradient = fast.take_gradient()?.ok_or_else(missing)?;
                Tensor::from_vec(gradient, trunk.variable.shape(), &Device::Cpu)?
            }
            TrainedBy::Plain(leaves) => {
                let leaves = std::mem::take(&mut *leaves.lock().unwrap_or_else(PoisonError::into_inner));
                if leaves.is_empty() {
                    return Err(Error::PassUsed);
                }
                let gradient = |(leaf, view): (&Var, &View)| {
                    let is_frozen = view.place.end <= frozen;
                    let gradient = if is_frozen { leaf.zeros_like()? } else { of(leaf, &view.name)? };
                    gradient.flatten_all().map_err(Error::from)
                };
                Tensor::cat(&leaves.iter().zip(&trunk.views).map(gradient).collect::<Result<Vec<_>>>()?, 0)?
            }
        };
        let values = vec![of_trunk, of(&weight.variable, HEAD_WEIGHT)?, of(&bias.variable, HEAD_BIAS)?];
        Ok(Gradients { values, frozen })
    }

    /// The network as it is now, with fixed weights; later steps leave it as it is.
    ///
    /// # Errors
    /// If there is no memory for it.
    pub fn inference(&self) -> Result<Inference> {
        Inference::new(&self.state()?, &self.engine)
    }

    /// A copy of every tensor by torchvision's name: parameters and running statistics, f32, and the counts of batches,
    /// i64. Later steps leave it as it is.
    ///
    /// # Errors
    /// If there is no memory for it.
    pub fn state(&self) -> Result<BTreeMap<String, Tensor>> {
        let copy = |(name, variable): (&String, &Var)| Ok((name.clone(), variable.as_detached_tensor().copy()?));
        let mut state: BTreeMap<String, Tensor> = self.statistics.iter().map(copy).collect::<Result<_>>()?;
        for parameter in &self.parameters {
            state.extend(parameter.tensors()?);
        }
        Ok(state)
    }

    /// Takes every tensor from `state`; nothing is changed on an error.
    ///
    /// # Errors
    /// Names the first tensor that is missing, unknown, or of another shape or type.
    pub fn load_state(&self, state: &BTreeMap<String, Tensor>) -> Result<()> {
        check::state(&self.specs, state)?;
        let state = on(state, &self.device())?;
        for parameter in &self.parameters {
            parameter.set(&state)?;
        }
        for (name, variable) in &self.statistics {
            variable.set(&state[name])?;
        }
        Ok(())
    }

    /// The first tensor with a value that is no finite number: a rectifier or max-pool can hide it from the loss.
    ///
    /// # Errors
    /// If candle cannot read a tensor.
    pub fn broken_tensor(&self) -> Result<Option<String>> {
        let is_broken = |values: &[f32]| !values.iter().all(|value| value.is_finite());
        for (name, variable) in self.statistics.iter().filter(|(_, variable)| variable.dtype() == DType::F32) {
            if is_broken(&variable.to_vec1::<f32>()?) {
                return Ok(Some(name.clone()));
            }
        }
        for parameter in &self.parameters {
            let values = parameter.variable.flatten_all()?.to_vec1::<f32>()?;
            if let Some(view) = parameter.views.iter().find(|view| is_broken(&values[view.place.clone()])) {
                return Ok(Some(view.name.clone()));
            }
        }
        Ok(None)
    }
}

/// Features (B, 512, h, w) to logits (B, classes): their mean over the picture through the linear layer.
pub(crate) fn head(features: &Tensor, weight: &Tensor, bias: &Tensor) -> Result<Tensor> {
    let means = features.flatten_from(2)?.mean(2)?;
    Ok(means.matmul(&weight.t()?)?.broadcast_add(bias)?)
}

/// On `device`, each tensor apart from any variable.
fn on(state: &BTreeMap<String, Tensor>, device: &Device) -> Result<BTreeMap<String, Tensor>> {
    state.iter().map(|(name, tensor)| Ok((name.clone(), fixed(tensor)?.to_device(device)?))).collect()
}

/// A tensor that no step moves: a copy of a variable or of a part of one.
pub(crate) fn fixed(tensor: &Tensor) -> Result<Tensor> {
    Ok(if tensor.track_op() { tensor.detach().force_contiguous()? } else { tensor.clone() })
}
