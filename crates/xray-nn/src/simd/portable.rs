//! Plain Rust, for every machine: arrays of sixteen that the compiler turns into what vectors it has (SSE2, NEON).

use super::{Block, LANES, Simd};

/// No special instructions.
#[derive(Debug, Clone, Copy)]
pub struct Portable;

#[inline(always)]
fn each(operation: impl Fn(usize) -> f32) -> Block {
    let mut out = [0.0; LANES];
    for (lane, out) in out.iter_mut().enumerate() {
        *out = operation(lane);
    }
    out
}

impl Simd for Portable {
    type V = Block;
    // With four floats a register, 8 sums of the 16 registers that SSE2 has.
    const ROWS: usize = if cfg!(target_arch = "aarch64") { 6 } else { 2 };
    const PANELS: usize = 1;
    const ROWS_TRANSPOSED: usize = Self::ROWS;

    #[inline(always)]
    fn splat(self, value: f32) -> Block {
        [value; LANES]
    }

    #[inline(always)]
    fn load(self, from: &Block) -> Block {
        *from
    }

    #[inline(always)]
    fn store(self, to: &mut Block, value: Block) {
        *to = value;
    }

    #[inline(always)]
    fn add(self, a: Block, b: Block) -> Block {
        each(|i| a[i] + b[i])
    }

    #[inline(always)]
    fn sub(self, a: Block, b: Block) -> Block {
        each(|i| a[i] - b[i])
    }

    #[inline(always)]
    fn mul(self, a: Block, b: Block) -> Block {
        each(|i| a[i] * b[i])
    }

    #[inline(always)]
    fn div(self, a: Block, b: Block) -> Block {
        each(|i| a[i] / b[i])
    }

    #[inline(always)]
    fn sqrt(self, a: Block) -> Block {
        each(|i| a[i].sqrt())
    }

    #[inline(always)]
    fn fma(self, a: Block, b: Block, c: Block) -> Block {
        // Where there is no such instruction, `mul_add` is a slow call.
        if cfg!(any(target_feature = "fma", target_arch = "aarch64")) {
            each(|i| a[i].mul_add(b[i], c[i]))
        } else {
            each(|i| a[i] * b[i] + c[i])
        }
    }

    #[inline(always)]
    fn relu(self, a: Block) -> Block {
        each(|i| if a[i] < 0.0 { 0.0 } else { a[i] })
    }

    #[inline(always)]
    fn where_positive(self, test: Block, value: Block) -> Block {
        each(|i| if test[i] > 0.0 { value[i] } else { 0.0 })
    }

    #[inline(always)]
    fn larger(self, value: Block, best: Block, then: Block, otherwise: Block) -> (Block, Block) {
        let takes = |i: usize| value[i] > best[i] || value[i].is_nan();
        (each(|i| if takes(i) { then[i] } else { otherwise[i] }), each(|i| if takes(i) { value[i] } else { best[i] }))
    }

    #[inline(always)]
    fn where_equal(self, codes: &[u8; LANES], code: u8, value: Block) -> Block {
        each(|i| if codes[i] == code { value[i] } else { 0.0 })
    }
}
