//! What the runs take on disk, and what of it can go.

use std::fs;
use std::path::{Path, PathBuf};

use serde::Serialize;

use crate::error::{Error, Result};
use crate::store::{RunState, Store, lock};
use crate::train::checkpoint;

/// What lies in one folder of checkpoints.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Usage {
    pub folder: PathBuf,
    /// `None` for what no run of the database has.
    pub run_id: Option<String>,
    pub name: Option<String>,
    pub state: Option<RunState>,
    pub bytes: u64,
    /// Of that, what can go.
    pub can_go_bytes: u64,
    /// Why, in words; empty where nothing can go.
    pub reasons: Vec<String>,
    #[serde(skip)]
    waste: Vec<Waste>,
}

/// Something that can go.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Waste {
    File(PathBuf),
    Folder(PathBuf),
    /// The optimizer's state in the last checkpoint of a finished run.
    Optimizer(PathBuf),
}

/// Looks at all folders of checkpoints; those of runs under way are left alone.
///
/// # Errors
/// `Io` where a folder cannot be read, `Store` where the runs cannot.
pub fn survey(store: &Store) -> Result<Vec<Usage>> {
    let checkpoints = store.run_folder("");
    let mut found = Vec::new();
    for folder in folders(&checkpoints)? {
        found.push(look(store, &folder)?);
    }
    found.sort_by(|a, b| b.bytes.cmp(&a.bytes).then_with(|| a.folder.cmp(&b.folder)));
    Ok(found)
}

/// Deletes what can go; answers how many bytes that were.
///
/// # Errors
/// `Io` where something cannot be deleted, `Checkpoint` where a checkpoint cannot be written anew.
pub fn clear(store: &Store, usage: &[Usage]) -> Result<u64> {
    let before: u64 = usage.iter().map(|usage| usage.bytes).sum();
    for waste in usage.iter().flat_map(|usage| &usage.waste) {
        match waste {
            Waste::File(path) => fs::remove_file(path).map_err(|error| Error::io("delete", path, error))?,
            Waste::Folder(path) => fs::remove_dir_all(path).map_err(|error| Error::io("delete", path, error))?,
            Waste::Optimizer(folder) => checkpoint::slim_last(folder)?,
        }
    }
    let lists = store.forget_unused_manifests()?;
    let after: u64 = survey(store)?.iter().map(|usage| usage.bytes).sum();
    Ok(before.saturating_sub(after) + lists)
}

fn look(store: &Store, folder: &Path) -> Result<Usage> {
    let id = folder.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let run = store.run(&id).ok();
    let bytes = size(folder)?;
    let mut usage = Usage {
        folder: folder.to_owned(),
        run_id: run.as_ref().map(|run| run.started.id.clone()),
        name: run.as_ref().map(|run| run.started.name.clone()),
        state: run.as_ref().map(|run| run.state),
        bytes,
        can_go_bytes: 0,
        reasons: Vec::new(),
        waste: Vec::new(),
    };
    if lock::is_held(folder)? {
        return Ok(usage);
    }
    match run {
        None => usage.add(bytes, "no run of this database has it", Waste::Folder(folder.to_owned())),
        Some(run) => {
            if run.state == RunState::Finished {
                let optimizer = checkpoint::optimizer_bytes(&checkpoint::last_path(folder));
                if optimizer > 0 {
                    usage.add(
                        optimizer,
                        "a finished run needs no optimizer's state",
                        Waste::Optimizer(folder.to_owned()),
                    );
                }
            }
            for file in files(folder)?.into_iter().filter(|file| is_partial(file)) {
                usage.add(
                    file.metadata().map_or(0, |facts| facts.len()),
                    "a write that was not finished",
                    Waste::File(file),
                );
            }
        }
    }
    Ok(usage)
}

impl Usage {
    fn add(&mut self, bytes: u64, reason: &str, waste: Waste) {
        self.can_go_bytes += bytes;
        self.reasons.push(reason.to_owned());
        self.waste.push(waste);
    }
}

fn is_partial(file: &Path) -> bool {
    let name = file.file_name().unwrap_or_default().to_string_lossy();
    name.starts_with('.') && name.ends_with(".partial")
}

fn entries(folder: &Path) -> Result<Vec<PathBuf>> {
    let failed = |error| Error::io("list", folder, error);
    match fs::read_dir(folder) {
        Ok(entries) => entries.map(|entry| Ok(entry.map_err(failed)?.path())).collect(),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Vec::new()),
        Err(error) => Err(failed(error)),
    }
}

/// Folders that are no links.
fn folders(folder: &Path) -> Result<Vec<PathBuf>> {
    Ok(entries(folder)?.into_iter().filter(|path| path.is_dir() && !path.is_symlink()).collect())
}

fn files(folder: &Path) -> Result<Vec<PathBuf>> {
    Ok(entries(folder)?.into_iter().filter(|path| path.is_file() && !path.is_symlink()).collect())
}

/// Bytes of all files below a folder.
fn size(folder: &Path) -> Result<u64> {
    let own: u64 = files(folder)?.iter().filter_map(|file| file.metadata().ok()).map(|facts| facts.len()).sum();
    let below: Result<Vec<u64>> = folders(folder)?.iter().map(|folder| size(folder)).collect();
    Ok(own + below?.into_iter().sum::<u64>())
}
