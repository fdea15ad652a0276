//! `xray-tui data track` and `data verify`: data and their versions, in DVC's files.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use serde_json::{Value, json};

use crate::cmd::{Output, open_store};
use crate::dataset;
use crate::interop::dvc::{self, Changes, Tracked, Verified, Watch};
use crate::session::Workplace;
use crate::session::tracking::{self, Seen};
use crate::units;

/// Files that are named in words.
const MOST_FILES: usize = 20;

pub fn track(paths: &[PathBuf], place: &Workplace, out: Output) -> anyhow::Result<ExitCode> {
    let paths = if paths.is_empty() { vec![dataset::find(&place.data)?.root] } else { paths.to_vec() };
    let mut tracked = Vec::new();
    for path in &paths {
        out.progress(&format!("tracking {}", path.display()));
        let mut watch = Watch { hashing: &mut out.counting("hashed"), storing: &mut out.counting("stored") };
        tracked.push(dvc::track(path, &mut watch)?);
    }
    let words = || tracked.iter().map(told).collect::<Vec<_>>().join("\n");
    out.answer(&json!({"tracked": tracked}), words)?;
    Ok(ExitCode::SUCCESS)
}

fn told(tracked: &Tracked) -> String {
    let Tracked { dvc_file, md5, files, size, new_objects, .. } = tracked;
    let (files, size) = (units::count(*files), units::bytes(*size));
    format!("{}  {md5}  {files} files, {size}, {} new in the cache", dvc_file.display(), units::count(*new_objects))
}

pub fn verify(path: Option<&Path>, place: &Workplace, out: Output) -> anyhow::Result<ExitCode> {
    let path = path.map_or_else(|| usual(place), |path| Ok(path.to_owned()))?;
    let found = dvc::verify(&path, &mut out.counting("hashed"))?;
    let mut value = json!(found);
    for key in ["changed", "added", "missing"] {
        // Not known is null.
        value[key] = value[key].take();
    }
    out.answer(&value, || verified(&found))?;
    Ok(code(found.same))
}

/// The data set's folder; where it is gone, the one that was named.
fn usual(place: &Workplace) -> anyhow::Result<PathBuf> {
    if place.data.exists() { Ok(dataset::find(&place.data)?.root) } else { Ok(place.data.clone()) }
}

fn code(same: bool) -> ExitCode {
    if same { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn verified(found: &Verified) -> String {
    let (path, file) = (found.path.display(), found.dvc_file.display());
    match &found.changes {
        _ if found.same => format!("{path} is what {file} tells: {}", found.recorded),
        Some(changes) => {
            let lists = [&changes.changed, &changes.added, &changes.missing];
            format!("{path} is not what {file} tells: {}", differences(lists))
        }
        None => format!(
            "{path} is not what {file} tells: {}, now {}\nwhich files differ is not known, as the version's list is not in \
             DVC's cache: `dvc fetch {file}` brings it",
            found.recorded,
            found.found.as_deref().unwrap_or("–")
        ),
    }
}

/// How many files are changed, added and missing, and the first of them.
fn differences(lists: [&Vec<String>; 3]) -> String {
    let kinds = ["changed", "added", "missing"];
    let counts: Vec<String> = kinds.iter().zip(lists).map(|(kind, list)| format!("{} {kind}", list.len())).collect();
    let all: Vec<String> = kinds
        .iter()
        .zip(lists)
        .flat_map(|(kind, list)| list.iter().map(move |file| format!("\n  {kind}: {file}")))
        .collect();
    let more = all.len().saturating_sub(MOST_FILES);
    let more = if more > 0 { format!("\n  and {more} more, all of them with --json") } else { String::new() };
    format!("{}{}{more}", counts.join(", "), all[..all.len().min(MOST_FILES)].concat())
}

pub fn verify_run((path, run): (Option<&Path>, &str), place: &Workplace, out: Output) -> anyhow::Result<ExitCode> {
    let store = open_store(place)?;
    let run = store.resolve(run)?.started;
    let path = path.unwrap_or(&run.data);
    let seen = tracking::seen(&store, &run, (path, &mut out.counting("hashed")))?;
    let mut value = json!(seen);
    value["path"] = Value::from(path.to_string_lossy());
    value["run_id"] = Value::from(run.id.as_str());
    out.answer(&value, || seen_text(&seen, (path, &run.name)))?;
    Ok(code(seen.same))
}

fn seen_text(seen: &Seen, (path, run): (&Path, &str)) -> String {
    let path = path.display();
    let Changes { changed, added, missing } = Changes {
        changed: seen.changed.clone(),
        added: seen.added.clone().unwrap_or_default(),
        missing: seen.missing.clone(),
    };
    match (seen.same, seen.recorded == seen.found) {
        (true, true) => format!("{path} is what {run} saw: {}", seen.found),
        (true, false) => format!(
            "the images in {path} that {run} used are as they were; other files differ ({}, now {})",
            seen.recorded, seen.found
        ),
        (false, _) => format!("{path} is not what {run} saw: {}", differences([&changed, &added, &missing])),
    }
}
