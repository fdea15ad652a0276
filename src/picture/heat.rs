//! A heat map: how much each place of a picture weighed in an answer.

use std::ops::Range;

use super::part::{Part, PixelRect};

/// Values over a picture, coarser than it as a rule: 7 x 7 for a network of 224 x 224.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct HeatMap {
    /// Values in a row.
    pub width: usize,
    /// Rows.
    pub height: usize,
    /// `height * width` values row by row, 0 (no weight) to 1 (the most).
    pub values: Vec<f32>,
}

/// Where one row (or column) of the result lies between two of the source.
struct Between {
    first: usize,
    second: usize,
    /// Of the second, 0 to 1.
    share: f32,
}

impl HeatMap {
    /// The map in `width * height` values: bilinear, the middles of outer values at their own places and nothing beyond them.
    ///
    /// As OpenCV's `resize(INTER_LINEAR)`, so without smoothing where it is made smaller. A map with no values gives zeros.
    #[must_use]
    pub fn resized(&self, width: usize, height: usize) -> Self {
        self.cut(Part::WHOLE, width, height)
    }

    /// The values at the pixels that `part.cut` takes from a picture of `width * height`: of [`HeatMap::resized`] those in
    /// `part.rect`, and only they are reckoned.
    #[must_use]
    pub fn cut(&self, part: Part, width: usize, height: usize) -> Self {
        let rect = part.rect(width, height);
        if self.values.is_empty() {
            return Self { width: rect.width, height: rect.height, values: vec![0.0; rect.width * rect.height] };
        }
        self.interpolated(rect, (width, height))
    }

    fn interpolated(&self, rect: PixelRect, (width, height): (usize, usize)) -> Self {
        let columns = between(self.width, width, rect.x..rect.x + rect.width);
        let rows = between(self.height, height, rect.y..rect.y + rect.height);
        let top = rows.first().map_or(0, |row| row.first);
        let bottom = rows.last().map_or(0, |row| row.second + 1);
        let wide: Vec<Vec<f32>> = (top..bottom).map(|row| self.stretched(row, &columns)).collect();
        let mut values = Vec::with_capacity(rect.width * rect.height);
        for row in &rows {
            let pairs = wide[row.first - top].iter().zip(&wide[row.second - top]);
            values.extend(pairs.map(|(upper, lower)| upper * (1.0 - row.share) + lower * row.share));
        }
        Self { width: rect.width, height: rect.height, values }
    }

    /// One row of the source at the columns of the result.
    fn stretched(&self, row: usize, columns: &[Between]) -> Vec<f32> {
        let row = &self.values[row * self.width..(row + 1) * self.width];
        columns
            .iter()
            .map(|column| row[column.first] * (1.0 - column.share) + row[column.second] * column.share)
            .collect()
    }
}

/// Where the places `wanted` of a side of `to` values lie on a side of `from` values.
#[expect(clippy::cast_precision_loss, reason = "sides stay far below 2^52 values")]
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a place on the side; a share of 0 to 1")]
fn between(from: usize, to: usize, wanted: Range<usize>) -> Vec<Between> {
    let (last, scale) = (from - 1, from as f64 / to as f64);
    let place = |place: usize| {
        let position = ((place as f64 + 0.5) * scale - 0.5).clamp(0.0, last as f64);
        let first = position as usize;
        Between { first, second: (first + 1).min(last), share: (position - position.floor()) as f32 }
    };
    wanted.map(place).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::synthetic::{cases, scattered, size};
    use super::*;

    #[expect(clippy::cast_precision_loss, reason = "24 bits are exact")]
    fn heat(width: usize, height: usize) -> HeatMap {
        let value = |x, y| (scattered(x, y) >> 8) as f32 / 16_777_216.0;
        let values = (0..height).flat_map(|y| (0..width).map(move |x| value(x, y))).collect();
        HeatMap { width, height, values }
    }

    #[test]
    fn values_are_those_of_opencv() {
        for case in cases("heat") {
            let ((width, height), (across, down)) = (size(&case["source"]), size(&case["size"]));
            let own = heat(width, height).resized(across, down);
            let expected = case["values"].as_array().unwrap();
            assert_eq!((own.width, own.height, own.values.len()), (across, down, expected.len()));
            for (own, other) in own.values.iter().zip(expected) {
                let off = f64::from(*own) - other.as_f64().unwrap();
                assert!(off.abs() <= 1e-5, "{width}x{height} to {across}x{down}: {own} instead of {other}");
            }
        }
    }

    #[test]
    fn a_map_with_no_values_gives_zeros() {
        assert_eq!(HeatMap::default().resized(2, 1), HeatMap { width: 2, height: 1, values: vec![0.0; 2] });
        assert_eq!(heat(3, 3).resized(0, 0), HeatMap::default());
    }

    proptest! {
        #[test]
        fn a_cut_is_that_part_of_the_whole(
            from in (1..20_usize, 1..20_usize),
            to in (1..60_usize, 1..60_usize),
            zoom in 1.0..32.0,
            centre in (0.0..1.0, 0.0..1.0),
        ) {
            let (map, part) = (heat(from.0, from.1), Part::new(zoom, centre));
            let (whole, rect) = (map.resized(to.0, to.1), part.rect(to.0, to.1));
            let rows = whole.values.chunks(to.0).skip(rect.y).take(rect.height);
            let expected: Vec<f32> = rows.flat_map(|row| &row[rect.x..rect.x + rect.width]).copied().collect();
            prop_assert_eq!(map.cut(part, to.0, to.1).values, expected);
        }

        #[test]
        fn values_stay_between_the_least_and_the_most(from in (1..9_usize, 1..9_usize), to in (1..60_usize, 1..60_usize)) {
            let map = heat(from.0, from.1);
            let most = map.values.iter().copied().fold(0.0, f32::max);
            prop_assert!(map.resized(to.0, to.1).values.iter().all(|value| (0.0..=most).contains(value)));
        }
    }
}
