//! Whether the terminal's background is light: by its answer, else by a variable that some terminals set.

use crate::config::place::Variables;

/// Asks for the colour of the background.
pub const QUERY: &[u8] = b"\x1b]11;?\x1b\\";

/// What `COLORFGBG` says: the numbers of text and background among the sixteen colours.
#[must_use]
pub fn is_light(variable: Variables) -> Option<bool> {
    let value = variable("COLORFGBG")?;
    let ground: u8 = value.to_str()?.rsplit(';').next()?.parse().ok()?;
    Some(ground == 7 || ground > 8)
}

/// The answer to the query at the start of `text`, and what follows it: `ESC ] 11 ; rgb:RRRR/GGGG/BBBB`, ended by `BEL` or
/// `ESC \`. Components have one to four hexadecimal digits.
pub fn parse(text: &str) -> Option<(bool, &str)> {
    let rest = text.strip_prefix("\x1b]11;")?;
    let end = rest.find(['\x07', '\x1b'])?;
    let after = rest[end..].strip_prefix('\x07').or_else(|| rest[end..].strip_prefix("\x1b\\"))?;
    let mut components = rest[..end].split_once(':')?.1.split('/').map(component);
    let [red, green, blue] = [components.next()??, components.next()??, components.next()??];
    // Luma as ITU-R BT.601 weighs it.
    Some((0.299 * red + 0.587 * green + 0.114 * blue > 0.5, after))
}

/// 0 to 1.
fn component(digits: &str) -> Option<f64> {
    let most = 16_u32.checked_pow(u32::try_from(digits.len()).ok()?)? - 1;
    let value = u32::from_str_radix(digits, 16).ok()?;
    (1..=4).contains(&digits.len()).then(|| f64::from(value) / f64::from(most))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_background_is_told_from_any_form_of_the_answer() {
        assert_eq!(parse("\x1b]11;rgb:ffff/ffff/ffff\x1b\\j"), Some((true, "j")));
        assert_eq!(parse("\x1b]11;rgb:1e/1e/2e\x07"), Some((false, "")));
        assert_eq!(parse("\x1b]11;rgba:fdf6/f6e3/e3d0/ffff\x07"), Some((true, "")));
        for broken in ["\x1b]11;rgb:ffff/ffff", "\x1b]11;red\x07", "\x1b]11;rgb:g/g/g\x07", "\x1b]10;rgb:f/f/f\x07"] {
            assert_eq!(parse(broken), None, "{broken:?}");
        }
    }

    #[test]
    fn the_variable_names_the_background_last() {
        let of = |value: &'static str| is_light(&move |_| Some(value.into()));
        assert_eq!(
            [of("0;15"), of("15;default;0"), of("12;7"), of("15;8")],
            [Some(true), Some(false), Some(true), Some(false)]
        );
        assert_eq!(of("what"), None);
    }
}
