//! Help and palette: the table of commands, searched by typing.

use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::{Line, Span};

use super::painter::{Painter, fit, fit_words, typed};
use crate::app::App;
use crate::app::action::Place;
use crate::app::keymap::BINDINGS;
use crate::app::popup::Commands;
use crate::app::scene::Target;

/// A line of the list: a heading, or one of the commands found, with its number.
enum Entry {
    Heading(&'static str),
    Command(usize, usize),
}

const WIDTH: u16 = 112;

pub fn draw(painter: &mut Painter, commands: &Commands, app: &App) {
    let below = app.place_below();
    let entries = entries(commands, &commands.found(&app.keymap, below));
    let height = u16::try_from(entries.len()).unwrap_or(u16::MAX).saturating_add(4);
    let inner = painter.popup((WIDTH, height), if commands.all { "Help" } else { "Commands" });
    painter.scene.picture = None;
    search_line(painter, inner, commands);
    let list = Rect { y: inner.y + 1, height: inner.height.saturating_sub(2), ..inner };
    let rows = usize::from(list.height);
    let chosen = entries.iter().position(|entry| matches!(entry, Entry::Command(number, _) if *number == commands.row));
    // The heading above the first command is seen too.
    let first = if commands.row == 0 { 0 } else { (chosen.unwrap_or(0) + 2).saturating_sub(rows) };
    painter.scene.visible_rows = page(&entries, chosen.unwrap_or(0), (first, rows));
    for (entry, row) in entries.iter().skip(first).take(rows).zip(list.rows()) {
        entry_line(painter, row, entry, (commands, app, below));
    }
    let foot = Rect { y: inner.bottom().saturating_sub(1), height: 1, ..inner };
    let text =
        if entries.is_empty() { "nothing is called that" } else { "For research use only, not for clinical use." };
    painter.line(foot, Line::styled(text, painter.theme.dim()));
}

/// Commands that a page key may pass over without one that is never shown: headings take lines, but are not chosen.
fn page(entries: &[Entry], chosen: usize, (first, rows): (usize, usize)) -> usize {
    let commands = |from: usize, to: usize| {
        let between = entries.get(from..to).unwrap_or_default();
        between.iter().filter(|entry| matches!(entry, Entry::Command(..))).count()
    };
    // The chosen line is the last but one that is shown.
    let end = first + 2 * rows.max(1) - 1;
    let down = if end < entries.len() { commands(chosen + 1, end) } else { rows };
    let up = if chosen > rows { commands(chosen - rows, chosen) } else { rows };
    down.min(up).max(1)
}

fn search_line(painter: &mut Painter, inner: Rect, commands: &Commands) {
    let prompt = Span::styled("search ", painter.theme.dim());
    let mut spans = vec![prompt];
    spans.extend(typed(&commands.input, usize::from(inner.width).saturating_sub(8)));
    painter.line(inner, Line::from(spans));
}

/// With headings where all places are shown.
fn entries(commands: &Commands, found: &[usize]) -> Vec<Entry> {
    let (mut entries, mut place): (Vec<Entry>, Option<Place>) = (Vec::new(), None);
    for (number, line) in found.iter().enumerate() {
        let here = BINDINGS[*line].place;
        if commands.all && place != Some(here) {
            entries.push(Entry::Heading(here.title()));
            place = Some(here);
        }
        entries.push(Entry::Command(number, *line));
    }
    entries
}

fn entry_line(painter: &mut Painter, row: Rect, entry: &Entry, (commands, app, below): (&Commands, &App, Place)) {
    let theme = painter.theme;
    match *entry {
        Entry::Heading(title) => painter.line(row, Line::styled(title, theme.title())),
        Entry::Command(number, line) => {
            let (binding, chosen) = (&BINDINGS[line], number == commands.row);
            let works = below.layers().contains(&binding.place);
            let sign = if chosen { "▸ " } else { "  " };
            let key = fit(&app.keymap.written(line), 14);
            let text = fit_words(binding.help, usize::from(row.width).saturating_sub(16));
            let style = if works { Style::new() } else { theme.dim() };
            let spans =
                vec![Span::styled(sign, theme.accent()), Span::styled(key, theme.accent()), Span::styled(text, style)];
            let line = Line::from(spans);
            painter.line(row, if chosen { theme.select(line) } else { line });
            painter.target(row, Target::Row(number));
        }
    }
}

#[cfg(test)]
mod tests {
    use ratatui::crossterm::event::{KeyCode, KeyEvent};

    use crate::app::message::Message;
    use crate::app::sample;
    use crate::ui::tests::{frame, pressed, text};

    const SMALL: (u16, u16) = (60, 16);

    #[test]
    fn a_page_further_passes_no_line_over() {
        let mut app = pressed(sample::with_data(), &[KeyCode::Char('?')]);
        let mut seen = String::new();
        for _ in 0..80 {
            seen += &text(&app, SMALL);
            let scene = frame(&app, SMALL).1;
            app.update(Message::Key(KeyEvent::from(KeyCode::PageDown)), &scene);
        }
        for words in ["earlier runs faintly", "write a note to it", "smoother line, the raw one", "next mistake"] {
            assert!(seen.contains(words), "{words}: {seen}");
        }
    }

    #[test]
    fn a_text_too_long_for_a_small_terminal_ends_after_a_word() {
        let mut app = pressed(sample::with_data(), &[KeyCode::Char('?')]);
        sample::type_text(&mut app, "search for a learning");
        let shown = text(&app, SMALL);
        assert!(shown.contains("search for a learning rate: a short… "), "{shown}");
    }
}
