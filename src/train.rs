//! The training loop and what it is told (config, control) and tells (events).

pub mod bench;
pub mod checkpoint;
pub mod config;
pub mod control;
pub mod doctor;
pub mod ensemble;
pub mod evaluate;
pub mod event;
pub mod job;
pub mod loader;
pub mod machine;
pub mod meter;
pub mod objective;
pub mod priority;
pub mod range_test;
pub mod recipe;
pub mod schedule;
pub mod setting;
pub mod space;
pub mod step;
pub mod trainer;
pub mod weights;

pub use checkpoint::Checkpoint;
pub use config::{EngineKind, TrainConfig};
pub use control::Control;
pub use evaluate::Answered;
pub use event::{Outcome, Phase, Step, TrainEvent};
pub use job::Job;
pub use trainer::train;
