//! What a run works on, and what its network answers for the images.

use std::ops::ControlFlow;
use std::path::PathBuf;

use xray_nn::Inference;

use super::checkpoint::Identity;
use super::config::ClassBalance;
use super::control::Wish;
use super::evaluate::{self, Answered};
use super::{Control, Phase, TrainConfig, TrainEvent};
use crate::dataset::batch::{balanced_order, order};
use crate::dataset::cache::{Cache, Progress};
use crate::dataset::split::Splits;
use crate::dataset::{Dataset, Probe, Split};
use crate::error::{Error, Result};
use crate::metrics::{Criterion, Figures, Shifted, ThresholdOn};

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

/// An epoch's answers for the validation images.
pub(super) struct Validated {
    pub plain: Vec<Answered>,
    /// Of the images made harder; `None` where epochs are not judged by them.
    pub harder: Option<Vec<Answered>>,
}

impl Validated {
    /// What both scored, as an epoch has it.
    pub fn figures(&self, dataset: &Dataset) -> (Figures, Option<Shifted>) {
        let harder = self.harder.as_ref().map(|harder| evaluate::shifted(dataset, harder));
        (evaluate::figures(dataset, &self.plain), harder)
    }
}

/// Where events go; an error from it ends the run.
pub type Emit<'a> = &'a mut dyn FnMut(TrainEvent) -> Result<()>;

impl Job<'_> {
    /// What `network` answers, telling the phase and obeying pause and stop.
    ///
    /// # Errors
    /// `Cancelled` where the run is to stop; what the network or the cache cannot do.
    pub fn answer(
        &self,
        network: &Inference,
        (probe, control): (Probe, &Control),
        phase: impl Fn(Progress) -> Phase,
        emit: Emit,
    ) -> Result<Vec<Answered>> {
        let mut heeded = Ok(());
        let mut watch = watching(control, &phase, (emit, &mut heeded));
        let (sets, images) = ((self.dataset, self.cache), self.splits.of(probe.split()));
        let config = &self.identity.config;
        // A threshold must be chosen on what it will divide; to judge an epoch a single look is enough, and quicker.
        let harder = if config.threshold_on == ThresholdOn::Shifted { config.look() } else { config.look().single() };
        let answers = match probe {
            Probe::Plain(_) => evaluate::answer((network, config.look()), sets, images, &mut watch),
            Probe::Harder => evaluate::answer_harder((network, harder), sets, images, &mut watch),
        };
        drop(watch);
        heeded.and(answers)
    }

    /// The answers for the validation images as they are and, where epochs are judged by that, made harder.
    pub(super) fn validate(
        &self,
        network: &Inference,
        control: &Control,
        phase: impl Fn(Progress) -> Phase,
        emit: Emit,
    ) -> Result<Validated> {
        let mut ask = |probe| self.answer(network, (probe, control), &phase, emit);
        let plain = ask(Probe::Plain(Split::Validation))?;
        let judges = self.identity.config.choose_by == Criterion::Shifted;
        Ok(Validated { plain, harder: judges.then(|| ask(Probe::Harder)).transpose()? })
    }

    /// Tells what the best epoch answered, with what its threshold is to be chosen on.
    pub(super) fn tell(
        &self,
        validated: Validated,
        (network, control): (&Inference, &Control),
        phase: impl Fn(Progress) -> Phase,
        emit: Emit,
    ) -> Result<()> {
        emit(TrainEvent::Answers { probe: Probe::Plain(Split::Validation), answers: validated.plain })?;
        if self.identity.config.decides_on() != Probe::Harder {
            return Ok(());
        }
        let ask = |emit| self.answer(network, (Probe::Harder, control), phase, emit);
        let answers = validated.harder.map_or_else(|| ask(&mut *emit), Ok)?;
        emit(TrainEvent::Answers { probe: Probe::Harder, answers })
    }

    /// The images of an epoch in order.
    pub(super) fn order(&self, epoch: usize) -> Vec<usize> {
        order_of(&self.identity.config, (self.dataset, &self.splits.train), epoch)
    }
}

/// The images of an epoch in order, of those that are trained on.
pub(super) fn order_of(config: &TrainConfig, (dataset, train): (&Dataset, &[usize]), epoch: usize) -> Vec<usize> {
    match config.class_balance {
        ClassBalance::Sampling => balanced_order(dataset, train, config.seed, epoch),
        ClassBalance::None | ClassBalance::Weights => order(train, config.seed, epoch),
    }
}

/// Tells the phase and obeys pause and stop; what came of it is in `heeded`.
fn watching<'a>(
    control: &'a Control,
    phase: &'a dyn Fn(Progress) -> Phase,
    (emit, heeded): (Emit<'a>, &'a mut Result<()>),
) -> impl FnMut(Progress) -> ControlFlow<()> + 'a {
    move |progress| {
        *heeded = heed(control, emit).and_then(|()| emit(TrainEvent::Phase(phase(progress))));
        if heeded.is_ok() { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
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
