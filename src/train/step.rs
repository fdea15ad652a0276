//! The network that a run begins with, and one step of it.

use candle_core::{Device, Tensor};
use xray_nn::weights::Head;
use xray_nn::{Adam, Network, reference, weights};

use super::job::Emit;
use super::objective::Objective;
use super::{TrainConfig, TrainEvent, evaluate};
use crate::dataset::Class;
use crate::dataset::batch::Batch;
use crate::dataset::random::{Purpose, stream};
use crate::error::{Error, Result};

/// A new network: the seed's weights, or `--pretrained` ones under a new head where it is to be `fresh`;
/// checked against the reference.
///
/// # Errors
/// Where the pretrained file cannot be used, or the check fails.
pub(super) fn make_network(config: &TrainConfig, fresh: bool, emit: Emit) -> Result<Network> {
    let mut rng = stream(config.seed, Purpose::Weights, [0, 0]);
    let mut network = Network::new(Class::ALL.len(), &mut rng, &config.engine.here())?;
    network.freeze(config.frozen_stages)?;
    if let Some(file) = config.pretrained.as_ref().filter(|_| fresh)
        && let Head::Kept { classes_in_file } = weights::load_pretrained(&network, file)?
    {
        let text = format!("{} is for {classes_in_file} classes: the last layer starts anew", file.display());
        emit(TrainEvent::Notice(text))?;
    }
    if let Some(name) = network.broken_tensor()? {
        let problem = format!("tensor {name} holds values that are no numbers: choose another file");
        return Err(Error::BadSetting { setting: "pretrained", problem });
    }
    check_network(&network)?;
    Ok(network)
}

/// Largest difference of a logit from the reference's that rounding explains; usual is 1e-5.
pub(super) const TOLERANCE: f32 = 1e-3;

/// The self-check of every run: the network must answer as candle-transformers' ResNet-18 does with the same weights.
fn check_network(network: &Network) -> Result<()> {
    const SIDE: usize = 64;
    let values: Vec<f32> = (0..u16::MAX).take(3 * SIDE * SIDE).map(|i| (f32::from(i) * 0.37).sin()).collect();
    let image = Tensor::from_vec(values, (1, 3, SIDE, SIDE), &Device::Cpu).map_err(xray_nn::Error::from)?;
    let difference = reference::largest_difference(network, &image)?;
    if difference <= TOLERANCE {
        return Ok(());
    }
    Err(Error::SelfCheck { difference })
}

/// What a step makes small, and how far it may go.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Aim {
    pub objective: Objective,
    /// Longest gradient; 0 is any.
    pub clip_norm: f64,
}

impl Aim {
    /// The plain cross entropy, with whatever gradient it has.
    pub const PLAIN: Self = Self { objective: Objective::PLAIN, clip_norm: 0.0 };
}

/// One step on a batch of pictures of side `size`: forward, loss, backward and, where the loss is a number, Adam.
/// Answers the mean loss and the `(B, 2)` logits.
///
/// # Errors
/// Where the batch has another shape, or the network cannot run.
pub fn step(
    (network, adam): (&Network, &mut Adam),
    (batch, size): (&Batch, usize),
    aim: Aim,
) -> Result<(f64, Vec<[f32; 2]>)> {
    let logits = network.forward(&evaluate::to_tensor(batch, size)?)?;
    let loss = aim.objective.loss(&logits, &batch.labels)?;
    let value = f64::from(loss.to_scalar::<f32>().map_err(xray_nn::Error::from)?);
    if value.is_finite() {
        let mut gradients = network.backward(&loss)?;
        if aim.clip_norm > 0.0 {
            gradients.clip(aim.clip_norm)?;
        }
        adam.step(&gradients)?;
    }
    Ok((value, evaluate::pairs(&logits)?))
}
