//! Curves in a square from 0 to 1, in braille: any line, not only one that has a value for each place of an axis.

use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::Line;

use super::chart::set_dot;
use super::painter::Painter;

/// Cells of the labels at the left.
const AXIS: u16 = 5;

/// Where the square lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Plane(pub Rect);

/// A place in it: to the right and up, 0 to 1.
pub type Point = (f64, f64);

impl Plane {
    /// Draws the axes with their names; `None` where there is no room for a curve.
    pub fn draw(painter: &mut Painter, area: Rect, (across, upward): (&str, &str)) -> Option<Self> {
        if area.width < AXIS + 8 || area.height < 5 {
            return None;
        }
        let plot = Rect { x: area.x + AXIS, y: area.y, width: area.width - AXIS, height: area.height - 1 };
        let dim = painter.theme.dim();
        for (row, label) in [(0, "1.0"), (plot.height / 2, "0.5"), (plot.height - 1, "0.0")] {
            painter.line(Rect { y: plot.y + row, height: 1, width: AXIS, ..area }, Line::styled(label, dim));
        }
        for row in plot.rows() {
            painter.line(Rect { x: plot.x - 1, width: 1, ..row }, Line::styled("│", painter.theme.frame()));
        }
        let base = Rect { y: plot.bottom(), height: 1, ..plot };
        painter.line(base, Line::styled("0.0", dim));
        let names = format!("→ {across}  ↑ {upward}");
        // Between the two ends, where there is room.
        if names.chars().count() + 10 <= usize::from(base.width) {
            painter.line(base, Line::styled(names, dim).centered());
        }
        painter.line(base, Line::styled("1.0", dim).right_aligned());
        Some(Self(plot))
    }

    /// A straight line, every `stride`-th dot of it.
    #[expect(clippy::cast_precision_loss, reason = "dots of a screen")]
    pub fn line(self, painter: &mut Painter, (from, to): (Point, Point), (style, stride): (Style, usize)) {
        let (from, to) = (self.dot(from), self.dot(to));
        let steps = from.0.abs_diff(to.0).max(from.1.abs_diff(to.1)).max(1);
        for step in (0..=steps).step_by(stride) {
            let share = step as f64 / steps as f64;
            let along = |from: usize, to: usize| rounded(from as f64 + (to as f64 - from as f64) * share);
            set_dot(painter, self.0, (along(from.0, to.0), along(from.1, to.1)), style);
        }
    }

    /// A line through all points.
    pub fn path(self, painter: &mut Painter, points: &[Point], style: Style) {
        points.windows(2).for_each(|pair| self.line(painter, (pair[0], pair[1]), (style, 1)));
    }

    /// The cell of a place.
    #[must_use]
    pub fn cell(self, point: Point) -> (u16, u16) {
        let (x, y) = self.dot(point);
        let cell = |dot: usize, dots: usize| u16::try_from(dot / dots).unwrap_or(u16::MAX);
        (self.0.x + cell(x, 2).min(self.0.width - 1), self.0.y + cell(y, 4).min(self.0.height - 1))
    }

    /// Columns and rows of dots count from the upper left.
    #[expect(clippy::cast_precision_loss, reason = "dots of a screen")]
    fn dot(self, (x, y): Point) -> (usize, usize) {
        let place = |share: f64, dots: usize| rounded(share.clamp(0.0, 1.0) * (dots.max(1) - 1) as f64);
        let (across, down) = (usize::from(self.0.width) * 2, usize::from(self.0.height) * 4);
        (place(x, across), place(1.0 - y, down))
    }
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "dots of a screen, never negative")]
fn rounded(place: f64) -> usize {
    place.round() as usize
}
