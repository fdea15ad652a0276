//! What tells without reading a file whether it is still the one that was read.

use std::fs::{self, Metadata};
use std::os::unix::fs::MetadataExt;
use std::path::Path;

/// What of a file's state changes with its content. Of a link it is that of the file it leads to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stamp {
    bytes: u64,
    /// Seconds, and nanoseconds after them.
    modified: (i64, i64),
    /// Device and inode: many programs write a new file and put it in the old one's place.
    inode: (u64, u64),
}

impl Stamp {
    /// `None` where there is no such file, or none that may be seen.
    pub fn of(path: &Path) -> Option<Self> {
        fs::metadata(path).ok().as_ref().map(Self::from)
    }
}

impl From<&Metadata> for Stamp {
    fn from(meta: &Metadata) -> Self {
        Self { bytes: meta.len(), modified: (meta.mtime(), meta.mtime_nsec()), inode: (meta.dev(), meta.ino()) }
    }
}
