//! What the store keeps of a run.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::dataset::{Class, Probe, Split};
use crate::metrics::alarm::Checks;
use crate::metrics::{Figures, OperatingPoint, Threshold};

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

impl RunState {
    /// As the database, `--json` and every table have it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Finished => "finished",
            Self::Stopped => "stopped",
            Self::Failed => "failed",
            Self::Crashed => "crashed",
        }
    }
}

/// What is known of a run when it starts.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
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
    /// The cross-validation that it is a fold of.
    pub parent: Option<String>,
    /// What it ran on and from, for repeating it; `None` in runs of an older program.
    pub provenance: Option<serde_json::Value>,
    /// Digest of the list of its images, under which [`Store::manifest`](super::Store::manifest) has it.
    pub manifest: Option<String>,
}

/// A run as the store has it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
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
    /// In training, over the newest session that trained.
    pub images_per_second: Option<f64>,
    pub epochs_done: usize,
    /// Counted from 1.
    pub best_epoch: Option<usize>,
    /// 0 to 1.
    pub best_val_accuracy: Option<f64>,
    /// At the operating point's threshold.
    pub test: Option<Figures>,
    /// Chosen when the run finished.
    pub operating: Option<OperatingPoint>,
    /// What was found out about its data at its start.
    pub checks: Option<Checks>,
    /// SHA-256 of the best epoch's weights, once it has finished.
    pub weights: Option<String>,
    /// SHA-256 of all that was stored of it when it finished.
    pub closing: Option<String>,
    /// What its user wrote to it.
    #[serde(default)]
    pub note: Option<String>,
    /// Each once, in the order in which they were given.
    #[serde(default)]
    pub tags: Vec<String>,
    #[serde(default)]
    pub starred: bool,
    /// When it was moved to the trash, RFC 3339, UTC; `None` where it is not there.
    #[serde(default)]
    pub trashed_at: Option<String>,
}

impl Run {
    /// Where PNEUMONIA begins: what its validation images gave when it finished, 0.5 until then.
    #[must_use]
    pub fn threshold(&self) -> Threshold {
        self.operating.map_or(Threshold::HALF, |point| point.threshold)
    }

    /// The runs whose networks an ensemble joins, by id; `None` for a run that trains.
    #[must_use]
    pub fn members(&self) -> Option<Vec<&str>> {
        self.started.config["ensemble"].as_array().map(|ids| ids.iter().filter_map(serde_json::Value::as_str).collect())
    }

    /// The parts that a cross-validation has; `None` for a run that trains.
    #[must_use]
    pub fn folds(&self) -> Option<usize> {
        self.started.config["folds"].as_u64().and_then(|folds| usize::try_from(folds).ok())
    }
}

/// The network's answer for one image of a split, with the best epoch's weights.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Answer {
    pub split: Split,
    /// It was shown made harder; the same image may be there several times. Not written where it was not, as seals of
    /// older runs know nothing of it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub harder: bool,
    /// Path below the data set's root.
    pub file: String,
    pub truth: Class,
    /// NORMAL, PNEUMONIA.
    #[serde(with = "bits")]
    pub logits: [f32; 2],
    /// Standard deviation of the probability over the members of an ensemble; `None` of a single network.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub disagreement: Option<f64>,
}

impl Answer {
    #[must_use]
    pub const fn probe(&self) -> Probe {
        if self.harder { Probe::Harder } else { Probe::Plain(self.split) }
    }
}

/// Logits in JSON: their bits, as JSON has no word for what is no number.
mod bits {
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    #[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks for it")]
    pub fn serialize<S: Serializer>(logits: &[f32; 2], serializer: S) -> Result<S::Ok, S::Error> {
        logits.map(f32::to_bits).serialize(serializer)
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<[f32; 2], D::Error> {
        Ok(<[u32; 2]>::deserialize(deserializer)?.map(f32::from_bits))
    }
}

/// How a run ended, for the store.
#[derive(Debug, Clone, PartialEq)]
pub struct RunEnd {
    pub state: RunState,
    pub problem: Option<String>,
    pub test: Option<Figures>,
    pub operating: Option<OperatingPoint>,
    /// SHA-256 of the best epoch's weights.
    pub weights: Option<String>,
}
