//! Text into the terminal's clipboard by OSC 52, which works from afar too.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::notify::passed_through;

/// The sequence that puts a text there; within tmux in an envelope that it hands on.
#[must_use]
pub fn bytes(text: &str, in_tmux: bool) -> String {
    let plain = format!("\x1b]52;c;{}\x07", STANDARD.encode(text));
    if in_tmux { passed_through(&plain) } else { plain }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::runs::export::MOST_COPIED;

    #[test]
    fn a_text_is_sent_as_xterm_reads_it() {
        assert_eq!(bytes("run-5", false), "\x1b]52;c;cnVuLTU=\x07");
        assert_eq!(bytes("run-5", true), "\x1bPtmux;\x1b\x1b]52;c;cnVuLTU=\x07\x1b\\");
    }

    #[test]
    fn the_longest_text_stays_within_what_terminals_take() {
        assert!(bytes(&"x".repeat(MOST_COPIED), false).len() <= 100_000);
        assert!(bytes(&"x".repeat(MOST_COPIED + 3), false).len() > 100_000);
    }
}
