//! One process at a time fills a cache; the others wait and then find it filled.

use std::fs::{File, OpenOptions, TryLockError};
use std::io;
use std::ops::ControlFlow;
use std::path::Path;
use std::time::Duration;

/// How often someone who waits is asked whether to go on.
const PAUSE: Duration = Duration::from_millis(20);

/// Waits for the lock, which lasts as long as the file returned; `None` when `waiting` breaks off.
///
/// # Errors
/// If the lock file cannot be opened.
pub fn wait(path: &Path, waiting: &mut dyn FnMut() -> ControlFlow<()>) -> io::Result<Option<File>> {
    let create = OpenOptions::new().create(true).truncate(false).write(true).open(path);
    // A filled cache can be used from a folder that may not be written.
    let file = create.or_else(|error| File::open(path).map_err(|_| error))?;
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(Some(file)),
            // Without locks here (some network file systems) checksums still catch what two writers would do to each other.
            Err(TryLockError::Error(error)) if error.kind() == io::ErrorKind::Unsupported => return Ok(Some(file)),
            Err(TryLockError::Error(error)) => return Err(error),
            Err(TryLockError::WouldBlock) if waiting().is_break() => return Ok(None),
            Err(TryLockError::WouldBlock) => std::thread::sleep(PAUSE),
        }
    }
}
