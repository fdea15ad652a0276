//! DVC: data tracked and compared as DVC does it, in its own files (DVC 3.67), without it.

mod config;
mod git;
mod objects;
mod overlap;
mod stamp;
#[cfg(test)]
mod tests;
mod track;
mod verify;

use std::fs::{self, File, TryLockError};
use std::path::{Component, Path, PathBuf};

use config::Config;
use objects::Objects;
pub use track::{Tracked, Watch, track};
pub use verify::{Changes, Verified, verify};

use crate::dataset::dvc_file::{self, DvcFile};
use crate::error::{Error, Result};

/// A DVC repository: a folder with a `.dvc` in it.
#[derive(Debug)]
struct Repository {
    root: PathBuf,
    config: Config,
}

impl Repository {
    /// The one that `path` lies in.
    ///
    /// # Errors
    /// `Tracking` where there is none, or where its settings ask for what is not known here.
    fn of(path: &Path) -> Result<Self> {
        let none = "lies in no DVC repository: run `dvc init` in a folder above it first (`git init && dvc init` where there \
                    is no git repository either, or `dvc init --no-scm`)";
        let itself = "is a DVC repository itself: name the folder of the data in it";
        let why = || refusal(path, if path.join(".dvc").is_dir() { itself } else { none });
        let root = dvc_file::repository(path).ok_or_else(why)?;
        let config = Config::of(&root)?;
        Ok(Self { root, config })
    }

    fn objects(&self) -> Objects {
        let folder = self.config.cache_dir.clone().unwrap_or_else(|| self.real(".dvc/cache"));
        Objects { root: folder.join("files/md5"), links: self.config.links.clone(), shared: self.config.shared }
    }

    /// Where a file of its own really lies: links to it hold this path.
    fn real(&self, below: &str) -> PathBuf {
        self.root.canonicalize().unwrap_or_else(|_| self.root.clone()).join(below)
    }

    /// Keeps DVC out while it lives, and waits for nobody.
    fn lock(&self) -> Result<File> {
        let folder = self.root.join(".dvc/tmp");
        fs::create_dir_all(&folder).map_err(|error| Error::io("create", &folder, error))?;
        let path = folder.join("lock");
        let options = File::options().create(true).write(true).truncate(false).open(&path);
        let file = options.map_err(|error| Error::io("write", &path, error))?;
        match file.try_lock() {
            Ok(()) => Ok(file),
            Err(TryLockError::WouldBlock) => {
                Err(refusal(&self.root, "DVC is at work in this repository: wait for it, then try again"))
            }
            Err(TryLockError::Error(error)) => Err(Error::io("lock", path, error)),
        }
    }
}

fn refusal(path: &Path, problem: impl Into<String>) -> Error {
    Error::Tracking { path: path.to_owned(), problem: problem.into() }
}

/// `path` from the root of the file system on, without `.` and `..`; links stay.
fn absolute(path: &Path) -> Result<PathBuf> {
    let whole = std::path::absolute(path).map_err(|error| Error::io("find", path, error))?;
    let mut plain = PathBuf::new();
    for part in whole.components() {
        match part {
            Component::ParentDir => drop(plain.pop()),
            Component::CurDir => {}
            part => plain.push(part),
        }
    }
    Ok(plain)
}

/// The `.dvc` file at `path`; `None` where there is none.
///
/// # Errors
/// `Io` where it cannot be read, `Tracking` where it is none of data that were added.
fn read_dvc_file(path: &Path) -> Result<Option<DvcFile>> {
    match fs::read_to_string(path) {
        Ok(text) => DvcFile::parse(&text).map(Some).map_err(|problem| refusal(path, problem)),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(Error::io("read", path, error)),
    }
}

/// A path in an answer, whatever its letters are.
fn lossy<S: serde::Serializer>(path: &Path, answer: S) -> std::result::Result<S::Ok, S::Error> {
    answer.serialize_str(&path.to_string_lossy())
}

/// Written beside `path` first, then put in its place.
fn write_whole(path: &Path, text: &str) -> Result<()> {
    let failed = |error| Error::io("write", path, error);
    let scratch = objects::Scratch::beside(path);
    fs::write(&scratch.0, text).map_err(failed)?;
    if let Ok(meta) = fs::metadata(path) {
        fs::set_permissions(&scratch.0, meta.permissions()).map_err(failed)?;
    }
    fs::rename(&scratch.0, path).map_err(failed)
}
