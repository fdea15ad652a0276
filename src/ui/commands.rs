//! Help and palette: the table of commands, searched by typing.

use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::{Line, Span};

use super::painter::{Painter, fit, typed};
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
    painter.scene.visible_rows = rows;
    let chosen = entries.iter().position(|entry| matches!(entry, Entry::Command(number, _) if *number == commands.row));
    // The heading above the first command is seen too.
    let first = if commands.row == 0 { 0 } else { (chosen.unwrap_or(0) + 2).saturating_sub(rows) };
    for (entry, row) in entries.iter().skip(first).zip(list.rows()) {
        entry_line(painter, row, entry, (commands, app, below));
    }
    let foot = Rect { y: inner.bottom().saturating_sub(1), height: 1, ..inner };
    let text =
        if entries.is_empty() { "nothing is called that" } else { "For research use only, not for clinical use." };
    painter.line(foot, Line::styled(text, painter.theme.dim()));
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
            let text = fit(binding.help, usize::from(row.width).saturating_sub(16));
            let style = if works { Style::new() } else { theme.dim() };
            let spans =
                vec![Span::styled(sign, theme.accent()), Span::styled(key, theme.accent()), Span::styled(text, style)];
            let line = Line::from(spans);
            painter.line(row, if chosen { theme.select(line) } else { line });
            painter.target(row, Target::Row(number));
        }
    }
}
