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
use crate::dataset::{Asked, Dataset, Split};
use crate::error::{Error, Result};
use crate::metrics::ThresholdOn;

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
    /// `None` where nothing is judged by them.
    pub harder: Option<Vec<Answered>>,
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
        (asked, control): (Asked, &Control),
        phase: impl Fn(Progress) -> Phase,
        emit: Emit,
    ) -> Result<Vec<Answered>> {
        let mut heeded = Ok(());
        let mut watch = watching(control, &phase, (emit, &mut heeded));
        let (sets, images) = ((self.dataset, self.cache), self.splits.of(asked.split()));
        let look = self.identity.config.look();
        let answers = match asked {
            Asked::Plain(_) => evaluate::answer((network, look), sets, images, &mut watch),
            Asked::Harder => evaluate::answer_harder((network, look.normalisation), sets, images, &mut watch),
        };
        drop(watch);
        heeded.and(answers)
    }

    /// The answers for the validation images as they are, and made harder where the settings judge by those.
    pub(super) fn validate(
        &self,
        network: &Inference,
        control: &Control,
        phase: impl Fn(Progress) -> Phase,
        emit: Emit,
    ) -> Result<Validated> {
        let plain = self.answer(network, (Asked::Plain(Split::Validation), control), &phase, emit)?;
        let judges = self.identity.config.judges_harder();
        let harder = judges.then(|| self.answer(network, (Asked::Harder, control), &phase, emit)).transpose()?;
        Ok(Validated { plain, harder })
    }

    /// Tells what the best epoch answered, as far as it is to be kept.
    pub(super) fn tell(&self, validated: Validated, emit: Emit) -> Result<()> {
        emit(TrainEvent::Answers { asked: Asked::Plain(Split::Validation), answers: validated.plain })?;
        let kept = validated.harder.filter(|_| self.identity.config.threshold_on == ThresholdOn::Shifted);
        kept.map_or(Ok(()), |answers| emit(TrainEvent::Answers { asked: Asked::Harder, answers }))
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
