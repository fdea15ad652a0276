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
use crate::dataset::normalisation::rounded;

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

impl Picture {
    /// The same picture with so many rows, its aspect kept, its pixels to be seen: each the nearest one.
    #[must_use]
    pub fn enlarged(&self, height: usize) -> Self {
        let width = (self.width * height).checked_div(self.height).unwrap_or(0);
        let pixel = |at: usize| {
            let (x, y) = (at % width, at / width);
            self.pixels[y * self.height / height * self.width + (x * self.width / width).min(self.width - 1)]
        };
        Self { width, height, pixels: (0..width * height).map(pixel).collect() }
    }

    /// Another picture to the right of this one, with a black gap between them; the lower one lies in the middle.
    #[must_use]
    pub fn beside(&self, right: &Self) -> Self {
        let gap = (self.width / 32).max(1);
        let height = self.height.max(right.height);
        let row = |picture: &Self, y: usize| {
            let above = (height - picture.height) / 2;
            let line = y.checked_sub(above).filter(|y| *y < picture.height).map(|y| y * picture.width);
            line.map_or_else(|| vec![[0; 3]; picture.width], |at| picture.pixels[at..at + picture.width].to_vec())
        };
        let line = |y| [row(self, y), vec![[0; 3]; gap], row(right, y)].concat();
        Self { width: self.width + gap + right.width, height, pixels: (0..height).flat_map(line).collect() }
    }
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
    fn two_pictures_stand_side_by_side_each_in_the_middle_of_its_height() {
        let picture = |width, height, level| Picture { width, height, pixels: vec![[level; 3]; width * height] };
        let both = picture(32, 1, 9).beside(&picture(2, 3, 7));
        assert_eq!((both.width, both.height), (35, 3));
        let row = |y: usize| both.pixels[y * 35..][..35].iter().map(|pixel| pixel[0]).collect::<Vec<_>>();
        assert_eq!(row(0), [vec![0; 33], vec![7; 2]].concat());
        assert_eq!(row(1), [vec![9; 32], vec![0], vec![7; 2]].concat());
    }

    #[test]
    fn an_enlarged_picture_repeats_its_pixels() {
        let small = Picture { width: 2, height: 1, pixels: vec![[1; 3], [2; 3]] };
        let pixels = [[1; 3], [1; 3], [2; 3], [2; 3]].repeat(2);
        assert_eq!(small.enlarged(2), Picture { width: 4, height: 2, pixels });
        assert!(Picture::default().enlarged(2).pixels.is_empty());
    }

    #[test]
    fn a_grey_picture_keeps_its_levels_in_all_three_colours() {
        let grey = GreyImage { width: 2, height: 1, pixels: vec![7, 200] };
        assert_eq!(Picture::from(&grey), Picture { width: 2, height: 1, pixels: vec![[7; 3], [200; 3]] });
    }
}
