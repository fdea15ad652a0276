//! The runs that wait, are under way and are done, in their order.

use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::{Line, Span};

use super::painter::{Painter, fit};
use super::theme::Theme;
use crate::app::popup::QueueList;
use crate::app::queue::Queue;
use crate::app::scene::Target;
use crate::store::{Entry, EntryState};
use crate::train::space;

pub fn draw(painter: &mut Painter, queue: &Queue, list: &QueueList) {
    let row = list.row;
    let height = u16::try_from(queue.entries.len()).unwrap_or(u16::MAX).saturating_add(2).max(4);
    let inner = painter.popup((74, height), &format!("Queue ({} waiting)", queue.waiting()));
    painter.scene.picture = None;
    let body = Rect { height: inner.height.saturating_sub(1), ..inner };
    painter.scene.visible_rows = usize::from(body.height);
    let first = (row + 1).saturating_sub(usize::from(body.height));
    for ((at, entry), line) in queue.entries.iter().enumerate().skip(first).zip(body.rows()) {
        let text = entry_line(painter, entry, at == row, usize::from(line.width));
        painter.line(line, text);
        painter.target(line, Target::Row(at));
    }
    let foot = Rect { y: inner.bottom().saturating_sub(1), height: 1, ..inner };
    let (text, style) = below(painter.theme, queue, list);
    painter.line(foot, Line::styled(fit(&text, usize::from(foot.width)), style));
}

/// What stands below the list: what is wrong, else what becomes of it.
fn below(theme: Theme, queue: &Queue, list: &QueueList) -> (String, Style) {
    let failed = queue.entries.get(list.row).and_then(|entry| entry.problem.as_ref());
    let dim = |text: &str| (text.to_owned(), theme.dim());
    match (&list.notice, queue.problem.as_ref().or(failed)) {
        (Some(notice), _) => (format!("! {notice}"), theme.warning()),
        (None, Some(problem)) => (format!("✗ {problem}"), theme.bad()),
        _ if queue.entries.is_empty() => dim("nothing waits: s on the settings of a next run adds it"),
        _ if queue.at_work => dim("one after the other, by this program"),
        _ => dim("in this order; `xray-tui queue run` works through it too"),
    }
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
