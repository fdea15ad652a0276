//! Pictures in real pixels, on terminals that answer as Kitty, iTerm2, xterm, tmux and a silent one do.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

#[path = "support/demo.rs"]
mod demo;
#[path = "support/desk.rs"]
mod desk;
#[path = "support/form.rs"]
mod form;
#[path = "support/peer.rs"]
mod peer;
#[path = "support/terminal.rs"]
mod terminal;

use std::path::PathBuf;
use std::time::Duration;

use desk::Desk;
use form::set;
use image::imageops::{self, FilterType};
use peer::{Kind, Peer, Shown};
use portable_pty::CommandBuilder;
use rustix::process::Signal;
use terminal::{Key, Terminal};
use xray_tui::picture::{Picture, fit};
use xray_tui::predict::read_picture;

const SIZE: (u16, u16) = (24, 80);
const CELL: (u16, u16) = (10, 20);

/// Each way to show pixels.
const ALL: [Kind; 4] = [Kind::KittyLocal, Kind::KittyRemote, Kind::Iterm, Kind::Sixel];

fn program(desk: &Desk, kind: Kind) -> CommandBuilder {
    let mut command = desk.program(&[]);
    for (name, value) in environment(kind) {
        command.env(name, value);
    }
    command
}

fn environment(kind: Kind) -> &'static [(&'static str, &'static str)] {
    match kind {
        Kind::KittyLocal | Kind::KittyRemote | Kind::KittyWithoutFiles => &[("TERM", "xterm-kitty")],
        Kind::Iterm => &[("TERM_PROGRAM", "iTerm.app")],
        Kind::Tmux => &[("TERM", "tmux-256color"), ("TMUX", "/tmp/tmux-0/default,1,0")],
        Kind::Sixel | Kind::Silent => &[],
    }
}

/// The program at work in a terminal of this kind.
fn open(desk: &Desk, kind: Kind) -> (Terminal, Peer) {
    open_in(program(desk, kind), (SIZE, CELL), &Peer::new(kind, SIZE.0, Some(CELL)))
}

fn open_in(command: CommandBuilder, size: ((u16, u16), (u16, u16)), peer: &Peer) -> (Terminal, Peer) {
    let mut terminal = Terminal::start_replying(command, size, peer.reply());
    terminal.patience = Duration::from_mins(2);
    terminal.wait_for("SYNTHETIC");
    (terminal, peer.clone())
}

/// The same on Inspect, with the first of its pictures in pixels.
fn inspecting(desk: &Desk, kind: Kind) -> (Terminal, Peer) {
    inspect(open(desk, kind))
}

fn inspect((terminal, peer): (Terminal, Peer)) -> (Terminal, Peer) {
    terminal.key(Key::Char('4'));
    terminal.wait_for("1 of 10");
    sharp(&terminal, &peer);
    (terminal, peer)
}

/// Waits until a picture is on the screen in pixels.
#[track_caller]
fn sharp(terminal: &Terminal, peer: &Peer) -> Shown {
    terminal.wait_until("a picture in pixels", |_| peer.shown().is_some_and(|shown| !shown.is_empty()));
    no_faults(peer);
    peer.shown().unwrap().last().unwrap().clone()
}

/// Waits until nothing on the screen is in pixels and it shows `text`.
#[track_caller]
fn without_pixels(terminal: &Terminal, peer: &Peer, text: &str) {
    terminal.wait_until(text, |screen| {
        peer.shown().is_some_and(|shown| shown.is_empty()) && screen.contents().contains(text)
    });
    no_faults(peer);
}

/// Does something that makes the picture come anew, and waits for it.
#[track_caller]
fn anew(terminal: &Terminal, peer: &Peer, act: impl FnOnce()) -> Shown {
    let before = peer.lock().pictures.len();
    act();
    terminal.wait_until("another picture in pixels", |_| {
        peer.lock().pictures.len() > before && peer.shown().is_some_and(|shown| !shown.is_empty())
    });
    sharp(terminal, peer)
}

#[track_caller]
fn no_faults(peer: &Peer) {
    assert_eq!(peer.lock().faults, Vec::<String>::new());
}

fn leave(terminal: &Terminal) {
    terminal.key(Key::Char('q'));
    assert!(terminal.wait_for_exit().success());
}

/// The image whose name is on the screen.
fn named(desk: &Desk, terminal: &Terminal) -> Picture {
    let text = terminal.contents();
    let folders = ["NORMAL", "PNEUMONIA"].map(|class| desk.path("data/demo/test").join(class));
    let files: Vec<PathBuf> =
        folders.iter().flat_map(|folder| folder.read_dir().unwrap()).map(|entry| entry.unwrap().path()).collect();
    let is_named = |file: &&PathBuf| text.contains(file.file_name().unwrap().to_str().unwrap());
    let file = files.iter().find(is_named).unwrap_or_else(|| panic!("no file is named:\n{text}"));
    Picture::from(&fit::grey(&read_picture(file).unwrap(), 1024, 1024))
}

/// Grey levels of a picture at another size.
fn resized(picture: &Picture, (width, height): (u32, u32)) -> Vec<[u8; 3]> {
    let side = |length: usize| u32::try_from(length).unwrap();
    let image =
        image::RgbImage::from_raw(side(picture.width), side(picture.height), picture.pixels.as_flattened().to_vec());
    let image = imageops::resize(&image.unwrap(), width, height, FilterType::Triangle);
    image.pixels().map(|pixel| pixel.0).collect()
}

/// By how much a picture is wider than its shape would have it, or higher, in cells.
fn off_shape(shown: &Shown, picture: &Picture) -> f64 {
    let (wide, high) = (f64::from(shown.cells.0 * CELL.0), f64::from(shown.cells.1 * CELL.1));
    let side = |length: usize| f64::from(u32::try_from(length).unwrap());
    let (width, height) = (side(picture.width), side(picture.height));
    let across = (wide - high * width / height).abs() / f64::from(CELL.0);
    let down = (high - wide * height / width).abs() / f64::from(CELL.1);
    across.min(down)
}

#[test]
fn kitty_and_iterm2_get_the_picture_pixel_for_pixel() {
    let desk = Desk::with_run();
    for kind in [Kind::KittyLocal, Kind::KittyRemote, Kind::Iterm] {
        let (terminal, peer) = inspecting(&desk, kind);
        let shown = sharp(&terminal, &peer);
        let picture = named(&desk, &terminal);
        let place = (u32::from(shown.cells.0 * CELL.0), u32::from(shown.cells.1 * CELL.1));
        let own = [picture.width, picture.height].map(|side| u32::try_from(side).unwrap());
        // Kitty makes it larger itself.
        let size = if kind == Kind::Iterm { place } else { (place.0.min(own[0]), place.1.min(own[1])) };
        assert_eq!(shown.size, size, "{kind:?}");
        assert!(shown.pixels == resized(&picture, shown.size), "{kind:?}: other pixels than those of the picture");
        assert!(off_shape(&shown, &picture) <= 1.0, "{kind:?}: {shown:?}");
        assert_eq!(shown.cells.0, 40, "{kind:?}: as wide as its place");
        leave(&terminal);
        assert!(peer.lock().files.iter().all(|file| !file.exists()), "files are left behind");
        assert_eq!(peer.lock().files.is_empty(), kind != Kind::KittyLocal);
    }
}

/// Mean of the levels in each square of this many pixels a side.
fn means(pixels: &[[u8; 3]], width: u32, side: usize) -> Vec<f64> {
    let width = usize::try_from(width).unwrap();
    let rows: Vec<&[[u8; 3]]> = pixels.chunks(width).collect();
    let square = |rows: &[&[[u8; 3]]], column: usize| {
        let sum: u32 = rows.iter().flat_map(|row| &row[column..column + side]).map(|pixel| u32::from(pixel[0])).sum();
        f64::from(sum) / f64::from(u32::try_from(side * side).unwrap())
    };
    rows.chunks_exact(side).flat_map(|rows| (0..width / side).map(move |at| square(rows, at * side))).collect()
}

#[test]
fn sixel_has_the_picture_in_its_real_size_as_near_as_its_colours_come() {
    let desk = Desk::with_run();
    let (terminal, peer) = inspecting(&desk, Kind::Sixel);
    let shown = sharp(&terminal, &peer);
    assert!(off_shape(&shown, &named(&desk, &terminal)) <= 1.0, "{shown:?}");
    assert!(is_near(&[shown], &named(&desk, &terminal), CELL));
    leave(&terminal);
    no_faults(&peer);
}

/// Whether pieces of Sixel, side by side, are the picture. viuer's encoder finds its colours in a sample of the pixels, at
/// most every eighth level of grey from 0 to 248, and spreads the error to the pixels around: one may be three steps off,
/// the mean of many little but where it is lighter than 248.
fn is_near(pieces: &[Shown], picture: &Picture, cell: (u16, u16)) -> bool {
    let end = |of: &dyn Fn(&Shown) -> u16| pieces.iter().map(of).max().unwrap();
    let start = pieces[0].at;
    let across = end(&|piece| piece.at.0 + piece.cells.0) - start.0;
    let down = end(&|piece| piece.at.1 + piece.cells.1) - start.1;
    let place = (u32::from(across * cell.0), u32::from(down * cell.1));
    let whole = resized(picture, place);
    let is_near = |piece: &Shown| {
        let (left, top) = ((piece.at.0 - start.0) * cell.0, (piece.at.1 - start.1) * cell.1);
        let [width, height] = [piece.size.0, piece.size.1].map(|side| usize::try_from(side).unwrap());
        let rows = whole.chunks(place.0.try_into().unwrap()).skip(top.into()).take(height);
        let expected: Vec<[u8; 3]> = rows.flat_map(|row| &row[left.into()..][..width]).copied().collect();
        let worst = expected.iter().zip(&piece.pixels).map(|(a, b)| a[0].abs_diff(b[0])).max().unwrap();
        let (expected, got) = (means(&expected, piece.size.0, 8), means(&piece.pixels, piece.size.0, 8));
        worst <= 24 && expected.iter().zip(&got).all(|(a, b)| (a - b).abs() <= 8.0)
    };
    let covered: u32 = pieces.iter().map(|piece| piece.size.0 * piece.size.1).sum();
    covered > (place.0 - 6) * (place.1 - 12) && pieces.iter().all(is_near)
}

/// Waits until the screen shows this picture in pixels, and no other.
#[track_caller]
fn showing(terminal: &Terminal, peer: &Peer, kind: Kind, picture: &Picture) -> Shown {
    let is_it = |shown: &Shown| match kind {
        Kind::Sixel => is_near(std::slice::from_ref(shown), picture, CELL),
        _ => shown.pixels == resized(picture, shown.size),
    };
    terminal.wait_until("the picture", |_| peer.shown().is_some_and(|all| all.len() == 1 && is_it(&all[0])));
    sharp(terminal, peer)
}

#[test]
fn no_piece_of_sixel_is_wider_or_higher_than_xterm_shows() {
    let (desk, size, cell) = (Desk::with_run(), (70, 260), (9, 18));
    let peer = Peer::new(Kind::Sixel, size.0, Some(cell));
    let (terminal, peer) = inspect(open_in(program(&desk, Kind::Sixel), (size, cell), &peer));
    terminal.wait_until("all of the picture in pixels", |_| peer.lock().pictures.len() == 4);
    let pieces = peer.lock().pictures.clone();
    assert!(pieces.iter().all(|piece| piece.size.0 <= 1000 && piece.size.1 <= 1000), "{pieces:?}");
    assert!(is_near(&pieces, &named(&desk, &terminal), cell));
    without_pixels_after(&terminal, &peer, Key::Char('1'), "Samples");
    leave(&terminal);
}

#[test]
fn nothing_of_a_picture_is_left_where_the_screen_shows_something_else() {
    let desk = Desk::with_run();
    for kind in ALL {
        let peer = Peer::new(kind, SIZE.0, Some(CELL));
        let (terminal, peer) = inspect(open_in(program(&desk, kind), ((SIZE.0, 120), CELL), &peer));
        let first = named(&desk, &terminal);
        for (key, text, back) in [('?', "Help", Key::Escape), ('1', "Samples", Key::Char('4'))] {
            showing(&terminal, &peer, kind, &first);
            without_pixels_after(&terminal, &peer, Key::Char(key), text);
            terminal.key(back);
        }
        showing(&terminal, &peer, kind, &first);
        terminal.key(Key::Char('j'));
        terminal.wait_for("2 of 10");
        let second = named(&desk, &terminal);
        let whole = showing(&terminal, &peer, kind, &second);
        terminal.key(Key::Char('/'));
        terminal.wait_until("it in a lower place, below the filter", |_| {
            peer.shown().is_some_and(|all| all.len() == 1 && all[0].cells.1 < whole.cells.1)
        });
        showing(&terminal, &peer, kind, &second);
        terminal.key(Key::Escape);
        terminal.wait_for("q quit");
        terminal.key(Key::Char('i'));
        let pixels = second.pixels.iter().map(|pixel| pixel.map(|level| 255 - level)).collect();
        showing(&terminal, &peer, kind, &Picture { pixels, ..second.clone() });
        terminal.key(Key::Char('i'));
        showing(&terminal, &peer, kind, &second);
        anew(&terminal, &peer, || terminal.key(Key::Control('l')));
        leave(&terminal);
        assert_eq!(peer.shown(), Some(Vec::new()), "{kind:?}: nothing is left for the shell");
        no_faults(&peer);
    }
}

#[track_caller]
fn without_pixels_after(terminal: &Terminal, peer: &Peer, key: Key, text: &str) {
    terminal.key(key);
    without_pixels(terminal, peer, text);
}

#[test]
fn a_picture_follows_every_new_size_even_one_that_leaves_it_its_place() {
    let desk = Desk::with_run();
    for kind in ALL {
        let (terminal, peer) = inspecting(&desk, kind);
        let mut places = Vec::new();
        for (rows, columns) in [(24, 81), (25, 81), (40, 120), (24, 80)] {
            let shown = anew(&terminal, &peer, || {
                peer.lock().rows = rows;
                terminal.resize(rows, columns);
            });
            places.push((shown.at, shown.cells));
        }
        assert_ne!(places[1], places[2], "{kind:?}");
        leave(&terminal);
        no_faults(&peer);
    }
}

#[test]
fn the_shell_gets_a_clean_screen_from_control_z_and_from_a_signal() {
    let desk = Desk::with_run();
    let script = "set -m; \"$0\"; echo it is stopped, $?; read line; fg; echo the program gave $?; read line";
    for kind in ALL {
        let mut shell = desk.command("bash", &["-c", script, env!("CARGO_BIN_EXE_xray-tui")]);
        for (name, value) in environment(kind) {
            shell.env(name, value);
        }
        let peer = Peer::new(kind, SIZE.0, Some(CELL));
        let (terminal, peer) = inspect(open_in(shell, (SIZE, CELL), &peer));
        without_pixels_after(&terminal, &peer, Key::Control('z'), "it is stopped");
        anew(&terminal, &peer, || terminal.key(Key::Enter));
        terminal.key(Key::Char('q'));
        terminal.wait_for("the program gave 0");
        assert_eq!(peer.shown(), Some(Vec::new()), "{kind:?}");

        let (terminal, peer) = inspecting(&desk, kind);
        terminal.kill(Signal::TERM);
        assert!(terminal.wait_for_exit().success());
        assert_eq!(peer.shown(), Some(Vec::new()), "{kind:?}");
        no_faults(&peer);
    }
}

#[test]
fn keys_pressed_during_a_print_are_kept() {
    let desk = Desk::with_run();
    for kind in ALL {
        let (terminal, peer) = inspecting(&desk, kind);
        peer.lock().press = Some("j\x1b[B\x1bOB");
        terminal.key(Key::Char('j'));
        terminal.wait_for("5 of 10");
        let shown = sharp(&terminal, &peer);
        if kind != Kind::Sixel {
            let picture = named(&desk, &terminal);
            terminal.wait_until("the picture that they have led to", |_| {
                peer.shown().is_some_and(|all| all.iter().any(|shown| shown.pixels == resized(&picture, shown.size)))
            });
        }
        drop(shown);
        leave(&terminal);
        no_faults(&peer);
    }
}

#[test]
fn control_c_during_a_print_asks_as_ever_while_a_run_is_under_way() {
    let desk = Desk::with_run();
    let (terminal, peer) = open(&desk, Kind::KittyLocal);
    terminal.key(Key::Char('2'));
    terminal.wait_for("Enter type");
    for (label, value) in [("batch size", "8"), ("image size", "32"), ("epochs", "500")] {
        set(&terminal, label, value);
    }
    terminal.key(Key::Char('s'));
    terminal.wait_for("epoch 2 of 500");
    terminal.key(Key::Char('4'));
    // Of the new run's images, or of the old one's where the table doesn't have the first epoch yet.
    terminal.wait_for("╭ 1 of ");
    sharp(&terminal, &peer);
    peer.lock().press = Some("\x03");
    terminal.key(Key::Char('j'));
    terminal.wait_for("Sure?");
    terminal.key(Key::Char('y'));
    assert!(terminal.wait_for_exit().success());
    no_faults(&peer);
}

#[test]
fn a_new_size_in_the_middle_of_a_print_is_no_control_c() {
    let desk = Desk::with_run();
    let (terminal, peer) = inspecting(&desk, Kind::KittyLocal);
    // viuer asks after each picture: a terminal that got busy before the first answer would hold the program for good.
    terminal.wait_until("the end of the first print", |_| {
        let state = peer.lock();
        state.queries.iter().filter(|query| *query == "\x1b[5n").count() >= state.pictures.len()
    });
    peer.lock().busy = true;
    anew(&terminal, &peer, || terminal.key(Key::Char('j')));
    peer.lock().rows = 30;
    terminal.resize(30, 100);
    peer.lock().busy = false;
    // That it is ready, which viuer waits for, after a key.
    terminal.send("j\x1b[0n");
    terminal.wait_for("3 of 10");
    let third = named(&desk, &terminal);
    showing(&terminal, &peer, Kind::KittyLocal, &third);
    leave(&terminal);
}

#[test]
fn a_silent_terminal_is_asked_once_and_late_answers_press_no_keys() {
    let desk = Desk::with_run();
    let peer = Peer::new(Kind::Silent, SIZE.0, None);
    let mut terminal = Terminal::start_replying(program(&desk, Kind::Silent), (SIZE, CELL), peer.reply());
    terminal.patience = Duration::from_mins(2);
    terminal.wait_for_raw(b"\x1b[c");
    // Pressed while the program waits for the answers.
    terminal.key(Key::BackTab);
    let text = String::from_utf8_lossy(&terminal.raw()).into_owned();
    assert!(text.find("1 Data") < text.find("\x1b[c"), "the first frame comes before any question");
    terminal.wait_for("1 of 10");
    terminal.send("\x1b]11;rgb:0/0/0\x1b\\\x1b[6;20;10t\x1b_Gi=32;EBADF:no\x1b\\\x1b_Gi=31;OK\x1b\\\x1b[?62;4c");
    terminal.key(Key::Char('j'));
    terminal.wait_until("the second image in cells", |screen| {
        let text = screen.contents();
        text.contains("2 of 10") && has_blocks(&text)
    });
    leave(&terminal);
    let asked = peer.lock().queries.clone();
    let once: std::collections::BTreeSet<&String> = asked.iter().collect();
    assert_eq!((asked.len(), peer.lock().pictures.len()), (once.len(), 0), "{asked:?}");
    no_faults(&peer);
}

/// A picture drawn in cells; bars have none of these.
fn has_blocks(text: &str) -> bool {
    text.chars().any(|c| "▀▘▝▖▗▙▟▛▜▚▞".contains(c) || ('\u{1fb00}'..='\u{1fb3b}').contains(&c))
}

/// The program on Inspect where it must draw in cells; what it has asked.
fn in_cells(desk: &Desk, kind: Kind, size: ((u16, u16), (u16, u16))) -> Vec<String> {
    let (terminal, peer) = open_in(program(desk, kind), size, &Peer::new(kind, SIZE.0, None));
    for (key, place) in [('4', "1 of 10"), ('j', "2 of 10")] {
        terminal.key(Key::Char(key));
        terminal.wait_until(place, |screen| screen.contents().contains(place) && has_blocks(&screen.contents()));
    }
    leave(&terminal);
    no_faults(&peer);
    assert_eq!(peer.lock().pictures, []);
    peer.lock().queries.clone()
}

#[test]
fn tmux_is_asked_nothing_about_pictures() {
    let asked = in_cells(&Desk::with_run(), Kind::Tmux, (SIZE, CELL));
    assert_eq!(asked, ["\x1b]11;?\x1b\\", "\x1b[c"]);
}

#[test]
fn a_terminal_that_viuer_would_wait_for_in_vain_or_print_wrongly_on_gets_cells() {
    let desk = Desk::with_run();
    let asked = in_cells(&desk, Kind::KittyWithoutFiles, (SIZE, CELL));
    assert_eq!(asked.iter().filter(|query| query.contains("a=q")).count(), 1, "viuer has asked too: {asked:?}");
    // Sixel that does not say how large a cell is.
    in_cells(&desk, Kind::Sixel, (SIZE, (0, 0)));
}

#[test]
fn a_cell_has_the_pixels_that_the_terminal_says_where_the_system_does_not_know() {
    let desk = Desk::with_run();
    for kind in ALL {
        let peer = Peer::new(kind, SIZE.0, Some((7, 19)));
        let (terminal, peer) = inspect(open_in(program(&desk, kind), (SIZE, (0, 0)), &peer));
        let (shown, picture) = (sharp(&terminal, &peer), named(&desk, &terminal));
        let place = (u32::from(shown.cells.0) * 7, u32::from(shown.cells.1) * 19);
        assert!(place.0 - shown.size.0 < 6 && place.1 - shown.size.1 < 12, "{kind:?}: {:?} in {place:?}", shown.size);
        let side = |length: usize| f64::from(u32::try_from(length).unwrap());
        let high = f64::from(place.0) * side(picture.height) / side(picture.width);
        assert!((high - f64::from(place.1)).abs() <= 10.0, "{kind:?}: {place:?} is no {high}");
        leave(&terminal);
    }
}
