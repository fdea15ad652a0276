//! A file of pictures that only grows, each found by its slot and checked when it is read.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::FileExt;
use std::path::Path;

use serde::{Deserialize, Serialize};

/// Where a record lies, and its checksum.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Slot {
    pub at: u64,
    pub length: u64,
    pub crc: u32,
}

/// A file of records. Reading needs no lock, appending does.
#[derive(Debug)]
pub struct Records {
    file: File,
    /// Its length when it was opened.
    length: u64,
    /// Where the next record goes.
    end: u64,
}

impl Records {
    /// Opens or creates; where that isn't allowed, for reading alone.
    ///
    /// # Errors
    /// If the file can be opened in neither way.
    pub fn open(path: &Path) -> io::Result<Self> {
        let both = OpenOptions::new().create(true).truncate(false).read(true).write(true).open(path);
        let file = both.or_else(|error| File::open(path).map_err(|_| error))?;
        let length = file.metadata()?.len();
        Ok(Self { file, length, end: length })
    }

    /// Whether the slot lies within the file: a file cut short has lost its last ones. Nothing will be written where a lost one lay.
    pub fn claim(&mut self, slot: Slot) -> bool {
        let Some(end) = slot.at.checked_add(slot.length) else { return false };
        self.end = self.end.max(end);
        end <= self.length
    }

    /// Writes a record at the end.
    ///
    /// # Errors
    /// If it cannot be written: not allowed, disk full.
    pub fn append(&mut self, record: &[u8]) -> io::Result<Slot> {
        let slot = Slot { at: self.end, length: record.len() as u64, crc: crc32fast::hash(record) };
        self.file.write_all_at(record, slot.at)?;
        self.end += slot.length;
        Ok(slot)
    }

    /// Fills `out` with a record; false where it is missing or damaged, and `out` is then undefined.
    #[must_use]
    pub fn read(&self, slot: Slot, out: &mut [u8]) -> bool {
        slot.length == out.len() as u64
            && self.file.read_exact_at(out, slot.at).is_ok()
            && crc32fast::hash(out) == slot.crc
    }

    /// Puts a record back. If that fails, it is made again next time too.
    pub fn restore(&self, slot: Slot, record: &[u8]) {
        if slot.length == record.len() as u64 && slot.crc == crc32fast::hash(record) {
            let _ = self.file.write_all_at(record, slot.at);
        }
    }
}
