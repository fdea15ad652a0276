//! The library's one error type: every variant names the file, step or run it is about and what to do next.

use std::io;
use std::path::{Path, PathBuf};

/// What can go wrong in the engine. The text is meant for the user and is shown as it is.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("cannot {action} {}: {}", path.display(), explain_io(source))]
    Io { action: &'static str, path: PathBuf, source: io::Error },
    #[error(
        "there is no folder {}: check the path given with --data, or make a synthetic data set with \
         `xray-tui data demo --out data/demo`",
        dir.display()
    )]
    NoFolder { dir: PathBuf },
    #[error(
        "no data set in {}: expected train/NORMAL, train/PNEUMONIA and test/… with .jpeg, .jpg or .png files; \
         name another folder with --data, or make a synthetic one with `xray-tui data demo --out {}`",
        dir.display(), dir.join("demo").display()
    )]
    NoDataSet { dir: PathBuf },
    #[error("{}: {problem}", dir.display())]
    BadDataSet { dir: PathBuf, problem: String },
    /// Of data that DVC tracks, or is to track.
    #[error("{}: {problem}", path.display())]
    Tracking { path: PathBuf, problem: String },
    #[error("{}: {problem}", path.display())]
    Image { path: PathBuf, problem: String },
    #[error(
        "cannot keep decoded images in {}: {}; another folder can be named with XRAY_TUI_CACHE",
        folder.display(), explain_io(source)
    )]
    Cache { folder: PathBuf, source: io::Error },
    #[error("{setting}: {problem}")]
    BadSetting { setting: &'static str, problem: String },
    /// `place` is a file with line and column, or an environment variable.
    #[error("{place}: {problem}")]
    Config { place: String, problem: String },
    #[error("run {run}: {problem}")]
    Run { run: String, problem: String },
    #[error("database {}: {problem}", path.display())]
    Store { path: PathBuf, problem: String },
    #[error("checkpoint {}: {problem}", path.display())]
    Checkpoint { path: PathBuf, problem: String },
    #[error(transparent)]
    Network(#[from] xray_nn::Error),
    #[error(
        "self-check: the network's answer differs by {difference} from the reference's with the same weights, so no \
         figure of this run could be trusted; with --pretrained, check the file; without, please report it"
    )]
    SelfCheck { difference: f32 },
    /// A server has no use for what it was asked, or its answer none for us; `place` is the address.
    #[error("{place}: {problem}")]
    Remote { place: String, problem: String },
    /// A server cannot be asked: the same may work later.
    #[error("{place}: {problem}")]
    Unreachable { place: String, problem: String },
    #[error("stopped before it was done")]
    Cancelled,
}

/// The library's result.
pub type Result<T, E = Error> = std::result::Result<T, E>;

impl Error {
    /// An I/O error while doing `action` ("read", "write", "create") on `path`.
    pub fn io(action: &'static str, path: impl AsRef<Path>, source: io::Error) -> Self {
        Self::Io { action, path: path.as_ref().to_owned(), source }
    }

    /// Whether the machine's state is at fault and not what was asked for: the same may well work later. A file that is not
    /// there is not among that, as it may be a wrong path.
    #[must_use]
    pub fn is_outage(&self) -> bool {
        match self {
            Self::Io { source, .. } => source.kind() != io::ErrorKind::NotFound,
            Self::Cache { .. } | Self::Store { .. } => true,
            _ => self.is_missing_data(),
        }
    }

    /// Whether there is no data set at all, so that the synthetic one is worth offering.
    #[must_use]
    pub const fn is_missing_data(&self) -> bool {
        matches!(self, Self::NoFolder { .. } | Self::NoDataSet { .. })
    }
}

/// The system's words, and the next step where there is an obvious one.
fn explain_io(source: &io::Error) -> String {
    let next = match source.kind() {
        io::ErrorKind::PermissionDenied => "check who owns it, or choose another folder",
        io::ErrorKind::StorageFull => "the disk is full: free some space and try again",
        io::ErrorKind::FileTooLarge | io::ErrorKind::QuotaExceeded => "a limit is reached: raise it or free some space",
        io::ErrorKind::NotADirectory | io::ErrorKind::AlreadyExists => {
            "a part of the path is a file, not a folder: choose another place"
        }
        io::ErrorKind::ReadOnlyFilesystem => "the file system is read-only: choose another folder",
        _ => return source.to_string(),
    };
    format!("{source}; {next}")
}
