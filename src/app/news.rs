//! What the run and the store tell, and what the screens do about it.

use std::path::Path;

use super::live::Live;
use super::log::Log;
use super::message::{Earlier, Effect, Loadable, RunsMessage, TrainMessage};
use super::popup::{Popup, Question};
use super::{App, Screen, runs};
use crate::store::{Run, RunState};
use crate::train::{Phase, TrainEvent};

impl App {
    pub(super) fn hear_run(&mut self, message: TrainMessage) -> Vec<Effect> {
        let changes = matches!(message, TrainMessage::Started { .. } | TrainMessage::Event(TrainEvent::Epoch { .. }));
        let over = matches!(message, TrainMessage::PipelineOver(_));
        let mut asked = Vec::new();
        if let TrainMessage::Started { run_id, .. } = &message {
            self.runs.expected = Some(run_id.clone());
        }
        // A step says nothing that the log would.
        let told =
            !matches!(message, TrainMessage::Event(TrainEvent::Step(_) | TrainEvent::Phase(Phase::Training { .. })));
        asked.extend(self.log.iter().filter(|_| told).map(Log::load));
        let was_over = self.train.live.as_ref().is_some_and(Live::is_over);
        let mut effects = self.train.hear(message);
        effects.extend(asked);
        let ended = !was_over && self.train.live.as_ref().is_some_and(Live::is_over);
        if ended {
            effects.extend(self.train.live.as_ref().map(|live| Effect::Notify(live.ending())));
        }
        if self.leaving && !self.train.is_running() {
            return vec![Effect::Quit];
        }
        if (ended || over) && self.train.queue.is_next && !self.train.pipeline.at_work {
            effects.extend(self.train.run_queue());
        }
        if !self.train.is_running() && self.popup == Some(Popup::Question(Question::Quit)) {
            self.popup = None;
        }
        if changes || ended || over {
            effects.push(Effect::LoadRuns);
        }
        effects
    }

    pub(super) fn hear_runs(&mut self, message: RunsMessage) -> Vec<Effect> {
        let mut asked = Vec::new();
        if let RunsMessage::Detail { detail: Ok(detail), run_id } = &message {
            self.train.recall(detail);
            asked.extend(self.load_earlier(run_id, &detail.run.started.data));
        }
        match message {
            RunsMessage::Detail { .. } | RunsMessage::Said(_) => {
                self.runs.hear(message);
                asked
            }
            RunsMessage::News(news) => self.hear_news(news),
            RunsMessage::Changed => vec![Effect::LoadRuns],
            RunsMessage::Earlier { behind, earlier } => {
                self.keep_earlier(behind, earlier);
                Vec::new()
            }
            RunsMessage::Log { run_id, lines } => {
                if let Some(log) = &mut self.log {
                    log.hear(&run_id, lines);
                }
                Vec::new()
            }
            RunsMessage::Loaded(_) => {
                self.runs.hear(message);
                let mut effects = self.runs.refresh();
                effects.extend(self.follow_inspected());
                effects.extend(self.attach_to_newest());
                effects.extend(self.load_earlier_of_live());
                effects
            }
        }
    }

    fn keep_earlier(&mut self, behind: String, earlier: Vec<Earlier>) {
        const MOST: usize = 2;
        self.earlier.retain(|(other, _)| *other != behind);
        self.earlier.push((behind, earlier));
        if self.earlier.len() > MOST {
            self.earlier.remove(0);
        }
    }

    /// Asks for the newest finished runs on the same data, to be laid behind a run's curves.
    fn load_earlier(&self, run_id: &str, data: &Path) -> Option<Effect> {
        // More cannot be told apart when they are faint.
        const MOST: usize = 2;
        if self.earlier.iter().any(|(behind, _)| behind == run_id) {
            return None;
        }
        let finished = self.runs.rows().iter().filter(|run| run.state == RunState::Finished && run.folds().is_none());
        let same = |run: &&Run| run.started.id != run_id && run.started.data == data && run.started.parent.is_none();
        let mut others: Vec<&Run> = finished.filter(same).collect();
        others.sort_by(|a, b| b.started_at.cmp(&a.started_at));
        let run_ids = others.into_iter().take(MOST).map(|run| run.started.id.clone()).collect();
        Some(Effect::LoadEarlier { behind: run_id.to_owned(), run_ids })
    }

    /// What is to be laid behind the run on Train, as soon as the table tells on which data it trains.
    fn load_earlier_of_live(&self) -> Option<Effect> {
        let run_id = self.train.live.as_ref()?.run_id.as_deref()?;
        let run = self.runs.rows().iter().find(|run| run.started.id == run_id)?;
        self.load_earlier(run_id, &run.started.data)
    }

    /// Shows a run that another process trains on Train, where there is nothing else and nobody is busy with it.
    pub(super) fn attach_to_newest(&mut self) -> Vec<Effect> {
        if self.train.live.is_some() || self.screen == Screen::Train {
            return Vec::new();
        }
        let newest = self.newest_elsewhere().filter(|run| self.train.left.as_ref() != Some(&run.started.id));
        match newest.and_then(|run| Some((run.clone(), runs::settings(run)?))) {
            Some((run, config)) => self.train.attach(&run, config),
            None => Vec::new(),
        }
    }

    /// Keeps Inspect in step with the table: a first run to look at, or the end of the one looked at. Who looks at the
    /// data set without a run is left there.
    pub(super) fn follow_inspected(&mut self) -> Vec<Effect> {
        let Loadable::Ready(runs) = &self.runs.runs else { return Vec::new() };
        if let Some(shown) = &self.inspect.run {
            match runs.iter().find(|run| run.started.id == shown.id) {
                None => self.inspect.forget(),
                Some(run) if run.best_epoch != shown.best_epoch || run.state != shown.state => {
                    return self.inspect.answer_by(run);
                }
                Some(_) => return Vec::new(),
            }
        }
        let lacks_run = self.screen == Screen::Inspect && self.inspect.run.is_none();
        if lacks_run && !self.inspect.is_of_data_set() { self.inspect_newest() } else { Vec::new() }
    }
}
