//! Every kernel on every instruction set against a naive reference in f64, over generated shapes.
//!
//! Bounds are relative to the norm of the whole result. A sum of K products in f32 is off by about 2^-24 * sqrt(K) of it
//! in the mean square; 1e-6 leaves an order of magnitude. Winograd's transforms cost another one for tiles of 4x4.
#![allow(clippy::cast_precision_loss, clippy::cast_possible_truncation)]

use proptest::prelude::*;

use super::direct::{self, Geometry};
use super::maps::{Extent, Maps, from_planes, to_planes};
use super::norm::{self, Gate, Moments, Norm, Shortcut, Sums};
use super::pool::{self, Codes, Pooled};
use super::stem::{self, Images};
use super::winograd::{self, Direction, Weights};
use super::{Affine, Compute, Input};
use crate::arch::EPSILON;
use crate::simd::{Block, Isa, LANES};

const DIRECT: f64 = 1e-6;
const WINOGRAD: f64 = 1e-5;

/// Numbers in [-1, 1) that look random.
fn noise(seed: u32, count: usize) -> Vec<f32> {
    let number = |index: usize| {
        let mut h = (index as u32).wrapping_mul(2_654_435_761).wrapping_add(seed.wrapping_mul(40503) + 12345);
        h = (h ^ (h >> 15)).wrapping_mul(0x2c1b_3c6d);
        h = (h ^ (h >> 12)).wrapping_mul(0x297a_2d39);
        (f64::from(h ^ (h >> 15)) / 2_147_483_648.0 - 1.0) as f32
    };
    (0..count).map(number).collect()
}

fn maps(planes: &[f32], images: usize, (channels, height, width): (usize, usize, usize)) -> Maps {
    let mut maps = Maps::new(images, Extent::new(channels, height, width));
    from_planes(planes, channels, &mut maps);
    maps
}

fn blocks(values: &[f32]) -> Vec<Block> {
    values.chunks(LANES).map(|chunk| std::array::from_fn(|lane| chunk.get(lane).copied().unwrap_or(0.0))).collect()
}

fn close(isa: Isa, found: &[f32], expected: &[f64], bound: f64) -> Result<(), TestCaseError> {
    prop_assert_eq!(found.len(), expected.len());
    let norm = expected.iter().map(|value| value * value).sum::<f64>().sqrt();
    let error = found.iter().zip(expected).map(|(found, expected)| (f64::from(*found) - expected).powi(2)).sum::<f64>();
    let error = error.sqrt();
    prop_assert!(error <= bound * norm + 1e-30, "{:?}: off by {} of {}", isa, error, norm);
    Ok(())
}

/// A convolution and its two gradients by the definition.
struct Case {
    images: usize,
    geometry: Geometry,
    height: usize,
    width: usize,
    input: Vec<f32>,
    kernel: Vec<f32>,
    /// The output's gradient.
    gradient: Vec<f32>,
}

impl Case {
    fn new(images: usize, geometry: Geometry, (height, width): (usize, usize)) -> Self {
        let mut case = Self { images, geometry, height, width, input: vec![], kernel: vec![], gradient: vec![] };
        case.input = noise(1, images * geometry.inputs * height * width);
        case.kernel = noise(2, geometry.outputs * geometry.inputs * geometry.taps());
        case.gradient = noise(3, images * geometry.outputs * case.rows() * case.columns());
        case
    }

    fn rows(&self) -> usize {
        self.height.div_ceil(self.geometry.stride)
    }

    fn columns(&self) -> usize {
        self.width.div_ceil(self.geometry.stride)
    }

    /// Calls `each` with the places of every product: in the output, the input and the kernel.
    fn products(&self, mut each: impl FnMut(usize, usize, usize)) {
        let Geometry { inputs, outputs, kernel, stride } = self.geometry;
        let padding = kernel / 2;
        for (n, o, i) in
            (0..self.images).flat_map(|n| (0..outputs).flat_map(move |o| (0..inputs).map(move |i| (n, o, i))))
        {
            for (y, x) in (0..self.rows()).flat_map(|y| (0..self.columns()).map(move |x| (y, x))) {
                for (ky, kx) in (0..kernel).flat_map(|ky| (0..kernel).map(move |kx| (ky, kx))) {
                    let (row, column) =
                        ((y * stride + ky).wrapping_sub(padding), (x * stride + kx).wrapping_sub(padding));
                    if row < self.height && column < self.width {
                        let output = ((n * outputs + o) * self.rows() + y) * self.columns() + x;
                        let input = ((n * inputs + i) * self.height + row) * self.width + column;
                        each(output, input, ((o * inputs + i) * kernel + ky) * kernel + kx);
                    }
                }
            }
        }
    }

    fn forward(&self, input: &[f32]) -> Vec<f64> {
        let mut output = vec![0.0; self.gradient.len()];
        self.products(|o, i, k| output[o] += f64::from(input[i]) * f64::from(self.kernel[k]));
        output
    }

    fn input_gradient(&self) -> Vec<f64> {
        let mut gradient = vec![0.0; self.input.len()];
        self.products(|o, i, k| gradient[i] += f64::from(self.gradient[o]) * f64::from(self.kernel[k]));
        gradient
    }

    fn kernel_gradient(&self, input: &[f32]) -> Vec<f64> {
        let mut gradient = vec![0.0; self.kernel.len()];
        self.products(|o, i, k| gradient[k] += f64::from(self.gradient[o]) * f64::from(input[i]));
        gradient
    }

    fn input_maps(&self) -> Maps {
        maps(&self.input, self.images, (self.geometry.inputs, self.height, self.width))
    }

    fn gradient_maps(&self) -> Maps {
        maps(&self.gradient, self.images, (self.geometry.outputs, self.rows(), self.columns()))
    }

    /// `relu(scale * input + shift)` with factors of its own for each channel.
    fn activated(&self) -> (Affine, Vec<f32>) {
        let (scale, shift) = (noise(4, self.geometry.inputs), noise(5, self.geometry.inputs));
        let plane = self.height * self.width;
        let value = |(index, value): (usize, &f32)| {
            let channel = index / plane % self.geometry.inputs;
            value.mul_add(scale[channel], shift[channel]).max(0.0)
        };
        let values = self.input.iter().enumerate().map(value).collect();
        (Affine { scale: blocks(&scale), shift: blocks(&shift) }, values)
    }
}

fn check_direct(isa: Isa, case: &Case) -> Result<(), TestCaseError> {
    let (compute, geometry) = (Compute::new(isa), case.geometry);
    let (input, gradient) = (case.input_maps(), case.gradient_maps());
    let (affine, activated) = case.activated();
    let through = Input { maps: &input, activation: Some(&affine) };
    let mut weights = vec![[0.0; LANES]; direct::weights_size(geometry)];
    direct::weights(geometry, &case.kernel, &mut weights);
    let mut output = case.gradient_maps();
    direct::convolve(&compute, (Input::plain(&input), &weights), (&mut output, geometry), |_, _| ());
    close(isa, &to_planes(&output, geometry.outputs), &case.forward(&case.input), DIRECT)?;
    direct::convolve(&compute, (through, &weights), (&mut output, geometry), |_, _| ());
    close(isa, &to_planes(&output, geometry.outputs), &case.forward(&activated), DIRECT)?;

    let mut weights = vec![[0.0; LANES]; direct::weights_size(geometry)];
    direct::weights_backward(geometry, &case.kernel, &mut weights);
    let mut back = case.input_maps();
    direct::input_gradient(&compute, (&gradient, &weights), (&mut back, geometry, false), |_, _| ());
    close(isa, &to_planes(&back, geometry.inputs), &case.input_gradient(), DIRECT)?;
    direct::input_gradient(&compute, (&gradient, &weights), (&mut back, geometry, true), |_, _| ());
    let twice: Vec<f64> = case.input_gradient().iter().map(|value| 2.0 * value).collect();
    close(isa, &to_planes(&back, geometry.inputs), &twice, DIRECT)?;

    let mut kernel = vec![f32::NAN; case.kernel.len()];
    direct::gradient(&compute, (through, &gradient), geometry, &mut kernel);
    close(isa, &kernel, &case.kernel_gradient(&activated), DIRECT)
}

fn check_winograd<const M: usize>(isa: Isa, case: &Case) -> Result<(), TestCaseError> {
    let (compute, geometry) = (Compute::new(isa), case.geometry);
    let Geometry { inputs, outputs, .. } = geometry;
    let (input, gradient) = (case.input_maps(), case.gradient_maps());
    let (affine, activated) = case.activated();
    let through = Input { maps: &input, activation: Some(&affine) };
    let packed = |direction| {
        let mut weights = vec![[f32::NAN; LANES]; winograd::weights_size::<M>(outputs, inputs)];
        winograd::weights::<M>(&compute, (&case.kernel, outputs, inputs), direction, &mut weights);
        weights
    };
    let weights = packed(Direction::Forward);
    let mut output = case.gradient_maps();
    winograd::convolve(&compute, (Input::plain(&input), Weights::<M>(&weights)), (&mut output, false), |_, _| ());
    close(isa, &to_planes(&output, outputs), &case.forward(&case.input), WINOGRAD)?;
    winograd::convolve(&compute, (through, Weights::<M>(&weights)), (&mut output, false), |_, _| ());
    close(isa, &to_planes(&output, outputs), &case.forward(&activated), WINOGRAD)?;

    let weights = packed(Direction::Backward);
    let mut back = case.input_maps();
    let plain = Input::plain(&gradient);
    winograd::convolve(&compute, (plain, Weights::<M>(&weights)), (&mut back, false), |_, _| ());
    close(isa, &to_planes(&back, inputs), &case.input_gradient(), WINOGRAD)?;
    winograd::convolve(&compute, (plain, Weights::<M>(&weights)), (&mut back, true), |_, _| ());
    let twice: Vec<f64> = case.input_gradient().iter().map(|value| 2.0 * value).collect();
    close(isa, &to_planes(&back, inputs), &twice, WINOGRAD)?;

    let mut kernel = vec![f32::NAN; case.kernel.len()];
    winograd::gradient::<M>(&compute, (through, &gradient), (outputs, inputs), &mut kernel);
    close(isa, &kernel, &case.kernel_gradient(&activated), WINOGRAD)
}

fn check_stem(isa: Isa, case: &Case) -> Result<(), TestCaseError> {
    let compute = Compute::new(isa);
    let images = Images { values: &case.input, height: case.height, width: case.width };
    let outputs = case.geometry.outputs;
    let mut weights = vec![[0.0; LANES]; stem::weights_size(outputs)];
    stem::weights(&case.kernel, &mut weights);
    let mut output = Maps::new(case.images, images.extent(outputs));
    stem::convolve(&compute, (images, &weights), &mut output, |_, _| ());
    close(isa, &to_planes(&output, outputs), &case.forward(&case.input), DIRECT)?;
    let mut kernel = vec![f32::NAN; case.kernel.len()];
    stem::gradient(&compute, images, &case.gradient_maps(), &mut kernel);
    close(isa, &kernel, &case.kernel_gradient(&case.input), DIRECT)
}

/// Sizes of a batch of maps: images, (channels, height, width).
fn sizes() -> impl Strategy<Value = (usize, (usize, usize, usize))> {
    (1_usize..4, (1_usize..40, 1_usize..14, 1_usize..14))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn direct_convolutions_and_their_gradients_agree_with_the_definition(
        (images, (inputs, height, width)) in sizes(),
        outputs in 1_usize..40,
        (kernel, stride) in prop::sample::select(vec![(1, 1), (1, 2), (3, 1), (3, 2), (5, 2)]),
    ) {
        let case = Case::new(images, Geometry { inputs, outputs, kernel, stride }, (height, width));
        for isa in Isa::available() {
            check_direct(isa, &case)?;
        }
    }

    #[test]
    fn winograds_convolutions_and_their_gradients_agree_with_the_definition(
        (images, (inputs, height, width)) in sizes(),
        outputs in 1_usize..40,
    ) {
        let case = Case::new(images, Geometry { inputs, outputs, kernel: 3, stride: 1 }, (height, width));
        for isa in Isa::available() {
            check_winograd::<2>(isa, &case)?;
            check_winograd::<4>(isa, &case)?;
        }
    }

    #[test]
    fn the_stem_and_its_gradient_agree_with_the_definition(
        (images, (_, height, width)) in sizes(),
        outputs in 1_usize..40,
    ) {
        let case = Case::new(images, Geometry { inputs: 3, outputs, kernel: 7, stride: 2 }, (height, width));
        for isa in Isa::available() {
            check_stem(isa, &case)?;
        }
    }

    #[test]
    fn batch_norm_behind_a_rectifier_agrees_with_the_definition((images, size) in sizes(), far in -100_f32..100.0) {
        let values = images * size.1 * size.2;
        prop_assume!(values > 1);
        // Few values may lie so near each other that, far from 0, the rounding of their mean is as large as they differ.
        let far = if values < 16 { far / 100.0 } else { far };
        for isa in Isa::available() {
            check_norm(isa, (images, size), far)?;
        }
    }

    #[test]
    fn pooling_behind_a_batch_norm_agrees_with_the_definition((images, size) in sizes()) {
        prop_assume!(images * size.1 * size.2 > 1);
        for isa in Isa::available() {
            check_pool(isa, (images, size))?;
        }
    }
}

/// Batch norm of some maps in f64.
struct Reference {
    normalised: Vec<f64>,
    inverse: Vec<f64>,
    output: Vec<f64>,
}

fn channel(index: usize, (channels, height, width): (usize, usize, usize)) -> usize {
    index / (height * width) % channels
}

impl Reference {
    fn new(values: &[f32], size: (usize, usize, usize), (scale, shift): (&[f32], &[f32])) -> Self {
        let of = |c: usize| {
            values.iter().enumerate().filter(move |(i, _)| channel(*i, size) == c).map(|(_, v)| f64::from(*v))
        };
        let count = values.len() as f64 / size.0 as f64;
        let means: Vec<f64> = (0..size.0).map(|c| of(c).sum::<f64>() / count).collect();
        let variance = |c: usize| of(c).map(|value| (value - means[c]).powi(2)).sum::<f64>() / count;
        let inverse: Vec<f64> = (0..size.0).map(|c| 1.0 / (variance(c) + EPSILON).sqrt()).collect();
        let each = values.iter().enumerate().map(|(i, value)| (channel(i, size), f64::from(*value)));
        let normalised: Vec<f64> = each.map(|(c, value)| (value - means[c]) * inverse[c]).collect();
        let output = |(i, value): (usize, &f64)| {
            let c = channel(i, size);
            f64::from(scale[c]) * value + f64::from(shift[c])
        };
        Self { output: normalised.iter().enumerate().map(output).collect(), normalised, inverse }
    }

    /// Sums by channel of the gradient, and of it times the normalised input; then the input's gradient.
    fn backward(&self, gradient: &[f64], size: (usize, usize, usize), scale: &[f32]) -> (Vec<f64>, Vec<f64>, Vec<f64>) {
        let (mut alone, mut with) = (vec![0.0; size.0], vec![0.0; size.0]);
        for (i, value) in gradient.iter().enumerate() {
            alone[channel(i, size)] += value;
            with[channel(i, size)] += value * self.normalised[i];
        }
        let count = gradient.len() as f64 / size.0 as f64;
        let input = gradient.iter().enumerate().map(|(i, value)| {
            let c = channel(i, size);
            f64::from(scale[c]) * self.inverse[c] * (value - alone[c] / count - self.normalised[i] * with[c] / count)
        });
        let input = input.collect();
        (alone, with, input)
    }
}

fn check_sums(isa: Isa, sums: &Sums, (alone, with): (&[f64], &[f64]), size: f64) -> Result<(), TestCaseError> {
    for (found, expected) in [(&sums.alone, alone), (&sums.with_normalised, with)] {
        for (found, expected) in found.iter().zip(expected) {
            prop_assert!((found - expected).abs() < 1e-4 * size, "{:?}: {} instead of {}", isa, found, expected);
        }
    }
    Ok(())
}

fn check_norm(isa: Isa, (images, size): (usize, (usize, usize, usize)), far: f32) -> Result<(), TestCaseError> {
    let compute = Compute::new(isa);
    let count = images * size.0 * size.1 * size.2;
    let values: Vec<f32> = noise(1, count).into_iter().map(|value| value + far).collect();
    let (scale, shift) = (noise(2, size.0), noise(3, size.0));
    let reference = Reference::new(&values, size, (&scale, &shift));
    let mut input = maps(&values, images, size);
    let moments =
        Moments::join(input.for_slabs(2, |_, slab| Moments::of(&compute, slab, Extent::new(size.0, size.1, size.2))));
    let norm = Norm::new(&moments, &scale, &shift);

    let mut output = Maps::new(images, input.extent);
    let added = maps(&noise(4, count), images, size);
    norm::activate(&compute, (&input, &norm.affine), Shortcut::Plain(&added), &mut output);
    let sum = reference.output.iter().zip(noise(4, count)).map(|(value, added)| (value + f64::from(added)).max(0.0));
    // The further from zero, the fewer digits of an f32 tell values apart.
    let bound = 1e-5 + 1e-6 * f64::from(far.abs());
    close(isa, &to_planes(&output, size.0), &sum.collect::<Vec<_>>(), bound)?;

    let gradient: Vec<f32> = noise(5, count);
    let open: Vec<f32> = to_planes(&output, size.0);
    let gated: Vec<f64> =
        gradient.iter().zip(&open).map(|(value, open)| if *open > 0.0 { f64::from(*value) } else { 0.0 }).collect();
    let (alone, with_normalised, expected) = reference.backward(&gated, size, &scale);
    let mut gradient = maps(&gradient, images, size);
    let sums = norm::gate_and_sum_all(&compute, &mut gradient, (&input, &norm), Gate::Output(&output));
    check_sums(isa, &sums, (&alone, &with_normalised), (1.0 + f64::from(far.abs()) / 10.0) * (count as f64).sqrt())?;
    let terms = norm.terms(&sums, &scale);
    norm::input_gradient(&compute, &gradient, &terms, &mut input);
    let found = to_planes(&input, size.0);
    // Of a few pixels nearly all of the gradient cancels: what is left is compared with what came in.
    let steepest = (0..size.0).map(|c| f64::from(scale[c]).abs() * reference.inverse[c]).fold(1.0, f64::max);
    let largest = gated.iter().fold(1e-3_f64, |most, value| most.max(value.abs())) * steepest;
    for (found, expected) in found.iter().zip(&expected) {
        let error = (f64::from(*found) - expected).abs();
        prop_assert!(error <= 30.0 * bound * largest, "{:?}: {} instead of {}", isa, found, expected);
    }
    Ok(())
}

fn check_pool(isa: Isa, (images, size): (usize, (usize, usize, usize))) -> Result<(), TestCaseError> {
    let compute = Compute::new(isa);
    let (channels, height, width) = size;
    let values = noise(1, images * channels * height * width);
    let (scale, shift) = (noise(2, channels), noise(3, channels));
    let reference = Reference::new(&values, size, (&scale, &shift));
    let mut input = maps(&values, images, size);
    let moments =
        Moments::join(input.for_slabs(2, |_, slab| Moments::of(&compute, slab, Extent::new(channels, height, width))));
    let norm = Norm::new(&moments, &scale, &shift);
    let extent = pool::pooled(input.extent);
    let (mut output, mut codes) = (Maps::new(images, extent), Codes::default());
    pool::forward(&compute, (&input, &norm.affine), &mut output, &mut codes);

    let rectified: Vec<f64> = reference.output.iter().map(|value| value.max(0.0)).collect();
    let mut expected = Vec::new();
    let mut places = Vec::new();
    for plane in 0..images * channels {
        for (y, x) in (0..extent.height).flat_map(|y| (0..extent.width).map(move |x| (y, x))) {
            let window = (0..9).filter_map(|k| {
                let (row, column) = ((2 * y + k / 3).wrapping_sub(1), (2 * x + k % 3).wrapping_sub(1));
                (row < height && column < width).then(|| (plane * height + row) * width + column)
            });
            let best =
                window.fold(
                    usize::MAX,
                    |best, at| if best == usize::MAX || rectified[at] > rectified[best] { at } else { best },
                );
            expected.push(rectified[best]);
            places.push(best);
        }
    }
    close(isa, &to_planes(&output, channels), &expected, 1e-5)?;

    let of_pooled = noise(4, expected.len());
    let mut gradient = vec![0.0; values.len()];
    for (place, value) in places.iter().zip(&of_pooled) {
        if rectified[*place] > 0.0 {
            gradient[*place] += f64::from(*value);
        }
    }
    let (alone, with_normalised, expected) = reference.backward(&gradient, size, &scale);
    let of_pooled = maps(&of_pooled, images, (channels, extent.height, extent.width));
    let pooled = Pooled { gradient: &of_pooled, codes: &codes };
    let sums = pool::sum(&compute, pooled, (&input, &norm));
    check_sums(isa, &sums, (&alone, &with_normalised), (values.len() as f64).sqrt())?;
    let terms = norm.terms(&sums, &scale);
    pool::input_gradient(&compute, pooled, (&norm, &terms), &mut input);
    // Of a few pixels nearly all of the gradient cancels: what is left is compared with what came in.
    let largest = gradient.iter().fold(1e-3_f64, |most, value| most.max(value.abs()));
    for (found, expected) in to_planes(&input, channels).iter().zip(&expected) {
        let error = (f64::from(*found) - expected).abs();
        let most = 1e-4 * largest.max(expected.abs());
        prop_assert!(error <= most, "{:?}: {} instead of {}", isa, found, expected);
    }
    Ok(())
}

#[test]
fn nan_and_infinity_reach_the_result_on_every_instruction_set() {
    let geometry = Geometry { inputs: 16, outputs: 16, kernel: 3, stride: 1 };
    for value in [f32::NAN, f32::INFINITY] {
        let mut case = Case::new(1, geometry, (6, 6));
        case.input[40] = value;
        for isa in Isa::available() {
            let compute = Compute::new(isa);
            let affine = Affine { scale: vec![[1.0; LANES]], shift: vec![[0.0; LANES]] };
            let (input, mut output) = (case.input_maps(), case.gradient_maps());
            let mut weights = vec![[0.0; LANES]; direct::weights_size(geometry)];
            direct::weights(geometry, &case.kernel, &mut weights);
            let through = Input { maps: &input, activation: Some(&affine) };
            direct::convolve(&compute, (through, &weights), (&mut output, geometry), |_, _| ());
            assert!(to_planes(&output, 16).iter().any(|found| !found.is_finite()), "{isa:?} hides {value}");
            let mut pooled = Maps::new(1, pool::pooled(input.extent));
            pool::forward(&compute, (&input, &affine), &mut pooled, &mut Codes::default());
            assert!(to_planes(&pooled, 16).iter().any(|found| !found.is_finite()), "{isa:?} pools {value} away");
        }
    }
}

#[test]
fn numbers_too_small_to_be_normal_are_not_lost() {
    let mut case = Case::new(1, Geometry { inputs: 16, outputs: 16, kernel: 3, stride: 1 }, (6, 6));
    case.input.iter_mut().for_each(|value| *value *= 1e-38);
    let expected = case.forward(&case.input);
    for isa in Isa::available() {
        let (compute, input, mut output) = (Compute::new(isa), case.input_maps(), case.gradient_maps());
        let mut weights = vec![[0.0; LANES]; direct::weights_size(case.geometry)];
        direct::weights(case.geometry, &case.kernel, &mut weights);
        direct::convolve(&compute, (Input::plain(&input), &weights), (&mut output, case.geometry), |_, _| ());
        for (found, expected) in to_planes(&output, 16).iter().zip(&expected) {
            let error = (f64::from(*found) - expected).abs();
            // The smallest f32 is 1.4e-45, and each of 144 sums may lose half of it.
            assert!(error < 1e-6 * expected.abs() + 144.0 * 1.4e-45, "{isa:?}: {found:e} instead of {expected:e}");
        }
    }
}

#[test]
fn of_equal_pixels_the_first_gets_the_gradient() {
    for isa in Isa::available() {
        let compute = Compute::new(isa);
        let mut input = maps(&[1.0; 9], 1, (1, 3, 3));
        let affine = Affine { scale: vec![[1.0; LANES]], shift: vec![[0.0; LANES]] };
        let moments = Moments { count: 9.0, mean: vec![0.0; LANES], squares: vec![9.0; LANES] };
        let mut norm = Norm::new(&moments, &[1.0], &[0.0]);
        norm.affine = affine;
        let (mut output, mut codes) = (Maps::new(1, pool::pooled(input.extent)), Codes::default());
        pool::forward(&compute, (&input, &norm.affine), &mut output, &mut codes);
        let gradient = maps(&[1.0, 10.0, 100.0, 1000.0], 1, (1, 2, 2));
        let terms = norm::Terms { of_gradient: vec![[1.0; 16]], of_input: vec![[0.0; 16]], constant: vec![[0.0; 16]] };
        pool::input_gradient(&compute, Pooled { gradient: &gradient, codes: &codes }, (&norm, &terms), &mut input);
        assert_eq!(to_planes(&input, 1), [1.0, 10.0, 0.0, 100.0, 1000.0, 0.0, 0.0, 0.0, 0.0], "{isa:?}");
    }
}
