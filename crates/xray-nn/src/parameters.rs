//! What the network learns: variables, each of which may hold many of torchvision's tensors one behind the other.

use std::collections::BTreeMap;
use std::ops::Range;

use candle_core::{CpuStorage, InplaceOp1, Layout, Tensor, Var, bail};
use rayon::prelude::*;

use crate::Result;
use crate::arch::TensorSpec;
use crate::storage::values;

/// Values that a task works on, whatever the number of threads: it decides how sums round.
const VALUES: usize = 1 << 14;
/// Sums that run side by side.
const LANES: usize = 16;
/// What `torch.nn.utils.clip_grad_norm_` adds to the norm before it divides by it.
const EPSILON: f64 = 1e-6;

/// A tensor's place in a variable.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct View {
    /// torchvision's name.
    pub name: String,
    pub shape: Vec<usize>,
    /// Its values, row by row, among the variable's.
    pub place: Range<usize>,
}

/// A variable that is learnt, with the tensors that it holds. Clones share its values.
#[derive(Debug, Clone)]
pub struct Parameter {
    pub variable: Var,
    pub views: Vec<View>,
}

/// The gradient of each parameter, in the parameters' order and of their shapes. Clones share their values.
#[derive(Debug, Clone)]
pub struct Gradients {
    pub(crate) values: Vec<Tensor>,
    /// Values at the beginning of the first parameter that are frozen: their gradient is zero and no step may move them.
    pub(crate) frozen: usize,
}

impl Parameter {
    /// A flat variable that holds the tensors of these `specs`, in their order.
    pub(crate) fn flat(specs: &[&TensorSpec], state: &BTreeMap<String, Tensor>) -> Result<Self> {
        let mut start = 0;
        let view = |spec: &&TensorSpec| {
            let place = start..start + spec.shape.iter().product::<usize>();
            start = place.end;
            View { name: spec.name.clone(), shape: spec.shape.clone(), place }
        };
        let views: Vec<View> = specs.iter().map(view).collect();
        Ok(Self { variable: Var::from_tensor(&flatten(&views, state)?)?, views })
    }

    /// A variable that is one of torchvision's tensors.
    pub(crate) fn single(spec: &TensorSpec, state: &BTreeMap<String, Tensor>) -> Result<Self> {
        let place = 0..spec.shape.iter().product();
        let view = View { name: spec.name.clone(), shape: spec.shape.clone(), place };
        Ok(Self { variable: Var::from_tensor(&state[&spec.name])?, views: vec![view] })
    }

    /// A copy of each tensor under its name.
    pub(crate) fn tensors(&self) -> Result<Vec<(String, Tensor)>> {
        split(&self.views, &self.variable.as_detached_tensor())
    }

    /// Takes the tensors from `state`, which must have them.
    pub(crate) fn set(&self, state: &BTreeMap<String, Tensor>) -> Result<()> {
        let values = flatten(&self.views, state)?.reshape(self.variable.shape())?;
        Ok(self.variable.set(&values)?)
    }
}

/// The views' tensors, one behind the other.
pub(crate) fn flatten(views: &[View], state: &BTreeMap<String, Tensor>) -> Result<Tensor> {
    let flat = |view: &View| Ok(state[&view.name].flatten_all()?);
    Ok(Tensor::cat(&views.iter().map(flat).collect::<Result<Vec<_>>>()?, 0)?)
}

/// A copy of what each view shows of `values`.
pub(crate) fn split(views: &[View], values: &Tensor) -> Result<Vec<(String, Tensor)>> {
    let flat = values.flatten_all()?;
    let tensor = |view: &View| {
        // `copy` would copy all of the variable.
        let values = flat.narrow(0, view.place.start, view.place.len())?.force_contiguous()?;
        Ok((view.name.clone(), values.reshape(view.shape.as_slice())?))
    };
    views.iter().map(tensor).collect()
}

impl Gradients {
    /// A copy of each tensor's gradient under its name.
    ///
    /// # Errors
    /// If there is no memory for it.
    pub fn tensors(&self, parameters: &[Parameter]) -> Result<BTreeMap<String, Tensor>> {
        let mut tensors = BTreeMap::new();
        for (gradient, parameter) in self.values.iter().zip(parameters) {
            tensors.extend(split(&parameter.views, gradient)?);
        }
        Ok(tensors)
    }

    /// Makes the gradients at most `longest` long, scaling all of them alike: in place, so in clones too. Answers their
    /// length before, the root of the sum of the squares of all values of all parameters.
    ///
    /// As `torch.nn.utils.clip_grad_norm_` does, it multiplies by `longest / (length + 1e-6)` where that is below 1 (Pascanu,
    /// Mikolov and Bengio, 2013, arXiv:1211.5063). Otherwise, and where the length is no finite number, the gradients keep
    /// every bit; the latter is for the caller to look at. The sum is taken in f64 in an order that does not depend on the
    /// number of threads.
    ///
    /// # Errors
    /// If `longest` is negative or NaN, or the gradients do not lie on the CPU.
    #[expect(clippy::cast_possible_truncation, reason = "gradients are f32")]
    pub fn clip(&mut self, longest: f64) -> Result<f64> {
        if longest.is_nan() || longest < 0.0 {
            return Err(candle_core::Error::Msg(format!("clip: gradients cannot be {longest} long")).into());
        }
        for gradient in &mut self.values {
            *gradient = gradient.contiguous()?;
        }
        let length = self.length()?;
        let coefficient = longest / (length + EPSILON);
        if length.is_finite() && coefficient < 1.0 {
            for gradient in &self.values {
                gradient.inplace_op1(&Scale(coefficient as f32))?;
            }
        }
        Ok(length)
    }

    /// Of all values of all parameters, which must be contiguous.
    fn length(&self) -> Result<f64> {
        let mut sum = 0.0;
        for gradient in &self.values {
            let (storage, layout) = gradient.storage_and_layout();
            let parts: Vec<f64> = values(&storage, layout)?.par_chunks(VALUES).map(sum_of_squares).collect();
            sum += parts.iter().sum::<f64>();
        }
        Ok(sum.sqrt())
    }
}

/// In lanes, which the compiler computes side by side.
fn sum_of_squares(values: &[f32]) -> f64 {
    let square = |value: &f32| f64::from(*value) * f64::from(*value);
    let (blocks, rest) = values.as_chunks::<LANES>();
    let mut sums = [0.0; LANES];
    for block in blocks {
        sums.iter_mut().zip(block).for_each(|(sum, value)| *sum += square(value));
    }
    sums.iter().sum::<f64>() + rest.iter().map(square).sum::<f64>()
}

/// Multiplies by a number, as an operation of candle's.
struct Scale(f32);

impl InplaceOp1 for Scale {
    fn name(&self) -> &'static str {
        "scale-gradient"
    }

    fn cpu_fwd(&self, gradient: &mut CpuStorage, layout: &Layout) -> candle_core::Result<()> {
        let (CpuStorage::F32(gradient), Some((start, end))) = (gradient, layout.contiguous_offsets()) else {
            bail!("clip: a gradient must be contiguous and f32");
        };
        gradient[start..end].par_chunks_mut(VALUES).for_each(|part| part.iter_mut().for_each(|value| *value *= self.0));
        Ok(())
    }
}

#[cfg(test)]
mod tests;
