//! Pictures in real pixels, on terminals that answer as Kitty, iTerm2, xterm, tmux and a silent one do.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

#[path = "support/desk.rs"]
mod desk;
#[path = "support/peer.rs"]
mod peer;
#[path = "support/terminal.rs"]
mod terminal;

use std::path::PathBuf;
use std::time::Duration;

use desk::Desk;
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
    open_in(program(desk, kind), kind, (SIZE, CELL))
}

fn open_in(command: CommandBuilder, kind: Kind, (size, cell): ((u16, u16), (u16, u16))) -> (Terminal, Peer) {
    let peer = Peer::new(kind, size.0, (cell.0 > 0).then_some(cell));
    let mut terminal = Terminal::start_replying(command, (size, cell), peer.reply());
    terminal.patience = Duration::from_mins(2);
    terminal.wait_for("SYNTHETIC");
    (terminal, peer)
}

/// The same on Inspect, with the first of its pictures in pixels.
fn inspecting(desk: &Desk, kind: Kind) -> (Terminal, Peer) {
    let (terminal, peer) = open(desk, kind);
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
    let image = image::RgbImage::from_raw(
        side(picture.width),
        side(picture.height),
        picture.pixels.as_flattened().to_vec(),
    );
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
        assert_eq!(shown.size, (u32::from(shown.cells.0 * CELL.0), u32::from(shown.cells.1 * CELL.1)), "{kind:?}");
        assert!(shown.pixels == resized(&picture, shown.size), "{kind:?}: other pixels than those of the picture");
        assert!(off_shape(&shown, &picture) <= 1.0, "{kind:?}: {shown:?}");
        assert!(shown.cells.0 > 30 && shown.cells.1 == 20, "{kind:?}: as large as its place: {:?}", shown.cells);
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
    let picture = named(&desk, &terminal);
    let place = (u32::from(shown.cells.0 * CELL.0), u32::from(shown.cells.1 * CELL.1));
    assert!(place.0 - shown.size.0 < 6 && place.1 - shown.size.1 < 12, "{:?} in {place:?}", shown.size);
    let whole = resized(&picture, place);
    let rows = whole.chunks(place.0.try_into().unwrap()).take(shown.size.1.try_into().unwrap());
    let expected: Vec<[u8; 3]> = rows.flat_map(|row| &row[..shown.size.0.try_into().unwrap()]).copied().collect();
    // viuer's encoder has every eighth grey, from 0 to 248, and spreads the error to the pixels around.
    let worst = expected.iter().zip(&shown.pixels).map(|(a, b)| a[0].abs_diff(b[0])).max().unwrap();
    let (ours, theirs) = (means(&expected, shown.size.0, 8), means(&shown.pixels, shown.size.0, 8));
    let worst_mean = ours.iter().zip(&theirs).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
    let greys: std::collections::BTreeSet<u8> = shown.pixels.iter().map(|pixel| pixel[0]).collect();
    println!("{worst} {worst_mean} {greys:?}");
    leave(&terminal);
}
