//! What the runs take on disk, and what of it can go.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::Serialize;

use super::journal;
use crate::error::{Error, Result};
use crate::store::{APPLICATION_ID, Run, RunState, Store, lock};
use crate::train::checkpoint;

/// What lies in one folder of checkpoints.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Usage {
    pub folder: PathBuf,
    /// `None` for what no run of the database has.
    pub run_id: Option<String>,
    pub name: Option<String>,
    pub state: Option<RunState>,
    /// Whether the run is in the trash; it can go with all that is in the folder.
    pub trashed: bool,
    pub bytes: u64,
    /// Of that, what can go.
    pub can_go_bytes: u64,
    /// Why, in words, or why what looks like waste stays.
    pub reasons: Vec<String>,
    #[serde(skip)]
    waste: Vec<Waste>,
}

/// What has gone for good.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Freed {
    /// Runs that were in the trash.
    pub runs: usize,
    /// Of files.
    pub bytes: u64,
    /// Runs that stay in the trash, by their ids, and what is to be said of each.
    pub left: Vec<(String, String)>,
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
    let alone = is_alone(store)?;
    let mut found = Vec::new();
    for folder in folders(&store.run_folder(""))? {
        let mut usage = Usage::of(store, &folder)?;
        if !lock::is_held(&folder)? {
            usage.find_waste((alone, is_old(&folder)))?;
        }
        found.push(usage);
    }
    found.sort_by(|a, b| b.bytes.cmp(&a.bytes).then_with(|| a.folder.cmp(&b.folder)));
    Ok(found)
}

/// Bytes of a run's folder: its checkpoints and its log. It lists one folder, so it may be asked for every row that is seen;
/// 0 where there is none, or it cannot be read.
#[must_use]
pub fn size_of(store: &Store, run_id: &str) -> u64 {
    size(&store.run_folder(run_id)).unwrap_or(0)
}

/// Deletes what can go, the trash first.
///
/// # Errors
/// `Io` where something outside the trash cannot be deleted, `Checkpoint` where a checkpoint cannot be written anew, `Store`
/// where the database cannot be written.
pub fn clear(store: &Store, usage: &[Usage]) -> Result<Freed> {
    let alone = is_alone(store)?;
    let mut freed = empty_trash(store)?;
    for found in usage.iter().filter(|usage| !usage.waste.is_empty()) {
        // Somebody may have begun to use it since.
        let Some(_lock) = lock::RunLock::acquire(&found.folder)? else { continue };
        let mut usage = Usage::of(store, &found.folder)?;
        // The lock that is held has made the folder new.
        usage.find_waste((alone, true))?;
        for waste in &usage.waste {
            waste.delete()?;
        }
        freed.bytes += usage.bytes.saturating_sub(size(&found.folder)?);
    }
    store.forget_unused_manifests()?;
    Ok(freed)
}

/// Deletes the runs in the trash for good; one that cannot go holds no other back. A cross-validation goes with all its
/// folds, or stays with them.
///
/// # Errors
/// `Store` where the database cannot be read or written.
pub fn empty_trash(store: &Store) -> Result<Freed> {
    let trashed = store.trashed()?;
    let is_part_of = |part: &Run, whole: &Run| part.started.parent.as_ref() == Some(&whole.started.id);
    let mut freed = Freed::default();
    for run in trashed.iter().filter(|run| !trashed.iter().any(|whole| is_part_of(run, whole))) {
        let folds = trashed.iter().filter(|part| is_part_of(part, run));
        let ids: Vec<&str> = std::iter::once(run).chain(folds).map(|run| run.started.id.as_str()).collect();
        match delete_trashed(store, &ids) {
            Ok(Some(bytes)) => (freed.runs, freed.bytes) = (freed.runs + ids.len(), freed.bytes + bytes),
            Ok(None) => {}
            Err(error @ Error::Store { .. }) => return Err(error),
            Err(error) => freed.left.push((run.started.id.clone(), said_of(run, error))),
        }
    }
    Ok(freed)
}

/// Deletes a run and the folds behind it, and answers their bytes; `None` where it was brought back meanwhile.
fn delete_trashed(store: &Store, ids: &[&str]) -> Result<Option<u64>> {
    let bytes: u64 = ids.iter().map(|id| size(&store.run_folder(id))).sum::<Result<u64>>()?;
    Ok(ids.first().map_or(Ok(false), |id| store.delete_trashed(id))?.then_some(bytes))
}

/// Why a run stays, with its name in place of its id.
fn said_of(run: &Run, error: Error) -> String {
    match error {
        Error::Run { problem, .. } => format!("{} {problem}", run.started.name),
        error => format!("{}: {error}", run.started.name),
    }
}

/// Whether no other database of ours lies in the same folder: its checkpoints would lie among these.
fn is_alone(store: &Store) -> Result<bool> {
    let folder = store.path().parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let own = store.path().file_name();
    let others = files(folder)?.into_iter().filter(|file| file.file_name() != own);
    Ok(!others.into_iter().any(|file| is_database(&file)))
}

impl Waste {
    fn delete(&self) -> Result<()> {
        let gone = |path: &Path, done: std::io::Result<()>| match done {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(Error::io("delete", path, error)),
            _ => Ok(()),
        };
        match self {
            Self::File(path) => gone(path, fs::remove_file(path)),
            Self::Folder(path) => gone(path, fs::remove_dir_all(path)),
            Self::Optimizer(folder) => checkpoint::slim_last(folder),
        }
    }
}

impl Usage {
    fn of(store: &Store, folder: &Path) -> Result<Self> {
        let id = folder.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let run = match store.run(&id) {
            Ok(run) => Some(run),
            Err(Error::Run { .. }) => None,
            Err(error) => return Err(error),
        };
        Ok(Self {
            folder: folder.to_owned(),
            run_id: run.as_ref().map(|run| run.started.id.clone()),
            name: run.as_ref().map(|run| run.started.name.clone()),
            state: run.as_ref().map(|run| run.state),
            trashed: run.as_ref().is_some_and(|run| run.trashed_at.is_some()),
            bytes: size(folder)?,
            can_go_bytes: 0,
            reasons: Vec::new(),
            waste: Vec::new(),
        })
    }

    /// Of a folder that nobody uses; `alone` in a folder without other databases, and `old` enough that no run is making it.
    fn find_waste(&mut self, (alone, old): (bool, bool)) -> Result<()> {
        let folder = self.folder.clone();
        if self.trashed {
            // It goes with its row, not by the folder.
            self.can_go_bytes = self.bytes;
            self.reasons.push("it is in the trash".into());
            return Ok(());
        }
        if self.run_id.is_none() {
            if !alone {
                self.reasons.push("no run of this database has it, but another database lies beside it".into());
            } else if old && is_ours(&folder)? {
                self.add(self.bytes, "no run of this database has it", Waste::Folder(folder));
            }
            return Ok(());
        }
        if self.state == Some(RunState::Finished) {
            let optimizer = checkpoint::optimizer_bytes(&checkpoint::last_path(&folder));
            if optimizer > 0 {
                self.add(optimizer, "a finished run needs no optimizer's state", Waste::Optimizer(folder.clone()));
            }
        }
        for file in files(&folder)?.into_iter().filter(|file| is_partial(file)) {
            let bytes = file.metadata().map_or(0, |facts| facts.len());
            self.add(bytes, "a write that was not finished", Waste::File(file));
        }
        Ok(())
    }

    fn add(&mut self, bytes: u64, reason: &str, waste: Waste) {
        self.can_go_bytes += bytes;
        self.reasons.push(reason.to_owned());
        self.waste.push(waste);
    }
}

/// Whether a folder is one that this program makes, with nothing but its files: `0123456789ab` or `repeat-0123456789ab`.
fn is_ours(folder: &Path) -> Result<bool> {
    let name = folder.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let (id, is_scratch) = name.strip_prefix("repeat-").map_or((name.as_str(), false), |id| (id, true));
    let is_id = id.len() == 12 && id.chars().all(|digit| digit.is_ascii_hexdigit());
    let known = |file: &PathBuf| {
        let name = file.file_name().unwrap_or_default().to_string_lossy().into_owned();
        name == "lock" || name == journal::FILE || name.ends_with(".safetensors") || is_partial(file)
    };
    Ok(is_id && (is_scratch || (folders(folder)?.is_empty() && files(folder)?.iter().all(known))))
}

/// A run makes its folder a moment before its row.
fn is_old(folder: &Path) -> bool {
    const A_MOMENT: Duration = Duration::from_mins(1);
    let changed = fs::metadata(folder).and_then(|facts| facts.modified()).ok();
    changed.and_then(|changed| changed.elapsed().ok()).is_some_and(|age| age > A_MOMENT)
}

/// Whether a file is a database of this program, by its header (<https://www.sqlite.org/fileformat.html>).
fn is_database(file: &Path) -> bool {
    let mut header = [0; 72];
    let read = fs::File::open(file).and_then(|mut file| std::io::Read::read_exact(&mut file, &mut header));
    read.is_ok() && header.starts_with(b"SQLite format 3\0") && header[68..72] == APPLICATION_ID.to_be_bytes()
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::NewRun;
    use crate::store::lock::RunLock;

    /// Three runs in the trash, the second a cross-validation of one fold, each with 100 bytes of files.
    fn with_trash() -> (tempfile::TempDir, Store) {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&folder.path().join("runs.db")).unwrap();
        for (id, parent) in [("a", None), ("b", None), ("c", Some("b")), ("d", None)] {
            let run = serde_json::json!({
                "id": id, "name": format!("run-{id}"), "data": "/data/x", "synthetic": true, "config": {}, "seed": 1,
                "data_hash": "", "split_hash": "", "device": "cpu", "versions": {}, "parent": parent,
            });
            store.create_run(&serde_json::from_value::<NewRun>(run).unwrap()).unwrap();
            fs::create_dir_all(store.run_folder(id)).unwrap();
            fs::write(store.run_folder(id).join("best.safetensors"), [0; 100]).unwrap();
        }
        for id in ["a", "b", "d"] {
            store.trash_run(id).unwrap();
        }
        (folder, store)
    }

    #[test]
    fn a_run_that_is_held_stays_in_the_trash_and_the_others_go() {
        let (_folder, store) = with_trash();
        let lock = RunLock::acquire(&store.run_folder("d")).unwrap().unwrap();
        let freed = empty_trash(&store).unwrap();
        assert_eq!((freed.runs, freed.bytes), (3, 300), "the cross-validation with its fold");
        let [(id, why)] = &freed.left[..] else { panic!("{freed:?}") };
        assert_eq!((id.as_str(), why.as_str()), ("d", "run-d is under way; stop it before deleting it"));
        assert_eq!(store.count_trashed().unwrap(), 1);
        assert!(store.run_folder("d").join("best.safetensors").exists());
        drop(lock);
        assert_eq!(empty_trash(&store).unwrap(), Freed { runs: 1, bytes: 100, left: Vec::new() });
        assert_eq!(empty_trash(&store).unwrap(), Freed::default());
    }

    #[test]
    fn a_cross_validation_with_a_fold_that_is_held_keeps_its_folds_in_the_trash() {
        let (_folder, store) = with_trash();
        let _lock = RunLock::acquire(&store.run_folder("c")).unwrap().unwrap();
        let freed = empty_trash(&store).unwrap();
        assert_eq!((freed.runs, freed.left.len(), store.count_trashed().unwrap()), (2, 1, 2));
        assert!(freed.left[0].1.contains("run-b"), "{freed:?}");
    }
}
