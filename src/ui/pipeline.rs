//! The newest pipeline as a small graph, its tasks with what they recorded, and what its gate has said.

use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::{Line, Span};

use super::painter::{Painter, fit, paragraph};
use super::theme::Theme;
use crate::app::App;
use crate::app::action::{Action, Place};
use crate::app::pipeline::PipelineView;
use crate::metrics::gate::Check;
use crate::store::{Pipeline, PipelineState, Task, TaskName, TaskState};
use crate::units::{self, count, duration, share};

const WIDTH: u16 = 76;
/// Narrower, the graph has no gaps between its tasks and their lines.
const WITH_GAPS: usize = 68;

pub fn draw(painter: &mut Painter, app: &App) {
    let (view, theme) = (&app.train.pipeline, painter.theme);
    let cells = WIDTH.min(painter.buffer.area().width.saturating_sub(4));
    let width = usize::from(cells);
    let title = view.newest.as_ref().map_or_else(|| "Pipeline".to_owned(), |newest| title(newest, view));
    let body = match &view.newest {
        None => none(app, theme, width),
        Some(newest) => lines(app, (newest, theme), width),
    };
    let foot = below(app, theme, width);
    let rows = |lines: usize| u16::try_from(lines).unwrap_or(u16::MAX);
    let inner = painter.popup((cells, rows(body.len() + foot.len())), &title);
    painter.scene.picture = None;
    // What must go where there is no room are the gaps; what is to be done stays to be seen.
    let kept = rows(foot.len()).min(inner.height / 2);
    let room = inner.height - kept;
    let body: Vec<Line> = if rows(body.len()) > room { without_gaps(body) } else { body };
    painter.lines(Rect { height: room, ..inner }, body, 0);
    painter.lines(Rect { y: inner.y + room, height: kept, ..inner }, foot, 0);
}

fn title(newest: &Pipeline, view: &PipelineView) -> String {
    let is_elsewhere = newest.state == PipelineState::Running && !view.at_work;
    let whose = if is_elsewhere { ", in another process" } else { "" };
    format!("{}: {}{whose}", newest.name, newest.state.name())
}

fn without_gaps(lines: Vec<Line<'static>>) -> Vec<Line<'static>> {
    lines.into_iter().filter(|line| line.width() > 0).collect()
}

fn none(app: &App, theme: Theme, width: usize) -> Vec<Line<'static>> {
    let how = format!(
        "No pipeline yet: {} asks for a gate and starts one with the settings of Train, as `xray-tui pipeline run` does.",
        start_key(app)
    );
    let graph = graph(theme, [TaskState::Waiting; TaskName::ALL.len()], (None, width));
    [graph, Line::default()].into_iter().chain(paragraph(&how, width, Style::new())).collect()
}

fn start_key(app: &App) -> String {
    app.key_of(Place::Pipeline, Action::Start)
}

fn lines(app: &App, (newest, theme): (&Pipeline, Theme), width: usize) -> Vec<Line<'static>> {
    let states = TaskName::ALL.map(|name| newest.task(name).map_or(TaskState::Waiting, |task| task.state));
    let mut lines = vec![graph(theme, states, (app.pipeline_epochs(), width)), Line::default()];
    lines.extend(newest.tasks.iter().map(|task| task_line(theme, task, width)));
    let checks = app.train.pipeline.verdict().map_or_else(Vec::new, |verdict| verdict.checks);
    lines.extend((!checks.is_empty()).then(Line::default));
    lines.extend(checks.iter().map(|check| check_line(theme, check, width)));
    lines
}

/// Epochs that are done, and planned.
type Epochs = Option<(usize, usize)>;

/// The tasks in their order, each with its sign and, of the one that trains, how far it is.
fn graph(theme: Theme, states: [TaskState; TaskName::ALL.len()], (epochs, width): (Epochs, usize)) -> Line<'static> {
    let edge = if width < WITH_GAPS { "─" } else { " ─ " };
    let mut spans = Vec::new();
    for (name, state) in TaskName::ALL.into_iter().zip(states) {
        if !spans.is_empty() {
            spans.push(Span::styled(edge, theme.frame()));
        }
        let (sign, style) = sign(theme, state);
        let far = epochs.filter(|_| name == TaskName::Train && state == TaskState::Running);
        let far = far.map_or_else(String::new, |(done, of)| format!(" {done}/{of}"));
        spans.push(Span::styled(format!("{sign} {}{far}", name.title()), style));
    }
    Line::from(spans)
}

fn sign(theme: Theme, state: TaskState) -> (&'static str, Style) {
    match state {
        TaskState::Waiting => ("○", Style::new()),
        TaskState::Running => ("●", theme.good()),
        TaskState::Done => ("✓", theme.good()),
        TaskState::Failed | TaskState::Refused => ("✗", theme.bad()),
        TaskState::Skipped => ("–", theme.dim()),
    }
}

fn task_line(theme: Theme, task: &Task, width: usize) -> Line<'static> {
    let (sign, style) = sign(theme, task.state);
    let (attempts, cells) = match (task.attempts, width < WITH_GAPS) {
        (0, false) => (String::new(), 12),
        (1, false) => ("1 attempt".to_owned(), 12),
        (more, false) => (format!("{more} attempts"), 12),
        (0, true) => (String::new(), 4),
        (more, true) => (format!("{more}×"), 4),
    };
    let time = if task.seconds > 0.0 { duration(task.seconds) } else { String::new() };
    let spans = vec![
        Span::styled(format!("{sign} "), style),
        Span::raw(fit(task.name.title(), 11)),
        Span::styled(fit(task.state.name(), 8), style),
        Span::styled(fit(&attempts, cells), theme.dim()),
        Span::raw(format!("{time:>8}  ")),
        Span::styled(fit(&found(task), width.saturating_sub(31 + cells)), theme.dim()),
    ];
    Line::from(spans)
}

/// What a task has recorded, in a few words.
fn found(task: &Task) -> String {
    let Some(record) = &task.record else { return String::new() };
    let number = |value: &serde_json::Value| value.as_u64().and_then(|n| usize::try_from(n).ok()).unwrap_or(0);
    match task.name {
        TaskName::CheckData => {
            let of = |split: &str| ["NORMAL", "PNEUMONIA"].map(|class| number(&record["splits"][split][class]));
            let images = |split: &str| count(of(split).iter().sum());
            format!("{} train, {} test", images("train"), images("test"))
        }
        TaskName::Train => format!("epoch {} is best", number(&record["best_epoch"])),
        TaskName::Evaluate => {
            let figure = |key: &str| share(record[key]["value"].as_f64());
            format!("acc {}, AUC {}", figure("accuracy"), figure("auc"))
        }
        TaskName::Gate if task.state == TaskState::Refused => "it said no".to_owned(),
        TaskName::Gate => match record["checks"].as_array().map_or(0, Vec::len) {
            0 => "it asked nothing".to_owned(),
            1 => "the check holds".to_owned(),
            more => format!("all {more} checks hold"),
        },
        TaskName::Promote => format!("version {}", number(&record["model_version"])),
    }
}

fn check_line(theme: Theme, check: &Check, width: usize) -> Line<'static> {
    let (sign, word, style) = if check.passed { ("✓", "holds", theme.good()) } else { ("✗", "fails", theme.bad()) };
    let ci = check.interval.map_or_else(String::new, |i| units::interval(i.low, i.high) + " ");
    let text = match (check.difference, check.name.is_against_champion()) {
        (Some(difference), _) => {
            let p = check.figure.filter(|_| difference < 0.0).map_or_else(String::new, |p| format!(", p {p:.3}"));
            let ci = if width < WITH_GAPS { String::new() } else { ci };
            format!("{difference:+.3} {ci}to the champion{p}")
        }
        (None, true) => "no difference to the champion".to_owned(),
        (None, false) => format!("{} {}, at least {}", share(check.figure), ci.trim_end(), check.bar),
    };
    Line::from(vec![
        Span::styled(format!("{sign} "), style),
        Span::raw(fit(check.name.title(), 12)),
        Span::styled(format!("{word:<6}"), style),
        Span::raw(fit(&text, width.saturating_sub(20))),
    ])
}

/// What was said last, else what went wrong, else what becomes of it.
fn below(app: &App, theme: Theme, width: usize) -> Vec<Line<'static>> {
    let view = &app.train.pipeline;
    let failed = view.newest.iter().flat_map(|newest| &newest.tasks);
    let failed = failed.filter(|task| task.state == TaskState::Failed).find_map(|task| task.problem.as_ref());
    let again = format!("{} with the same settings goes on from there", start_key(app));
    let dim = |text: &str| paragraph(text, width, theme.dim());
    match (&view.notice, view.problem.as_ref().or(failed), view.newest.as_ref().map(|newest| newest.state)) {
        (Some(notice), ..) => paragraph(&format!("! {notice}"), width, theme.warning()),
        (None, Some(problem), _) => paragraph(&format!("✗ {problem}"), width, theme.bad()),
        (None, None, Some(PipelineState::Stopped)) => dim(&again),
        (None, None, Some(PipelineState::Refused)) => dim("its run stays as it is; the champion is the one before"),
        (None, None, Some(PipelineState::Running)) if view.at_work => dim("by this program"),
        (None, None, Some(PipelineState::Running)) => dim("seen as it goes on; `xray-tui pipeline show` has more"),
        (None, None, Some(PipelineState::Done)) => dim("its run became the champion then"),
        (None, None, Some(PipelineState::Failed) | None) => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use ratatui::crossterm::event::KeyCode;

    use super::*;
    use crate::app::message::{Message, RunsMessage};
    use crate::app::runs::work::RunsNews;
    use crate::app::sample;
    use crate::store::RunState;
    use crate::ui::tests::{assert_looks, pressed, text, told};

    const SIZES: [(u16, u16); 3] = [(60, 16), (80, 24), (120, 40)];

    fn shown(state: PipelineState, states: [TaskState; 5]) -> App {
        let running = Message::Runs(RunsMessage::Loaded(Ok(vec![sample::run(4, RunState::Running)])));
        let app = told(sample::with_data(), [running, sample::pipeline(state, states)]);
        pressed(app, &[KeyCode::Char('3'), KeyCode::Char('P')])
    }

    #[test]
    fn a_pipeline_is_a_small_graph_with_its_tasks_below() {
        use TaskState::{Done, Failed, Running, Waiting};
        let none = pressed(sample::with_data(), &[KeyCode::Char('2'), KeyCode::Char('P')]);
        assert_looks("pipeline_none", &none, &SIZES[..2]);
        let running = shown(PipelineState::Running, [Done, Running, Waiting, Waiting, Waiting]);
        assert_looks("pipeline_running", &running, &SIZES);
        assert_looks(
            "pipeline_failed",
            &shown(PipelineState::Failed, [Done, Failed, Waiting, Waiting, Waiting]),
            &SIZES[..2],
        );
    }

    #[test]
    fn what_the_gate_asked_and_found_stands_below_the_tasks() {
        use TaskState::{Done, Refused, Skipped};
        let refused = shown(PipelineState::Refused, [Done, Done, Done, Refused, Skipped]);
        assert_looks("pipeline_refused", &refused, &SIZES);
    }

    #[test]
    fn states_are_told_apart_in_ascii_too() {
        use TaskState::{Done, Refused, Skipped};
        let mut refused = shown(PipelineState::Refused, [Done, Done, Done, Refused, Skipped]);
        refused.display.ascii = true;
        let shown = text(&refused, (80, 24));
        assert!(shown.is_ascii(), "{shown}");
        assert!(shown.contains("v train") && shown.contains("x gate") && shown.contains("- promote"), "{shown}");
    }

    #[test]
    fn the_champion_is_marked_and_asked_about_before_it_changes() {
        let champion = RunsNews::Champion(Some((sample::run_id(8), 3)));
        let app = told(pressed(sample::with_varied(), &[]), [Message::Runs(RunsMessage::News(champion))]);
        assert_looks("runs_champion", &app, &SIZES[..2]);
        assert_looks("promote", &pressed(app, &[KeyCode::Char('j'), KeyCode::Char('C')]), &SIZES[..2]);
    }
}
