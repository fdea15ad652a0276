//! Some runs side by side: what differs as a table, their validation curves laid over each other.

use std::ops::Range;

use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::{Line, Span};

use super::notice;
use crate::app::App;
use crate::app::curve::{Moment, Span as Stretch};
use crate::app::history::History;
use crate::app::message::Loadable;
use crate::app::runs::compare::{Compare, Line as Row};
use crate::app::scene::Target;
use crate::metrics::Interval;
use crate::metrics::comparison::Comparison;
use crate::store::Run;
use crate::ui::chart::{self, Chart, Series, Stroke};
use crate::ui::curves;
use crate::ui::painter::{Painter, fit, paragraph};
use crate::ui::theme::Theme;
use crate::units::{self, count, share};

/// Cells of the names of settings and figures, and at least of a run.
const NAMES: u16 = 26;
const LEAST: u16 = 14;
/// Where two runs would not fit beside the names in full.
const NARROW: u16 = 20;
/// A figure with its interval.
const FULL: u16 = 23;
/// The curves that are laid over each other.
const CURVES: [(&str, curves::Figure); 2] = [
    ("validation loss", |epoch| epoch.validation.loss),
    ("validation accuracy", |epoch| epoch.validation.confusion.accuracy()),
];

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
        painter.line(at, if place == compare.chosen { theme.select(line) } else { line });
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
        Row::Text(text) => Line::raw(text.clone()),
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
    let short = cell.split_once(" [").map_or(cell, |(value, _)| value);
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
        let interval = interval.map_or_else(String::new, |i| format!(" {}", units::interval(i.low, i.high)));
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
    let most = if area.height > 6 { usize::from(area.height / 4).max(1) } else { 0 };
    let reading = reading(painter.theme, (compare, runs), (usize::from(area.width), most));
    let height = area.height - u16::try_from(reading.len()).unwrap_or(0);
    painter.lines(Rect { y: area.y + height, height: area.height - height, ..area }, reading, 0);
    let half = area.width / 2;
    let left = Rect { width: half.saturating_sub(1), height, ..area };
    let right = Rect { x: area.x + half + 1, width: area.width - half - 1, height, ..area };
    for (place, (title, figure)) in [left, right].into_iter().zip(CURVES) {
        let series = lines(painter.theme, (compare, runs), figure);
        chart::draw(painter, place, &chart_of(title, series, compare));
    }
}

/// What every run has at the cursor, the chosen one first, in at most so many lines.
fn reading(theme: Theme, (compare, runs): (&Compare, &[&Run]), (width, most): (usize, usize)) -> Vec<Line<'static>> {
    let Some(at) = compare.chart.cursor else { return Vec::new() };
    let titles = CURVES.map(|(title, _)| title).join(", ");
    let word = |place: usize| {
        let history = compare.history(&runs[place].started.id)?;
        let (style, stroke) = look(theme, compare.places.get(place).copied().unwrap_or(place));
        let [loss, accuracy] =
            CURVES.map(|(_, figure)| share(chart::value_at(&course(history, figure), compare.chart.axis, at)));
        Some(Span::styled(format!("{} {} {loss:<5} {accuracy:<5}", stroke.sign(), short(runs[place])), style))
    };
    let head = Span::styled(format!("▏epoch {at:.2}: {titles}"), theme.accent());
    let order = (compare.chosen..runs.len()).chain(0..compare.chosen.min(runs.len()));
    let words: Vec<Span> = std::iter::once(head).chain(order.filter_map(word)).collect();
    curves::packed(&words, (width, most))
}

/// A run's name in the room that a legend has.
fn short(run: &Run) -> String {
    fit(&run.started.name, 14).trim_end().to_owned()
}

/// A figure of its epochs. Where the next one would end it has none any more: a longer run is not read beside the last
/// value of a shorter one.
fn course(history: &History, figure: curves::Figure) -> Vec<Stretch> {
    let mut stretches = history.of_epochs(figure);
    let next = stretches.last().map(|last| Moment { epochs: last.start.epochs + 1.0, ..last.start });
    stretches.extend(next.map(|next| Stretch::at(next, f64::NAN)));
    stretches
}

fn lines(theme: Theme, (compare, runs): (&Compare, &[&Run]), figure: curves::Figure) -> Vec<Series> {
    let line = |(place, run): (usize, &&Run)| {
        let history: &History = compare.history(&run.started.id)?;
        let (style, stroke) = look(theme, compare.places.get(place).copied().unwrap_or(place));
        Some(Series { label: short(run), style, stretches: course(history, figure), stroke })
    };
    let mut lines: Vec<Series> = runs.iter().enumerate().filter_map(line).collect();
    // The chosen one lies over the others.
    if compare.chosen < lines.len() {
        lines[compare.chosen..].rotate_left(1);
    }
    lines
}

fn chart_of<'a>(title: &'a str, series: Vec<Series>, compare: &Compare) -> Chart<'a> {
    let (view, across) = (&compare.chart, compare.across());
    Chart {
        title,
        others: 0,
        axis: view.axis,
        across,
        range: curves::close(&curves::seen(&series, across, view.axis)),
        log: false,
        best: None,
        marks: Vec::new(),
        cursor: view.cursor,
        dragged: view.dragged,
        state: curves::state(view, false),
        labels: None,
        series,
    }
}

#[cfg(test)]
mod tests {
    use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyModifiers, MouseButton, MouseEvent, MouseEventKind};

    use super::*;
    use crate::app::action::Place;
    use crate::app::message::Message;
    use crate::app::sample;
    use crate::ui::tests::{frame, text};

    const SIZE: (u16, u16) = (120, 40);

    fn press(app: &mut App, keys: &[KeyCode], size: (u16, u16)) {
        for key in keys {
            let scene = frame(app, size).1;
            app.update(Message::Key(KeyEvent::from(*key)), &scene);
        }
    }

    #[test]
    fn what_every_run_has_at_the_cursor_is_read_below_the_charts() {
        let mut app = sample::comparing();
        press(&mut app, &[KeyCode::End, KeyCode::Left], SIZE);
        insta::assert_snapshot!(text(&app, SIZE));
        press(&mut app, &[KeyCode::Home], SIZE);
        let shown = text(&app, SIZE);
        assert!(shown.contains("▏epoch 0.00: validation loss, validation accuracy  ─ run-12 0.520 0.576"), "{shown}");
        press(&mut app, &[KeyCode::Esc], SIZE);
        assert!(!text(&app, SIZE).contains("▏epoch"));
        press(&mut app, &[KeyCode::Esc], SIZE);
        assert_eq!(app.place(), Place::Runs);
    }

    #[test]
    fn a_run_that_ended_before_the_cursor_has_no_value_there() {
        let mut app = sample::comparing();
        press(&mut app, &[KeyCode::End], SIZE);
        let shown = text(&app, SIZE);
        assert!(shown.contains("╌ run-11 –     –"), "it has three epochs of five: {shown}");
    }

    #[test]
    fn a_click_sets_the_cursor_and_dragging_zooms() {
        let mut app = sample::comparing();
        let scene = frame(&app, SIZE).1;
        let area = scene.charts[1].area;
        let mut mouse = |kind: fn(MouseButton) -> MouseEventKind, column| {
            let kind = kind(MouseButton::Left);
            let event = MouseEvent { kind, column, row: area.y + 1, modifiers: KeyModifiers::NONE };
            app.update(Message::Mouse(event), &scene);
        };
        mouse(MouseEventKind::Down, area.x + area.width - 1);
        mouse(MouseEventKind::Up, area.x + area.width - 1);
        mouse(MouseEventKind::Down, area.x);
        mouse(MouseEventKind::Drag, area.x + area.width / 2);
        mouse(MouseEventKind::Up, area.x + area.width / 2);
        let chart = app.runs.compare.as_ref().unwrap().chart;
        assert_eq!((chart.cursor, chart.dragged), (Some(5.0), None));
        let (from, to) = app.runs.compare.as_ref().unwrap().across();
        assert!(from == 0.0 && (2.4..2.6).contains(&to), "{to}");
        assert!(text(&app, SIZE).contains("validation loss  frozen"));
    }

    #[test]
    fn without_room_for_charts_their_keys_move_through_the_table() {
        let small = (80, 24);
        let mut app = sample::comparing();
        press(&mut app, &[KeyCode::Right, KeyCode::End], small);
        let compare = app.runs.compare.as_ref().unwrap();
        assert_eq!((compare.chosen, compare.chart.cursor), (1, None));
        press(&mut app, &[KeyCode::Char('z'), KeyCode::Right], small);
        assert!(text(&app, small).contains("▏epoch 5.00"), "zoomed, the charts have all the room");
    }
}
