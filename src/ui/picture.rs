//! A grey picture in half blocks: two pixels a cell, aspect kept, each the mean of what it covers.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

use super::theme::Theme;
use crate::dataset::GreyImage;

/// Cells that a picture of this shape fills best in `area`; a cell is twice as high as it is wide.
pub fn fitted(area: Rect, width: usize, height: usize) -> Rect {
    if area.is_empty() || width == 0 || height == 0 {
        return Rect { width: 0, height: 0, ..area };
    }
    let (columns, rows) = (usize::from(area.width), usize::from(area.height) * 2);
    let wide = width * rows >= height * columns;
    let (across, down) =
        if wide { (columns, (height * columns).div_ceil(width)) } else { ((width * rows).div_ceil(height), rows) };
    let cells = |pixels: usize, most: u16| u16::try_from(pixels).unwrap_or(most).clamp(1, most);
    let (width, height) = (cells(across, area.width), cells(down.div_ceil(2), area.height));
    Rect { x: area.x + (area.width - width) / 2, y: area.y + (area.height - height) / 2, width, height }
}

/// Draws `picture` in the middle of `area` and returns the cells it took.
pub fn draw(buffer: &mut Buffer, area: Rect, picture: &GreyImage, theme: Theme) -> Rect {
    let place = fitted(area, picture.width, picture.height);
    let (columns, rows) = (usize::from(place.width), usize::from(place.height) * 2);
    for (row, y) in place.rows().zip((0..).step_by(2)) {
        for (cell, x) in row.columns().zip(0..) {
            let level = |y| mean(picture, (x, columns), (y, rows));
            let (symbol, style) = half_block(level(y), level(y + 1), theme);
            buffer[(cell.x, cell.y)].set_symbol(symbol).set_style(style);
        }
    }
    place
}

fn half_block(upper: u8, lower: u8, theme: Theme) -> (&'static str, Style) {
    if let (Some(upper), Some(lower)) = (theme.grey(upper), theme.grey(lower)) {
        return ("▀", Style::new().fg(upper).bg(lower));
    }
    // Without colours a cell has one of five densities.
    let level = u16::midpoint(upper.into(), lower.into());
    ([" ", "░", "▒", "▓", "█"][usize::from(level * 5 / 256)], Style::new())
}

/// Mean of the pixels that part `x` of so many columns and part `y` of so many rows cover; at least one.
fn mean(picture: &GreyImage, (x, columns): (usize, usize), (y, rows): (usize, usize)) -> u8 {
    let part = |at: usize, of: usize, length: usize| {
        let start = (at * length / of).min(length - 1);
        start..((at + 1) * length / of).clamp(start + 1, length)
    };
    let across = part(x, columns, picture.width);
    let (mut sum, mut count) = (0_usize, 0_usize);
    for row in part(y, rows, picture.height) {
        let line = &picture.pixels[row * picture.width..(row + 1) * picture.width];
        sum += line[across.clone()].iter().map(|&pixel| usize::from(pixel)).sum::<usize>();
        count += across.len();
    }
    u8::try_from((sum + count / 2) / count.max(1)).unwrap_or(u8::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::scene::{Colours, ThemeName};
    use proptest::prelude::*;
    use ratatui::style::Color;

    #[test]
    fn a_square_picture_takes_twice_as_many_columns_as_rows() {
        assert_eq!(fitted(Rect::new(0, 0, 100, 20), 500, 500), Rect::new(30, 0, 40, 20));
        assert_eq!(fitted(Rect::new(0, 0, 20, 100), 500, 500), Rect::new(0, 45, 20, 10));
    }

    #[test]
    fn each_half_of_a_cell_is_the_mean_of_its_pixels() {
        let picture = GreyImage { width: 2, height: 2, pixels: vec![0, 100, 200, 220] };
        let mut buffer = Buffer::empty(Rect::new(0, 0, 1, 1));
        draw(&mut buffer, Rect::new(0, 0, 1, 1), &picture, Theme { colours: Colours::True, name: ThemeName::Dark });
        let cell = &buffer[(0, 0)];
        assert_eq!((cell.symbol(), cell.fg, cell.bg), ("▀", Color::Rgb(50, 50, 50), Color::Rgb(210, 210, 210)));
    }

    proptest! {
        #[test]
        fn a_picture_of_any_shape_stays_in_its_area(size in (1..400_usize, 1..400_usize), area in (0..60_u16, 0..60_u16)) {
            let (area, bounds) = (Rect::new(1, 1, area.0, area.1), Rect::new(0, 0, 64, 64));
            let picture = GreyImage { width: size.0, height: size.1, pixels: vec![128; size.0 * size.1] };
            let place = draw(&mut Buffer::empty(bounds), area, &picture, Theme { colours: Colours::Indexed, name: ThemeName::Dark });
            prop_assert_eq!(place.intersection(area), place);
        }
    }
}
