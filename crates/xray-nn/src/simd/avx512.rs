//! AVX-512: a block is one register, of which there are 32.

use std::arch::x86_64::{
    __m512, _CMP_GT_OQ, _CMP_UNORD_Q, _mm_cmpeq_epi8_mask, _mm_loadu_si128, _mm_set1_epi8, _mm512_add_ps,
    _mm512_cmp_ps_mask, _mm512_div_ps, _mm512_fmadd_ps, _mm512_loadu_ps, _mm512_mask_blend_ps, _mm512_maskz_mov_ps,
    _mm512_max_ps, _mm512_mul_ps, _mm512_set1_ps, _mm512_setzero_ps, _mm512_sqrt_ps, _mm512_storeu_ps, _mm512_sub_ps,
};

use super::{Block, Kernel, LANES, Simd};

/// Proof that the processor has AVX-512 (F, BW, DQ and VL), AVX2 and FMA.
#[derive(Debug, Clone, Copy)]
pub struct Avx512(());

impl Avx512 {
    pub fn detect() -> Option<Self> {
        let has = is_x86_feature_detected!("avx512f")
            && is_x86_feature_detected!("avx512bw")
            && is_x86_feature_detected!("avx512dq")
            && is_x86_feature_detected!("avx512vl")
            && is_x86_feature_detected!("avx2")
            && is_x86_feature_detected!("fma");
        has.then_some(Self(()))
    }
}

/// Runs a kernel.
///
/// # Safety
/// The processor must have what [`Avx512::detect`] asks for.
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx2,fma")]
pub unsafe fn run<K: Kernel>(kernel: K) -> K::Output {
    kernel.run(Avx512(()))
}

// SAFETY of every block below: `self` is proof of the instructions, and a reference to a block is valid for 64 bytes.
impl Simd for Avx512 {
    type V = __m512;
    // 28 sums, 2 blocks of the right-hand side, and one factor: 31 of 32 registers.
    const ROWS: usize = 14;
    const PANELS: usize = 2;
    const ROWS_TRANSPOSED: usize = 8;

    #[inline(always)]
    fn splat(self, value: f32) -> __m512 {
        unsafe { _mm512_set1_ps(value) }
    }

    #[inline(always)]
    fn load(self, from: &Block) -> __m512 {
        unsafe { _mm512_loadu_ps(from.as_ptr()) }
    }

    #[inline(always)]
    fn store(self, to: &mut Block, value: __m512) {
        unsafe { _mm512_storeu_ps(to.as_mut_ptr(), value) }
    }

    #[inline(always)]
    fn add(self, a: __m512, b: __m512) -> __m512 {
        unsafe { _mm512_add_ps(a, b) }
    }

    #[inline(always)]
    fn sub(self, a: __m512, b: __m512) -> __m512 {
        unsafe { _mm512_sub_ps(a, b) }
    }

    #[inline(always)]
    fn mul(self, a: __m512, b: __m512) -> __m512 {
        unsafe { _mm512_mul_ps(a, b) }
    }

    #[inline(always)]
    fn div(self, a: __m512, b: __m512) -> __m512 {
        unsafe { _mm512_div_ps(a, b) }
    }

    #[inline(always)]
    fn sqrt(self, a: __m512) -> __m512 {
        unsafe { _mm512_sqrt_ps(a) }
    }

    #[inline(always)]
    fn fma(self, a: __m512, b: __m512, c: __m512) -> __m512 {
        unsafe { _mm512_fmadd_ps(a, b, c) }
    }

    #[inline(always)]
    fn relu(self, a: __m512) -> __m512 {
        // Of a NaN and a number the instruction answers its second operand.
        unsafe { _mm512_max_ps(_mm512_setzero_ps(), a) }
    }

    #[inline(always)]
    fn where_positive(self, test: __m512, value: __m512) -> __m512 {
        unsafe { _mm512_maskz_mov_ps(_mm512_cmp_ps_mask::<_CMP_GT_OQ>(test, _mm512_setzero_ps()), value) }
    }

    #[inline(always)]
    fn larger(self, value: __m512, best: __m512, then: __m512, otherwise: __m512) -> (__m512, __m512) {
        unsafe {
            let mask = _mm512_cmp_ps_mask::<_CMP_GT_OQ>(value, best) | _mm512_cmp_ps_mask::<_CMP_UNORD_Q>(value, value);
            (_mm512_mask_blend_ps(mask, otherwise, then), _mm512_mask_blend_ps(mask, best, value))
        }
    }

    #[inline(always)]
    fn where_equal(self, codes: &[u8; LANES], code: u8, value: __m512) -> __m512 {
        // SAFETY: as above, and the sixteen codes are sixteen bytes.
        unsafe {
            let codes = _mm_loadu_si128(codes.as_ptr().cast());
            _mm512_maskz_mov_ps(_mm_cmpeq_epi8_mask(codes, _mm_set1_epi8(code.cast_signed())), value)
        }
    }
}
