//! The forward pass in training: batch norm by the batch's own statistics, but for the frozen units, which come first and
//! are constants.

use std::slice;

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
    /// Images through the trunk: the last stage's maps as (B, 512, h, w), and each unit's moments in order. The first units
    /// are normalised by the `fixed` moments instead of the batch's, and answer none.
    pub(crate) fn forward(
        &mut self,
        plan: &Plan,
        images: Images<'_>,
        (parameters, fixed): (&[f32], &[Moments]),
    ) -> (Vec<f32>, Vec<Moments>) {
        self.frozen = fixed.len();
        let Self { compute, stem, codes, pooled, blocks, weights, .. } = self;
        let mut source = Source { parameters, fixed: fixed.iter() };
        let of_stem = convolve_stem(compute, &plan.stem, (images, &mut source), (stem, weights));
        let mut moments: Vec<Moments> = of_stem.into_iter().collect();
        pooled.resize(images.count(), pool::pooled(stem.maps.extent));
        pool::forward(compute, (&stem.maps, &stem.norm.affine), pooled, codes);
        let mut input = &*pooled;
        for (block, layers) in plan.blocks.iter().zip(blocks) {
            moments.extend(forward_block(compute, (block, &mut source, weights), input, layers));
            input = &layers.output;
        }
        (to_planes(input, crate::arch::FEATURES), moments)
    }
}

/// What the units are made of, in their order.
struct Source<'a> {
    /// The trunk's, flat.
    parameters: &'a [f32],
    /// What stands for the batch's moments in the units to come, as far as they are frozen.
    fixed: slice::Iter<'a, Moments>,
}

fn convolve_stem(
    compute: &Compute,
    unit: &UnitPlan,
    (images, source): (Images<'_>, &mut Source<'_>),
    (layer, weights): (&mut Layer, &mut Buffer),
) -> Option<Moments> {
    weights.resize(stem::weights_size(unit.geometry.outputs));
    stem::weights(&source.parameters[unit.kernel.clone()], weights);
    let extent = images.extent(unit.geometry.outputs);
    layer.maps.resize(images.count(), extent);
    if let Some(fixed) = source.fixed.next() {
        stem::convolve(compute, (images, weights), &mut layer.maps, |_, _| ());
        layer.normalise(fixed, unit, source.parameters);
        return None;
    }
    let parts =
        stem::convolve(compute, (images, weights), &mut layer.maps, |_, slab| Moments::of(compute, slab, extent));
    let moments = Moments::join(parts);
    layer.normalise(&moments, unit, source.parameters);
    Some(moments)
}

/// `output = relu(second(relu(first(input))) + shortcut(input))`; the maps between are only ever read through their norm.
fn forward_block(
    compute: &Compute,
    (block, source, weights): (&BlockPlan, &mut Source<'_>, &mut Buffer),
    input: &Maps,
    layers: &mut BlockLayers,
) -> Vec<Moments> {
    let BlockLayers { first, second, shortcut, output } = layers;
    let of_first = forward_unit(compute, (&block.first, source, weights), Input::plain(input), first);
    let mut moments: Vec<Moments> = of_first.into_iter().collect();
    let between = Input { maps: &first.maps, activation: Some(&first.norm.affine) };
    moments.extend(forward_unit(compute, (&block.second, source, weights), between, second));
    let added = if let (Some(unit), Some(layer)) = (&block.shortcut, shortcut) {
        moments.extend(forward_unit(compute, (unit, source, weights), Input::plain(input), layer));
        Shortcut::Normalised(&layer.maps, &layer.norm.affine)
    } else {
        Shortcut::Plain(input)
    };
    output.resize(second.maps.images, second.maps.extent);
    activate(compute, (&second.maps, &second.norm.affine), added, output);
    moments
}

/// The unit's moments, unless it is frozen.
fn forward_unit(
    compute: &Compute,
    (unit, source, weights): (&UnitPlan, &mut Source<'_>, &mut Buffer),
    input: Input<'_>,
    layer: &mut Layer,
) -> Option<Moments> {
    let extent = unit.extent(input.maps.extent);
    layer.maps.resize(input.maps.images, extent);
    let method = Method::fastest(unit.geometry, extent, input.maps.images);
    pack(compute, (unit, method, Direction::Forward), &source.parameters[unit.kernel.clone()], weights);
    if let Some(fixed) = source.fixed.next() {
        convolve(compute, (unit, method), (input, weights, &mut layer.maps), |_, _| ());
        layer.normalise(fixed, unit, source.parameters);
        return None;
    }
    let finish = |_, slab: &mut [_]| Moments::of(compute, slab, extent);
    let moments = Moments::join(convolve(compute, (unit, method), (input, weights, &mut layer.maps), finish));
    layer.normalise(&moments, unit, source.parameters);
    Some(moments)
}

impl Layer {
    /// Makes the norm that goes by these moments.
    fn normalise(&mut self, moments: &Moments, unit: &UnitPlan, parameters: &[f32]) {
        self.norm = Norm::new(moments, &parameters[unit.scale.clone()], &parameters[unit.shift.clone()]);
    }
}
