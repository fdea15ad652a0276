//! Smooth steps and seeded smooth noise: what soft borders, vessels and infiltrates are made of.

#![allow(
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    clippy::cast_sign_loss,
    reason = "lattice points"
)]

/// 0 below `from`, 1 above `to`, smooth in between. `from` must be less than `to`.
pub fn step(from: f32, to: f32, at: f32) -> f32 {
    let t = ((at - from) / (to - from)).clamp(0.0, 1.0);
    t * t * (3.0 - 2.0 * t)
}

/// 1 within an ellipse, 0 outside, with a border of `softness` (a share of the radius) around its edge.
pub fn ellipse(offset: [f32; 2], radius: [f32; 2], softness: f32) -> f32 {
    let (x, y) = (offset[0] / radius[0], offset[1] / radius[1]);
    let square = x * x + y * y;
    if square > (1.0 + softness) * (1.0 + softness) {
        0.0
    } else {
        1.0 - step(1.0 - softness, 1.0 + softness, square.sqrt())
    }
}

/// Value noise of -1 to 1 with features about one unit wide.
pub fn noise(seed: u32, x: f32, y: f32) -> f32 {
    let (left, top) = (x.floor(), y.floor());
    let (column, row) = (left as i32 as u32, top as i32 as u32);
    let (u, v) = (x - left, y - top);
    let (u, v) = (u * u * (3.0 - 2.0 * u), v * v * (3.0 - 2.0 * v));
    let upper = blend(lattice(seed, column, row), lattice(seed, column.wrapping_add(1), row), u);
    let row = row.wrapping_add(1);
    let lower = blend(lattice(seed, column, row), lattice(seed, column.wrapping_add(1), row), u);
    blend(upper, lower, v)
}

/// Two octaves of noise, about -1 to 1.
pub fn cloud(seed: u32, x: f32, y: f32) -> f32 {
    0.65 * noise(seed, x, y) + 0.35 * noise(seed ^ 0x5bd1, 2.1 * x, 2.1 * y)
}

/// Noise as a net of thin lines: 1 on them, 0 between.
pub fn net(seed: u32, x: f32, y: f32) -> f32 {
    1.0 - step(0.0, 0.4, noise(seed, x, y).abs())
}

fn blend(a: f32, b: f32, share: f32) -> f32 {
    a + (b - a) * share
}

/// A hash of the lattice point as a number of -1 to 1.
fn lattice(seed: u32, column: u32, row: u32) -> f32 {
    let mut h = seed ^ column.wrapping_mul(0x8da6_b343) ^ row.wrapping_mul(0xd816_3841);
    h = (h ^ (h >> 15)).wrapping_mul(0x2c1b_3c6d);
    h = (h ^ (h >> 12)).wrapping_mul(0x297a_2d39);
    h ^= h >> 15;
    (h >> 8) as f32 / 8_388_607.5 - 1.0
}
