//! Lists of images: one for all runs that have the same.

use rusqlite::params;

use super::Store;
use crate::error::Result;
use crate::metrics::Fingerprint;

impl Store {
    /// Keeps a list under its digest.
    ///
    /// # Errors
    /// `Store` where the file cannot be written.
    pub fn add_manifest(&self, digest: &str, list: &str) -> Result<()> {
        self.change("INSERT OR IGNORE INTO manifests (digest, list) VALUES (?1, ?2)", params![digest, list])
    }

    /// Keeps a list that came from elsewhere, where it is the one that its digest tells of: other runs here may have
    /// the same digest.
    ///
    /// # Errors
    /// `Store` where the file cannot be written.
    pub(super) fn import_manifest(&self, digest: &str, list: &str) -> Result<()> {
        if Fingerprint::of(list.as_bytes()).to_string() != digest {
            return Ok(());
        }
        self.add_manifest(digest, list)
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
