//! A cache being opened: its files on disk, what they hold already, and the decoding of what is missing.

use std::collections::HashSet;
use std::fs;
use std::io;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicUsize;
use std::time::UNIX_EPOCH;

use rayon::prelude::*;

use super::journal::{Content, Journal, Known, Line, Stamp};
use super::records::Records;
use super::work::{self, Description, Pictures};
use super::{Cache, DECODER_VERSION, Entry, Facts, PixelFacts, Places, Progress, SOURCE_SHORT_SIDE};
use crate::dataset::{Dataset, GreyImage, Image};

/// Pictures of contents that are no longer in the data set may take this much, in bytes, beside as much as those that are.
const SLACK: u64 = 64 << 20;

pub struct Shelf<'a> {
    dataset: &'a Dataset,
    image_size: usize,
    journal: Journal,
    known: Known,
    sources: Records,
    squares: Records,
    decoded: usize,
    /// Each image's file as it is now, or why it cannot be looked at.
    stamps: Vec<Result<Stamp, String>>,
}

/// What came of one file.
enum Outcome {
    /// It cannot be read from disk. Not remembered: that can change without the file changing.
    Lost(String),
    /// Its content is known already.
    Known(String),
    Unreadable(String, String),
    Decoded(String, Box<Description>, Pictures),
}

impl<'a> Shelf<'a> {
    /// Opens the files in `place`, and starts anew where they are from another version, damaged or full of what is gone.
    ///
    /// # Errors
    /// If they cannot be opened or created.
    pub fn open(place: &Path, image_size: usize, dataset: &'a Dataset) -> io::Result<Self> {
        let index = place.join("index");
        let header = format!("xray-tui cache, decoder version {DECODER_VERSION}");
        let loaded = Journal::load(&index, &header, image_size);
        let (journal, mut known) = if let Some(loaded) = loaded.filter(|(_, known)| !wasteful(known, place, dataset)) {
            loaded
        } else {
            clear(place)?;
            (Journal::create(&index, &header)?, Known::default())
        };
        let mut sources = Records::open(&source_file(place))?;
        let mut squares = Records::open(&place.join(format!("eval-{image_size}.bin")))?;
        forget_lost(&mut known, &mut sources, &mut squares);
        let stamps = dataset.images.par_iter().map(|image| stamp(&dataset.root.join(&image.file))).collect();
        Ok(Self { dataset, image_size, journal, known, sources, squares, decoded: 0, stamps })
    }

    /// Decodes what is missing, a handful at a time so that stopping is quick, memory small and no work lost.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn fill(&mut self, watch: &mut dyn FnMut(Progress) -> ControlFlow<()>) -> io::Result<ControlFlow<()>> {
        let missing: Vec<usize> = (0..self.stamps.len()).filter(|&index| !self.has(index)).collect();
        let total = self.stamps.len();
        let mut done = total - missing.len();
        for some in missing.chunks((8 * rayon::current_num_threads()).min(64)) {
            if watch(Progress { done, total }).is_break() {
                return Ok(ControlFlow::Break(()));
            }
            let outcomes: Vec<Outcome> = some.par_iter().map(|&index| self.examine(index)).collect();
            self.keep(some, outcomes)?;
            done += some.len();
        }
        Ok(if missing.is_empty() { ControlFlow::Continue(()) } else { watch(Progress { done, total }) })
    }

    /// Whether there is nothing to be done about an image: unchanged and complete, or out of reach.
    fn has(&self, index: usize) -> bool {
        match &self.stamps[index] {
            Ok(stamp) => self.md5(index, stamp).is_some_and(|md5| self.known.complete(md5)),
            Err(_) => true,
        }
    }

    fn image(&self, index: usize) -> &'a Image {
        &self.dataset.images[index]
    }

    /// The content that an image's file had when it looked as it does now.
    fn md5(&self, index: usize, stamp: &Stamp) -> Option<&str> {
        let (then, md5) = self.known.files.get(&self.image(index).file)?;
        (then == stamp).then_some(md5)
    }

    fn examine(&self, index: usize) -> Outcome {
        let contents = match work::read(&self.dataset.path(index)) {
            Ok(contents) => contents,
            Err(error) => return Outcome::Lost(out_of_reach(&error)),
        };
        if self.known.complete(&contents.md5) {
            return Outcome::Known(contents.md5);
        }
        match contents.decode(self.image_size) {
            Ok((is, pictures)) => Outcome::Decoded(contents.md5, Box::new(is), pictures),
            Err(reason) => Outcome::Unreadable(contents.md5, reason),
        }
    }

    /// Writes pictures first, then the lines that speak of them.
    fn keep(&mut self, indices: &[usize], outcomes: Vec<Outcome>) -> io::Result<()> {
        let mut lines = Vec::new();
        for (&index, outcome) in indices.iter().zip(outcomes) {
            let md5 = match outcome {
                Outcome::Lost(reason) => {
                    self.stamps[index] = Err(reason);
                    continue;
                }
                Outcome::Known(md5) => md5,
                Outcome::Unreadable(md5, reason) => {
                    self.decoded += 1;
                    self.tell(&mut lines, Line::Unreadable { md5: md5.clone(), reason });
                    md5
                }
                Outcome::Decoded(md5, is, pictures) => {
                    self.decoded += 1;
                    self.keep_source(&mut lines, &md5, (is, &pictures.source))?;
                    self.keep_square(&mut lines, &md5, &pictures.square)?;
                    md5
                }
            };
            if let Ok(stamp) = self.stamps[index] {
                self.tell(&mut lines, Line::File { path: self.image(index).file.clone(), stamp, md5 });
            }
        }
        self.journal.add(&lines)
    }

    fn keep_source(
        &mut self,
        lines: &mut Vec<Line>,
        md5: &str,
        (is, source): (Box<Description>, &GreyImage),
    ) -> io::Result<()> {
        if !self.known.contents.contains_key(md5) {
            let at = self.sources.append(&source.pixels)?;
            let size = [source.width, source.height];
            self.tell(lines, Line::Picture { md5: md5.to_owned(), is, source: at, size });
        }
        Ok(())
    }

    fn keep_square(&mut self, lines: &mut Vec<Line>, md5: &str, square: &GreyImage) -> io::Result<()> {
        if !self.known.squares.contains_key(md5) {
            let at = self.squares.append(&square.pixels)?;
            self.tell(lines, Line::Square { md5: md5.to_owned(), size: self.image_size, at });
        }
        Ok(())
    }

    /// Notes a line, here and for the file.
    fn tell(&mut self, lines: &mut Vec<Line>, line: Line) {
        self.known.note(line.clone(), self.image_size);
        lines.push(line);
    }

    /// The cache, filled.
    pub fn finish(self) -> Cache {
        let entries = (0..self.stamps.len()).map(|index| self.entry(index)).collect();
        Cache {
            entries,
            image_size: self.image_size,
            sources: self.sources,
            squares: self.squares,
            decoded: self.decoded,
            repaired: AtomicUsize::new(0),
        }
    }

    fn entry(&self, index: usize) -> Entry {
        let (facts, pictures) = match &self.stamps[index] {
            Ok(stamp) => {
                let md5 = self.md5(index, stamp).unwrap_or_default().to_owned();
                let (pixels, pictures) = self.pixels(&md5);
                (Facts { bytes: stamp.bytes, md5, pixels }, pictures)
            }
            Err(reason) => (Facts { bytes: 0, md5: String::new(), pixels: Err(reason.clone()) }, None),
        };
        Entry { path: self.dataset.path(index), facts, pictures }
    }

    fn pixels(&self, md5: &str) -> (Result<PixelFacts, String>, Option<Places>) {
        match self.known.contents.get(md5) {
            Some(Content::Picture { is, source, size }) => {
                let square = self.known.squares.get(md5);
                (Ok(facts(is)), square.map(|&square| Places { source: *source, size: *size, square }))
            }
            Some(Content::Unreadable(reason)) => (Err(reason.clone()), None),
            None => (Err("changed while it was being read".to_owned()), None),
        }
    }
}

#[expect(clippy::cast_precision_loss, reason = "shares and means need no more than f32 has")]
fn facts(is: &Description) -> PixelFacts {
    let pixels = is.histogram.iter().sum::<u64>().max(1) as f32;
    PixelFacts {
        width: is.width,
        height: is.height,
        channels: is.channels.clone(),
        brightness: is.histogram.map(|count| count as f32 / pixels),
        mean: is.sum as f32 / pixels,
        flagged: is.flagged.clone(),
    }
}

fn stamp(path: &Path) -> Result<Stamp, String> {
    let read = || -> io::Result<Stamp> {
        let about = fs::metadata(path)?;
        let modified = about.modified()?;
        let modified = match modified.duration_since(UNIX_EPOCH) {
            Ok(after) => i128::try_from(after.as_nanos()),
            Err(before) => i128::try_from(before.duration().as_nanos()).map(|nanoseconds| -nanoseconds),
        };
        Ok(Stamp { bytes: about.len(), modified: modified.unwrap_or_default() })
    };
    read().map_err(|error| out_of_reach(&error))
}

fn out_of_reach(error: &io::Error) -> String {
    format!("cannot be read: {error}")
}

fn source_file(place: &Path) -> PathBuf {
    place.join(format!("source-{SOURCE_SHORT_SIDE}.bin"))
}

/// Pictures that lie beyond the end of their file, which was cut short, are to be made again.
fn forget_lost(known: &mut Known, sources: &mut Records, squares: &mut Records) {
    known.contents.retain(|_, content| match content {
        Content::Picture { source, size, .. } => {
            sources.claim(*source) && size[0].checked_mul(size[1]).is_some_and(|area| area as u64 == source.length)
        }
        Content::Unreadable(_) => true,
    });
    known.squares.retain(|_, slot| squares.claim(*slot));
}

/// Whether most of the space is taken by pictures of files that are no longer there.
fn wasteful(known: &Known, place: &Path, dataset: &Dataset) -> bool {
    let taken = fs::metadata(source_file(place)).map_or(0, |about| about.len());
    let files = dataset.images.iter().filter_map(|image| known.files.get(&image.file));
    let contents: HashSet<&str> = files.map(|(_, md5)| md5.as_str()).collect();
    let wanted = contents.into_iter().map(|md5| match known.contents.get(md5) {
        Some(Content::Picture { source, .. }) => source.length,
        _ => 0,
    });
    taken / 2 > wanted.fold(SLACK, u64::saturating_add)
}

/// Removes a cache's files; whoever has them open keeps theirs.
fn clear(place: &Path) -> io::Result<()> {
    for entry in fs::read_dir(place)? {
        let path = entry?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        if ["index", "source-", "eval-"].iter().any(|ours| name.starts_with(ours)) {
            fs::remove_file(&path)?;
        }
    }
    Ok(())
}
