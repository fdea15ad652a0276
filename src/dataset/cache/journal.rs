//! The cache's table of contents: a text file that lines are added to, each with its checksum, so that an interrupted or damaged one keeps its good lines.

use std::collections::HashMap;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::records::Slot;
use super::work::Description;

/// A file as it was when its content was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stamp {
    pub bytes: u64,
    /// Nanoseconds since 1970.
    pub modified: i128,
}

/// One thing that was found out; a later line overrules an earlier one.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub enum Line {
    /// A file, by its path below the data set's root, has this content.
    File { path: String, stamp: Stamp, md5: String },
    /// This content is a picture, and its source picture lies there.
    Picture { md5: String, is: Box<Description>, source: Slot, size: [usize; 2] },
    /// This content is no picture, for this reason.
    Unreadable { md5: String, reason: String },
    /// The evaluation picture of this content in this size lies there.
    Square { md5: String, size: usize, at: Slot },
}

/// What is known about a content, by its md5.
#[derive(Debug, Clone)]
pub enum Content {
    Picture { is: Box<Description>, source: Slot, size: [usize; 2] },
    Unreadable(String),
}

/// Everything that the lines say.
#[derive(Debug, Default)]
pub struct Known {
    pub files: HashMap<String, (Stamp, String)>,
    pub contents: HashMap<String, Content>,
    /// Evaluation pictures of the size asked for.
    pub squares: HashMap<String, Slot>,
}

/// The open file.
#[derive(Debug)]
pub struct Journal {
    path: PathBuf,
    /// Whether the file's last line was cut short: it must not swallow the next one.
    torn: bool,
}

impl Journal {
    /// Reads the journal at `path`, whose first line must be `header`; `None` where there is none, or it is not ours.
    /// Of evaluation pictures it notes those of `image_size`.
    pub fn load(path: &Path, header: &str, image_size: usize) -> Option<(Self, Known)> {
        let bytes = fs::read(path).ok()?;
        let lines = bytes.strip_prefix(header.as_bytes())?.strip_prefix(b"\n")?;
        let lines: Vec<Line> = lines.par_split(|&byte| byte == b'\n').filter_map(parse).collect();
        let mut known = Known::default();
        for line in lines {
            known.note(line, image_size);
        }
        Some((Self { path: path.to_owned(), torn: !bytes.ends_with(b"\n") }, known))
    }

    /// Starts an empty one.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn create(path: &Path, header: &str) -> io::Result<Self> {
        let new = path.with_extension("new");
        fs::write(&new, format!("{header}\n"))?;
        fs::rename(&new, path)?;
        Ok(Self { path: path.to_owned(), torn: false })
    }

    /// Adds lines in one write. What they speak of must have been written before.
    ///
    /// # Errors
    /// If they cannot be written.
    pub fn add(&mut self, lines: &[Line]) -> io::Result<()> {
        if lines.is_empty() {
            return Ok(());
        }
        let mut text = if self.torn { "\n".to_owned() } else { String::new() };
        for line in lines {
            let json = serde_json::to_string(line)?;
            let crc = crc32fast::hash(json.as_bytes());
            text.extend([&format!("{crc:08x}"), " ", &json, "\n"]);
        }
        self.torn = true;
        self.file()?.write_all(text.as_bytes())?;
        self.torn = false;
        Ok(())
    }

    fn file(&self) -> io::Result<File> {
        OpenOptions::new().append(true).open(&self.path)
    }
}

/// A line of the file; `None` where it is damaged.
fn parse(line: &[u8]) -> Option<Line> {
    let (crc, json) = line.split_at_checked(9)?;
    let crc = u32::from_str_radix(std::str::from_utf8(crc).ok()?.trim_end(), 16).ok()?;
    (crc == crc32fast::hash(json)).then(|| serde_json::from_slice(json).ok())?
}

impl Known {
    pub fn note(&mut self, line: Line, image_size: usize) {
        match line {
            Line::File { path, stamp, md5 } => {
                self.files.insert(path, (stamp, md5));
            }
            Line::Picture { md5, is, source, size } => {
                self.contents.insert(md5, Content::Picture { is, source, size });
            }
            Line::Unreadable { md5, reason } => {
                self.contents.insert(md5, Content::Unreadable(reason));
            }
            Line::Square { md5, size, at } if size == image_size => {
                self.squares.insert(md5, at);
            }
            Line::Square { .. } => {}
        }
    }

    /// Whether nothing is left to be decoded for this content.
    pub fn complete(&self, md5: &str) -> bool {
        match self.contents.get(md5) {
            None => false,
            Some(Content::Unreadable(_)) => true,
            Some(Content::Picture { .. }) => self.squares.contains_key(md5),
        }
    }
}
