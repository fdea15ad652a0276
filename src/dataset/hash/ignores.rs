//! Which files DVC passes over: `.dvcignore` as DVC 3.67 reads it (`dvc/ignore.py`), which is nearly as git reads `.gitignore`.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use ignore::gitignore::{Gitignore, GitignoreBuilder};

use crate::error::{Error, Result};

pub(super) const FILE: &str = ".dvcignore";

/// What DVC ignores everywhere.
const ALWAYS: &str = ".hg/\n.git/\n.git\n.dvc/\n";

/// The rules that hold in the folder at hand, of outer folders first; the last rule that matches decides.
pub(super) struct Ignores(Vec<Rules>);

struct Rules {
    folder: PathBuf,
    rules: Vec<Rule>,
}

struct Rule {
    glob: Gitignore,
    takes_back: bool,
    folders_only: bool,
}

impl Ignores {
    /// The rules of the folders above `root`, from the DVC repository's root down.
    pub(super) fn above(root: &Path) -> Result<Self> {
        let repository = root.ancestors().skip(1).find(|folder| folder.join(".dvc").is_dir());
        let mut ignores = Self(vec![Rules::parse(repository.unwrap_or(root), ALWAYS)]);
        let mut above: Vec<_> =
            root.ancestors().skip(1).filter(|f| repository.is_some_and(|top| f.starts_with(top))).collect();
        above.reverse();
        for folder in above {
            ignores.enter(folder)?;
        }
        Ok(ignores)
    }

    /// Adds the rules of `folder`'s own `.dvcignore`; the answer is for [`Self::leave`].
    pub(super) fn enter(&mut self, folder: &Path) -> Result<usize> {
        let depth = self.0.len();
        let path = folder.join(FILE);
        match fs::read(&path) {
            Ok(bytes) if !self.ignore(&path, false) => {
                self.0.push(Rules::parse(folder, &String::from_utf8_lossy(&bytes)));
            }
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(Error::io("read", path, error)),
            _ => {}
        }
        Ok(depth)
    }

    /// Forgets the rules that came with the folder for which [`Self::enter`] answered `depth`.
    pub(super) fn leave(&mut self, depth: usize) {
        self.0.truncate(depth);
    }

    pub(super) fn ignore(&self, path: &Path, is_folder: bool) -> bool {
        let decides = |rules: &Rules| rules.decide(path, is_folder);
        self.0.iter().rev().find_map(decides).unwrap_or(false)
    }
}

impl Rules {
    fn parse(folder: &Path, text: &str) -> Self {
        Self { folder: folder.to_owned(), rules: text.lines().filter_map(|line| Rule::parse(line.trim())).collect() }
    }

    /// Whether `path` is ignored; `None` where no rule matches.
    fn decide(&self, path: &Path, is_folder: bool) -> Option<bool> {
        let path = path.strip_prefix(&self.folder).ok()?;
        self.rules.iter().rev().find(|rule| rule.matches(path, is_folder)).map(|rule| !rule.takes_back)
    }
}

impl Rule {
    /// `None` for blank lines, comments and globs that make no sense.
    fn parse(line: &str) -> Option<Self> {
        let pattern = line.strip_prefix('!').unwrap_or(line);
        // To DVC `a/**` matches the folder `a` too, to git only what is in it.
        let glob = match pattern.strip_suffix("/**") {
            Some(folder) if !folder.is_empty() => format!("/{}/", folder.trim_start_matches('/')),
            _ => pattern.to_owned(),
        };
        let mut builder = GitignoreBuilder::new("");
        builder.add_line(None, &glob).ok()?;
        let glob = builder.build().ok().filter(|glob| !glob.is_empty())?;
        Some(Self { glob, takes_back: pattern != line, folders_only: pattern.ends_with('/') })
    }

    /// One rule at a time, since to DVC a rule for a folder holds for the files in it as well, in the order of the rules.
    fn matches(&self, path: &Path, is_folder: bool) -> bool {
        (is_folder || !self.folders_only) && !self.glob.matched_path_or_any_parents(path, is_folder).is_none()
    }
}
