//! What the store worker tells the Runs screen.

use super::RunsScreen;
use super::work::RunsNews;
use crate::app::App;
use crate::app::action::{Action, Place};
use crate::app::keymap::BINDINGS;
use crate::app::message::{Effect, Loadable};
use crate::app::popup::{Popup, Question};
use crate::units::{bytes, count};

impl App {
    pub(in crate::app) fn hear_news(&mut self, news: RunsNews) -> Vec<Effect> {
        match news {
            RunsNews::Labelled(text) => self.reread(text),
            RunsNews::Trashed { runs, problem } => {
                let said = self.runs.trashed(runs, problem, &self.undo_key());
                self.reread(said)
            }
            RunsNews::Restored { names, left, problem } => {
                if !left.is_empty() {
                    self.runs.trash.push(left);
                }
                let back = (!names.is_empty()).then(|| format!("{} back from the trash", are(&names)));
                self.reread(back.into_iter().chain(problem).collect::<Vec<_>>().join("; "))
            }
            RunsNews::Emptied { runs, bytes: freed } => {
                self.runs.trash.clear();
                self.reread(format!("{} runs are gone for good, {} of files with them", count(runs), bytes(freed)))
            }
            RunsNews::Exists(path) => {
                self.popup = Some(Popup::Question(Question::Overwrite { path: path.display().to_string() }));
                Vec::new()
            }
            news => {
                self.runs.hear_news(news);
                Vec::new()
            }
        }
    }

    /// Says what was done, and reads the table again.
    fn reread(&mut self, text: String) -> Vec<Effect> {
        self.runs.notice = Some(text);
        vec![Effect::LoadRuns]
    }

    fn undo_key(&self) -> String {
        let line = BINDINGS.iter().position(|line| (line.place, line.action) == (Place::Runs, Action::Undo));
        let key = line.and_then(|line| self.keymap.first(line));
        key.map_or_else(|| "undo".to_owned(), |key| key.to_string())
    }
}

/// `run-7 is`, `run-7 and run-8 are`, `5 runs are`.
fn are(names: &[String]) -> String {
    match names {
        [name] => format!("{name} is"),
        [one, other] => format!("{one} and {other} are"),
        more => format!("{} runs are", more.len()),
    }
}

impl RunsScreen {
    fn trashed(&mut self, runs: Vec<(String, String)>, problem: Option<String>, key: &str) -> String {
        let (ids, names): (Vec<String>, Vec<String>) = runs.into_iter().unzip();
        if ids.is_empty() {
            return problem.unwrap_or_default();
        }
        let it = if ids.len() == 1 { "it" } else { "them" };
        let said = format!("{} in the trash; {key} brings {it} back", are(&names));
        self.detail = None;
        self.trash.push(ids);
        problem.map_or_else(|| said.clone(), |problem| format!("{said}; {problem}"))
    }

    fn hear_news(&mut self, news: RunsNews) {
        match news {
            RunsNews::Sizes(sizes) => {
                self.facts.sizes.extend(sizes);
                self.arrange();
            }
            RunsNews::Compared(compared) => {
                if let Some(compare) = &mut self.compare {
                    compare.compared = Loadable::Ready(compared);
                }
            }
            RunsNews::Paired(pair, found) => {
                if let Some(compare) = self.compare.as_mut().filter(|compare| compare.run_ids == pair) {
                    compare.paired = found.map_or_else(Loadable::Failed, Loadable::Ready);
                }
            }
            RunsNews::Written(path) => self.notice = Some(format!("wrote {}", path.display())),
            RunsNews::Failed(problem) => self.notice = Some(problem),
            _ => {}
        }
    }
}
