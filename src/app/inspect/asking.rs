//! The popups of Inspect: a note and files that are typed, another run that is chosen.

use std::path::PathBuf;

use super::{Images, paths};
use crate::app::action::{Action, Place};
use crate::app::message::{Effect, Loadable};
use crate::app::popup::{Choice, Choosing, Popup, Prompt, Purpose};
use crate::app::{App, Screen};
use crate::dataset::Split;
use crate::store::Run;

impl App {
    /// The number of the picture that the screen waits for, where it shows one.
    #[must_use]
    pub fn awaited_picture(&self) -> Option<u64> {
        let inspect = &self.inspect;
        let waits = self.place_below() == Place::Inspect && matches!(inspect.picture, Loadable::Loading);
        waits.then_some(inspect.generation)
    }

    /// Asks what an action needs to know; whether it is one of those.
    pub(in crate::app) fn ask_about_image(&mut self, action: Action) -> bool {
        match action {
            Action::OtherRun => self.ask_other_run(),
            Action::Note => self.ask_image_note(),
            Action::Export => self.prompt(self.image_file_prompt("images.csv")),
            Action::OpenFile => self.ask_picture(),
            _ => return false,
        }
        true
    }

    fn ask_image_note(&mut self) {
        let Some(case) = self.inspect.case() else { return };
        let title = format!("A note to {}", case.name());
        let note = case.mark.note.clone().unwrap_or_default();
        self.prompt(Prompt::new(Purpose::ImageNote, &title, "what is to be seen; empty takes it away").with(&note));
    }

    pub(in crate::app) fn image_file_prompt(&self, path: &str) -> Prompt {
        let title = format!("A file for these {} images", self.inspect.list.places().len());
        Prompt::new(Purpose::ExportImages, &title, "ends in .csv; with answers and marks").with(path)
    }

    fn ask_picture(&mut self) {
        let title = "A picture from anywhere";
        self.prompt(Prompt::new(Purpose::OpenPicture, title, "path of a JPEG or PNG file, or of a folder with some"));
    }

    /// Shows files and folders from anywhere; the inspected run answers for them, else the newest one that can.
    pub fn open_pictures(&mut self, files: Vec<PathBuf>) -> Vec<Effect> {
        self.screen = Screen::Inspect;
        self.popup = None;
        let answering = self.answering().cloned();
        self.inspect.choose_files(files, answering.as_ref().filter(|_| self.inspect.run.is_none()))
    }

    /// Pasted text goes where something is typed; elsewhere paths, as a terminal pastes what is dropped on it, are opened.
    pub(in crate::app) fn paste(&mut self, text: &str) -> Vec<Effect> {
        if !self.place().is_typing() && self.popup.is_none() {
            let files = paths::pasted(text);
            return if files.is_empty() { Vec::new() } else { self.open_pictures(files) };
        }
        self.type_with(|input| {
            input.paste(text);
            true
        })
    }

    pub(in crate::app) fn open_typed(&mut self, text: &str) -> Vec<Effect> {
        self.open_pictures(paths::typed(text))
    }

    /// Which run the inspected one is held against: of those that have answered for the same split.
    fn ask_other_run(&mut self) {
        if !matches!(self.inspect.images, Images::Split(Split::Test | Split::Validation)) {
            let why = "runs are held against each other on test and validation images: they keep no other answers";
            self.inspect.problem = Some(why.to_owned());
            return;
        }
        let none = "no other run".to_owned();
        let names = self.others().into_iter().map(|run| run.started.name.clone());
        let entries = std::iter::once(none).chain(names).collect();
        let shown = self.inspect.other.as_ref().map(|other| &other.id);
        let now = self.others().iter().position(|run| Some(&run.started.id) == shown);
        let row = now.map_or(1, |at| at + 1);
        self.popup = Some(Popup::Choice(Choice { row, ..Choice::new(Choosing::OtherRun, "Hold it against", entries) }));
    }

    /// Those that can be held against the inspected run: finished ones on the same data, in the table's order.
    fn others(&self) -> Vec<&Run> {
        let Some(shown) = &self.inspect.run else { return Vec::new() };
        let runs = self.runs.rows().iter();
        runs.filter(|run| run.best_epoch.is_some() && run.started.id != shown.id && run.started.data == shown.data)
            .collect()
    }

    pub(in crate::app) fn choose_other(&mut self, at: Option<usize>) -> Vec<Effect> {
        let Some(run_id) = self.inspect.run.as_ref().map(|run| run.id.clone()) else { return Vec::new() };
        let other = at.and_then(|at| Some(self.others().get(at)?.started.id.clone()));
        match (other, self.inspect.images) {
            (Some(other), Images::Split(split)) => vec![Effect::LoadOther { run_id, other, split }],
            _ => self.inspect.stand_alone(),
        }
    }
}
