//! The lock that a live run holds: the system frees it when the process ends, however it ends.

use std::fs::{File, TryLockError};
use std::path::Path;
use std::time::{Duration, Instant};

use crate::error::{Error, Result};

const FILE: &str = "lock";

/// Who only looks whether a lock is held has it for a moment: a lock that is not free within this time is held.
const A_LOOK: Duration = Duration::from_millis(50);

/// Held while a run lives; freed by drop or by the death of the process.
#[derive(Debug)]
pub struct RunLock(#[expect(dead_code, reason = "the open file is the lock")] File);

impl RunLock {
    /// Takes the lock of the run whose checkpoints lie in `folder`, which is made where it is missing; `None` where
    /// another process, or another thread of this one, holds it.
    ///
    /// # Errors
    /// `Io` where the folder or the file cannot be made.
    pub fn acquire(folder: &Path) -> Result<Option<Self>> {
        std::fs::create_dir_all(folder).map_err(|error| Error::io("create", folder, error))?;
        Self::of_file(&folder.join(FILE))
    }

    /// Takes the lock that a file is, made where it is missing; `None` where somebody holds it.
    ///
    /// # Errors
    /// `Io` where the file cannot be made.
    pub fn of_file(path: &Path) -> Result<Option<Self>> {
        let opened = File::options().create(true).truncate(false).write(true).open(path);
        let file = opened.map_err(|error| Error::io("create", path, error))?;
        let started = Instant::now();
        loop {
            match file.try_lock() {
                Ok(()) => return Ok(Some(Self(file))),
                Err(TryLockError::WouldBlock) if started.elapsed() < A_LOOK => std::thread::sleep(A_LOOK / 10),
                Err(TryLockError::WouldBlock) => return Ok(None),
                Err(TryLockError::Error(error)) => return Err(Error::io("lock", path, error)),
            }
        }
    }
}

/// Whether somebody holds the lock of the run in `folder`.
///
/// # Errors
/// `Io` where the lock file is there but cannot be tried.
pub fn is_held(folder: &Path) -> Result<bool> {
    is_file_held(&folder.join(FILE))
}

/// Whether somebody holds the lock that a file is.
///
/// # Errors
/// `Io` where the file is there but cannot be tried.
pub fn is_file_held(path: &Path) -> Result<bool> {
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(false),
        Err(error) => return Err(Error::io("open", path, error)),
    };
    match file.try_lock_shared() {
        Ok(()) => Ok(false),
        Err(TryLockError::WouldBlock) => Ok(true),
        Err(TryLockError::Error(error)) => Err(Error::io("lock", path, error)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lock_is_held_until_it_is_dropped() {
        let folder = tempfile::tempdir().unwrap();
        assert!(!is_held(folder.path()).unwrap());
        let lock = RunLock::acquire(folder.path()).unwrap().unwrap();
        assert!(is_held(folder.path()).unwrap());
        assert!(RunLock::acquire(folder.path()).unwrap().is_none());
        drop(lock);
        assert!(!is_held(folder.path()).unwrap());
    }

    #[test]
    fn one_who_only_looks_takes_no_lock_from_anybody() {
        let folder = tempfile::tempdir().unwrap();
        drop(RunLock::acquire(folder.path()).unwrap());
        let look = File::open(folder.path().join(FILE)).unwrap();
        look.lock_shared().unwrap();
        let looking = std::thread::spawn(move || {
            std::thread::sleep(A_LOOK / 5);
            drop(look);
        });
        assert!(RunLock::acquire(folder.path()).unwrap().is_some());
        looking.join().unwrap();
    }
}
