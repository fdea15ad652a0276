//! The training loop: epochs of batches, each epoch validated and checkpointed, the best one tested at the end.

use std::ops::ControlFlow;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use candle_core::{Device, Tensor};
use candle_nn::loss::cross_entropy;
use xray_nn::weights::Head;
use xray_nn::{Adam, Inference, Network, reference, weights};

use crate::dataset::batch::{Batch, Source, order};
use crate::dataset::cache::{Cache, Progress};
use crate::dataset::random::{Purpose, stream};
use crate::dataset::split::Splits;
use crate::dataset::{Class, Dataset, Split};
use crate::error::{Error, Result};
use crate::metrics::{EpochFigures, Figures};
use crate::train::checkpoint::{self, Checkpoint, Identity, Partial, Position};
use crate::train::control::Wish;
use crate::train::evaluate::{self, Answered};
use crate::train::meter::Meter;
use crate::train::{Control, Outcome, Phase, Step, TrainConfig, TrainEvent, loader, machine};

/// What a run works on.
#[derive(Debug)]
pub struct Job<'a> {
    pub identity: Identity,
    pub dataset: &'a Dataset,
    /// Readable images only.
    pub splits: &'a Splits,
    pub cache: &'a Cache,
    /// Where the run's checkpoints lie.
    pub folder: PathBuf,
    /// Learning rates to be set after so many steps, as an earlier run was given them.
    pub rates: Vec<(usize, f64)>,
}

/// Where events go; an error from it ends the run.
pub type Emit<'a> = &'a mut dyn FnMut(TrainEvent) -> Result<()>;

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

/// A new network: the seed's weights, or `--pretrained` ones under a new head where it is to be `fresh`;
/// checked against the reference.
///
/// # Errors
/// Where the pretrained file cannot be used, or the check fails.
pub(super) fn make_network(config: &TrainConfig, fresh: bool, emit: Emit) -> Result<Network> {
    let mut rng = stream(config.seed, Purpose::Weights, [0, 0]);
    let network = Network::new(Class::ALL.len(), &mut rng, &config.engine.here())?;
    if let Some(file) = config.pretrained.as_ref().filter(|_| fresh)
        && let Head::Kept { classes_in_file } = weights::load_pretrained(&network, file)?
    {
        let text = format!("{} is for {classes_in_file} classes: the last layer starts anew", file.display());
        emit(TrainEvent::Notice(text))?;
    }
    if let Some(name) = network.broken_tensor()? {
        let problem = format!("tensor {name} holds values that are no numbers: choose another file");
        return Err(Error::BadSetting { setting: "pretrained", problem });
    }
    check_network(&network)?;
    Ok(network)
}

/// Largest difference of a logit from the reference's that rounding explains; usual is 1e-5.
pub(super) const TOLERANCE: f32 = 1e-3;

/// The self-check of every run: the network must answer as candle-transformers' ResNet-18 does with the same weights.
fn check_network(network: &Network) -> Result<()> {
    const SIDE: usize = 64;
    let values: Vec<f32> = (0..u16::MAX).take(3 * SIDE * SIDE).map(|i| (f32::from(i) * 0.37).sin()).collect();
    let image = Tensor::from_vec(values, (1, 3, SIDE, SIDE), &Device::Cpu).map_err(xray_nn::Error::from)?;
    let difference = reference::largest_difference(network, &image)?;
    if difference <= TOLERANCE {
        return Ok(());
    }
    Err(Error::SelfCheck { difference })
}

/// One step on a batch of pictures of side `size`: forward, loss, backward and, where the loss is a number, Adam.
/// Answers the mean loss and the `(B, 2)` logits.
///
/// # Errors
/// Where the batch has another shape, or the network cannot run.
pub fn step((network, adam): (&Network, &mut Adam), batch: &Batch, size: usize) -> Result<(f64, Vec<[f32; 2]>)> {
    let labels = Tensor::from_slice(&batch.labels, batch.labels.len(), &Device::Cpu);
    let logits = network.forward(&evaluate::to_tensor(batch, size)?)?;
    let loss = labels.and_then(|labels| cross_entropy(&logits, &labels)).map_err(xray_nn::Error::from)?;
    let value = f64::from(loss.to_scalar::<f32>().map_err(xray_nn::Error::from)?);
    if value.is_finite() {
        adam.step(&network.backward(&loss)?)?;
    }
    Ok((value, evaluate::pairs(&logits)?))
}

struct Trainer<'a> {
    job: &'a Job<'a>,
    control: &'a Control,
    network: Network,
    adam: Adam,
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
        let mut adam = Adam::new(network.parameters(), job.identity.config.learning_rate).with_isa(machine::isa());
        let mut at = Position::start();
        if let Some(checkpoint) = resume {
            checkpoint.restore(&network, &mut adam)?;
            at = checkpoint.position;
        }
        adam.set_learning_rate(at.learning_rate.unwrap_or(job.identity.config.learning_rate));
        let (saved, meter) = (Instant::now(), Meter::default());
        Ok(Self { job, control, network, adam, at, saved, diverged: false, meter, last_epoch: None })
    }

    fn learning_rate(&self) -> f64 {
        self.at.learning_rate.unwrap_or(self.job.identity.config.learning_rate)
    }

    /// Trains what is left; whether that was all of it, or the run is to stop after an epoch that is done.
    fn all_epochs(&mut self, emit: Emit) -> Result<bool> {
        let job = self.job;
        let config = &job.identity.config;
        while self.at.epochs_done < config.epochs {
            let epoch = self.at.epochs_done + 1;
            if self.control.last_epoch(epoch).is_some_and(|last| last < epoch) {
                emit(TrainEvent::Phase(Phase::Stopping))?;
                return Ok(false);
            }
            let images = order(&job.splits.train, config.seed, epoch);
            let batches = loader::cut(&images, config.batch_size);
            self.epoch(epoch, &batches, emit)?;
            self.validate(epoch, emit)?;
            self.tell_last_epoch(epoch, emit)?;
        }
        Ok(true)
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
            seed: config.seed,
        };
        let left = batches.get(self.at.batches_done..).unwrap_or_default().to_vec();
        std::thread::scope(|scope| {
            let made = loader::load(scope, source, left, epoch)?;
            while self.at.batches_done < batches.len() {
                self.obey(epoch, batches.len(), emit)?;
                let batch = made.recv().map_err(|_| self.lost_loader())??;
                self.batch(&batch, (epoch, batches.len()), emit)?;
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
        self.adam.set_learning_rate(learning_rate);
        self.at.learning_rate = Some(learning_rate);
        emit(TrainEvent::Rate { step: self.at.steps, learning_rate })
    }

    fn batch(&mut self, batch: &Batch, (epoch, batches): (usize, usize), emit: Emit) -> Result<()> {
        let started = Instant::now();
        let size = self.job.cache.image_size();
        let (loss, logits) = step((&self.network, &mut self.adam), batch, size)?;
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
            learning_rate: Some(self.learning_rate()),
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
        let images = self.job.splits.of(Split::Validation);
        let answers = self.answer(images, |p| Phase::Validating { epoch, done: p.done, total: p.total }, emit)?;
        let figures = EpochFigures {
            epoch,
            train: self.at.partial.figures(),
            validation: evaluate::figures(self.job.dataset, &answers),
            seconds: self.at.epoch_seconds + started.elapsed().as_secs_f64(),
            weights: Some(checkpoint::fingerprint(&self.network.state()?)?),
        };
        if self.network.broken_tensor()?.is_some() {
            self.diverged = true;
            return Err(self.not_a_number(epoch, self.at.steps));
        }
        let best = self.at.best().is_none_or(|best| figures.beats(best));
        // Asked for since the last batch: the run may stop here, and is to go on with it.
        self.take_rate(None, emit)?;
        self.finish_epoch(figures, best)?;
        emit(TrainEvent::Epoch { figures, best })?;
        if best { emit(TrainEvent::Answers { split: Split::Validation, answers }) } else { Ok(()) }
    }

    fn finish_epoch(&mut self, figures: EpochFigures, best: bool) -> Result<()> {
        self.at.history.push(figures);
        self.at.epochs_done += 1;
        self.at.batches_done = 0;
        self.at.partial = Partial::default();
        self.at.epoch_seconds = 0.0;
        if best {
            self.at.best_epoch = Some(figures.epoch);
            checkpoint::save_best(&self.job.folder, &self.job.identity, &self.at, &self.network)?;
        }
        if self.job.identity.config.keep_epochs {
            checkpoint::save_epoch(&self.job.folder, &self.job.identity, &self.at, &self.network)?;
        }
        self.save_last()
    }

    /// Whether there are batches that no checkpoint has, in a network that is sound.
    fn is_worth_saving(&self) -> bool {
        self.at.batches_done > 0 && !self.diverged
    }

    fn save_last(&mut self) -> Result<()> {
        self.saved = Instant::now();
        checkpoint::save_last(&self.job.folder, &self.job.identity, &self.at, (&self.network, &self.adam))
    }

    /// Scores the test split once, with the best epoch's weights.
    fn test(&mut self, emit: Emit) -> Result<Outcome> {
        let images = self.job.splits.of(Split::Test);
        let best_epoch = self.at.best_epoch.unwrap_or(self.at.epochs_done);
        if images.is_empty() {
            return Ok(Outcome::Finished { best_epoch, test: None });
        }
        let (_, best) = checkpoint::load_best(&self.job.folder, self.job.identity.config.engine)?;
        let (job, control) = (self.job, self.control);
        let phase = |p: Progress| Phase::Testing { done: p.done, total: p.total };
        let answers = job.answer(&best, (images, control), phase, emit)?;
        let test = Some(evaluate::figures(job.dataset, &answers));
        emit(TrainEvent::Answers { split: Split::Test, answers })?;
        Ok(Outcome::Finished { best_epoch, test })
    }

    fn answer(&self, images: &[usize], phase: impl Fn(Progress) -> Phase, emit: Emit) -> Result<Vec<Answered>> {
        self.job.answer(&self.network.inference()?, (images, self.control), phase, emit)
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

impl Job<'_> {
    /// Answers `images` with `network`, telling the phase and obeying pause and stop.
    fn answer(
        &self,
        network: &Inference,
        (images, control): (&[usize], &Control),
        phase: impl Fn(Progress) -> Phase,
        emit: Emit,
    ) -> Result<Vec<Answered>> {
        let mut heeded = Ok(());
        let mut watch = |progress: Progress| {
            heeded = heed(control, emit).and_then(|()| emit(TrainEvent::Phase(phase(progress))));
            if heeded.is_ok() { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
        };
        let answers = evaluate::answer(network, (self.dataset, self.cache), images, &mut watch);
        heeded.and(answers)
    }
}

/// Waits while the run is to pause, and answers `Cancelled` where it is to stop; tells both.
pub(super) fn heed(control: &Control, emit: Emit) -> Result<()> {
    loop {
        match control.wish() {
            Wish::Run => return Ok(()),
            Wish::Pause => {
                emit(TrainEvent::Phase(Phase::Paused))?;
                control.wait_while_paused();
            }
            Wish::Stop => {
                emit(TrainEvent::Phase(Phase::Stopping))?;
                return Err(Error::Cancelled);
            }
        }
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
