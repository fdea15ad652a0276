//! Many images at once, each with what it is called.

use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::Line;

use crate::app::inspect::InspectScreen;
use crate::app::inspect::case::Case;
use crate::app::scene::{Target, Tiles};
use crate::ui::painter::{Painter, fit, fit_end};
use crate::ui::picture;
use crate::ui::theme::Theme;

/// Where tiles of one size lie.
#[derive(Debug, Clone, Copy)]
pub struct Layout {
    area: Rect,
    /// Of a tile, in cells.
    size: (u16, u16),
    columns: u16,
    rows: u16,
}

impl Layout {
    /// Tiles of a width, with so many lines of text below their pictures; `None` where not one has room.
    pub fn of(area: Rect, width: u16, lines: u16) -> Option<Self> {
        let width = width.min(area.width);
        let height = (width / 2 + lines).min(area.height);
        let has_room = width >= 4 && height > lines;
        has_room.then(|| Self { area, size: (width, height), columns: area.width / width, rows: area.height / height })
    }

    pub fn tiles(self) -> Tiles {
        Tiles { columns: self.columns.into(), rows: self.rows.into() }
    }

    /// The places of a page, row by row. What is left over at the right goes between the tiles.
    pub fn places(self) -> impl Iterator<Item = Rect> {
        let (step, (width, height)) = (self.area.width / self.columns, self.size);
        let place = move |column, row| Rect {
            x: self.area.x + column * step,
            y: self.area.y + row * height,
            width: width - 1,
            height,
        };
        (0..self.rows).flat_map(move |row| (0..self.columns).map(move |column| place(column, row)))
    }
}

/// Draws the page that has the chosen image.
pub fn draw(painter: &mut Painter, area: Rect, screen: &InspectScreen) {
    let Some(layout) = Layout::of(area, screen.grid.width(), 1) else { return };
    let tiles = layout.tiles();
    painter.scene.tiles = tiles;
    let at = screen.list.position(screen.index).unwrap_or(0);
    let page = tiles.columns * tiles.rows;
    let first = at / page * page;
    for (tile, place) in layout.places().zip(first..screen.list.places().len()) {
        draw_tile(painter, tile, screen, place);
    }
}

fn draw_tile(painter: &mut Painter, area: Rect, screen: &InspectScreen, place: usize) {
    let index = screen.list.places()[place];
    let Some(case) = screen.all().get(index) else { return };
    let above = Rect { height: area.height - 1, ..area };
    match screen.grid.picture(index) {
        Some(picture) => drop(picture::draw(painter, above, picture)),
        None if screen.grid.is_unreadable(index) => {
            painter.message(above, vec![Line::styled("✗ unreadable", painter.theme.bad())]);
        }
        None => {}
    }
    let below = Rect { y: above.bottom(), height: 1, ..area };
    let line = label(painter.theme, screen, case, usize::from(area.width));
    let is_chosen = index == screen.index;
    painter.line(below, if is_chosen { painter.theme.select(line) } else { line });
    painter.target(area, Target::Row(place));
}

/// What it is called, with how much probability, and its marks; without an answer its name.
fn label(theme: Theme, screen: &InspectScreen, case: &Case, width: usize) -> Line<'static> {
    let threshold = screen.threshold();
    let signs: String = super::facts::signs(&case.mark).collect();
    let (text, style) = match (case.probability(), case.verdict(threshold), case.predicted(threshold)) {
        (Some(p), Some(verdict), _) if verdict.is_right() => (format!("✓ {} {p:.2}", verdict.key()), theme.good()),
        (Some(p), Some(verdict), _) => (format!("✗ {} {p:.2}", verdict.key()), theme.bad()),
        (Some(p), None, Some(class)) => (format!("{p:.2} {}", class.name()), theme.class(class)),
        _ => (fit_end(case.name(), width.saturating_sub(signs.chars().count() + 1)), Style::new()),
    };
    // As wide as the tile, so that a chosen one is seen.
    Line::styled(format!("{:<width$}", fit(format!("{text} {signs}").trim_end(), width)), style)
}
