//! A synthetic set of chest radiographs, drawn from a seed, to try the program with where no real data set is at hand.

mod anatomy;
mod exposure;
mod label;
mod opacity;
mod plan;
mod render;
mod texture;

use std::collections::HashSet;
use std::fs;
use std::io;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use image::ExtendedColorType;
use image::codecs::jpeg::JpegEncoder;
use rayon::prelude::*;

use self::anatomy::Anatomy;
use self::opacity::Opacity;
use self::plan::Picture;
use self::render::View;
use super::GreyImage;
use super::cache::Progress;
use super::random::{self, Purpose};
use crate::error::{Error, Result};

/// The file in the set's root that marks it as synthetic. Its first line begins with [`MARK`].
pub const MARKER: &str = "SYNTHETIC";
/// How the marker's line begins.
pub const MARK: &str = "Synthetic chest radiographs, not of any person";

/// Fewest and most images: both classes need a few patients, and a mistyped number shouldn't fill the disk.
const IMAGES: std::ops::RangeInclusive<usize> = 8..=100_000;
/// JPEG quality of 1 to 100.
const QUALITY: u8 = 90;
/// Where the pictures lie until all are there: inside the folder, so that it works where only that one is writable.
const UNFINISHED: &str = ".demo-unfinished";

/// What is drawn by random numbers, each from streams of its own.
#[derive(Clone, Copy)]
enum Stream {
    /// How many images a patient has.
    Images,
    Patient,
    View,
    Grain,
}

/// What to draw.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DemoConfig {
    /// Images of both splits and classes together, 8 to 100,000.
    pub images: usize,
    pub seed: u64,
}

impl Default for DemoConfig {
    fn default() -> Self {
        Self { images: 400, seed: 42 }
    }
}

/// Writes a synthetic set below `dir` in the layout and with the file names of the real one: a quarter of the images
/// in `test`, half of these and 55 % of `train` with pneumonia. An earlier demo set there is replaced; until the last
/// picture is drawn, and when stopped or failing before, `dir` stays as it was. The same numbers give the same bytes.
///
/// # Errors
/// `BadSetting` for too few or too many images, `BadDataSet` where `dir` holds anything but an earlier demo set,
/// `Cancelled` when `watch` breaks, `Io` when the folder can't be written.
pub fn write(dir: &Path, config: &DemoConfig, watch: &mut dyn FnMut(Progress) -> ControlFlow<()>) -> Result<()> {
    check_count(config.images)?;
    let existed = check_folder(dir)?;
    let unfinished = dir.join(UNFINISHED);
    let written = write_unfinished(&unfinished, config, watch).and_then(|()| publish(&unfinished, dir));
    if written.is_err() {
        let _ = fs::remove_dir_all(&unfinished);
        if !existed {
            let _ = fs::remove_dir(dir);
        }
    }
    written
}

/// The same pictures as JPEG files in memory, in the order of [`write()`]'s.
///
/// # Errors
/// `BadSetting` for too few or too many images.
pub fn files(config: &DemoConfig) -> Result<Vec<Vec<u8>>> {
    check_count(config.images)?;
    plan::pictures(config).par_iter().map(|picture| jpeg(picture, config.seed)).collect()
}

fn check_count(images: usize) -> Result<()> {
    if IMAGES.contains(&images) {
        return Ok(());
    }
    let problem = format!("{images} is not possible for a demo set: choose {} to {}", IMAGES.start(), IMAGES.end());
    Err(Error::BadSetting { setting: "images", problem })
}

/// Whether `dir` is there already; an error where it holds anything that isn't ours to replace.
fn check_folder(dir: &Path) -> Result<bool> {
    if !dir.try_exists().map_err(|source| Error::io("read", dir, source))? {
        return Ok(false);
    }
    if !dir.is_dir() {
        return Err(refuse(dir, "this is a file: choose a folder for the demo set"));
    }
    let files = files_below(dir)?;
    let ours = earlier_config(dir).map(|config| plan::pictures(&config)).unwrap_or_default();
    let mut ours: HashSet<PathBuf> = ours.into_iter().map(|picture| PathBuf::from(picture.file)).collect();
    if !ours.is_empty() {
        ours.insert(PathBuf::from(MARKER));
    }
    let foreign = files.into_iter().find(|file| !ours.contains(file));
    foreign.map_or(Ok(true), |file| {
        let problem = format!(
            "{} is in the way: only an earlier demo set is replaced; choose another folder or move the file",
            file.display()
        );
        Err(refuse(dir, &problem))
    })
}

fn refuse(dir: &Path, problem: &str) -> Error {
    Error::BadDataSet { dir: dir.to_owned(), problem: problem.to_owned() }
}

/// What an earlier demo set in `dir` was made from, by its marker.
fn earlier_config(dir: &Path) -> Option<DemoConfig> {
    let text = fs::read_to_string(dir.join(MARKER)).ok()?;
    let number = |name: &str| text.split_once(name)?.1.split(|c: char| !c.is_ascii_digit()).next()?.parse::<u64>().ok();
    let config = DemoConfig { images: usize::try_from(number("images ")?).ok()?, seed: number("seed ")? };
    (text.starts_with(MARK) && IMAGES.contains(&config.images)).then_some(config)
}

fn marker_text(config: &DemoConfig) -> String {
    let version = env!("CARGO_PKG_VERSION");
    format!("{MARK}: drawn by xray-tui {version} with images {}, seed {}.\n", config.images, config.seed)
}

/// All files below `dir`, relative to it, less those that nobody would miss. Links are not followed.
fn files_below(dir: &Path) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    let mut folders = vec![dir.to_owned()];
    while let Some(folder) = folders.pop() {
        let failed = |source| Error::io("read", &folder, source);
        for entry in fs::read_dir(&folder).map_err(failed)? {
            let entry = entry.map_err(failed)?;
            let name = entry.file_name();
            if name == UNFINISHED || name == ".DS_Store" {
                continue;
            }
            if entry.file_type().map_err(failed)?.is_dir() {
                folders.push(entry.path());
            } else {
                let path = entry.path();
                found.push(path.strip_prefix(dir).unwrap_or(&path).to_owned());
            }
        }
    }
    found.sort();
    Ok(found)
}

fn write_unfinished(
    root: &Path,
    config: &DemoConfig,
    watch: &mut dyn FnMut(Progress) -> ControlFlow<()>,
) -> Result<()> {
    let pictures = plan::pictures(config);
    let total = pictures.len();
    let mut tell = |done| if watch(Progress { done, total }).is_break() { Err(Error::Cancelled) } else { Ok(()) };
    tell(0)?;
    remove(root)?;
    for folder in plan::folders() {
        let folder = root.join(folder);
        fs::create_dir_all(&folder).map_err(|source| Error::io("create", folder, source))?;
    }
    save(&root.join(MARKER), marker_text(config).as_bytes())?;
    // In small helpings, so that the caller hears of progress, and can stop, between them on its own thread.
    let mut done = 0;
    for some in pictures.chunks(2 * rayon::current_num_threads()) {
        some.par_iter().try_for_each(|picture| save(&root.join(&picture.file), &jpeg(picture, config.seed)?))?;
        done += some.len();
        tell(done)?;
    }
    Ok(())
}

/// Moves the finished set into place, the marker first: at no time do synthetic pictures lie there without it.
fn publish(finished: &Path, dir: &Path) -> Result<()> {
    let into_place = |name: &str| {
        let place = dir.join(name);
        fs::rename(finished.join(name), &place).map_err(|source| Error::io("write", place, source))
    };
    into_place(MARKER)?;
    for folder in ["train", "test"] {
        remove(&dir.join(folder))?;
        into_place(folder)?;
    }
    remove(finished)
}

fn remove(folder: &Path) -> Result<()> {
    match fs::remove_dir_all(folder) {
        Err(source) if source.kind() != io::ErrorKind::NotFound => Err(Error::io("remove", folder, source)),
        _ => Ok(()),
    }
}

fn save(path: &Path, bytes: &[u8]) -> Result<()> {
    fs::write(path, bytes).map_err(|source| Error::io("write", path, source))
}

fn jpeg(picture: &Picture, seed: u64) -> Result<Vec<u8>> {
    let grey = draw(picture, seed);
    let (width, height) = (u32::try_from(grey.width).unwrap_or(0), u32::try_from(grey.height).unwrap_or(0));
    let mut bytes = Vec::new();
    JpegEncoder::new_with_quality(&mut bytes, QUALITY)
        .encode(&grey.pixels, width, height, ExtendedColorType::L8)
        .map_err(|source| Error::io("encode", &picture.file, io::Error::other(source)))?;
    Ok(bytes)
}

/// One picture: the patient's body and illness are the same in all pictures of the patient, position and exposure not.
fn draw(picture: &Picture, seed: u64) -> GreyImage {
    let stream = |number, of: Stream| random::stream(seed, Purpose::Demo, [number, of as u64]);
    let mut patient = stream(picture.patient, Stream::Patient);
    let anatomy = Anatomy::draw(&mut patient);
    let opacity = Opacity::draw(picture.kind, &anatomy, &mut patient);
    let view = View::draw(anatomy.lung_height, &mut stream(picture.view, Stream::View));
    let field = render::attenuation(&anatomy, opacity.as_ref(), &view);
    exposure::expose(&field, &view, &mut stream(picture.number, Stream::Grain))
}

#[cfg(test)]
mod tests;
