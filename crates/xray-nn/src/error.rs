//! The crate's error: every variant names the tensor or file it is about.

use std::io;
use std::path::{Path, PathBuf};

/// What can go wrong with a network or its files. The text is meant for the user.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("cannot {action} {}: {}", path.display(), explain_io(source))]
    Io { action: &'static str, path: PathBuf, source: io::Error },
    #[error("weights {}: {problem}", path.display())]
    BadFile { path: PathBuf, problem: String },
    #[error("weights {}: {source}", path.display())]
    InFile { path: PathBuf, source: Box<Error> },
    #[error("tensor {name} of shape {expected:?} is missing; is this really {of}?")]
    MissingTensor { name: String, expected: Vec<usize>, of: &'static str },
    #[error("tensor {name} has no place in {of}; is this file meant for another network?")]
    UnexpectedTensor { name: String, of: &'static str },
    #[error("tensor {name} is of another network, with {what}: only a plain ResNet-18 fits, torchvision's or timm's")]
    OtherNetwork { name: String, what: &'static str },
    #[error(
        "tensor {name} is missing: these weights have no last layer; save the network with one, of any number of classes"
    )]
    NoHead { name: &'static str },
    #[error("tensor {name} has shape {found:?} where {expected:?} is needed")]
    WrongShape { name: String, found: Vec<usize>, expected: Vec<usize> },
    #[error("tensor {name} holds {found} where {expected} is needed")]
    WrongType { name: String, found: String, expected: &'static str },
    #[error("images of shape {found:?} where (batch, 3, height, width), none of them 0, is needed")]
    BadImages { found: Vec<usize> },
    #[error(
        "batch norm cannot learn from {batch} image of {height}x{width} pixels, which leave one value per channel: \
         train with batches of at least 2 images"
    )]
    OneValuePerChannel { batch: usize, height: usize, width: usize },
    #[error("{parts} parts cannot be frozen: there are {}, the stem and four stages", crate::arch::PARTS)]
    TooManyParts { parts: usize },
    #[error("parameter {name} got no gradient: the loss does not depend on it")]
    NoGradient { name: String },
    #[error("this forward pass was followed by another, or used already: run it again")]
    PassUsed,
    #[error("candle: {0}")]
    Candle(#[from] candle_core::Error),
}

/// The crate's result.
pub type Result<T, E = Error> = std::result::Result<T, E>;

impl Error {
    pub(crate) fn io(action: &'static str, path: &Path, source: io::Error) -> Self {
        Self::Io { action, path: path.to_owned(), source }
    }

    pub(crate) fn bad_file(path: &Path, problem: impl Into<String>) -> Self {
        Self::BadFile { path: path.to_owned(), problem: problem.into() }
    }

    /// The same error, told as one about `path`.
    pub(crate) fn in_file(self, path: &Path) -> Self {
        Self::InFile { path: path.to_owned(), source: Box::new(self) }
    }
}

/// The system's words, and the next step where there is an obvious one.
fn explain_io(source: &io::Error) -> String {
    let next = match source.kind() {
        io::ErrorKind::NotFound => "check the path",
        io::ErrorKind::PermissionDenied => "check who owns it, or choose another folder",
        io::ErrorKind::StorageFull => "the disk is full: free some space and try again",
        io::ErrorKind::FileTooLarge | io::ErrorKind::QuotaExceeded => "a limit is reached: raise it or free some space",
        io::ErrorKind::ReadOnlyFilesystem => "the file system is read-only: choose another folder",
        _ => return source.to_string(),
    };
    format!("{source}; {next}")
}
