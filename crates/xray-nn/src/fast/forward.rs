//! The forward pass in training: batch norm by the batch's own statistics.

use super::{BlockLayers, Layer, Method, Plan, UnitPlan, Workspace, plan::BlockPlan};
use crate::kernel::buffer::Buffer;
use crate::kernel::maps::{Maps, to_planes};
use crate::kernel::norm::{Moments, Norm, Shortcut, activate};
use crate::kernel::stem::{self, Images};
use crate::kernel::winograd::{self, Direction, Weights};
use crate::kernel::{Compute, Finish, Input, direct, pool};

impl Workspace {
    /// Images through the trunk: the last stage's maps as (B, 512, h, w), and each unit's moments in order.
    pub(crate) fn forward(&mut self, plan: &Plan, images: Images<'_>, parameters: &[f32]) -> (Vec<f32>, Vec<Moments>) {
        let Self { compute, stem, codes, pooled, blocks, weights, .. } = self;
        let mut moments = vec![convolve_stem(compute, plan, (images, parameters), (stem, weights))];
        pooled.resize(images.count(), pool::pooled(stem.maps.extent));
        pool::forward(compute, (&stem.maps, &stem.norm.affine), pooled, codes);
        let mut input = &*pooled;
        for (block, layers) in plan.blocks.iter().zip(blocks) {
            moments.extend(forward_block(compute, (block, parameters, weights), input, layers));
            input = &layers.output;
        }
        (to_planes(input, crate::arch::FEATURES), moments)
    }
}

fn convolve_stem(
    compute: &Compute,
    plan: &Plan,
    (images, parameters): (Images<'_>, &[f32]),
    (layer, weights): (&mut Layer, &mut Buffer),
) -> Moments {
    let unit = &plan.stem;
    weights.resize(stem::weights_size(unit.geometry.outputs));
    stem::weights(&parameters[unit.kernel.clone()], weights);
    let extent = images.extent(unit.geometry.outputs);
    layer.maps.resize(images.count(), extent);
    let parts =
        stem::convolve(compute, (images, weights), &mut layer.maps, |_, slab| Moments::of(compute, slab, extent));
    layer.take(parts, unit, parameters)
}

/// `output = relu(second(relu(first(input))) + shortcut(input))`; the maps between are only ever read through their norm.
fn forward_block(
    compute: &Compute,
    (block, parameters, weights): (&BlockPlan, &[f32], &mut Buffer),
    input: &Maps,
    layers: &mut BlockLayers,
) -> Vec<Moments> {
    let BlockLayers { first, second, shortcut, output } = layers;
    let mut moments = vec![forward_unit(compute, (&block.first, parameters, weights), Input::plain(input), first)];
    let between = Input { maps: &first.maps, activation: Some(&first.norm.affine) };
    moments.push(forward_unit(compute, (&block.second, parameters, weights), between, second));
    let added = if let (Some(unit), Some(layer)) = (&block.shortcut, shortcut) {
        moments.push(forward_unit(compute, (unit, parameters, weights), Input::plain(input), layer));
        Shortcut::Normalised(&layer.maps, &layer.norm.affine)
    } else {
        Shortcut::Plain(input)
    };
    output.resize(second.maps.images, second.maps.extent);
    activate(compute, (&second.maps, &second.norm.affine), added, output);
    moments
}

fn forward_unit(
    compute: &Compute,
    (unit, parameters, weights): (&UnitPlan, &[f32], &mut Buffer),
    input: Input<'_>,
    layer: &mut Layer,
) -> Moments {
    let extent = unit.extent(input.maps.extent);
    layer.maps.resize(input.maps.images, extent);
    let method = Method::fastest(unit.geometry, extent, input.maps.images);
    pack(compute, (unit, method), &parameters[unit.kernel.clone()], weights);
    let finish = |_, slab: &mut [_]| Moments::of(compute, slab, extent);
    let parts = convolve(compute, (unit, method), (input, weights, &mut layer.maps), finish);
    layer.take(parts, unit, parameters)
}

impl Layer {
    /// Takes the statistics of the whole batch.
    fn take(&mut self, parts: Vec<Moments>, unit: &UnitPlan, parameters: &[f32]) -> Moments {
        let moments = Moments::join(parts);
        self.norm = Norm::new(&moments, &parameters[unit.scale.clone()], &parameters[unit.shift.clone()]);
        moments
    }
}

/// Packs a unit's kernel for [`convolve`].
pub(super) fn pack(compute: &Compute, (unit, method): (&UnitPlan, Method), kernel: &[f32], weights: &mut Buffer) {
    let geometry = unit.geometry;
    let (outputs, inputs) = (geometry.outputs, geometry.inputs);
    let kernel = (kernel, outputs, inputs);
    let forward = Direction::Forward;
    match method {
        Method::Direct => {
            weights.resize(direct::weights_size(geometry));
            direct::weights(geometry, kernel.0, weights);
        }
        Method::Winograd2 => {
            weights.resize(winograd::weights_size::<2>(outputs, inputs, forward));
            winograd::weights::<2>(compute, kernel, forward, weights);
        }
        Method::Winograd4 => {
            weights.resize(winograd::weights_size::<4>(outputs, inputs, forward));
            winograd::weights::<4>(compute, kernel, forward, weights);
        }
    }
}

/// Convolves by the method that the weights are packed for.
pub(super) fn convolve<R: Send>(
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
