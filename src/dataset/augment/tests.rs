//! Each change by hand and as properties.

use proptest::prelude::*;

use super::*;
use crate::dataset::random::{Purpose, stream};

fn rng(seed: u64) -> ChaCha8Rng {
    stream(seed, Purpose::Augmentation, [0, 0])
}

const STILL: Change = Change { flip: false, degrees: 0.0, brightness: 1.0, contrast: 1.0 };

/// 3 x 3 pixels.
const SMALL: [u8; 9] = [10, 20, 30, 40, 50, 60, 70, 80, 90];

#[test]
fn a_flip_mirrors_left_and_right() {
    let flipped = Change { flip: true, ..STILL }.apply(SMALL.to_vec(), 3);
    assert_eq!(flipped, [30, 20, 10, 60, 50, 40, 90, 80, 70]);
}

#[test]
fn positive_angles_turn_counter_clockwise() {
    let turned = Change { degrees: 90.0, ..STILL }.apply(SMALL.to_vec(), 3);
    assert_eq!(turned, [30, 60, 90, 20, 50, 80, 10, 40, 70]);
    let back = Change { degrees: -90.0, ..STILL }.apply(turned, 3);
    assert_eq!(back, SMALL);
}

#[test]
fn a_half_turn_reverses_all_pixels_of_even_sides_too() {
    let picture: Vec<u8> = (1..=16).collect();
    let turned = Change { degrees: 180.0, ..STILL }.apply(picture.clone(), 4);
    assert_eq!(turned, picture.into_iter().rev().collect::<Vec<_>>());
}

#[test]
fn pixels_from_outside_are_black_and_those_between_are_blended() {
    // By 45 degrees a white 2 x 2 picture's corners come from 0.5 * sqrt(2) beyond the middle of an edge: (0.5, -0.2071).
    let turned = Change { degrees: 45.0, ..STILL }.apply(vec![255; 4], 2);
    assert_eq!(turned, [202; 4]); // 255 * (1 - 0.2071) = 202.19
    // A white dot in the middle of 3 x 3, by 45 degrees: edges come from (1 ± 0.7071, 1 ± 0.7071), (1 - 0.7071)^2 of it.
    let dot = Change { degrees: 45.0, ..STILL }.apply(vec![0, 0, 0, 0, 255, 0, 0, 0, 0], 3);
    assert_eq!(dot, [0, 22, 0, 22, 255, 22, 0, 22, 0]); // 255 * 0.2929^2 = 21.9; corners lie sqrt(2) off
}

#[test]
fn brightness_multiplies_and_stops_at_white() {
    let changed = Change { brightness: 1.5, ..STILL }.apply(vec![0, 101, 170, 200], 2);
    assert_eq!(changed, [0, 152, 255, 255]); // 151.5 rounds away from zero
}

#[test]
fn contrast_blends_with_the_mean_after_brightness() {
    let changed = Change { contrast: 0.5, ..STILL }.apply(vec![0, 100, 100, 200], 2);
    assert_eq!(changed, [50, 100, 100, 150]);
    let both = Change { brightness: 2.0, contrast: 0.5, ..STILL }.apply(vec![0, 50, 50, 100], 2);
    assert_eq!(both, [50, 100, 100, 150]);
    let none = Change { contrast: 0.0, ..STILL }.apply(vec![0, 100, 100, 200], 2);
    assert_eq!(none, [100; 4]);
    let more = Change { contrast: 2.0, ..STILL }.apply(vec![0, 100, 100, 200], 2);
    assert_eq!(more, [0, 100, 100, 255]);
}

#[test]
fn draws_cover_their_ranges_and_half_of_the_images_are_flipped() {
    let recipe = Augmentation::default();
    let changes: Vec<_> = (0..2000).map(|seed| Change::draw(&recipe, &mut rng(seed))).collect();
    let flips = changes.iter().filter(|change| change.flip).count();
    assert!((900..=1100).contains(&flips), "{flips}");
    let range =
        |of: fn(&Change) -> f32| changes.iter().map(of).fold((f32::MAX, f32::MIN), |(a, b), v| (a.min(v), b.max(v)));
    for ((low, high), (from, to)) in [
        (range(|change| change.degrees), (-10.0, 10.0)),
        (range(|change| change.brightness), (0.8, 1.2)),
        (range(|change| change.contrast), (0.8, 1.2)),
    ] {
        let margin = (to - from) * 0.01;
        assert!(low >= from && high <= to && low < from + margin && high > to - margin, "{low} to {high}");
    }
}

#[test]
fn switching_one_change_off_leaves_the_others_as_they_were() {
    let all = Change::draw(&Augmentation::default(), &mut rng(7));
    let without = Augmentation { rotation_degrees: 0.0, horizontal_flip: false, ..Augmentation::default() };
    let some = Change::draw(&without, &mut rng(7));
    assert_eq!(some, Change { flip: false, degrees: 0.0, ..all });
}

fn picture() -> impl Strategy<Value = GreyImage> {
    (1..24usize).prop_flat_map(|size| {
        prop::collection::vec(any::<u8>(), size * size).prop_map(move |pixels| GreyImage {
            width: size,
            height: size,
            pixels,
        })
    })
}

proptest! {
    #[test]
    fn all_off_is_the_picture_itself(image in picture(), seed: u64) {
        prop_assert_eq!(augment(&image, image.width, &Augmentation::OFF, &mut rng(seed)), image.pixels);
    }

    #[test]
    fn all_off_is_the_evaluation_picture_of_an_image_of_another_size(image in picture(), size in 1..40usize, seed: u64) {
        let evaluation = resize::to_square(&image, size).pixels;
        prop_assert_eq!(augment(&image, size, &Augmentation::OFF, &mut rng(seed)), evaluation);
    }

    #[test]
    fn flipping_twice_changes_nothing(image in picture()) {
        let flip = Change { flip: true, ..STILL };
        let size = image.width;
        prop_assert_eq!(flip.apply(flip.apply(image.pixels.clone(), size), size), image.pixels);
    }

    #[test]
    fn a_turn_by_nothing_or_nearly_nothing_changes_nothing(image in picture()) {
        for degrees in [0.0, 1e-4] {
            let turned = Change { degrees, ..STILL }.apply(image.pixels.clone(), image.width);
            prop_assert!(turned.iter().zip(&image.pixels).all(|(a, b)| a.abs_diff(*b) <= 1));
        }
    }

    #[test]
    fn rotation_and_contrast_below_one_stay_between_black_and_the_brightest(image in picture(), degrees in -180.0..180.0f32) {
        let brightest = image.pixels.iter().copied().max().unwrap_or(0);
        let turned = Change { degrees, contrast: 0.7, ..STILL }.apply(image.pixels.clone(), image.width);
        prop_assert!(turned.iter().all(|&value| value <= brightest));
    }

    #[test]
    fn the_same_stream_gives_the_same_picture_of_the_size_asked_for(image in picture(), size in 1..40usize, seed: u64) {
        let recipe = Augmentation::default();
        let [a, b] = [0, 1].map(|_| augment(&image, size, &recipe, &mut rng(seed)));
        prop_assert_eq!(a.len(), size * size);
        prop_assert_eq!(a, b);
    }

    #[test]
    fn four_numbers_are_drawn_whatever_is_on(image in picture(), flip: bool, degrees in 0.0..90.0, brightness in 0.0..1.0) {
        let recipe = Augmentation { horizontal_flip: flip, rotation_degrees: degrees, brightness, contrast: 0.0 };
        let (mut used, mut fresh) = (rng(1), rng(1));
        let _ = augment(&image, image.width, &recipe, &mut used);
        let _: [f32; 4] = fresh.random();
        prop_assert_eq!(used.random::<u64>(), fresh.random::<u64>());
    }
}
