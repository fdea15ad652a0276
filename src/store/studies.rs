//! Searches for settings: what was planned, and how its candidates stand.

use std::collections::BTreeMap;

use rusqlite::{Row, params};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::queue::entry;
use super::{Entry, EntryState, NewEntry, Run, Store, cases, now, rows};
use crate::dataset::Split;
use crate::error::{Error, Result};
use crate::metrics::rank::{Score, best_epoch};
use crate::metrics::ranking::Ranking;
use crate::metrics::{Criterion, EpochFigures, Spread};

/// A search for settings.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Study {
    pub name: String,
    /// What is searched and how, as JSON.
    pub plan: Value,
    /// RFC 3339, UTC.
    pub at: String,
}

/// One candidate of a study.
#[derive(Debug, Clone, PartialEq)]
pub struct Standing {
    /// Counted from 0.
    pub candidate: usize,
    /// What it has otherwise than the study's base, but for the seed.
    pub settings: Vec<(String, Value)>,
    /// One a seed, each with its run once that has begun.
    pub entries: Vec<(Entry, Option<Run>)>,
    /// The best epoch's figures of each entry's run.
    pub best: Vec<Option<EpochFigures>>,
    /// Validation accuracy of the best epochs over the seeds; `None` while one of them has none.
    pub accuracy: Option<Spread>,
    /// The same of the area under the ROC curve.
    pub auc: Option<Spread>,
    /// What its epochs are judged by.
    pub by: Criterion,
    /// What it is ranked by: the mean of that over the seeds; `None` where a seed has failed too, as a candidate is as good
    /// as all of its seeds.
    pub score: Option<Score>,
}

impl Standing {
    /// Mean validation loss of the best epochs over the seeds; `None` while one of them has none.
    #[must_use]
    pub fn loss(&self) -> Option<f64> {
        let losses = self.best.iter().map(|best| best.as_ref().and_then(|best| best.validation.loss));
        Spread::of(losses).map(|spread| spread.mean)
    }

    /// Area under the ROC curve of the same epochs on images made harder, over the seeds.
    #[must_use]
    pub fn shifted_auc(&self) -> Option<Spread> {
        Spread::of(self.best.iter().map(|best| best.as_ref()?.harder_auc()))
    }

    /// Whether one of its runs has failed.
    fn has_failed(&self) -> bool {
        self.entries.iter().any(|(entry, _)| entry.state == EntryState::Failed)
    }

    /// How far it came, of successive halving's rungs.
    #[must_use]
    pub fn rung(&self) -> usize {
        self.entries.iter().map(|(entry, _)| entry.rung).max().unwrap_or(0)
    }

    /// Whether all its runs are trained to their end.
    #[must_use]
    pub fn is_finished(&self) -> bool {
        self.entries.iter().all(|(entry, _)| entry.state == EntryState::Done && entry.new.until_epoch.is_none())
    }
}

impl Store {
    /// Keeps a new study with its runs to be, at the end of the queue.
    ///
    /// # Errors
    /// `BadSetting` where there is a study of that name, `Store` where the file cannot be written.
    pub fn add_study(&self, (name, plan): (&str, &Value), entries: &[NewEntry]) -> Result<()> {
        let transaction = self.connection.unchecked_transaction().map_err(|error| self.problem(&error))?;
        if self.studies()?.iter().any(|study| study.name == name) {
            let problem = format!(
                "there is a study {name} already: choose another name, or go on with it with `xray-tui queue run`"
            );
            return Err(Error::BadSetting { setting: "name", problem });
        }
        self.change(
            "INSERT INTO studies (name, plan, at) VALUES (?1, ?2, ?3)",
            params![name, plan.to_string(), now()],
        )?;
        for entry in entries {
            self.add_entry(Some(name), entry)?;
        }
        transaction.commit().map_err(|error| self.problem(&error))
    }

    /// All studies, oldest first.
    ///
    /// # Errors
    /// `Store` where the file cannot be read.
    pub fn studies(&self) -> Result<Vec<Study>> {
        self.read("SELECT * FROM studies ORDER BY at, name", [], study)
    }

    /// The entries of a study, in the queue's order.
    ///
    /// # Errors
    /// `Store` where the file cannot be read.
    pub fn study_entries(&self, name: &str) -> Result<Vec<Entry>> {
        self.read("SELECT * FROM queue WHERE study = ?1 ORDER BY id", [name], entry)
    }

    /// The candidates of a study, the best first: those that came furthest, then by their score; at the end those with a
    /// seed that has failed.
    ///
    /// # Errors
    /// `Run` where there is no such study, `Store` where the file cannot be read.
    pub fn standings(&self, name: &str) -> Result<Vec<Standing>> {
        let entries: Vec<Entry> =
            self.queue()?.into_iter().filter(|entry| entry.study.as_deref() == Some(name)).collect();
        if entries.is_empty() {
            let problem = "is no study of this database: `xray-tui queue list` shows all".to_owned();
            return Err(Error::Run { run: name.to_owned(), problem });
        }
        let mut groups: BTreeMap<usize, Vec<Entry>> = BTreeMap::new();
        for entry in entries {
            groups.entry(entry.new.candidate).or_default().push(entry);
        }
        let mut standings = groups.into_values().map(|group| self.standing(group)).collect::<Result<Vec<_>>>()?;
        standings.sort_by(|a, b| {
            let unscored = |standing: &Standing| standing.score.is_none();
            let by_score = || match (a.score, b.score) {
                (Some(a), Some(b)) => a.compare(&b),
                _ => unscored(a).cmp(&unscored(b)),
            };
            a.has_failed().cmp(&b.has_failed()).then_with(|| b.rung().cmp(&a.rung())).then_with(by_score)
        });
        Ok(standings)
    }

    fn standing(&self, entries: Vec<Entry>) -> Result<Standing> {
        let by = entries.first().map(criterion).unwrap_or_default();
        let best = entries.iter().map(|entry| self.best_of(entry, by)).collect::<Result<Vec<_>>>()?;
        let accuracy = |best: &Option<EpochFigures>| best.and_then(|epoch| epoch.validation.confusion.accuracy());
        let auc = entries.iter().map(|entry| self.auc_of(entry)).collect::<Result<Vec<_>>>()?;
        let entries = entries.into_iter().map(|entry| {
            let run = entry.run_id.as_deref().map(|id| self.run(id)).transpose()?;
            Ok((entry, run))
        });
        let entries = entries.collect::<Result<Vec<(Entry, Option<Run>)>>>()?;
        let first = entries.first().map(|(entry, _)| &entry.new);
        Ok(Standing {
            candidate: first.map_or(0, |new| new.candidate),
            settings: first.map(|new| new.settings.clone()).unwrap_or_default(),
            accuracy: Spread::of(best.iter().map(accuracy)),
            score: Score::of(&best, by).filter(|_| entries.iter().all(|(entry, _)| entry.state != EntryState::Failed)),
            auc: Spread::of(auc),
            by,
            best,
            entries,
        })
    }

    /// The area under the ROC curve of an entry's best epoch so far, on the validation images.
    fn auc_of(&self, entry: &Entry) -> Result<Option<f64>> {
        let answers = entry.run_id.as_deref().map(|id| self.answers(id, Split::Validation)).transpose()?;
        Ok(answers.and_then(|answers| Ranking::of(&cases(&answers))?.auc()))
    }

    /// The figures of an entry's best epoch so far.
    fn best_of(&self, entry: &Entry, by: Criterion) -> Result<Option<EpochFigures>> {
        let epochs = entry.run_id.as_deref().map(|id| self.epochs(id)).transpose()?;
        Ok(epochs.and_then(|epochs| best_epoch(&epochs, by)))
    }
}

/// What its runs' epochs are judged by.
fn criterion(entry: &Entry) -> Criterion {
    serde_json::from_value(entry.new.config["choose_by"].clone()).unwrap_or_default()
}

fn study(row: &Row) -> rusqlite::Result<Study> {
    Ok(Study { name: row.get("name")?, plan: rows::parse(&row.get::<_, String>("plan")?)?, at: row.get("at")? })
}
