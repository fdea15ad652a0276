//! The popups of the Runs screen: names, notes, tags and files that are typed, columns and groups that are chosen.

use super::column::Column;
use super::export::{self, Format};
use super::groups::Grouping;
use super::news::EMPTY;
use super::picker::Picker;
use super::work::RunsWork;
use crate::app::action::Action;
use crate::app::input::Input;
use crate::app::message::Effect;
use crate::app::popup::{Choice, Choosing, Popup, Prompt, Purpose, Question, QueueList};
use crate::app::scene::Scene;
use crate::app::{App, Screen};

impl App {
    pub(in crate::app) fn ask_name(&mut self) {
        let Some(run) = self.runs.chosen() else { return };
        let (name, run_id) = (run.started.name.clone(), run.started.id.clone());
        let title = format!("A name for {name}");
        self.prompt(Prompt::new(Purpose::Rename { run_id }, &title, "1 to 100 letters").with(&name));
    }

    pub(in crate::app) fn ask_note(&mut self) {
        let Some(run) = self.runs.chosen() else { return };
        let (note, run_id) = (run.note.clone().unwrap_or_default(), run.started.id.clone());
        let title = format!("A note to {}", run.started.name);
        self.prompt(Prompt::new(Purpose::Note { run_id }, &title, "what it was for, and what came of it").with(&note));
    }

    /// Of the marked runs, where there are some, else of the chosen one.
    pub(in crate::app) fn ask_tags(&mut self) {
        let run_ids = self.marked_or_chosen();
        let hint = "words, with spaces or commas between";
        match run_ids.as_slice() {
            [] => {}
            [run_id] => {
                let Some(run) = self.runs.run(run_id) else { return };
                let (title, tags) = (format!("Tags of {}", run.started.name), run.tags.join(" "));
                self.prompt(Prompt::new(Purpose::Tags { run_ids }, &title, hint).with(&tags));
            }
            more => {
                let title = format!("Tags for {} marked runs too", more.len());
                self.prompt(Prompt::new(Purpose::Tags { run_ids }, &title, hint));
            }
        }
    }

    pub(in crate::app) fn ask_file(&mut self) {
        self.prompt(self.file_prompt("runs.csv"));
    }

    fn file_prompt(&self, path: &str) -> Prompt {
        let title = format!("A file for these {} runs", self.runs.shown().runs.len());
        Prompt::new(Purpose::Export, &title, "ends in .csv, .json or .md").with(path)
    }

    pub(in crate::app) fn prompt(&mut self, prompt: Prompt) {
        self.popup = Some(Popup::Prompt(prompt));
    }

    /// What the keys do while something is typed into a prompt.
    pub(in crate::app) fn act_on_prompt(&mut self, action: Action) -> Vec<Effect> {
        let Some(Popup::Prompt(prompt)) = &mut self.popup else { return Vec::new() };
        match action {
            Action::Keep if prompt.writing => return Vec::new(),
            Action::Keep => {}
            Action::Discard => {
                self.popup = None;
                return Vec::new();
            }
            _ => return Vec::new(),
        }
        let text = prompt.input.text().trim().to_owned();
        if matches!(prompt.purpose, Purpose::ImageNote | Purpose::OpenPicture) {
            let is_note = prompt.purpose == Purpose::ImageNote;
            self.popup = None;
            return if is_note { self.inspect.note(&text) } else { self.open_typed(&text) };
        }
        if prompt.purpose == Purpose::Gate {
            return self.start_pipeline(&text);
        }
        match work(&prompt.purpose, &text) {
            Err(problem) => {
                prompt.problem = Some(problem);
                Vec::new()
            }
            Ok(Some(work)) => {
                self.popup = None;
                vec![Effect::Runs(work)]
            }
            Ok(None) => self.export(&text, false),
        }
    }

    /// Writes the shown table, or list of images, to a file. Its path stays to be seen until it is written, so that one
    /// that cannot be is there to be mended.
    pub(in crate::app) fn export(&mut self, path: &str, over: bool) -> Vec<Effect> {
        let Ok(format) = Format::of(path) else { return Vec::new() };
        if self.screen == Screen::Inspect {
            self.prompt(Prompt { writing: true, ..self.image_file_prompt(path) });
            return vec![Effect::Runs(RunsWork::Write { path: path.into(), text: self.inspect.csv(), over })];
        }
        self.prompt(Prompt { writing: true, ..self.file_prompt(path) });
        let mut columns = self.runs.view.columns.clone();
        if !columns.contains(&Column::Id) && format != Format::Markdown {
            columns.insert(0, Column::Id);
        }
        let text = export::write(format, &columns, self.runs.matching(), &self.runs.facts);
        vec![Effect::Runs(RunsWork::Write { path: path.into(), text, over })]
    }

    pub(in crate::app) fn choose_group(&mut self) {
        let none = "not at all".to_owned();
        let entries = std::iter::once(none).chain(Grouping::all().map(Grouping::label)).collect();
        let now = Grouping::all().position(|grouping| Some(grouping) == self.runs.view.grouped_by);
        let row = now.map_or(usize::from(self.runs.view.grouped_by.is_none()), |at| at + 1);
        self.popup = Some(Popup::Choice(Choice { row, ..Choice::new(Choosing::Group, "Group runs by", entries) }));
    }

    /// What the keys do while one of a list is chosen.
    pub(in crate::app) fn act_on_choice(&mut self, action: Action, scene: &Scene) -> Vec<Effect> {
        let Some(Popup::Choice(choice)) = &mut self.popup else { return Vec::new() };
        choice.step(action, scene.visible_rows.max(1));
        let chosen = choice.found().get(choice.row).copied();
        let (Action::Open, Some(at), choosing) = (action, chosen, choice.choosing) else { return Vec::new() };
        self.popup = None;
        match choosing {
            Choosing::Group => self.runs.group_by(at.checked_sub(1).and_then(|at| Grouping::all().nth(at))),
            Choosing::OtherRun => return self.choose_other(at.checked_sub(1)),
        }
        Vec::new()
    }

    pub(in crate::app) fn choose_columns(&mut self) {
        self.popup = Some(Popup::Columns(Picker::of(&self.runs.view.columns)));
    }

    /// What the keys do while columns are chosen: what is chosen shows at once.
    pub(in crate::app) fn act_on_columns(&mut self, action: Action, scene: &Scene) -> Vec<Effect> {
        let Some(Popup::Columns(picker)) = &mut self.popup else { return Vec::new() };
        match action {
            Action::Search => picker.searching = true,
            Action::Keep => picker.searching = false,
            Action::Discard => (picker.searching, picker.search) = (false, Input::default()),
            _ => picker.act(action, scene.visible_rows.max(1)),
        }
        self.runs.view.columns = picker.columns();
        self.runs.shift = 0;
        Vec::new()
    }

    /// A click chooses a line of a list; one on the chosen line does it.
    pub(in crate::app) fn click_list(&mut self, row: usize, scene: &Scene) -> Vec<Effect> {
        match &mut self.popup {
            Some(Popup::Queue(list)) => *list = QueueList { row, notice: None },
            Some(Popup::Choice(choice)) if choice.row != row => choice.row = row,
            Some(Popup::Columns(picker)) if picker.row != row => picker.row = row,
            Some(Popup::Choice(_)) => return self.act_on_choice(Action::Open, scene),
            Some(Popup::Columns(_)) => return self.act_on_columns(Action::Mark, scene),
            _ => {}
        }
        Vec::new()
    }

    pub(in crate::app) fn ask_to_empty_trash(&mut self) {
        if self.runs.in_trash == Some(0) {
            self.runs.notice = Some(EMPTY.into());
        } else {
            self.popup = Some(Popup::Question(Question::EmptyTrash));
        }
    }

    pub(in crate::app) fn empty_trash(&mut self) -> Vec<Effect> {
        self.runs.notice = Some("emptying the trash…".into());
        vec![Effect::Runs(RunsWork::EmptyTrash)]
    }
}

/// What a typed text asks for; nothing, where it is a file's name for the table.
fn work(purpose: &Purpose, text: &str) -> Result<Option<RunsWork>, String> {
    Ok(Some(match purpose {
        Purpose::Rename { .. } if text.is_empty() => return Err("a run must be called something".into()),
        Purpose::Rename { run_id } => RunsWork::Rename { run_id: run_id.clone(), name: text.to_owned() },
        Purpose::Note { run_id } => RunsWork::Note { run_id: run_id.clone(), text: text.to_owned() },
        Purpose::Tags { run_ids } => RunsWork::Tags { run_ids: run_ids.clone(), tags: tags(text)? },
        Purpose::Export => return Format::of(text).map(|_| None),
        Purpose::ExportImages if Format::of(text) == Ok(Format::Csv) => return Ok(None),
        Purpose::ExportImages => return Err("the name must end in .csv".into()),
        Purpose::ImageNote | Purpose::OpenPicture | Purpose::Gate => return Ok(None),
    }))
}

/// The tags in a text, each once.
fn tags(text: &str) -> Result<Vec<String>, String> {
    let mut tags: Vec<String> = Vec::new();
    for word in text.split([' ', ',', '\t']).filter(|word| !word.is_empty()) {
        if word.contains(['"', '\'', '`']) || word.chars().count() > 40 {
            return Err(format!("{word} is no tag: at most 40 letters, without quotes"));
        }
        if !tags.iter().any(|tag| tag == word) {
            tags.push(word.to_owned());
        }
    }
    Ok(tags)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_have_spaces_or_commas_between_and_come_once() {
        assert_eq!(tags(" baseline, wide  baseline,"), Ok(vec!["baseline".into(), "wide".into()]));
        assert_eq!(tags(""), Ok(Vec::new()));
        assert!(tags("it's").is_err());
    }
}
