//! Data sets of every shape that people have on disk, and the real X-rays.

use std::collections::HashSet;
use std::os::unix::fs::{PermissionsExt, symlink};

use tempfile::{TempDir, tempdir};

use super::*;

/// The shared real X-rays; `None`, with a word on stderr, where they aren't at hand.
///
/// # Panics
/// Where they aren't at hand and `XRAY_TUI_NO_SKIP=1` says that they must be.
pub(crate) fn real_xrays() -> Option<PathBuf> {
    let beside = || Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/data/chest_xray");
    let dir = std::env::var_os("XRAY_TUI_TEST_DATA").map_or_else(beside, PathBuf::from);
    if dir.is_dir() {
        return Some(dir);
    }
    assert!(std::env::var("XRAY_TUI_NO_SKIP").as_deref() != Ok("1"), "no X-rays in {}", dir.display());
    eprintln!("skipped: no X-rays in {}", dir.display());
    None
}

fn tree(files: &[&str]) -> TempDir {
    let dir = tempdir().unwrap();
    for file in files {
        let path = dir.path().join(file);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, file).unwrap();
    }
    dir
}

fn files(dataset: &Dataset) -> Vec<&str> {
    dataset.images.iter().map(|image| image.file.as_str()).collect()
}

fn message(dir: &Path) -> String {
    find(dir).unwrap_err().to_string()
}

const LAYOUT: [&str; 4] =
    ["train/NORMAL/IM-0001-0001.jpeg", "train/PNEUMONIA/person1_virus_1.jpeg", "test/NORMAL/a.png", "val/NORMAL/b.jpg"];

#[test]
fn images_are_found_with_their_labels_in_byte_order() {
    let dir = tree(&LAYOUT);
    let dataset = find(dir.path()).unwrap();
    assert_eq!(
        files(&dataset),
        [
            "test/NORMAL/a.png",
            "train/NORMAL/IM-0001-0001.jpeg",
            "train/PNEUMONIA/person1_virus_1.jpeg",
            "val/NORMAL/b.jpg"
        ]
    );
    let labels: Vec<_> = dataset.images.iter().map(|image| (image.folder, image.class)).collect();
    assert_eq!(
        labels,
        [
            (Folder::Test, Class::Normal),
            (Folder::Train, Class::Normal),
            (Folder::Train, Class::Pneumonia),
            (Folder::Val, Class::Normal)
        ]
    );
    assert!((0..4).all(|index| dataset.path(index).is_file()));
    assert!(!dataset.synthetic);
}

#[test]
fn the_layout_is_found_up_to_two_folders_deeper() {
    let dir = tree(&["chest_xray/chest_xray/train/NORMAL/a.jpeg", "chest_xray/__MACOSX/train/NORMAL/._a.jpeg"]);
    assert_eq!(find(dir.path()).unwrap().root, dir.path().join("chest_xray/chest_xray"));
    assert_eq!(find(&dir.path().join("chest_xray")).unwrap().root, dir.path().join("chest_xray/chest_xray"));
    let deep = tree(&["a/b/c/train/NORMAL/a.jpeg"]);
    assert!(matches!(find(deep.path()), Err(Error::NoDataSet { .. })));
}

#[test]
fn the_shallowest_layout_wins() {
    let dir = tree(&["train/NORMAL/a.jpeg", "chest_xray/train/NORMAL/b.jpeg", "aaa/chest_xray/test/NORMAL/c.jpeg"]);
    assert_eq!(files(&find(dir.path()).unwrap()), ["train/NORMAL/a.jpeg"]);
}

#[test]
fn real_images_come_before_synthetic_ones_beside_them() {
    let dir = tree(&["demo/SYNTHETIC", "demo/train/NORMAL/a.jpeg", "kaggle/train/NORMAL/b.jpeg"]);
    assert_eq!(find(dir.path()).unwrap().root, dir.path().join("kaggle"));
    assert!(find(&dir.path().join("demo")).unwrap().synthetic);
}

#[test]
fn leftovers_of_archives_and_other_files_are_passed_over() {
    let dir = tree(&[
        "train/NORMAL/a.jpeg",
        "train/NORMAL/._a.jpeg",
        "train/NORMAL/.DS_Store",
        "train/NORMAL/notes.txt",
        "train/NORMAL/folder.jpeg/inside.jpeg",
        "train/NORMAL/noextension",
        "__MACOSX/train/NORMAL/a.jpeg",
        "train/OTHER/c.jpeg",
        ".hidden/train/NORMAL/d.jpeg",
    ]);
    assert_eq!(files(&find(dir.path()).unwrap()), ["train/NORMAL/a.jpeg"]);
}

#[test]
fn the_case_of_letters_does_not_matter() {
    let dir = tree(&["Train/normal/A.JPEG", "TEST/Pneumonia/b.Png", "train/Normal/c.JpG"]);
    assert_eq!(
        files(&find(dir.path()).unwrap()),
        ["TEST/Pneumonia/b.Png", "Train/normal/A.JPEG", "train/Normal/c.JpG"]
    );
}

#[test]
fn linked_folders_and_files_are_followed() {
    let real = tree(&["one/NORMAL/a.jpeg", "picture"]);
    let dir = tree(&["test/NORMAL/b.jpeg"]);
    symlink(real.path().join("one"), dir.path().join("train")).unwrap();
    symlink(real.path().join("picture"), dir.path().join("test/NORMAL/linked.png")).unwrap();
    symlink(dir.path(), dir.path().join("test/loop")).unwrap();
    assert_eq!(
        files(&find(dir.path()).unwrap()),
        ["test/NORMAL/b.jpeg", "test/NORMAL/linked.png", "train/NORMAL/a.jpeg"]
    );
}

#[test]
fn a_broken_link_stays_so_that_it_can_be_named_as_unreadable() {
    let dir = tree(&["train/NORMAL/a.jpeg"]);
    symlink("nowhere", dir.path().join("train/NORMAL/b.jpeg")).unwrap();
    assert_eq!(files(&find(dir.path()).unwrap()), ["train/NORMAL/a.jpeg", "train/NORMAL/b.jpeg"]);
}

#[test]
fn a_missing_folder_is_named_with_the_next_step() {
    let dir = tempdir().unwrap();
    let missing = dir.path().join("nothing");
    let error = find(&missing).unwrap_err();
    assert!(error.is_missing_data());
    let text = error.to_string();
    assert!(
        text.contains(&format!("there is no folder {}", missing.display())) && text.contains("data demo"),
        "{text}"
    );
}

#[test]
fn an_empty_folder_is_no_data_set() {
    let dir = tempdir().unwrap();
    let error = find(dir.path()).unwrap_err();
    assert!(matches!(error, Error::NoDataSet { .. }) && error.is_missing_data());
}

#[test]
fn a_file_instead_of_a_folder_is_said_to_be_one() {
    let dir = tree(&["archive.zip"]);
    let text = message(&dir.path().join("archive.zip"));
    assert!(text.contains("is a file") && text.contains("unpack"), "{text}");
}

#[test]
fn class_folders_of_other_names_are_listed() {
    let dir = tree(&["train/COVID/a.jpeg", "test/COVID/b.jpeg"]);
    let text = message(dir.path());
    assert!(text.contains("train has no folder NORMAL or PNEUMONIA (found: COVID)"), "{text}");
}

#[test]
fn class_folders_without_images_are_named() {
    let dir = tree(&["train/NORMAL/readme.txt"]);
    fs::create_dir_all(dir.path().join("train/PNEUMONIA")).unwrap();
    let text = message(dir.path());
    assert!(text.contains("hold no .jpeg, .jpg or .png"), "{text}");
}

#[test]
fn a_folder_that_may_not_be_read_is_named() {
    let dir = tree(&["train/NORMAL/a.jpeg"]);
    let closed = dir.path().join("train/NORMAL");
    fs::set_permissions(&closed, fs::Permissions::from_mode(0o000)).unwrap();
    let readable_anyway = fs::read_dir(&closed).is_ok();
    let found = find(dir.path());
    fs::set_permissions(&closed, fs::Permissions::from_mode(0o755)).unwrap();
    if readable_anyway {
        assert_eq!(found.unwrap().images.len(), 1, "root may read everything");
    } else {
        let text = found.unwrap_err().to_string();
        assert!(text.contains("cannot read") && text.contains("train/NORMAL"), "{text}");
    }
}

#[test]
fn the_real_xrays_have_the_published_counts_and_no_patient_in_train_and_test() {
    let Some(dir) = real_xrays() else { return };
    let dataset = find(&dir).unwrap();
    let count =
        |folder, class| dataset.images.iter().filter(|image| image.folder == folder && image.class == class).count();
    assert_eq!((count(Folder::Train, Class::Normal), count(Folder::Train, Class::Pneumonia)), (1341, 3875));
    let test = (count(Folder::Test, Class::Normal), count(Folder::Test, Class::Pneumonia));
    assert!([(114, 180), (234, 390)].contains(&test), "neither the shared part nor the whole test split: {test:?}");
    assert!(dataset.images.iter().all(|image| image.patient.known));
    let patients = |folder| -> HashSet<&str> {
        dataset.images.iter().filter(|image| image.folder == folder).map(|image| image.patient.id.as_str()).collect()
    };
    assert_eq!(patients(Folder::Train).intersection(&patients(Folder::Test)).count(), 0);
}
