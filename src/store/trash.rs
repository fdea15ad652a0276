//! Runs that are thrown away: into the trash and back, or for good.

use rusqlite::params;

use super::listing::brief;
use super::lock::RunLock;
use super::{Run, Store, now};
use crate::error::{Error, Result};

impl Store {
    /// Moves a run to the trash, with a cross-validation its folds: nothing shows it any more, and all of it stays.
    ///
    /// # Errors
    /// `Run` where it is under way, in the trash already or the champion's; `Store` where the file cannot be written.
    pub fn trash_run(&self, run_id: &str) -> Result<()> {
        let run = self.run(run_id)?;
        if run.trashed_at.is_some() {
            return Err(refuse(&run, "is in the trash already: `xray-tui runs restore` brings it back"));
        }
        let _locks = self.hold((run_id, "deleting"))?;
        self.refuse_champion(run_id)?;
        let sql = "UPDATE runs SET trashed_at = ?2 WHERE (id = ?1 OR parent = ?1) AND trashed_at IS NULL";
        self.change(sql, params![run_id, now()])
    }

    /// Brings a run back from the trash, with a cross-validation the folds that went with it.
    ///
    /// # Errors
    /// `Run` where it is not there, where it is a fold whose cross-validation is in the trash too, or one that was trained
    /// again since; `Store` where the file cannot be written.
    pub fn restore_run(&self, run_id: &str) -> Result<()> {
        // Before locks are made beside a run that is gone.
        self.run(run_id)?;
        let _locks = self.hold((run_id, "restoring"))?;
        // Until the locks were ours, somebody may have emptied the trash.
        let run = self.run(run_id)?;
        let Some(trashed_at) = &run.trashed_at else { return Err(refuse(&run, "is not in the trash")) };
        if let Some(parent) = &run.started.parent {
            self.check_fold(&run, &self.run(parent)?)?;
        }
        let sql = "UPDATE runs SET trashed_at = NULL WHERE id = ?1 OR (parent = ?1 AND trashed_at = ?2)";
        self.change(sql, params![run_id, trashed_at])
    }

    /// Whether a fold has its place still.
    fn check_fold(&self, fold: &Run, parent: &Run) -> Result<()> {
        if parent.trashed_at.is_some() {
            return Err(refuse(
                fold,
                &format!("is a part of {}, which is in the trash: restore that", parent.started.name),
            ));
        }
        let number = |run: &Run| run.started.config["fold"]["number"].clone();
        match self.folds(&parent.started.id)?.iter().find(|other| number(other) == number(fold)) {
            Some(other) => Err(refuse(fold, &format!("was trained again as {}: delete that first", other.started.id))),
            None => Ok(()),
        }
    }

    /// The runs in the trash, the last thrown away first, as [`Store::runs`] has runs.
    ///
    /// # Errors
    /// `Store` where the file cannot be read.
    pub fn trashed(&self) -> Result<Vec<Run>> {
        let rest = "WHERE trashed_at IS NOT NULL ORDER BY trashed_at DESC, started_at DESC, rowid DESC";
        self.read(&brief(rest), [], super::rows::run)
    }

    /// How many runs are in the trash.
    ///
    /// # Errors
    /// `Store` where the file cannot be read.
    pub fn count_trashed(&self) -> Result<usize> {
        let sql = "SELECT count(*) AS runs FROM runs WHERE trashed_at IS NOT NULL";
        Ok(self.read(sql, [], |row| row.get("runs"))?.pop().unwrap_or(0))
    }

    /// Deletes a run for good, in the trash or not, its figures and its checkpoints; with a cross-validation, its folds.
    ///
    /// # Errors
    /// `Run` where it is under way or the champion's; `Store` or `Io` where something cannot be deleted.
    pub fn delete_run(&self, run_id: &str) -> Result<()> {
        self.delete((run_id, "DELETE FROM runs WHERE id = ?1")).map(|_| ())
    }

    /// As [`Store::delete_run`], where the run is in the trash still; whether it is gone. One that was restored meanwhile
    /// stays whole.
    ///
    /// # Errors
    /// As [`Store::delete_run`].
    pub fn delete_trashed(&self, run_id: &str) -> Result<bool> {
        self.delete((run_id, "DELETE FROM runs WHERE id = ?1 AND trashed_at IS NOT NULL"))
    }

    /// Deletes a run by a statement that may leave it, and its folders where it did not; whether it is gone.
    fn delete(&self, (run_id, sql): (&str, &str)) -> Result<bool> {
        // Held until all is gone, so that nobody resumes or restores one meanwhile.
        let locks = self.hold((run_id, "deleting"))?;
        self.refuse_champion(run_id)?;
        // Folds go with their parent.
        self.change(sql, [run_id])?;
        if !self.read("SELECT id FROM runs WHERE id = ?1", [run_id], |_| Ok(()))?.is_empty() {
            return Ok(false);
        }
        for (id, _) in &locks {
            let folder = self.run_folder(id);
            match std::fs::remove_dir_all(&folder) {
                Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                    return Err(Error::io("delete", &folder, error));
                }
                _ => {}
            }
        }
        Ok(true)
    }

    /// The locks of a run and all its folds, those in the trash too, by their ids; `doing` is what they are for, in a word.
    fn hold(&self, (run_id, doing): (&str, &str)) -> Result<Vec<(String, RunLock)>> {
        let mut ids = vec![run_id.to_owned()];
        ids.extend(self.read("SELECT id FROM runs WHERE parent = ?1", [run_id], |row| row.get::<_, String>("id"))?);
        let under_way = || {
            let problem = format!("is under way; stop it before {doing} it");
            Error::Run { run: run_id.to_owned(), problem }
        };
        let lock = |id: String| Ok((RunLock::acquire(&self.run_folder(&id))?.ok_or_else(under_way)?, id));
        ids.into_iter().map(|id| lock(id).map(|(lock, id)| (id, lock))).collect()
    }
}

fn refuse(run: &Run, problem: &str) -> Error {
    Error::Run { run: run.started.name.clone(), problem: problem.to_owned() }
}
