//! The settings on Train, by keys and clicks.

use crate::terminal::{Key, Terminal};

/// Types a setting's value and keeps it.
pub fn set(terminal: &Terminal, label: &str, value: &str) {
    choose(terminal, label);
    terminal.key(Key::Enter);
    terminal.wait_for("Enter keep");
    terminal.key(Key::Control('u'));
    terminal.send(value);
    terminal.key(Key::Enter);
    terminal.wait_until("the value kept", |screen| {
        let is_kept = mark(screen).is_some_and(|line| line.contains(label) && line.contains(value));
        is_kept && screen.contents().contains("Enter type")
    });
}

/// Chooses a setting: by a click where it is seen, else by going down to it, as the settings scroll.
fn choose(terminal: &Terminal, label: &str) {
    let chosen = format!("▸ {label} ");
    terminal.wait_for("▸ ");
    if terminal.find(&chosen).is_some() {
        return;
    }
    // Two spaces before it: the label of another setting may end alike.
    let other = format!("  {label} ");
    if terminal.find(&other).is_some() {
        terminal.click_on(&other);
        terminal.wait_for(&chosen);
        return;
    }
    terminal.key(Key::Char('g'));
    terminal.wait_for("▸ recipe ");
    while terminal.find(&chosen).is_none() {
        let before = terminal.screen(mark);
        terminal.key(Key::Down);
        terminal.wait_until("the next setting", |screen| mark(screen) != before);
    }
}

/// The line that is chosen.
fn mark(screen: &vt100::Screen) -> Option<String> {
    screen.contents().lines().find(|line| line.contains("▸ ")).map(str::to_owned)
}
