//! What lies over a screen and takes all keys: a question, a typed line, a list, and the commands that are help and palette.

use super::action::{Action, Place};
use super::input::Input;
use super::keymap::{BINDINGS, Keymap};
use super::runs::picker::Picker;

/// What the user is asked before something is destroyed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Question {
    /// Quit although a run is under way?
    Quit,
    /// Stop a run that another process trains?
    StopElsewhere { name: String },
    /// Delete for good what is in the trash?
    EmptyTrash,
    /// Write the table over this file?
    Overwrite { path: String },
    /// Let this run be the champion?
    Promote { run_id: String, name: String },
    /// Let the champion before be the champion again?
    RollBack,
}

/// What lies over the screen and takes all keys.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Popup {
    Commands(Commands),
    Question(Question),
    Queue(QueueList),
    Pipeline,
    Prompt(Prompt),
    Choice(Choice),
    Columns(Picker),
}

impl Popup {
    /// Whether a list is searched by what is typed, with something typed.
    #[must_use]
    pub fn is_searched(&self) -> bool {
        match self {
            Self::Commands(commands) => !commands.input.text().is_empty(),
            Self::Choice(choice) => !choice.input.text().is_empty(),
            _ => false,
        }
    }
}

/// The runs that wait, as a list.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct QueueList {
    /// The chosen one.
    pub row: usize,
    /// Why the last key did nothing.
    pub notice: Option<String>,
}

/// What a typed text is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Purpose {
    Rename {
        run_id: String,
    },
    Note {
        run_id: String,
    },
    Tags {
        run_ids: Vec<String>,
    },
    /// The file's name for the table of runs.
    Export,
    /// What the gate of a pipeline is to ask.
    Gate,
    /// The path of a picture from anywhere.
    OpenPicture,
    /// Of the shown image.
    ImageNote,
    /// The file's name for the list of images.
    ExportImages,
}

/// One line that is typed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Prompt {
    pub purpose: Purpose,
    pub title: String,
    /// What may be typed.
    pub hint: String,
    pub input: Input,
    /// Why what was typed cannot be kept.
    pub problem: Option<String>,
    /// The typed file is being written: it stays as it is until that is told of.
    pub writing: bool,
}

impl Prompt {
    #[must_use]
    pub fn new(purpose: Purpose, title: &str, hint: &str) -> Self {
        Self {
            purpose,
            title: title.to_owned(),
            hint: hint.to_owned(),
            input: Input::default(),
            problem: None,
            writing: false,
        }
    }

    /// With a text to begin with.
    #[must_use]
    pub fn with(self, text: &str) -> Self {
        Self { input: Input::from(text.to_owned()), ..self }
    }
}

/// What the chosen line of a list is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Choosing {
    /// What the table of runs is grouped by.
    Group,
    /// The run that the inspected one is held against.
    OtherRun,
}

/// A list of which one line is chosen; typed letters search it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Choice {
    pub choosing: Choosing,
    pub title: String,
    pub entries: Vec<String>,
    pub input: Input,
    /// The chosen one among those found.
    pub row: usize,
}

impl Choice {
    #[must_use]
    pub fn new(choosing: Choosing, title: &str, entries: Vec<String>) -> Self {
        Self { choosing, title: title.to_owned(), entries, input: Input::default(), row: 0 }
    }

    /// Places of the lines that the search finds.
    #[must_use]
    pub fn found(&self) -> Vec<usize> {
        let words: Vec<String> = self.input.text().to_lowercase().split_whitespace().map(str::to_owned).collect();
        let matches = |at: &usize| words.iter().all(|word| self.entries[*at].to_lowercase().contains(word));
        (0..self.entries.len()).filter(matches).collect()
    }

    /// Moves the chosen line; `page` are to be seen.
    pub fn step(&mut self, action: Action, page: usize) {
        self.row = stepped(self.row, action, (self.found().len(), page));
    }
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
        self.row = stepped(self.row, action, (found, page));
    }
}

/// The line that an action leads to from `row`.
pub(super) fn stepped(row: usize, action: Action, (found, page): (usize, usize)) -> usize {
    let last = found.saturating_sub(1);
    match action {
        Action::Up => row.saturating_sub(1),
        Action::Down => row + 1,
        Action::PageUp => row.saturating_sub(page),
        Action::PageDown => row + page,
        Action::First => 0,
        Action::Last => last,
        _ => row,
    }
    .min(last)
}

/// What a line is searched by.
fn text_of(line: usize, keymap: &Keymap) -> String {
    let binding = &BINDINGS[line];
    let (place, name) = (binding.place.title(), binding.action.name());
    format!("{} {} {place} {name} {}", binding.help, binding.short, keymap.written(line)).to_lowercase()
}

#[cfg(test)]
mod tests {
    use ratatui::crossterm::event::{KeyCode, KeyEvent};

    use super::*;
    use crate::app::App;
    use crate::app::message::Message;
    use crate::app::sample;
    use crate::app::scene::Scene;

    /// The chosen line after a key, with ten of them to be seen.
    fn row_after(app: &mut App, key: KeyCode) -> usize {
        let scene = Scene { visible_rows: 10, ..Scene::default() };
        app.update(Message::Key(KeyEvent::from(key)), &scene);
        match &app.popup {
            Some(Popup::Commands(commands)) => commands.row,
            Some(Popup::Choice(choice)) => choice.row,
            other => panic!("{other:?}"),
        }
    }

    fn opened(keys: &str) -> App {
        let mut app = sample::with_varied();
        sample::type_text(&mut app, keys);
        app
    }

    #[test]
    fn home_end_and_the_page_keys_move_through_a_list() {
        for keys in ["?", ":", "B"] {
            let mut app = opened(keys);
            let last = row_after(&mut app, KeyCode::End);
            assert!(last > 10, "{keys}: {last}");
            assert_eq!(row_after(&mut app, KeyCode::PageUp), last - 10, "{keys}");
            assert_eq!(row_after(&mut app, KeyCode::Home), 0, "{keys}");
            assert_eq!(row_after(&mut app, KeyCode::PageDown), 10, "{keys}");
        }
    }

    #[test]
    fn home_and_end_move_in_the_search_once_it_has_a_text() {
        let mut app = opened("?run");
        assert_eq!(row_after(&mut app, KeyCode::PageDown), 10);
        assert_eq!(row_after(&mut app, KeyCode::Home), 0, "what is typed is searched from its best line on");
        sample::type_text(&mut app, "p");
        let Some(Popup::Commands(commands)) = &app.popup else { panic!("{:?}", app.popup) };
        assert_eq!(commands.input.text(), "prun");
        for _ in 0..4 {
            sample::press(&mut app, KeyCode::Delete);
            sample::press(&mut app, KeyCode::Backspace);
        }
        assert!(row_after(&mut app, KeyCode::End) > 10, "the text is gone, so the list has the keys again");
    }
}
