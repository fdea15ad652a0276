//! Pictures in real pixels, by way of viuer, on terminals that have said they show them.

use std::io::{self, Write};
use std::sync::atomic::{AtomicBool, Ordering};

use image::{DynamicImage, RgbImage};
use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use ratatui::crossterm::terminal::window_size;

use crate::app::scene::{Area, PictureArea};
use crate::picture::Picture;
use crate::terminal::graphics::Protocol;

/// Takes all pictures of the Kitty protocol off the screen.
const DELETE_ALL: &[u8] = b"\x1b_Gq=2,a=d,d=A\x1b\\";

/// A Kitty picture may be on the screen.
static PRINTED: AtomicBool = AtomicBool::new(false);

/// The key of a letter.
pub fn pressed(letter: char) -> KeyEvent {
    KeyEvent::new(KeyCode::Char(letter), KeyModifiers::NONE)
}

/// Takes all pictures off the screen, for good or before others. A terminal that was never sent one is left alone.
pub fn delete_all(out: &mut impl Write) -> io::Result<()> {
    if PRINTED.swap(false, Ordering::SeqCst) {
        out.write_all(DELETE_ALL)?;
    }
    out.flush()
}

/// Prints pictures over the frame, each once.
#[derive(Debug)]
pub struct Graphics {
    protocol: Protocol,
    shown: Option<PictureArea>,
}

impl Graphics {
    pub const fn new(protocol: Protocol) -> Self {
        Self { protocol, shown: None }
    }

    /// Whether what was printed lies where the new frame shows something else.
    pub fn is_stale(&self, wanted: Option<PictureArea>) -> bool {
        self.shown.is_some_and(|shown| wanted.is_none_or(|wanted| wanted.area != shown.area))
    }

    /// Takes the printed picture off; the frame must be drawn anew.
    ///
    /// # Errors
    /// If the terminal can't be written to.
    pub fn remove(&mut self) -> io::Result<()> {
        self.shown = None;
        delete_all(&mut io::stdout())
    }

    /// Prints `picture` unless it is there already. Keys that were pressed during the print come back.
    pub fn show(&mut self, wanted: PictureArea, picture: &Picture) -> Vec<KeyEvent> {
        if self.shown == Some(wanted) {
            return Vec::new();
        }
        if self.protocol == Protocol::Kitty && self.shown.is_some() && self.remove().is_err() {
            return Vec::new();
        }
        self.shown = Some(wanted);
        PRINTED.store(self.protocol == Protocol::Kitty, Ordering::SeqCst);
        let image = fitted(picture, pixels_of(wanted.area));
        match viuer::print(&image, &self.config(wanted.area)) {
            Err(viuer::ViuError::KittyResponse(keys)) => keys_of(&keys),
            Err(error) => {
                super::log::line(&format!("cannot print a picture: {error}"));
                Vec::new()
            }
            Ok(_) => Vec::new(),
        }
    }

    fn config(&self, area: Area) -> viuer::Config {
        viuer::Config {
            x: area.x,
            y: i16::try_from(area.y).unwrap_or(0),
            width: Some(area.width.into()),
            height: Some(area.height.into()),
            restore_cursor: true,
            use_kitty: self.protocol == Protocol::Kitty,
            use_iterm: self.protocol == Protocol::Iterm,
            use_sixel: self.protocol == Protocol::Sixel,
            ..viuer::Config::default()
        }
    }
}

/// Pixels of an area of cells, as the terminal says, or as most have them.
fn pixels_of(area: Area) -> (u32, u32) {
    let cell = window_size().ok().filter(|size| size.width > 0 && size.height > 0).map(|size| {
        (u32::from(size.width) / u32::from(size.columns.max(1)), u32::from(size.height) / u32::from(size.rows.max(1)))
    });
    let (width, height) = cell.unwrap_or((8, 16));
    (u32::from(area.width) * width.max(1), u32::from(area.height) * height.max(1))
}

/// The picture at the size it is shown in; at least 32 pixels a side, as viuer never ends a very small transfer.
fn fitted(picture: &Picture, (width, height): (u32, u32)) -> DynamicImage {
    let side = |length: usize| u32::try_from(length).unwrap_or(u32::MAX);
    let pixels = picture.pixels.as_flattened().to_vec();
    let image = RgbImage::from_raw(side(picture.width), side(picture.height), pixels);
    let image = DynamicImage::ImageRgb8(image.unwrap_or_default());
    image.resize_exact(width.max(32), height.max(32), image::imageops::FilterType::Triangle)
}

/// The keys among what came during a print. A sequence that the reader does not know, the mouse's say, comes in pieces
/// that look like keys: then there are none.
fn keys_of(heard: &[console::Key]) -> Vec<KeyEvent> {
    let done = console::Key::UnknownEscSeq(vec!['[', '0', 'n']);
    let strange = |key: &&console::Key| matches!(key, console::Key::UnknownEscSeq(_)) && **key != done;
    if heard.iter().any(|key| strange(&key)) { Vec::new() } else { heard.iter().filter_map(key_of).collect() }
}

fn key_of(key: &console::Key) -> Option<KeyEvent> {
    let code = match key {
        console::Key::Char(c) => KeyCode::Char(*c),
        console::Key::ArrowUp => KeyCode::Up,
        console::Key::ArrowDown => KeyCode::Down,
        console::Key::ArrowLeft => KeyCode::Left,
        console::Key::ArrowRight => KeyCode::Right,
        console::Key::PageUp => KeyCode::PageUp,
        console::Key::PageDown => KeyCode::PageDown,
        console::Key::Home => KeyCode::Home,
        console::Key::End => KeyCode::End,
        console::Key::Tab => KeyCode::Tab,
        console::Key::Enter => KeyCode::Enter,
        _ => return None,
    };
    Some(KeyEvent::new(code, KeyModifiers::NONE))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_turn_of_the_wheel_during_a_print_is_no_key() {
        use console::Key::{Char, UnknownEscSeq};
        let done = UnknownEscSeq(vec!['[', '0', 'n']);
        assert_eq!(keys_of(&[Char('j'), done.clone()]), [KeyEvent::new(KeyCode::Char('j'), KeyModifiers::NONE)]);
        let wheel = [UnknownEscSeq(vec!['[', '<', '6']), Char('5'), Char(';'), Char('1'), Char('M'), done];
        assert_eq!(keys_of(&wheel), []);
    }
}
