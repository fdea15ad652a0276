//! Tracking: a folder's or a file's content into DVC's cache, its version into the `.dvc` file beside it.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fs::{self, Permissions};
use std::ops::ControlFlow;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

use serde::Serialize;

use super::git::Git;
use super::objects::{Content, Objects, Original};
use super::overlap::is_stage;
use super::stamp::Stamp;
use super::{Repository, absolute, lossy, overlap, read_dvc_file, refusal, write_whole};
use crate::dataset::cache::Progress;
use crate::dataset::dvc_file::{self, DvcFile, Version, beside};
use crate::dataset::hash::{Listing, Oddity, file_md5, is_ignored};
use crate::error::{Error, Result};

/// What was tracked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Tracked {
    #[serde(serialize_with = "lossy")]
    pub path: PathBuf,
    #[serde(serialize_with = "lossy")]
    pub dvc_file: PathBuf,
    /// Of a folder with `.dir` at its end.
    pub md5: String,
    pub files: usize,
    /// Bytes.
    pub size: u64,
    /// Contents that the cache did not have.
    pub new_objects: usize,
}

/// Who is told how far the work is; a break ends it.
#[expect(missing_debug_implementations, reason = "it is of functions")]
pub struct Watch<'a> {
    pub hashing: &'a mut dyn FnMut(Progress) -> ControlFlow<()>,
    pub storing: &'a mut dyn FnMut(Progress) -> ControlFlow<()>,
}

/// Tracks the folder or file at `path` as `dvc add` does: byte for byte the same `.dvc` file, cache and `.gitignore`.
///
/// The `.dvc` file is written last, so that what it names is in the cache whole.
///
/// # Errors
/// `Tracking` where DVC would refuse it or its settings ask for what is not known here, `Io` where a file cannot be read
/// or written, `Cancelled` after a break.
pub fn track(path: &Path, watch: &mut Watch) -> Result<Tracked> {
    let whole = absolute(path)?;
    let repository = Repository::of(&whole)?;
    let _lock = repository.lock()?;
    let target = Target { shown: path, path: &whole, repository: &repository };
    let (git, file) = target.check()?;
    let objects = repository.objects();
    let (version, new_objects) =
        if whole.is_dir() { target.folder(&objects, watch)? } else { target.file(&objects)? };
    let dvc_file = beside(path);
    target.record(git.as_ref(), file, &version)?;
    let Version { md5, bytes, files, .. } = version;
    Ok(Tracked { path: path.to_owned(), dvc_file, md5, files: files.unwrap_or(1), size: bytes, new_objects })
}

/// What is to be tracked.
struct Target<'a> {
    /// As its user names it.
    shown: &'a Path,
    path: &'a Path,
    repository: &'a Repository,
}

impl Target<'_> {
    fn refused(&self, problem: impl Into<String>) -> Error {
        refusal(self.shown, problem)
    }

    /// Refuses what DVC refuses. Gives the git repository and the `.dvc` file that are there.
    fn check(&self) -> Result<(Option<Git>, DvcFile)> {
        let (path, root) = (self.path, self.repository.root.as_path());
        if !path.exists() {
            return Err(self.refused("is not there: check the path"));
        }
        let name = self.name()?;
        let through = path.ancestors().skip(1).take_while(|folder| *folder != root).any(Path::is_symlink);
        if through || (path.is_dir() && path.is_symlink()) {
            return Err(self.refused("is reached through a link, which DVC does not track: name the folder itself"));
        }
        if is_ignored(path)? {
            return Err(self.refused("is passed over by a rule of .dvcignore: change the rule first"));
        }
        if path.join(".dvc").is_dir() {
            return Err(self.refused("is a DVC repository of its own: track what is in it from there"));
        }
        overlap::refuse(root, path)?;
        let git = self.repository.config.uses_git.then(|| Git::of(root)).transpose()?;
        if let Some(git) = &git {
            self.check_git(git, &name)?;
        }
        Ok((git, self.dvc_file(&name)?))
    }

    fn name(&self) -> Result<String> {
        let name = self.path.file_name().unwrap_or_default();
        let Some(name) = name.to_str().filter(|name| dvc_file::is_kept(name)) else {
            return Err(self.refused("has a name that DVC cannot keep: give it another, shorter or without odd signs"));
        };
        if is_stage(self.path) {
            return Err(self.refused("has a name that DVC has for its own files: name the data, not the .dvc file"));
        }
        Ok(name.to_owned())
    }

    fn check_git(&self, git: &Git, name: &str) -> Result<()> {
        if git.holds(self.path)? {
            return Err(self.refused(format!(
                "is in git already, which DVC does not track: run `git rm -r --cached {name}` and commit first"
            )));
        }
        if git.ignores(&beside(self.path))? {
            return Err(self.refused("its .dvc file would be ignored by git: change the rule in .gitignore first"));
        }
        Ok(())
    }

    fn dvc_file(&self, name: &str) -> Result<DvcFile> {
        let path = beside(self.path);
        let Some(file) = read_dvc_file(&path)? else { return Ok(DvcFile::new(name)) };
        if file.path().as_deref() != Some(name) {
            return Err(refusal(&path, format!("tracks something else than {name}: move one of them away")));
        }
        if file.is_of_dvc_2() {
            let advice = "run `dvc cache migrate --dvc-files` once, with DVC 3, then track again";
            return Err(refusal(&path, format!("was written by DVC 2, whose ids are others: {advice}")));
        }
        Ok(file)
    }

    /// Puts a folder's files into the cache, and its list.
    fn folder(&self, objects: &Objects, watch: &mut Watch) -> Result<(Version, usize)> {
        let stamps = RefCell::new(BTreeMap::new());
        // Asked for right before the file is read.
        let stamp = |relative: &str| -> Option<String> {
            stamps.borrow_mut().insert(relative.to_owned(), Stamp::of(&self.path.join(relative)));
            None
        };
        let listing = Listing::of(self.path, &stamp, watch.hashing)?;
        if let Some((path, oddity)) = listing.oddities.first() {
            return Err(refusal(path, explain(*oddity)));
        }
        let contents: BTreeMap<_, _> = listing
            .entries
            .iter()
            .map(|entry| (entry.md5.clone(), Content { path: self.path.join(&entry.relative), bytes: entry.bytes }))
            .collect();
        let hash = listing.hash();
        let new = objects.add_all(&contents, watch.storing)?;
        let new = new + usize::from(objects.add_text(&hash.id, &listing.text())?);
        let stamps = stamps.into_inner();
        let originals = listing.entries.iter().map(|entry| Original {
            path: self.path.join(&entry.relative),
            md5: &entry.md5,
            stamp: stamps.get(&entry.relative).copied().flatten(),
        });
        let originals: Vec<_> = originals.filter(|file| objects.needs_link(&file.path, file.md5)).collect();
        objects.link_all(&originals, &self.scratch()?)?;
        Ok((Version { md5: hash.id, bytes: hash.bytes, files: Some(hash.files), executable: false }, new))
    }

    /// Puts a single file into the cache, and makes it anew from there.
    fn file(&self, objects: &Objects) -> Result<(Version, usize)> {
        let meta = fs::metadata(self.path).map_err(|error| Error::io("read", self.path, error))?;
        if !meta.is_file() {
            return Err(self.refused(explain(Oddity::Special)));
        }
        let md5 = file_md5(self.path)?;
        let content = Content { path: self.path.to_owned(), bytes: meta.len() };
        let contents = BTreeMap::from([(md5.clone(), content)]);
        let new = objects.add_all(&contents, &mut |_| ControlFlow::Continue(()))?;
        let original = Original { path: self.path.to_owned(), md5: &md5, stamp: Some(Stamp::from(&meta)) };
        objects.link_single(&original, &self.scratch()?)?;
        let executable = meta.mode() & 0o111 != 0;
        if executable {
            let mode = fs::metadata(self.path).map(|meta| meta.mode()).unwrap_or_default();
            let failed = |error| Error::io("write", self.path, error);
            fs::set_permissions(self.path, Permissions::from_mode(mode | 0o100)).map_err(failed)?;
        }
        Ok((Version { md5, bytes: meta.len(), files: None, executable }, new))
    }

    /// Where unfinished files of the workspace lie: not among the data.
    fn scratch(&self) -> Result<PathBuf> {
        let folder = self.repository.root.join(".dvc/tmp");
        fs::create_dir_all(&folder).map_err(|error| Error::io("create", &folder, error))?;
        Ok(folder)
    }

    /// Lets git ignore the data, and writes the `.dvc` file.
    fn record(&self, git: Option<&Git>, mut file: DvcFile, version: &Version) -> Result<()> {
        let ignoring = git.map(|git| git.ignore(self.path)).transpose()?.flatten();
        let path = beside(self.path);
        file.tell(version);
        write_whole(&path, &file.text())?;
        if let Some(git) = git.filter(|_| self.repository.config.stages) {
            ignoring.iter().chain([&path]).try_for_each(|path| git.stage(path))?;
        }
        Ok(())
    }
}

const fn explain(oddity: Oddity) -> &'static str {
    match oddity {
        Oddity::BrokenLink => {
            "is a link to nothing, which DVC does not track: delete it, or bring back what it links to"
        }
        Oddity::Ignores => "may not lie within tracked data: put its rules into the .dvcignore of a folder above",
        Oddity::Tracked => "lies within the data: run `dvc remove` on it first, or track its folder alone",
        Oddity::Special => "is neither file nor folder, which DVC does not track: delete it",
        Oddity::Name => "has a name that is no UTF-8: give it another",
    }
}
