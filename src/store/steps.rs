//! The points of a run's training curve, thinned.

use rusqlite::{Row, params};
use serde::{Deserialize, Serialize};

use super::Store;
use crate::error::Result;

/// Points of a run's curve that are kept; beyond them every second one goes.
const MOST_STEPS: i64 = 4096;

/// One thinned point of the training curve. What an older program did not write is `None`, and left out of the JSON that
/// a run's seal is made of: its seal stays whole.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct StepPoint {
    /// Counted from 1.
    pub step: usize,
    /// Counted from 1.
    pub epoch: usize,
    /// Batches in an epoch; 0 where an older program did not write it.
    pub batches: usize,
    /// Mean cross entropy of the batch in nats.
    pub loss: f64,
    /// Of the batch, 0 to 1.
    pub accuracy: f64,
    /// Images trained per second of this step.
    pub images_per_second: f64,
    /// Time that the run had been running when the step was done, over all its sessions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seconds: Option<f64>,
    /// Adam's, in this step.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub learning_rate: Option<f64>,
    /// Cores that the process kept busy since the step before, 0 to the number of cores.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub processor: Option<f64>,
    /// Bytes of memory that the process held.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub memory: Option<u64>,
}

impl Store {
    /// Adds points to a run's curve. Past 4,096 every second one goes; the first and the newest stay. What is no number
    /// among the figures that may be missing is missing.
    ///
    /// # Errors
    /// `Store` where the file cannot be written.
    pub fn add_steps(&self, run_id: &str, points: &[StepPoint]) -> Result<()> {
        let transaction = self.connection.unchecked_transaction().map_err(|error| self.problem(&error))?;
        self.write_steps(run_id, points)?;
        transaction.commit().map_err(|error| self.problem(&error))
    }

    /// The same within a transaction.
    pub(super) fn write_steps(&self, run_id: &str, points: &[StepPoint]) -> Result<()> {
        for p in points {
            let [seconds, rate, processor] = [p.seconds, p.learning_rate, p.processor].map(finite);
            let memory = p.memory.and_then(|bytes| i64::try_from(bytes).ok());
            self.change(
                "INSERT OR REPLACE INTO steps (run_id, step, epoch, batches, loss, accuracy, images_per_second, seconds, \
                 learning_rate, processor, memory) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)",
                params![
                    run_id,
                    p.step,
                    p.epoch,
                    p.batches,
                    p.loss,
                    p.accuracy,
                    p.images_per_second,
                    seconds,
                    rate,
                    processor,
                    memory
                ],
            )?;
        }
        self.thin(run_id)
    }

    fn thin(&self, run_id: &str) -> Result<()> {
        let kept: i64 = self
            .connection
            .query_row("SELECT count(*) FROM steps WHERE run_id = ?1", [run_id], |row| row.get(0))
            .map_err(|error| self.problem(&error))?;
        if kept <= MOST_STEPS {
            return Ok(());
        }
        self.change(
            "DELETE FROM steps WHERE run_id = ?1 AND step IN (SELECT step FROM \
             (SELECT step, row_number() OVER (ORDER BY step) AS place, count(*) OVER () AS n FROM steps WHERE run_id = ?1) \
             WHERE place % 2 = 0 AND place < n)",
            [run_id],
        )
    }

    /// The thinned points of a run's curve in order.
    ///
    /// # Errors
    /// `Store` where the file cannot be read.
    pub fn steps(&self, run_id: &str) -> Result<Vec<StepPoint>> {
        self.steps_after(run_id, 0)
    }

    /// The points that came after `step`, in order: for who watches a run from another process. Those up to `step` may have
    /// been thinned since or, where the run was resumed from before it, be others.
    ///
    /// # Errors
    /// `Store` where the file cannot be read.
    pub fn steps_after(&self, run_id: &str, step: usize) -> Result<Vec<StepPoint>> {
        let sql = "SELECT * FROM steps WHERE run_id = ?1 AND step > ?2 ORDER BY step";
        self.read(sql, params![run_id, step], point)
    }

    /// The first of the points that came after `step`.
    ///
    /// # Errors
    /// `Store` where the file cannot be read.
    pub fn step_after(&self, run_id: &str, step: usize) -> Result<Option<StepPoint>> {
        let sql = "SELECT * FROM steps WHERE run_id = ?1 AND step > ?2 ORDER BY step LIMIT 1";
        Ok(self.read(sql, params![run_id, step], point)?.pop())
    }
}

/// SQLite would turn what is no number into NULL, and keep an infinity, for which JSON has no word.
fn finite(value: Option<f64>) -> Option<f64> {
    value.filter(|value| value.is_finite())
}

fn point(row: &Row) -> rusqlite::Result<StepPoint> {
    Ok(StepPoint {
        step: row.get("step")?,
        epoch: row.get("epoch")?,
        batches: row.get("batches")?,
        loss: row.get("loss")?,
        accuracy: row.get("accuracy")?,
        images_per_second: row.get("images_per_second")?,
        seconds: row.get("seconds")?,
        learning_rate: row.get("learning_rate")?,
        processor: row.get("processor")?,
        memory: row.get("memory")?,
    })
}
