//! What is asked before something is destroyed.

use ratatui::layout::Rect;
use ratatui::text::Line;

use super::painter::Painter;
use crate::app::App;
use crate::app::action::{Action, Place};
use crate::app::keymap::BINDINGS;
use crate::app::popup::Question;
use crate::units::count;

pub fn draw(painter: &mut Painter, question: &Question, app: &App) {
    let (text, yes, no) = match question {
        Question::Quit => {
            let name = app.train.live.as_ref().map(|live| live.name.as_str()).filter(|name| !name.is_empty());
            let first = format!("{} is under way. Leaving stops it after this batch,", name.unwrap_or("A run"));
            ([first, "with a checkpoint: it can be resumed from Runs.".to_owned()], "stop it and leave", "stay")
        }
        Question::StopElsewhere { name } => {
            let first = format!("Stop {name}, which another process trains?");
            ([first, "It keeps a checkpoint; a queue there stops with it.".to_owned()], "stop it", "leave it")
        }
        Question::EmptyTrash => {
            let (which, whose) = match app.runs.in_trash {
                None => ("all runs".to_owned(), "their"),
                Some(1) => ("the run".to_owned(), "its"),
                Some(runs) => (format!("all {} runs", count(runs)), "their"),
            };
            let first = format!("Delete {which} in the trash, {whose} figures and {whose} checkpoints?");
            ([first, "That can't be undone.".to_owned()], "delete", "keep")
        }
        Question::Promote { name, .. } => {
            let before = match &app.runs.facts.champion {
                Some((run_id, version)) => {
                    let champion = app.runs.run(run_id).map_or(run_id.as_str(), |run| run.started.name.as_str());
                    format!("It takes the place of {champion}, version {version}.")
                }
                None => "It answers from then on where no run is chosen.".to_owned(),
            };
            ([format!("Make {name} the champion, without asking a gate?"), before], "make it so", "leave it")
        }
        Question::RollBack => {
            let version = app.runs.facts.champion.as_ref().map_or(0, |(_, version)| *version);
            let first = format!("Take back version {version}, the champion?");
            ([first, "The one that was champion before is so again.".to_owned()], "go back", "keep it")
        }
        Question::Overwrite { path } => {
            let first = format!("{path} is there already.");
            ([first, "Write the table over it?".to_owned()], "write over it", "leave it")
        }
    };
    let lines = text.map(Line::from);
    let width = lines.iter().map(Line::width).max().unwrap_or(0);
    let inner = painter.popup((u16::try_from(width).unwrap_or(u16::MAX), 4), "Sure?");
    painter.lines(inner, lines.to_vec(), 0);
    let answers = Rect { y: inner.bottom().saturating_sub(1), height: 1, ..inner };
    let key = |line: usize| {
        let text = if BINDINGS[line].action == Action::Yes { yes } else { no };
        app.keymap.first(line).map(|key| (BINDINGS[line].action, key.to_string(), text))
    };
    let own = |line: &usize| BINDINGS[*line].place == Place::Question;
    painter.keys(answers, app.keymap.lines_at(Place::Question).filter(own).filter_map(key));
    painter.scene.picture = None;
}
