//! The id that DVC gives a folder: the md5 of a listing of its files (DVC 3.67, `dvc_data/hashfile/tree.py`).

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs::{self, File};
use std::io::Read;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use md5::{Digest, Md5};
use rayon::prelude::*;
use serde::Deserialize;

use super::cache::Progress;
use crate::error::{Error, Result};

mod ignores;
#[cfg(test)]
mod tests;
mod walk;

pub use walk::Oddity;

/// So many files are hashed between two looks at whether to go on.
const BLOCK: usize = 256;

/// What `dvc add` would write into `<folder>.dvc`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FolderHash {
    /// `<md5>.dir`.
    pub id: String,
    /// Bytes of all files.
    pub bytes: u64,
    pub files: usize,
}

/// A file of a folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Path below the root with `/` between its parts.
    pub relative: String,
    pub bytes: u64,
    pub md5: String,
}

/// The files of a folder that DVC tracks, by path.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Listing {
    pub entries: Vec<Entry>,
    /// What DVC would refuse the folder for; it is left out.
    pub oddities: Vec<(PathBuf, Oddity)>,
}

/// Hashes `root` as `dvc add` does; `known` may give the md5 of a file by its path below `root`, which spares reading it.
///
/// Every file counts, dot files and links to files too; empty folders and links to folders don't. `.dvcignore` is
/// honoured from the DVC repository's root (the nearest folder above with a `.dvc` in it) down. Where DVC refuses a
/// folder, for a broken link or a `.dvcignore` inside it, those are left out.
///
/// # Errors
/// `Io` names the first folder or file that cannot be read.
pub fn folder_hash(root: &Path, known: &dyn Fn(&str) -> Option<String>) -> Result<FolderHash> {
    Ok(Listing::of(root, known, &mut |_| ControlFlow::Continue(()))?.hash())
}

/// The md5 of `bytes` as 32 hexadecimal digits.
#[must_use]
pub fn md5_hex(bytes: &[u8]) -> String {
    hex(Md5::digest(bytes).as_slice())
}

/// Whether `.dvcignore` of the DVC repository tells DVC to pass over the folder or file at `path`.
///
/// # Errors
/// `Io` names a `.dvcignore` that cannot be read.
pub fn is_ignored(path: &Path) -> Result<bool> {
    Ok(ignores::Ignores::above(path)?.ignore(path, path.is_dir()))
}

impl Listing {
    /// Of the folder `root`, as [`folder_hash`] reads it. `watch` is called on this thread.
    ///
    /// # Errors
    /// `Io` names the first folder or file that cannot be read; `Cancelled` after a break.
    pub fn of(
        root: &Path,
        known: &dyn Fn(&str) -> Option<String>,
        watch: &mut dyn FnMut(Progress) -> ControlFlow<()>,
    ) -> Result<Self> {
        let root = fs::canonicalize(root).map_err(|error| Error::io("read", root, error))?;
        let walk::Found { files, oddities } = walk::files(&root)?;
        let mut entries = Vec::with_capacity(files.len());
        for block in files.chunks(BLOCK) {
            if watch(Progress { done: entries.len(), total: files.len() }).is_break() {
                return Err(Error::Cancelled);
            }
            let known: Vec<_> = block.iter().map(|file| known(&file.relative)).collect();
            let hashed = block.par_iter().zip(known).map(|(file, known)| {
                let md5 = known.map_or_else(|| file_md5(&root.join(&file.path)), Ok)?;
                Ok(Entry { relative: file.relative.clone(), bytes: file.bytes, md5 })
            });
            entries.extend(hashed.collect::<Result<Vec<_>>>()?);
        }
        entries.sort_by(|a, b| a.relative.cmp(&b.relative));
        Ok(Self { entries, oddities })
    }

    #[must_use]
    pub fn hash(&self) -> FolderHash {
        FolderHash {
            id: format!("{}.dir", md5_hex(self.text().as_bytes())),
            bytes: self.entries.iter().map(|entry| entry.bytes).sum(),
            files: self.entries.len(),
        }
    }

    /// What DVC keeps of the folder: Python's `json.dumps(…, sort_keys=True)`.
    #[must_use]
    pub fn text(&self) -> String {
        let md5s: Vec<_> = self.entries.iter().map(|entry| (entry.relative.as_str(), entry.md5.as_str())).collect();
        listing(&md5s)
    }
}

/// The md5s of a folder's files by their paths, as DVC has kept them; `None` where `text` is no such list.
#[must_use]
pub fn parse_listing(text: &str) -> Option<BTreeMap<String, String>> {
    #[derive(Deserialize)]
    struct Kept {
        md5: String,
        relpath: String,
    }
    let kept: Vec<Kept> = serde_json::from_str(text).ok()?;
    Some(kept.into_iter().map(|Kept { md5, relpath }| (relpath, md5)).collect())
}

/// The id of a folder that has these files: md5s by path.
#[must_use]
pub fn id_of(files: &BTreeMap<String, String>) -> String {
    let md5s: Vec<_> = files.iter().map(|(relative, md5)| (relative.as_str(), md5.as_str())).collect();
    format!("{}.dir", md5_hex(listing(&md5s).as_bytes()))
}

fn listing(md5s: &[(&str, &str)]) -> String {
    let objects: Vec<_> = md5s
        .iter()
        .map(|(relative, md5)| format!("{{\"md5\": \"{md5}\", \"relpath\": {}}}", python_string(relative)))
        .collect();
    format!("[{}]", objects.join(", "))
}

/// `text` in quotes as Python's `json` writes it: ASCII alone, everything else as UTF-16 in lower-case `\u` escapes.
fn python_string(text: &str) -> String {
    let mut quoted = String::from('"');
    for character in text.chars() {
        match character {
            '"' | '\\' => quoted.extend(['\\', character]),
            '\n' => quoted.push_str("\\n"),
            '\r' => quoted.push_str("\\r"),
            '\t' => quoted.push_str("\\t"),
            '\u{8}' => quoted.push_str("\\b"),
            '\u{c}' => quoted.push_str("\\f"),
            ' '..='~' => quoted.push(character),
            _ => quoted.extend(character.encode_utf16(&mut [0; 2]).iter().map(|unit| format!("\\u{unit:04x}"))),
        }
    }
    quoted.push('"');
    quoted
}

/// The md5 of a file's content as 32 hexadecimal digits.
///
/// # Errors
/// `Io` where it cannot be read.
pub fn file_md5(path: &Path) -> Result<String> {
    let read = |error| Error::io("read", path, error);
    let mut file = File::open(path).map_err(read)?;
    let mut hasher = Md5::new();
    let mut buffer = vec![0; 1 << 16];
    loop {
        let count = file.read(&mut buffer).map_err(read)?;
        if count == 0 {
            return Ok(hex(hasher.finalize().as_slice()));
        }
        hasher.update(buffer.get(..count).unwrap_or_default());
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}
