//! The Inspect screen: the X-ray large, and beside it truth, prediction and how the run does over all.

use ratatui::buffer::CellDiffOption;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use super::painter::{Painter, area_of, bar, fit_end};
use super::picture;
use super::theme::Theme;
use crate::app::App;
use crate::app::inspect::InspectScreen;
use crate::app::message::{Case, Loadable};
use crate::app::scene::PictureArea;
use crate::dataset::{Class, Split};
use crate::metrics::{self, Confusion, Estimate, Measure, Threshold};
use crate::picture::Picture;
use crate::units::{self, count, percent, share};

/// Cells of the text beside the picture.
const TEXT: u16 = 36;

pub fn draw(painter: &mut Painter, area: Rect, app: &App) {
    let screen = &app.inspect;
    match (&screen.run, &screen.cases) {
        (None, _) => match &app.runs.runs {
            Loadable::Failed(problem) => note(painter, area, &format!("✗ {problem}")),
            _ => note(painter, area, "No run can predict yet: train one on 2, an epoch is enough"),
        },
        (Some(_), Loadable::Failed(problem)) => note(painter, area, &format!("✗ {problem}")),
        (Some(_), Loadable::Idle | Loadable::Loading) => note(painter, area, "reading…"),
        (Some(_), Loadable::Ready(cases)) if cases.is_empty() => {
            note(painter, area, "This data set has no test images");
        }
        (Some(_), Loadable::Ready(_)) => case(painter, area, screen, app.popup.is_some()),
    }
}

fn note(painter: &mut Painter, area: Rect, text: &str) {
    let inner = painter.panel(area, "Inspect");
    painter.message(inner, vec![Line::from(text.to_owned())]);
}

fn case(painter: &mut Painter, area: Rect, screen: &InspectScreen, covered: bool) {
    let (Some(case), Some(run)) = (screen.case(), &screen.run) else { return };
    let left = Rect { width: area.width - TEXT.min(area.width), ..area };
    let right = Rect { x: left.right(), width: area.width - left.width, ..area };
    let split = if screen.split == Split::Test { "" } else { ", validation images" };
    let title = format!("{} of {}{split}", count(screen.index + 1), count(screen.list().len()));
    let inner = painter.panel(left, &title);
    match &screen.picture {
        Loadable::Ready(picture) => show(painter, inner, picture, (screen.generation, covered)),
        Loadable::Failed(problem) => {
            painter.message(inner, vec![Line::styled(format!("✗ {problem}"), painter.theme.bad())]);
        }
        Loadable::Idle | Loadable::Loading => {}
    }
    let inner = painter.panel(right, &run.name);
    let lines = facts(painter.theme, screen, case, usize::from(inner.width));
    let text = Rect { height: inner.height.saturating_sub(1), ..inner };
    painter.lines(text, lines, 0);
    let last = Rect { y: text.bottom(), height: inner.height - text.height, ..inner };
    painter.line(last, Line::styled("research use only", painter.theme.dim()));
}

/// In cells; or, where real pixels are printed over it, cells that the frame leaves alone.
fn show(painter: &mut Painter, area: Rect, image: &Picture, (generation, covered): (u64, bool)) {
    if !painter.display.pixels || covered {
        picture::draw(painter, area, image);
        return;
    }
    let place = picture::fitted(area, image.width, image.height);
    for position in place.positions() {
        painter.buffer[position].set_diff_option(CellDiffOption::Skip);
    }
    painter.scene.picture = Some(PictureArea { area: area_of(place), generation });
}

fn facts(theme: Theme, screen: &InspectScreen, case: &Case, width: usize) -> Vec<Line<'static>> {
    let name = case.file.rsplit('/').next().unwrap_or_default();
    let mut lines = vec![
        Line::styled(fit_end(name, width), theme.title()),
        Line::styled(fit_end(&case.file, width), theme.dim()),
        labelled(theme, "truth", Span::styled(case.truth.name(), theme.class(case.truth))),
        labelled(theme, "prediction", prediction(theme, screen, case)),
    ];
    lines.extend(Class::ALL.map(|class| probability(theme, case, class, width)));
    let (seen, all) = screen.confusions();
    lines.push(boundary(theme, screen.threshold()));
    lines.extend(matrix(theme, "seen so far", seen));
    lines.extend(matrix(theme, "all answered", all));
    lines.extend(intervals(theme, screen, all));
    lines
}

/// Where PNEUMONIA begins; at 0.5 the bars say it.
fn boundary(theme: Theme, threshold: Threshold) -> Line<'static> {
    if threshold == Threshold::HALF {
        return Line::default();
    }
    Line::styled(format!("called PNEUMONIA from {}", percent(threshold.probability())), theme.dim())
}

/// What all answered images give, with 95 % intervals.
fn intervals(theme: Theme, screen: &InspectScreen, all: Confusion) -> Vec<Line<'static>> {
    let measures = [Measure::Accuracy, Measure::Sensitivity, Measure::Specificity];
    let named = measures.map(|measure| (measure.name(), all.estimate(measure)));
    let line = |(name, estimate): (&str, Option<Estimate>)| {
        let interval = estimate.and_then(|estimate| estimate.interval);
        let interval = interval.map_or_else(String::new, |i| units::interval(i.low, i.high));
        let value = share(estimate.map(|estimate| estimate.value));
        Line::from(vec![Span::styled(format!("{name:<12}"), theme.dim()), Span::raw(format!("{value:>5} {interval}"))])
    };
    named.into_iter().chain([("AUC", screen.auc)]).map(line).collect()
}

fn labelled(theme: Theme, label: &str, value: Span<'static>) -> Line<'static> {
    Line::from(vec![Span::styled(format!("{label:<11}"), theme.dim()), value])
}

fn prediction(theme: Theme, screen: &InspectScreen, case: &Case) -> Span<'static> {
    let threshold = screen.threshold();
    match (case.predicted(threshold), case.is_right(threshold), &screen.problem) {
        (Some(class), Some(true), _) => Span::styled(format!("{} ✓ right", class.name()), theme.good()),
        (Some(class), _, _) => Span::styled(format!("{} ✗ wrong", class.name()), theme.bad()),
        (None, _, Some(problem)) => Span::styled(format!("✗ {problem}"), theme.bad()),
        (None, _, None) => Span::styled("…", theme.dim()),
    }
}

fn probability(theme: Theme, case: &Case, class: Class, width: usize) -> Line<'static> {
    let value = case.logits.map(metrics::probability).map(|p| if class == Class::Pneumonia { p } else { 1.0 - p });
    let mut line = Line::from(Span::styled(format!("{:<10} ", class.name()), theme.dim()));
    line.spans.extend(bar(width.saturating_sub(17), value.unwrap_or(0.0), theme.class(class), theme.frame()).spans);
    line.spans.push(Span::raw(format!(" {:>5}", value.map_or_else(|| "–".into(), percent))));
    line
}

fn count_u64(images: u64) -> String {
    usize::try_from(images).map_or_else(|_| images.to_string(), count)
}

fn matrix(theme: Theme, title: &'static str, c: Confusion) -> Vec<Line<'static>> {
    let row = |name: &'static str, (right, wrong): (u64, u64), right_first: bool| {
        let (right, wrong) =
            (Span::styled(format!("{right:>7}"), theme.good()), Span::styled(format!("{wrong:>7}"), theme.bad()));
        let pair = if right_first { [right, wrong] } else { [wrong, right] };
        std::iter::once(Span::raw(format!("{name:<12}"))).chain(pair).collect::<Line>()
    };
    vec![
        Line::from(vec![
            Span::styled(title, theme.title()),
            Span::styled(format!("  {} of {} right", count_u64(c.tp + c.tn), count_u64(c.total())), theme.dim()),
        ]),
        Line::styled("truth  called  NORMAL  PNEUM.", theme.dim()),
        row("NORMAL", (c.tn, c.fp), true),
        row("PNEUMONIA", (c.tp, c.fn_), false),
    ]
}
