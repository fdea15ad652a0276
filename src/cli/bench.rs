//! What is to be measured.

use clap::{Args, ValueEnum};

use super::Engine;
use crate::train::bench::{self, Settings};

/// `xray-tui bench …`
#[derive(Debug, Clone, Copy, Args)]
pub struct BenchArgs {
    /// Images a training step; memory grows with it
    #[arg(long, value_name = "N", default_value_t = 32)]
    pub batch_size: usize,
    /// Side of the network's input in pixels
    #[arg(long, value_name = "N", default_value_t = 224)]
    pub image_size: usize,
    /// Seconds to measure for, in all; a slow machine takes longer, since each figure needs a few passes
    #[arg(long, value_name = "X", default_value_t = 20.0)]
    pub seconds: f64,
    /// What computes the network
    #[arg(long, value_enum, default_value_t = Engine::Fast)]
    pub engine: Engine,
    /// One kind of work alone, evaluation then with --batch-size
    #[arg(long, value_enum)]
    pub only: Option<Work>,
}

/// What can be measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Work {
    Train,
    Eval,
    Decode,
}

impl From<Work> for bench::Work {
    fn from(work: Work) -> Self {
        match work {
            Work::Train => Self::Train,
            Work::Eval => Self::Eval,
            Work::Decode => Self::Decode,
        }
    }
}

impl From<BenchArgs> for Settings {
    fn from(args: BenchArgs) -> Self {
        let BenchArgs { batch_size, image_size, seconds, engine, only } = args;
        Self { batch_size, image_size, seconds, engine: engine.into(), only: only.map(Into::into) }
    }
}
