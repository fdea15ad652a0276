//! The table of runs: titles, rows, groups, and the filter while it is typed.

use ratatui::layout::Rect;
use ratatui::style::{Modifier, Style};
use ratatui::text::{Line, Span};
use unicode_width::UnicodeWidthStr;

use super::{notice, state_style};
use crate::app::runs::RunsScreen;
use crate::app::runs::column::Column;
use crate::app::runs::figure::Figure;
use crate::app::runs::groups::Group;
use crate::app::runs::layout::{self, Shown};
use crate::app::runs::shown::Row;
use crate::app::scene::Target;
use crate::store::Run;
use crate::ui::filter;
use crate::ui::painter::{Painter, fit, fit_end};
use crate::ui::theme::Theme;
use crate::units::count;

pub fn draw(painter: &mut Painter, area: Rect, screen: &RunsScreen) {
    let inner = painter.panel(area, &title(screen));
    let hint = "words that must all hold: acc>0.9 lr:1e-4 state:finished tag:baseline !crashed star";
    let inner = filter::draw(painter, inner, screen.filtering.as_ref(), hint);
    let inner = notice(painter, inner, screen);
    let columns = layout::columns(&screen.view, screen.shift, usize::from(inner.width));
    heading(painter, Rect { height: 1, ..inner }, screen, &columns);
    let body = Rect { y: inner.y + 1, height: inner.height.saturating_sub(1), ..inner };
    let (fits, rows) = (usize::from(body.height), &screen.shown().rows);
    (painter.scene.visible_rows, painter.scene.table_width) = (fits, usize::from(inner.width));
    let first = layout::first_row(screen.row, (screen.top, rows.len()), fits);
    let baseline = screen.baseline();
    for ((at, row), place) in rows.iter().enumerate().skip(first).zip(body.rows()) {
        let line = match row {
            Row::Run(run) => run_line(painter.theme, (&screen.rows()[*run], screen, baseline), &columns),
            Row::Group(group) => {
                group_line(painter.theme, (&screen.shown().groups[*group], screen, baseline), &columns)
            }
        };
        let chosen = at == screen.row;
        let sign = Span::styled(if chosen { "▸" } else { " " }, painter.theme.accent());
        let line: Line = std::iter::once(sign).chain(line).collect();
        painter.line(place, if chosen { painter.theme.select(line) } else { line });
        painter.target(place, Target::Row(at));
    }
    if rows.is_empty() {
        painter.message(body, vec![Line::styled("no run matches the filter", painter.theme.dim())]);
    }
}

/// How many runs, how many of them, in which order, against which one.
fn title(screen: &RunsScreen) -> String {
    let (view, all, found) = (&screen.view, screen.rows().len(), screen.shown().runs.len());
    let how_many = if view.filter.is_empty() { count(all) } else { format!("{} of {}", count(found), count(all)) };
    let filter = if view.filter.is_empty() { String::new() } else { format!(" {}", view.filter) };
    let marked = screen.facts.marks.len();
    let champion = screen.facts.champion.as_ref().and_then(|(run_id, _)| screen.run(run_id));
    let parts = [
        Some(format!("Runs ({how_many}){filter} by {} {}", view.sorted_by.title(), arrow(view.descending))),
        view.grouped_by.map(|grouping| format!("grouped by {}", grouping.label())),
        screen.baseline().map(|run| format!("against {}", run.started.name)),
        (marked > 0).then(|| format!("{marked} marked")),
        champion.map(|run| format!("♛ champion {}", run.started.name)),
    ];
    parts.into_iter().flatten().collect::<Vec<_>>().join(", ")
}

const fn arrow(descending: bool) -> &'static str {
    if descending { "▼" } else { "▲" }
}

fn heading(painter: &mut Painter, row: Rect, screen: &RunsScreen, columns: &[Shown]) {
    let start = row.x + u16::try_from(layout::GUTTER).unwrap_or(0);
    let mut x = start;
    for shown in columns {
        let sorted = shown.column == screen.view.sorted_by;
        let arrow = if sorted { arrow(screen.view.descending) } else { "" };
        let style = if sorted { painter.theme.accent() } else { painter.theme.dim() };
        let title =
            if shown.width == 1 { shown.column.title().to_owned() } else { format!("{}{arrow}", shown.column.title()) };
        let width = u16::try_from(shown.width).unwrap_or(0);
        let place = Rect { x, width: width.min(row.right().saturating_sub(x)), ..row };
        painter.line(place, Line::styled(cell(*shown, &title), style));
        painter.target(place, Target::Column(shown.place));
        x += width + 1;
    }
    more(painter, row, screen, columns);
}

/// Signs for the columns that are out of sight.
fn more(painter: &mut Painter, row: Rect, screen: &RunsScreen, columns: &[Shown]) {
    let rest = columns.iter().filter(|shown| !shown.column.is_fixed()).count();
    if screen.shift > 0 {
        painter.line(Rect { width: 1, ..row }, Line::styled("‹", painter.theme.accent()));
    }
    if screen.shift + rest < layout::shiftable(&screen.view) && row.width > 2 {
        let end = Rect { x: row.right(), width: 1, ..row };
        painter.line(end, Line::styled("›", painter.theme.accent()));
    }
}

/// Text of a column's width: words left, numbers right.
fn cell(shown: Shown, text: &str) -> String {
    let width = shown.width;
    if shown.column.is_number() {
        let text = fit_end(text, width);
        format!("{}{text}", " ".repeat(width.saturating_sub(text.width())))
    } else {
        fit(text, width)
    }
}

type OfRun<'a> = (&'a Run, &'a RunsScreen, Option<&'a Run>);

fn run_line(theme: Theme, (run, screen, baseline): OfRun<'_>, columns: &[Shown]) -> Vec<Span<'static>> {
    let is_baseline = baseline.is_some_and(|base| base.started.id == run.started.id);
    let sign = match () {
        () if is_baseline => "b",
        () if screen.facts.champion_version(run).is_some() => "♛",
        () => " ",
    };
    let mut spans = vec![Span::styled(sign, theme.accent())];
    for shown in columns {
        let (text, style) = match (shown.column, baseline.filter(|_| !is_baseline)) {
            (Column::Figure(figure), Some(base)) => {
                against(theme, figure, (figure.of(run).map(|value| (value, None)), base))
            }
            (column, _) => (column.text(run, &screen.facts), style(theme, column, (run, screen))),
        };
        spans.push(Span::styled(cell(*shown, &text), style));
        spans.push(Span::raw(" "));
    }
    spans
}

fn style(theme: Theme, column: Column, (run, screen): (&Run, &RunsScreen)) -> Style {
    match column {
        Column::State => state_style(theme, run.state),
        Column::Data if run.started.synthetic => theme.warning(),
        Column::Star => theme.accent(),
        Column::Mark => {
            screen.facts.marks.place_of(&run.started.id).map_or_else(Style::new, |place| theme.series(place))
        }
        Column::Note | Column::Tags | Column::Id => theme.dim(),
        _ => Style::new(),
    }
}

/// A figure, or the mean of a group's, with the deviation about it.
type Mean = Option<(f64, Option<f64>)>;

/// How far a figure lies from the baseline's, in the colour of better or worse.
fn against(theme: Theme, figure: Figure, (mean, base): (Mean, &Run)) -> (String, Style) {
    let Some(((value, sd), base)) = mean.zip(figure.of(base)) else { return ("–".into(), theme.dim()) };
    let text = figure.spread_difference((value, sd), base);
    let is_nothing = !figure.difference(value, base).contains(|letter: char| ('1'..='9').contains(&letter));
    let style = match figure.more_is_better() {
        None => Style::new(),
        Some(_) if is_nothing => theme.dim(),
        Some(more) if (value > base) == more => theme.good(),
        Some(_) => theme.bad(),
    };
    (text, style)
}

/// What its runs have in common, how many they are, and mean and deviation of their figures, or how far the mean lies from
/// the baseline's.
fn group_line(
    theme: Theme,
    (group, screen, baseline): (&Group, &RunsScreen, Option<&Run>),
    columns: &[Shown],
) -> Vec<Span<'static>> {
    let words = |column: Column| !matches!(column, Column::Figure(_) | Column::Setting(_) | Column::Size);
    let first = columns.iter().take_while(|shown| words(shown.column)).count().max(1);
    let width: usize = columns.iter().take(first).map(|shown| shown.width + 1).sum();
    let sign = if screen.unfolded.contains(&group.key) { "▾" } else { "►" };
    let runs = if group.runs.len() == 1 { "run" } else { "runs" };
    let finished =
        if group.finished == group.runs.len() { String::new() } else { format!(", {} finished", group.finished) };
    let label = format!("{sign} {}  {} {runs}{finished}", group.label, count(group.runs.len()));
    let mut spans = vec![Span::styled(fit(&label, width), Style::new().add_modifier(Modifier::BOLD)), Span::raw(" ")];
    for shown in columns.iter().skip(first) {
        let (text, style) = match shown.column {
            Column::Figure(figure) => group_figure(theme, figure, (group, baseline)),
            Column::Setting(field) => (group.shared(field, screen.rows()).unwrap_or_default(), Style::new()),
            _ => (String::new(), Style::new()),
        };
        spans.push(Span::styled(cell(*shown, &text), style));
        spans.push(Span::raw(" "));
    }
    spans
}

fn group_figure(theme: Theme, figure: Figure, (group, baseline): (&Group, Option<&Run>)) -> (String, Style) {
    let mean = group.spread(figure).map(|spread| (spread.mean, spread.sd));
    match (mean, baseline) {
        (mean, Some(base)) => against(theme, figure, (mean, base)),
        (Some((mean, sd)), None) => (figure.spread(mean, sd), Style::new()),
        (None, None) => ("–".into(), theme.dim()),
    }
}

#[cfg(test)]
mod tests {
    use ratatui::crossterm::event::KeyCode;

    use crate::ui::tests::{pressed, text, typed};

    #[test]
    fn groups_are_held_against_the_baseline_as_their_runs_are() {
        // Against run-8, which is in the second group.
        let app = pressed(typed("jjjjbBbut the seed"), &[KeyCode::Enter, KeyCode::Char('g'), KeyCode::Enter]);
        let shown = text(&app, (120, 40));
        let row = |name: &str| shown.lines().find(|line| line.contains(name)).unwrap();
        assert!(row("▾ rate 0.0001").contains(" +0.003 ±0.029 -0.002 ±0.003"), "{shown}");
        assert!(row("run-12").contains(" -0.028        -0.002"), "a run of that group: {shown}");
        assert!(row("► rate 0.0003").contains(" -11.7 s ±10.7 s"), "{shown}");
    }
}
