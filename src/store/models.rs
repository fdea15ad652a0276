//! Models: runs that were promoted, and which of them the champion is, was and was before.

use rusqlite::{Row, params};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Store, now, rows};
use crate::error::{Error, Result};

/// A run as it is promoted.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct NewVersion {
    pub run_id: String,
    pub run_name: String,
    /// SHA-256 of its weights.
    pub weights: String,
    /// What it scored, and on how many images.
    pub figures: Value,
}

/// A version of the model: a run has one at most, and its number is never given again.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ModelVersion {
    /// Counted from 1.
    pub version: i64,
    #[serde(flatten)]
    pub new: NewVersion,
    /// For the first time; RFC 3339, UTC.
    pub promoted_at: String,
}

/// Why a run is promoted.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Grounds {
    /// The pipeline that does it; `None` where a person does.
    pub pipeline: Option<i64>,
    /// In words, where somebody gave some.
    pub reason: Option<String>,
}

/// What made a version the champion.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Step {
    Promote,
    Rollback,
}

impl Step {
    const fn name(self) -> &'static str {
        match self {
            Self::Promote => "promote",
            Self::Rollback => "rollback",
        }
    }
}

/// A version becoming the champion.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Change {
    /// Grows from one to the next: who mirrors them remembers the last.
    pub id: i64,
    pub version: i64,
    pub step: Step,
    /// RFC 3339, UTC.
    pub at: String,
    /// The pipeline that promoted it; `None` where a person did, and of a rollback.
    pub pipeline: Option<i64>,
    /// In words, where somebody gave some; a rollback has none.
    pub reason: Option<String>,
}

/// Why a version was promoted the last time: a rollback gives no grounds.
#[must_use]
pub fn grounds(changes: &[Change], version: i64) -> Grounds {
    let last = changes.iter().rfind(|change| change.version == version && change.step == Step::Promote);
    last.map_or_else(Grounds::default, |change| Grounds { pipeline: change.pipeline, reason: change.reason.clone() })
}

/// The champion, the last, and those that a rollback leads to, the nearest last.
#[must_use]
pub fn succession(changes: &[Change]) -> Vec<i64> {
    let mut line: Vec<i64> = Vec::new();
    for change in changes {
        match (change.step, line.iter().rposition(|version| *version == change.version)) {
            (Step::Rollback, Some(place)) => line.truncate(place + 1),
            (Step::Promote, _) | (Step::Rollback, None) => line.push(change.version),
        }
    }
    line
}

impl Store {
    /// All versions, the newest first.
    ///
    /// # Errors
    /// `Store` where the file cannot be read.
    pub fn model_versions(&self) -> Result<Vec<ModelVersion>> {
        self.read("SELECT * FROM model_versions ORDER BY version DESC", [], version)
    }

    /// The version with this number.
    ///
    /// # Errors
    /// `Store` where there is none, or the file cannot be read.
    pub fn model_version(&self, number: i64) -> Result<ModelVersion> {
        let found = self.read("SELECT * FROM model_versions WHERE version = ?1", [number], version)?.pop();
        found.ok_or_else(|| Error::Run {
            run: format!("of version {number}"),
            problem: "there is no such version of the model; `xray-tui models list` shows all".into(),
        })
    }

    /// The version that a run is; `None` where it was never promoted.
    ///
    /// # Errors
    /// `Store` where the file cannot be read.
    pub fn version_of(&self, run_id: &str) -> Result<Option<i64>> {
        let sql = "SELECT version FROM model_versions WHERE run_id = ?1";
        Ok(self.read(sql, [run_id], |row| row.get("version"))?.pop())
    }

    /// Who became the champion when, the first first.
    ///
    /// # Errors
    /// `Store` where the file cannot be read.
    pub fn champion_changes(&self) -> Result<Vec<Change>> {
        self.read("SELECT * FROM champions ORDER BY id", [], change)
    }

    /// The version that is in use; `None` before the first is promoted.
    ///
    /// # Errors
    /// `Store` where the file cannot be read.
    pub fn champion(&self) -> Result<Option<ModelVersion>> {
        let sql =
            "SELECT * FROM model_versions WHERE version = (SELECT version FROM champions ORDER BY id DESC LIMIT 1)";
        Ok(self.read(sql, [], version)?.pop())
    }

    /// Makes a run a version of the model, where it is none yet, and the champion. `expected` is the champion as it was
    /// when that was decided; promoting the champion itself changes nothing.
    ///
    /// # Errors
    /// `Run` where another one has become the champion meanwhile, `Store` where the file cannot be written.
    pub fn promote_version(
        &self,
        new: &NewVersion,
        (grounds, expected): (&Grounds, Option<i64>),
    ) -> Result<ModelVersion> {
        let transaction = self.alone()?;
        let number = match self.version_of(&new.run_id)? {
            Some(number) => number,
            None => self.add_version(new)?,
        };
        let promoted = self.model_version(number)?;
        self.set_champion(&promoted, (Step::Promote, grounds), expected)?;
        transaction.commit().map_err(|error| self.problem(&error))?;
        Ok(promoted)
    }

    fn add_version(&self, new: &NewVersion) -> Result<i64> {
        let sql = "INSERT INTO model_versions (run_id, run_name, weights, promoted_at, figures) \
                   VALUES (?1, ?2, ?3, ?4, ?5)";
        let NewVersion { run_id, run_name, weights, figures } = new;
        self.change(sql, params![run_id, run_name, weights, now(), figures.to_string()])?;
        Ok(self.connection.last_insert_rowid())
    }

    /// Makes an earlier version the champion again.
    ///
    /// # Errors
    /// As [`Store::promote_version`].
    pub fn roll_back(&self, to: &ModelVersion, expected: Option<i64>) -> Result<()> {
        let transaction = self.alone()?;
        self.set_champion(to, (Step::Rollback, &Grounds::default()), expected)?;
        transaction.commit().map_err(|error| self.problem(&error))
    }

    fn set_champion(&self, to: &ModelVersion, (step, grounds): (Step, &Grounds), expected: Option<i64>) -> Result<()> {
        let champion = self.champion()?.map(|champion| champion.version);
        if champion == Some(to.version) {
            return Ok(());
        }
        if champion != expected {
            let now = champion.map_or_else(|| "gone".to_owned(), |version| format!("version {version} now"));
            let problem = format!("the champion was changed meanwhile, it is {now}: ask again");
            return Err(Error::Run { run: to.new.run_name.clone(), problem });
        }
        let sql = "INSERT INTO champions (version, step, at, pipeline, reason) VALUES (?1, ?2, ?3, ?4, ?5)";
        self.change(sql, params![to.version, step.name(), now(), grounds.pipeline, grounds.reason])
    }

    /// Refuses to do away with the champion's run.
    ///
    /// # Errors
    /// `Run` where it is.
    pub(super) fn refuse_champion(&self, run_id: &str) -> Result<()> {
        match self.champion()?.filter(|champion| champion.new.run_id == run_id) {
            None => Ok(()),
            Some(champion) => Err(Error::Run {
                run: champion.new.run_name,
                problem: "is the champion: promote another run with `xray-tui runs promote RUN`, or go back with \
                          `xray-tui models rollback`; then delete it"
                    .into(),
            }),
        }
    }
}

fn version(row: &Row) -> rusqlite::Result<ModelVersion> {
    Ok(ModelVersion {
        version: row.get("version")?,
        new: NewVersion {
            run_id: row.get("run_id")?,
            run_name: row.get("run_name")?,
            weights: row.get("weights")?,
            figures: rows::parse(&row.get::<_, String>("figures")?)?,
        },
        promoted_at: row.get("promoted_at")?,
    })
}

fn change(row: &Row) -> rusqlite::Result<Change> {
    Ok(Change {
        id: row.get("id")?,
        version: row.get("version")?,
        step: rows::parse(&format!("\"{}\"", row.get::<_, String>("step")?))?,
        at: row.get("at")?,
        pipeline: row.get("pipeline")?,
        reason: row.get("reason")?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    type Steps = &'static [(i64, Step)];

    fn changes(steps: Steps) -> Vec<Change> {
        let change = |(id, (version, step)): (i64, &(i64, Step))| Change {
            id,
            version: *version,
            step: *step,
            at: String::new(),
            pipeline: None,
            reason: None,
        };
        (1..).zip(steps).map(change).collect()
    }

    #[test]
    fn a_rollback_leads_further_back_each_time_and_a_promotion_begins_there() {
        use Step::{Promote, Rollback};
        let cases: [(Steps, &[i64]); 7] = [
            (&[], &[]),
            (&[(1, Promote), (2, Promote), (3, Promote)], &[1, 2, 3]),
            (&[(1, Promote), (2, Promote), (3, Promote), (2, Rollback)], &[1, 2]),
            (&[(1, Promote), (2, Promote), (3, Promote), (2, Rollback), (1, Rollback)], &[1]),
            (&[(1, Promote), (2, Promote), (1, Rollback), (3, Promote)], &[1, 3]),
            // To one that was left behind: it can be come back from.
            (&[(1, Promote), (2, Promote), (1, Rollback), (2, Rollback)], &[1, 2]),
            (&[(1, Promote), (2, Promote), (1, Promote)], &[1, 2, 1]),
        ];
        for (steps, expected) in cases {
            assert_eq!(succession(&changes(steps)), expected, "{steps:?}");
        }
    }

    fn store() -> (tempfile::TempDir, Store) {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&folder.path().join("runs.db")).unwrap();
        (folder, store)
    }

    fn new(run: &str) -> NewVersion {
        let (run_id, run_name, weights) = (run.to_owned(), format!("run-{run}"), "00".to_owned());
        NewVersion { run_id, run_name, weights, figures: Value::Null }
    }

    fn promote(store: &Store, run: &str, expected: Option<i64>) -> Result<ModelVersion> {
        store.promote_version(&new(run), (&Grounds::default(), expected))
    }

    #[test]
    fn a_run_has_one_version_and_promoting_the_champion_again_changes_nothing() {
        let (_folder, store) = store();
        assert_eq!(store.champion().unwrap(), None);
        let a = promote(&store, "a", None).unwrap();
        assert_eq!(promote(&store, "a", None).unwrap(), a);
        let b = promote(&store, "b", Some(a.version)).unwrap();
        assert_eq!((a.version, b.version), (1, 2));
        assert_eq!(store.champion_changes().unwrap().len(), 2);
        assert_eq!(promote(&store, "a", Some(2)).unwrap(), a, "its number stays");
        assert_eq!(store.champion().unwrap(), Some(a));
    }

    #[test]
    fn who_decided_by_an_earlier_champion_is_refused_and_leaves_no_version() {
        let (_folder, store) = store();
        promote(&store, "a", None).unwrap();
        let said = promote(&store, "b", None).unwrap_err().to_string();
        assert!(said.contains("it is version 1 now"), "{said}");
        assert_eq!(store.model_versions().unwrap().len(), 1);
        let b = promote(&store, "b", Some(1)).unwrap();
        assert!(store.roll_back(&store.model_version(1).unwrap(), Some(1)).is_err());
        store.roll_back(&store.model_version(1).unwrap(), Some(b.version)).unwrap();
        assert_eq!(store.champion().unwrap().unwrap().version, 1);
    }

    #[test]
    fn a_promotion_keeps_its_own_grounds_and_a_rollback_has_none() {
        let (_folder, store) = store();
        let why = |pipeline, reason: &str| Grounds { pipeline, reason: Some(reason.to_owned()) };
        store.promote_version(&new("a"), (&why(Some(7), "first"), None)).unwrap();
        promote(&store, "b", Some(1)).unwrap();
        store.promote_version(&new("a"), (&why(None, "again"), Some(2))).unwrap();
        store.promote_version(&new("a"), (&why(None, "it is already"), Some(2))).unwrap();
        store.roll_back(&store.model_version(2).unwrap(), Some(1)).unwrap();
        let changes = store.champion_changes().unwrap();
        let kept: Vec<_> = changes.iter().map(|change| (change.pipeline, change.reason.as_deref())).collect();
        assert_eq!(kept, [(Some(7), Some("first")), (None, None), (None, Some("again")), (None, None)]);
        assert_eq!(grounds(&changes, 1), why(None, "again"));
        assert_eq!(grounds(&changes, 2), Grounds::default());
    }
}
