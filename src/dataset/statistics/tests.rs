//! The figures of a small made-up data set, counted by hand.

use std::path::PathBuf;

use super::*;
use crate::dataset::{Folder, patient};

fn image(file: &str) -> Image {
    let folder = Folder::ALL.into_iter().find(|folder| file.starts_with(folder.name())).unwrap();
    let class = if file.contains("/NORMAL/") { Class::Normal } else { Class::Pneumonia };
    Image { file: file.to_owned(), folder, class, patient: patient::parse(file, class) }
}

fn readable(size: (u32, u32), channels: &str, bin: usize, md5: &str) -> Facts {
    let mut brightness = [0.0; 16];
    brightness[bin] = 1.0;
    let (width, height) = size;
    let pixels = PixelFacts { width, height, channels: channels.to_owned(), brightness, mean: 0.0, flagged: None };
    Facts { bytes: 10, md5: md5.to_owned(), pixels: Ok(pixels) }
}

fn broken(reason: &str, md5: &str) -> Facts {
    Facts { bytes: 10, md5: md5.to_owned(), pixels: Err(reason.to_owned()) }
}

/// Two healthy and three ill children; one file is broken, two are the same, one child is in train and test.
fn small() -> (Dataset, Vec<Facts>) {
    let mut flagged = readable((1, 1), "grey", 0, "d");
    flagged.pixels.as_mut().unwrap().flagged = Some("1x1 pixels".to_owned());
    let images = [
        ("test/PNEUMONIA/person1_virus_9.jpeg", readable((300, 50), "rgb", 0, "a")),
        ("train/NORMAL/IM-0001-0001.jpeg", readable((100, 90), "grey", 15, "b")),
        ("train/NORMAL/other.jpeg", flagged),
        ("train/PNEUMONIA/person1_virus_1.jpeg", readable((200, 80), "grey", 3, "c")),
        ("train/PNEUMONIA/person2_bacteria_1.jpeg", readable((200, 80), "grey", 3, "c")),
        ("train/PNEUMONIA/person3_bacteria_1.jpeg", broken("truncated JPEG", "e")),
    ];
    let (images, facts) = images.into_iter().map(|(file, facts)| (image(file), facts)).unzip();
    (Dataset { root: PathBuf::from("some/where"), images, synthetic: true }, facts)
}

fn statistics() -> Statistics {
    let (dataset, facts) = small();
    let splits = Splits { train: vec![1, 3, 5], validation: vec![2, 4], test: vec![0] };
    let hash = FolderHash { id: "0123.dir".to_owned(), bytes: 77, files: 6 };
    count(&dataset, &splits, &facts.iter().collect::<Vec<_>>(), &hash)
}

#[test]
fn readable_images_are_counted_by_split_and_class() {
    let statistics = statistics();
    let count = |split| Class::ALL.map(|class| statistics.count(split, class));
    assert_eq!([count(Split::Train), count(Split::Validation), count(Split::Test)], [[1, 1], [1, 1], [0, 1]]);
    assert_eq!(statistics.patients, [("train", 2), ("validation", 2), ("test", 1)].into());
    assert_eq!(statistics.unknown_patients, 1);
    assert_eq!(statistics.kinds, [("normal", 2), ("bacterial", 1), ("viral", 2), ("unknown", 0)].into());
}

#[test]
fn the_folder_its_hash_and_its_marker_are_passed_on() {
    let Statistics { data, synthetic, data_hash, bytes, .. } = statistics();
    assert_eq!((data.as_str(), synthetic, data_hash.as_str(), bytes), ("some/where", true, "0123.dir", 77));
}

#[test]
fn broken_suspect_and_identical_files_are_named() {
    let statistics = statistics();
    let named = |file: &str, reason: &str| UnreadableFile { file: file.to_owned(), reason: reason.to_owned() };
    assert_eq!(statistics.unreadable, [named("train/PNEUMONIA/person3_bacteria_1.jpeg", "truncated JPEG")]);
    assert_eq!(statistics.flagged, [named("train/NORMAL/other.jpeg", "1x1 pixels")]);
    assert_eq!(
        statistics.duplicates,
        [["train/PNEUMONIA/person1_virus_1.jpeg", "train/PNEUMONIA/person2_bacteria_1.jpeg"]]
    );
}

#[test]
fn a_patient_in_train_and_test_is_named() {
    assert_eq!(statistics().patients_in_two_splits, ["person1_virus"]);
}

#[test]
fn sizes_have_their_lower_median() {
    let statistics = statistics();
    assert_eq!(statistics.widths, Some(Range { min: 1, median: 200, max: 300 }));
    assert_eq!(statistics.heights, Some(Range { min: 1, median: 80, max: 90 }));
    assert_eq!(range(vec![4, 1, 3, 2]), Some(Range { min: 1, median: 2, max: 4 }));
    assert_eq!(range(Vec::new()), None);
}

#[test]
fn each_image_counts_the_same_in_the_brightness() {
    let statistics = statistics();
    let [b0, b3, b15] = [0, 3, 15].map(|bin| statistics.brightness[bin]);
    assert!(
        (b0 - 0.4).abs() < 1e-9 && (b3 - 0.4).abs() < 1e-9 && (b15 - 0.2).abs() < 1e-9,
        "{:?}",
        statistics.brightness
    );
    assert_eq!(statistics.channels, [("grey".to_owned(), 4), ("rgb".to_owned(), 1)].into());
}

#[test]
fn files_that_could_not_be_opened_are_no_duplicates_of_each_other() {
    let (dataset, mut facts) = small();
    for facts in &mut facts {
        *facts = broken("permission denied", "");
    }
    let hash = FolderHash { id: String::new(), bytes: 0, files: 0 };
    let statistics = count(&dataset, &Splits::default(), &facts.iter().collect::<Vec<_>>(), &hash);
    assert_eq!((statistics.duplicates.len(), statistics.unreadable.len()), (0, 6));
    assert_eq!((statistics.widths, statistics.brightness), (None, [0.0; 16]));
}

#[test]
fn both_classes_and_all_splits_are_in_the_answer_even_where_there_is_nothing() {
    let json = serde_json::to_value(statistics()).unwrap();
    assert_eq!(json["splits"]["test"]["NORMAL"], 0);
    assert_eq!(json["widths"]["median"], 200);
    assert_eq!(json["unreadable"][0]["reason"], "truncated JPEG");
}
