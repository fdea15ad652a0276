//! The files below a folder that DVC tracks, and what it would refuse the folder for.

use std::fs;
use std::path::{Path, PathBuf};

use super::ignores::{self, Ignores};
use crate::error::{Error, Result};

/// What DVC refuses in a folder.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Oddity {
    BrokenLink,
    /// A `.dvcignore`.
    Ignores,
    /// A `.dvc` file or a `dvc.yaml`: data in the folder are tracked already.
    Tracked,
    /// No file, folder or link: a pipe, a socket or a device.
    Special,
    /// A name that is no UTF-8.
    Name,
}

/// What was found.
#[derive(Debug, Default)]
pub struct Found {
    pub files: Vec<File>,
    pub oddities: Vec<(PathBuf, Oddity)>,
}

/// A file that was found.
#[derive(Debug)]
pub struct File {
    /// Below the root.
    pub path: PathBuf,
    /// The same, with `/` between its parts.
    pub relative: String,
    pub bytes: u64,
}

/// Looks through `root`, whose path is a real one.
///
/// # Errors
/// `Io` names the first folder that cannot be read.
pub fn files(root: &Path) -> Result<Found> {
    let mut walk = Walk { ignores: Ignores::above(root)?, found: Found::default() };
    walk.folder(root, Path::new(""))?;
    Ok(walk.found)
}

struct Walk {
    ignores: Ignores,
    found: Found,
}

impl Walk {
    /// Adds the files of `folder`, which lies at `below` below the root.
    fn folder(&mut self, folder: &Path, below: &Path) -> Result<()> {
        let read = |error| Error::io("read", folder, error);
        let depth = self.ignores.enter(folder)?;
        for entry in fs::read_dir(folder).map_err(read)? {
            let entry = entry.map_err(read)?;
            let below = below.join(entry.file_name());
            if entry.file_type().map_err(read)?.is_dir() {
                self.subfolder(&entry.path(), &below)?;
            } else {
                self.file(&entry.path(), below);
            }
        }
        self.ignores.leave(depth);
        Ok(())
    }

    fn subfolder(&mut self, path: &Path, below: &Path) -> Result<()> {
        // DVC takes a folder with a `.dvc` in it for another repository.
        if self.ignores.ignore(path, true) || path.join(".dvc").exists() {
            return Ok(());
        }
        self.folder(path, below)
    }

    fn file(&mut self, path: &Path, below: PathBuf) {
        let name = path.file_name().unwrap_or_default();
        if self.ignores.ignore(path, false) {
            return;
        }
        if name == "dvc.yaml" || path.extension().is_some_and(|ending| ending == "dvc") {
            self.found.oddities.push((path.to_owned(), Oddity::Tracked));
        }
        let odd = match fs::metadata(path) {
            _ if name == ignores::FILE => Oddity::Ignores,
            Err(_) => Oddity::BrokenLink,
            Ok(meta) if meta.is_file() => {
                if below.to_str().is_none() {
                    self.found.oddities.push((path.to_owned(), Oddity::Name));
                }
                let relative = below.to_string_lossy().into_owned();
                return self.found.files.push(File { path: below, relative, bytes: meta.len() });
            }
            // A link to a folder is passed over.
            Ok(meta) if meta.is_dir() => return,
            Ok(_) => Oddity::Special,
        };
        self.found.oddities.push((path.to_owned(), odd));
    }
}
