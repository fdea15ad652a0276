//! How long gradients are, and what is left of long ones.
#![allow(clippy::cast_possible_truncation)]

use candle_core::Device;

use super::*;

/// More than a task works on, and no multiple of anything.
const LEN: usize = 3 * VALUES + 1237;

fn gradients() -> Gradients {
    let noise = |index: usize| (f64::from(index as u32) * 0.7).sin() as f32;
    let flat: Vec<f32> = (0..LEN).map(noise).collect();
    let turned = Tensor::new(&[[1.0_f32, -2.0, 3.0], [0.5, 0.25, 8.0]], &Device::Cpu).unwrap().t().unwrap();
    Gradients { values: vec![Tensor::new(flat, &Device::Cpu).unwrap(), turned], frozen: 0 }
}

fn values_of(gradients: &Gradients) -> Vec<f32> {
    gradients.values.iter().flat_map(|tensor| tensor.flatten_all().unwrap().to_vec1::<f32>().unwrap()).collect()
}

fn length(gradients: &Gradients) -> f64 {
    values_of(gradients).into_iter().map(|value| f64::from(value).powi(2)).sum::<f64>().sqrt()
}

fn bits(gradients: &Gradients) -> Vec<u32> {
    values_of(gradients).into_iter().map(f32::to_bits).collect()
}

#[test]
fn clipping_leaves_short_gradients_as_they_are_and_says_how_long() {
    let mut clipped = gradients();
    let expected = length(&gradients());
    let found = clipped.clip(expected + 1.0).unwrap();
    assert!((found - expected).abs() < 1e-9 * expected, "{found} instead of {expected}");
    assert_eq!(bits(&clipped), bits(&gradients()));
}

#[test]
fn clipping_scales_long_gradients_to_the_bound_all_alike() {
    let (mut clipped, before) = (gradients(), values_of(&gradients()));
    let long = clipped.clip(2.5).unwrap();
    let left = length(&clipped);
    assert!((left - 2.5).abs() < 1e-6, "{left}");
    let coefficient = 2.5 / (long + 1e-6);
    for (found, before) in values_of(&clipped).into_iter().zip(before) {
        let expected = f64::from(before) * coefficient;
        assert!((f64::from(found) - expected).abs() <= 2e-7 * expected.abs(), "{found} instead of {expected}");
    }
    assert!(gradients().clip(0.0).unwrap() > 0.0);
}

#[test]
fn a_small_length_is_clipped_as_in_torch_with_its_millionth_added() {
    let gradient = Tensor::new(&[3e-6_f32, 4e-6], &Device::Cpu).unwrap();
    let mut gradients = Gradients { values: vec![gradient], frozen: 0 };
    let long = gradients.clip(3e-6).unwrap();
    assert!((long - 5e-6).abs() < 1e-12, "{long}");
    assert!((length(&gradients) - 2.5e-6).abs() < 1e-12, "5e-6 * 3e-6 / (5e-6 + 1e-6)");
}

#[test]
fn the_length_is_the_same_on_any_number_of_threads() {
    let on = |threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| {
            let mut gradients = gradients();
            (gradients.clip(1.0).unwrap().to_bits(), bits(&gradients))
        })
    };
    assert!([2, 3, 7].into_iter().all(|threads| on(threads) == on(1)));
}

#[test]
fn gradients_that_are_no_numbers_are_left_to_the_caller() {
    let broken = |value: f32| {
        let mut gradients = Gradients { values: vec![Tensor::new(&[value, 2.0], &Device::Cpu).unwrap()], frozen: 0 };
        let length = gradients.clip(1.0).unwrap();
        assert_eq!(values_of(&gradients)[1].to_bits(), 2.0_f32.to_bits());
        length
    };
    assert!(broken(f32::NAN).is_nan());
    assert!(broken(f32::INFINITY).is_infinite());
}

#[test]
fn a_bound_that_is_none_is_refused() {
    for bound in [-1.0, f64::NAN] {
        assert!(gradients().clip(bound).unwrap_err().to_string().contains("cannot be"));
    }
}
