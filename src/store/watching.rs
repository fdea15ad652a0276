//! What those need who watch the database while others write it.

use super::Store;
use crate::error::Result;

impl Store {
    /// Whatever shows of runs in a table, in one text: another one where a run began, went on by an epoch, ended, or was
    /// given another name.
    ///
    /// # Errors
    /// `Store` where the file cannot be read.
    pub fn summary(&self) -> Result<String> {
        let sql = "SELECT count(*) || ' ' || total(epochs_done) || ' ' || count(ended_at) || ' ' || total(star) || ' ' || \
                   max(started_at) || ' ' || total(length(name) + coalesce(length(note), 0) + coalesce(length(tags), 0)) \
                   || ' ' || count(trashed_at) || ' ' || coalesce(max(ended_at), '') AS summary FROM runs";
        let found = self.read(sql, [], |row| row.get::<_, Option<String>>("summary"))?;
        Ok(found.into_iter().flatten().next().unwrap_or_default())
    }
}
