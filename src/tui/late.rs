//! Answers of the terminal that come too late to be read as such: crossterm takes them for keys.

use std::time::{Duration, Instant};

use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

/// Such an answer comes within this time, if it comes at all.
const LATEST: Duration = Duration::from_secs(20);

/// All of it comes within this time.
const AT_ONCE: Duration = Duration::from_secs(1);

/// No answer is longer.
const LONGEST: usize = 200;

/// Drops the keys that a late answer about the background or about pictures looks like: `Alt-]` or `Alt-_`, text, and
/// `Alt-\\` or `Ctrl-G`.
#[derive(Debug)]
pub struct LateAnswer {
    asked: Instant,
    /// When the first key of one came.
    begun: Instant,
    /// Keys of it so far; 0 where none is coming in.
    keys: usize,
}

impl LateAnswer {
    /// Asked just now.
    pub fn new() -> Self {
        Self { asked: Instant::now(), begun: Instant::now(), keys: 0 }
    }

    /// Whether the key is a part of such an answer.
    pub fn takes(&mut self, key: KeyEvent) -> bool {
        let (alt, control) = (KeyModifiers::ALT, KeyModifiers::CONTROL);
        let is = |letter, modifier| key.code == KeyCode::Char(letter) && key.modifiers.contains(modifier);
        if self.keys == 0 || self.begun.elapsed() > AT_ONCE {
            self.begun = Instant::now();
            self.keys = usize::from((is(']', alt) || is('_', alt)) && self.asked.elapsed() < LATEST);
            return self.keys > 0;
        }
        let over = is('\\', alt) || is('g', control) || self.keys >= LONGEST;
        self.keys = if over { 0 } else { self.keys + 1 };
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(letter: char, modifiers: KeyModifiers) -> KeyEvent {
        KeyEvent::new(KeyCode::Char(letter), modifiers)
    }

    #[test]
    fn a_late_answer_presses_no_keys_and_what_follows_does() {
        let (alt, bell) = (KeyModifiers::ALT, key('g', KeyModifiers::CONTROL));
        let answers = [(']', "11;rgb:1e1e/1e1e/2e2e"), ('_', "Gi=31;OK")];
        for ((first, text), end) in answers.into_iter().zip([key('\\', alt), bell]) {
            let mut late = LateAnswer::new();
            assert!(!late.takes(key('1', KeyModifiers::NONE)));
            assert!(late.takes(key(first, alt)));
            assert!(text.chars().all(|letter| late.takes(key(letter, KeyModifiers::NONE))));
            assert!(late.takes(end));
            assert!(!late.takes(key('q', KeyModifiers::NONE)));
        }
    }

    #[test]
    fn an_answer_that_never_ends_takes_few_keys() {
        let mut late = LateAnswer::new();
        assert!(late.takes(key(']', KeyModifiers::ALT)));
        let taken = (0..2 * LONGEST).filter(|_| late.takes(key('x', KeyModifiers::NONE))).count();
        assert_eq!(taken, LONGEST);
    }
}
