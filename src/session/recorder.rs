//! Writes what must last of a run's events to the store, before anybody else hears of them.

use std::time::Instant;

use super::digest;
use crate::dataset::{Class, Split};
use crate::error::Result;
use crate::metrics::{Figures, OperatingPoint, Threshold};
use crate::store::{Answer, MarkKind, RunEnd, RunState, StepPoint, Store, cases};
use crate::train::{Answered, Job, Outcome, Phase, Step, TrainEvent};

/// The record of one run in the making.
pub struct Recorder<'a> {
    store: &'a Store,
    job: &'a Job<'a>,
    /// Seconds of earlier sessions of this run.
    before: f64,
    started: Instant,
    images: f64,
    training_seconds: f64,
    /// Optimizer steps that are done.
    steps: usize,
    paused: bool,
}

impl<'a> Recorder<'a> {
    /// # Errors
    /// Where the run is not in the store.
    pub fn new(store: &'a Store, job: &'a Job<'a>) -> Result<Self> {
        let id = &job.identity.run_id;
        let before = store.run(id)?.seconds;
        let steps = store.steps(id)?.last().map_or(0, |point| point.step);
        let (images, training_seconds) = (0.0, 0.0);
        Ok(Self { store, job, before, started: Instant::now(), images, training_seconds, steps, paused: false })
    }

    /// # Errors
    /// Where the store cannot be written.
    pub fn record(&mut self, event: &TrainEvent) -> Result<()> {
        let run = &self.job.identity.run_id;
        match event {
            TrainEvent::Step(step) => self.step(step),
            TrainEvent::Epoch { figures, best } => {
                self.store.add_epoch(run, figures, *best)?;
                self.seconds()
            }
            TrainEvent::Answers { split, answers } => {
                if *split == Split::Test {
                    let images: Vec<usize> = answers.iter().map(|answered| answered.image).collect();
                    self.store.add_look(run, &digest(self.job.dataset, self.job.cache, &images))?;
                }
                if *split == Split::Validation {
                    // There are new best weights: what others said of the test images is no answer of theirs.
                    self.store.replace_answers(run, Split::Test, &[])?;
                }
                let answers: Vec<Answer> = answers.iter().map(|answered| self.answer(*split, answered)).collect();
                self.store.replace_answers(run, *split, &answers)
            }
            TrainEvent::Phase(phase) => self.phase(*phase),
            TrainEvent::Rate { learning_rate, .. } => self.mark(MarkKind::Rate, Some(*learning_rate)),
            TrainEvent::Notice(_) | TrainEvent::Ended(_) => Ok(()),
        }
    }

    /// Notes pauses and stops.
    fn phase(&mut self, phase: Phase) -> Result<()> {
        match (phase, std::mem::replace(&mut self.paused, phase == Phase::Paused)) {
            (Phase::Paused, false) => self.mark(MarkKind::Pause, None),
            (Phase::Stopping, _) => self.mark(MarkKind::Stop, None),
            (Phase::Paused, true) | (_, false) => Ok(()),
            (_, true) => self.mark(MarkKind::Continue, None),
        }
    }

    fn mark(&self, kind: MarkKind, value: Option<f64>) -> Result<()> {
        self.store.add_mark(&self.job.identity.run_id, self.steps, (kind, value))
    }

    /// Writes how the run ended. Answers the same, with the test figures at the threshold that its validation images
    /// give.
    ///
    /// # Errors
    /// Where the store cannot be written.
    pub fn end(&mut self, outcome: Outcome) -> Result<Outcome> {
        self.seconds()?;
        let run = &self.job.identity.run_id;
        let mut end = RunEnd { state: RunState::Stopped, problem: None, test: None, operating: None, weights: None };
        let outcome = match outcome {
            Outcome::Finished { best_epoch, .. } => {
                let validation = self.store.answers(run, Split::Validation)?;
                let point = OperatingPoint::choose(self.job.identity.config.threshold, &cases(&validation));
                let test = self.test(point.threshold)?;
                let best = self.store.epochs(run)?.into_iter().find(|figures| figures.epoch == best_epoch);
                let weights = best.and_then(|figures| figures.weights).map(|weights| weights.to_string());
                end = RunEnd { state: RunState::Finished, test, operating: Some(point), weights, ..end };
                Outcome::Finished { best_epoch, test }
            }
            Outcome::Failed(problem) => {
                end = RunEnd { state: RunState::Failed, problem: Some(problem.clone()), ..end };
                Outcome::Failed(problem)
            }
            Outcome::Stopped | Outcome::Refused(_) => outcome,
        };
        self.store.end_run(run, &end)?;
        Ok(outcome)
    }

    /// What the test images scored, if there are any.
    fn test(&self, threshold: Threshold) -> Result<Option<Figures>> {
        let answers = self.store.answers(&self.job.identity.run_id, Split::Test)?;
        let pairs = answers.iter().map(|answer| (answer.logits, answer.truth == Class::Pneumonia));
        Ok((!answers.is_empty()).then(|| Figures::at(threshold, pairs)))
    }

    fn step(&mut self, step: &Step) -> Result<()> {
        #[expect(clippy::cast_precision_loss, reason = "a batch is far below 2^53 images")]
        let images = step.images as f64;
        self.images += images;
        self.training_seconds += images / step.images_per_second;
        self.steps = step.step;
        let point = StepPoint {
            step: step.step,
            epoch: step.epoch,
            batches: step.batches,
            loss: step.loss,
            accuracy: step.accuracy,
            images_per_second: step.images_per_second,
        };
        self.store.add_steps(&self.job.identity.run_id, &[point])?;
        self.seconds()
    }

    fn seconds(&self) -> Result<()> {
        let seconds = self.before + self.started.elapsed().as_secs_f64();
        self.store.add_seconds(&self.job.identity.run_id, seconds, self.images_per_second())
    }

    fn images_per_second(&self) -> Option<f64> {
        (self.training_seconds > 0.0).then(|| self.images / self.training_seconds)
    }

    fn answer(&self, split: Split, answered: &Answered) -> Answer {
        let image = &self.job.dataset.images[answered.image];
        Answer { split, file: image.file.clone(), truth: image.class, logits: answered.logits }
    }
}
