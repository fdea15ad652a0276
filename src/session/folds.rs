//! Cross-validation: a run that has parts, each of them a run of its own.
//!
//! Each part is scored once, by a network that was trained and validated on the other parts: its epoch and threshold
//! are chosen without the images that it is scored on. The test images are not looked at.

use super::beginning::{Beginning, folder_lock, new_run, next_name, with_weights};
use super::labels::check_name;
use super::learned::Learned;
use super::manifest::Manifest;
use super::{LoadedData, Start, Workplace, config_of, marked};
use crate::dataset::cache::Progress;
use crate::dataset::split::Fold;
use crate::error::{Error, Result};
use crate::store::lock::RunLock;
use crate::store::{Run, RunEnd, RunState, Store};
use crate::train::TrainConfig;

/// A cross-validation under way; its lock is held as long as this lives.
#[derive(Debug)]
pub struct CrossValidation {
    pub run_id: String,
    config: TrainConfig,
    folds: usize,
    _lock: RunLock,
}

impl CrossValidation {
    /// Begins one of `folds` parts.
    ///
    /// # Errors
    /// Where settings or data do not allow it.
    pub fn begin(
        place: &Workplace,
        store: &Store,
        (name, config, folds): (Option<String>, &TrainConfig, usize),
        watch: &mut dyn FnMut(Progress) -> std::ops::ControlFlow<()>,
    ) -> Result<Self> {
        let config = TrainConfig { fold: Some(Fold { number: 1, of: folds }), ..with_weights(place, config)? };
        config.validate()?;
        check_name(name.as_deref())?;
        let data = LoadedData::open(place, config.image_size, watch)?;
        let config = TrainConfig { fold: None, ..marked::settle(store, &data, &config)? };
        let learned = Learned::of(store, &config)?;
        for number in 1..=folds {
            check(&learned, (&data, &config), Fold { number, of: folds })?;
        }
        let splits = data.splits(&config);
        let manifest = Manifest::of(&data, &splits);
        let name = name.map_or_else(|| Ok(next_name(&store.names()?, "cv")), Ok::<_, Error>)?;
        let beginning = Beginning { name: Some(name), folds: Some(folds), ..(&config).into() };
        let run = new_run(store, (&data, &splits, &manifest), &beginning)?;
        let lock = folder_lock(store, &run.id)?;
        store.begin_run(&run, (&manifest.text(), None))?;
        Ok(Self { run_id: run.id, config, folds, _lock: lock })
    }

    /// Goes on with one that was stopped or crashed.
    ///
    /// # Errors
    /// `Run` where it is none, is finished, or is under way.
    pub fn resume(store: &Store, run: &Run) -> Result<Self> {
        let refuse = |problem: &str| Error::Run { run: run.started.name.clone(), problem: problem.to_owned() };
        let folds =
            run.folds().ok_or_else(|| refuse("is no cross-validation: `xray-tui train --resume` goes on with it"))?;
        // Before the lock is made beside a run that is gone.
        store.run(&run.started.id)?;
        let lock = folder_lock(store, &run.started.id)?;
        // Until the lock was ours, another one may have finished it or thrown it away.
        let run = &store.run(&run.started.id)?;
        if run.trashed_at.is_some() {
            return Err(refuse("is in the trash: `xray-tui runs restore` brings it back"));
        }
        if is_complete(store, run, folds)? {
            return Err(refuse("is finished; `xray-tui runs show` has its figures"));
        }
        let config = config_of(run)?;
        store.resume_run(&run.started.id, 0, 0)?;
        Ok(Self { run_id: run.started.id.clone(), config, folds, _lock: lock })
    }

    /// What is to be done next; `None` when every part is finished.
    ///
    /// # Errors
    /// `Store` where the file cannot be read.
    pub fn next(&self, store: &Store) -> Result<Option<Start>> {
        let done = store.folds(&self.run_id)?;
        for number in 1..=self.folds {
            match done.iter().find(|run| number_of(run) == Some(number)) {
                Some(run) if run.state == RunState::Finished => {}
                Some(run) => return Ok(Some(Start::Resume { run_id: run.started.id.clone() })),
                None => {
                    let fold = Some(Fold { number, of: self.folds });
                    let config = Box::new(TrainConfig { fold, ..self.config.clone() });
                    return Ok(Some(Start::Fold { parent: self.run_id.clone(), config }));
                }
            }
        }
        Ok(None)
    }

    /// Writes how it ended.
    ///
    /// # Errors
    /// `Store` where the file cannot be written.
    pub fn end(&self, store: &Store, (state, problem): (RunState, Option<String>)) -> Result<()> {
        let seconds = store.folds(&self.run_id)?.iter().map(|fold| fold.seconds).sum();
        store.add_seconds(&self.run_id, seconds, None)?;
        store.end_run(&self.run_id, &RunEnd { state, problem, test: None, operating: None, weights: None })
    }
}

/// Whether it is finished and none of its folds was deleted since.
fn is_complete(store: &Store, run: &Run, folds: usize) -> Result<bool> {
    let finished = store.folds(&run.started.id)?.iter().filter(|fold| fold.state == RunState::Finished).count();
    Ok(run.state == RunState::Finished && finished >= folds)
}

/// Which part a fold is, counted from 1.
#[must_use]
pub fn number_of(run: &Run) -> Option<usize> {
    config_of(run).ok()?.fold.map(|fold| fold.number)
}

/// Every part must have images of both classes, and leave both to train on.
fn check(learned: &Learned, (data, config): (&LoadedData, &TrainConfig), fold: Fold) -> Result<()> {
    let config = TrainConfig { fold: Some(fold), ..config.clone() };
    let splits = data.splits(&config);
    let few = |what: &str| {
        let number = fold.number;
        let problem = format!("part {number} would {what}: there are too few patients; choose fewer");
        Err(Error::BadSetting { setting: "folds", problem })
    };
    match marked::check_trainable(data, &splits, &config) {
        Err(error @ Error::BadSetting { .. }) => return Err(error),
        Err(_) => return few("leave too few to train and validate on"),
        Ok(()) => {}
    }
    learned.check(data, &splits)?;
    let has = |class| splits.test.iter().any(|&image| data.dataset.images[image].class == class);
    if crate::dataset::Class::ALL.into_iter().all(has) {
        return Ok(());
    }
    few("have images of one class alone")
}
