//! Popups with a typed line or a list: a prompt, a choice, the columns of the table.

use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::{Line, Span};

use super::painter::{Painter, fit, paragraph, typed};
use crate::app::popup::{Choice, Prompt};
use crate::app::runs::picker::Picker;
use crate::app::scene::Target;

const WIDTH: u16 = 60;

/// One typed line with its hint, or what is wrong with it.
pub fn prompt(painter: &mut Painter, prompt: &Prompt) {
    let (text, style) = match &prompt.problem {
        Some(problem) => (format!("✗ {problem}"), painter.theme.bad()),
        None if prompt.writing => ("writing…".to_owned(), painter.theme.dim()),
        None => (prompt.hint.clone(), painter.theme.dim()),
    };
    let width = WIDTH.min(painter.buffer.area().width.saturating_sub(4));
    let said = paragraph(&text, usize::from(width), style);
    // A path that cannot be written may take many lines to name.
    let height = u16::try_from(said.len().max(2)).unwrap_or(u16::MAX).saturating_add(2);
    let inner = painter.popup((width, height), &prompt.title);
    painter.scene.picture = None;
    painter.line(inner, Line::from(typed(&prompt.input, usize::from(inner.width))));
    let below = Rect { y: inner.y + 2, height: inner.height.saturating_sub(2), ..inner };
    painter.lines(below, said, 0);
}

/// A list of which one line is chosen.
pub fn choice(painter: &mut Painter, choice: &Choice) {
    let found = choice.found();
    let height = u16::try_from(choice.entries.len()).unwrap_or(u16::MAX).saturating_add(1);
    let inner = painter.popup((WIDTH, height), &choice.title);
    search(painter, inner, ("search ", &choice.input, true));
    let entries = found.iter().map(|at| Line::from(choice.entries[*at].clone())).collect();
    list(painter, inner, entries, choice.row);
}

/// All columns, the shown ones first.
pub fn columns(painter: &mut Painter, picker: &Picker) {
    let height = u16::try_from(picker.entries.len()).unwrap_or(u16::MAX).saturating_add(1);
    let shown = picker.columns().len();
    let inner = painter.popup((WIDTH, height), &format!("Columns, {shown} shown"));
    search(painter, inner, ("search ", &picker.search, picker.searching));
    let theme = painter.theme;
    let entry = |at: usize| {
        let (column, shown) = picker.entries[at];
        let (sign, style) = if shown { ("● ", Style::new()) } else { ("○ ", theme.dim()) };
        let key = fit(column.key(), 13);
        Line::from(vec![
            Span::styled(sign, if shown { theme.good() } else { theme.dim() }),
            Span::styled(key, style),
            Span::styled(column.label(), theme.dim()),
        ])
    };
    let entries = picker.found().into_iter().map(entry).collect();
    list(painter, inner, entries, picker.row);
}

/// The line that is searched by; empty and not typed into, it tells how many there are.
fn search(painter: &mut Painter, inner: Rect, (label, input, typing): (&'static str, &crate::app::input::Input, bool)) {
    painter.scene.picture = None;
    let mut spans = vec![Span::styled(label, painter.theme.dim())];
    if typing {
        spans.extend(typed(input, usize::from(inner.width).saturating_sub(label.len() + 1)));
    } else if input.text().is_empty() {
        spans = vec![Span::styled("Space shows or hides, K and J move, / searches", painter.theme.dim())];
    } else {
        spans.push(Span::raw(input.text().to_owned()));
    }
    painter.line(inner, Line::from(spans));
}

fn list(painter: &mut Painter, inner: Rect, entries: Vec<Line<'static>>, chosen: usize) {
    let body = Rect { y: inner.y + 1, height: inner.height.saturating_sub(1), ..inner };
    let fits = usize::from(body.height);
    painter.scene.visible_rows = fits;
    if entries.is_empty() {
        painter.line(body, Line::styled("nothing is called that", painter.theme.dim()));
    }
    let first = (chosen + 1).saturating_sub(fits);
    for ((at, entry), row) in entries.into_iter().enumerate().skip(first).zip(body.rows()) {
        let sign = Span::styled(if at == chosen { "▸ " } else { "  " }, painter.theme.accent());
        let line: Line = std::iter::once(sign).chain(entry).collect();
        painter.line(row, if at == chosen { painter.theme.select(line) } else { line });
        painter.target(row, Target::Row(at));
    }
}
