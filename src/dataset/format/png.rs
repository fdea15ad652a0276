//! PNG: a survey of the chunks that sees size and truncation first, then the `png` decoder by way of `image`.

use std::io::Cursor;

use image::codecs::png::PngDecoder;
use image::{ColorType, ImageDecoder, Limits};

use super::{Decoded, Pixels, check_size, damaged, from_colours, without_colours};

pub const SIGNATURE: [u8; 8] = *b"\x89PNG\r\n\x1a\n";

/// Reads a PNG that is complete: any kind of pixel and depth; of an animation the still picture.
///
/// # Errors
/// The reason, for the user.
pub fn decode(bytes: &[u8]) -> Result<Decoded, String> {
    let channels = check_header(bytes)?;
    check_complete(bytes)?;
    let decoder = PngDecoder::with_limits(Cursor::new(bytes), Limits::default()).map_err(|e| damaged("PNG", &e))?;
    let (width, height) = decoder.dimensions();
    let colours = decoder.color_type();
    let size = usize::try_from(decoder.total_bytes()).map_err(|error| damaged("PNG", &error))?;
    let mut samples = vec![0; size];
    decoder.read_image(&mut samples).map_err(|error| damaged("PNG", &error))?;
    let pixels = pixels(samples, colours).ok_or_else(|| format!("unsupported PNG: {colours:?}"))?;
    let missing = || "damaged PNG: some of its pixels are missing".to_owned();
    pixels.framed([width as usize, height as usize], channels).ok_or_else(missing)
}

/// Checks the size that the header gives; the kind of pixel in words.
fn check_header(bytes: &[u8]) -> Result<String, String> {
    let header = bytes.get(12..26).ok_or("truncated PNG")?;
    let &[b'I', b'H', b'D', b'R', w3, w2, w1, w0, h3, h2, h1, h0, depth, kind] = header else {
        return Err("damaged PNG: no header".to_owned());
    };
    check_size(u32::from_be_bytes([w3, w2, w1, w0]), u32::from_be_bytes([h3, h2, h1, h0]))?;
    let kind = match kind {
        0 => "grey",
        2 => "rgb",
        3 => return Ok("palette".to_owned()),
        4 => "grey-alpha",
        6 => "rgba",
        _ => return Err(format!("damaged PNG: colour type {kind}")),
    };
    Ok(if depth == 8 { kind.to_owned() } else { format!("{kind}{depth}") })
}

/// The decoder is content once it has its pixels: a file is whole only if its chunks lead to the end chunk.
fn check_complete(bytes: &[u8]) -> Result<(), String> {
    let mut rest = bytes.get(SIGNATURE.len()..).unwrap_or_default();
    loop {
        let &[l3, l2, l1, l0, a, b, c, d, ..] = rest else { return Err("truncated PNG".to_owned()) };
        // Length and name before the data, a checksum after it.
        let whole = 12 + u32::from_be_bytes([l3, l2, l1, l0]) as usize;
        rest = rest.get(whole..).ok_or("truncated PNG")?;
        if [a, b, c, d] == *b"IEND" {
            return Ok(());
        }
    }
}

/// 16-bit values keep their high byte, as PIL does with colours; alpha is ignored. `None` for pixels that PNG doesn't have.
fn pixels(samples: Vec<u8>, colours: ColorType) -> Option<Pixels> {
    let high = |low, high| u16::from_ne_bytes([low, high]).to_be_bytes()[0];
    Some(match colours {
        ColorType::L8 => Pixels { grey: samples, coloured: false },
        ColorType::La8 => without_colours(&samples, |[grey, _]| grey),
        ColorType::Rgb8 => from_colours(&samples, |rgb| rgb),
        ColorType::Rgba8 => from_colours(&samples, |[r, g, b, _]| [r, g, b]),
        ColorType::L16 => without_colours(&samples, |[a, b]| high(a, b)),
        ColorType::La16 => without_colours(&samples, |[a, b, _, _]| high(a, b)),
        ColorType::Rgb16 => from_colours(&samples, |[a, b, c, d, e, f]| [high(a, b), high(c, d), high(e, f)]),
        ColorType::Rgba16 => from_colours(&samples, |[a, b, c, d, e, f, _, _]| [high(a, b), high(c, d), high(e, f)]),
        _ => return None,
    })
}
