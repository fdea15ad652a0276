//! Verifying: a folder or file against the version that its `.dvc` file tells.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use serde::Serialize;

use super::{Repository, absolute, lossy, read_dvc_file, refusal};
use crate::dataset::cache::Progress;
use crate::dataset::dvc_file::{DvcFile, Version, beside, tracked};
use crate::dataset::hash::{Listing, file_md5, parse_listing};
use crate::error::{Error, Result};

/// Whether data are as they were tracked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Verified {
    /// The folder or file that is tracked.
    #[serde(serialize_with = "lossy")]
    pub path: PathBuf,
    #[serde(serialize_with = "lossy")]
    pub dvc_file: PathBuf,
    /// The version's id.
    pub recorded: String,
    /// Of what is there now; `None` where nothing is.
    pub found: Option<String>,
    pub same: bool,
    /// `None` where the version's list of files is not in DVC's cache.
    #[serde(flatten)]
    pub changes: Option<Changes>,
}

/// How files differ, each by its path below the folder.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Changes {
    pub changed: Vec<String>,
    pub added: Vec<String>,
    pub missing: Vec<String>,
}

type Md5s = BTreeMap<String, String>;

impl Changes {
    /// From what was to what is, md5s by path.
    #[must_use]
    pub fn between(was: &Md5s, is: &Md5s) -> Self {
        let paths: BTreeSet<&String> = was.keys().chain(is.keys()).collect();
        let mut found = Self::default();
        for path in paths {
            match (was.get(path), is.get(path)) {
                (Some(_), None) => found.missing.push(path.clone()),
                (None, _) => found.added.push(path.clone()),
                (Some(old), Some(new)) if old != new => found.changed.push(path.clone()),
                _ => {}
            }
        }
        found
    }
}

/// Compares the data at `path`, or the tracked folder that they lie in, with its `.dvc` file. Every file is read.
///
/// # Errors
/// `Tracking` where it is not tracked or was tracked by DVC 2, `Io` where a file cannot be read, `Cancelled` after a break.
pub fn verify(path: &Path, watch: &mut dyn FnMut(Progress) -> ControlFlow<()>) -> Result<Verified> {
    let whole = absolute(path)?;
    let repository = Repository::of(&whole)?;
    let untracked = || {
        let next = format!("is not tracked yet: run `xray-tui data track {}` first", path.display());
        let gone = "is not there, and no .dvc file tells of it: check its name".to_owned();
        refusal(path, if whole.exists() { next } else { gone })
    };
    let (data, dvc_file) = tracked(&whole).ok_or_else(untracked)?;
    // As its user named it, where that is what is tracked.
    let (data, shown) = if data == whole { (path.to_owned(), beside(path)) } else { (data, dvc_file) };
    let file = read_dvc_file(&shown)?.ok_or_else(untracked)?;
    let version = version_of(&file, &shown)?;
    let now = content(&data, watch)?;
    let found = now.as_ref().map(|now| now.id.clone());
    let same = found.as_deref() == Some(&version.md5);
    let changes = if same { Some(Changes::default()) } else { changes(&repository, (&data, &version), now)? };
    Ok(Verified { path: data, dvc_file: shown, recorded: version.md5, found, same, changes })
}

fn version_of(file: &DvcFile, path: &Path) -> Result<Version> {
    if file.is_of_dvc_2() {
        let advice = "run `dvc cache migrate --dvc-files` once, with DVC 3, then verify again";
        return Err(refusal(path, format!("was written by DVC 2, whose ids are others: {advice}")));
    }
    file.version().ok_or_else(|| refusal(path, "tells no version yet: run `dvc add` or `xray-tui data track`"))
}

/// What is there now.
struct Content {
    id: String,
    /// Md5s by path; of a single file by its name.
    files: Md5s,
}

fn content(data: &Path, watch: &mut dyn FnMut(Progress) -> ControlFlow<()>) -> Result<Option<Content>> {
    match fs::metadata(data) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(Error::io("read", data, error)),
        Ok(meta) if meta.is_dir() => {
            let listing = Listing::of(data, &|_| None, watch)?;
            let id = listing.hash().id;
            let files = listing.entries.into_iter().map(|entry| (entry.relative, entry.md5)).collect();
            Ok(Some(Content { id, files }))
        }
        Ok(_) => {
            let md5 = file_md5(data)?;
            Ok(Some(Content { files: Md5s::from([(name(data), md5.clone())]), id: md5 }))
        }
    }
}

fn name(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

fn changes(
    repository: &Repository,
    (data, version): (&Path, &Version),
    now: Option<Content>,
) -> Result<Option<Changes>> {
    let objects = repository.objects();
    let is_folder = version.md5.strip_suffix(".dir").is_some();
    let was = if is_folder {
        let Some(text) = objects.text(&version.md5)? else { return Ok(None) };
        let odd = || refusal(&objects.path(&version.md5), "is no list of files: delete it and run `dvc fetch`");
        parse_listing(&text).ok_or_else(odd)?
    } else {
        Md5s::from([(name(data), version.md5.clone())])
    };
    Ok(Some(Changes::between(&was, &now.map(|now| now.files).unwrap_or_default())))
}
