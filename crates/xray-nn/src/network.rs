//! The trainable ResNet-18.

mod layers;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use candle_core::{DType, Device, Tensor, Var};
use rand::RngCore;

use crate::arch::{self, HEAD_BIAS, HEAD_WEIGHT, IMAGE_CHANNELS, REDUCTION, TensorSpec};
use crate::init::initial;
use crate::max_pool::max_pool;
use crate::{Error, Result};
use layers::{Residual, Unit};

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
    fn view(self, variable: &Var) -> Tensor {
        match self {
            Self::Train => variable.as_tensor().clone(),
            Self::Evaluate => variable.as_detached_tensor(),
        }
    }
}

/// A ResNet-18 with a head of some number of classes.
#[derive(Debug)]
pub struct Network {
    classes: usize,
    device: Device,
    specs: Vec<TensorSpec>,
    variables: BTreeMap<String, Var>,
    parameters: Vec<(String, Var)>,
    stem: Unit,
    blocks: Vec<Residual>,
}

impl Network {
    /// A network as torchvision starts it, filled in name order from `rng`: the same generator gives the same bits.
    ///
    /// # Errors
    /// If candle cannot make the tensors.
    pub fn new(classes: usize, rng: &mut impl RngCore, device: &Device) -> Result<Self> {
        let specs = arch::tensors(classes);
        let by_name: BTreeMap<&str, &TensorSpec> = specs.iter().map(|spec| (spec.name.as_str(), spec)).collect();
        let mut variables = BTreeMap::new();
        for spec in by_name.values() {
            variables.insert(spec.name.clone(), Var::from_tensor(&initial(spec, rng, device)?)?);
        }
        let learnt = by_name.values().filter(|spec| spec.role.is_parameter());
        let parameter = |spec: &&TensorSpec| Ok((spec.name.clone(), variable(&variables, &spec.name)?));
        let residual = |block: &arch::Block| Residual::new(block, &variables);
        Ok(Self {
            classes,
            device: device.clone(),
            parameters: learnt.map(parameter).collect::<Result<_>>()?,
            stem: Unit::new(&arch::stem(), &variables)?,
            blocks: arch::blocks().iter().map(residual).collect::<Result<_>>()?,
            specs,
            variables,
        })
    }

    pub fn classes(&self) -> usize {
        self.classes
    }

    pub fn device(&self) -> &Device {
        &self.device
    }

    /// What the optimizer moves: 62 tensors with their names, in name order. They share their values with the network.
    pub fn parameters(&self) -> &[(String, Var)] {
        &self.parameters
    }

    /// Images (B, 3, S, S) f32, normalised as ImageNet's, to logits (B, classes).
    ///
    /// # Errors
    /// As [`Network::features`].
    pub fn forward(&self, images: &Tensor, mode: Mode) -> Result<Tensor> {
        self.head(&self.features(images, mode)?)
    }

    /// Images (B, 3, S, S) f32, normalised as ImageNet's, to features (B, 512, S/32, S/32), rounded up and never
    /// negative. In [`Mode::Evaluate`] a gradient flows to the images, if they are a variable, but not to the weights.
    ///
    /// # Errors
    /// If the images have another shape or type, or if training would leave batch norm a single value per channel.
    pub fn features(&self, images: &Tensor, mode: Mode) -> Result<Tensor> {
        check_images(images, mode)?;
        let mut x = max_pool(&self.stem.forward(images, mode)?.relu()?)?;
        for block in &self.blocks {
            x = block.forward(&x, mode)?;
        }
        Ok(x)
    }

    /// Features (B, 512, h, w) to logits (B, classes): their mean over the picture through the linear layer.
    ///
    /// # Errors
    /// If the features have another shape.
    pub fn head(&self, features: &Tensor) -> Result<Tensor> {
        let weight = variable(&self.variables, HEAD_WEIGHT)?;
        let bias = variable(&self.variables, HEAD_BIAS)?;
        let means = features.flatten_from(2)?.mean(2)?;
        Ok(means.matmul(&weight.t()?)?.broadcast_add(&bias)?)
    }

    /// A copy of every tensor by torchvision's name: parameters and running statistics, f32, and the counts of batches,
    /// i64. Later steps leave it as it is.
    ///
    /// # Errors
    /// If there is no memory for it.
    pub fn state(&self) -> Result<BTreeMap<String, Tensor>> {
        let copy = |(name, variable): (&String, &Var)| Ok((name.clone(), variable.as_detached_tensor().copy()?));
        self.variables.iter().map(copy).collect()
    }

    /// Takes every tensor from `state`; nothing is changed on an error.
    ///
    /// # Errors
    /// Names the first tensor that is missing, unknown, or of another shape or type.
    pub fn load_state(&self, state: &BTreeMap<String, Tensor>) -> Result<()> {
        check_state(&self.specs, state)?;
        for (name, tensor) in state {
            variable(&self.variables, name)?.set(tensor)?;
        }
        Ok(())
    }
}

const OF: &str = "this ResNet-18";

/// The variable of that name, sharing its value.
fn variable(variables: &BTreeMap<String, Var>, name: &str) -> Result<Var> {
    let missing = || Error::UnexpectedTensor { name: name.to_owned(), of: OF };
    variables.get(name).cloned().ok_or_else(missing)
}

fn check_state(specs: &[TensorSpec], state: &BTreeMap<String, Tensor>) -> Result<()> {
    for spec in specs {
        let (name, expected) = (spec.name.clone(), spec.shape.clone());
        let Some(tensor) = state.get(&name) else {
            return Err(Error::MissingTensor { name, expected, of: OF });
        };
        if tensor.dims() != expected {
            return Err(Error::WrongShape { name, found: tensor.dims().to_vec(), expected });
        }
        if tensor.dtype() != spec.role.dtype() {
            let found = tensor.dtype().as_str().to_owned();
            return Err(Error::WrongType { name, found, expected: spec.role.dtype().as_str() });
        }
    }
    let unknown = state.keys().find(|name| !specs.iter().any(|spec| spec.name == **name));
    unknown.map_or(Ok(()), |name| Err(Error::UnexpectedTensor { name: name.clone(), of: OF }))
}

fn check_images(images: &Tensor, mode: Mode) -> Result<()> {
    if images.dtype() != DType::F32 {
        let found = images.dtype().as_str().to_owned();
        return Err(Error::WrongType { name: "images".to_owned(), found, expected: DType::F32.as_str() });
    }
    let &[batch, IMAGE_CHANNELS, height, width] = images.dims() else {
        return Err(Error::BadImages { found: images.dims().to_vec() });
    };
    let values_per_channel = batch * height.div_ceil(REDUCTION) * width.div_ceil(REDUCTION);
    match (values_per_channel, mode) {
        (0, _) => Err(Error::BadImages { found: images.dims().to_vec() }),
        (1, Mode::Train) => Err(Error::OneValuePerChannel { batch, height, width }),
        _ => Ok(()),
    }
}
