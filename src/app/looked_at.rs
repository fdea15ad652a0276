//! What can be done with the run that the user looks at.

use super::action::{Action, Place};
use super::data::DataState;
use super::finder::Finder;
use super::history::History;
use super::keymap::BINDINGS;
use super::log::Log;
use super::message::Effect;
use super::{App, Screen, runs};
use crate::store::{NewRun, Run, RunState};

impl App {
    /// The newest run, where it can go on.
    #[must_use]
    pub fn newest_resumable(&self) -> Option<&Run> {
        let newest = self.runs.rows().iter().max_by(|a, b| a.started_at.cmp(&b.started_at))?;
        runs::resumable(newest).map(|_| newest)
    }

    /// The newest run that another process trains, where this one trains none.
    #[must_use]
    pub fn newest_elsewhere(&self) -> Option<&Run> {
        let running = self.runs.rows().iter().filter(|run| run.state == RunState::Running);
        running.max_by(|a, b| a.started_at.cmp(&b.started_at)).filter(|_| !self.train.is_running())
    }

    /// The run the user looks at: the one that ended on Train, the chosen one on Runs.
    pub(super) fn looked_at(&self) -> Option<&Run> {
        if self.screen != Screen::Train {
            return self.runs.chosen();
        }
        let ended = self.train.live.as_ref()?.run_id.as_ref();
        self.runs.rows().iter().find(|run| Some(&run.started.id) == ended)
    }

    /// Whether a key that depends on what is looked at does something now.
    #[must_use]
    pub fn can(&self, action: Action) -> bool {
        let run = self.looked_at();
        let is_of = |place| BINDINGS.iter().any(|line| (line.place, line.action) == (place, action));
        match (action, self.place()) {
            (_, Place::Runs) if self.runs.rows().is_empty() && is_of(Place::Runs) => false,
            (Action::OpenFile, Place::Inspect) => true,
            (Action::Back, Place::Inspect) => !self.inspect.is_idle(),
            (_, Place::Inspect) if self.inspect.case().is_none() && is_of(Place::Inspect) => false,
            (Action::ResumeRun, Place::Form) => !self.train.is_running() && self.newest_resumable().is_some(),
            (Action::Keep, Place::Finder) => self.train.finder.as_ref().and_then(Finder::rate).is_some(),
            (Action::Back, Place::Form) => self.train.planning,
            (Action::ResumeRun, _) => !self.train.is_running() && run.and_then(runs::resumable).is_some(),
            (Action::Down | Action::InspectRun, Place::Data) => matches!(self.data.state, DataState::Ready(_)),
            (Action::InspectRun, _) => run.is_some_and(|run| run.best_epoch.is_some()),
            (Action::Attach, Place::Form) => self.newest_elsewhere().is_some(),
            (Action::Attach, _) => run.is_some_and(|run| run.state == RunState::Running),
            (Action::Compare, Place::Runs) => !self.runs.comparable().is_empty(),
            (Action::Retry, _) => self.no_retry().is_none(),
            (Action::Undo, _) => self.runs.can_undo(),
            (Action::Promote, _) => run.is_some_and(|run| self.runs.no_promotion(run).is_none()),
            (Action::RollBack, _) => self.runs.facts.champion.is_some(),
            (Action::Start, Place::Pipeline) => !self.train.is_running(),
            (Action::Stop, Place::Pipeline) => self.train.pipeline.at_work,
            (Action::Open | Action::Sort | Action::Filter, Place::Runs) => !self.runs.rows().is_empty(),
            (Action::Delete | Action::Mark, Place::Runs) => !self.runs.shown().rows.is_empty(),
            (Action::Baseline | Action::Star | Action::Rename | Action::Note | Action::CopyValue, _) => run.is_some(),
            _ => true,
        }
    }

    /// The key of an action, as a line names it; where it has none, what it is called in the palette.
    #[must_use]
    pub fn key_of(&self, place: Place, action: Action) -> String {
        let line = BINDINGS.iter().position(|line| (line.place, line.action) == (place, action));
        let key = line.and_then(|line| self.keymap.first(line));
        key.map_or_else(|| action.name(), |key| key.to_string())
    }

    /// Opens the form with the settings of the run that is looked at.
    pub(super) fn run_again(&mut self) -> Vec<Effect> {
        let Some(run) = self.looked_at().cloned() else { return Vec::new() };
        match runs::settings(&run) {
            Some(config) => {
                self.train.prepare(config);
                self.show(Screen::Train)
            }
            None if run.started.is_foreign() => self.note(format!("{} {}", run.started.name, NewRun::FOREIGN)),
            None => self.note(format!("the settings of {} are of another version", run.started.name)),
        }
    }

    pub(super) fn inspect_chosen(&mut self) -> Vec<Effect> {
        if self.screen == Screen::Data {
            self.screen = Screen::Inspect;
            return self.inspect.choose_data_set();
        }
        let Some(run) = self.looked_at().cloned() else { return Vec::new() };
        if run.best_epoch.is_none() {
            return self.note(format!("{} has no finished epoch, so it can predict nothing yet", run.started.name));
        }
        self.screen = Screen::Inspect;
        self.inspect.choose(&run)
    }

    /// Says in one line why nothing was done.
    pub(super) fn note(&mut self, text: String) -> Vec<Effect> {
        match (&mut self.train.live, self.screen) {
            (Some(live), Screen::Train) => live.notice = Some(text),
            _ => self.runs.notice = Some(text),
        }
        Vec::new()
    }

    /// The run that answers where none is chosen: the one that was named, as soon as it is in the table; else the champion;
    /// else the newest that can.
    pub(super) fn answering(&self) -> Option<&Run> {
        let runs = self.runs.that_predict();
        if let Some(named) = &self.named_run {
            return runs.into_iter().find(|run| run.started.id == *named);
        }
        let champion = runs.iter().find(|run| self.runs.facts.champion_version(run).is_some());
        champion.or(runs.first()).copied()
    }

    /// Without a run that can answer, the data set's images are shown as they are.
    pub(super) fn inspect_newest(&mut self) -> Vec<Effect> {
        match (self.answering().cloned(), &self.data.state) {
            (Some(run), _) => {
                self.named_run = None;
                self.inspect.answer_by(&run)
            }
            (None, DataState::Ready(_)) if self.inspect.is_idle() => self.inspect.choose_data_set(),
            (None, _) => Vec::new(),
        }
    }

    pub(super) fn inspect_neighbour(&mut self, forward: bool) -> Vec<Effect> {
        let runs = self.runs.that_predict();
        let at = runs.iter().position(|run| Some(&run.started.id) == self.inspect.run.as_ref().map(|run| &run.id));
        let next = match at {
            None => 0,
            Some(at) if forward => at + 1,
            Some(at) => at.wrapping_sub(1),
        };
        match runs.get(next) {
            Some(run) => self.inspect.answer_by(run),
            None => Vec::new(),
        }
    }

    pub(super) fn resume_chosen(&mut self) -> Vec<Effect> {
        if self.train.is_running() {
            return self.note("a run is under way: stop it before another goes on".into());
        }
        let chosen = if self.place() == Place::Form { self.newest_resumable() } else { self.looked_at() };
        let run = chosen.and_then(|run| Some((run.started.clone(), runs::resumable(run)?)));
        let Some((run, config)) = run else {
            return self.note("only a stopped, failed or crashed run can go on, and no ensemble".into());
        };
        self.screen = Screen::Train;
        self.train.resume(&run, config)
    }

    /// The earlier runs to be laid behind the curves of a run.
    #[must_use]
    pub fn earlier(&self, run_id: Option<&str>) -> Vec<(&str, &History)> {
        let found = self.earlier.iter().find(|(behind, _)| Some(behind.as_str()) == run_id);
        found.iter().flat_map(|(_, all)| all).map(|earlier| (earlier.name.as_str(), &earlier.history)).collect()
    }

    /// The log of a run, where it is shown.
    #[must_use]
    pub fn log_of(&self, run_id: Option<&str>) -> Option<&Log> {
        self.log.as_ref().filter(|log| Some(log.run_id.as_str()) == run_id)
    }

    /// Shows the log of the run that is looked at, or no more.
    pub(super) fn toggle_log(&mut self) -> Vec<Effect> {
        let shown = match self.screen {
            Screen::Train => self.train.live.as_ref().and_then(|live| live.run_id.clone()),
            _ => self.runs.chosen().map(|run| run.started.id.clone()),
        };
        self.log = match (&self.log, shown) {
            (Some(log), Some(run_id)) if log.run_id == run_id => None,
            (_, shown) => shown.map(|run_id| Log::new(&run_id)),
        };
        self.log.iter().map(Log::load).collect()
    }

    /// Shows the chosen run on Train, where it is under way; there, the newest that another process trains.
    pub(super) fn attach_chosen(&mut self) -> Vec<Effect> {
        let chosen = if self.place() == Place::Form { self.newest_elsewhere() } else { self.runs.chosen() };
        let Some(run) = chosen.filter(|run| run.state == RunState::Running).cloned() else { return Vec::new() };
        let shown = self.train.live.as_ref().is_some_and(|live| live.run_id.as_ref() == Some(&run.started.id));
        if !shown && self.train.is_running() {
            return self.note("a run of this program is under way: Train shows that one".into());
        }
        let effects = match runs::settings(&run) {
            Some(config) if !shown => self.train.attach(&run, config),
            _ => Vec::new(),
        };
        self.screen = Screen::Train;
        effects
    }
}
