//! Runs and their figures in SQLite, and the folder of their checkpoints beside it.

mod cases;
mod commands;
pub mod health;
mod images;
mod imports;
mod labels;
mod listing;
pub mod lock;
mod looks;
mod manifests;
mod marks;
mod migrations;
mod mirrors;
pub mod models;
mod network;
mod pairs;
mod papers;
mod pipelines;
mod queue;
mod records;
mod resolve;
mod rows;
mod scores;
mod steps;
mod studies;
mod trash;
mod watching;

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use rusqlite::{Connection, Params, Row, params};
use serde::Serialize;

use crate::dataset::Probe;
use crate::error::{Error, Result};
use crate::metrics::EpochFigures;
use crate::metrics::alarm::Checks;

pub use cases::{cases, decide, score, score_harder};
pub use commands::CommandKind;
pub use images::{ImageMark, MarkedImage};
pub use imports::{Origin, Record};
pub use marks::{Mark, MarkKind};
pub use migrations::APPLICATION_ID;
pub use mirrors::Mirror;
pub use models::{ModelVersion, NewVersion};
pub use pipelines::{Pipeline, PipelineState, Task, TaskName, TaskState};
pub use queue::{Entry, EntryState, NewEntry};
pub use records::{Answer, NewRun, Run, RunEnd, RunState};
pub use scores::EpochScore;
pub use steps::StepPoint;
pub use studies::{Standing, Study};

/// Where the checkpoints of a run lie: `checkpoints/<run id>` beside the database `db`.
#[must_use]
pub fn run_folder(db: &Path, run_id: &str) -> PathBuf {
    db.parent().unwrap_or(Path::new("")).join("checkpoints").join(run_id)
}

/// The database, on a connection of its own: one a thread.
#[derive(Debug)]
pub struct Store {
    connection: Connection,
    path: PathBuf,
}

impl Store {
    /// Opens the database, made with its folder where it is missing, and brings it to this program's schema.
    ///
    /// # Errors
    /// `Store` or `Io` where the file is no database, another program's, from a newer version, or cannot be written.
    pub fn open(path: &Path) -> Result<Self> {
        network::refuse(path)?;
        if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
            std::fs::create_dir_all(folder).map_err(|error| Error::io("create", folder, error))?;
        }
        let failed = |error| problem(path, &error);
        let mut connection = Connection::open(path).map_err(failed)?;
        connection.busy_timeout(Duration::from_secs(10)).map_err(failed)?;
        migrations::migrate(&mut connection, path)?;
        use_write_ahead_log(&connection).map_err(failed)?;
        connection.pragma_update(None, "synchronous", "NORMAL").map_err(failed)?;
        connection.pragma_update(None, "foreign_keys", true).map_err(failed)?;
        Ok(Self { connection, path: path.to_owned() })
    }

    /// The database file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Where the checkpoints of a run lie: `checkpoints/<run id>` beside the database.
    pub fn run_folder(&self, run_id: &str) -> PathBuf {
        run_folder(&self.path, run_id)
    }

    /// A number that changes when something was written on another connection, of this process or another one: what was
    /// read on this connection is as it was while the number stays. It costs next to nothing.
    ///
    /// # Errors
    /// `Store` where the file cannot be read.
    pub fn data_version(&self) -> Result<i64> {
        self.connection.query_row("PRAGMA data_version", [], |row| row.get(0)).map_err(|error| self.problem(&error))
    }

    /// Writes a run that starts now. Its lock must be held already, or it counts as crashed.
    ///
    /// # Errors
    /// `Store` where the file cannot be written or the id is taken.
    pub fn create_run(&self, run: &NewRun) -> Result<()> {
        let values = params![
            run.id,
            run.name,
            run.data.to_string_lossy(),
            run.synthetic,
            run.config.to_string(),
            run.seed.to_string(),
            run.git_commit,
            run.git_dirty,
            run.data_hash,
            run.split_hash,
            run.device,
            run.versions.to_string(),
            now(),
            RunState::Running.name(),
            run.parent,
            run.manifest,
        ];
        self.change(
            "INSERT INTO runs (id, name, data, synthetic, config, seed, git_commit, git_dirty, data_hash, split_hash, \
             device, versions, started_at, state, parent, manifest) \
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16)",
            values,
        )?;
        run.provenance.as_ref().map_or(Ok(()), |provenance| self.set_provenance(&run.id, provenance))
    }

    /// Writes a run that starts now, with the list of its images and what was found out about them.
    ///
    /// # Errors
    /// As [`Store::create_run`].
    pub fn begin_run(&self, run: &NewRun, (list, checks): (&str, Option<&Checks>)) -> Result<()> {
        let transaction = self.connection.unchecked_transaction().map_err(|error| self.problem(&error))?;
        if let Some(digest) = &run.manifest {
            self.add_manifest(digest, list)?;
        }
        self.create_run(run)?;
        if let Some(checks) = checks {
            self.set_checks(&run.id, checks)?;
        }
        transaction.commit().map_err(|error| self.problem(&error))
    }

    /// Makes a run running again from a checkpoint after `epoch` whole epochs and `step` steps; what came later goes.
    ///
    /// # Errors
    /// `Store` where the file cannot be written.
    pub fn resume_run(&self, run_id: &str, epoch: usize, step: usize) -> Result<()> {
        let transaction = self.connection.unchecked_transaction().map_err(|error| self.problem(&error))?;
        self.change("DELETE FROM epochs WHERE run_id = ?1 AND epoch > ?2", params![run_id, epoch])?;
        self.change("DELETE FROM steps WHERE run_id = ?1 AND step > ?2", params![run_id, step])?;
        self.change("DELETE FROM marks WHERE run_id = ?1 AND step > ?2", params![run_id, step])?;
        self.change("DELETE FROM epoch_scores WHERE run_id = ?1", [run_id])?;
        self.change(
            "UPDATE runs SET state = ?2, ended_at = NULL, problem = NULL, test = NULL, operating = NULL, \
             weights = NULL, closing = NULL, epochs_done = ?3, \
             best_epoch = CASE WHEN best_epoch <= ?3 THEN best_epoch END, \
             best_val_accuracy = CASE WHEN best_epoch <= ?3 THEN best_val_accuracy END WHERE id = ?1",
            params![run_id, RunState::Running.name(), epoch],
        )?;
        transaction.commit().map_err(|error| self.problem(&error))
    }

    /// Writes an epoch's figures; `best` ones become the run's best.
    ///
    /// # Errors
    /// `Store` where the file cannot be written.
    pub fn add_epoch(&self, run_id: &str, figures: &EpochFigures, best: bool) -> Result<()> {
        let transaction = self.connection.unchecked_transaction().map_err(|error| self.problem(&error))?;
        self.write_epoch(run_id, figures)?;
        self.change(
            "UPDATE runs SET epochs_done = max(epochs_done, ?2) WHERE id = ?1",
            params![run_id, figures.epoch],
        )?;
        if best {
            self.change(
                "UPDATE runs SET best_epoch = ?2, best_val_accuracy = ?3 WHERE id = ?1",
                params![run_id, figures.epoch, figures.validation.confusion.accuracy()],
            )?;
        }
        transaction.commit().map_err(|error| self.problem(&error))
    }

    fn write_epoch(&self, run_id: &str, figures: &EpochFigures) -> Result<()> {
        self.change(
            "INSERT OR REPLACE INTO epochs (run_id, epoch, train, validation, seconds, weights, shifted) \
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
            params![
                run_id,
                figures.epoch,
                text(&figures.train),
                text(&figures.validation),
                figures.seconds,
                figures.weights.map(|weights| weights.to_string()),
                figures.shifted.as_ref().map(text)
            ],
        )
    }

    /// Sets the time that a run has been running and, where it is known, its speed.
    ///
    /// # Errors
    /// `Store` where the file cannot be written.
    pub fn add_seconds(&self, run_id: &str, seconds: f64, images_per_second: Option<f64>) -> Result<()> {
        self.change(
            "UPDATE runs SET seconds = ?2, images_per_second = coalesce(?3, images_per_second) WHERE id = ?1",
            params![run_id, seconds, images_per_second],
        )
    }

    /// Writes a run's answers in place of those it had to the same.
    ///
    /// # Errors
    /// `Store` where the file cannot be written.
    pub fn replace_answers(&self, run_id: &str, probe: impl Into<Probe>, answers: &[Answer]) -> Result<()> {
        let probe = probe.into();
        let transaction = self.connection.unchecked_transaction().map_err(|error| self.problem(&error))?;
        self.change("DELETE FROM answers WHERE run_id = ?1 AND split = ?2", params![run_id, probe.name()])?;
        self.write_answers(run_id, probe, answers)?;
        transaction.commit().map_err(|error| self.problem(&error))
    }

    fn write_answers<'a>(
        &self,
        run_id: &str,
        probe: Probe,
        answers: impl IntoIterator<Item = &'a Answer>,
    ) -> Result<()> {
        for (place, answer) in answers.into_iter().enumerate() {
            self.change(
                "INSERT INTO answers (run_id, split, place, file, truth, logits, disagreement) \
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
                params![
                    run_id,
                    probe.name(),
                    place,
                    answer.file,
                    answer.truth.name(),
                    rows::logits_bytes(answer.logits),
                    answer.disagreement
                ],
            )?;
        }
        Ok(())
    }

    /// Writes how a run ended.
    ///
    /// # Errors
    /// `Store` where the file cannot be written.
    pub fn end_run(&self, run_id: &str, end: &RunEnd) -> Result<()> {
        let (test, operating) = (end.test.as_ref().map(text), end.operating.as_ref().map(text));
        self.change(
            "UPDATE runs SET state = ?2, problem = ?3, test = ?4, operating = ?5, weights = ?6, ended_at = ?7 WHERE id = ?1",
            params![run_id, end.state.name(), end.problem, test, operating, end.weights, now()],
        )
    }

    /// Keeps the fingerprint of all that is stored of a finished run.
    ///
    /// # Errors
    /// `Store` where the file cannot be written.
    pub fn close_run(&self, run_id: &str, closing: &str) -> Result<()> {
        self.change("UPDATE runs SET closing = ?2 WHERE id = ?1", params![run_id, closing])
    }

    /// A run's epochs in order.
    ///
    /// # Errors
    /// `Store` where the file cannot be read.
    pub fn epochs(&self, run_id: &str) -> Result<Vec<EpochFigures>> {
        self.read("SELECT * FROM epochs WHERE run_id = ?1 ORDER BY epoch", [run_id], rows::epoch)
    }

    /// A run's answers for a split, in the split's order, or for its validation images made harder.
    ///
    /// # Errors
    /// `Store` where the file cannot be read.
    pub fn answers(&self, run_id: &str, probe: impl Into<Probe>) -> Result<Vec<Answer>> {
        let sql = "SELECT * FROM answers WHERE run_id = ?1 AND split = ?2 ORDER BY place";
        self.read(sql, params![run_id, probe.into().name()], rows::answer)
    }

    /// All answers that a run has.
    ///
    /// # Errors
    /// `Store` where the file cannot be read.
    pub fn all_answers(&self, run_id: &str) -> Result<Vec<Answer>> {
        let kept = Probe::KEPT.map(|probe| self.answers(run_id, probe));
        Ok(kept.into_iter().collect::<Result<Vec<_>>>()?.concat())
    }

    fn change(&self, sql: &str, values: impl Params) -> Result<()> {
        let mut statement = self.connection.prepare_cached(sql).map_err(|error| self.problem(&error))?;
        statement.execute(values).map(|_| ()).map_err(|error| self.problem(&error))
    }

    fn read<T>(
        &self,
        sql: &str,
        values: impl Params,
        record: impl FnMut(&Row) -> rusqlite::Result<T>,
    ) -> Result<Vec<T>> {
        let mut statement = self.connection.prepare_cached(sql).map_err(|error| self.problem(&error))?;
        let records = statement.query_map(values, record).and_then(Iterator::collect);
        records.map_err(|error| self.problem(&error))
    }

    fn problem(&self, error: &rusqlite::Error) -> Error {
        problem(&self.path, error)
    }
}

/// SQLite's error in words for the user.
fn problem(path: &Path, error: &rusqlite::Error) -> Error {
    use rusqlite::ErrorCode::{CannotOpen, DatabaseBusy, DatabaseCorrupt, DiskFull, NotADatabase, ReadOnly};
    let problem = match error.sqlite_error_code() {
        Some(NotADatabase) => "is no database; name another file with --db".to_owned(),
        Some(DatabaseCorrupt) => format!("is damaged ({error}); restore a copy, or name another file with --db"),
        Some(DiskFull) => "cannot grow, the disk is full; free some space and try again".to_owned(),
        Some(ReadOnly) => "cannot be written; check its rights and its folder's, or name another with --db".to_owned(),
        Some(CannotOpen) => "cannot be opened; check that its folder may be written, or name another with --db".into(),
        Some(DatabaseBusy) => "is in use by another program for more than 10 seconds; try again".to_owned(),
        _ => match error {
            // A value that this program never wrote: what is wrong with it says more than where the conversion failed.
            rusqlite::Error::FromSqlConversionFailure(_, _, inner) => inner.to_string(),
            other => other.to_string(),
        },
    };
    Error::Store { path: path.to_owned(), problem }
}

/// Readers and one writer at once. SQLite does not wait by itself for another process that switches at the same moment.
fn use_write_ahead_log(connection: &Connection) -> rusqlite::Result<()> {
    const PATIENCE: Duration = Duration::from_secs(10);
    let started = Instant::now();
    loop {
        match connection.pragma_update(None, "journal_mode", "WAL") {
            Err(error) if is_busy(&error) && started.elapsed() < PATIENCE => {
                std::thread::sleep(Duration::from_millis(10));
            }
            done => return done,
        }
    }
}

fn is_busy(error: &rusqlite::Error) -> bool {
    error.sqlite_error_code() == Some(rusqlite::ErrorCode::DatabaseBusy)
}

/// RFC 3339, UTC, milliseconds.
#[must_use]
pub fn now() -> String {
    format!("{:.3}", jiff::Timestamp::now())
}

fn text(record: &impl Serialize) -> String {
    serde_json::json!(record).to_string()
}

#[cfg(test)]
mod tests;
