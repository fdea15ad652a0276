//! What DVC's configuration files say about its cache: that of the system, the user's, the repository's, the local one.

use std::collections::BTreeMap;
use std::env;
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use super::refusal;
use crate::error::{Error, Result};

/// How a file of the workspace is made from the cache's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Link {
    Reflink,
    Hardlink,
    Symlink,
    Copy,
}

/// What is asked for.
#[derive(Debug, PartialEq, Eq)]
pub struct Config {
    /// `None` for `.dvc/cache`.
    pub cache_dir: Option<PathBuf>,
    /// To be tried in turn.
    pub links: Vec<Link>,
    /// The cache belongs to a group of users.
    pub shared: bool,
    /// The repository is in git.
    pub uses_git: bool,
    /// `.dvc` files are added to git's index.
    pub stages: bool,
}

type Values = BTreeMap<(String, String), String>;

impl Config {
    /// Of the repository at `root`.
    ///
    /// # Errors
    /// `Io` where a file cannot be read, `Tracking` where it asks for what is not known here.
    pub fn of(root: &Path) -> Result<Self> {
        let mut values = Values::new();
        for file in files(root) {
            match fs::read_to_string(&file) {
                Ok(text) => values.extend(parse(&text, file.parent().unwrap_or(root))),
                Err(error) if error.kind() == ErrorKind::NotFound => {}
                Err(error) => return Err(Error::io("read", file, error)),
            }
        }
        Self::from(&values).map_err(|problem| refusal(&root.join(".dvc/config"), problem))
    }

    fn from(values: &Values) -> Result<Self, String> {
        let of = |section: &str, key: &str| values.get(&(section.to_owned(), key.to_owned())).map(String::as_str);
        let is_on = |section, key| of(section, key).is_some_and(|word| word.eq_ignore_ascii_case("true"));
        if of("cache", "local").is_some() {
            return Err("cache.local is not known here: name the folder with `dvc cache dir`".into());
        }
        let dir = of("cache", "dir");
        if let Some(far) = dir.filter(|dir| dir.contains("://")) {
            return Err(format!("the cache {far} is no folder of this machine: name one with `dvc cache dir`"));
        }
        let links = of("cache", "type").map_or(Ok(vec![Link::Reflink, Link::Copy]), links)?;
        let shared = of("cache", "shared").is_some_and(|who| who.eq_ignore_ascii_case("group"));
        Ok(Self {
            cache_dir: dir.map(PathBuf::from),
            links,
            shared,
            uses_git: !is_on("core", "no_scm"),
            stages: is_on("core", "autostage"),
        })
    }
}

fn links(words: &str) -> Result<Vec<Link>, String> {
    let link = |word: &str| match bare(word) {
        "reflink" => Ok(Link::Reflink),
        "hardlink" => Ok(Link::Hardlink),
        "symlink" => Ok(Link::Symlink),
        "copy" => Ok(Link::Copy),
        other => Err(format!("cache.type {other} is not known: reflink, hardlink, symlink and copy are")),
    };
    words.split(',').filter(|word| !word.trim().is_empty()).map(link).collect()
}

/// From those that matter least on.
fn files(root: &Path) -> Vec<PathBuf> {
    let variable = |name| env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let home = |below: &str| variable("HOME").map(|home| home.join(below));
    let (system, user) = if cfg!(target_os = "macos") {
        (Some("/Library/Application Support".into()), home("Library/Application Support"))
    } else {
        (Some("/etc/xdg".into()), variable("XDG_CONFIG_HOME").or_else(|| home(".config")))
    };
    let below = |folder: Option<PathBuf>| folder.map(|folder| folder.join("dvc"));
    let folders = [
        variable("DVC_SYSTEM_CONFIG_DIR").or_else(|| below(system)),
        variable("DVC_GLOBAL_CONFIG_DIR").or_else(|| below(user)),
    ];
    let mut files: Vec<PathBuf> = folders.into_iter().flatten().map(|folder| folder.join("config")).collect();
    files.extend(["config", "config.local"].map(|name| root.join(".dvc").join(name)));
    files
}

/// The values of a file in `folder` by section and key; what is no line of such a file is passed over.
fn parse(text: &str, folder: &Path) -> Values {
    let mut section = String::new();
    let mut values = Values::new();
    for line in text.lines().map(str::trim).filter(|line| !line.starts_with('#')) {
        if let Some(name) = line.strip_prefix('[').and_then(|rest| rest.split(']').next()) {
            section = bare(name).to_lowercase();
        } else if let Some((key, value)) = line.split_once('=') {
            let (key, value) = (bare(key).to_lowercase(), value_of(value));
            let is_folder = (section.as_str(), key.as_str()) == ("cache", "dir") && !value.contains("://");
            let value = if is_folder { place(folder, value).to_string_lossy().into_owned() } else { value.to_owned() };
            values.insert((section.clone(), key), value);
        }
    }
    values
}

/// A relative path is one from the file's folder on.
fn place(folder: &Path, path: &str) -> PathBuf {
    let home = path.strip_prefix("~/").and_then(|rest| Some(Path::new(&env::var_os("HOME")?).join(rest)));
    let whole = home.unwrap_or_else(|| folder.join(path));
    super::absolute(&whole).unwrap_or(whole)
}

/// Without the comment after it and its quotes.
fn value_of(text: &str) -> &str {
    let text = text.trim();
    match text.chars().next() {
        Some(quote @ ('"' | '\'')) => text[1..].split_once(quote).map_or(text, |(value, rest)| {
            // A list has more than one word in quotes.
            if rest.trim_start().starts_with(',') { text } else { value }
        }),
        _ => text.split(" #").next().unwrap_or_default().trim(),
    }
}

fn bare(word: &str) -> &str {
    word.trim().trim_matches(['"', '\''])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(text: &str) -> Result<Config, String> {
        Config::from(&parse(text, Path::new("/repo/.dvc")))
    }

    #[test]
    fn without_a_word_it_is_as_dvc_has_it() {
        let plain = config("").unwrap();
        assert_eq!((plain.links.as_slice(), plain.cache_dir), (&[Link::Reflink, Link::Copy][..], None));
        assert!(plain.uses_git && !plain.stages && !plain.shared);
    }

    #[test]
    fn types_folders_and_switches_are_read_however_they_are_quoted() {
        let text = "[core]\n    no_scm = True\n    autostage = true # mine\n['remote \"x\"']\n    url = s3://b\n[cache]\n    \
                    type = \"hardlink,symlink\"\n    dir = ../../shared cache\n    shared = group\n";
        let found = config(text).unwrap();
        assert_eq!(found.links, [Link::Hardlink, Link::Symlink]);
        assert_eq!(found.cache_dir, Some("/shared cache".into()));
        assert!(found.shared && found.stages && !found.uses_git);
        for list in ["symlink, copy", "symlink,copy", "'symlink', \"copy\""] {
            assert_eq!(
                config(&format!("[cache]\ntype = {list}")).unwrap().links,
                [Link::Symlink, Link::Copy],
                "{list}"
            );
        }
    }

    #[test]
    fn what_is_not_known_is_refused() {
        for (line, word) in [("type = magic", "magic"), ("dir = s3://x/y", "s3://x/y"), ("local = x", "cache.local")] {
            let said = config(&format!("[cache]\n{line}")).unwrap_err();
            assert!(said.contains(word), "{said}");
        }
    }
}
