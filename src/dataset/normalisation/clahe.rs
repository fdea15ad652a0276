//! Contrast-limited adaptive histogram equalisation, with the very pixels that OpenCV's gives.

use super::rounded;
use crate::dataset::GreyImage;

/// Tiles in each direction.
const TILES: usize = 8;
/// No level may be more often in a tile than this many times the mean over all levels.
const CLIP_LIMIT: u32 = 2;
const LEVELS: usize = 256;

/// The new level of each level in one tile: whole numbers of 0 to 255.
type Curve = [f32; LEVELS];

/// For each level what the four tiles around make of it: upper left, lower left, upper right, lower right.
type Corners = [[f32; 4]; LEVELS];

/// The picture with contrast made equal over 8 x 8 tiles, the limit being 2: what OpenCV's
/// `createCLAHE(clipLimit=2.0, tileGridSize=(8, 8)).apply` gives, for a picture of any size. One with no pixels stays so.
///
/// Source: K. Zuiderveld, Contrast Limited Adaptive Histogram Equalization, Graphics Gems IV, 1994, pages 474 to 485.
#[must_use]
pub fn equalised(image: &GreyImage) -> GreyImage {
    if image.pixels.is_empty() {
        return image.clone();
    }
    let (across, down) = tile_size(image);
    let curves: Vec<[Curve; TILES]> = (0..TILES).map(|row| curves(image, (across, down), row)).collect();
    let columns = runs(image.width, across);
    let mut pixels = vec![0; image.pixels.len()];
    for rows in runs(image.height, down) {
        let [upper, lower] = rows.tiles;
        let corners: Vec<Corners> =
            columns.iter().map(|columns| corners(&curves[upper], &curves[lower], columns.tiles)).collect();
        for (y, &low) in (rows.start..).zip(&rows.shares) {
            let line = y * image.width..(y + 1) * image.width;
            let (from, to) = (&image.pixels[line.clone()], &mut pixels[line]);
            for (columns, corners) in columns.iter().zip(&corners) {
                let part = columns.start..columns.start + columns.shares.len();
                mix(&from[part.clone()], &mut to[part], (corners, low, &columns.shares));
            }
        }
    }
    GreyImage { pixels, ..*image }
}

/// Width and height of a tile. As in OpenCV, both sides grow where one does not divide, by a full row of tiles if need be.
const fn tile_size(image: &GreyImage) -> (usize, usize) {
    let more = !(image.width.is_multiple_of(TILES) && image.height.is_multiple_of(TILES)) as usize;
    (image.width / TILES + more, image.height / TILES + more)
}

/// Where pixel `place` of a side lies that is mirrored beyond its end, the last pixel not repeated.
const fn mirrored(place: usize, side: usize) -> usize {
    if place < side {
        return place;
    }
    let period = if side == 1 { 1 } else { 2 * (side - 1) };
    let place = place % period;
    if place < side { place } else { period - place }
}

/// The curves of the tiles in row `row` of tiles.
fn curves(image: &GreyImage, (across, down): (usize, usize), row: usize) -> [Curve; TILES] {
    let mut counts = [[[0; LEVELS]; 2]; TILES];
    for y in row * down..(row + 1) * down {
        let y = mirrored(y, image.height);
        let line = &image.pixels[y * image.width..(y + 1) * image.width];
        for (tile, counts) in counts.iter_mut().enumerate() {
            let (start, end) = (tile * across, (tile + 1) * across);
            count(&line[start.min(line.len())..end.min(line.len())], counts);
            for x in start.max(line.len())..end {
                counts[0][usize::from(line[mirrored(x, line.len())])] += 1;
            }
        }
    }
    counts.map(|[even, odd]| curve(&std::array::from_fn(|level| even[level] + odd[level])))
}

/// Counts levels in two tables by turns: equal neighbours, of which an X-ray's ground is full, need not wait for each other.
fn count(levels: &[u8], [even, odd]: &mut [[u32; LEVELS]; 2]) {
    let mut pairs = levels.chunks_exact(2);
    for pair in &mut pairs {
        even[usize::from(pair[0])] += 1;
        odd[usize::from(pair[1])] += 1;
    }
    for &level in pairs.remainder() {
        even[usize::from(level)] += 1;
    }
}

/// The curve of a tile with these counts of its levels.
#[expect(clippy::cast_precision_loss, reason = "a tile has fewer than 2^24 pixels, and OpenCV reckons so")]
fn curve(counts: &[u32; LEVELS]) -> Curve {
    let total: u32 = counts.iter().sum();
    let scale = 255.0 / total as f32;
    let mut sum = 0;
    clipped(counts, (CLIP_LIMIT * total / 256).max(1)).map(|count| {
        sum += count;
        f32::from(rounded((sum as f32 * scale).min(255.0)))
    })
}

/// Counts of at most `limit`; what was above it is given to all levels alike, the remainder to levels evenly apart.
fn clipped(counts: &[u32; LEVELS], limit: u32) -> [u32; LEVELS] {
    let above: u32 = counts.iter().map(|count| count.saturating_sub(limit)).sum();
    let (each, left) = (above / 256, above % 256);
    let mut counts = counts.map(|count| count.min(limit) + each);
    let step = 256_u32.checked_div(left).unwrap_or(1) as usize;
    counts.iter_mut().step_by(step).take(left as usize).for_each(|count| *count += 1);
    counts
}

/// Neighbouring columns (or rows) of pixels that lie between the middles of the same two tiles.
struct Run {
    /// Their first.
    start: usize,
    /// The tile before and the tile after; the same one at the picture's edge.
    tiles: [usize; 2],
    /// For each how far it is on the way to the tile after, 0 to 1.
    shares: Vec<f32>,
}

#[expect(clippy::cast_precision_loss, reason = "a side has fewer than 2^24 pixels, and OpenCV reckons so")]
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "there are nine such runs, from -1 on")]
fn runs(side: usize, tile: usize) -> Vec<Run> {
    let inverse = 1.0 / tile as f32;
    let mut runs: Vec<Run> = Vec::with_capacity(TILES + 1);
    let mut last = None;
    for place in 0..side {
        let position = place as f32 * inverse - 0.5;
        let before = position.floor();
        if last != Some(before) {
            let after = (before + 1.0) as usize;
            let tiles = [after.saturating_sub(1), after.min(TILES - 1)];
            runs.push(Run { start: place, tiles, shares: Vec::with_capacity(tile) });
            last = Some(before);
        }
        if let Some(run) = runs.last_mut() {
            run.shares.push(position - before);
        }
    }
    runs
}

fn corners(upper: &[Curve], lower: &[Curve], [left, right]: [usize; 2]) -> Corners {
    std::array::from_fn(|level| [upper[left], lower[left], upper[right], lower[right]].map(|curve| curve[level]))
}

/// Writes the new levels of one row of a run: what the four tiles say, weighted by nearness. `low` is the share of the lower
/// two, `rights` are those of the right two. The order of the operations is OpenCV's, so that roundings agree.
fn mix(from: &[u8], to: &mut [u8], (corners, low, rights): (&Corners, f32, &[f32])) {
    for ((&level, to), &right) in from.iter().zip(to).zip(rights) {
        let [upper_left, lower_left, upper_right, lower_right] = corners[usize::from(level)];
        let upper = upper_left * (1.0 - right) + upper_right * right;
        let lower = lower_left * (1.0 - right) + lower_right * right;
        *to = rounded(upper * (1.0 - low) + lower * low);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_side_goes_to_and_fro_beyond_its_end() {
        let places: Vec<usize> = (0..9).map(|place| mirrored(place, 4)).collect();
        assert_eq!(places, [0, 1, 2, 3, 2, 1, 0, 1, 2]);
        assert_eq!([0, 1, 5].map(|place| mirrored(place, 1)), [0; 3]);
    }

    #[test]
    fn a_picture_with_no_pixels_stays_so() {
        let nothing = GreyImage { width: 0, height: 0, pixels: Vec::new() };
        assert_eq!(equalised(&nothing), nothing);
    }
}
