//! Which run a word on the command line means.

use std::collections::BTreeMap;

use super::rows::parse;
use super::{Run, RunState, Store};
use crate::error::{Error, Result};
use crate::metrics::Shifted;

impl Store {
    /// The run that `word` names: `last` (newest), `best` (finished, highest AUC of the validation images made harder; where
    /// no run has that, highest validation accuracy; of equals the newest), `champion` (promoted), an id, a name, or the
    /// unique beginning of an id. `last` is no fold, and `best` neither a fold nor a cross-validation nor one that came from
    /// elsewhere without its weights. None of them is in the trash.
    ///
    /// # Errors
    /// `Run` where no run or more than one is meant.
    pub fn resolve(&self, word: &str) -> Result<Run> {
        if word == CHAMPION {
            return self.champion_run()?.ok_or_else(|| unclear(word, &Unclear::NoChampion));
        }
        if word == BEST {
            return self.best_run()?.ok_or_else(|| unclear(word, &Unclear::NoneFinished));
        }
        match choose(self.runs()?, word) {
            Err(Unclear::None) if !is_keyword(word) && choose(self.trashed()?, word).is_ok() => {
                let problem = format!("is in the trash: `xray-tui runs restore {word}` brings it back");
                Err(Error::Run { run: word.to_owned(), problem })
            }
            found => self.whole(word, found),
        }
    }

    /// The run in the trash that `word` names; `last` is the last one thrown away.
    ///
    /// # Errors
    /// `Run` where no run or more than one is meant.
    pub fn resolve_trashed(&self, word: &str) -> Result<Run> {
        match choose(self.trashed()?, word) {
            Err(Unclear::None) => {
                let problem = "there is no such run in the trash; `xray-tui runs list --trash` shows all".into();
                Err(Error::Run { run: word.to_owned(), problem })
            }
            found => self.whole(word, found),
        }
    }

    /// The run that `word` names, or else the one in the trash; `last` and `best` are never there.
    ///
    /// # Errors
    /// `Run` where no run or more than one is meant.
    pub fn resolve_anywhere(&self, word: &str) -> Result<Run> {
        if is_keyword(word) {
            return self.resolve(word);
        }
        match choose(self.runs()?, word) {
            Err(Unclear::None) => self.resolve_trashed(word),
            found => self.whole(word, found),
        }
    }

    /// The champion's run; `None` where there is no champion.
    ///
    /// # Errors
    /// `Run` where it is not in this database any more, `Store` where the file cannot be read.
    pub fn champion_run(&self) -> Result<Option<Run>> {
        self.champion()?.map(|champion| self.run(&champion.new.run_id)).transpose()
    }

    fn best_run(&self) -> Result<Option<Run>> {
        let (bare, harder) = (self.without_weights()?, self.harder_aucs()?);
        // Whoever asks for the best one wants to predict with it.
        let counts = |run: &Run| {
            let is_whole = run.started.parent.is_none() && run.folds().is_none();
            run.state == RunState::Finished && is_whole && !bare.contains(&run.started.id)
        };
        let merit = |run: &Run| {
            let harder = harder.get(&run.started.id).copied();
            [harder, run.best_val_accuracy].map(|figure| figure.unwrap_or(-1.0))
        };
        let better = |a: &Run, b: &Run| {
            let [a, b] = [a, b].map(merit);
            a[0].total_cmp(&b[0]).then(a[1].total_cmp(&b[1]))
        };
        let best = self.runs()?.into_iter().rev().filter(counts).max_by(better);
        best.map(|run| self.run(&run.started.id)).transpose()
    }

    /// What the best epoch of each run scored on the validation images made harder, by id, where that is measured.
    fn harder_aucs(&self) -> Result<BTreeMap<String, f64>> {
        let sql = "SELECT run_id, shifted FROM epochs JOIN runs ON id = run_id AND epoch = best_epoch \
                   WHERE shifted IS NOT NULL";
        let scored = self.read(sql, [], |row| {
            let shifted: Shifted = parse(&row.get::<_, String>("shifted")?)?;
            Ok((row.get("run_id")?, shifted.auc))
        })?;
        Ok(scored.into_iter().filter_map(|(id, auc)| Some((id, auc?))).collect())
    }

    fn whole(&self, word: &str, found: Result<Run, Unclear>) -> Result<Run> {
        let clear = found.map_err(|why| unclear(word, &why))?;
        self.run(&clear.started.id)
    }
}

fn unclear(word: &str, why: &Unclear) -> Error {
    Error::Run { run: word.to_owned(), problem: why.to_string() }
}

/// Why a word names no run.
#[derive(Debug, thiserror::Error)]
enum Unclear {
    #[error("there is no such run; `xray-tui runs list` shows all")]
    None,
    #[error("no run that has its weights here is finished yet; name one, or `last`")]
    NoneFinished,
    #[error("no run is promoted to champion in this database: `xray-tui runs promote RUN` does that")]
    NoChampion,
    #[error("means {} runs: {}; name one of them", .0.len(), .0.join(", "))]
    Many(Vec<String>),
}

const CHAMPION: &str = "champion";
const BEST: &str = "best";

fn is_keyword(word: &str) -> bool {
    ["last", BEST, CHAMPION].contains(&word)
}

/// Chooses among `runs`, newest first.
fn choose(runs: Vec<Run>, word: &str) -> Result<Run, Unclear> {
    match word {
        "last" => return runs.into_iter().find(|run| run.started.parent.is_none()).ok_or(Unclear::None),
        CHAMPION => return Err(Unclear::NoChampion),
        _ => {}
    }
    let exact: Vec<Run> = runs.iter().filter(|r| r.started.id == word || r.started.name == word).cloned().collect();
    let meant = if exact.is_empty() {
        runs.into_iter().filter(|run| !word.is_empty() && run.started.id.starts_with(word)).collect()
    } else {
        exact
    };
    match <[Run; 1]>::try_from(meant) {
        Ok([run]) => Ok(run),
        Err(meant) if meant.is_empty() => Err(Unclear::None),
        Err(meant) => Err(Unclear::Many(meant.into_iter().map(|run| run.started.id).collect())),
    }
}
