//! Databases stay off network file systems.

use std::path::Path;

use crate::error::{Error, Result};

/// WAL needs shared memory, which network file systems lack.
///
/// # Errors
/// `Store` where the database would lie on such a one.
pub fn refuse(path: &Path) -> Result<()> {
    if !holds(path) {
        return Ok(());
    }
    let problem = "lies on a network file system, where SQLite may lose data; name a local file with --db".into();
    Err(Error::Store { path: path.to_owned(), problem })
}

/// Whether a file at `path` lies, or would lie, on a network file system.
pub fn holds(path: &Path) -> bool {
    // The folder itself may be yet to be made.
    is_on_network(path.ancestors().skip(1).find(|folder| folder.is_dir()).unwrap_or(Path::new(".")))
}

#[cfg(target_os = "linux")]
fn is_on_network(folder: &Path) -> bool {
    // NFS, SMB, SMB2, CIFS, AFS, Coda: `f_type` of statfs(2).
    const NETWORK: [i64; 6] = [0x6969, 0x517B, 0xFE53_4D42, 0xFF53_4D42, 0x5346_414F, 0x7375_7245];
    #[allow(clippy::unnecessary_cast, clippy::cast_lossless, reason = "its width differs between systems")]
    rustix::fs::statfs(folder).is_ok_and(|found| NETWORK.contains(&(found.f_type as i64)))
}

#[cfg(not(target_os = "linux"))]
fn is_on_network(_folder: &Path) -> bool {
    false
}
