//! The runs that wait, are under way and are done, in their order.

use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::{Line, Span};

use super::painter::{Painter, fit};
use crate::app::queue::Queue;
use crate::app::scene::Target;
use crate::store::{Entry, EntryState};
use crate::train::space;

pub fn draw(painter: &mut Painter, queue: &Queue, row: usize) {
    let height = u16::try_from(queue.entries.len()).unwrap_or(u16::MAX).saturating_add(2).max(4);
    let inner = painter.popup((74, height), &format!("Queue ({} waiting)", queue.waiting()));
    painter.scene.picture = None;
    let list = Rect { height: inner.height.saturating_sub(1), ..inner };
    painter.scene.visible_rows = usize::from(list.height);
    let first = (row + 1).saturating_sub(usize::from(list.height));
    for ((at, entry), line) in queue.entries.iter().enumerate().skip(first).zip(list.rows()) {
        let text = entry_line(painter, entry, at == row, usize::from(line.width));
        painter.line(line, text);
        painter.target(line, Target::Row(at));
    }
    let foot = Rect { y: inner.bottom().saturating_sub(1), height: 1, ..inner };
    let text = match (&queue.problem, queue.entries.get(row).and_then(|entry| entry.problem.as_ref())) {
        (Some(problem), _) | (None, Some(problem)) => (format!("✗ {problem}"), painter.theme.bad()),
        _ if queue.entries.is_empty() => {
            ("nothing waits: s on the settings of a next run adds it".into(), painter.theme.dim())
        }
        _ if queue.at_work => ("one after the other, by this program".into(), painter.theme.dim()),
        _ => ("in this order; `xray-tui queue run` works through it too".into(), painter.theme.dim()),
    };
    painter.line(foot, Line::styled(fit(&text.0, usize::from(foot.width)), text.1));
}

fn entry_line(painter: &Painter, entry: &Entry, chosen: bool, width: usize) -> Line<'static> {
    let theme = painter.theme;
    let (sign, style) = match entry.state {
        EntryState::Waiting => ("◌", Style::new()),
        EntryState::Running => ("●", theme.good()),
        EntryState::Done => ("✓", theme.good()),
        EntryState::Failed => ("✗", theme.bad()),
        EntryState::Skipped => ("–", theme.dim()),
    };
    let until = entry.new.until_epoch.map_or_else(String::new, |epoch| format!("to epoch {epoch}"));
    let settings = space::text(&entry.new.settings);
    let spans = vec![
        Span::styled(if chosen { "▸ " } else { "  " }, theme.accent()),
        Span::styled(format!("{sign} {:<9}", entry.state.name()), style),
        Span::raw(fit(&entry.new.name, 16) + " "),
        Span::raw(fit(&until, 12) + " "),
        Span::styled(fit(&settings, width.saturating_sub(43)), theme.dim()),
    ];
    let line = Line::from(spans);
    if chosen { theme.select(line) } else { line }
}
