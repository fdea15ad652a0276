//! The small transforms of Winograd's convolution, along one line of a tile at a time.
//!
//! `F(M, 3)` computes `M` outputs of a filter of 3 taps from `M + 2` inputs with `M + 2` products (Lavin and Gray, "Fast
//! algorithms for convolutional neural networks", 2015, arXiv:1509.09308). With filter `g` and input `d` the outputs are
//! `A^T ((G g) (B^T d))`, the product taken number by number; in two dimensions each transform is applied along both. The
//! points are 0, 1, -1 and infinity for `M` = 2, and 2 and -2 beside them for `M` = 4.
//!
//! Lines have room for six numbers; what is beyond the transform's size is neither read nor written.

use crate::simd::Simd;

/// Six numbers, or fewer.
pub type Line<V> = [V; 6];

/// A transform along one line of a tile with `M` outputs.
pub trait Transform {
    /// How many numbers it takes and gives.
    fn sizes<const M: usize>() -> (usize, usize);
    fn apply<S: Simd, const M: usize>(simd: S, line: Line<S::V>) -> Line<S::V>;
}

/// `B^T d`: of an input.
pub struct OfInput;
/// `G g`: of a filter.
pub struct OfFilter;
/// `A^T m`: products to outputs.
pub struct ToOutput;
/// `A y`: of an output's gradient.
pub struct OfGradient;
/// `G^T m`: products to a filter's gradient.
pub struct ToFilter;

/// Applies a transform along the columns, then along the rows of a tile.
#[inline(always)]
pub fn square<T: Transform, S: Simd, const M: usize>(simd: S, tile: &mut [Line<S::V>; 6]) {
    let (takes, gives) = T::sizes::<M>();
    for x in 0..takes {
        let mut line = [tile[0][x]; 6];
        for y in 1..takes {
            line[y] = tile[y][x];
        }
        let line = T::apply::<S, M>(simd, line);
        for y in 0..gives {
            tile[y][x] = line[y];
        }
    }
    for row in tile.iter_mut().take(gives) {
        *row = T::apply::<S, M>(simd, *row);
    }
}

impl Transform for OfInput {
    #[inline(always)]
    fn sizes<const M: usize>() -> (usize, usize) {
        (M + 2, M + 2)
    }

    #[inline(always)]
    fn apply<S: Simd, const M: usize>(s: S, d: Line<S::V>) -> Line<S::V> {
        if M == 2 {
            return [s.sub(d[0], d[2]), s.add(d[1], d[2]), s.sub(d[2], d[1]), s.sub(d[1], d[3]), d[0], d[0]];
        }
        let (two, four, five) = (s.splat(2.0), s.splat(4.0), s.splat(-5.0));
        let minus_four = s.splat(-4.0);
        let (even, odd) = (s.fma(d[2], minus_four, d[4]), s.fma(d[1], minus_four, d[3]));
        let (even_2, odd_2) = (s.sub(d[4], d[2]), s.mul(two, s.sub(d[3], d[1])));
        [
            s.fma(d[0], four, s.fma(d[2], five, d[4])),
            s.add(even, odd),
            s.sub(even, odd),
            s.add(even_2, odd_2),
            s.sub(even_2, odd_2),
            s.fma(d[1], four, s.fma(d[3], five, d[5])),
        ]
    }
}

impl Transform for OfFilter {
    #[inline(always)]
    fn sizes<const M: usize>() -> (usize, usize) {
        (3, M + 2)
    }

    #[inline(always)]
    fn apply<S: Simd, const M: usize>(s: S, g: Line<S::V>) -> Line<S::V> {
        let ends = s.add(g[0], g[2]);
        if M == 2 {
            let half = s.splat(0.5);
            return [g[0], s.mul(half, s.add(ends, g[1])), s.mul(half, s.sub(ends, g[1])), g[2], g[0], g[0]];
        }
        let (sixth, small) = (s.splat(-1.0 / 6.0), s.splat(1.0 / 24.0));
        let (wide, middle) = (s.fma(g[2], s.splat(4.0), g[0]), s.add(g[1], g[1]));
        [
            s.mul(g[0], s.splat(0.25)),
            s.mul(s.add(ends, g[1]), sixth),
            s.mul(s.sub(ends, g[1]), sixth),
            s.mul(s.add(wide, middle), small),
            s.mul(s.sub(wide, middle), small),
            g[2],
        ]
    }
}

impl Transform for ToOutput {
    #[inline(always)]
    fn sizes<const M: usize>() -> (usize, usize) {
        (M + 2, M)
    }

    #[inline(always)]
    fn apply<S: Simd, const M: usize>(s: S, m: Line<S::V>) -> Line<S::V> {
        let (sum, difference) = (s.add(m[1], m[2]), s.sub(m[1], m[2]));
        if M == 2 {
            return [s.add(m[0], sum), s.sub(difference, m[3]), m[0], m[0], m[0], m[0]];
        }
        let (sum_2, difference_2) = (s.add(m[3], m[4]), s.sub(m[3], m[4]));
        [
            s.add(m[0], s.add(sum, sum_2)),
            s.fma(difference_2, s.splat(2.0), difference),
            s.fma(sum_2, s.splat(4.0), sum),
            s.add(m[5], s.fma(difference_2, s.splat(8.0), difference)),
            m[0],
            m[0],
        ]
    }
}

impl Transform for OfGradient {
    #[inline(always)]
    fn sizes<const M: usize>() -> (usize, usize) {
        (M, M + 2)
    }

    #[inline(always)]
    fn apply<S: Simd, const M: usize>(s: S, y: Line<S::V>) -> Line<S::V> {
        if M == 2 {
            return [y[0], s.add(y[0], y[1]), s.sub(y[0], y[1]), s.sub(s.zero(), y[1]), y[0], y[0]];
        }
        let (even, odd) = (s.add(y[0], y[2]), s.add(y[1], y[3]));
        let even_2 = s.fma(y[2], s.splat(4.0), y[0]);
        let odd_2 = s.fma(y[3], s.splat(8.0), s.add(y[1], y[1]));
        [y[0], s.add(even, odd), s.sub(even, odd), s.add(even_2, odd_2), s.sub(even_2, odd_2), y[3]]
    }
}

impl Transform for ToFilter {
    #[inline(always)]
    fn sizes<const M: usize>() -> (usize, usize) {
        (M + 2, 3)
    }

    #[inline(always)]
    fn apply<S: Simd, const M: usize>(s: S, m: Line<S::V>) -> Line<S::V> {
        let (sum, difference) = (s.add(m[1], m[2]), s.sub(m[1], m[2]));
        if M == 2 {
            let half = s.splat(0.5);
            return [s.fma(sum, half, m[0]), s.mul(difference, half), s.fma(sum, half, m[3]), m[0], m[0], m[0]];
        }
        let (sum_2, difference_2) = (s.add(m[3], m[4]), s.sub(m[3], m[4]));
        let (sixth, twelfth, small) = (s.splat(-1.0 / 6.0), s.splat(1.0 / 12.0), s.splat(1.0 / 24.0));
        [
            s.fma(sum_2, small, s.fma(sum, sixth, s.mul(m[0], s.splat(0.25)))),
            s.fma(difference_2, twelfth, s.mul(difference, sixth)),
            s.fma(sum_2, s.splat(1.0 / 6.0), s.fma(sum, sixth, m[5])),
            m[0],
            m[0],
            m[0],
        ]
    }
}
