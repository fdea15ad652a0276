//! `xray-tui runs verify | gc | export`: whether what is kept is right, what it takes, and how it gets elsewhere.

use std::path::Path;
use std::process::ExitCode;

use serde_json::json;

use crate::cmd::Output;
use crate::error::Error;
use crate::session::disk::{self, Freed, Usage};
use crate::session::original::Original;
use crate::session::verify::{self, Verification};
use crate::store::{Run, RunState, Store};
use crate::units::bytes;

/// Verifies one run or all; any difference fails.
pub fn verify(store: &Store, word: Option<&str>, out: Output) -> anyhow::Result<ExitCode> {
    let runs = word.map_or_else(|| all_done(store), |word| Ok(vec![store.resolve(word)?]))?;
    let seen = runs.into_iter().map(|run| Ok((verify::verify(store, &run)?, run)));
    let seen: Vec<(Verification, Run)> = seen.collect::<anyhow::Result<_>>()?;
    let differences: usize = seen.iter().map(|(found, _)| found.differences.len()).sum();
    let rows: Vec<_> = seen
        .iter()
        .map(|(found, run)| {
            let (id, name) = (&run.started.id, &run.started.name);
            json!({"run_id": id, "name": name, "checked": found.checked, "differences": found.differences})
        })
        .collect();
    out.answer(&json!({"runs": rows, "differences": differences}), || {
        seen.iter().map(|(found, run)| lines(found, run)).collect::<Vec<_>>().join("\n")
    })?;
    Ok(if differences == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// What a run under way writes between two looks is no difference.
fn all_done(store: &Store) -> Result<Vec<Run>, Error> {
    let done = store.runs()?.into_iter().filter(|run| run.state != RunState::Running);
    done.map(|run| store.run(&run.started.id)).collect()
}

fn lines(found: &Verification, run: &Run) -> String {
    let verdict = match found.differences.len() {
        0 if run.started.is_foreign() => "its figures are another program's".to_owned(),
        0 => "as they were".to_owned(),
        n => format!("{n} NOT as they were"),
    };
    let head =
        format!("{:<14}  {}  {} kept things looked at: {verdict}", run.started.name, run.started.id, found.checked);
    let difference =
        |d: &verify::Difference| format!("  ! {}\n    stored {}\n    found  {}", d.what, d.stored, d.found);
    std::iter::once(head).chain(found.differences.iter().map(difference)).collect::<Vec<_>>().join("\n")
}

/// Says what the runs take on disk and, with `delete`, deletes what can go.
pub fn clear(store: &Store, delete: bool, out: Output) -> anyhow::Result<()> {
    let usage = disk::survey(store)?;
    let [all, can_go] = [|u: &Usage| u.bytes, |u: &Usage| u.can_go_bytes].map(|of| usage.iter().map(of).sum::<u64>());
    let in_trash = store.count_trashed()?;
    let database = std::fs::metadata(store.path()).map_or(0, |facts| facts.len());
    let freed = if delete { disk::clear(store, &usage)? } else { Freed::default() };
    let value = json!({
        "folders": usage,
        "database_bytes": database,
        "bytes": all,
        "can_go_bytes": can_go,
        "trashed_runs": in_trash,
        "freed_bytes": freed.bytes,
        "left": freed.left.iter().map(|(id, why)| json!({"run_id": id, "problem": why})).collect::<Vec<_>>(),
    });
    out.answer(&value, || {
        let mut lines: Vec<String> = usage.iter().map(row).collect();
        lines.push(format!("{:<38}{:>10}", "database", bytes(database)));
        lines.push(format!("{:<38}{:>10}", "all checkpoints", bytes(all)));
        lines.extend((in_trash > 0).then(|| format!("{:<38}{in_trash:>10}", "runs in the trash")));
        lines.push(match (delete, can_go) {
            (true, _) => format!("freed {}", bytes(freed.bytes)),
            (false, 0) if in_trash == 0 => "nothing can go".to_owned(),
            (false, _) => format!("{} can go: `xray-tui runs gc --delete`", bytes(can_go)),
        });
        lines.join("\n")
    })?;
    let left: Vec<&str> = freed.left.iter().map(|(_, why)| why.as_str()).collect();
    anyhow::ensure!(left.is_empty(), "not all of the trash could go: {}", left.join("; "));
    Ok(())
}

fn row(usage: &Usage) -> String {
    let name =
        usage.name.clone().unwrap_or_else(|| usage.folder.file_name().unwrap_or_default().to_string_lossy().into());
    let state = usage.state.map_or("–", |state| state.name());
    let reasons = usage.reasons.join("; ");
    let reason = match usage.can_go_bytes {
        0 if reasons.is_empty() => String::new(),
        0 => format!("   stays: {reasons}"),
        can_go => format!("   {} can go: {reasons}", bytes(can_go)),
    };
    format!("{name:<28}{state:<10}{:>10}{reason}", bytes(usage.bytes))
}

/// Writes a run to one file.
pub fn export(store: &Store, (run, path): (&Run, &Path), out: Output) -> anyhow::Result<()> {
    let original = Original::read(store, run.clone())?;
    original.export(path)?;
    let size = std::fs::metadata(path).map_or(0, |facts| facts.len());
    let value = json!({"run_id": run.started.id, "bundle": path.to_string_lossy(), "bytes": size});
    out.answer(&value, || {
        format!(
            "{}  {}: record, answers and weights, no images. With the same images, `xray-tui reproduce {0} --data DIR` runs it again",
            path.display(),
            bytes(size)
        )
    })?;
    Ok(())
}
