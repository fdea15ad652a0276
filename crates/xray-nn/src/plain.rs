//! The trunk layer by layer in candle's own operations: slow, and what the fast path is checked against.

mod batch_norm;
mod layers;
pub mod max_pool;

use std::collections::BTreeMap;

use candle_core::{Tensor, Var};

use crate::arch;
use crate::{Error, Mode, Result};
use layers::{Residual, Unit};
use max_pool::max_pool;

/// The trunk over variables of torchvision's names.
#[derive(Debug)]
pub(crate) struct Plain {
    stem: Unit,
    blocks: Vec<Residual>,
}

impl Plain {
    pub(crate) fn new(variables: &BTreeMap<String, Var>) -> Result<Self> {
        let residual = |block: &arch::Block| Residual::new(block, variables);
        Ok(Self {
            stem: Unit::new(&arch::stem(), variables)?,
            blocks: arch::blocks().iter().map(residual).collect::<Result<_>>()?,
        })
    }

    /// Images (B, 3, S, S) f32 to features (B, 512, S/32, S/32), rounded up. The first `frozen` of the
    /// [`PARTS`](arch::PARTS) run in [`Mode::Evaluate`], where a gradient flows to the images, if they are a variable, but
    /// not to the weights; the others in [`Mode::Train`].
    pub(crate) fn features(&self, images: &Tensor, frozen: usize) -> Result<Tensor> {
        let mode = |is_frozen| if is_frozen { Mode::Evaluate } else { Mode::Train };
        let mut x = max_pool(&self.stem.forward(images, mode(frozen > 0))?.relu()?)?;
        for (index, block) in self.blocks.iter().enumerate() {
            x = block.forward(&x, mode(index < arch::blocks_of(frozen)))?;
        }
        Ok(x)
    }
}

/// The variable of that name, sharing its value.
pub(crate) fn variable(variables: &BTreeMap<String, Var>, name: &str) -> Result<Var> {
    let missing = || Error::MissingTensor { name: name.to_owned(), expected: Vec::new(), of: crate::check::OF };
    variables.get(name).cloned().ok_or_else(missing)
}
