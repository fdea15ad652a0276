//! Pictures made smaller until they fit: each pixel the mean of what it covers.

use super::{Picture, rounded};
use crate::dataset::GreyImage;

/// The pixels of a side that one pixel of the result covers.
struct Cover {
    /// The first of them.
    first: usize,
    /// Of the mean, for each of them; 1 together. The outer ones are often covered in part.
    shares: Vec<f32>,
}

impl Picture {
    /// At most `max_width * max_height` pixels, aspect kept to the nearest pixel, never enlarged: each the mean of what it
    /// covers, by area, as OpenCV's `resize(INTER_AREA)`. A side is one pixel at least.
    #[must_use]
    pub fn fitted(&self, max_width: usize, max_height: usize) -> Self {
        let (width, height) = fitted_size((self.width, self.height), (max_width, max_height));
        if (width, height) == (self.width, self.height) {
            return self.clone();
        }
        let pixels = means(&self.pixels, (self.width, width), (self.height, height));
        Self { width, height, pixels }
    }
}

/// [`Picture::fitted`] for a picture that is still grey, in a third of the time.
#[must_use]
pub fn grey(image: &GreyImage, max_width: usize, max_height: usize) -> GreyImage {
    let (width, height) = fitted_size((image.width, image.height), (max_width, max_height));
    if (width, height) == (image.width, image.height) {
        return image.clone();
    }
    let pixels = means(image.pixels.as_chunks::<1>().0, (image.width, width), (image.height, height));
    GreyImage { width, height, pixels: pixels.into_iter().map(|[level]| level).collect() }
}

/// The largest size of the same shape that is within `most` and no larger than `size`; both are (width, height).
#[must_use]
pub fn fitted_size(size: (usize, usize), most: (usize, usize)) -> (usize, usize) {
    let ((width, height), (across, down)) = (size, (most.0.max(1), most.1.max(1)));
    if width <= across && height <= down {
        return size;
    }
    let scaled = |side: usize, to: usize, from: usize| ((side * to + from / 2) / from).max(1);
    if width * down >= height * across {
        (across, scaled(height, across, width))
    } else {
        (scaled(width, down, height), down)
    }
}

/// Means of what each pixel covers; a side is given as (pixels of the source, pixels of the result).
fn means<const N: usize>(pixels: &[[u8; N]], across: (usize, usize), down: (usize, usize)) -> Vec<[u8; N]> {
    let columns = covers(across);
    let mut line = vec![0.0; across.0 * N];
    let mut result = Vec::with_capacity(across.1 * down.1);
    for rows in covers(down) {
        line.fill(0.0);
        for (row, &share) in pixels.chunks_exact(across.0).skip(rows.first).zip(&rows.shares) {
            let levels = line.iter_mut().zip(row.as_flattened());
            levels.for_each(|(sum, &level)| *sum += share * f32::from(level));
        }
        result.extend(columns.iter().map(|columns| mean(line.as_chunks().0, columns)));
    }
    result
}

fn mean<const N: usize>(line: &[[f32; N]], columns: &Cover) -> [u8; N] {
    let mut sums = [0.0; N];
    for (pixel, &share) in line[columns.first..].iter().zip(&columns.shares) {
        sums.iter_mut().zip(pixel).for_each(|(sum, level)| *sum += share * level);
    }
    sums.map(rounded)
}

/// What the pixels of a side cover: in units of 1 / `to` pixel, pixel i reaches from i * `from` to (i + 1) * `from`.
#[expect(clippy::cast_precision_loss, reason = "shares of a pixel; seven digits are plenty for 256 levels")]
fn covers((from, to): (usize, usize)) -> Vec<Cover> {
    let covered = |place: usize, start: usize, end: usize| ((place + 1) * to).min(end) - (place * to).max(start);
    let one = |place: usize| {
        let (start, end) = (place * from, (place + 1) * from);
        let pixels = start / to..end.div_ceil(to);
        let shares = pixels.clone().map(|pixel| covered(pixel, start, end) as f32 / from as f32);
        Cover { first: pixels.start, shares: shares.collect() }
    };
    (0..to).map(one).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::synthetic::{bytes, cases, colours, largest_difference, picture, size};
    use super::*;

    #[test]
    fn means_are_those_of_opencv_by_area() {
        for case in cases("fitted") {
            let ((width, height), (across, down)) = (size(&case["source"]), size(&case["most"]));
            let own = colours(width, height).fitted(across, down);
            assert_eq!((own.width, own.height), size(&case["size"]));
            let off = largest_difference(own.pixels.as_flattened(), &bytes(&case["pixels"]));
            assert!(off <= 1, "{width}x{height} in {across}x{down}: {off}");
        }
    }

    #[test]
    fn a_picture_that_fits_stays_as_it_is() {
        let (small, empty) = (colours(20, 10), Picture::default());
        assert_eq!(small.fitted(20, 10), small);
        assert_eq!(small.fitted(1000, 1000), small);
        assert_eq!(empty.fitted(10, 10), empty);
    }

    #[test]
    fn four_pixels_become_their_mean() {
        let image = GreyImage { width: 2, height: 2, pixels: vec![10, 20, 30, 41] };
        assert_eq!(grey(&image, 1, 1), GreyImage { width: 1, height: 1, pixels: vec![25] });
    }

    proptest! {
        #[test]
        fn a_fitted_picture_is_within_its_bounds_and_keeps_its_shape(
            size in (1..300_usize, 1..300_usize),
            most in (0..100_usize, 0..100_usize),
        ) {
            let (width, height) = fitted_size(size, most);
            prop_assert!(width <= most.0.max(1) && height <= most.1.max(1));
            prop_assert!((1..=size.0).contains(&width) && (1..=size.1).contains(&height));
            let off = (width * size.1).abs_diff(height * size.0);
            prop_assert!(off <= size.0.max(size.1), "{:?} in {:?} is {}x{}", size, most, width, height);
        }

        #[test]
        fn grey_and_colours_give_the_same_means(size in (1..80_usize, 1..80_usize), most in (1..40_usize, 1..40_usize)) {
            let image = picture("noise", size.0, size.1);
            let coloured = Picture::from(&image).fitted(most.0, most.1);
            prop_assert_eq!(coloured, Picture::from(&grey(&image, most.0, most.1)));
        }

        #[test]
        fn one_level_stays_that_level(level: u8, size in (1..80_usize, 1..80_usize), most in (1..40_usize, 1..40_usize)) {
            let image = GreyImage { width: size.0, height: size.1, pixels: vec![level; size.0 * size.1] };
            prop_assert!(grey(&image, most.0, most.1).pixels.iter().all(|&pixel| pixel == level));
        }
    }
}
