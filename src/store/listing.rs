//! Runs as lists of them have them, and one of them whole.

use rusqlite::params;

use super::{Run, RunState, Store, lock, now, rows};
use crate::error::{Error, Result};

/// For tables: what is long stays unread.
pub(super) fn brief(rest: &str) -> String {
    format!("SELECT {}, NULL AS provenance, NULL AS checks FROM runs {rest}", rows::RUN)
}

fn whole(rest: &str) -> String {
    format!("SELECT {}, provenance, checks FROM runs LEFT JOIN papers ON run_id = id {rest}", rows::RUN)
}

impl Store {
    /// All runs but those in the trash, newest first, without their provenance and checks, which are long and which
    /// [`Store::run`] has.
    ///
    /// # Errors
    /// `Store` where the file cannot be read.
    pub fn runs(&self) -> Result<Vec<Run>> {
        self.read(&brief("WHERE trashed_at IS NULL ORDER BY started_at DESC, rowid DESC"), [], rows::run)
    }

    /// The `most` newest runs, as [`Store::runs`] has them.
    ///
    /// # Errors
    /// `Store` where the file cannot be read.
    pub fn newest(&self, most: usize) -> Result<Vec<Run>> {
        let rest = "WHERE trashed_at IS NULL ORDER BY started_at DESC, rowid DESC LIMIT ?1";
        self.read(&brief(rest), [most], rows::run)
    }

    /// The run with this whole id, in the trash or not.
    ///
    /// # Errors
    /// `Run` where there is none, `Store` where the file cannot be read.
    pub fn run(&self, run_id: &str) -> Result<Run> {
        let missing = || Error::Run { run: run_id.to_owned(), problem: "is not in this database any more".into() };
        self.read(&whole("WHERE id = ?1"), [run_id], rows::run)?.pop().ok_or_else(missing)
    }

    /// The folds of a cross-validation, by their number: those that are not in the trash, or, where it is there itself,
    /// those that went with it.
    ///
    /// # Errors
    /// `Store` where the file cannot be read.
    pub fn folds(&self, run_id: &str) -> Result<Vec<Run>> {
        let where_parent = "parent = ?1 AND trashed_at IS (SELECT trashed_at FROM runs WHERE id = ?1)";
        let sql = whole(&format!("WHERE {where_parent} ORDER BY config ->> '$.fold.number', started_at"));
        self.read(&sql, [run_id], rows::run)
    }

    /// The names of all runs, those in the trash too.
    ///
    /// # Errors
    /// `Store` where the file cannot be read.
    pub fn names(&self) -> Result<Vec<String>> {
        self.read("SELECT name FROM runs", [], |row| row.get("name"))
    }

    /// Turns running runs whose lock nobody holds into crashed ones and returns their ids. A run takes its lock before
    /// its row is written, so one that just starts is safe.
    ///
    /// # Errors
    /// `Store` or `Io` where rows or locks cannot be read.
    pub fn mark_crashed(&self) -> Result<Vec<String>> {
        let mut crashed = Vec::new();
        // The state in so many words: so the index of runs under way serves.
        let sql = "SELECT id FROM runs WHERE state = 'running'";
        for id in self.read(sql, [], |row| row.get::<_, String>("id"))? {
            if lock::is_held(&self.run_folder(&id))? {
                continue;
            }
            let sql = "UPDATE runs SET state = ?2, ended_at = ?3 WHERE id = ?1 AND state = 'running'";
            self.change(sql, params![id, RunState::Crashed.name(), now()])?;
            crashed.push(id);
        }
        Ok(crashed)
    }
}
