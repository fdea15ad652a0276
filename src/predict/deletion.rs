//! Whether a heat map points at what the answer hangs on: the picture is asked for again as the hot areas are taken away.

use rand::seq::SliceRandom;

use super::Predictor;
use crate::dataset::random::{Purpose, stream};
use crate::dataset::{Class, GreyImage};
use crate::error::{Error, Result};
use crate::metrics;
use crate::picture::HeatMap;
use crate::train::evaluate;

/// After each so many parts of the areas the network is asked again: for a map of 7 x 7 after 6 or 7 of them.
const STEPS: usize = 8;
/// Orders by chance that the order by heat is compared with.
const ORDERS: usize = 8;
/// Pictures asked for at once.
const BATCH: usize = 16;
/// Areas under a curve that differ by less are the same to a user: one hundredth of the answer.
const NOTICEABLE: f64 = 0.01;

/// What became of the answer as areas of the picture were taken away.
///
/// The "deletion" metric of RISE (Petsiuk et al. 2018, "RISE: Randomized Input Sampling for Explanation of Black-box Models"):
/// an area under a curve of the class's probability over the share of the picture that is gone. An area is one cell of the heat
/// map, and gone is what has the picture's mean grey. Where the map points at what the answer hangs on, the curve falls sooner
/// than with areas in random order.
///
/// Few maps pass: after three epochs on the public set, of 272 real X-rays asked for the class that the network gave, 24 of 217
/// for PNEUMONIA and none of 55 for NORMAL. That one does not is no proof against it.
///
/// For PNEUMONIA this says little: mean grey over dark lungs looks like the opacity that the class is about, so that taking
/// areas away may raise the answer wherever they lie. [`caveat`](Self::caveat) tells the user.
#[derive(Debug, Clone, PartialEq)]
pub struct Deletion {
    pub class: Class,
    /// Probability of the class: of the whole picture first, and then after each of equal steps until nothing is left.
    pub curve: Vec<f64>,
    /// The area under `curve`, 0 to 1: the mean of the answer, as the hottest areas went first.
    pub by_heat: f64,
    /// The same where areas went in random order, the mean of `by_order`.
    pub by_chance: f64,
    /// One for each random order.
    pub by_order: Vec<f64>,
}

impl Predictor {
    /// Checks what a heat map says about a class in one picture of any size; the same seed gives the same.
    ///
    /// # Errors
    /// `BadSetting` where the map has no heat, so that nothing is to be checked; where the network cannot run.
    pub fn deletion(&self, picture: &GreyImage, (map, class): (&HeatMap, Class), seed: u64) -> Result<Deletion> {
        let side = self.image_size;
        let square = GreyImage { width: side, height: side, pixels: self.square(picture) };
        check(&Areas::of(&square, map)?, (map, class), seed, &mut |squares| self.probabilities(squares, class))
    }

    /// A class's probability in pictures of the network's size.
    fn probabilities(&self, squares: &[Vec<u8>], class: Class) -> Result<Vec<f64>> {
        let logits = evaluate::pairs(&self.network.forward(&self.input(squares)?)?)?;
        let own_last = |[normal, pneumonia]: [f32; 2]| match class {
            Class::Normal => [pneumonia, normal],
            Class::Pneumonia => [normal, pneumonia],
        };
        Ok(logits.into_iter().map(|pair| metrics::probability(own_last(pair))).collect())
    }
}

impl Deletion {
    /// What came of it, in words for the user.
    #[must_use]
    pub fn verdict(&self) -> &'static str {
        let lower_than_all = self.by_order.iter().all(|area| self.by_heat < *area);
        if lower_than_all && self.by_chance - self.by_heat >= NOTICEABLE {
            "the answer falls sooner than by chance"
        } else {
            "the answer falls no sooner than by chance"
        }
    }

    /// Why the verdict is to be taken with care, where it is.
    #[must_use]
    pub const fn caveat(&self) -> Option<&'static str> {
        match self.class {
            Class::Normal => None,
            Class::Pneumonia => Some("for PNEUMONIA this says little, as grey looks like an opacity"),
        }
    }
}

/// Asks a network for the class's probability in pictures.
type Ask<'a> = &'a mut dyn FnMut(&[Vec<u8>]) -> Result<Vec<f64>>;

/// A picture that is divided as a heat map is.
struct Areas<'a> {
    square: &'a GreyImage,
    across: usize,
    down: usize,
    /// Of the whole picture, to the nearest level.
    mean: u8,
}

impl<'a> Areas<'a> {
    fn of(square: &'a GreyImage, map: &HeatMap) -> Result<Self> {
        let bad = |problem: &str| Err(Error::BadSetting { setting: "heat map", problem: problem.to_owned() });
        if map.values.len() != map.width * map.height {
            return bad("has not as many values as its sides say: ask for the explanation again");
        }
        if !map.values.iter().any(|value| *value > 0.0) {
            return bad(
                "has no heat: nothing in this picture speaks for the class, so that there is nothing to take away",
            );
        }
        Ok(Self { square, across: map.width, down: map.height, mean: mean(&square.pixels) })
    }

    /// The pixels, with these areas in the mean grey.
    fn without(&self, gone: &[usize]) -> Vec<u8> {
        let mut pixels = self.square.pixels.clone();
        for area in gone {
            let columns = part(self.square.width, area % self.across, self.across);
            for row in part(self.square.height, area / self.across, self.down) {
                pixels[row * self.square.width..][columns.clone()].fill(self.mean);
            }
        }
        pixels
    }
}

/// The pixels of part `place` of a side that is cut into `parts`.
fn part(side: usize, place: usize, parts: usize) -> std::ops::Range<usize> {
    place * side / parts..(place + 1) * side / parts
}

/// A half goes up; 0 for no pixels.
fn mean(pixels: &[u8]) -> u8 {
    let (sum, count) = (pixels.iter().map(|&value| u64::from(value)).sum::<u64>(), pixels.len().max(1) as u64);
    ((2 * sum + count) / (2 * count)).to_le_bytes()[0]
}

/// Asks for the class's probability as areas go, by heat and by chance.
fn check(areas: &Areas<'_>, (map, class): (&HeatMap, Class), seed: u64, ask: Ask<'_>) -> Result<Deletion> {
    let orders: Vec<Vec<usize>> = std::iter::once(hottest_first(map, seed))
        .chain((1..=ORDERS).map(|order| by_chance(map, seed, order)))
        .collect();
    let mut curves = curves(areas, &orders, STEPS, ask)?.into_iter();
    let curve = curves.next().unwrap_or_default();
    let by_order: Vec<f64> = curves.map(|curve| area_under(&curve)).collect();
    Ok(Deletion { class, by_heat: area_under(&curve), curve, by_chance: average(&by_order), by_order })
}

/// Areas of equal heat, such as all without any, come in random order: in that of their places they would go from the top down.
fn hottest_first(map: &HeatMap, seed: u64) -> Vec<usize> {
    let mut order = by_chance(map, seed, 0);
    order.sort_by(|&a, &b| map.values[b].total_cmp(&map.values[a]));
    order
}

fn by_chance(map: &HeatMap, seed: u64, number: usize) -> Vec<usize> {
    let mut order: Vec<usize> = (0..map.values.len()).collect();
    order.shuffle(&mut stream(seed, Purpose::Deletion, [number as u64, 0]));
    order
}

/// For each order a curve of `steps + 1` answers. All begin with the whole picture and end with none of it.
fn curves(areas: &Areas<'_>, orders: &[Vec<usize>], steps: usize, ask: Ask<'_>) -> Result<Vec<Vec<f64>>> {
    let within = |order: &'_ Vec<usize>| (1..steps).map(|step| order[..step * order.len() / steps].to_vec()).collect();
    let ends = [Vec::new(), orders.first().cloned().unwrap_or_default()];
    let gone: Vec<Vec<usize>> = ends.into_iter().chain(orders.iter().flat_map::<Vec<_>, _>(within)).collect();
    let mut answers = Vec::with_capacity(gone.len());
    for some in gone.chunks(BATCH) {
        let squares: Vec<Vec<u8>> = some.iter().map(|gone| areas.without(gone)).collect();
        answers.extend(ask(&squares)?);
    }
    let (ends, within) = answers.split_at(2);
    let curve = |within: &[f64]| [&ends[..1], within, &ends[1..]].concat();
    Ok(within.chunks(steps - 1).map(curve).collect())
}

/// By the trapezoidal rule, over a width of 1.
#[expect(clippy::cast_precision_loss, reason = "a few steps")]
fn area_under(curve: &[f64]) -> f64 {
    let pairs = curve.windows(2).map(|pair| f64::midpoint(pair[0], pair[1]));
    pairs.sum::<f64>() / (curve.len().saturating_sub(1)).max(1) as f64
}

#[expect(clippy::cast_precision_loss, reason = "a few orders")]
fn average(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len().max(1) as f64
}

#[cfg(test)]
mod tests;
