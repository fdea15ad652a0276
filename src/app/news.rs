//! What the run and the store tell, and what the screens do about it.

use std::path::Path;

use super::live::Live;
use super::log::Log;
use super::message::{Effect, Loadable, RunsMessage, TrainMessage};
use super::popup::{Popup, Question};
use super::{App, Screen, runs};
use crate::store::{Run, RunState};
use crate::train::{Phase, TrainEvent};

impl App {
    pub(super) fn hear_run(&mut self, message: TrainMessage) -> Vec<Effect> {
        let changes = matches!(message, TrainMessage::Started { .. } | TrainMessage::Event(TrainEvent::Epoch { .. }));
        let mut asked = Vec::new();
        if let TrainMessage::Started { run_id, .. } = &message {
            self.runs.expected = Some(run_id.clone());
            asked.push(self.load_earlier(run_id, None));
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
        if ended && self.leaving {
            return vec![Effect::Quit];
        }
        if ended && self.popup == Some(Popup::Question(Question::Quit)) {
            self.popup = None;
        }
        if changes || ended {
            effects.push(Effect::LoadRuns);
        }
        effects
    }

    pub(super) fn hear_runs(&mut self, message: RunsMessage) -> Vec<Effect> {
        let mut asked = Vec::new();
        if let RunsMessage::Detail { detail: Ok(detail), run_id } = &message {
            self.train.recall(detail);
            asked.push(self.load_earlier(run_id, Some(&detail.run.started.data)));
        }
        match message {
            RunsMessage::Detail { .. } | RunsMessage::Said(_) => {
                self.runs.hear(message);
                asked
            }
            RunsMessage::News(news) => self.hear_news(news),
            RunsMessage::Changed => vec![Effect::LoadRuns],
            RunsMessage::Earlier(earlier) => {
                self.earlier = earlier;
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
                effects
            }
        }
    }

    /// Asks for the newest finished runs on the same data as the one that is shown.
    pub(super) fn load_earlier(&mut self, run_id: &str, data: Option<&Path>) -> Effect {
        const MOST: usize = 3;
        let finished = self.runs.rows().iter().filter(|run| run.state == RunState::Finished && run.folds().is_none());
        let same = |run: &&Run| run.started.id != run_id && data.is_none_or(|data| run.started.data == data);
        let mut others: Vec<&Run> = finished.filter(same).filter(|run| run.started.parent.is_none()).collect();
        others.sort_by(|a, b| b.started_at.cmp(&a.started_at));
        Effect::LoadEarlier(others.into_iter().take(MOST).map(|run| run.started.id.clone()).collect())
    }

    /// Shows a run that another process trains on Train, where there is nothing else and nobody is busy with it.
    pub(super) fn attach_to_newest(&mut self) -> Vec<Effect> {
        if self.train.live.is_some() || self.screen == Screen::Train {
            return Vec::new();
        }
        let running = self.runs.rows().iter().filter(|run| run.state == RunState::Running);
        let newest = running.max_by(|a, b| a.started_at.cmp(&b.started_at));
        match newest.and_then(|run| Some((run.clone(), runs::settings(run)?))) {
            Some((run, config)) => self.train.attach(&run, config),
            None => Vec::new(),
        }
    }

    /// Keeps Inspect in step with the table: a first run to look at, or the end of the one looked at.
    pub(super) fn follow_inspected(&mut self) -> Vec<Effect> {
        let Loadable::Ready(runs) = &self.runs.runs else { return Vec::new() };
        if let Some(shown) = &self.inspect.run {
            match runs.iter().find(|run| run.started.id == shown.id) {
                None => self.inspect.forget(),
                Some(run) if run.best_epoch != shown.best_epoch || run.state != shown.state => {
                    return self.inspect.choose(run);
                }
                Some(_) => return Vec::new(),
            }
        }
        if self.screen == Screen::Inspect { self.inspect_newest() } else { Vec::new() }
    }
}
