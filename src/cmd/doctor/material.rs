//! What lies on disk: the data set, decoded pictures, the database, and the room that is left.

use std::path::{Path, PathBuf};

use rustix::fs::{Access, access, statvfs};

use super::finding::{Said, ok, problem, warning};
use crate::dataset::{self, Class, Dataset, Folder, scan};
use crate::session::Workplace;
use crate::store::health::{self, Health};
use crate::units::{bytes, count};

/// What a finished run takes: two checkpoints.
const RUN_BYTES: u64 = 2 * 45_000_000;

/// Fewer runs than this are worth a warning.
const FEW_RUNS: u64 = 10;

pub fn data(place: &Workplace) -> Vec<Said> {
    match dataset::find(&place.data) {
        Ok(dataset) => vec![contents(&dataset), classes(&dataset), unreadable(&dataset)],
        Err(error) if error.is_missing_data() => {
            let next = "name its folder with --data, or make a synthetic one with `xray-tui data demo --out data/demo`";
            vec![warning(format!("no data set in {}", place.data.display()), next)]
        }
        Err(error) => vec![problem(error.to_string(), "put the folder in order, or name another with --data")],
    }
}

fn contents(dataset: &Dataset) -> Said {
    let synthetic = if dataset.synthetic { ", SYNTHETIC" } else { "" };
    ok(format!("{}: {} images{synthetic}", dataset.root.display(), count(dataset.images.len())))
}

fn classes(dataset: &Dataset) -> Said {
    let number = |test: bool, class: Class| {
        dataset.images.iter().filter(|image| image.class == class && (image.folder == Folder::Test) == test).count()
    };
    let [[train_normal, train_ill], [test_normal, test_ill]] =
        [false, true].map(|test| Class::ALL.map(|class| number(test, class)));
    let what = format!(
        "train and val: {} NORMAL, {} PNEUMONIA; test: {} NORMAL, {} PNEUMONIA",
        count(train_normal),
        count(train_ill),
        count(test_normal),
        count(test_ill)
    );
    if train_normal == 0 || train_ill == 0 {
        return problem(what, "training needs images of both classes in train/NORMAL and train/PNEUMONIA");
    }
    if test_normal == 0 || test_ill == 0 {
        return warning(what, "test scores need images of both classes in test/NORMAL and test/PNEUMONIA");
    }
    ok(what)
}

fn unreadable(dataset: &Dataset) -> Said {
    let found = scan::unreadable(dataset);
    let Some((file, reason)) = found.first() else {
        return ok("every file begins as a picture does".into());
    };
    let what = format!("files that are no pictures: {}; the first is {file}: {reason}", count(found.len()));
    warning(what, "they are left out; `xray-tui data stats` names all of them")
}

pub fn cache(place: &Workplace) -> Vec<Said> {
    let folder = &place.cache;
    let next = "name another folder with XRAY_TUI_CACHE, or `cache` in the configuration file";
    if !may_write(folder) {
        return vec![problem(format!("{} cannot be written", folder.display()), next)];
    }
    let room = free(folder).map_or_else(String::new, |free| format!(", {} free on its disk", bytes(free)));
    let what = format!("{}: {}{room}", folder.display(), bytes(size(folder)));
    // The public data set takes about this.
    let little = free(folder).is_some_and(|free| free < 1_500_000_000);
    vec![if little { warning(what, "free some space: 5,856 X-rays take about 0.9 GB decoded") } else { ok(what) }]
}

pub fn database(place: &Workplace) -> Vec<Said> {
    let path = &place.db;
    let mut said = Vec::new();
    if health::is_on_network(path) {
        let what = format!("{} lies on a network file system, where SQLite may lose data", path.display());
        said.push(problem(what, "name a local file with --db"));
    }
    said.extend(match health::examine(path) {
        Ok(Some(health)) => known(path, &health),
        Ok(None) if may_write(path) => vec![ok(format!("{}: not there yet, the first run makes it", path.display()))],
        Ok(None) => vec![problem(format!("{} cannot be made", path.display()), "name a file elsewhere with --db")],
        Err(error) => vec![problem(error.to_string(), "put it in order, or name another file with --db")],
    });
    said.extend(room(path));
    said
}

fn known(path: &Path, health: &Health) -> Vec<Said> {
    let age = if health.schema < health.newest_schema { ", brought up when it is next used" } else { "" };
    let size = bytes(health.bytes);
    let mut said = vec![
        ok(format!("{}: {size}, schema {} of {}{age}", path.display(), health.schema, health.newest_schema)),
        ok(format!("runs: {}", count(health.runs))),
    ];
    if health.crashed > 0 {
        let what = format!("runs that died under way: {}", count(health.crashed));
        said.push(warning(what, "`xray-tui train --resume RUN` goes on with one, `runs delete RUN` takes it away"));
    }
    if !may_write(path) || !may_write(folder_of(path)) {
        let what = format!("{} or its folder cannot be written", path.display());
        said.push(problem(what, "check who owns them, or name another file with --db"));
    }
    said
}

/// Room for more runs beside the database.
fn room(path: &Path) -> Option<Said> {
    let free = free(path)?;
    let runs = free / RUN_BYTES;
    let what = format!("room beside it: {}, for {} runs of {}", bytes(free), runs, bytes(RUN_BYTES));
    let next = "`xray-tui runs gc` says what can go, `runs delete RUN` takes a run away";
    Some(match runs {
        0 => problem(what, next),
        _ if runs < FEW_RUNS => warning(what, next),
        _ => ok(what),
    })
}

fn folder_of(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// The path itself, or the nearest folder above it that is there.
fn nearest(path: &Path) -> PathBuf {
    let there = path.ancestors().find(|path| path.exists() && !path.as_os_str().is_empty());
    there.unwrap_or(Path::new(".")).to_owned()
}

/// Whether a file or folder can be written, or made.
fn may_write(path: &Path) -> bool {
    let nearest = nearest(path);
    let is_enough = path == nearest || nearest.is_dir();
    is_enough && access(&nearest, Access::WRITE_OK).is_ok()
}

/// Bytes that are free where `path` lies, or would lie.
fn free(path: &Path) -> Option<u64> {
    let found = statvfs(nearest(path)).ok()?;
    found.f_bavail.checked_mul(found.f_frsize)
}

/// Bytes of all files below a folder.
fn size(folder: &Path) -> u64 {
    let entries = std::fs::read_dir(folder).into_iter().flatten().filter_map(Result::ok);
    let of = |entry: std::fs::DirEntry| match entry.metadata() {
        Ok(facts) if facts.is_dir() => size(&entry.path()),
        Ok(facts) => facts.len(),
        Err(_) => 0,
    };
    entries.map(of).sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cmd::doctor::finding::Status;

    #[test]
    fn what_is_not_there_yet_is_written_where_its_folder_can_be() {
        let folder = tempfile::tempdir().unwrap();
        assert!(may_write(&folder.path().join("new/folder/runs.db")));
        std::fs::write(folder.path().join("file"), "").unwrap();
        assert!(!may_write(&folder.path().join("file/below")));
        assert_eq!(size(folder.path()), 0);
        assert!(free(&folder.path().join("new")).is_some());
    }

    #[test]
    fn a_data_set_of_one_class_is_a_problem_and_none_at_all_a_warning() {
        let folder = tempfile::tempdir().unwrap();
        let place = Workplace { data: folder.path().into(), db: "runs.db".into(), cache: "cache".into() };
        assert_eq!(data(&place).iter().map(|said| said.status).collect::<Vec<_>>(), [Status::Warning]);
        std::fs::create_dir_all(folder.path().join("train/NORMAL")).unwrap();
        std::fs::write(folder.path().join("train/NORMAL/a.png"), "no picture").unwrap();
        let status: Vec<_> = data(&place).iter().map(|said| said.status).collect();
        assert_eq!(status, [Status::Ok, Status::Problem, Status::Warning]);
    }
}
