//! A run under way, as far as it has told.

use super::history::History;
use super::message::Effect;
use crate::store::{CommandKind, Mark, MarkKind};
use crate::train::{Outcome, Phase, Step, TrainConfig, TrainEvent};

/// Who trains a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// This program.
    Own,
    /// Another process, which is asked through the store.
    Other,
}

/// A run under way, from its start on.
#[derive(Debug, Clone, PartialEq)]
pub struct Live {
    pub origin: Origin,
    /// Known once it is in the store.
    pub run_id: Option<String>,
    pub name: String,
    /// Known once its data set is.
    pub synthetic: Option<bool>,
    pub config: TrainConfig,
    /// Of the steps to come.
    pub learning_rate: f64,
    pub phase: Phase,
    /// Asked for and not yet answered.
    pub asked: Option<Asked>,
    pub step: Option<Step>,
    /// Mean speed so far, images a second.
    pub speed: Option<f64>,
    pub history: History,
    pub notice: Option<String>,
    pub outcome: Option<Outcome>,
}

/// What the run was asked and has not done yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Asked {
    Pause,
    Resume,
    /// Stop when the epoch is done.
    FinishEpoch,
    Stop,
}

impl Asked {
    /// As another process is asked it.
    pub(super) const fn command(self) -> CommandKind {
        match self {
            Self::Pause => CommandKind::Pause,
            Self::Resume => CommandKind::Continue,
            Self::FinishEpoch => CommandKind::Finish,
            Self::Stop => CommandKind::Stop,
        }
    }
}

impl Live {
    pub(super) fn new(config: TrainConfig) -> Self {
        Self {
            origin: Origin::Own,
            run_id: None,
            name: String::new(),
            synthetic: None,
            learning_rate: config.learning_rate,
            history: History::new(config.epochs),
            config,
            phase: Phase::Scanning,
            asked: None,
            step: None,
            speed: None,
            notice: None,
            outcome: None,
        }
    }

    pub(super) fn command(&self, kind: CommandKind, value: Option<f64>) -> Option<Effect> {
        Some(Effect::Ask { run_id: self.run_id.clone()?, kind, value })
    }

    pub(super) fn hear(&mut self, event: TrainEvent) {
        match event {
            TrainEvent::Phase(phase) => self.enter(phase),
            TrainEvent::Step(step) => self.add(step),
            TrainEvent::Epoch { figures, best } => {
                self.history.add_epoch(figures);
                self.history.best_epoch = if best { Some(figures.epoch) } else { self.history.best_epoch };
            }
            TrainEvent::Rate { step, learning_rate } => {
                self.learning_rate = learning_rate;
                self.mark(step, MarkKind::Rate, Some(learning_rate));
                self.notice = Some(format!("from step {} on, the learning rate is {learning_rate}", step + 1));
            }
            TrainEvent::Notice(text) => self.notice = Some(text),
            TrainEvent::LastEpoch { step, epoch } => {
                self.notice = Some(format!("stops after epoch {epoch}"));
                self.mark(step, MarkKind::Finish, None);
            }
            TrainEvent::Answers { .. } => {}
            TrainEvent::Ended(outcome) => self.outcome = Some(outcome),
        }
    }

    pub(super) fn enter(&mut self, phase: Phase) {
        let answered = match self.asked {
            Some(Asked::Pause) => phase == Phase::Paused,
            Some(Asked::Resume) => phase != Phase::Paused,
            Some(Asked::Stop | Asked::FinishEpoch) | None => false,
        };
        if answered {
            self.asked = None;
        }
        let done = self.step.map_or(0, |step| step.step);
        match (self.phase, phase) {
            (Phase::Paused, Phase::Paused) => {}
            // What another process does is marked in the store.
            _ if self.origin == Origin::Other => {}
            (_, Phase::Paused) => self.mark(done, MarkKind::Pause, None),
            (_, Phase::Stopping) => self.mark(done, MarkKind::Stop, None),
            (Phase::Paused, _) => self.mark(done, MarkKind::Continue, None),
            _ => {}
        }
        self.phase = phase;
    }

    fn mark(&mut self, step: usize, kind: MarkKind, value: Option<f64>) {
        // The screen needs no time of it: that is in the store.
        self.history.marks.push(Mark { step, kind, value, note: None, at: String::new() });
    }

    fn add(&mut self, step: Step) {
        self.history.add_step(&step);
        // A running mean in which the newest tenth counts most.
        let mean = self.speed.map_or(step.images_per_second, |mean| 0.9 * mean + 0.1 * step.images_per_second);
        self.speed = Some(mean);
        self.learning_rate = step.learning_rate.unwrap_or(self.learning_rate);
        self.step = Some(step);
    }

    /// Share of the run's batches done, 0 to 1.
    #[must_use]
    pub fn progress(&self) -> f64 {
        self.step.map_or(0.0, |step| share(step.step, step.batches * self.config.epochs))
    }

    /// Share of the epoch's batches done, 0 to 1.
    #[must_use]
    pub fn epoch_progress(&self) -> f64 {
        match self.phase {
            Phase::Training { batch, batches, .. } => share(batch, batches),
            _ => self.step.map_or(0.0, |step| share(step.batch, step.batches)),
        }
    }

    /// Seconds of training left, validation and test not counted.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "counts of images stay far below 2^53")]
    pub fn seconds_left(&self) -> Option<f64> {
        let step = self.step?;
        let batches = (step.batches * self.config.epochs).saturating_sub(step.step);
        Some((batches * self.config.batch_size) as f64 / self.speed?)
    }

    /// How it ended, in a few words for somebody who is elsewhere.
    #[must_use]
    pub fn ending(&self) -> String {
        let name = if self.name.is_empty() { "the run" } else { &self.name };
        match &self.outcome {
            None => format!("{name} goes on"),
            Some(Outcome::Finished { .. }) => format!("{name} has finished"),
            Some(Outcome::Stopped) => format!("{name} was stopped"),
            Some(Outcome::Failed(problem) | Outcome::Refused(problem)) => {
                format!("{name} {}: {problem}", self.failure())
            }
        }
    }

    /// Whether it failed, or never began: the settings were wrong, or another process trains it.
    #[must_use]
    pub fn failure(&self) -> &'static str {
        if self.synthetic.is_some() { "failed" } else { "did not begin" }
    }

    #[must_use]
    pub fn is_over(&self) -> bool {
        self.outcome.is_some()
    }
}

#[expect(clippy::cast_precision_loss, reason = "counts stay far below 2^53")]
fn share(done: usize, of: usize) -> f64 {
    if of == 0 { 0.0 } else { (done as f64 / of as f64).min(1.0) }
}
