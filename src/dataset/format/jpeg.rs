//! JPEG: a survey of the file's segments that sees truncation, zune-jpeg in its strict mode for the samples, libjpeg's rules for colour.

use std::borrow::Cow;

use zune_jpeg::JpegDecoder;
use zune_jpeg::zune_core::bytestream::ZCursor;
use zune_jpeg::zune_core::colorspace::ColorSpace;
use zune_jpeg::zune_core::options::DecoderOptions;

use super::{Decoded, Pixels, check_size, damaged, from_colours};

pub const SIGNATURE: [u8; 2] = [0xff, 0xd8];

/// What the samples of a frame mean.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Colours {
    Grey,
    YCbCr,
    Rgb,
    Cmyk,
    Ycck,
}

/// What the segments before the samples say.
#[derive(Debug, Default)]
struct Survey {
    /// The start-of-frame marker and its payload.
    frame: Option<(u8, Vec<u8>)>,
    jfif: bool,
    /// Adobe's colour transform.
    adobe: Option<u8>,
    /// Where the word "Adobe" begins, for each such segment.
    adobe_words: Vec<usize>,
}

/// Reads a JPEG that is complete: baseline or progressive, 8 bits, 1, 3 or 4 components.
///
/// # Errors
/// The reason, for the user.
pub fn decode(bytes: &[u8]) -> Result<Decoded, String> {
    let mut segments = Segments { bytes, at: SIGNATURE.len() };
    let mut survey = Survey::default();
    while survey.frame.is_none() {
        survey.note(segments.next()?.ok_or("damaged JPEG: it ends before the picture")?);
    }
    let (colours, [width, height]) = survey.check()?;
    // zune-jpeg accepts some files whose end is missing: a file is whole only if its segments lead to the end marker.
    while let Some(segment) = segments.next()? {
        survey.note(segment);
    }
    let colours = survey.colours().unwrap_or(colours);
    let samples = samples(&without_adobe(bytes, &survey.adobe_words), colours)?;
    let missing = || "damaged JPEG: some of its pixels are missing".to_owned();
    pixels(samples, colours).framed([width, height].map(usize::from), colours.channels().to_owned()).ok_or_else(missing)
}

impl Survey {
    fn note(&mut self, segment: Segment<'_>) {
        match segment.marker {
            0xc0..=0xcf if !matches!(segment.marker, 0xc4 | 0xc8 | 0xcc) && self.frame.is_none() => {
                self.frame = Some((segment.marker, segment.payload.to_vec()));
            }
            0xe0 => self.jfif |= segment.payload.starts_with(b"JFIF\0"),
            0xee if segment.payload.starts_with(b"Adobe") => {
                self.adobe_words.push(segment.at);
                self.adobe = segment.payload.get(11).copied().or(self.adobe);
            }
            _ => {}
        }
    }

    /// Refuses from the header what is too large or cannot be read.
    fn check(&self) -> Result<(Colours, [u16; 2]), String> {
        let (marker, frame) = self.frame.as_ref().ok_or("damaged JPEG: no frame")?;
        let &[bits, h1, h0, w1, w0, components, ..] = frame.as_slice() else {
            return Err("damaged JPEG: its frame header is too short".to_owned());
        };
        let [width, height] = [[w1, w0], [h1, h0]].map(u16::from_be_bytes);
        check_size(width.into(), height.into())?;
        match marker {
            0xc0..=0xc2 if bits == 8 => {}
            0xc0..=0xc2 => return Err(format!("unsupported JPEG: {bits} bits a sample")),
            0xc3 => return Err("unsupported JPEG: lossless".to_owned()),
            0xc9..=0xcb => return Err("unsupported JPEG: arithmetic coding".to_owned()),
            _ => return Err("unsupported JPEG: hierarchical coding".to_owned()),
        }
        let colours = self.colours().ok_or_else(|| format!("unsupported JPEG: {components} components"))?;
        Ok((colours, [width, height]))
    }

    /// libjpeg's rules (`default_decompress_parms` in jdapimin.c); `None` for a number of components that they don't know.
    fn colours(&self) -> Option<Colours> {
        let frame = &self.frame.as_ref()?.1;
        match (*frame.get(5)?, self.adobe) {
            (1, _) => Some(Colours::Grey),
            (3, _) if self.jfif => Some(Colours::YCbCr),
            (3, Some(0)) => Some(Colours::Rgb),
            (3, None) if component_names(frame) == [Some(b'R'), Some(b'G'), Some(b'B')] => Some(Colours::Rgb),
            (3, _) => Some(Colours::YCbCr),
            (4, None | Some(0)) => Some(Colours::Cmyk),
            (4, Some(_)) => Some(Colours::Ycck),
            _ => None,
        }
    }
}

fn component_names(frame: &[u8]) -> [Option<u8>; 3] {
    [6, 9, 12].map(|at| frame.get(at).copied())
}

impl Colours {
    const fn channels(self) -> &'static str {
        match self {
            Self::Grey => "grey",
            Self::YCbCr | Self::Rgb => "rgb",
            Self::Cmyk | Self::Ycck => "cmyk",
        }
    }
}

/// zune-jpeg's reading of Adobe's segment differs from libjpeg's, so it doesn't get to see it: colours are ours to convert.
fn without_adobe<'a>(bytes: &'a [u8], words: &[usize]) -> Cow<'a, [u8]> {
    let mut bytes = Cow::Borrowed(bytes);
    for &at in words {
        if let Some(letter) = bytes.to_mut().get_mut(at) {
            *letter = b'a';
        }
    }
    bytes
}

/// The samples as stored, pixel by pixel, not converted.
fn samples(bytes: &[u8], colours: Colours) -> Result<Vec<u8>, String> {
    let options = DecoderOptions::default().set_strict_mode(true).set_max_width(0xffff).set_max_height(0xffff);
    let mut decoder = JpegDecoder::new_with_options(ZCursor::new(bytes), options);
    decoder.decode_headers().map_err(|error| damaged("JPEG", &error))?;
    let stored = match colours {
        Colours::Grey => ColorSpace::Luma,
        // Names itself RGB by its components' letters, which changes nothing in the samples.
        Colours::YCbCr | Colours::Rgb => decoder.input_colorspace().unwrap_or(ColorSpace::YCbCr),
        Colours::Cmyk | Colours::Ycck => ColorSpace::CMYK,
    };
    decoder.set_options(options.jpeg_set_out_colorspace(stored));
    decoder.decode().map_err(|error| damaged("JPEG", &error))
}

fn pixels(samples: Vec<u8>, colours: Colours) -> Pixels {
    match colours {
        Colours::Grey => Pixels { grey: samples, coloured: false },
        Colours::Rgb => from_colours(&samples, |rgb| rgb),
        Colours::YCbCr => from_colours(&samples, ycc_to_rgb),
        Colours::Cmyk => from_colours(&samples, |[c, m, y, k]| inks_to_rgb([c, m, y], k)),
        Colours::Ycck => {
            from_colours(&samples, |[y, cb, cr, k]| inks_to_rgb(ycc_to_rgb([y, cb, cr]).map(|value| 255 - value), k))
        }
    }
}

/// libjpeg's conversion (jdcolor.c), to the last bit.
fn ycc_to_rgb([y, cb, cr]: [u8; 3]) -> [u8; 3] {
    const HALF: i32 = 1 << 15;
    // Grey pictures stored in colour are the rule among X-rays, and for them the answer is plain.
    if cb == 128 && cr == 128 {
        return [y; 3];
    }
    let [y, cb, cr] = [i32::from(y), i32::from(cb) - 128, i32::from(cr) - 128];
    let r = y + ((91_881 * cr + HALF) >> 16);
    let g = y + ((-22_554 * cb - 46_802 * cr + HALF) >> 16);
    let b = y + ((116_130 * cb + HALF) >> 16);
    [r, g, b].map(|value| value.clamp(0, 255).to_le_bytes()[0])
}

/// PIL's conversion. The inks are inverted, as Adobe writes them and as PIL takes for granted: 255 is no ink.
fn inks_to_rgb(inks: [u8; 3], black: u8) -> [u8; 3] {
    inks.map(|ink| black - scaled(255 - ink, black))
}

/// `a * b / 255`, rounded, at most `b`.
fn scaled(a: u8, b: u8) -> u8 {
    let product = u32::from(a) * u32::from(b) + 128;
    (((product >> 8) + product) >> 8).to_le_bytes()[0].min(b)
}

/// A marker with what belongs to it.
#[derive(Debug, Clone, Copy)]
struct Segment<'a> {
    marker: u8,
    /// Where the payload begins in the file.
    at: usize,
    payload: &'a [u8],
}

/// Walks from marker to marker; samples between them are stepped over, as no marker can occur in them.
struct Segments<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Segments<'a> {
    /// The next segment; `None` at the end marker.
    fn next(&mut self) -> Result<Option<Segment<'a>>, String> {
        loop {
            match self.next_marker().ok_or("truncated JPEG")? {
                0xd9 => return Ok(None),
                // Without a payload: stuffing, fill bytes, restarts, a second start.
                0x00 | 0x01 | 0xd0..=0xd8 => {}
                marker => return self.payload(marker).map(Some),
            }
        }
    }

    /// The byte after the next `0xff` that isn't another `0xff`.
    fn next_marker(&mut self) -> Option<u8> {
        let rest = self.bytes.get(self.at..)?;
        let first = rest.iter().position(|&byte| byte == 0xff)?;
        let code = first + rest.get(first..)?.iter().position(|&byte| byte != 0xff)?;
        self.at += code + 1;
        rest.get(code).copied()
    }

    fn payload(&mut self, marker: u8) -> Result<Segment<'a>, String> {
        let rest = self.bytes.get(self.at..).unwrap_or_default();
        let &[high, low, ..] = rest else { return Err("truncated JPEG".to_owned()) };
        let length = usize::from(u16::from_be_bytes([high, low]));
        if length < 2 {
            return Err("damaged JPEG: a segment shorter than its own header".to_owned());
        }
        let segment = Segment { marker, at: self.at + 2, payload: rest.get(2..length).ok_or("truncated JPEG")? };
        self.at += length;
        Ok(segment)
    }
}
