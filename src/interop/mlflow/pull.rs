//! Brings runs in from a server, for comparison.

use std::fs::{self, File};
use std::io::Read;
use std::path::Path;

use serde_json::json;

use super::files::{CHECKPOINT, RECORD};
use super::plan::RUN_ID;
use super::remote::{self, Remote};
use super::{Target, foreign, push};
use crate::error::{Error, Result};
use crate::store::{Origin, Record, RunState, Store};
use crate::train::checkpoint;

/// Runs in one answer.
const PAGE: usize = 200;

/// Bytes of a run's record at most.
const LONGEST: u64 = 1 << 30;

/// What became of a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pulled {
    pub remote_id: String,
    /// Its id here.
    pub run_id: String,
    pub name: String,
    /// Why nothing was brought in: it is here, or under way there.
    pub passed_over: Option<String>,
    /// Whether another program made it, so that only some figures could be read.
    pub foreign: bool,
    /// Whether its weights came too.
    pub weights: bool,
}

/// The ids of all runs of the target's experiment, the oldest first.
///
/// # Errors
/// `Remote` where the server is out of reach or refuses, or has no such experiment.
pub fn remote_ids(target: &Target) -> Result<Vec<String>> {
    let Some(experiment_id) = remote::known_experiment(target)? else {
        let problem = format!("has no experiment {}: name another with --experiment", target.experiment);
        return Err(Error::Remote { place: target.server.base().to_owned(), problem });
    };
    let (mut ids, mut token) = (Vec::new(), None);
    loop {
        let asked = json!({
            "experiment_ids": [experiment_id],
            "max_results": PAGE,
            "order_by": ["attributes.start_time ASC"],
            "page_token": token,
        });
        let value = target.server.post("runs/search", &asked)?;
        ids.extend(value["runs"].as_array().into_iter().flatten().map(|run| Remote::of(run).id));
        match value["next_page_token"].as_str() {
            Some(next) if !next.is_empty() => token = Some(next.to_owned()),
            _ => return Ok(ids),
        }
    }
}

/// Brings one run in, with its weights where they are there.
///
/// # Errors
/// `Remote` where the server is out of reach, refuses, or has no such run; `Store` or `Io` where it cannot be written.
pub fn pull(store: &Store, target: &Target, remote_id: &str) -> Result<Pulled> {
    let Some(there) = remote::run(target, remote_id)? else { return Err(push::gone(target, remote_id)) };
    let record = match own(target, &there)? {
        Some(record) => record,
        None => foreign::record(target, &there)?,
    };
    let started = &record.run.started;
    let foreign = !there.tags.contains_key(RUN_ID);
    let mut pulled = Pulled {
        remote_id: there.id.clone(),
        run_id: started.id.clone(),
        name: started.name.clone(),
        passed_over: None,
        foreign,
        weights: false,
    };
    pulled.passed_over = if store.run(&started.id).is_ok() {
        Some("is here already".into())
    } else if record.run.state == RunState::Running {
        Some("is under way there: bring it in once it has ended".into())
    } else {
        None
    };
    if pulled.passed_over.is_some() {
        return Ok(pulled);
    }
    let folder = store.run_folder(&started.id);
    store.import_run(&record, &Origin { uri: target.server.base().to_owned(), remote_id: there.id.clone() })?;
    pulled.weights = record.run.weights.is_some() && weights(target, (&there, &record), &folder)?;
    Ok(pulled)
}

/// A run that another xray-tui has pushed, whole; `None` where another program made it.
fn own(target: &Target, there: &Remote) -> Result<Option<Record>> {
    if !there.tags.contains_key(RUN_ID) {
        return Ok(None);
    }
    let wrong = |problem: String| {
        let place = format!("{}, run {}", target.server.base(), there.id);
        Error::Remote { place, problem }
    };
    let root =
        there.artifacts().ok_or_else(|| wrong("keeps its files past the server, so they cannot be read".into()))?;
    let Some(mut incoming) = target.server.download(&format!("{root}/{RECORD}"))? else {
        if there.status == "RUNNING" {
            return Ok(Some(foreign::record(target, there)?));
        }
        return Err(wrong(format!("has no file {RECORD} yet: it is there once the run is wholly sent")));
    };
    let mut bytes = Vec::new();
    let read = incoming.reader().take(LONGEST).read_to_end(&mut bytes);
    read.map_err(|error| wrong(format!("{RECORD} broke off ({error}): try again")))?;
    let record = serde_json::from_slice(&bytes);
    record.map(Some).map_err(|error| wrong(format!("{RECORD} cannot be read ({error}): use the version that wrote it")))
}

/// Downloads the best weights of a run; whether they are there. A part of them never stays.
fn weights(target: &Target, (there, record): (&Remote, &Record), folder: &Path) -> Result<bool> {
    let root = there.artifacts().unwrap_or_default();
    let Some(mut incoming) = target.server.download(&format!("{root}/{CHECKPOINT}"))? else { return Ok(false) };
    fs::create_dir_all(folder).map_err(|error| Error::io("create", folder, error))?;
    let (path, part) = (checkpoint::best_path(folder), folder.join("best.safetensors.part"));
    let written = File::create(&part).and_then(|mut file| std::io::copy(&mut incoming.reader(), &mut file));
    written.map_err(|error| Error::io("write", &part, error))?;
    let found = checkpoint::describe(&part).map(|(_, weights)| weights.to_string());
    if found.as_ref().ok() != record.run.weights.as_ref() {
        let _ = fs::remove_file(&part);
        let problem = "holds other weights than the run ended with, so they were not kept: pull again".to_owned();
        return Err(Error::Remote {
            place: format!("{}, {CHECKPOINT} of run {}", target.server.base(), there.id),
            problem,
        });
    }
    fs::rename(&part, &path).map_err(|error| Error::io("write", &path, error))?;
    Ok(true)
}
