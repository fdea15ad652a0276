//! Loss and accuracy of a run, training and validation overlaid, and its table of epochs; for Train and Runs alike.

use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::Line;

use super::chart::{self, Chart, Series};
use super::painter::Painter;
use super::theme::Theme;
use crate::app::curve::{Curve, Span};
use crate::metrics::EpochFigures;
use crate::units::{duration, share};

/// What is drawn of a run.
#[derive(Debug)]
pub struct Curves<'a> {
    /// Of the training batches, over epochs.
    pub loss: &'a Curve,
    pub accuracy: &'a Curve,
    pub epochs: &'a [EpochFigures],
    pub best_epoch: Option<usize>,
    /// Epochs that the run is to have.
    pub planned: usize,
}

/// Two charts side by side, or one above the other where there is more height than width.
pub fn draw(painter: &mut Painter, area: Rect, curves: &Curves) {
    let (first, second) = if area.height >= 24 && area.width < 140 {
        let height = area.height / 2;
        (Rect { height, ..area }, Rect { y: area.y + height, height: area.height - height, ..area })
    } else {
        let width = area.width / 2;
        (Rect { width: width - 1, ..area }, Rect { x: area.x + width + 1, width: area.width - width - 1, ..area })
    };
    let theme = painter.theme;
    let loss = series(theme, curves.loss, points(curves.epochs, |epoch| epoch.validation.loss));
    let range = (0.0, ceiling(&loss));
    chart::draw(painter, first, &chart_of("loss", loss, range, curves));
    let accuracy = series(theme, curves.accuracy, points(curves.epochs, |epoch| epoch.validation.confusion.accuracy()));
    chart::draw(painter, second, &chart_of("accuracy", accuracy, (0.0, 1.0), curves));
}

#[expect(clippy::cast_precision_loss, reason = "epochs")]
fn chart_of<'a>(title: &'a str, series: Vec<Series>, range: (f64, f64), curves: &Curves) -> Chart<'a> {
    let (epochs, best) = (curves.planned.max(1) as f64, curves.best_epoch.map(|epoch| epoch as f64));
    Chart { title, series, epochs, range, best }
}

fn series(theme: Theme, training: &Curve, validation: Vec<Span>) -> Vec<Series> {
    let stretches = training.spans().to_vec();
    vec![
        Series { label: "train", style: theme.training(), stretches, points: false },
        Series { label: "val", style: theme.validation(), stretches: validation, points: true },
    ]
}

/// A value an epoch, at the epoch's end; undefined ones are gaps.
#[expect(clippy::cast_precision_loss, reason = "epochs")]
fn points(epochs: &[EpochFigures], value: impl Fn(&EpochFigures) -> Option<f64>) -> Vec<Span> {
    let point = |epoch: &EpochFigures| {
        let value = value(epoch).unwrap_or(f64::NAN);
        Span { start: epoch.epoch as f64, min: value, max: value, last: value }
    };
    epochs.iter().map(point).collect()
}

/// The next of 0.25, 0.5, 1, 2, 5, … above the values; the worst twentieth may stick out, so that a first batch or a
/// diverged epoch doesn't flatten the rest.
fn ceiling(series: &[Series]) -> f64 {
    let finite = |series: &Series| series.stretches.iter().map(|s| s.max).filter(|v| v.is_finite()).collect::<Vec<_>>();
    let mut values: Vec<f64> = series.iter().flat_map(finite).collect();
    values.sort_by(f64::total_cmp);
    let highest = values.len().checked_sub(1).and_then(|last| values.get(last - last / 20)).copied().unwrap_or(1.0);
    let steps = [0.25, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0];
    steps.into_iter().find(|step| highest <= *step).unwrap_or(highest)
}

/// The newest epochs that fit, in columns, the best one marked.
pub fn table(painter: &mut Painter, area: Rect, curves: &Curves) {
    if area.height < 2 {
        return;
    }
    let theme = painter.theme;
    let width = usize::from(area.width);
    let head = ["loss", "acc", "v.loss", "v.acc", "v.prec", "v.rec", "v.F1"].map(str::to_owned);
    let head = row("epoch", "", &head, width);
    let fits = usize::from(area.height) - 1;
    let shown = &curves.epochs[curves.epochs.len().saturating_sub(fits)..];
    let mut lines = vec![Line::styled(head, theme.dim())];
    lines.extend(shown.iter().map(|epoch| {
        let best = curves.best_epoch == Some(epoch.epoch);
        Line::styled(epoch_row(epoch, best, width), if best { theme.good() } else { Style::new() })
    }));
    painter.lines(area, lines, 0);
}

fn epoch_row(epoch: &EpochFigures, best: bool, width: usize) -> String {
    let (train, validation) = (&epoch.train, &epoch.validation);
    let c = validation.confusion;
    let figures =
        [train.loss, train.confusion.accuracy(), validation.loss, c.accuracy(), c.precision(), c.recall(), c.f1()];
    let mut cells = figures.map(share).to_vec();
    cells.push(duration(epoch.seconds));
    row(&epoch.epoch.to_string(), if best { " best" } else { "" }, &cells, width)
}

/// Spaces before each cell, and its width.
const COLUMNS: [(usize, usize); 8] = [(0, 7), (1, 7), (2, 7), (1, 7), (1, 7), (1, 7), (1, 7), (2, 0)];

/// As many whole columns as fit: half a number would be another number.
fn row(epoch: &str, mark: &str, cells: &[String], width: usize) -> String {
    let mut text = format!("{epoch:>5}{mark:<5}");
    for (cell, (gap, wide)) in cells.iter().zip(COLUMNS) {
        let cell = format!("{:gap$}{cell:>wide$}", "");
        if text.len() + cell.len() > width {
            break;
        }
        text.push_str(&cell);
    }
    text
}
