//! What the store worker tells the Runs screen.

use super::RunsScreen;
use super::work::RunsNews;
use crate::app::action::{Action, Place};
use crate::app::message::{Effect, Loadable};
use crate::app::popup::{Popup, Prompt, Question};
use crate::app::{App, Screen};
use crate::units::{bytes, count};

/// What is said of a trash with nothing in it.
pub(super) const EMPTY: &str = "the trash is empty";

impl App {
    pub(in crate::app) fn hear_news(&mut self, news: RunsNews) -> Vec<Effect> {
        match news {
            RunsNews::Labelled(text) => self.reread(text),
            RunsNews::Trashed { runs, problem } => {
                let undo = self.key_of(Place::Runs, Action::Undo);
                let said = self.runs.trashed(runs, problem, &undo);
                self.reread(said)
            }
            RunsNews::Restored { names, left, problem } => {
                if !left.is_empty() {
                    self.runs.trash.push(left);
                }
                let back = (!names.is_empty()).then(|| format!("{} back from the trash", are(&names)));
                self.reread(back.into_iter().chain(problem).collect::<Vec<_>>().join("; "))
            }
            RunsNews::Emptied { runs, bytes, left } => {
                let said = self.runs.emptied((runs, bytes), &left);
                self.reread(said)
            }
            RunsNews::Written(path) => {
                if self.writing().is_some() {
                    self.popup = None;
                }
                let said = format!("wrote {}", path.display());
                match self.screen {
                    Screen::Inspect => self.inspect.notice = Some(said),
                    _ => self.runs.notice = Some(said),
                }
                Vec::new()
            }
            RunsNews::NotWritten(problem) => {
                match self.writing() {
                    Some(prompt) => (prompt.writing, prompt.problem) = (false, Some(problem)),
                    None => self.runs.notice = Some(problem),
                }
                Vec::new()
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

    /// The prompt whose file is being written.
    fn writing(&mut self) -> Option<&mut Prompt> {
        match &mut self.popup {
            Some(Popup::Prompt(prompt)) if prompt.writing => Some(prompt),
            _ => None,
        }
    }

    /// Says what was done, and reads the table again.
    fn reread(&mut self, text: String) -> Vec<Effect> {
        (self.runs.notice, self.runs.in_trash) = (Some(text), None);
        vec![Effect::LoadRuns]
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
    /// Forgets what cannot be brought back any more, and says what has become of the trash.
    fn emptied(&mut self, (runs, freed): (usize, u64), left: &[(String, String)]) -> String {
        for ids in &mut self.trash {
            ids.retain(|id| left.iter().any(|(other, _)| other == id));
        }
        self.trash.retain(|ids| !ids.is_empty());
        let gone = match runs {
            0 => None,
            1 => Some(format!("1 run is gone for good, {} of files with it", bytes(freed))),
            runs => Some(format!("{} runs are gone for good, {} of files with them", count(runs), bytes(freed))),
        };
        let stays = match left {
            [] => None,
            [(_, why)] => Some(why.clone()),
            [(_, why), more @ ..] => Some(format!("{why}; {} more stay too", count(more.len()))),
        };
        let said: Vec<String> = gone.into_iter().chain(stays).collect();
        if said.is_empty() { EMPTY.to_owned() } else { said.join("; ") }
    }

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
            RunsNews::InTrash(runs) => self.in_trash = Some(runs),
            RunsNews::Champion(champion) => self.facts.champion = champion,
            RunsNews::Failed(problem) => self.notice = Some(problem),
            _ => {}
        }
    }
}
