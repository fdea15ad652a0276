//! Which run a word on the command line means.

use super::{Run, RunState, Store};
use crate::error::{Error, Result};

impl Store {
    /// The run that `word` names: `last` (newest), `best` (finished, highest validation accuracy, then newest), an id,
    /// a name, or the unique beginning of an id. `last` is no fold, and `best` neither a fold nor a cross-validation.
    ///
    /// # Errors
    /// `Run` where no run or more than one is meant.
    pub fn resolve(&self, word: &str) -> Result<Run> {
        let chosen = choose(self.runs()?, word).map_err(|problem| Error::Run { run: word.to_owned(), problem })?;
        self.run(&chosen.started.id)
    }
}

/// Chooses among `runs`, newest first.
fn choose(runs: Vec<Run>, word: &str) -> Result<Run, String> {
    const NONE: &str = "there is no such run; `xray-tui runs list` shows all";
    match word {
        "last" => return runs.into_iter().find(|run| run.started.parent.is_none()).ok_or_else(|| NONE.into()),
        "best" => return best(runs).ok_or_else(|| "no run is finished yet; name one, or `last`".into()),
        "champion" => return Err("no run is promoted to champion in this database".into()),
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
        Err(meant) if meant.is_empty() => Err(NONE.into()),
        Err(meant) => {
            let ids: Vec<String> = meant.into_iter().map(|run| run.started.id).collect();
            Err(format!("means {} runs: {}; name one of them", ids.len(), ids.join(", ")))
        }
    }
}

fn best(runs: Vec<Run>) -> Option<Run> {
    let finished = runs
        .into_iter()
        .rev()
        .filter(|run| run.state == RunState::Finished && run.started.parent.is_none() && run.folds().is_none());
    finished.max_by(|a, b| a.best_val_accuracy.unwrap_or(-1.0).total_cmp(&b.best_val_accuracy.unwrap_or(-1.0)))
}
