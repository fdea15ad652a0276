//! What the Runs screen asks the store for, and what comes back.

use std::path::PathBuf;

use super::compare::Compared;
use crate::metrics::comparison::Comparison;

/// Something to be done for the Runs screen.
#[derive(Debug, Clone, PartialEq)]
pub enum RunsWork {
    Star {
        run_id: String,
        starred: bool,
    },
    Rename {
        run_id: String,
        name: String,
    },
    /// An empty one takes it away.
    Note {
        run_id: String,
        text: String,
    },
    /// These tags and no others; of more runs than one: these too.
    Tags {
        run_ids: Vec<String>,
        tags: Vec<String>,
    },
    /// Make it the champion.
    Promote(String),
    /// Make the champion before this one the champion again.
    RollBack,
    Trash(Vec<String>),
    Restore(Vec<String>),
    /// Delete for good what is in the trash.
    EmptyTrash,
    /// Bytes on disk.
    Measure(Vec<String>),
    /// What they went through, epoch by epoch, and the figures of their answers.
    Compare(Vec<String>),
    /// The paired statistics on the same test images.
    Pair([String; 2]),
    Write {
        path: PathBuf,
        text: String,
        /// Whatever is there already.
        over: bool,
    },
}

/// What has become of it.
#[derive(Debug)]
pub enum RunsNews {
    /// Runs are called or marked otherwise now; in a line.
    Labelled(String),
    /// These are in the trash now, by id and name; and why others are not.
    Trashed {
        runs: Vec<(String, String)>,
        problem: Option<String>,
    },
    /// These are back, by name.
    Restored {
        names: Vec<String>,
        /// Ids of those that are still there, and why.
        left: Vec<String>,
        problem: Option<String>,
    },
    /// So many runs are in the trash.
    InTrash(usize),
    /// So many runs are gone for good, and so many bytes with them.
    Emptied {
        runs: usize,
        bytes: u64,
        /// Ids of those that stay in the trash, and what is to be said of each.
        left: Vec<(String, String)>,
    },
    /// The champion's run and version, where there is one.
    Champion(Option<(String, i64)>),
    /// Bytes on disk, by id.
    Sizes(Vec<(String, u64)>),
    Compared(Vec<Compared>),
    Paired([String; 2], Result<Box<Comparison>, String>),
    Written(PathBuf),
    /// A file could not be written, and why.
    NotWritten(String),
    /// There is such a file already; it was left as it is.
    Exists(PathBuf),
    Failed(String),
}
