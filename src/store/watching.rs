//! What those need who watch the database while others write it.

use std::hash::{DefaultHasher, Hash, Hasher};

use super::Store;
use crate::error::Result;

impl Store {
    /// Whatever shows of runs in a table, in one text: another one where a run began, went on by an epoch, ended, or was
    /// given another name, note, tag or star, or became the champion.
    ///
    /// # Errors
    /// `Store` where the file cannot be read.
    pub fn summary(&self) -> Result<String> {
        let sql = "SELECT count(*) || ' ' || total(epochs_done) || ' ' || count(ended_at) || ' ' || max(started_at) || ' ' || \
                   count(trashed_at) || ' ' || coalesce(max(ended_at), '') || ' ' || \
                   (SELECT count(*) FROM champions) AS summary FROM runs";
        let found = self.read(sql, [], |row| row.get::<_, Option<String>>("summary"))?;
        Ok(format!("{} {:x}", found.into_iter().flatten().next().unwrap_or_default(), self.labels_hash()?))
    }

    /// Of every run's name, note, tags and star, letter by letter: neither `run-1` that becomes `run-2`, nor a star that
    /// goes from one run to another, changes a length or a sum. The same within one process.
    fn labels_hash(&self) -> Result<u64> {
        let mut hasher = DefaultHasher::new();
        self.read("SELECT name, note, tags, star FROM runs ORDER BY rowid", [], |row| {
            for column in 0..3 {
                row.get_ref(column)?.as_str_or_null()?.hash(&mut hasher);
            }
            row.get::<_, i64>(3)?.hash(&mut hasher);
            Ok(())
        })?;
        Ok(hasher.finish())
    }
}
