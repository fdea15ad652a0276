//! What other processes want of a run under way.

use rusqlite::params;
use serde::{Deserialize, Serialize};

use super::{Store, now, rows};
use crate::error::Result;

/// What a run is asked to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum CommandKind {
    /// End after this batch, resumable.
    Stop,
    /// End after this epoch, resumable.
    Finish,
    Pause,
    Continue,
    /// Take another learning rate, which is the value.
    Rate,
}

impl CommandKind {
    /// As the database and `--json` have it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Stop => "stop",
            Self::Finish => "finish",
            Self::Pause => "pause",
            Self::Continue => "continue",
            Self::Rate => "rate",
        }
    }
}

impl Store {
    /// Asks a run to do something; it looks several times a second.
    ///
    /// # Errors
    /// `Store` where the file cannot be written.
    pub fn add_command(&self, run_id: &str, kind: CommandKind, value: Option<f64>) -> Result<()> {
        let sql = "INSERT INTO commands (run_id, kind, value, at) VALUES (?1, ?2, ?3, ?4)";
        self.change(sql, params![run_id, kind.name(), value, now()])
    }

    /// What a run was asked since the last time, in order; it is forgotten.
    ///
    /// # Errors
    /// `Store` where the file cannot be read or written.
    pub fn take_commands(&self, run_id: &str) -> Result<Vec<(CommandKind, Option<f64>)>> {
        let sql = "SELECT id, kind, value FROM commands WHERE run_id = ?1 ORDER BY id";
        let asked = self.read(sql, [run_id], rows::command)?;
        for (id, ..) in &asked {
            self.change("DELETE FROM commands WHERE id = ?1", [id])?;
        }
        Ok(asked.into_iter().map(|(_, kind, value)| (kind, value)).collect())
    }
}
