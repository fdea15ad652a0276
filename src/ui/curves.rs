//! The charts of a run, a page each, with other runs behind; and its table of epochs; for Train and Runs alike.

use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::{Line, Span as Words};

use super::chart::{self, Chart, Series, Stroke, tick, value_at};
use super::painter::Painter;
use super::theme::Theme;
use crate::app::chart::{ChartView, Page, Window};
use crate::app::curve::{Axis, Curve, Span, smoothed};
use crate::app::history::History;
use crate::metrics::EpochFigures;
use crate::store::MarkKind;
use crate::units::{duration, share};

/// What is drawn of a run, and how.
#[derive(Debug)]
pub struct Curves<'a> {
    pub history: &'a History,
    pub view: &'a ChartView,
    /// Runs behind it, by name.
    pub others: Vec<(&'a str, &'a History)>,
    /// One chart has all the room.
    pub zoomed: bool,
}

/// Charts side by side, or one above the other where there is more height than width; one alone where it is zoomed. Below
/// them, where there is a cursor, all values at it.
pub fn draw(painter: &mut Painter, area: Rect, curves: &Curves) {
    let reading = u16::from(curves.view.cursor.is_some() && area.height > 6);
    let charts = Rect { height: area.height - reading, ..area };
    if curves.zoomed {
        chart::draw(painter, charts, &chart_of(curves, curves.view.page, painter.theme));
    } else {
        let (first, second) = halves(charts);
        chart::draw(painter, first, &chart_of(curves, curves.view.page, painter.theme));
        chart::draw(painter, second, &chart_of(curves, curves.view.page.shifted(1), painter.theme));
    }
    if let (Some(at), 1) = (curves.view.cursor, reading) {
        let row = Rect { y: charts.bottom(), height: 1, ..area };
        let words = read_out(curves, at).into_iter().map(|word| Words::styled(word, painter.theme.accent()));
        painter.lines(row, packed(&words.collect::<Vec<_>>(), (usize::from(area.width), 1)), 0);
    }
}

/// What is read at a cursor, in so many lines of so many cells: whole words, and a sign where not all fit.
pub fn packed(words: &[Words<'static>], (width, rows): (usize, usize)) -> Vec<Line<'static>> {
    let mut lines: Vec<Line> = Vec::new();
    for (at, word) in words.iter().enumerate() {
        let is_last_line = lines.len() == rows;
        // Room for the sign that there is more.
        let kept = if is_last_line && at + 1 < words.len() { 2 } else { 0 };
        match lines.last_mut() {
            Some(line) if line.width() + 2 + word.width() + kept <= width => {
                line.push_span("  ");
                line.push_span(word.clone());
            }
            Some(line) if is_last_line => {
                line.push_span(" …");
                break;
            }
            _ => lines.push(Line::from(word.clone())),
        }
    }
    lines
}

fn halves(area: Rect) -> (Rect, Rect) {
    if area.height >= 24 && area.width < 140 {
        let height = area.height / 2;
        return (Rect { height, ..area }, Rect { y: area.y + height, height: area.height - height, ..area });
    }
    let width = area.width / 2;
    (Rect { width: width - 1, ..area }, Rect { x: area.x + width + 1, width: area.width - width - 1, ..area })
}

/// All values at a place of the axis.
fn read_out(curves: &Curves, at: f64) -> Vec<String> {
    let (history, axis) = (curves.history, curves.view.axis);
    let moment = history.loss.spans().iter().rev().map(|span| span.start).find(|m| m.along(axis) <= at);
    let moment = moment.unwrap_or_default();
    let mut words =
        vec![format!("▏epoch {:.2}", moment.epochs), format!("step {:.0}", moment.step), duration(moment.seconds)];
    let steps = [("loss", &history.loss), ("acc", &history.accuracy)];
    let figures: [(&str, Figure); 3] = [
        ("v.loss", |e| e.validation.loss),
        ("v.acc", |e| e.validation.confusion.accuracy()),
        ("hd.AUC", EpochFigures::harder_auc),
    ];
    let more = [
        ("rate", &history.learning_rate),
        ("images/s", &history.speed),
        ("CPU", &history.processor),
        ("memory", &history.memory),
    ];
    let of_curve = |(name, curve): (&str, &Curve)| Some((name.to_owned(), value_at(curve.spans(), axis, at)?));
    let of_epochs =
        |(name, figure): (&str, Figure)| Some((name.to_owned(), value_at(&history.of_epochs(figure), axis, at)?));
    let found = steps.into_iter().filter_map(of_curve).chain(figures.into_iter().filter_map(of_epochs));
    for (name, value) in found.chain(more.into_iter().filter_map(of_curve)) {
        let value = if name == "memory" { format!("{:.2} GiB", value / GIB) } else { tick(value) };
        words.push(format!("{name} {value}"));
    }
    words
}

/// A figure of an epoch.
pub type Figure = fn(&EpochFigures) -> Option<f64>;

const GIB: f64 = 1024.0 * 1024.0 * 1024.0;

fn chart_of<'a>(curves: &Curves, page: Page, theme: Theme) -> Chart<'a> {
    let (history, view) = (curves.history, curves.view);
    let mut series: Vec<Series> = Vec::new();
    if view.overlay {
        for (place, (name, other)) in curves.others.iter().enumerate() {
            series.extend(behind(theme, (place, name), other, (page, view)));
        }
    }
    let others = series.len();
    series.extend(own(theme, history, (page, view)));
    let across = view.range(history);
    let log = view.log && matches!(page, Page::Loss | Page::Rate | Page::Speed);
    let best = history.best_epoch.and_then(|best| {
        let end = history.epochs.iter().find(|(_, figures)| figures.epoch == best)?.0;
        Some((end.along(view.axis), best))
    });
    Chart {
        title: page.title(),
        range: range(&series, (page, log), (across, view)),
        series,
        others,
        axis: view.axis,
        across,
        labels: None,
        log,
        best,
        marks: history.marks.iter().map(|m| (history.moment_of(m.step).along(view.axis), letter(m.kind))).collect(),
        cursor: view.cursor,
        dragged: view.dragged,
        state: state(view, log),
    }
}

/// What is done to a run, in a letter below the chart.
const fn letter(kind: MarkKind) -> char {
    match kind {
        MarkKind::Pause => 'P',
        MarkKind::Continue => 'C',
        MarkKind::Stop => 'S',
        MarkKind::Finish => 'F',
        MarkKind::Resume => 'R',
        MarkKind::Rate => 'L',
        MarkKind::Repeat => '=',
    }
}

/// What is said after a title: which part is shown, and how.
pub fn state(view: &ChartView, log: bool) -> String {
    let window = match view.window {
        Window::All => "",
        Window::Fixed(..) => "frozen",
        Window::Last(_) => "following",
    };
    let smooth = if view.smoothing > 0 { format!("smooth {}", view.weight()) } else { String::new() };
    let words = [window.to_owned(), smooth, if log { "log".to_owned() } else { String::new() }];
    words.into_iter().filter(|word| !word.is_empty()).collect::<Vec<_>>().join(", ")
}

/// The lines of the run itself.
fn own(theme: Theme, history: &History, (page, view): (Page, &ChartView)) -> Vec<Series> {
    let steps = |curve: &Curve, label: &str| of_steps(curve, label, (theme.training(), theme.dim()), view.weight());
    let validation = |label: &str, style, value: Figure| Series {
        label: label.into(),
        style,
        stretches: history.of_epochs(value),
        stroke: Stroke::Points,
    };
    match page {
        Page::Loss => {
            let mut series = steps(&history.loss, "train");
            series.push(validation("val", theme.validation(), |epoch| epoch.validation.loss));
            series
        }
        Page::Accuracy => {
            let mut series = steps(&history.accuracy, "train");
            series.push(validation("val", theme.validation(), |epoch| epoch.validation.confusion.accuracy()));
            series.extend(is_harder(history).then(|| Series {
                stroke: Stroke::Dashed,
                ..validation("harder AUC", theme.series(2), EpochFigures::harder_auc)
            }));
            series
        }
        Page::Validation => vec![
            validation("precision", theme.series(0), |epoch| epoch.validation.confusion.precision()),
            Series {
                stroke: Stroke::Dashed,
                ..validation("recall", theme.series(1), |epoch| epoch.validation.confusion.recall())
            },
            Series {
                stroke: Stroke::Solid,
                ..validation("F1", theme.series(2), |epoch| epoch.validation.confusion.f1())
            },
        ],
        Page::Rate => of_steps(&history.learning_rate, "rate", (theme.training(), theme.dim()), 0.0),
        Page::Speed => steps(&history.speed, "training"),
        Page::Processor => steps(&history.processor, "this process"),
        Page::Memory => {
            let mut series = of_steps(&history.memory, "this process", (theme.training(), theme.dim()), 0.0);
            for stretch in series.iter_mut().flat_map(|line| &mut line.stretches) {
                *stretch =
                    Span { min: stretch.min / GIB, max: stretch.max / GIB, last: stretch.last / GIB, ..*stretch };
            }
            series
        }
    }
}

/// A line of every step; where it is smoothed, the raw one faint behind it.
fn of_steps(curve: &Curve, label: &str, (style, faint): (Style, Style), weight: f64) -> Vec<Series> {
    let raw = curve.spans().to_vec();
    let line = |label: &str, style, stretches| Series { label: label.into(), style, stretches, stroke: Stroke::Solid };
    if weight == 0.0 {
        return vec![line(label, style, raw)];
    }
    let smooth = smoothed(curve.spans(), curve.width(), weight);
    vec![line("", faint, raw), line(label, style, smooth)]
}

/// Another run's line: of its validation images where there is such a figure.
fn behind(
    theme: Theme,
    (place, name): (usize, &str),
    other: &History,
    (page, view): (Page, &ChartView),
) -> Option<Series> {
    let stretches = match page {
        Page::Loss => other.of_epochs(|epoch| epoch.validation.loss),
        Page::Accuracy | Page::Validation => other.of_epochs(|epoch| epoch.validation.confusion.accuracy()),
        Page::Rate => other.learning_rate.spans().to_vec(),
        Page::Speed => smoothed(other.speed.spans(), other.speed.width(), view.weight().max(0.9)),
        Page::Processor | Page::Memory => return None,
    };
    // Faint, and told apart by their strokes: the run itself is what is looked at.
    let stroke = [Stroke::Dotted, Stroke::Dashed][place % 2];
    let of_validation = matches!(page, Page::Loss | Page::Accuracy | Page::Validation);
    let label = if of_validation { format!("{name} val") } else { name.to_owned() };
    Some(Series { label, style: theme.dim(), stretches, stroke })
}

/// From and to of the vertical axis.
fn range(series: &[Series], (page, log): (Page, bool), (across, view): ((f64, f64), &ChartView)) -> (f64, f64) {
    let values = seen(series, across, view.axis);
    let share = matches!(page, Page::Accuracy | Page::Validation);
    let closed_up = view.window != Window::All;
    match () {
        () if log => logarithmic(&values),
        () if share && !closed_up => (0.0, 1.0),
        () if closed_up => close(&values),
        () => (0.0, ceiling(&values)),
    }
}

/// The smallest and the largest value of each stretch between two places of the axis.
pub fn seen(series: &[Series], (from, to): (f64, f64), axis: Axis) -> Vec<(f64, f64)> {
    let seen = |span: &&Span| (from..=to).contains(&span.start.along(axis));
    let finite = |span: &Span| (span.min.is_finite() && span.max.is_finite()).then_some((span.min, span.max));
    series.iter().flat_map(|line| line.stretches.iter().filter(seen).filter_map(finite)).collect()
}

fn logarithmic(values: &[(f64, f64)]) -> (f64, f64) {
    let positive = values.iter().flat_map(|(low, high)| [*low, *high]).filter(|value| *value > 0.0);
    let (low, high) = positive.fold((f64::INFINITY, 0.0_f64), |(low, high), value| (low.min(value), high.max(value)));
    match () {
        () if high <= 0.0 => (0.1, 1.0),
        // All the same: it lies in the middle.
        () if low >= high => (high * 0.1, high * 10.0),
        () => (low, high),
    }
}

/// A little around what is seen.
pub fn close(values: &[(f64, f64)]) -> (f64, f64) {
    let Some((low, high)) = values.iter().copied().reduce(|a, b| (a.0.min(b.0), a.1.max(b.1))) else {
        return (0.0, 1.0);
    };
    let room = if high > low { (high - low) * 0.05 } else { high.abs().max(1e-3) * 0.1 };
    (low - room, high + room)
}

/// The next of 1, 2, 2.5, 5 times a power of ten above the values; the worst twentieth may stick out, so that a first
/// batch or a diverged epoch doesn't flatten the rest.
fn ceiling(values: &[(f64, f64)]) -> f64 {
    let mut highest: Vec<f64> = values.iter().map(|(_, high)| *high).collect();
    highest.sort_by(f64::total_cmp);
    let high = highest.len().checked_sub(1).and_then(|last| highest.get(last - last / 20)).copied().unwrap_or(1.0);
    if high <= 0.0 || !high.is_finite() {
        return 1.0;
    }
    let power = 10_f64.powf(high.log10().floor());
    let steps = [1.0, 2.0, 2.5, 5.0, 10.0];
    steps.into_iter().map(|step| step * power).find(|step| high <= *step).unwrap_or(high)
}

/// Rows that the table takes of so many: no more than it fills.
pub fn table_height(history: &History, most: u16) -> u16 {
    u16::try_from(history.epochs.len() + 1).unwrap_or(u16::MAX).clamp(2, most.max(2))
}

/// The newest epochs that fit, in columns, the best one marked.
pub fn table(painter: &mut Painter, area: Rect, curves: &Curves) {
    if area.height < 2 {
        return;
    }
    let theme = painter.theme;
    let width = usize::from(area.width);
    let harder = is_harder(curves.history);
    let mut head = ["loss", "acc", "v.loss", "v.acc", "v.prec", "v.rec", "v.F1"].map(str::to_owned).to_vec();
    if harder {
        head.insert(4, "hd.AUC".to_owned());
    }
    let head = row("epoch", "", &head, width);
    let fits = usize::from(area.height) - 1;
    let epochs = &curves.history.epochs;
    let shown = &epochs[epochs.len().saturating_sub(fits)..];
    let mut lines = vec![Line::styled(head, theme.dim())];
    lines.extend(shown.iter().map(|(_, epoch)| {
        let best = curves.history.best_epoch == Some(epoch.epoch);
        Line::styled(epoch_row(epoch, (best, harder), width), if best { theme.good() } else { Style::new() })
    }));
    painter.lines(area, lines, 0);
}

/// Whether validation images made harder are scored.
fn is_harder(history: &History) -> bool {
    history.epochs.iter().any(|(_, epoch)| epoch.shifted.is_some())
}

fn epoch_row(epoch: &EpochFigures, (best, harder): (bool, bool), width: usize) -> String {
    let (train, validation) = (&epoch.train, &epoch.validation);
    let c = validation.confusion;
    let figures =
        [train.loss, train.confusion.accuracy(), validation.loss, c.accuracy(), c.precision(), c.recall(), c.f1()];
    let mut cells = figures.map(share).to_vec();
    if harder {
        cells.insert(4, share(epoch.harder_auc()));
    }
    cells.push(duration(epoch.seconds));
    row(&epoch.epoch.to_string(), if best { " best" } else { "" }, &cells, width)
}

/// Spaces before each cell: more between training and validation.
const GAPS: [usize; 9] = [0, 1, 2, 1, 1, 1, 1, 1, 1];

/// As many whole columns as fit: half a number would be another number.
fn row(epoch: &str, mark: &str, cells: &[String], width: usize) -> String {
    let mut text = format!("{epoch:>5}{mark:<5}");
    for (cell, gap) in cells.iter().zip(GAPS) {
        let cell = format!("{:gap$}{cell:>7}", "");
        if text.len() + cell.len() > width {
            break;
        }
        text.push_str(&cell);
    }
    text
}
