//! The kernels of the fast path, each written once for every instruction set.
//!
//! [`maps`] says how feature maps lie in memory, [`gemm`] has the two matrix products. [`direct`] and [`winograd`] bring a
//! convolution, its input's gradient and its weights' gradient into that form; [`stem`] does so for the first one, which
//! has three channels only. [`norm`] is batch norm, [`pool`] the maximum behind the stem, [`update`] the optimizer's step.

pub mod buffer;
pub mod direct;
pub mod gemm;
pub mod maps;
pub mod norm;
pub mod pool;
pub mod stem;
#[cfg(test)]
mod tests;
pub mod update;
pub mod winograd;

use crate::simd::{Block, Isa};
use buffer::Scratch;
use maps::Maps;

/// What kernels run on: instructions, and memory for what is only needed in between.
#[derive(Debug)]
pub struct Compute {
    pub isa: Isa,
    pub scratch: Scratch,
}

impl Compute {
    pub fn new(isa: Isa) -> Self {
        Self { isa, scratch: Scratch::default() }
    }
}

/// `scale * x + shift` for each channel: batch norm, once its statistics are known.
#[derive(Debug, Clone, Default)]
pub struct Affine {
    pub scale: Vec<Block>,
    pub shift: Vec<Block>,
}

/// What a convolution reads.
#[derive(Debug, Clone, Copy)]
pub struct Input<'a> {
    pub maps: &'a Maps,
    /// Read as `relu(scale * x + shift)`, which spares writing that down.
    pub activation: Option<&'a Affine>,
}

impl<'a> Input<'a> {
    pub fn plain(maps: &'a Maps) -> Self {
        Self { maps, activation: None }
    }
}

/// What is done with the rows of a result as long as they are in the cache: (first of all images' rows, the rows).
pub trait Finish<R>: Fn(usize, &mut [Block]) -> R + Sync {}
impl<R, F: Fn(usize, &mut [Block]) -> R + Sync> Finish<R> for F {}
