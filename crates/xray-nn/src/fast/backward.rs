//! The backward pass: from the gradient of the last stage's maps to that of every parameter.
//!
//! A layer's maps make room for their gradient. Where a gradient is written, the sums that the batch norm below it needs
//! are taken at once. The way down ends above the frozen units, whose gradient is left at zero.

use super::convolution::{input_gradient, kernel_gradient, pack};
use super::plan::BlockPlan;
use super::{BlockLayers, Layer, Method, Plan, UnitPlan, Workspace};
use crate::kernel::buffer::Buffer;
use crate::kernel::maps::{Maps, from_planes};
use crate::kernel::norm::{self, Gate, Sums, gate_and_sum, gate_and_sum_all};
use crate::kernel::pool::{self, Pooled};
use crate::kernel::stem::{self, Images};
use crate::kernel::winograd::Direction;
use crate::kernel::{Compute, Finish, Input};
use crate::simd::Block;

impl Workspace {
    /// Fills `gradient`, zeros and as long as the parameters, given that of the features, (B, 512, h, w). What belongs to
    /// frozen units stays as it is. To be called once after [`Workspace::forward`], with the same images and parameters.
    pub(crate) fn backward(
        &mut self,
        plan: &Plan,
        (images, of_features): (Images<'_>, &[f32]),
        (parameters, gradient): (&[f32], &mut [f32]),
    ) {
        let Self { compute, stem, codes, pooled, blocks, weights, gradients, frozen } = self;
        let mut descent = Descent { compute, parameters, gradient, weights };
        let features = &blocks[blocks.len() - 1].output;
        gradients[0].resize(features.images, features.extent);
        from_planes(of_features, crate::arch::FEATURES, &mut gradients[0]);
        let mut sums = None;
        let lowest = plan.blocks_among(*frozen);
        for (index, block) in plan.blocks.iter().enumerate().skip(lowest).rev() {
            let (below, this) = blocks.split_at_mut(index);
            let below = below.last();
            let input = below.map_or(&*pooled, |below| &below.output);
            let below = match below {
                _ if *frozen > 0 && index == lowest => Below::Frozen,
                Some(below) => Below::Block(below),
                None => Below::Stem,
            };
            sums = descent.block(block, (&mut this[0], input, below), gradients, sums);
        }
        if *frozen == 0 {
            descent.stem((&plan.stem, images), stem, Pooled { gradient: &gradients[0], codes });
        }
    }
}

/// What the way down comes to behind a block.
enum Below<'a> {
    Block(&'a BlockLayers),
    Stem,
    /// Constants: the block's input needs no gradient.
    Frozen,
}

/// The way down through the layers.
struct Descent<'a> {
    compute: &'a Compute,
    /// The trunk's, flat.
    parameters: &'a [f32],
    /// Theirs.
    gradient: &'a mut [f32],
    /// One layer's weights, packed.
    weights: &'a mut Buffer,
}

impl Descent<'_> {
    /// From the gradient of the block's output, the first of `gradients`, to that of its input, put there. Takes the sums
    /// for the block's last norm, if the block above has made them, and makes those of the block below. Above frozen units
    /// there is no more to do than the block's own parameters.
    fn block(
        &mut self,
        plan: &BlockPlan,
        (layers, input, below): (&mut BlockLayers, &Maps, Below<'_>),
        [outer, inner, spare]: &mut [Maps; 3],
        sums: Option<Sums>,
    ) -> Option<Sums> {
        let compute = self.compute;
        let BlockLayers { first, second, shortcut, output } = layers;
        let sums = sums.unwrap_or_else(|| gate_and_sum_all(compute, outer, second.both(), Gate::Output(output)));
        self.norm(&plan.second, (second, outer), &sums);
        let sums = self.second(&plan.second, (first, second), inner);
        self.norm(&plan.first, (first, inner), &sums);
        self.kernel(&plan.first, (Input::plain(input), first));
        let below = match below {
            Below::Block(below) => Some(below),
            Below::Stem => None,
            Below::Frozen => {
                if let (Some(unit), Some(layer)) = (&plan.shortcut, shortcut) {
                    self.shortcut(unit, layer, (input, outer));
                }
                return None;
            }
        };
        let finish = |row, slab: &mut [Block]| below.map(|below| below.gate(compute, row, slab));
        let sums = if let (Some(unit), Some(layer)) = (&plan.shortcut, shortcut) {
            spare.resize(input.images, input.extent);
            self.input(&plan.first, first, (spare, false), |_, _| ());
            self.shortcut(unit, layer, (input, outer));
            std::mem::swap(outer, spare);
            self.input(unit, layer, (outer, true), finish)
        } else {
            self.input(&plan.first, first, (outer, true), finish)
        };
        below.map(|_| Sums::join(sums.into_iter().flatten().collect()))
    }

    /// Through a shortcut's norm to its parameters' gradients, given the block's input and its output's gradient.
    fn shortcut(&mut self, unit: &UnitPlan, layer: &mut Layer, (input, outer): (&Maps, &mut Maps)) {
        let sums = gate_and_sum_all(self.compute, outer, layer.both(), Gate::Open);
        self.norm(unit, (layer, outer), &sums);
        self.kernel(unit, (Input::plain(input), layer));
    }

    /// Through a block's second convolution, to the gradient of the maps between, `inner`, and the first norm's sums.
    fn second(&mut self, unit: &UnitPlan, (first, second): (&Layer, &Layer), inner: &mut Maps) -> Sums {
        let compute = self.compute;
        let between = Input { maps: &first.maps, activation: Some(&first.norm.affine) };
        self.kernel(unit, (between, second));
        inner.resize(first.maps.images, first.maps.extent);
        let finish = |row, slab: &mut [Block]| gate_and_sum(compute, (row, slab), first.both(), Gate::Normalised);
        Sums::join(self.input(unit, second, (inner, false), finish))
    }

    fn stem(&mut self, (unit, images): (&UnitPlan, Images<'_>), layer: &mut Layer, pooled: Pooled<'_>) {
        let sums = pool::sum(self.compute, pooled, layer.both());
        self.norm_gradient(unit, &sums);
        let terms = layer.norm.terms(&sums, &self.parameters[unit.scale.clone()]);
        pool::input_gradient(self.compute, pooled, (&layer.norm, &terms), &mut layer.maps);
        stem::gradient(self.compute, images, &layer.maps, &mut self.gradient[unit.kernel.clone()]);
    }

    /// Through a batch norm: the layer's maps become their gradient, given that of the norm's output and its sums.
    fn norm(&mut self, unit: &UnitPlan, (layer, gradient): (&mut Layer, &Maps), sums: &Sums) {
        self.norm_gradient(unit, sums);
        let terms = layer.norm.terms(sums, &self.parameters[unit.scale.clone()]);
        norm::input_gradient(self.compute, gradient, &terms, &mut layer.maps);
    }

    /// The sums of a batch norm's backward pass are the gradients of its scale and shift.
    #[expect(clippy::cast_possible_truncation, reason = "gradients are f32")]
    fn norm_gradient(&mut self, unit: &UnitPlan, sums: &Sums) {
        for (place, values) in [(&unit.scale, &sums.with_normalised), (&unit.shift, &sums.alone)] {
            self.gradient[place.clone()].iter_mut().zip(values).for_each(|(out, value)| *out = *value as f32);
        }
    }

    /// A convolution's kernel's gradient, given its input and the layer with its output's gradient.
    fn kernel(&mut self, unit: &UnitPlan, (input, layer): (Input<'_>, &Layer)) {
        kernel_gradient(self.compute, unit, (input, &layer.maps), &mut self.gradient[unit.kernel.clone()]);
    }

    /// A convolution's input's gradient, into or added to `into`, given the layer with its output's.
    fn input<R: Send>(
        &mut self,
        unit: &UnitPlan,
        layer: &Layer,
        (into, adds): (&mut Maps, bool),
        finish: impl Finish<R>,
    ) -> Vec<R> {
        let gradient = &layer.maps;
        let method = Method::fastest(unit.geometry, gradient.extent, gradient.images);
        let kernel = &self.parameters[unit.kernel.clone()];
        pack(self.compute, (unit, method, Direction::Backward), kernel, self.weights);
        input_gradient(self.compute, (unit, method), (gradient, self.weights), (into, adds), finish)
    }
}

impl BlockLayers {
    /// Lets the gradient of the block's output through where that was positive, and takes the last norm's sums.
    fn gate(&self, compute: &Compute, row: usize, slab: &mut [Block]) -> Sums {
        gate_and_sum(compute, (row, slab), self.second.both(), Gate::Output(&self.output))
    }
}
