//! The network's two building bricks: a convolution with its batch norm, and the residual block.

use std::collections::BTreeMap;

use candle_core::{Tensor, Var};

use super::batch_norm::BatchNorm;
use super::variable;
use crate::arch;
use crate::{Error, Mode, Result};

/// A convolution without bias and its batch norm.
#[derive(Debug)]
pub struct Unit {
    /// (outputs, inputs, kernel, kernel)
    kernel: Var,
    norm: BatchNorm,
    padding: usize,
    stride: usize,
}

impl Unit {
    pub fn new(unit: &arch::Unit, variables: &BTreeMap<String, Var>) -> Result<Self> {
        let of_norm = |part: &str| variable(variables, &format!("{}.{part}", unit.norm));
        let norm = BatchNorm {
            scale: of_norm("weight")?,
            shift: of_norm("bias")?,
            running_mean: of_norm("running_mean")?,
            running_variance: of_norm("running_var")?,
            batches_tracked: of_norm("num_batches_tracked")?,
        };
        let kernel = variable(variables, &format!("{}.weight", unit.conv))?;
        Ok(Self { kernel, norm, padding: unit.padding(), stride: unit.stride })
    }

    /// (B, inputs, H, W) to (B, outputs, H/stride, W/stride), rounded up.
    pub fn forward(&self, images: &Tensor, mode: Mode) -> Result<Tensor> {
        let convolved = images.conv2d(&mode.view(&self.kernel), self.padding, self.stride, 1, 1)?;
        self.norm.forward(&convolved, mode)
    }
}

/// `relu(second(relu(first(x))) + shortcut(x))`
#[derive(Debug)]
pub struct Residual {
    first: Unit,
    second: Unit,
    shortcut: Option<Unit>,
}

impl Residual {
    pub fn new(block: &arch::Block, variables: &BTreeMap<String, Var>) -> Result<Self> {
        Ok(Self {
            first: Unit::new(&block.first, variables)?,
            second: Unit::new(&block.second, variables)?,
            shortcut: block.shortcut.as_ref().map(|unit| Unit::new(unit, variables)).transpose()?,
        })
    }

    /// (B, inputs, H, W) to (B, outputs, H/stride, W/stride), rounded up.
    pub fn forward(&self, images: &Tensor, mode: Mode) -> Result<Tensor> {
        let inner = self.second.forward(&self.first.forward(images, mode)?.relu()?, mode)?;
        let outer = match &self.shortcut {
            Some(unit) => unit.forward(images, mode)?,
            None => images.clone(),
        };
        (inner + outer)?.relu().map_err(Error::from)
    }
}
