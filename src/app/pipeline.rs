//! The newest pipeline as it is shown, and what its popup does.

use super::action::Action;
use super::live::Live;
use super::message::Effect;
use super::popup::{Popup, Prompt, Purpose};
use super::train::TrainScreen;
use super::{App, Screen};
use crate::metrics::Gate;
use crate::metrics::gate::Verdict;
use crate::store::{Pipeline, TaskName, TaskState};

/// The newest pipeline of the database, as it was told last.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct PipelineView {
    pub newest: Option<Box<Pipeline>>,
    /// Why it cannot be read.
    pub problem: Option<String>,
    /// How this program's pipeline ended, or why the last key did nothing.
    pub notice: Option<String>,
    /// This program runs one.
    pub at_work: bool,
    /// What the gate asked last.
    gate: Gate,
}

impl PipelineView {
    pub fn hear(&mut self, newest: Result<Option<Box<Pipeline>>, String>) {
        match newest {
            Ok(newest) => (self.newest, self.problem) = (newest, None),
            Err(problem) => self.problem = Some(problem),
        }
    }

    /// What its gate has said.
    #[must_use]
    pub fn verdict(&self) -> Option<Verdict> {
        let record = self.newest.as_ref()?.task(TaskName::Gate)?.record.clone()?;
        serde_json::from_value(record).ok()
    }

    /// The task under way of the pipeline that a run belongs to.
    #[must_use]
    pub fn task_of(&self, run_id: Option<&str>) -> Option<TaskName> {
        let newest = self.newest.as_ref().filter(|newest| run_id.is_some() && newest.run_id.as_deref() == run_id)?;
        newest.tasks.iter().find(|task| task.state == TaskState::Running).map(|task| task.name)
    }
}

impl TrainScreen {
    pub(super) fn pipeline_over(&mut self, said: &str) -> Vec<Effect> {
        self.pipeline.at_work = false;
        // It went on without a run, or failed before it had one.
        self.live = self.live.take().filter(Live::is_over);
        self.pipeline.notice = Some(said.to_owned());
        vec![Effect::LoadPipeline, Effect::Notify(format!("the pipeline {said}"))]
    }

    /// Why no pipeline can be started now.
    fn no_pipeline(&self) -> Option<String> {
        if self.is_running() {
            return Some("a run of this program is under way: stop it, or wait for its end".into());
        }
        if self.planned.is_some() {
            return Some("several values make a search: give every setting on Train one value".into());
        }
        self.config.validate().err().map(|error| error.to_string())
    }
}

impl App {
    pub(super) fn show_pipeline(&mut self) -> Vec<Effect> {
        self.popup = Some(Popup::Pipeline);
        vec![Effect::LoadPipeline]
    }

    /// Asks for the gate of a pipeline, or stops the one that this program runs.
    pub(super) fn act_on_pipeline(&mut self, action: Action) -> Vec<Effect> {
        let view = &mut self.train.pipeline;
        view.notice = None;
        match action {
            Action::Stop if view.at_work => {
                view.notice = Some("stops after this batch".into());
                return self.train.stop_own();
            }
            Action::Stop => view.notice = Some("another process runs it: stop it there, or its run on Train".into()),
            Action::Start => self.ask_gate(),
            _ => {}
        }
        Vec::new()
    }

    fn ask_gate(&mut self) {
        if let Some(why) = self.train.no_pipeline() {
            self.train.pipeline.notice = Some(why);
            return;
        }
        let hint = "at least: accuracy=0.9 sensitivity=0.95 auc=0.97; empty asks for none; champion=off does not compare with \
                    the champion";
        let prompt = Prompt::new(Purpose::Gate, "What the gate asks of the test images", hint);
        self.popup = Some(Popup::Prompt(prompt.with(&self.train.pipeline.gate.text())));
    }

    /// Starts a pipeline with the settings of Train and the gate that was typed.
    pub(super) fn start_pipeline(&mut self, text: &str) -> Vec<Effect> {
        let gate = match (text.parse::<Gate>(), &mut self.popup) {
            (Ok(gate), _) => gate,
            (Err(problem), Some(Popup::Prompt(prompt))) => {
                prompt.problem = Some(problem);
                return Vec::new();
            }
            (Err(_), _) => return Vec::new(),
        };
        self.popup = Some(Popup::Pipeline);
        let train = &mut self.train;
        (train.pipeline.at_work, train.pipeline.gate, train.pipeline.notice) = (true, gate, None);
        (train.planning, train.live) = (false, Some(Live::new(train.config.clone())));
        self.screen = Screen::Train;
        vec![Effect::StartPipeline { config: Box::new(self.train.config.clone()), gate }]
    }

    /// How far the run of the newest pipeline is: epochs done, and planned.
    #[must_use]
    pub fn pipeline_epochs(&self) -> Option<(usize, usize)> {
        let run_id = self.train.pipeline.newest.as_ref()?.run_id.as_ref()?;
        if let Some(live) = self.train.live.as_ref().filter(|live| live.run_id.as_ref() == Some(run_id)) {
            return Some((live.history.epochs.len(), live.config.epochs));
        }
        let run = self.runs.run(run_id)?;
        let planned = run.started.config["epochs"].as_u64().and_then(|epochs| usize::try_from(epochs).ok())?;
        Some((run.epochs_done, planned))
    }
}

#[cfg(test)]
mod tests {
    use ratatui::crossterm::event::KeyCode;

    use super::*;
    use crate::app::message::{Message, TrainMessage};
    use crate::app::sample;

    fn on_train() -> App {
        let mut app = sample::with_data();
        sample::type_text(&mut app, "2P");
        app
    }

    fn over(said: &str) -> Message {
        Message::Train(TrainMessage::PipelineOver(said.into()))
    }

    #[test]
    fn it_is_started_with_the_settings_of_train_once_its_gate_is_known() {
        let mut app = on_train();
        sample::type_text(&mut app, "sauc=2");
        assert_eq!(sample::press(&mut app, KeyCode::Enter), []);
        let Some(Popup::Prompt(prompt)) = &app.popup else { panic!("{:?}", app.popup) };
        assert!(prompt.problem.as_ref().unwrap().contains("at most 1"));
        sample::press(&mut app, KeyCode::Backspace);
        sample::type_text(&mut app, ".9");
        let effects = sample::press(&mut app, KeyCode::Enter);
        let gate = Gate { min_auc: Some(0.9), ..Gate::default() };
        let config = Box::new(app.train.config.clone());
        assert_eq!(effects, [Effect::StartPipeline { config, gate }]);
        assert_eq!((&app.popup, app.train.is_running()), (&Some(Popup::Pipeline), true));

        sample::type_text(&mut app, "s");
        assert!(app.train.pipeline.notice.as_ref().unwrap().contains("under way"), "one at a time");
        let effects = sample::tell(&mut app, [over("was stopped")]);
        assert!(effects.contains(&Effect::Notify("the pipeline was stopped".into())));
        assert!(!app.train.is_running() && app.train.live.is_none(), "back to the settings");
        sample::type_text(&mut app, "s");
        let Some(Popup::Prompt(prompt)) = &app.popup else { panic!("{:?}", app.popup) };
        assert_eq!(prompt.input.text(), "auc=0.9", "as it was asked last");
    }

    #[test]
    fn a_queue_that_is_next_waits_for_the_end_of_the_pipeline_and_not_of_its_run() {
        let mut app = on_train();
        sample::type_text(&mut app, "s");
        sample::press(&mut app, KeyCode::Enter);
        app.train.queue.is_next = true;
        let ended = sample::event(crate::train::TrainEvent::Ended(crate::train::Outcome::Stopped));
        assert!(!sample::tell(&mut app, [ended]).contains(&Effect::RunQueue));
        assert!(sample::tell(&mut app, [over("was stopped")]).contains(&Effect::RunQueue));
    }

    #[test]
    fn who_leaves_while_a_pipeline_goes_on_stops_it_first() {
        let mut app = on_train();
        sample::type_text(&mut app, "s");
        sample::press(&mut app, KeyCode::Enter);
        app.popup = None;
        sample::type_text(&mut app, "q");
        assert_eq!(sample::press(&mut app, KeyCode::Enter), [Effect::StopRun]);
        assert_eq!(sample::tell(&mut app, [over("was stopped")]), [Effect::Quit]);
    }

    #[test]
    fn several_values_are_no_pipeline() {
        let mut app = on_train();
        app.train.planned = Some(Ok(2));
        sample::type_text(&mut app, "s");
        assert_eq!(app.popup, Some(Popup::Pipeline));
        assert!(app.train.pipeline.notice.as_ref().unwrap().contains("make a search"));
    }
}
