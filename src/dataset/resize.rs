//! Resizing as torchvision's `Resize` does it to a PIL picture: a triangle filter that widens when it reduces, in two 8-bit passes.

#[cfg(test)]
mod tests;

use fast_image_resize::images::{TypedImage, TypedImageRef};
use fast_image_resize::pixels::U8;
use fast_image_resize::{FilterType, ResizeAlg, ResizeOptions, Resizer};

use super::GreyImage;

/// `size * size` pixels, the aspect ignored: torchvision's `Resize((size, size))`.
///
/// A picture with no pixels, or with another number than its sides say, gives black.
#[must_use]
pub fn to_square(image: &GreyImage, size: usize) -> GreyImage {
    resize(image, size, size)
}

/// `size * size` pixels of a part of the picture, given as left, top, width and height in shares of its sides, 0 to 1.
///
/// A part that reaches outside, or of no size, gives black.
#[must_use]
pub fn part_to_square(image: &GreyImage, [left, top, width, height]: [f64; 4], size: usize) -> GreyImage {
    let (across, down) = (side(image.width), side(image.height));
    // A rounding may lead past the edge, which the resizer refuses.
    let (left, top) = (left * across, top * down);
    let part = [left, top, (width * across).min(across - left), (height * down).min(down - top)];
    let pixels = convolve(image, (size, size), Some(part)).unwrap_or_else(|| vec![0; size * size]);
    GreyImage { width: size, height: size, pixels }
}

#[expect(clippy::cast_precision_loss, reason = "sides of a few thousand pixels")]
const fn side(pixels: usize) -> f64 {
    pixels as f64
}

/// The same picture with a short side of at most `at_most`: aspect kept to the nearest pixel, never enlarged.
#[must_use]
pub fn to_short_side(image: &GreyImage, at_most: usize) -> GreyImage {
    let short = image.width.min(image.height);
    if short <= at_most {
        return image.clone();
    }
    let scaled = |side: usize| (side * at_most + short / 2) / short;
    resize(image, scaled(image.width), scaled(image.height))
}

fn resize(image: &GreyImage, width: usize, height: usize) -> GreyImage {
    let pixels = convolve(image, (width, height), None).unwrap_or_else(|| vec![0; width * height]);
    GreyImage { width, height, pixels }
}

fn convolve(image: &GreyImage, (width, height): (usize, usize), part: Option<[f64; 4]>) -> Option<Vec<u8>> {
    let side = |pixels: usize| u32::try_from(pixels).ok();
    let from = TypedImageRef::<U8>::from_buffer(side(image.width)?, side(image.height)?, &image.pixels).ok()?;
    let mut pixels = vec![0; width * height];
    let mut to = TypedImage::<U8>::from_buffer(side(width)?, side(height)?, &mut pixels).ok()?;
    let mut options = ResizeOptions::new().resize_alg(ResizeAlg::Convolution(FilterType::Bilinear));
    if let Some([left, top, width, height]) = part {
        options = options.crop(left, top, width, height);
    }
    // For this one kind of pixel: where the kind is chosen at run time, all of them are linked in, 3 MB.
    Resizer::new().resize_typed(&from, &mut to, &options).ok()?;
    Some(pixels)
}
