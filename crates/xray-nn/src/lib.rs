//! ResNet-18 for xray-tui, made to be trained on a CPU.
//!
//! [`arch`] says what the network is made of, [`Network`] trains it, [`Inference`] answers with it, [`Adam`] improves it,
//! [`Average`] smooths what its steps make of it, [`weights`] keeps it in files that PyTorch reads too, and [`mod@reference`] checks it against another implementation.
//!
//! Below, the trunk is computed by one of two engines from the same parameters. `plain` is candle's operations, layer by
//! layer. `fast` is one operation of our own over `kernel`s, which are written once, over `simd`, for every
//! instruction set. Read `simd`, then `kernel::maps` and `kernel::gemm`, then the convolutions.

#![deny(unsafe_code)]

pub mod adam;
pub mod arch;
mod average;
mod check;
pub mod ensemble;
mod error;
mod fast;
mod inference;
mod init;
mod kernel;
mod memory;
mod network;
mod parameters;
mod plain;
pub mod reference;
mod simd;
mod storage;
pub mod weights;

pub use adam::Adam;
pub use average::Average;
pub use error::{Error, Result};
pub use inference::Inference;
pub use memory::{give_back, training_bytes};
pub(crate) use network::Mode;
pub use network::{Engine, Network};
pub use parameters::{Gradients, Parameter, View};
pub use simd::Isa;
