//! Figures about a data set, counted from what scanning and decoding found.

use std::collections::BTreeMap;

use serde::Serialize;

use super::{Class, Split};

/// Counts by class name, `NORMAL` and `PNEUMONIA` both always there.
pub type ByClass = BTreeMap<&'static str, usize>;

/// Smallest, median (the lower of the two middle ones) and largest value; `None` without images.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Range {
    pub min: u32,
    pub median: u32,
    pub max: u32,
}

/// A file that cannot be used, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct UnreadableFile {
    pub file: String,
    pub reason: String,
}

/// What is in a data set. Serialised, it is the answer of `xray-tui data stats`.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Statistics {
    /// The root folder as shown.
    pub data: String,
    pub synthetic: bool,
    /// The id that DVC gives the folder: `<md5>.dir`.
    pub data_hash: String,
    /// Readable images a split and class: `{"train": {"NORMAL": …, "PNEUMONIA": …}, "validation": …, "test": …}`.
    pub splits: BTreeMap<&'static str, ByClass>,
    /// Patients a split.
    pub patients: BTreeMap<&'static str, usize>,
    /// Images whose name tells no patient.
    pub unknown_patients: usize,
    /// Images by kind: `bacterial`, `viral`, `normal`, `unknown`.
    pub kinds: BTreeMap<&'static str, usize>,
    /// Bytes of all files of the folder that `data_hash` covers.
    pub bytes: u64,
    pub unreadable: Vec<UnreadableFile>,
    /// Groups of byte-identical images, each sorted.
    pub duplicates: Vec<Vec<String>>,
    /// Patients with images in more than one split.
    pub patients_in_two_splits: Vec<String>,
    pub widths: Option<Range>,
    pub heights: Option<Range>,
    /// Images by kind of pixel as stored: `grey`, `rgb`, `rgba`, `cmyk`, `grey16`, …
    pub channels: BTreeMap<String, usize>,
    /// Pixels by brightness in 16 bins of 16 levels, over all readable images scaled to the evaluation picture, each image counting the same: shares that sum to 1.
    pub brightness: [f64; 16],
    /// Readable images that are suspect, with the reason (1x1 pixels, say).
    pub flagged: Vec<UnreadableFile>,
}

impl Statistics {
    /// Images of `split` and `class`.
    #[must_use]
    pub fn count(&self, split: Split, class: Class) -> usize {
        self.splits.get(split.name()).and_then(|by| by.get(class.name())).copied().unwrap_or(0)
    }
}
