//! The images of a data set that the network sees as like a picture.

mod file;
mod make;
#[cfg(test)]
pub(super) mod tests;

use rayon::prelude::*;

pub use file::path;
pub use make::Pictures;

use crate::dataset::{Class, Split};

/// Features of one picture: the last block's maps, each one's mean.
pub const FEATURES: usize = 512;

/// Two pictures are nearly the same where they are nearer to each other than this share of how far either is from its tenth
/// nearest image.
///
/// A share and no distance, as networks differ: after three epochs on the 5,510 real X-rays at hand the nearest image of another
/// patient was .005 away as a rule, after one epoch on a tenth of them .00006. With the first network, the least share was .23
/// between pictures of different patients, .33 in different splits, .27 between two pictures of one patient; with the second
/// .13 and more. Files that are the same to the last byte were below 1e-11. (A third network that had learnt nothing, right
/// about 44 % of the test images, gave one wrong pair of .046.) Of copies, all that were saved again as JPEG of quality 30 to 90
/// or enlarged twofold were below .05 with both, 99 % of those moved by a pixel of 224, 93 % of those turned by a degree, 80 % of
/// those at half the size. Copies made brighter or of another contrast, mirrored or moved further are not found: to the
/// network they are other pictures.
///
/// A ratio of distances as a test of sameness: Lowe 2004, "Distinctive Image Features from Scale-Invariant Keypoints".
const NEARLY_THE_SAME: f64 = 0.05;
/// That image, counted from 1: behind other pictures of the same patient.
const REACH: usize = 10;

/// One image of a run's data set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    /// Path below the data set's root.
    pub file: String,
    pub split: Split,
    pub truth: Class,
}

/// What the network sees in each image of a run's data set.
///
/// How far two pictures are apart is the cosine distance of their features: 1 less the cosine of the angle between them, 0 for
/// the same direction; as features are never negative, at most 1. The direction tells which patterns a picture shows in which
/// proportion. The length grows with how strongly it shows them all, so with exposure and with how much of the picture the
/// chest takes, and would part pictures that show the same. Features of nothing are 1 apart from all.
#[derive(Debug, Clone, PartialEq)]
pub struct Gallery {
    listed: Vec<Listed>,
    /// In the order of `listed`, without those that could not be read.
    rows: Vec<Row>,
    /// What it was made of: the weights, how pictures are prepared, the list.
    record: String,
    /// How far each validation image is from the nearest training image, the least first.
    usual: Vec<f32>,
}

/// One image that was read.
#[derive(Debug, Clone, PartialEq)]
struct Row {
    /// In the list.
    index: usize,
    /// Width and height of its file's picture, in pixels.
    size: [u32; 2],
    /// ([`FEATURES`])
    features: Vec<f32>,
    length: f64,
}

/// An image of the data set beside a picture.
#[derive(Debug, Clone, PartialEq)]
pub struct Neighbour {
    /// In the list that the gallery was made of.
    pub index: usize,
    pub file: String,
    pub split: Split,
    pub truth: Class,
    /// Cosine distance, 0 to 1.
    pub distance: f64,
}

/// Two images of different splits that are nearly the same.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Pair {
    /// In the list; `a` comes before `b`.
    pub a: usize,
    pub b: usize,
    /// Cosine distance, 0 to 1.
    pub distance: f64,
}

impl Gallery {
    /// All images that it was to be made of, unreadable ones too.
    #[must_use]
    pub fn listed(&self) -> &[Listed] {
        &self.listed
    }

    /// How many of them could not be read.
    #[must_use]
    pub fn left_out(&self) -> usize {
        self.listed.len() - self.rows.len()
    }

    /// The `k` nearest images that `filter` lets pass, the nearest first; equally near ones are in the order of the list.
    ///
    /// `features` are ([`FEATURES`]), such as [`Explanation::features`](super::heat::Explanation::features). A picture that is
    /// in the data set is its own nearest one.
    #[must_use]
    pub fn nearest(&self, features: &[f32], k: usize, filter: impl Fn(&Listed) -> bool) -> Vec<Neighbour> {
        let length = length(features);
        let passed = self.rows.iter().filter(|row| filter(&self.listed[row.index]));
        let mut found: Vec<(f64, &Row)> = passed.map(|row| (row.distance(features, length), row)).collect();
        // The sort is stable, and rows are in the order of the list.
        found.sort_by(|a, b| a.0.total_cmp(&b.0));
        found.into_iter().take(k).map(|(distance, row)| self.neighbour(row.index, distance)).collect()
    }

    /// How far a picture is from all training images, beside what is usual: the share, 0 to 1, of the validation images that
    /// are nearer to their nearest training image. At 1 it is further off than any of them; `None` where train or validation
    /// has no image.
    #[must_use]
    pub fn remoteness(&self, features: &[f32]) -> Option<f64> {
        let nearest = self.to_training(features, length(features))?;
        let nearer = self.usual.partition_point(|usual| *usual < nearest);
        (!self.usual.is_empty()).then(|| share(nearer, self.usual.len()))
    }

    /// The image that a picture is nearly the same as, if there is one: the same, perhaps saved again, or at another size.
    #[must_use]
    pub fn nearly_the_same(&self, features: &[f32]) -> Option<Neighbour> {
        let nearest = self.nearest(features, REACH, |_| true);
        let (first, reach) = (nearest.first()?.clone(), nearest.last()?.distance);
        let is_near = |reach: f64| first.distance < NEARLY_THE_SAME * reach;
        let row = self.rows.iter().find(|row| row.index == first.index)?;
        (is_near(reach) && is_near(self.reach(row))).then_some(first)
    }

    /// Pairs of different splits that are nearly the same, the nearest first. Takes about two seconds for 5,500 images on two
    /// cores.
    #[must_use]
    pub fn near_duplicates(&self) -> Vec<Pair> {
        let mut pairs: Vec<Pair> = self.rows.par_iter().flat_map_iter(|row| self.near_to(row)).collect();
        // A pair is there twice where it is near beside the reach of either.
        pairs.sort_by_key(|pair| (pair.a, pair.b));
        let twice = pairs.windows(2).filter(|two| (two[0].a, two[0].b) == (two[1].a, two[1].b));
        let mut found: Vec<Pair> = twice.map(|two| two[0]).collect();
        found.sort_by(|a, b| a.distance.total_cmp(&b.distance));
        found
    }

    /// The least and the most that a training image is wide for its height; `None` where that tells nothing, as all are alike:
    /// they were brought to one shape before.
    #[must_use]
    pub fn aspects(&self) -> Option<[f64; 2]> {
        let aspects = self.of(Split::Train).map(|row| f64::from(row.size[0]) / f64::from(row.size[1].max(1)));
        let range = aspects.fold([f64::INFINITY, 0.0], |[least, most], aspect| [least.min(aspect), most.max(aspect)]);
        (range[0] < range[1]).then_some(range)
    }

    fn new(listed: Vec<Listed>, rows: Vec<Row>, record: String) -> Self {
        let mut gallery = Self { listed, rows, record, usual: Vec::new() };
        let validation: Vec<&Row> = gallery.of(Split::Validation).collect();
        let nearest = |row: &&Row| gallery.to_training(&row.features, row.length);
        let mut usual: Vec<f32> = validation.par_iter().filter_map(nearest).collect();
        usual.sort_by(f32::total_cmp);
        gallery.usual = usual;
        gallery
    }

    /// The images of other splits that are near to one beside its own reach.
    fn near_to(&self, row: &Row) -> Vec<Pair> {
        let distances = self.distances(row);
        let limit = NEARLY_THE_SAME * reach(distances.iter().map(|(distance, _)| *distance).collect());
        let split = self.listed[row.index].split;
        let near =
            distances.into_iter().filter(|(distance, other)| *distance < limit && self.listed[*other].split != split);
        near.map(|(distance, other)| Pair { a: row.index.min(other), b: row.index.max(other), distance }).collect()
    }

    /// How far the tenth nearest image is from one of the gallery.
    fn reach(&self, row: &Row) -> f64 {
        reach(self.distances(row).into_iter().map(|(distance, _)| distance).collect())
    }

    /// From one image to all others.
    fn distances(&self, row: &Row) -> Vec<(f64, usize)> {
        let others = self.rows.iter().filter(|other| other.index != row.index);
        others.map(|other| (other.distance(&row.features, row.length), other.index)).collect()
    }

    fn of(&self, split: Split) -> impl Iterator<Item = &Row> {
        self.rows.iter().filter(move |row| self.listed[row.index].split == split)
    }

    /// The distance to the nearest training image, as precise as a file keeps it.
    #[expect(clippy::cast_possible_truncation, reason = "rounded")]
    fn to_training(&self, features: &[f32], length: f64) -> Option<f32> {
        self.of(Split::Train).map(|row| row.distance(features, length)).min_by(f64::total_cmp).map(|least| least as f32)
    }

    fn neighbour(&self, index: usize, distance: f64) -> Neighbour {
        let Listed { file, split, truth } = self.listed[index].clone();
        Neighbour { index, file, split, truth, distance }
    }
}

impl Row {
    fn new(index: usize, size: [u32; 2], features: Vec<f32>) -> Self {
        let length = length(&features);
        Self { index, size, features, length }
    }

    /// In f64, so that the order of near ones does not depend on rounding.
    fn distance(&self, features: &[f32], length: f64) -> f64 {
        let lengths = self.length * length;
        if lengths > 0.0 { (1.0 - dot(&self.features, features) / lengths).clamp(0.0, 1.0) } else { 1.0 }
    }
}

/// The tenth least, or the most where there are fewer.
fn reach(mut distances: Vec<f64>) -> f64 {
    let last = REACH.min(distances.len()).saturating_sub(1);
    if distances.is_empty() { 0.0 } else { *distances.select_nth_unstable_by(last, f64::total_cmp).1 }
}

fn length(features: &[f32]) -> f64 {
    dot(features, features).sqrt()
}

#[expect(clippy::cast_precision_loss, reason = "counts of images")]
fn share(part: usize, of: usize) -> f64 {
    part as f64 / of as f64
}

/// Eight sums side by side, which a processor reckons at once.
fn dot(a: &[f32], b: &[f32]) -> f64 {
    let mut sums = [0.0; 8];
    let ((a, a_rest), (b, b_rest)) = (a.as_chunks::<8>(), b.as_chunks::<8>());
    for (a, b) in a.iter().zip(b) {
        for (sum, (a, b)) in sums.iter_mut().zip(a.iter().zip(b)) {
            *sum += f64::from(*a) * f64::from(*b);
        }
    }
    let rest = a_rest.iter().zip(b_rest).map(|(a, b)| f64::from(*a) * f64::from(*b));
    sums.iter().sum::<f64>() + rest.sum::<f64>()
}
