//! Pictures in real pixels, by way of viuer, on terminals that have said they show them: printed over the cells that
//! show the same picture once it has stood still for a moment.

use std::io::{self, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use image::{DynamicImage, RgbImage};
use ratatui::buffer::{Buffer, CellDiffOption};
use ratatui::crossterm::event::KeyEvent;
use ratatui::layout::Rect;

use super::typed;
use crate::app::App;
use crate::app::message::Loadable;
use crate::app::scene::{Area, Scene};
use crate::picture::Picture;
use crate::terminal::graphics::{Protocol, undisturbed};

/// How long a picture stands in cells before it is printed: longer than from one repeat of a held key to the next.
const REST: Duration = Duration::from_millis(60);

/// Takes all pictures of the Kitty protocol off the screen.
const DELETE_ALL: &[u8] = b"\x1b_Gq=2,a=d,d=A\x1b\\";

/// Pixels that viuer takes a cell to have where it prints Sixel, across and down.
const SIXEL_UNIT: (u16, u16) = (6, 12);

/// No piece of Sixel is longer or wider, in pixels: xterm would cut it off, and viuer squeezes it.
const SIXEL_SIDE: u16 = 1000;

/// A Kitty picture may be on the screen.
static PRINTED: AtomicBool = AtomicBool::new(false);

/// Takes all pictures off the screen, for good or before others. A terminal that was never sent one is left alone.
pub fn delete_all(out: &mut impl Write) -> io::Result<()> {
    if PRINTED.swap(false, Ordering::SeqCst) {
        out.write_all(DELETE_ALL)?;
    }
    out.flush()
}

/// A picture at a place on the screen.
#[derive(Debug, Clone)]
pub struct Placed {
    picture: Arc<Picture>,
    /// Cells that it covers.
    area: Area,
    /// Cells of the whole screen: one of another size has been wiped.
    screen: Rect,
    /// Pixels of a cell, width and height.
    cell: Option<(u16, u16)>,
}

impl PartialEq for Placed {
    fn eq(&self, other: &Self) -> bool {
        let places = [self, other].map(|placed| (placed.area, placed.screen, placed.cell));
        places[0] == places[1] && Arc::ptr_eq(&self.picture, &other.picture)
    }
}

impl Placed {
    /// The picture of a frame that may be printed over it.
    pub fn find(app: &App, scene: &Scene, screen: Rect) -> Option<Self> {
        let area = scene.picture.filter(|area| area.width > 0 && area.height > 0)?;
        let Loadable::Ready(picture) = &app.inspect.picture else { return None };
        Some(Self { picture: Arc::clone(picture), area, screen, cell: app.display.cell })
    }
}

/// What is on the screen in pixels, and what is to be.
#[derive(Debug)]
pub struct Graphics {
    protocol: Protocol,
    printed: Option<Placed>,
    /// Shown in cells, and since when.
    resting: Option<(Placed, Instant)>,
}

impl Graphics {
    pub const fn new(protocol: Protocol) -> Self {
        Self { protocol, printed: None, resting: None }
    }

    /// Fits a frame, before it is written, to what is printed on the screen: cells below a picture that stays are left
    /// alone, those below one that goes are written all. True if one goes.
    pub fn make_room(&mut self, frame: &mut Buffer, wanted: Option<Placed>, now: Instant) -> bool {
        if let Some(placed) = self.printed.as_ref().filter(|placed| wanted.as_ref() == Some(*placed)) {
            set_all(frame, placed.area, CellDiffOption::Skip);
            return false;
        }
        if self.resting.as_ref().map(|(placed, _)| placed) != wanted.as_ref() {
            self.resting = wanted.map(|placed| (placed, now));
        }
        let gone = self.printed.take();
        if let Some(placed) = &gone {
            set_all(frame, placed.area, CellDiffOption::AlwaysUpdate);
        }
        gone.is_some()
    }

    /// How long until there is something to be printed, if nothing changes.
    pub fn rest(&self, now: Instant) -> Option<Duration> {
        self.resting.as_ref().map(|(_, since)| REST.saturating_sub(now.duration_since(*since)))
    }

    /// Takes the printed picture off a screen that is wiped anyway.
    ///
    /// # Errors
    /// If the terminal can't be written to.
    pub fn remove(&mut self) -> io::Result<()> {
        (self.printed, self.resting) = (None, None);
        delete_all(&mut io::stdout())
    }

    /// Prints the picture that rests in cells. Keys that were pressed meanwhile come back.
    pub fn print(&mut self) -> Vec<KeyEvent> {
        let Some((placed, _)) = self.resting.take() else { return Vec::new() };
        PRINTED.store(self.protocol == Protocol::Kitty, Ordering::SeqCst);
        let heard = undisturbed(|| print(self.protocol, &placed)).unwrap_or_default();
        self.printed = Some(placed);
        typed::keys(&heard)
    }
}

fn set_all(frame: &mut Buffer, area: Area, option: CellDiffOption) {
    let area = Rect::new(area.x, area.y, area.width, area.height).intersection(frame.area);
    for position in area.positions() {
        frame[position].set_diff_option(option);
    }
}

/// What viuer is to print: pixels of the picture, from a cell on.
#[derive(Debug, PartialEq, Eq)]
struct Piece {
    /// The first pixel, across and down, counted from the picture's corner.
    at: (u16, u16),
    /// Pixels, across and down.
    size: (u16, u16),
    /// The cell of the screen that it begins in.
    start: (u16, u16),
    /// Its size as viuer has it, in cells.
    cells: (u16, u16),
}

/// What was read meanwhile comes back.
fn print(protocol: Protocol, placed: &Placed) -> String {
    // Where the terminal does not say it, cells are as most have them.
    let cell = placed.cell.unwrap_or((8, 16));
    let pixels = (placed.area.width.saturating_mul(cell.0), placed.area.height.saturating_mul(cell.1));
    let image =
        sized(&placed.picture, if protocol == Protocol::Kitty { no_larger(&placed.picture, pixels) } else { pixels });
    if protocol == Protocol::Sixel {
        return pieces(placed.area, cell).iter().map(|piece| print_piece(protocol, &image, piece)).collect();
    }
    let Area { x, y, width, height } = placed.area;
    let size = (whole(image.width()), whole(image.height()));
    print_piece(protocol, &image, &Piece { at: (0, 0), size, start: (x, y), cells: (width, height) })
}

/// Kitty stretches a picture over its cells itself: pixels that the picture does not have need not be sent, all of them
/// uncompressed.
fn no_larger(picture: &Picture, (width, height): (u16, u16)) -> (u16, u16) {
    let side = |length: usize| u16::try_from(length).unwrap_or(u16::MAX);
    (width.min(side(picture.width)), height.min(side(picture.height)))
}

fn whole(length: u32) -> u16 {
    u16::try_from(length).unwrap_or(u16::MAX)
}

/// The picture at the size it is shown in; at least 32 pixels a side, as viuer never ends a very small transfer.
fn sized(picture: &Picture, (width, height): (u16, u16)) -> DynamicImage {
    let side = |length: usize| u32::try_from(length).unwrap_or(u32::MAX);
    let pixels = picture.pixels.as_flattened().to_vec();
    let image = RgbImage::from_raw(side(picture.width), side(picture.height), pixels);
    let image = DynamicImage::ImageRgb8(image.unwrap_or_default());
    image.resize_exact(width.max(32).into(), height.max(32).into(), image::imageops::FilterType::Triangle)
}

/// The parts that Sixel is printed in, each of whole units. What is left at the right and below, less than a unit, stays
/// in cells.
fn pieces(area: Area, cell: (u16, u16)) -> Vec<Piece> {
    let (across, down) = (spans(area.width, cell.0, SIXEL_UNIT.0), spans(area.height, cell.1, SIXEL_UNIT.1));
    let piece = |(top, height): (u16, u16), (left, width): (u16, u16)| Piece {
        at: (left * cell.0, top * cell.1),
        size: (width, height),
        start: (area.x + left, area.y + top),
        cells: (width / SIXEL_UNIT.0, height / SIXEL_UNIT.1),
    };
    down.iter().flat_map(|rows| across.iter().map(|columns| piece(*rows, *columns))).collect()
}

/// Parts of a side of `cells`, each of `cell` pixels: the cell that each begins with, and its pixels.
fn spans(cells: u16, cell: u16, unit: u16) -> Vec<(u16, u16)> {
    let most = (1..=SIXEL_SIDE / cell).rev().find(|count| (count * cell).is_multiple_of(unit)).unwrap_or(1);
    let part = |first: u16| (first, most.min(cells - first) * cell / unit * unit);
    (0..cells).step_by(most.into()).map(part).filter(|(_, pixels)| *pixels > 0).collect()
}

fn print_piece(protocol: Protocol, image: &DynamicImage, piece: &Piece) -> String {
    let config = viuer::Config {
        x: piece.start.0,
        y: i16::try_from(piece.start.1).unwrap_or(0),
        width: Some(piece.cells.0.into()),
        height: Some(piece.cells.1.into()),
        restore_cursor: true,
        use_kitty: protocol == Protocol::Kitty,
        use_iterm: protocol == Protocol::Iterm,
        use_sixel: protocol == Protocol::Sixel,
        ..viuer::Config::default()
    };
    let ((left, top), (width, height)) = (piece.at, piece.size);
    let part = image.crop_imm(left.into(), top.into(), width.into(), height.into());
    match viuer::print(&part, &config) {
        Err(viuer::ViuError::KittyResponse(heard)) => heard.iter().map(sent).collect(),
        Err(error) => {
            super::log::line(&format!("cannot print a picture: {error}"));
            String::new()
        }
        Ok(_) => String::new(),
    }
}

/// What the terminal has sent for a key as viuer reads it: sequences that it does not know come in pieces.
fn sent(key: &console::Key) -> String {
    let known = match key {
        console::Key::Char(letter) => return letter.to_string(),
        console::Key::UnknownEscSeq(letters) => return ['\x1b'].iter().chain(letters).collect(),
        console::Key::Escape => "\x1b",
        console::Key::Enter => "\r",
        console::Key::Tab => "\t",
        console::Key::Backspace => "\x7f",
        console::Key::ArrowUp => "\x1b[A",
        console::Key::ArrowDown => "\x1b[B",
        console::Key::ArrowRight => "\x1b[C",
        console::Key::ArrowLeft => "\x1b[D",
        console::Key::Home => "\x1b[H",
        console::Key::End => "\x1b[F",
        console::Key::BackTab => "\x1b[Z",
        console::Key::Insert => "\x1b[2~",
        console::Key::Del => "\x1b[3~",
        console::Key::PageUp => "\x1b[5~",
        console::Key::PageDown => "\x1b[6~",
        _ => "",
    };
    known.to_owned()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use ratatui::crossterm::event::KeyCode;

    use super::*;

    const AREA: Area = Area { x: 1, y: 1, width: 3, height: 2 };

    fn placed(picture: &Arc<Picture>, area: Area) -> Placed {
        Placed { picture: Arc::clone(picture), area, screen: Rect::new(0, 0, 10, 5), cell: None }
    }

    /// One whose picture is printed since `start`.
    fn printed(picture: &Arc<Picture>, start: Instant) -> Graphics {
        let mut graphics = Graphics::new(Protocol::Kitty);
        graphics.make_room(&mut frame(), Some(placed(picture, AREA)), start);
        graphics.printed = graphics.resting.take().map(|(placed, _)| placed);
        graphics
    }

    fn frame() -> Buffer {
        Buffer::empty(Rect::new(0, 0, 10, 5))
    }

    fn cells_with(frame: &Buffer, option: CellDiffOption) -> usize {
        frame.content.iter().filter(|cell| cell.diff_option == option).count()
    }

    #[test]
    fn a_picture_is_printed_once_it_has_stood_still() {
        let (first, second) = (Arc::new(Picture::default()), Arc::new(Picture::default()));
        let (mut graphics, start) = (Graphics::new(Protocol::Kitty), Instant::now());
        let mut see = |picture, after| {
            let now = start + Duration::from_millis(after);
            graphics.make_room(&mut frame(), Some(placed(picture, AREA)), now);
            graphics.rest(now)
        };
        assert_eq!(see(&first, 0), Some(REST));
        assert_eq!(see(&first, 40), Some(Duration::from_millis(20)), "the same picture in another frame");
        assert_eq!(see(&second, 50), Some(REST), "another one begins anew");
        assert_eq!(see(&second, 500), Some(Duration::ZERO));
        graphics.make_room(&mut frame(), None, start);
        assert_eq!(graphics.rest(start), None, "nothing is to be printed where there is no picture");
    }

    #[test]
    fn cells_below_what_is_printed_are_left_alone_and_all_written_when_it_goes() {
        let (picture, start) = (Arc::new(Picture::default()), Instant::now());
        let other_cells = Placed { cell: Some((9, 18)), ..placed(&picture, AREA) };
        let other_screen = Placed { screen: Rect::new(0, 0, 10, 6), ..placed(&picture, AREA) };
        let other_place = placed(&picture, Area { x: 2, ..AREA });
        let other_picture = placed(&Arc::new(Picture::default()), AREA);
        for wanted in [Some(other_cells), Some(other_screen), Some(other_place), Some(other_picture), None] {
            let (mut graphics, mut still, mut other) = (printed(&picture, start), frame(), frame());
            assert!(!graphics.make_room(&mut still, Some(placed(&picture, AREA)), start));
            assert_eq!((cells_with(&still, CellDiffOption::Skip), graphics.rest(start)), (6, None));
            assert!(graphics.make_room(&mut other, wanted.clone(), start), "{wanted:?}");
            assert_eq!(cells_with(&other, CellDiffOption::AlwaysUpdate), 6, "{wanted:?}");
            assert!(!graphics.make_room(&mut frame(), wanted, start), "it goes once");
        }
    }

    #[test]
    fn a_picture_that_lay_outside_of_a_smaller_screen_goes_too() {
        let picture = Arc::new(Picture::default());
        let mut graphics = printed(&picture, Instant::now());
        assert!(graphics.make_room(&mut Buffer::empty(Rect::new(0, 0, 2, 2)), None, Instant::now()));
    }

    #[test]
    fn keys_pressed_during_a_print_come_back_and_the_mouse_does_not() {
        use console::Key::{ArrowUp, Char, UnknownEscSeq};
        let wheel = [UnknownEscSeq(vec!['[', '<', '6']), Char('5'), Char(';'), Char('1'), Char('M')];
        let heard = [&[Char('j')], &wheel[..], &[ArrowUp, UnknownEscSeq(vec!['[', '0', 'n'])]].concat();
        let text: String = heard.iter().map(sent).collect();
        let codes: Vec<KeyCode> = typed::keys(&text).into_iter().map(|key| key.code).collect();
        assert_eq!(codes, [KeyCode::Char('j'), KeyCode::Up]);
    }

    proptest! {
        #[test]
        fn pieces_of_sixel_cover_the_picture_but_for_less_than_a_unit(
            area in (1..400_u16, 1..150_u16),
            cell in (4..40_u16, 6..60_u16),
        ) {
            let area = Area { x: 3, y: 2, width: area.0, height: area.1 };
            let all = pieces(area, cell);
            let pixels = (u32::from(area.width) * u32::from(cell.0), u32::from(area.height) * u32::from(cell.1));
            let covered: u32 = all.iter().map(|piece| u32::from(piece.size.0) * u32::from(piece.size.1)).sum();
            let (wide, high) = (pixels.0 - pixels.0 % 6, pixels.1 - pixels.1 % 12);
            prop_assert_eq!(covered, wide * high);
            for piece in all {
                prop_assert!(piece.size.0 <= SIXEL_SIDE && piece.size.1 <= SIXEL_SIDE);
                prop_assert_eq!(piece.size, (piece.cells.0 * 6, piece.cells.1 * 12));
                let start = (piece.start.0 - area.x, piece.start.1 - area.y);
                prop_assert_eq!(piece.at, (start.0 * cell.0, start.1 * cell.1));
            }
        }
    }
}
