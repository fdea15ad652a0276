//! What a run can be repeated and believed by. It is long, so it lies beside the rows that tables are made of.

use rusqlite::params;
use serde_json::Value;

use super::{Store, rows, text};
use crate::error::Result;
use crate::metrics::alarm::Checks;

impl Store {
    /// Keeps what a run ran on and from.
    ///
    /// # Errors
    /// `Store` where the file cannot be written.
    pub(super) fn set_provenance(&self, run_id: &str, provenance: &Value) -> Result<()> {
        let sql = "INSERT INTO papers (run_id, provenance) VALUES (?1, ?2) \
                   ON CONFLICT (run_id) DO UPDATE SET provenance = ?2";
        self.change(sql, params![run_id, provenance.to_string()])
    }

    /// Keeps what was found out about a run's data.
    ///
    /// # Errors
    /// `Store` where the file cannot be written.
    pub fn set_checks(&self, run_id: &str, checks: &Checks) -> Result<()> {
        let sql = "INSERT INTO papers (run_id, checks) VALUES (?1, ?2) ON CONFLICT (run_id) DO UPDATE SET checks = ?2";
        self.change(sql, params![run_id, text(checks)])
    }

    /// What was found out about these images at this size when an earlier run began here.
    ///
    /// # Errors
    /// `Store` where the file cannot be read.
    pub fn known_checks(&self, manifest: &str, image_size: usize) -> Result<Option<Checks>> {
        let sql = "SELECT checks FROM runs JOIN papers ON run_id = id \
                   WHERE manifest = ?1 AND config ->> '$.image_size' = ?2 AND checks IS NOT NULL \
                   AND id NOT IN (SELECT run_id FROM pulled) LIMIT 1";
        let found =
            self.read(sql, params![manifest, image_size], |row| rows::parse(&row.get::<_, String>("checks")?))?;
        Ok(found.into_iter().next())
    }
}
