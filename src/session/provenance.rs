//! Where a run's code came from: git state and versions.

use std::process::Command;

use serde_json::{Value, json};

use crate::train::machine;

/// The git state of the working folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Git {
    /// The full commit id.
    pub commit: String,
    /// Whether tracked files differ from it.
    pub dirty: bool,
}

/// The working folder's git state; `None` outside a repository or without git.
#[must_use]
pub fn git() -> Option<Git> {
    let commit = ask(&["rev-parse", "HEAD"])?;
    let dirty = !ask(&["status", "--porcelain", "--untracked-files=no"])?.is_empty();
    Some(Git { commit, dirty })
}

fn ask(arguments: &[&str]) -> Option<String> {
    let output = Command::new("git").args(arguments).output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    output.status.success().then(|| text.trim().to_owned())
}

/// The program's version, those of the libraries that decide a run's numbers, as built, and the instructions in use.
#[must_use]
pub fn versions() -> Value {
    let lock = include_str!("../../Cargo.lock");
    json!({
        "xray-tui": env!("CARGO_PKG_VERSION"),
        "isa": machine::isa().name(),
        "candle-core": locked(lock, "candle-core"),
        "gemm": locked(lock, "gemm"),
        "image": locked(lock, "image"),
        "zune-jpeg": locked(lock, "zune-jpeg"),
        "fast_image_resize": locked(lock, "fast_image_resize"),
    })
}

/// The version of `package` in a lock file's text.
fn locked<'a>(lock: &'a str, package: &str) -> Option<&'a str> {
    let (_, rest) = lock.split_once(&format!("name = \"{package}\"\nversion = \""))?;
    rest.split('"').next()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_name_the_libraries_that_decide_the_numbers() {
        let versions = versions();
        assert!(versions["candle-core"].as_str().unwrap().starts_with("0.11"));
        assert!(versions.as_object().unwrap().values().all(Value::is_string));
    }

    #[test]
    fn a_package_that_is_not_locked_has_no_version() {
        assert_eq!(locked("name = \"a\"\nversion = \"1\"\n", "b"), None);
        assert_eq!(locked("name = \"a\"\nversion = \"1\"\n", "a"), Some("1"));
    }
}
