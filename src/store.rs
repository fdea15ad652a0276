//! Runs and their figures in SQLite, and the folder of their checkpoints beside it.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::dataset::{Class, Split};
use crate::metrics::Figures;

/// How a run stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum RunState {
    Running,
    Finished,
    Stopped,
    Failed,
    /// Its process died: the row says running but nobody holds the run's lock.
    Crashed,
}

/// What is known of a run when it starts.
#[derive(Debug, Clone, PartialEq)]
pub struct NewRun {
    /// 12 lower-case hexadecimal digits.
    pub id: String,
    pub name: String,
    /// The folder the data came from, as an absolute path.
    pub data: PathBuf,
    pub synthetic: bool,
    /// `TrainConfig` as JSON.
    pub config: serde_json::Value,
    pub seed: u64,
    /// Commit of the working folder's git repository, where there is one.
    pub git_commit: Option<String>,
    pub git_dirty: Option<bool>,
    /// The id DVC gives the data folder: `<md5>.dir`.
    pub data_hash: String,
    /// Fingerprint of which image is in which split.
    pub split_hash: String,
    pub device: String,
    /// Program and library versions, by name.
    pub versions: serde_json::Value,
}

/// A run as the store has it.
#[derive(Debug, Clone, PartialEq)]
pub struct Run {
    pub started: NewRun,
    /// RFC 3339, UTC.
    pub started_at: String,
    pub ended_at: Option<String>,
    pub state: RunState,
    /// Why it failed, for `Failed`.
    pub problem: Option<String>,
    /// Time spent running so far, over all its resumptions.
    pub seconds: f64,
    pub images_per_second: Option<f64>,
    pub epochs_done: usize,
    pub best_epoch: Option<usize>,
    pub best_val_accuracy: Option<f64>,
    pub test: Option<Figures>,
}

/// One thinned point of the training curve.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct StepPoint {
    /// Counted from 1.
    pub step: usize,
    pub epoch: usize,
    pub loss: f64,
    pub accuracy: f64,
    pub images_per_second: f64,
}

/// The network's answer for one image of a split, with the best epoch's weights.
#[derive(Debug, Clone, PartialEq)]
pub struct Answer {
    pub split: Split,
    /// Path below the data set's root.
    pub file: String,
    pub truth: Class,
    /// NORMAL, PNEUMONIA.
    pub logits: [f32; 2],
}

/// How a run ended, for the store.
#[derive(Debug, Clone, PartialEq)]
pub struct RunEnd {
    pub state: RunState,
    pub problem: Option<String>,
    pub images_per_second: Option<f64>,
    pub test: Option<Figures>,
}
