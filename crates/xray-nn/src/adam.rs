//! Adam, with PyTorch's arithmetic, and a state that goes into a checkpoint.
//!
//! Kingma and Ba, 2014 (arXiv:1412.6980), algorithm 1. As in `torch.optim.Adam`, `epsilon` is added after the second
//! moment's bias is corrected and its root taken; no weight decay.

use std::collections::BTreeMap;

use candle_core::backprop::GradStore;
use candle_core::{Device, Tensor, Var};

use crate::{Error, Result};

const BETA_1: f64 = 0.9;
const BETA_2: f64 = 0.999;
const EPSILON: f64 = 1e-8;

const STEPS: &str = "adam.steps";
const OF: &str = "this optimizer's state";

/// The optimizer of some parameters.
#[derive(Debug)]
pub struct Adam {
    learning_rate: f64,
    steps: i64,
    slots: Vec<Slot>,
}

/// A parameter with the moving averages of its gradient and of its square.
#[derive(Debug)]
struct Slot {
    name: String,
    parameter: Var,
    mean: Tensor,
    square: Tensor,
}

impl Adam {
    /// An optimizer that has not stepped yet. It shares the parameters' values.
    ///
    /// # Errors
    /// If there is no memory for the moments.
    pub fn new(parameters: &[(String, Var)], learning_rate: f64) -> Result<Self> {
        let slot = |(name, parameter): &(String, Var)| {
            let zeros = parameter.as_detached_tensor().zeros_like()?;
            Ok(Slot { name: name.clone(), parameter: parameter.clone(), mean: zeros.clone(), square: zeros })
        };
        Ok(Self { learning_rate, steps: 0, slots: parameters.iter().map(slot).collect::<Result<_>>()? })
    }

    pub fn learning_rate(&self) -> f64 {
        self.learning_rate
    }

    /// The rate of the steps to come; it is a matter of the schedule and so no part of [`Adam::state`].
    pub fn set_learning_rate(&mut self, learning_rate: f64) {
        self.learning_rate = learning_rate;
    }

    /// Moves every parameter against its gradient.
    ///
    /// # Errors
    /// If a parameter has no gradient; then none is moved. (PyTorch would skip it, but all of a network's parameters
    /// take part in its loss, so that a missing gradient is a mistake.)
    pub fn step(&mut self, gradients: &GradStore) -> Result<()> {
        let of = |slot: &Slot| {
            // Undetached, a moment would keep the graph, and so the activations, of every step that it has seen.
            let gradient = gradients.get(&slot.parameter).map(Tensor::detach);
            gradient.ok_or_else(|| Error::NoGradient { name: slot.name.clone() })
        };
        let gradients = self.slots.iter().map(of).collect::<Result<Vec<_>>>()?;
        self.steps += 1;
        let correction = Correction::after(self.steps);
        for (slot, gradient) in self.slots.iter_mut().zip(&gradients) {
            slot.step(gradient, self.learning_rate, correction)?;
        }
        Ok(())
    }

    /// `adam.steps` (i64 scalar) and per parameter `adam.mean.<name>` and `adam.square.<name>`, of its shape. Later
    /// steps leave it as it is.
    ///
    /// # Errors
    /// If candle cannot make the tensor of `adam.steps`.
    pub fn state(&self) -> Result<BTreeMap<String, Tensor>> {
        let mut state = BTreeMap::from([(STEPS.to_owned(), Tensor::new(self.steps, &Device::Cpu)?)]);
        for slot in &self.slots {
            state.insert(mean_name(&slot.name), slot.mean.clone());
            state.insert(square_name(&slot.name), slot.square.clone());
        }
        Ok(state)
    }

    /// Goes on from a state; nothing is changed on an error.
    ///
    /// # Errors
    /// Names the first tensor that is missing, unknown, or of another shape or type.
    pub fn load_state(&mut self, state: &BTreeMap<String, Tensor>) -> Result<()> {
        let steps = take(state, STEPS, &Tensor::new(self.steps, &Device::Cpu)?)?.to_scalar()?;
        let mut moments = Vec::with_capacity(self.slots.len());
        for slot in &self.slots {
            let mean = take(state, &mean_name(&slot.name), &slot.mean)?;
            moments.push((mean, take(state, &square_name(&slot.name), &slot.square)?));
        }
        self.refuse_unknown(state)?;
        for (slot, (mean, square)) in self.slots.iter_mut().zip(moments) {
            (slot.mean, slot.square) = (mean, square);
        }
        self.steps = steps;
        Ok(())
    }

    fn refuse_unknown(&self, state: &BTreeMap<String, Tensor>) -> Result<()> {
        let known = self.state()?;
        let unknown = state.keys().find(|name| !known.contains_key(*name));
        unknown.map_or(Ok(()), |name| Err(Error::UnexpectedTensor { name: name.clone(), of: OF }))
    }
}

impl Slot {
    fn step(&mut self, gradient: &Tensor, learning_rate: f64, correction: Correction) -> Result<()> {
        self.mean = ((&self.mean * BETA_1)? + (gradient * (1.0 - BETA_1))?)?;
        self.square = ((&self.square * BETA_2)? + (gradient.sqr()? * (1.0 - BETA_2))?)?;
        let root = ((self.square.sqrt()? / correction.square.sqrt())? + EPSILON)?;
        let update = (self.mean.div(&root)? * (learning_rate / correction.mean))?;
        self.parameter.set(&(self.parameter.as_detached_tensor() - update)?)?;
        Ok(())
    }
}

/// What the moments, which start at zero, are too small by.
#[derive(Debug, Clone, Copy)]
struct Correction {
    mean: f64,
    square: f64,
}

impl Correction {
    fn after(steps: i64) -> Self {
        let steps = i32::try_from(steps).unwrap_or(i32::MAX);
        Self { mean: 1.0 - BETA_1.powi(steps), square: 1.0 - BETA_2.powi(steps) }
    }
}

fn mean_name(parameter: &str) -> String {
    format!("adam.mean.{parameter}")
}

fn square_name(parameter: &str) -> String {
    format!("adam.square.{parameter}")
}

/// The tensor of that name, if it is like `like`.
fn take(state: &BTreeMap<String, Tensor>, name: &str, like: &Tensor) -> Result<Tensor> {
    let (name, expected) = (name.to_owned(), like.dims().to_vec());
    let Some(tensor) = state.get(&name) else {
        return Err(Error::MissingTensor { name, expected, of: OF });
    };
    if tensor.dims() != expected {
        return Err(Error::WrongShape { name, found: tensor.dims().to_vec(), expected });
    }
    if tensor.dtype() != like.dtype() {
        let found = tensor.dtype().as_str().to_owned();
        return Err(Error::WrongType { name, found, expected: like.dtype().as_str() });
    }
    Ok(tensor.clone())
}

#[cfg(test)]
mod tests;
