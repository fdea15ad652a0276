//! What is done to one image file: read, fingerprinted, decoded, shrunk, described.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use md5::{Digest, Md5};
use serde::{Deserialize, Serialize};

use super::SOURCE_SHORT_SIDE;
use crate::dataset::{GreyImage, format, resize};

/// Files above this are not read into memory; no picture within the limit of pixels needs as much.
const MAX_BYTES: u64 = 1 << 30;

/// Below this short side, in pixels, a picture shows no chest.
const SUSPECT_SIDE: usize = 32;

/// A file's content and its fingerprint.
pub struct Contents {
    pub md5: String,
    /// `None` for a file of more than [`MAX_BYTES`].
    bytes: Option<Vec<u8>>,
}

/// The two pictures made of an image.
pub struct Pictures {
    pub source: GreyImage,
    pub square: GreyImage,
}

/// What is worth knowing about a picture, in whole numbers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Description {
    pub width: u32,
    pub height: u32,
    pub channels: String,
    /// Pixels of the source picture by brightness, in bins of 16 levels.
    pub histogram: [u64; 16],
    /// The sum of the source picture's values.
    pub sum: u64,
    pub flagged: Option<String>,
}

/// Reads a file.
///
/// # Errors
/// The system's, if it cannot be read.
pub fn read(path: &Path) -> io::Result<Contents> {
    let mut file = File::open(path)?;
    let mut bytes = Vec::new();
    file.by_ref().take(MAX_BYTES + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 <= MAX_BYTES {
        return Ok(Contents { md5: md5_of(&bytes), bytes: Some(bytes) });
    }
    let mut hash = Md5::new_with_prefix(&bytes);
    loop {
        let read = file.read(&mut bytes)?;
        if read == 0 {
            return Ok(Contents { md5: hex(&hash.finalize()), bytes: None });
        }
        hash.update(bytes.get(..read).unwrap_or_default());
    }
}

/// The md5 of `bytes` in lower-case hexadecimal.
pub fn md5_of(bytes: &[u8]) -> String {
    hex(&Md5::digest(bytes))
}

fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

impl Contents {
    /// Decodes the content and makes its pictures.
    ///
    /// # Errors
    /// The reason why it is unreadable, for the user.
    pub fn decode(&self, image_size: usize) -> Result<(Description, Pictures), String> {
        let bytes = self.bytes.as_deref().ok_or("too large: over 1 GiB")?;
        let decoded = format::decode(bytes)?;
        let source = resize::to_short_side(&decoded.grey, SOURCE_SHORT_SIDE);
        let square = resize::to_square(&decoded.grey, image_size);
        Ok((describe(&decoded, &source), Pictures { source, square }))
    }
}

fn describe(decoded: &format::Decoded, source: &GreyImage) -> Description {
    let side = |pixels: usize| u32::try_from(pixels).unwrap_or(u32::MAX);
    let mut counts = [0_u64; 256];
    for &value in &source.pixels {
        counts[usize::from(value)] += 1;
    }
    let (bins, _) = counts.as_chunks::<16>();
    let mut histogram = [0; 16];
    for (sum, bin) in histogram.iter_mut().zip(bins) {
        *sum = bin.iter().sum();
    }
    Description {
        width: side(decoded.grey.width),
        height: side(decoded.grey.height),
        channels: decoded.channels.clone(),
        histogram,
        sum: (0..).zip(counts).map(|(value, count): (u64, u64)| value * count).sum(),
        flagged: suspicion(&decoded.grey),
    }
}

fn suspicion(image: &GreyImage) -> Option<String> {
    if image.width.min(image.height) < SUSPECT_SIDE {
        return Some(format!("only {}x{} pixels", image.width, image.height));
    }
    let first = image.pixels.first()?;
    image.pixels.iter().all(|value| value == first).then(|| "all its pixels are equal".to_owned())
}
