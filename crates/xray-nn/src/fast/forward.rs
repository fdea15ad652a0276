//! The forward pass in training: batch norm by the batch's own statistics.

use super::convolution::{convolve, pack};
use super::plan::BlockPlan;
use super::{BlockLayers, Layer, Method, Plan, UnitPlan, Workspace};
use crate::kernel::buffer::Buffer;
use crate::kernel::maps::{Maps, to_planes};
use crate::kernel::norm::{Moments, Norm, Shortcut, activate};
use crate::kernel::stem::{self, Images};
use crate::kernel::winograd::Direction;
use crate::kernel::{Compute, Input, pool};

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
    layer.normalise(parts, unit, parameters)
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
    pack(compute, (unit, method, Direction::Forward), &parameters[unit.kernel.clone()], weights);
    let finish = |_, slab: &mut [_]| Moments::of(compute, slab, extent);
    let parts = convolve(compute, (unit, method), (input, weights, &mut layer.maps), finish);
    layer.normalise(parts, unit, parameters)
}

impl Layer {
    /// Makes the norm of the whole batch, whose moments it answers, from those of its parts.
    fn normalise(&mut self, parts: Vec<Moments>, unit: &UnitPlan, parameters: &[f32]) -> Moments {
        let moments = Moments::join(parts);
        self.norm = Norm::new(&moments, &parameters[unit.scale.clone()], &parameters[unit.shift.clone()]);
        moments
    }
}
