//! How grey levels are shown: the window, gamma, inverted or not, and contrast made equal over the picture.

use std::fmt;
use std::ops::RangeInclusive;

use super::{by_level, clahe};
use crate::dataset::GreyImage;

/// Grey levels from one step of the window's width to the next.
const WINDOW_STEP: u16 = 16;
/// Grey levels from one step of the window's centre to the next.
const LEVEL_STEP: i16 = 8;

/// What is done to the grey levels of a picture before it is shown, in this order: equalised, window, gamma, inverted.
///
/// Values out of range count as the nearest one in range.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Look {
    /// Width of the window in grey levels, 2 to 512: so many are spread over all of black to white. 256 shows all.
    pub window: u16,
    /// Its centre in grey levels, 0 to 255. 128 is the middle; a higher one makes the picture darker.
    pub level: i16,
    /// 0.2 to 5: a brightness of 0 to 1 becomes its power of 1 / gamma. Above 1 the middle tones become brighter.
    pub gamma: f64,
    /// Black for white.
    pub inverted: bool,
    /// [`clahe::equalised`] first.
    pub equalised: bool,
}

impl Default for Look {
    /// The picture as it is.
    fn default() -> Self {
        Self { window: 256, level: 128, gamma: 1.0, inverted: false, equalised: false }
    }
}

impl Look {
    /// Widths of the window in grey levels.
    pub const WINDOWS: RangeInclusive<u16> = 2..=512;
    /// Centres of the window in grey levels.
    pub const LEVELS: RangeInclusive<i16> = 0..=255;
    /// What gamma may be.
    pub const GAMMAS: RangeInclusive<f64> = 0.2..=5.0;

    /// Whether a picture is shown as it is.
    #[must_use]
    pub fn is_plain(&self) -> bool {
        *self == Self::default()
    }

    /// The picture with this look, of the same size.
    #[must_use]
    pub fn apply(&self, image: &GreyImage) -> GreyImage {
        let equalised = self.equalised.then(|| clahe::equalised(image));
        let image = equalised.as_ref().unwrap_or(image);
        let table = self.table();
        GreyImage { pixels: image.pixels.iter().map(|&level| table[usize::from(level)]).collect(), ..*image }
    }

    /// For each grey level the one that is shown for it.
    #[must_use]
    pub fn table(&self) -> [u8; 256] {
        let gamma = self.gamma.clamp(*Self::GAMMAS.start(), *Self::GAMMAS.end());
        by_level(|level| {
            let shown = to_level(libm::pow(self.windowed(level.into()), 1.0 / gamma));
            if self.inverted { u8::MAX - shown } else { shown }
        })
    }

    /// The window: brightness of a grey level, 0 to 1.
    ///
    /// Source: DICOM PS3.3, C.11.2.1.2.1 (linear function), with the output range 0 to 1.
    fn windowed(&self, level: f64) -> f64 {
        let width = f64::from(clamped(self.window, &Self::WINDOWS)) - 1.0;
        let from_centre = level - (f64::from(clamped(self.level, &Self::LEVELS)) - 0.5);
        if from_centre <= -width / 2.0 {
            0.0
        } else if from_centre > width / 2.0 {
            1.0
        } else {
            from_centre / width + 0.5
        }
    }

    /// A narrower window, so more contrast: the next multiple of 16, or 2.
    #[must_use]
    pub fn narrower(self) -> Self {
        let below = (clamped(self.window, &Self::WINDOWS) - 1) / WINDOW_STEP * WINDOW_STEP;
        Self { window: clamped(below, &Self::WINDOWS), ..self }
    }

    /// A wider window, so less contrast: the next multiple of 16, at most 512.
    #[must_use]
    pub fn wider(self) -> Self {
        let above = (clamped(self.window, &Self::WINDOWS) / WINDOW_STEP + 1) * WINDOW_STEP;
        Self { window: clamped(above, &Self::WINDOWS), ..self }
    }

    /// The window over brighter grey levels, so a darker picture: the next multiple of 8, at most 255.
    #[must_use]
    pub fn level_up(self) -> Self {
        let above = (clamped(self.level, &Self::LEVELS) / LEVEL_STEP + 1) * LEVEL_STEP;
        Self { level: clamped(above, &Self::LEVELS), ..self }
    }

    /// The window over darker grey levels, so a brighter picture: the next multiple of 8, at least 0.
    #[must_use]
    pub fn level_down(self) -> Self {
        let below = (clamped(self.level, &Self::LEVELS) - 1).div_euclid(LEVEL_STEP) * LEVEL_STEP;
        Self { level: clamped(below, &Self::LEVELS), ..self }
    }

    /// Brighter middle tones: by 0.1 up to 2, by 0.5 from there on, at most 5.
    #[must_use]
    pub fn gamma_up(self) -> Self {
        self.with_tenths(|tenths| tenths + if tenths < 20.0 { 1.0 } else { 5.0 })
    }

    /// Darker middle tones: by 0.5 down to 2, by 0.1 from there on, at least 0.2.
    #[must_use]
    pub fn gamma_down(self) -> Self {
        self.with_tenths(|tenths| tenths - if tenths > 20.0 { 5.0 } else { 1.0 })
    }

    /// The window wider by `across` and over brighter levels by `down`, each in 0 to 1 of all grey levels.
    #[must_use]
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "within the ranges")]
    pub fn moved(self, across: f64, down: f64) -> Self {
        let (window, level) = (f64::from(self.window) + 256.0 * across, f64::from(self.level) + 256.0 * down);
        let (window, level) = (window.round().clamp(2.0, 512.0) as u16, level.round().clamp(0.0, 255.0) as i16);
        Self { window, level, ..self }
    }

    /// Steps are taken in whole tenths, so that they lead back to where they came from.
    fn with_tenths(self, step: impl Fn(f64) -> f64) -> Self {
        let gamma = step((self.gamma * 10.0).round()) / 10.0;
        Self { gamma: gamma.clamp(*Self::GAMMAS.start(), *Self::GAMMAS.end()), ..self }
    }
}

/// `window 180 level 96 gamma 1.2 inverted CLAHE`; the last two only where they apply.
impl fmt::Display for Look {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let gamma = (self.gamma * 100.0).round() / 100.0;
        write!(f, "window {} level {} gamma {gamma}", self.window, self.level)?;
        f.write_str(if self.inverted { " inverted" } else { "" })?;
        f.write_str(if self.equalised { " CLAHE" } else { "" })
    }
}

fn clamped<T: Ord + Copy>(value: T, range: &RangeInclusive<T>) -> T {
    value.clamp(*range.start(), *range.end())
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a brightness of 0 to 1")]
fn to_level(brightness: f64) -> u8 {
    (brightness * 255.0).round() as u8
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::Value;

    use super::super::synthetic;
    use super::*;

    type Step = fn(Look) -> Look;

    fn look() -> impl Strategy<Value = Look> {
        (2_u16..=512, 0_i16..=255, 0.2..=5.0, any::<bool>()).prop_map(|(window, level, gamma, inverted)| Look {
            window,
            level,
            gamma,
            inverted,
            equalised: false,
        })
    }

    #[test]
    fn tables_are_those_of_pydicoms_window_and_numpys_power() {
        let made: Value = serde_json::from_str(include_str!("../../tests/fixtures/picture/look.json")).unwrap();
        for case in made.as_array().unwrap() {
            let look = Look {
                window: u16::try_from(case["window"].as_u64().unwrap()).unwrap(),
                level: i16::try_from(case["level"].as_i64().unwrap()).unwrap(),
                gamma: case["gamma"].as_f64().unwrap(),
                inverted: case["inverted"].as_bool().unwrap(),
                equalised: false,
            };
            assert_eq!(look.table().to_vec(), synthetic::bytes(&case["table"]), "{look}");
        }
    }

    #[test]
    fn the_plain_look_changes_nothing() {
        let image = synthetic::picture("noise", 20, 30);
        assert_eq!(Look::default().apply(&image), image);
        assert!(Look::default().is_plain());
        assert!(!Look { equalised: true, ..Look::default() }.is_plain());
    }

    #[test]
    fn contrast_is_equalised_before_the_window() {
        let image = synthetic::picture("chest", 40, 30);
        let look = Look { window: 64, equalised: true, ..Look::default() };
        let windowed = Look { equalised: false, ..look };
        assert_eq!(look.apply(&image), windowed.apply(&clahe::equalised(&image)));
    }

    #[test]
    fn it_reads_as_one_line() {
        let look = Look { window: 180, level: 96, gamma: 1.2, inverted: true, equalised: true };
        assert_eq!(look.to_string(), "window 180 level 96 gamma 1.2 inverted CLAHE");
        assert_eq!(Look::default().to_string(), "window 256 level 128 gamma 1");
    }

    #[test]
    fn steps_go_from_end_to_end_and_stop_there() {
        let last = |step: Step| (0..100).fold(Look::default(), |look, _| step(look));
        assert_eq!((last(Look::narrower).window, last(Look::wider).window), (2, 512));
        assert_eq!((last(Look::level_down).level, last(Look::level_up).level), (0, 255));
        let gammas = [last(Look::gamma_down), last(Look::gamma_up)].map(|look| look.gamma.to_string());
        assert_eq!(gammas, ["0.2", "5"]);
    }

    #[test]
    fn steps_there_and_back_lead_to_the_plain_look() {
        let pairs: [(Step, Step); 3] =
            [(Look::narrower, Look::wider), (Look::level_up, Look::level_down), (Look::gamma_up, Look::gamma_down)];
        for (there, back) in pairs {
            for steps in [1, 13, 15] {
                let gone = (0..steps).fold(Look::default(), |look, _| there(look));
                assert!((0..steps).fold(gone, |look, _| back(look)).is_plain(), "{gone}");
            }
        }
    }

    proptest! {
        #[test]
        fn brighter_levels_are_never_shown_darker(look in look()) {
            let table = look.table();
            let sorted = if look.inverted { table.iter().rev().is_sorted() } else { table.is_sorted() };
            prop_assert!(sorted, "{}: {:?}", look, table);
        }

        #[test]
        fn values_out_of_range_are_the_nearest_in_range(window: u16, level: i16, gamma in 0.0..100.0) {
            let (wild, plain) = (Look { window, level, gamma, ..Look::default() }, Look::default());
            let tame = Look { window: window.clamp(2, 512), level: level.clamp(0, 255), gamma: gamma.clamp(0.2, 5.0), ..plain };
            prop_assert_eq!(wild.table(), tame.table());
            let steps = [Look::narrower, Look::wider, Look::level_up, Look::level_down, Look::gamma_up, Look::gamma_down];
            let moved = steps.iter().fold(wild, |look, step| step(look));
            prop_assert!(Look::WINDOWS.contains(&moved.window) && Look::LEVELS.contains(&moved.level));
            prop_assert!(Look::GAMMAS.contains(&moved.gamma));
        }
    }
}
