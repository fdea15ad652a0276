//! The small language that tables and lists are filtered by: words that must all hold, `acc>0.9 !crashed note:"two words"`.

use std::cmp::Ordering;

use super::input::Input;

/// Where a text is no filter, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// Byte of the text at which it goes wrong.
    pub at: usize,
    pub text: String,
}

/// One word, and whether a `!` turns it round.
#[derive(Debug, Clone, PartialEq)]
pub struct Term<T> {
    pub negated: bool,
    pub test: T,
}

/// What stands between a key and a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sign {
    Has,
    Is,
    Not,
    Above,
    AtLeast,
    Below,
    AtMost,
}

/// Longer ones first.
const SIGNS: [(&str, Sign); 7] = [
    (">=", Sign::AtLeast),
    ("<=", Sign::AtMost),
    ("!=", Sign::Not),
    (">", Sign::Above),
    ("<", Sign::Below),
    ("=", Sign::Is),
    (":", Sign::Has),
];

impl Sign {
    /// Whether an order of a value to the one that was typed is what was asked for.
    #[must_use]
    pub fn holds(self, order: Ordering) -> bool {
        match self {
            Self::Has | Self::Is => order.is_eq(),
            Self::Not => order.is_ne(),
            Self::Above => order.is_gt(),
            Self::AtLeast => order.is_ge(),
            Self::Below => order.is_lt(),
            Self::AtMost => order.is_le(),
        }
    }

    /// Whether it compares by size, which words have none of.
    #[must_use]
    pub const fn is_order(self) -> bool {
        matches!(self, Self::Above | Self::AtLeast | Self::Below | Self::AtMost)
    }

    /// For a number that was typed with a last digit: what is as near as half of that equals it.
    #[must_use]
    pub fn holds_for_number(self, value: f64, (number, slack): (f64, f64)) -> bool {
        let is_equal = (value - number).abs() <= slack && !self.is_order();
        self.holds(if is_equal { Ordering::Equal } else { value.total_cmp(&number) })
    }

    /// For texts, both in small letters.
    #[must_use]
    pub fn holds_for_words(self, text: &str, word: &str) -> bool {
        match self {
            Self::Is => text == word,
            Self::Not => text != word,
            _ => text.contains(word),
        }
    }
}

/// A word that compares: where it stands in its text, and its parts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Comparison<'a> {
    pub key: &'a str,
    /// With the byte that it starts at.
    pub sign: (usize, Sign),
    /// With the byte that it starts at; quotes may be in it.
    pub value: (usize, &'a str),
}

impl<'a> Comparison<'a> {
    /// Takes a word that starts at byte `at` apart at its first sign outside quotes; `None` where it has none.
    #[must_use]
    pub fn of(at: usize, word: &'a str) -> Option<Self> {
        let (place, text, sign) = find_sign(word)?;
        let after = place + text.len();
        Some(Self { key: &word[..place], sign: (at + place, sign), value: (at + after, &word[after..]) })
    }

    /// The value without its quotes.
    #[must_use]
    pub fn plain_value(&self) -> String {
        self.value.1.replace('"', "")
    }
}

/// A number as it was typed, and half of its last digit: as exact as it was typed is what equals it.
#[must_use]
pub fn number(text: &str) -> Option<(f64, f64)> {
    let number: f64 = text.parse().ok().filter(|number: &f64| number.is_finite())?;
    let digits = text.split_once('.').map_or(0, |(_, digits)| digits.len());
    Some((number, 0.5 * 10_f64.powi(-i32::try_from(digits).unwrap_or(i32::MAX))))
}

/// A number that may be a percentage.
#[must_use]
pub fn share(text: &str) -> Option<(f64, f64)> {
    match text.strip_suffix('%') {
        Some(percent) => number(percent).map(|(number, slack)| (number * 0.01, slack * 0.01)),
        None => number(text),
    }
}

/// Reads a text, each word by `read`, which gets the byte that the word starts at and the word without its `!`.
///
/// # Errors
/// The first word that cannot be understood, with what could stand there.
pub fn parse<T>(text: &str, read: impl Fn(usize, &str) -> Result<T, Problem>) -> Result<Vec<Term<T>>, Problem> {
    words(text)?.into_iter().map(|(at, word)| term((at, word), &read)).collect()
}

fn term<T>((at, word): (usize, &str), read: impl Fn(usize, &str) -> Result<T, Problem>) -> Result<Term<T>, Problem> {
    let rest = word.trim_start_matches('!');
    let marks = word.len() - rest.len();
    if rest.is_empty() {
        return Err(Problem { at, text: "a word must stand after the !".into() });
    }
    Ok(Term { negated: marks % 2 == 1, test: read(at + marks, rest)? })
}

/// The words of a text with the byte that each starts at; quotes hold spaces together.
fn words(text: &str) -> Result<Vec<(usize, &str)>, Problem> {
    let (mut found, mut start, mut quote) = (Vec::new(), None, None);
    for (at, letter) in text.char_indices() {
        match (letter, quote) {
            ('"', None) => (quote, start) = (Some(at), start.or(Some(at))),
            ('"', Some(_)) => quote = None,
            (letter, None) if letter.is_whitespace() => {
                found.extend(start.take().map(|start| (start, &text[start..at])));
            }
            _ => start = start.or(Some(at)),
        }
    }
    if let Some(at) = quote {
        return Err(Problem { at, text: "this quote is not closed".into() });
    }
    found.extend(start.map(|start| (start, &text[start..])));
    Ok(found)
}

/// The first sign outside quotes.
fn find_sign(word: &str) -> Option<(usize, &'static str, Sign)> {
    let mut quoted = false;
    word.char_indices().find_map(|(at, letter)| {
        quoted ^= letter == '"';
        let rest = &word[at..];
        let found = SIGNS.iter().find(|(text, _)| !quoted && rest.starts_with(text));
        found.map(|(text, sign)| (at, *text, *sign))
    })
}

/// A filter that is being typed: it holds at once, and a text that is no filter yet leaves the last good one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Filtering {
    pub input: Input,
    pub problem: Option<Problem>,
    /// What held before.
    pub before: String,
}

impl Filtering {
    /// Begins with the filter that holds.
    #[must_use]
    pub fn begin(before: &str) -> Self {
        Self { input: before.to_owned().into(), problem: None, before: before.to_owned() }
    }

    /// Changes the text, which `parse` reads; answers the text that is to hold now, if it is another filter. `words` are
    /// those that the last one may become, with whether each asks for something by itself.
    pub fn change<'w, F>(
        &mut self,
        change: impl FnOnce(&mut Input) -> bool,
        parse: impl Fn(&str) -> Result<F, Problem>,
        words: impl Iterator<Item = (&'w str, bool)>,
    ) -> Option<String> {
        change(&mut self.input);
        let text = self.input.text();
        self.problem = parse(text).err();
        let held = &text[..text.len() - begun(text, words)];
        (self.problem.is_none() && parse(held).is_ok()).then(|| held.to_owned())
    }
}

/// Bytes of the word at the end of a text that may become `acc>0.9`: until it is kept or goes on, it holds nothing back, or
/// the list would go blank for a moment.
fn begun<'w>(text: &str, words: impl Iterator<Item = (&'w str, bool)>) -> usize {
    let last = text.rsplit(char::is_whitespace).next().unwrap_or_default();
    let word = last.trim_start_matches('!').to_lowercase();
    let (mut is_begun, mut is_flag) = (false, false);
    for (other, flag) in words {
        is_begun |= other.starts_with(&word);
        is_flag |= flag && other == word;
    }
    if is_begun && !is_flag { last.len() } else { 0 }
}
