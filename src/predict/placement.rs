//! Which part of a map's heat lies where no pneumonia can be.

use std::ops::Range;

use crate::picture::HeatMap;

/// The border's width, as a share of each side.
const BORDER: f64 = 1.0 / 12.0;

/// The box around the lungs, from the top and from the left, as shares of the picture's sides.
///
/// A rule of thumb for a frontal chest X-ray, no segmentation: drawn over 108 pictures of the public children's set (Kermany
/// et al. 2018), 54 of each class, and over the mean picture of 400 of each, then widened until the lungs lay inside, from
/// their tops to the angles beside the diaphragm, but for a few pictures that are cut close around them. Outside are chin,
/// arms, belly, and what is written there.
const LUNGS: [Range<f64>; 2] = [0.05..0.85, 0.08..0.92];

/// Which part of a map's sum lies in two regions where nothing of the lungs is to be expected, 0 to 1.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Placement {
    /// In the outer twelfth of each side; heat spread evenly has 0.31 of its sum there.
    pub border: f64,
    /// Outside the box around the lungs, a rule of thumb; heat spread evenly has 0.33 of its sum there.
    pub outside_lungs: f64,
}

/// Where the heat of a map lies, best of one at the input's size; `None` where there is no heat.
#[must_use]
pub fn placement(map: &HeatMap) -> Option<Placement> {
    let all = sum_inside(map, [0.0..1.0, 0.0..1.0]);
    let outside = |region: [Range<f64>; 2]| (1.0 - sum_inside(map, region) / all).clamp(0.0, 1.0);
    let within_border = [BORDER..1.0 - BORDER, BORDER..1.0 - BORDER];
    (all > 0.0).then(|| Placement { border: outside(within_border), outside_lungs: outside(LUNGS) })
}

/// The sum over a box; places that lie in it in part count in part.
fn sum_inside(map: &HeatMap, [rows, columns]: [Range<f64>; 2]) -> f64 {
    let (rows, columns) = (covered(map.height, &rows), covered(map.width, &columns));
    let row_sum = |row: &[f32]| row.iter().zip(&columns).map(|(value, share)| f64::from(*value) * share).sum::<f64>();
    map.values.chunks_exact(map.width.max(1)).zip(rows).map(|(row, share)| row_sum(row) * share).sum()
}

/// Of each of `places` in a row, the share that lies within `range`.
#[expect(clippy::cast_precision_loss, reason = "a picture's side")]
fn covered(places: usize, range: &Range<f64>) -> Vec<f64> {
    let [from, to] = [range.start, range.end].map(|end| end * places as f64);
    (0..places).map(|place| (to.min(place as f64 + 1.0) - from.max(place as f64)).clamp(0.0, 1.0)).collect()
}
