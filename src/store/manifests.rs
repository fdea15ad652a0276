//! Lists of images: one for all runs that have the same.

use rusqlite::params;

use super::Store;
use crate::error::Result;

impl Store {
    /// Keeps a list under its digest.
    ///
    /// # Errors
    /// `Store` where the file cannot be written.
    pub fn add_manifest(&self, digest: &str, list: &str) -> Result<()> {
        self.change("INSERT OR IGNORE INTO manifests (digest, list) VALUES (?1, ?2)", params![digest, list])
    }

    /// The list of that digest.
    ///
    /// # Errors
    /// `Store` where the file cannot be read.
    pub fn manifest(&self, digest: &str) -> Result<Option<String>> {
        Ok(self.read("SELECT list FROM manifests WHERE digest = ?1", [digest], |row| row.get("list"))?.pop())
    }

    /// Forgets the lists that no run has; answers how many bytes they took.
    ///
    /// # Errors
    /// `Store` where the file cannot be written.
    pub fn forget_unused_manifests(&self) -> Result<u64> {
        const UNUSED: &str =
            "FROM manifests WHERE digest NOT IN (SELECT manifest FROM runs WHERE manifest IS NOT NULL)";
        let bytes = format!("SELECT coalesce(sum(length(list)), 0) AS bytes {UNUSED}");
        let bytes = self.read(&bytes, [], |row| row.get("bytes"))?.pop().unwrap_or(0);
        self.change(&format!("DELETE {UNUSED}"), [])?;
        Ok(bytes)
    }
}
