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
use crate::session::labels::{self, Labels};
use crate::store::lock::RunLock;
use crate::store::{Origin, Record, Run, RunState, Store};
use crate::train::checkpoint;

/// Runs in one answer.
const PAGE: usize = 200;

/// Bytes of a run's record at most, and of its weights.
const LARGEST: u64 = 1 << 30;

/// Letters of a name at most, as `labels` has it.
const LONGEST_NAME: usize = 100;

/// Letters of a note at most, as `labels` has it.
const LONGEST_NOTE: usize = 2000;

const UNDER_WAY: &str = "is under way there: bring it in once it has ended";
const BUSY: &str = "is being brought in by another process";

/// What runs that came from elsewhere are tagged with.
pub const TAG: &str = "mlflow";

/// What became of a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pulled {
    pub remote_id: String,
    /// Its id here.
    pub run_id: String,
    pub name: String,
    /// Why nothing was brought in: it is here, or under way.
    pub passed_over: Option<String>,
    /// Whether another program made it, so that only some figures could be read.
    pub foreign: bool,
    /// Whether its weights came too.
    pub weights: bool,
}

/// The ids of all runs of the target's experiment, the oldest first.
///
/// # Errors
/// `Remote` or `Unreachable` where the server refuses, has no such experiment, or is out of reach.
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
        ids.extend(value["runs"].as_array().into_iter().flatten().map(|run| plain(&Remote::of(run).id)));
        match value["next_page_token"].as_str() {
            Some(next) if !next.is_empty() => token = Some(next.to_owned()),
            _ => return Ok(ids),
        }
    }
}

/// Brings one run in, with its weights where they are there. Where that fails nothing of it stays.
///
/// # Errors
/// `Remote` or `Unreachable` where the server refuses, has no such run, or is out of reach; `Store` or `Io` where it
/// cannot be written.
pub fn pull(store: &Store, target: &Target, remote_id: &str) -> Result<Pulled> {
    let Some(there) = remote::run(target, remote_id)? else { return Err(push::gone(target, remote_id)) };
    let became = |run: &Run, (passed_over, weights): (Option<&str>, bool)| Pulled {
        remote_id: plain(&there.id),
        run_id: run.started.id.clone(),
        name: run.started.name.clone(),
        passed_over: passed_over.map(str::to_owned),
        foreign: !there.tags.contains_key(RUN_ID),
        weights,
    };
    // Before anything long is read.
    if let Some(run) = store.pulled_from(&origin(target, &there))? {
        return Ok(became(&run, (Some(here(&run).as_str()), false)));
    }
    let record = match own(target, &there)? {
        Some(record) => record,
        None => foreign::record(target, &there)?,
    };
    let record = cleaned(record);
    let id = record.run.started.id.clone();
    // It names a folder here.
    if !is_id(&id) {
        let place = format!("{}, run {}", target.server.base(), plain(&there.id));
        return Err(Error::Remote { place, problem: format!("its record was changed: {id:?} is no run's id") });
    }
    if let Ok(run) = store.run(&id) {
        return Ok(became(&run, (Some(here(&run).as_str()), false)));
    }
    if record.run.state == RunState::Running {
        return Ok(became(&record.run, (Some(UNDER_WAY), false)));
    }
    let record = settle(store, record)?;
    let folder = store.run_folder(&id);
    let is_new = !folder.exists();
    let Some(_lock) = RunLock::acquire(&folder)? else { return Ok(became(&record.run, (Some(BUSY), false))) };
    // Who held the lock until now may have brought it in.
    if let Ok(run) = store.run(&id) {
        return Ok(became(&run, (Some(here(&run).as_str()), false)));
    }
    let brought = bring(store, target, (&there, &record));
    if brought.is_err() && is_new {
        let _ = fs::remove_dir_all(&folder);
    }
    Ok(became(&record.run, (None, brought?)))
}

/// Why a run that is here is not brought in again.
fn here(run: &Run) -> String {
    if run.trashed_at.is_none() {
        return "is here already".into();
    }
    format!("is here already, in the trash: `xray-tui runs restore {}` brings it back", run.started.id)
}

/// Writes a run's weights and then its rows, so that what broke off is pulled again as a whole; whether it has weights.
fn bring(store: &Store, target: &Target, (there, record): (&Remote, &Record)) -> Result<bool> {
    let folder = store.run_folder(&record.run.started.id);
    let has_weights = record.run.weights.is_some() && weights(target, (there, record), &folder)?;
    store.import_run(record, &origin(target, there))?;
    Ok(has_weights)
}

fn origin(target: &Target, there: &Remote) -> Origin {
    Origin { uri: target.server.base().to_owned(), remote_id: there.id.clone() }
}

/// A run that another xray-tui has pushed, whole; `None` where another program made it.
fn own(target: &Target, there: &Remote) -> Result<Option<Record>> {
    if !there.tags.contains_key(RUN_ID) {
        return Ok(None);
    }
    let wrong = |problem: String| {
        let place = format!("{}, run {}", target.server.base(), plain(&there.id));
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
    let read = incoming.reader().take(LARGEST + 1).read_to_end(&mut bytes);
    read.map_err(|error| wrong(format!("{RECORD} broke off ({error}): try again")))?;
    if bytes.len() as u64 > LARGEST {
        return Err(wrong(format!("{RECORD} is larger than 1 GiB, so it is no record of a run")));
    }
    let record: Result<Record, _> = serde_json::from_slice(&bytes);
    record.map(Some).map_err(|error| {
        wrong(format!("{RECORD} cannot be read ({}): use the version that wrote it", plain(&error.to_string())))
    })
}

/// Whether it is a run's id: 12 lower-case hexadecimal digits.
fn is_id(text: &str) -> bool {
    text.len() == 12 && text.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte))
}

/// The run as it stands among those here: marked, under a name that none of them has, and a part by itself where its
/// cross-validation is not here.
fn settle(store: &Store, record: Record) -> Result<Record> {
    let mut run = record.run;
    if store.names()?.contains(&run.started.name) {
        // A hyphen and 12 digits come behind.
        let head: String = run.started.name.chars().take(LONGEST_NAME - 13).collect();
        run.started.name = format!("{head}-{}", run.started.id);
    }
    if !run.tags.iter().any(|tag| tag == TAG) {
        run.tags.push(TAG.into());
    }
    let parent = run.started.parent.take();
    run.started.parent = parent.filter(|parent| store.run(parent).is_ok());
    Ok(Record { run, ..record })
}

/// Downloads the best weights of a run into its folder, which is there; whether the server has them. A part of them
/// never stays.
fn weights(target: &Target, (there, record): (&Remote, &Record), folder: &Path) -> Result<bool> {
    let root = there.artifacts().unwrap_or_default();
    let Some(mut incoming) = target.server.download(&format!("{root}/{CHECKPOINT}"))? else { return Ok(false) };
    let (path, part) = (checkpoint::best_path(folder), folder.join("best.safetensors.part"));
    let wrong = |problem: &str| {
        let place = format!("{}, {CHECKPOINT} of run {}", target.server.base(), plain(&there.id));
        Error::Remote { place, problem: problem.to_owned() }
    };
    let kept = receive(incoming.reader(), &part, LARGEST).and_then(|is_whole| {
        if !is_whole {
            return Err(wrong("is larger than 1 GiB, so it holds no weights of this program"));
        }
        let found = checkpoint::describe(&part).map(|(_, weights)| weights.to_string());
        if found.as_ref().ok() != record.run.weights.as_ref() {
            return Err(wrong("holds other weights than the run ended with, so they were not kept: pull again"));
        }
        fs::rename(&part, &path).map_err(|error| Error::io("write", &path, error))
    });
    if kept.is_err() {
        let _ = fs::remove_file(&part);
    }
    kept.map(|()| true)
}

/// Writes what comes in into a file, `most` bytes and one more; whether that is all of it.
fn receive(from: impl Read, path: &Path, most: u64) -> Result<bool> {
    let written = File::create(path).and_then(|mut file| std::io::copy(&mut from.take(most + 1), &mut file));
    written.map(|bytes| bytes <= most).map_err(|error| Error::io("write", path, error))
}

/// What a server says, in words that can be shown and that a run here may have.
fn cleaned(mut record: Record) -> Record {
    let run = &mut record.run;
    let note = run.note.take().map(|note| lines(&note).chars().take(LONGEST_NOTE).collect::<String>());
    run.note = note.filter(|note| !note.trim().is_empty());
    run.problem = run.problem.take().map(|problem| lines(&problem));
    let is_tag = |tag: &String| Labels { note: None, tags: vec![tag.clone()] }.check().is_ok();
    let tags: Vec<String> = run.tags.iter().map(|tag| plain(tag)).filter(is_tag).collect();
    run.tags = tags;
    let started = &mut run.started;
    started.name = name(&started.name, &started.id);
    for text in [&mut started.device, &mut started.data_hash, &mut started.split_hash] {
        *text = plain(text);
    }
    started.git_commit = started.git_commit.take().map(|commit| plain(&commit));
    let data = plain(&started.data.to_string_lossy());
    started.data = data.into();
    record
}

/// A run's name, or one of its id where no run may be called so.
fn name(said: &str, id: &str) -> String {
    let name: String = plain(said).trim().chars().take(LONGEST_NAME).collect();
    if labels::check_name(Some(&name)).is_ok() { name } else { format!("{TAG}-{id}") }
}

/// In one line, without control characters.
fn plain(text: &str) -> String {
    text.chars().filter(|letter| !letter.is_control()).collect()
}

/// Without control characters but line ends.
fn lines(text: &str) -> String {
    text.chars().filter(|letter| *letter == '\n' || !letter.is_control()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::sample;

    fn record(number: usize) -> Record {
        let (run, steps, marks) = (sample::run(number, RunState::Finished), Vec::new(), Vec::new());
        Record { run, epochs: vec![sample::epoch(1)], steps, marks, answers: Vec::new(), manifest: None }
    }

    #[test]
    fn an_id_that_leads_out_of_the_folder_is_none() {
        for wrong in ["../../../etc", "", "0123456789abc", "0123456789AB", "01234/6789ab"] {
            assert!(!is_id(wrong), "{wrong}");
        }
        assert!(is_id("0123456789ab"));
    }

    #[test]
    fn a_name_that_is_taken_gets_the_id_and_a_part_whose_whole_is_not_here_stands_alone() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&folder.path().join("runs.db")).unwrap();
        let origin = Origin { uri: "http://there".into(), remote_id: "a".into() };
        store.import_run(&settle(&store, record(1)).unwrap(), &origin).unwrap();
        let mut second = record(2);
        (second.run.started.name, second.run.started.parent) = ("run-1".into(), Some("0123456789ab".into()));
        let second = settle(&store, second).unwrap();
        let origin = Origin { remote_id: "b".into(), ..origin };
        store.import_run(&second, &origin).unwrap();
        let run = store.run(&second.run.started.id).unwrap();
        assert_eq!(run.started.name, format!("run-1-{}", run.started.id));
        assert_eq!((run.started.parent, run.tags), (None, vec![TAG.to_owned()]));
        assert_eq!(store.origin(&second.run.started.id).unwrap(), Some(origin.clone()));
        assert_eq!(store.epochs(&second.run.started.id).unwrap(), [sample::epoch(1)]);
        assert_eq!(store.pulled_from(&origin).unwrap().map(|run| run.started.id), Some(second.run.started.id));
        assert_eq!(store.pulled_from(&Origin { remote_id: "c".into(), ..origin }).unwrap(), None);
    }

    #[test]
    fn the_best_run_is_one_whose_weights_are_here() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&folder.path().join("runs.db")).unwrap();
        for number in [1, 2] {
            let origin = Origin { uri: "http://there".into(), remote_id: number.to_string() };
            store.import_run(&settle(&store, record(number)).unwrap(), &origin).unwrap();
        }
        assert!(store.resolve("best").is_err());
        // The second scored higher.
        let first = store.run_folder(&sample::run_id(1));
        fs::create_dir_all(&first).unwrap();
        fs::write(checkpoint::best_path(&first), b"weights").unwrap();
        assert_eq!(store.resolve("best").unwrap().started.id, sample::run_id(1));
    }

    #[test]
    fn a_run_that_cannot_be_written_whole_is_not_written_at_all() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&folder.path().join("runs.db")).unwrap();
        let origin = Origin { uri: "http://there".into(), remote_id: "a".into() };
        let mut record = record(1);
        // More than SQLite can hold.
        record.run.epochs_done = usize::MAX;
        assert!(store.import_run(&record, &origin).is_err());
        assert!(store.run(&record.run.started.id).is_err());
        assert_eq!(store.pulled_from(&origin).unwrap(), None);
        record.run.epochs_done = 1;
        store.import_run(&record, &origin).unwrap();
    }

    #[test]
    fn a_list_of_images_that_is_not_the_one_its_digest_tells_of_is_left_out() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&folder.path().join("runs.db")).unwrap();
        let digest = crate::metrics::Fingerprint::of(b"a list").to_string();
        for (number, list, kept) in [(1, "another list", None), (2, "a list", Some("a list".to_owned()))] {
            let mut record = record(number);
            (record.run.started.manifest, record.manifest) = (Some(digest.clone()), Some(list.into()));
            let origin = Origin { uri: "http://there".into(), remote_id: list.into() };
            store.import_run(&record, &origin).unwrap();
            assert_eq!(store.manifest(&digest).unwrap(), kept);
        }
    }

    #[test]
    fn what_a_server_says_comes_without_control_characters() {
        let mut record = record(1);
        record.run.started.name = "\u{1b}[31mred\n".into();
        record.run.note = Some("one\ntwo\u{7}".into());
        record.run.tags = vec!["a\u{1b}b".into(), "two words".into(), "\u{7}".into()];
        let run = cleaned(record).run;
        assert_eq!((run.started.name.as_str(), run.note.as_deref()), ("[31mred", Some("one\ntwo")));
        assert_eq!(run.tags, ["ab"]);
    }

    #[test]
    fn a_name_that_no_run_may_have_is_made_of_the_id() {
        for said in ["", " \n", "\u{1b}", "best"] {
            assert_eq!(name(said, "0123456789ab"), "mlflow-0123456789ab", "{said:?}");
        }
        assert_eq!(name(&"x".repeat(101), "0123456789ab"), "x".repeat(100));
    }

    #[test]
    fn no_more_than_the_limit_is_taken_for_a_whole_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("part");
        assert!(receive(&b"1234"[..], &path, 4).unwrap());
        assert!(!receive(&b"123456"[..], &path, 4).unwrap());
        assert_eq!(fs::read(&path).unwrap(), b"12345");
    }
}
