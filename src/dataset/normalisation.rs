//! What is done to the greys of a picture before a network sees it, in training and after.

pub mod clahe;
#[cfg(test)]
mod tests;

use super::GreyImage;
use crate::words::words;

words! {
    /// How the greys of a picture are made alike from machine to machine.
    Normalisation {
        /// They stay as they are.
        #[default] None = "none",
        /// The greys from the 1st to the 99th percentile are stretched over all of the range.
        Stretch = "stretch",
        /// Every grey becomes equally frequent, as nearly as can be (histogram equalisation).
        Equalise = "equalise",
        /// The same within 8 x 8 tiles, with limited contrast (CLAHE, Zuiderveld 1994).
        Clahe = "clahe",
    }
}

/// The percentiles that become black and white.
const STRETCHED: [usize; 2] = [1, 99];

/// A number of pixels, or a new grey, for each grey.
type ByGrey<T> = [T; 256];

impl Normalisation {
    /// Changes the greys of a `size` x `size` picture, 0 black to 255 white.
    ///
    /// A picture with another number of pixels stays as it is, and so does one of a single grey, but with [`Self::Clahe`].
    pub fn apply(self, grey: &mut [u8], size: usize) {
        if grey.is_empty() || grey.len() != size * size {
            return;
        }
        match self {
            Self::None => {}
            Self::Stretch => replace(grey, stretched),
            Self::Equalise => replace(grey, equalised),
            Self::Clahe => {
                let picture = GreyImage { width: size, height: size, pixels: grey.to_vec() };
                grey.copy_from_slice(&clahe::equalised(&picture).pixels);
            }
        }
    }
}

fn counts(grey: &[u8]) -> ByGrey<usize> {
    let mut counts = [0; 256];
    for &level in grey {
        counts[usize::from(level)] += 1;
    }
    counts
}

/// Puts new greys in the place of those there are, by how often each one is.
fn replace(grey: &mut [u8], new: fn(&ByGrey<usize>) -> ByGrey<u8>) {
    let table = new(&counts(grey));
    for level in grey {
        *level = table[usize::from(*level)];
    }
}

/// Linear between the percentiles, to nearest, halves up.
fn stretched(counts: &ByGrey<usize>) -> ByGrey<u8> {
    let [low, high] = STRETCHED.map(|percent| percentile(counts, percent));
    if low >= high {
        return unchanged();
    }
    let range = high - low;
    std::array::from_fn(|level| {
        let above = level.clamp(low, high) - low;
        u8::try_from((255 * above + range / 2) / range).unwrap_or(u8::MAX)
    })
}

/// The least grey that `percent` hundredths of the pixels do not exceed: numpy's `percentile(method="inverted_cdf")`.
fn percentile(counts: &ByGrey<usize>, percent: usize) -> usize {
    let pixels: usize = counts.iter().sum();
    let mut sum = 0_usize;
    let reaches = |&count: &usize| {
        sum += count;
        100 * sum >= percent * pixels
    };
    counts.iter().position(reaches).unwrap_or(255)
}

/// OpenCV's `equalizeHist`: the pixels up to a grey, those of the darkest one left out, as a share of all but those, times
/// 255, in `f32` as there. (PIL's `equalize` divides whole numbers instead.)
#[expect(clippy::cast_precision_loss, reason = "a picture has fewer than 2^24 pixels, and OpenCV reckons so")]
fn equalised(counts: &ByGrey<usize>) -> ByGrey<u8> {
    let pixels: usize = counts.iter().sum();
    let darkest = counts.iter().position(|&count| count > 0).unwrap_or(0);
    let others = pixels - counts[darkest];
    if others == 0 {
        return unchanged();
    }
    let scale = 255.0 / others as f32;
    let mut sum = 0_usize;
    let mut table = [0; 256];
    for (new, &count) in table.iter_mut().zip(counts).skip(darkest + 1) {
        sum += count;
        *new = rounded((sum as f32 * scale).min(255.0));
    }
    table
}

/// Every grey is its own.
fn unchanged() -> ByGrey<u8> {
    std::array::from_fn(|level| u8::try_from(level).unwrap_or(u8::MAX))
}

/// The nearest whole number, a half to the even one; `value` must lie in 0 to 255.
///
/// At 1.5 * 2^23 the last bit of an `f32` counts ones, so that adding it rounds; processors without SSE 4.1 have no
/// instruction for rounding, and a call per pixel would take longer than all the rest.
pub(crate) const fn rounded(value: f32) -> u8 {
    (value + 12_582_912.0).to_bits().to_le_bytes()[0]
}
