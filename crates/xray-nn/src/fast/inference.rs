//! The trunk with fixed weights: batch norm is a factor and a summand, and no map outlives the next layer.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use candle_core::Tensor;

use super::convolution::{convolve, pack};
use super::plan::BlockPlan;
use super::{Method, Plan, UnitPlan, empty};
use crate::kernel::buffer::Buffer;
use crate::kernel::maps::{Maps, to_planes};
use crate::kernel::norm::{Shortcut, activate_slab};
use crate::kernel::pool::{self, Codes};
use crate::kernel::stem::{self, Images};
use crate::kernel::winograd::Direction;
use crate::kernel::{Affine, Compute, Input};
use crate::simd::Isa;
use crate::storage::values;

/// Images that go through together: their maps stay in the shared cache.
pub const TOGETHER: usize = 16;

/// A trunk that only answers. Weights are packed when a size of batch or image first needs them.
#[derive(Debug)]
pub struct Inference {
    isa: Isa,
    plan: Plan,
    /// Of each unit, in order, (outputs, inputs, kernel, kernel).
    kernels: Vec<Tensor>,
    /// Of each unit, in order.
    affines: Vec<Affine>,
    /// Weights packed for a method, by the number of their unit.
    packed: Mutex<HashMap<(usize, Method), Arc<Buffer>>>,
    /// Of callers that come at once, each takes one; the last to come makes one.
    states: Mutex<Vec<State>>,
}

#[derive(Debug)]
struct State {
    compute: Compute,
    stem: Maps,
    codes: Codes,
    /// A block's input, the maps between its convolutions, its shortcut, and its output.
    maps: [Maps; 4],
}

impl State {
    fn new(isa: Isa) -> Self {
        Self {
            compute: Compute::new(isa),
            stem: empty(),
            codes: Codes::default(),
            maps: [empty(), empty(), empty(), empty()],
        }
    }
}

impl Inference {
    /// With each unit's kernel, f32 on the CPU, and its norm as a factor and a summand.
    pub fn new(isa: Isa, kernels: Vec<Tensor>, affines: Vec<Affine>) -> Self {
        Self { isa, plan: Plan::new(), kernels, affines, packed: Mutex::default(), states: Mutex::default() }
    }

    /// Features, (B, 512, h, w), and h and w.
    ///
    /// # Errors
    /// If a kernel cannot be read.
    pub fn features(&self, images: Images<'_>) -> candle_core::Result<(Vec<f32>, [usize; 2])> {
        // Held while it works, a lock could be waited for by a thread of the pool that holds it already.
        let states = || self.states.lock().unwrap_or_else(PoisonError::into_inner);
        let mut state = states().pop().unwrap_or_else(|| State::new(self.isa));
        let mut features = Vec::new();
        let mut size = [0, 0];
        let image = images.values.len() / images.count();
        for part in images.values.chunks(TOGETHER * image) {
            let maps = self.pass(&mut state, Images { values: part, ..images })?;
            features.append(&mut to_planes(maps, crate::arch::FEATURES));
            size = [maps.extent.height, maps.extent.width];
        }
        states().push(state);
        Ok((features, size))
    }

    fn pass<'s>(&self, state: &'s mut State, images: Images<'_>) -> candle_core::Result<&'s Maps> {
        self.stem(state, images)?;
        let mut unit = 1;
        for block in &self.plan.blocks {
            self.block(state, (block, unit))?;
            unit += 2 + usize::from(block.shortcut.is_some());
        }
        Ok(&state.maps[0])
    }

    fn stem(&self, state: &mut State, images: Images<'_>) -> candle_core::Result<()> {
        let outputs = self.plan.stem.geometry.outputs;
        let State { compute, stem, codes, maps: [output, ..] } = state;
        let weights = self.weights((0, Method::Direct), |kernel, weights| {
            weights.resize(stem::weights_size(outputs));
            stem::weights(kernel, weights);
        })?;
        stem.resize(images.count(), images.extent(outputs));
        stem::convolve(compute, (images, &weights), stem, |_, _| ());
        output.resize(images.count(), pool::pooled(stem.extent));
        pool::forward(compute, (stem, &self.affines[0]), output, codes);
        Ok(())
    }

    /// The block's output takes the place of its input, `maps[0]`.
    fn block(&self, state: &mut State, (block, number): (&BlockPlan, usize)) -> candle_core::Result<()> {
        let State { compute, maps: [input, between, shortcut, output], .. } = state;
        self.unit(compute, (number, &block.first), (input, between), (true, Shortcut::None))?;
        let added = if let Some(unit) = &block.shortcut {
            self.unit(compute, (number + 2, unit), (input, shortcut), (false, Shortcut::None))?;
            Shortcut::Plain(shortcut)
        } else {
            Shortcut::Plain(input)
        };
        self.unit(compute, (number + 1, &block.second), (between, output), (true, added))?;
        std::mem::swap(input, output);
        Ok(())
    }

    fn unit(
        &self,
        compute: &Compute,
        (number, unit): (usize, &UnitPlan),
        (input, output): (&Maps, &mut Maps),
        (rectify, shortcut): (bool, Shortcut<'_>),
    ) -> candle_core::Result<()> {
        let extent = unit.extent(input.extent);
        output.resize(input.images, extent);
        let method = Method::fastest(unit.geometry, extent, input.images);
        let weights = self.weights((number, method), |kernel, weights| {
            pack(compute, (unit, method, Direction::Forward), kernel, weights);
        })?;
        let affine = &self.affines[number];
        convolve(compute, (unit, method), (Input::plain(input), &weights, output), |row, slab| {
            activate_slab(compute, (row, slab, extent), (affine, rectify), shortcut);
        });
        Ok(())
    }

    /// The weights of that unit and method, packed by `pack` when they are first asked for.
    fn weights(
        &self,
        key: (usize, Method),
        pack: impl FnOnce(&[f32], &mut Buffer),
    ) -> candle_core::Result<Arc<Buffer>> {
        // Not held while it packs, for the same reason; of callers that pack at once, the first one's stay.
        let packed = || self.packed.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(weights) = packed().get(&key) {
            return Ok(weights.clone());
        }
        let mut weights = Buffer::default();
        let (storage, layout) = self.kernels[key.0].storage_and_layout();
        pack(values(&storage, layout)?, &mut weights);
        Ok(packed().entry(key).or_insert_with(|| Arc::new(weights)).clone())
    }
}
