//! Each change by hand and as properties.

use proptest::prelude::*;
use serde_json::Value;

use super::*;
use crate::dataset::random::{Purpose, stream};

fn rng(seed: u64) -> ChaCha8Rng {
    stream(seed, Purpose::Augmentation, [0, 0])
}

const STILL: Change = Change {
    crop: None,
    flip: false,
    degrees: 0.0,
    moved: [0.0; 2],
    brightness: 1.0,
    contrast: 1.0,
    gamma: 0.0,
    erased: None,
};

/// All changes at once.
const ALL: Augmentation = Augmentation {
    horizontal_flip: true,
    crop_scale: 0.3,
    rotation_degrees: 10.0,
    translation: 0.1,
    brightness: 0.2,
    contrast: 0.2,
    gamma: 0.5,
    erasing: 0.5,
};

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
fn a_move_is_by_whole_pixels_to_the_right_and_down_and_leaves_black() {
    let right = Change { moved: [0.3, 0.0], ..STILL }.apply(SMALL.to_vec(), 3); // 0.9 of a pixel is one
    assert_eq!(right, [0, 10, 20, 0, 40, 50, 0, 70, 80]);
    let up = Change { moved: [0.0, -0.4], ..STILL }.apply(SMALL.to_vec(), 3);
    assert_eq!(up, [40, 50, 60, 70, 80, 90, 0, 0, 0]);
}

#[test]
fn a_move_comes_after_the_turn() {
    let both = Change { degrees: 90.0, moved: [0.34, 0.0], ..STILL }.apply(SMALL.to_vec(), 3);
    assert_eq!(both, [0, 30, 60, 0, 20, 50, 0, 10, 40]);
}

#[test]
fn gamma_is_a_power_after_contrast_and_leaves_black_and_white() {
    let darker = Change { gamma: 2.0_f32.ln(), ..STILL }.apply(vec![0, 51, 128, 255], 2);
    assert_eq!(darker, [0, 10, 64, 255]); // 255 * 0.2^2 = 10.2, 255 * (128 / 255)^2 = 64.25
    let after = Change { gamma: 2.0_f32.ln(), brightness: 2.0, ..STILL }.apply(vec![0, 51, 51, 255], 2);
    assert_eq!(after, [0, 41, 41, 255]); // 255 * 0.4^2 = 40.8
}

#[test]
fn what_is_blotted_out_gets_the_mean_grey_at_last() {
    let part = Part { left: 0.3, top: 0.0, width: 0.7, height: 0.34 };
    let blotted = Change { erased: Some(part), ..STILL }.apply(SMALL.to_vec(), 3);
    assert_eq!(blotted, [10, 50, 50, 40, 50, 60, 70, 80, 90]);
    let brighter = Change { erased: Some(part), brightness: 2.0, ..STILL }.apply(SMALL.to_vec(), 3);
    assert_eq!(brighter, [20, 100, 100, 80, 100, 120, 140, 160, 180]);
}

#[test]
fn parts_are_those_that_pil_cuts_out() {
    let cases: Vec<Value> = serde_json::from_str(include_str!("../../../tests/fixtures/augment/crop.json")).unwrap();
    assert_eq!(cases.len(), 7);
    for case in cases {
        let [width, height, size] =
            ["width", "height", "size"].map(|key| usize::try_from(case[key].as_u64().unwrap()).unwrap());
        let level = |x: usize, y: usize| u8::try_from((5 * x + 3 * y + x * y / 7 % 60) % 256).unwrap();
        let pixels = (0..height).flat_map(|y| (0..width).map(move |x| level(x, y))).collect();
        let [left, top, wide, high] = [0, 1, 2, 3].map(|place| case["part"][place].as_f64().unwrap());
        let part = Part { left, top, width: wide, height: high };
        let own = part.cut(&GreyImage { width, height, pixels }, size);
        let digits = case["pixels"].as_str().unwrap().as_bytes().chunks_exact(2);
        let pils = digits.map(|pair| u8::from_str_radix(str::from_utf8(pair).unwrap(), 16).unwrap());
        assert_eq!(own.len(), pils.len());
        let worst = own.iter().zip(pils).map(|(own, pils)| own.abs_diff(pils)).max();
        assert!(worst <= Some(2), "{width}x{height} to {size}: off by {worst:?}");
    }
}

#[test]
fn recorded_runs_repeat_as_the_first_four_draws_decide_the_first_four_changes() {
    let plain = Augmentation {
        horizontal_flip: true,
        rotation_degrees: 10.0,
        brightness: 0.2,
        contrast: 0.2,
        ..Augmentation::OFF
    };
    for recipe in [plain, ALL] {
        let [flip, angle, brightness, contrast]: [f32; 4] = rng(5).random();
        let change = Change::draw(&recipe, &mut rng(5));
        assert_eq!(change.flip, flip < 0.5);
        let drawn = [change.degrees, change.brightness, change.contrast].map(f32::to_bits);
        let due =
            [10.0 * (2.0 * angle - 1.0), 1.0 + 0.2 * (2.0 * brightness - 1.0), 1.0 + 0.2 * (2.0 * contrast - 1.0)];
        assert_eq!(drawn, due.map(f32::to_bits));
    }
}

/// The parts drawn by 2000 seeds, nothing where none fits.
fn parts(areas: [f64; 2], aspects: [f64; 2]) -> Vec<Option<Part>> {
    (0..2000).map(|seed| Part::drawn(areas, aspects, &Draws::new(&mut rng(seed)))).collect()
}

#[test]
fn a_crop_keeps_its_aspect_within_three_to_four_and_its_area_above_the_least() {
    for part in parts([0.3, 1.0], CROP_ASPECTS).into_iter().flatten() {
        let (area, aspect) = (part.width * part.height, part.width / part.height);
        assert!((0.3 - 1e-9..=1.0).contains(&area), "{part:?}");
        assert!((0.75 - 1e-9..=4.0 / 3.0 + 1e-9).contains(&aspect), "{part:?}");
    }
}

#[test]
fn parts_lie_within_the_picture_at_any_place_of_it() {
    let found: Vec<Part> = parts(ERASED_AREAS, ERASED_ASPECTS).into_iter().flatten().collect();
    assert!(found.len() > 1990, "{}", found.len());
    let inside = |part: &Part| part.left >= 0.0 && part.top >= 0.0 && part.left + part.width <= 1.0 + 1e-9;
    assert!(found.iter().all(|part| inside(part) && part.top + part.height <= 1.0 + 1e-9));
    let places: [fn(&Part) -> f64; 2] = [|part| part.left / (1.0 - part.width), |part| part.top / (1.0 - part.height)];
    for of in places {
        assert!(found.iter().any(|part| of(part) < 0.01) && found.iter().any(|part| of(part) > 0.99));
    }
}

#[test]
fn a_part_of_an_aspect_that_never_fits_is_none() {
    assert!(parts([1.0, 1.0], [2.0, 3.0]).into_iter().all(|part| part.is_none()));
}

#[test]
fn half_of_the_images_are_blotted_where_one_in_two_is_asked_for() {
    let blots = (0..2000).filter(|&seed| Change::draw(&ALL, &mut rng(seed)).erased.is_some()).count();
    assert!((900..=1100).contains(&blots), "{blots}");
}

#[test]
fn draws_cover_their_ranges_and_half_of_the_images_are_flipped() {
    let changes: Vec<_> = (0..2000).map(|seed| Change::draw(&ALL, &mut rng(seed))).collect();
    let flips = changes.iter().filter(|change| change.flip).count();
    assert!((900..=1100).contains(&flips), "{flips}");
    let range =
        |of: fn(&Change) -> f32| changes.iter().map(of).fold((f32::MAX, f32::MIN), |(a, b), v| (a.min(v), b.max(v)));
    for ((low, high), (from, to)) in [
        (range(|change| change.degrees), (-10.0, 10.0)),
        (range(|change| change.brightness), (0.8, 1.2)),
        (range(|change| change.contrast), (0.8, 1.2)),
        (range(|change| change.moved[0]), (-0.1, 0.1)),
        (range(|change| change.moved[1]), (-0.1, 0.1)),
        (range(|change| change.gamma.exp()), (1.0 / 1.5, 1.5)),
    ] {
        let margin = (to - from) * 0.01;
        let inside = low >= from - 1e-6 && high <= to + 1e-6;
        assert!(inside && low < from + margin && high > to - margin, "{low} to {high}");
    }
}

#[test]
fn switching_one_change_off_leaves_the_others_as_they_were() {
    let all = Change::draw(&ALL, &mut rng(7));
    let without = Augmentation { rotation_degrees: 0.0, horizontal_flip: false, crop_scale: 1.0, ..ALL };
    let some = Change::draw(&without, &mut rng(7));
    assert_eq!(some, Change { flip: false, degrees: 0.0, crop: None, ..all });
    let without = Augmentation { translation: 0.0, gamma: 0.0, erasing: 0.0, ..ALL };
    let some = Change::draw(&without, &mut rng(7));
    assert_eq!(some, Change { moved: [0.0; 2], gamma: 0.0, erased: None, ..all });
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
        let recipe = ALL;
        let [a, b] = [0, 1].map(|_| augment(&image, size, &recipe, &mut rng(seed)));
        prop_assert_eq!(a.len(), size * size);
        prop_assert_eq!(a, b);
    }

    #[test]
    fn a_part_of_any_picture_fills_the_square(
        image in picture(), size in 1..40usize, place in 0.0..1.0f64, width in 1e-6..1.0f64, height in 1e-6..1.0f64
    ) {
        let part = Part { left: place * (1.0 - width), top: (1.0 - place) * (1.0 - height), width, height };
        let cut = part.cut(&image, size);
        prop_assert_eq!(cut.len(), size * size);
        let range = |pixels: &[u8]| (pixels.iter().copied().min().unwrap(), pixels.iter().copied().max().unwrap());
        let ((black, white), (darkest, brightest)) = (range(&image.pixels), range(&cut));
        prop_assert!(darkest.saturating_add(1) >= black && brightest <= white.saturating_add(1));
    }

    #[test]
    fn as_many_numbers_are_drawn_whatever_is_on(image in picture(), flip: bool, degrees in 0.0..90.0, erasing in 0.0..1.0) {
        let some = Augmentation { horizontal_flip: flip, rotation_degrees: degrees, erasing, ..Augmentation::OFF };
        let recipe = if flip { Augmentation { erasing, ..ALL } } else { some };
        let (mut used, mut fresh) = (rng(1), rng(1));
        let _ = augment(&image, image.width, &recipe, &mut used);
        let _: [f32; 52] = fresh.random();
        prop_assert_eq!(used.random::<u64>(), fresh.random::<u64>());
    }
}
