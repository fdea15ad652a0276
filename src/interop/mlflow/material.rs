//! What is read of a run to send it.

use super::clock::Clock;
use crate::dataset::Split;
use crate::error::Result;
use crate::metrics::EpochFigures;
use crate::session::manifest::Manifest;
use crate::store::{Answer, Mark, Run, RunState, StepPoint, Store};

/// A run's rows, those of its steps from some step on.
#[derive(Debug, Clone, PartialEq)]
pub struct Material {
    pub run: Run,
    pub marks: Vec<Mark>,
    pub epochs: Vec<EpochFigures>,
    pub steps: Vec<StepPoint>,
    /// Batches in an epoch; 0 where nobody knows.
    pub batches: usize,
    /// Of test images, once it has finished.
    pub test: Vec<Answer>,
    /// Of validation images, once it has finished.
    pub validation: Vec<Answer>,
    /// The parts of a cross-validation.
    pub folds: Vec<Run>,
    pub clock: Clock,
}

impl Material {
    /// Of a run, with its steps after `after`.
    ///
    /// # Errors
    /// `Store` where the database cannot be read, `Run` where the run is gone.
    pub fn gather(store: &Store, run_id: &str, after: usize) -> Result<Self> {
        let run = store.run(run_id)?;
        let (marks, epochs) = (store.marks(run_id)?, store.epochs(run_id)?);
        let first = |after| store.step_after(run_id, after).ok().flatten();
        let finished = run.state == RunState::Finished;
        let answers = |split| if finished { store.answers(run_id, split) } else { Ok(Vec::new()) };
        Ok(Self {
            clock: Clock::of(&run, (&marks, &epochs), first),
            batches: first(0).map_or(0, |point| point.batches),
            steps: store.steps_after(run_id, after)?,
            test: answers(Split::Test)?,
            validation: answers(Split::Validation)?,
            folds: if run.folds().is_some() { store.folds(run_id)? } else { Vec::new() },
            marks,
            epochs,
            run,
        })
    }

    /// The list of its images.
    ///
    /// # Errors
    /// `Store` where the database cannot be read.
    pub fn manifest(&self, store: &Store) -> Result<Option<Manifest>> {
        Manifest::of_run(store, &self.run.started)
    }
}
