//! ResNet-18 for xray-tui: what candle lacks to train one.
//!
//! [`arch`] says what the network is made of, [`Network`] runs and trains it, [`Adam`] improves it, [`weights`] keeps
//! it in files that PyTorch reads too, and [`mod@reference`] checks it against another implementation.

#![deny(unsafe_code)]

pub mod adam;
pub mod arch;
mod batch_norm;
mod error;
mod init;
pub mod max_pool;
pub mod network;
pub mod reference;
pub mod weights;

pub use adam::Adam;
pub use error::{Error, Result};
pub use network::{Mode, Network};
