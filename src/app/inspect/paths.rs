//! Paths as they are typed, pasted, or dropped into a terminal.

use std::path::PathBuf;

const ENDINGS: [&str; 3] = [".jpeg", ".jpg", ".png"];

/// The paths in a text that a terminal pasted; none, where it does not look like paths.
#[must_use]
pub fn pasted(text: &str) -> Vec<PathBuf> {
    let paths = typed(text);
    if paths.iter().all(|path| looks_like_one(&path.to_string_lossy())) { paths } else { Vec::new() }
}

/// The paths in a text: one a line, or several with spaces between, quoted or escaped as a shell has it where they have
/// spaces themselves; `file://` addresses too, as file managers drop them.
#[must_use]
pub fn typed(text: &str) -> Vec<PathBuf> {
    text.lines().flat_map(|line| words(line.trim())).filter(|word| !word.is_empty()).map(|word| path(&word)).collect()
}

fn looks_like_one(path: &str) -> bool {
    path.starts_with(['/', '~']) || path.starts_with("./") || path.starts_with("../") || is_named_as_picture(path)
}

fn is_named_as_picture(path: &str) -> bool {
    let path = path.to_lowercase();
    ENDINGS.iter().any(|ending| path.ends_with(ending))
}

/// A line without quotes is one path, unless another begins in it: not everybody escapes spaces.
fn words(line: &str) -> Vec<String> {
    let is_plain = !line.contains(['\'', '"', '\\']);
    let many = line.split_whitespace().skip(1).any(begins) || line.split_whitespace().all(is_named_as_picture);
    let split = if is_plain && !many { None } else { shell_words(line) };
    split.unwrap_or_else(|| vec![line.to_owned()])
}

fn begins(word: &str) -> bool {
    word.starts_with(['/', '~']) || word.starts_with("file://")
}

/// Quotes and backslashes as a shell takes them away; `None` where a quote is not closed: it is an apostrophe of a name.
fn shell_words(line: &str) -> Option<Vec<String>> {
    let (mut words, mut word, mut quote, mut letters) = (Vec::new(), String::new(), None, line.chars());
    while let Some(letter) = letters.next() {
        match (letter, quote) {
            ('\\', None | Some('"')) => word.extend(letters.next()),
            ('\'' | '"', None) => quote = Some(letter),
            (end, Some(begun)) if end == begun => quote = None,
            (space, None) if space.is_whitespace() => words.push(std::mem::take(&mut word)),
            (other, _) => word.push(other),
        }
    }
    words.push(word);
    quote.is_none().then_some(words)
}

fn path(word: &str) -> PathBuf {
    match word.strip_prefix("file://") {
        // What stands before the first slash is a host: this one.
        Some(address) => PathBuf::from(unescaped(&address[address.find('/').unwrap_or(0)..])),
        None => PathBuf::from(word),
    }
}

/// `%20` is a space.
fn unescaped(address: &str) -> String {
    let (mut bytes, mut rest) = (Vec::new(), address.as_bytes());
    while let Some((&first, after)) = rest.split_first() {
        let code = after.get(..2).and_then(|hex| u8::from_str_radix(std::str::from_utf8(hex).ok()?, 16).ok());
        let code = code.filter(|_| first == b'%');
        bytes.push(code.unwrap_or(first));
        rest = if code.is_some() { &after[2..] } else { after };
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn all(text: &str) -> Vec<String> {
        typed(text).into_iter().map(|path| path.to_string_lossy().into_owned()).collect()
    }

    #[test]
    fn a_path_is_read_as_terminals_and_file_managers_write_it() {
        for (text, expected) in [
            ("/x/a.png", &["/x/a.png"][..]),
            ("  /x/a.png \n", &["/x/a.png"]),
            ("'/x/a b.png'", &["/x/a b.png"]),
            ("/x/a\\ b.png", &["/x/a b.png"]),
            ("\"/x/it's.png\" /y.png", &["/x/it's.png", "/y.png"]),
            ("/x/a b.png", &["/x/a b.png"]),
            ("/x/a.png /y/b.png", &["/x/a.png", "/y/b.png"]),
            ("/x/a.png\n/y/b.png\n", &["/x/a.png", "/y/b.png"]),
            ("file:///x/a%20b.png", &["/x/a b.png"]),
            ("file://host/x/100%.png", &["/x/100%.png"]),
            ("a.png b.jpeg", &["a.png", "b.jpeg"]),
            ("it's.png", &["it's.png"]),
            ("", &[]),
        ] {
            assert_eq!(all(text), expected, "{text:?}");
        }
    }

    #[test]
    fn only_what_looks_like_paths_is_opened_when_it_is_pasted() {
        assert_eq!(pasted("/x/a.png").len(), 1);
        assert_eq!(pasted("scan.JPG").len(), 1);
        assert_eq!(pasted("wrong kind:viral"), Vec::<PathBuf>::new());
    }

    proptest! {
        #[test]
        fn no_text_is_too_odd(text in ".*") {
            let _ = pasted(&text);
        }

        #[test]
        fn a_quoted_path_comes_back_as_it_was(path in "/[^'\\n\\r\\x00]{1,30}") {
            // A line is taken without the white space around it, quoted or not.
            prop_assert_eq!(all(&format!("'{path}'")), vec![path]);
        }
    }
}
