//! What lies over a screen and takes all keys: a question, and the list of commands that is help and palette.

use super::action::{Action, Place};
use super::input::Input;
use super::keymap::{BINDINGS, Keymap};

/// What the user is asked before something is destroyed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Question {
    /// Quit although a run is under way?
    Quit,
    /// Delete this run?
    Delete { run_id: String, name: String },
}

/// What lies over the screen and takes all keys.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Popup {
    Commands(Commands),
    Question(Question),
    /// Runs that wait, with the chosen row.
    Queue(usize),
}

/// The lines of the table of commands that match what is typed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Commands {
    /// All there are, as the help shows them; else those that work where the user is.
    pub all: bool,
    pub input: Input,
    /// The chosen one among those found.
    pub row: usize,
}

impl Commands {
    #[must_use]
    pub fn help() -> Self {
        Self { all: true, ..Self::default() }
    }

    /// Lines of the table; those of the place below come first.
    #[must_use]
    pub fn found(&self, keymap: &Keymap, below: Place) -> Vec<usize> {
        let words: Vec<String> = self.input.text().to_lowercase().split_whitespace().map(str::to_owned).collect();
        let matches = |line: &usize| {
            let text = text_of(*line, keymap);
            words.iter().all(|word| text.contains(word))
        };
        if self.all {
            let here: Vec<usize> = keymap.lines_at(below).collect();
            let elsewhere = (0..BINDINGS.len()).filter(|line| !here.contains(line));
            return here.iter().copied().chain(elsewhere).filter(matches).collect();
        }
        keymap
            .lines_at(below)
            .filter(|line| matches(line) && !BINDINGS[*line].action.is_movement())
            .filter(|line| {
                let first = keymap.lines_at(below).find(|other| BINDINGS[*other].action == BINDINGS[*line].action);
                first == Some(*line)
            })
            .collect()
    }

    /// Moves the chosen line; `page` is how many are to be seen.
    pub fn step(&mut self, action: Action, (found, page): (usize, usize)) {
        let last = found.saturating_sub(1);
        self.row = match action {
            Action::Up => self.row.saturating_sub(1),
            Action::Down => self.row + 1,
            Action::PageUp => self.row.saturating_sub(page),
            Action::PageDown => self.row + page,
            _ => self.row,
        }
        .min(last);
    }
}

/// What a line is searched by.
fn text_of(line: usize, keymap: &Keymap) -> String {
    let binding = &BINDINGS[line];
    let (place, name) = (binding.place.title(), binding.action.name());
    format!("{} {} {place} {name} {}", binding.help, binding.short, keymap.written(line)).to_lowercase()
}
