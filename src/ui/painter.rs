//! What every screen draws with: the frame's cells, the theme, and the scene that is being laid out.

use ratatui::buffer::Buffer;
use ratatui::layout::{Alignment, Rect};
use ratatui::style::{Modifier, Style};
use ratatui::text::{Line, Span};
use ratatui::widgets::{Block, BorderType, Clear, Padding, Paragraph, Widget, Wrap};

use unicode_width::UnicodeWidthStr;

use super::theme::Theme;
use crate::app::action::Action;
use crate::app::input::Input;
use crate::app::scene::{Area, Display, Scene, Target};

#[derive(Debug)]
pub struct Painter<'a> {
    pub buffer: &'a mut Buffer,
    pub theme: Theme,
    pub display: Display,
    pub scene: Scene,
}

impl Painter<'_> {
    /// One line of text from its left end, cut where the area ends.
    pub fn line(&mut self, area: Rect, line: impl Into<Line<'static>>) {
        if !area.is_empty() {
            line.into().render(Rect { height: 1, ..area }, self.buffer);
        }
    }

    /// Lines from the top of the area, `scroll` of them passed over; says how far one can scroll.
    pub fn lines(&mut self, area: Rect, lines: Vec<Line<'static>>, scroll: usize) -> usize {
        let limit = lines.len().saturating_sub(usize::from(area.height));
        for (line, row) in lines.into_iter().skip(scroll.min(limit)).zip(area.rows()) {
            line.render(row, self.buffer);
        }
        limit
    }

    /// Text in the middle of the area, broken at words.
    pub fn message(&mut self, area: Rect, lines: Vec<Line<'static>>) {
        let height = u16::try_from(lines.len()).unwrap_or(u16::MAX).saturating_add(2).min(area.height);
        let top = area.y + (area.height - height) / 3;
        let inner = Rect { y: top, height: area.bottom() - top, ..area };
        Paragraph::new(lines).alignment(Alignment::Center).wrap(Wrap { trim: true }).render(inner, self.buffer);
    }

    /// A frame with a title; returns what is inside.
    pub fn panel(&mut self, area: Rect, title: &str) -> Rect {
        let heading = Line::styled(format!(" {title} "), self.theme.title());
        let block = Block::bordered()
            .border_type(BorderType::Rounded)
            .border_style(self.theme.frame())
            .title(heading)
            .padding(Padding::horizontal(1));
        let inner = block.inner(area);
        block.render(area, self.buffer);
        inner
    }

    /// A frame over everything else, as large as its content where that fits; returns what is inside.
    pub fn popup(&mut self, (width, height): (u16, u16), title: &str) -> Rect {
        let whole = *self.buffer.area();
        // The footer stays to be seen: it has the keys that work here.
        let (width, height) = ((width + 4).min(whole.width), (height + 2).min(whole.height.saturating_sub(2)));
        let area = Rect { x: (whole.width - width) / 2, y: (whole.height - height) / 2, width, height };
        Clear.render(area, self.buffer);
        let heading = Line::styled(format!(" {title} "), self.theme.title());
        let block = Block::bordered()
            .border_type(BorderType::Rounded)
            .border_style(self.theme.accent())
            .title(heading)
            .padding(Padding::horizontal(1));
        let inner = block.inner(area);
        block.render(area, self.buffer);
        inner
    }

    /// A bar that is filled to `share`, with eighths of cells.
    pub fn bar(&mut self, area: Rect, share: f64, style: Style) {
        self.line(area, bar(usize::from(area.width), share, style, self.theme.frame()));
    }

    /// Keys and what they do, in a row, as many as fit; they answer to clicks too.
    pub fn keys(&mut self, area: Rect, keys: impl Iterator<Item = (Action, String, &'static str)>) {
        let mut x = area.x;
        for (action, key, text) in keys {
            let spans =
                vec![Span::styled(key, self.theme.accent()), Span::styled(format!(" {text}"), self.theme.dim())];
            let line = Line::from(spans);
            let width = u16::try_from(line.width()).unwrap_or(u16::MAX);
            if x.saturating_add(width) > area.right() {
                break;
            }
            let place = Rect { x, width, height: 1, ..area };
            self.line(place, line);
            self.target(place, Target::Action(action));
            x += width + 2;
        }
    }

    /// Makes an area answer to clicks.
    pub fn target(&mut self, area: Rect, target: Target) {
        self.scene.targets.push((area_of(area), target));
    }
}

/// Text that is being typed, with the cursor in it; of a long one the part around the cursor.
pub fn typed(input: &Input, width: usize) -> Vec<Span<'static>> {
    let (before, after) = input.parts();
    let before = fit_end(before, width.saturating_sub(1));
    let at = after.chars().next().map_or_else(|| " ".to_owned(), String::from);
    let rest: String = after.chars().skip(1).collect();
    let left = width.saturating_sub(before.width() + at.width());
    let cursor = Style::new().add_modifier(Modifier::REVERSED);
    vec![Span::raw(before), Span::styled(at, cursor), Span::raw(fit(&rest, left))]
}

/// The same rectangle for the app.
pub const fn area_of(rect: Rect) -> Area {
    Area { x: rect.x, y: rect.y, width: rect.width, height: rect.height }
}

/// A bar as text: full blocks, one partial block, and a rail for the rest.
pub fn bar(width: usize, share: f64, style: Style, rail: Style) -> Line<'static> {
    const EIGHTHS: [&str; 8] = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"];
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, clippy::cast_precision_loss, reason = "cells")]
    let eighths = (share.clamp(0.0, 1.0) * width as f64 * 8.0).round() as usize;
    let partial = EIGHTHS[eighths % 8];
    let full = eighths / 8;
    let rest = width - full - usize::from(!partial.is_empty());
    Line::from(vec![Span::styled("█".repeat(full) + partial, style), Span::styled("─".repeat(rest), rail)])
}

/// Text cut or filled to a width in cells; a cut one ends in `…`.
pub fn fit(text: &str, width: usize) -> String {
    let kept =
        if text.width() <= width { text.to_owned() } else { format!("{}…", start(text, width.saturating_sub(1))) };
    let gap = width.saturating_sub(kept.width());
    if width == 0 { String::new() } else { kept + &" ".repeat(gap) }
}

/// Text filled to a width in cells; of a longer one the whole words that fit, and `…`.
pub fn fit_words(text: &str, width: usize) -> String {
    if text.width() <= width {
        return fit(text, width);
    }
    let most = start(text, width.saturating_sub(1));
    let gaps = [' ', ',', ';', ':'];
    let whole = if text[most.len()..].starts_with(gaps) { most } else { &most[..most.rfind(' ').unwrap_or(0)] };
    match whole.trim_end_matches(gaps) {
        "" => fit(text, width),
        words => fit(&format!("{words}…"), width),
    }
}

/// The end of a path or id that is too long, after `…`.
pub fn fit_end(text: &str, width: usize) -> String {
    if text.width() <= width {
        return text.to_owned();
    }
    let ends = text.char_indices().map(|(at, _)| &text[at..]);
    let kept = ends.into_iter().find(|end| end.width() < width).unwrap_or_default();
    if width == 0 { String::new() } else { format!("…{kept}") }
}

/// As many characters as fit into so many cells.
fn start(text: &str, width: usize) -> &str {
    let starts = text.char_indices().map(|(at, letter)| &text[..at + letter.len_utf8()]);
    starts.take_while(|start| start.width() <= width).last().unwrap_or_default()
}

/// Text broken at spaces into lines of at most so many cells, all but the first set in by two; a word that is too
/// long is cut.
pub fn broken(text: &str, width: usize) -> Vec<String> {
    let width = width.max(8);
    let (mut lines, mut line) = (Vec::new(), String::new());
    for word in text.split_whitespace() {
        let mut word = word;
        if !line.trim().is_empty() && line.width() + 1 + word.width() > width {
            lines.push(std::mem::replace(&mut line, "  ".into()));
        }
        if !line.trim().is_empty() {
            line.push(' ');
        }
        while line.width() + word.width() > width {
            let part = start(word, width.saturating_sub(line.width()));
            word = &word[part.len()..];
            lines.push(std::mem::replace(&mut line, "  ".into()) + part);
        }
        line.push_str(word);
    }
    lines.push(line);
    lines
}

/// `broken` in one style.
pub fn paragraph(text: &str, width: usize, style: Style) -> Vec<Line<'static>> {
    broken(text, width).into_iter().map(|line| Line::styled(line, style)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_bar_is_as_wide_as_asked_at_any_share() {
        for tenth in 0..=100_u8 {
            let line = bar(17, f64::from(tenth) / 100.0, Style::new(), Style::new());
            assert_eq!(line.width(), 17, "{tenth} percent");
        }
    }

    #[test]
    fn a_long_text_is_cut_with_a_mark() {
        assert_eq!(fit("pneumonia", 5), "pneu…");
        assert_eq!(fit("ab", 4), "ab  ");
        assert_eq!(fit_end("/a/long/path", 5), "…path");
        assert_eq!(fit("肺炎の像", 6), "肺炎… ");
    }

    #[test]
    fn a_long_sentence_ends_after_a_whole_word() {
        let text = "search for a rate: a short training";
        assert_eq!(fit_words(text, 40).trim_end(), text);
        assert_eq!(fit_words(text, 18), "search for a rate…");
        assert_eq!(fit_words(text, 17), "search for a…    ");
        assert_eq!(fit_words(text, 19).trim_end(), "search for a rate…");
        assert_eq!(fit_words("pneumonia", 5), "pneu…", "where not even one word fits");
    }

    #[test]
    fn a_long_message_is_broken_at_its_words() {
        let text = "cannot write to runs.db: the disk is full";
        assert_eq!(broken(text, 18), ["cannot write to", "  runs.db: the", "  disk is full"]);
        assert_eq!(broken("a/very/long/path.jpeg: 1x1", 12), ["a/very/long/", "  path.jpeg:", "  1x1"]);
    }

    proptest! {
        #[test]
        fn no_text_is_wider_than_asked(text in "[ -~é肺炎🩻]{0,60}", width in 0..40_usize) {
            prop_assert!(fit(&text, width).width() == width);
            prop_assert!(fit_words(&text, width).width() == width);
            prop_assert!(fit_end(&text, width).width() <= width);
            prop_assert!(broken(&text, width).iter().all(|line| line.width() <= width.max(8)));
        }
    }
}
