//! Against numpy and OpenCV, by the fixture that `tests/fixtures/augment/normalisation.py` makes, and as properties.

use proptest::prelude::*;
use serde_json::Value;

use super::*;

const ALL: [Normalisation; 4] =
    [Normalisation::None, Normalisation::Stretch, Normalisation::Equalise, Normalisation::Clahe];

/// The script's picture.
fn picture(kind: &str, size: usize) -> Vec<u8> {
    let level = |x: usize, y: usize| {
        let patch = if 3 * x > 2 * size && 4 * y > 3 * size { 60 } else { 0 };
        let slope = 30 + 100 * x / size + 50 * y / size + (37 * x + 91 * y + 13 * x * y) % 23;
        let chest = if x < size / 6 { patch } else { (slope + patch).min(255) };
        if kind == "flat" { 90 } else { chest }
    };
    let places = (0..size).flat_map(|y| (0..size).map(move |x| (x, y)));
    places.map(|(x, y)| u8::try_from(level(x, y)).unwrap()).collect()
}

fn number(of: &Value) -> usize {
    usize::try_from(of.as_u64().unwrap()).unwrap()
}

fn hex(pixels: impl Iterator<Item = u8>) -> String {
    let digits: Vec<String> = pixels.map(|pixel| format!("{pixel:02x}")).collect();
    digits.concat()
}

#[test]
fn greys_are_those_of_numpy_and_opencv() {
    let text = include_str!("../../../tests/fixtures/augment/normalisation.json");
    let cases: Vec<Value> = serde_json::from_str(text).unwrap();
    assert_eq!(cases.len(), 24);
    for case in cases {
        let (name, kind) = (case["name"].as_str().unwrap(), case["kind"].as_str().unwrap());
        let [size, step] = ["size", "step"].map(|key| number(&case[key]));
        let mut grey = picture(kind, size);
        name.parse::<Normalisation>().unwrap().apply(&mut grey, size);
        let some = hex(grey.iter().step_by(step).copied());
        assert_eq!(some, case["pixels"].as_str().unwrap(), "{name} {kind} {size}");
        assert_eq!(u64::from(crc32fast::hash(&grey)), case["crc32"], "{name} {kind} {size}");
    }
}

#[test]
fn one_percent_at_either_end_is_cut_off_and_the_rest_is_linear() {
    let mut grey: Vec<u8> = (0..100).map(|place| 50 + place).collect();
    Normalisation::Stretch.apply(&mut grey, 10);
    // From 50, the first hundredth, to 148, the 99th: 98 levels apart.
    assert_eq!((grey[0], grey[1], grey[49], grey[98], grey[99]), (0, 3, 128, 255, 255));
}

#[test]
fn equalising_gives_every_level_the_share_of_pixels_up_to_it() {
    let mut grey = vec![10, 20, 20, 30, 40, 40, 40, 40, 40];
    Normalisation::Equalise.apply(&mut grey, 3);
    assert_eq!(grey, [0, 64, 64, 96, 255, 255, 255, 255, 255]); // 2, 3 and 8 of 8; 63.75 and 95.6 round up
}

#[test]
fn a_flat_picture_stays_as_it_is_where_the_whole_is_looked_at() {
    for (way, level) in [(Normalisation::Stretch, 0), (Normalisation::Equalise, 90), (Normalisation::Stretch, 255)] {
        let mut grey = vec![level; 64];
        way.apply(&mut grey, 8);
        assert_eq!(grey, [level; 64]);
    }
}

proptest! {
    #[test]
    fn no_picture_is_too_small_and_none_changes_nothing(size in 0..40usize, seed: u8) {
        let before: Vec<u8> = (0..size * size).map(|place| seed.wrapping_mul(u8::try_from(place % 256).unwrap())).collect();
        for way in ALL {
            let mut grey = before.clone();
            way.apply(&mut grey, size);
            prop_assert_eq!(grey.len(), size * size);
            prop_assert!(way != Normalisation::None || grey == before);
        }
    }

    #[test]
    fn stretching_and_equalising_keep_the_order_of_greys(grey in prop::collection::vec(any::<u8>(), 81)) {
        for way in [Normalisation::Stretch, Normalisation::Equalise] {
            let mut after = grey.clone();
            way.apply(&mut after, 9);
            let mut pairs: Vec<_> = grey.iter().zip(&after).collect();
            pairs.sort_unstable();
            prop_assert!(pairs.is_sorted_by_key(|(_, after)| **after));
        }
    }

    #[test]
    fn a_picture_of_another_number_of_pixels_stays_as_it_is(grey in prop::collection::vec(any::<u8>(), 0..50)) {
        for way in ALL {
            let mut after = grey.clone();
            way.apply(&mut after, 9);
            prop_assert_eq!(&after, &grey);
        }
    }
}
