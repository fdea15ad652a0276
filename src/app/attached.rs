//! A run that another process trains, followed through the store.

use super::live::{Live, Origin};
use crate::metrics::EpochFigures;
use crate::store::{Mark, MarkKind, Run, RunState, StepPoint};
use crate::train::{Outcome, Phase, Step, TrainConfig};

/// What has come to a followed run since the last time.
#[derive(Debug, Clone, PartialEq)]
pub struct Watched {
    pub run: Run,
    /// After the newest that was told before.
    pub steps: Vec<StepPoint>,
    /// All of them.
    pub epochs: Vec<EpochFigures>,
    pub marks: Vec<Mark>,
}

impl Live {
    /// The run as the store has it so far.
    #[must_use]
    pub fn attached(run: &Run, config: TrainConfig) -> Self {
        Self {
            run_id: Some(run.started.id.clone()),
            name: run.started.name.clone(),
            synthetic: Some(run.started.synthetic),
            origin: Origin::Other,
            phase: Phase::Preparing,
            ..Self::new(config)
        }
    }

    /// Takes in what has come since.
    pub fn watch(&mut self, watched: &Watched) {
        for point in &watched.steps {
            self.history.add_row(point);
            let mean = self.speed.map_or(point.images_per_second, |mean| 0.9 * mean + 0.1 * point.images_per_second);
            self.speed = Some(mean);
            self.step = Some(step_of(point, self.config.batch_size));
            self.learning_rate = point.learning_rate.unwrap_or(self.learning_rate);
        }
        for figures in watched.epochs.iter().skip(self.history.epochs.len()) {
            self.history.add_epoch(*figures);
        }
        self.history.best_epoch = watched.run.best_epoch;
        self.history.marks.clone_from(&watched.marks);
        self.enter(phase(&watched.marks, self.step));
        self.outcome = outcome(&watched.run);
    }
}

fn step_of(point: &StepPoint, images: usize) -> Step {
    let batches = point.batches.max(1);
    Step {
        step: point.step,
        epoch: point.epoch,
        batch: (point.step.saturating_sub(1)) % batches + 1,
        batches,
        images,
        loss: point.loss,
        accuracy: point.accuracy,
        images_per_second: point.images_per_second,
        seconds: point.seconds,
        learning_rate: point.learning_rate,
        processor: point.processor,
        memory: point.memory,
    }
}

/// What it is busy with, as far as the store tells.
fn phase(marks: &[Mark], step: Option<Step>) -> Phase {
    let last = marks.iter().rev().find(|m| matches!(m.kind, MarkKind::Pause | MarkKind::Continue | MarkKind::Resume));
    match step {
        _ if last.is_some_and(|mark| mark.kind == MarkKind::Pause) => Phase::Paused,
        Some(step) => Phase::Training { epoch: step.epoch, batch: step.batch, batches: step.batches },
        None => Phase::Preparing,
    }
}

fn outcome(run: &Run) -> Option<Outcome> {
    match run.state {
        RunState::Running => None,
        RunState::Finished => Some(Outcome::Finished { best_epoch: run.best_epoch.unwrap_or(0), test: run.test }),
        RunState::Stopped => Some(Outcome::Stopped),
        RunState::Failed => Some(Outcome::Failed(run.problem.clone().unwrap_or_else(|| "for no known reason".into()))),
        RunState::Crashed => Some(Outcome::Failed("its process died; it can go on from its last checkpoint".into())),
    }
}
