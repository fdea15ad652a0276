//! What a run tells while it goes on.

use crate::dataset::Probe;
use crate::metrics::{EpochFigures, Figures};
use crate::train::Answered;

/// What the run is busy with; sent at every change and, with counts, as they move.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// Looking for images.
    Scanning,
    /// Making cache entries; a warm cache passes over this.
    Decoding {
        done: usize,
        total: usize,
    },
    /// Making the network.
    Preparing,
    /// Batches of this epoch done so far; 0 while the first is under way.
    Training {
        epoch: usize,
        batch: usize,
        batches: usize,
    },
    /// Images of the validation split answered.
    Validating {
        epoch: usize,
        done: usize,
        total: usize,
    },
    /// Images of the test split answered, with the best epoch's weights.
    Testing {
        done: usize,
        total: usize,
    },
    /// Waiting where the phase before it was.
    Paused,
    Stopping,
}

/// One optimizer step.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Step {
    /// Counted from 1, over the whole run.
    pub step: usize,
    /// Counted from 1.
    pub epoch: usize,
    /// Batches done in this epoch, counted from 1.
    pub batch: usize,
    /// Batches in an epoch.
    pub batches: usize,
    /// Images in this batch.
    pub images: usize,
    /// What training makes small, in nats: this batch's mean cross entropy, with the labels' smoothing and the classes'
    /// weights where there are any.
    pub loss: f64,
    /// Accuracy of this batch, 0 to 1.
    pub accuracy: f64,
    /// Images trained per second of this step.
    pub images_per_second: f64,
    /// Time that the run has been running, over all its sessions; who records the run knows it.
    pub seconds: Option<f64>,
    /// Adam's, in this step.
    pub learning_rate: Option<f64>,
    /// Cores that this process kept busy since the step before, 0 to the number of cores.
    pub processor: Option<f64>,
    /// Bytes of memory that this process holds, where the system tells it (Linux).
    pub memory: Option<u64>,
}

/// How a run ended.
#[derive(Debug, Clone, PartialEq)]
pub enum Outcome {
    Finished {
        best_epoch: usize,
        test: Option<Figures>,
    },
    /// Stopped on request; resumable.
    Stopped,
    Failed(String),
    /// A setting cannot be used; there is no run.
    Refused(String),
}

/// One message of a run to whoever listens.
#[derive(Debug, Clone, PartialEq)]
pub enum TrainEvent {
    Phase(Phase),
    Step(Step),
    /// From here on the steps have another learning rate.
    Rate {
        /// Steps that are done.
        step: usize,
        learning_rate: f64,
    },
    /// The run was asked to stop after an epoch.
    LastEpoch {
        /// Steps that are done.
        step: usize,
        /// The one that it is to stop after, counted from 1.
        epoch: usize,
    },
    Epoch {
        figures: EpochFigures,
        best: bool,
    },
    /// The best epoch's answers for every image that was asked, in the split's order.
    Answers {
        probe: Probe,
        answers: Vec<Answered>,
    },
    /// Something the user should know; the run goes on.
    Notice(String),
    /// The last message of every run.
    Ended(Outcome),
}
