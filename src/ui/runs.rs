//! The Runs screen: the table, one run whole with its curves, some side by side, and all as points.

mod compare;
mod scatter;
mod table;

use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::{Line, Span};

use super::curves::{self, Curves};
use super::figures::{self, test_lines, with_interval};
use super::log;
use super::painter::{Painter, fit_end, paragraph};
use super::theme::Theme;
use crate::app::App;
use crate::app::message::{Loadable, RunDetail};
use crate::app::runs::RunsScreen;
use crate::app::runs::column::{Column, Facts, state_text};
use crate::dataset::version::DataVersion;
use crate::metrics::{Measure, Spread};
use crate::store::{Run, RunState};
use crate::units::share;

pub fn draw(painter: &mut Painter, area: Rect, app: &App) {
    let screen = &app.runs;
    match (&screen.detail, &screen.compare, &screen.scatter) {
        (Some(Loadable::Ready(detail)), ..) => one_run(painter, area, detail, app),
        (Some(Loadable::Failed(problem)), ..) => failed(painter, area, problem),
        (Some(Loadable::Idle | Loadable::Loading), ..) => waiting(painter, area),
        (None, Some(compare), _) => compare::draw(painter, area, compare, app),
        (None, None, Some(scatter)) => scatter::draw(painter, area, scatter, screen),
        (None, None, None) => all_runs(painter, area, screen),
    }
}

fn all_runs(painter: &mut Painter, area: Rect, screen: &RunsScreen) {
    match &screen.runs {
        Loadable::Ready(runs) if runs.is_empty() => {
            let inner = painter.panel(area, "Runs");
            let key = Span::styled("2", painter.theme.accent());
            let mut lines = vec![Line::from(vec!["No runs yet: ".into(), key, " trains the first one".into()])];
            lines.extend(screen.notice.iter().map(|text| Line::styled(text.clone(), painter.theme.warning())));
            painter.message(inner, lines);
        }
        Loadable::Ready(_) => table::draw(painter, area, screen),
        Loadable::Failed(problem) => failed(painter, area, problem),
        Loadable::Idle | Loadable::Loading => waiting(painter, area),
    }
}

fn waiting(painter: &mut Painter, area: Rect) {
    let inner = painter.panel(area, "Runs");
    painter.message(inner, vec![Line::styled("reading…", painter.theme.dim())]);
}

fn failed(painter: &mut Painter, area: Rect, problem: &str) {
    let inner = painter.panel(area, "Runs");
    painter.message(inner, vec![Line::styled(format!("✗ {problem}"), painter.theme.bad())]);
}

/// What was done or went wrong, in the last rows; returns the area without them.
fn notice(painter: &mut Painter, area: Rect, screen: &RunsScreen) -> Rect {
    const MOST: usize = 3;
    let Some(text) = &screen.notice else { return area };
    let lines = paragraph(&format!("! {text}"), usize::from(area.width), painter.theme.warning());
    let height = area.height.saturating_sub(u16::try_from(lines.len().min(MOST)).unwrap_or(1));
    let rows = Rect { y: area.y + height, height: area.height - height, ..area };
    painter.lines(rows, lines, 0);
    Rect { height, ..area }
}

fn state_style(theme: Theme, state: RunState) -> Style {
    match state {
        RunState::Finished | RunState::Running => theme.good(),
        RunState::Stopped => theme.warning(),
        RunState::Failed | RunState::Crashed => theme.bad(),
    }
}

/// Room that curves need beside the table of figures.
const CURVES: u16 = 66;
/// Cells that a panel takes beside its content.
const FRAME: u16 = 4;

fn one_run(painter: &mut Painter, area: Rect, detail: &RunDetail, app: &App) {
    let beside = [figures::WIDE + FRAME, figures::NARROW + FRAME]
        .into_iter()
        .find(|width| !app.zoomed && area.width >= width + CURVES);
    let (Some(width), Some(assessed)) = (beside, &detail.assessed) else {
        return with_curves(painter, area, (detail, false), app);
    };
    let left = Rect { width: area.width - width, ..area };
    let right = Rect { x: left.right(), width, ..area };
    with_curves(painter, left, (detail, true), app);
    let inner = painter.panel(right, "Figures");
    let lines = figures::table(painter.theme, assessed, usize::from(inner.width));
    painter.lines(inner, lines, 0);
}

/// A run's facts and curves; its figures too where they do not stand `beside`.
fn with_curves(painter: &mut Painter, area: Rect, (detail, beside): (&RunDetail, bool), app: &App) {
    let run = &detail.run;
    let inner = painter.panel(area, &format!("{}  {}", run.started.name, run.started.id));
    let width = usize::from(inner.width);
    let champion = app.runs.facts.champion_version(run);
    let champion = champion.map(|version| format!("♛ champion, version {version} of the model"));
    let mut lines = facts(painter.theme, run, width);
    lines.extend(champion.map(|text| Line::styled(text, painter.theme.accent())));
    lines.extend(scores(painter.theme, detail, width, beside));
    let notice = app.runs.notice.as_deref();
    lines.extend(notice.iter().flat_map(|text| paragraph(&format!("! {text}"), width, painter.theme.warning())));
    let height = u16::try_from(lines.len()).unwrap_or(u16::MAX).min(inner.height);
    painter.lines(inner, lines, 0);
    if run.folds().is_some() {
        return;
    }
    let rest = Rect { y: inner.y + height, height: inner.height - height, ..inner };
    let others = app.earlier(Some(&run.started.id));
    let curves = Curves { history: &detail.history, view: &app.chart, others, zoomed: app.zoomed };
    let log = app.log_of(Some(&run.started.id));
    let most = (rest.height / 3).clamp(2, 16);
    let table = match () {
        () if app.zoomed => 0,
        () if log.is_some() => most.max(5),
        () => curves::table_height(&detail.history, most),
    };
    let charts = Rect { height: rest.height.saturating_sub(table), ..rest };
    curves::draw(painter, charts, &curves);
    let below = Rect { y: charts.bottom(), height: rest.height - charts.height, ..rest };
    match log {
        Some(log) => log::draw(painter, below, log),
        None => curves::table(painter, below, &curves),
    }
}

fn facts(theme: Theme, run: &Run, width: usize) -> Vec<Line<'static>> {
    let of = |key: &str| Column::named(key).map_or_else(String::new, |column| column.text(run, &Facts::default()));
    let speed = run.images_per_second.map_or_else(|| "–".into(), |speed| format!("{speed:.1} images/s"));
    let commit = run.started.git_commit.as_ref().map_or("no git".into(), |commit| {
        let dirty = if run.started.git_dirty == Some(true) { ", changed" } else { "" };
        format!("commit {}{dirty}", commit.chars().take(8).collect::<String>())
    });
    let data = run.started.data.display().to_string();
    let mut first = vec![
        Span::styled(state_text(run.state), state_style(theme, run.state)),
        Span::raw(format!("  {}  {}  {speed}", of("started"), of("time"))),
    ];
    first.extend(run.starred.then(|| Span::styled("  ★", theme.accent())));
    first.extend((!run.tags.is_empty()).then(|| Span::styled(format!("  {}", run.tags.join(" ")), theme.dim())));
    let mut lines = vec![Line::from(first)];
    let settings = format!(
        "epochs {}, batch {}, rate {}, {} px, sample {}, seed {}",
        of("epochs"),
        of("batch"),
        of("lr"),
        of("pixels"),
        of("sample"),
        run.started.seed
    );
    lines.extend(paragraph(&settings, width, theme.dim()));
    lines.push(Line::styled(
        format!("{commit}  data {}", fit_end(&data, width.saturating_sub(commit.len() + 7))),
        theme.dim(),
    ));
    let tracked = DataVersion::of(run.started.provenance.as_ref());
    lines.extend(
        tracked.iter().flat_map(|version| paragraph(&format!("tracked {}", version.text()), width, theme.dim())),
    );
    lines.extend(run.note.iter().flat_map(|note| paragraph(note, width, Style::new())));
    lines.extend(run.problem.iter().flat_map(|problem| paragraph(&format!("✗ {problem}"), width, theme.bad())));
    lines
}

/// What it scored on test images, alone and beside others.
fn scores(theme: Theme, detail: &RunDetail, width: usize, beside: bool) -> Vec<Line<'static>> {
    let mut lines = Vec::new();
    if !beside && let Some(test) = &detail.run.test {
        let auc = detail.assessed.as_ref().and_then(|assessed| assessed.test.auc);
        lines.extend(test_lines(test.confusion, auc, width));
        let alarms = detail.assessed.iter().flat_map(|assessed| &assessed.alarms);
        lines.extend(alarms.flat_map(|alarm| paragraph(&format!("! {alarm}"), width, theme.warning())));
    }
    if let Some(Spread { runs, mean, sd }) = detail.seeds {
        let text = format!("test accuracy over {runs} seeds: mean {mean:.3}, standard deviation {}", share(sd));
        lines.extend(paragraph(&text, width, Style::new()));
    }
    lines.extend(detail.folds.iter().map(|fold| {
        let accuracy = fold.test.and_then(|test| test.confusion.estimate(Measure::Accuracy));
        let accuracy = with_interval(accuracy);
        Line::from(format!("{:<12}{}  accuracy {accuracy}", fold.started.name, state_text(fold.state)))
    }));
    let finished = detail.folds.iter().filter(|fold| fold.state == RunState::Finished);
    let is_whole = detail.run.folds() == Some(finished.clone().count());
    let of_folds =
        Spread::of(finished.filter(|_| is_whole).map(|fold| fold.test.and_then(|test| test.confusion.accuracy())));
    if let Some(Spread { runs, mean, sd }) = of_folds {
        let text = format!("over {runs} folds: mean {mean:.3}, standard deviation {}", share(sd));
        lines.push(Line::styled(text, theme.title()));
    }
    lines
}
