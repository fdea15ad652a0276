//! The trunk with fixed weights: batch norm is a factor and a summand, and no map outlives the next layer.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use super::forward::{convolve, pack};
use super::plan::BlockPlan;
use super::{Method, Plan, UnitPlan, empty};
use crate::kernel::buffer::Buffer;
use crate::kernel::maps::{Maps, to_planes};
use crate::kernel::norm::{Shortcut, activate_slab};
use crate::kernel::pool::{self, Codes};
use crate::kernel::stem::{self, Images};
use crate::kernel::{Affine, Compute, Input};
use crate::simd::Isa;

/// Images that go through together: their maps stay in the shared cache.
const TOGETHER: usize = 16;

/// A trunk that only answers. Weights are packed when a size of batch or image first needs them.
#[derive(Debug)]
pub struct Inference {
    plan: Plan,
    parameters: Vec<f32>,
    /// Of each unit, in order.
    affines: Vec<Affine>,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    compute: Compute,
    packed: HashMap<(usize, Method), Buffer>,
    stem: Maps,
    codes: Codes,
    /// A block's input, the maps between its convolutions, its shortcut, and its output.
    maps: [Maps; 4],
}

/// A unit with its number.
type Numbered<'a> = (usize, &'a UnitPlan);

impl Inference {
    /// With the flat parameters, and each unit's norm as a factor and a summand.
    pub fn new(isa: Isa, parameters: Vec<f32>, affines: Vec<Affine>) -> Self {
        let state = State {
            compute: Compute::new(isa),
            packed: HashMap::new(),
            stem: empty(),
            codes: Codes::default(),
            maps: [empty(), empty(), empty(), empty()],
        };
        Self { plan: Plan::new(), parameters, affines, state: Mutex::new(state) }
    }

    /// Features, (B, 512, h, w), and h and w.
    pub fn features(&self, images: Images<'_>) -> (Vec<f32>, [usize; 2]) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let mut features = Vec::new();
        let mut size = [0, 0];
        let image = images.values.len() / images.count();
        for values in images.values.chunks(TOGETHER * image) {
            let maps = self.pass(&mut state, Images { values, ..images });
            features.append(&mut to_planes(maps, crate::arch::FEATURES));
            size = [maps.extent.height, maps.extent.width];
        }
        (features, size)
    }

    fn pass<'s>(&self, state: &'s mut State, images: Images<'_>) -> &'s Maps {
        self.stem(state, images);
        let mut unit = 1;
        for block in &self.plan.blocks {
            self.block(state, (block, unit));
            unit += 2 + usize::from(block.shortcut.is_some());
        }
        &state.maps[0]
    }

    fn stem(&self, state: &mut State, images: Images<'_>) {
        let unit = &self.plan.stem;
        let State { compute, packed, stem, codes, maps: [output, ..] } = state;
        let outputs = unit.geometry.outputs;
        let weights = packed.entry((0, Method::Direct)).or_insert_with(|| {
            let mut weights = Buffer::new(stem::weights_size(outputs));
            stem::weights(&self.parameters[unit.kernel.clone()], &mut weights);
            weights
        });
        stem.resize(images.count(), images.extent(outputs));
        stem::convolve(compute, (images, weights), stem, |_, _| ());
        output.resize(images.count(), pool::pooled(stem.extent));
        pool::forward(compute, (stem, &self.affines[0]), output, codes);
    }

    /// The block's output takes the place of its input, `maps[0]`.
    fn block(&self, state: &mut State, (block, number): (&BlockPlan, usize)) {
        let State { compute, packed, maps: [input, between, shortcut, output], .. } = state;
        self.unit((compute, packed), (number, &block.first), (input, between), (true, Shortcut::None));
        let added = if let Some(unit) = &block.shortcut {
            self.unit((compute, packed), (number + 2, unit), (input, shortcut), (false, Shortcut::None));
            Shortcut::Plain(shortcut)
        } else {
            Shortcut::Plain(input)
        };
        self.unit((compute, packed), (number + 1, &block.second), (between, output), (true, added));
        std::mem::swap(input, output);
    }

    fn unit(
        &self,
        (compute, packed): (&Compute, &mut HashMap<(usize, Method), Buffer>),
        (number, unit): Numbered<'_>,
        (input, output): (&Maps, &mut Maps),
        (rectify, shortcut): (bool, Shortcut<'_>),
    ) {
        let extent = unit.extent(input.extent);
        output.resize(input.images, extent);
        let method = Method::fastest(unit.geometry, extent, input.images);
        let weights = packed.entry((number, method)).or_insert_with(|| {
            let mut weights = Buffer::default();
            pack(compute, (unit, method), &self.parameters[unit.kernel.clone()], &mut weights);
            weights
        });
        let affine = &self.affines[number];
        convolve(compute, (unit, method), (Input::plain(input), weights, output), |row, slab| {
            activate_slab(compute, (row, slab, extent), (affine, rectify), shortcut);
        });
    }
}
