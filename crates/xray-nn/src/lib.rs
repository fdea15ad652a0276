//! ResNet-18 for xray-tui: what candle lacks to train one.

/// What can go wrong with a network.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("candle: {0}")]
    Candle(#[from] candle_core::Error),
}

/// The crate's result.
pub type Result<T, E = Error> = std::result::Result<T, E>;
