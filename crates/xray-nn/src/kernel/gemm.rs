//! The two matrix products that all convolutions come down to.
//!
//! Operands are cut into blocks of sixteen floats, so that a tile of the result lives in registers while the common
//! index runs (Goto and van de Geijn, "Anatomy of high-performance matrix multiplication", 2008). The rows of a product
//! are shared out evenly among tiles, so that the last one is not a small one.

#![allow(unsafe_code, reason = "tiles read and write through pointers whose ranges are checked once a call")]
#![allow(clippy::inline_always, reason = "a kernel must be compiled with its caller's instructions")]
#![allow(
    clippy::needless_range_loop,
    reason = "a closure over registers might not be compiled with its caller's instructions"
)]

use crate::simd::{Block, LANES, Simd};

/// The left-hand side of [`multiply`]: `value(row, group, k) = values[group * group_stride + row * row_stride + k]`.
#[derive(Debug, Clone, Copy)]
pub struct Left<'a> {
    pub values: &'a [f32],
    pub rows: usize,
    /// Floats between neighbouring rows.
    pub row_stride: usize,
    pub groups: usize,
    pub group_stride: usize,
    /// Values of each row in each group.
    pub group_depth: usize,
}

impl<'a> Left<'a> {
    /// Blocks `[group][row]`, the groups `group_stride` blocks apart.
    #[inline(always)]
    pub fn blocks(values: &'a [Block], (groups, group_stride): (usize, usize), rows: usize) -> Self {
        let group_stride = group_stride * LANES;
        Self { values: values.as_flattened(), rows, row_stride: LANES, groups, group_stride, group_depth: LANES }
    }

    #[inline(always)]
    fn depth(&self) -> usize {
        self.groups.saturating_mul(self.group_depth)
    }

    /// Whether all that it shows lies in its values.
    #[inline(always)]
    fn is_inside(&self) -> bool {
        let groups = (self.groups - 1).checked_mul(self.group_stride);
        let rows = (self.rows - 1).checked_mul(self.row_stride);
        let reach = groups.zip(rows).and_then(|(groups, rows)| groups.checked_add(rows)?.checked_add(self.group_depth));
        reach.is_some_and(|reach| reach <= self.values.len())
    }
}

/// The right-hand side of [`multiply`]: panels of sixteen columns, `stride` blocks apart, each with a block for every `k`.
#[derive(Debug, Clone, Copy)]
pub struct Right<'a> {
    pub values: &'a [Block],
    pub panels: usize,
    pub stride: usize,
}

/// Calls a tile function with its number of rows as a constant. Tiles of up to 6 rows are always compiled: without those
/// that are never called, the compiler makes of the portable tiles of 2 rows something half as fast.
macro_rules! with_rows {
    ($rows:expr, $most:expr, $R:ident => $call:expr) => {
        with_rows!(1 2 3 4 5 6 7 8 9 10 11 12 13 14; $rows, $most, $R => $call)
    };
    ($($count:literal)*; $rows:expr, $most:expr, $R:ident => $call:expr) => {
        match $rows {
            $($count if $count <= 6 || $count <= $most => {
                const $R: usize = $count;
                $call
            })*
            rows => unreachable!("no tile has {rows} rows"),
        }
    };
}

/// Whether `count` runs of `each`, `stride` apart, lie within `len`. `count` is not 0.
#[inline(always)]
fn reaches(count: usize, stride: usize, each: usize, len: usize) -> bool {
    (count - 1).checked_mul(stride).and_then(|last| last.checked_add(each)).is_some_and(|end| end <= len)
}

/// Shares `count` rows out evenly among as few tiles of at most `most` as will do: (first, rows) of each.
#[inline(always)]
fn shares(count: usize, most: usize) -> impl Iterator<Item = (usize, usize)> {
    let tiles = count.div_ceil(most);
    let (each, longer) = (count / tiles, count % tiles);
    (0..tiles).map(move |index| (index * each + index.min(longer), each + usize::from(index < longer)))
}

/// `c[p * c_stride + row] = sum over k of a(row, k) * b.values[p * b.stride + k]`, for each panel `p`.
///
/// # Panics
/// Where an operand is too short.
#[inline(always)]
pub fn multiply<S: Simd>(simd: S, a: Left<'_>, b: Right<'_>, (c, c_stride): (&mut [Block], usize)) {
    let depth = a.depth();
    if a.rows == 0 || b.panels == 0 {
        return;
    }
    if depth == 0 {
        return (0..b.panels).for_each(|panel| c[panel * c_stride..][..a.rows].fill([0.0; LANES]));
    }
    assert!(a.is_inside());
    assert!(reaches(b.panels, b.stride, depth, b.values.len()));
    assert!(reaches(b.panels, c_stride, a.rows, c.len()));
    let mut panel = 0;
    while panel < b.panels {
        let wide = S::PANELS == 2 && b.panels - panel >= 2;
        let (right, c) = (b.values[panel * b.stride..].as_ptr(), c[panel * c_stride..].as_mut_ptr());
        for (row, rows) in shares(a.rows, S::ROWS) {
            // SAFETY: the asserts hold for each row and panel, and a tile stays within its rows and panels.
            unsafe {
                let (start, c) = (a.values.as_ptr().add(row * a.row_stride), c.add(row));
                with_rows!(rows, S::ROWS, R => if wide {
                    tile::<S, R, 2>(simd, (start, &a), [right, right.add(b.stride)], [c, c.add(c_stride)]);
                } else {
                    tile::<S, R, 1>(simd, (start, &a), [right], [c]);
                });
            }
        }
        panel += 1 + usize::from(wide);
    }
}

/// `R` rows and `P` panels of [`multiply`].
///
/// # Safety
/// `start` has `R` rows of `a`, each of `b` has `a.depth()` blocks, each of `c` has `R` blocks.
#[inline(always)]
unsafe fn tile<S: Simd, const R: usize, const P: usize>(
    simd: S,
    (start, a): (*const f32, &Left<'_>),
    mut b: [*const Block; P],
    c: [*mut Block; P],
) {
    // SAFETY: see above; every pointer below moves within what is promised there.
    unsafe {
        if a.row_stride == LANES {
            // The usual distance as a constant spares the address arithmetic.
            tile_at::<S, R, P>(simd, (start, LANES, a), &mut b, c);
        } else {
            tile_at::<S, R, P>(simd, (start, a.row_stride, a), &mut b, c);
        }
    }
}

/// # Safety
/// As [`tile`].
#[inline(always)]
unsafe fn tile_at<S: Simd, const R: usize, const P: usize>(
    simd: S,
    (mut start, row_stride, a): (*const f32, usize, &Left<'_>),
    b: &mut [*const Block; P],
    c: [*mut Block; P],
) {
    let mut sums = [[simd.zero(); P]; R];
    for _ in 0..a.groups {
        for k in 0..a.group_depth {
            // SAFETY: as [`tile`].
            unsafe {
                let mut right = [simd.zero(); P];
                for p in 0..P {
                    right[p] = simd.load(&*b[p]);
                }
                for (row, sums) in sums.iter_mut().enumerate() {
                    let factor = simd.splat(*start.add(row * row_stride + k));
                    for p in 0..P {
                        sums[p] = simd.fma(factor, right[p], sums[p]);
                    }
                }
                for b in b.iter_mut() {
                    *b = b.add(1);
                }
            }
        }
        // The last group's end may be the end of the memory.
        start = start.wrapping_add(a.group_stride);
    }
    for (row, sums) in sums.iter().enumerate() {
        for p in 0..P {
            // SAFETY: as [`tile`].
            unsafe { simd.store(&mut *c[p].add(row), sums[p]) };
        }
    }
}

/// The left-hand side of [`multiply_transposed`]: `value(t, row) = values[t * stride + row]`.
#[derive(Debug, Clone, Copy)]
pub struct Tall<'a> {
    pub values: &'a [f32],
    /// Floats between neighbouring `t`.
    pub stride: usize,
    pub rows: usize,
}

impl<'a> Tall<'a> {
    /// Blocks as rows of sixteen.
    #[inline(always)]
    pub fn blocks(values: &'a [Block]) -> Self {
        Self { values: values.as_flattened(), stride: LANES, rows: LANES }
    }
}

/// `c[p * rows + row] += sum over t of a(t, row) * b[p * b_stride + t]`, for `t` below `depth` and each panel `p` of
/// `c`.
///
/// # Panics
/// Where an operand is too short.
#[inline(always)]
pub fn multiply_transposed<S: Simd>(
    simd: S,
    (a, depth): (Tall<'_>, usize),
    (b, b_stride): (&[Block], usize),
    c: &mut [Block],
) {
    if depth == 0 {
        return;
    }
    let panels = c.len() / a.rows;
    assert!(panels > 0 && reaches(depth, a.stride, a.rows, a.values.len()));
    assert!(reaches(panels, b_stride, depth, b.len()));
    let mut panel = 0;
    while panel < panels {
        let (b, c) = (b[panel * b_stride..].as_ptr(), c[panel * a.rows..].as_mut_ptr());
        let wide = S::PANELS == 2 && panels - panel >= 2;
        for (row, rows) in shares(a.rows, S::ROWS_TRANSPOSED) {
            // SAFETY: the asserts hold for each row and panel, and a tile stays within its rows and panels.
            unsafe {
                let (start, c) = (a.values.as_ptr().add(row), c.add(row));
                with_rows!(rows, S::ROWS_TRANSPOSED, R => if wide {
                    tall_tile::<S, R, 2>(simd, (start, a.stride, depth), [b, b.add(b_stride)], [c, c.add(a.rows)]);
                } else {
                    tall_tile::<S, R, 1>(simd, (start, a.stride, depth), [b], [c]);
                });
            }
        }
        panel += 1 + usize::from(wide);
    }
}

/// `R` rows and `P` panels of [`multiply_transposed`].
///
/// # Safety
/// `a` has `depth` places of `R` floats, `stride` apart; each of `b` has `depth` blocks, each of `c` has `R`.
#[inline(always)]
unsafe fn tall_tile<S: Simd, const R: usize, const P: usize>(
    simd: S,
    (a, stride, depth): (*const f32, usize, usize),
    b: [*const Block; P],
    c: [*mut Block; P],
) {
    // SAFETY: see above.
    unsafe {
        let mut sums = [[simd.zero(); P]; R];
        for (row, sums) in sums.iter_mut().enumerate() {
            for p in 0..P {
                sums[p] = simd.load(&*c[p].add(row));
            }
        }
        for t in 0..depth {
            let mut right = [simd.zero(); P];
            for p in 0..P {
                right[p] = simd.load(&*b[p].add(t));
            }
            for (row, sums) in sums.iter_mut().enumerate() {
                let factor = simd.splat(*a.add(t * stride + row));
                for p in 0..P {
                    sums[p] = simd.fma(factor, right[p], sums[p]);
                }
            }
        }
        for (row, sums) in sums.iter().enumerate() {
            for p in 0..P {
                simd.store(&mut *c[p].add(row), sums[p]);
            }
        }
    }
}
