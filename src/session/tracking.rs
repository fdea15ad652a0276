//! Data against what is known of them: the version that DVC tracks, and the images that a run saw.

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::path::Path;

use serde::Serialize;

use super::LoadedData;
use super::manifest::Manifest;
use super::provenance::ask;
use crate::dataset::cache::Progress;
use crate::dataset::dvc_file::{DvcFile, repository, tracked};
use crate::dataset::hash::{FolderHash, Listing, folder_hash};
use crate::dataset::version::DataVersion;
use crate::dataset::{self, format};
use crate::error::{Error, Result};
use crate::store::{NewRun, Store};

/// The version of `data` that DVC tracks, whose own id is `hash`; `None` where it tracks none.
///
/// # Errors
/// `Io` where a file of the tracked folder cannot be read.
pub fn version(data: &LoadedData, hash: &FolderHash) -> Result<Option<DataVersion>> {
    let root = &data.dataset.root;
    let root = root.canonicalize().map_err(|error| Error::io("find", root, error))?;
    let Some((folder, file)) = tracked(&root) else { return Ok(None) };
    let Ok(text) = std::fs::read_to_string(&file) else { return Ok(None) };
    let Some(told) = DvcFile::parse(&text).ok().and_then(|file| file.version()) else { return Ok(None) };
    let id =
        if folder == root { hash.id.clone() } else { folder_hash(&folder, &known_below(data, &root, &folder))?.id };
    let shown = repository(&root).and_then(|top| file.strip_prefix(top).ok().map(Path::to_owned));
    let (commit, committed) = commit_of(&file);
    Ok(Some(DataVersion {
        dvc_file: shown.as_deref().unwrap_or(&file).display().to_string(),
        same: told.md5 == id,
        md5: told.md5,
        commit,
        committed,
    }))
}

/// What the decoded images' cache knows of files of a folder above the data.
fn known_below<'a>(data: &'a LoadedData, root: &Path, folder: &Path) -> impl Fn(&str) -> Option<String> + 'a {
    let below = root.strip_prefix(folder).unwrap_or(Path::new("")).to_string_lossy().into_owned();
    move |file| data.known_md5(file.strip_prefix(&below)?.strip_prefix('/')?)
}

/// The newest commit that changed the file, and whether the file is as it was then.
fn commit_of(file: &Path) -> (Option<String>, bool) {
    let (Some(folder), Some(name)) = (file.parent().and_then(Path::to_str), file.file_name().and_then(|n| n.to_str()))
    else {
        return (None, false);
    };
    let git = |words: &[&str]| ask(&[&["-C", folder, "--literal-pathspecs"], words, &["--", name]].concat());
    let commit = git(&["log", "-1", "--format=%H"]).map(|id| id.trim().to_owned()).filter(|id| !id.is_empty());
    let committed = commit.is_some() && git(&["status", "--porcelain"]).is_some_and(|text| text.trim().is_empty());
    (commit, committed)
}

/// A folder against what a run saw in it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Seen {
    /// The folder's id when the run began.
    pub recorded: String,
    pub found: String,
    /// Every image that the run used is as it was.
    pub same: bool,
    pub changed: Vec<String>,
    /// `None` where the run used a part of the images only, so that an image may be no newer than the run.
    pub added: Option<Vec<String>>,
    pub missing: Vec<String>,
}

/// Compares the folder at `data` with the images that `run` used. Every file is read.
///
/// # Errors
/// `Run` where it kept no list of its images or another program trained it, no data set, `Io` where a file cannot be read,
/// `Cancelled` after a break.
pub fn seen(
    store: &Store,
    run: &NewRun,
    (data, watch): (&Path, &mut dyn FnMut(Progress) -> ControlFlow<()>),
) -> Result<Seen> {
    run.refuse_foreign()?;
    let none = || Error::Run {
        run: run.name.clone(),
        problem:
            "kept no list of its images, as an older program made it: compare its data hash with that of `data stats`"
                .into(),
    };
    let list = Manifest::of_run(store, run)?.ok_or_else(none)?;
    let dataset = dataset::find(data)?;
    let listing = Listing::of(&dataset.root, &|_| None, watch)?;
    let now: BTreeMap<&str, &str> =
        listing.entries.iter().map(|entry| (entry.relative.as_str(), entry.md5.as_str())).collect();
    let was: BTreeMap<&str, &str> = list.0.iter().map(|image| (image.file.as_str(), image.md5.as_str())).collect();
    let named = |files: &mut dyn Iterator<Item = &str>| files.map(str::to_owned).collect::<Vec<_>>();
    let changed =
        named(&mut was.iter().filter(|(file, md5)| now.get(*file).is_some_and(|is| is != *md5)).map(|(f, _)| *f));
    let missing = named(&mut was.keys().copied().filter(|file| !now.contains_key(file)));
    // What cannot be read is in no list.
    let is_new = |file: &&str| !was.contains_key(file) && is_readable(&dataset.root.join(file));
    let images = || dataset.images.iter().map(|image| image.file.as_str());
    let added = uses_all(run).then(|| named(&mut images().filter(is_new)));
    let same = changed.is_empty() && missing.is_empty() && added.as_ref().is_none_or(Vec::is_empty);
    Ok(Seen { recorded: run.data_hash.clone(), found: listing.hash().id, same, changed, added, missing })
}

fn is_readable(path: &Path) -> bool {
    std::fs::read(path).is_ok_and(|bytes| format::decode(&bytes).is_ok())
}

/// Whether a run's list has every image of its data.
fn uses_all(run: &NewRun) -> bool {
    let whole = run.config["sample_fraction"].as_f64().is_none_or(|fraction| fraction >= 1.0);
    whole && run.config["excluded"].as_array().is_none_or(Vec::is_empty)
}
