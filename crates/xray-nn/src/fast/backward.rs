//! The backward pass: from the gradient of the last stage's maps to that of every parameter.
//!
//! A layer's maps make room for their gradient. Where a gradient is written, the sums that the batch norm below it needs
//! are taken at once.

use super::{BlockLayers, Layer, Method, Plan, UnitPlan, Workspace, plan::BlockPlan};
use crate::kernel::buffer::Buffer;
use crate::kernel::maps::{Maps, from_planes};
use crate::kernel::norm::{Gate, Sums, gate_and_sum, gate_and_sum_all, input_gradient};
use crate::kernel::pool::{self, Pooled};
use crate::kernel::stem::{self, Images};
use crate::kernel::winograd::{self, Direction, Weights};
use crate::kernel::{Compute, Finish, Input, direct};

/// The parameters and where their gradients go.
struct Flat<'a> {
    parameters: &'a [f32],
    gradient: &'a mut [f32],
}

impl Workspace {
    /// Fills `gradient`, as long as the parameters, given that of the features, (B, 512, h, w). To be called once after
    /// [`Workspace::forward`], with the same images and parameters.
    pub(crate) fn backward(
        &mut self,
        plan: &Plan,
        (images, of_features): (Images<'_>, &[f32]),
        (parameters, gradient): (&[f32], &mut [f32]),
    ) {
        let mut flat = Flat { parameters, gradient };
        let features = &self.blocks[self.blocks.len() - 1].output;
        self.gradients[0].resize(features.images, features.extent);
        from_planes(of_features, crate::arch::FEATURES, &mut self.gradients[0]);
        let mut sums = None;
        for index in (0..plan.blocks.len()).rev() {
            sums = self.backward_block((&plan.blocks[index], index), &mut flat, sums);
        }
        let Self { compute, stem, codes, gradients, .. } = self;
        let pooled = Pooled { gradient: &gradients[0], codes };
        let sums = pool::sum(compute, pooled, (&stem.maps, &stem.norm));
        flat.take(&plan.stem, &sums);
        let terms = stem.norm.terms(&sums, &parameters[plan.stem.scale.clone()]);
        pool::input_gradient(compute, pooled, (&stem.norm, &terms), &mut stem.maps);
        stem::gradient(compute, images, &stem.maps, &mut flat.gradient[plan.stem.kernel.clone()]);
    }

    /// From the gradient of the block's output, in `gradients[0]`, to that of its input, put there. Takes the sums for the
    /// block's last norm, if the block above has made them, and makes those of the block below.
    fn backward_block(
        &mut self,
        (block, index): (&BlockPlan, usize),
        flat: &mut Flat<'_>,
        sums: Option<Sums>,
    ) -> Option<Sums> {
        let Self { compute, pooled, blocks, weights, gradients: [outer, inner, spare], .. } = self;
        let (below, this) = blocks.split_at_mut(index);
        let below = below.last();
        let input = below.map_or(&*pooled, |below| &below.output);
        let BlockLayers { first, second, shortcut, output } = &mut this[0];
        let last = (&second.maps, &second.norm);
        let sums = sums.unwrap_or_else(|| gate_and_sum_all(compute, outer, last, Gate::Output(output)));
        second.descend(compute, (&block.second, flat), &sums, outer);
        let between = Input { maps: &first.maps, activation: Some(&first.norm.affine) };
        flat.kernel_gradient(compute, &block.second, (between, &second.maps));

        inner.resize(first.maps.images, first.maps.extent);
        let finish =
            |row, slab: &mut [_]| gate_and_sum(compute, (row, slab), (&first.maps, &first.norm), Gate::Normalised);
        let sums =
            backward_unit(compute, (&block.second, flat.parameters, weights), (&second.maps, inner, false), finish);
        first.descend(compute, (&block.first, flat), &Sums::join(sums), inner);
        flat.kernel_gradient(compute, &block.first, (Input::plain(input), &first.maps));

        let finish = |row, slab: &mut [_]| {
            let gate = |below: &BlockLayers| {
                gate_and_sum(
                    compute,
                    (row, slab),
                    (&below.second.maps, &below.second.norm),
                    Gate::Output(&below.output),
                )
            };
            below.map(gate)
        };
        let of_first = (&block.first, flat.parameters, &mut *weights);
        let sums = if let (Some(unit), Some(layer)) = (&block.shortcut, shortcut) {
            let sums = gate_and_sum_all(compute, outer, (&layer.maps, &layer.norm), Gate::Open);
            layer.descend(compute, (unit, flat), &sums, outer);
            spare.resize(input.images, input.extent);
            let of_first = (&block.first, flat.parameters, &mut *weights);
            backward_unit(compute, of_first, (&first.maps, spare, false), |_, _| ());
            flat.kernel_gradient(compute, unit, (Input::plain(input), &layer.maps));
            std::mem::swap(outer, spare);
            backward_unit(compute, (unit, flat.parameters, weights), (&layer.maps, outer, true), finish)
        } else {
            backward_unit(compute, of_first, (&first.maps, outer, true), finish)
        };
        below.map(|_| Sums::join(sums.into_iter().flatten().collect()))
    }
}

impl Layer {
    /// Goes down through the batch norm: the layer's maps become their gradient, given their norm's output's.
    fn descend(&mut self, compute: &Compute, (unit, flat): (&UnitPlan, &mut Flat<'_>), sums: &Sums, gradient: &Maps) {
        flat.take(unit, sums);
        let terms = self.norm.terms(sums, &flat.parameters[unit.scale.clone()]);
        input_gradient(compute, gradient, &terms, &mut self.maps);
    }
}

impl Flat<'_> {
    /// The sums of a batch norm's backward pass are the gradients of its scale and shift.
    #[expect(clippy::cast_possible_truncation, reason = "gradients are f32")]
    fn take(&mut self, unit: &UnitPlan, sums: &Sums) {
        for (place, values) in [(&unit.scale, &sums.with_normalised), (&unit.shift, &sums.alone)] {
            self.gradient[place.clone()].iter_mut().zip(values).for_each(|(out, value)| *out = *value as f32);
        }
    }

    fn kernel_gradient(&mut self, compute: &Compute, unit: &UnitPlan, (input, output): (Input<'_>, &Maps)) {
        let kernel = &mut self.gradient[unit.kernel.clone()];
        let size = (unit.geometry.outputs, unit.geometry.inputs);
        match Method::fastest(unit.geometry, output.extent, output.images) {
            Method::Direct => direct::gradient(compute, (input, output), unit.geometry, kernel),
            Method::Winograd2 => winograd::gradient::<2>(compute, (input, output), size, kernel),
            Method::Winograd4 => winograd::gradient::<4>(compute, (input, output), size, kernel),
        }
    }
}

/// The gradient of a convolution's input, given its output's, into or added to `into`.
fn backward_unit<R: Send>(
    compute: &Compute,
    (unit, parameters, weights): (&UnitPlan, &[f32], &mut Buffer),
    (gradient, into, adds): (&Maps, &mut Maps, bool),
    finish: impl Finish<R>,
) -> Vec<R> {
    let geometry = unit.geometry;
    let (outputs, inputs) = (geometry.outputs, geometry.inputs);
    let kernel = &parameters[unit.kernel.clone()];
    let back = Direction::Backward;
    match Method::fastest(geometry, gradient.extent, gradient.images) {
        Method::Direct => {
            weights.resize(direct::weights_backward_size(geometry));
            direct::weights_backward(geometry, kernel, weights);
            direct::input_gradient(compute, (gradient, weights), (into, geometry, adds), finish)
        }
        Method::Winograd2 => {
            weights.resize(winograd::weights_size::<2>(outputs, inputs, back));
            winograd::weights::<2>(compute, (kernel, outputs, inputs), back, weights);
            winograd::convolve(compute, (Input::plain(gradient), Weights::<2>(weights)), (into, adds), finish)
        }
        Method::Winograd4 => {
            weights.resize(winograd::weights_size::<4>(outputs, inputs, back));
            winograd::weights::<4>(compute, (kernel, outputs, inputs), back, weights);
            winograd::convolve(compute, (Input::plain(gradient), Weights::<4>(weights)), (into, adds), finish)
        }
    }
}
