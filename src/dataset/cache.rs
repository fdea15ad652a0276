//! Every image decoded once into a folder of grey pictures, keyed by content, and read from there ever after.

mod journal;
mod lock;
mod records;
mod shelf;
#[cfg(test)]
mod tests;
mod work;

use std::ffi::OsString;
use std::fs;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};

use records::{Records, Slot};
use shelf::Shelf;

use super::{Dataset, GreyImage};
use crate::error::{Error, Result};

/// Part of every cache's key: to be raised whenever decoding or resizing gives other pixels or facts than before.
pub const DECODER_VERSION: u32 = 1;

/// The short side of the pictures for augmentation and the screen, in pixels, at most.
pub const SOURCE_SHORT_SIDE: usize = 320;

/// How many of a number of files are done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    pub done: usize,
    pub total: usize,
}

/// What is known about an image file.
#[derive(Debug, Clone, PartialEq)]
pub struct Facts {
    /// The file's size.
    pub bytes: u64,
    /// The content's md5 in lower-case hexadecimal; empty where the file could not be read at all.
    pub md5: String,
    /// About its pixels, or why there are none.
    pub pixels: Result<PixelFacts, String>,
}

/// What is known about a picture.
#[derive(Debug, Clone, PartialEq)]
pub struct PixelFacts {
    /// Pixels, as in the file.
    pub width: u32,
    pub height: u32,
    /// See [`Decoded::channels`](super::format::Decoded::channels).
    pub channels: String,
    /// Shares of the pixels in 16 bins of 16 levels, of the picture with a short side of at most [`SOURCE_SHORT_SIDE`]
    /// (so that they don't change with the image size); they sum to 1.
    pub brightness: [f32; 16],
    /// Mean of the same pixels, 0 to 255.
    pub mean: f32,
    /// Why it is suspect, if it is.
    pub flagged: Option<String>,
}

/// The decoded pictures of a data set, in the order of [`Dataset::images`].
#[derive(Debug)]
pub struct Cache {
    entries: Vec<Entry>,
    image_size: usize,
    sources: Records,
    squares: Records,
    decoded: usize,
    repaired: AtomicUsize,
}

/// One image: its file, and where its pictures lie.
#[derive(Debug)]
struct Entry {
    path: PathBuf,
    facts: Facts,
    pictures: Option<Places>,
}

/// Where an image's pictures lie.
#[derive(Debug, Clone, Copy)]
struct Places {
    source: Slot,
    /// Width and height of the source picture.
    size: [usize; 2],
    square: Slot,
}

impl Cache {
    /// Opens the cache of `dataset` below `folder`, decoding what isn't in it yet on rayon's threads.
    ///
    /// An unchanged file (by size and time) is not even read; a changed one is read, and decoded only if its content is new.
    /// Another process that fills the same cache is waited for. `watch` is called on this thread: at the start of the work,
    /// at least every 64 images, and while waiting; [`ControlFlow::Break`] ends it. What was decoded is kept in any case.
    ///
    /// # Errors
    /// [`Error::Cancelled`] after a break; [`Error::Cache`] where the folder cannot be written or the disk is full.
    /// Images that can't be read are no error: see [`Facts::pixels`].
    pub fn open(
        folder: &Path,
        dataset: &Dataset,
        image_size: usize,
        watch: &mut dyn FnMut(Progress) -> ControlFlow<()>,
    ) -> Result<Self> {
        let failed = |source| Error::Cache { folder: folder.to_owned(), source };
        let place = folder.join(name_of(&dataset.root));
        fs::create_dir_all(&place).map_err(failed)?;
        let total = dataset.images.len();
        let mut waiting = || watch(Progress { done: 0, total });
        let _lock = lock::wait(&place.join("lock"), &mut waiting).map_err(failed)?.ok_or(Error::Cancelled)?;
        let mut shelf = Shelf::open(&place, image_size, dataset).map_err(failed)?;
        if shelf.fill(watch).map_err(failed)?.is_break() {
            return Err(Error::Cancelled);
        }
        Ok(shelf.finish())
    }

    /// What is known about image `index` of the data set.
    #[must_use]
    pub fn facts(&self, index: usize) -> &Facts {
        &self.entries[index].facts
    }

    /// The side S of the evaluation pictures, in pixels.
    #[must_use]
    pub const fn image_size(&self) -> usize {
        self.image_size
    }

    /// How many images opening it had to decode: 0 where nothing was new.
    #[must_use]
    pub const fn decoded(&self) -> usize {
        self.decoded
    }

    /// How many damaged pictures were made again from their files since it was opened.
    #[must_use]
    pub fn repaired(&self) -> usize {
        self.repaired.load(Ordering::Relaxed)
    }

    /// Reads the evaluation picture of image `index` into `out`: `S * S` values, what torchvision's `Resize((S, S))` gives.
    ///
    /// # Errors
    /// If the image is unreadable, if `out` has another length, or if the cached picture is damaged and its file gone or changed.
    pub fn read_evaluation(&self, index: usize, out: &mut [u8]) -> Result<()> {
        let (entry, places) = self.readable(index)?;
        if out.len() != self.image_size * self.image_size {
            let problem = format!("{} values asked for, pictures are {1} x {1}", out.len(), self.image_size);
            return Err(Error::BadSetting { setting: "image size", problem });
        }
        if !self.squares.read(places.square, out) {
            out.copy_from_slice(&self.repair(entry, places)?.square.pixels);
        }
        Ok(())
    }

    /// Reads the picture of image `index` with its aspect kept and a short side of at most [`SOURCE_SHORT_SIDE`].
    ///
    /// # Errors
    /// If the image is unreadable, or if the cached picture is damaged and its file gone or changed.
    pub fn read_source(&self, index: usize) -> Result<GreyImage> {
        let (entry, places) = self.readable(index)?;
        let [width, height] = places.size;
        let mut pixels = vec![0; width * height];
        if self.sources.read(places.source, &mut pixels) {
            return Ok(GreyImage { width, height, pixels });
        }
        Ok(self.repair(entry, places)?.source)
    }

    fn readable(&self, index: usize) -> Result<(&Entry, Places)> {
        let entry = &self.entries[index];
        match (&entry.facts.pixels, entry.pictures) {
            (Ok(_), Some(places)) => Ok((entry, places)),
            (Err(reason), _) => Err(entry.error(format!("cannot be used: {reason}"))),
            (Ok(_), None) => Err(entry.error("is not in the cache: open the data set again".to_owned())),
        }
    }

    /// Makes an image's pictures again from its file, and puts them back where they lay.
    fn repair(&self, entry: &Entry, places: Places) -> Result<work::Pictures> {
        let contents = work::read(&entry.path).map_err(|source| Error::io("read", &entry.path, source))?;
        if contents.md5 != entry.facts.md5 {
            return Err(entry.error("has changed since the data set was opened: open it again".to_owned()));
        }
        let (_, pictures) = contents.decode(self.image_size).map_err(|reason| entry.error(reason))?;
        self.sources.restore(places.source, &pictures.source.pixels);
        self.squares.restore(places.square, &pictures.square.pixels);
        self.repaired.fetch_add(1, Ordering::Relaxed);
        Ok(pictures)
    }
}

impl Entry {
    fn error(&self, problem: String) -> Error {
        Error::Image { path: self.path.clone(), problem }
    }
}

/// The folder for caches: `XRAY_TUI_CACHE`, else `xray-tui` in `XDG_CACHE_HOME`, else in the system's folder for caches.
#[must_use]
pub fn default_folder() -> PathBuf {
    folder_by(|name| std::env::var_os(name).filter(|value| !value.is_empty()))
}

fn folder_by(variable: impl Fn(&str) -> Option<OsString>) -> PathBuf {
    if let Some(folder) = variable("XRAY_TUI_CACHE") {
        return folder.into();
    }
    // A relative path there is to be ignored, says the XDG specification.
    let xdg = variable("XDG_CACHE_HOME").map(PathBuf::from).filter(|path| path.is_absolute());
    let below_home = if cfg!(target_os = "macos") { "Library/Caches" } else { ".cache" };
    let caches = xdg.or_else(|| variable("HOME").map(|home| Path::new(&home).join(below_home)));
    caches.unwrap_or_else(std::env::temp_dir).join("xray-tui")
}

/// A folder name for a data set: from its real path, so that it is the same from wherever it is named.
fn name_of(root: &Path) -> String {
    let real = fs::canonicalize(root).unwrap_or_else(|_| root.to_owned());
    work::md5_of(real.as_os_str().as_encoded_bytes()).chars().take(16).collect()
}
