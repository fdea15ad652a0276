//! Our ids against those of the real DVC, which `tests/fixtures/dvc_folders.py` asked.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::os::unix::fs::symlink;

use serde::Deserialize;
use tempfile::{TempDir, tempdir};

use super::*;

#[derive(Deserialize)]
struct Fixture {
    cases: Vec<Case>,
}

#[derive(Deserialize)]
struct Case {
    name: String,
    files: BTreeMap<String, String>,
    folders: Vec<String>,
    links: BTreeMap<String, String>,
    expected: Expected,
}

#[derive(Debug, PartialEq, Deserialize)]
struct Expected {
    md5: String,
    size: u64,
    nfiles: usize,
}

fn make(case: &Case) -> TempDir {
    let dir = tempdir().unwrap();
    for (path, text) in &case.files {
        let path = dir.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    for path in case.folders.iter().map(String::as_str).chain([".dvc"]) {
        fs::create_dir_all(dir.path().join(path)).unwrap();
    }
    for (path, target) in &case.links {
        symlink(target, dir.path().join(path)).unwrap();
    }
    dir
}

fn unknown(_: &str) -> Option<String> {
    None
}

fn folder(files: &[(&str, &str)]) -> TempDir {
    let files = files.iter().map(|(path, text)| ((*path).to_owned(), (*text).to_owned())).collect();
    let expected = Expected { md5: String::new(), size: 0, nfiles: 0 };
    make(&Case { name: String::new(), files, folders: Vec::new(), links: BTreeMap::new(), expected })
}

#[test]
fn folders_get_the_id_that_dvc_gives_them() {
    let fixture: Fixture = serde_json::from_str(include_str!("../../../tests/fixtures/dvc_folders.json")).unwrap();
    assert!(fixture.cases.len() >= 6);
    for case in &fixture.cases {
        let dir = make(case);
        let FolderHash { id, bytes, files } = folder_hash(&dir.path().join("data"), &unknown).unwrap();
        assert_eq!(Expected { md5: id, size: bytes, nfiles: files }, case.expected, "{}", case.name);
    }
}

#[test]
fn a_known_md5_spares_reading_and_gives_the_same_id() {
    let dir = folder(&[("a", "one"), ("sub/b", "two")]);
    let asked = RefCell::new(Vec::new());
    let known = |file: &str| {
        asked.borrow_mut().push(file.to_owned());
        (file == "sub/b").then(|| md5_hex(b"two"))
    };
    let with = folder_hash(dir.path(), &known).unwrap();
    assert_eq!(with, folder_hash(dir.path(), &unknown).unwrap());
    asked.borrow_mut().sort();
    assert_eq!(*asked.borrow(), ["a", "sub/b"]);
    let lie = folder_hash(dir.path(), &|_| Some(md5_hex(b"else"))).unwrap();
    assert_ne!(lie.id, with.id);
}

#[test]
fn a_changed_renamed_or_added_file_changes_the_id() {
    let files = [("a", "one"), ("b", "two")];
    let id = |files: &[(&str, &str)]| folder_hash(folder(files).path(), &unknown).unwrap().id;
    let whole = id(&files);
    assert_eq!(id(&files), whole);
    for other in
        [&[("a", "One"), ("b", "two")][..], &[("a", "one"), ("c", "two")], &[("a", "one"), ("b", "two"), (".c", "")]]
    {
        assert_ne!(id(other), whole, "{other:?}");
    }
}

#[test]
fn a_broken_link_and_an_ignore_file_are_left_out() {
    let dir = folder(&[("a", "one"), ("b.tmp", "two")]);
    let id = |dir: &TempDir| folder_hash(dir.path(), &unknown).unwrap().id;
    symlink("nowhere", dir.path().join("link")).unwrap();
    fs::write(dir.path().join(".dvcignore"), "*.tmp\n").unwrap();
    assert_eq!(id(&dir), id(&folder(&[("a", "one")])));
}

#[test]
fn a_missing_folder_is_named() {
    let dir = tempdir().unwrap();
    let text = folder_hash(&dir.path().join("nothing"), &unknown).unwrap_err().to_string();
    assert!(text.contains("cannot read") && text.contains("nothing"), "{text}");
}

#[test]
fn text_is_quoted_as_python_quotes_it() {
    // json.dumps('é"\\/\n\x7f🩻')
    assert_eq!(python_string("é\"\\/\n\u{7f}🩻"), r#""\u00e9\"\\/\n\u007f\ud83e\ude7b""#);
}
