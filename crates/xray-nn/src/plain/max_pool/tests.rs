//! Max-pooling against a naive reference in f64, and PyTorch's rules for ties and NaN.
#![allow(clippy::cast_possible_wrap, clippy::cast_precision_loss)]

use candle_core::{Device, Tensor, Var};
use proptest::prelude::*;

use super::max_pool;

/// One plane by the definition: pad with minus infinity, look at every window. Gives each window's largest value and
/// its place, the first of equal ones.
fn naive(plane: &[f64], height: usize, width: usize) -> Vec<(f64, usize)> {
    let at = |row: isize, column: isize| -> Option<usize> {
        let (row, column) = (usize::try_from(row).ok()?, usize::try_from(column).ok()?);
        (row < height && column < width).then_some(row * width + column)
    };
    let mut windows = Vec::new();
    for row in (0..height as isize).step_by(2) {
        for column in (0..width as isize).step_by(2) {
            let places = (-1..=1).flat_map(|dy| (-1..=1).map(move |dx| (row + dy, column + dx)));
            let mut best = (f64::NEG_INFINITY, usize::MAX);
            for place in places.filter_map(|(row, column)| at(row, column)) {
                if plane[place] > best.0 {
                    best = (plane[place], place);
                }
            }
            windows.push(best);
        }
    }
    windows
}

/// Output, and the gradient of `sum(output * weights)`, both flat.
fn pooled_and_gradient(values: &[f32], shape: [usize; 4]) -> (Vec<f32>, Vec<f32>) {
    let images = Var::from_slice(values, shape.as_slice(), &Device::Cpu).unwrap();
    let output = max_pool(&images).unwrap();
    let weights: Vec<f32> = (1..=output.elem_count()).map(|weight| weight as f32).collect();
    let weights = Tensor::from_vec(weights, output.dims(), &Device::Cpu).unwrap();
    let gradients = (&output * weights).unwrap().sum_all().unwrap().backward().unwrap();
    let flat = |tensor: &Tensor| tensor.flatten_all().unwrap().to_vec1::<f32>().unwrap();
    (flat(&output), flat(gradients.get(&images).unwrap()))
}

/// Images of few different values, so that ties are common.
fn images() -> impl Strategy<Value = ([usize; 4], Vec<f32>)> {
    (1..3_usize, 1..4_usize, 1..9_usize, 1..9_usize).prop_flat_map(|(batch, channels, height, width)| {
        let values = prop::collection::vec((-3..4_i8).prop_map(f32::from), batch * channels * height * width);
        (Just([batch, channels, height, width]), values)
    })
}

proptest! {
    #[test]
    fn it_agrees_with_the_naive_reference((shape, values) in images()) {
        let [_, _, height, width] = shape;
        let (output, gradient) = pooled_and_gradient(&values, shape);
        let (mut expected, mut expected_gradient) = (Vec::new(), vec![0.0_f64; values.len()]);
        let values: Vec<f64> = values.iter().map(|&value| f64::from(value)).collect();
        for (index, plane) in values.chunks(height * width).enumerate() {
            for (value, place) in naive(plane, height, width) {
                expected.push(value);
                expected_gradient[index * height * width + place] += expected.len() as f64;
            }
        }
        prop_assert_eq!(output.iter().map(|&x| f64::from(x)).collect::<Vec<_>>(), expected);
        prop_assert_eq!(gradient.iter().map(|&x| f64::from(x)).collect::<Vec<_>>(), expected_gradient);
    }
}

#[test]
fn of_equal_values_the_first_gets_the_gradient() {
    let (output, gradient) = pooled_and_gradient(&[5.0; 4], [1, 1, 2, 2]);
    assert_eq!(output, [5.0]);
    assert_eq!(gradient, [1.0, 0.0, 0.0, 0.0]);
}

#[test]
fn nan_wins_and_so_reaches_the_loss() {
    let (output, gradient) = pooled_and_gradient(&[1.0, f32::NAN, 9.0, f32::INFINITY], [1, 1, 2, 2]);
    assert!(output[0].is_nan());
    assert_eq!(gradient, [0.0, 1.0, 0.0, 0.0]);
}

#[test]
fn a_plane_of_minus_infinity_is_pooled_to_it() {
    let (output, _) = pooled_and_gradient(&[f32::NEG_INFINITY; 9], [1, 1, 3, 3]);
    assert_eq!(output, [f32::NEG_INFINITY; 4]);
}

#[test]
fn a_view_that_is_not_contiguous_is_pooled_by_its_own_order() {
    let plane = Tensor::arange(0_f32, 6.0, &Device::Cpu).unwrap().reshape((1, 1, 2, 3)).unwrap();
    let turned = max_pool(&plane.transpose(2, 3).unwrap()).unwrap();
    assert_eq!(turned.flatten_all().unwrap().to_vec1::<f32>().unwrap(), [4.0, 5.0]);
}

#[test]
fn images_without_pixels_are_refused() {
    let nothing = Tensor::zeros((1, 1, 0, 4), candle_core::DType::F32, &Device::Cpu).unwrap();
    assert!(max_pool(&nothing).unwrap_err().to_string().contains("nothing to pool"));
}
