//! `draw(frame, &App) -> Scene`: draws, and returns what it laid out.
//!
//! ```text
//! xray-tui  1 Data  2 Train  3 Runs  4 Inspect        SYNTHETIC  ● run-3 2/10
//! ┌────────────────────────────────────────────────────────────────────────┐
//! │ the screen                                                             │
//! └────────────────────────────────────────────────────────────────────────┘
//! s start  ↓j choose  …                                        ? help  q quit
//! ```

mod ascii;
mod chart;
mod commands;
mod curves;
mod data;
mod figures;
mod filter;
mod finder;
mod inspect;
mod lists;
mod log;
mod painter;
mod picture;
mod pipeline;
mod plane;
mod question;
mod queue;
mod runs;
#[cfg(test)]
mod storm;
#[cfg(test)]
mod tests;
mod theme;
mod train;

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::{Line, Span};

use crate::app::action::Action;
use crate::app::keymap::BINDINGS;
use crate::app::live::Live;
use crate::app::popup::Popup;
use crate::app::scene::{Scene, Target};
use crate::app::{App, Screen};
use crate::train::Phase;
use painter::Painter;
use theme::Theme;

/// The smallest terminal that everything fits on.
const SMALLEST: (u16, u16) = (60, 16);

/// Draws the whole screen.
pub fn draw(frame: &mut Frame, app: &App) -> Scene {
    let area = frame.area();
    let mut painter = Painter {
        buffer: frame.buffer_mut(),
        theme: Theme { colours: app.display.colours, name: app.display.theme },
        display: app.display,
        scene: Scene::default(),
    };
    if area.width < SMALLEST.0 || area.height < SMALLEST.1 {
        too_small(&mut painter, area);
        return finished(painter);
    }
    let body = Rect { y: area.y + 1, height: area.height - 2, ..area };
    header(&mut painter, Rect { height: 1, ..area }, app);
    footer(&mut painter, Rect { y: body.bottom(), height: 1, ..area }, app);
    match app.screen {
        Screen::Data => data::draw(&mut painter, body, &app.data),
        Screen::Train => train::draw(&mut painter, body, app),
        Screen::Runs => runs::draw(&mut painter, body, app),
        Screen::Inspect => inspect::draw(&mut painter, body, app),
    }
    match &app.popup {
        Some(Popup::Commands(commands)) => commands::draw(&mut painter, commands, app),
        Some(Popup::Queue(list)) => queue::draw(&mut painter, &app.train.queue, list),
        Some(Popup::Pipeline) => pipeline::draw(&mut painter, app),
        Some(Popup::Question(question)) => question::draw(&mut painter, question, app),
        Some(Popup::Prompt(prompt)) => lists::prompt(&mut painter, prompt),
        Some(Popup::Choice(choice)) => lists::choice(&mut painter, choice),
        Some(Popup::Columns(picker)) => lists::columns(&mut painter, picker),
        None => {}
    }
    finished(painter)
}

/// The frame in the letters that the terminal has.
fn finished(painter: Painter) -> Scene {
    if painter.display.ascii {
        ascii::transliterate(painter.buffer);
    }
    painter.scene
}

fn too_small(painter: &mut Painter, area: Rect) {
    let size = format!("this terminal has {} x {}", area.width, area.height);
    let text = ["xray-tui needs 60 x 16 cells;".to_owned(), size, "make it larger; q quits".to_owned()];
    painter.message(area, text.map(Line::from).to_vec());
}

fn header(painter: &mut Painter, area: Rect, app: &App) {
    let theme = painter.theme;
    painter.line(area, Line::styled(" xray-tui", theme.accent()));
    let mut x = area.x + 11;
    for (number, screen) in (1..).zip(Screen::ALL) {
        let text = format!(" {number} {} ", screen.name());
        let width = u16::try_from(text.len()).unwrap_or(0);
        let tab = Rect { x, width, ..area };
        painter.line(tab, Line::styled(text, if screen == app.screen { theme.selected() } else { Style::new() }));
        painter.target(tab, Target::Action(screen.action()));
        x += width;
    }
    let rest = Rect { x, width: area.right().saturating_sub(x), ..area };
    painter.line(rest, status(theme, app, usize::from(rest.width)).right_aligned());
}

/// What holds on every screen: synthetic data, and the run under way.
fn status(theme: Theme, app: &App, width: usize) -> Line<'static> {
    let mut spans = Vec::new();
    if app.is_synthetic() {
        spans.push(Span::styled(" SYNTHETIC ", theme.synthetic()));
    }
    let run = app.train.live.as_ref().filter(|live| !live.is_over()).map(|live| format!("  {} ", running(live)));
    if let Some(run) = run.filter(|run| run.chars().count() + 11 * spans.len() <= width) {
        spans.push(Span::styled(run, theme.good()));
    }
    spans.into()
}

fn running(live: &Live) -> String {
    let epochs = live.config.epochs;
    match live.phase {
        Phase::Training { epoch, .. } => format!("● epoch {epoch}/{epochs}"),
        Phase::Validating { epoch, .. } => format!("● validating {epoch}/{epochs}"),
        Phase::Paused => "◌ paused".into(),
        Phase::Stopping => "◌ stopping".into(),
        Phase::Testing { .. } => "● testing".into(),
        Phase::Scanning | Phase::Decoding { .. } | Phase::Preparing => "● preparing".into(),
    }
}

/// The keys that work here, from the one table; help and quit, the last two, always.
fn footer(painter: &mut Painter, area: Rect, app: &App) {
    let key = |line: usize| {
        let binding = &BINDINGS[line];
        let shown = !binding.short.is_empty() && app.can(binding.action);
        let key = app.keymap.first(line).filter(|_| shown)?;
        // An arrow would become the letter that looks like it.
        let key = if app.display.ascii { key.name() } else { key.to_string() };
        Some((binding.action, key, label(binding.action, binding.short, app)))
    };
    let mut keys: Vec<_> = app.keymap.lines_at(app.place()).filter_map(key).collect();
    let width = |keys: &[(Action, String, &str)]| {
        keys.iter().map(|(_, key, text)| key.chars().count() + text.chars().count() + 3).sum::<usize>()
    };
    // Two cells stand between keys, and none after the last.
    while width(&keys) > usize::from(area.width) + 1 && keys.len() > 2 {
        keys.remove(keys.len() - 3);
    }
    painter.keys(Rect { x: area.x + 1, width: area.width - 1, ..area }, keys.into_iter());
}

/// What the key does now.
fn label(action: Action, short: &'static str, app: &App) -> &'static str {
    let paused = app.train.live.as_ref().is_some_and(|live| live.phase == Phase::Paused);
    if action == Action::PauseOrResume && paused { "go on" } else { short }
}
