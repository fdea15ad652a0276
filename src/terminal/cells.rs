//! Which cells pictures are drawn in: the finest that the terminal is known to draw without gaps.

use super::{Multiplexer, locale, text};
use crate::config::Cells;
use crate::config::place::Variables;

/// Terminals that draw sextants themselves, by the beginning of `TERM`: kitty since 0.19.3, foot since before 1.8.
const BY_TERM: [(&str, &str); 5] = [
    ("xterm-kitty", "kitty"),
    ("xterm-ghostty", "Ghostty"),
    ("foot", "foot"),
    ("contour", "contour"),
    ("wezterm", "WezTerm"),
];

/// By `TERM_PROGRAM`; `TERM_PROGRAM_VERSION` must be at least the last.
const BY_PROGRAM: [(&str, &str, &str); 3] =
    [("ghostty", "Ghostty", ""), ("contour", "contour", ""), ("WezTerm", "WezTerm", "20210814")];

/// Set by terminals that draw no sextants, or since a version that they do not tell. They may have been started from
/// one that does, whose variables they then have too.
const OTHERS: [&str; 5] = ["TERM_PROGRAM", "XTERM_VERSION", "KONSOLE_VERSION", "ALACRITTY_WINDOW_ID", "WT_SESSION"];

/// VTE 0.60, as `VTE_VERSION` has it.
const VTE: u32 = 6000;

/// The cells to use, never `Auto`, and why these.
#[must_use]
pub fn cells(wanted: Cells, variable: Variables) -> (Cells, String) {
    if wanted != Cells::Auto {
        return (wanted, "the settings say so".into());
    }
    if let Some(why) = why_halves(variable) {
        return (Cells::Half, why);
    }
    if let Some(multiplexer) = Multiplexer::find(variable) {
        return (Cells::Quadrants, format!("{} lies between, and any terminal may show it", multiplexer.name()));
    }
    match draws_sextants(variable) {
        Some(name) => (Cells::Sextants, format!("{name} draws them itself")),
        None => (Cells::Quadrants, "the terminal is not known to draw sextants".into()),
    }
}

fn why_halves(variable: Variables) -> Option<String> {
    let term = text(variable, "TERM");
    if term.rsplit('.').next() == Some("linux") {
        return Some("the console's letters have no more".into());
    }
    if text(variable, "TERM_PROGRAM") == "Apple_Terminal" {
        return Some("Apple's Terminal is not known to show more".into());
    }
    (!locale(variable).1).then(|| "the locale is not UTF-8".into())
}

/// The name of a terminal that does.
fn draws_sextants(variable: Variables) -> Option<&'static str> {
    let [term, program, version] = ["TERM", "TERM_PROGRAM", "TERM_PROGRAM_VERSION"].map(|name| text(variable, name));
    let by_term = BY_TERM.iter().find(|(start, _)| term.starts_with(start)).map(|(_, name)| *name);
    // A version is a date: later ones are greater as text too.
    let by_program = || BY_PROGRAM.iter().find(|(known, _, since)| *known == program && version.as_str() >= *since);
    by_term.or_else(|| by_program().map(|(_, name, _)| *name)).or_else(|| by_own_variable(&term, variable))
}

fn by_own_variable(term: &str, variable: Variables) -> Option<&'static str> {
    let is_other = OTHERS.iter().any(|name| variable(name).is_some());
    if is_other || !["xterm", "vte", "gnome"].iter().any(|start| term.starts_with(start)) {
        return None;
    }
    let vte = text(variable, "VTE_VERSION").parse().is_ok_and(|version: u32| version >= VTE);
    let kitty = variable("KITTY_WINDOW_ID").is_some();
    kitty.then_some("kitty").or_else(|| vte.then_some("VTE"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::ffi::OsString;

    /// In a UTF-8 locale.
    fn chosen(all: &[(&str, &str)]) -> Cells {
        let utf8 = [("LANG", "C.UTF-8")];
        let find = |name: &str| all.iter().chain(&utf8).find(|(known, _)| *known == name).map(|(_, value)| *value);
        cells(Cells::Auto, &|name| find(name).map(OsString::from)).0
    }

    #[test]
    fn terminals_that_draw_sextants_themselves_get_them() {
        for term in ["xterm-kitty", "xterm-ghostty", "foot", "foot-extra", "contour-latest", "wezterm"] {
            assert_eq!(chosen(&[("TERM", term)]), Cells::Sextants, "{term}");
        }
        let xterm = ("TERM", "xterm-256color");
        let wezterm = |version| [xterm, ("TERM_PROGRAM", "WezTerm"), ("TERM_PROGRAM_VERSION", version)];
        assert_eq!(chosen(&wezterm("20240203-110809-5046fc22")), Cells::Sextants);
        assert_eq!(chosen(&wezterm("20210502-154244-3f7122cb")), Cells::Quadrants);
        assert_eq!(chosen(&[xterm, ("TERM_PROGRAM", "ghostty")]), Cells::Sextants);
        assert_eq!(chosen(&[xterm, ("KITTY_WINDOW_ID", "1")]), Cells::Sextants);
        assert_eq!(chosen(&[xterm, ("VTE_VERSION", "6800")]), Cells::Sextants);
        assert_eq!(chosen(&[xterm, ("VTE_VERSION", "5202")]), Cells::Quadrants);
    }

    #[test]
    fn any_other_terminal_gets_quadrants_whatever_started_it() {
        assert_eq!(chosen(&[("TERM", "xterm-256color")]), Cells::Quadrants);
        let outer = ("VTE_VERSION", "7600");
        assert_eq!(chosen(&[("TERM", "alacritty"), outer]), Cells::Quadrants);
        for (name, value) in [
            ("XTERM_VERSION", "XTerm(390)"),
            ("KONSOLE_VERSION", "240502"),
            ("WT_SESSION", "1"),
            ("TERM_PROGRAM", "iTerm.app"),
            ("TERM_PROGRAM", "vscode"),
        ] {
            assert_eq!(chosen(&[("TERM", "xterm-256color"), outer, (name, value)]), Cells::Quadrants, "{value}");
        }
        assert_eq!(chosen(&[("TERM", "tmux-256color"), ("KITTY_WINDOW_ID", "1"), outer]), Cells::Quadrants);
        assert_eq!(chosen(&[("TERM", "xterm-kitty"), ("ZELLIJ", "0")]), Cells::Quadrants);
    }

    #[test]
    fn the_console_and_what_is_not_utf8_get_halves() {
        assert_eq!(chosen(&[("TERM", "linux")]), Cells::Half);
        assert_eq!(chosen(&[("TERM", "screen.linux"), ("STY", "1")]), Cells::Half);
        assert_eq!(chosen(&[("TERM", "xterm-256color"), ("TERM_PROGRAM", "Apple_Terminal")]), Cells::Half);
        assert_eq!(chosen(&[("TERM", "xterm-kitty"), ("LC_ALL", "C")]), Cells::Half);
    }

    #[test]
    fn settings_go_before_what_is_known() {
        let linux = |name: &str| (name == "TERM").then(|| "linux".into());
        assert_eq!(cells(Cells::Sextants, &linux), (Cells::Sextants, "the settings say so".into()));
    }
}
