//! Which runs are sent to which MLflow server, and how far that is.

use rusqlite::{Row, params};

use super::Store;
use super::lock::RunLock;
use crate::error::Result;

/// A run at an MLflow server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mirror {
    pub run_id: String,
    /// The server's address, without a login.
    pub uri: String,
    /// The experiment's name there.
    pub experiment: String,
    /// Whether it is followed while it trains.
    pub live: bool,
    /// Its id there, once it has one.
    pub remote_id: Option<String>,
    /// Whoever sent last: what that one knows of the server is true as long as nobody else has sent.
    pub sender: Option<String>,
    /// When the run had ended, once all of it is there; a run that goes on has another end.
    pub closed: Option<String>,
}

impl Mirror {
    /// A run that nobody has sent yet.
    #[must_use]
    pub fn new(run_id: &str, (uri, experiment): (&str, &str)) -> Self {
        let (run_id, uri, experiment) = (run_id.to_owned(), uri.to_owned(), experiment.to_owned());
        Self { run_id, uri, experiment, live: false, remote_id: None, sender: None, closed: None }
    }
}

impl Store {
    /// The lock of whoever sends to MLflow, one at a time; `None` where somebody does.
    ///
    /// # Errors
    /// `Io` where the lock's file cannot be made.
    pub fn mirror_lock(&self) -> Result<Option<RunLock>> {
        let name = self.path.file_name().unwrap_or_default().to_string_lossy();
        RunLock::of_file(&self.path.with_file_name(format!("{name}.mlflow")))
    }

    /// From now on the runs under way are followed, and those that began since then (RFC 3339, UTC, milliseconds).
    ///
    /// # Errors
    /// `Store` where the file cannot be written.
    pub fn follow_runs(&self, (uri, experiment): (&str, &str), since: &str) -> Result<()> {
        // Read first: who writes keeps the run that trains waiting, and mostly there is nothing to write.
        let sql = "SELECT id FROM runs WHERE (state = 'running' OR started_at >= ?3) AND id NOT IN (SELECT run_id FROM pulled) \
                   AND id NOT IN (SELECT run_id FROM mirrors WHERE uri = ?1 AND experiment = ?2 AND live = 1)";
        for id in self.read(sql, params![uri, experiment, since], |row| row.get::<_, String>("id"))? {
            let sql = "INSERT INTO mirrors (run_id, uri, experiment, live) VALUES (?1, ?2, ?3, 1) \
                       ON CONFLICT DO UPDATE SET live = 1";
            self.change(sql, params![id, uri, experiment])?;
        }
        Ok(())
    }

    /// The runs that are followed and not wholly sent: those under way, then the oldest first.
    ///
    /// # Errors
    /// `Store` where the file cannot be read.
    pub fn due_mirrors(&self, (uri, experiment): (&str, &str)) -> Result<Vec<Mirror>> {
        let sql = "SELECT mirrors.* FROM mirrors JOIN runs ON id = run_id WHERE uri = ?1 AND experiment = ?2 AND live = 1 \
                   AND trashed_at IS NULL AND (closed IS NULL OR closed IS NOT ended_at) ORDER BY state <> 'running', started_at, id";
        self.read(sql, params![uri, experiment], mirror)
    }

    /// How a run stands at a server; `None` where it was never sent.
    ///
    /// # Errors
    /// `Store` where the file cannot be read.
    pub fn mirror(&self, run_id: &str, (uri, experiment): (&str, &str)) -> Result<Option<Mirror>> {
        let sql = "SELECT * FROM mirrors WHERE run_id = ?1 AND uri = ?2 AND experiment = ?3";
        Ok(self.read(sql, params![run_id, uri, experiment], mirror)?.pop())
    }

    /// Notes how a run stands at a server.
    ///
    /// # Errors
    /// `Store` where the file cannot be written.
    pub fn set_mirror(&self, mirror: &Mirror) -> Result<()> {
        let Mirror { run_id, uri, experiment, live, remote_id, sender, closed } = mirror;
        self.change(
            "INSERT INTO mirrors (run_id, uri, experiment, live, remote_id, sender, closed) \
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7) \
             ON CONFLICT DO UPDATE SET live = max(live, ?4), remote_id = ?5, sender = ?6, closed = ?7",
            params![run_id, uri, experiment, live, remote_id, sender, closed],
        )
    }

    /// The last change of the champion that a registered model at a server was told of (address, name); `None` where nobody
    /// has looked yet.
    ///
    /// # Errors
    /// `Store` where the file cannot be read.
    pub fn crowned(&self, (uri, model): (&str, &str)) -> Result<Option<i64>> {
        let sql = "SELECT change FROM crowned WHERE uri = ?1 AND model = ?2";
        Ok(self.read(sql, params![uri, model], |row| row.get("change"))?.pop())
    }

    /// Notes that it was told.
    ///
    /// # Errors
    /// `Store` where the file cannot be written.
    pub fn set_crowned(&self, (uri, model): (&str, &str), change: i64) -> Result<()> {
        let sql = "INSERT INTO crowned (uri, model, change) VALUES (?1, ?2, ?3) ON CONFLICT DO UPDATE SET change = ?3";
        self.change(sql, params![uri, model, change])
    }
}

fn mirror(row: &Row) -> rusqlite::Result<Mirror> {
    Ok(Mirror {
        run_id: row.get("run_id")?,
        uri: row.get("uri")?,
        experiment: row.get("experiment")?,
        live: row.get("live")?,
        remote_id: row.get("remote_id")?,
        sender: row.get("sender")?,
        closed: row.get("closed")?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::sample;
    use crate::store::{RunEnd, RunState};

    const THERE: (&str, &str) = ("http://there", "xray-tui");

    fn end(state: RunState) -> RunEnd {
        RunEnd { state, problem: None, test: None, operating: None, weights: None }
    }

    #[test]
    fn a_run_is_due_until_its_end_is_sent_and_again_when_it_has_gone_on() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&folder.path().join("runs.db")).unwrap();
        let run = sample::run(1, RunState::Running).started;
        store.create_run(&run).unwrap();
        store.follow_runs(THERE, "9999").unwrap();
        let due = || store.due_mirrors(THERE).unwrap();
        let mut mirror = due().pop().unwrap();
        assert_eq!((mirror.run_id.as_str(), mirror.live), (run.id.as_str(), true));
        store.end_run(&run.id, &end(RunState::Stopped)).unwrap();
        mirror.closed = store.run(&run.id).unwrap().ended_at;
        store.set_mirror(&mirror).unwrap();
        assert_eq!(due(), []);
        store.resume_run(&run.id, 0, 0).unwrap();
        assert_eq!(due(), [mirror]);
    }

    #[test]
    fn runs_of_the_past_are_not_followed_and_pushed_ones_only_once_they_go_on() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&folder.path().join("runs.db")).unwrap();
        let run = sample::run(1, RunState::Running).started;
        store.create_run(&run).unwrap();
        store.end_run(&run.id, &end(RunState::Stopped)).unwrap();
        store.set_mirror(&Mirror::new(&run.id, THERE)).unwrap();
        store.follow_runs(THERE, "9999").unwrap();
        assert_eq!(store.due_mirrors(THERE).unwrap(), []);
        store.resume_run(&run.id, 0, 0).unwrap();
        store.follow_runs(THERE, "9999").unwrap();
        assert_eq!(store.due_mirrors(THERE).unwrap().len(), 1);
    }
}
