//! A unit's convolution and its gradients, each by the method that its weights are packed for.

use super::{Method, UnitPlan};
use crate::kernel::buffer::Buffer;
use crate::kernel::maps::Maps;
use crate::kernel::winograd::{self, Direction, Weights};
use crate::kernel::{Compute, Finish, Input, direct};

/// Packs a unit's kernel for [`convolve`] or, backward, for [`input_gradient`].
pub fn pack(
    compute: &Compute,
    (unit, method, direction): (&UnitPlan, Method, Direction),
    kernel: &[f32],
    weights: &mut Buffer,
) {
    let geometry = unit.geometry;
    match method {
        Method::Direct => {
            weights.resize(direct::weights_size(geometry));
            match direction {
                Direction::Forward => direct::weights(geometry, kernel, weights),
                Direction::Backward => direct::weights_backward(geometry, kernel, weights),
            }
        }
        Method::Winograd2 => pack_winograd::<2>(compute, (unit, direction), kernel, weights),
        Method::Winograd4 => pack_winograd::<4>(compute, (unit, direction), kernel, weights),
    }
}

fn pack_winograd<const M: usize>(
    compute: &Compute,
    (unit, direction): (&UnitPlan, Direction),
    kernel: &[f32],
    weights: &mut Buffer,
) {
    let (outputs, inputs) = (unit.geometry.outputs, unit.geometry.inputs);
    weights.resize(winograd::weights_size::<M>(outputs, inputs));
    winograd::weights::<M>(compute, (kernel, outputs, inputs), direction, weights);
}

/// Convolves `input` into `output`.
pub fn convolve<R: Send>(
    compute: &Compute,
    (unit, method): (&UnitPlan, Method),
    (input, weights, output): (Input<'_>, &Buffer, &mut Maps),
    finish: impl Finish<R>,
) -> Vec<R> {
    match method {
        Method::Direct => direct::convolve(compute, (input, weights), (output, unit.geometry), finish),
        Method::Winograd2 => winograd::convolve(compute, (input, Weights::<2>(weights)), (output, false), finish),
        Method::Winograd4 => winograd::convolve(compute, (input, Weights::<4>(weights)), (output, false), finish),
    }
}

/// The gradient of the convolution's input, given its output's, into or added to `into`.
pub fn input_gradient<R: Send>(
    compute: &Compute,
    (unit, method): (&UnitPlan, Method),
    (gradient, weights): (&Maps, &Buffer),
    (into, adds): (&mut Maps, bool),
    finish: impl Finish<R>,
) -> Vec<R> {
    let input = Input::plain(gradient);
    match method {
        Method::Direct => direct::input_gradient(compute, (gradient, weights), (into, unit.geometry, adds), finish),
        Method::Winograd2 => winograd::convolve(compute, (input, Weights::<2>(weights)), (into, adds), finish),
        Method::Winograd4 => winograd::convolve(compute, (input, Weights::<4>(weights)), (into, adds), finish),
    }
}

/// Writes the gradient of the kernel, (outputs, inputs, kernel, kernel), given the input and the output's gradient.
pub fn kernel_gradient(compute: &Compute, unit: &UnitPlan, (input, output): (Input<'_>, &Maps), kernel: &mut [f32]) {
    let size = (unit.geometry.outputs, unit.geometry.inputs);
    match Method::fastest(unit.geometry, output.extent, output.images) {
        Method::Direct => direct::gradient(compute, (input, output), unit.geometry, kernel),
        Method::Winograd2 => winograd::gradient::<2>(compute, (input, output), size, kernel),
        Method::Winograd4 => winograd::gradient::<4>(compute, (input, output), size, kernel),
    }
}
