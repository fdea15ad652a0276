//! Splits of made-up data sets, as properties, and of the real X-rays.

#![allow(clippy::cast_precision_loss)]

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use proptest::prelude::*;

use super::*;
use crate::dataset::scan::tests::real_xrays;
use crate::dataset::{Image, find, patient};

const SEED: u64 = 42;

fn image(file: &str) -> Image {
    let folder = Folder::ALL.into_iter().find(|folder| file.starts_with(folder.name())).unwrap();
    let class = if file.contains("/NORMAL/") { Class::Normal } else { Class::Pneumonia };
    Image { file: file.to_owned(), folder, class, patient: patient::parse(file, class) }
}

fn dataset<S: AsRef<str>>(files: impl IntoIterator<Item = S>) -> Dataset {
    let mut images: Vec<_> = files.into_iter().map(|file| image(file.as_ref())).collect();
    images.sort_by(|a, b| a.file.cmp(&b.file));
    Dataset { root: PathBuf::from("data"), images, synthetic: false }
}

/// Twenty children a class with one to three images each in train, and six images in test.
fn usual() -> Dataset {
    let healthy = (0..20).flat_map(|n| (0..=n % 3).map(move |k| format!("train/NORMAL/IM-{n:04}-{k:04}.jpeg")));
    let ill = (0..20).flat_map(|n| (0..=n % 3).map(move |k| format!("train/PNEUMONIA/person{n}_virus_{k}.jpeg")));
    let test = (0..6).map(|k| format!("test/NORMAL/IM-9{k:03}-0001.jpeg"));
    dataset(healthy.chain(ill).chain(test))
}

fn names<'a>(dataset: &'a Dataset, images: &[usize]) -> BTreeSet<&'a str> {
    images.iter().map(|&index| dataset.images[index].file.as_str()).collect()
}

fn count(dataset: &Dataset, images: &[usize], class: Class) -> usize {
    images.iter().filter(|&&index| dataset.images[index].class == class).count()
}

fn keys(dataset: &Dataset, images: &[usize]) -> BTreeSet<String> {
    images.iter().map(|&index| dataset.images[index].patient.group()).collect()
}

#[test]
fn validation_comes_from_train_and_val_together_and_test_stays_as_it_is() {
    let mut files: Vec<_> = usual().images.into_iter().map(|image| image.file).collect();
    files.extend((0..5).map(|k| format!("val/NORMAL/x{k}.jpeg")));
    let dataset = dataset(&files);
    let splits = Splits::make(&dataset, 0.5, SEED);
    let folders =
        |images: &[usize]| -> BTreeSet<_> { images.iter().map(|&index| dataset.images[index].folder).collect() };
    assert_eq!(folders(&splits.test), [Folder::Test].into());
    assert_eq!(folders(&splits.train), [Folder::Train, Folder::Val].into());
    assert_eq!(folders(&splits.validation), [Folder::Train, Folder::Val].into());
    assert_eq!(splits.test.len(), 6);
}

#[test]
fn equal_person_numbers_stay_together_across_kinds() {
    let files =
        (0..30).flat_map(|n| ["bacteria", "virus"].map(|kind| format!("train/PNEUMONIA/person{n}_{kind}_1.jpeg")));
    let dataset = dataset(files);
    let splits = Splits::make(&dataset, 0.2, SEED);
    assert_eq!(splits.validation.len(), 12);
    assert!(keys(&dataset, &splits.train).is_disjoint(&keys(&dataset, &splits.validation)));
}

#[test]
fn the_only_patient_of_a_class_stays_in_train() {
    let dataset =
        dataset(["train/NORMAL/a.png", "train/PNEUMONIA/person1_virus_1.png", "train/PNEUMONIA/person1_virus_2.png"]);
    for fraction in [0.1, 0.5, 0.9, 0.999] {
        assert!(Splits::make(&dataset, fraction, SEED).validation.is_empty(), "{fraction}");
    }
}

#[test]
fn patients_with_many_images_do_not_spoil_the_share() {
    let sizes = [30, 25, 20, 7, 4, 3, 3, 2, 2, 2, 1, 1];
    let files = sizes
        .iter()
        .enumerate()
        .flat_map(|(n, &size)| (0..size).map(move |k| format!("train/PNEUMONIA/person{n}_virus_{k}.png")));
    let dataset = dataset(files);
    for seed in 0..50 {
        assert_eq!(Splits::make(&dataset, 0.1, seed).validation.len(), 10, "seed {seed}");
    }
}

#[test]
fn another_seed_gives_another_split() {
    let dataset = usual();
    let [a, b] = [1, 2].map(|seed| Splits::make(&dataset, 0.2, seed));
    assert_ne!(a.validation, b.validation);
    assert_ne!(a.hash(&dataset), b.hash(&dataset));
}

#[test]
fn every_patient_is_validated_on_about_equally_often_over_seeds() {
    let files = (0..20)
        .flat_map(|n| (0..if n == 0 { 3 } else { 1 }).map(move |k| format!("train/NORMAL/IM-{n:04}-{k:04}.png")));
    let dataset = dataset(files);
    let mut times = BTreeMap::new();
    for seed in 0..400 {
        for key in keys(&dataset, &Splits::make(&dataset, 0.25, seed).validation) {
            *times.entry(key).or_insert(0) += 1;
        }
    }
    assert_eq!(times.len(), 20);
    assert!(times.values().all(|times| (50..=170).contains(times)), "{times:?}");
}

#[test]
fn the_fingerprint_is_pinned() {
    let dataset = dataset(["train/NORMAL/a.png", "train/PNEUMONIA/b.png", "test/NORMAL/c.png"]);
    let splits = Splits { train: vec![1], validation: vec![2], test: vec![0] };
    // printf 'test\0test/NORMAL/c.png\ntrain\0train/NORMAL/a.png\nvalidation\0train/PNEUMONIA/b.png\n' | md5sum
    assert_eq!(splits.hash(&dataset), "9f9068f9dcfd7943f97d2e4efd466471");
    let moved = Splits { train: vec![2], validation: vec![1], test: vec![0] };
    assert_ne!(moved.hash(&dataset), splits.hash(&dataset));
}

#[test]
fn dropping_unreadable_images_leaves_the_others_where_they_are() {
    let dataset = usual();
    let whole = Splits::make(&dataset, 0.2, SEED);
    let mut splits = whole.clone();
    splits.retain(|index| index % 3 != 0);
    for split in Split::ALL {
        let expected: Vec<_> = whole.of(split).iter().copied().filter(|index| index % 3 != 0).collect();
        assert_eq!(splits.of(split), expected);
    }
}

#[test]
fn a_tenth_of_the_patients_of_each_class_is_sampled() {
    let dataset = usual();
    let mut splits = Splits::make(&dataset, 0.1, SEED);
    let whole = splits.clone();
    splits.sample_train(&dataset, 0.1, SEED);
    for class in Class::ALL {
        let of_class = |images: &[usize]| -> Vec<usize> {
            images.iter().copied().filter(|&index| dataset.images[index].class == class).collect()
        };
        let all = keys(&dataset, &of_class(&whole.train)).len();
        assert!((15..=19).contains(&all), "{class:?}: {all} patients in train");
        assert_eq!(keys(&dataset, &of_class(&splits.train)).len(), 2, "{class:?}");
    }
    assert_eq!((splits.validation, splits.test), (whole.validation, whole.test));
}

#[test]
fn a_sampled_patient_keeps_all_images() {
    let dataset = usual();
    let whole = Splits::make(&dataset, 0.2, SEED);
    let mut splits = whole.clone();
    splits.sample_train(&dataset, 0.3, SEED);
    let kept = keys(&dataset, &splits.train);
    let expected: Vec<_> =
        whole.train.iter().copied().filter(|&index| kept.contains(&dataset.images[index].patient.group())).collect();
    assert_eq!(splits.train, expected);
}

#[test]
fn sampling_everything_changes_nothing_and_sampling_little_keeps_both_classes() {
    let dataset = usual();
    let whole = Splits::make(&dataset, 0.2, SEED);
    let mut splits = whole.clone();
    splits.sample_train(&dataset, 1.0, SEED);
    assert_eq!(splits, whole);
    splits.sample_train(&dataset, 1e-9, SEED);
    assert_eq!(keys(&dataset, &splits.train).len(), 2);
    assert!(Class::ALL.iter().all(|&class| count(&dataset, &splits.train, class) > 0));
}

#[test]
fn a_usual_data_set_can_be_trained_on_without_a_test_split() {
    let dataset = usual();
    let mut splits = Splits::make(&dataset, 0.1, SEED);
    splits.test.clear();
    splits.check_trainable(&dataset).unwrap();
}

fn problem(files: &[&str]) -> String {
    let dataset = dataset(files);
    Splits::make(&dataset, 0.1, SEED).check_trainable(&dataset).unwrap_err().to_string()
}

#[test]
fn a_missing_class_is_named_with_the_next_step() {
    let text = problem(&["train/NORMAL/a.png", "train/NORMAL/b.png", "test/PNEUMONIA/c.png"]);
    assert!(text.contains("no readable PNEUMONIA image") && text.contains("train/PNEUMONIA"), "{text}");
    let text = problem(&["train/PNEUMONIA/a.png", "train/PNEUMONIA/b.png"]);
    assert!(text.contains("no readable NORMAL image"), "{text}");
}

#[test]
fn a_data_set_without_training_images_says_so() {
    let text = problem(&["test/NORMAL/a.png", "test/PNEUMONIA/b.png"]);
    assert!(text.contains("train has no readable image"), "{text}");
}

#[test]
fn a_single_patient_a_class_leaves_nothing_for_validation() {
    let text = problem(&["train/NORMAL/a.png", "train/PNEUMONIA/b.png"]);
    assert!(text.contains("none for validation"), "{text}");
}

#[test]
fn the_real_xrays_are_split_by_patient_with_a_tenth_of_each_class() {
    let Some(dir) = real_xrays() else { return };
    let dataset = find(&dir).unwrap();
    let mut splits = Splits::make(&dataset, 0.1, SEED);
    let by_class = |images: &[usize]| Class::ALL.map(|class| count(&dataset, images, class));
    assert_eq!((by_class(&splits.train), by_class(&splits.validation)), ([1207, 3488], [134, 387]));
    assert!(keys(&dataset, &splits.train).is_disjoint(&keys(&dataset, &splits.validation)));
    splits.check_trainable(&dataset).unwrap();
    let before = splits.clone();
    splits.sample_train(&dataset, 0.1, SEED);
    assert_eq!((&splits.validation, &splits.test), (&before.validation, &before.test));
    assert!((400..540).contains(&splits.train.len()), "{}", splits.train.len());
}

#[test]
fn the_real_xrays_fall_into_five_parts_of_equal_mix() {
    let Some(root) = real_xrays() else { return };
    let dataset = find(&root).unwrap();
    for number in 1..=5 {
        let splits = Splits::fold(&dataset, Fold { number, of: 5 }, 0.1, SEED);
        let of = |class| count(&dataset, &splits.test, class);
        assert!(of(Class::Normal).abs_diff(268) <= 2 && of(Class::Pneumonia).abs_diff(775) <= 8, "part {number}");
    }
}

/// Files of up to 60 images, where a person's number may stand in both class folders and in test.
#[test]
fn the_families_of_the_real_xrays_that_are_held_out_are_wholly_apart_from_those_trained_on() {
    let Some(dir) = real_xrays() else { return };
    let dataset = find(&dir).unwrap();
    for (held_out, validated) in [(HeldOut::ImVirus, [597, 1345]), (HeldOut::Normal2Bacteria, [744, 2530])] {
        let splits = Splits::hold_out(&dataset, held_out);
        assert_eq!(Class::ALL.map(|class| count(&dataset, &splits.validation, class)), validated);
        let [train, validation] = [&splits.train, &splits.validation].map(|images| {
            images.iter().map(|&index| dataset.images[index].patient.id.clone()).collect::<BTreeSet<String>>()
        });
        assert!(train.is_disjoint(&validation));
        assert_eq!(splits.train.len() + splits.validation.len(), 5216);
    }
}

#[test]
fn no_family_is_held_out_of_images_with_other_names() {
    let dataset = dataset(["train/NORMAL/a.png", "train/PNEUMONIA/b.png", "test/NORMAL/c.png"]);
    let splits = Splits::hold_out(&dataset, HeldOut::ImVirus);
    assert!(
        splits.validation.is_empty() && splits.check_trainable(&dataset).unwrap_err().to_string().contains("held out")
    );
}

fn any_files() -> impl Strategy<Value = Vec<String>> {
    let file = (0..3usize, 0..2usize, 0..12u32, 0..4u32, 0..4usize).prop_map(|(folder, class, n, k, form)| {
        let name = [
            format!("person{n}_virus_{k}"),
            format!("person{n}_bacteria_{k}"),
            format!("IM-{n:04}-{k:04}"),
            format!("x{n}{k}"),
        ];
        format!("{}/{}/{}.jpeg", Folder::ALL[folder].name(), Class::ALL[class].name(), name[form])
    });
    prop::collection::btree_set(file, 0..60).prop_map(|files| files.into_iter().collect())
}

/// The least distance from the wanted count that any choice of pure groups reaches, by trying all.
fn best_error(sizes: &[usize], target: f64) -> f64 {
    let mut sums = BTreeSet::from([0]);
    for size in sizes {
        sums.extend(sums.clone().iter().map(|sum| sum + size));
    }
    let total: usize = sizes.iter().sum();
    let allowed = sums.into_iter().filter(|&sum| sum < total && (sum > 0 || sizes.len() < 2));
    allowed.map(|sum| (sum as f64 - target).abs()).fold(f64::INFINITY, f64::min)
}

proptest! {
    #[test]
    fn every_image_is_in_exactly_one_split_and_no_patient_in_train_and_validation(
        files in any_files(), fraction in 0.01..0.99f64, seed: u64
    ) {
        let dataset = dataset(&files);
        let splits = Splits::make(&dataset, fraction, seed);
        let mut all: Vec<_> = Split::ALL.into_iter().flat_map(|split| splits.of(split)).copied().collect();
        all.sort_unstable();
        prop_assert_eq!(all, (0..dataset.images.len()).collect::<Vec<_>>());
        for split in Split::ALL {
            prop_assert!(splits.of(split).is_sorted());
        }
        prop_assert!(splits.test.iter().all(|&index| dataset.images[index].folder == Folder::Test));
        prop_assert!(keys(&dataset, &splits.train).is_disjoint(&keys(&dataset, &splits.validation)));
    }

    #[test]
    fn each_class_is_in_train_and_where_it_has_two_patients_in_validation(
        files in any_files(), fraction in 0.01..0.99f64, seed: u64
    ) {
        let dataset = dataset(&files);
        let splits = Splits::make(&dataset, fraction, seed);
        let rest: Vec<_> = splits.train.iter().chain(&splits.validation).copied().collect();
        for class in Class::ALL {
            let of_class: Vec<_> = rest.iter().copied().filter(|&index| dataset.images[index].class == class).collect();
            prop_assert_eq!(count(&dataset, &splits.train, class) > 0, !of_class.is_empty());
            let patients = keys(&dataset, &of_class).len();
            prop_assert_eq!(count(&dataset, &splits.validation, class) > 0, patients > 1);
        }
    }

    #[test]
    fn each_image_is_scored_in_one_fold_by_a_network_that_never_saw_its_patient(
        files in any_files(), of in 2..7usize, fraction in 0.01..0.99f64, seed: u64
    ) {
        let dataset = dataset(&files);
        let folds = (1..=of).map(|number| Splits::fold(&dataset, Fold { number, of }, fraction, seed)).collect::<Vec<_>>();
        let mut scored: Vec<_> = folds.iter().flat_map(|splits| splits.test.iter().copied()).collect();
        scored.sort_unstable();
        let rest: Vec<_> = (0..files.len()).filter(|&index| dataset.images[index].folder != Folder::Test).collect();
        prop_assert_eq!(&scored, &rest);
        for splits in &folds {
            let [train, validation, test] = Split::ALL.map(|split| keys(&dataset, splits.of(split)));
            prop_assert!(train.is_disjoint(&test) && validation.is_disjoint(&test) && train.is_disjoint(&validation));
            prop_assert_eq!(splits.train.len() + splits.validation.len() + splits.test.len(), rest.len());
        }
    }

    #[test]
    fn the_share_is_as_near_as_whole_groups_allow(
        sizes in prop::collection::vec(1..12usize, 2..14), fraction in 0.05..0.95f64
    ) {
        let groups: Vec<_> = sizes.iter().map(|&size| [size, 0]).collect();
        let taken: usize = sizes.iter().zip(stratify::choose(&groups, fraction)).filter(|(_, c)| *c).map(|(s, _)| s).sum();
        let target = fraction * sizes.iter().sum::<usize>() as f64;
        let error = (taken as f64 - target).abs();
        prop_assert!(error <= best_error(&sizes, target) + 1e-9, "{} of {:?} for {}", taken, sizes, target);
    }

    #[test]
    fn the_order_in_which_files_are_found_does_not_matter(
        files in any_files().prop_flat_map(|files| (Just(files.clone()), Just(files).prop_shuffle())), seed: u64
    ) {
        let (sorted, shuffled) = (dataset(&files.0), Dataset { images: files.1.iter().map(|f| image(f)).collect(), ..dataset([""; 0]) });
        let [mut a, mut b] = [&sorted, &shuffled].map(|dataset| Splits::make(dataset, 0.3, seed));
        prop_assert_eq!(a.hash(&sorted), b.hash(&shuffled));
        a.sample_train(&sorted, 0.4, seed);
        b.sample_train(&shuffled, 0.4, seed);
        prop_assert_eq!(names(&sorted, &a.train), names(&shuffled, &b.train));
    }

    #[test]
    fn a_smaller_sample_lies_within_a_larger_one_and_empties_no_class(
        files in any_files(), small in 0.01..1.0f64, more in 0.0..1.0f64, seed: u64
    ) {
        let dataset = dataset(&files);
        let whole = Splits::make(&dataset, 0.2, seed);
        let [few, many] = [small, (small + more).min(1.0)].map(|fraction| {
            let mut splits = whole.clone();
            splits.sample_train(&dataset, fraction, seed);
            splits
        });
        prop_assert!(names(&dataset, &few.train).is_subset(&names(&dataset, &many.train)));
        for class in Class::ALL {
            prop_assert_eq!(count(&dataset, &few.train, class) > 0, count(&dataset, &whole.train, class) > 0);
        }
    }
}
