//! One value of the table of runs, and how values are put in order.

use std::borrow::Cow;
use std::cmp::Ordering;
use std::fmt;

use serde_json::{Value as Json, json};

/// What a column says of a run.
#[derive(Debug, Clone, PartialEq)]
pub enum Value<'a> {
    /// Undefined, or not known.
    None,
    Truth(bool),
    /// Larger than a number with a fraction tells apart.
    Whole(u64),
    Number(f64),
    Text(Cow<'a, str>),
}

impl Value<'_> {
    /// As a number, where it is one; on is 1.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "shown and compared, not counted with")]
    pub fn number(&self) -> Option<f64> {
        match self {
            Self::Truth(on) => Some(f64::from(u8::from(*on))),
            Self::Whole(whole) => Some(*whole as f64),
            Self::Number(number) => Some(*number),
            Self::None | Self::Text(_) => None,
        }
    }

    /// As JSON has it: undefined is `null`.
    #[must_use]
    pub fn json(&self) -> Json {
        match self {
            Self::None => Json::Null,
            Self::Truth(on) => json!(on),
            Self::Whole(whole) => json!(whole),
            Self::Number(number) => json!(number),
            Self::Text(text) => json!(text),
        }
    }

    /// The order of two values; what is undefined comes last, whichever way round.
    #[must_use]
    pub fn compare(&self, other: &Self, descending: bool) -> Ordering {
        let turned = |order: Ordering| if descending { order.reverse() } else { order };
        match (self, other) {
            (Self::None, Self::None) => Ordering::Equal,
            (Self::None, _) => Ordering::Greater,
            (_, Self::None) => Ordering::Less,
            (Self::Whole(a), Self::Whole(b)) => turned(a.cmp(b)),
            (Self::Text(a), Self::Text(b)) => turned(natural(a, b)),
            (a, b) => turned(match (a.number(), b.number()) {
                (Some(a), Some(b)) => a.total_cmp(&b),
                (a, b) => a.is_some().cmp(&b.is_some()).reverse(),
            }),
        }
    }
}

/// For reading.
impl fmt::Display for Value<'_> {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match self {
            Self::None => f.write_str("–"),
            Self::Truth(on) => f.write_str(if *on { "on" } else { "off" }),
            Self::Whole(whole) => write!(f, "{whole}"),
            Self::Number(number) => write!(f, "{number}"),
            Self::Text(text) => f.write_str(text),
        }
    }
}

/// Numbers within words by their size: run-9 before run-10.
#[must_use]
pub fn natural(a: &str, b: &str) -> Ordering {
    let (mut rest_a, mut rest_b) = (a, b);
    loop {
        let same = rest_a.bytes().zip(rest_b.bytes()).take_while(|(x, y)| x == y && !x.is_ascii_digit()).count();
        // Letters of more than one byte are passed over as a whole or not at all.
        let same = (0..=same).rev().find(|at| rest_a.is_char_boundary(*at)).unwrap_or(0);
        (rest_a, rest_b) = (&rest_a[same..], &rest_b[same..]);
        let ((number_a, after_a), (number_b, after_b)) = (digits(rest_a), digits(rest_b));
        if number_a.is_empty() || number_b.is_empty() {
            return rest_a.cmp(rest_b).then_with(|| a.cmp(b));
        }
        let (x, y) = (number_a.trim_start_matches('0'), number_b.trim_start_matches('0'));
        let order = x.len().cmp(&y.len()).then_with(|| x.cmp(y));
        if order != Ordering::Equal {
            return order;
        }
        (rest_a, rest_b) = (after_a, after_b);
    }
}

/// The digits at its beginning, and the rest.
fn digits(text: &str) -> (&str, &str) {
    text.split_at(text.bytes().take_while(u8::is_ascii_digit).count())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn numbers_within_words_are_compared_as_numbers() {
        let mut names = ["run-10", "run-9", "run-9b", "cv-2/fold-10", "cv-2/fold-2", "run-", "run-010"];
        names.sort_by(|a, b| natural(a, b));
        assert_eq!(names, ["cv-2/fold-2", "cv-2/fold-10", "run-", "run-9", "run-9b", "run-010", "run-10"]);
    }

    #[test]
    fn what_is_undefined_comes_last_either_way() {
        for descending in [false, true] {
            assert_eq!(Value::None.compare(&Value::Number(1.0), descending), Ordering::Greater);
            assert_eq!(Value::Whole(3).compare(&Value::None, descending), Ordering::Less);
        }
        assert_eq!(Value::Whole(3).compare(&Value::Number(2.5), true), Ordering::Less);
    }

    proptest! {
        #[test]
        fn the_order_of_words_is_an_order(words in prop::collection::vec("[a0-2é肺-]{0,6}", 3)) {
            let order = |a: usize, b: usize| natural(&words[a], &words[b]);
            prop_assert_eq!(order(0, 1), order(1, 0).reverse());
            if order(0, 1) != Ordering::Greater && order(1, 2) != Ordering::Greater {
                prop_assert!(order(0, 2) != Ordering::Greater);
            }
        }
    }
}
