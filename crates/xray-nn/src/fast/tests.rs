//! Where the way down ends above frozen units, all that is above them is the same.
#![allow(clippy::cast_possible_truncation)]

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{RngCore, SeedableRng};

use super::*;
use crate::arch;
use crate::kernel::stem::Images;
use crate::simd::Isa;

const SIDE: usize = 64;

/// Numbers from -1 to 1.
fn noise(seed: u64, count: usize) -> Vec<f32> {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    (0..count).map(|_| (f64::from(rng.next_u32()) / f64::from(u32::MAX) * 2.0 - 1.0) as f32).collect()
}

/// Kernels of noise, and batch norms with a scale of 1 and a shift of 0.
fn parameters(plan: &Plan) -> Vec<f32> {
    let mut values = noise(1, plan.len);
    let of_blocks =
        plan.blocks.iter().flat_map(|block| [Some(&block.first), Some(&block.second), block.shortcut.as_ref()]);
    for unit in of_blocks.flatten().chain([&plan.stem]) {
        values[unit.scale.clone()].fill(1.0);
        values[unit.shift.clone()].fill(0.0);
    }
    values
}

fn bits(values: &[f32]) -> Vec<u32> {
    values.iter().map(|value| value.to_bits()).collect()
}

#[test]
fn what_is_above_frozen_units_gets_the_gradient_that_it_had_and_they_get_none() {
    let plan = Plan::new();
    let (parameters, values) = (parameters(&plan), noise(2, 2 * 3 * SIDE * SIDE));
    let images = Images { values: &values, height: SIDE, width: SIDE };
    for isa in Isa::available() {
        let mut workspace = Workspace::new(Compute::new(isa), &plan);
        let (features, moments) = workspace.forward(&plan, images, (&parameters, &[]));
        let mut whole = vec![0.0; plan.len];
        workspace.backward(&plan, (images, &features), (&parameters, &mut whole));
        for parts in 1..=arch::PARTS {
            // Fixed to the batch's own moments, the frozen units compute what they did.
            let (units, frozen) = (arch::units_of(parts), arch::values_of(parts));
            let (same, others) = workspace.forward(&plan, images, (&parameters, &moments[..units]));
            assert!(bits(&same) == bits(&features), "{isa:?}: {parts} parts");
            assert_eq!(others.len(), moments.len() - units);
            let mut gradient = vec![0.0; plan.len];
            workspace.backward(&plan, (images, &features), (&parameters, &mut gradient));
            assert!(gradient[..frozen].iter().all(|value| value.to_bits() == 0), "{isa:?}: {parts} parts");
            assert!(bits(&gradient[frozen..]) == bits(&whole[frozen..]), "{isa:?}: {parts} parts");
        }
        assert!(whole.iter().all(|value| value.is_finite()));
    }
}
