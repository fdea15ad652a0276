//! Data tracked and verified through the program, and what runs say of the version that they saw. Without DVC: what it
//! says to it is in `tests/interop/dvc.py`.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

#[path = "support/demo.rs"]
mod demo;
#[path = "support/program.rs"]
mod program;

use std::fs;
use std::path::Path;
use std::process::Command;

use program::{answer, ask, demo, words, xray};
use serde_json::{Value, json};
use tempfile::TempDir;

/// A demo set of 40 images in `data/demo` of a DVC repository without git.
fn repository() -> TempDir {
    let folder = demo();
    fs::create_dir(folder.path().join(".dvc")).unwrap();
    fs::write(folder.path().join(".dvc/config"), "[core]\n    no_scm = True\n").unwrap();
    folder
}

fn git(folder: &Path, arguments: &[&str]) -> String {
    let person = ["-c", "user.name=t", "-c", "user.email=t@localhost"];
    let output = Command::new("git").current_dir(folder).args(person).args(arguments).output().unwrap();
    assert!(output.status.success(), "{arguments:?}: {}", words(&output));
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

fn train(folder: &Path, more: &[&str]) -> Value {
    answer(folder, &[&["train", "--epochs", "1", "--batch-size", "8", "--image-size", "32"], more].concat())
}

/// An image of the demo set, by its path below it.
fn an_image(folder: &Path, below: &str) -> String {
    let mut names: Vec<_> =
        fs::read_dir(folder.join("data/demo").join(below)).unwrap().map(|e| e.unwrap().file_name()).collect();
    names.sort();
    format!("{below}/{}", names[0].to_str().unwrap())
}

#[test]
fn a_data_set_is_tracked_changed_and_verified() {
    let folder = repository();
    let folder = folder.path();
    let done = answer(folder, &["data", "track"]);
    let tracked = &done["tracked"][0];
    assert_eq!(tracked["dvc_file"], "data/demo.dvc", "{done}");
    assert_eq!(tracked["md5"], answer(folder, &["data", "stats"])["data_hash"]);
    assert!(tracked["files"].as_u64().unwrap() >= 40 && tracked["new_objects"].as_u64().unwrap() >= 40, "{done}");
    let written = fs::read_to_string(folder.join("data/demo.dvc")).unwrap();
    assert!(written.starts_with(&format!("outs:\n- md5: {}\n", tracked["md5"].as_str().unwrap())), "{written}");

    let (code, same) = ask(folder, &["data", "verify"]);
    assert_eq!((code, &same["same"], &same["changed"]), (0, &json!(true), &json!([])), "{same}");
    let (changed, gone) = (an_image(folder, "train/NORMAL"), an_image(folder, "test/PNEUMONIA"));
    fs::write(folder.join("data/demo").join(&changed), "other").unwrap();
    fs::remove_file(folder.join("data/demo").join(&gone)).unwrap();
    fs::write(folder.join("data/demo/new.txt"), "new").unwrap();
    let (code, other) = ask(folder, &["data", "verify", "data/demo"]);
    assert_eq!(code, 1);
    for (key, expected) in [("changed", changed.as_str()), ("added", "new.txt"), ("missing", &gone)] {
        assert_eq!(other[key], json!([expected]), "{other}");
    }
    let output = xray(folder, &["data", "verify"]);
    let said = String::from_utf8(output.stdout).unwrap();
    assert!(said.contains("1 changed, 1 added, 1 missing") && said.contains(&changed), "{said}");

    fs::remove_dir_all(folder.join(".dvc/cache")).unwrap();
    let (code, unknown) = ask(folder, &["data", "verify"]);
    assert_eq!((code, &unknown["same"], &unknown["changed"]), (1, &json!(false), &Value::Null), "{unknown}");
    let said = String::from_utf8(xray(folder, &["data", "verify"]).stdout).unwrap();
    assert!(said.contains("dvc fetch"), "{said}");
}

#[test]
fn what_is_missing_is_told_with_the_next_step() {
    let folder = demo();
    let said = words(&xray(folder.path(), &["data", "track"]));
    assert!(said.contains("git init && dvc init"), "{said}");
    let folder = repository();
    let output = xray(folder.path(), &["data", "verify"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(words(&output).contains("data track data/demo"), "{}", words(&output));
    let said = words(&xray(folder.path(), &["data", "track", "nothing"]));
    assert!(said.contains("nothing: is not there"), "{said}");
}

#[test]
fn git_ignores_what_is_tracked_and_a_run_names_the_version_and_its_commit() {
    let folder = demo();
    let folder = folder.path();
    git(folder, &["init", "-q"]);
    fs::create_dir(folder.join(".dvc")).unwrap();
    answer(folder, &["data", "track", "data/demo"]);
    assert_eq!(fs::read_to_string(folder.join("data/.gitignore")).unwrap(), "/demo\n");
    git(folder, &["add", "data"]);
    git(folder, &["commit", "-qm", "data"]);
    assert_eq!(git(folder, &["ls-files", "data"]), "data/.gitignore\ndata/demo.dvc");
    fs::write(folder.join(".gitignore"), "/data/demo/\n").unwrap();
    fs::remove_file(folder.join("data/.gitignore")).unwrap();
    answer(folder, &["data", "track", "data/demo"]);
    assert!(!folder.join("data/.gitignore").exists(), "git ignores it already");
    git(folder, &["checkout", "-q", "data/.gitignore"]);

    train(folder, &["--name", "first"]);
    let shown = answer(folder, &["runs", "show", "first"]);
    let version = &shown["data_version"];
    assert_eq!(version["dvc_file"], "data/demo.dvc", "{version}");
    assert_eq!((&version["same"], &version["committed"]), (&json!(true), &json!(true)), "{version}");
    assert_eq!(version["commit"], git(folder, &["rev-parse", "HEAD"]));
    assert_eq!(version["md5"], shown["data_hash"]);
    let said = String::from_utf8(xray(folder, &["runs", "show", "first"]).stdout).unwrap();
    assert!(said.contains("tracked   data/demo.dvc ") && said.contains("(same), commit "), "{said}");
    let card = answer(folder, &["report", "first", "--out", "."]);
    let card = fs::read_to_string(folder.join(card["markdown"].as_str().unwrap())).unwrap();
    assert!(card.contains("tracked by DVC") && card.contains("data/demo.dvc"), "{card}");

    fs::write(folder.join("data/demo/new.txt"), "new").unwrap();
    train(folder, &["--name", "second"]);
    let second = answer(folder, &["runs", "show", "second"]);
    assert_eq!((&second["data_version"]["same"], &second["data_version"]["md5"]), (&json!(false), &version["md5"]));
    answer(folder, &["data", "track", "data/demo"]);
    train(folder, &["--name", "third"]);
    let third = answer(folder, &["runs", "show", "third"]);
    assert_eq!((&third["data_version"]["same"], &third["data_version"]["committed"]), (&json!(true), &json!(false)));
    assert_eq!(answer(folder, &["runs", "verify", "third"])["differences"], 0, "the seal covers the version");
}

#[test]
fn a_run_on_data_that_nobody_tracks_names_no_version() {
    let folder = demo();
    train(folder.path(), &[]);
    assert_eq!(answer(folder.path(), &["runs", "show", "last"])["data_version"], Value::Null);
}

#[test]
fn two_runs_are_told_what_data_and_splits_they_do_not_share() {
    let folder = demo();
    let folder = folder.path();
    train(folder, &["--name", "one"]);
    train(folder, &["--name", "two"]);
    let same = answer(folder, &["compare", "one", "two"]);
    assert_eq!((&same["data"]["same_data"], &same["data"]["same_splits"]), (&json!(true), &json!(true)), "{same}");
    let said = String::from_utf8(xray(folder, &["compare", "one", "two"]).stdout).unwrap();
    assert!(said.ends_with("same data, same splits\n"), "{said}");

    train(folder, &["--name", "drawn", "--seed", "7"]);
    let moved = answer(folder, &["compare", "one", "drawn"]);
    let images = &moved["data"]["images"];
    assert_eq!((&moved["data"]["same_data"], &moved["data"]["same_splits"]), (&json!(true), &json!(false)), "{moved}");
    assert!(!images["moved"].as_array().unwrap().is_empty() && images["only_a"] == json!([]), "{images}");

    let (changed, gone) = (an_image(folder, "train/NORMAL"), an_image(folder, "train/PNEUMONIA"));
    let copy = an_image(folder, "test/NORMAL");
    let at = |file: &str| folder.join("data/demo").join(file);
    fs::copy(at(&gone), at(&changed)).unwrap();
    fs::remove_file(at(&gone)).unwrap();
    train(folder, &["--name", "three"]);
    let other = answer(folder, &["compare", "one", "three"]);
    assert_eq!((&other["data"]["same_data"], &other["data"]["images"]["only_a"]), (&json!(false), &json!([gone])));
    assert_eq!(other["data"]["images"]["changed"], json!([changed]));
    let said = String::from_utf8(xray(folder, &["compare", "one", "three"]).stdout).unwrap();
    assert!(said.contains("data differ: images 1 only in one, 1 changed") && said.contains(&gone), "{said}");

    let (code, seen) = ask(folder, &["data", "verify", "--run", "one"]);
    assert_eq!((code, &seen["changed"], &seen["missing"]), (1, &json!([changed]), &json!([gone])), "{seen}");
    assert_eq!(ask(folder, &["data", "verify", "--run", "three"]).0, 0);
    fs::copy(at(&copy), at("test/NORMAL/IM-9999-0001.jpeg")).unwrap();
    let (code, seen) = ask(folder, &["data", "verify", "--run", "three"]);
    assert_eq!((code, &seen["added"]), (1, &json!(["test/NORMAL/IM-9999-0001.jpeg"])), "{seen}");
    fs::remove_file(at("test/NORMAL/IM-9999-0001.jpeg")).unwrap();
    fs::write(at("note.txt"), "x").unwrap();
    let output = xray(folder, &["data", "verify", "--run", "three"]);
    let said = String::from_utf8(output.stdout.clone()).unwrap();
    assert!(output.status.success() && said.contains("other files differ"), "{said}");
}

#[test]
fn runs_without_a_common_image_are_told_what_differs_all_the_same() {
    let folder = demo();
    let folder = folder.path();
    train(folder, &["--name", "one"]);
    for class in ["NORMAL", "PNEUMONIA"] {
        let of_class = folder.join("data/demo/test").join(class);
        for entry in fs::read_dir(&of_class).unwrap().map(Result::unwrap) {
            fs::rename(entry.path(), of_class.join(format!("x{}", entry.file_name().display()))).unwrap();
        }
    }
    train(folder, &["--name", "two"]);
    let refused = xray(folder, &["compare", "one", "two"]);
    let said = words(&refused);
    assert!(!refused.status.success() && said.contains("shares no test image"), "{said}");
    assert!(said.contains("data differ: images") && said.contains("only in two: test/NORMAL/x"), "{said}");
}
