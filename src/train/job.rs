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
use crate::dataset::{Dataset, Split};
use crate::error::{Error, Result};
use crate::metrics::{Criterion, Shifted};

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

impl Job<'_> {
    /// Answers `images` with `network`, telling the phase and obeying pause and stop.
    pub(super) fn answer(
        &self,
        network: &Inference,
        (images, control): (&[usize], &Control),
        phase: impl Fn(Progress) -> Phase,
        emit: Emit,
    ) -> Result<Vec<Answered>> {
        let mut heeded = Ok(());
        let mut watch = watching(control, &phase, (emit, &mut heeded));
        let look = self.identity.config.look();
        let answers = evaluate::answer((network, look), (self.dataset, self.cache), images, &mut watch);
        drop(watch);
        heeded.and(answers)
    }

    /// Scores the validation images made harder, where epochs are judged by that.
    pub(super) fn score_shifted(
        &self,
        network: &Inference,
        control: &Control,
        phase: impl Fn(Progress) -> Phase,
        emit: Emit,
    ) -> Result<Option<Shifted>> {
        if self.identity.config.choose_by != Criterion::Shifted {
            return Ok(None);
        }
        let mut heeded = Ok(());
        let mut watch = watching(control, &phase, (emit, &mut heeded));
        let (sets, images) = ((self.dataset, self.cache), self.splits.of(Split::Validation));
        let answers = evaluate::answer_harder((network, self.identity.config.normalisation), sets, images, &mut watch);
        drop(watch);
        Ok(Some(evaluate::shifted(self.dataset, &heeded.and(answers)?)))
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
