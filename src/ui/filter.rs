//! A filter while it is typed, with what is wrong below its place.

use ratatui::layout::Rect;
use ratatui::text::{Line, Span};
use unicode_width::UnicodeWidthStr;

use super::painter::{Painter, fit, paragraph, typed};
use crate::app::query::Filtering;

const PROMPT: &str = "filter ";

/// Draws it at the top of `area`, where one is typed, with a hint at what it may say; answers the area below.
pub fn draw(painter: &mut Painter, area: Rect, filtering: Option<&Filtering>, hint: &str) -> Rect {
    let Some(filtering) = filtering else { return area };
    let width = usize::from(area.width).saturating_sub(PROMPT.len());
    let mut spans = vec![Span::styled(PROMPT, painter.theme.dim())];
    spans.extend(typed(&filtering.input, width));
    painter.line(area, Line::from(spans));
    let lines = match &filtering.problem {
        None => vec![Line::styled(fit(hint, usize::from(area.width)), painter.theme.dim())],
        Some(problem) => {
            let before = filtering.input.text().get(..problem.at).unwrap_or_default().width();
            let marker = Line::styled(format!("{:before$}^", "", before = PROMPT.len() + before), painter.theme.bad());
            let text = paragraph(&problem.text, usize::from(area.width), painter.theme.bad());
            std::iter::once(marker).chain(text.into_iter().take(3)).collect()
        }
    };
    let height = u16::try_from(lines.len()).unwrap_or(1) + 1;
    let below = Rect { y: area.y + 1, height: area.height.saturating_sub(1), ..area };
    painter.lines(below, lines, 0);
    Rect { y: area.y + height.min(area.height), height: area.height.saturating_sub(height), ..area }
}
