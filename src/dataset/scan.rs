//! Finds the images of a data set on disk and reads their labels off the folders.

use std::ffi::OsStr;
use std::fs;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use super::{Class, Dataset, Folder, Image, patient};
use crate::error::{Error, Result};

#[cfg(test)]
pub(crate) mod tests;

/// The plain file in a data set's root that marks it as made by `xray-tui data demo`.
pub const SYNTHETIC_MARKER: &str = "SYNTHETIC";

/// How many folders may lie between the folder named and the one that holds `train` and `test`.
const DEPTH: usize = 2;

/// Finds `{train,val,test}/{NORMAL,PNEUMONIA}/*.{jpeg,jpg,png}` in `dir` or up to two folders deeper, in any case of letters.
///
/// `val` may be missing, and so may a class: the figures of such a data set can be shown, and
/// [`Splits::check_trainable`](super::split::Splits::check_trainable) says what training lacks. `__MACOSX`, dot files
/// and files of other kinds are passed over; links are followed. Of several data sets equally deep, real ones come
/// before synthetic ones, then the order of names decides.
///
/// # Errors
/// `NoFolder` where `dir` is missing, `NoDataSet` where nothing of that layout is in it, `BadDataSet` where `dir` is a
/// file, class folders have other names, or there is no image in any of them; `Io` where a folder may not be read.
pub fn find(dir: &Path) -> Result<Dataset> {
    check_is_folder(dir)?;
    let root = locate(dir)?;
    let mut images = Vec::new();
    for split in split_folders(&root)? {
        for class in class_folders(&split.path)? {
            images.extend(list_images(&split, &class)?);
        }
    }
    if images.is_empty() {
        let problem = "the class folders hold no .jpeg, .jpg or .png file: copy the images into train/NORMAL, \
                       train/PNEUMONIA, test/NORMAL and test/PNEUMONIA";
        return Err(Error::BadDataSet { dir: root, problem: problem.to_owned() });
    }
    images.sort_by(|a: &Image, b| a.file.cmp(&b.file));
    let synthetic = is_synthetic(&root);
    Ok(Dataset { root, images, synthetic })
}

/// Whether a file with this extension is taken for an image: jpeg, jpg or png in any case.
#[must_use]
pub fn is_image_extension(extension: &str) -> bool {
    ["jpeg", "jpg", "png"].iter().any(|known| extension.eq_ignore_ascii_case(known))
}

/// Whether a file or folder of this name is passed over.
#[must_use]
pub fn is_hidden(name: &str) -> bool {
    name.starts_with('.') || name == "__MACOSX"
}

/// Files that are no pictures by their first bytes, or cannot be opened, with why. Quick: nothing is decoded, so that a
/// picture that is damaged further on is not found.
#[must_use]
pub fn unreadable(dataset: &Dataset) -> Vec<(String, String)> {
    let files = (0..dataset.images.len()).map(|index| (dataset.images[index].file.clone(), dataset.path(index)));
    files.filter_map(|(file, path)| Some((file, first_bytes_wrong(&path)?))).collect()
}

fn first_bytes_wrong(path: &Path) -> Option<String> {
    let mut first = [0; 8];
    let read = fs::File::open(path).and_then(|mut file| file.read(&mut first));
    match read {
        Err(error) => Some(error.to_string()),
        Ok(0) => Some("is empty".to_owned()),
        Ok(_) if first.starts_with(b"\xff\xd8\xff") || first == *b"\x89PNG\r\n\x1a\n" => None,
        Ok(_) => Some("is neither JPEG nor PNG".to_owned()),
    }
}

fn check_is_folder(dir: &Path) -> Result<()> {
    match fs::metadata(dir) {
        Ok(meta) if meta.is_dir() => Ok(()),
        Ok(_) => {
            let problem = "is a file: name the folder that holds train and test with --data, and unpack archives first";
            Err(Error::BadDataSet { dir: dir.to_owned(), problem: problem.to_owned() })
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => Err(Error::NoFolder { dir: dir.to_owned() }),
        Err(error) => Err(Error::io("read", dir, error)),
    }
}

/// The folder that holds `train` or `test` with class folders: the shallowest.
fn locate(dir: &Path) -> Result<PathBuf> {
    let mut level = vec![dir.to_owned()];
    let mut refused = None;
    for depth in 0..=DEPTH {
        for folder in &level {
            match has_layout(folder) {
                Ok(true) => return Ok(folder.clone()),
                Ok(false) => {}
                Err(error) => refused = refused.or(Some(error)),
            }
        }
        if depth < DEPTH {
            level = level.iter().flat_map(|folder| subfolders(folder).unwrap_or_default()).map(|f| f.path).collect();
            level.sort_by_cached_key(|folder| (is_synthetic(folder), folder.clone()));
        }
    }
    Err(refused.unwrap_or_else(|| Error::NoDataSet { dir: dir.to_owned() }))
}

/// Whether `train` or `test` lies in `folder` with a class folder in it.
fn has_layout(folder: &Path) -> Result<bool> {
    let splits: Vec<_> = split_folders(folder)?.into_iter().filter(|split| split.holds != Folder::Val).collect();
    for split in &splits {
        if !class_folders(&split.path)?.is_empty() {
            return Ok(true);
        }
    }
    match splits.iter().find(|split| split.holds == Folder::Train) {
        Some(train) => Err(unnamed_classes(folder, train)),
        None => Ok(false),
    }
}

fn unnamed_classes(root: &Path, train: &Found<Folder>) -> Error {
    let names: Vec<_> = subfolders(&train.path).unwrap_or_default().into_iter().map(|folder| folder.name).collect();
    let found = if names.is_empty() { "no folder".to_owned() } else { names.join(", ") };
    let problem = format!(
        "{} has no folder NORMAL or PNEUMONIA (found: {found}): put the images into folders of these names",
        train.name
    );
    Error::BadDataSet { dir: root.to_owned(), problem }
}

/// A folder and what it holds.
struct Found<T> {
    name: String,
    path: PathBuf,
    holds: T,
}

fn split_folders(root: &Path) -> Result<Vec<Found<Folder>>> {
    named(root, |name| Folder::ALL.into_iter().find(|folder| name.eq_ignore_ascii_case(folder.name())))
}

fn class_folders(split: &Path) -> Result<Vec<Found<Class>>> {
    named(split, |name| Class::ALL.into_iter().find(|class| name.eq_ignore_ascii_case(class.name())))
}

fn named<T>(folder: &Path, what: impl Fn(&str) -> Option<T>) -> Result<Vec<Found<T>>> {
    let folders = subfolders(folder)?.into_iter();
    Ok(folders.filter_map(|f| what(&f.name).map(|holds| Found { name: f.name, path: f.path, holds })).collect())
}

/// The visible folders in `folder`, links to folders too.
fn subfolders(folder: &Path) -> Result<Vec<Found<()>>> {
    let entries = visible(folder)?.into_iter();
    Ok(entries.filter(|entry| entry.path.is_dir()).collect())
}

fn list_images(split: &Found<Folder>, class: &Found<Class>) -> Result<Vec<Image>> {
    let is_image = |name: &str| Path::new(name).extension().and_then(OsStr::to_str).is_some_and(is_image_extension);
    let entries = visible(&class.path)?.into_iter().filter(|entry| is_image(&entry.name) && may_be_read(&entry.path));
    Ok(entries
        .map(|entry| {
            let file = format!("{}/{}/{}", split.name, class.name, entry.name);
            let patient = patient::parse(&file, class.holds);
            Image { file, folder: split.holds, class: class.holds, patient }
        })
        .collect())
}

/// A broken link counts, so that it is named as unreadable instead of vanishing; folders and pipes don't.
fn may_be_read(path: &Path) -> bool {
    fs::metadata(path).map_or(true, |meta| meta.is_file())
}

/// What lies in `folder`, without `__MACOSX` and names that begin with a dot.
///
/// Names that aren't UTF-8 come with replacement characters, so that reading names them as not found.
fn visible(folder: &Path) -> Result<Vec<Found<()>>> {
    let read = |error| Error::io("read", folder, error);
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).map_err(read)? {
        let entry = entry.map_err(read)?;
        let name = entry.file_name().to_string_lossy().into_owned();
        if !is_hidden(&name) {
            found.push(Found { name, path: entry.path(), holds: () });
        }
    }
    Ok(found)
}

fn is_synthetic(root: &Path) -> bool {
    root.join(SYNTHETIC_MARKER).is_file()
}
