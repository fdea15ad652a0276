//! How values are written for people: counts, shares, durations, sizes, addresses; the same on screen and on the command
//! line.

/// A whole number with thousands separators: `5,510`.
#[must_use]
pub fn count(value: usize) -> String {
    let digits = value.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (place, digit) in digits.char_indices() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A fraction with three digits; `–` where it is undefined.
#[must_use]
pub fn share(value: Option<f64>) -> String {
    value.map_or_else(|| "–".into(), |value| format!("{value:.3}"))
}

/// An interval of fractions, either of which may be negative: `[-0.012, 0.034]`.
#[must_use]
pub fn interval(low: f64, high: f64) -> String {
    format!("[{low:.3}, {high:.3}]")
}

/// A fraction as a whole percentage: `26 %`.
#[must_use]
pub fn percent(value: f64) -> String {
    format!("{:.0} %", value * 100.0)
}

/// Seconds as `1h 02m`, `2m 05s` or `7.3 s`.
#[must_use]
pub fn duration(seconds: f64) -> String {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a run's seconds, rounded")]
    let whole = seconds.max(0.0).round() as u64;
    match whole {
        3600.. => format!("{}h {:02}m", whole / 3600, whole % 3600 / 60),
        60.. => format!("{}m {:02}s", whole / 60, whole % 60),
        _ => format!("{seconds:.1} s"),
    }
}

/// Bytes in powers of ten: `1.2 GB`.
#[must_use]
pub fn bytes(value: u64) -> String {
    #[expect(clippy::cast_precision_loss, reason = "shown with two digits")]
    let value = value as f64;
    let units = [(1e9, "GB"), (1e6, "MB"), (1e3, "kB")];
    let unit = units.into_iter().find(|(size, _)| value >= *size);
    unit.map_or_else(|| format!("{value:.0} B"), |(size, name)| format!("{:.1} {name}", value / size))
}

/// An address as it may be shown, and the login that stood in it: `http://USER:PASSWORD@HOST/` is `http://HOST`.
#[must_use]
pub fn split_login(uri: &str) -> (String, Option<String>) {
    let uri = uri.trim().trim_end_matches('/');
    let Some((scheme, rest)) = uri.split_once("://") else { return (uri.to_owned(), None) };
    let host_ends = rest.find('/').unwrap_or(rest.len());
    match rest[..host_ends].rsplit_once('@') {
        Some((login, host)) => (format!("{scheme}://{host}{}", &rest[host_ends..]), Some(login.to_owned())),
        None => (uri.to_owned(), None),
    }
}

/// A word of a line for a shell: in quotes where the shell would part it.
#[must_use]
pub fn quoted(word: &str) -> String {
    let plain = |letter: char| letter.is_alphanumeric() || "-_=./…,:+@%".contains(letter);
    if !word.is_empty() && word.chars().all(plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_have_a_comma_at_every_third_digit() {
        assert_eq!([0, 999, 1000, 5510, 1_234_567].map(count), ["0", "999", "1,000", "5,510", "1,234,567"]);
    }

    #[test]
    fn an_undefined_share_is_a_dash() {
        assert_eq!(share(None), "–");
        assert_eq!(share(Some(0.92349)), "0.923");
    }

    #[test]
    fn both_ends_of_an_interval_can_be_negative() {
        assert_eq!(interval(-0.0123, -0.002), "[-0.012, -0.002]");
    }

    #[test]
    fn durations_and_sizes_use_the_unit_that_fits() {
        assert_eq!([7.31, 125.0, 3720.0].map(duration), ["7.3 s", "2m 05s", "1h 02m"]);
        assert_eq!([12, 1_234, 1_234_567_890].map(bytes), ["12 B", "1.2 kB", "1.2 GB"]);
    }

    #[test]
    fn an_address_is_shown_without_its_login() {
        let login = Some("u:p".to_owned());
        assert_eq!(split_login("http://u:p@h:5000/"), ("http://h:5000".to_owned(), login.clone()));
        assert_eq!(split_login("http://u:p@h/a@b"), ("http://h/a@b".to_owned(), login));
        assert_eq!(split_login("http://h:5000"), ("http://h:5000".to_owned(), None));
    }

    #[test]
    fn a_word_that_a_shell_would_part_is_quoted() {
        assert_eq!(["--seed=3", "two words", "it's", ""].map(quoted), ["--seed=3", "'two words'", r"'it'\''s'", "''"]);
    }
}
