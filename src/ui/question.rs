//! What is asked before something is destroyed.

use ratatui::text::Line;

use super::painter::Painter;
use crate::app::action::Action;
use crate::app::scene::Target;
use crate::app::{App, Question};

pub fn draw(painter: &mut Painter, question: &Question, app: &App) {
    let text = match question {
        Question::Quit => {
            let name = app.train.live.as_ref().map_or("", |live| live.name.as_str());
            let name = if name.is_empty() { "A run" } else { name };
            [
                format!("{name} is under way. Leaving stops it after this batch,"),
                "with a checkpoint: it can be resumed from Runs.".to_owned(),
            ]
        }
        Question::Delete { name, .. } => {
            [format!("Delete {name}, its figures and its checkpoints?"), "That can't be undone.".to_owned()]
        }
    };
    let answers = match question {
        Question::Quit => "y stop it and leave   n stay",
        Question::Delete { .. } => "y delete   n keep",
    };
    let longest = text.iter().map(|line| line.chars().count()).max().unwrap_or(0).max(answers.len());
    let inner = painter.popup((u16::try_from(longest).unwrap_or(u16::MAX), 4), "Sure?");
    let lines =
        text.map(Line::from).into_iter().chain([Line::default(), Line::styled(answers, painter.theme.accent())]);
    painter.lines(inner, lines.collect(), 0);
    painter.scene.picture = None;
    for (action, part) in [(Action::Yes, 0), (Action::No, 1)] {
        let rows = ratatui::layout::Rect { y: inner.bottom().saturating_sub(1), height: 1, ..inner };
        let half = answers.find('n').and_then(|_| u16::try_from(answers.rfind("   ")?).ok()).unwrap_or(0);
        let place = match part {
            0 => ratatui::layout::Rect { width: half.min(rows.width), ..rows },
            _ => ratatui::layout::Rect {
                x: rows.x + half.min(rows.width),
                width: rows.width.saturating_sub(half),
                ..rows
            },
        };
        painter.target(place, Target::Action(action));
    }
}
