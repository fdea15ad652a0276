//! The parts of a picture that a cell can tell apart: two across and six down, so that halves, quarters and sixths are
//! all made of whole ones.

use std::ops::Range;

use crate::picture::Picture;

/// Parts of a cell from left to right.
pub const ACROSS: usize = 2;

/// Parts of a cell from above.
pub const DOWN: usize = 6;

/// Red, green and blue over the pixels that something covers, each summed up, and the number of pixels.
pub type Sum = [f32; 4];

/// The parts of one cell, row by row.
pub type Parts = [Sum; ACROSS * DOWN];

/// The cells that a picture fills.
#[derive(Debug)]
pub struct Grid<'a> {
    picture: &'a Picture,
    /// The columns of pixels that each column of parts covers.
    columns: Vec<Range<usize>>,
    rows: usize,
}

impl<'a> Grid<'a> {
    /// For so many columns and rows of cells; the picture has pixels.
    pub fn new(picture: &'a Picture, (columns, rows): (u16, u16)) -> Self {
        let across = usize::from(columns) * ACROSS;
        let columns = (0..across).map(|at| part((at, across), picture.width)).collect();
        Self { picture, columns, rows: usize::from(rows) * DOWN }
    }

    /// The cells of a row, counted from above.
    pub fn row(&self, row: u16) -> Vec<Parts> {
        let mut cells = vec![[[0.0; 4]; ACROSS * DOWN]; self.columns.len() / ACROSS];
        for down in 0..DOWN {
            for (at, sum) in self.line(usize::from(row) * DOWN + down).into_iter().enumerate() {
                cells[at / ACROSS][down * ACROSS + at % ACROSS] = sum;
            }
        }
        cells
    }

    /// One row of parts.
    fn line(&self, row: usize) -> Vec<Sum> {
        let Picture { width, height, pixels } = self.picture;
        let rows = part((row, self.rows), *height);
        let mut sums = vec![[0_u32; 3]; self.columns.len()];
        for line in pixels[rows.start * width..rows.end * width].chunks_exact(*width) {
            for (sum, columns) in sums.iter_mut().zip(&self.columns) {
                for [r, g, b] in &line[columns.clone()] {
                    *sum = [sum[0] + u32::from(*r), sum[1] + u32::from(*g), sum[2] + u32::from(*b)];
                }
            }
        }
        let pixels = |columns: &Range<usize>| columns.len() * rows.len();
        sums.into_iter().zip(&self.columns).map(|(sum, columns)| as_float(sum, pixels(columns))).collect()
    }
}

#[expect(clippy::cast_precision_loss, reason = "a part covers few pixels, and what is lost of many is not seen")]
fn as_float([r, g, b]: [u32; 3], pixels: usize) -> Sum {
    [r as f32, g as f32, b as f32, pixels as f32]
}

/// The pixels with their middle in one of so many parts; where there are none, the one that the part lies in.
fn part((at, of): (usize, usize), length: usize) -> Range<usize> {
    let edge = |at: usize| (2 * at * length + of) / (2 * of);
    let middle = (2 * at + 1) * length / (2 * of);
    if edge(at) < edge(at + 1) { edge(at)..edge(at + 1) } else { middle..middle + 1 }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn parts_lie_side_by_side_in_the_picture_and_leave_nothing_out(of in 1..300_usize, length in 1..1000_usize) {
            let parts: Vec<_> = (0..of).map(|at| part((at, of), length)).collect();
            prop_assert!(parts.iter().all(|part| !part.is_empty() && part.end <= length));
            if length >= of {
                prop_assert!(parts.windows(2).all(|pair| pair[0].end == pair[1].start));
                prop_assert_eq!((parts[0].start, parts[of - 1].end), (0, length));
            } else {
                prop_assert!(parts.iter().all(|part| part.len() == 1));
                prop_assert!(parts.is_sorted_by_key(|part| part.start));
            }
        }
    }
}
