//! Settings as a user gives them: by flag, by variable and in a file; and what the program says of them.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

#[path = "support/demo.rs"]
mod demo;
#[path = "support/program.rs"]
mod program;

use std::fs;
use std::path::Path;

use serde_json::Value;

use program::{answer, ask, command, demo, words, xray};

/// A folder with this configuration file at the usual place.
fn with(text: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), text);
    folder
}

fn write(folder: &Path, text: &str) {
    fs::create_dir_all(folder.join("config/xray-tui")).unwrap();
    fs::write(folder.join("config/xray-tui/config.toml"), text).unwrap();
}

/// What `config show` says of a setting: its value and who has said it.
fn shown(value: &Value, key: &str) -> (Value, String) {
    let row = value["settings"].as_array().unwrap().iter().find(|row| row["key"] == key).unwrap();
    (row["value"].clone(), row["from"].as_str().unwrap().to_owned())
}

/// What a command that must fail with `code` says.
fn complaint(folder: &Path, arguments: &[&str], code: i32) -> String {
    let output = xray(folder, arguments);
    assert_eq!(output.status.code(), Some(code), "{arguments:?}: {}", words(&output));
    words(&output)
}

#[test]
fn a_flag_is_heard_before_a_variable_before_the_file() {
    let folder = with("db = \"file.db\"\nthreads = 1\nisa = \"portable\"\n[screen]\ntheme = \"light\"\n");
    let mut said = command(folder.path(), &["--threads", "2", "config", "show", "--json"]);
    let output = said.env("XRAY_TUI_THREADS", "3").env("XRAY_TUI_DB", "variable.db").output().unwrap();
    assert!(output.status.success(), "{}", words(&output));
    let value: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(shown(&value, "threads"), (2.into(), "flag".into()));
    assert_eq!(shown(&value, "db"), ("variable.db".into(), "environment".into()));
    assert_eq!(shown(&value, "isa"), ("portable".into(), "file".into()));
    assert_eq!(shown(&value, "screen.theme"), ("light".into(), "file".into()));
    assert_eq!(shown(&value, "data"), ("data".into(), "default".into()));
    let text = String::from_utf8(xray(folder.path(), &["config", "show"]).stdout).unwrap();
    assert!(text.lines().any(|line| line.split_whitespace().eq(["isa", "portable", "file"])), "{text}");
}

#[test]
fn commands_obey_the_file() {
    let folder = demo();
    let text = "db = \"kept/here.db\"\nisa = \"portable\"\n[train]\nepochs = 1\nbatch_size = 8\nimage_size = 33\n";
    write(folder.path(), text);
    let run = answer(folder.path(), &["train", "--seed", "7"]);
    assert_eq!((run["config"]["image_size"].as_u64(), run["config"]["seed"].as_u64()), (Some(33), Some(7)));
    assert!(folder.path().join("kept/here.db").exists() && !folder.path().join("runs.db").exists());
    assert_eq!(answer(folder.path(), &["runs", "show", "last"])["versions"]["isa"], "portable");
}

#[test]
fn every_setting_of_a_run_is_shown_under_the_name_that_the_file_has() {
    let folder = with("[train]\nschedule = \"cosine\"\nweight_decay = 0.01\nno_flip = true\n");
    let value = answer(folder.path(), &["config", "show"]);
    assert_eq!(shown(&value, "train.schedule"), ("cosine".into(), "file".into()));
    assert_eq!(shown(&value, "train.weight_decay"), (0.01.into(), "file".into()));
    assert_eq!(shown(&value, "train.flip"), (false.into(), "file".into()));
    assert_eq!(shown(&value, "train.translation"), (0.0.into(), "default".into()));
    write(folder.path(), "[train]\nschedule = \"slow\"\n");
    let said = complaint(folder.path(), &["config", "show"], 2);
    assert!(said.contains("config.toml:2:12: train.schedule: `slow` is none of constant, cosine, plateau"), "{said}");
}

#[test]
fn a_wrong_file_is_named_with_line_and_column_and_nothing_is_done() {
    let folder = with("[train]\nepoch = 3\n");
    let said = complaint(folder.path(), &["runs", "list"], 2);
    let expected = "config.toml:2:1: there is no key `epoch` here; did you mean `epochs`?";
    assert!(said.contains(expected), "{said}");
    write(folder.path(), "[train]\nepochs = 0\n");
    let said = complaint(folder.path(), &["config", "show"], 2);
    assert!(said.contains("config.toml:2:10: train.epochs: must be 1 to 100,000"), "{said}");
    // What helps to put it right works.
    answer(folder.path(), &["config", "path"]);
    answer(folder.path(), &["config", "init", "--force"]);
    answer(folder.path(), &["config", "show"]);
}

#[test]
fn a_wrong_key_is_named_with_its_place_in_the_file() {
    for (keys, said) in [
        ("[keys.runs]\nsort-back = [\"i\"]\n", "means both"),
        ("[keys.runs]\nfly = \"f2\"\n", "there is no such action"),
        ("[keys.inspect]\nnext-run = \"hyper-x\"\n", "is no key"),
    ] {
        let folder = with(keys);
        let words = complaint(folder.path(), &[], 2);
        assert!(words.contains(said) && words.contains("config.toml:"), "{words}");
        let (_, found) = ask(folder.path(), &["doctor"]);
        assert!(of(&found, "settings").iter().any(|finding| finding["status"] == "problem"), "{found}");
    }
}

#[test]
fn a_file_that_is_named_must_be_there() {
    let folder = tempfile::tempdir().unwrap();
    let said = complaint(folder.path(), &["runs", "list", "--config", "none.toml"], 2);
    assert!(said.contains("none.toml: there is no such configuration file"), "{said}");
    let output = command(folder.path(), &["runs", "list"]).env("XRAY_TUI_CONFIG", "none.toml").output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    let output = command(folder.path(), &["config", "show"]).env("XRAY_TUI_THREADS", "many").output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(words(&output).contains("XRAY_TUI_THREADS: `many` must be"), "{}", words(&output));
}

#[test]
fn init_writes_a_file_that_changes_nothing_and_overwrites_none() {
    let folder = tempfile::tempdir().unwrap();
    let before = answer(folder.path(), &["config", "show"]);
    assert_eq!(before["found"], false);
    let written = answer(folder.path(), &["config", "init"]);
    let path = folder.path().join("config/xray-tui/config.toml");
    assert_eq!(written["config"].as_str(), path.to_str());
    let after = answer(folder.path(), &["config", "show"]);
    assert_eq!((&after["found"], &after["settings"]), (&true.into(), &before["settings"]));
    fs::write(&path, "threads = 2").unwrap();
    assert!(complaint(folder.path(), &["config", "init"], 2).contains("--force"));
    assert_eq!(fs::read_to_string(&path).unwrap(), "threads = 2");
    answer(folder.path(), &["config", "init", "--force"]);
    assert!(fs::read_to_string(&path).unwrap().contains("#threads = 0"));
    answer(folder.path(), &["config", "init", "--config", "new/folder/own.toml"]);
    assert_eq!(answer(folder.path(), &["config", "path"])["found"], true);
    assert!(folder.path().join("new/folder/own.toml").exists());
}

/// The findings of a section.
fn of<'a>(found: &'a Value, section: &str) -> Vec<&'a Value> {
    let findings = found["findings"].as_array().unwrap();
    findings.iter().filter(|finding| finding["section"] == section).collect()
}

#[test]
fn doctor_finds_what_stands_in_the_way_and_changes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let found = answer(folder.path(), &["doctor"]);
    for section in ["settings", "terminal", "machine", "kernels", "data", "cache", "database"] {
        assert!(!of(&found, section).is_empty(), "{section}: {found}");
    }
    assert_eq!(found["sound"], true);
    assert!(found["training"]["gradients"].as_f64().unwrap() < 5e-2, "{found}");
    assert_eq!(of(&found, "data")[0]["status"], "warning");
    assert!(of(&found, "data")[0]["do"].as_str().unwrap().contains("--data"));
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0, "doctor has made something");
}

#[test]
fn doctor_counts_the_data_and_names_what_is_no_picture() {
    let folder = demo();
    fs::write(folder.path().join("data/demo/train/NORMAL/broken.jpeg"), "no picture").unwrap();
    let found = answer(folder.path(), &["doctor"]);
    let said: Vec<&str> = of(&found, "data").iter().map(|finding| finding["what"].as_str().unwrap()).collect();
    assert!(said[0].contains("41 images, SYNTHETIC"), "{said:?}");
    assert!(said[2].contains("train/NORMAL/broken.jpeg: is neither JPEG nor PNG"), "{said:?}");
}

#[test]
fn doctor_fails_where_something_cannot_work() {
    let folder = with("[train]\nepochs = 0\n");
    fs::write(folder.path().join("runs.db"), "this is no database, whatever its name may say").unwrap();
    let (code, found) = ask(folder.path(), &["doctor"]);
    assert_eq!(code, 1);
    assert_eq!(of(&found, "settings")[0]["status"], "problem");
    assert!(of(&found, "settings")[0]["what"].as_str().unwrap().contains("config.toml:2:10: train.epochs"), "{found}");
    assert_eq!(of(&found, "database")[0]["status"], "problem");
    let text = String::from_utf8(xray(folder.path(), &["doctor"]).stdout).unwrap();
    assert!(text.contains("✗ ") && text.contains("settings\n"), "{text}");
}

#[test]
fn the_screen_does_not_open_over_a_slip_in_the_settings_for_mlflow() {
    for (text, told) in
        [("mirror = true", "name the MLflow server"), ("mirror = true\nuri = \"databricks\"", "databricks")]
    {
        let folder = with(&format!("[mlflow]\n{text}\n"));
        let output = xray(folder.path(), &[]);
        assert!(!output.status.success() && words(&output).contains(told), "{}", words(&output));
    }
}
