//! Promoting a run to be the champion, and going back to an earlier one; the weights are those that the run ended with.

use serde_json::{Value, json};

use crate::dataset::Split;
use crate::error::{Error, Result};
use crate::metrics::assessment::Terms;
use crate::metrics::{Assessment, Estimate, Measure};
use crate::store::lock::RunLock;
pub use crate::store::models::Grounds;
use crate::store::models::succession;
use crate::store::{ModelVersion, NewVersion, Run, RunState, Store, cases};
use crate::train::checkpoint;

/// Makes a run the champion; `expected` is the champion's version as it was when that was decided. A run that was promoted
/// before keeps its version.
///
/// # Errors
/// `Run` where it cannot be used, or another one has become the champion meanwhile; `Checkpoint` where its weights are gone
/// or not its own; `Store` where the file cannot be written.
pub fn promote(store: &Store, run_id: &str, (grounds, expected): (&Grounds, Option<i64>)) -> Result<ModelVersion> {
    // Before a lock is made beside a run that is gone.
    let run = store.run(run_id)?;
    let refuse = |problem: &str| Error::Run { run: run.started.name.clone(), problem: problem.to_owned() };
    let _lock = RunLock::acquire(&store.run_folder(run_id))?.ok_or_else(|| refuse("is under way: wait for its end"))?;
    let run = store.run(run_id)?;
    check(&run)?;
    let weights = weights(store, &run)?;
    let new = NewVersion {
        run_id: run_id.to_owned(),
        run_name: run.started.name.clone(),
        weights,
        figures: figures(store, &run)?,
    };
    store.promote_version(&new, (grounds, expected))
}

/// Refuses a run that cannot be the champion.
fn check(run: &Run) -> Result<()> {
    run.started.refuse_foreign()?;
    let why = match run.state {
        _ if run.trashed_at.is_some() => "is in the trash: `xray-tui runs restore` brings it back",
        _ if run.folds().is_some() => "is a cross-validation and has no weights: train a run with its settings",
        _ if run.started.parent.is_some() => "is a part of a cross-validation: train a run with its settings",
        RunState::Finished => return Ok(()),
        _ => "is not finished: only a finished run can be promoted",
    };
    Err(Error::Run { run: run.started.name.clone(), problem: why.into() })
}

/// The fingerprint of a run's best weights, which must be those that it ended with.
fn weights(store: &Store, run: &Run) -> Result<String> {
    let path = checkpoint::best_path(&store.run_folder(&run.started.id));
    let bad = |problem: &str| Error::Checkpoint { path: path.clone(), problem: problem.to_owned() };
    if !path.exists() {
        return Err(bad("is gone: put a copy back, or name another run"));
    }
    let found = checkpoint::describe(&path)?.1.to_string();
    if run.weights.as_ref().is_some_and(|weights| *weights != found) {
        return Err(bad(
            "holds other weights than the run ended with: put this run's own file back, or name another run",
        ));
    }
    Ok(found)
}

/// What the run scored on its test images.
fn figures(store: &Store, run: &Run) -> Result<Value> {
    let answers = store.answers(&run.started.id, Split::Test)?;
    let terms = Terms { threshold: run.threshold(), temperature: None, prevalence: None };
    let assessed = Assessment::quick(&cases(&answers), terms);
    let value = |estimate: Option<Estimate>| estimate.map(|estimate| estimate.value);
    Ok(json!({
        "split": Split::Test,
        "n": answers.len(),
        "accuracy": value(assessed.measure(Measure::Accuracy)),
        "sensitivity": value(assessed.measure(Measure::Sensitivity)),
        "specificity": value(assessed.measure(Measure::Specificity)),
        "auc": value(assessed.auc),
        "synthetic": run.started.synthetic,
    }))
}

/// What going back has come to.
#[derive(Debug, Clone, PartialEq)]
pub struct RolledBack {
    pub from: ModelVersion,
    pub to: ModelVersion,
    /// Versions in between whose runs cannot be used any more, and why.
    pub passed_over: Vec<(i64, String)>,
}

/// Makes an earlier version the champion again: the one with this number or, without one, the one before, and asked again
/// the one before that. Versions whose run is gone are passed over.
///
/// # Errors
/// `Run` where there is none to go back to, or that one cannot be used.
pub fn roll_back(store: &Store, to: Option<i64>) -> Result<RolledBack> {
    let refuse = |problem: &str| Error::Run { run: "champion".into(), problem: problem.to_owned() };
    let from =
        store.champion()?.ok_or_else(|| refuse("no run is promoted yet: `xray-tui runs promote RUN` does that"))?;
    let before = match to {
        Some(number) => vec![number],
        None => succession(&store.champion_changes()?).into_iter().rev().skip(1).collect(),
    };
    let mut passed_over = Vec::new();
    for number in before {
        let version = store.model_version(number)?;
        match usable(store, &version) {
            Ok(()) => {
                store.roll_back(&version, Some(from.version))?;
                return Ok(RolledBack { from, to: version, passed_over });
            }
            Err(error) if to.is_some() => return Err(error),
            Err(error) => passed_over.push((number, error.to_string())),
        }
    }
    let version = from.version;
    Err(refuse(&format!("version {version} has no earlier one that can be used; `xray-tui models list` shows all")))
}

/// Whether a version's run is there still, with its weights.
///
/// # Errors
/// Why it cannot be used.
pub fn usable(store: &Store, version: &ModelVersion) -> Result<()> {
    let run = store.run(&version.new.run_id)?;
    check(&run)?;
    if weights(store, &run)? == version.new.weights {
        return Ok(());
    }
    let problem = format!("has other weights than version {} was promoted with: put its own back", version.version);
    Err(Error::Run { run: run.started.name, problem })
}
