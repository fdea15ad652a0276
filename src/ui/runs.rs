//! The Runs screen: the table, and one run whole with its curves.

use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::{Line, Span};

use super::curves::{self, Curves};
use super::figures::{self, test_lines};
use super::log;
use super::painter::{Painter, fit, fit_end, paragraph};
use super::theme::Theme;
use crate::app::App;
use crate::app::message::{Loadable, RunDetail};
use crate::app::runs::{Column, RunsScreen};
use crate::app::scene::Target;
use crate::metrics::{Measure, Spread};
use crate::store::{Run, RunState};
use crate::units::{count, duration, range, share};

pub fn draw(painter: &mut Painter, area: Rect, app: &App) {
    let screen = &app.runs;
    match &screen.detail {
        Some(Loadable::Ready(detail)) => one_run(painter, area, detail, app),
        Some(Loadable::Failed(problem)) => failed(painter, area, problem),
        Some(Loadable::Idle | Loadable::Loading) => waiting(painter, area),
        None => all_runs(painter, area, screen),
    }
}

fn all_runs(painter: &mut Painter, area: Rect, screen: &RunsScreen) {
    match &screen.runs {
        Loadable::Ready(runs) if runs.is_empty() => {
            let inner = painter.panel(area, "Runs");
            let key = Span::styled("2", painter.theme.accent());
            painter.message(inner, vec![Line::from(vec!["No runs yet: ".into(), key, " trains the first one".into()])]);
        }
        Loadable::Ready(runs) => table(painter, area, screen, runs),
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

/// How a column is shown: title, cells, and its importance where not all fit, 0 first.
const fn layout(column: Column) -> (&'static str, usize, u8) {
    match column {
        Column::Name => ("name", 11, 0),
        Column::State => ("state", 10, 0),
        Column::Data => ("data", 10, 0),
        Column::Started => ("started (UTC)", 16, 2),
        Column::Duration => ("time", 8, 1),
        Column::Epochs => ("epochs", 7, 1),
        Column::Batch => ("batch", 6, 2),
        Column::Rate => ("rate", 8, 2),
        Column::Size => ("pixels", 7, 3),
        Column::Sample => ("sample", 7, 3),
        Column::Validation => ("best val", 9, 0),
        Column::Test => ("test acc", 9, 0),
        Column::F1 => ("test F1", 8, 1),
    }
}

/// A name of any length takes what is left, up to so many cells.
const LONGEST_NAME: usize = 28;

/// The columns that fit, with their widths in cells; the least important are left out first.
fn columns(width: usize) -> Vec<(Column, usize)> {
    let mut columns = Column::ALL.map(|column| (column, layout(column).1)).to_vec();
    let used = |columns: &[(Column, usize)]| 2 + columns.iter().map(|(_, width)| width + 1).sum::<usize>();
    for importance in (1..=3).rev() {
        while used(&columns) > width {
            let Some(at) = columns.iter().rposition(|(column, _)| layout(*column).2 == importance) else { break };
            columns.remove(at);
        }
    }
    let left = width.saturating_sub(used(&columns));
    for (_, width) in columns.iter_mut().filter(|(column, _)| *column == Column::Name) {
        *width = (*width + left).min(LONGEST_NAME);
    }
    columns
}

fn table(painter: &mut Painter, area: Rect, screen: &RunsScreen, runs: &[Run]) {
    let (by, arrow) = (layout(screen.sorted_by).0, arrow(screen.descending));
    let inner = painter.panel(area, &format!("Runs ({}) by {by} {arrow}", count(runs.len())));
    let columns = columns(usize::from(inner.width));
    heading(painter, Rect { height: 1, ..inner }, screen, &columns);
    let notice = u16::from(screen.notice.is_some());
    let body = Rect { y: inner.y + 1, height: inner.height.saturating_sub(1 + notice), ..inner };
    let fits = usize::from(body.height).max(1);
    let first = (screen.row + 1).saturating_sub(fits);
    painter.scene.visible_rows = fits;
    for ((at, run), row) in runs.iter().enumerate().skip(first).zip(body.rows()) {
        let line = run_line(painter.theme, run, &columns, at == screen.row);
        painter.line(row, line);
        painter.target(row, Target::Row(at));
    }
    if let Some(text) = &screen.notice {
        let row = Rect { y: body.bottom(), height: 1, ..inner };
        painter.line(row, Line::styled(format!("! {text}"), painter.theme.warning()));
    }
}

const fn arrow(descending: bool) -> &'static str {
    if descending { "▼" } else { "▲" }
}

fn heading(painter: &mut Painter, row: Rect, screen: &RunsScreen, columns: &[(Column, usize)]) {
    let mut x = row.x + 2;
    for (column, width) in columns {
        let sorted = *column == screen.sorted_by;
        let arrow = if sorted { arrow(screen.descending) } else { "" };
        let style = if sorted { painter.theme.accent() } else { painter.theme.dim() };
        let title = format!("{}{arrow}", layout(*column).0);
        let text = cell((*column, *width), &title);
        let width = u16::try_from(*width).unwrap_or(0);
        let place = Rect { x, width: width.min(row.right().saturating_sub(x)), ..row };
        painter.line(place, Line::styled(text, style));
        let number = Column::ALL.iter().position(|known| known == column).unwrap_or(0);
        painter.target(place, Target::Column(number));
        x += width + 1;
    }
}

/// Text of a column's width: words left, numbers right.
fn cell((column, width): (Column, usize), text: &str) -> String {
    match column {
        Column::Name | Column::State | Column::Data | Column::Started => fit(text, width),
        _ => format!("{:>width$}", fit_end(text, width)),
    }
}

fn run_line(theme: Theme, run: &Run, columns: &[(Column, usize)], chosen: bool) -> Line<'static> {
    let mut spans = vec![Span::styled(if chosen { "▸ " } else { "  " }, theme.accent())];
    for (column, width) in columns {
        let style = match column {
            Column::State => state_style(theme, run.state),
            Column::Data if run.started.synthetic => theme.warning(),
            _ => Style::new(),
        };
        spans.push(Span::styled(cell((*column, *width), &value(*column, run)) + " ", style));
    }
    let line = Line::from(spans);
    if chosen { line.patch_style(theme.selected()) } else { line }
}

fn state_style(theme: Theme, state: RunState) -> Style {
    match state {
        RunState::Finished | RunState::Running => theme.good(),
        RunState::Stopped => theme.warning(),
        RunState::Failed | RunState::Crashed => theme.bad(),
    }
}

fn state_text(state: RunState) -> String {
    let sign = match state {
        RunState::Running => "●",
        RunState::Finished => "✓",
        RunState::Stopped => "◌",
        RunState::Failed | RunState::Crashed => "✗",
    };
    format!("{sign} {}", state.name())
}

fn value(column: Column, run: &Run) -> String {
    let setting = |key: &str| run.started.config[key].as_f64().map_or_else(|| "–".into(), |value| value.to_string());
    let test = run.test.map(|figures| figures.confusion);
    match column {
        Column::Name => run.started.name.clone(),
        Column::State => state_text(run.state),
        Column::Data if run.started.synthetic => "SYNTHETIC".into(),
        Column::Data => run.started.data.file_name().unwrap_or_default().to_string_lossy().into_owned(),
        Column::Started => run.started_at.chars().take(16).map(|c| if c == 'T' { ' ' } else { c }).collect(),
        Column::Duration => duration(run.seconds),
        Column::Epochs if run.folds().is_some() => format!("{} folds", setting("folds")),
        Column::Epochs => format!("{}/{}", run.epochs_done, setting("epochs")),
        Column::Batch => setting("batch_size"),
        Column::Rate => setting("learning_rate"),
        Column::Size => setting("image_size"),
        Column::Sample => setting("sample_fraction"),
        Column::Validation => share(run.best_val_accuracy),
        Column::Test => share(test.and_then(|c| c.accuracy())),
        Column::F1 => share(test.and_then(|c| c.f1())),
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
    let mut lines = facts(painter.theme, run, width);
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
    let of = |column| value(column, run);
    let speed = run.images_per_second.map_or_else(|| "–".into(), |speed| format!("{speed:.1} images/s"));
    let commit = run.started.git_commit.as_ref().map_or("no git".into(), |commit| {
        let dirty = if run.started.git_dirty == Some(true) { ", changed" } else { "" };
        format!("commit {}{dirty}", commit.chars().take(8).collect::<String>())
    });
    let data = run.started.data.display().to_string();
    let mut lines = vec![Line::from(vec![
        Span::styled(state_text(run.state), state_style(theme, run.state)),
        Span::raw(format!("  {}  {}  {speed}", of(Column::Started), of(Column::Duration))),
    ])];
    let settings = format!(
        "epochs {}, batch {}, rate {}, {} px, sample {}, seed {}",
        of(Column::Epochs),
        of(Column::Batch),
        of(Column::Rate),
        of(Column::Size),
        of(Column::Sample),
        run.started.seed
    );
    lines.extend(paragraph(&settings, width, theme.dim()));
    lines.push(Line::styled(
        format!("{commit}  data {}", fit_end(&data, width.saturating_sub(commit.len() + 7))),
        theme.dim(),
    ));
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
        let interval = accuracy.and_then(|accuracy| accuracy.interval);
        let interval = interval.map_or_else(String::new, |i| format!(" ({})", range(i.low, i.high)));
        let accuracy = share(accuracy.map(|accuracy| accuracy.value));
        Line::from(format!("{:<12}{}  accuracy {accuracy}{interval}", fold.started.name, state_text(fold.state)))
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
