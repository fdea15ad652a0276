//! What was done to a run while it trained, and when.

use std::collections::BTreeSet;

use rusqlite::params;
use serde::{Deserialize, Serialize};

use super::{Store, now, rows};
use crate::error::Result;

/// What was done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum MarkKind {
    /// It was let wait.
    Pause,
    /// It was let go on after a pause.
    Continue,
    /// It was stopped.
    Stop,
    /// It was asked to stop after an epoch, whose number is the value.
    Finish,
    /// It went on from its checkpoint after a stop, a failure or a crash.
    Resume,
    /// It was given another learning rate, which is the value.
    Rate,
    /// It was run again. The value is 1 where the same bits came, 0 where others did.
    Repeat,
}

impl MarkKind {
    /// As the database and `--json` have it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Pause => "pause",
            Self::Continue => "continue",
            Self::Stop => "stop",
            Self::Finish => "finish",
            Self::Resume => "resume",
            Self::Rate => "rate",
            Self::Repeat => "repeat",
        }
    }
}

/// One thing that was done to a run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Mark {
    /// Optimizer steps that were done.
    pub step: usize,
    pub kind: MarkKind,
    pub value: Option<f64>,
    /// Of a resumption, the instruction set that it went on with.
    pub note: Option<String>,
    /// RFC 3339, UTC.
    pub at: String,
}

impl Mark {
    /// Without value and note.
    #[must_use]
    pub fn now(step: usize, kind: MarkKind) -> Self {
        Self { step, kind, value: None, note: None, at: now() }
    }
}

impl Store {
    /// Notes what was done to a run.
    ///
    /// # Errors
    /// `Store` where the file cannot be written.
    pub fn add_mark(&self, run_id: &str, mark: &Mark) -> Result<()> {
        let sql = "INSERT INTO marks (run_id, step, kind, value, note, at) VALUES (?1, ?2, ?3, ?4, ?5, ?6)";
        self.change(sql, params![run_id, mark.step, mark.kind.name(), mark.value, mark.note, mark.at])
    }

    /// Takes back that a run was given another learning rate.
    ///
    /// # Errors
    /// `Store` where the file cannot be written.
    pub fn forget_rates(&self, run_id: &str) -> Result<()> {
        self.change("DELETE FROM marks WHERE run_id = ?1 AND kind = ?2", params![run_id, MarkKind::Rate.name()])
    }

    /// Ids of the runs that were given another learning rate while they trained.
    ///
    /// # Errors
    /// `Store` where the file cannot be read.
    pub fn runs_with_changed_rates(&self) -> Result<BTreeSet<String>> {
        let sql = "SELECT DISTINCT run_id FROM marks WHERE kind = ?1";
        Ok(self.read(sql, [MarkKind::Rate.name()], |row| row.get("run_id"))?.into_iter().collect())
    }

    /// What was done to a run, in order.
    ///
    /// # Errors
    /// `Store` where the file cannot be read.
    pub fn marks(&self, run_id: &str) -> Result<Vec<Mark>> {
        self.read("SELECT * FROM marks WHERE run_id = ?1 ORDER BY id", [run_id], rows::mark)
    }
}
