//! The demo set that most tests begin with: drawn once for each program that is built, and copied by each test.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::UNIX_EPOCH;

const PROGRAM: &str = env!("CARGO_BIN_EXE_xray-tui");

/// Copies the demo set of 40 images that `seed` gives to `place`.
pub fn copy_to(place: &Path, seed: u64) {
    copy(&drawn(seed), place);
}

/// Where it is kept; other processes may be about to draw it too.
fn drawn(seed: u64) -> PathBuf {
    let kept = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let built = fs::metadata(PROGRAM).unwrap().modified().unwrap().duration_since(UNIX_EPOCH).unwrap().as_nanos();
    let set = kept.join(format!("demo-{built:x}-{seed}"));
    if !set.exists() {
        let unfinished = tempfile::tempdir_in(kept).unwrap();
        let new = unfinished.path().join("set");
        let seed = seed.to_string();
        let mut command = Command::new(PROGRAM);
        command
            .args(["data", "demo", "--images", "40", "--seed", &seed, "--out"])
            .arg(&new)
            .env_remove("XRAY_TUI_CONFIG");
        assert!(command.env("XDG_CONFIG_HOME", kept).output().unwrap().status.success());
        assert!(fs::rename(&new, &set).is_ok() || set.exists());
    }
    set
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap().map(Result::unwrap) {
        let to = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &to);
        } else {
            fs::copy(entry.path(), to).unwrap();
        }
    }
}
