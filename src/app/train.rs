//! The Train screen: the settings, then the run under way, then how it ended.

use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

use super::action::{Action, Place};
use super::curve::Curve;
use super::form::{Field, step_rate};
use super::message::{Effect, RunDetail, TrainMessage};
use crate::metrics::EpochFigures;
use crate::store::NewRun;
use crate::train::{Outcome, Phase, Step, TrainConfig, TrainEvent};

/// A run of this program, from its start on.
#[derive(Debug, Clone, PartialEq)]
pub struct Live {
    /// Known once it is in the store.
    pub run_id: Option<String>,
    pub name: String,
    /// Known once its data set is.
    pub synthetic: Option<bool>,
    pub config: TrainConfig,
    /// Of the steps to come.
    pub learning_rate: f64,
    pub phase: Phase,
    /// Asked for and not yet answered.
    pub asked: Option<Asked>,
    pub step: Option<Step>,
    /// Mean speed so far, images a second.
    pub speed: Option<f64>,
    /// Of every step, over epochs.
    pub loss: Curve,
    pub accuracy: Curve,
    pub epochs: Vec<EpochFigures>,
    pub best_epoch: Option<usize>,
    pub notice: Option<String>,
    pub outcome: Option<Outcome>,
}

/// What the run was asked and has not done yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Asked {
    Pause,
    Resume,
    Stop,
}

#[derive(Debug)]
pub struct TrainScreen {
    pub config: TrainConfig,
    pub field: usize,
    /// The text being typed for the chosen field.
    pub editing: Option<String>,
    pub problem: Option<String>,
    pub live: Option<Live>,
}

impl Live {
    fn new(config: TrainConfig) -> Self {
        Self {
            run_id: None,
            name: String::new(),
            synthetic: None,
            learning_rate: config.learning_rate,
            config,
            phase: Phase::Scanning,
            asked: None,
            step: None,
            speed: None,
            loss: Curve::default(),
            accuracy: Curve::default(),
            epochs: Vec::new(),
            best_epoch: None,
            notice: None,
            outcome: None,
        }
    }

    fn hear(&mut self, event: TrainEvent) {
        match event {
            TrainEvent::Phase(phase) => self.enter(phase),
            TrainEvent::Step(step) => self.add(step),
            TrainEvent::Epoch { figures, best } => {
                self.epochs.push(figures);
                self.best_epoch = if best { Some(figures.epoch) } else { self.best_epoch };
            }
            TrainEvent::Rate { step, learning_rate } => {
                self.learning_rate = learning_rate;
                self.notice = Some(format!("from step {} on, the learning rate is {learning_rate}", step + 1));
            }
            TrainEvent::Notice(text) => self.notice = Some(text),
            TrainEvent::LastEpoch { epoch, .. } => self.notice = Some(format!("stops after epoch {epoch}")),
            TrainEvent::Answers { .. } => {}
            TrainEvent::Ended(outcome) => self.outcome = Some(outcome),
        }
    }

    fn enter(&mut self, phase: Phase) {
        let answered = match self.asked {
            Some(Asked::Pause) => phase == Phase::Paused,
            Some(Asked::Resume) => phase != Phase::Paused,
            Some(Asked::Stop) | None => false,
        };
        if answered {
            self.asked = None;
        }
        self.phase = phase;
    }

    #[expect(clippy::cast_precision_loss, reason = "steps stay far below 2^53")]
    fn add(&mut self, step: Step) {
        let epochs = step.step as f64 / step.batches.max(1) as f64;
        self.loss.push(epochs, step.loss);
        self.accuracy.push(epochs, step.accuracy);
        // A running mean in which the newest tenth counts most.
        let mean = self.speed.map_or(step.images_per_second, |mean| 0.9 * mean + 0.1 * step.images_per_second);
        self.speed = Some(mean);
        self.step = Some(step);
    }

    /// Share of the run's batches done, 0 to 1.
    #[must_use]
    pub fn progress(&self) -> f64 {
        self.step.map_or(0.0, |step| share(step.step, step.batches * self.config.epochs))
    }

    /// Share of the epoch's batches done, 0 to 1.
    #[must_use]
    pub fn epoch_progress(&self) -> f64 {
        self.step.map_or(0.0, |step| share(step.batch, step.batches))
    }

    /// Seconds of training left, validation and test not counted.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "counts of images stay far below 2^53")]
    pub fn seconds_left(&self) -> Option<f64> {
        let step = self.step?;
        let batches = (step.batches * self.config.epochs).saturating_sub(step.step);
        Some((batches * self.config.batch_size) as f64 / self.speed?)
    }

    #[must_use]
    pub fn is_over(&self) -> bool {
        self.outcome.is_some()
    }
}

#[expect(clippy::cast_precision_loss, reason = "counts stay far below 2^53")]
fn share(done: usize, of: usize) -> f64 {
    if of == 0 { 0.0 } else { (done as f64 / of as f64).min(1.0) }
}

impl TrainScreen {
    #[must_use]
    pub const fn new(config: TrainConfig) -> Self {
        Self { config, field: 0, editing: None, problem: None, live: None }
    }

    /// Whether a run of this program is under way.
    #[must_use]
    pub fn is_running(&self) -> bool {
        self.live.as_ref().is_some_and(|live| !live.is_over())
    }

    #[must_use]
    pub fn place(&self) -> Place {
        match &self.live {
            None if self.editing.is_some() => Place::Editing,
            None => Place::Form,
            Some(live) if live.is_over() => Place::Ended,
            Some(_) => Place::Live,
        }
    }

    /// The chosen setting.
    #[must_use]
    pub fn chosen(&self) -> Field {
        Field::ALL[self.field.min(Field::ALL.len() - 1)]
    }

    /// Fills the form with settings; a fold becomes a whole run.
    pub fn prepare(&mut self, config: TrainConfig) {
        *self = Self::new(TrainConfig { fold: None, ..config });
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
            (live.loss, live.accuracy) = detail.curves();
        }
    }

    pub fn hear(&mut self, message: TrainMessage) -> Vec<Effect> {
        let Some(live) = &mut self.live else { return Vec::new() };
        match message {
            TrainMessage::Started { run_id, name, config, synthetic } => {
                let resumed = live.run_id.is_some();
                live.synthetic = Some(synthetic);
                live.run_id = Some(run_id.clone());
                live.name = name;
                live.learning_rate = config.learning_rate;
                live.config = *config;
                return if resumed { vec![Effect::LoadRun { run_id }] } else { Vec::new() };
            }
            TrainMessage::Refused(problem) => live.outcome = Some(Outcome::Refused(problem)),
            TrainMessage::Event(event) => live.hear(event),
        }
        Vec::new()
    }

    pub fn act(&mut self, action: Action) -> Vec<Effect> {
        match action {
            Action::Up => self.choose(self.field.saturating_sub(1)),
            Action::Down => self.choose(self.field + 1),
            Action::Less | Action::More if self.is_running() => return self.change_rate(action == Action::More),
            Action::Less => self.step(false),
            Action::More => self.step(true),
            Action::Keep => self.keep(),
            Action::Discard => {
                self.editing = None;
                self.problem = None;
            }
            Action::Edit => self.editing = Some(self.chosen().text(&self.config)),
            Action::Start => return self.start(),
            Action::Stop => return self.ask(Asked::Stop, Effect::StopRun),
            Action::PauseOrResume => return self.pause_or_resume(),
            Action::NewRun => self.live = None,
            _ => {}
        }
        Vec::new()
    }

    /// Chooses a field of the form.
    pub fn choose(&mut self, field: usize) {
        self.field = field.min(Field::ALL.len() - 1);
        self.editing = None;
        self.problem = None;
    }

    fn step(&mut self, up: bool) {
        self.problem = None;
        if let Some(next) = self.chosen().stepped(&self.config, up) {
            self.config = next;
        }
    }

    fn start(&mut self) -> Vec<Effect> {
        if let Err(error) = self.config.validate() {
            self.problem = Some(error.to_string());
            return Vec::new();
        }
        self.live = Some(Live::new(self.config.clone()));
        vec![Effect::StartRun(Box::new(self.config.clone()))]
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
        vec![Effect::SetLearningRate(learning_rate)]
    }

    fn pause_or_resume(&mut self) -> Vec<Effect> {
        let paused = self.live.as_ref().is_some_and(|l| l.phase == Phase::Paused || l.asked == Some(Asked::Pause));
        if paused { self.ask(Asked::Resume, Effect::ContinueRun) } else { self.ask(Asked::Pause, Effect::PauseRun) }
    }

    fn ask(&mut self, asked: Asked, effect: Effect) -> Vec<Effect> {
        match &mut self.live {
            Some(live) if live.asked != Some(Asked::Stop) => {
                live.asked = Some(asked);
                vec![effect]
            }
            _ => Vec::new(),
        }
    }

    /// A key that goes into the typed value.
    pub fn type_key(&mut self, key: KeyEvent) {
        let Some(text) = &mut self.editing else { return };
        match key.code {
            KeyCode::Char('u') if key.modifiers.contains(KeyModifiers::CONTROL) => text.clear(),
            KeyCode::Char(letter) if !key.modifiers.contains(KeyModifiers::CONTROL) => text.push(letter),
            KeyCode::Backspace => drop(text.pop()),
            _ => {}
        }
    }

    /// Text pasted while a value is typed.
    pub fn paste(&mut self, pasted: &str) {
        if let Some(text) = &mut self.editing {
            text.extend(pasted.chars().filter(|letter| !letter.is_control()));
        }
    }

    fn keep(&mut self) {
        let text = self.editing.clone().unwrap_or_default();
        match self.chosen().typed(&self.config, &text) {
            Ok(config) => {
                self.config = config;
                self.editing = None;
                self.problem = None;
            }
            Err(problem) => self.problem = Some(problem),
        }
    }
}
