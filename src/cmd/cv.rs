//! `xray-tui cv`: a cross-validation, one fold after the other.

use std::process::ExitCode;

use anyhow::Context;
use serde_json::{Value, json};

use super::narrator::{Narrator, follow};
use super::spread::Table;
use super::{Output, WrongUse, open_store};
use crate::cli::CvArgs;
use crate::session::folds::{CrossValidation, number_of};
use crate::session::{self, Workplace};
use crate::store::{Run, RunState, Store};
use crate::train::{Outcome, TrainConfig};
use crate::units::share;

pub fn run(args: &CvArgs, plain: &TrainConfig, place: &Workplace, out: Output) -> anyhow::Result<ExitCode> {
    let (store, validation) = match &args.resume {
        Some(name) => {
            let store = open_store(place)?;
            let validation = CrossValidation::resume(&store, &store.resolve(name)?)?;
            (store, validation)
        }
        None => begin(args, plain, place, out)?,
    };
    let (state, problem) = all_folds(&store, &validation, (place, out))?;
    validation.end(&store, (state, problem.clone()))?;
    let run = store.run(&validation.run_id)?;
    let (value, words) = answer(&store, &run)?;
    if state == RunState::Finished || out.json {
        out.answer(&value, || words)?;
    }
    match (state, problem) {
        (RunState::Finished, _) => Ok(ExitCode::SUCCESS),
        (_, Some(problem)) => Err(anyhow::Error::msg(problem)),
        _ => anyhow::bail!("{0} was stopped; go on with `xray-tui cv --resume {0}`", validation.run_id),
    }
}

fn begin(
    args: &CvArgs,
    plain: &TrainConfig,
    place: &Workplace,
    out: Output,
) -> anyhow::Result<(Store, CrossValidation)> {
    let config = args.recipe.config(plain);
    config.validate()?;
    let store = Store::open(&place.db)?;
    store.mark_crashed()?;
    let what = (args.name.clone(), &config, usize::from(args.folds));
    let validation = CrossValidation::begin(place, &store, what, &mut out.counting("decoding"))?;
    out.progress(&format!("{}  {}", store.run(&validation.run_id)?.started.name, validation.run_id));
    Ok((store, validation))
}

/// Trains what is left; how it ended, and why where it failed.
fn all_folds(
    store: &Store,
    validation: &CrossValidation,
    (place, out): (&Workplace, Output),
) -> anyhow::Result<(RunState, Option<String>)> {
    while let Some(start) = validation.next(store)? {
        let handle = session::start(place.clone(), start).context("cannot start a fold")?;
        let mut narrator = Narrator::new(out);
        let outcome = follow(&handle, &mut |event| narrator.tell(event))?;
        let _ = handle.thread.join();
        match outcome {
            Outcome::Finished { .. } => {}
            Outcome::Stopped => return Ok((RunState::Stopped, None)),
            Outcome::Failed(problem) => return Ok((RunState::Failed, Some(problem))),
            Outcome::Refused(problem) => return Err(WrongUse(problem).into()),
        }
    }
    Ok((RunState::Finished, None))
}

/// A cross-validation's figures, as JSON and in words.
pub fn answer(store: &Store, run: &Run) -> anyhow::Result<(Value, String)> {
    let folds = store.folds(&run.started.id)?;
    let finished: Vec<&Run> = folds.iter().filter(|fold| fold.state == RunState::Finished).collect();
    let table = Table::of(store, &finished)?;
    let mut value = super::run_json(run);
    value["k"] = json!(run.folds());
    value["folds"] = finished.iter().enumerate().map(|(place, fold)| fold_json(fold, table.row(place))).collect();
    let k = run.folds().unwrap_or_default();
    let is_whole = finished.len() == k;
    // The parts that are there would flatter or blacken the whole.
    let [mean, sd] = if is_whole { table.summary() } else { [Value::Null, Value::Null] };
    value["mean"] = mean;
    value["sd"] = sd;
    let head =
        format!("{}  {}  {}: {} of {k} folds", run.started.name, run.started.id, run.state.name(), finished.len());
    let line = |(place, fold): (usize, &&Run)| {
        let row = table.row(place);
        let figure = |key: &str| share(row[key].as_f64());
        let images = fold.test.map_or(0, |test| test.confusion.total());
        let (accuracy, auc) = (figure("accuracy"), figure("auc"));
        format!("fold {:<4}{images:>6} images   accuracy {accuracy}   AUC {auc}", number_of(fold).unwrap_or_default())
    };
    let lines = finished.iter().enumerate().map(line);
    let rest = if is_whole {
        table.text()
    } else {
        format!("not whole: `xray-tui cv --resume {}` trains the folds that are missing", run.started.id)
    };
    let words: Vec<String> = std::iter::once(head).chain(lines).chain([String::new(), rest]).collect();
    Ok((value, words.join("\n")))
}

fn fold_json(fold: &Run, figures: serde_json::Map<String, Value>) -> Value {
    let mut value = json!({
        "fold": number_of(fold),
        "run_id": fold.started.id,
        "name": fold.started.name,
        "n": fold.test.map(|test| test.confusion.total()),
        "best_epoch": fold.best_epoch,
        "threshold": fold.threshold().probability(),
    });
    if let Value::Object(value) = &mut value {
        value.extend(figures);
    }
    value
}
