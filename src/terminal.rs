//! What is known of the terminal without asking it: by the environment and the system.

pub mod background;
pub mod cells;
pub mod graphics;

use std::io::{self, IsTerminal};

use crate::config::place::Variables;
use crate::config::{Ascii, Colours};

/// A program between this one and the terminal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Multiplexer {
    Tmux,
    Screen,
    Zellij,
}

impl Multiplexer {
    /// The one that this program runs in.
    #[must_use]
    pub fn find(variable: Variables) -> Option<Self> {
        let term = text(variable, "TERM");
        let is =
            |name: &str, term_is: &str| variable(name).is_some() || (!term_is.is_empty() && term.starts_with(term_is));
        if is("ZELLIJ", "") {
            return Some(Self::Zellij);
        }
        // tmux may call itself `screen`.
        if is("TMUX", "tmux") {
            return Some(Self::Tmux);
        }
        is("STY", "screen").then_some(Self::Screen)
    }

    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Tmux => "tmux",
            Self::Screen => "screen",
            Self::Zellij => "zellij",
        }
    }
}

/// Whether the terminal is on another machine.
#[must_use]
pub fn is_remote(variable: Variables) -> bool {
    ["SSH_CONNECTION", "SSH_CLIENT", "SSH_TTY"].into_iter().any(|name| variable(name).is_some())
}

/// Whether both input and output are a terminal.
#[must_use]
pub fn is_there() -> bool {
    io::stdin().is_terminal() && io::stdout().is_terminal()
}

/// Columns and rows, where output is a terminal that tells.
#[must_use]
pub fn size() -> Option<(u16, u16)> {
    let size = rustix::termios::tcgetwinsize(io::stdout()).ok()?;
    (size.ws_col > 0 && size.ws_row > 0).then_some((size.ws_col, size.ws_row))
}

/// Pixels of a cell, width and height, where output is a terminal that tells.
#[must_use]
pub fn cell() -> Option<(u16, u16)> {
    let size = rustix::termios::tcgetwinsize(io::stdout()).ok()?;
    let cell = (size.ws_xpixel.checked_div(size.ws_col)?, size.ws_ypixel.checked_div(size.ws_row)?);
    (cell.0 > 0 && cell.1 > 0).then_some(cell)
}

/// The locale's name, empty where none is set, and whether its letters are UTF-8.
#[must_use]
pub fn locale(variable: Variables) -> (String, bool) {
    let name = ["LC_ALL", "LC_CTYPE", "LANG"].into_iter().find_map(variable);
    let name = name.unwrap_or_default().to_string_lossy().into_owned();
    let is_utf8 = ["utf-8", "utf8"].iter().any(|kind| name.to_lowercase().contains(kind));
    (name, is_utf8)
}

/// Whether the screen is to be drawn in ASCII alone.
#[must_use]
pub fn is_ascii(wanted: Ascii, variable: Variables) -> bool {
    match wanted {
        Ascii::On => true,
        Ascii::Off => false,
        Ascii::Auto => !locale(variable).1,
    }
}

/// The colours to use, never `Auto`, and why these.
#[must_use]
pub fn colours(wanted: Colours, variable: Variables) -> (Colours, String) {
    let (term, colorterm) = (text(variable, "TERM"), text(variable, "COLORTERM"));
    match (wanted, colorterm.as_str()) {
        (Colours::Auto, _) if variable("NO_COLOR").is_some() => (Colours::None, "NO_COLOR is set".into()),
        (Colours::Auto, _) if term == "dumb" => (Colours::None, "TERM is dumb".into()),
        (Colours::Auto, "truecolor" | "24bit") => (Colours::True, format!("COLORTERM is {colorterm}")),
        (Colours::Auto, "") => (Colours::Indexed, "COLORTERM is not set".into()),
        (Colours::Auto, _) => (Colours::Indexed, format!("COLORTERM is {colorterm}, not truecolor or 24bit")),
        (said, _) => (said, "the settings say so".into()),
    }
}

fn text(variable: Variables, name: &str) -> String {
    variable(name).unwrap_or_default().to_string_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    use std::ffi::OsString;

    use super::*;

    fn set<'a>(all: &'a [(&str, &str)]) -> impl Fn(&str) -> Option<OsString> + 'a {
        |name| all.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).into())
    }

    #[test]
    fn a_multiplexer_is_told_by_its_variable_or_its_terminal() {
        let found = |all: &[(&str, &str)]| Multiplexer::find(&set(all));
        assert_eq!(found(&[("TERM", "xterm-256color")]), None);
        assert_eq!(found(&[("TMUX", "/tmp/x"), ("TERM", "screen-256color")]), Some(Multiplexer::Tmux));
        assert_eq!(found(&[("TERM", "tmux-256color")]), Some(Multiplexer::Tmux));
        assert_eq!(found(&[("TERM", "screen.xterm")]), Some(Multiplexer::Screen));
        assert_eq!(found(&[("ZELLIJ", "0"), ("TERM", "xterm")]), Some(Multiplexer::Zellij));
    }

    #[test]
    fn the_first_locale_that_is_set_counts() {
        assert_eq!(locale(&set(&[("LANG", "de_DE.UTF-8"), ("LC_ALL", "C")])), ("C".into(), false));
        assert!(locale(&set(&[("LC_CTYPE", "en_GB.utf8"), ("LANG", "C")])).1);
        assert!(is_ascii(Ascii::Auto, &set(&[("LANG", "POSIX")])));
        assert!(!is_ascii(Ascii::Off, &set(&[("LANG", "POSIX")])) && is_ascii(Ascii::On, &set(&[("LANG", "C.UTF-8")])));
    }

    #[test]
    fn settings_go_before_what_the_terminal_says_of_its_colours() {
        let by = |wanted, all: &[(&str, &str)]| colours(wanted, &set(all)).0;
        assert_eq!(by(Colours::Auto, &[("TERM", "xterm"), ("COLORTERM", "truecolor")]), Colours::True);
        assert_eq!(by(Colours::Auto, &[("TERM", "xterm")]), Colours::Indexed);
        assert_eq!(by(Colours::Auto, &[("NO_COLOR", "1"), ("COLORTERM", "truecolor")]), Colours::None);
        assert_eq!(by(Colours::Auto, &[("TERM", "dumb")]), Colours::None);
        assert_eq!(by(Colours::True, &[("NO_COLOR", "1")]), Colours::True);
    }
}
