//! What is kept and what is told anew in `.dvc` files.

use proptest::prelude::*;

use super::*;

const PLAIN: &str = "outs:\n- md5: 0a.dir\n  size: 12\n  nfiles: 2\n  hash: md5\n  path: data\n";

fn version(md5: &str, bytes: u64, files: Option<usize>) -> Version {
    Version { md5: md5.into(), bytes, files, executable: false }
}

fn retold(text: &str, version: &Version) -> String {
    let mut file = DvcFile::parse(text).unwrap();
    file.tell(version);
    file.text()
}

#[test]
fn a_new_file_has_what_dvc_add_writes() {
    let mut file = DvcFile::new("data");
    file.tell(&version("0a.dir", 12, Some(2)));
    assert_eq!(file.text(), PLAIN);
    let mut file = DvcFile::new("it's a: file");
    let md5 = "12345678901234567890123456789012";
    file.tell(&Version { executable: true, ..version(md5, 0, None) });
    let expected = format!("outs:\n- md5: '{md5}'\n  size: 0\n  isexec: true\n  hash: md5\n  path: \"it's a: file\"\n");
    assert_eq!(file.text(), expected);
    let back = DvcFile::parse(&expected).unwrap();
    assert_eq!(back.path().as_deref(), Some("it's a: file"));
    assert_eq!(back.version(), Some(Version { executable: true, ..version(md5, 0, None) }));
}

#[test]
fn what_its_user_wrote_stays() {
    let text = "# ours\nouts:\n# first\n- md5: 0a.dir   # seen\n  size: 12\n  nfiles: 2\n  hash: md5\n  path: data\n  desc: two\n    \
                lines\n  labels:\n  - a\n  - b\n  meta:\n    by: me\n  remote: far\nmeta:\n  size: 7\n";
    let expected = text.replace("0a.dir ", "0b.dir ").replace("size: 12", "size: 9").replace("nfiles: 2", "nfiles: 11");
    assert_eq!(retold(text, &version("0b.dir", 9, Some(11))), expected);
    assert_eq!(retold(PLAIN, &version("0a.dir", 12, Some(2))), PLAIN);
}

#[test]
fn a_file_in_place_of_a_folder_has_no_count_and_a_new_count_comes_last() {
    let file = "outs:\n- md5: 0c\n  size: 3\n  hash: md5\n  path: data\n";
    assert_eq!(retold(PLAIN, &version("0c", 3, None)), file);
    let folder = "outs:\n- md5: 0a.dir\n  size: 12\n  hash: md5\n  path: data\n  nfiles: 2\n";
    assert_eq!(retold(file, &version("0a.dir", 12, Some(2))), folder);
}

#[test]
fn files_of_imports_and_stages_are_no_added_data() {
    for (text, word) in [
        ("md5: 1\ncmd: train\nouts:\n- md5: 0a\n  path: x\n", "key md5"),
        ("deps:\n- path: y\nouts:\n- md5: 0a\n  path: x\n", "import"),
        ("outs:\n- md5: 0a\n  path: x\n- md5: 0b\n  path: y\n", "more than one"),
        ("outs:\n- md5: 0a\n  path: x\n  cache: false\n", "cache: false"),
        ("outs:\n- path: x\n  files:\n  - relpath: y\n", "key files"),
        ("outs:\n- md5: 0a\n", "what it tracks"),
        ("outs: []\n", "no list"),
        ("", "no list"),
    ] {
        let said = DvcFile::parse(text).unwrap_err();
        assert!(said.contains(word), "{text:?}: {said}");
    }
}

#[test]
fn a_file_of_dvc_2_is_known_by_what_it_lacks() {
    assert!(DvcFile::parse("outs:\n- md5: 0a.dir\n  size: 1\n  nfiles: 1\n  path: data\n").unwrap().is_of_dvc_2());
    assert!(!DvcFile::parse(PLAIN).unwrap().is_of_dvc_2());
}

#[test]
fn outputs_of_stages_and_of_other_files_are_found() {
    assert_eq!(outputs(PLAIN), ["data"]);
    assert_eq!(outputs("outs:\n- md5: a\n  path: 'x: y'\n- path: z\n  desc: a b\nmeta:\n  path: no\n"), ["x: y", "z"]);
    let stages = "stages:\n  train:\n    cmd: x\n    wdir: sub\n    deps:\n    - data\n    outs:\n    - model\n    - plots/a.csv:\n        \
                  cache: false\n    metrics:\n      - m.json:\n          cache: false\n    params:\n    - lr\n  ${x}:\n    outs:\n    - ${out}\n";
    assert_eq!(outputs(stages), ["sub/model", "sub/plots/a.csv", "sub/m.json"]);
}

#[test]
fn names_that_a_file_cannot_keep_are_told() {
    assert!(is_kept("data") && is_kept("日本語 🩻 it's") && is_kept(&"x".repeat(255)));
    assert!(!is_kept("") && !is_kept("a\nb") && !is_kept("a\u{85}b") && !is_kept("two  ".repeat(30).trim()));
}

proptest! {
    #[test]
    fn whatever_is_in_a_file_nothing_panics(text in "(outs:\n)?(- |  |    )?([a-z]{1,4}: ?[a-z'\"#]{0,4}\n|- |#\n|\n|[^\n]{0,9}\n){0,9}") {
        let _ = outputs(&text);
        if let Ok(mut file) = DvcFile::parse(&text) {
            file.tell(&version("0a", 1, None));
            let again = DvcFile::parse(&file.text()).unwrap();
            prop_assert_eq!(again.version(), Some(version("0a", 1, None)));
        }
    }
}
