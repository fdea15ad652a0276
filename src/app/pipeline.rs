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
    pub(super) fn pipeline_over(&mut self, said: String) -> Vec<Effect> {
        self.pipeline.at_work = false;
        // It went on without a run, or failed before it had one.
        self.live = self.live.take().filter(Live::is_over);
        self.pipeline.notice = Some(said.clone());
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
        match self.train.live.as_ref().filter(|live| live.run_id.as_ref() == Some(run_id)) {
            Some(live) => Some((live.history.epochs.len(), live.config.epochs)),
            None => {
                let run = self.runs.run(run_id)?;
                let planned = run.started.config["epochs"].as_u64().and_then(|epochs| usize::try_from(epochs).ok())?;
                Some((run.epochs_done, planned))
            }
        }
    }
}
