//! The search for a learning rate: loss over the rate, both axes as they are read best.

use ratatui::layout::Rect;
use ratatui::text::Line;

use super::chart::{self, Chart, Series, Stroke, tick};
use super::painter::{Painter, paragraph};
use super::theme::Theme;
use crate::app::curve::{Axis, Moment, Span};
use crate::app::finder::Finder;
use crate::train::Phase;
use crate::train::range_test::{RatePoint, RateRange};

pub fn draw(painter: &mut Painter, area: Rect, finder: &Finder) {
    let inner = painter.panel(area, "Learning rate");
    let lines = head(painter.theme, finder, usize::from(inner.width));
    let height = u16::try_from(lines.len()).unwrap_or(u16::MAX).min(inner.height);
    painter.lines(inner, lines, 0);
    let rest = Rect { y: inner.y + height, height: inner.height - height, ..inner };
    if let Some(chart) = chart_of(painter.theme, finder) {
        chart::draw(painter, rest, &chart);
        // Its axis is no run's: the mouse has nothing to do there.
        painter.scene.charts.pop();
    }
}

fn head(theme: Theme, finder: &Finder, width: usize) -> Vec<Line<'static>> {
    let mut lines = match (&finder.found, finder.rate()) {
        (None, _) => vec![Line::styled(format!("● {}", progress(finder)), theme.good())],
        (Some(Ok(_)), Some(rate)) => vec![
            Line::styled(format!("✓ {rate:e}: there the loss falls most steeply; Enter takes it"), theme.good()),
            Line::styled("from a new network, by batches at a rising rate; nothing of it is kept", theme.dim()),
        ],
        (Some(Ok(rate)), None) => vec![Line::styled(format!("✓ {rate:e}"), theme.good())],
        (Some(Err(problem)), _) => paragraph(&format!("✗ {problem}"), width, theme.bad()),
    };
    lines.extend(finder.notice.iter().flat_map(|text| paragraph(&format!("! {text}"), width, theme.warning())));
    lines
}

fn progress(finder: &Finder) -> String {
    match (finder.phase, finder.points.last()) {
        (Phase::Scanning, _) => "looking for images".into(),
        (Phase::Decoding { done, total }, _) => format!("decoding {done} of {total}"),
        (_, Some(point)) => format!("batch {} at a rate of {:.1e}", finder.points.len(), point.learning_rate),
        _ => "making the network".into(),
    }
}

/// `None` until there is a point.
fn chart_of(theme: Theme, finder: &Finder) -> Option<Chart<'static>> {
    finder.points.first()?;
    let RateRange { low, high, .. } = RateRange::default();
    let across = (low.log10(), high.log10());
    let line = |(label, stroke): (&str, Stroke), style, value: fn(&RatePoint) -> f64| Series {
        label: label.into(),
        style,
        stretches: finder.points.iter().map(|point| Span::at(at(point.learning_rate), value(point))).collect(),
        stroke,
    };
    let lowest = finder.points.iter().map(|point| point.smoothed).fold(f64::INFINITY, f64::min);
    let first_loss = finder.points.iter().take(10).map(|point| point.loss).fold(0.0, f64::max);
    Some(Chart {
        title: "loss",
        series: vec![
            line(("each batch", Stroke::Dotted), theme.dim(), |point| point.loss),
            line(("smoothed", Stroke::Solid), theme.training(), |point| point.smoothed),
        ],
        others: 0,
        axis: Axis::Step,
        across,
        labels: Some((tick(low), format!("{high} learning rate"))),
        range: (0.0, (first_loss.max(lowest * 2.0) * 1.2).max(f64::MIN_POSITIVE)),
        log: false,
        best: None,
        marks: Vec::new(),
        cursor: finder.rate().map(f64::log10),
        dragged: None,
        state: String::new(),
    })
}

fn at(rate: f64) -> Moment {
    Moment { step: rate.log10(), ..Moment::default() }
}
