//! Lines over an axis in braille: each column shows the smallest and largest value it covers; a NaN is a gap.

use ratatui::layout::Rect;
use ratatui::style::{Modifier, Style};
use ratatui::text::{Line, Span};

use super::painter::{Painter, area_of};
use crate::app::curve::{Axis, Span as Stretch};
use crate::app::scene::ChartArea;
use crate::units::duration;

/// How a line is broken up, so that it is told by its shape too.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Stroke {
    #[default]
    Solid,
    Dashed,
    Dotted,
    /// Each value marked with a point.
    Points,
}

impl Stroke {
    /// Whether a column of dots belongs to the line.
    const fn covers(self, column: usize) -> bool {
        match self {
            Self::Solid | Self::Points => true,
            Self::Dashed => column % 6 < 4,
            Self::Dotted => column.is_multiple_of(3),
        }
    }

    pub const fn sign(self) -> &'static str {
        match self {
            Self::Solid => "─",
            Self::Dashed => "╌",
            Self::Dotted => "┄",
            Self::Points => "•",
        }
    }
}

/// One line of a chart.
#[derive(Debug)]
pub struct Series {
    /// Empty: not in the legend.
    pub label: String,
    pub style: Style,
    pub stretches: Vec<Stretch>,
    pub stroke: Stroke,
}

#[derive(Debug)]
pub struct Chart<'a> {
    pub title: &'a str,
    /// The first lies behind the others.
    pub series: Vec<Series>,
    /// So many of the first are other runs' lines.
    pub others: usize,
    pub axis: Axis,
    /// From and to of the horizontal axis.
    pub across: (f64, f64),
    /// What stands at both ends of the horizontal axis, where it is no run's.
    pub labels: Option<(String, String)>,
    /// From and to of the vertical axis; above 0 where it is logarithmic.
    pub range: (f64, f64),
    pub log: bool,
    /// The end of the best epoch, marked by an upright line, and its number.
    pub best: Option<(f64, usize)>,
    /// What was done to the run, each by a letter.
    pub marks: Vec<(f64, char)>,
    pub cursor: Option<f64>,
    /// A stretch that is being marked.
    pub dragged: Option<(f64, f64)>,
    /// Said after the title.
    pub state: String,
}

/// Cells of the vertical axis' labels.
const AXIS: u16 = 6;

impl Chart<'_> {
    fn place(&self, moment: f64) -> f64 {
        (moment - self.across.0) / (self.across.1 - self.across.0)
    }

    /// Share of the height, 0 to 1 within the range; `None` where a logarithm has none.
    fn height(&self, value: f64) -> Option<f64> {
        let (low, high) = self.range;
        let share = if self.log { (value / low).ln() / (high / low).ln() } else { (value - low) / (high - low) };
        (!self.log || value > 0.0).then_some(share).filter(|share| share.is_finite())
    }

    /// The value at a share of the height.
    fn value(&self, share: f64) -> f64 {
        let (low, high) = self.range;
        if self.log { low * (high / low).powf(share) } else { low + share * (high - low) }
    }
}

/// Draws the chart with its title, axes and legend.
pub fn draw(painter: &mut Painter, area: Rect, chart: &Chart) {
    if area.width < AXIS + 6 || area.height < 4 {
        return;
    }
    let plot = Rect { x: area.x + AXIS, y: area.y + 1, width: area.width - AXIS, height: area.height - 2 };
    painter.scene.charts.push(ChartArea { area: area_of(plot), from: chart.across.0, to: chart.across.1 });
    painter.line(area, legend(chart, painter, usize::from(area.width)));
    draw_axes(painter, area, plot, chart);
    if let Some((best, _)) = chart.best {
        upright(painter, plot, chart.place(best), ("┊", painter.theme.good()));
    }
    let seen = chart.series.iter().any(|series| series.stretches.iter().any(|s| s.last.is_finite()));
    if !seen {
        let wait = Line::styled("no value yet", painter.theme.dim());
        painter.line(Rect { x: plot.x + 1, y: plot.y + plot.height / 2, ..plot }, wait);
    }
    for series in &chart.series {
        draw_series(painter, plot, chart, series);
    }
    if let Some(cursor) = chart.cursor {
        upright(painter, plot, chart.place(cursor), ("│", painter.theme.accent()));
    }
    if let Some((from, to)) = chart.dragged {
        highlight(painter, plot, (chart.place(from.min(to)), chart.place(from.max(to))));
    }
}

/// The title and what the lines are, with their values at the cursor, as much as fits.
fn legend(chart: &Chart, painter: &Painter, width: usize) -> Line<'static> {
    let mut line = Line::from(Span::styled(chart.title.to_owned(), painter.theme.title()));
    let state = (!chart.state.is_empty()).then(|| (format!("  {}", chart.state), painter.theme.dim()));
    let (others, own) = chart.series.split_at(chart.others.min(chart.series.len()));
    let named = |series: &Series| {
        let value = chart.cursor.and_then(|at| value_at(&series.stretches, chart.axis, at));
        let value = value.map_or_else(String::new, |value| format!(" {}", tick(value)));
        let text = format!("  {} {}{value}", series.stroke.sign(), series.label);
        (!series.label.is_empty()).then_some((text, series.style))
    };
    let best = chart.best.map(|(_, epoch)| (format!("  ┊ best {epoch}"), painter.theme.good()));
    let spans: Vec<Span> = state
        .into_iter()
        .chain(own.iter().filter_map(named))
        .chain(best)
        .chain(others.iter().filter_map(named))
        .map(|(text, style)| Span::styled(text, style))
        .collect();
    let all = line.width() + spans.iter().map(Span::width).sum::<usize>();
    // Where not all fits, room is kept for the sign that there is more.
    let room = if all <= width { width } else { width.saturating_sub(2) };
    for span in spans {
        if line.width() + span.width() > room {
            line.push_span(Span::styled(" …", painter.theme.dim()));
            break;
        }
        line.push_span(span);
    }
    line
}

/// The value that a line has at a place: that of the nearest stretch before it, else of the first.
pub fn value_at(stretches: &[Stretch], axis: Axis, at: f64) -> Option<f64> {
    let after = stretches.partition_point(|stretch| stretch.start.along(axis) <= at);
    stretches.get(after.saturating_sub(1)).map(|stretch| stretch.last).filter(|value| value.is_finite())
}

/// A value in at most five cells, as far as there are such.
pub fn tick(value: f64) -> String {
    let size = value.abs();
    match () {
        () if value == 0.0 => "0".into(),
        () if !(1e-3..1e5).contains(&size) => format!("{value:.0e}"),
        () if size >= 100.0 => format!("{value:.0}"),
        () if size >= 10.0 => format!("{value:.1}"),
        () if size >= 0.1 => format!("{value:.2}"),
        () => format!("{value:.4}").trim_end_matches('0').to_owned(),
    }
}

fn draw_axes(painter: &mut Painter, area: Rect, plot: Rect, chart: &Chart) {
    let style = painter.theme.dim();
    for (row, share) in [(0, 1.0), (plot.height / 2, 0.5), (plot.height - 1, 0.0)] {
        let label = Line::styled(format!("{:>5}", tick(chart.value(share))), style);
        painter.line(Rect { y: plot.y + row, width: AXIS - 1, height: 1, ..area }, label);
    }
    let base = Rect { y: area.bottom() - 1, height: 1, ..plot };
    let (start, end) = chart.labels.clone().unwrap_or_else(|| ends(chart));
    for (at, letter) in &chart.marks {
        let share = chart.place(*at);
        if (0.0..=1.0).contains(&share)
            && let Some(cell) = cell_at(base, (column_of(share, usize::from(base.width)), 0))
        {
            painter.buffer[cell].set_char(*letter).set_style(painter.theme.accent());
        }
    }
    painter.line(base, Line::styled(start, style));
    painter.line(base, Line::styled(end, style).right_aligned());
}

/// What stands at both ends of the horizontal axis.
fn ends(chart: &Chart) -> (String, String) {
    let (from, to) = chart.across;
    // As many digits as tell the ends apart.
    let digits = if to - from < 0.1 { 3 } else { usize::from(to - from < 10.0 && from > 0.0) };
    match chart.axis {
        Axis::Time => (duration(from), duration(to)),
        Axis::Step => (format!("{from:.0}"), format!("{to:.0} steps")),
        Axis::Epoch if from <= 0.0 && to <= 1.0 => ("0".into(), "1 epoch".into()),
        Axis::Epoch => (format!("{from:.digits$}"), format!("{to:.digits$} epochs")),
    }
}

fn upright(painter: &mut Painter, plot: Rect, share: f64, (symbol, style): (&str, Style)) {
    if !(0.0..=1.0).contains(&share) {
        return;
    }
    let Ok(column) = u16::try_from(column_of(share, usize::from(plot.width))) else { return };
    for row in plot.rows() {
        painter.buffer[(plot.x + column, row.y)].set_symbol(symbol).set_style(style);
    }
}

fn highlight(painter: &mut Painter, plot: Rect, (from, to): (f64, f64)) {
    let (first, last) = (column_of(from, usize::from(plot.width)), column_of(to, usize::from(plot.width)));
    for row in plot.rows() {
        for cell in row.columns().skip(first).take(last - first + 1) {
            painter.buffer[(cell.x, cell.y)].modifier.insert(Modifier::REVERSED);
        }
    }
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, clippy::cast_precision_loss, reason = "cells")]
fn column_of(share: f64, columns: usize) -> usize {
    (share.clamp(0.0, 1.0) * (columns.max(1) - 1) as f64).round() as usize
}

fn draw_series(painter: &mut Painter, plot: Rect, chart: &Chart, series: &Series) {
    let (dots, levels) = (usize::from(plot.width) * 2, usize::from(plot.height) * 4);
    let seen = visible(&series.stretches, chart);
    let columns = columns(seen, chart, dots);
    let level = |share: f64| levels - 1 - column_of(share, levels);
    for (x, (low, high)) in columns.iter().enumerate().filter_map(|(x, range)| Some((x, (*range)?))) {
        // What lies outside the range altogether is not drawn at its edge.
        if series.stroke.covers(x) && low <= 1.0 && high >= 0.0 {
            for y in level(high)..=level(low) {
                set_dot(painter, plot, (x, y), series.style);
            }
        }
    }
    if series.stroke == Stroke::Points {
        for stretch in seen {
            let Some(share) = chart.height(stretch.last).filter(|share| (0.0..=1.0).contains(share)) else { continue };
            let at = chart.place(stretch.start.along(chart.axis));
            if (0.0..=1.0).contains(&at) {
                set_symbol(painter, plot, (column_of(at, dots) / 2, level(share) / 4), ("•", series.style));
            }
        }
    }
}

/// The stretches that the chart shows, with a neighbour on each side for the lines that lead there.
fn visible<'a>(stretches: &'a [Stretch], chart: &Chart) -> &'a [Stretch] {
    let first = stretches.partition_point(|stretch| stretch.start.along(chart.axis) < chart.across.0);
    let last = stretches.partition_point(|stretch| stretch.start.along(chart.axis) <= chart.across.1);
    &stretches[first.saturating_sub(1)..(last + 1).min(stretches.len())]
}

/// Smallest and largest share of the height in each of so many columns, with straight lines between neighbouring values.
fn columns(stretches: &[Stretch], chart: &Chart, count: usize) -> Vec<Option<(f64, f64)>> {
    let mut columns = vec![None; count];
    let mut add = |column: isize, share: f64| {
        let Some(range) = usize::try_from(column).ok().and_then(|column| columns.get_mut(column)) else { return };
        let (low, high) = range.unwrap_or((share, share));
        *range = Some((share.min(low), share.max(high)));
    };
    let mut before: Option<(isize, f64)> = None;
    for stretch in stretches {
        let heights = [stretch.min, stretch.max, stretch.last].map(|value| chart.height(value));
        let [Some(min), Some(max), Some(last)] = heights else {
            before = None;
            continue;
        };
        let column = signed_column(chart.place(stretch.start.along(chart.axis)), count);
        add(column, min);
        add(column, max);
        if let Some(before) = before {
            connect((before, (column, last)), count, &mut add);
        }
        before = Some((column, last));
    }
    columns
}

/// The column of a place, which may lie beside those that are seen, by at most their number.
#[expect(clippy::cast_possible_truncation, clippy::cast_precision_loss, reason = "columns of a screen")]
fn signed_column(share: f64, count: usize) -> isize {
    (share.clamp(-1.0, 2.0) * (count.max(1) - 1) as f64).round() as isize
}

/// Every column between two values gets the line's part in it, half a column to either side, so that no gap shows.
#[expect(clippy::cast_precision_loss, clippy::cast_possible_wrap, reason = "columns of a screen")]
fn connect(((from, first), (to, last)): ((isize, f64), (isize, f64)), count: usize, add: &mut impl FnMut(isize, f64)) {
    let length = (to - from).max(1) as f64;
    let at = |column: f64| first + (last - first) * (column / length).clamp(0.0, 1.0);
    for column in from.max(0)..=to.min(count as isize) {
        let along = (column - from) as f64;
        add(column, at(along - 0.5));
        add(column, at(along + 0.5));
    }
}

const BRAILLE: u32 = 0x2800;

pub fn set_dot(painter: &mut Painter, plot: Rect, (x, y): (usize, usize), style: Style) {
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
    use crate::app::curve::Moment;
    use proptest::prelude::*;

    fn at(epochs: f64, value: f64) -> Stretch {
        Stretch::at(Moment { epochs, ..Moment::default() }, value)
    }

    fn chart(to: f64, range: (f64, f64), log: bool) -> Chart<'static> {
        Chart {
            title: "loss",
            series: Vec::new(),
            others: 0,
            axis: Axis::Epoch,
            across: (0.0, to),
            labels: None,
            range,
            log,
            best: None,
            marks: Vec::new(),
            cursor: None,
            dragged: None,
            state: String::new(),
        }
    }

    #[test]
    fn a_line_leaves_no_column_empty_between_its_values() {
        let columns = columns(&[at(0.0, 0.0), at(1.0, 1.0)], &chart(1.0, (0.0, 1.0), false), 10);
        assert!(columns.iter().all(Option::is_some), "{columns:?}");
    }

    #[test]
    fn a_line_into_what_is_not_shown_is_drawn_to_the_edge() {
        let zoomed = Chart { across: (0.4, 0.6), ..chart(1.0, (0.0, 1.0), false) };
        let columns = columns(&[at(0.0, 0.0), at(1.0, 1.0)], &zoomed, 10);
        assert!(columns.iter().all(Option::is_some), "{columns:?}");
    }

    #[test]
    fn a_nan_is_a_gap() {
        let values = [at(0.0, 1.0), at(0.25, 1.0), at(0.5, f64::NAN), at(0.75, 1.0), at(1.0, 1.0)];
        let columns = columns(&values, &chart(1.0, (0.0, 1.0), false), 9);
        assert!(columns[2].is_some() && columns[4].is_none() && columns[6].is_some(), "{columns:?}");
    }

    #[test]
    fn many_values_in_one_column_keep_the_smallest_and_the_largest() {
        let values: Vec<Stretch> = (0..1000_u16).map(|i| at(f64::from(i) / 1000.0, f64::from(i % 7))).collect();
        let columns = columns(&values, &chart(1.0, (0.0, 6.0), false), 4);
        assert!(columns.iter().all(|range| *range == Some((0.0, 1.0))), "{columns:?}");
    }

    #[test]
    fn on_a_logarithmic_scale_equal_ratios_are_equal_heights() {
        let chart = chart(1.0, (1e-4, 1.0), true);
        let heights = [1e-3, 1e-2, 0.0, -1.0].map(|value| chart.height(value));
        assert!((heights[0].unwrap() - 0.25).abs() < 1e-12 && (heights[1].unwrap() - 0.5).abs() < 1e-12);
        assert_eq!(heights[2..], [None, None]);
        assert!((chart.value(0.5) - 1e-2).abs() < 1e-12);
    }

    #[test]
    fn ticks_are_short() {
        let ticks = [0.0, 0.25, 1.0, 12.5, 300.0, 0.001, 3e-5, 0.03].map(tick);
        assert_eq!(ticks, ["0", "0.25", "1.00", "12.5", "300", "0.001", "3e-5", "0.03"]);
    }

    proptest! {
        #[test]
        fn any_values_make_columns(
            values in prop::collection::vec((-2.0..5.0, -1e9..1e9), 0..50), count in 1..300_usize, log in any::<bool>(),
        ) {
            let mut values: Vec<Stretch> = values.into_iter().map(|(x, y)| at(x, y)).collect();
            values.sort_by(|a, b| a.start.epochs.total_cmp(&b.start.epochs));
            let chart = chart(3.0, (0.1, 1e6), log);
            prop_assert_eq!(columns(visible(&values, &chart), &chart, count).len(), count);
        }
    }
}
