//! The fast path of the trunk on a CPU: images to the last stage's maps, and back.
//!
//! The whole trunk is one operation to candle ([`op`]). Inside, maps lie as the [kernels](crate::kernel) want them, memory
//! is asked for once a batch size, and what a layer can do while its numbers are in the cache is done there.

mod backward;
mod convolution;
mod forward;
mod inference;
mod op;
mod plan;
#[cfg(test)]
mod tests;

pub use inference::{Inference, TOGETHER};
pub use op::Trunk;
pub use plan::Plan;
use plan::{Method, UnitPlan};

use crate::kernel::Compute;
use crate::kernel::buffer::Buffer;
use crate::kernel::maps::{Extent, Maps};
use crate::kernel::norm::Norm;
use crate::kernel::pool::Codes;

/// A convolution's result and its batch norm.
#[derive(Debug)]
pub(crate) struct Layer {
    /// The convolution's result; after the backward pass, its gradient.
    maps: Maps,
    norm: Norm,
}

impl Layer {
    fn new() -> Self {
        Self { maps: empty(), norm: Norm::default() }
    }

    fn both(&self) -> (&Maps, &Norm) {
        (&self.maps, &self.norm)
    }
}

/// What a residual block keeps for the backward pass.
#[derive(Debug)]
pub(crate) struct BlockLayers {
    first: Layer,
    second: Layer,
    shortcut: Option<Layer>,
    /// `relu(second + shortcut)`
    output: Maps,
}

/// All that a forward pass leaves to the backward pass, and memory for both.
#[derive(Debug)]
pub(crate) struct Workspace {
    compute: Compute,
    stem: Layer,
    codes: Codes,
    /// What the stem gives the first block.
    pooled: Maps,
    blocks: Vec<BlockLayers>,
    /// One layer's weights, packed for the kernel that is about to use them.
    weights: Buffer,
    /// Gradients of a block's output, of the maps between its convolutions, and of its input.
    gradients: [Maps; 3],
    /// Units, from the stem on, that the forward pass took to be constants.
    frozen: usize,
}

fn empty() -> Maps {
    Maps::new(0, Extent { blocks: 0, height: 0, width: 0 })
}

impl Workspace {
    /// The size of the last stage's maps.
    pub(crate) fn features(&self) -> Extent {
        self.blocks.last().map_or(self.pooled.extent, |block| block.output.extent)
    }

    pub(crate) fn new(compute: Compute, plan: &Plan) -> Self {
        let block = |block: &plan::BlockPlan| BlockLayers {
            first: Layer::new(),
            second: Layer::new(),
            shortcut: block.shortcut.as_ref().map(|_| Layer::new()),
            output: empty(),
        };
        Self {
            compute,
            stem: Layer::new(),
            codes: Codes::default(),
            pooled: empty(),
            blocks: plan.blocks.iter().map(block).collect(),
            weights: Buffer::default(),
            gradients: [empty(), empty(), empty()],
            frozen: 0,
        }
    }
}
