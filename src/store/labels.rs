//! What its user says of a run: a name, a note, tags, a star. No seal covers it, as it may change at any time.

use rusqlite::params;

use super::{Store, text};
use crate::error::Result;

impl Store {
    /// Gives a run another name; the folds of a cross-validation, which are called after it, follow.
    ///
    /// # Errors
    /// `Run` where it is gone, `Store` where the file cannot be written.
    pub fn rename_run(&self, run_id: &str, name: &str) -> Result<()> {
        let old = self.run(run_id)?.started.name;
        let transaction = self.connection.unchecked_transaction().map_err(|error| self.problem(&error))?;
        self.change("UPDATE runs SET name = ?2 WHERE id = ?1", params![run_id, name])?;
        self.change(
            "UPDATE runs SET name = ?2 || substr(name, length(?3) + 1) \
             WHERE parent = ?1 AND substr(name, 1, length(?3) + 1) = ?3 || '/'",
            params![run_id, name, old],
        )?;
        transaction.commit().map_err(|error| self.problem(&error))
    }

    /// Keeps a note with a run, in place of the one it had.
    ///
    /// # Errors
    /// `Store` where the file cannot be written.
    pub fn set_note(&self, run_id: &str, note: Option<&str>) -> Result<()> {
        self.change("UPDATE runs SET note = ?2 WHERE id = ?1", params![run_id, note])
    }

    /// Gives a run these tags, in place of those it had.
    ///
    /// # Errors
    /// `Store` where the file cannot be written.
    pub fn set_tags(&self, run_id: &str, tags: &[String]) -> Result<()> {
        let list = (!tags.is_empty()).then(|| text(&tags));
        self.change("UPDATE runs SET tags = ?2 WHERE id = ?1", params![run_id, list])
    }

    /// Gives a run a star, or takes it away.
    ///
    /// # Errors
    /// `Store` where the file cannot be written.
    pub fn star_run(&self, run_id: &str, starred: bool) -> Result<()> {
        self.change("UPDATE runs SET star = ?2 WHERE id = ?1", params![run_id, starred])
    }
}
