//! Reading an image file into 8-bit grey: by content and never by name, strictly, and with the grey that PIL's `convert("L")` gives.

mod jpeg;
mod png;
#[cfg(test)]
mod tests;

use std::panic::{AssertUnwindSafe, catch_unwind};

use super::GreyImage;

/// Larger pictures are refused from their header, before memory is taken for them.
pub const MAX_PIXELS: u64 = 100_000_000;

/// A pixel has a colour where its red, green and blue differ by more than this, of 255. In a JPEG a chroma that an encoder has
/// rounded by one step makes 2 of them, and nobody sees 8.
const COLOUR: u8 = 8;

/// A picture is coloured where more than one pixel in so many has a colour: 1,000, so that a stray mark does not count.
///
/// A grey X-ray kept as RGB has none: not one pixel of the 5,510 real ones at hand, all of them such files, differs at all. A
/// photograph of a screen, a sepia or blue tone, a heat map laid over it colour half of the picture and more.
pub const COLOURED_PIXELS: usize = 1000;

/// A picture as read from a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decoded {
    pub grey: GreyImage,
    /// The kind of pixel in the file: `grey`, `rgb` or `cmyk` for JPEG (`rgb` also where it is stored as YCbCr, `cmyk` as YCCK);
    /// `grey1`, `grey2`, `grey4`, `grey`, `grey16`, `grey-alpha`, `grey-alpha16`, `rgb`, `rgb16`, `rgba`, `rgba16` or `palette` for PNG.
    pub channels: String,
    /// Whether it shows colours, and not only has room for them: see [`COLOURED_PIXELS`].
    pub coloured: bool,
}

/// A file's pixels as grey, and whether they had colours.
struct Pixels {
    grey: Vec<u8>,
    coloured: bool,
}

impl Pixels {
    /// The picture, where it has as many pixels as its sides say.
    fn framed(self, [width, height]: [usize; 2], channels: String) -> Option<Decoded> {
        let Self { grey: pixels, coloured } = self;
        (pixels.len() == width * height).then_some(Decoded {
            grey: GreyImage { width, height, pixels },
            channels,
            coloured,
        })
    }
}

/// Reads a JPEG or PNG file's bytes.
///
/// Colours become grey by Rec.601, alpha is ignored, 16-bit values keep their high byte, CMYK is read with Adobe's
/// inverted inks, and an EXIF orientation is not applied: all as PIL and so torchvision does.
///
/// # Errors
/// The reason, for the user: empty, neither JPEG nor PNG, truncated, damaged, over [`MAX_PIXELS`], or a form that is not supported.
/// Never panics, whatever the bytes.
pub fn decode(bytes: &[u8]) -> Result<Decoded, String> {
    // The decoders are other people's code: should hostile bytes make one panic, that is one more way for a file to be damaged.
    catch_unwind(AssertUnwindSafe(|| decode_by_content(bytes)))
        .unwrap_or_else(|_| Err("damaged: the decoder gave up on it".to_owned()))
}

fn decode_by_content(bytes: &[u8]) -> Result<Decoded, String> {
    if bytes.is_empty() {
        Err("empty file (0 bytes)".to_owned())
    } else if starts_like(bytes, &jpeg::SIGNATURE) {
        jpeg::decode(bytes)
    } else if starts_like(bytes, &png::SIGNATURE) {
        png::decode(bytes)
    } else {
        Err(format!("neither JPEG nor PNG: it starts with {}", first_bytes(bytes)))
    }
}

/// Whether `bytes` start with `signature`, or end within it.
fn starts_like(bytes: &[u8], signature: &[u8]) -> bool {
    bytes.iter().zip(signature).all(|(a, b)| a == b)
}

/// The start of a file in words: as text where it is text, otherwise as hexadecimal numbers.
fn first_bytes(bytes: &[u8]) -> String {
    let start = bytes.get(..bytes.len().min(12)).unwrap_or_default();
    if start.iter().all(|byte| byte.is_ascii_graphic() || byte.is_ascii_whitespace()) {
        return format!("the text {:?}", String::from_utf8_lossy(start));
    }
    let hex: Vec<String> = start.iter().take(8).map(|byte| format!("{byte:02x}")).collect();
    format!("the bytes {}", hex.join(" "))
}

/// Refuses a size that a header gives, before anything is allocated for it.
fn check_size(width: u32, height: u32) -> Result<(), String> {
    let pixels = u64::from(width) * u64::from(height);
    if pixels == 0 {
        return Err(format!("no pixels: the header says {width}x{height}"));
    }
    if pixels > MAX_PIXELS {
        return Err(format!("too large: {width}x{height} is over {} megapixels", MAX_PIXELS / 1_000_000));
    }
    Ok(())
}

/// A decoder's own words, short enough for a table.
fn damaged(what: &str, error: &impl ToString) -> String {
    let words: String = error.to_string().lines().next().unwrap_or_default().chars().take(100).collect();
    format!("damaged {what}: {}", words.trim().trim_matches('"'))
}

/// Rec.601 luma in PIL's integers: `convert("L")` of an RGB picture.
fn luma([r, g, b]: [u8; 3]) -> u8 {
    let [r, g, b] = [r, g, b].map(u32::from);
    ((r * 19_595 + g * 38_470 + b * 7_471 + 0x8000) >> 16).to_le_bytes()[0]
}

/// Whole pixels of `N` bytes, of which `grey` tells the grey: a picture that has no colours.
fn without_colours<const N: usize>(bytes: &[u8], grey: impl Fn([u8; N]) -> u8) -> Pixels {
    let (pixels, _) = bytes.as_chunks::<N>();
    Pixels { grey: pixels.iter().map(|pixel| grey(*pixel)).collect(), coloured: false }
}

/// Whole pixels of `N` bytes, of which `colour` tells red, green and blue.
fn from_colours<const N: usize>(bytes: &[u8], colour: impl Fn([u8; N]) -> [u8; 3]) -> Pixels {
    let (pixels, _) = bytes.as_chunks::<N>();
    let mut with_colour = 0;
    let mut grey = |pixel: &[u8; N]| {
        let rgb = colour(*pixel);
        with_colour += usize::from(has_colour(rgb));
        luma(rgb)
    };
    let grey: Vec<u8> = pixels.iter().map(&mut grey).collect();
    let coloured = with_colour > grey.len() / COLOURED_PIXELS;
    Pixels { grey, coloured }
}

fn has_colour([r, g, b]: [u8; 3]) -> bool {
    r.max(g).max(b) - r.min(g).min(b) > COLOUR
}
