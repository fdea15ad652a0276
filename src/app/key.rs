//! A key with its modifiers, as it is pressed, written and configured.

use std::fmt;
use std::str::FromStr;

use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

/// One key. Shift is told by the letter: `G` is Shift with `g`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Key {
    pub code: KeyCode,
    pub control: bool,
    pub alt: bool,
}

/// The keys that have names, as they are configured and as they are written on the screen.
const NAMED: [(KeyCode, &str, &str); 19] = [
    (KeyCode::Char(' '), "space", "Space"),
    (KeyCode::Enter, "enter", "Enter"),
    (KeyCode::Esc, "esc", "Esc"),
    (KeyCode::Tab, "tab", "Tab"),
    (KeyCode::BackTab, "shift-tab", "Shift-Tab"),
    (KeyCode::Backspace, "backspace", "Backspace"),
    (KeyCode::Delete, "delete", "Del"),
    (KeyCode::Insert, "insert", "Ins"),
    (KeyCode::Up, "up", "↑"),
    (KeyCode::Down, "down", "↓"),
    (KeyCode::Left, "left", "←"),
    (KeyCode::Right, "right", "→"),
    (KeyCode::PageUp, "pageup", "PgUp"),
    (KeyCode::PageDown, "pagedown", "PgDn"),
    (KeyCode::Home, "home", "Home"),
    (KeyCode::End, "end", "End"),
    (KeyCode::F(1), "f1", "F1"),
    (KeyCode::F(2), "f2", "F2"),
    (KeyCode::F(5), "f5", "F5"),
];

impl Key {
    #[must_use]
    pub const fn plain(code: KeyCode) -> Self {
        Self { code, control: false, alt: false }
    }

    #[must_use]
    pub const fn letter(letter: char) -> Self {
        Self::plain(KeyCode::Char(letter))
    }

    #[must_use]
    pub const fn control(letter: char) -> Self {
        Self { code: KeyCode::Char(letter), control: true, alt: false }
    }

    /// The key of an event.
    #[must_use]
    pub fn of(event: KeyEvent) -> Self {
        let has = |modifier| event.modifiers.contains(modifier);
        let (control, alt) = (has(KeyModifiers::CONTROL), has(KeyModifiers::ALT));
        match event.code {
            KeyCode::Tab if has(KeyModifiers::SHIFT) => Self { code: KeyCode::BackTab, control, alt },
            // With Control a terminal may send either case.
            KeyCode::Char(letter) if control => Self { code: KeyCode::Char(letter.to_ascii_lowercase()), control, alt },
            code => Self { code, control, alt },
        }
    }

    /// As the configuration has it: `s`, `G`, `ctrl-s`, `alt-x`, `space`, `pageup`, `f5`.
    #[must_use]
    pub fn name(self) -> String {
        self.with(|(_, name, _)| (*name).to_owned(), ["ctrl-", "alt-"])
    }

    fn with(self, named: impl Fn(&(KeyCode, &str, &str)) -> String, [control, alt]: [&str; 2]) -> String {
        let key = match (NAMED.iter().find(|(code, ..)| *code == self.code), self.code) {
            (Some(entry), _) => named(entry),
            (None, KeyCode::Char(letter)) if self.control => named(&(self.code, &letter.to_string(), &upper(letter))),
            (None, KeyCode::Char(letter)) => letter.to_string(),
            (None, KeyCode::F(number)) => named(&(self.code, &format!("f{number}"), &format!("F{number}"))),
            (None, code) => format!("{code:?}"),
        };
        format!("{}{}{key}", if self.control { control } else { "" }, if self.alt { alt } else { "" })
    }
}

fn upper(letter: char) -> String {
    letter.to_ascii_uppercase().to_string()
}

/// As footer and help write it: `s`, `Ctrl-S`, `↓`, `PgUp`.
impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str(&self.with(|(.., written)| (*written).to_owned(), ["Ctrl-", "Alt-"]))
    }
}

impl FromStr for Key {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (control, rest) = text.strip_prefix("ctrl-").map_or((false, text), |rest| (true, rest));
        let (alt, rest) = rest.strip_prefix("alt-").map_or((false, rest), |rest| (true, rest));
        let mut letters = rest.chars();
        let named = NAMED.iter().find(|(_, name, _)| *name == rest).map(|(code, ..)| *code);
        let function = rest.strip_prefix('f').and_then(|number| number.parse().ok()).filter(|n| (1..=12).contains(n));
        let code = match (named.or(function.map(KeyCode::F)), letters.next(), letters.next()) {
            (Some(code), ..) => code,
            (None, Some(letter), None) if !letter.is_control() => KeyCode::Char(letter),
            _ => {
                return Err(format!(
                    "{text:?} is no key: a letter or sign, or {}, or f1 to f12; ctrl- and alt- may stand before it",
                    NAMED.map(|(_, name, _)| name)[..16].join(", ")
                ));
            }
        };
        // With Control a terminal may send either case: see `of`.
        let code = match code {
            KeyCode::Char(letter) if control => KeyCode::Char(letter.to_ascii_lowercase()),
            code => code,
        };
        Ok(Self { code, control, alt })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_keys_name_is_read_as_the_same_key() {
        let letters = ('!'..='~').flat_map(|letter| [Key::letter(letter), Key { alt: true, ..Key::letter(letter) }]);
        let controls = ('a'..='z').map(Key::control);
        let named = NAMED.iter().map(|(code, ..)| Key::plain(*code));
        let functions = (1..=12).map(|number| Key::plain(KeyCode::F(number)));
        for key in letters.chain(controls).chain(named).chain(functions) {
            assert_eq!(key.name().parse(), Ok(key), "{key}");
        }
    }

    #[test]
    fn what_is_no_key_is_refused_with_what_is_one() {
        for text in ["", "ctrl-", "hyper-x", "pgup", "f13", "ab"] {
            let said = text.parse::<Key>().unwrap_err();
            assert!(said.contains("pageup") && said.contains("f1 to f12"), "{said}");
        }
    }

    #[test]
    fn keys_are_written_as_people_know_them() {
        let written = [Key::control('s'), Key::letter(' '), Key::plain(KeyCode::PageUp), Key::letter('G')];
        assert_eq!(written.map(|key| key.to_string()), ["Ctrl-S", "Space", "PgUp", "G"]);
    }
}
