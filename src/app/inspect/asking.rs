//! The popups of Inspect: a note and a file that are typed, another run that is chosen.

use crate::app::App;
use crate::app::message::Effect;
use crate::app::popup::{Choice, Choosing, Popup, Prompt, Purpose};
use crate::store::Run;

impl App {
    pub(in crate::app) fn ask_image_note(&mut self) {
        let Some(case) = self.inspect.case() else { return };
        let title = format!("A note to {}", case.name());
        let note = case.mark.note.clone().unwrap_or_default();
        self.prompt(Prompt::new(Purpose::ImageNote, &title, "what is to be seen; empty takes it away").with(&note));
    }

    pub(in crate::app) fn ask_image_file(&mut self) {
        self.prompt(self.image_file_prompt("images.csv"));
    }

    pub(in crate::app) fn image_file_prompt(&self, path: &str) -> Prompt {
        let title = format!("A file for these {} images", self.inspect.list.places().len());
        Prompt::new(Purpose::ExportImages, &title, "ends in .csv; with answers and marks").with(path)
    }

    /// Which run the inspected one is held against.
    pub(in crate::app) fn ask_other_run(&mut self) {
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
        match other {
            Some(other) => vec![Effect::LoadOther { run_id, other, split: self.inspect.split }],
            None => self.inspect.stand_alone(),
        }
    }
}
