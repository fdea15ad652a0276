//! DVC's cache: every content once, under its md5 and read-only, and the workspace's files made from it.

use std::collections::BTreeMap;
use std::fs::{self, File, Metadata, Permissions};
use std::io::{self, ErrorKind};
use std::ops::ControlFlow;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::slice;

use rand::Rng;
use rayon::prelude::*;

use super::config::Link;
use super::refusal;
use super::stamp::Stamp;
use crate::dataset::cache::Progress;
use crate::dataset::hash::{file_md5, md5_hex};
use crate::error::{Error, Result};

/// What DVC protects its objects with, and trusts them by.
const READ_ONLY: u32 = 0o444;
/// The folders of a cache that a group shares.
const GROUP: u32 = 0o2775;
/// So many files are put in between two looks at whether to go on.
const BLOCK: usize = 256;

/// A cache.
#[derive(Debug)]
pub struct Objects {
    /// `…/files/md5`.
    pub root: PathBuf,
    /// How the workspace's files are made, to be tried in turn.
    pub links: Vec<Link>,
    pub shared: bool,
}

/// A file that is not finished: it goes unless it is put in its place.
#[derive(Debug)]
pub struct Scratch(pub PathBuf);

impl Scratch {
    fn within(folder: &Path) -> Self {
        Self(folder.join(format!(".{:016x}.tmp", rand::rng().random::<u64>())))
    }

    pub fn beside(path: &Path) -> Self {
        Self::within(path.parent().unwrap_or(Path::new("")))
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}

/// A content that is to be in the cache.
#[derive(Debug, Clone)]
pub struct Content {
    pub path: PathBuf,
    pub bytes: u64,
}

/// A file of the workspace that is to be made anew from the cache's object.
#[derive(Debug)]
pub struct Original<'a> {
    pub path: PathBuf,
    pub md5: &'a str,
    /// From before its content was hashed; `None` where it had none.
    pub stamp: Option<Stamp>,
}

impl Original<'_> {
    /// Refuses to replace what its user has written since.
    fn check(&self) -> Result<()> {
        if self.stamp.is_some() && Stamp::of(&self.path) == self.stamp {
            return Ok(());
        }
        Err(refusal(&self.path, "changed while it was tracked: track it again"))
    }
}

impl Objects {
    pub fn path(&self, md5: &str) -> PathBuf {
        let (folder, name) = md5.split_at_checked(2).unwrap_or((md5, ""));
        self.root.join(folder).join(name)
    }

    /// Whether it is there, whole. As DVC has it, a read-only one is trusted; any other is read, and protected if good.
    fn has(&self, md5: &str, bytes: u64) -> bool {
        let path = self.path(md5);
        let Ok(meta) = fs::metadata(&path) else { return false };
        if !meta.is_file() || meta.len() != bytes {
            return false;
        }
        if is_protected(&meta) {
            return true;
        }
        let is_whole = file_md5(&path).is_ok_and(|found| md5.starts_with(&found));
        if is_whole {
            protect(&path);
        }
        is_whole
    }

    /// Puts in what is not there yet, and says how many that were.
    ///
    /// # Errors
    /// `Io` where one cannot be read or written, `Tracking` where one changes meanwhile, `Cancelled` after a break.
    pub fn add_all(
        &self,
        contents: &BTreeMap<String, Content>,
        watch: &mut dyn FnMut(Progress) -> ControlFlow<()>,
    ) -> Result<usize> {
        let mut all: Vec<(&String, &Content)> = contents.iter().collect();
        // Those that may replace a damaged object come last: a link of the workspace may lead to it, as its only copy.
        all.sort_by_cached_key(|(md5, _)| self.path(md5).exists());
        let mut new = 0;
        for (place, block) in all.chunks(BLOCK).enumerate() {
            if watch(Progress { done: place * BLOCK, total: all.len() }).is_break() {
                return Err(Error::Cancelled);
            }
            let added = block.par_iter().map(|(md5, content)| self.add_new(md5, content).map(usize::from));
            new += added.sum::<Result<usize>>()?;
        }
        Ok(new)
    }

    /// Says whether it is new.
    fn add_new(&self, md5: &str, content: &Content) -> Result<bool> {
        let is_new = !self.has(md5, content.bytes);
        if is_new {
            self.add(md5, &content.path)?;
        }
        Ok(is_new)
    }

    fn add(&self, md5: &str, from: &Path) -> Result<()> {
        let failed = |error| Error::io("read", from, error);
        let real = fs::canonicalize(from).map_err(failed)?;
        let names = fs::metadata(&real).map_err(failed)?.nlink();
        // As DVC has it, links to the workspace's file are made where the workspace is to have links to the cache. But
        // not where it has more names: one may be that of a damaged object, which would be protected with it.
        let links: &[Link] = match self.links.first() {
            Some(Link::Hardlink) if names == 1 => &[Link::Reflink, Link::Hardlink, Link::Copy],
            _ => &[Link::Reflink, Link::Copy],
        };
        self.put(md5, |scratch| {
            make(links, &real, scratch)?;
            if file_md5(scratch)? == md5 {
                return Ok(());
            }
            Err(refusal(from, "changed while it was read: wait until nobody writes it, then try again"))
        })
    }

    /// Puts a text in that is made here; says whether it is new.
    ///
    /// # Errors
    /// `Io` where it cannot be written.
    pub fn add_text(&self, md5: &str, text: &str) -> Result<bool> {
        let is_new = !self.has(md5, text.len() as u64);
        if is_new {
            self.put(md5, |scratch| fs::write(scratch, text).map_err(|error| Error::io("write", scratch, error)))?;
        }
        Ok(is_new)
    }

    fn put(&self, md5: &str, fill: impl Fn(&Path) -> Result<()>) -> Result<()> {
        let path = self.path(md5);
        self.make_folder(path.parent().unwrap_or(&self.root))?;
        let scratch = Scratch::within(&self.root);
        fill(&scratch.0)?;
        protect(&scratch.0);
        fs::rename(&scratch.0, &path).map_err(|error| Error::io("write", path, error))
    }

    fn make_folder(&self, folder: &Path) -> Result<()> {
        let failed = |error| Error::io("create", folder, error);
        if folder.is_dir() {
            return Ok(());
        }
        folder.parent().map_or(Ok(()), |above| self.make_folder(above))?;
        match fs::create_dir(folder) {
            Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(()),
            Ok(()) if self.shared => fs::set_permissions(folder, Permissions::from_mode(GROUP)).map_err(failed),
            done => done.map_err(failed),
        }
    }

    /// The text of an object; `None` where it is not in the cache.
    ///
    /// # Errors
    /// `Io` where it cannot be read, `Tracking` where it is not what its name says.
    pub fn text(&self, md5: &str) -> Result<Option<String>> {
        let path = self.path(md5);
        match fs::read_to_string(&path) {
            Ok(text) if md5.starts_with(&md5_hex(text.as_bytes())) => Ok(Some(text)),
            Ok(_) => Err(refusal(&path, "is damaged: delete it and run `dvc fetch`")),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(Error::io("read", path, error)),
        }
    }

    /// Whether `path`, a file in a folder, is not linked as it should be.
    pub fn needs_link(&self, path: &Path, md5: &str) -> bool {
        let (Ok(own), Ok(real)) = (fs::symlink_metadata(path), fs::metadata(path)) else { return true };
        let (is_link, is_shared) = (own.is_symlink(), real.nlink() > 1);
        for link in &self.links {
            match link {
                Link::Copy | Link::Reflink if !is_link && !is_shared => return false,
                // What a link leads to may have become the object itself just now.
                Link::Hardlink if is_shared && !is_link => {
                    return fs::metadata(self.path(md5)).is_ok_and(|object| object.ino() != real.ino());
                }
                Link::Symlink if is_link => return fs::read_link(path).is_ok_and(|to| to != self.path(md5)),
                _ => {}
            }
        }
        true
    }

    /// As [`Objects::link_all`] for a file that is tracked alone: DVC makes it anew whatever it is, but where it is a
    /// copy and is to be one.
    ///
    /// # Errors
    /// As there.
    pub fn link_single(&self, original: &Original, folder: &Path) -> Result<()> {
        let path = &original.path;
        let own = fs::symlink_metadata(path).map_err(|error| Error::io("read", path, error))?;
        let is_copy = !own.is_symlink() && own.nlink() == 1;
        if is_copy && self.links.first() == Some(&Link::Copy) {
            return fs::set_permissions(path, Permissions::from_mode(self.file_mode(folder)?))
                .map_err(|error| Error::io("write", path, error));
        }
        self.link_all(slice::from_ref(original), folder)
    }

    /// What DVC gives a file of the workspace: all that is left to new files.
    fn file_mode(&self, folder: &Path) -> Result<u32> {
        let scratch = Scratch::within(folder);
        let meta = File::create_new(&scratch.0).and_then(|file| file.metadata());
        let mode = meta.map_err(|error| Error::io("write", &scratch.0, error))?.mode() & 0o7777;
        Ok(if self.shared { 0o664 } else { mode })
    }

    /// Makes the workspace's files from the cache's objects anew; the unfinished ones lie in `folder`. None is replaced
    /// where one has changed since it was hashed.
    ///
    /// # Errors
    /// `Io` where one cannot be written, `Tracking` where one has changed or no way to link is possible.
    pub fn link_all(&self, originals: &[Original], folder: &Path) -> Result<()> {
        originals.iter().try_for_each(Original::check)?;
        originals.par_iter().try_for_each(|original| self.sync(original.md5))?;
        originals.iter().try_for_each(|original| self.link(original, folder))
    }

    /// So that a power cut does not take the object when its original is gone.
    fn sync(&self, md5: &str) -> Result<()> {
        let path = self.path(md5);
        File::open(&path).and_then(|file| file.sync_all()).map_err(|error| Error::io("write", path, error))
    }

    fn link(&self, original: &Original, folder: &Path) -> Result<()> {
        match self.replace(original, &Scratch::within(folder)) {
            // The data lie on another file system than `folder`.
            Err(Error::Io { source, .. }) if source.kind() == ErrorKind::CrossesDevices => {
                self.replace(original, &Scratch::beside(&original.path))
            }
            done => done,
        }
    }

    fn replace(&self, original: &Original, scratch: &Scratch) -> Result<()> {
        let object = self.path(original.md5);
        make(&self.links, &object, &scratch.0)?;
        // A link in the workspace leads to the object itself by now where the file that it led to was replaced before it.
        if Stamp::of(&original.path) != Stamp::of(&object) {
            original.check()?;
        }
        fs::rename(&scratch.0, &original.path).map_err(|error| Error::io("write", &original.path, error))
    }
}

fn is_protected(meta: &Metadata) -> bool {
    meta.mode() & 0o7777 == READ_ONLY
}

/// As far as the file system lets us. Only what is known to be whole may be protected, as it is trusted from then on.
fn protect(path: &Path) {
    let is_done = fs::metadata(path).is_ok_and(|meta| is_protected(&meta));
    if !is_done {
        let _ = fs::set_permissions(path, Permissions::from_mode(READ_ONLY));
    }
}

/// Makes `to` from `from` in the first way that the file system knows.
fn make(links: &[Link], from: &Path, to: &Path) -> Result<()> {
    let mut last = None;
    for link in links {
        match make_one(*link, from, to) {
            Ok(()) => return Ok(()),
            Err(error) if is_unknown(&error) && *link != Link::Copy => last = Some(error),
            Err(error) if error.kind() == ErrorKind::NotFound => return Err(Error::io("read", from, error)),
            Err(error) => return Err(Error::io("write", to, error)),
        }
    }
    let why = last.map_or_else(String::new, |error| format!(" ({error})"));
    let advice = "`dvc config cache.type` names others, copy is always possible";
    Err(refusal(
        from,
        format!("cannot be linked to {} in any of the ways that cache.type names{why}: {advice}", to.display()),
    ))
}

fn make_one(link: Link, from: &Path, to: &Path) -> io::Result<()> {
    match link {
        Link::Reflink => reflink(from, to),
        // Of empty files there may be more than a file system lets one file have links.
        Link::Hardlink if fs::metadata(from)?.len() == 0 => File::create_new(to).map(drop),
        Link::Hardlink => fs::hard_link(from, to),
        Link::Symlink => symlink(from, to),
        Link::Copy => {
            let (mut source, mut target) = (File::open(from)?, File::create_new(to)?);
            io::copy(&mut source, &mut target).map(drop)
        }
    }
}

#[cfg(target_os = "linux")]
fn reflink(from: &Path, to: &Path) -> io::Result<()> {
    let (source, target) = (File::open(from)?, File::create_new(to)?);
    let cloned = rustix::fs::ioctl_ficlone(&target, &source);
    if cloned.is_err() {
        let _ = fs::remove_file(to);
    }
    Ok(cloned?)
}

#[cfg(not(target_os = "linux"))]
fn reflink(_: &Path, _: &Path) -> io::Result<()> {
    Err(ErrorKind::Unsupported.into())
}

/// Whether the file system does not know this way to link, or not here.
fn is_unknown(error: &io::Error) -> bool {
    use rustix::io::Errno;
    let unknown = [Errno::PERM, Errno::NOTSUP, Errno::XDEV, Errno::NOTTY, Errno::NOSYS, Errno::INVAL, Errno::AGAIN];
    error.kind() == ErrorKind::Unsupported
        || error.raw_os_error().is_some_and(|code| unknown.iter().any(|errno| errno.raw_os_error() == code))
}
