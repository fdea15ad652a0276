//! Curves as PyTorch reckons them, and made-up networks whose answers are known.

use proptest::prelude::*;

use super::*;
use crate::predict::tests::{assert_close, cases, predictor};

/// A map of 4 x 4 that is hot in its first row, hottest at the left.
fn hot_above() -> HeatMap {
    let mut values = vec![0.0; 16];
    values[..4].copy_from_slice(&[1.0, 0.9, 0.8, 0.7]);
    HeatMap { width: 4, height: 4, values }
}

/// A picture of 16 x 16 that is white in its first quarter of rows and black below.
fn bright_above() -> GreyImage {
    let pixels = (0..256).map(|place| if place < 64 { 255 } else { 0 }).collect();
    GreyImage { width: 16, height: 16, pixels }
}

/// How much white is left of the rows above: of a network that looks there alone.
fn white_above(squares: &[Vec<u8>]) -> Vec<f64> {
    let white = |square: &Vec<u8>| square[..64].iter().map(|&value| f64::from(u8::from(value == 255))).sum::<f64>();
    squares.iter().map(|square| white(square) / 64.0).collect()
}

fn checked(map: &HeatMap, seed: u64, ask: impl Fn(&[Vec<u8>]) -> Result<Vec<f64>>) -> Deletion {
    let picture = bright_above();
    check(&Areas::of(&picture, map).unwrap(), (map, Class::Normal), seed, &mut |squares| ask(squares)).unwrap()
}

#[test]
fn curves_and_their_areas_are_those_of_pytorch() {
    for (case, predictor, picture) in cases("deletion") {
        let map = HeatMap { width: 14, height: 14, values: vec![1.0; 196] };
        let order: Vec<usize> = (0..196).map(|place| 37 * place % 196).collect();
        let areas = Areas::of(&picture, &map).unwrap();
        for class in Class::ALL {
            let ask = &mut |squares: &[Vec<u8>]| predictor.probabilities(squares, class);
            let curves = curves(&areas, &[order.clone(), order.clone()], 20, ask).unwrap();
            let expected = case["curve"].as_array().unwrap().iter().map(|pair| pair[class.index()].clone()).collect();
            for curve in curves {
                assert_close("curve", curve.iter().copied(), &expected, 2e-5);
                assert_close("area", [area_under(&curve)], &[case["areas"][class.index()].clone()].into(), 2e-5);
            }
        }
    }
}

#[test]
fn a_map_that_points_at_what_the_network_sees_beats_chance() {
    let found = checked(&hot_above(), 1, |squares| Ok(white_above(squares)));
    // Two areas go at a time, and only four hold what the network looks at.
    assert_eq!(found.curve, [1.0, 0.5, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0]);
    assert!((found.by_heat - 1.0 / 8.0).abs() < 1e-12, "{found:?}");
    assert!(found.by_chance > 0.3 && found.by_order.len() == ORDERS, "{found:?}");
    assert_eq!(found.verdict(), "the answer falls sooner than by chance");
}

#[test]
fn a_map_that_points_elsewhere_does_not() {
    let mut elsewhere = hot_above();
    elsewhere.values.reverse();
    let found = checked(&elsewhere, 1, |squares| Ok(white_above(squares)));
    assert_eq!(found.curve[..3], [1.0; 3]);
    assert!(found.by_heat > found.by_chance, "{found:?}");
    assert_eq!(found.verdict(), "the answer falls no sooner than by chance");
}

#[test]
fn a_network_that_never_changes_its_answer_proves_no_map() {
    let found = checked(&hot_above(), 1, |squares| Ok(vec![0.75; squares.len()]));
    assert_eq!((found.by_heat, found.by_chance, &found.curve), (0.75, 0.75, &vec![0.75; 9]));
    assert!(found.verdict().contains("no sooner than"));
    // Nor does one that changes it by what nobody would notice.
    let hardly = checked(&hot_above(), 1, |squares| {
        Ok(white_above(squares).into_iter().map(|white| 0.99 + 0.01 * white).collect())
    });
    assert!(hardly.by_heat < hardly.by_chance && hardly.verdict().contains("no sooner than"), "{hardly:?}");
}

#[test]
fn a_map_without_heat_or_with_too_few_values_is_refused_in_words() {
    let picture = bright_above();
    let cold = HeatMap { width: 4, height: 4, values: vec![0.0; 16] };
    let short = HeatMap { width: 4, height: 4, values: vec![1.0; 15] };
    for (map, words) in
        [(cold, "heat map: has no heat"), (short, "heat map: has not as many"), (HeatMap::default(), "no heat")]
    {
        let said = predictor(32).deletion(&picture, (&map, Class::Normal), 1).unwrap_err().to_string();
        assert!(said.contains(words), "{said}");
    }
}

#[test]
fn a_whole_check_of_the_network_repeats_with_its_seed_and_warns_of_pneumonia() {
    for (_, predictor, picture) in cases("heat").skip(1) {
        let explained = predictor.explain(&picture).unwrap();
        for (map, class) in explained.maps.iter().zip(Class::ALL) {
            let found = predictor.deletion(&picture, (map, class), 7).unwrap();
            assert_eq!(predictor.deletion(&picture, (map, class), 7).unwrap(), found);
            let asked = predictor.probabilities(std::slice::from_ref(&picture.pixels), class).unwrap()[0];
            assert!((found.curve[0] - asked).abs() < 1e-6, "{found:?}");
            assert_eq!(found.caveat().is_some(), class == Class::Pneumonia);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_order_takes_every_area_once_and_ends_in_grey(
        size in (1..40_usize, 1..9_usize, 1..9_usize),
        heat in prop::collection::vec(0.0_f32..=1.0, 64),
        seed in any::<u64>(),
    ) {
        let (side, width, height) = size;
        let map = HeatMap { width, height, values: heat[..width * height].to_vec() };
        prop_assume!(map.values.iter().any(|value| *value > 0.0));
        let order = hottest_first(&map, seed);
        prop_assert!(order.windows(2).all(|pair| map.values[pair[0]] >= map.values[pair[1]]));
        let mut sorted = order.clone();
        sorted.sort_unstable();
        prop_assert_eq!(sorted, (0..width * height).collect::<Vec<_>>());
        let pixels: Vec<u8> = (0..side * side).map(|place| u8::try_from(place * 7 % 256).unwrap()).collect();
        let picture = GreyImage { width: side, height: side, pixels };
        let areas = Areas::of(&picture, &map).unwrap();
        prop_assert_eq!(areas.without(&order), vec![areas.mean; side * side]);
        prop_assert_eq!(areas.without(&[]), picture.pixels.clone());
    }

    #[test]
    fn areas_lie_between_the_least_and_the_most_answer(answers in prop::collection::vec(0.0..=1.0, 1..40)) {
        let at = std::cell::Cell::new(0);
        let found = checked(&hot_above(), 3, |squares| {
            Ok(squares.iter().map(|_| { at.set(at.get() + 1); answers[at.get() % answers.len()] }).collect())
        });
        let (least, most) = answers.iter().fold((1.0_f64, 0.0_f64), |(a, b), v| (a.min(*v), b.max(*v)));
        for area in found.by_order.iter().chain([&found.by_heat, &found.by_chance]) {
            prop_assert!((least - 1e-12..=most + 1e-12).contains(area), "{:?}", found);
        }
    }
}
