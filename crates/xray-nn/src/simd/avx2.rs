//! AVX2 with FMA: a block is two registers, of which there are 16.

use std::arch::x86_64::{
    __m256, _CMP_GT_OQ, _CMP_UNORD_Q, _mm_cmpeq_epi8, _mm_loadu_si128, _mm_set1_epi8, _mm_srli_si128, _mm256_add_ps,
    _mm256_and_ps, _mm256_blendv_ps, _mm256_castsi256_ps, _mm256_cmp_ps, _mm256_cvtepi8_epi32, _mm256_div_ps,
    _mm256_fmadd_ps, _mm256_loadu_ps, _mm256_max_ps, _mm256_mul_ps, _mm256_or_ps, _mm256_set1_ps, _mm256_sqrt_ps,
    _mm256_storeu_ps, _mm256_sub_ps,
};

use super::{Block, Kernel, LANES, Simd};

/// Proof that the processor has AVX2 and FMA.
#[derive(Debug, Clone, Copy)]
pub struct Avx2(());

impl Avx2 {
    pub fn detect() -> Option<Self> {
        (is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma")).then_some(Self(()))
    }
}

/// Runs a kernel.
///
/// # Safety
/// The processor must have what [`Avx2::detect`] asks for.
#[target_feature(enable = "avx2,fma")]
pub unsafe fn run<K: Kernel>(kernel: K) -> K::Output {
    kernel.run(Avx2(()))
}

#[target_feature(enable = "avx2")]
#[inline]
fn greater(a: __m256, b: __m256) -> __m256 {
    _mm256_cmp_ps::<_CMP_GT_OQ>(a, b)
}

#[target_feature(enable = "avx2")]
#[inline]
fn is_nan(a: __m256) -> __m256 {
    _mm256_cmp_ps::<_CMP_UNORD_Q>(a, a)
}

/// Applies an operation to both halves.
macro_rules! halves {
    ($operation:ident, $($value:ident),+) => {
        // SAFETY: a value of `Avx2` is proof of the instructions.
        unsafe { [$operation($($value[0]),+), $operation($($value[1]),+)] }
    };
}

// SAFETY of every block below: `self` is proof of the instructions, and a reference to a block is valid for 64 bytes.
impl Simd for Avx2 {
    type V = [__m256; 2];
    // 12 sums, one block of the right-hand side, and one factor: 15 of 16 registers.
    const ROWS: usize = 6;
    const PANELS: usize = 1;
    const ROWS_TRANSPOSED: usize = 6;

    #[inline(always)]
    fn splat(self, value: f32) -> Self::V {
        unsafe { [_mm256_set1_ps(value); 2] }
    }

    #[inline(always)]
    fn load(self, from: &Block) -> Self::V {
        unsafe { [_mm256_loadu_ps(from.as_ptr()), _mm256_loadu_ps(from.as_ptr().add(8))] }
    }

    #[inline(always)]
    fn store(self, to: &mut Block, value: Self::V) {
        unsafe {
            _mm256_storeu_ps(to.as_mut_ptr(), value[0]);
            _mm256_storeu_ps(to.as_mut_ptr().add(8), value[1]);
        }
    }

    #[inline(always)]
    fn add(self, a: Self::V, b: Self::V) -> Self::V {
        halves!(_mm256_add_ps, a, b)
    }

    #[inline(always)]
    fn sub(self, a: Self::V, b: Self::V) -> Self::V {
        halves!(_mm256_sub_ps, a, b)
    }

    #[inline(always)]
    fn mul(self, a: Self::V, b: Self::V) -> Self::V {
        halves!(_mm256_mul_ps, a, b)
    }

    #[inline(always)]
    fn div(self, a: Self::V, b: Self::V) -> Self::V {
        halves!(_mm256_div_ps, a, b)
    }

    #[inline(always)]
    fn sqrt(self, a: Self::V) -> Self::V {
        halves!(_mm256_sqrt_ps, a)
    }

    #[inline(always)]
    fn fma(self, a: Self::V, b: Self::V, c: Self::V) -> Self::V {
        halves!(_mm256_fmadd_ps, a, b, c)
    }

    #[inline(always)]
    fn relu(self, a: Self::V) -> Self::V {
        let zero = self.zero();
        // Of a NaN and a number the instruction answers its second operand.
        halves!(_mm256_max_ps, zero, a)
    }

    #[inline(always)]
    fn where_positive(self, test: Self::V, value: Self::V) -> Self::V {
        let zero = self.zero();
        let mask = halves!(greater, test, zero);
        halves!(_mm256_and_ps, mask, value)
    }

    #[inline(always)]
    fn larger(self, value: Self::V, best: Self::V, then: Self::V, otherwise: Self::V) -> (Self::V, Self::V) {
        let nan = halves!(is_nan, value);
        let larger = halves!(greater, value, best);
        let mask = halves!(_mm256_or_ps, larger, nan);
        (halves!(_mm256_blendv_ps, otherwise, then, mask), halves!(_mm256_blendv_ps, best, value, mask))
    }

    #[inline(always)]
    fn where_equal(self, codes: &[u8; LANES], code: u8, value: Self::V) -> Self::V {
        // SAFETY: as above, and the sixteen codes are sixteen bytes.
        unsafe {
            let codes = _mm_loadu_si128(codes.as_ptr().cast());
            let equal = _mm_cmpeq_epi8(codes, _mm_set1_epi8(code.cast_signed()));
            let low = _mm256_castsi256_ps(_mm256_cvtepi8_epi32(equal));
            let high = _mm256_castsi256_ps(_mm256_cvtepi8_epi32(_mm_srli_si128::<8>(equal)));
            [_mm256_and_ps(low, value[0]), _mm256_and_ps(high, value[1])]
        }
    }
}
