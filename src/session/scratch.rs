//! A folder for a while: beside the checkpoints, locked, and gone when it is dropped.

use std::path::{Path, PathBuf};

use super::beginning::new_id;
use crate::error::{Error, Result};
use crate::store::lock::RunLock;
use crate::store::run_folder;

/// The folder. What is left of one whose process was killed, `runs gc` finds.
#[derive(Debug)]
pub struct Scratch {
    path: PathBuf,
    _lock: RunLock,
}

impl Scratch {
    /// # Errors
    /// `Io` where it cannot be made.
    pub fn new(db: &Path) -> Result<Self> {
        let name = format!("repeat-{}", new_id());
        // Where there are no runs, nobody would clear up after a process that was killed.
        let path =
            if db.exists() { run_folder(db, &name) } else { std::env::temp_dir().join(format!("xray-tui-{name}")) };
        let held = || Error::io("lock", &path, std::io::ErrorKind::AlreadyExists.into());
        let lock = RunLock::acquire(&path)?.ok_or_else(held)?;
        Ok(Self { path, _lock: lock })
    }

    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.path);
    }
}
