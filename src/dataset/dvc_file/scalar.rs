//! Words in YAML as DVC writes them (ruamel.yaml 0.18's choice of quotes and line breaks), and as it reads them back.

/// Lines are broken after this column where a word ends.
const WIDTH: usize = 80;
/// A broken line goes on in this column.
const INDENT: usize = 4;

/// `text` as the value of a key, from the space after the colon on; `column` is that of the colon's end.
///
/// It holds no control characters and no line breaks.
#[must_use]
pub fn write(text: &str, column: usize) -> String {
    let pen = Pen { text: String::new(), column };
    let (plain, single) = allowed(text);
    match () {
        () if plain && !is_another_type(text) => pen.plain(text),
        () if single && !text.contains('\'') => pen.single(text),
        () => pen.double(text),
    }
}

/// What is being written, and the column that it has come to.
struct Pen {
    text: String,
    column: usize,
}

impl Pen {
    fn put(&mut self, text: &str) {
        self.text.push_str(text);
        self.column += text.chars().count();
    }

    fn break_line(&mut self) {
        self.text.push('\n');
        self.text.push_str(&" ".repeat(INDENT));
        self.column = INDENT;
    }

    fn plain(mut self, text: &str) -> String {
        self.put(" ");
        for run in runs(text) {
            if run.starts_with(' ') {
                if run.len() == 1 && self.column >= WIDTH { self.break_line() } else { self.put(run) }
            } else {
                // A word that is longer than the line has one of its own.
                if self.column + run.chars().count() > WIDTH && self.column > INDENT {
                    self.break_line();
                }
                self.put(run);
            }
        }
        self.text
    }

    fn single(mut self, text: &str) -> String {
        self.put(" '");
        let all: Vec<&str> = runs(text).collect();
        for (place, run) in all.iter().enumerate() {
            let within = place > 0 && place + 1 < all.len();
            if *run == " " && self.column > WIDTH && within { self.break_line() } else { self.put(run) }
        }
        self.put("'");
        self.text
    }

    fn double(mut self, text: &str) -> String {
        self.put(" \"");
        let letters: Vec<char> = text.chars().collect();
        // What is written up to; and what is looked at.
        let (mut start, mut end) = (0, 0);
        while end <= letters.len() {
            let letter = letters.get(end).copied();
            if letter.is_none_or(is_escaped) {
                self.put(&letters[start.min(end)..end].iter().collect::<String>());
                start = start.max(end);
                if let Some(letter) = letter {
                    self.put(&escape(letter));
                    start = end + 1;
                }
            }
            let inside = 0 < end && end + 1 < letters.len();
            let breaks = letter == Some(' ') || start >= end;
            if inside && breaks && self.column + end.saturating_sub(start) > WIDTH {
                start = self.break_double(&letters, (start, end));
            }
            end += 1;
        }
        self.put("\"");
        self.text
    }

    /// Breaks the line before `end`, and says what is written up to then.
    fn break_double(&mut self, letters: &[char], (start, end): (usize, usize)) -> usize {
        let marked = needs_mark(letters, (start, end));
        self.put(&letters[start.min(end)..end].iter().collect::<String>());
        self.put(if marked { "\\" } else { "" });
        self.break_line();
        let start = start.max(end);
        match letters.get(start) {
            // The line break itself is read as the space.
            Some(' ') if !marked => start + 1,
            Some(' ') => {
                self.put("\\");
                start
            }
            _ => start,
        }
    }
}

/// Whether a line break within double quotes must be taken back by a backslash.
fn needs_mark(letters: &[char], (start, end): (usize, usize)) -> bool {
    let Some(space) = letters[end..].iter().position(|letter| *letter == ' ').map(|place| end + place) else {
        return true;
    };
    let quotes = letters[end..space].iter().any(|letter| ['"', '\''].contains(letter));
    let single = letters.get(space + 1).is_some_and(|next| *next != ' ');
    let doubled = letters[end - 1] == ' ' && letters[end] == ' ';
    quotes || !single || doubled || start == end
}

fn is_escaped(letter: char) -> bool {
    ['"', '\\', '\u{feff}'].contains(&letter) || is_special(letter)
}

fn escape(letter: char) -> String {
    match (letter, u32::from(letter)) {
        ('"' | '\\', _) => format!("\\{letter}"),
        (_, code @ ..=0xff) => format!("\\x{code:02X}"),
        (_, code @ ..=0xffff) => format!("\\u{code:04X}"),
        (_, code) => format!("\\U{code:08X}"),
    }
}

/// Not to be printed as it is.
const fn is_special(letter: char) -> bool {
    !matches!(letter, ' '..='~' | '\u{a0}'..='\u{d7ff}' | '\u{e000}'..='\u{fefe}' | '\u{ff00}'..='\u{fffd}' | '\u{10000}'..)
}

/// Whether `text` may stand without quotes, and in single ones.
fn allowed(text: &str) -> (bool, bool) {
    let letters: Vec<char> = text.chars().collect();
    let ends = |place: usize| letters.get(place).is_none_or(|letter| *letter == ' ');
    let says_more = |(place, letter): (usize, &char)| match (place, letter) {
        (0, '?' | ':' | '-') => ends(1),
        (0, letter) => "#,[]{}&*!|>'\"%@`".contains(*letter),
        (_, ':') => ends(place + 1),
        (_, '#') => letters[place - 1] == ' ',
        _ => false,
    };
    let special = letters.iter().any(|letter| is_special(*letter));
    let odd = text.starts_with("---") || text.starts_with("...") || letters.iter().enumerate().any(says_more);
    let padded = text.starts_with(' ') || text.ends_with(' ') || text.is_empty();
    (!special && !odd && !padded, !special)
}

/// Words and the spaces between them, in turn.
fn runs(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = text;
    std::iter::from_fn(move || {
        let space = rest.starts_with(' ');
        let end = rest.find(|letter| (letter == ' ') != space).unwrap_or(rest.len());
        let (run, after) = rest.split_at(end);
        rest = after;
        (!run.is_empty()).then_some(run)
    })
}

/// Whether YAML 1.2, as ruamel has it, takes the bare `text` for something else than text.
fn is_another_type(text: &str) -> bool {
    const WORDS: [&str; 13] =
        ["true", "True", "TRUE", "false", "False", "FALSE", "~", "null", "Null", "NULL", "<<", "=", ""];
    WORDS.contains(&text) || is_whole(text) || is_fraction(text) || is_date(text)
}

fn signless(text: &str) -> &str {
    text.strip_prefix(['+', '-']).unwrap_or(text)
}

/// Whether it is not empty and has these letters alone.
fn all(text: &str, of: impl Fn(u8) -> bool) -> bool {
    !text.is_empty() && text.bytes().all(of)
}

fn is_whole(text: &str) -> bool {
    let bare = signless(text);
    let octal = bare.strip_prefix('0').map(|rest| rest.strip_prefix('o').unwrap_or(rest));
    all(bare, |b| b.is_ascii_digit() || b == b'_')
        && text.starts_with(|first: char| first.is_ascii_digit() || "+-".contains(first))
        || bare.strip_prefix("0b").is_some_and(|rest| all(rest, |b| b"01_".contains(&b)))
        || octal.is_some_and(|rest| all(rest, |b| b"01234567_".contains(&b)))
        || bare.strip_prefix("0x").is_some_and(|rest| all(rest, |b| b.is_ascii_hexdigit() || b == b'_'))
}

fn is_fraction(text: &str) -> bool {
    let bare = signless(text);
    if [".inf", ".Inf", ".INF"].contains(&bare) || [".nan", ".NaN", ".NAN"].contains(&text) {
        return true;
    }
    let digits = |text: &str| text.bytes().all(|b| b.is_ascii_digit() || b == b'_');
    let (number, exponent) = match bare.split_once(['e', 'E']) {
        Some((number, exponent)) => (number, Some(exponent)),
        None => (bare, None),
    };
    let power = exponent.is_none_or(|exponent| all(signless(exponent), |b| b.is_ascii_digit()));
    let signed = exponent.is_none_or(|exponent| exponent.starts_with(['+', '-']));
    let leads = number.starts_with(|first: char| first.is_ascii_digit());
    match number.split_once('.') {
        Some(("", after)) => power && signed && !after.is_empty() && digits(after),
        Some((before, after)) => power && leads && digits(before) && digits(after),
        None => power && exponent.is_some() && leads && digits(number),
    }
}

fn is_date(text: &str) -> bool {
    let mut rest = text;
    let (year, month, day) = (digits(&mut rest, 4), part(&mut rest, '-'), part(&mut rest, '-'));
    if year != 4 || !(1..=2).contains(&month) || !(1..=2).contains(&day) {
        return false;
    }
    if rest.is_empty() {
        return month == 2 && day == 2;
    }
    let spaced = rest.trim_start_matches([' ', '\t']);
    let Some(mut rest) = rest.strip_prefix(['T', 't']).or_else(|| (spaced != rest).then_some(spaced)) else {
        return false;
    };
    let (hour, minute, second) = (digits(&mut rest, 2), part(&mut rest, ':'), part(&mut rest, ':'));
    if hour == 0 || minute != 2 || second != 2 {
        return false;
    }
    let rest = rest.strip_prefix('.').map_or(rest, |rest| rest.trim_start_matches(|l: char| l.is_ascii_digit()));
    let zone = rest.trim_start_matches([' ', '\t']);
    rest.is_empty() || zone == "Z" || is_offset(zone)
}

/// Takes at most so many digits away and says how many there were.
fn digits(rest: &mut &str, most: usize) -> usize {
    let count = rest.bytes().take(most).take_while(u8::is_ascii_digit).count();
    *rest = &rest[count..];
    count
}

/// Takes two digits at most after a sign away; 0 where it does not stand there.
fn part(rest: &mut &str, sign: char) -> usize {
    let Some(after) = rest.strip_prefix(sign) else { return 0 };
    *rest = after;
    digits(rest, 2)
}

fn is_offset(zone: &str) -> bool {
    let Some(mut rest) = zone.strip_prefix(['+', '-']) else { return false };
    digits(&mut rest, 2) > 0 && (rest.is_empty() || part(&mut rest, ':') == 2 && rest.is_empty())
}

/// The word that a key's value is; `value` is all from after the colon up to the next key. `None` where it is none.
#[must_use]
pub fn read(value: &str) -> Option<String> {
    let value = value.trim();
    let (word, rest) = match value.chars().next()? {
        '\'' => read_single(&value[1..])?,
        '"' => read_double(&value[1..])?,
        first if "#,[]{}&*!|>%@`".contains(first) => return None,
        _ => {
            let end = value.find(" #").unwrap_or(value.len());
            (fold(&value[..end]), &value[end..])
        }
    };
    let rest = rest.trim_start();
    (rest.is_empty() || rest.starts_with('#')).then_some(word)
}

/// Lines as one: a break is a space, and every empty line after it a break.
fn fold(text: &str) -> String {
    let mut lines = text.split('\n');
    let mut folded = lines.next().unwrap_or_default().to_owned();
    let mut empty = 0;
    for line in lines {
        let line = line.trim_start_matches([' ', '\t']);
        let kept = folded.trim_end_matches([' ', '\t']).len();
        folded.truncate(kept);
        if line.trim_end().is_empty() {
            empty += 1;
            continue;
        }
        folded.push_str(&if empty == 0 { " ".to_owned() } else { "\n".repeat(empty) });
        empty = 0;
        folded.push_str(line);
    }
    folded
}

fn read_single(text: &str) -> Option<(String, &str)> {
    let mut from = 0;
    loop {
        let end = from + text[from..].find('\'')?;
        if !text[end + 1..].starts_with('\'') {
            return Some((fold(&text[..end]).replace("''", "'"), &text[end + 1..]));
        }
        from = end + 2;
    }
}

fn read_double(text: &str) -> Option<(String, &str)> {
    let mut word = String::new();
    let mut rest = text;
    loop {
        let end = rest.find(['"', '\\', '\n'])?;
        word.push_str(&rest[..end]);
        let after = &rest[end + 1..];
        match rest.as_bytes().get(end)? {
            b'"' => return Some((word, after)),
            b'\n' => {
                let kept = word.trim_end_matches([' ', '\t']).len();
                word.truncate(kept);
                word.push(' ');
                rest = after.trim_start_matches([' ', '\t']);
            }
            _ if after.starts_with('\n') => rest = after.trim_start(),
            _ => rest = unescape(after, &mut word)?,
        }
    }
}

/// Adds what the letters after a backslash mean, and gives those that follow.
fn unescape<'a>(after: &'a str, word: &mut String) -> Option<&'a str> {
    let code = after.chars().next()?;
    let rest = &after[code.len_utf8()..];
    let digits = match code {
        'x' => 2,
        'u' => 4,
        'U' => 8,
        _ => {
            word.push(match code {
                '"' | '\\' | '/' | ' ' | '\t' => code,
                '0' => '\0',
                'a' => '\u{7}',
                'b' => '\u{8}',
                't' => '\t',
                'n' => '\n',
                'v' => '\u{b}',
                'f' => '\u{c}',
                'r' => '\r',
                'e' => '\u{1b}',
                'N' => '\u{85}',
                '_' => '\u{a0}',
                'L' => '\u{2028}',
                'P' => '\u{2029}',
                _ => return None,
            });
            return Some(rest);
        }
    };
    word.push(char::from_u32(u32::from_str_radix(rest.get(..digits)?, 16).ok()?)?);
    rest.get(digits..)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde::Deserialize;

    use super::*;
    use crate::dataset::dvc_file::is_nameable;

    #[derive(Deserialize)]
    struct Fixture {
        names: Vec<Name>,
    }

    #[derive(Deserialize)]
    struct Name {
        name: String,
        text: String,
        reads_back: bool,
    }

    fn names() -> Vec<Name> {
        let fixture = include_str!("../../../tests/fixtures/dvc_names.json");
        serde_json::from_str::<Fixture>(fixture).unwrap().names
    }

    #[test]
    fn names_are_written_as_dvc_writes_them() {
        let mut tried = 0;
        for Name { name, text, .. } in names().iter().filter(|name| is_nameable(&name.name)) {
            assert_eq!(write(name, "  path:".len()) + "\n", *text, "{name:?}");
            tried += 1;
        }
        assert!(tried > 500, "{tried}");
    }

    #[test]
    fn what_dvc_reads_back_and_what_it_does_not_is_known() {
        for Name { name, text, reads_back } in names().iter().filter(|name| is_nameable(&name.name)) {
            assert_eq!(read(text).as_deref() == Some(name), *reads_back, "{name:?} {text:?}");
        }
    }

    #[test]
    fn a_comment_is_no_part_of_a_word() {
        assert_eq!(read(" data # mine").as_deref(), Some("data"));
        assert_eq!(read(" 'da''ta'  # mine\n  # and mine").as_deref(), Some("da'ta"));
        assert_eq!(read(" 'data' more"), None);
        assert_eq!(read(" &anchor data"), None);
        assert_eq!(read(" \"open"), None);
    }

    proptest! {
        #[test]
        fn a_word_without_double_spaces_comes_back(words in "[!-~é🩻]{1,9}( [!-~é🩻]{1,9}){0,40}") {
            prop_assert_eq!(read(&write(&words, 7)), Some(words));
        }

        #[test]
        fn whatever_is_read_nothing_panics(text in any::<String>()) {
            let _ = read(&text);
        }

        #[test]
        fn whatever_is_written_nothing_panics(text in any::<String>()) {
            let _ = write(&text, 7);
        }
    }
}
