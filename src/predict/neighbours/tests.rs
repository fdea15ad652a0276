//! Distances against scikit-learn, order against sums done plainly, and a file that is believed only where it fits.

use std::fs;
use std::ops::ControlFlow;
use std::path::Path;

use image::{ExtendedColorType, ImageEncoder};
use proptest::prelude::*;
use serde_json::json;
use tempfile::TempDir;

use super::*;
use crate::dataset::cache::{Cache, Progress};
use crate::dataset::split::Splits;
use crate::dataset::{Dataset, GreyImage, find};
use crate::error::Error;
use crate::predict::Predictor;
use crate::predict::tests::{STATE, noise, predictor, reference};
use crate::train::recipe::Named;
use crate::train::{EngineKind, TrainConfig, checkpoint};

const GO: fn(Progress) -> ControlFlow<()> = |_| ControlFlow::Continue(());

/// The images of a run's splits: train, validation, test, each in its own order.
fn listed(dataset: &Dataset, splits: &Splits) -> Vec<Listed> {
    let of = |split: Split| {
        splits.of(split).iter().map(move |&index| {
            let image = &dataset.images[index];
            Listed { file: image.file.clone(), split, truth: image.class }
        })
    };
    Split::ALL.into_iter().flat_map(of).collect()
}

impl Gallery {
    pub fn features_of(&self, place: usize) -> Vec<f32> {
        self.rows[place].features.clone()
    }

    fn from_features(features: Vec<(Split, Vec<f32>)>) -> Self {
        let image = |(index, (split, features)): (usize, (Split, Vec<f32>))| {
            let file = format!("{}/{index:03}.png", split.name());
            let size = [1000 + 50 * u32::try_from(index % 11).unwrap(), 1000];
            (Listed { file, split, truth: Class::ALL[index % 2] }, Row::new(index, size, features))
        };
        let (listed, rows) = features.into_iter().enumerate().map(image).unzip();
        Self::new(listed, rows, String::new())
    }
}

/// `count` rows of features, never negative, as in `make.py`.
#[expect(clippy::cast_possible_truncation, reason = "as f32 as NumPy has it")]
pub fn rows(count: usize) -> Vec<Vec<f32>> {
    let all: Vec<f32> = noise(3000, count * FEATURES).map(|value| value.max(0.0) as f32).collect();
    all.chunks(FEATURES).map(<[f32]>::to_vec).collect()
}

/// 60 training images and 200 for validation, as in `make.py`.
pub fn gallery() -> Gallery {
    let mut features = rows(263);
    features.drain(60..63);
    let split = |place| if place < 60 { Split::Train } else { Split::Validation };
    Gallery::from_features(features.into_iter().enumerate().map(|(place, row)| (split(place), row)).collect())
}

fn number(value: &serde_json::Value) -> f64 {
    value.as_f64().unwrap()
}

#[test]
fn the_nearest_images_and_how_usual_that_is_are_those_of_scikit_learn() {
    let (gallery, case) = (gallery(), &reference()["neighbours"]);
    for (question, at) in rows(63)[60..].iter().zip(0..) {
        let found = gallery.nearest(question, 5, |listed| listed.split == Split::Train);
        assert_eq!(found.len(), 5);
        for (found, place) in found.iter().zip(0..) {
            assert_eq!(json!(found.index), case["places"][at][place]);
            assert!((found.distance - number(&case["distances"][at][place])).abs() < 1e-8, "{found:?}");
        }
        assert!((gallery.remoteness(question).unwrap() - number(&case["share"][at])).abs() < 1e-8);
    }
}

#[test]
fn equally_near_images_come_in_the_order_of_the_list() {
    let row = rows(1).remove(0);
    let doubled: Vec<f32> = row.iter().map(|value| 2.0 * value).collect();
    let all = [row.clone(), doubled, row.clone(), vec![0.0; FEATURES]];
    let gallery = Gallery::from_features(all.into_iter().map(|row| (Split::Test, row)).collect());
    let found: Vec<(usize, f64)> = gallery.nearest(&row, 9, |_| true).iter().map(|n| (n.index, n.distance)).collect();
    assert_eq!(found.iter().map(|(index, _)| *index).collect::<Vec<_>>(), [0, 1, 2, 3]);
    assert!(found[2].1 < 1e-12 && found[3].1 >= 1.0, "{found:?}");
    assert_eq!((gallery.remoteness(&row), gallery.aspects()), (None, None), "there is no training image");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_order_is_that_of_plain_sums_in_f64(
        features in prop::collection::vec(prop::collection::vec(0.0_f32..4.0, 9), 1..40),
        k in 0..12_usize,
        odd in any::<bool>(),
    ) {
        // Few different values, so that ties come up.
        let coarse = |row: &Vec<f32>| row.iter().map(|value| value.floor()).collect::<Vec<_>>();
        let (question, all) = (coarse(&features[0]), features.iter().map(coarse).collect::<Vec<_>>());
        let gallery = Gallery::from_features(all.iter().map(|row| (Split::Train, row.clone())).collect());
        // Every second image is of PNEUMONIA.
        let passes = |index: usize| !odd || index % 2 == 1;
        let plain = |row: &[f32]| {
            let sum = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(a, b)| f64::from(*a) * f64::from(*b)).sum::<f64>();
            let lengths = (sum(row, row) * sum(&question, &question)).sqrt();
            if lengths > 0.0 { 1.0 - sum(row, &question) / lengths } else { 1.0 }
        };
        let found = gallery.nearest(&question, k, |listed| passes(listed.truth.index()));
        let mut expected: Vec<f64> = (0..all.len()).filter(|index| passes(*index)).map(|index| plain(&all[index])).collect();
        expected.sort_by(f64::total_cmp);
        expected.truncate(k);
        prop_assert_eq!(found.len(), expected.len());
        for (found, expected) in found.iter().zip(&expected) {
            prop_assert!((found.distance - expected).abs() < 1e-12);
            prop_assert!((plain(&all[found.index]) - expected).abs() < 1e-12);
        }
        for two in found.windows(2) {
            let order = two[0].distance.total_cmp(&two[1].distance).then(two[0].index.cmp(&two[1].index));
            prop_assert!(order.is_lt());
        }
    }

    #[test]
    fn remoteness_grows_with_the_distance_and_stays_a_share(turn in 0.0_f32..9.0) {
        let gallery = gallery();
        let away = |turn: f32| {
            let mut features = gallery.features_of(5);
            features[3] += turn * 20.0;
            gallery.remoteness(&features).unwrap()
        };
        prop_assert!(away(turn) <= away(turn + 1.0));
        prop_assert!((0.0..=1.0).contains(&away(turn)));
        prop_assert_eq!(gallery.remoteness(&gallery.features_of(5)), Some(0.0));
    }
}

fn write_png(path: &Path, picture: &GreyImage) {
    let (width, height) = (u32::try_from(picture.width).unwrap(), u32::try_from(picture.height).unwrap());
    let mut file = Vec::new();
    image::codecs::png::PngEncoder::new(&mut file)
        .write_image(&picture.pixels, width, height, ExtendedColorType::L8)
        .unwrap();
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, file).unwrap();
}

fn write_jpeg(path: &Path, picture: &GreyImage, quality: u8) {
    let (width, height) = (u32::try_from(picture.width).unwrap(), u32::try_from(picture.height).unwrap());
    let mut file = Vec::new();
    image::codecs::jpeg::JpegEncoder::new_with_quality(&mut file, quality)
        .write_image(&picture.pixels, width, height, ExtendedColorType::L8)
        .unwrap();
    fs::write(path, file).unwrap();
}

/// Waves of another length and direction for each number.
#[expect(clippy::cast_precision_loss, clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a picture")]
fn picture(number: usize) -> GreyImage {
    let (across, down) = ((3 + number * 5 % 13) as f64, (2 + number * 7 % 11) as f64);
    let at = |place: usize| {
        let (y, x) = ((place / 48) as f64 / 40.0, (place % 48) as f64 / 48.0);
        (127.0 + 60.0 * (across * x + down * y * y).sin() + 60.0 * (down * x * y + number as f64).cos()) as u8
    };
    GreyImage { width: 48, height: 40, pixels: (0..48 * 40).map(at).collect() }
}

/// A data set of 24 images, a folder with weights for it, and its list.
struct Place {
    folder: TempDir,
    list: Vec<Listed>,
}

impl Place {
    fn new() -> Self {
        let place = Self { folder: tempfile::tempdir().unwrap(), list: Vec::new() };
        for number in 0..24 {
            let (folder, class) = (["train", "train", "test"][number % 3], Class::ALL[number % 2].name());
            write_png(&place.data().join(format!("{folder}/{class}/{number:02}.png")), &picture(number));
        }
        place.write_weights("a run");
        place.listed_anew()
    }

    /// Of the images that are there now.
    fn listed_anew(self) -> Self {
        let dataset = find(&self.data()).unwrap();
        Self { list: listed(&dataset, &Splits::make(&dataset, 0.3, 1)), ..self }
    }

    fn data(&self) -> std::path::PathBuf {
        self.folder.path().join("data")
    }

    fn run(&self) -> &Path {
        self.folder.path()
    }

    fn write_weights(&self, run_id: &str) {
        let config = TrainConfig { image_size: 32, ..Named::Plain.config() };
        let position = checkpoint::Position::start();
        let record = json!({"format": 2, "run_id": run_id, "config": config, "split_hash": "", "position": position})
            .to_string();
        checkpoint::seal(&checkpoint::best_path(self.run()), &STATE, record).unwrap();
    }

    fn make(&self) -> Gallery {
        Gallery::make(&predictor(32), Pictures::Files(&self.data()), &self.list, &mut { GO }).unwrap()
    }
}

#[test]
fn a_gallery_holds_what_explanations_have_and_comes_back_from_its_file_to_the_last_bit() {
    let place = Place::new();
    let predictor = Predictor::load(place.run()).unwrap();
    assert_eq!(predictor.weights(), checkpoint::describe(&checkpoint::best_path(place.run())).unwrap().1);
    let made = Gallery::make(&predictor, Pictures::Files(&place.data()), &place.list, &mut { GO }).unwrap();
    assert_eq!((made.listed().len(), made.left_out()), (24, 0));
    for (row, listed) in made.rows.iter().zip(&place.list) {
        let alone = crate::predict::read_picture(&place.data().join(&listed.file)).unwrap();
        let found = predictor.explain(&alone).unwrap().features;
        assert!(found.iter().zip(&row.features).all(|(a, b)| (a - b).abs() <= 1e-4 * a.abs().max(1.0)), "{listed:?}");
        assert_eq!(row.size, [48, 40]);
    }
    assert_eq!(Gallery::open(place.run(), &place.list), None, "it was not saved yet");
    made.save(place.run()).unwrap();
    assert_eq!(Gallery::open(place.run(), &place.list), Some(made));
}

#[test]
fn prepared_pictures_give_the_same_gallery_as_files() {
    let place = Place::new();
    let dataset = find(&place.data()).unwrap();
    let [fit, other] = [32, 64].map(|size| {
        let cache = Cache::open(&place.folder.path().join("cache"), &dataset, size, &mut { GO }).unwrap();
        Gallery::make(&predictor(32), Pictures::Prepared(&dataset, &cache), &place.list, &mut { GO }).unwrap()
    });
    assert_eq!(fit, place.make());
    assert_eq!(other, fit, "files are read where pictures are prepared for another size");
}

#[test]
fn a_gallery_of_other_weights_or_images_is_not_opened() {
    let place = Place::new();
    place.make().save(place.run()).unwrap();
    let changes: [fn(&mut Vec<Listed>); 5] = [
        |list| list[0].file.push('x'),
        |list| list[3].split = Split::Test,
        |list| list[3].truth = list[3].truth.other(),
        |list| list.swap(0, 1),
        |list| drop(list.pop()),
    ];
    for change in changes {
        let mut list = place.list.clone();
        change(&mut list);
        assert_eq!(Gallery::open(place.run(), &list), None);
    }
    place.write_weights("the same weights under another name");
    assert!(Gallery::open(place.run(), &place.list).is_some());
    let path = checkpoint::best_path(place.run());
    let (mut tensors, record) = checkpoint::unseal(&path).unwrap().unwrap();
    let bias = (tensors["fc.bias"].clone() + 1.0).unwrap();
    tensors.insert("fc.bias".into(), bias);
    checkpoint::seal(&path, &tensors, record).unwrap();
    assert_eq!(Gallery::open(place.run(), &place.list), None);
}

#[test]
fn a_damaged_file_is_as_none_and_made_anew() {
    let place = Place::new();
    let made = place.make();
    made.save(place.run()).unwrap();
    let whole = fs::read(file::path(place.run())).unwrap();
    for at in (0..whole.len()).step_by(whole.len() / 40) {
        let mut bytes = whole.clone();
        bytes[at] ^= 4;
        fs::write(file::path(place.run()), &bytes).unwrap();
        assert_eq!(Gallery::open(place.run(), &place.list), None, "a bit of byte {at} is another");
        fs::write(file::path(place.run()), &whole[..at]).unwrap();
        assert_eq!(Gallery::open(place.run(), &place.list), None, "cut at {at}");
    }
    made.save(place.run()).unwrap();
    assert_eq!(fs::read(file::path(place.run())).unwrap(), whole);
}

#[test]
fn unreadable_files_are_left_out_and_counted_and_a_folder_of_nothing_else_is_refused() {
    let place = Place::new();
    let with_all = place.make();
    fs::write(place.data().join(&place.list[2].file), "no picture").unwrap();
    fs::remove_file(place.data().join(&place.list[20].file)).unwrap();
    let made = place.make();
    assert_eq!((made.listed().len(), made.left_out()), (24, 2));
    assert_eq!(made.nearest(&with_all.features_of(3), 1, |_| true)[0].index, 3);
    assert!(made.nearest(&with_all.features_of(2), 30, |_| true).iter().all(|n| n.index != 2 && n.index != 20));
    made.save(place.run()).unwrap();
    assert_eq!(Gallery::open(place.run(), &place.list), Some(made));
    let nowhere = place.folder.path().join("moved");
    let refused = Gallery::make(&predictor(32), Pictures::Files(&nowhere), &place.list, &mut { GO });
    assert!(refused.unwrap_err().to_string().contains("none of the run's 24 images can be read"));
}

#[test]
fn making_can_be_stopped_and_tells_how_far_it_is() {
    let place = Place::new();
    let mut told = Vec::new();
    let mut watch = |progress: Progress| {
        told.push((progress.done, progress.total));
        if progress.done > 0 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    };
    let stopped = Gallery::make(&predictor(32), Pictures::Files(&place.data()), &place.list, &mut watch);
    assert!(matches!(stopped, Err(Error::Cancelled)));
    assert_eq!(told, [(0, 24), (16, 24)]);
}

#[test]
fn an_image_saved_again_in_another_split_is_found_and_no_other_pair() {
    let place = Place::new();
    assert_eq!(place.make().near_duplicates(), []);
    write_jpeg(&place.data().join("test/NORMAL/copy.jpeg"), &picture(4), 90);
    let place = place.listed_anew();
    let gallery = place.make();
    let pairs = gallery.near_duplicates();
    let [pair] = &pairs[..] else { panic!("{pairs:?}") };
    let files = [pair.a, pair.b].map(|index| place.list[index].file.as_str());
    assert_eq!(files, ["train/NORMAL/04.png", "test/NORMAL/copy.jpeg"]);
    let copy = gallery.features_of(pair.b);
    let other = gallery.nearest(&copy, 2, |_| true).pop().unwrap();
    assert_eq!((other.index, other.distance), (pair.a, pair.distance));
    assert_eq!(gallery.nearly_the_same(&gallery.features_of(7)).unwrap().index, 7, "an image is the same as itself");
}

#[test]
fn real_x_rays_of_different_splits_are_no_duplicates_and_a_copy_is_one() {
    let Some(folder) = crate::dataset::scan::tests::real_xrays() else { return };
    let dataset = find(&folder).unwrap();
    let mut splits = Splits::make(&dataset, 0.1, 1);
    for images in [&mut splits.train, &mut splits.validation, &mut splits.test] {
        *images = images.iter().copied().step_by(25).collect();
    }
    let list = listed(&dataset, &splits);
    let place = tempfile::tempdir().unwrap();
    for listed in &list {
        let path = place.path().join(&listed.file);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::copy(folder.join(&listed.file), path).unwrap();
    }
    let original = crate::predict::read_picture(&folder.join(&list[1].file)).unwrap();
    write_jpeg(&place.path().join("copy.jpeg"), &original, 60);
    let copied = Listed { file: "copy.jpeg".into(), split: Split::Test, truth: list[1].truth };
    let with_copy = [list, vec![copied]].concat();
    let gallery = Gallery::make(&predictor(64), Pictures::Files(place.path()), &with_copy, &mut { GO }).unwrap();
    let pairs: Vec<(usize, usize)> = gallery.near_duplicates().iter().map(|pair| (pair.a, pair.b)).collect();
    assert_eq!(pairs, [(1, with_copy.len() - 1)]);
}

#[test]
fn the_engine_that_loads_a_network_does_not_change_its_fingerprint() {
    let place = Place::new();
    let [fast, plain] =
        [EngineKind::Fast, EngineKind::Plain].map(|engine| checkpoint::load_best_known(place.run(), engine).unwrap().2);
    assert_eq!(fast, plain);
}
