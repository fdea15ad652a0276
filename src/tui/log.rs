//! A log file, since a program that owns the screen can't print.

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::path::PathBuf;
use std::sync::OnceLock;

/// Appends a line with the time. A log that can't be written is no reason to fail.
pub fn line(text: &str) {
    static FILE: OnceLock<Option<File>> = OnceLock::new();
    if let Some(mut file) = FILE.get_or_init(open).as_ref() {
        let _ = writeln!(file, "{} {text}", jiff::Timestamp::now());
    }
}

/// `XDG_STATE_HOME` or `~/.local/state`, then `xray-tui`: what the program keeps for itself.
pub fn folder() -> Option<PathBuf> {
    let variable = |name| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let folder = variable("XDG_STATE_HOME").or_else(|| Some(variable("HOME")?.join(".local/state")))?;
    Some(folder.join("xray-tui"))
}

fn open() -> Option<File> {
    let folder = folder()?;
    std::fs::create_dir_all(&folder).ok()?;
    OpenOptions::new().create(true).append(true).open(folder.join("log")).ok()
}
