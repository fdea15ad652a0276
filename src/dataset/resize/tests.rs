//! Against PIL, on the committed pictures of `tests/fixtures/resize` (made by the script there), and on small sums done by hand.

use std::fs;
use std::path::{Path, PathBuf};

use super::*;
use crate::dataset::format;

const SIZE: usize = 24;

fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/resize")
}

fn pictures() -> Vec<PathBuf> {
    let files = fs::read_dir(fixtures()).unwrap().map(|entry| entry.unwrap().path());
    files.filter(|path| path.extension().is_some_and(|end| end == "jpeg" || end == "png")).collect()
}

/// The line and the pixels that the script noted for a picture.
fn expected(path: &Path) -> (String, Vec<u8>) {
    let mut text = fs::read(path.with_extension("expected")).unwrap();
    let pixels = text.split_off(text.len() - SIZE * SIZE);
    (String::from_utf8(text).unwrap().trim().to_owned(), pixels)
}

#[test]
fn every_form_of_file_is_decoded_and_resized_as_pil_does_it() {
    let pictures = pictures();
    assert_eq!(pictures.len(), 20);
    for path in pictures {
        let decoded = format::decode(&fs::read(&path).unwrap()).unwrap();
        let (line, pixels) = expected(&path);
        let grey = &decoded.grey;
        assert_eq!(format!("{} {} {}", grey.width, grey.height, decoded.channels), line, "{}", path.display());
        let square = to_square(grey, SIZE);
        let worst = square.pixels.iter().zip(&pixels).map(|(ours, pils)| ours.abs_diff(*pils)).max();
        assert!(worst <= Some(2), "{}: off by {worst:?}", path.display());
    }
}

fn picture(width: usize, height: usize) -> GreyImage {
    let pixels = (0..width * height).map(|place| u8::try_from(place * 7 % 251).unwrap()).collect();
    GreyImage { width, height, pixels }
}

#[test]
fn halving_weighs_neighbours_with_a_triangle_two_pixels_wide() {
    let row = GreyImage { width: 4, height: 1, pixels: vec![0, 0, 240, 240] };
    // The first output's centre lies at 1.0: weights 3/4, 3/4, 1/4 of pixels 0, 1, 2, divided by their sum of 7/4.
    assert_eq!(resize(&row, 2, 1).pixels, [34, 206]);
}

#[test]
fn the_short_side_shrinks_and_the_aspect_stays() {
    let small = to_short_side(&picture(1000, 640), 320);
    assert_eq!((small.width, small.height, small.pixels.len()), (500, 320, 160_000));
    let tall = to_short_side(&picture(640, 1001), 320);
    assert_eq!((tall.width, tall.height), (320, 501));
}

#[test]
fn a_small_picture_is_not_enlarged() {
    let small = picture(1000, 320);
    assert_eq!(to_short_side(&small, 320), small);
}

#[test]
fn a_picture_of_the_right_size_stays_as_it_is() {
    let square = picture(32, 32);
    assert_eq!(to_square(&square, 32), square);
}

#[test]
fn a_picture_without_pixels_gives_black() {
    let nothing = GreyImage { width: 0, height: 0, pixels: Vec::new() };
    assert_eq!(to_square(&nothing, 2).pixels, [0; 4]);
    assert!(to_short_side(&nothing, 2).pixels.is_empty());
    let lying = GreyImage { width: 9, height: 9, pixels: vec![255; 3] };
    assert_eq!(to_square(&lying, 2).pixels, [0; 4]);
}
