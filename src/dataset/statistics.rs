//! Figures about a data set, counted from what scanning and decoding found.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use super::cache::{Cache, Facts, PixelFacts};
use super::hash::FolderHash;
use super::patient::Kind;
use super::split::Splits;
use super::{Class, Dataset, Image, Split};

#[cfg(test)]
mod tests;

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
    /// Patients a split, counted by readable images.
    pub patients: BTreeMap<&'static str, usize>,
    /// Readable images whose name tells no patient.
    pub unknown_patients: usize,
    /// Readable images by kind: `bacterial`, `viral`, `normal`, `unknown`.
    pub kinds: BTreeMap<&'static str, usize>,
    /// Bytes of all files of the folder that `data_hash` covers.
    pub bytes: u64,
    pub unreadable: Vec<UnreadableFile>,
    /// Groups of byte-identical files, readable or not, each sorted.
    pub duplicates: Vec<Vec<String>>,
    /// Patients with images in more than one split.
    pub patients_in_two_splits: Vec<String>,
    pub widths: Option<Range>,
    pub heights: Option<Range>,
    /// Readable images by kind of pixel as stored: `grey`, `rgb`, `rgba`, `cmyk`, `grey16`, …
    pub channels: BTreeMap<String, usize>,
    /// Pixels by brightness in 16 bins of 16 levels, over all readable images as the cache keeps them (short side at
    /// most 320 pixels), each image counting the same: shares that sum to 1.
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

/// Counts everything [`Statistics`] holds. What is unreadable is listed with its reason and counts nowhere else.
#[must_use]
pub fn gather(dataset: &Dataset, splits: &Splits, cache: &Cache, hash: &FolderHash) -> Statistics {
    let facts: Vec<&Facts> = (0..dataset.images.len()).map(|index| cache.facts(index)).collect();
    count(dataset, splits, &facts, hash)
}

/// `facts` are those of the images, in their order.
fn count(dataset: &Dataset, splits: &Splits, facts: &[&Facts], hash: &FolderHash) -> Statistics {
    let readable: Vec<Readable> = dataset
        .images
        .iter()
        .zip(facts)
        .filter_map(|(image, facts)| facts.pixels.as_ref().ok().map(|pixels| Readable { image, pixels }))
        .collect();
    let of = |split| -> Vec<&Image> {
        let readable =
            splits.of(split).iter().filter(|&&index| facts.get(index).is_some_and(|facts| facts.pixels.is_ok()));
        readable.filter_map(|&index| dataset.images.get(index)).collect()
    };
    Statistics {
        data: dataset.root.display().to_string(),
        synthetic: dataset.synthetic,
        data_hash: hash.id.clone(),
        splits: Split::ALL.into_iter().map(|split| (split.name(), by_class(&of(split)))).collect(),
        patients: Split::ALL.into_iter().map(|split| (split.name(), patients(&of(split)).len())).collect(),
        unknown_patients: readable.iter().filter(|found| !found.image.patient.known).count(),
        kinds: kinds(&readable),
        bytes: hash.bytes,
        unreadable: unreadable(&dataset.images, facts),
        duplicates: duplicates(&dataset.images, facts),
        patients_in_two_splits: in_two(&Split::ALL.map(|split| patients(&of(split)))),
        widths: range(readable.iter().map(|found| found.pixels.width).collect()),
        heights: range(readable.iter().map(|found| found.pixels.height).collect()),
        channels: tally(readable.iter().map(|found| found.pixels.channels.clone())),
        brightness: brightness(&readable),
        flagged: readable.iter().filter_map(flagged).collect(),
    }
}

struct Readable<'a> {
    image: &'a Image,
    pixels: &'a PixelFacts,
}

fn by_class(images: &[&Image]) -> ByClass {
    let count = |class| images.iter().filter(|image| image.class == class).count();
    Class::ALL.into_iter().map(|class| (class.name(), count(class))).collect()
}

fn patients<'a>(images: &[&'a Image]) -> BTreeSet<&'a str> {
    images.iter().map(|image| image.patient.id.as_str()).collect()
}

/// Patients with images in more than one split.
#[must_use]
pub fn patients_in_two_splits(dataset: &Dataset, splits: &Splits) -> Vec<String> {
    let of = |split| -> Vec<&Image> { splits.of(split).iter().map(|&image| &dataset.images[image]).collect() };
    in_two(&Split::ALL.map(|split| patients(&of(split))))
}

fn in_two(splits: &[BTreeSet<&str>]) -> Vec<String> {
    let times = tally(splits.iter().flatten().copied());
    times.into_iter().filter(|&(_, splits)| splits > 1).map(|(patient, _)| patient.to_owned()).collect()
}

fn kinds(readable: &[Readable]) -> BTreeMap<&'static str, usize> {
    let mut kinds: BTreeMap<_, _> = Kind::ALL.into_iter().map(|kind| (kind.name(), 0)).collect();
    kinds.extend(tally(readable.iter().map(|found| found.image.patient.kind.name())));
    kinds
}

fn tally<T: Ord>(items: impl Iterator<Item = T>) -> BTreeMap<T, usize> {
    let mut counts = BTreeMap::new();
    for item in items {
        *counts.entry(item).or_default() += 1;
    }
    counts
}

fn unreadable(images: &[Image], facts: &[&Facts]) -> Vec<UnreadableFile> {
    let reasons = images.iter().zip(facts).filter_map(|(image, facts)| Some((image, facts.pixels.as_ref().err()?)));
    reasons.map(|(image, reason)| UnreadableFile { file: image.file.clone(), reason: reason.clone() }).collect()
}

fn flagged(found: &Readable) -> Option<UnreadableFile> {
    let reason = found.pixels.flagged.clone()?;
    Some(UnreadableFile { file: found.image.file.clone(), reason })
}

/// Files with the same md5; one that could not even be read has none.
fn duplicates(images: &[Image], facts: &[&Facts]) -> Vec<Vec<String>> {
    let mut by_md5: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for (image, facts) in images.iter().zip(facts).filter(|(_, facts)| !facts.md5.is_empty()) {
        by_md5.entry(&facts.md5).or_default().push(image.file.clone());
    }
    let mut groups: Vec<_> = by_md5.into_values().filter(|files| files.len() > 1).collect();
    for files in &mut groups {
        files.sort_unstable();
    }
    groups.sort_unstable();
    groups
}

fn range(mut values: Vec<u32>) -> Option<Range> {
    values.sort_unstable();
    let median = values.get(values.len().checked_sub(1)? / 2)?;
    Some(Range { min: *values.first()?, median: *median, max: *values.last()? })
}

fn brightness(readable: &[Readable]) -> [f64; 16] {
    let sums: [f64; 16] =
        std::array::from_fn(|bin| readable.iter().map(|found| f64::from(found.pixels.brightness[bin])).sum());
    let whole: f64 = sums.iter().sum();
    sums.map(|sum| if whole > 0.0 { sum / whole } else { 0.0 })
}
