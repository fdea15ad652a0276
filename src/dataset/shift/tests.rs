//! Each shift by hand and as properties.

use proptest::prelude::*;

use super::*;

const SIZE: usize = 64;

/// Brighter to the lower right, with grain and a dark corner.
fn picture() -> Vec<u8> {
    let level = |x: usize, y: usize| if x + y < 20 { 0 } else { 40 + x + y + (37 * x + 91 * y + 13 * x * y) % 23 };
    let places = (0..SIZE).flat_map(|y| (0..SIZE).map(move |x| (x, y)));
    places.map(|(x, y)| u8::try_from(level(x, y)).unwrap()).collect()
}

fn shifted(shift: Shift, grey: &[u8], size: usize) -> Vec<u8> {
    let mut grey = grey.to_vec();
    shift.apply(&mut grey, size, 7);
    grey
}

fn mean(grey: &[u8]) -> f64 {
    grey.iter().copied().map(f64::from).sum::<f64>() / f64::from(u32::try_from(grey.len()).unwrap())
}

#[test]
fn none_changes_nothing_and_every_other_one_the_picture() {
    assert_eq!(shifted(Shift::None, &picture(), SIZE), picture());
    for shift in Shift::ALL {
        assert_ne!(shifted(shift, &picture(), SIZE), picture(), "{}", shift.name());
    }
}

#[test]
fn all_of_them_and_none_are_the_words_that_can_be_said() {
    let names: Vec<_> = [Shift::None].into_iter().chain(Shift::ALL).map(Shift::name).collect();
    assert_eq!(names, Shift::NAMES);
}

#[test]
fn the_same_picture_and_seed_give_the_same() {
    for shift in Shift::ALL {
        assert_eq!(shifted(shift, &picture(), SIZE), shifted(shift, &picture(), SIZE), "{}", shift.name());
    }
}

#[test]
fn only_the_noise_looks_at_the_seed() {
    for shift in Shift::ALL {
        let mut other = picture();
        shift.apply(&mut other, SIZE, 8);
        assert_eq!(other == shifted(shift, &picture(), SIZE), shift != Shift::Noisy, "{}", shift.name());
    }
}

#[test]
fn powers_darken_and_lighten_the_middle_and_leave_black_and_white() {
    let greys = [0, 64, 128, 255];
    // 255 * (64 / 255)^1.6 = 27.93, (128 / 255)^1.6: 84.65; ^0.6: 111.3 and 168.6.
    assert_eq!(shifted(Shift::Darker, &greys, 2), [0, 28, 85, 255]);
    assert_eq!(shifted(Shift::Lighter, &greys, 2), [0, 111, 169, 255]);
}

#[test]
fn contrast_is_less_or_more_around_the_mean() {
    let greys = [50, 100, 100, 150];
    assert_eq!(shifted(Shift::Flatter, &greys, 2), [70, 100, 100, 130]);
    assert_eq!(shifted(Shift::Steeper, &greys, 2), [20, 100, 100, 180]);
}

#[test]
fn a_blur_spreads_a_dot_evenly_and_keeps_a_plain_ground() {
    let mut dot = vec![100; 160 * 160];
    dot[80 * 160 + 80] = 255;
    let blurred = shifted(Shift::Blurred, &dot, 160);
    let at = |x: usize, y: usize| blurred[y * 160 + x];
    // A deviation of one pixel: the middle keeps 1 / (2 pi) of what is above the ground, a neighbour e^(-1/2) of that.
    assert_eq!([at(80, 80), at(79, 80), at(81, 80), at(80, 79), at(80, 81)], [125, 115, 115, 115, 115]);
    assert_eq!([at(0, 0), at(159, 0), at(80, 84), at(159, 159)], [100; 4]);
}

#[test]
fn noise_has_its_deviation_and_no_mean() {
    let ground = vec![128; 200 * 200];
    let noisy = shifted(Shift::Noisy, &ground, 200);
    let squares: Vec<f64> = noisy.iter().map(|&level| (f64::from(level) - 128.0).powi(2)).collect();
    let variance = squares.iter().sum::<f64>() / 40_000.0;
    assert!((mean(&noisy) - 128.0).abs() < 0.3, "{}", mean(&noisy));
    assert!((variance.sqrt() - 12.0).abs() < 0.3, "{}", variance.sqrt());
}

#[test]
fn closer_shows_the_middle_and_farther_leaves_a_black_edge() {
    let frame = |at: usize| if (6..SIZE - 6).contains(&at) { 200_u8 } else { 10 };
    let framed: Vec<u8> = (0..SIZE * SIZE).map(|at| frame(at % SIZE).min(frame(at / SIZE))).collect();
    let closer = shifted(Shift::Closer, &framed, SIZE);
    assert!(closer.iter().all(|&level| level > 150));
    let farther = shifted(Shift::Farther, &framed, SIZE);
    // 55 of 64 pixels from the fifth on.
    assert_eq!((farther[4 * SIZE + 3], farther[3 * SIZE + 4], farther[4 * SIZE + 4]), (0, 0, 10));
    assert_eq!((farther[58 * SIZE + 58], farther[59 * SIZE + 58], farther[32 * SIZE + 32]), (10, 0, 200));
}

#[test]
fn parts_fill_the_frame_with_what_is_in_them() {
    // Quarters of four greys: what lies at the corners of the frame afterwards says which part it was.
    let quarter = |at: usize| [[10_u8, 80], [150, 220]][at / SIZE / (SIZE / 2)][at % SIZE / (SIZE / 2)];
    let quarters: Vec<u8> = (0..SIZE * SIZE).map(quarter).collect();
    let middle = |shift: Shift| {
        let after = shifted(shift, &quarters, SIZE);
        // The quarters' border moves from the middle of the frame to a third of it, or to two.
        let at = |x: usize, y: usize| after[y * SIZE + x];
        [at(26, 26), at(37, 26), at(26, 37), at(37, 37)]
    };
    assert_eq!(middle(Shift::UpperLeft), [10; 4]);
    assert_eq!(middle(Shift::UpperRight), [80; 4]);
    assert_eq!(middle(Shift::LowerLeft), [150; 4]);
    assert_eq!(middle(Shift::LowerRight), [220; 4]);
    assert_eq!(middle(Shift::Wider), [10, 80, 150, 220]);
    let frame = |shift| {
        let edged: Vec<u8> = (0..SIZE * SIZE).map(|at| if at / SIZE < 7 { 0 } else { 200 }).collect();
        shifted(shift, &edged, SIZE)[SIZE / 2]
    };
    assert_eq!([frame(Shift::Wider), frame(Shift::Taller)], [200, 0], "the one loses the upper edge");
}

#[test]
fn turned_leaves_the_middle_where_it_is_and_blackens_the_corners() {
    let mut grey = vec![200; 63 * 63];
    grey[31 * 63 + 31] = 90;
    let turned = shifted(Shift::Turned, &grey, 63);
    assert_eq!((turned[31 * 63 + 31], turned[0], turned[62], turned[31 * 63 + 20]), (90, 0, 0, 200));
}

proptest! {
    #[test]
    fn no_picture_or_size_makes_it_panic(size in 1..=64usize, seed: u64, ground: u8, grain: u8) {
        let place = |at: usize| u8::try_from(at * at % 251).unwrap();
        let grey: Vec<u8> = (0..size * size).map(|at| ground.wrapping_add(place(at) & grain)).collect();
        for shift in Shift::ALL {
            let mut after = grey.clone();
            shift.apply(&mut after, size, seed);
            prop_assert_eq!(after.len(), grey.len());
        }
    }

    #[test]
    fn a_picture_of_another_number_of_pixels_stays_as_it_is(grey in prop::collection::vec(any::<u8>(), 0..20)) {
        for shift in Shift::ALL {
            prop_assert_eq!(shifted(shift, &grey, 5), grey.clone());
        }
    }
}
