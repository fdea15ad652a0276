//! Other outputs of a DVC repository: what one of them holds cannot be tracked twice.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};

use ignore::{DirEntry, WalkBuilder};

use super::{absolute, refusal};
use crate::dataset::dvc_file::{beside, outputs};
use crate::error::{Error, Result};

/// Refuses `target` where another `.dvc` file or a `dvc.yaml` of the repository at `root` has it, a part of it, or what it
/// lies in.
///
/// # Errors
/// `Tracking` names the other, `Io` a file that cannot be read.
pub fn refuse(root: &Path, target: &Path) -> Result<()> {
    let own = beside(target);
    for file in stage_files(root, target).into_iter().filter(|file| *file != own) {
        let text = fs::read_to_string(&file).map_err(|error| Error::io("read", &file, error))?;
        let folder = file.parent().unwrap_or(root);
        for output in outputs(&text) {
            let output = absolute(&folder.join(output))?;
            if let Some(problem) = problem(root, target, (&output, &file)) {
                return Err(refusal(target, problem));
            }
        }
    }
    Ok(())
}

fn problem(root: &Path, target: &Path, (output, file): (&Path, &Path)) -> Option<String> {
    let short = |path: &Path| path.strip_prefix(root).unwrap_or(path).display().to_string();
    let (other, file) = (short(output), short(file));
    if target == output {
        Some(format!("is tracked by {file} already: bring that up to date with `dvc add` or `dvc commit`"))
    } else if target.starts_with(output) {
        Some(format!("lies in {other}, which {file} tracks: track that folder instead"))
    } else if output.starts_with(target) {
        Some(format!("holds {other}, which {file} tracks: run `dvc remove {file}` first, then track the whole"))
    } else {
        None
    }
}

/// The `.dvc` files and `dvc.yaml`s that DVC reads: none of ignored folders, of other repositories, and of `target`.
fn stage_files(root: &Path, target: &Path) -> Vec<PathBuf> {
    let is_looked_at = {
        let (root, target) = (root.to_owned(), target.to_owned());
        move |entry: &DirEntry| {
            let path = entry.path();
            let is_inner = [".git", ".dvc", ".hg"].iter().any(|name| entry.file_name() == OsStr::new(name));
            path == root || !(is_inner || path == target || path.join(".dvc").is_dir())
        }
    };
    let mut walk = WalkBuilder::new(root);
    walk.standard_filters(false).git_ignore(true).git_exclude(true).parents(true);
    walk.add_custom_ignore_filename(".dvcignore").filter_entry(is_looked_at);
    let is_file = |path: &PathBuf| path.is_file() && is_stage(path);
    walk.build().filter_map(Result::ok).map(DirEntry::into_path).filter(is_file).collect()
}

/// Whether DVC takes a file of that name for its own.
pub fn is_stage(path: &Path) -> bool {
    path.extension().is_some_and(|ending| ending == "dvc") || path.file_name().is_some_and(|name| name == "dvc.yaml")
}
