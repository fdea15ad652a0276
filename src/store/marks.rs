//! What was done to a run while it trained, and when.

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
    /// RFC 3339, UTC.
    pub at: String,
}

impl Store {
    /// Notes what was done to a run now, after so many steps.
    ///
    /// # Errors
    /// `Store` where the file cannot be written.
    pub fn add_mark(&self, run_id: &str, step: usize, (kind, value): (MarkKind, Option<f64>)) -> Result<()> {
        let sql = "INSERT INTO marks (run_id, step, kind, value, at) VALUES (?1, ?2, ?3, ?4, ?5)";
        self.change(sql, params![run_id, step, kind.name(), value, now()])
    }

    /// What was done to a run, in order.
    ///
    /// # Errors
    /// `Store` where the file cannot be read.
    pub fn marks(&self, run_id: &str) -> Result<Vec<Mark>> {
        self.read("SELECT * FROM marks WHERE run_id = ?1 ORDER BY id", [run_id], rows::mark)
    }
}
