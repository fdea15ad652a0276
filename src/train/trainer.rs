//! The training loop: epochs of batches, each epoch validated and checkpointed, the best one tested at the end.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use candle_core::Tensor;
use xray_nn::{Adam, Average, Inference, Network};

use super::checkpoint::{self, Checkpoint, Partial, Position};
use super::job::{Emit, Job, heed};
use super::meter::Meter;
use super::objective::Objective;
use super::step::{Aim, make_network, step};
use super::{Control, Outcome, Phase, Step, TrainEvent, evaluate, loader, machine, schedule};
use crate::dataset::batch::{Batch, Source};
use crate::dataset::cache::Progress;
use crate::dataset::{Probe, Split};
use crate::error::{Error, Result};
use crate::metrics::{EpochFigures, Figures};

/// A network's tensors by torchvision's names.
type State = BTreeMap<String, Tensor>;

/// Trains `job` from `resume` or from the start, until it is done or `control` says stop.
/// Everything up to the last whole batch is in the checkpoint when this returns `Stopped`.
///
/// # Errors
/// A loss that is no number, a checkpoint that cannot be written, a network that cannot be made; what `emit` answers.
pub fn train(job: &Job, resume: Option<Checkpoint>, control: &Control, emit: Emit) -> Result<Outcome> {
    emit(TrainEvent::Phase(Phase::Preparing))?;
    let network = make_network(&job.identity.config, resume.is_none(), emit)?;
    let mut run = Trainer::new(job, control, network, resume)?;
    match run.all_epochs(emit).and_then(|whole| if whole { run.test(emit) } else { Ok(Outcome::Stopped) }) {
        Err(Error::Cancelled) => {
            run.save_last()?;
            Ok(Outcome::Stopped)
        }
        Err(error) if run.is_worth_saving() => {
            if let Err(second) = run.save_last() {
                // The first error is the one that the run ends with, whether or not this can be told.
                let _ = emit(TrainEvent::Notice(format!("what was done since the last checkpoint is lost: {second}")));
            }
            Err(error)
        }
        other => other,
    }
}

/// A run whose process dies loses no more than this and a batch.
const BETWEEN_SAVES: Duration = Duration::from_mins(5);

struct Trainer<'a> {
    job: &'a Job<'a>,
    control: &'a Control,
    network: Network,
    adam: Adam,
    aim: Aim,
    /// The averaged weights, where they are what is scored.
    average: Option<Average>,
    at: Position,
    /// When the last checkpoint was written.
    saved: Instant,
    /// The loss was no number: the network is no good any more.
    diverged: bool,
    meter: Meter,
    /// The epoch that it was asked to stop after, as far as that was told.
    last_epoch: Option<usize>,
}

impl<'a> Trainer<'a> {
    fn new(job: &'a Job<'a>, control: &'a Control, network: Network, resume: Option<Checkpoint>) -> Result<Self> {
        let config = &job.identity.config;
        let adam = Adam::new(network.parameters(), config.learning_rate).with_isa(machine::isa());
        let mut adam = adam.with_weight_decay(config.weight_decay);
        let mut average = if config.averaging > 0.0 { Some(Average::new(&network)?) } else { None };
        let mut at = Position::start();
        if let Some(checkpoint) = resume {
            checkpoint.restore(&network, &mut adam, average.as_mut())?;
            at = checkpoint.position;
        }
        let objective = Objective::of(config, job.dataset, &job.splits.train);
        let aim = Aim { objective, clip_norm: config.clip_norm };
        let (saved, meter) = (Instant::now(), Meter::default());
        Ok(Self { job, control, network, adam, aim, average, at, saved, diverged: false, meter, last_epoch: None })
    }

    /// Of the next step, with `batches` an epoch: the one that was set by hand, else the schedule's.
    fn learning_rate(&self, batches: usize) -> f64 {
        let config = &self.job.identity.config;
        self.at.learning_rate.unwrap_or_else(|| schedule::rate(config, (self.at.steps, batches), &self.at.history))
    }

    /// Trains what is left; whether that was all of it, or the run is to stop after an epoch that is done.
    fn all_epochs(&mut self, emit: Emit) -> Result<bool> {
        let job = self.job;
        let config = &job.identity.config;
        while self.at.epochs_done < config.epochs && !self.has_ended_early() {
            let epoch = self.at.epochs_done + 1;
            if self.control.last_epoch(epoch).is_some_and(|last| last < epoch) {
                emit(TrainEvent::Phase(Phase::Stopping))?;
                return Ok(false);
            }
            let images = job.order(epoch);
            let batches = loader::cut(&images, config.batch_size);
            self.epoch(epoch, &batches, emit)?;
            self.validate(epoch, emit)?;
            self.tell_last_epoch(epoch, emit)?;
        }
        Ok(true)
    }

    fn has_ended_early(&self) -> bool {
        schedule::ends_early(&self.job.identity.config, self.at.best_epoch, self.at.epochs_done)
    }

    /// Says, once, after which epoch the run was asked to stop, while `epoch` is under way.
    fn tell_last_epoch(&mut self, epoch: usize, emit: Emit) -> Result<()> {
        let last = self.control.last_epoch(epoch);
        match last.filter(|_| last != std::mem::replace(&mut self.last_epoch, last)) {
            Some(epoch) => emit(TrainEvent::LastEpoch { step: self.at.steps, epoch }),
            None => Ok(()),
        }
    }

    /// The batches of `epoch` that are not done yet.
    fn epoch(&mut self, epoch: usize, batches: &[&[usize]], emit: Emit) -> Result<()> {
        let config = &self.job.identity.config;
        let source = Source {
            dataset: self.job.dataset,
            cache: self.job.cache,
            augmentation: config.augmentation,
            normalisation: config.normalisation,
            size: schedule::image_size(config, epoch),
            seed: config.seed,
        };
        let left = batches.get(self.at.batches_done..).unwrap_or_default().to_vec();
        std::thread::scope(|scope| {
            let made = loader::load(scope, source, left, epoch)?;
            while self.at.batches_done < batches.len() {
                self.obey(epoch, batches.len(), emit)?;
                let batch = made.recv().map_err(|_| self.lost_loader())??;
                self.batch((&batch, source.size), (epoch, batches.len()), emit)?;
            }
            Ok(())
        })
    }

    /// Obeys the control, then says where the run is.
    fn obey(&mut self, epoch: usize, batches: usize, emit: Emit) -> Result<()> {
        heed(self.control, emit)?;
        self.tell_last_epoch(epoch, emit)?;
        let step = self.at.steps;
        let planned = self.job.rates.iter().rev().find(|(after, _)| *after == step).map(|(_, rate)| *rate);
        self.take_rate(planned, emit)?;
        emit(TrainEvent::Phase(Phase::Training { epoch, batch: self.at.batches_done, batches }))
    }

    /// Takes the learning rate that the user asked for, or else the planned one, for the batches that follow.
    fn take_rate(&mut self, planned: Option<f64>, emit: Emit) -> Result<()> {
        let Some(learning_rate) = self.control.take_learning_rate().or(planned) else { return Ok(()) };
        self.at.learning_rate = Some(learning_rate);
        emit(TrainEvent::Rate { step: self.at.steps, learning_rate })
    }

    fn batch(&mut self, (batch, size): (&Batch, usize), (epoch, batches): (usize, usize), emit: Emit) -> Result<()> {
        let started = Instant::now();
        let learning_rate = self.learning_rate(batches);
        self.adam.set_learning_rate(learning_rate);
        let (loss, logits) = step((&self.network, &mut self.adam), (batch, size), self.aim)?;
        if let Some(average) = &mut self.average {
            average.follow(&self.network, self.job.identity.config.averaging)?;
        }
        let seconds = started.elapsed().as_secs_f64();
        let step = self.at.steps + 1;
        if !loss.is_finite() {
            self.diverged = true;
            return Err(self.not_a_number(epoch, step));
        }
        let figures = Figures::of(logits.into_iter().zip(batch.labels.iter().map(|&label| label == 1)));
        self.count(figures, seconds);
        if self.saved.elapsed() >= BETWEEN_SAVES {
            self.save_last()?;
        }
        emit(TrainEvent::Step(Step {
            step,
            epoch,
            batch: self.at.batches_done,
            batches,
            images: batch.labels.len(),
            loss,
            accuracy: figures.confusion.accuracy().unwrap_or_default(),
            images_per_second: count(batch.labels.len()) / seconds,
            seconds: None,
            learning_rate: Some(learning_rate),
            processor: self.meter.look(),
            memory: machine::resident_bytes(),
        }))
    }

    fn count(&mut self, batch: Figures, seconds: f64) {
        let partial = &mut self.at.partial;
        partial.loss_sum += batch.loss.unwrap_or_default() * count_u64(batch.confusion.total());
        partial.confusion = partial.confusion + batch.confusion;
        self.at.steps += 1;
        self.at.batches_done += 1;
        self.at.epoch_seconds += seconds;
    }

    /// Scores the validation split, notes the epoch, and writes both checkpoints.
    fn validate(&mut self, epoch: usize, emit: Emit) -> Result<()> {
        let started = Instant::now();
        let state = self.scored_state()?;
        let config = &self.job.identity.config;
        let network = Inference::new(&state, &config.engine.here())?;
        let phase = |p: Progress| Phase::Validating { epoch, done: p.done, total: p.total };
        let validated = self.job.validate(&network, self.control, phase, emit)?;
        let (validation, shifted) = validated.figures(self.job.dataset);
        let figures = EpochFigures {
            epoch,
            train: self.at.partial.figures(),
            validation,
            seconds: self.at.epoch_seconds + started.elapsed().as_secs_f64(),
            shifted,
            weights: Some(checkpoint::fingerprint(&state)?),
        };
        if self.network.broken_tensor()?.is_some() {
            self.diverged = true;
            return Err(self.not_a_number(epoch, self.at.steps));
        }
        let best = self.at.best().is_none_or(|best| figures.beats(best, config.choose_by));
        // Asked for since the last batch: the run may stop here, and is to go on with it.
        self.take_rate(None, emit)?;
        self.finish_epoch(figures, best, &state)?;
        emit(TrainEvent::Epoch { figures, best })?;
        if best { self.job.tell(validated, (&network, self.control), phase, emit) } else { Ok(()) }
    }

    fn finish_epoch(&mut self, figures: EpochFigures, best: bool, state: &State) -> Result<()> {
        self.at.history.push(figures);
        self.at.epochs_done += 1;
        self.at.batches_done = 0;
        self.at.partial = Partial::default();
        self.at.epoch_seconds = 0.0;
        if best {
            self.at.best_epoch = Some(figures.epoch);
            checkpoint::save_best(&self.job.folder, &self.job.identity, &self.at, state)?;
        }
        if self.job.identity.config.keep_epochs {
            checkpoint::save_epoch(&self.job.folder, &self.job.identity, &self.at, state)?;
        }
        self.save_last()
    }

    /// Whether there are batches that no checkpoint has, in a network that is sound.
    fn is_worth_saving(&self) -> bool {
        self.at.batches_done > 0 && !self.diverged
    }

    fn save_last(&mut self) -> Result<()> {
        self.saved = Instant::now();
        let learning =
            checkpoint::Learning { network: &self.network, adam: &self.adam, average: self.average.as_ref() };
        checkpoint::save_last(&self.job.folder, &self.job.identity, &self.at, &learning)
    }

    /// Scores the test split once, with the best epoch's weights.
    fn test(&mut self, emit: Emit) -> Result<Outcome> {
        let probe = Probe::Plain(Split::Test);
        let best_epoch = self.at.best_epoch.unwrap_or(self.at.epochs_done);
        let config = &self.job.identity.config;
        if self.job.splits.of(Split::Test).is_empty() || !config.asks_test() {
            return Ok(Outcome::Finished { best_epoch, test: None });
        }
        let (_, best) = checkpoint::load_best(&self.job.folder, self.job.identity.config.engine)?;
        let (job, control) = (self.job, self.control);
        let phase = |p: Progress| Phase::Testing { done: p.done, total: p.total };
        let answers = job.answer(&best, (probe, control), phase, emit)?;
        let test = Some(evaluate::figures(job.dataset, &answers));
        emit(TrainEvent::Answers { probe, answers })?;
        Ok(Outcome::Finished { best_epoch, test })
    }

    /// The weights that are scored and kept: the averaged ones where there are any.
    fn scored_state(&self) -> Result<State> {
        let state = self.average.as_ref().map_or_else(|| self.network.state(), Average::state);
        Ok(state?)
    }

    fn not_a_number(&self, epoch: usize, step: usize) -> Error {
        let config = &self.job.identity.config;
        let kept = self.at.best_epoch.map_or("no epoch was done".to_owned(), |best| {
            format!("the best checkpoint so far, epoch {best}, is kept in {}", self.job.folder.display())
        });
        Error::Run {
            run: self.job.identity.run_id.clone(),
            problem: format!(
                "loss or weights are no numbers any more at epoch {epoch}, step {step}: train again with a learning rate below {}; {kept}",
                config.learning_rate
            ),
        }
    }

    fn lost_loader(&self) -> Error {
        Error::Run { run: self.job.identity.run_id.clone(), problem: "the loader thread died; see the log".into() }
    }
}

#[expect(clippy::cast_precision_loss, reason = "counts of images stay far below 2^53")]
fn count(n: usize) -> f64 {
    n as f64
}

#[expect(clippy::cast_precision_loss, reason = "counts of images stay far below 2^53")]
fn count_u64(n: u64) -> f64 {
    n as f64
}
