//! The Train screen: the form, then the run with its bars, charts and epochs.

use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::{Line, Span};

use super::curves::{self, Curves};
use super::figures::test_lines;
use super::finder;
use super::log;
use super::painter::{Painter, broken, fit, paragraph, typed};
use super::theme::Theme;
use crate::app::App;
use crate::app::action::{Action, Place};
use crate::app::data::DataState;
use crate::app::form::Field;
use crate::app::live::{Asked, Live, Origin};
use crate::app::scene::Target;
use crate::app::train::TrainScreen;
use crate::dataset::split::HeldOut;
use crate::dataset::{Class, Split};
use crate::train::{Outcome, Phase, TrainConfig};
use crate::units::{count, duration, percent, share};

pub fn draw(painter: &mut Painter, area: Rect, app: &App) {
    match (&app.train.finder, &app.train.live) {
        (Some(finder), _) => finder::draw(painter, area, finder),
        (None, Some(live)) if !app.train.shows_form() => run(painter, area, live, app),
        _ => form(painter, area, app),
    }
}

/// A line of the form.
#[derive(Clone, Copy)]
enum FormLine {
    Heading(&'static str),
    /// A setting by its place, counted from 0; the last says how several values are tried.
    Field(usize),
}

/// Rows below which headings and explanations would leave too little of the settings to be seen.
const ROOMY: u16 = 16;

fn form(painter: &mut Painter, area: Rect, app: &App) {
    let screen = &app.train;
    let inner = painter.panel(area, if screen.is_running() { "Next run" } else { "New run" });
    let width = usize::from(inner.width);
    let below = match &screen.problem {
        Some(problem) => paragraph(&format!("✗ {problem}"), width, painter.theme.bad()),
        None => plan(painter.theme, app, width),
    };
    let roomy = inner.height >= ROOMY;
    let help = if roomy { explanation(painter.theme, screen.chosen(), width) } else { Vec::new() };
    // Where there is no room for all, the settings scroll with the chosen one: what a start would do, or what is wrong,
    // stays below them.
    let kept = rows_of(below.len() + help.len()).min(inner.height / 2);
    let lines = form_lines(roomy);
    let shown = lines.len().min(usize::from(inner.height - kept));
    form_fields(painter, Rect { height: rows_of(shown), ..inner }, (screen, &lines));
    let used = rows_of(shown);
    let gap = u16::from(inner.height - used > kept);
    let rest = Rect { y: inner.y + used + gap, height: inner.height - used - gap, ..inner };
    painter.lines(rest, [help, below].concat(), 0);
}

fn rows_of(lines: usize) -> u16 {
    u16::try_from(lines).unwrap_or(u16::MAX)
}

/// Every setting, with the headings of their groups or without.
fn form_lines(headings: bool) -> Vec<FormLine> {
    let mut lines = Vec::new();
    let mut group = None;
    for field in Field::ALL {
        let own = field.setting().group;
        if headings && group != Some(own) {
            lines.push(FormLine::Heading(own.title()));
        }
        group = Some(own);
        lines.push(FormLine::Field(field.place()));
    }
    lines.push(FormLine::Field(Field::ALL.len()));
    lines
}

/// The lines around the chosen one, as many as there are rows.
fn form_fields(painter: &mut Painter, area: Rect, (screen, lines): (&TrainScreen, &[FormLine])) {
    let is_chosen = |line: &FormLine| matches!(line, FormLine::Field(place) if *place == screen.field);
    let (at, shown) = (lines.iter().position(is_chosen).unwrap_or(0), usize::from(area.height));
    let first = at.saturating_sub(shown / 2).min(lines.len().saturating_sub(shown));
    for (line, row) in lines.iter().skip(first).zip(area.rows()) {
        match *line {
            FormLine::Heading(title) => painter.line(row, Line::styled(title, painter.theme.dim())),
            FormLine::Field(place) => {
                let field = Field::ALL.get(place).copied();
                painter.line(row, field_line(painter.theme, screen, field, row.width));
                painter.target(row, Target::Field(place));
            }
        }
    }
}

/// What the chosen setting means, in as many lines as the longest one takes: what is below stays where it is.
fn explanation(theme: Theme, field: Option<Field>, width: usize) -> Vec<Line<'static>> {
    let most = Field::ALL.into_iter().map(|field| broken(field.setting().help, width).len()).max().unwrap_or(0);
    let text = field.map_or("Values of a setting with commas or .. between are tried one after the other", |field| {
        field.setting().help
    });
    let mut lines = paragraph(text, width, theme.dim());
    lines.resize(most.max(lines.len()), Line::default());
    lines
}

fn field_line(theme: Theme, screen: &TrainScreen, field: Option<Field>, width: u16) -> Line<'static> {
    let chosen = screen.chosen() == field;
    let (label, meaning) = field.map_or(("several values", "grid, random N, halving N"), Field::label);
    let room = usize::from(width).saturating_sub(20 + 28).clamp(10, 40);
    let sign = if chosen { "▸ " } else { "  " };
    let mut spans = vec![Span::styled(sign, theme.accent()), Span::styled(fit(label, 18), theme.dim())];
    if let (Some(input), true) = (&screen.editing, chosen) {
        spans.push(Span::raw(" "));
        spans.extend(typed(input, room - 1));
    } else {
        let value = Some(screen.text_of(field)).filter(|text| !text.is_empty());
        let text = fit(&format!(" {}", value.unwrap_or_else(|| "none".into())), room);
        let several = field.is_some_and(|field| screen.plan.text(field).is_some());
        let plain = if several { theme.accent() } else { Style::new() };
        spans.push(Span::styled(text, if chosen { theme.selected() } else { plain }));
    }
    spans.push(Span::styled(format!("  {meaning}"), theme.dim()));
    Line::from(spans)
}

/// What pressing the start key will do.
fn plan(theme: Theme, app: &App, width: usize) -> Vec<Line<'static>> {
    let config = &app.train.config;
    let optimiser = if config.weight_decay > 0.0 { "AdamW" } else { "Adam" };
    let notice = app.train.notice.iter().flat_map(|text| paragraph(&format!("✓ {text}"), width, theme.good()));
    let mut lines: Vec<Line> = notice.collect();
    let does = match (&app.train.planned, app.train.is_running()) {
        (None, false) => format!("starts training ResNet-18 with {optimiser}"),
        (None, true) => "adds it to the queue: it runs after the one under way".to_owned(),
        (Some(Ok(runs)), _) => format!("adds {} runs to the queue, one after the other", count(*runs)),
        (Some(Err(problem)), _) => format!("can't: {problem}"),
    };
    lines.extend(key_does((app, theme), (Action::Start, &does), width));
    for (action, does) in [(Action::ResumeRun, resumable(app)), (Action::Attach, elsewhere(app))] {
        lines.extend(does.iter().flat_map(|does| key_does((app, theme), (action, does), width)));
    }
    match &app.data.state {
        DataState::Ready(summary) => {
            let of = |split| Class::ALL.iter().map(|class| summary.statistics.count(split, *class)).sum::<usize>();
            let text = plan_text(config, of(Split::Train) + of(Split::Validation), of(Split::Test));
            lines.extend(paragraph(&text, width, theme.dim()));
        }
        DataState::Missing { .. } => {
            lines = vec![Line::styled("! no data set yet: 1 shows how to get one", theme.warning())];
        }
        _ => {}
    }
    lines
}

/// A key and what it does, in as many lines as that takes.
fn key_does((app, theme): (&App, Theme), (action, does): (Action, &str), width: usize) -> Vec<Line<'static>> {
    let key = app.key_of(Place::Form, action);
    let mut lines = paragraph(does, width.saturating_sub(key.chars().count() + 1), Style::new());
    lines[0].spans.insert(0, Span::styled(format!("{key} "), theme.accent()));
    lines
}

/// The run that can go on with one key.
fn resumable(app: &App) -> Option<String> {
    let run = app.newest_resumable().filter(|_| !app.train.is_running());
    run.map(|run| format!("goes on with {}", run.started.name))
}

/// The run that can be looked at with one key.
fn elsewhere(app: &App) -> Option<String> {
    app.newest_elsewhere().map(|run| format!("shows {}, which another process trains", run.started.name))
}

/// About: the split is by patient, and patients have different numbers of images.
fn plan_text(config: &TrainConfig, learned: usize, test: usize) -> String {
    #[expect(clippy::cast_precision_loss, clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "about")]
    let share = |of: usize, share: f64| (of as f64 * share).round() as usize;
    let validation = share(learned, config.validation_fraction);
    let images = share(learned - validation, config.sample_fraction);
    let batches = images.div_ceil(config.batch_size.max(1));
    let tested = if config.score_test { count(test) } else { "none".to_owned() };
    match config.held_out {
        HeldOut::None => format!(
            "about {} images in {} {} an epoch; {} to validate, {tested} to test",
            count(images),
            count(batches),
            if batches == 1 { "batch" } else { "batches" },
            count(validation),
        ),
        family => {
            format!("all images of the family {} to validate, the others to learn; {tested} to test", family.name())
        }
    }
}

/// The run's name, who trains it, its pipeline's task under way, and how many wait.
fn title(live: &Live, app: &App) -> String {
    let name = if live.name.is_empty() { "Run" } else { &live.name };
    let elsewhere = if live.origin == Origin::Other { "  in another process" } else { "" };
    let waiting = match app.train.queue.waiting() {
        0 => String::new(),
        _ if live.origin == Origin::Other => String::new(),
        waiting => format!("  {} in the queue", count(waiting)),
    };
    let task = app.train.pipeline.task_of(live.run_id.as_deref());
    let task = task.map_or_else(String::new, |task| format!("  pipeline: {}", task.title()));
    format!("{name}{elsewhere}{task}{waiting}")
}

fn run(painter: &mut Painter, area: Rect, live: &Live, app: &App) {
    let inner = painter.panel(area, &title(live, app));
    let mut rows = inner.rows();
    for line in head(painter.theme, live, app.leaving, usize::from(inner.width)) {
        if let Some(row) = rows.next() {
            painter.line(row, line);
        }
    }
    if !live.is_over() {
        let bars = [("epoch", live.epoch_progress()), ("run", live.progress())];
        for ((label, done), row) in bars.into_iter().zip(&mut rows) {
            progress(painter, row, (label, done), live);
        }
    }
    let used = rows.next().map_or(inner.height, |row| row.y - inner.y);
    let rest = Rect { y: inner.y + used, height: inner.height - used, ..inner };
    let others = app.earlier(live.run_id.as_deref());
    let curves = Curves { history: &live.history, view: &app.chart, others, zoomed: app.zoomed };
    let log = app.log_of(live.run_id.as_deref());
    let most = (rest.height / 4).clamp(2, 14);
    let table = match () {
        () if app.zoomed => 0,
        () if log.is_some() => most.max(5),
        () => curves::table_height(&live.history, most),
    };
    let table = table.min(rest.height);
    let charts = Rect { height: rest.height - table, ..rest };
    curves::draw(painter, charts, &curves);
    let below = Rect { y: charts.bottom(), height: table, ..rest };
    match log {
        Some(log) => log::draw(painter, below, log),
        None => curves::table(painter, below, &curves),
    }
}

fn progress(painter: &mut Painter, row: Rect, (label, done): (&str, f64), live: &Live) {
    let speed = live.speed.map_or_else(String::new, |speed| format!("{speed:.1} images/s"));
    let left = live.seconds_left().map_or_else(String::new, |seconds| format!("{} left", duration(seconds)));
    let note = if label == "run" { left } else { speed };
    let text = format!("{label:<6}{:>5}  ", percent(done));
    let used = u16::try_from(text.len()).unwrap_or(0);
    let bar = Rect { x: row.x + used, width: row.width.saturating_sub(used + 18), ..row };
    painter.line(row, Line::from(text));
    painter.bar(bar, done, painter.theme.training());
    let note = Line::from(note).right_aligned();
    painter.line(Rect { x: bar.right(), width: row.right() - bar.right(), ..row }, note);
}

/// What the run is busy with, how it ended, what it noticed.
fn head(theme: Theme, live: &Live, leaving: bool, width: usize) -> Vec<Line<'static>> {
    let mut lines = match &live.outcome {
        None => vec![phase_line(theme, live, leaving)],
        Some(outcome) => ended(theme, live, outcome, width),
    };
    let alert = live.history.alert();
    lines.extend(alert.iter().flat_map(|text| paragraph(&format!("! {text}"), width, theme.bad())));
    lines.extend(live.notice.iter().flat_map(|text| paragraph(&format!("! {text}"), width, theme.warning())));
    lines
}

fn phase_line(theme: Theme, live: &Live, leaving: bool) -> Line<'static> {
    match live.asked {
        Some(Asked::Stop) if leaving => {
            Line::styled("◌ stopping, then leaving; q leaves at once, without a checkpoint", theme.warning())
        }
        Some(Asked::Stop) => Line::styled("◌ stopping after this batch…", theme.warning()),
        Some(Asked::FinishEpoch) => {
            Line::styled(format!("◌ stopping when the epoch is done: {}", phase(live)), theme.warning())
        }
        Some(Asked::Pause) => Line::styled("◌ pausing after this batch…", theme.warning()),
        Some(Asked::Resume) => Line::styled("● going on…", theme.good()),
        None if live.phase == Phase::Paused => Line::styled("◌ paused; Space goes on", theme.warning()),
        None => Line::styled(format!("● {}", phase(live)), theme.good()),
    }
}

fn phase(live: &Live) -> String {
    let epochs = live.config.epochs;
    let of = |done: usize, total: usize| format!("{} of {}", count(done), count(total));
    match live.phase {
        Phase::Scanning => "looking for images".into(),
        Phase::Decoding { done, total } => format!("decoding {}", of(done, total)),
        Phase::Preparing => "making the network".into(),
        Phase::Training { epoch, batch, batches } => {
            format!("epoch {epoch} of {epochs}, batch {}", of((batch + 1).min(batches), batches))
        }
        Phase::Validating { epoch, done, total } => {
            format!("epoch {epoch} of {epochs}, validating {}", of(done, total))
        }
        Phase::Testing { done, total } => format!("testing the best epoch, {}", of(done, total)),
        Phase::Paused => "paused".into(),
        Phase::Stopping => "stopping".into(),
    }
}

fn ended(theme: Theme, live: &Live, outcome: &Outcome, width: usize) -> Vec<Line<'static>> {
    match outcome {
        Outcome::Finished { best_epoch, test } => {
            let best = live.history.epochs.iter().map(|(_, epoch)| epoch).find(|epoch| epoch.epoch == *best_epoch);
            let validation = share(best.and_then(|epoch| epoch.validation.confusion.accuracy()));
            let done = format!("✓ finished; best epoch {best_epoch}, validation accuracy {validation}");
            let mut lines = vec![Line::styled(done, theme.good())];
            lines.extend(test.iter().flat_map(|test| test_lines(test.confusion, None, width)));
            lines
        }
        Outcome::Stopped if live.run_id.is_none() => {
            vec![Line::styled("◌ stopped before it began", theme.warning())]
        }
        Outcome::Stopped => vec![Line::styled("◌ stopped; c goes on from its checkpoint", theme.warning())],
        Outcome::Failed(problem) | Outcome::Refused(problem) => {
            paragraph(&format!("✗ {}: {problem}", live.failure()), width, theme.bad())
        }
    }
}

#[cfg(test)]
mod tests {
    use ratatui::crossterm::event::KeyCode;

    use crate::app::form::Field;
    use crate::app::sample;
    use crate::ui::tests::{pressed, text};

    #[test]
    fn what_a_start_would_do_stays_below_the_settings_on_a_small_terminal() {
        let mut app = pressed(sample::with_data(), &[KeyCode::Char('2')]);
        let batches = format!("about 4,694 images in {} batches", 4694_usize.div_ceil(app.train.config.batch_size));
        for _ in 0..=Field::ALL.len() {
            let shown = text(&app, (60, 16));
            assert!(shown.contains("s starts training") && shown.contains("▸ "), "{shown}");
            assert!(shown.contains(&batches) && shown.contains("624 to test"), "{shown}");
            sample::press(&mut app, KeyCode::Down);
        }
    }

    #[test]
    fn every_setting_is_seen_with_its_meaning_when_it_is_chosen() {
        let mut app = pressed(sample::with_data(), &[KeyCode::Char('2')]);
        for field in Field::ALL {
            let shown = text(&app, (80, 24));
            assert!(shown.contains(&format!("▸ {}", field.label().0)), "{shown}");
            assert!(shown.contains(field.setting().help.split(' ').next().unwrap()), "{shown}");
            assert!(shown.contains(field.label().1) && shown.contains("s starts training"), "{shown}");
            sample::press(&mut app, KeyCode::Down);
        }
        assert!(text(&app, (80, 24)).contains("▸ several values"));
    }

    #[test]
    fn how_many_runs_a_start_would_add_is_said_on_a_small_terminal() {
        let mut app = pressed(sample::with_data(), &[KeyCode::Char('2'), KeyCode::Down, KeyCode::Enter]);
        sample::type_text(&mut app, ",32");
        sample::press(&mut app, KeyCode::Enter);
        let shown = text(&app, (60, 16));
        assert!(shown.contains("s adds 2 runs to the queue, one after the other"), "{shown}");
    }
}
