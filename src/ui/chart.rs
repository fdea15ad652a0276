//! Lines over epochs in braille: each column shows the smallest and largest value it covers; a NaN is a gap.

use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::{Line, Span};

use super::painter::Painter;
use crate::app::curve::Span as Stretch;

/// One line of a chart.
#[derive(Debug)]
pub struct Series {
    pub label: &'static str,
    pub style: Style,
    pub stretches: Vec<Stretch>,
    /// Marks each value with a point, so that the line is told by its shape too.
    pub points: bool,
}

#[derive(Debug)]
pub struct Chart<'a> {
    pub title: &'a str,
    pub series: Vec<Series>,
    /// Epochs that the horizontal axis covers.
    pub epochs: f64,
    /// From and to of the vertical axis.
    pub range: (f64, f64),
    /// The best epoch, marked by an upright line.
    pub best: Option<f64>,
}

/// Cells of the vertical axis' labels.
const AXIS: u16 = 5;

/// Draws the chart with its title, axes and legend.
pub fn draw(painter: &mut Painter, area: Rect, chart: &Chart) {
    if area.width < AXIS + 6 || area.height < 4 {
        return;
    }
    let plot = Rect { x: area.x + AXIS, y: area.y + 1, width: area.width - AXIS, height: area.height - 2 };
    painter.line(area, legend(chart, painter, usize::from(area.width)));
    draw_axes(painter, area, plot, chart);
    if let Some(best) = chart.best {
        mark_best(painter, plot, best / chart.epochs);
    }
    let seen = chart.series.iter().any(|series| series.stretches.iter().any(|s| s.last.is_finite()));
    if !seen {
        let wait = Line::styled("no value yet", painter.theme.dim());
        painter.line(Rect { x: plot.x + 1, y: plot.y + plot.height / 2, ..plot }, wait);
    }
    for series in &chart.series {
        draw_series(painter, plot, chart, series);
    }
}

/// The title and what the lines are, as much as fits.
fn legend(chart: &Chart, painter: &Painter, width: usize) -> Line<'static> {
    let mut line = Line::from(Span::styled(chart.title.to_owned(), painter.theme.title()));
    let series = chart.series.iter().map(|series| {
        let sign = if series.points { "•" } else { "─" };
        (format!("  {sign} {}", series.label), series.style)
    });
    let best = chart.best.map(|best| (format!("  ┊ best {best:.0}"), painter.theme.good()));
    for (text, style) in series.chain(best) {
        let span = Span::styled(text, style);
        if line.width() + span.width() <= width {
            line.push_span(span);
        }
    }
    line
}

fn draw_axes(painter: &mut Painter, area: Rect, plot: Rect, chart: &Chart) {
    let style = painter.theme.dim();
    let (low, high) = chart.range;
    for (row, value) in [(0, high), (plot.height / 2, f64::midpoint(low, high)), (plot.height - 1, low)] {
        let label = Line::styled(format!("{value:>4.2}"), style);
        painter.line(Rect { y: plot.y + row, width: AXIS - 1, height: 1, ..area }, label);
    }
    let base = Rect { y: area.bottom() - 1, height: 1, ..plot };
    painter.line(base, Line::styled("0", style));
    let end = format!("{:.0} epochs", chart.epochs);
    let end = if chart.epochs <= 1.0 { "1 epoch".to_owned() } else { end };
    painter.line(base, Line::styled(end, style).right_aligned());
}

fn mark_best(painter: &mut Painter, plot: Rect, share: f64) {
    let column = column_of(share, usize::from(plot.width));
    let Ok(column) = u16::try_from(column) else { return };
    for row in plot.rows() {
        painter.buffer[(plot.x + column, row.y)].set_symbol("┊").set_style(painter.theme.good());
    }
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, clippy::cast_precision_loss, reason = "cells")]
fn column_of(share: f64, columns: usize) -> usize {
    (share.clamp(0.0, 1.0) * (columns.max(1) - 1) as f64).round() as usize
}

fn draw_series(painter: &mut Painter, plot: Rect, chart: &Chart, series: &Series) {
    let (dots, levels) = (usize::from(plot.width) * 2, usize::from(plot.height) * 4);
    let columns = columns(&series.stretches, chart.epochs, dots);
    let level = |value: f64| levels - 1 - column_of((value - chart.range.0) / (chart.range.1 - chart.range.0), levels);
    for (x, (low, high)) in columns.iter().enumerate().filter_map(|(x, range)| Some((x, (*range)?))) {
        for y in level(high)..=level(low) {
            set_dot(painter, plot, (x, y), series.style);
        }
    }
    if series.points {
        for stretch in series.stretches.iter().filter(|stretch| stretch.last.is_finite()) {
            let (x, y) = (column_of(stretch.start / chart.epochs, dots) / 2, level(stretch.last) / 4);
            set_symbol(painter, plot, (x, y), ("•", series.style));
        }
    }
}

/// Smallest and largest value in each of so many columns, with straight lines between neighbouring values.
fn columns(stretches: &[Stretch], epochs: f64, count: usize) -> Vec<Option<(f64, f64)>> {
    let mut columns = vec![None; count];
    let mut add = |column: usize, value: f64| {
        let (low, high) = columns[column].unwrap_or((value, value));
        columns[column] = Some((value.min(low), value.max(high)));
    };
    let mut before: Option<(usize, f64)> = None;
    for stretch in stretches {
        if !(stretch.min.is_finite() && stretch.max.is_finite() && stretch.last.is_finite()) {
            before = None;
            continue;
        }
        let column = column_of(stretch.start / epochs, count);
        add(column, stretch.min);
        add(column, stretch.max);
        if let Some(before) = before {
            connect(before, (column, stretch.last), &mut add);
        }
        before = Some((column, stretch.last));
    }
    columns
}

/// Every column between two values gets the line's part in it, half a column to either side, so that no gap shows.
#[expect(clippy::cast_precision_loss, reason = "columns of a screen")]
fn connect((from, first): (usize, f64), (to, last): (usize, f64), add: &mut impl FnMut(usize, f64)) {
    let length = to.saturating_sub(from).max(1) as f64;
    let at = |column: f64| first + (last - first) * (column / length).clamp(0.0, 1.0);
    for column in from..=to {
        let along = (column - from) as f64;
        add(column, at(along - 0.5));
        add(column, at(along + 0.5));
    }
}

const BRAILLE: u32 = 0x2800;

fn set_dot(painter: &mut Painter, plot: Rect, (x, y): (usize, usize), style: Style) {
    const BITS: [[u32; 2]; 4] = [[0x01, 0x08], [0x02, 0x10], [0x04, 0x20], [0x40, 0x80]];
    let Some(cell) = cell_at(plot, (x / 2, y / 4)) else { return };
    let cell = &mut painter.buffer[cell];
    let there = cell.symbol().chars().next().map_or(0, u32::from).checked_sub(BRAILLE).filter(|bits| *bits < 256);
    let bits = there.unwrap_or(0) | BITS[y % 4][x % 2];
    cell.set_char(char::from_u32(BRAILLE + bits).unwrap_or(' ')).set_style(style);
}

fn set_symbol(painter: &mut Painter, plot: Rect, place: (usize, usize), (symbol, style): (&str, Style)) {
    if let Some(cell) = cell_at(plot, place) {
        painter.buffer[cell].set_symbol(symbol).set_style(style);
    }
}

fn cell_at(plot: Rect, (x, y): (usize, usize)) -> Option<(u16, u16)> {
    let (x, y) = (u16::try_from(x).ok()?, u16::try_from(y).ok()?);
    (x < plot.width && y < plot.height).then_some((plot.x + x, plot.y + y))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn at(start: f64, value: f64) -> Stretch {
        Stretch { start, min: value, max: value, last: value }
    }

    #[test]
    fn a_line_leaves_no_column_empty_between_its_values() {
        let columns = columns(&[at(0.0, 0.0), at(1.0, 1.0)], 1.0, 10);
        assert!(columns.iter().all(Option::is_some), "{columns:?}");
    }

    #[test]
    fn a_nan_is_a_gap() {
        let values = [at(0.0, 1.0), at(0.25, 1.0), at(0.5, f64::NAN), at(0.75, 1.0), at(1.0, 1.0)];
        let columns = columns(&values, 1.0, 9);
        assert!(columns[2].is_some() && columns[4].is_none() && columns[6].is_some(), "{columns:?}");
    }

    #[test]
    fn many_values_in_one_column_keep_the_smallest_and_the_largest() {
        let values: Vec<Stretch> = (0..1000_u16).map(|i| at(f64::from(i) / 1000.0, f64::from(i % 7))).collect();
        assert!(columns(&values, 1.0, 4).iter().all(|range| *range == Some((0.0, 6.0))));
    }

    proptest! {
        #[test]
        fn any_values_make_columns(values in prop::collection::vec((-2.0..5.0, -1e9..1e9), 0..50), count in 1..300_usize) {
            let mut values: Vec<Stretch> = values.into_iter().map(|(x, y)| at(x, y)).collect();
            values.sort_by(|a, b| a.start.total_cmp(&b.start));
            prop_assert_eq!(columns(&values, 3.0, count).len(), count);
        }
    }
}
