//! How an X-ray is shown: a picture in colours, made from the grey one by pure functions.

pub mod clahe;
pub mod colours;
pub mod fit;
pub mod heat;
pub mod look;
pub mod overlay;
pub mod part;
#[cfg(test)]
mod synthetic;

pub use colours::ColourMap;
pub use heat::HeatMap;
pub use look::Look;
pub use overlay::overlay;
pub use part::Part;

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

/// The nearest whole number, a half to the even one; `value` must lie in 0 to 255.
///
/// At 1.5 * 2^23 the last bit of an `f32` counts ones, so that adding it rounds; processors without SSE 4.1 have no
/// instruction for rounding, and a call per pixel would take longer than all the rest.
const fn rounded(value: f32) -> u8 {
    (value + 12_582_912.0).to_bits().to_le_bytes()[0]
}

/// A table with an entry for each grey level.
fn by_level<T>(entry: impl Fn(u8) -> T) -> [T; 256] {
    let mut levels = 0..=u8::MAX;
    std::array::from_fn(|_| entry(levels.next().unwrap_or(u8::MAX)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rounding_is_that_of_ieee_754() {
        for eighths in 0..=255 * 8_u16 {
            let value = f32::from(eighths) / 8.0;
            assert_eq!(f32::from(rounded(value)).to_bits(), value.round_ties_even().to_bits(), "{value}");
        }
    }

    #[test]
    fn a_grey_picture_keeps_its_levels_in_all_three_colours() {
        let grey = GreyImage { width: 2, height: 1, pixels: vec![7, 200] };
        assert_eq!(Picture::from(&grey), Picture { width: 2, height: 1, pixels: vec![[7; 3], [200; 3]] });
    }
}
