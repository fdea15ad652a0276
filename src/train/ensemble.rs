//! The networks of several runs as one, scored as the only epoch of a run of its own.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Instant;

use candle_core::Tensor;
use xray_nn::{Inference, ensemble};

use super::checkpoint::{self, Position};
use super::job::{Emit, Job};
use super::{Control, Outcome, Phase, TrainEvent, evaluate};
use crate::dataset::cache::Progress;
use crate::dataset::{Probe, Split};
use crate::error::{Error, Result};
use crate::metrics::{EpochFigures, Figures};

/// A member: the folder with its weights, and their fingerprint where it is known.
pub type Member<'a> = (&'a Path, Option<&'a str>);

/// Joins the best weights of `members`, scores them on the job's validation images and, where its settings have it so, on
/// the test images, and writes them as the job's best.
///
/// # Errors
/// Where a member has no weights or others than it ended with; what the network, the cache or `emit` cannot do.
pub fn assemble(job: &Job, members: &[Member], control: &Control, emit: Emit) -> Result<Outcome> {
    let config = &job.identity.config;
    let started = Instant::now();
    let states = members.iter().map(weights).collect::<Result<Vec<_>>>()?;
    let state = ensemble::join(&states);
    let network = Inference::new(&state, &config.engine.here())?;
    let validating = |p: Progress| Phase::Validating { epoch: 1, done: p.done, total: p.total };
    let validated = job.validate(&network, control, validating, emit)?;
    let (validation, shifted) = validated.figures(job.dataset);
    let figures = EpochFigures {
        epoch: 1,
        train: Figures::default(),
        validation,
        seconds: started.elapsed().as_secs_f64(),
        shifted,
        weights: Some(checkpoint::fingerprint(&state)?),
    };
    let position = Position { epochs_done: 1, history: vec![figures], best_epoch: Some(1), ..Position::start() };
    checkpoint::save_best(&job.folder, &job.identity, &position, &state)?;
    emit(TrainEvent::Epoch { figures, best: true })?;
    job.tell(validated, (&network, control), validating, emit)?;
    let mut test = None;
    if config.asks_test() && !job.splits.test.is_empty() {
        let (probe, testing) =
            (Probe::Plain(Split::Test), |p: Progress| Phase::Testing { done: p.done, total: p.total });
        let answers = job.answer(&network, (probe, control), testing, emit)?;
        test = Some(evaluate::figures(job.dataset, &answers));
        emit(TrainEvent::Answers { probe, answers })?;
    }
    Ok(Outcome::Finished { best_epoch: 1, test })
}

fn weights((folder, known): &Member) -> Result<BTreeMap<String, Tensor>> {
    let (state, _, found) = checkpoint::best_state(folder)?;
    if known.is_some_and(|known| known != found.to_string()) {
        let problem = "holds other weights than its run ended with: put the run's own back".to_owned();
        return Err(Error::Checkpoint { path: checkpoint::best_path(folder), problem });
    }
    Ok(state)
}
