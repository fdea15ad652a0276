//! Which of a terminal's colours comes nearest to one in sRGB, and what it looks like.

use ratatui::style::Color;

/// Red, green and blue in sRGB.
pub type Rgb = [u8; 3];

/// The levels of the 6 x 6 x 6 cube, entries 16 to 231 of the 256.
const LEVELS: [u8; 6] = [0, 95, 135, 175, 215, 255];

/// The sixteen as xterm has them; of the greys the middle of the quarter that each stands for, as terminals have them
/// anywhere.
const SIXTEEN: [(Color, Rgb); 16] = [
    (Color::Black, [32; 3]),
    (Color::DarkGray, [96; 3]),
    (Color::Gray, [160; 3]),
    (Color::White, [224; 3]),
    (Color::Red, [205, 0, 0]),
    (Color::Green, [0, 205, 0]),
    (Color::Yellow, [205, 205, 0]),
    (Color::Blue, [0, 0, 238]),
    (Color::Magenta, [205, 0, 205]),
    (Color::Cyan, [0, 205, 205]),
    (Color::LightRed, [255, 0, 0]),
    (Color::LightGreen, [0, 255, 0]),
    (Color::LightYellow, [255, 255, 0]),
    (Color::LightBlue, [92, 92, 255]),
    (Color::LightMagenta, [255, 0, 255]),
    (Color::LightCyan, [0, 255, 255]),
];

/// Of the cube and the ramp of greys, entries 232 to 255, whichever is nearer.
pub fn of_256(rgb: Rgb) -> (Color, Rgb) {
    let steps = rgb.map(cube_step);
    let cube = steps.map(|step| LEVELS[usize::from(step)]);
    let ramp = ramp_step(rgb);
    let grey = [8 + 10 * ramp; 3];
    if distance(rgb, cube) <= distance(rgb, grey) {
        (Color::Indexed(16 + 36 * steps[0] + 6 * steps[1] + steps[2]), cube)
    } else {
        (Color::Indexed(232 + ramp), grey)
    }
}

/// Of the terminal's own sixteen.
pub fn of_16(rgb: Rgb) -> (Color, Rgb) {
    SIXTEEN.into_iter().min_by_key(|(_, known)| distance(rgb, *known)).unwrap_or(SIXTEEN[0])
}

/// The nearest of `LEVELS`.
const fn cube_step(level: u8) -> u8 {
    match level {
        0..=47 => 0,
        48..=114 => 1,
        _ => (level - 35) / 40,
    }
}

/// The nearest of 8, 18, … 238, counted from 0.
fn ramp_step(rgb: Rgb) -> u8 {
    let mean = rgb.iter().map(|&level| u16::from(level)).sum::<u16>() / 3;
    u8::try_from(mean.saturating_sub(3) / 10).unwrap_or(23).min(23)
}

/// Squared.
fn distance(a: Rgb, b: Rgb) -> u32 {
    a.into_iter().zip(b).map(|(a, b)| u32::from(a.abs_diff(b)).pow(2)).sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// What an entry of the 256 looks like.
    fn look(entry: u8) -> Rgb {
        match entry {
            232.. => [8 + 10 * (entry - 232); 3],
            _ => [(entry - 16) / 36, (entry - 16) / 6 % 6, (entry - 16) % 6].map(|step| LEVELS[usize::from(step)]),
        }
    }

    #[test]
    fn black_white_and_pure_colours_are_shown_as_they_are() {
        for (rgb, entry) in [([0; 3], 16), ([255; 3], 231), ([255, 0, 0], 196), ([0, 0, 255], 21), ([128; 3], 244)] {
            assert_eq!(of_256(rgb).0, Color::Indexed(entry));
        }
    }

    #[test]
    fn of_sixteen_a_grey_is_one_of_the_four_greys_by_quarters() {
        let greys = [Color::Black, Color::DarkGray, Color::Gray, Color::White];
        for level in 0..=255_u8 {
            assert_eq!(of_16([level; 3]).0, greys[usize::from(level.saturating_sub(1) / 64)], "{level}");
        }
        assert_eq!(of_16([240, 30, 20]).0, Color::LightRed);
    }

    proptest! {
        #[test]
        fn no_other_entry_of_the_256_is_nearer(rgb in any::<Rgb>()) {
            let (colour, shown) = of_256(rgb);
            let Color::Indexed(entry) = colour else { panic!("{colour}") };
            prop_assert_eq!(look(entry), shown);
            let nearest = (16..=255).map(|entry| distance(rgb, look(entry))).min();
            prop_assert_eq!(Some(distance(rgb, shown)), nearest);
        }
    }
}
