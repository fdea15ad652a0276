//! How much memory training takes, before it is asked for, and the end of it.

use crate::Engine;
use crate::arch::IMAGE_CHANNELS;
use crate::fast::{Plan, TOGETHER};
use crate::kernel::maps::Extent;
use crate::kernel::pool;
use crate::simd::Block;

/// Bytes that training on batches of so many images of `side` x `side` pixels takes, up to a tenth or so (candle's
/// operations up to a third): maps that the backward pass needs, gradients, parameters with their moments, batches made
/// ahead, scratch, and what answering takes that comes after each epoch.
pub fn training_bytes(engine: &Engine, images: usize, side: usize) -> usize {
    let parameters = Plan::new().len * size_of::<f32>();
    let image = image_bytes(side);
    // Measured: candle keeps about four times the maps, and copies of every parameter.
    let (images_bytes, kept) = match engine {
        Engine::Fast(_) => (image, 4 * parameters + (128 << 20)),
        Engine::Plain(_) => (image.saturating_mul(4), 8 * parameters),
    };
    images.saturating_mul(images_bytes).saturating_add(kept).saturating_add(answering_bytes(side))
}

/// Of each image of a batch: its pixels, in the batches made ahead too, its maps, and their share of the gradients.
fn image_bytes(side: usize) -> usize {
    let plan = Plan::new();
    let stem = plan.stem.extent(Extent::new(IMAGE_CHANNELS, side, side));
    let pooled = pool::pooled(stem);
    // Three gradients are the size of the first stage's maps; codes take a quarter of what they stand for.
    let mut bytes = 4 * pixel_bytes(side) + map_bytes(stem) + 4 * map_bytes(pooled) + map_bytes(pooled) / 4;
    let mut input = pooled;
    for block in &plan.blocks {
        let output = block.first.extent(input);
        bytes += (3 + usize::from(block.shortcut.is_some())) * map_bytes(output);
        input = output;
    }
    bytes
}

/// Fixed weights, packed for tiles of 4x4 for the most part, four times their size; and the maps of the images that go
/// through together.
fn answering_bytes(side: usize) -> usize {
    let plan = Plan::new();
    let stem = plan.stem.extent(Extent::new(IMAGE_CHANNELS, side, side));
    let image = map_bytes(stem) + 4 * map_bytes(pool::pooled(stem)) + 2 * pixel_bytes(side);
    5 * plan.len * size_of::<f32>() + TOGETHER * image
}

fn map_bytes(extent: Extent) -> usize {
    extent.pixels() * extent.blocks * size_of::<Block>()
}

fn pixel_bytes(side: usize) -> usize {
    IMAGE_CHANNELS * side * side * size_of::<f32>()
}

/// Gives memory that was freed back to the system, where the allocator would keep it for the threads that had it (glibc).
pub fn give_back() {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    // SAFETY: it has no preconditions, and leaves what is allocated alone.
    #[allow(unsafe_code, reason = "a call of the C library's")]
    unsafe {
        libc::malloc_trim(0);
    }
}

#[cfg(test)]
mod tests {
    use candle_core::Device;

    use super::*;

    /// The peak of whole processes that trained an epoch, validated and tested, in 10^6 bytes.
    #[test]
    fn training_is_said_to_take_what_was_measured() {
        let (fast, plain) = (Engine::best(), Engine::Plain(Device::Cpu));
        let measured = [
            (&fast, 2, 224, 708, 10),
            (&fast, 16, 224, 980, 10),
            (&fast, 64, 224, 1793, 10),
            (&fast, 64, 64, 638, 10),
            (&fast, 2, 512, 1421, 10),
            (&fast, 16, 512, 2626, 10),
            (&plain, 8, 224, 1301, 30),
            (&plain, 16, 224, 1908, 30),
            (&plain, 32, 112, 1185, 30),
            (&plain, 64, 64, 899, 30),
        ];
        for (engine, images, side, measured, percent) in measured {
            let said = training_bytes(engine, images, side) / 1_000_000;
            let off = said.abs_diff(measured) * 100 / measured;
            assert!(off <= percent, "{engine:?}, {images} images of {side} pixels: {said} for {measured} MB");
        }
    }
}
