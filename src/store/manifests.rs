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

    /// Forgets the lists that no run has.
    ///
    /// # Errors
    /// `Store` where the file cannot be written.
    pub fn forget_unused_manifests(&self) -> Result<()> {
        let used = "SELECT manifest FROM runs WHERE manifest IS NOT NULL";
        self.change(&format!("DELETE FROM manifests WHERE digest NOT IN ({used})"), [])
    }
}
