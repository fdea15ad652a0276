//! What is read, what is refused with which words, and that no bytes whatever make it panic.

use std::fs;
use std::path::{Path, PathBuf};

use image::{ExtendedColorType, ImageEncoder};
use proptest::prelude::*;

use super::*;
use crate::dataset::find;
use crate::dataset::scan::tests::real_xrays;

fn fixture(name: &str) -> Vec<u8> {
    fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/resize").join(name)).unwrap()
}

fn fixtures() -> Vec<(String, Vec<u8>)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/resize");
    let mut paths: Vec<PathBuf> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    paths.retain(|path| path.extension().is_some_and(|end| end == "jpeg" || end == "png"));
    paths.iter().map(|path| (path.display().to_string(), fs::read(path).unwrap())).collect()
}

fn png(samples: &[u8], width: u32, height: u32, colours: ExtendedColorType) -> Vec<u8> {
    let mut file = Vec::new();
    image::codecs::png::PngEncoder::new(&mut file).write_image(samples, width, height, colours).unwrap();
    file
}

#[test]
fn a_file_cut_anywhere_is_named_as_truncated() {
    for (name, bytes) in fixtures() {
        // Every place near both ends, and a prime stride between.
        let near = (1..bytes.len()).filter(|&at| at < 700 || at % 53 == 0 || at + 200 > bytes.len());
        for at in near {
            let reason = decode(&bytes[..at]).unwrap_err();
            assert!(reason.starts_with("truncated "), "{name} cut at {at}: {reason}");
        }
    }
}

#[test]
fn a_file_whose_end_was_filled_with_zeros_is_truncated() {
    for (name, mut bytes) in fixtures() {
        let from = bytes.len() * 3 / 4;
        bytes[from..].fill(0);
        assert!(decode(&bytes).is_err(), "{name}");
    }
}

#[test]
fn bytes_after_the_end_are_no_harm() {
    for (name, mut bytes) in fixtures() {
        let before = decode(&bytes).unwrap();
        bytes.extend(b"trailing \xff\xd8\xff");
        assert_eq!(decode(&bytes).unwrap(), before, "{name}");
    }
}

#[test]
fn an_empty_file_is_named_so() {
    assert_eq!(decode(b"").unwrap_err(), "empty file (0 bytes)");
}

#[test]
fn another_kind_of_file_is_named_by_what_it_starts_with() {
    assert_eq!(
        decode(b"Not an image at all").unwrap_err(),
        "neither JPEG nor PNG: it starts with the text \"Not an image\""
    );
    assert_eq!(decode(&[0, 1, 0xfe]).unwrap_err(), "neither JPEG nor PNG: it starts with the bytes 00 01 fe");
}

/// A PNG header of this size with nothing behind it.
fn png_header(width: u32, height: u32) -> Vec<u8> {
    let mut bytes = png(&[0], 1, 1, ExtendedColorType::L8);
    bytes[16..20].copy_from_slice(&width.to_be_bytes());
    bytes[20..24].copy_from_slice(&height.to_be_bytes());
    bytes
}

#[test]
fn a_png_over_100_megapixels_is_refused_from_its_header() {
    assert_eq!(decode(&png_header(10_001, 10_000)).unwrap_err(), "too large: 10001x10000 is over 100 megapixels");
    assert!(decode(&png_header(u32::MAX, u32::MAX)).unwrap_err().starts_with("too large: "));
    assert_eq!(decode(&png_header(0, 7)).unwrap_err(), "no pixels: the header says 0x7");
}

fn with_frame(change: impl Fn(&mut [u8])) -> Vec<u8> {
    let mut bytes = fixture("grey-baseline.jpeg");
    let at = bytes.windows(2).position(|pair| pair == [0xff, 0xc0]).unwrap();
    change(&mut bytes[at..]);
    bytes
}

#[test]
fn a_jpeg_over_100_megapixels_is_refused_from_its_header() {
    let large = with_frame(|frame| frame[5..9].copy_from_slice(&[0xff; 4]));
    assert_eq!(decode(&large).unwrap_err(), "too large: 65535x65535 is over 100 megapixels");
}

#[test]
fn forms_of_jpeg_that_are_not_supported_are_named() {
    assert_eq!(decode(&with_frame(|frame| frame[4] = 12)).unwrap_err(), "unsupported JPEG: 12 bits a sample");
    assert_eq!(decode(&with_frame(|frame| frame[1] = 0xc9)).unwrap_err(), "unsupported JPEG: arithmetic coding");
    assert_eq!(decode(&with_frame(|frame| frame[1] = 0xc3)).unwrap_err(), "unsupported JPEG: lossless");
    assert_eq!(decode(&with_frame(|frame| frame[9] = 2)).unwrap_err(), "unsupported JPEG: 2 components");
}

#[test]
fn a_damaged_checksum_in_a_png_is_noticed() {
    let mut bytes = fixture("rgb.png");
    let middle = bytes.len() / 2;
    bytes[middle] ^= 0x10;
    assert!(decode(&bytes).unwrap_err().starts_with("damaged PNG: "));
}

#[test]
fn sixteen_bits_keep_their_high_byte() {
    let samples: Vec<u8> = [0x00ff_u16, 0x1234, 0xff00].iter().flat_map(|value| value.to_ne_bytes()).collect();
    let grey = decode(&png(&samples, 3, 1, ExtendedColorType::L16)).unwrap();
    assert_eq!((grey.grey.pixels, grey.channels.as_str()), (vec![0x00, 0x12, 0xff], "grey16"));
    let rgb = decode(&png(&samples, 1, 1, ExtendedColorType::Rgb16)).unwrap();
    assert_eq!((rgb.grey.pixels, rgb.channels.as_str()), (vec![luma([0x00, 0x12, 0xff])], "rgb16"));
}

#[test]
fn grey_is_rec_601_and_alpha_is_ignored() {
    let samples = [255, 0, 0, 0, 0, 255, 0, 9, 0, 0, 255, 255, 90, 90, 90, 0];
    let decoded = decode(&png(&samples, 4, 1, ExtendedColorType::Rgba8)).unwrap();
    assert_eq!(decoded.grey.pixels, [76, 150, 29, 90]);
}

#[test]
fn a_picture_is_coloured_by_what_it_shows_and_not_by_how_it_is_stored() {
    let coloured: Vec<String> = fixtures()
        .into_iter()
        .filter(|(_, bytes)| decode(bytes).unwrap().coloured)
        .map(|(name, _)| name.rsplit('/').next().unwrap().to_owned())
        .collect();
    let expected = [
        "cmyk.jpeg",
        "colour-420.jpeg",
        "colour-422.jpeg",
        "colour-444-progressive.jpeg",
        "palette.png",
        "rgb.png",
        "rgba.png",
        "stored-as-rgb.jpeg",
        "ycck.jpeg",
    ];
    assert_eq!(coloured, expected);
}

#[test]
fn a_stray_mark_of_colour_does_not_make_a_picture_coloured_and_a_corner_of_it_does() {
    let with_red = |count: usize| {
        let pixels = (0..10_000).flat_map(|place| if place < count { [200, 40, 40] } else { [90; 3] });
        let samples: Vec<u8> = pixels.collect();
        decode(&png(&samples, 100, 100, ExtendedColorType::Rgb8)).unwrap().coloured
    };
    assert_eq!([0, 10, 11, 10_000].map(with_red), [false, false, true, true]);
}

#[test]
fn a_tint_counts_from_where_it_can_be_seen() {
    let tinted = |blue: u8| {
        let samples: Vec<u8> = (0..200).flat_map(|grey| [grey / 2, grey / 2, grey / 2 + blue]).collect();
        decode(&png(&samples, 20, 10, ExtendedColorType::Rgb8)).unwrap().coloured
    };
    assert_eq!([0, 4, 8, 9, 60].map(tinted), [false, false, false, true, true]);
}

#[test]
fn no_real_x_ray_is_coloured_though_all_are_stored_as_rgb() {
    let Some(folder) = real_xrays() else { return };
    let dataset = find(&folder).unwrap();
    for index in (0..dataset.images.len()).step_by(29) {
        let decoded = decode(&fs::read(dataset.path(index)).unwrap()).unwrap();
        assert_eq!((decoded.channels.as_str(), decoded.coloured), ("rgb", false), "{}", dataset.images[index].file);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_bytes_make_it_panic(start in 0..3usize, bytes in prop::collection::vec(any::<u8>(), 0..600)) {
        let signature: &[u8] = [&b""[..], &jpeg::SIGNATURE, &png::SIGNATURE][start];
        let _ = decode(&[signature, &bytes].concat());
    }

    #[test]
    fn no_change_to_a_real_file_makes_it_panic_or_lie_about_its_size(
        which in any::<prop::sample::Index>(),
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..8),
    ) {
        let mut files = fixtures();
        let (_, mut bytes) = files.swap_remove(which.index(files.len()));
        for (place, value) in changes {
            let at = place.index(bytes.len());
            bytes[at] = value;
        }
        if let Ok(decoded) = decode(&bytes) {
            prop_assert_eq!(decoded.grey.pixels.len(), decoded.grey.width * decoded.grey.height);
        }
    }
}
