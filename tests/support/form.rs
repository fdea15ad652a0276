//! The settings on Train, by keys and clicks.

use crate::terminal::{Key, Terminal};

/// Types a setting's value and keeps it.
pub fn set(terminal: &Terminal, label: &str, value: &str) {
    terminal.click_on(label);
    terminal.wait_for(&format!("▸ {label}"));
    terminal.key(Key::Enter);
    terminal.wait_for("Enter keep");
    terminal.key(Key::Control('u'));
    terminal.send(value);
    terminal.key(Key::Enter);
    terminal.wait_until("the value kept", |screen| {
        let text = screen.contents();
        text.contains("Enter type") && text.lines().any(|line| line.contains(label) && line.contains(value))
    });
}
