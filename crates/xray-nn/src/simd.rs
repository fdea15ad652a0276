//! Sixteen floats at a time: one trait, and one type for each instruction set that implements it.
//!
//! Every kernel is written once, generic over [`Simd`], and works on [`Block`]s of sixteen channels whatever the width
//! of the machine's registers: one with AVX-512, two with AVX2, and as many as the compiler finds for [`Portable`].
//! [`Isa::run`] compiles it anew inside a function that has the instructions switched on; so all of a kernel must be
//! `#[inline(always)]`.
//!
//! A value of [`Avx512`] or [`Avx2`] exists only where the processor was asked and has these instructions. That is what
//! makes its methods safe to call.

#![allow(unsafe_code, reason = "intrinsics")]
#![allow(clippy::inline_always, reason = "a kernel must be compiled with its caller's instructions")]

use std::fmt;

#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx512;
mod portable;

#[cfg(target_arch = "x86_64")]
pub use avx2::Avx2;
#[cfg(target_arch = "x86_64")]
pub use avx512::Avx512;
pub use portable::Portable;

/// Channels that are computed together.
pub const LANES: usize = 16;

/// Sixteen neighbouring channels of one pixel.
pub type Block = [f32; LANES];

/// Operations on sixteen floats, lane by lane.
pub trait Simd: Copy {
    /// Sixteen floats in registers.
    type V: Copy;
    /// Rows of a tile of `kernel::gemm::multiply`: as many as leave its sums in registers.
    const ROWS: usize;
    /// Blocks side by side in a tile, 1 or 2.
    const PANELS: usize;
    /// Rows of a tile of `kernel::gemm::multiply_transposed`.
    const ROWS_TRANSPOSED: usize;

    fn splat(self, value: f32) -> Self::V;
    fn load(self, from: &Block) -> Self::V;
    fn store(self, to: &mut Block, value: Self::V);
    fn add(self, a: Self::V, b: Self::V) -> Self::V;
    fn sub(self, a: Self::V, b: Self::V) -> Self::V;
    fn mul(self, a: Self::V, b: Self::V) -> Self::V;
    fn div(self, a: Self::V, b: Self::V) -> Self::V;
    fn sqrt(self, a: Self::V) -> Self::V;
    /// `a * b + c`, rounded once where the machine can.
    fn fma(self, a: Self::V, b: Self::V, c: Self::V) -> Self::V;
    /// The larger of 0 and `a`; NaN stays NaN.
    fn relu(self, a: Self::V) -> Self::V;
    /// `value` where `test > 0`, else 0.
    fn where_positive(self, test: Self::V, value: Self::V) -> Self::V;
    /// `(then, value)` where `value` is larger than `best` or NaN, else `(otherwise, best)`: one step of an argmax.
    fn larger(self, value: Self::V, best: Self::V, then: Self::V, otherwise: Self::V) -> (Self::V, Self::V);
    /// `value` where `codes == code`, else 0.
    fn where_equal(self, codes: &[u8; LANES], code: u8, value: Self::V) -> Self::V;

    #[inline(always)]
    fn zero(self) -> Self::V {
        self.splat(0.0)
    }
}

/// Something to compute with whatever instructions there are. Its `run` must be `#[inline(always)]`.
pub trait Kernel {
    type Output;
    fn run<S: Simd>(self, simd: S) -> Self::Output;
}

/// A set of vector instructions that this processor has.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Isa(Kind);

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    #[cfg(target_arch = "x86_64")]
    Avx512,
    #[cfg(target_arch = "x86_64")]
    Avx2,
    Portable,
}

impl Isa {
    /// All that this processor has, the fastest first; the last one is `portable`.
    pub fn available() -> Vec<Self> {
        let mut found = Vec::new();
        #[cfg(target_arch = "x86_64")]
        {
            found.extend(Avx512::detect().map(|_| Self(Kind::Avx512)));
            found.extend(Avx2::detect().map(|_| Self(Kind::Avx2)));
        }
        found.push(Self(Kind::Portable));
        found
    }

    /// The fastest that this processor has.
    pub fn best() -> Self {
        Self::available()[0]
    }

    /// `avx512`, `avx2` or `portable`, if this processor has it.
    pub fn named(name: &str) -> Option<Self> {
        Self::available().into_iter().find(|isa| isa.name() == name)
    }

    /// `avx512`, `avx2` or `portable`.
    pub fn name(self) -> &'static str {
        match self.0 {
            #[cfg(target_arch = "x86_64")]
            Kind::Avx512 => "avx512",
            #[cfg(target_arch = "x86_64")]
            Kind::Avx2 => "avx2",
            Kind::Portable => "portable",
        }
    }

    /// Runs the kernel, compiled for these instructions.
    #[inline]
    pub fn run<K: Kernel>(self, kernel: K) -> K::Output {
        match self.0 {
            // SAFETY: an `Isa` of this kind is made by `available` alone, and there only if the processor has it.
            #[cfg(target_arch = "x86_64")]
            Kind::Avx512 => unsafe { avx512::run(kernel) },
            // SAFETY: as above.
            #[cfg(target_arch = "x86_64")]
            Kind::Avx2 => unsafe { avx2::run(kernel) },
            Kind::Portable => kernel.run(Portable),
        }
    }
}

impl fmt::Debug for Isa {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
