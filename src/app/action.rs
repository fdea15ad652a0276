//! Everything a key or a click can do, in one table that gives keys, help and footer.

use ratatui::crossterm::event::KeyCode::{
    self, BackTab, Char, Delete, Down, End, Enter, Esc, Home, Left, PageDown, PageUp, Right, Tab, Up,
};
use ratatui::crossterm::event::{KeyEvent, KeyModifiers};

/// A thing the user can do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Action {
    Quit,
    Help,
    ShowData,
    ShowTrain,
    ShowRuns,
    ShowInspect,
    NextScreen,
    PreviousScreen,
    Back,
    Up,
    Down,
    PageUp,
    PageDown,
    First,
    Last,
    MakeDemo,
    Reload,
    Edit,
    Less,
    More,
    Start,
    Stop,
    PauseOrResume,
    NewRun,
    Open,
    Sort,
    SortBack,
    Delete,
    ResumeRun,
    InspectRun,
    Again,
    Report,
    Verify,
    NextMistake,
    PreviousMistake,
    NextRun,
    PreviousRun,
    Yes,
    No,
    Keep,
    Discard,
}

/// Where a key works.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    Everywhere,
    Data,
    DataMissing,
    /// The data set is being read: no key but those of everywhere.
    DataBusy,
    Form,
    /// A value is typed: letters go into it.
    Editing,
    Live,
    Ended,
    Runs,
    Detail,
    Inspect,
    Question,
    Help,
}

/// One line of the table.
#[derive(Debug, Clone, Copy)]
pub struct Binding {
    pub action: Action,
    pub place: Place,
    pub keys: &'static [KeyCode],
    /// How the keys are written in footer and help.
    pub written: &'static str,
    /// One or two words for the footer; empty: not in the footer.
    pub short: &'static str,
    pub help: &'static str,
}

const fn bind(
    (action, place): (Action, Place),
    keys: &'static [KeyCode],
    written: &'static str,
    (short, help): (&'static str, &'static str),
) -> Binding {
    Binding { action, place, keys, written, short, help }
}

const UP: &[KeyCode] = &[Up, Char('k')];
const DOWN: &[KeyCode] = &[Down, Char('j')];

/// Every key there is. Ctrl-C is `Quit` too, everywhere.
pub const BINDINGS: &[Binding] = &[
    bind(
        (Action::MakeDemo, Place::DataMissing),
        &[Char('d'), Enter],
        "d",
        ("demo set", "write the synthetic demo set"),
    ),
    bind((Action::Reload, Place::DataMissing), &[Char('r')], "r", ("look again", "look for a data set again")),
    bind((Action::Reload, Place::Data), &[Char('r')], "r", ("reload", "read the data set again")),
    bind((Action::Up, Place::Data), UP, "↑k", ("", "scroll up")),
    bind((Action::Down, Place::Data), DOWN, "↓j", ("scroll", "scroll down")),
    bind((Action::Start, Place::Form), &[Char('s')], "s", ("start", "start training")),
    bind((Action::Up, Place::Form), UP, "↑k", ("", "setting before")),
    bind((Action::Down, Place::Form), DOWN, "↓j", ("choose", "next setting")),
    bind((Action::Less, Place::Form), &[Left, Char('h')], "←h", ("", "smaller value, or off")),
    bind((Action::More, Place::Form), &[Right, Char('l')], "→l", ("change", "larger value, or on")),
    bind((Action::Edit, Place::Form), &[Enter], "Enter", ("type", "type a value")),
    bind((Action::Keep, Place::Editing), &[Enter], "Enter", ("keep", "keep the typed value")),
    bind((Action::Discard, Place::Editing), &[Esc], "Esc", ("discard", "leave the value as it was; Ctrl-U empties it")),
    bind((Action::PauseOrResume, Place::Live), &[Char(' '), Char('p')], "Space", ("pause", "pause or go on")),
    bind((Action::Less, Place::Live), &[Char('<')], "<", ("", "smaller learning rate, from the next batch on")),
    bind((Action::More, Place::Live), &[Char('>')], ">", ("rate", "larger learning rate, from the next batch on")),
    bind((Action::Stop, Place::Live), &[Char('s')], "s", ("stop", "stop after this batch; the run can be resumed")),
    bind((Action::NewRun, Place::Ended), &[Char('n'), Enter], "n", ("new run", "back to the settings")),
    bind(
        (Action::ResumeRun, Place::Ended),
        &[Char('r')],
        "r",
        ("resume", "go on with it, if it was stopped or failed"),
    ),
    bind((Action::InspectRun, Place::Ended), &[Char('i')], "i", ("inspect", "step through its test images")),
    bind((Action::Up, Place::Runs), UP, "↑k", ("", "run above")),
    bind((Action::Down, Place::Runs), DOWN, "↓j", ("", "run below")),
    bind((Action::PageUp, Place::Runs), &[PageUp], "PgUp", ("", "page up")),
    bind((Action::PageDown, Place::Runs), &[PageDown], "PgDn", ("", "page down")),
    bind((Action::First, Place::Runs), &[Char('g'), Home], "g", ("", "first run")),
    bind((Action::Last, Place::Runs), &[Char('G'), End], "G", ("", "last run")),
    bind((Action::Open, Place::Runs), &[Enter], "Enter", ("open", "show the run with its curves")),
    bind((Action::Sort, Place::Runs), &[Char('>')], ">", ("sort", "sort by the next column")),
    bind((Action::SortBack, Place::Runs), &[Char('<')], "<", ("", "sort by the column before")),
    bind(
        (Action::ResumeRun, Place::Runs),
        &[Char('r')],
        "r",
        ("resume", "go on with a stopped, failed or crashed run"),
    ),
    bind((Action::InspectRun, Place::Runs), &[Char('i')], "i", ("inspect", "step through its test images")),
    bind((Action::Again, Place::Runs), &[Char('e')], "e", ("", "take its settings to Train, to change and run again")),
    bind((Action::Delete, Place::Runs), &[Char('x'), Delete], "x", ("delete", "delete the run and its checkpoints")),
    bind((Action::Back, Place::Detail), &[Esc, Enter], "Esc", ("back", "back to the table")),
    bind(
        (Action::Again, Place::Detail),
        &[Char('e')],
        "e",
        ("", "take its settings to Train, to change and run again"),
    ),
    bind(
        (Action::Report, Place::Detail),
        &[Char('w')],
        "w",
        ("report", "write its model card into the working folder"),
    ),
    bind((Action::Verify, Place::Detail), &[Char('v')], "v", ("verify", "make its stored figures again and compare")),
    bind(
        (Action::ResumeRun, Place::Detail),
        &[Char('r')],
        "r",
        ("resume", "go on with a stopped, failed or crashed run"),
    ),
    bind((Action::InspectRun, Place::Detail), &[Char('i')], "i", ("inspect", "step through its test images")),
    bind((Action::Down, Place::Inspect), &[Down, Char('j'), Right], "↓j", ("next", "next image")),
    bind((Action::Up, Place::Inspect), &[Up, Char('k'), Left], "↑k", ("before", "image before")),
    bind((Action::PageDown, Place::Inspect), &[PageDown], "PgDn", ("", "ten images on")),
    bind((Action::PageUp, Place::Inspect), &[PageUp], "PgUp", ("", "ten images back")),
    bind((Action::First, Place::Inspect), &[Char('g'), Home], "g", ("", "first image")),
    bind((Action::Last, Place::Inspect), &[Char('G'), End], "G", ("", "last image")),
    bind((Action::NextMistake, Place::Inspect), &[Char('n')], "n", ("mistake", "next mistake")),
    bind((Action::PreviousMistake, Place::Inspect), &[Char('N')], "N", ("", "mistake before")),
    bind((Action::NextRun, Place::Inspect), &[Char(']')], "]", ("run", "next run")),
    bind((Action::PreviousRun, Place::Inspect), &[Char('[')], "[", ("", "run before")),
    bind((Action::Yes, Place::Question), &[Char('y'), Enter], "y", ("yes", "do it")),
    bind((Action::No, Place::Question), &[Char('n'), Esc], "n", ("no", "leave it")),
    bind((Action::Back, Place::Help), &[Esc, Char('?'), Enter], "Esc", ("close", "close")),
    bind((Action::Up, Place::Help), UP, "↑k", ("", "scroll up")),
    bind((Action::Down, Place::Help), DOWN, "↓j", ("scroll", "scroll down")),
    bind((Action::ShowData, Place::Everywhere), &[Char('1')], "1", ("", "Data")),
    bind((Action::ShowTrain, Place::Everywhere), &[Char('2')], "2", ("", "Train")),
    bind((Action::ShowRuns, Place::Everywhere), &[Char('3')], "3", ("", "Runs")),
    bind((Action::ShowInspect, Place::Everywhere), &[Char('4')], "4", ("", "Inspect")),
    bind((Action::NextScreen, Place::Everywhere), &[Tab], "Tab", ("", "next screen")),
    bind((Action::PreviousScreen, Place::Everywhere), &[BackTab], "Shift-Tab", ("", "screen before")),
    bind((Action::Help, Place::Everywhere), &[Char('?')], "?", ("help", "all keys")),
    bind((Action::Quit, Place::Everywhere), &[Char('q')], "q", ("quit", "quit; Ctrl-C too")),
];

/// Whether the keys of `Everywhere` work at `place` too: a question, the help and a typed value take all keys.
const fn is_open(place: Place) -> bool {
    !matches!(place, Place::Question | Place::Help | Place::Editing)
}

/// The lines of the table that work at `place`, its own first.
pub fn bindings_at(place: Place) -> impl Iterator<Item = &'static Binding> {
    BINDINGS.iter().filter(move |b| b.place == place || (is_open(place) && b.place == Place::Everywhere))
}

/// What `key` does at `place`.
#[must_use]
pub fn action_of(key: KeyEvent, place: Place) -> Option<Action> {
    if key.modifiers.contains(KeyModifiers::CONTROL) {
        return (key.code == Char('c')).then_some(Action::Quit);
    }
    bindings_at(place).find(|binding| binding.keys.contains(&key.code)).map(|binding| binding.action)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_key_means_two_things_in_one_place() {
        for binding in BINDINGS {
            let at = bindings_at(binding.place);
            let same = at.flat_map(|other| other.keys).filter(|key| binding.keys.contains(key)).count();
            assert_eq!(same, binding.keys.len(), "{binding:?}");
        }
    }

    #[test]
    fn control_c_quits_everywhere() {
        let key = KeyEvent::new(Char('c'), KeyModifiers::CONTROL);
        assert_eq!(action_of(key, Place::Question), Some(Action::Quit));
        assert_eq!(action_of(key, Place::Inspect), Some(Action::Quit));
    }
}
