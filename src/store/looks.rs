//! How often test images have been looked at: the more often, the less their figures are worth.

use rusqlite::params;

use super::{Store, now};
use crate::error::Result;

impl Store {
    /// Counts a look of a run's at the test images of that digest.
    ///
    /// # Errors
    /// `Store` where the file cannot be written.
    pub fn add_look(&self, run_id: &str, test_digest: &str) -> Result<()> {
        let sql = "INSERT INTO looks (test_digest, run_id, at) VALUES (?1, ?2, ?3)";
        self.change(sql, params![test_digest, run_id, now()])
    }

    /// Looks of all runs, deleted ones too, at the images that this run looked at last; `None` where it never did, or
    /// did before looks were counted.
    ///
    /// # Errors
    /// `Store` where the file cannot be read.
    pub fn looks(&self, run_id: &str) -> Result<Option<u64>> {
        let sql = "SELECT count(*) AS n FROM looks WHERE test_digest = \
                   (SELECT test_digest FROM looks WHERE run_id = ?1 ORDER BY id DESC LIMIT 1)";
        let counts: Vec<u64> = self.read(sql, [run_id], |row| row.get("n"))?;
        Ok(counts.first().copied().filter(|count| *count > 0))
    }
}
