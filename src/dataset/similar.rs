//! Finds images of different splits that show nearly the same picture.

use rayon::prelude::*;

use super::Split;
use super::cache::Cache;
use super::split::Splits;
use crate::error::Result;

/// Cells along a side of the small pictures that are compared.
const SIDE: usize = 32;
/// Cells to each side over which the local mean is taken: what is left are edges, which brightness does not change.
const REACH: usize = 2;

/// From this correlation on, two pictures are nearly the same. Of the 5,510 images of the public set at hand, pictures of
/// different patients reach .83; one that is saved again, brighter, darker, of less contrast, turned by a degree or moved
/// by a pixel of 224 lies above .91.
pub const NEARLY_THE_SAME: f32 = 0.9;

/// Two images of different splits that show nearly the same.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Pair {
    /// Indices into [`Dataset::images`](super::Dataset::images), with their splits.
    pub a: (usize, Split),
    pub b: (usize, Split),
    /// -1 to 1, of what is left of both pictures without their local mean.
    pub correlation: f32,
}

/// All such pairs, the most alike first.
///
/// # Errors
/// Where an image cannot be read any more.
pub fn across_splits(cache: &Cache, splits: &Splits) -> Result<Vec<Pair>> {
    let [train, validation, test] = Split::ALL.map(|split| small_pictures(cache, splits.of(split)));
    let (train, validation, test) = (train?, validation?, test?);
    let mut pairs = pairs((&train, Split::Train), (&test, Split::Test));
    pairs.extend(self::pairs((&train, Split::Train), (&validation, Split::Validation)));
    pairs.extend(self::pairs((&validation, Split::Validation), (&test, Split::Test)));
    pairs.sort_by(|a, b| b.correlation.total_cmp(&a.correlation).then((a.a, a.b).cmp(&(b.a, b.b))));
    Ok(pairs)
}

/// An image with its edges: length 1, or 0 for a picture without any.
struct Small {
    image: usize,
    edges: Vec<f32>,
}

fn small_pictures(cache: &Cache, images: &[usize]) -> Result<Vec<Small>> {
    let size = cache.image_size();
    let small = |&image: &usize| {
        let mut grey = vec![0; size * size];
        cache.read_evaluation(image, &mut grey)?;
        Ok(Small { image, edges: edges(&shrink(&grey, size)) })
    };
    images.par_iter().map(small).collect()
}

fn pairs((of_a, split_a): (&[Small], Split), (of_b, split_b): (&[Small], Split)) -> Vec<Pair> {
    let with_all = |b: &Small| {
        let alike = |a: &Small| {
            let correlation = a.edges.iter().zip(&b.edges).map(|(a, b)| a * b).sum();
            (correlation >= NEARLY_THE_SAME).then_some(Pair {
                a: (a.image, split_a),
                b: (b.image, split_b),
                correlation,
            })
        };
        of_a.iter().filter_map(alike).collect::<Vec<_>>()
    };
    of_b.par_iter().flat_map_iter(with_all).collect()
}

/// Means of `SIDE * SIDE` cells of a square picture of side `size`, at least [`SIDE`].
#[expect(clippy::cast_precision_loss, reason = "sums of a few pixels")]
fn shrink(grey: &[u8], size: usize) -> Vec<f32> {
    let bounds = |cell: usize| cell * size / SIDE..(cell + 1) * size / SIDE;
    let cell = |place: usize| {
        let (rows, columns) = (bounds(place / SIDE), bounds(place % SIDE));
        let values = rows.clone().flat_map(|row| &grey[row * size..][columns.clone()]);
        values.map(|value| f32::from(*value)).sum::<f32>() / (rows.len() * columns.len()).max(1) as f32
    };
    (0..SIDE * SIDE).map(cell).collect()
}

/// What is left without the local mean, at mean 0 and length 1.
#[expect(clippy::cast_precision_loss, reason = "a few cells")]
fn edges(cells: &[f32]) -> Vec<f32> {
    let near = |at: usize| (at..=at + 2 * REACH).map(|at| at.saturating_sub(REACH).min(SIDE - 1));
    let local_mean = |row: usize, column: usize| {
        let around = near(row).flat_map(|row| near(column).map(move |column| cells[row * SIDE + column]));
        around.sum::<f32>() / ((2 * REACH + 1) * (2 * REACH + 1)) as f32
    };
    let edge = |place: usize| cells[place] - local_mean(place / SIDE, place % SIDE);
    let edges: Vec<f32> = (0..SIDE * SIDE).map(edge).collect();
    let mean = edges.iter().sum::<f32>() / edges.len() as f32;
    let length = edges.iter().map(|edge| (edge - mean).powi(2)).sum::<f32>().sqrt();
    // What rounding leaves of an even picture is no edge.
    let scale = if length > 1e-2 { length.recip() } else { 0.0 };
    edges.into_iter().map(|edge| (edge - mean) * scale).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a picture"
    )]
    fn picture(of: impl Fn(f32, f32) -> f32, size: usize) -> Vec<u8> {
        let at = |place: usize| of((place / size) as f32 / size as f32, (place % size) as f32 / size as f32) as u8;
        (0..size * size).map(at).collect()
    }

    fn alike(a: &[u8], b: &[u8], sizes: [usize; 2]) -> f32 {
        let [a, b] = [edges(&shrink(a, sizes[0])), edges(&shrink(b, sizes[1]))];
        a.iter().zip(&b).map(|(a, b)| a * b).sum()
    }

    #[test]
    fn a_darker_or_smaller_copy_is_alike_and_another_picture_is_not() {
        let waves = |y: f32, x: f32| 120.0 + 80.0 * (21.0 * x + 9.0 * y).sin() * (17.0 * y).cos();
        let darker = |y: f32, x: f32| 0.5 * waves(y, x) + 10.0;
        let other = |y: f32, x: f32| 120.0 + 80.0 * (13.0 * x).cos() * (25.0 * y + 4.0 * x).sin();
        let original = picture(waves, 224);
        assert!(alike(&original, &picture(darker, 224), [224, 224]) > 0.97);
        assert!(alike(&original, &picture(waves, 100), [224, 100]) > NEARLY_THE_SAME);
        assert!(alike(&original, &picture(other, 224), [224, 224]) < 0.5);
    }

    #[test]
    fn even_pictures_are_like_nothing() {
        let [black, grey] = [0.0, 90.0].map(|value| picture(|_, _| value, 33));
        assert!(alike(&black, &grey, [33, 33]).abs() < 1e-6);
    }
}
