//! Pipelines: what each was asked for, how far its tasks are, and what they recorded.

use std::path::{Path, PathBuf};

use rusqlite::{Row, params};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::lock::{self, RunLock};
use super::{Store, now, rows};
use crate::error::{Error, Result};

/// How a pipeline stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum PipelineState {
    Running,
    /// Its run is promoted.
    Done,
    Failed,
    /// The gate said no.
    Refused,
    /// On request, or because its process died: it goes on where it was.
    Stopped,
}

impl PipelineState {
    /// As the database, `--json` and every table have it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Done => "done",
            Self::Failed => "failed",
            Self::Refused => "refused",
            Self::Stopped => "stopped",
        }
    }
}

/// How a task of a pipeline stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum TaskState {
    /// Not begun, or to go on.
    Waiting,
    Running,
    Done,
    Failed,
    /// The gate said no.
    Refused,
    /// Not done, since the gate said no.
    Skipped,
}

impl TaskState {
    /// As the database, `--json` and every table have it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Running => "running",
            Self::Done => "done",
            Self::Failed => "failed",
            Self::Refused => "refused",
            Self::Skipped => "skipped",
        }
    }
}

/// The tasks of a pipeline.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TaskName {
    CheckData,
    Train,
    Evaluate,
    Gate,
    Promote,
}

impl TaskName {
    /// In the order in which they are done.
    pub const ALL: [Self; 5] = [Self::CheckData, Self::Train, Self::Evaluate, Self::Gate, Self::Promote];

    /// As the database and `--json` have it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::CheckData => "check_data",
            Self::Train => "train",
            Self::Evaluate => "evaluate",
            Self::Gate => "gate",
            Self::Promote => "promote",
        }
    }

    /// For reading.
    #[must_use]
    pub const fn title(self) -> &'static str {
        match self {
            Self::CheckData => "check data",
            other => other.name(),
        }
    }
}

/// A task as the store has it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Task {
    pub name: TaskName,
    pub state: TaskState,
    /// How often it was begun.
    pub attempts: u32,
    /// Over all attempts.
    pub seconds: f64,
    /// Of the last attempt, RFC 3339, UTC.
    pub started_at: Option<String>,
    pub ended_at: Option<String>,
    /// What it found or made.
    pub record: Option<Value>,
    /// Why it failed.
    pub problem: Option<String>,
}

impl Task {
    const fn new(name: TaskName) -> Self {
        Self {
            name,
            state: TaskState::Waiting,
            attempts: 0,
            seconds: 0.0,
            started_at: None,
            ended_at: None,
            record: None,
            problem: None,
        }
    }

    /// Seconds over all attempts, the one under way included.
    #[must_use]
    pub fn seconds_so_far(&self) -> f64 {
        let since = self.started_at.as_ref().filter(|_| self.state == TaskState::Running);
        let since = since.and_then(|at| at.parse::<jiff::Timestamp>().ok());
        let under_way = since.map_or(0.0, |since| jiff::Timestamp::now().duration_since(since).as_secs_f64());
        self.seconds + under_way.max(0.0)
    }
}

/// A pipeline as the store has it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Pipeline {
    /// Never given again.
    pub id: i64,
    pub name: String,
    /// Training and gate, as JSON: those with the same are the same pipeline.
    pub settings: Value,
    /// The data set's folder, as an absolute path.
    pub data: PathBuf,
    /// The id DVC gives the data folder, once it was read.
    pub data_hash: Option<String>,
    pub state: PipelineState,
    /// Once it has begun, unless it was deleted.
    pub run_id: Option<String>,
    /// RFC 3339, UTC.
    pub started_at: String,
    pub ended_at: Option<String>,
    /// In their order, all of them.
    pub tasks: Vec<Task>,
}

impl Pipeline {
    #[must_use]
    pub fn task(&self, name: TaskName) -> Option<&Task> {
        self.tasks.iter().find(|task| task.name == name)
    }

    /// What is to be done next; `None` when all is done or skipped.
    #[must_use]
    pub fn next_task(&self) -> Option<TaskName> {
        let is_over = |task: &&Task| matches!(task.state, TaskState::Done | TaskState::Skipped);
        self.tasks.iter().find(|task| !is_over(task)).map(|task| task.name)
    }
}

impl Store {
    /// The lock of whoever runs a pipeline, one at a time in a database; `None` where somebody does already.
    ///
    /// # Errors
    /// `Io` where the lock's file cannot be made.
    pub fn pipeline_lock(&self) -> Result<Option<RunLock>> {
        RunLock::of_file(&self.pipeline_lock_path())
    }

    fn pipeline_lock_path(&self) -> PathBuf {
        let name = self.path.file_name().unwrap_or_default().to_string_lossy();
        self.path.with_file_name(format!("{name}.pipeline"))
    }

    /// Begins a pipeline, under its name or as `pipeline-1` and so on; its lock must be held.
    ///
    /// # Errors
    /// `Store` where the file cannot be written.
    pub fn create_pipeline(&self, (name, settings): (Option<&str>, &Value), data: &Path) -> Result<Pipeline> {
        let transaction = self.alone()?;
        self.change(
            "INSERT INTO pipelines (name, settings, data, state, started_at) VALUES (?1, ?2, ?3, ?4, ?5)",
            params![
                name.unwrap_or_default(),
                settings.to_string(),
                data.to_string_lossy(),
                PipelineState::Running.name(),
                now()
            ],
        )?;
        let id = self.connection.last_insert_rowid();
        if name.is_none() {
            self.change("UPDATE pipelines SET name = 'pipeline-' || id WHERE id = ?1", [id])?;
        }
        for (place, task) in TaskName::ALL.into_iter().enumerate() {
            let sql = "INSERT INTO pipeline_tasks (pipeline, place, name, state) VALUES (?1, ?2, ?3, ?4)";
            self.change(sql, params![id, place, task.name(), TaskState::Waiting.name()])?;
        }
        transaction.commit().map_err(|error| self.problem(&error))?;
        self.pipeline(id)
    }

    /// All pipelines, the newest first. One that a dead process left running has stopped.
    ///
    /// # Errors
    /// `Store` or `Io` where the file or the lock cannot be read.
    pub fn pipelines(&self) -> Result<Vec<Pipeline>> {
        let found = self.read("SELECT * FROM pipelines ORDER BY id DESC", [], pipeline)?;
        found.into_iter().map(|found| self.with_tasks(found)).collect()
    }

    /// The newest pipeline; `None` where there is none.
    ///
    /// # Errors
    /// As [`Store::pipelines`].
    pub fn newest_pipeline(&self) -> Result<Option<Pipeline>> {
        let found = self.read("SELECT * FROM pipelines ORDER BY id DESC LIMIT 1", [], pipeline)?.pop();
        found.map(|found| self.with_tasks(found)).transpose()
    }

    /// The pipeline with this number.
    ///
    /// # Errors
    /// `Store` where there is none, or as [`Store::pipelines`].
    pub fn pipeline(&self, id: i64) -> Result<Pipeline> {
        let found = self.read("SELECT * FROM pipelines WHERE id = ?1", [id], pipeline)?.pop();
        self.with_tasks(found.ok_or_else(|| self.no_pipeline(&id.to_string()))?)
    }

    /// The pipeline that `word` names: `last`, its number or its name, of several the newest.
    ///
    /// # Errors
    /// As [`Store::pipeline`].
    pub fn resolve_pipeline(&self, word: &str) -> Result<Pipeline> {
        let sql = "SELECT * FROM pipelines WHERE ?1 = 'last' OR CAST(id AS TEXT) = ?1 OR name = ?1 \
                   ORDER BY CAST(id AS TEXT) = ?1 DESC, id DESC LIMIT 1";
        let found = self.read(sql, [word], pipeline)?.pop();
        self.with_tasks(found.ok_or_else(|| self.no_pipeline(word))?)
    }

    fn no_pipeline(&self, word: &str) -> Error {
        let problem = match word {
            "last" => "there is no pipeline yet: `xray-tui pipeline run` begins one".to_owned(),
            _ => format!("has no pipeline {word}: `xray-tui pipeline list` shows all"),
        };
        Error::Store { path: self.path.clone(), problem }
    }

    fn with_tasks(&self, found: Pipeline) -> Result<Pipeline> {
        let sql = "SELECT * FROM pipeline_tasks WHERE pipeline = ?1 ORDER BY place";
        let mut whole = Pipeline { tasks: self.read(sql, [found.id], task)?, ..found };
        if whole.state == PipelineState::Running && !lock::is_file_held(&self.pipeline_lock_path())? {
            whole.state = PipelineState::Stopped;
            for task in whole.tasks.iter_mut().filter(|task| task.state == TaskState::Running) {
                task.state = TaskState::Waiting;
            }
        }
        Ok(whole)
    }

    /// Puts right what a dead process left running; the lock must be held. A run that had begun but was not noted yet is
    /// found by its name.
    ///
    /// # Errors
    /// `Store` where the file cannot be written.
    pub fn recover_pipelines(&self) -> Result<()> {
        self.change(
            "UPDATE pipelines SET run_id = (SELECT id FROM runs WHERE runs.name = pipelines.name \
             AND runs.started_at >= pipelines.started_at \
             AND id NOT IN (SELECT run_id FROM pipelines WHERE run_id IS NOT NULL) \
             ORDER BY runs.started_at LIMIT 1) WHERE state = 'running' AND run_id IS NULL",
            [],
        )?;
        self.change("UPDATE pipeline_tasks SET state = 'waiting' WHERE state = 'running'", [])?;
        self.change("UPDATE pipelines SET state = 'stopped' WHERE state = 'running'", [])
    }

    /// Notes what has become of a task.
    ///
    /// # Errors
    /// `Store` where the file cannot be written.
    pub fn save_task(&self, pipeline: i64, task: &Task) -> Result<()> {
        let record = task.record.as_ref().map(Value::to_string);
        self.change(
            "UPDATE pipeline_tasks SET state = ?3, attempts = ?4, seconds = ?5, started_at = ?6, ended_at = ?7, \
             record = ?8, problem = ?9 WHERE pipeline = ?1 AND name = ?2",
            params![
                pipeline,
                task.name.name(),
                task.state.name(),
                task.attempts,
                task.seconds,
                task.started_at,
                task.ended_at,
                record,
                task.problem
            ],
        )
    }

    /// Notes how a pipeline stands, its data and its run.
    ///
    /// # Errors
    /// `Store` where the file cannot be written.
    pub fn save_pipeline(&self, pipeline: &Pipeline) -> Result<()> {
        let ended = (pipeline.state != PipelineState::Running).then(now);
        let sql = "UPDATE pipelines SET state = ?2, data_hash = ?3, run_id = ?4, ended_at = ?5 WHERE id = ?1";
        self.change(sql, params![pipeline.id, pipeline.state.name(), pipeline.data_hash, pipeline.run_id, ended])
    }
}

/// Without its tasks.
fn pipeline(row: &Row) -> rusqlite::Result<Pipeline> {
    Ok(Pipeline {
        id: row.get("id")?,
        name: row.get("name")?,
        settings: rows::parse(&row.get::<_, String>("settings")?)?,
        data: row.get::<_, String>("data")?.into(),
        data_hash: row.get("data_hash")?,
        state: rows::parse(&format!("\"{}\"", row.get::<_, String>("state")?))?,
        run_id: row.get("run_id")?,
        started_at: row.get("started_at")?,
        ended_at: row.get("ended_at")?,
        tasks: Vec::new(),
    })
}

fn task(row: &Row) -> rusqlite::Result<Task> {
    let name = rows::parse(&format!("\"{}\"", row.get::<_, String>("name")?))?;
    Ok(Task {
        state: rows::parse(&format!("\"{}\"", row.get::<_, String>("state")?))?,
        attempts: row.get("attempts")?,
        seconds: row.get("seconds")?,
        started_at: row.get("started_at")?,
        ended_at: row.get("ended_at")?,
        record: row.get::<_, Option<String>>("record")?.map(|text| rows::parse(&text)).transpose()?,
        problem: row.get("problem")?,
        ..Task::new(name)
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_a_dead_process_left_running_has_stopped_and_can_go_on() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&folder.path().join("runs.db")).unwrap();
        let lock = store.pipeline_lock().unwrap().unwrap();
        assert!(store.pipeline_lock().unwrap().is_none());
        let mut begun = store.create_pipeline((None, &json!({"a": 1})), folder.path()).unwrap();
        assert_eq!((begun.name.as_str(), begun.state), ("pipeline-1", PipelineState::Running));
        begun.tasks[0] = Task { state: TaskState::Running, attempts: 1, ..begun.tasks[0].clone() };
        store.save_task(begun.id, &begun.tasks[0]).unwrap();
        assert_eq!(store.pipeline(1).unwrap(), begun);
        drop(lock);
        let seen = store.resolve_pipeline("last").unwrap();
        assert_eq!((seen.state, seen.tasks[0].state), (PipelineState::Stopped, TaskState::Waiting));
        let _lock = store.pipeline_lock().unwrap().unwrap();
        store.recover_pipelines().unwrap();
        assert_eq!(store.pipeline(1).unwrap().state, PipelineState::Stopped);
        assert_eq!(store.pipeline(1).unwrap().next_task(), Some(TaskName::CheckData));
    }

    #[test]
    fn a_task_under_way_has_taken_the_time_since_it_began() {
        let begun = jiff::Timestamp::now() - jiff::SignedDuration::from_secs(60);
        let under_way = Task {
            state: TaskState::Running,
            seconds: 5.0,
            started_at: Some(begun.to_string()),
            ..Task::new(TaskName::Train)
        };
        assert!((65.0..80.0).contains(&under_way.seconds_so_far()));
        assert!((Task { state: TaskState::Done, ..under_way }.seconds_so_far() - 5.0).abs() < 1e-9);
    }

    #[test]
    fn a_pipeline_is_found_by_its_number_before_its_name() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&folder.path().join("runs.db")).unwrap();
        assert!(store.resolve_pipeline("last").unwrap_err().to_string().contains("there is no pipeline yet"));
        for name in [None, Some("1"), Some("b"), Some("b")] {
            store.create_pipeline((name, &Value::Null), folder.path()).unwrap();
        }
        let found = |word: &str| store.resolve_pipeline(word).map(|pipeline| pipeline.id);
        assert_eq!(["1", "pipeline-1", "b", "last"].map(|word| found(word).unwrap()), [1, 1, 4, 4]);
        assert!(found("c").unwrap_err().to_string().contains("xray-tui pipeline list"));
    }
}
