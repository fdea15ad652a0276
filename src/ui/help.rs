//! All keys, from the one table.

use ratatui::text::{Line, Span};

use super::painter::Painter;
use super::theme::Theme;
use crate::app::action::{BINDINGS, Binding, Place};

/// The places in the order of the screens, with what they are called here.
const PLACES: [(Place, &str); 11] = [
    (Place::Everywhere, "Everywhere"),
    (Place::Data, "Data"),
    (Place::DataMissing, "Data, none found"),
    (Place::Form, "Train: settings"),
    (Place::Editing, "Train: typing a value"),
    (Place::Live, "Train: a run under way"),
    (Place::Ended, "Train: a run that ended"),
    (Place::Runs, "Runs"),
    (Place::Detail, "Runs: one run"),
    (Place::Inspect, "Inspect"),
    (Place::Question, "A question"),
];

pub fn draw(painter: &mut Painter, scroll: usize) {
    let lines = lines(painter.theme);
    let height = u16::try_from(lines.len()).unwrap_or(u16::MAX);
    let inner = painter.popup((58, height), "Keys");
    painter.scene.scroll_limit = painter.lines(inner, lines, scroll);
    painter.scene.picture = None;
}

fn lines(theme: Theme) -> Vec<Line<'static>> {
    let mut lines = Vec::new();
    for (place, name) in PLACES {
        lines.push(Line::styled(name, theme.title()));
        lines.extend(BINDINGS.iter().filter(|binding| binding.place == place).map(|binding| line(theme, binding)));
        lines.push(Line::default());
    }
    lines.push(Line::styled("Tabs, rows, column titles and keys answer to the mouse.", theme.dim()));
    lines.push(Line::styled("For research use only, not for clinical use.", theme.dim()));
    lines
}

fn line(theme: Theme, binding: &Binding) -> Line<'static> {
    let key = Span::styled(format!("  {:<10}", binding.written), theme.accent());
    Line::from(vec![key, Span::raw(binding.help)])
}
