//! Runs that were trained elsewhere and brought in for comparison.

use std::collections::BTreeSet;

use rusqlite::params;
use serde::{Deserialize, Serialize};

use super::{Answer, Mark, NewRun, Run, StepPoint, Store, now, text};
use crate::dataset::Probe;
use crate::error::{Error, Result};
use crate::metrics::EpochFigures;

/// A run's best weights in its folder; `train` has the name too, which the store knows nothing of.
const WEIGHTS: &str = "best.safetensors";

/// All that the store has of a run, for another store.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Record {
    pub run: Run,
    pub epochs: Vec<EpochFigures>,
    pub steps: Vec<StepPoint>,
    pub marks: Vec<Mark>,
    pub answers: Vec<Answer>,
    /// The list of its images.
    pub manifest: Option<String>,
}

/// Where a run came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin {
    /// The MLflow server's address, without a login.
    pub uri: String,
    /// The run's id there.
    pub remote_id: String,
}

impl NewRun {
    /// What stands for the engine, the device and the data of a run that another program trained.
    pub const ELSEWHERE: &'static str = "elsewhere";

    /// Why nothing can be done with such a run that takes its settings or weights; behind its name.
    pub const FOREIGN: &'static str =
        "was trained by another program and came from MLflow: its figures are here, its weights are not";

    /// Whether another program trained it.
    #[must_use]
    pub fn is_foreign(&self) -> bool {
        self.config["engine"].as_str() == Some(Self::ELSEWHERE)
    }

    /// Refuses a run that another program trained.
    ///
    /// # Errors
    /// `Run` says what is here of it.
    pub fn refuse_foreign(&self) -> Result<()> {
        if self.is_foreign() {
            return Err(Error::Run { run: self.name.clone(), problem: Self::FOREIGN.into() });
        }
        Ok(())
    }
}

impl Store {
    /// All that is here of a run.
    ///
    /// # Errors
    /// `Store` where the file cannot be read.
    pub fn record(&self, run: Run) -> Result<Record> {
        let id = run.started.id.as_str();
        let manifest = run.started.manifest.as_deref().map(|digest| self.manifest(digest)).transpose()?.flatten();
        Ok(Record {
            epochs: self.epochs(id)?,
            steps: self.steps(id)?,
            marks: self.marks(id)?,
            answers: self.all_answers(id)?,
            manifest,
            run,
        })
    }

    /// Writes a run that was trained elsewhere, all of it or nothing.
    ///
    /// # Errors
    /// `Store` where the id is taken, the run came in before under another one, or the file cannot be written.
    pub fn import_run(&self, record: &Record, origin: &Origin) -> Result<()> {
        let transaction = self.connection.unchecked_transaction().map_err(|error| self.problem(&error))?;
        self.create_run(&record.run.started)?;
        self.change(
            "INSERT INTO pulled (run_id, uri, remote_id, at) VALUES (?1, ?2, ?3, ?4)",
            params![record.run.started.id, origin.uri, origin.remote_id, now()],
        )?;
        self.fill(record)?;
        transaction.commit().map_err(|error| self.problem(&error))
    }

    /// Within a transaction, so nothing here may begin one.
    fn fill(&self, record: &Record) -> Result<()> {
        let Record { run, epochs, steps, marks, answers, manifest } = record;
        let id = &run.started.id;
        if let (Some(digest), Some(list)) = (&run.started.manifest, manifest) {
            self.import_manifest(digest, list)?;
        }
        if let Some(checks) = &run.checks {
            self.set_checks(id, checks)?;
        }
        epochs.iter().try_for_each(|figures| self.write_epoch(id, figures))?;
        self.write_steps(id, steps)?;
        marks.iter().try_for_each(|mark| self.add_mark(id, mark))?;
        for probe in Probe::KEPT {
            self.write_answers(id, probe, answers.iter().filter(|answer| answer.probe() == probe))?;
        }
        self.settle(run)
    }

    /// Writes how the run stood where it came from.
    fn settle(&self, run: &Run) -> Result<()> {
        self.change(
            "UPDATE runs SET started_at = ?2, ended_at = ?3, state = ?4, problem = ?5, seconds = ?6, \
             images_per_second = ?7, epochs_done = ?8, best_epoch = ?9, best_val_accuracy = ?10, test = ?11, \
             operating = ?12, weights = ?13, closing = ?14, note = ?15, tags = ?16 WHERE id = ?1",
            params![
                run.started.id,
                run.started_at,
                run.ended_at,
                run.state.name(),
                run.problem,
                run.seconds,
                run.images_per_second,
                run.epochs_done,
                run.best_epoch,
                run.best_val_accuracy,
                run.test.as_ref().map(text),
                run.operating.as_ref().map(text),
                run.weights,
                run.closing,
                run.note,
                (!run.tags.is_empty()).then(|| text(&run.tags)),
            ],
        )
    }

    /// Where a run came from; `None` for one of this store's own.
    ///
    /// # Errors
    /// `Store` where the file cannot be read.
    pub fn origin(&self, run_id: &str) -> Result<Option<Origin>> {
        let origin = |row: &rusqlite::Row| Ok(Origin { uri: row.get("uri")?, remote_id: row.get("remote_id")? });
        Ok(self.read("SELECT uri, remote_id FROM pulled WHERE run_id = ?1", [run_id], origin)?.pop())
    }

    /// The ids of the runs that came from elsewhere without their weights.
    ///
    /// # Errors
    /// `Store` where the file cannot be read.
    pub fn without_weights(&self) -> Result<BTreeSet<String>> {
        let ids = self.read("SELECT run_id FROM pulled", [], |row| row.get::<_, String>("run_id"))?;
        Ok(ids.into_iter().filter(|id| !self.run_folder(id).join(WEIGHTS).exists()).collect())
    }

    /// The run that came from there, in the trash or not; `None` where it has not been brought in.
    ///
    /// # Errors
    /// `Store` where the file cannot be read.
    pub fn pulled_from(&self, origin: &Origin) -> Result<Option<Run>> {
        let sql = "SELECT run_id FROM pulled WHERE uri = ?1 AND remote_id = ?2";
        let id = |row: &rusqlite::Row| row.get::<_, String>("run_id");
        let found = self.read(sql, params![origin.uri, origin.remote_id], id)?.pop();
        found.map(|run_id| self.run(&run_id)).transpose()
    }
}
