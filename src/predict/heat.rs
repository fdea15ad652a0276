//! Where the network looks for a class: Grad-CAM of the last block's maps, which needs no backward pass here.

use candle_core::Tensor;

use super::{Prediction, Predictor};
use crate::dataset::GreyImage;
use crate::error::Result;
use crate::picture::HeatMap;

/// Keeps a map without any heat from being divided by zero; the same as the reference's.
const TINY: f32 = 1e-7;

/// The network's answer for one picture, and what led to it.
#[derive(Debug, Clone, PartialEq)]
pub struct Explanation {
    /// The same to the last bit as [`Predictor::predict`] gives.
    pub prediction: Prediction,
    /// (512): the last block's maps, each one's mean over the picture; never negative.
    pub features: Vec<f32>,
    /// What speaks for NORMAL and for PNEUMONIA, each scaled by itself: how hot one is beside the other is not in them. Of
    /// S/32 places a side, rounded up; [`at_input`] gives one of S.
    pub maps: [HeatMap; 2],
}

impl Predictor {
    /// Answers for one picture of any size as [`predict`](Self::predict) does, and tells where it looked, in one pass.
    ///
    /// The maps are Grad-CAM's (Selvaraju et al. 2017, "Grad-CAM: Visual Explanations from Deep Networks via Gradient-based
    /// Localization"), scaled as the package `grad-cam` (pytorch-grad-cam) does it.
    ///
    /// # Errors
    /// Where the network cannot run.
    pub fn explain(&self, picture: &GreyImage) -> Result<Explanation> {
        let failed = xray_nn::Error::from;
        let maps = self.network.features(&self.looks(picture)?)?;
        let prediction = self.judge(&maps)?;
        // Of the picture itself: the other looks have their heat elsewhere.
        let maps = maps.narrow(0, 0, 1).map_err(failed)?;
        let [height, width] = [2, 3].map(|side| maps.dims()[side]);
        let features = means(&maps).and_then(|means| means.flatten_all()?.to_vec1()).map_err(failed)?;
        let weighted = weighted(self.network.head_weight(), &maps).map_err(failed)?;
        let [normal, pneumonia] = [0, 1].map(|class| HeatMap { width, height, values: heat(&weighted[class]) });
        Ok(Explanation { prediction, features, maps: [normal, pneumonia] })
    }
}

/// Maps (B, 512, h, w) f32 to their means (B, 512).
pub(super) fn means(maps: &Tensor) -> candle_core::Result<Tensor> {
    maps.flatten_from(2)?.mean(2)
}

/// Each class's sum of the maps (1, 512, h, w), weighted by the gradient of its logit.
///
/// Grad-CAM weights a map by the mean of the logit's gradient over it. Behind these maps come their means and one linear
/// layer alone, so that the gradient is `weight[class][channel] / (h * w)` at every place, whatever the picture, and known
/// without a backward pass.
fn weighted(weight: &Tensor, maps: &Tensor) -> candle_core::Result<Vec<Vec<f32>>> {
    let maps = maps.squeeze(0)?.flatten_from(1)?;
    let places = u32::try_from(maps.dim(1)?).map_or(f64::MAX, f64::from);
    (weight.matmul(&maps)? / places)?.to_vec2()
}

/// What speaks for the class alone, scaled.
fn heat(weighted: &[f32]) -> Vec<f32> {
    let mut heat: Vec<f32> = weighted.iter().map(|value| value.max(0.0)).collect();
    scale(&mut heat);
    heat
}

/// `(x - min) / (1e-7 + max)`, the maximum of what is left: to 0..=1.
fn scale(values: &mut [f32]) {
    let min = values.iter().copied().fold(f32::INFINITY, f32::min);
    let max = values.iter().copied().fold(f32::NEG_INFINITY, f32::max) - min;
    for value in values {
        *value = (*value - min) / (TINY + max);
    }
}

/// A map over a square of `side` pixels, as the reference lays it over the network's input: made larger as `cv2.resize` does
/// it, bilinearly, and scaled once more, as the peaks have lost a little.
#[must_use]
pub fn at_input(map: &HeatMap, side: usize) -> HeatMap {
    let (rows, columns) = (taps(map.height, side), taps(map.width, side));
    let at = |row: usize, column: usize| map.values.get(row * map.width + column).copied().unwrap_or_default();
    let mut values = Vec::with_capacity(side * side);
    for &(row, down) in &rows {
        let across = |row: usize, (column, right): (usize, f32)| {
            at(row, column) * (1.0 - right) + at(row, (column + 1).min(map.width.saturating_sub(1))) * right
        };
        let next = (row + 1).min(map.height.saturating_sub(1));
        values.extend(columns.iter().map(|&tap| across(row, tap) * (1.0 - down) + across(next, tap) * down));
    }
    scale(&mut values);
    HeatMap { width: side, height: side, values }
}

/// For each of `to` pixels, the first of the two of `from` it lies between, and how far it is on the way to the second.
#[expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "sides of pictures, and places within them"
)]
fn taps(from: usize, to: usize) -> Vec<(usize, f32)> {
    let last = from.saturating_sub(1) as f64;
    let tap = |pixel: usize| {
        // The pixels' centres lie over each other; beyond the outermost, they are repeated.
        let place = ((pixel as f64 + 0.5) * from as f64 / to as f64 - 0.5).clamp(0.0, last);
        (place as usize, place.fract() as f32)
    };
    (0..to).map(tap).collect()
}
