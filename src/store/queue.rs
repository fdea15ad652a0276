//! Runs that wait for their turn.

use std::path::PathBuf;

use rusqlite::{Row, Transaction, TransactionBehavior, params};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::lock::{self, RunLock};
use super::{Store, now, rows, text};
use crate::error::{Error, Result};

/// How an entry of the queue stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum EntryState {
    /// Its run has not begun, or is to go on.
    Waiting,
    Running,
    /// Trained as far as its rung asks; on the last rung, to its end.
    Done,
    Failed,
    /// Others of its rung did better: its run stays stopped.
    Skipped,
}

impl EntryState {
    /// As the database, `--json` and every table have it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Running => "running",
            Self::Done => "done",
            Self::Failed => "failed",
            Self::Skipped => "skipped",
        }
    }
}

/// A run to be.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct NewEntry {
    /// The run's name.
    pub name: String,
    /// The data set's folder, as an absolute path.
    pub data: PathBuf,
    /// `TrainConfig` as JSON.
    pub config: Value,
    /// Which candidate of its study it is, counted from 0; others of the same number differ in their seed alone.
    pub candidate: usize,
    /// The candidate's settings, by name.
    pub settings: Vec<(String, Value)>,
    /// Epochs that it is trained for at first; `None` for all.
    pub until_epoch: Option<usize>,
}

/// An entry of the queue.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Entry {
    pub id: i64,
    /// `None` for a run by itself.
    pub study: Option<String>,
    #[serde(flatten)]
    pub new: NewEntry,
    /// Of successive halving, counted from 0.
    pub rung: usize,
    pub state: EntryState,
    /// Once it has begun, unless it was deleted.
    pub run_id: Option<String>,
    /// Why it failed.
    pub problem: Option<String>,
    /// RFC 3339, UTC.
    pub added_at: String,
    pub started_at: Option<String>,
    pub ended_at: Option<String>,
}

impl Entry {
    /// Why it cannot be tried again, of all entries of its queue: it has not failed, or its study is a rung further, and
    /// its own rung is decided. `None` where it can.
    #[must_use]
    pub fn no_retry(&self, queue: &[Self]) -> Option<&'static str> {
        let is_further = |other: &Self| self.study.is_some() && other.study == self.study && other.rung > self.rung;
        match self.state {
            EntryState::Failed if queue.iter().any(is_further) => Some("its study is a rung further"),
            EntryState::Failed => None,
            _ => Some("it has not failed"),
        }
    }
}

impl Store {
    /// The lock of whoever works through the queue, one at a time; `None` where somebody does already.
    ///
    /// # Errors
    /// `Io` where the lock's file cannot be made.
    pub fn queue_lock(&self) -> Result<Option<RunLock>> {
        RunLock::of_file(&self.queue_lock_path())
    }

    /// Whether somebody works through the queue.
    ///
    /// # Errors
    /// `Io` where the lock's file cannot be tried.
    pub fn is_queue_worked(&self) -> Result<bool> {
        lock::is_file_held(&self.queue_lock_path())
    }

    fn queue_lock_path(&self) -> PathBuf {
        let name = self.path.file_name().unwrap_or_default().to_string_lossy();
        self.path.with_file_name(format!("{name}.queue"))
    }

    /// Adds runs by themselves to the end of the queue; answers their numbers.
    ///
    /// # Errors
    /// `Store` where the file cannot be written.
    pub fn enqueue(&self, entries: &[NewEntry]) -> Result<Vec<i64>> {
        let transaction = self.connection.unchecked_transaction().map_err(|error| self.problem(&error))?;
        let ids = entries.iter().map(|entry| self.add_entry(None, entry)).collect::<Result<_>>()?;
        transaction.commit().map_err(|error| self.problem(&error))?;
        Ok(ids)
    }

    /// Adds one entry; several belong in a transaction.
    pub(super) fn add_entry(&self, study: Option<&str>, entry: &NewEntry) -> Result<i64> {
        let values = params![
            study,
            entry.candidate,
            text(&entry.settings),
            entry.name,
            entry.data.to_string_lossy(),
            entry.config.to_string(),
            entry.until_epoch,
            EntryState::Waiting.name(),
            now(),
        ];
        self.change(
            "INSERT INTO queue (study, candidate, settings, name, data, config, until_epoch, state, added_at) \
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
            values,
        )?;
        Ok(self.connection.last_insert_rowid())
    }

    /// The whole queue, in its order. What a dead process left running waits again.
    ///
    /// # Errors
    /// `Store` where the file cannot be read.
    pub fn queue(&self) -> Result<Vec<Entry>> {
        let worked = self.is_queue_worked()?;
        let mut entries = self.read("SELECT * FROM queue ORDER BY id", [], entry)?;
        for entry in entries.iter_mut().filter(|entry| !worked && entry.state == EntryState::Running) {
            entry.state = EntryState::Waiting;
        }
        Ok(entries)
    }

    /// The next entry that waits, of one study or of all.
    ///
    /// # Errors
    /// `Store` where the file cannot be read.
    pub fn next_entry(&self, study: Option<&str>) -> Result<Option<Entry>> {
        let sql = "SELECT * FROM queue WHERE state = 'waiting' AND (?1 IS NULL OR study = ?1) ORDER BY id LIMIT 1";
        Ok(self.read(sql, [study], entry)?.pop())
    }

    /// Lets what a dead process left running wait again; the queue's lock must be held. A run that had begun but was not
    /// noted yet is found by its name.
    ///
    /// # Errors
    /// `Store` where the file cannot be read or written.
    pub fn recover_queue(&self) -> Result<()> {
        self.change(
            "UPDATE queue SET run_id = (SELECT id FROM runs WHERE runs.name = queue.name \
             AND runs.started_at >= queue.started_at AND id NOT IN (SELECT run_id FROM queue WHERE run_id IS NOT NULL) \
             ORDER BY runs.started_at LIMIT 1) WHERE state = 'running' AND run_id IS NULL",
            [],
        )?;
        self.change("UPDATE queue SET state = 'waiting' WHERE state = 'running'", [])
    }

    /// Takes an entry out of those that wait; `None` where it was removed meanwhile.
    ///
    /// # Errors
    /// `Store` where the file cannot be read or written.
    pub fn begin_entry(&self, id: i64) -> Result<Option<Entry>> {
        self.change(
            "UPDATE queue SET state = 'running', problem = NULL, ended_at = NULL, started_at = coalesce(started_at, ?2) \
             WHERE id = ?1 AND state = 'waiting'",
            params![id, now()],
        )?;
        Ok(self.read("SELECT * FROM queue WHERE id = ?1 AND state = 'running'", [id], entry)?.pop())
    }

    /// Notes an entry's run.
    ///
    /// # Errors
    /// `Store` where the file cannot be written.
    pub fn set_entry_run(&self, id: i64, run_id: &str) -> Result<()> {
        self.change("UPDATE queue SET run_id = ?2 WHERE id = ?1", params![id, run_id])
    }

    /// Notes how an entry stands now.
    ///
    /// # Errors
    /// `Store` where the file cannot be written.
    pub fn end_entry(&self, id: i64, state: EntryState, problem: Option<&str>) -> Result<()> {
        let ended = (state != EntryState::Waiting).then(now);
        let sql = "UPDATE queue SET state = ?2, problem = ?3, ended_at = ?4 WHERE id = ?1";
        self.change(sql, params![id, state.name(), problem, ended])
    }

    /// Sends the survivors of a rung to the next one and lets the others be.
    ///
    /// # Errors
    /// `Store` where the file cannot be written.
    pub fn promote(
        &self,
        (survivors, losers): (&[i64], &[i64]),
        (rung, until_epoch): (usize, Option<usize>),
    ) -> Result<()> {
        let transaction = self.connection.unchecked_transaction().map_err(|error| self.problem(&error))?;
        for id in survivors {
            let sql = "UPDATE queue SET state = 'waiting', ended_at = NULL, rung = ?2, until_epoch = ?3 WHERE id = ?1";
            self.change(sql, params![id, rung, until_epoch])?;
        }
        for id in losers {
            self.change("UPDATE queue SET state = 'skipped' WHERE id = ?1", [id])?;
        }
        transaction.commit().map_err(|error| self.problem(&error))
    }

    /// Lets entries that have failed wait again, those with these numbers or, where none is given, all; answers which. One
    /// whose study is a rung further stays as it is: its rung is decided.
    ///
    /// # Errors
    /// `Store` where one of them cannot, or the file cannot be written. Then none does.
    pub fn retry_entries(&self, ids: &[i64]) -> Result<Vec<i64>> {
        let transaction = self.alone()?;
        let queue = self.queue()?;
        for id in ids {
            let why = match queue.iter().find(|entry| entry.id == *id) {
                None => Some("none has that number"),
                Some(entry) => entry.no_retry(&queue),
            };
            if let Some(why) = why {
                let problem =
                    format!("entry {id} of its queue cannot be tried again: {why}; `xray-tui queue list` shows all");
                return Err(Error::Store { path: self.path.clone(), problem });
            }
        }
        let chosen = |entry: &&Entry| ids.is_empty() || ids.contains(&entry.id);
        let failed = queue.iter().filter(chosen).filter(|entry| entry.no_retry(&queue).is_none());
        let failed: Vec<i64> = failed.map(|entry| entry.id).collect();
        for id in &failed {
            let sql = "UPDATE queue SET state = 'waiting', problem = NULL, ended_at = NULL WHERE id = ?1";
            self.change(sql, [id])?;
        }
        transaction.commit().map_err(|error| self.problem(&error))?;
        Ok(failed)
    }

    /// A transaction in which nobody else takes an entry out of those that wait: what is found waiting is.
    pub(super) fn alone(&self) -> Result<Transaction<'_>> {
        let begun = Transaction::new_unchecked(&self.connection, TransactionBehavior::Immediate);
        begun.map_err(|error| self.problem(&error))
    }

    /// Removes entries from the queue, and studies that have none left; their runs stay.
    ///
    /// # Errors
    /// `Store` where one is under way or is not there, or the file cannot be written. Then none is removed.
    pub fn remove_entries(&self, ids: &[i64]) -> Result<()> {
        let transaction = self.alone()?;
        let queue = self.queue()?;
        for id in ids {
            let refuse = |problem: String| Error::Store { path: self.path.clone(), problem };
            let found = queue.iter().find(|entry| entry.id == *id);
            let found =
                found.ok_or_else(|| refuse(format!("its queue has no entry {id}: `xray-tui queue list` shows all")))?;
            if found.state == EntryState::Running {
                let name = &found.new.name;
                return Err(refuse(format!("entry {id} is under way: `xray-tui runs stop {name}` first")));
            }
            self.change("DELETE FROM queue WHERE id = ?1", [id])?;
        }
        self.change("DELETE FROM studies WHERE name NOT IN (SELECT study FROM queue WHERE study IS NOT NULL)", [])?;
        transaction.commit().map_err(|error| self.problem(&error))
    }
}

pub(super) fn entry(row: &Row) -> rusqlite::Result<Entry> {
    Ok(Entry {
        id: row.get("id")?,
        study: row.get("study")?,
        new: NewEntry {
            name: row.get("name")?,
            data: row.get::<_, String>("data")?.into(),
            config: rows::parse(&row.get::<_, String>("config")?)?,
            candidate: row.get("candidate")?,
            settings: rows::parse(&row.get::<_, String>("settings")?)?,
            until_epoch: row.get("until_epoch")?,
        },
        rung: row.get("rung")?,
        state: rows::parse(&format!("\"{}\"", row.get::<_, String>("state")?))?,
        run_id: row.get("run_id")?,
        problem: row.get("problem")?,
        added_at: row.get("added_at")?,
        started_at: row.get("started_at")?,
        ended_at: row.get("ended_at")?,
    })
}

#[cfg(test)]
mod tests;
