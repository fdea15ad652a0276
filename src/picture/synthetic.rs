//! Made-up pictures for the tests, the same that `tests/fixtures/picture/clahe.py` makes, and what it says of them.

use serde_json::Value;

use super::Picture;
use crate::dataset::GreyImage;

/// What the script wrote.
pub fn reference() -> Value {
    serde_json::from_str(include_str!("../../tests/fixtures/picture/clahe.json")).unwrap()
}

/// The cases of one kind in it.
pub fn cases(kind: &str) -> Vec<Value> {
    reference()[kind].as_array().unwrap().clone()
}

/// A whole number below `of`.
pub fn number(of: &Value) -> usize {
    usize::try_from(of.as_u64().unwrap()).unwrap()
}

/// Two sides.
pub fn size(of: &Value) -> (usize, usize) {
    (number(&of[0]), number(&of[1]))
}

/// Bytes written as two hexadecimal digits each.
pub fn bytes(of: &Value) -> Vec<u8> {
    let digits = of.as_str().unwrap().as_bytes().as_chunks::<2>().0;
    digits.iter().map(|pair| u8::from_str_radix(str::from_utf8(pair).unwrap(), 16).unwrap()).collect()
}

/// The largest difference between two rows of levels of the same length.
#[track_caller]
pub fn largest_difference(own: &[u8], other: &[u8]) -> u8 {
    assert_eq!(own.len(), other.len());
    own.iter().zip(other).map(|(own, other)| own.abs_diff(*other)).max().unwrap_or(0)
}

/// 32 bits for each place, without pattern.
pub fn scattered(x: usize, y: usize) -> u32 {
    let [x, y] = [x, y].map(|place| u32::try_from(place).unwrap());
    (x.wrapping_mul(73_856_093) ^ y.wrapping_mul(19_349_663)).wrapping_mul(2_654_435_761)
}

/// The script's picture of this kind: `chest`, `flat` or `noise`.
pub fn picture(kind: &str, width: usize, height: usize) -> GreyImage {
    let level = |x: usize, y: usize| match kind {
        "flat" => 90,
        "noise" => scattered(x, y) >> 24,
        _ if x < width / 6 => 0,
        _ => {
            let slope = u32::try_from(x * 160 / width + y * 64 / height).unwrap();
            let patch = if 3 * x > 2 * width && 3 * y > 2 * height { 120 } else { 0 };
            (slope + patch + (scattered(x, y) >> 27)).min(255)
        }
    };
    let pixels = (0..height).flat_map(|y| (0..width).map(move |x| u8::try_from(level(x, y)).unwrap()));
    GreyImage { width, height, pixels: pixels.collect() }
}

/// Three of them as one picture in colours.
pub fn colours(width: usize, height: usize) -> Picture {
    let (red, green) = (picture("chest", width, height), picture("noise", width, height));
    let pixels = red.pixels.iter().zip(&green.pixels).map(|(&red, &green)| [red, green, 255 - red]);
    Picture { width, height, pixels: pixels.collect() }
}
