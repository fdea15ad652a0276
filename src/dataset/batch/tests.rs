//! Batches of a small data set made for the test: values, labels and independence of the batch.

use std::fs;
use std::ops::ControlFlow;

use proptest::prelude::*;
use tempfile::{TempDir, tempdir};

use super::*;
use crate::dataset::look::TestAugmentation;
use crate::dataset::{find, resize};

const SIZE: usize = 32;

/// Six images of 40 x 40 to 60 x 40 pixels, and the cache of their pictures.
fn small() -> (TempDir, Dataset, Cache) {
    let dir = tempdir().unwrap();
    for (n, class) in ["NORMAL", "PNEUMONIA"].into_iter().cycle().take(6).enumerate() {
        let folder = dir.path().join("data/train").join(class);
        fs::create_dir_all(&folder).unwrap();
        let seed = u32::try_from(n).unwrap();
        let value = |x, y| u8::try_from((x * 3 + y * 5 + seed * 31) % 256).unwrap();
        let image = image::GrayImage::from_fn(40 + 4 * seed, 40, |x, y| image::Luma([value(x, y)]));
        image.save(folder.join(format!("{n}.png"))).unwrap();
    }
    let dataset = find(&dir.path().join("data")).unwrap();
    let cache = Cache::open(&dir.path().join("cache"), &dataset, SIZE, &mut |_| ControlFlow::Continue(())).unwrap();
    (dir, dataset, cache)
}

/// Pictures without any change.
fn plain<'a>(dataset: &'a Dataset, cache: &'a Cache) -> Source<'a> {
    let (augmentation, normalisation) = (Augmentation::OFF, Normalisation::None);
    Source { dataset, cache, augmentation, normalisation, size: SIZE, seed: 3 }
}

fn pixels_of(batch: &Batch, index: usize) -> &[f32] {
    let place = batch.images.iter().position(|&image| image == index).unwrap();
    batch.pixels.chunks_exact(3 * SIZE * SIZE).nth(place).unwrap()
}

#[test]
fn a_batch_holds_three_normalised_planes_an_image_and_labels_in_order() {
    let (_dir, dataset, cache) = small();
    let batch = evaluation_batch((&dataset, &cache), &[5, 0, 3], Look::default()).unwrap();
    assert_eq!(batch.pixels.len(), 3 * 3 * SIZE * SIZE);
    assert_eq!((batch.labels.as_slice(), batch.images.as_slice()), (&[1, 0, 1][..], &[5, 0, 3][..]));
    let mut grey = vec![0; SIZE * SIZE];
    cache.read_evaluation(3, &mut grey).unwrap();
    let mut expected = vec![0.0; 3 * SIZE * SIZE];
    normalise(&grey, &mut expected);
    assert_eq!(pixels_of(&batch, 3), expected);
}

#[test]
fn grey_values_are_normalised_as_torchvision_does() {
    let mut out = [0.0; 6];
    normalise(&[0, 255], &mut out);
    // Normalize(IMAGENET)(ToTensor()(image)) of a black and a white pixel in PyTorch.
    let expected = [-2.117_904, 2.248_908_3, -2.035_714_2, 2.428_571_5, -1.804_444_4, 2.64];
    assert!(out.iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-6), "{out:?}");
}

#[test]
fn an_image_is_augmented_alike_in_every_batch_and_anew_in_every_epoch() {
    let (_dir, dataset, cache) = small();
    let source = Source { augmentation: Augmentation::default(), ..plain(&dataset, &cache) };
    let whole = training_batch(&source, &[0, 1, 2, 3, 4, 5], 1).unwrap();
    let other = training_batch(&source, &[4, 2], 1).unwrap();
    for index in [2, 4] {
        assert_eq!(pixels_of(&whole, index), pixels_of(&other, index));
    }
    let later = training_batch(&source, &[4, 2], 2).unwrap();
    assert_ne!(pixels_of(&later, 2), pixels_of(&whole, 2));
    let reseeded = training_batch(&Source { seed: 4, ..source }, &[4, 2], 1).unwrap();
    assert_ne!(pixels_of(&reseeded, 2), pixels_of(&whole, 2));
    assert_eq!(other.labels, [dataset.images[4].class as u32, dataset.images[2].class as u32]);
}

#[test]
fn without_augmentation_training_sees_the_evaluation_pictures() {
    let (_dir, dataset, cache) = small();
    let source = plain(&dataset, &cache);
    let images = [1, 4, 0];
    assert_eq!(
        training_batch(&source, &images, 1).unwrap(),
        evaluation_batch((&dataset, &cache), &images, Look::default()).unwrap()
    );
}

#[test]
fn augmented_pictures_are_those_of_the_cached_source() {
    let (_dir, dataset, cache) = small();
    let augmentation = Augmentation { horizontal_flip: true, ..Augmentation::OFF };
    let source = Source { augmentation, ..plain(&dataset, &cache) };
    let plain = evaluation_batch((&dataset, &cache), &[1], Look::default()).unwrap();
    let square = resize::to_square(&cache.read_source(1).unwrap(), SIZE);
    let mirrored: Vec<u8> = square.pixels.chunks_exact(SIZE).flat_map(|row| row.iter().rev()).copied().collect();
    let mut expected = vec![0.0; 3 * SIZE * SIZE];
    normalise(&mirrored, &mut expected);
    let seen: Vec<_> = (0..20).map(|epoch| training_batch(&source, &[1], epoch).unwrap().pixels).collect();
    let flipped = seen.iter().filter(|&pixels| *pixels == expected).count();
    assert!((3..=17).contains(&flipped), "{flipped}");
    assert_eq!(seen.iter().filter(|&pixels| *pixels == plain.pixels).count(), 20 - flipped);
}

#[test]
fn an_empty_batch_is_empty() {
    let (_dir, dataset, cache) = small();
    let batch = evaluation_batch((&dataset, &cache), &[], Look::default()).unwrap();
    assert!(batch.pixels.is_empty() && batch.labels.is_empty());
    normalise(&[], &mut [1.0; 3]);
}

proptest! {
    #[test]
    fn an_epoch_sees_every_image_once(images in prop::collection::vec(0..1000usize, 0..80), seed: u64, epoch in 0..50usize) {
        let mut shuffled = order(&images, seed, epoch);
        prop_assert_eq!(&shuffled, &order(&images, seed, epoch));
        let mut images = images;
        images.sort_unstable();
        shuffled.sort_unstable();
        prop_assert_eq!(shuffled, images);
    }

    #[test]
    fn each_epoch_and_seed_has_an_order_of_its_own(seed: u64, epoch in 0..50usize) {
        let images: Vec<_> = (0..64).collect();
        let first = order(&images, seed, epoch);
        prop_assert_ne!(&first, &order(&images, seed, epoch + 1));
        prop_assert_ne!(&first, &order(&images, seed.wrapping_add(1), epoch));
    }
}

#[test]
fn pictures_of_another_size_than_the_evaluations_come_from_the_source() {
    let (_dir, dataset, cache) = small();
    let batch = training_batch(&Source { size: 48, ..plain(&dataset, &cache) }, &[2, 0], 1).unwrap();
    assert_eq!(batch.pixels.len(), 2 * 3 * 48 * 48);
    let source = resize::to_square(&cache.read_source(2).unwrap(), 48);
    let mut wanted = vec![0.0; 3 * 48 * 48];
    normalise(&source.pixels, &mut wanted);
    assert_eq!(batch.pixels[..wanted.len()], wanted);
}

#[test]
fn training_and_evaluation_have_the_same_greys() {
    let (_dir, dataset, cache) = small();
    for normalisation in [Normalisation::Stretch, Normalisation::Equalise, Normalisation::Clahe] {
        let trained = training_batch(&Source { normalisation, ..plain(&dataset, &cache) }, &[1, 4], 1).unwrap();
        let look = Look { normalisation, ..Look::default() };
        assert_eq!(trained, evaluation_batch((&dataset, &cache), &[1, 4], look).unwrap(), "{normalisation:?}");
    }
}

#[test]
fn several_looks_at_an_image_stand_one_after_the_other() {
    let (_dir, dataset, cache) = small();
    let look = Look { test_augmentation: TestAugmentation::Views, ..Look::default() };
    let batch = evaluation_batch((&dataset, &cache), &[3, 2], look).unwrap();
    assert_eq!((batch.labels.len(), batch.images.as_slice()), (8, &[3, 2][..]));
    assert_eq!(batch.labels, [1, 1, 1, 1, 0, 0, 0, 0]);
    let single = evaluation_batch((&dataset, &cache), &[2], Look::default()).unwrap();
    assert_eq!(batch.pixels[4 * single.pixels.len()..][..single.pixels.len()], single.pixels);
}

#[test]
fn pictures_made_harder_differ_and_stay_the_same_from_time_to_time() {
    let (_dir, dataset, cache) = small();
    let sets = (&dataset, &cache);
    let images = [0, 1, 2, 3, 4, 5];
    let hard = |turn| shifted_batch(sets, &images, (Look::default(), &|index| Shift::ALL[index + turn])).unwrap();
    assert_eq!(hard(0), hard(0));
    assert!(hard(0) != hard(3) && hard(0) != evaluation_batch(sets, &images, Look::default()).unwrap());
}

#[test]
fn a_balanced_epoch_has_as_many_of_each_class_and_others_each_time() {
    let (_dir, dataset, _) = small();
    // Three healthy ones, one ill.
    let images = [0, 1, 2, 4];
    let epochs: Vec<Vec<usize>> = (1..=8).map(|epoch| balanced_order(&dataset, &images, 3, epoch)).collect();
    assert!(epochs.iter().all(|order| order.len() == 2 && order.contains(&4)));
    let mut healthy: Vec<usize> = epochs.concat().into_iter().filter(|&index| index != 4).collect();
    healthy.sort_unstable();
    healthy.dedup();
    assert!(healthy.len() > 1, "always the same image of the commoner class");
}

#[test]
fn a_balanced_epoch_is_mixed_to_its_end() {
    let (_dir, dataset, _) = small();
    let images = [vec![0; 300], vec![4; 100]].concat();
    let order = balanced_order(&dataset, &images, 3, 1);
    assert_eq!(order.len(), 200);
    for part in order.chunks(50) {
        let ill = part.iter().filter(|&&index| index == 4).count();
        assert!((13..=37).contains(&ill), "{ill} of 50 are of the rarer class");
    }
}
