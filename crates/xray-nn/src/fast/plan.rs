//! The trunk for the fast path: each layer's geometry, its place in the flat parameters, and the method it is computed by.

use std::ops::Range;

use crate::arch::{self, Role};
use crate::kernel::direct::Geometry;
use crate::kernel::maps::Extent;
use crate::kernel::winograd::{frequencies, products};

/// A convolution and its batch norm; ranges are places in the flat parameters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnitPlan {
    pub geometry: Geometry,
    pub kernel: Range<usize>,
    pub scale: Range<usize>,
    pub shift: Range<usize>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BlockPlan {
    pub first: UnitPlan,
    pub second: UnitPlan,
    pub shortcut: Option<UnitPlan>,
}

/// The trunk's layers in order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    pub stem: UnitPlan,
    pub blocks: Vec<BlockPlan>,
    /// Flat parameters.
    pub len: usize,
}

/// How a convolution is computed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Method {
    Direct,
    /// Winograd's with tiles of 2x2.
    Winograd2,
    /// Winograd's with tiles of 4x4.
    Winograd4,
}

impl Plan {
    pub fn new() -> Self {
        let mut next = 0;
        let stem = UnitPlan::new(&arch::stem(), &mut next);
        let blocks = arch::blocks()
            .iter()
            .map(|block| BlockPlan {
                first: UnitPlan::new(&block.first, &mut next),
                second: UnitPlan::new(&block.second, &mut next),
                shortcut: block.shortcut.as_ref().map(|unit| UnitPlan::new(unit, &mut next)),
            })
            .collect();
        Self { stem, blocks, len: next }
    }

    /// How many blocks have all their units among the trunk's first `units`.
    pub fn blocks_among(&self, units: usize) -> usize {
        let sizes = self.blocks.iter().map(|block| 2 + usize::from(block.shortcut.is_some()));
        let ends = sizes.scan(1, |end, size| {
            *end += size;
            Some(*end)
        });
        ends.take_while(|end| *end <= units).count()
    }
}

impl UnitPlan {
    /// The unit's parameters begin at `next`, in the order of [`arch::Unit::tensors`]; `next` is moved behind them.
    fn new(unit: &arch::Unit, next: &mut usize) -> Self {
        let mut place = |role| {
            let tensor = unit.tensors().into_iter().find(|tensor| tensor.role == role);
            let start = *next;
            *next += tensor.map_or(0, |tensor| tensor.shape.iter().product());
            start..*next
        };
        Self {
            geometry: Geometry { inputs: unit.inputs, outputs: unit.outputs, kernel: unit.kernel, stride: unit.stride },
            kernel: place(Role::Kernel),
            scale: place(Role::Scale),
            shift: place(Role::Shift),
        }
    }

    /// The size of the output for an input of this size.
    pub fn extent(&self, input: Extent) -> Extent {
        let Geometry { outputs, stride, .. } = self.geometry;
        Extent::new(outputs, input.height.div_ceil(stride), input.width.div_ceil(stride))
    }
}

/// What reading one weight costs, in products: fetched from memory it takes as long as some sixteen of them.
const PRODUCTS_PER_WEIGHT: usize = 16;

impl Method {
    /// The method that should take the least time for so many images with an output of this size: by its products, and by
    /// the weights that it reads.
    pub fn fastest(geometry: Geometry, output: Extent, images: usize) -> Self {
        if (geometry.kernel, geometry.stride) != (3, 1) {
            return Self::Direct;
        }
        let cost = |weights: usize, products: usize| products * images + weights * PRODUCTS_PER_WEIGHT;
        // Gathering costs less than transforming: about a fifth of the products.
        let direct = cost(geometry.taps(), geometry.taps() * output.pixels() * 5 / 6);
        let two = cost(frequencies(2), products::<2>(output));
        let four = cost(frequencies(4), products::<4>(output));
        let candidates = [(four, Self::Winograd4), (two, Self::Winograd2), (direct, Self::Direct)];
        candidates.into_iter().min_by_key(|(cost, _)| *cost).map_or(Self::Direct, |(_, method)| method)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_plan_has_the_parameters_that_torchvision_counts_less_its_head() {
        assert_eq!(Plan::new().len, 11_689_512 - 513 * 1000);
    }

    #[test]
    fn a_block_is_among_the_first_units_if_all_of_it_is() {
        let plan = Plan::new();
        assert_eq!([0, 1, 2, 3, 5, 7, 8, 20].map(|units| plan.blocks_among(units)), [0, 0, 0, 1, 2, 2, 3, 8]);
        for parts in 0..=arch::PARTS {
            assert_eq!(plan.blocks_among(arch::units_of(parts)), arch::blocks_of(parts));
        }
    }

    #[test]
    fn many_images_go_by_large_tiles_and_one_image_by_fewer_weights() {
        let geometry = |channels| Geometry { inputs: channels, outputs: channels, kernel: 3, stride: 1 };
        let method =
            |channels, side, images| Method::fastest(geometry(channels), Extent::new(channels, side, side), images);
        assert_eq!(method(64, 56, 1), Method::Winograd4);
        assert_eq!(method(512, 7, 64), Method::Winograd4);
        assert_eq!(method(256, 14, 1), Method::Winograd2);
        assert_eq!(method(512, 7, 1), Method::Direct);
        assert_eq!(method(512, 1, 64), Method::Direct);
        assert_eq!(
            Method::fastest(Geometry { stride: 2, ..geometry(64) }, Extent::new(64, 28, 28), 64),
            Method::Direct
        );
    }
}
