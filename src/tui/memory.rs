//! How the user looks at things, from one session to the next, in a file beside the log.

use std::fs;
use std::path::PathBuf;

use super::log;
use crate::app::view::View;

fn path() -> Option<PathBuf> {
    Some(log::folder()?.join("view.json"))
}

/// As it was left; as it is at first where nothing can be read.
pub fn recall() -> View {
    let text = path().and_then(|path| fs::read_to_string(path).ok());
    text.and_then(|text| serde_json::from_str(&text).ok()).unwrap_or_default()
}

/// A view that cannot be kept is no reason to fail. The file is put in place whole, as two programs may leave at once.
pub fn keep(view: &View) {
    let written = || -> Option<()> {
        let path = path()?;
        fs::create_dir_all(path.parent()?).ok()?;
        let new = path.with_extension(format!("{}.new", std::process::id()));
        fs::write(&new, serde_json::to_string(view).ok()?).ok()?;
        fs::rename(new, path).ok()
    };
    if *view != recall() {
        let _ = written();
    }
}
