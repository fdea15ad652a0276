//! A run's log: what happened to it, one line a thing, as text in its folder.
//!
//! It is for people. Nothing reads it back to decide anything, and losing it is no reason to fail a run.

use std::cell::RefCell;
use std::fs::File;
use std::io::{ErrorKind, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use crate::error::{Error, Result};
use crate::metrics::EpochFigures;
use crate::train::{Job, Outcome, Phase, TrainConfig, TrainEvent, machine};

/// Its name in the run's folder.
pub const FILE: &str = "log.txt";

/// Bytes that are read at once from the end of a log.
const BLOCK: u64 = 1 << 16;

/// The log of a run under way. What comes before the run has a folder waits for it.
#[derive(Debug, Default)]
pub(super) struct Journal(RefCell<State>);

#[derive(Debug, Default)]
struct State {
    place: Place,
    paused: bool,
    ended: bool,
}

/// Where lines go.
#[derive(Debug)]
enum Place {
    Waiting(String),
    File(File),
    /// The file cannot be written.
    Nowhere,
}

impl Default for Place {
    fn default() -> Self {
        Self::Waiting(String::new())
    }
}

impl Journal {
    /// Begins to write into the folder of `job`: `what` the run does, which begins or goes on, under its `name`.
    pub fn open(&self, job: &Job, (what, name, data_hash): (&str, &str, &str)) {
        let (identity, splits) = (&job.identity, job.splits);
        self.note(&format!("{what}: {name}, {}, xray-tui {}", identity.run_id, env!("CARGO_PKG_VERSION")));
        // The list may have hundreds of images; the record has it.
        let settings = TrainConfig { excluded: None, ..identity.config.clone() };
        self.note(&format!("settings: {}", serde_json::json!(settings)));
        self.note(&format!(
            "data: {}{}, {data_hash}, images to train {}, validate {} and test {}",
            job.dataset.root.display(),
            if job.dataset.synthetic { ", SYNTHETIC" } else { "" },
            splits.train.len(),
            splits.validation.len(),
            splits.test.len()
        ));
        self.note(&format!(
            "computing: engine {}, instructions {}, threads {}, {}",
            identity.config.engine.name(),
            machine::isa().name(),
            machine::compute_threads(),
            machine::processor().unwrap_or_else(|| "unknown processor".into())
        ));
        let file = File::options().create(true).append(true).open(job.folder.join(FILE)).ok();
        let Ok(mut state) = self.0.try_borrow_mut() else { return };
        let before = std::mem::replace(&mut state.place, file.map_or(Place::Nowhere, Place::File));
        if let Place::Waiting(lines) = before {
            state.write(&lines);
        }
    }

    /// Writes what matters of an event.
    pub fn hear(&self, event: &TrainEvent) {
        match event {
            TrainEvent::Phase(phase) => self.phase(*phase),
            TrainEvent::Rate { step, learning_rate } => {
                self.note(&format!("from step {} on, the learning rate is {learning_rate}", step + 1));
            }
            TrainEvent::LastEpoch { step, epoch } => {
                self.note(&format!("asked to stop after epoch {epoch}, at step {step}"));
            }
            TrainEvent::Epoch { figures, best } => self.note(&epoch_line(figures, *best)),
            TrainEvent::Notice(text) => self.note(&format!("note: {text}")),
            TrainEvent::Step(_) | TrainEvent::Answers { .. } | TrainEvent::Ended(_) => {}
        }
    }

    fn phase(&self, phase: Phase) {
        let Ok(was_paused) =
            self.0.try_borrow_mut().map(|mut state| std::mem::replace(&mut state.paused, phase == Phase::Paused))
        else {
            return;
        };
        match (phase, was_paused) {
            (Phase::Paused, false) => self.note("paused"),
            (Phase::Stopping, _) => self.note("stopping, as it was asked to"),
            (Phase::Paused, true) | (_, false) => {}
            (_, true) => self.note("goes on after the pause"),
        }
    }

    /// Writes how the run ended, once.
    pub fn end(&self, outcome: &Outcome) {
        let text = match outcome {
            Outcome::Finished { best_epoch, test } => {
                let accuracy = test.and_then(|test| test.confusion.accuracy());
                format!("finished: best epoch {best_epoch}, test accuracy {}", figure(accuracy))
            }
            Outcome::Stopped => "stopped; it can be resumed".to_owned(),
            Outcome::Failed(problem) => format!("failed: {problem}"),
            Outcome::Refused(problem) => format!("refused: {problem}"),
        };
        let had_ended = self.0.try_borrow_mut().map(|mut state| std::mem::replace(&mut state.ended, true));
        if had_ended.is_ok_and(|had_ended| !had_ended) {
            self.note(&text);
        }
    }

    /// Writes a line.
    pub fn note(&self, text: &str) {
        let line = format!("{:.3} {}\n", jiff::Timestamp::now(), text.replace(char::is_control, " "));
        if let Ok(mut state) = self.0.try_borrow_mut() {
            state.write(&line);
        }
    }
}

impl State {
    /// In one write, so that lines stay whole. Of a log that cannot be written nobody hears: the run matters more.
    fn write(&mut self, lines: &str) {
        match &mut self.place {
            Place::Waiting(waiting) => waiting.push_str(lines),
            Place::File(file) => drop(file.write_all(lines.as_bytes())),
            Place::Nowhere => {}
        }
    }
}

/// Adds a line to the log in a run's folder, for who watches the run from beside it. Where there is no log, nobody hears.
pub fn add(folder: &Path, text: &str) {
    let line = format!("{:.3} {}\n", jiff::Timestamp::now(), text.replace(char::is_control, " "));
    if let Ok(mut file) = File::options().append(true).open(folder.join(FILE)) {
        let _ = file.write_all(line.as_bytes());
    }
}

fn epoch_line(figures: &EpochFigures, best: bool) -> String {
    let (train, validation) = (&figures.train, &figures.validation);
    let harder = figures.harder_auc().map_or_else(String::new, |auc| format!(" harder AUC {}", figure(Some(auc))));
    format!(
        "epoch {}: train loss {} accuracy {}, validation loss {} accuracy {}{harder}, {:.1} s{}",
        figures.epoch,
        figure(train.loss),
        figure(train.confusion.accuracy()),
        figure(validation.loss),
        figure(validation.confusion.accuracy()),
        figures.seconds,
        if best { ", best so far" } else { "" }
    )
}

fn figure(value: Option<f64>) -> String {
    value.map_or_else(|| "–".to_owned(), |value| format!("{value:.4}"))
}

/// The last `most` lines of the log in a run's folder, oldest first; none where there is no log. Of a long one only the
/// end is read.
///
/// # Errors
/// `Io` where it is there but cannot be read.
pub fn last_lines(folder: &Path, most: usize) -> Result<Vec<String>> {
    let path = folder.join(FILE);
    let failed = |error| Error::io("read", &path, error);
    let Some(mut file) = open(&path)? else { return Ok(Vec::new()) };
    let mut start = file.seek(SeekFrom::End(0)).map_err(failed)?;
    let mut text = Vec::new();
    // One more than is asked for, as the first may be cut.
    while start > 0 && text.split(|&byte| byte == b'\n').count().saturating_sub(1) <= most {
        let size = start.min(BLOCK);
        start -= size;
        file.seek(SeekFrom::Start(start)).map_err(failed)?;
        let mut block = Vec::new();
        Read::take(&mut file, size).read_to_end(&mut block).map_err(failed)?;
        block.append(&mut text);
        text = block;
    }
    let text = String::from_utf8_lossy(&text);
    let lines: Vec<&str> = text.lines().collect();
    Ok(lines[lines.len().saturating_sub(most)..].iter().map(|&line| line.to_owned()).collect())
}

fn open(path: &Path) -> Result<Option<File>> {
    match File::open(path) {
        Ok(file) => Ok(Some(file)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(Error::io("read", path, error)),
    }
}

/// Reads a log as it grows.
#[derive(Debug)]
pub struct Follower {
    path: PathBuf,
    /// Bytes that were read.
    read: u64,
}

impl Follower {
    /// Of the log in a run's folder, from its beginning.
    #[must_use]
    pub fn new(folder: &Path) -> Self {
        Self { path: folder.join(FILE), read: 0 }
    }

    /// The whole lines that came since the last time.
    ///
    /// # Errors
    /// `Io` where the log is there but cannot be read.
    pub fn new_lines(&mut self) -> Result<Vec<String>> {
        let failed = |error| Error::io("read", &self.path, error);
        let Some(mut file) = open(&self.path)? else { return Ok(Vec::new()) };
        file.seek(SeekFrom::Start(self.read)).map_err(failed)?;
        let mut text = Vec::new();
        file.read_to_end(&mut text).map_err(failed)?;
        let whole = text.iter().rposition(|&byte| byte == b'\n').map_or(0, |end| end + 1);
        self.read += whole as u64;
        Ok(String::from_utf8_lossy(&text[..whole]).lines().map(str::to_owned).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_a_long_log_the_last_lines_come_whole() {
        let folder = tempfile::tempdir().unwrap();
        let line = |n: usize| format!("{n} {}", "é".repeat(n % 300));
        let text: String = (0..5000).map(|n| line(n) + "\n").collect();
        std::fs::write(folder.path().join(FILE), text).unwrap();
        for most in [0, 1, 7, 1000, 5000, usize::MAX] {
            let found = last_lines(folder.path(), most).unwrap();
            assert_eq!(found, (5000 - most.min(5000)..5000).map(line).collect::<Vec<_>>(), "{most}");
        }
    }

    #[test]
    fn where_there_is_no_log_there_are_no_lines() {
        let folder = tempfile::tempdir().unwrap();
        assert!(last_lines(folder.path(), 9).unwrap().is_empty());
        assert!(Follower::new(folder.path()).new_lines().unwrap().is_empty());
    }

    #[test]
    fn a_follower_waits_for_the_end_of_a_line() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(FILE);
        let mut follower = Follower::new(folder.path());
        std::fs::write(&path, "one\ntw").unwrap();
        assert_eq!(follower.new_lines().unwrap(), ["one"]);
        assert!(follower.new_lines().unwrap().is_empty());
        std::fs::write(&path, "one\ntwo\nthree\n").unwrap();
        assert_eq!(follower.new_lines().unwrap(), ["two", "three"]);
    }

    #[test]
    fn what_is_noted_is_one_line_whatever_is_in_it() {
        let journal = Journal::default();
        journal.note("a\nb\u{1b}c");
        let Place::Waiting(waiting) = std::mem::take(&mut journal.0.borrow_mut().place) else { panic!("not waiting") };
        assert!(waiting.ends_with("Z a b c\n") && waiting.lines().count() == 1, "{waiting}");
    }
}
