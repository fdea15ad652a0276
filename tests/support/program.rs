//! The program as scripts use it: in a folder of its own, with JSON as its answer.

#![allow(dead_code, reason = "no test file uses all of it")]

use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;
use tempfile::TempDir;

pub fn command(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_xray-tui"));
    command.args(arguments).current_dir(folder).env("XRAY_TUI_CACHE", folder.join("cache"));
    for name in ["CONFIG", "DATA", "DB", "THREADS", "ISA", "THEME"] {
        command.env_remove(format!("XRAY_TUI_{name}"));
    }
    for name in ["TRACKING_URI", "EXPERIMENT_NAME", "TRACKING_USERNAME", "TRACKING_PASSWORD", "TRACKING_TOKEN"] {
        command.env_remove(format!("MLFLOW_{name}"));
    }
    command.env("XDG_CONFIG_HOME", folder.join("config")).env("no_proxy", "127.0.0.1");
    command
}

pub fn xray(folder: &Path, arguments: &[&str]) -> Output {
    command(folder, arguments).output().unwrap()
}

/// The exit code, and the last line of standard output where it is JSON.
pub fn ask(folder: &Path, arguments: &[&str]) -> (i32, Value) {
    let output = xray(folder, &[arguments, &["--json"]].concat());
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let value = text.lines().last().and_then(|line| serde_json::from_str(line).ok()).unwrap_or(Value::Null);
    (output.status.code().unwrap(), value)
}

/// The last line of standard output of a command that must succeed.
pub fn answer(folder: &Path, arguments: &[&str]) -> Value {
    let output = xray(folder, &[arguments, &["--json"]].concat());
    assert!(output.status.success(), "{arguments:?}: {}", words(&output));
    let text = String::from_utf8(output.stdout).unwrap();
    serde_json::from_str(text.lines().last().unwrap()).unwrap()
}

/// What it says on standard error.
pub fn words(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// A folder with a demo set of 40 images in `data/demo`.
pub fn demo() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    crate::demo::copy_to(&folder.path().join("data/demo"), 42);
    folder
}
