//! `xray-tui models` and `runs promote`: the versions of the model, and which of them the champion is.

use std::process::ExitCode;

use serde_json::{Value, json};

use super::{Output, open_store};
use crate::cli::ModelsCommand;
use crate::session::Workplace;
use crate::session::models::{self, Grounds};
use crate::store::models::grounds;
use crate::store::{ModelVersion, Run, Store};
use crate::units::share;

pub fn run(command: ModelsCommand, place: &Workplace, out: Output) -> anyhow::Result<ExitCode> {
    match command {
        ModelsCommand::List if !place.db.exists() => {
            out.answer(&json!({"models": [], "champion": null, "changes": []}), || table(&[]))?;
        }
        ModelsCommand::List => list(&open_store(place)?, out)?,
        ModelsCommand::Rollback { to } => roll_back(&open_store(place)?, to, out)?,
    }
    Ok(ExitCode::SUCCESS)
}

/// A version, and what has become of its run.
struct Listed {
    version: ModelVersion,
    grounds: Grounds,
    is_champion: bool,
    /// `there`, `in the trash` or `deleted`.
    run: &'static str,
}

fn list(store: &Store, out: Output) -> anyhow::Result<()> {
    let champion = store.champion()?.map(|champion| champion.version);
    let (kept, trashed, changes) = (store.runs()?, store.trashed()?, store.champion_changes()?);
    let has = |runs: &[Run], version: &ModelVersion| runs.iter().any(|run| run.started.id == version.new.run_id);
    let listed = |version: ModelVersion| Listed {
        grounds: grounds(&changes, version.version),
        is_champion: champion == Some(version.version),
        run: match () {
            () if has(&kept, &version) => "there",
            () if has(&trashed, &version) => "in the trash",
            () => "deleted",
        },
        version,
    };
    let listed: Vec<Listed> = store.model_versions()?.into_iter().map(listed).collect();
    let value = json!({
        "models": listed.iter().map(json_of).collect::<Vec<_>>(),
        "champion": champion,
        "changes": changes,
    });
    out.answer(&value, || table(&listed))?;
    Ok(())
}

fn json_of(listed: &Listed) -> Value {
    let mut value = json!(listed.version);
    value["pipeline"] = json!(listed.grounds.pipeline);
    value["reason"] = json!(listed.grounds.reason);
    value["champion"] = json!(listed.is_champion);
    value["run"] = json!(listed.run);
    value
}

fn table(listed: &[Listed]) -> String {
    if listed.is_empty() {
        return "no run is promoted yet; `xray-tui pipeline run` or `xray-tui runs promote RUN` does that".into();
    }
    let head = format!(
        "{:>7}  {:<11}{:<14}{:<18}{:<22}{:<14}{:>9}{:>7}",
        "version", "", "run", "name", "promoted", "by", "accuracy", "AUC"
    );
    let row = |Listed { version: ModelVersion { version, new, promoted_at }, grounds, is_champion, run }: &Listed| {
        let mark = if *is_champion { "♛ champion" } else { "" };
        let by = grounds.pipeline.map_or_else(|| "a person".into(), |pipeline| format!("pipeline {pipeline}"));
        let figure = |key: &str| share(new.figures[key].as_f64());
        let at = promoted_at.get(..19).unwrap_or(promoted_at);
        let gone = if *run == "there" { String::new() } else { format!("  run {run}") };
        let why = grounds.reason.as_ref().map_or_else(String::new, |reason| {
            // One version is one line.
            format!("  {}", reason.replace(char::is_control, " "))
        });
        format!(
            "{version:>7}  {mark:<11}{:<14}{:<18}{at:<22}{by:<14}{:>9}{:>7}{gone}{why}",
            new.run_id,
            new.run_name,
            figure("accuracy"),
            figure("auc")
        )
    };
    std::iter::once(head).chain(listed.iter().map(row)).collect::<Vec<_>>().join("\n")
}

fn roll_back(store: &Store, to: Option<i64>, out: Output) -> anyhow::Result<()> {
    let done = models::roll_back(store, to)?;
    let (from, to) = (done.from.version, done.to.version);
    for (version, why) in &done.passed_over {
        out.progress(&format!("note: version {version} is passed over: {why}"));
    }
    let passed_over: Vec<i64> = done.passed_over.iter().map(|(version, _)| *version).collect();
    let value = json!({"from": from, "champion": to, "run_id": done.to.new.run_id, "passed_over": passed_over});
    out.answer(&value, || {
        let (name, id) = (&done.to.new.run_name, &done.to.new.run_id);
        if from == to {
            return format!("version {to}, {name}  {id}, is the champion already");
        }
        format!("version {to}, {name}  {id}, is the champion again, in place of version {from}")
    })?;
    Ok(())
}

/// Promotes a run while the champion is the `expected` version.
pub fn promote(
    store: &Store,
    run: &Run,
    (reason, expected): (Option<&String>, Option<i64>),
    out: Output,
) -> anyhow::Result<()> {
    let grounds = Grounds { pipeline: None, reason: reason.cloned() };
    let before = store.champion()?.map(|champion| champion.version);
    let promoted = models::promote(store, &run.started.id, (&grounds, expected))?;
    let (name, id, version) = (&run.started.name, &run.started.id, promoted.version);
    let value = json!({"run_id": id, "model_version": version, "previous": before});
    out.answer(&value, || match before {
        Some(before) if before == version => format!("{name}  {id} is the champion already, version {version}"),
        Some(before) => format!("{name}  {id} is the champion now, version {version}, in place of version {before}"),
        None => format!("{name}  {id} is the champion now, version {version}"),
    })?;
    Ok(())
}
