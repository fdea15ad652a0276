//! A terminal that shows pictures: it answers as real ones do, keeps what is on the screen in pixels, and notes whatever
//! would be left over, hidden or torn on a real screen.

#![allow(dead_code, reason = "each test uses its own part of it")]
#![allow(clippy::unwrap_used, reason = "a test may panic")]

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use base64::prelude::{BASE64_STANDARD, Engine};
use unicode_width::UnicodeWidthChar;

use crate::terminal::Reply;

/// What a terminal can show, and how it answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Kitty, which reads the program's files.
    KittyLocal,
    /// Kitty at the other end of a line, which can't.
    KittyRemote,
    /// One that shows pictures of the Kitty protocol, but says nothing when it is asked about files.
    KittyWithoutFiles,
    /// iTerm2, which has Sixel too.
    Iterm,
    /// xterm as a VT340.
    Sixel,
    /// tmux, which names Sixel among its attributes.
    Tmux,
    /// One that answers nothing.
    Silent,
}

/// A picture that came, as it is shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shown {
    /// The cell of its upper left corner: column and row, from 0.
    pub at: (u16, u16),
    /// The cells that it covers, across and down.
    pub cells: (u16, u16),
    /// Pixels, across and down.
    pub size: (u32, u32),
    pub pixels: Vec<[u8; 3]>,
}

/// The terminal's state.
#[derive(Debug)]
pub struct State {
    kind: Kind,
    /// Pixels of a cell, across and down, if it tells them when it is asked.
    pub cell: Option<(u16, u16)>,
    pub rows: u16,
    /// Output that is no whole character or sequence yet.
    unread: Vec<u8>,
    cursor: (u16, u16),
    saved: (u16, u16),
    /// A frame has begun that is not to be shown before it ends.
    pub in_frame: bool,
    /// Keys and their control data of a Kitty picture that comes in pieces, and what has come of it.
    coming: Option<(BTreeMap<char, String>, String)>,
    /// All pictures that came.
    pub pictures: Vec<Shown>,
    /// Cells that show pixels, column and row, each with the place of its picture in `pictures`.
    pixels: BTreeMap<(u16, u16), usize>,
    /// The text of each cell, column and row.
    text: BTreeMap<(u16, u16), char>,
    /// Cells written below a Kitty picture.
    hidden: BTreeSet<(u16, u16)>,
    /// What no terminal should be sent.
    pub faults: Vec<String>,
    /// Keys that are pressed as soon as the next picture begins.
    pub press: Option<&'static str>,
    /// Answers nothing when it is asked whether it is ready.
    pub busy: bool,
    /// Files that were read.
    pub files: Vec<PathBuf>,
    /// Escape sequences that ask something, as they came.
    pub queries: Vec<String>,
}

/// Shared between the terminal and the test.
#[derive(Debug, Clone)]
pub struct Peer(Arc<Mutex<State>>);

impl Peer {
    /// `rows` of cells with so many pixels, across and down.
    pub fn new(kind: Kind, rows: u16, cell: Option<(u16, u16)>) -> Self {
        Self(Arc::new(Mutex::new(State {
            kind,
            cell,
            rows,
            unread: Vec::new(),
            cursor: (0, 0),
            saved: (0, 0),
            in_frame: false,
            coming: None,
            pictures: Vec::new(),
            pixels: BTreeMap::new(),
            text: BTreeMap::new(),
            hidden: BTreeSet::new(),
            faults: Vec::new(),
            press: None,
            busy: false,
            files: Vec::new(),
            queries: Vec::new(),
        })))
    }

    pub fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What the terminal does with its program's output.
    pub fn reply(&self) -> Reply {
        let peer = self.clone();
        Box::new(move |piece| peer.lock().hear(piece).into_bytes())
    }

    /// The pictures that are on the screen, oldest first; none while a frame is being written.
    pub fn shown(&self) -> Option<Vec<Shown>> {
        let state = self.lock();
        let shown: BTreeSet<usize> = state.pixels.values().copied().collect();
        (!state.in_frame && state.coming.is_none())
            .then(|| shown.iter().map(|&at| state.pictures[at].clone()).collect())
    }
}

impl State {
    fn hear(&mut self, piece: &[u8]) -> String {
        self.unread.extend_from_slice(piece);
        let bytes = std::mem::take(&mut self.unread);
        let (mut at, mut replies) = (0, String::new());
        while let Some(length) = length(&bytes[at..]) {
            replies += &self.take(&String::from_utf8_lossy(&bytes[at..at + length]));
            at += length;
        }
        self.unread = bytes[at..].to_vec();
        replies
    }

    /// One character or sequence; what is answered.
    fn take(&mut self, text: &str) -> String {
        let inner = |start: &str| Some(text.strip_prefix(start)?.trim_end_matches("\x1b\\").trim_end_matches('\x07'));
        if let Some(said) = inner("\x1b[") {
            return self.controlled(said);
        }
        if let Some(said) = inner("\x1b_G") {
            return self.kitty(said);
        }
        if let Some(said) = inner("\x1b]1337;File=") {
            return self.iterm(said);
        }
        if let Some(said) = inner("\x1bP") {
            return self.sixel(said);
        }
        match text {
            "\x1b]11;?\x1b\\" => return self.query(text, "\x1b]11;rgb:1e1e/1e1e/2e2e\x1b\\"),
            "\x1b7" => self.saved = self.cursor,
            "\x1b8" => self.cursor = self.saved,
            "\r" => self.cursor.0 = 0,
            "\n" => self.cursor.1 += 1,
            _ if text.starts_with(|letter: char| letter.is_control()) => {}
            _ => self.write(text.chars().next().unwrap()),
        }
        String::new()
    }

    fn query(&mut self, text: &str, answer: &str) -> String {
        self.queries.push(text.into());
        if self.kind == Kind::Silent { String::new() } else { answer.into() }
    }

    /// What follows `ESC [`.
    fn controlled(&mut self, said: &str) -> String {
        let (numbers, last) = said.split_at(said.len() - 1);
        let number = |place: usize, least: u16| {
            numbers.split(';').nth(place).and_then(|number| number.parse().ok()).unwrap_or(least).max(least)
        };
        match (numbers, last) {
            (_, "H") => self.cursor = (number(1, 1) - 1, number(0, 1) - 1),
            (_, "A") => self.cursor.1 = self.cursor.1.saturating_sub(number(0, 1)),
            (_, "B") => self.cursor.1 += number(0, 1),
            (_, "C") => self.cursor.0 += number(0, 1),
            (_, "D") => self.cursor.0 = self.cursor.0.saturating_sub(number(0, 1)),
            ("2", "J") | ("?1049", "h") => self.wipe(),
            // Kitty's pictures are the program's to delete.
            ("?1049", "l") if !self.is_kitty() => self.wipe(),
            ("?2026", "h") => self.in_frame = true,
            ("?2026", "l") => self.end_frame(),
            ("" | "0", "c") => return self.query(&format!("\x1b[{said}"), self.attributes()),
            ("5", "n") if !self.busy => return self.query("\x1b[5n", "\x1b[0n"),
            ("16", "t") => {
                let answer = self.cell.map_or(String::new(), |(across, down)| format!("\x1b[6;{down};{across}t"));
                return self.query("\x1b[16t", &answer);
            }
            _ => {}
        }
        String::new()
    }

    fn attributes(&self) -> &'static str {
        match self.kind {
            Kind::Sixel => "\x1b[?63;1;2;4;6;9;15;22c",
            Kind::Iterm => "\x1b[?62;4c",
            Kind::Tmux => "\x1b[?1;2;4c",
            _ => "\x1b[?62;52;c",
        }
    }

    fn wipe(&mut self) {
        self.text.clear();
        self.take_pictures_off();
    }

    fn take_pictures_off(&mut self) {
        self.pixels.clear();
        self.hidden.clear();
    }

    /// Pixels are above the text with Kitty; elsewhere they go where text is written.
    fn write(&mut self, letter: char) {
        let width = u16::try_from(letter.width().unwrap_or(0)).unwrap();
        for column in self.cursor.0..self.cursor.0 + width {
            let cell = (column, self.cursor.1);
            self.text.insert(cell, letter);
            if self.is_kitty() {
                self.hidden.extend(self.pixels.contains_key(&cell).then_some(cell));
            } else {
                self.pixels.remove(&cell);
            }
        }
        self.cursor.0 += width;
    }

    fn is_kitty(&self) -> bool {
        matches!(self.kind, Kind::KittyLocal | Kind::KittyRemote | Kind::KittyWithoutFiles)
    }

    /// The frame is shown: no picture may be torn, nor lie over what the frame says.
    fn end_frame(&mut self) {
        self.in_frame = false;
        if let Some(cell) = self.hidden.iter().next() {
            self.faults.push(format!("{} cells are hidden by a picture, {cell:?} first", self.hidden.len()));
        }
        let mut left: BTreeMap<usize, usize> = BTreeMap::new();
        for picture in self.pixels.values() {
            *left.entry(*picture).or_default() += 1;
        }
        for (picture, cells) in left {
            let (across, down) = self.pictures[picture].cells;
            let all = usize::from(across) * usize::from(down);
            if cells < all {
                self.faults.push(format!("picture {picture} is torn: {cells} of {all} cells are left"));
            }
        }
    }

    /// Shows a picture where the cursor is.
    fn show(&mut self, cells: (u16, u16), size: (u32, u32), pixels: Vec<[u8; 3]>) {
        let at = self.cursor;
        if self.in_frame {
            self.faults.push("a picture was printed inside a frame".into());
        }
        if at.1 + cells.1 >= self.rows {
            self.faults.push(format!("a picture at {at:?} of {cells:?} cells scrolls {} rows", self.rows));
        }
        for row in at.1..at.1 + cells.1 {
            let bare = (at.0..at.0 + cells.0)
                .find(|column| !self.text.get(&(*column, row)).is_some_and(|letter| is_block(*letter)));
            let fault = |column| format!("column {column} of row {row} was not drawn in cells before pixels came");
            self.faults.extend(bare.map(fault));
            self.pixels.extend((at.0..at.0 + cells.0).map(|column| ((column, row), self.pictures.len())));
        }
        self.pictures.push(Shown { at, cells, size, pixels });
        self.cursor = (at.0, at.1 + cells.1 - 1);
    }

    /// What follows `ESC _ G`.
    fn kitty(&mut self, said: &str) -> String {
        if !self.is_kitty() {
            self.queries.push(format!("\x1b_G{said}"));
            return String::new();
        }
        let (control, payload) = said.split_once(';').unwrap_or((said, ""));
        let control: BTreeMap<char, String> = control
            .split(',')
            .filter_map(|part| part.split_once('='))
            .map(|(key, value)| (key.chars().next().unwrap(), value.to_owned()))
            .collect();
        let is = |key: char, value: &str| control.get(&key).is_some_and(|known| known == value);
        if is('a', "q") {
            return self.kitty_query(&control, payload);
        }
        if is('a', "d") {
            if !is('d', "A") {
                self.faults.push(format!("{said:?} leaves pictures in the terminal's memory"));
            }
            self.take_pictures_off();
            return String::new();
        }
        let pressed = if is('a', "T") { self.press.take().unwrap_or_default() } else { "" };
        let more = is('m', "1");
        let (first, mut data) = self.coming.take().unwrap_or((control, String::new()));
        data += payload;
        if more {
            self.coming = Some((first, data));
        } else {
            self.kitty_picture(&first, &data);
        }
        pressed.into()
    }

    fn kitty_query(&mut self, control: &BTreeMap<char, String>, payload: &str) -> String {
        let answer = match (control[&'t'].as_str(), self.kind) {
            ("t", Kind::KittyWithoutFiles) => return String::new(),
            ("t", Kind::KittyRemote) => "EBADF:Failed to open file for graphics transmission".into(),
            ("t", _) => match self.read(payload) {
                Ok(_) => "OK".to_owned(),
                Err(error) => format!("EBADF:Failed to open file for graphics transmission with error: {error}"),
            },
            _ => "OK".into(),
        };
        self.query("\x1b_Ga=q", &format!("\x1b_Gi={};{answer}\x1b\\", control[&'i']))
    }

    /// A temporary file, which is the terminal's to delete.
    fn read(&mut self, name: &str) -> std::io::Result<Vec<u8>> {
        let path = PathBuf::from(String::from_utf8(BASE64_STANDARD.decode(name).unwrap()).unwrap());
        let bytes = std::fs::read(&path)?;
        if path.to_str().unwrap().contains("tty-graphics-protocol") {
            std::fs::remove_file(&path)?;
        }
        self.files.push(path);
        Ok(bytes)
    }

    fn kitty_picture(&mut self, control: &BTreeMap<char, String>, data: &str) {
        let number = |key: char| control[&key].parse::<u32>().unwrap();
        let bytes = match control[&'t'].as_str() {
            "t" => self.read(data).unwrap(),
            _ => BASE64_STANDARD.decode(data).unwrap(),
        };
        let pixels: Vec<[u8; 3]> = match number('f') {
            32 => bytes
                .as_chunks::<4>()
                .0
                .iter()
                .map(|[r, g, b, alpha]| [*r, *g, *b].map(|level| level & alpha))
                .collect(),
            format => panic!("format {format}"),
        };
        let size = (number('s'), number('v'));
        assert_eq!(pixels.len(), usize::try_from(size.0 * size.1).unwrap());
        let cells = (number('c').try_into().unwrap(), number('r').try_into().unwrap());
        self.show(cells, size, pixels);
    }

    /// What follows `ESC ] 1337 ; File=`.
    fn iterm(&mut self, said: &str) -> String {
        if self.kind != Kind::Iterm {
            self.faults.push("a picture for iTerm2".into());
            return String::new();
        }
        let (control, data) = said.split_once(':').unwrap();
        let number = |key: &str| {
            let part = control.split(';').find_map(|part| part.strip_prefix(key)?.strip_prefix('='));
            part.unwrap().parse::<u16>().unwrap()
        };
        assert!(control.contains("inline=1"));
        let bytes = BASE64_STANDARD.decode(data).unwrap();
        let image = image::load_from_memory(&bytes).unwrap().to_rgb8();
        let pixels = image.pixels().map(|pixel| pixel.0).collect();
        let pressed = self.press.take().unwrap_or_default();
        self.show((number("width"), number("height")), image.dimensions(), pixels);
        pressed.into()
    }

    /// What follows `ESC P`.
    fn sixel(&mut self, said: &str) -> String {
        let (Kind::Sixel, Some(cell), Some(at)) = (self.kind, self.cell, said.find('q')) else {
            self.faults.push("Sixel".into());
            return String::new();
        };
        let (size, pixels) = sixels(&said[at + 1..]);
        let cells = [(size.0, cell.0), (size.1, cell.1)].map(|(side, of)| side.div_ceil(of.into()).try_into().unwrap());
        let pressed = self.press.take().unwrap_or_default();
        self.show((cells[0], cells[1]), size, pixels);
        pressed.into()
    }
}

/// What cells of a picture show.
fn is_block(letter: char) -> bool {
    ('\u{2580}'..='\u{259f}').contains(&letter) || ('\u{1fb00}'..='\u{1fb3b}').contains(&letter)
}

/// Bytes of the first character or sequence, if it is whole.
fn length(bytes: &[u8]) -> Option<usize> {
    let after = |start: usize, end: fn(&[u8]) -> Option<usize>| {
        (start..bytes.len()).find_map(|at| end(&bytes[at..]).map(|length| at + length))
    };
    let terminator = |rest: &[u8]| rest.starts_with(b"\x1b\\").then_some(2);
    match bytes {
        [] | [0x1b] => None,
        [0x1b, b'[', ..] => after(2, |rest| (0x40..=0x7e).contains(&rest[0]).then_some(1)),
        [0x1b, b'_' | b'P' | b'X' | b'^', ..] => after(2, terminator),
        [0x1b, b']', ..] => after(2, |rest| match rest {
            [0x07, ..] => Some(1),
            [0x1b, b'\\', ..] => Some(2),
            _ => None,
        }),
        [0x1b, ..] => Some(2),
        [first, ..] => {
            let length = match first {
                0xf0.. => 4,
                0xe0.. => 3,
                0xc0.. => 2,
                _ => 1,
            };
            (bytes.len() >= length).then_some(length)
        }
    }
}

/// Size and pixels of what follows the `q` of a Sixel sequence, as the VT340 manual has it. What nothing was drawn on is
/// black.
fn sixels(text: &str) -> ((u32, u32), Vec<[u8; 3]>) {
    let raster = text.strip_prefix('"').unwrap();
    let end = raster.find(|letter: char| !letter.is_ascii_digit() && letter != ';').unwrap();
    let numbers: Vec<usize> = raster[..end].split(';').map(|number| number.parse().unwrap()).collect();
    let (width, height) = (numbers[2], numbers[3]);
    let mut pixels = vec![[0; 3]; width * height];
    let mut colours = BTreeMap::new();
    let (mut x, mut y, mut colour, mut rest) = (0, 0, [0; 3], &raster[end..]);
    while let Some(first) = rest.chars().next() {
        rest = &rest[1..];
        let digits = rest.find(|letter: char| !letter.is_ascii_digit() && letter != ';').unwrap_or(rest.len());
        let (mut times, mut drawn) = (1, first);
        match first {
            '$' => x = 0,
            '-' => (x, y) = (0, y + 6),
            '#' => {
                let numbers: Vec<u32> = rest[..digits].split(';').map(|number| number.parse().unwrap()).collect();
                if let [register, 2, r, g, b] = numbers[..] {
                    colours
                        .insert(register, [r, g, b].map(|percent| u8::try_from((percent * 255 + 50) / 100).unwrap()));
                }
                colour = colours[&numbers[0]];
                rest = &rest[digits..];
            }
            '!' => {
                times = rest[..digits].parse().unwrap();
                drawn = rest[digits..].chars().next().unwrap();
                rest = &rest[digits + 1..];
            }
            _ => {}
        }
        if ('?'..='~').contains(&drawn) {
            let bits = drawn as u32 - '?' as u32;
            for (column, row) in (x..x + times).flat_map(|column| (0..6).map(move |row| (column, row))) {
                if bits >> row & 1 == 1 {
                    assert!(column < width && y + row < height, "{column} {}", y + row);
                    pixels[(y + row) * width + column] = colour;
                }
            }
            x += times;
        }
    }
    let side = |length: usize| u32::try_from(length).unwrap();
    ((side(width), side(height)), pixels)
}
