//! ROC, precision-recall and reliability curve with the operating point, and the matrix; what is chosen opens its images.

use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::{Line, Span};

use super::facts::count_u64;
use crate::app::inspect::InspectScreen;
use crate::app::inspect::case::Verdict;
use crate::app::inspect::curves::{Behind, Chart, Curves};
use crate::app::scene::Target;
use crate::dataset::Class;
use crate::metrics::calibration::BINS;
use crate::metrics::ranking::Cut;
use crate::metrics::{Confusion, Estimate, Interval, Measure};
use crate::ui::figures::with_interval;
use crate::ui::painter::Painter;
use crate::ui::plane::{Plane, Point};
use crate::units::share;

/// So many cells have room for all four.
const ALL: (u16, u16) = (100, 30);

pub fn draw(painter: &mut Painter, area: Rect, screen: &InspectScreen) {
    let Some(curves) = screen.curves() else {
        let text = "no curves yet: they need answers for images of both classes, which come as images are stepped to";
        painter.message(area, vec![Line::styled(text, painter.theme.dim())]);
        return;
    };
    if area.width < ALL.0 || area.height < ALL.1 {
        draw_one(painter, area, (screen, &curves), screen.curves.chart);
        return;
    }
    let (width, height) = (area.width / 2, area.height / 2);
    for (chart, (column, row)) in Chart::ALL.into_iter().zip([(0, 0), (1, 0), (0, 1), (1, 1)]) {
        let place = Rect { x: area.x + column * width, y: area.y + row * height, width: width - 2, height };
        draw_one(painter, place, (screen, &curves), chart);
    }
}

/// A title, the chart, and what is chosen in it in words.
fn draw_one(painter: &mut Painter, area: Rect, (screen, curves): (&InspectScreen, &Curves), chart: Chart) {
    if area.height < 8 {
        return;
    }
    let is_chosen = screen.curves.chart == chart;
    let title = Span::styled(chart.name(), if is_chosen { painter.theme.accent() } else { painter.theme.title() });
    let sign = if is_chosen { "▸ " } else { "  " };
    let figure = Span::styled(format!("  {}", figure(screen, curves, chart)), painter.theme.dim());
    painter.line(area, Line::from(vec![Span::raw(sign), title, figure]));
    let inner = Rect { y: area.y + 1, height: area.height - 3, ..area };
    let said: [String; 2] = match chart {
        Chart::Roc => roc(painter, inner, (screen, curves)),
        Chart::PrecisionRecall => precision_recall(painter, inner, (screen, curves)),
        Chart::Reliability => reliability(painter, inner, (screen, curves)),
        Chart::Matrix => matrix(painter, inner, screen),
    };
    for (row, said) in (inner.bottom()..).zip(said) {
        painter.line(Rect { y: row, height: 1, ..area }, Line::raw(said));
    }
}

/// The figure that a chart stands for.
fn figure(screen: &InspectScreen, curves: &Curves, chart: Chart) -> String {
    match chart {
        Chart::Roc => format!("AUC {}", with_interval(screen.auc)),
        Chart::PrecisionRecall => format!("AP {}", share(curves.average_precision)),
        Chart::Reliability => {
            format!("calibration error {}", share(crate::metrics::calibration::expected_error(&curves.bins)))
        }
        Chart::Matrix => {
            format!("{} images", count_u64(screen.confusions().1.total()))
        }
    }
}

fn roc(painter: &mut Painter, area: Rect, (screen, curves): (&InspectScreen, &Curves)) -> [String; 2] {
    let point = |cut: Cut| Some((1.0 - cut.confusion.specificity()?, cut.confusion.recall()?));
    let measures = (Measure::Specificity, Measure::Sensitivity);
    let Some(plane) = Plane::draw(painter, area, ("1 − specificity", "sensitivity")) else {
        return Default::default();
    };
    plane.line(painter, ((0.0, 0.0), (1.0, 1.0)), (painter.theme.frame(), 3));
    curve(painter, plane, curves.cuts.iter().map(|cut| point(*cut)));
    operating(painter, plane, (screen, measures), |spread| spread.map(|share| 1.0 - share));
    let at = screen.confusions().1;
    let [specificity, sensitivity] = [measures.0, measures.1].map(|m| with_interval(at.estimate(m)));
    [format!("◆ sensitivity {sensitivity}"), format!("  specificity {specificity}")]
}

fn precision_recall(painter: &mut Painter, area: Rect, (screen, curves): (&InspectScreen, &Curves)) -> [String; 2] {
    let point = |cut: Cut| Some((cut.confusion.recall()?, cut.confusion.precision()?));
    let measures = (Measure::Sensitivity, Measure::Ppv);
    let Some(plane) = Plane::draw(painter, area, ("recall", "precision")) else { return Default::default() };
    curve(painter, plane, curves.cuts.iter().map(|cut| point(*cut)));
    operating(painter, plane, (screen, measures), |spread| spread);
    let at = screen.confusions().1;
    let [recall, precision] = [measures.0, measures.1].map(|m| with_interval(at.estimate(m)));
    [format!("◆ precision {precision}"), format!("  recall    {recall}")]
}

/// The curve through the points of all cuts; each of its cells opens the images about its threshold.
fn curve(painter: &mut Painter, plane: Plane, points: impl Iterator<Item = Option<Point>>) {
    let points: Vec<(usize, Point)> = points.enumerate().filter_map(|(at, point)| Some((at, point?))).collect();
    plane.path(painter, &points.iter().map(|(_, point)| *point).collect::<Vec<_>>(), Style::new());
    for (at, point) in points {
        let (x, y) = plane.cell(point);
        painter.target(Rect { x, y, width: 1, height: 1 }, Target::Images(Behind::Cut(at)));
    }
}

/// The point that images are called by, with the intervals of both its figures; `across` turns the first as the axis does.
fn operating(
    painter: &mut Painter,
    plane: Plane,
    (screen, measures): (&InspectScreen, (Measure, Measure)),
    across: impl Fn([f64; 3]) -> [f64; 3],
) {
    let at: Confusion = screen.confusions().1;
    let spread = |measure| {
        let estimate = at.estimate(measure)?;
        Some(estimate.interval.map_or([estimate.value; 3], |i| [i.low, estimate.value, i.high]))
    };
    let (Some(x), Some(y)) = (spread(measures.0).map(across), spread(measures.1)) else { return };
    let style = painter.theme.accent();
    plane.line(painter, ((x[0], y[1]), (x[2], y[1])), (style, 1));
    plane.line(painter, ((x[1], y[0]), (x[1], y[2])), (style, 1));
    let cell = plane.cell((x[1], y[1]));
    painter.buffer[cell].set_symbol("◆").set_style(style);
}

/// Bars as high as the share of PNEUMONIA, with its interval; as they should be on the diagonal.
#[expect(clippy::cast_precision_loss, reason = "15 bins, and counts of images far below 2^53")]
fn reliability(painter: &mut Painter, area: Rect, (screen, curves): (&InspectScreen, &Curves)) -> [String; 2] {
    let (chosen, theme) = (screen.curves.bin.min(BINS - 1), painter.theme);
    let Some(plane) = Plane::draw(painter, area, ("probability", "share PNEUMONIA")) else {
        return Default::default();
    };
    plane.line(painter, ((0.0, 0.0), (1.0, 1.0)), (theme.frame(), 3));
    for (number, bin) in curves.bins.iter().enumerate() {
        let column = |share: f64| plane.cell((share / BINS as f64, 0.0)).0;
        let (left, right) = (column(number as f64), column((number + 1) as f64).max(column(number as f64) + 1));
        let whole = Rect { x: left, width: right - left, ..plane.0 };
        painter.target(whole, Target::Images(Behind::Bin(number)));
        let Some(estimate) = Estimate::share(bin.positives, bin.images) else { continue };
        let style = if number == chosen { theme.accent() } else { theme.dim() };
        bar(painter, Rect { width: (right - left).max(2) - 1, ..whole }, (estimate.value, style));
        if let Some(interval) = estimate.interval {
            spread(painter, plane, (left + ((right - left).max(2) - 2) / 2, interval, style));
        }
    }
    let bin = curves.bins[chosen];
    let [from, to] = [chosen, chosen + 1].map(|end| end as f64 / BINS as f64);
    let estimate = with_interval(Estimate::share(bin.positives, bin.images));
    let images = count_u64(bin.images);
    [format!("▸ probability {from:.2} to {to:.2}: {images} images"), format!("  PNEUMONIA {estimate}")]
}

/// An interval over the middle of its bar.
fn spread(painter: &mut Painter, plane: Plane, (x, interval, style): (u16, Interval, Style)) {
    let row = |share: f64| plane.cell((0.0, share)).1;
    for y in row(interval.high)..=row(interval.low) {
        let cell = &mut painter.buffer[(x, y)];
        // Within the bar its colour lies behind the line.
        let within = cell.symbol() == "█";
        cell.set_symbol("│").set_style(if within { Style::new().bg(style.fg.unwrap_or_default()) } else { style });
    }
}

/// A column of blocks, its top to the eighth of a cell.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "eighths of cells")]
fn bar(painter: &mut Painter, area: Rect, (share, style): (f64, Style)) {
    const EIGHTHS: [&str; 9] = [" ", "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"];
    let eighths = (share * f64::from(area.height) * 8.0).round() as usize;
    for (row, area) in area.rows().rev().enumerate() {
        let part = eighths.saturating_sub(row * 8).min(8);
        if part > 0 {
            painter.line(area, Line::styled(EIGHTHS[part].repeat(area.width.into()), style));
        }
    }
}

/// The four counts, each a way to its images.
fn matrix(painter: &mut Painter, area: Rect, screen: &InspectScreen) -> [String; 2] {
    let theme = painter.theme;
    // Two columns of numbers beside the names.
    let is_narrow = area.width < 38;
    let (names, width) = if is_narrow { (10, area.width.saturating_sub(10) / 2) } else { (14, 12) };
    let counts = screen.confusions().1;
    let place = |column: u16, row: u16| Rect { x: area.x + names + column * width, y: area.y + row, width, height: 1 };
    let called = if is_narrow { ["NORM.", "PNEU."] } else { Class::ALL.map(Class::name) };
    painter.line(Rect { x: area.x, width: names, ..place(0, 2) }, Line::styled("  truth", theme.dim()));
    for (column, name) in (0..).zip(called) {
        painter.line(place(column, 2), Line::styled(name, theme.dim()).right_aligned());
        let row = Rect { x: area.x, width: names, ..place(0, 4 + 2 * column) };
        painter.line(row, Line::raw(format!("  {name}")));
    }
    for (number, verdict) in (0..).zip(Verdict::ALL) {
        let cell = place(number % 2, 4 + 2 * (number / 2));
        let style = if verdict.is_right() { theme.good() } else { theme.bad() };
        let line = Line::styled(format!("{:>1$}", verdict.count(counts), usize::from(width)), style);
        let is_chosen = screen.curves.chart == Chart::Matrix && screen.curves.cell == usize::from(number);
        painter.line(cell, if is_chosen { theme.select(line) } else { line });
        painter.target(cell, Target::Images(Behind::Verdict(verdict)));
    }
    let measures = [Measure::Accuracy, Measure::Sensitivity, Measure::Specificity, Measure::Ppv, Measure::Npv];
    for (row, measure) in (8..).zip(measures).take_while(|(row, _)| row + 1 < area.height) {
        let text = format!("  {:<13}{}", measure.name(), with_interval(counts.estimate(measure)));
        painter.line(Rect { y: area.y + row, height: 1, ..area }, Line::raw(text));
    }
    let chosen = Verdict::ALL[screen.curves.cell.min(Verdict::ALL.len() - 1)];
    [format!("▸ {}: {}", chosen.name(), chosen.count(counts)), String::new()]
}
