//! Tracking without DVC: what is written, what is refused, what changes are found.

use std::fs::{self, Permissions};
use std::ops::ControlFlow;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::Path;

use tempfile::{TempDir, tempdir};

use super::*;
use crate::dataset::hash::md5_hex;

/// A repository without git, with these files.
fn repository(files: &[(&str, &str)]) -> TempDir {
    let dir = tempdir().unwrap();
    put(dir.path(), ".dvc/config", "[core]\n    no_scm = True\n");
    for (path, text) in files {
        put(dir.path(), path, text);
    }
    dir
}

fn put(root: &Path, path: &str, text: &str) {
    let path = root.join(path);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
}

fn tracked(path: &Path) -> Result<Tracked> {
    let mut go_on = |_| ControlFlow::Continue(());
    let mut as_well = |_| ControlFlow::Continue(());
    track(path, &mut Watch { hashing: &mut go_on, storing: &mut as_well })
}

fn verified(path: &Path) -> Result<Verified> {
    verify(path, &mut |_| ControlFlow::Continue(()))
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().mode() & 0o7777
}

/// The cache's files with what is in them.
fn cache(root: &Path) -> Vec<(String, String)> {
    let objects = root.join(".dvc/cache/files/md5");
    let mut found = Vec::new();
    for folder in fs::read_dir(&objects).unwrap().map(|entry| entry.unwrap().path()) {
        assert!(folder.is_dir(), "{}: nothing half is left", folder.display());
        for file in fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
            assert_eq!(mode(&file), 0o444, "{}", file.display());
            let name = file.strip_prefix(&objects).unwrap().to_string_lossy().replace('/', "");
            found.push((name, fs::read_to_string(&file).unwrap()));
        }
    }
    found.sort();
    found
}

#[test]
fn a_folder_goes_into_the_cache_once_by_content_and_its_version_beside_it() {
    let dir = repository(&[("data/a", "one"), ("data/sub/b", "two"), ("data/c", "one"), ("data/empty", "")]);
    fs::create_dir(dir.path().join("data/nothing")).unwrap();
    let data = dir.path().join("data");
    let done = tracked(&data).unwrap();
    assert_eq!((done.files, done.size, done.new_objects), (4, 9, 4), "{done:?}");
    let objects = cache(dir.path());
    assert_eq!(objects.len(), 4);
    for (name, text) in &objects {
        assert_eq!(name.trim_end_matches(".dir"), md5_hex(text.as_bytes()));
    }
    let written = fs::read_to_string(dir.path().join("data.dvc")).unwrap();
    let expected = format!("outs:\n- md5: {}\n  size: 9\n  nfiles: 4\n  hash: md5\n  path: data\n", done.md5);
    assert_eq!(written, expected);
    assert_eq!(tracked(&data).unwrap().new_objects, 0, "all of it is there");
    assert_eq!(fs::read_to_string(data.join("a")).unwrap(), "one");
    assert_ne!(mode(&data.join("a")), 0o444, "the workspace's files are copies");
}

#[test]
fn a_single_file_is_tracked_and_stays_a_program() {
    let dir = repository(&[("model.bin", "weights")]);
    let file = dir.path().join("model.bin");
    fs::set_permissions(&file, Permissions::from_mode(0o755)).unwrap();
    let done = tracked(&file).unwrap();
    let expected =
        format!("outs:\n- md5: {}\n  size: 7\n  isexec: true\n  hash: md5\n  path: model.bin\n", md5_hex(b"weights"));
    assert_eq!(fs::read_to_string(&done.dvc_file).unwrap(), expected);
    assert_eq!(mode(&file) & 0o100, 0o100);
    assert!(verified(&file).unwrap().same);
    fs::write(&file, "others").unwrap();
    let found = verified(&file).unwrap();
    assert_eq!(found.changes.unwrap().changed, ["model.bin"]);
}

#[test]
fn what_has_changed_since_is_found_by_name() {
    let dir = repository(&[("data/a", "one"), ("data/b", "two"), ("data/c", "three")]);
    let data = dir.path().join("data");
    tracked(&data).unwrap();
    assert!(verified(&data).unwrap().same);
    fs::write(data.join("a"), "One").unwrap();
    fs::remove_file(data.join("b")).unwrap();
    fs::write(data.join("d"), "four").unwrap();
    let found = verified(&data.join("a")).unwrap();
    let changes = found.changes.unwrap();
    assert_eq!(
        (changes.changed, changes.added, changes.missing),
        (vec!["a".into()], vec!["d".into()], vec!["b".into()])
    );
    fs::remove_dir_all(&data).unwrap();
    let gone = verified(&data).unwrap();
    assert_eq!((gone.found, gone.changes.unwrap().missing.len()), (None, 3));
}

#[test]
fn without_the_list_in_the_cache_only_whether_is_known() {
    let dir = repository(&[("data/a", "one")]);
    let data = dir.path().join("data");
    tracked(&data).unwrap();
    fs::remove_dir_all(dir.path().join(".dvc/cache")).unwrap();
    let same = verified(&data).unwrap();
    assert!(same.same && same.changes.is_some());
    fs::write(data.join("a"), "two").unwrap();
    let other = verified(&data).unwrap();
    assert!(!other.same && other.changes.is_none());
}

#[test]
fn a_damaged_list_in_the_cache_is_told() {
    let dir = repository(&[("data/a", "one")]);
    let data = dir.path().join("data");
    let id = tracked(&data).unwrap().md5;
    let object = dir.path().join(".dvc/cache/files/md5").join(&id[..2]).join(&id[2..]);
    fs::remove_file(&object).unwrap();
    fs::write(&object, "[]").unwrap();
    fs::write(data.join("a"), "two").unwrap();
    assert!(verified(&data).unwrap_err().to_string().contains("is damaged"));
}

#[test]
fn a_version_of_dvc_2_and_what_is_not_tracked_are_told() {
    let dir =
        repository(&[("data/a", "one"), ("data.dvc", "outs:\n- md5: 0a.dir\n  size: 3\n  nfiles: 1\n  path: data\n")]);
    let data = dir.path().join("data");
    for said in [verified(&data).unwrap_err().to_string(), tracked(&data).unwrap_err().to_string()] {
        assert!(said.contains("DVC 2") && said.contains("dvc cache migrate --dvc-files"), "{said}");
    }
    fs::remove_file(dir.path().join("data.dvc")).unwrap();
    assert!(verified(&data).unwrap_err().to_string().contains("data track"));
}

#[test]
fn outside_a_repository_the_way_into_one_is_told() {
    let dir = tempdir().unwrap();
    put(dir.path(), "data/a", "one");
    let said = tracked(&dir.path().join("data")).unwrap_err().to_string();
    assert!(said.contains("git init && dvc init"), "{said}");
    fs::create_dir(dir.path().join(".dvc")).unwrap();
    let said = tracked(&dir.path().join("data")).unwrap_err().to_string();
    assert!(said.contains("in no git repository"), "{said}");
}

#[test]
fn what_dvc_refuses_is_refused_and_nothing_is_written() {
    type Make = fn(&Path);
    let cases: [(&str, &str, Make); 13] = [
        ("data", "link to nothing", |root| symlink("nowhere", root.join("data/link")).unwrap()),
        ("data", ".dvcignore of a folder above", |root| put(root, "data/.dvcignore", "x")),
        ("data", "lies within the data", |root| put(root, "data/b.dvc", "outs:\n- path: b\n")),
        ("data", "tracked by other.dvc", |root| put(root, "other.dvc", "outs:\n- path: data\n")),
        ("data", "holds data/sub/b", |root| put(root, "dvc.yaml", "stages:\n  x:\n    outs:\n    - data/sub/b\n")),
        ("data/sub", "lies in data", |root| put(root, "data.dvc", "outs:\n- path: data\n")),
        ("data", "rule of .dvcignore", |root| put(root, ".dvcignore", "/data\n")),
        ("link", "through a link", |root| symlink("data", root.join("link")).unwrap()),
        ("link/sub", "through a link", |root| symlink("data", root.join("link")).unwrap()),
        ("nothing", "is not there", |_| ()),
        ("x.dvc", "its own files", |root| put(root, "x.dvc", "outs:\n- path: x\n")),
        ("data", "tracks something else", |root| put(root, "data.dvc", "outs:\n- md5: 0a\n  hash: md5\n  path: y\n")),
        ("data", "was made by an import", |root| put(root, "data.dvc", "deps:\n- path: y\nouts:\n- path: data\n")),
    ];
    for (path, words, make) in cases {
        let dir = repository(&[("data/a", "one"), ("data/sub/b", "two")]);
        make(dir.path());
        let said = tracked(&dir.path().join(path)).unwrap_err().to_string();
        assert!(said.contains(words), "{words}: {said}");
        assert!(!dir.path().join(".dvc/cache").exists(), "{words}");
    }
}

#[test]
fn a_link_out_of_the_repository_is_taken_for_the_file_that_it_links_to() {
    let outside = tempdir().unwrap();
    put(outside.path(), "far", "far");
    let dir = repository(&[("data/a", "one")]);
    let link = dir.path().join("data/link");
    symlink(outside.path().join("far"), &link).unwrap();
    assert_eq!(tracked(&dir.path().join("data")).unwrap().files, 2);
    assert!(!link.is_symlink(), "as DVC does, the link is a copy from now on");
    assert_eq!(fs::read_to_string(&link).unwrap(), "far");
}

#[test]
fn files_are_linked_to_the_cache_as_its_settings_say() {
    for (kind, is_link, links) in [("symlink", true, 1), ("hardlink", false, 3), ("copy", false, 1)] {
        let dir = repository(&[("data/a", "one"), ("data/b", "one"), ("data/empty", "")]);
        put(dir.path(), ".dvc/config.local", &format!("[cache]\ntype = {kind}\ndir = ../store\n"));
        let data = dir.path().join("data");
        tracked(&data).unwrap();
        for name in ["a", "b"] {
            let meta = fs::symlink_metadata(data.join(name)).unwrap();
            assert_eq!((meta.is_symlink(), meta.nlink()), (is_link, links), "{kind} {name}");
            assert_eq!(fs::read_to_string(data.join(name)).unwrap(), "one");
        }
        assert!(dir.path().join("store/files/md5").is_dir() && !dir.path().join(".dvc/cache").exists());
        assert_eq!(tracked(&data).unwrap().new_objects, 0);
        assert!(verified(&data).unwrap().same);
    }
}

#[test]
fn a_half_written_object_of_another_program_is_written_again() {
    let dir = repository(&[("data/a", "one")]);
    let data = dir.path().join("data");
    tracked(&data).unwrap();
    let md5 = md5_hex(b"one");
    let object = dir.path().join(".dvc/cache/files/md5").join(&md5[..2]).join(&md5[2..]);
    fs::remove_file(&object).unwrap();
    fs::write(&object, "o").unwrap();
    assert_eq!(tracked(&data).unwrap().new_objects, 1);
    assert_eq!(fs::read_to_string(&object).unwrap(), "one");
}

#[test]
fn a_damaged_object_that_is_not_read_only_is_written_again_before_it_is_linked_to() {
    let dir = repository(&[("data/a", "one")]);
    let data = dir.path().join("data");
    tracked(&data).unwrap();
    let md5 = md5_hex(b"one");
    let object = dir.path().join(".dvc/cache/files/md5").join(&md5[..2]).join(&md5[2..]);
    fs::set_permissions(&object, Permissions::from_mode(0o644)).unwrap();
    fs::write(&object, "oXe").unwrap();
    put(dir.path(), ".dvc/config.local", "[cache]\ntype = symlink\n");
    assert_eq!(tracked(&data).unwrap().new_objects, 1);
    assert!(data.join("a").is_symlink());
    assert_eq!((fs::read_to_string(data.join("a")).unwrap().as_str(), mode(&object)), ("one", 0o444));
    fs::set_permissions(&object, Permissions::from_mode(0o644)).unwrap();
    assert_eq!(tracked(&data).unwrap().new_objects, 0, "a good one stays");
    assert_eq!(mode(&object), 0o444);
}

#[test]
fn an_object_edited_through_its_other_name_is_not_trusted_by_its_old_one() {
    let dir = repository(&[("data/a", "one")]);
    put(dir.path(), ".dvc/config.local", "[cache]\ntype = hardlink\n");
    let file = dir.path().join("data/a");
    tracked(&dir.path().join("data")).unwrap();
    fs::set_permissions(&file, Permissions::from_mode(0o644)).unwrap();
    fs::write(&file, "oXe").unwrap();
    tracked(&dir.path().join("data")).unwrap();
    assert_eq!(fs::read_to_string(&file).unwrap(), "oXe");
    put(dir.path(), "data/b", "one");
    tracked(&dir.path().join("data")).unwrap();
    assert_eq!(fs::read_to_string(dir.path().join("data/b")).unwrap(), "one");
}

#[test]
fn a_link_to_a_file_that_becomes_a_link_before_it_is_no_change() {
    for kind in ["symlink", "hardlink"] {
        let dir = repository(&[("data/a", "one")]);
        put(dir.path(), ".dvc/config.local", &format!("[cache]\ntype = {kind}\n"));
        symlink("a", dir.path().join("data/l")).unwrap();
        tracked(&dir.path().join("data")).unwrap();
        for name in ["a", "l"] {
            assert_eq!(fs::read_to_string(dir.path().join("data").join(name)).unwrap(), "one", "{kind} {name}");
        }
    }
}

#[test]
fn a_file_that_changes_after_it_was_hashed_is_not_replaced() {
    for kind in ["symlink", "hardlink"] {
        let dir = repository(&[("data/a", "one"), ("data/b", "two"), ("data/c", "two"), ("data/d", "two")]);
        put(dir.path(), ".dvc/config.local", &format!("[cache]\ntype = {kind}\n"));
        let data = dir.path().join("data");
        let mut go_on = |_| ControlFlow::Continue(());
        // The content of all three is read from the last.
        let mut write = |_| {
            fs::write(data.join("c"), "mine!").unwrap();
            ControlFlow::Continue(())
        };
        let said = track(&data, &mut Watch { hashing: &mut go_on, storing: &mut write }).unwrap_err().to_string();
        assert!(said.contains("changed while it was tracked: track it again"), "{said}");
        assert_eq!(fs::read_to_string(data.join("c")).unwrap(), "mine!");
        let others = ["a", "b", "d"].map(|name| data.join(name).is_symlink());
        assert_eq!(others, [false; 3], "nothing is replaced");
        assert!(!dir.path().join("data.dvc").exists());
        tracked(&data).unwrap();
        assert_eq!(fs::read_to_string(data.join("c")).unwrap(), "mine!");
    }
}

#[test]
fn stopped_in_the_middle_it_leaves_nothing_half() {
    let files: Vec<(String, String)> = (0..600).map(|n| (format!("data/{n}"), n.to_string())).collect();
    let files: Vec<(&str, &str)> = files.iter().map(|(path, text)| (path.as_str(), text.as_str())).collect();
    let dir = repository(&files);
    let data = dir.path().join("data");
    let mut go_on = |_| ControlFlow::Continue(());
    let mut stop = |progress: crate::dataset::cache::Progress| {
        if progress.done > 0 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    };
    let stopped = track(&data, &mut Watch { hashing: &mut go_on, storing: &mut stop });
    assert!(matches!(stopped, Err(Error::Cancelled)), "{stopped:?}");
    assert!(!dir.path().join("data.dvc").exists());
    assert!(cache(dir.path()).iter().all(|(name, text)| *name == md5_hex(text.as_bytes())));
    let done = tracked(&data).unwrap();
    assert!(done.new_objects > 0 && done.new_objects < 601, "what is there is not put in again: {done:?}");
}

#[test]
fn while_dvc_is_at_work_nothing_is_done() {
    let dir = repository(&[("data/a", "one")]);
    fs::create_dir_all(dir.path().join(".dvc/tmp")).unwrap();
    let lock = File::create(dir.path().join(".dvc/tmp/lock")).unwrap();
    lock.lock().unwrap();
    let said = tracked(&dir.path().join("data")).unwrap_err().to_string();
    assert!(said.contains("DVC is at work"), "{said}");
    drop(lock);
    assert!(tracked(&dir.path().join("data")).is_ok());
}
