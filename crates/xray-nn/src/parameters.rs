//! What the network learns: variables, each of which may hold many of torchvision's tensors one behind the other.

use std::collections::BTreeMap;
use std::ops::Range;

use candle_core::{Tensor, Var};

use crate::Result;
use crate::arch::TensorSpec;

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

/// The gradient of each parameter, in the parameters' order and of their shapes.
#[derive(Debug, Clone)]
pub struct Gradients(pub(crate) Vec<Tensor>);

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
        for (gradient, parameter) in self.0.iter().zip(parameters) {
            tensors.extend(split(&parameter.views, gradient)?);
        }
        Ok(tensors)
    }
}
