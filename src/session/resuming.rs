//! How an earlier run goes on: whether it can, whether its images are still what they were, and from where.

use super::beginning::folder_lock;
use super::manifest::Manifest;
use super::{LoadedData, Session, Workplace, config_of};
use crate::dataset::split::Splits;
use crate::error::{Error, Result};
use crate::store::{Mark, MarkKind, Run, RunState, Store};
use crate::train::checkpoint::{self, Checkpoint, Identity};
use crate::train::{EngineKind, Job, Outcome, TrainEvent, machine};

/// Each picture's random numbers go by its image's place among all files.
const OTHER_FILES: &str = "something in the data folder has changed since the run began, but none of its images: where image \
                           files came or went, pictures are augmented otherwise from here on than in a run that went through";

impl Session<'_> {
    pub(super) fn resume(&self, store: &Store, run_id: &str) -> Result<Outcome> {
        let refuse = |problem: &str| Error::Run { run: run_id.to_owned(), problem: problem.to_owned() };
        // Before the lock is made beside a run that is gone.
        store.run(run_id)?;
        let (folder, _lock) = (store.run_folder(run_id), folder_lock(store, run_id)?);
        // Until the lock was ours, another one may have changed it.
        let run = store.run(run_id)?;
        if let Some(problem) = why_it_ended(store, &run)? {
            return Err(refuse(&problem));
        }
        let config = config_of(&run)?;
        let data = LoadedData::open(&self.place_of(&run), config.image_size, &mut |p| self.decoding(p))?;
        let splits = self.split(&data, &config)?;
        let split_hash = splits.hash(&data.dataset);
        if let Some(difference) = changed_images(store, &run, (&data, &splits))? {
            return Err(refuse(&format!(
                "was trained on other images than {} has now ({difference}), so it cannot go on; put them back, or start a \
                 new run",
                data.dataset.root.display()
            )));
        }
        if data.hash().is_ok_and(|hash| hash.id != run.started.data_hash) {
            self.notice(OTHER_FILES.into());
        }
        if let Some(problem) = self.lack_of_memory(&config, splits.train.len()) {
            return Err(refuse(&format!("cannot go on now: {problem}; close other programs, then resume it")));
        }
        let path = checkpoint::last_path(&folder);
        if run.epochs_done > 0 && !path.exists() {
            let problem = "is gone: put a copy back, or start a new run with the same settings".into();
            return Err(Error::Checkpoint { path, problem });
        }
        self.compare_isa(&run, config.engine);
        let checkpoint = path.exists().then(|| checkpoint::load_last(&folder)).transpose()?;
        if checkpoint.as_ref().is_some_and(|found| found.identity.run_id != run_id) {
            let problem = "belongs to another run: put this run's own back, or start a new one".into();
            return Err(Error::Checkpoint { path, problem });
        }
        if let Some(best) = checkpoint.as_ref().and_then(|found| found.position.best_epoch) {
            checkpoint::check_best(&folder, run_id, best)?;
        }
        self.restore_rows(store, run_id, checkpoint.as_ref())?;
        let identity = Identity { run_id: run_id.to_owned(), config, split_hash };
        self.tell_created(&run.started.name, &identity, run.started.synthetic);
        if run.started.manifest.is_some() && run.checks.is_none() {
            store.set_checks(run_id, &self.check(store, &run.started, (&data, &splits))?)?;
        }
        self.note_resumption(store, run_id, checkpoint.as_ref())?;
        let (dataset, cache) = (&data.dataset, &data.cache);
        let job = Job { identity, dataset, splits: &splits, cache, folder, rates: Vec::new() };
        let at = checkpoint.as_ref().map_or((0, 0), |found| (found.position.epochs_done, found.position.steps));
        let what = format!("resumed after {} whole epochs and {} steps", at.0, at.1);
        self.journal.open(&job, (&what, &run.started.name, &run.started.data_hash));
        self.train(store, &job, checkpoint)
    }

    /// Marks that it goes on, and with which learning rate: a mark of the rate may be older or newer than the checkpoint.
    fn note_resumption(&self, store: &Store, run_id: &str, checkpoint: Option<&Checkpoint>) -> Result<()> {
        let step = checkpoint.map_or(0, |found| found.position.steps);
        let set_by_hand = checkpoint.and_then(|found| found.position.learning_rate);
        if set_by_hand.is_none() {
            // What was asked for since the checkpoint never came to be.
            store.forget_rates(run_id)?;
        }
        let marked = store.marks(run_id)?.iter().rev().find(|mark| mark.kind == MarkKind::Rate).and_then(|m| m.value);
        store.add_mark(
            run_id,
            &Mark { note: Some(machine::isa().name().into()), ..Mark::now(step, MarkKind::Resume) },
        )?;
        let Some(learning_rate) = set_by_hand else { return Ok(()) };
        if marked.is_some_and(|marked| marked.to_bits() != learning_rate.to_bits()) {
            store.add_mark(run_id, &Mark { value: Some(learning_rate), ..Mark::now(step, MarkKind::Rate) })?;
        }
        self.tell(TrainEvent::Rate { step, learning_rate });
        Ok(())
    }

    /// Brings the store to where the checkpoint is: the file is written first, so the rows may lag or lead.
    fn restore_rows(&self, store: &Store, run_id: &str, checkpoint: Option<&Checkpoint>) -> Result<()> {
        let Some(Checkpoint { position, .. }) = checkpoint else {
            return store.resume_run(run_id, 0, 0);
        };
        store.resume_run(run_id, position.epochs_done, position.steps)?;
        for figures in &position.history {
            store.add_epoch(run_id, figures, Some(figures.epoch) == position.best_epoch)?;
        }
        for figures in &position.history {
            // Known to the log already.
            self.pass_on(TrainEvent::Epoch { figures: *figures, best: Some(figures.epoch) == position.best_epoch });
        }
        Ok(())
    }

    /// A run goes on with the data it began with, wherever the program was started; where they have moved, with those
    /// that the user names now, if they are the same.
    pub(super) fn place_of(&self, run: &Run) -> Workplace {
        let moved = !run.started.data.is_dir();
        let data = if moved { self.place.data.clone() } else { run.started.data.clone() };
        Workplace { data, ..self.place.clone() }
    }

    /// The same bits come from the same instructions alone; candle chooses its own.
    fn compare_isa(&self, run: &Run, engine: EngineKind) {
        let here = machine::isa().name();
        if let Some(began) =
            run.started.versions["isa"].as_str().filter(|began| *began != here && engine == EngineKind::Fast)
        {
            self.notice(format!(
                "the run began with {began} and goes on with {here}: the last digits may differ from those of a run that \
                 was not interrupted; where the processor has them, --isa {began} keeps them the same"
            ));
        }
    }
}

/// Why a run cannot go on, whatever is done; `None` where it can.
pub(super) fn why_it_ended(store: &Store, run: &Run) -> Result<Option<String>> {
    if run.trashed_at.is_some() {
        return Ok(Some("is in the trash: `xray-tui runs restore` brings it back".into()));
    }
    if let Some(origin) = store.origin(&run.started.id)? {
        return Ok(Some(format!("came from MLflow ({}): it can go on where it was trained alone", origin.uri)));
    }
    if run.state == RunState::Finished {
        return Ok(Some("is finished; start a new one, with --pretrained to begin from its weights".into()));
    }
    if run.members().is_some() {
        return Ok(Some("is an ensemble: join its members again with `xray-tui ensemble`".into()));
    }
    let is_whole = run.folds().is_some();
    Ok(is_whole.then(|| "is a cross-validation: `xray-tui cv --resume` goes on with it".into()))
}

/// What is otherwise with a run's images now, in words; `None` where nothing is.
pub(super) fn changed_images(
    store: &Store,
    run: &Run,
    (data, splits): (&LoadedData, &Splits),
) -> Result<Option<String>> {
    let digest = run.started.manifest.as_deref();
    let kept = digest.map(|digest| store.manifest(digest)).transpose()?.flatten();
    let listed = kept.as_deref().and_then(Manifest::parse);
    let difference = listed.and_then(|kept| kept.first_difference(&Manifest::of(data, splits)));
    let other_split = || (splits.hash(&data.dataset) != run.started.split_hash).then(|| "another split".to_owned());
    Ok(difference.or_else(other_split))
}
