//! The training loop and what it is told (config, control) and tells (events).

pub mod config;
pub mod control;
pub mod event;

pub use config::TrainConfig;
pub use control::Control;
pub use event::{Phase, Step, TrainEvent};
