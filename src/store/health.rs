//! What can be said of a database without changing anything, not even the files beside it.

use std::path::{Path, PathBuf};

use rusqlite::{Connection, OpenFlags};

use super::migrations::{self, NEWEST};
use super::{RunState, lock, network, problem, run_folder};
use crate::error::Result;

/// How a database is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Health {
    /// The schema of the file; an older one than [`Health::newest_schema`] is brought up when it is next opened.
    pub schema: usize,
    /// The schema that this program writes.
    pub newest_schema: usize,
    /// Of the file and the log beside it.
    pub bytes: u64,
    pub runs: usize,
    /// Runs that were under way when their process died; those not yet marked so too.
    pub crashed: usize,
    /// When the newest run began, RFC 3339.
    pub newest_start: Option<String>,
}

/// Whether a database at `path` lies, or would lie, on a network file system.
#[must_use]
pub fn is_on_network(path: &Path) -> bool {
    network::holds(path)
}

/// Looks at the database at `path`; `None` where there is no file.
///
/// # Errors
/// `Store` where it is no database of this program, from a newer version, damaged, or cannot be read.
pub fn examine(path: &Path) -> Result<Option<Health>> {
    if !path.exists() {
        return Ok(None);
    }
    let failed = |error| problem(path, &error);
    let connection = open(path).map_err(failed)?;
    let schema = migrations::version(&connection, path)?;
    let runs = if schema == 0 { Vec::new() } else { runs(&connection).map_err(failed)? };
    let has_died = |state: &str, id: &str| {
        state == RunState::Crashed.name()
            || (state == RunState::Running.name() && !lock::is_held(&run_folder(path, id)).unwrap_or(true))
    };
    Ok(Some(Health {
        schema,
        newest_schema: NEWEST,
        bytes: [path.to_owned(), log(path)]
            .iter()
            .filter_map(|file| file.metadata().ok())
            .map(|facts| facts.len())
            .sum(),
        crashed: runs.iter().filter(|[id, state, _]| has_died(state, id)).count(),
        newest_start: runs.iter().map(|[_, _, started]| started.clone()).max(),
        runs: runs.len(),
    }))
}

/// For reading alone. Where no log lies beside it, all is in the file, and SQLite is told that nothing else is needed:
/// it would make a log and its index otherwise.
fn open(path: &Path) -> rusqlite::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX | OpenFlags::SQLITE_OPEN_URI;
    if log(path).exists() {
        return Connection::open_with_flags(path, flags & !OpenFlags::SQLITE_OPEN_URI);
    }
    let escaped: String = path.to_string_lossy().replace('%', "%25").replace('?', "%3f").replace('#', "%23");
    Connection::open_with_flags(format!("file:{escaped}?immutable=1"), flags)
}

/// The write-ahead log.
fn log(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push("-wal");
    name.into()
}

/// Id, state and start of every run, which every schema has.
fn runs(connection: &Connection) -> rusqlite::Result<Vec<[String; 3]>> {
    let mut statement = connection.prepare("SELECT id, state, started_at FROM runs")?;
    statement.query_map([], |row| Ok([row.get(0)?, row.get(1)?, row.get(2)?]))?.collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::Store;

    #[test]
    fn looking_makes_no_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a ?#%.db");
        assert_eq!(examine(&path).unwrap(), None);
        drop(Store::open(&path).unwrap());
        let before = names(folder.path());
        let health = examine(&path).unwrap().unwrap();
        assert_eq!((health.schema, health.runs, health.crashed), (NEWEST, 0, 0));
        assert!(health.bytes > 0);
        assert_eq!(names(folder.path()), before);
    }

    #[test]
    fn a_database_in_use_can_be_looked_at() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("runs.db");
        let _open = Store::open(&path).unwrap();
        assert_eq!(examine(&path).unwrap().unwrap().runs, 0);
    }

    #[test]
    fn what_is_no_database_is_said() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("runs.db");
        std::fs::write(&path, "words, words, words, and some more of them to fill a page").unwrap();
        assert!(examine(&path).unwrap_err().to_string().contains("is no database"));
    }

    fn names(folder: &Path) -> Vec<std::ffi::OsString> {
        let mut names: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        names.sort();
        names
    }
}
