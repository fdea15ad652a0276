//! Runs as points: a setting across, a figure upward.

use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::{Line, Span};

use super::notice;
use crate::app::runs::RunsScreen;
use crate::app::runs::column::{Column, Facts};
use crate::app::runs::scatter::{Point, Scatter};
use crate::app::scene::Target;
use crate::ui::chart::tick;
use crate::ui::painter::Painter;
use crate::units::count;

/// Cells of the labels at the left.
const AXIS: u16 = 7;

/// From and to across and upward, and whether across is logarithmic.
#[derive(Debug, Clone, Copy)]
struct Frame {
    across: (f64, f64),
    upward: (f64, f64),
    log: bool,
}

pub fn draw(painter: &mut Painter, area: Rect, scatter: &Scatter, screen: &RunsScreen) {
    let (across, upward) = (scatter.across.label().0, scatter.upward.label());
    let points = screen.points();
    let title = format!("{} runs: {upward} against {across}", count(points.len()));
    let inner = painter.panel(area, &title);
    let inner = notice(painter, inner, screen);
    if points.is_empty() || inner.width < AXIS + 8 || inner.height < 6 {
        let text = format!("no run has both {across} and {upward}: x and y choose others");
        painter.message(inner, vec![Line::styled(text, painter.theme.dim())]);
        return;
    }
    let plot = Rect { x: inner.x + AXIS, width: inner.width - AXIS, height: inner.height - 3, ..inner };
    let frame = Frame::of(points, scatter.is_log());
    axes(painter, (inner, plot), frame, scatter);
    dots(painter, plot, (frame, scatter.cursor), (points, screen));
    reading(painter, Rect { y: inner.bottom() - 1, height: 1, ..inner }, (scatter, points), screen);
}

impl Frame {
    fn of(points: &[Point], log: bool) -> Self {
        let ends = |of: fn(&Point) -> f64| {
            let ends = points
                .iter()
                .map(of)
                .fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), value| (low.min(value), high.max(value)));
            if ends.0 < ends.1 {
                return ends;
            }
            let room = (ends.0.abs() * 0.1).max(1e-9);
            (ends.0 - room, ends.1 + room)
        };
        let (across, upward) = (ends(|point| point.x), ends(|point| point.y));
        Self { across, upward, log }
    }

    /// Shares of width and height.
    fn place(self, point: Point) -> (f64, f64) {
        let (from, to) = self.across;
        let x = if self.log { (point.x / from).ln() / (to / from).ln() } else { (point.x - from) / (to - from) };
        (x, (point.y - self.upward.0) / (self.upward.1 - self.upward.0))
    }
}

/// The cell of shares of the width and the height; the lowest row is the last.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "cells")]
fn cell(plot: Rect, (x, y): (f64, f64)) -> (u16, u16) {
    let along = |share: f64, cells: u16| (share.clamp(0.0, 1.0) * f64::from(cells.max(1) - 1)).round() as u16;
    (plot.x + along(x, plot.width), plot.bottom() - 1 - along(y, plot.height))
}

fn axes(painter: &mut Painter, (inner, plot): (Rect, Rect), frame: Frame, scatter: &Scatter) {
    let dim = painter.theme.dim();
    let (low, high) = frame.upward;
    for (row, value) in [(0, high), (plot.height / 2, f64::midpoint(low, high)), (plot.height - 1, low)] {
        let label = Line::styled(format!("{:>6}", upright(scatter, value)), dim);
        painter.line(Rect { y: plot.y + row, width: AXIS - 1, height: 1, ..inner }, label);
    }
    for row in plot.rows() {
        painter.line(Rect { x: plot.x - 1, width: 1, ..row }, Line::styled("│", painter.theme.frame()));
    }
    let base = Rect { y: plot.bottom(), height: 1, ..plot };
    let log = if scatter.is_log() { ", log" } else { "" };
    painter.line(base, Line::styled(tick(frame.across.0), dim));
    painter.line(base, Line::styled(format!("{}{log}", Column::Setting(scatter.across).title()), dim).centered());
    painter.line(base, Line::styled(tick(frame.across.1), dim).right_aligned());
}

fn upright(scatter: &Scatter, value: f64) -> String {
    let text = scatter.upward.text(Some(value));
    if text.chars().count() > 6 { tick(value) } else { text }
}

/// Each run where it lies; marked ones in their colour, that under the cursor over all.
fn dots(painter: &mut Painter, plot: Rect, (frame, cursor): (Frame, usize), (points, screen): (&[Point], &RunsScreen)) {
    let theme = painter.theme;
    for (at, point) in points.iter().enumerate() {
        let (x, y) = cell(plot, frame.place(*point));
        let Some(run) = screen.rows().get(point.run) else { continue };
        let marked = screen.facts.marks.place_of(&run.started.id);
        let (sign, style) = marked.map_or(("•", theme.training()), |place| ("◆", theme.series(place)));
        // A marked run is not hidden by others.
        if marked.is_some() || painter.buffer[(x, y)].symbol() != "◆" {
            painter.buffer[(x, y)].set_symbol(sign).set_style(style);
        }
        painter.target(Rect { x, y, width: 1, height: 1 }, Target::Row(at));
    }
    if let Some(point) = points.get(cursor.min(points.len().saturating_sub(1))) {
        let (x, y) = cell(plot, frame.place(*point));
        painter.buffer[(x, y)].set_symbol("◉").set_style(theme.accent());
    }
}

/// Which run the cursor is at, and its two values.
fn reading(painter: &mut Painter, row: Rect, (scatter, points): (&Scatter, &[Point]), screen: &RunsScreen) {
    let at = scatter.cursor.min(points.len().saturating_sub(1));
    let Some(run) = points.get(at).and_then(|point| screen.rows().get(point.run)) else { return };
    let facts = Facts::default();
    let setting = Column::Setting(scatter.across);
    let figure = scatter.upward.text_of(run, scatter.upward.of(run));
    let text = format!(
        "  {} {}  {} {figure}  {} of {}",
        setting.title(),
        setting.text(run, &facts),
        scatter.upward.title(),
        at + 1,
        count(points.len())
    );
    let name = Span::styled(format!("◉ {}", run.started.name), painter.theme.accent());
    painter.line(row, Line::from(vec![name, Span::styled(text, Style::new())]));
}
