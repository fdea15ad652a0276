//! `xray-tui runs`: past runs as a table, one run whole, and the end of one.

use std::process::ExitCode;

use serde_json::{Value, json};

use super::{Output, figures_json, open_store, run_json};
use crate::cli::RunsCommand;
use crate::metrics::EpochFigures;
use crate::session::Workplace;
use crate::store::{Run, Store};
use crate::units::{duration, share};

pub fn run(command: &RunsCommand, place: &Workplace, out: Output) -> anyhow::Result<ExitCode> {
    if matches!(command, RunsCommand::List) && !place.db.exists() {
        out.answer(&json!({"runs": []}), || table(&[]))?;
        return Ok(ExitCode::SUCCESS);
    }
    let store = open_store(place)?;
    match command {
        RunsCommand::List => list(&store, out)?,
        RunsCommand::Show { run } => show(&store, &store.resolve(run)?, out)?,
        RunsCommand::Delete { run } => delete(&store, &store.resolve(run)?, out)?,
    }
    Ok(ExitCode::SUCCESS)
}

fn list(store: &Store, out: Output) -> anyhow::Result<()> {
    let runs = store.runs()?;
    let rows: Vec<Value> = runs.iter().map(run_json).collect();
    out.answer(&json!({"runs": rows}), || table(&runs))?;
    Ok(())
}

fn table(runs: &[Run]) -> String {
    if runs.is_empty() {
        return "no runs yet; start one with `xray-tui train`".into();
    }
    let head = format!(
        "{:<14}{:<16}{:<10}{:>9}{:>8}{:>12}{:>10}",
        "id", "name", "state", "time", "epochs", "validation", "test"
    );
    let rows = runs.iter().map(|run| {
        format!(
            "{:<14}{:<16}{:<10}{:>9}{:>8}{:>12}{:>10}",
            run.started.id,
            run.started.name,
            run.state.name(),
            duration(run.seconds),
            run.epochs_done,
            share(run.best_val_accuracy),
            share(run.test.and_then(|test| test.confusion.accuracy())),
        )
    });
    std::iter::once(head).chain(rows).collect::<Vec<_>>().join("\n")
}

fn show(store: &Store, run: &Run, out: Output) -> anyhow::Result<()> {
    let epochs = store.epochs(&run.started.id)?;
    let mut value = run_json(run);
    value["epochs"] = epochs.iter().map(epoch_json).collect();
    value["test"] = run.test.as_ref().map_or(Value::Null, figures_json);
    value["git"] = json!({"commit": run.started.git_commit, "dirty": run.started.git_dirty});
    value["data_hash"] = json!(run.started.data_hash);
    value["split_hash"] = json!(run.started.split_hash);
    value["seed"] = json!(run.started.seed);
    value["device"] = json!(run.started.device);
    value["versions"] = run.started.versions.clone();
    out.answer(&value, || text(run, &epochs))?;
    Ok(())
}

/// An epoch under the contract's names.
fn epoch_json(epoch: &EpochFigures) -> Value {
    let (train, validation) = (&epoch.train, &epoch.validation);
    json!({
        "epoch": epoch.epoch,
        "train_loss": train.loss,
        "train_accuracy": train.confusion.accuracy(),
        "val_loss": validation.loss,
        "val_accuracy": validation.confusion.accuracy(),
        "val_precision": validation.confusion.precision(),
        "val_recall": validation.confusion.recall(),
        "val_f1": validation.confusion.f1(),
        "seconds": epoch.seconds,
    })
}

fn text(run: &Run, epochs: &[EpochFigures]) -> String {
    let mut lines = vec![
        format!("{}  {}  {}", run.started.name, run.started.id, run.state.name()),
        format!("started   {}   time {}", run.started_at, duration(run.seconds)),
        format!("data      {}  {}", run.started.data.display(), run.started.data_hash),
        format!("config    {}", run.started.config),
    ];
    lines.extend(run.problem.iter().map(|problem| format!("problem   {problem}")));
    lines.push(format!("{:>5}{:>12}{:>10}{:>10}{:>10}", "epoch", "train loss", "accuracy", "val loss", "accuracy"));
    lines.extend(epochs.iter().map(|epoch| {
        let (train, validation) = (&epoch.train, &epoch.validation);
        format!(
            "{:>5}{:>12}{:>10}{:>10}{:>10}{}",
            epoch.epoch,
            share(train.loss),
            share(train.confusion.accuracy()),
            share(validation.loss),
            share(validation.confusion.accuracy()),
            if Some(epoch.epoch) == run.best_epoch { "  best" } else { "" }
        )
    }));
    lines.extend(run.test.as_ref().map(|test| format!("\ntest\n{}", super::figures_text(test))));
    lines.join("\n")
}

fn delete(store: &Store, run: &Run, out: Output) -> anyhow::Result<()> {
    store.delete_run(&run.started.id)?;
    let (id, name) = (&run.started.id, &run.started.name);
    out.answer(&json!({"run_id": id, "deleted": true}), || format!("deleted {name}  {id}"))?;
    Ok(())
}
