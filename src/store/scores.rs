//! What the weights of each epoch scored, asked after the run was done.

use rusqlite::params;
use serde::{Deserialize, Serialize};

use super::{Store, rows, text};
use crate::dataset::Split;
use crate::error::Result;
use crate::metrics::{Confusion, Estimate};

/// One epoch's weights on a split.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct EpochScore {
    /// Counted from 1.
    pub epoch: usize,
    /// At the run's threshold.
    pub confusion: Confusion,
    pub auc: Option<Estimate>,
}

impl Store {
    /// Keeps an epoch's score.
    ///
    /// # Errors
    /// `Store` where the file cannot be written.
    pub fn add_epoch_score(&self, run_id: &str, split: Split, score: &EpochScore) -> Result<()> {
        let sql = "INSERT OR REPLACE INTO epoch_scores (run_id, split, epoch, score) VALUES (?1, ?2, ?3, ?4)";
        self.change(sql, params![run_id, split.name(), score.epoch, text(score)])
    }

    /// The scores of a run's epochs, in order.
    ///
    /// # Errors
    /// `Store` where the file cannot be read.
    pub fn epoch_scores(&self, run_id: &str, split: Split) -> Result<Vec<EpochScore>> {
        let sql = "SELECT score FROM epoch_scores WHERE run_id = ?1 AND split = ?2 ORDER BY epoch";
        self.read(sql, params![run_id, split.name()], |row| rows::parse(&row.get::<_, String>("score")?))
    }
}
