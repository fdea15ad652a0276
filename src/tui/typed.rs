//! Keys that others than crossterm have read: this program while it asked the terminal, and viuer during a print.

use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

/// The keys that send `text`, by the sequences of xterm. What else lies among them, the mouse, a paste or answers of the
/// terminal, is left out.
pub fn keys(text: &str) -> Vec<KeyEvent> {
    let (mut keys, mut rest) = (Vec::new(), text);
    while let Some(first) = rest.chars().next() {
        let after = &rest[first.len_utf8()..];
        let (key, next) = if first == '\x1b' { escaped(after) } else { (Some(plain(first)), after) };
        keys.extend(key);
        rest = next;
    }
    keys
}

/// The key that an escape and what follows it send, and the rest.
fn escaped(after: &str) -> (Option<KeyEvent>, &str) {
    let mut letters = after.chars();
    let first = letters.next();
    let rest = letters.as_str();
    match first {
        None | Some('\x1b') => (Some(KeyCode::Esc.into()), after),
        Some('[') => controlled(rest),
        Some('O') => {
            let key = letters.next().and_then(|last| key_of(last, &[]));
            (key.map(KeyEvent::from), letters.as_str())
        }
        Some(']' | '_' | 'P') => (None, past(rest, &["\x1b\\", "\x07"])),
        Some(letter) => {
            let key = plain(letter);
            (Some(KeyEvent { modifiers: key.modifiers | KeyModifiers::ALT, ..key }), rest)
        }
    }
}

/// What follows the first of these ends; nothing where there is none.
fn past<'a>(text: &'a str, ends: &[&str]) -> &'a str {
    let end = ends.iter().filter_map(|end| text.find(end).map(|at| at + end.len())).min();
    end.map_or("", |end| &text[end..])
}

/// As `escaped`, of what follows `ESC [`.
fn controlled(text: &str) -> (Option<KeyEvent>, &str) {
    let Some(at) = text.find(|letter: char| ('@'..='~').contains(&letter)) else { return (None, "") };
    let (said, last, rest) = (&text[..at], text.as_bytes()[at].into(), &text[at + 1..]);
    if (said, last) == ("200", '~') {
        return (None, past(rest, &["\x1b[201~"]));
    }
    let numbers: Option<Vec<u8>> =
        said.split(';').filter(|number| !number.is_empty()).map(|number| number.parse().ok()).collect();
    let key = numbers.and_then(|numbers| {
        let code = key_of(last, &numbers)?;
        let held = numbers.get(1).map_or(0, |held| held.saturating_sub(1));
        Some(KeyEvent::new(code, modifiers(code, held)))
    });
    (key, rest)
}

/// Of what xterm counts as 1 (shift), 2 (alt) and 4 (control).
fn modifiers(code: KeyCode, held: u8) -> KeyModifiers {
    let all = [(1, KeyModifiers::SHIFT), (2, KeyModifiers::ALT), (4, KeyModifiers::CONTROL)];
    let held = if code == KeyCode::BackTab { 1 } else { held };
    all.into_iter().filter(|(bit, _)| held & bit != 0).map(|(_, modifier)| modifier).collect()
}

/// The key of a sequence, by its last letter and its numbers.
fn key_of(last: char, numbers: &[u8]) -> Option<KeyCode> {
    Some(match (last, numbers.first()) {
        ('A', _) => KeyCode::Up,
        ('B', _) => KeyCode::Down,
        ('C', _) => KeyCode::Right,
        ('D', _) => KeyCode::Left,
        ('H', _) | ('~', Some(1 | 7)) => KeyCode::Home,
        ('F', _) | ('~', Some(4 | 8)) => KeyCode::End,
        ('Z', _) => KeyCode::BackTab,
        ('P', _) => KeyCode::F(1),
        ('Q', _) => KeyCode::F(2),
        ('R', _) => KeyCode::F(3),
        ('S', _) => KeyCode::F(4),
        ('~', Some(2)) => KeyCode::Insert,
        ('~', Some(3)) => KeyCode::Delete,
        ('~', Some(5)) => KeyCode::PageUp,
        ('~', Some(6)) => KeyCode::PageDown,
        ('~', Some(number @ 11..=15)) => KeyCode::F(number - 10),
        ('~', Some(number @ 17..=21)) => KeyCode::F(number - 11),
        ('~', Some(number @ 23..=24)) => KeyCode::F(number - 12),
        _ => return None,
    })
}

/// The key of one letter.
fn plain(letter: char) -> KeyEvent {
    let control = |letter: u8| KeyEvent::new(KeyCode::Char(letter.into()), KeyModifiers::CONTROL);
    match letter {
        '\r' => KeyCode::Enter.into(),
        '\t' => KeyCode::Tab.into(),
        '\x7f' => KeyCode::Backspace.into(),
        '\0' => control(b' '),
        '\x01'..='\x1a' => control(letter as u8 - 1 + b'a'),
        '\x1c'..='\x1f' => control(letter as u8 - 0x1c + b'4'),
        _ if letter.is_uppercase() => KeyEvent::new(KeyCode::Char(letter), KeyModifiers::SHIFT),
        _ => KeyCode::Char(letter).into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn codes(text: &str) -> Vec<KeyCode> {
        keys(text).into_iter().map(|key| key.code).collect()
    }

    #[test]
    fn letters_and_sequences_are_told_apart() {
        use KeyCode::{BackTab, Backspace, Char, Delete, Down, Enter, F, PageUp, Tab};
        let text = "jé\x1b[B\x1bOA\x1b[5~\x1b[3~\x1bOQ\x1b[24~\x1b[Z\r\t\x7fk";
        let expected = [
            Char('j'),
            Char('é'),
            Down,
            KeyCode::Up,
            PageUp,
            Delete,
            F(2),
            F(12),
            BackTab,
            Enter,
            Tab,
            Backspace,
            Char('k'),
        ];
        assert_eq!(codes(text), expected);
    }

    #[test]
    fn what_is_held_with_a_key_counts() {
        let (alt, control, shift) = (KeyModifiers::ALT, KeyModifiers::CONTROL, KeyModifiers::SHIFT);
        let expected = [
            KeyEvent::new(KeyCode::Char('c'), control),
            KeyEvent::new(KeyCode::Char('N'), shift),
            KeyEvent::new(KeyCode::Char('x'), alt),
            KeyEvent::new(KeyCode::Left, control),
            KeyEvent::new(KeyCode::BackTab, shift),
        ];
        assert_eq!(keys("\x03N\x1bx\x1b[1;5D\x1b[Z"), expected);
    }

    #[test]
    fn the_mouse_pastes_and_answers_are_no_keys() {
        let text =
            "a\x1b[<65;10;1Mb\x1b[200~quit\x1b[201~c\x1b[0nd\x1b]11;rgb:0/0/0\x1b\\e\x1b_Gi=1;OK\x1b\\f\x1b[?62;4cg";
        assert_eq!(codes(text), ['a', 'b', 'c', 'd', 'e', 'f', 'g'].map(KeyCode::Char));
    }

    #[test]
    fn an_escape_is_a_key_where_nothing_or_another_follows() {
        assert_eq!(codes("\x1b"), [KeyCode::Esc]);
        assert_eq!(codes("\x1b\x1b[A"), [KeyCode::Esc, KeyCode::Up]);
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_parsed(text in "(\x1b|[\\[\\]O_P;<~0-9A-Zé]|.){0,30}") {
            let _ = keys(&text);
        }
    }
}
