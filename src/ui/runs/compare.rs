//! Some runs side by side: what differs as a table, their validation curves laid over each other.

use std::ops::Range;

use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::{Line, Span};

use super::notice;
use crate::app::App;
use crate::app::curve::Axis;
use crate::app::history::History;
use crate::app::message::Loadable;
use crate::app::runs::compare::{Compare, Line as Row};
use crate::app::scene::Target;
use crate::metrics::comparison::Comparison;
use crate::metrics::{EpochFigures, Interval};
use crate::store::Run;
use crate::ui::chart::{self, Chart, Series, Stroke};
use crate::ui::painter::{Painter, fit, paragraph};
use crate::ui::theme::Theme;
use crate::units::{count, range};

/// Cells of the names of settings and figures, and at least of a run.
const NAMES: u16 = 26;
const LEAST: u16 = 14;
/// Where two runs would not fit beside the names in full.
const NARROW: u16 = 20;
/// A figure with its interval.
const FULL: u16 = 23;

pub fn draw(painter: &mut Painter, area: Rect, compare: &Compare, app: &App) {
    let runs: Vec<&Run> = compare.run_ids.iter().filter_map(|id| app.runs.run(id)).collect();
    let what = if compare.all { "everything" } else { "what differs" };
    let inner = painter.panel(area, &format!("{} runs side by side: {what}", runs.len()));
    let inner = notice(painter, inner, &app.runs);
    let charts = match inner.height {
        _ if app.zoomed => inner.height,
        34.. => 16,
        24.. => 10,
        _ => 0,
    };
    let table = Rect { height: inner.height - charts, ..inner };
    if table.height > 0 {
        let paired = pair_lines(painter.theme, compare, (&runs, usize::from(table.width)));
        let height = u16::try_from(paired.len()).unwrap_or(0).min(table.height / 2);
        let rest = Rect { height: table.height - height, ..table };
        columns(painter, rest, (compare, &runs));
        painter.lines(Rect { y: rest.bottom(), height, ..table }, paired, 0);
    }
    overlay(painter, Rect { y: table.bottom(), height: charts, ..inner }, (compare, &runs));
}

/// The colour and the stroke of the run with this place: told apart with and without colours.
fn look(theme: Theme, place: usize) -> (Style, Stroke) {
    let strokes = [Stroke::Solid, Stroke::Dashed, Stroke::Dotted];
    (theme.series(place), strokes[(place + place / 8) % 3])
}

/// Cells of the names in so much room.
const fn names(width: u16) -> u16 {
    if width < NAMES + 2 * (LEAST + 1) + 1 { NARROW } else { NAMES }
}

/// The runs' columns that fit, with the chosen one among them, and their width in cells.
fn fitting(width: u16, runs: usize, chosen: usize) -> (Range<usize>, u16) {
    let room = width.saturating_sub(names(width) + 1);
    let fits = usize::from(room / (LEAST + 1)).clamp(1, runs.max(1));
    let first = (chosen + 1).saturating_sub(fits);
    let each = (room / u16::try_from(fits).unwrap_or(1)).saturating_sub(1).min(FULL + 8);
    (first..(first + fits).min(runs), each)
}

fn columns(painter: &mut Painter, area: Rect, (compare, runs): (&Compare, &[&Run])) {
    let theme = painter.theme;
    let (seen, width) = fitting(area.width, runs.len(), compare.chosen);
    let mut x = area.x + names(area.width) + 1;
    for place in seen.clone() {
        let (style, stroke) = look(theme, compare.places.get(place).copied().unwrap_or(place));
        let text = fit(&format!("{} {}", stroke.sign(), runs[place].started.name), usize::from(width));
        let at = Rect { x, width: width.min(area.right().saturating_sub(x)), height: 1, ..area };
        let line = Line::styled(text, style);
        painter.line(at, if place == compare.chosen { line.patch_style(theme.selected()) } else { line });
        painter.target(at, Target::Column(place));
        x += width + 1;
    }
    let body = Rect { y: area.y + 1, height: area.height.saturating_sub(1), ..area };
    let lines = compare.lines(runs);
    if lines.is_empty() {
        painter.line(body, Line::styled("nothing differs: a shows all", theme.dim()));
    }
    let lines: Vec<Line> = lines.iter().map(|row| table_line(theme, row, &seen, (names(area.width), width))).collect();
    painter.scene.visible_rows = usize::from(body.height);
    painter.scene.scroll_limit = painter.lines(body, lines, compare.top);
}

fn table_line(theme: Theme, row: &Row, seen: &Range<usize>, (names, width): (u16, u16)) -> Line<'static> {
    let (names, width) = (usize::from(names), usize::from(width));
    match row {
        Row::Heading(text) => Line::styled(*text, theme.title()),
        Row::Values { name, cells } => {
            let name = Span::styled(fit(name, names), theme.dim());
            let cells = cells.get(seen.clone()).unwrap_or_default().iter();
            let cells = cells.map(|cell| Span::raw(format!(" {}", fit(whole(cell, width), width))));
            std::iter::once(name).chain(cells).collect()
        }
    }
}

/// Without its interval where there is no room for it: half of one would be another.
fn whole(cell: &str, width: usize) -> &str {
    let short = cell.split_once(" (").map_or(cell, |(value, _)| value);
    if cell.chars().count() > width { short } else { cell }
}

/// What the paired tests say of two runs.
fn pair_lines(theme: Theme, compare: &Compare, (runs, width): (&[&Run], usize)) -> Vec<Line<'static>> {
    let [a, b] = runs else { return Vec::new() };
    let (a, b) = (&a.started.name, &b.started.name);
    match &compare.paired {
        Loadable::Idle => Vec::new(),
        Loadable::Loading => vec![Line::styled("comparing their answers…", theme.dim())],
        Loadable::Failed(problem) => paragraph(&format!("no paired test: {problem}"), width, theme.dim()),
        Loadable::Ready(found) => {
            let texts = paired(found, (a, b));
            texts.iter().flat_map(|text| paragraph(text, width, Style::new())).collect()
        }
    }
}

fn paired(found: &Comparison, (a, b): (&str, &str)) -> [String; 3] {
    let p = |p: Option<f64>| match p {
        None => "–".to_owned(),
        Some(p) if p < 0.001 => "p < 0.001".into(),
        Some(p) => format!("p = {p:.3}"),
    };
    let signed = |value: Option<f64>, interval: Option<Interval>| {
        let interval = interval.map_or_else(String::new, |i| format!(" ({})", range(i.low, i.high)));
        value.map_or_else(|| "–".into(), |value| format!("{value:+.3}{interval}"))
    };
    let accuracy = signed(found.accuracy_difference(), found.accuracy_difference_interval);
    [
        format!(
            "on the same {} test images: {} answered otherwise, {a} right in {}, {b} in {}",
            count(found.images),
            found.disagreements(),
            found.right_in_a,
            found.right_in_b
        ),
        format!("accuracy, {a} less {b}: {accuracy}, McNemar {}", p(found.mcnemar_p)),
        format!(
            "AUC, {a} less {b}: {}, DeLong {}",
            signed(found.auc_difference, found.auc_difference_interval),
            p(found.delong_p)
        ),
    ]
}

fn overlay(painter: &mut Painter, area: Rect, (compare, runs): (&Compare, &[&Run])) {
    if area.height < 4 {
        return;
    }
    let half = area.width / 2;
    let left = Rect { width: half.saturating_sub(1), ..area };
    let right = Rect { x: area.x + half + 1, width: area.width - half - 1, ..area };
    let loss = lines(painter.theme, (compare, runs), |epoch| epoch.validation.loss);
    let accuracy = lines(painter.theme, (compare, runs), |epoch| epoch.validation.confusion.accuracy());
    chart::draw(painter, left, &chart_of("validation loss", loss));
    chart::draw(painter, right, &chart_of("validation accuracy", accuracy));
    // Its cursor is not for these.
    painter.scene.charts.clear();
}

fn lines(theme: Theme, (compare, runs): (&Compare, &[&Run]), of: fn(&EpochFigures) -> Option<f64>) -> Vec<Series> {
    let line = |(place, run): (usize, &&Run)| {
        let history: &History = compare.history(&run.started.id)?;
        let (style, stroke) = look(theme, compare.places.get(place).copied().unwrap_or(place));
        let label = fit(&run.started.name, 14).trim_end().to_owned();
        Some(Series { label, style, stretches: history.of_epochs(of), stroke })
    };
    let mut lines: Vec<Series> = runs.iter().enumerate().filter_map(line).collect();
    // The chosen one lies over the others.
    if compare.chosen < lines.len() {
        lines[compare.chosen..].rotate_left(1);
    }
    lines
}

fn chart_of(title: &str, series: Vec<Series>) -> Chart<'_> {
    let spans = || series.iter().flat_map(|line| &line.stretches);
    let values = spans().map(|span| span.last).filter(|value| value.is_finite());
    let ends = values.map(|value| (value, value)).reduce(|a, b| (a.0.min(b.0), a.1.max(b.1)));
    let (low, high) = ends.unwrap_or((0.0, 1.0));
    let room = if high > low { (high - low) * 0.05 } else { high.abs().max(1e-3) * 0.1 };
    let last = spans().map(|span| span.start.epochs).fold(1.0, f64::max);
    Chart {
        title,
        others: 0,
        axis: Axis::Epoch,
        across: (0.0, last),
        range: (low - room, high + room),
        log: false,
        best: None,
        marks: Vec::new(),
        cursor: None,
        dragged: None,
        state: String::new(),
        labels: None,
        series,
    }
}
