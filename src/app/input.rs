//! A line that is being typed, with the keys that shells have taught people.

use ratatui::crossterm::event::KeyCode;

use super::key::Key;

/// Text and the cursor in it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Input {
    text: String,
    /// In bytes, at the start of a character or at the end.
    cursor: usize,
}

impl From<String> for Input {
    /// With the cursor at the end.
    fn from(text: String) -> Self {
        Self { cursor: text.len(), text }
    }
}

impl Input {
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// What stands before the cursor and after it.
    #[must_use]
    pub fn parts(&self) -> (&str, &str) {
        self.text.split_at(self.cursor)
    }

    /// Takes a key in; false where it means nothing here.
    pub fn press(&mut self, key: Key) -> bool {
        match (key.code, key.control, key.alt) {
            (KeyCode::Char('a'), true, _) | (KeyCode::Home, ..) => self.cursor = 0,
            (KeyCode::Char('e'), true, _) | (KeyCode::End, ..) => self.cursor = self.text.len(),
            (KeyCode::Char('b'), _, true) | (KeyCode::Left, true, _) => self.cursor = self.word_before(),
            (KeyCode::Char('f'), _, true) | (KeyCode::Right, true, _) => self.cursor = self.word_after(),
            (KeyCode::Char('b'), true, _) | (KeyCode::Left, ..) => self.cursor = self.before(),
            (KeyCode::Char('f'), true, _) | (KeyCode::Right, ..) => self.cursor = self.after(),
            (KeyCode::Char('u'), true, _) => self.cut(0, self.cursor),
            (KeyCode::Char('k'), true, _) => self.cut(self.cursor, self.text.len()),
            (KeyCode::Char('w'), true, _) | (KeyCode::Backspace, _, true) => self.cut(self.word_before(), self.cursor),
            (KeyCode::Char('d'), _, true) => self.cut(self.cursor, self.word_after()),
            (KeyCode::Char('h'), true, _) | (KeyCode::Backspace, ..) => self.cut(self.before(), self.cursor),
            (KeyCode::Char('d'), true, _) | (KeyCode::Delete, ..) => self.cut(self.cursor, self.after()),
            (KeyCode::Char(letter), false, false) => self.insert(letter),
            _ => return false,
        }
        true
    }

    /// Puts pasted text in, without what is no text.
    pub fn paste(&mut self, pasted: &str) {
        for letter in pasted.chars().filter(|letter| !letter.is_control()) {
            self.insert(letter);
        }
    }

    fn insert(&mut self, letter: char) {
        self.text.insert(self.cursor, letter);
        self.cursor += letter.len_utf8();
    }

    fn cut(&mut self, from: usize, to: usize) {
        self.text.replace_range(from..to, "");
        self.cursor = from;
    }

    fn before(&self) -> usize {
        self.text[..self.cursor].char_indices().last().map_or(0, |(at, _)| at)
    }

    fn after(&self) -> usize {
        self.text[self.cursor..].chars().next().map_or(self.cursor, |letter| self.cursor + letter.len_utf8())
    }

    fn word_before(&self) -> usize {
        let words = self.text[..self.cursor].trim_end();
        words.rfind(char::is_whitespace).map_or(0, |at| at + words[at..].chars().next().map_or(0, char::len_utf8))
    }

    fn word_after(&self) -> usize {
        let rest = &self.text[self.cursor..];
        let gap = rest.len() - rest.trim_start().len();
        self.cursor + gap + rest[gap..].find(char::is_whitespace).unwrap_or(rest.len() - gap)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn after(text: &str, keys: &[Key]) -> (String, String) {
        let mut input = Input::from(text.to_owned());
        for key in keys {
            input.press(*key);
        }
        let (before, after) = input.parts();
        (before.into(), after.into())
    }

    #[test]
    fn the_keys_of_the_shell_move_and_cut() {
        let (control, alt) = (Key::control, |letter| Key { alt: true, ..Key::letter(letter) });
        let text = "acc>0.9 tag:best  run";
        for (keys, expected) in [
            (vec![control('a')], ("", text)),
            (vec![control('a'), control('f'), control('f')], ("ac", "c>0.9 tag:best  run")),
            (vec![control('w')], ("acc>0.9 tag:best  ", "")),
            (vec![control('w'), control('w')], ("acc>0.9 ", "")),
            (vec![control('u')], ("", "")),
            (vec![alt('b'), alt('b'), control('k')], ("acc>0.9 ", "")),
            (vec![control('a'), alt('f'), alt('f'), alt('d')], ("acc>0.9 tag:best", "")),
            (vec![control('a'), alt('d')], ("", " tag:best  run")),
            (vec![control('b'), control('d'), control('h')], ("acc>0.9 tag:best  r", "")),
            (vec![control('a'), control('h')], ("", text)),
            (vec![control('d')], (text, "")),
        ] {
            assert_eq!(after(text, &keys), (expected.0.into(), expected.1.into()), "{keys:?}");
        }
    }

    proptest! {
        #[test]
        fn any_keys_on_any_text_leave_the_cursor_between_characters(
            text in "[ a-zé肺🩻]{0,12}",
            keys in prop::collection::vec(("[abdefhkuwé肺 ]", any::<bool>(), any::<bool>()), 0..40),
            pasted in ".{0,8}",
        ) {
            let mut input = Input::from(text);
            for (letter, control, alt) in keys {
                input.press(Key { control, alt, ..Key::letter(letter.chars().next().unwrap()) });
                let _ = input.parts();
            }
            input.paste(&pasted);
            prop_assert!(!input.text().chars().any(char::is_control));
        }
    }
}
