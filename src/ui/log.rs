//! The end of a run's log.

use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use super::painter::{Painter, paragraph};
use crate::app::log::Log;

/// The newest lines that fit, long ones broken, each after its time of day.
pub fn draw(painter: &mut Painter, area: Rect, log: &Log) {
    let theme = painter.theme;
    let width = usize::from(area.width);
    let mut lines: Vec<Line<'static>> = Vec::new();
    for text in &log.lines {
        let (time, rest) = text.split_once(' ').unwrap_or(("", text));
        let clock: String = time.chars().skip(11).take(8).collect();
        let mut broken = paragraph(rest, width.saturating_sub(9), ratatui::style::Style::new()).into_iter();
        let head = broken.next().unwrap_or_default();
        let mut spans = vec![Span::styled(format!("{clock:<9}"), theme.dim())];
        spans.extend(head.spans);
        lines.push(Line::from(spans));
        lines.extend(broken.map(|line| {
            let mut spans = vec![Span::raw(" ".repeat(9))];
            spans.extend(line.spans);
            Line::from(spans)
        }));
    }
    if lines.is_empty() {
        let text = log.problem.as_ref().map_or("nothing in the log yet".to_owned(), |problem| format!("✗ {problem}"));
        lines.push(Line::styled(text, theme.dim()));
    }
    let most = lines.len().saturating_sub(usize::from(area.height));
    painter.lines(area, lines, most);
}
