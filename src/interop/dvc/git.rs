//! What git must know of tracked data: that it is to ignore them, as DVC tells it (scmrepo 3.6).

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use super::{refusal, write_whole};
use crate::error::{Error, Result};

/// The git repository that a DVC repository lies in.
#[derive(Debug)]
pub struct Git {
    root: PathBuf,
}

impl Git {
    /// That of the DVC repository at `root`.
    ///
    /// # Errors
    /// `Tracking` where there is none.
    pub fn of(root: &Path) -> Result<Self> {
        let found = root.ancestors().find(|folder| folder.join(".git").exists());
        let none =
            "this DVC repository is in no git repository: run `git init` in it, or `dvc config core.no_scm true`";
        Ok(Self { root: found.ok_or_else(|| refusal(root, none))?.to_owned() })
    }

    /// What git answers of a file or folder: 0 or 1 is its code. In front of its name stands its folder, lest signs in it be taken for more.
    fn ask(&self, words: &[&str], path: &Path) -> Result<Output> {
        let folder = path.parent().unwrap_or(&self.root);
        let name = Path::new(".").join(path.file_name().unwrap_or_default());
        let mut command = Command::new("git");
        command.arg("-C").arg(folder).args(words).arg("--").arg(name);
        let output = command.output().map_err(|error| Error::io("run", "git", error))?;
        if let Some(0 | 1) = output.status.code() {
            return Ok(output);
        }
        let said = String::from_utf8_lossy(&output.stderr).trim().to_owned();
        Err(refusal(path, format!("git has no answer about it: {said}")))
    }

    /// Whether git holds the folder or file itself.
    ///
    /// # Errors
    /// `Io` where git cannot be run, `Tracking` where it fails.
    pub fn holds(&self, path: &Path) -> Result<bool> {
        Ok(!self.ask(&["--literal-pathspecs", "ls-files"], path)?.stdout.is_empty())
    }

    /// Whether a rule of git's ignores `path`, whether or not git holds it.
    ///
    /// # Errors
    /// `Io` where git cannot be run, `Tracking` where it fails.
    pub fn ignores(&self, path: &Path) -> Result<bool> {
        Ok(self.ask(&["check-ignore", "--quiet", "--no-index"], path)?.status.success())
    }

    /// Adds `path` to the `.gitignore` beside it, where it is not ignored yet; gives the file that was changed.
    ///
    /// # Errors
    /// `Io` where git cannot be run or the file not be written, `Tracking` where git fails.
    pub fn ignore(&self, path: &Path) -> Result<Option<PathBuf>> {
        if self.ignores(path)? {
            return Ok(None);
        }
        let file = path.with_file_name(".gitignore");
        let old = match fs::read_to_string(&file) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(Error::io("read", file, error)),
            text => text.unwrap_or_default(),
        };
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        write_whole(&file, &with_rule(&old, &name))?;
        Ok(Some(file))
    }

    /// Adds files to git's index.
    ///
    /// # Errors
    /// `Io` where git cannot be run, `Tracking` where it refuses.
    pub fn stage(&self, path: &Path) -> Result<()> {
        let output = self.ask(&["--literal-pathspecs", "add"], path)?;
        if output.status.success() {
            return Ok(());
        }
        let said = String::from_utf8_lossy(&output.stderr).trim().to_owned();
        Err(refusal(path, format!("git does not add it: {said}")))
    }
}

/// `old` with a line that ignores `name` in its folder.
fn with_rule(old: &str, name: &str) -> String {
    let escape = |letter: char| if "\\[]!*#?".contains(letter) { format!("\\{letter}") } else { letter.to_string() };
    let rule = format!("/{}\n", name.chars().map(escape).collect::<String>());
    let whole = old.is_empty() || old.ends_with('\n');
    if whole && old.split_inclusive('\n').any(|line| line == rule) {
        return old.to_owned();
    }
    format!("{old}{}{rule}", if whole { "" } else { "\n" })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rule_is_added_once_on_a_line_of_its_own_and_with_its_signs_escaped() {
        assert_eq!(with_rule("", "data"), "/data\n");
        assert_eq!(with_rule("*.pyc", "data"), "*.pyc\n/data\n");
        assert_eq!(with_rule("/data\n!x\n", "data"), "/data\n!x\n");
        assert_eq!(with_rule("# mine\n", "a[1]*#!?\\"), "# mine\n/a\\[1\\]\\*\\#\\!\\?\\\\\n");
    }
}
