//! Writes what must last of a run's events to the store, before anybody else hears of them.

use std::time::Instant;

use super::{closing, digest};
use crate::dataset::{Dataset, Probe, Split};
use crate::error::Result;
use crate::metrics::{EpochFigures, Figures, Threshold};
use crate::store::{Answer, Mark, MarkKind, RunEnd, RunState, StepPoint, Store, decide, score};
use crate::train::{Answered, Control, Job, Outcome, Phase, Step, TrainEvent, checkpoint};

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
    /// Of a run that has done so many steps.
    ///
    /// # Errors
    /// Where the run is not in the store.
    pub fn new(store: &'a Store, job: &'a Job<'a>, steps: usize) -> Result<Self> {
        let before = store.run(&job.identity.run_id)?.seconds;
        let (images, training_seconds) = (0.0, 0.0);
        Ok(Self { store, job, before, started: Instant::now(), images, training_seconds, steps, paused: false })
    }

    /// Writes what must last, and puts into the event what only the record knows: how long the run has been running.
    ///
    /// # Errors
    /// Where the store cannot be written.
    pub fn record(&mut self, event: &mut TrainEvent) -> Result<()> {
        let run = &self.job.identity.run_id;
        match event {
            TrainEvent::Step(step) => self.step(step),
            TrainEvent::Epoch { figures, best } => {
                self.store.add_epoch(run, figures, *best)?;
                self.seconds()
            }
            TrainEvent::Answers { probe, answers } => {
                if *probe == Probe::Plain(Split::Test) {
                    let images: Vec<usize> = answers.iter().map(|answered| answered.image).collect();
                    self.store.add_look(run, &digest(self.job.dataset, self.job.cache, &images))?;
                }
                if *probe == Probe::Plain(Split::Validation) {
                    // There are new best weights: what others said of other images is no answer of theirs.
                    self.store.replace_answers(run, Split::Test, &[])?;
                    self.store.replace_answers(run, Probe::Harder, &[])?;
                }
                self.store.replace_answers(run, *probe, &answers_of(self.job.dataset, *probe, answers))
            }
            TrainEvent::Phase(phase) => self.phase(*phase),
            TrainEvent::Rate { step, learning_rate } => {
                let mark = Mark { value: Some(*learning_rate), ..Mark::now(*step, MarkKind::Rate) };
                self.store.add_mark(run, &mark)
            }
            TrainEvent::LastEpoch { step, epoch } => {
                #[expect(clippy::cast_precision_loss, reason = "a count of epochs")]
                let value = Some(*epoch as f64);
                self.store.add_mark(run, &Mark { value, ..Mark::now(*step, MarkKind::Finish) })
            }
            TrainEvent::Notice(_) | TrainEvent::Ended(_) => Ok(()),
        }
    }

    /// Notes pauses and stops.
    fn phase(&mut self, phase: Phase) -> Result<()> {
        match (phase, std::mem::replace(&mut self.paused, phase == Phase::Paused)) {
            (Phase::Paused, false) => self.mark(MarkKind::Pause),
            (Phase::Stopping, _) => self.mark(MarkKind::Stop),
            (Phase::Paused, true) | (_, false) => Ok(()),
            (_, true) => self.mark(MarkKind::Continue),
        }
    }

    fn mark(&self, kind: MarkKind) -> Result<()> {
        self.store.add_mark(&self.job.identity.run_id, &Mark::now(self.steps, kind))
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
                let best = self.store.epochs(run)?.into_iter().find(|figures| figures.epoch == best_epoch);
                self.mend(best.as_ref())?;
                let config = &self.job.identity.config;
                let point = decide(config.threshold, &self.store.answers(run, config.decides_on())?);
                let test = self.test(point.threshold)?;
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
        if end.state == RunState::Finished {
            let closing = closing::fingerprint(self.store, &self.store.run(run)?)?;
            self.store.close_run(run, &closing.to_string())?;
        }
        Ok(outcome)
    }

    /// A run that died between its checkpoint and its rows lacks the best epoch's validation answers, or has those of
    /// another one: makes them again.
    fn mend(&self, best: Option<&EpochFigures>) -> Result<()> {
        let (run, config) = (&self.job.identity.run_id, &self.job.identity.config);
        let plain = score(&self.store.answers(run, Split::Validation)?, Threshold::HALF);
        let is_of_best = best.is_none_or(|best| plain == best.validation);
        if is_of_best && !self.store.answers(run, config.decides_on())?.is_empty() {
            return Ok(());
        }
        let (_, network) = checkpoint::load_best(&self.job.folder, config.engine)?;
        let plain = Probe::Plain(Split::Validation);
        let others = Some(config.decides_on()).filter(|probe| *probe != plain);
        for probe in std::iter::once(plain).chain(others) {
            let emit = &mut |_| Ok(());
            let answered = self.job.answer(&network, (probe, &Control::default()), |_| Phase::Preparing, emit)?;
            self.store.replace_answers(run, probe, &answers_of(self.job.dataset, probe, &answered))?;
        }
        Ok(())
    }

    /// What the test images scored, if there are any and the run is to look at them: `eval` may have asked them before.
    fn test(&self, threshold: Threshold) -> Result<Option<Figures>> {
        if !self.job.identity.config.asks_test() {
            return Ok(None);
        }
        let answers = self.store.answers(&self.job.identity.run_id, Split::Test)?;
        Ok((!answers.is_empty()).then(|| score(&answers, threshold)))
    }

    fn step(&mut self, step: &mut Step) -> Result<()> {
        #[expect(clippy::cast_precision_loss, reason = "a batch is far below 2^53 images")]
        let images = step.images as f64;
        self.images += images;
        self.training_seconds += images / step.images_per_second;
        self.steps = step.step;
        step.seconds = Some(self.running());
        let point = StepPoint {
            step: step.step,
            epoch: step.epoch,
            batches: step.batches,
            loss: step.loss,
            accuracy: step.accuracy,
            images_per_second: step.images_per_second,
            seconds: step.seconds,
            learning_rate: step.learning_rate,
            processor: step.processor,
            memory: step.memory,
        };
        self.store.add_steps(&self.job.identity.run_id, &[point])?;
        self.seconds()
    }

    fn seconds(&self) -> Result<()> {
        self.store.add_seconds(&self.job.identity.run_id, self.running(), self.images_per_second())
    }

    /// Seconds that the run has been running, over all its sessions.
    fn running(&self) -> f64 {
        self.before + self.started.elapsed().as_secs_f64()
    }

    fn images_per_second(&self) -> Option<f64> {
        (self.training_seconds > 0.0).then(|| self.images / self.training_seconds)
    }
}

/// What a network answered, as the store keeps it.
pub fn answers_of(dataset: &Dataset, probe: impl Into<Probe>, answered: &[Answered]) -> Vec<Answer> {
    let probe = probe.into();
    let (split, harder) = (probe.split(), probe == Probe::Harder);
    let answer = |answered: &Answered| {
        let image = &dataset.images[answered.image];
        let Answered { logits, disagreement, .. } = *answered;
        Answer { split, harder, file: image.file.clone(), truth: image.class, logits, disagreement }
    };
    answered.iter().map(answer).collect()
}
