//! Contrast-limited adaptive histogram equalisation, as a way to look at a picture; networks may be given it too.

pub use crate::dataset::normalisation::clahe::equalised;

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::PathBuf;

    use super::super::synthetic::{bytes, cases, largest_difference, number, picture};
    use super::*;
    use crate::dataset::format;

    #[test]
    fn pixels_are_those_of_opencv_for_sides_of_any_length() {
        for case in cases("clahe") {
            let [width, height, step] = ["width", "height", "step"].map(|key| number(&case[key]));
            let kind = case["kind"].as_str().unwrap();
            let own = equalised(&picture(kind, width, height));
            let sampled: Vec<u8> = own.pixels.iter().step_by(step).copied().collect();
            assert_eq!(largest_difference(&sampled, &bytes(&case["pixels"])), 0, "{kind} {width}x{height}");
            assert_eq!(u64::from(crc32fast::hash(&own.pixels)), case["crc32"], "{kind} {width}x{height}");
        }
    }

    #[test]
    #[ignore = "run by tests/peers/clahe.py"]
    fn pictures_for_the_comparison_with_opencv() {
        let folder = PathBuf::from(std::env::var_os("XRAY_TUI_PEER_FOLDER").expect("set by tests/peers/clahe.py"));
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let decoded = format::decode(&fs::read(&path).unwrap()).unwrap();
            fs::write(path.with_extension("equalised"), equalised(&decoded.grey).pixels).unwrap();
        }
    }
}
