//! The id that DVC gives a folder: the md5 of a listing of its files (DVC 3.67, `dvc_data/hashfile/tree.py`).

use std::fmt::Write as _;
use std::fs::{self, File};
use std::io::Read;
use std::path::Path;

use md5::{Digest, Md5};

use crate::error::{Error, Result};

mod ignores;
#[cfg(test)]
mod tests;

use ignores::Ignores;

/// What `dvc add` would write into `<folder>.dvc`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FolderHash {
    /// `<md5>.dir`.
    pub id: String,
    /// Bytes of all files.
    pub bytes: u64,
    pub files: usize,
}

struct Entry {
    /// Path below the root with `/` between its parts.
    relative: String,
    bytes: u64,
    md5: String,
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
    let root = fs::canonicalize(root).map_err(|error| Error::io("read", root, error))?;
    let mut walk = Walk { ignores: Ignores::above(&root)?, known, entries: Vec::new() };
    walk.folder(&root, "")?;
    let mut entries = walk.entries;
    entries.sort_by(|a, b| a.relative.cmp(&b.relative));
    Ok(FolderHash {
        id: format!("{}.dir", md5_hex(listing(&entries).as_bytes())),
        bytes: entries.iter().map(|entry| entry.bytes).sum(),
        files: entries.len(),
    })
}

/// The md5 of `bytes` as 32 hexadecimal digits.
#[must_use]
pub fn md5_hex(bytes: &[u8]) -> String {
    hex(Md5::digest(bytes).as_slice())
}

struct Walk<'a> {
    ignores: Ignores,
    known: &'a dyn Fn(&str) -> Option<String>,
    entries: Vec<Entry>,
}

impl Walk<'_> {
    /// Adds the files of `folder`, whose path below the root is `relative` with a `/` at its end, or empty.
    fn folder(&mut self, folder: &Path, relative: &str) -> Result<()> {
        let read = |error| Error::io("read", folder, error);
        let depth = self.ignores.enter(folder)?;
        for entry in fs::read_dir(folder).map_err(read)? {
            let entry = entry.map_err(read)?;
            let relative = format!("{relative}{}", entry.file_name().to_string_lossy());
            if entry.file_type().map_err(read)?.is_dir() {
                self.subfolder(&entry.path(), &relative)?;
            } else {
                self.file(&entry.path(), relative)?;
            }
        }
        self.ignores.leave(depth);
        Ok(())
    }

    fn subfolder(&mut self, path: &Path, relative: &str) -> Result<()> {
        // DVC takes a folder with a `.dvc` in it for another repository.
        if self.ignores.ignore(path, true) || path.join(".dvc").exists() {
            return Ok(());
        }
        self.folder(path, &format!("{relative}/"))
    }

    fn file(&mut self, path: &Path, relative: String) -> Result<()> {
        let Some(meta) = fs::metadata(path).ok().filter(fs::Metadata::is_file) else { return Ok(()) };
        if path.file_name().is_some_and(|name| name == ignores::FILE) || self.ignores.ignore(path, false) {
            return Ok(());
        }
        let md5 = (self.known)(&relative).map_or_else(|| file_md5(path), Ok)?;
        self.entries.push(Entry { relative, bytes: meta.len(), md5 });
        Ok(())
    }
}

/// The listing as Python's `json.dumps(…, sort_keys=True)` writes it.
fn listing(entries: &[Entry]) -> String {
    let objects: Vec<_> = entries
        .iter()
        .map(|Entry { relative, md5, .. }| format!("{{\"md5\": \"{md5}\", \"relpath\": {}}}", python_string(relative)))
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
