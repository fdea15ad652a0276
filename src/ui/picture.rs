//! A picture in cells, its aspect kept, each cell with the symbol and the colours that come nearest to it.

mod cell;
mod parts;
#[cfg(test)]
mod tests;

use ratatui::layout::Rect;
use ratatui::style::Style;

use super::painter::Painter;
use super::theme::{Rgb, Theme};
use crate::app::scene::Display;
use crate::picture::Picture;
use cell::Shown;
use parts::{Grid, Parts};

/// Cells that a picture of this shape fills best in `area`. `cell` is the size of one in pixels; where that is not known
/// it is twice as high as it is wide.
pub fn fitted(area: Rect, (width, height): (usize, usize), cell: Option<(u16, u16)>) -> Rect {
    if area.is_empty() || width == 0 || height == 0 {
        return Rect { width: 0, height: 0, ..area };
    }
    let (across, down) = cell.map_or((1, 2), |(across, down)| (usize::from(across), usize::from(down)));
    let (wide, high) = (usize::from(area.width) * across, usize::from(area.height) * down);
    // To the nearest cell.
    let cells = |side: usize, by: usize, most: u16| {
        u16::try_from((2 * side + by) / (2 * by)).map_or(most, |n| n.clamp(1, most))
    };
    let (width, height) = if width * high >= height * wide {
        (area.width, cells(height * wide, width * down, area.height))
    } else {
        (cells(width * high, height * across, area.width), area.height)
    };
    Rect { x: area.x + (area.width - width) / 2, y: area.y + (area.height - height) / 2, width, height }
}

/// Draws `picture` in the middle of `area` and returns the cells it took.
pub fn draw(painter: &mut Painter, area: Rect, picture: &Picture) -> Rect {
    let place = fitted(area, (picture.width, picture.height), painter.display.cell);
    if place.is_empty() {
        return place;
    }
    let grid = Grid::new(picture, (place.width, place.height));
    for (row, y) in place.rows().zip(0..) {
        for (position, parts) in row.positions().zip(grid.row(y)) {
            let (symbol, style) = shown(&parts, painter.display, painter.theme);
            painter.buffer[position].set_char(symbol).set_style(style);
        }
    }
    place
}

/// The symbol of a cell and its colours.
fn shown(parts: &Parts, display: Display, theme: Theme) -> (char, Style) {
    // ASCII has no symbol that parts a cell in two.
    let parted = if display.ascii { None } else { cell::choose(parts, display.cells, theme) };
    if let Some(Shown { symbol, ink, ground }) = parted {
        return (symbol, Style::new().fg(ink).bg(ground));
    }
    let mean = cell::mean(parts);
    match theme.shade(mean) {
        Some((colour, _)) => (' ', Style::new().bg(colour)),
        None => (density(luma(mean), display), Style::new()),
    }
}

/// A symbol with about as much ink as a cell of this brightness needs.
fn density(luma: u8, display: Display) -> char {
    const SHADES: [char; 5] = [' ', '░', '▒', '▓', '█'];
    const ASCII: [char; 10] = [' ', '.', ':', '-', '=', '+', '*', '#', '%', '@'];
    // On a light background ink is dark.
    let inked = usize::from(if display.theme.is_light() { u8::MAX - luma } else { luma });
    if display.ascii { ASCII[inked * ASCII.len() / 256] } else { SHADES[inked * SHADES.len() / 256] }
}

/// Brightness by Rec. 601.
fn luma([r, g, b]: Rgb) -> u8 {
    let sum = 299 * u32::from(r) + 587 * u32::from(g) + 114 * u32::from(b);
    u8::try_from((sum + 500) / 1000).unwrap_or(u8::MAX)
}
