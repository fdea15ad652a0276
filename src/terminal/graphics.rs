//! Which protocol for pictures the terminal has, by asking it.

use std::io::{self, Write};
use std::os::fd::AsFd;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::termios::{OptionalActions, Termios, tcgetattr, tcsetattr};

use super::{Multiplexer, background};
use crate::config::place::environment;

/// Asks for the Kitty protocol: for pictures in files, with one that does not exist, `/none`, and for those sent whole.
const KITTY: &[u8] = b"\x1b_Gi=32,s=1,v=1,a=q,t=t,f=24;L25vbmU=\x1b\\\x1b_Gi=31,s=1,v=1,a=q,t=d,f=24;AAAA\x1b\\";

/// Asks how many pixels a cell has.
const CELL: &[u8] = b"\x1b[16t";

/// Asks for what every terminal answers, its primary attributes.
const ATTRIBUTES: &[u8] = b"\x1b[c";

/// Asks whether a frame can be shown whole or not at all, and whether the mouse can be listened to in SGR coordinates.
const MODES: &[u8] = b"\x1b[?2026$p\x1b[?1006$p";

/// How long an answer may take.
const PATIENCE: Duration = Duration::from_millis(300);

/// A way to show pictures in real pixels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Protocol {
    Kitty,
    Iterm,
    Sixel,
}

impl Protocol {
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Kitty => "Kitty's protocol",
            Self::Iterm => "iTerm2's protocol",
            Self::Sixel => "Sixel",
        }
    }
}

/// What was found out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// `None` where pictures are drawn in cells.
    pub protocol: Option<Protocol>,
    /// Why this one, or why none.
    pub why: String,
    /// Whether a frame can be shown whole or not at all; `None` where the terminal does not say.
    pub synchronised: Option<bool>,
    /// Whether it has a mouse with SGR coordinates; `None` where it does not say.
    pub mouse: Option<bool>,
    /// Whether its background is light; `None` where it does not say.
    pub light: Option<bool>,
    /// Pixels of a cell, width and height; `None` where it does not say.
    pub cell: Option<(u16, u16)>,
    /// Whether it was asked anything.
    pub asked: bool,
    /// Whether it has answered all that it ever will.
    pub answered: bool,
    /// What came beside the answers, as keys send it.
    pub typed: String,
}

/// What the terminal said.
#[derive(Debug, Default, PartialEq, Eq)]
struct Answer {
    /// Whether it shows pictures by the Kitty protocol.
    kitty: bool,
    /// Whether it has said if it can read them from files.
    kitty_files: bool,
    /// Pixels of a cell, width and height.
    cell: Option<(u16, u16)>,
    /// Whether its background is light.
    light: Option<bool>,
    /// Its primary attributes; 4 means Sixel.
    attributes: Option<Vec<u16>>,
    /// Modes that it knows (true) or does not.
    modes: Vec<(u16, bool)>,
    /// All else, as keys send it.
    other: String,
}

impl Answer {
    fn mode(&self, number: u16) -> Option<bool> {
        self.modes.iter().find(|(known, _)| *known == number).map(|(_, known)| *known)
    }
}

/// Finds out about background and, where they are wanted, pictures. Must be called in raw mode and before anything else
/// reads the terminal's input.
#[must_use]
pub fn detect(pictures: bool) -> Found {
    find(pictures, &[])
}

/// As [`detect`], for a terminal that nobody has taken over: it is put into raw mode meanwhile. Asks for modes too.
#[must_use]
pub fn examine() -> Found {
    let before = super::is_there().then(|| make_raw().ok()).flatten();
    let found = find(true, MODES);
    if let Some(before) = before {
        let _ = tcsetattr(io::stdin(), OptionalActions::Flush, &before);
    }
    found
}

/// Answers what it was before.
fn make_raw() -> rustix::io::Result<Termios> {
    let before = tcgetattr(io::stdin())?;
    let mut raw = before.clone();
    raw.make_raw();
    tcsetattr(io::stdin(), OptionalActions::Now, &raw)?;
    Ok(before)
}

fn find(pictures: bool, more: &[u8]) -> Found {
    if let Some(why) = why_not_to_ask() {
        return Found {
            protocol: None,
            why,
            synchronised: None,
            mouse: None,
            light: None,
            cell: None,
            asked: false,
            answered: false,
            typed: String::new(),
        };
    }
    let none = if pictures { why_no_pictures() } else { Some("the settings say so".into()) };
    let asked = if none.is_none() { [CELL, KITTY].concat() } else { Vec::new() };
    let answer = parse(&ask(&[more, background::QUERY, &asked, ATTRIBUTES].concat()).unwrap_or_default());
    let (protocol, why) = none.map_or_else(|| choose(&answer), |why| (None, why));
    let (synchronised, mouse) = (answer.mode(2026), answer.mode(1006));
    let (light, cell, answered) = (answer.light, answer.cell, answer.attributes.is_some());
    Found { protocol, why, synchronised, mouse, light, cell, asked: true, answered, typed: answer.other }
}

/// Not on a terminal that can nothing.
fn why_not_to_ask() -> Option<String> {
    let term = environment("TERM").unwrap_or_default();
    if term == "dumb" || term == "linux" {
        return Some(format!("TERM is {}, which shows no pictures", term.display()));
    }
    (!super::is_there()).then(|| "input and output are not both a terminal".into())
}

/// Not where a multiplexer lies between.
fn why_no_pictures() -> Option<String> {
    if let Some(multiplexer) = Multiplexer::find(&environment) {
        return Some(format!("{} lies between and does not pass pictures on", multiplexer.name()));
    }
    environment("NO_COLOR").map(|_| "NO_COLOR is set".into())
}

/// Whatever comes until the attributes have come whole or the time is over.
fn ask(query: &[u8]) -> io::Result<Vec<u8>> {
    io::stdout().write_all(query)?;
    io::stdout().flush()?;
    let (start, mut heard) = (Instant::now(), Vec::new());
    while parse(&heard).attributes.is_none() {
        let Some(left) = PATIENCE.checked_sub(start.elapsed()) else { break };
        let stdin = io::stdin();
        let mut watched = [PollFd::from_borrowed_fd(stdin.as_fd(), PollFlags::IN)];
        match poll(&mut watched, Timespec::try_from(left).ok().as_ref()) {
            Ok(0) => break,
            Ok(_) => {}
            // A signal, such as that of a new size, is no reason to stop listening.
            Err(rustix::io::Errno::INTR) => continue,
            Err(error) => return Err(error.into()),
        }
        let mut bytes = [0; 256];
        match rustix::io::read(stdin.as_fd(), &mut bytes)? {
            0 => break,
            read => heard.extend_from_slice(&bytes[..read]),
        }
    }
    Ok(heard)
}

fn parse(heard: &[u8]) -> Answer {
    let text = String::from_utf8_lossy(heard);
    let (mut answer, mut rest) = (Answer::default(), text.as_ref());
    while let Some(first) = rest.chars().next() {
        if let Some((graphics, after)) = rest.strip_prefix("\x1b_G").and_then(|after| after.split_once("\x1b\\")) {
            answer.kitty |= graphics == "i=31;OK";
            answer.kitty_files |= graphics.starts_with("i=32;");
            rest = after;
        } else if let Some((light, after)) = background::parse(rest) {
            answer.light = Some(light);
            rest = after;
        } else if let Some((said, last, after)) = rest.strip_prefix("\x1b[?").and_then(until_last) {
            answer.note(said, last);
            rest = after;
        } else if let Some((said, 't', after)) = rest.strip_prefix("\x1b[6;").and_then(until_last) {
            answer.cell = cell(said);
            rest = after;
        } else {
            answer.other.push(first);
            rest = &rest[first.len_utf8()..];
        }
    }
    answer
}

/// Of height and width of a cell in pixels, as the terminal says them; not of one without size.
fn cell(said: &str) -> Option<(u16, u16)> {
    let (height, width) = said.split_once(';')?;
    Some((width.parse().ok()?, height.parse().ok()?)).filter(|(width, height)| *width > 0 && *height > 0)
}

/// A sequence up to its last byte, that byte, and what follows.
fn until_last(text: &str) -> Option<(&str, char, &str)> {
    let at = text.find(|c: char| ('@'..='~').contains(&c))?;
    Some((&text[..at], text[at..].chars().next()?, &text[at + 1..]))
}

impl Answer {
    /// Notes what `ESC [ ?` and these say: primary attributes (`c`), or whether a mode is known (`y`; 0 is not).
    fn note(&mut self, said: &str, last: char) {
        let numbers: Vec<u16> =
            said.trim_end_matches('$').split(';').filter_map(|number| number.parse().ok()).collect();
        match (last, numbers.as_slice()) {
            ('c', _) => self.attributes = Some(numbers),
            ('y', [mode, state]) => self.modes.push((*mode, *state != 0)),
            _ => {}
        }
    }
}

/// viuer has probes of its own that wait for an answer without end: they are asked only where the terminal has given
/// one to the same question.
fn choose(answer: &Answer) -> (Option<Protocol>, String) {
    let (protocol, why) = undisturbed(|| chosen(answer)).unwrap_or((None, "viuer has failed; the log has the details"));
    (protocol, why.to_owned())
}

/// Calls what reads the terminal by way of viuer, on a thread of its own; `None` where it panics. viuer takes a read that
/// is cut short by a signal, such as that of a new size, for Ctrl-C, and interrupts the program; signals come to the main
/// thread.
pub fn undisturbed<T: Send>(call: impl FnOnce() -> T + Send) -> Option<T> {
    std::thread::scope(|scope| scope.spawn(call).join().ok())
}

fn chosen(answer: &Answer) -> (Option<Protocol>, &'static str) {
    let Some(attributes) = &answer.attributes else {
        return (None, "the terminal did not answer within 0.3 s");
    };
    if answer.kitty && answer.kitty_files && viuer::get_kitty_support() != viuer::KittySupport::None {
        return (Some(Protocol::Kitty), "the terminal confirms it");
    }
    if viuer::is_iterm_supported() {
        return (Some(Protocol::Iterm), "TERM_PROGRAM or LC_TERMINAL says so");
    }
    if attributes.contains(&4) {
        // Sixel has pixels of the screen, and no cells to fit a picture into.
        return match answer.cell.or_else(super::cell) {
            None => (None, "the terminal has Sixel, but does not say how large its cells are"),
            Some(_) if viuer::is_sixel_supported() => {
                (Some(Protocol::Sixel), "the terminal names it among its attributes")
            }
            Some(_) => (None, "the terminal named Sixel among its attributes once, and not again"),
        };
    }
    (None, "the terminal confirms neither Kitty's protocol nor iTerm2's nor Sixel")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kitty_terminal_is_told_from_its_answers() {
        let answer = parse(b"\x1b_Gi=32;EBADF:no such file\x1b\\\x1b_Gi=31;OK\x1b\\\x1b[?62;52;c");
        let expected = Answer { kitty: true, kitty_files: true, attributes: Some(vec![62, 52]), ..Answer::default() };
        assert_eq!(answer, expected);
        assert!(!parse(b"\x1b_Gi=31;OK\x1b\\\x1b[?62;52;c").kitty_files);
    }

    #[test]
    fn cells_have_the_size_that_is_told_and_never_none() {
        assert_eq!(parse(b"\x1b[6;20;10t\x1b[?62c").cell, Some((10, 20)));
        for useless in ["\x1b[6;0;0t", "\x1b[6;20t", "\x1b[6~"] {
            assert_eq!(parse(useless.as_bytes()).cell, None, "{useless:?}");
        }
    }

    #[test]
    fn a_refusal_is_no_support() {
        let answer = parse(b"\x1b_Gi=31;ENOTSUPPORTED\x1b\\\x1b[?62;4c");
        assert_eq!(answer, Answer { kitty: false, attributes: Some(vec![62, 4]), ..Answer::default() });
    }

    #[test]
    fn half_an_answer_is_waited_for() {
        assert_eq!(parse(b"\x1b_Gi=31;OK\x1b\\\x1b[?62;5").attributes, None);
    }

    #[test]
    fn keys_pressed_around_the_answers_are_kept() {
        assert_eq!(parse(b"j\x1b[B\x1b[?1;2c\x1b[6~k").other, "j\x1b[B\x1b[6~k");
    }

    #[test]
    fn the_background_is_told_among_the_other_answers() {
        let answer = parse(b"\x1b]11;rgb:ffff/ffff/eeee\x1b\\\x1b_Gi=31;OK\x1b\\\x1b[?62;4ck");
        assert_eq!((answer.light, answer.kitty, answer.other.as_str()), (Some(true), true, "k"));
    }

    #[test]
    fn any_bytes_are_parsed() {
        assert_eq!(parse(b"\x1b\x1b_G\x1b[?").attributes, None);
    }

    #[test]
    fn modes_are_told_apart_from_attributes() {
        let answer = parse(b"\x1b[?2026;2$y\x1b[?1006;0$y\x1b[?62;4c");
        assert_eq!((answer.mode(2026), answer.mode(1006), answer.mode(1)), (Some(true), Some(false), None));
        assert_eq!(answer.attributes, Some(vec![62, 4]));
    }
}
