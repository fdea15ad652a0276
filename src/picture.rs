//! How an X-ray is shown: a picture in colours, made from the grey one by pure functions.

use crate::dataset::GreyImage;

/// A picture to be shown, in sRGB.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Picture {
    /// Pixels.
    pub width: usize,
    /// Pixels.
    pub height: usize,
    /// Red, green and blue, row by row, `width * height` of them.
    pub pixels: Vec<[u8; 3]>,
}

impl From<&GreyImage> for Picture {
    fn from(grey: &GreyImage) -> Self {
        let pixels = grey.pixels.iter().map(|&level| [level; 3]).collect();
        Self { width: grey.width, height: grey.height, pixels }
    }
}
