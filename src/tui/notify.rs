//! Tells the user, who may be elsewhere, by a notification of the terminal and the bell.

use crate::config::Notify;
use crate::config::place::environment;
use crate::terminal::Multiplexer;

/// How a terminal is asked to notify.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    /// iTerm2's, which most terminals know.
    Osc9,
    /// rxvt's, and foot's.
    Osc777,
    Bell,
}

fn way(term: &str) -> Way {
    match term {
        "" | "dumb" | "linux" => Way::Bell,
        _ if term.starts_with("foot") || term.starts_with("rxvt") => Way::Osc777,
        _ => Way::Osc9,
    }
}

/// The bytes that notify on this terminal, as the user wants it; within tmux wrapped so that it passes them on.
pub fn bytes(text: &str, wanted: Notify) -> String {
    let term = std::env::var("TERM").unwrap_or_default();
    let tmux = in_tmux();
    match wanted {
        Notify::Auto => compose(text, way(&term), tmux),
        Notify::Bell => compose(text, Way::Bell, tmux),
        Notify::Off => String::new(),
    }
}

/// Whether tmux lies between.
pub fn in_tmux() -> bool {
    Multiplexer::find(&environment) == Some(Multiplexer::Tmux)
}

fn compose(text: &str, way: Way, tmux: bool) -> String {
    let text: String = text.chars().filter(|letter| !letter.is_control() && *letter != ';').take(200).collect();
    let sequence = match way {
        Way::Osc9 => format!("\x1b]9;xray-tui: {text}\x1b\\"),
        Way::Osc777 => format!("\x1b]777;notify;xray-tui;{text}\x1b\\"),
        Way::Bell => String::new(),
    };
    format!("{}\x07", if tmux { passed_through(&sequence) } else { sequence })
}

/// As tmux passes it on to the terminal around it.
pub fn passed_through(sequence: &str) -> String {
    if sequence.is_empty() {
        String::new()
    } else {
        format!("\x1bPtmux;{}\x1b\\", sequence.replace('\x1b', "\x1b\x1b"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_terminal_is_told_in_its_own_way() {
        assert_eq!(
            compose("run-7 has finished", way("xterm-256color"), false),
            "\x1b]9;xray-tui: run-7 has finished\x1b\\\x07"
        );
        assert_eq!(compose("done", way("foot"), false), "\x1b]777;notify;xray-tui;done\x1b\\\x07");
        assert_eq!(compose("done", way("linux"), false), "\x07");
    }

    #[test]
    fn tmux_passes_it_on_whole() {
        assert_eq!(compose("done", Way::Osc9, true), "\x1bPtmux;\x1b\x1b]9;xray-tui: done\x1b\x1b\\\x1b\\\x07");
    }

    #[test]
    fn no_text_ends_the_sequence_early() {
        let sent = compose("a\x1b\\b\x07;c\u{9c}", Way::Osc9, false);
        assert_eq!(sent, "\x1b]9;xray-tui: a\\bc\x1b\\\x07");
    }
}
