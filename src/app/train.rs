//! The Train screen: the settings, then the run under way, then how it ended.

use super::action::{Action, Place};
use super::attached::Watched;
use super::finder::Finder;
use super::form::{Field, step_rate};
use super::input::Input;
use super::live::{Asked, Live, Origin};
use super::message::{Effect, RunDetail, TrainMessage};
use super::pipeline::PipelineView;
use super::plan::{Plan, Way};
use super::queue::Queue;
use crate::store::{CommandKind, Entry, NewRun, Run};
use crate::train::{Outcome, Phase, TrainConfig};

#[derive(Debug)]
pub struct TrainScreen {
    pub config: TrainConfig,
    pub field: usize,
    /// The text being typed for the chosen field.
    pub editing: Option<Input>,
    pub problem: Option<String>,
    /// Several values of some settings.
    pub plan: Plan,
    /// Runs that the plan makes, or why it makes none; `None` for one run.
    pub planned: Option<Result<usize, String>>,
    /// Searches for a learning rate so far.
    searches: u64,
    pub live: Option<Live>,
    /// The settings of a next run are shown while one is under way.
    pub planning: bool,
    pub queue: Queue,
    pub pipeline: PipelineView,
    pub finder: Option<Finder>,
    /// What was done, in a line below the settings.
    pub notice: Option<String>,
    /// The run of another process that the user has turned away from.
    pub left: Option<String>,
}

impl TrainScreen {
    #[must_use]
    pub fn new(config: TrainConfig) -> Self {
        Self {
            config,
            field: 0,
            editing: None,
            problem: None,
            plan: Plan::default(),
            planned: None,
            searches: 0,
            live: None,
            planning: false,
            queue: Queue::default(),
            pipeline: PipelineView::default(),
            finder: None,
            notice: None,
            left: None,
        }
    }

    /// Whether a run of this program is under way.
    #[must_use]
    pub fn is_running(&self) -> bool {
        let live = self.live.as_ref().is_some_and(|live| !live.is_over() && live.origin == Origin::Own);
        live || self.queue.at_work || self.pipeline.at_work
    }

    /// Whether the settings are shown.
    #[must_use]
    pub fn shows_form(&self) -> bool {
        self.live.is_none() || self.planning
    }

    /// The run of another process that is followed.
    #[must_use]
    pub fn attached(&self) -> Option<&str> {
        let live = self.live.as_ref().filter(|live| live.origin == Origin::Other)?;
        live.run_id.as_deref()
    }

    /// Follows a run that another process trains.
    pub fn attach(&mut self, run: &Run, config: TrainConfig) -> Vec<Effect> {
        (self.editing, self.left) = (None, None);
        self.live = Some(Live::attached(run, config));
        vec![Effect::Watch(Some(run.started.id.clone()))]
    }

    /// Takes in what has come to the followed run.
    pub fn watch(&mut self, watched: &Watched) {
        if self.attached() == Some(watched.run.started.id.as_str())
            && let Some(live) = &mut self.live
        {
            live.watch(watched);
        }
    }

    /// Back to the settings.
    fn leave_run(&mut self) -> Vec<Effect> {
        let attached = self.attached().map(str::to_owned);
        self.live = None;
        self.problem = None;
        if attached.is_none() {
            return Vec::new();
        }
        self.left = attached;
        vec![Effect::Watch(None)]
    }

    #[must_use]
    pub fn place(&self) -> Place {
        match &self.live {
            _ if self.finder.is_some() => Place::Finder,
            _ if self.shows_form() => {
                if self.editing.is_some() {
                    Place::Editing
                } else {
                    Place::Form
                }
            }
            Some(live) if live.is_over() && !self.queue.at_work && !self.pipeline.at_work => Place::Ended,
            _ => Place::Live,
        }
    }

    /// The chosen setting; `None` on the line that says how several values are tried.
    #[must_use]
    pub fn chosen(&self) -> Option<Field> {
        Field::ALL.get(self.field).copied()
    }

    /// Fills the form with settings; a fold becomes a whole run, and what is marked then will count.
    pub fn prepare(&mut self, config: TrainConfig) {
        self.config = TrainConfig { fold: None, excluded: None, ..config };
        (self.plan, self.planned, self.editing) = (Plan::default(), None, None);
        (self.problem, self.notice) = (None, None);
        if self.is_running() {
            self.planning = true;
        } else {
            self.live = None;
        }
    }

    /// Goes on with a run from its checkpoint.
    pub fn resume(&mut self, run: &NewRun, config: TrainConfig) -> Vec<Effect> {
        let run_id = run.id.clone();
        self.editing = None;
        let (name, synthetic) = (run.name.clone(), Some(run.synthetic));
        self.live = Some(Live { run_id: Some(run_id.clone()), name, synthetic, ..Live::new(config) });
        vec![Effect::ResumeRun { run_id }]
    }

    /// Puts the points from before the interruption into the curves of a resumed run.
    pub fn recall(&mut self, detail: &RunDetail) {
        if let Some(live) = &mut self.live
            && live.run_id.as_ref() == Some(&detail.run.started.id)
            && live.step.is_none()
        {
            live.history = detail.history.clone();
        }
    }

    pub fn hear(&mut self, message: TrainMessage) -> Vec<Effect> {
        match message {
            TrainMessage::Watched(watched) => self.watch(&watched),
            TrainMessage::Rate { search, event } => {
                if let Some(finder) = self.finder.as_mut().filter(|finder| finder.search == search) {
                    finder.hear(event);
                }
            }
            TrainMessage::Queue(entries) => self.queue.hear(entries),
            TrainMessage::Pipeline(newest) => self.pipeline.hear(newest),
            TrainMessage::PipelineOver(said) => return self.pipeline_over(&said),
            TrainMessage::Queued(added) => return self.queued(added),
            TrainMessage::Next(entry) => return self.next(&entry),
            TrainMessage::QueueOver(over) => {
                self.queue.at_work = false;
                if let Err(problem) = over {
                    self.say(format!("the queue stands still: {problem}"));
                }
                return vec![Effect::LoadQueue];
            }
            message => return self.hear_run(message),
        }
        Vec::new()
    }

    fn queued(&mut self, added: Result<String, String>) -> Vec<Effect> {
        match added {
            Ok(what) => {
                (self.notice, self.problem) = (Some(what), None);
                self.queue.is_next = self.is_running() && !self.queue.at_work;
                if self.is_running() { vec![Effect::LoadQueue] } else { self.run_queue() }
            }
            Err(problem) => {
                self.problem = Some(problem);
                Vec::new()
            }
        }
    }

    /// Works through what waits.
    pub fn run_queue(&mut self) -> Vec<Effect> {
        (self.queue.at_work, self.queue.is_next) = (true, false);
        vec![Effect::RunQueue]
    }

    /// Says something where the user sees it now.
    fn say(&mut self, text: String) {
        match &mut self.live {
            Some(live) if !self.planning => live.notice = Some(text),
            _ => self.problem = Some(text),
        }
    }

    /// A run of the queue takes the place of the one before.
    fn next(&mut self, entry: &Entry) -> Vec<Effect> {
        self.queue.at_work = true;
        // What was said when it was queued is no news any more.
        self.notice = None;
        let config = serde_json::from_value(entry.new.config.clone()).unwrap_or_else(|_| self.config.clone());
        self.live = Some(Live { name: entry.new.name.clone(), run_id: entry.run_id.clone(), ..Live::new(config) });
        vec![Effect::LoadQueue]
    }

    fn hear_run(&mut self, message: TrainMessage) -> Vec<Effect> {
        let Some(live) = &mut self.live else { return Vec::new() };
        match message {
            TrainMessage::Started { run_id, name, config, synthetic } => {
                let resumed = live.run_id.is_some();
                live.synthetic = Some(synthetic);
                live.run_id = Some(run_id.clone());
                live.name = name;
                live.learning_rate = config.learning_rate;
                live.history.planned = config.epochs;
                live.config = *config;
                return if resumed { vec![Effect::LoadRun { run_id }] } else { Vec::new() };
            }
            TrainMessage::Refused(problem) => live.outcome = Some(Outcome::Refused(problem)),
            TrainMessage::Event(event) => live.hear(event),
            _ => {}
        }
        Vec::new()
    }

    pub fn act(&mut self, action: Action) -> Vec<Effect> {
        match action {
            Action::Up => self.choose(self.field.saturating_sub(1)),
            Action::Down => self.choose(self.field + 1),
            Action::First => self.choose(0),
            Action::Last => self.choose(Field::ALL.len()),
            Action::Less | Action::More if !self.shows_form() => return self.change_rate(action == Action::More),
            Action::Less => self.step(false),
            Action::More => self.step(true),
            Action::Discard => {
                self.editing = None;
                self.problem = None;
            }
            Action::Edit => self.editing = Some(self.text_of(self.chosen()).into()),
            Action::Keep if self.finder.is_some() => return self.take_found(),
            Action::Keep => self.keep(),
            Action::Start => return self.start(),
            Action::FindRate => return self.find_rate(),
            Action::PlanRun => self.planning = true,
            Action::Back if self.finder.is_some() => return self.stop_finding(),
            Action::Back if self.planning => self.planning = false,
            Action::Stop => return self.ask(Asked::Stop, Effect::StopRun),
            Action::FinishEpoch => return self.ask(Asked::FinishEpoch, Effect::FinishEpoch),
            Action::PauseOrResume => return self.pause_or_resume(),
            Action::NewRun => return self.leave_run(),
            Action::Back if !self.is_running() => return self.leave_run(),
            _ => {}
        }
        Vec::new()
    }

    /// Chooses a field of the form.
    pub fn choose(&mut self, field: usize) {
        self.field = field.min(Field::ALL.len());
        (self.editing, self.problem, self.notice) = (None, None, None);
    }

    /// What a line of the form shows: several values, one, or how several are tried.
    #[must_use]
    pub fn text_of(&self, field: Option<Field>) -> String {
        match field {
            Some(field) => self.plan.text(field).unwrap_or_else(|| field.text(&self.config)),
            None => self.plan.way.text(),
        }
    }

    fn step(&mut self, up: bool) {
        (self.problem, self.notice) = (None, None);
        let Some(field) = self.chosen() else {
            self.plan.way = self.plan.way.stepped(up);
            self.count();
            return;
        };
        if let Some(next) = field.stepped(&self.config, up) {
            self.config = next;
            self.plan.unset(field);
            self.count();
        }
    }

    /// Counts the runs that the plan makes, once: a grid may be large.
    fn count(&mut self) {
        self.planned = (!self.plan.is_empty()).then(|| self.plan.runs(&self.config));
    }

    /// Starts the run; where one is under way, or there are several, they go into the queue.
    fn start(&mut self) -> Vec<Effect> {
        if let Err(error) = self.config.validate() {
            self.problem = Some(error.to_string());
            return Vec::new();
        }
        if let Some(runs) = self.planned.clone() {
            return match runs {
                Ok(_) => vec![Effect::EnqueueSearch(Box::new(self.plan.search(&self.config)))],
                Err(problem) => {
                    self.problem = Some(problem);
                    Vec::new()
                }
            };
        }
        if self.is_running() {
            return vec![Effect::Enqueue(Box::new(self.config.clone()))];
        }
        self.planning = false;
        self.live = Some(Live::new(self.config.clone()));
        vec![Effect::StartRun(Box::new(self.config.clone()))]
    }

    fn find_rate(&mut self) -> Vec<Effect> {
        if self.is_running() {
            self.problem =
                Some("a run is under way: the search for a learning rate needs the machine to itself".into());
            return Vec::new();
        }
        if let Err(error) = self.config.validate() {
            self.problem = Some(error.to_string());
            return Vec::new();
        }
        self.searches += 1;
        (self.finder, self.problem) = (Some(Finder::new(self.searches)), None);
        vec![Effect::FindRate { search: self.searches, config: Box::new(self.config.clone()) }]
    }

    fn stop_finding(&mut self) -> Vec<Effect> {
        self.finder = None;
        vec![Effect::StopFinding]
    }

    /// Takes the learning rate that was found into the settings.
    fn take_found(&mut self) -> Vec<Effect> {
        if let Some(learning_rate) = self.finder.as_ref().and_then(Finder::rate) {
            self.config.learning_rate = learning_rate;
            self.plan.unset(Field::LEARNING_RATE);
            self.count();
            self.finder = None;
        }
        Vec::new()
    }

    /// The next usual learning rate for the run under way.
    fn change_rate(&mut self, up: bool) -> Vec<Effect> {
        let Some(live) = &mut self.live else { return Vec::new() };
        let learning_rate = step_rate(live.learning_rate, up);
        if (TrainConfig { learning_rate, ..live.config.clone() }).validate().is_err() {
            return Vec::new();
        }
        live.learning_rate = learning_rate;
        live.notice = Some(format!("learning rate {learning_rate} from the next batch on"));
        let effect = match live.origin {
            Origin::Own => Some(Effect::SetLearningRate(learning_rate)),
            Origin::Other => live.command(CommandKind::Rate, Some(learning_rate)),
        };
        effect.into_iter().collect()
    }

    /// Stops the run, or the queue, of this program.
    pub fn stop_own(&mut self) -> Vec<Effect> {
        (self.planning, self.finder) = (false, None);
        if let Some(live) = self.live.as_mut().filter(|live| live.origin == Origin::Own) {
            live.asked = Some(Asked::Stop);
        }
        vec![Effect::StopRun]
    }

    fn pause_or_resume(&mut self) -> Vec<Effect> {
        let paused = self.live.as_ref().is_some_and(|l| l.phase == Phase::Paused || l.asked == Some(Asked::Pause));
        if paused { self.ask(Asked::Resume, Effect::ContinueRun) } else { self.ask(Asked::Pause, Effect::PauseRun) }
    }

    fn ask(&mut self, asked: Asked, effect: Effect) -> Vec<Effect> {
        match &mut self.live {
            Some(live) if live.asked != Some(Asked::Stop) => {
                live.asked = Some(asked);
                let effect = match live.origin {
                    Origin::Own => Some(effect),
                    Origin::Other => live.command(asked.command(), None),
                };
                effect.into_iter().collect()
            }
            _ => Vec::new(),
        }
    }

    fn keep(&mut self) {
        let text = self.editing.clone().unwrap_or_default();
        match self.kept(text.text().trim()) {
            Ok(()) => (self.editing, self.problem) = (None, None),
            Err(problem) => self.problem = Some(problem),
        }
    }

    /// Takes what was typed into the settings.
    fn kept(&mut self, text: &str) -> Result<(), String> {
        match self.chosen() {
            None => self.plan.way = Way::parse(text)?,
            Some(field) if Plan::is_list(field, text) => self.plan.set((field, text), &self.config)?,
            Some(field) => {
                self.config = field.typed(&self.config, text)?;
                self.plan.unset(field);
            }
        }
        self.count();
        Ok(())
    }
}
