//! The screens' state and its one pure function, `App::update`: messages in, effects out; no I/O, no clock, no drawing.

pub mod action;
pub mod curve;
pub mod data;
pub mod form;
pub mod inspect;
pub mod message;
pub mod runs;
#[cfg(test)]
pub mod sample;
pub mod scene;
#[cfg(test)]
mod tests;
pub mod train;

use ratatui::crossterm::event::{KeyEvent, KeyEventKind, MouseButton, MouseEvent, MouseEventKind};

use crate::store::Run;
use crate::train::{TrainConfig, TrainEvent};
use action::{Action, Place, action_of};
use data::{DataScreen, DataState};
use inspect::InspectScreen;
use message::{Effect, Loadable, Message, RunsMessage, TrainMessage};
use runs::{Column, RunsScreen};
use scene::{Display, Scene, Target};
use train::TrainScreen;

/// One of the four screens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Screen {
    Data,
    Train,
    Runs,
    Inspect,
}

impl Screen {
    pub const ALL: [Self; 4] = [Self::Data, Self::Train, Self::Runs, Self::Inspect];

    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Data => "Data",
            Self::Train => "Train",
            Self::Runs => "Runs",
            Self::Inspect => "Inspect",
        }
    }

    /// The action that shows it.
    #[must_use]
    pub const fn action(self) -> Action {
        match self {
            Self::Data => Action::ShowData,
            Self::Train => Action::ShowTrain,
            Self::Runs => Action::ShowRuns,
            Self::Inspect => Action::ShowInspect,
        }
    }

    fn shifted(self, by: usize) -> Self {
        Self::ALL[(self as usize + by) % Self::ALL.len()]
    }
}

/// What the user is asked before something is destroyed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Question {
    /// Quit although a run is under way?
    Quit,
    /// Delete this run?
    Delete { run_id: String, name: String },
}

/// What lies over the screen and takes all keys.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Popup {
    /// All keys; scrolled down by so many lines.
    Help {
        scroll: usize,
    },
    Question(Question),
}

/// Everything the screens show.
#[derive(Debug)]
pub struct App {
    pub screen: Screen,
    pub data: DataScreen,
    pub train: TrainScreen,
    pub runs: RunsScreen,
    pub inspect: InspectScreen,
    pub popup: Option<Popup>,
    pub display: Display,
    /// The run is being stopped in order to leave.
    pub leaving: bool,
    /// What is shown is not up to date.
    pub dirty: bool,
}

impl App {
    /// The program as it opens; `config` fills the form.
    #[must_use]
    pub fn new(config: TrainConfig, display: Display) -> Self {
        Self {
            screen: Screen::Data,
            data: DataScreen::default(),
            train: TrainScreen::new(config),
            runs: RunsScreen::default(),
            inspect: InspectScreen::default(),
            popup: None,
            display,
            leaving: false,
            dirty: true,
        }
    }

    /// What is to be done before the first message.
    pub fn start(&mut self) -> Vec<Effect> {
        let mut effects = self.data.load();
        effects.push(self.runs.load());
        effects
    }

    /// Takes in one message; `scene` is what the last frame laid out.
    pub fn update(&mut self, message: Message, scene: &Scene) -> Vec<Effect> {
        self.dirty |= changes_the_frame(&message);
        match message {
            Message::Key(key) => self.key(key, scene),
            Message::Mouse(mouse) => self.mouse(mouse, scene),
            Message::Paste(text) => self.paste(&text),
            Message::Resize => Vec::new(),
            Message::Terminate => vec![Effect::Quit],
            Message::Data(message) => {
                self.data.hear(message);
                Vec::new()
            }
            Message::Train(message) => self.hear_run(message),
            Message::Runs(message) => self.hear_runs(message),
            Message::Inspect(message) => self.inspect.hear(message),
        }
    }

    /// Where the next key lands.
    #[must_use]
    pub fn place(&self) -> Place {
        match (&self.popup, self.screen) {
            (Some(Popup::Help { .. }), _) => Place::Help,
            (Some(Popup::Question(_)), _) => Place::Question,
            (None, Screen::Data) => self.data.place(),
            (None, Screen::Train) => self.train.place(),
            (None, Screen::Runs) if self.runs.detail.is_some() => Place::Detail,
            (None, Screen::Runs) => Place::Runs,
            (None, Screen::Inspect) => Place::Inspect,
        }
    }

    /// Whether what the screen shows comes from synthetic images.
    #[must_use]
    pub fn is_synthetic(&self) -> bool {
        match self.screen {
            Screen::Data => self.data.is_synthetic(),
            Screen::Train => {
                let of_run = self.train.live.as_ref().and_then(|live| live.synthetic);
                of_run.unwrap_or_else(|| self.data.is_synthetic())
            }
            Screen::Runs => self.runs.chosen().is_some_and(|run| run.started.synthetic),
            Screen::Inspect => self.inspect.run.as_ref().is_some_and(|run| run.synthetic),
        }
    }

    fn key(&mut self, key: KeyEvent, scene: &Scene) -> Vec<Effect> {
        if key.kind == KeyEventKind::Release {
            return Vec::new();
        }
        match action_of(key, self.place()) {
            Some(action) => self.act(action, scene),
            None if self.place() == Place::Editing => {
                self.train.type_key(key);
                Vec::new()
            }
            None => Vec::new(),
        }
    }

    fn paste(&mut self, text: &str) -> Vec<Effect> {
        if self.place() == Place::Editing {
            self.train.paste(text);
        }
        Vec::new()
    }

    fn mouse(&mut self, mouse: MouseEvent, scene: &Scene) -> Vec<Effect> {
        match mouse.kind {
            MouseEventKind::Down(MouseButton::Left) => match scene.target_at(mouse.column, mouse.row) {
                Some(target) => self.click(target, scene),
                None => Vec::new(),
            },
            MouseEventKind::ScrollUp => self.act(Action::Up, scene),
            MouseEventKind::ScrollDown => self.act(Action::Down, scene),
            _ => Vec::new(),
        }
    }

    fn click(&mut self, target: Target, scene: &Scene) -> Vec<Effect> {
        match target {
            Target::Action(action) => return self.act(action, scene),
            _ if self.popup.is_some() => {}
            Target::Row(row) if row == self.runs.row => return self.act(Action::Open, scene),
            Target::Row(row) => self.runs.row = row,
            Target::Field(field) => self.train.choose(field),
            Target::Column(column) => self.runs.sort_by(Column::ALL[column.min(Column::ALL.len() - 1)]),
        }
        Vec::new()
    }

    fn act(&mut self, action: Action, scene: &Scene) -> Vec<Effect> {
        match (action, &mut self.popup) {
            (Action::Quit, _) => self.quit(),
            (Action::Yes, Some(Popup::Question(_))) => self.confirm(),
            (Action::No | Action::Back, Some(_)) => {
                self.popup = None;
                Vec::new()
            }
            (Action::Up, Some(Popup::Help { scroll })) => {
                *scroll = scroll.saturating_sub(1);
                Vec::new()
            }
            (Action::Down, Some(Popup::Help { scroll })) => {
                *scroll = (*scroll + 1).min(scene.scroll_limit);
                Vec::new()
            }
            (_, Some(_)) => Vec::new(),
            (Action::Help, None) => {
                self.popup = Some(Popup::Help { scroll: 0 });
                Vec::new()
            }
            (action, None) => self.act_on_screen(action, scene),
        }
    }

    fn act_on_screen(&mut self, action: Action, scene: &Scene) -> Vec<Effect> {
        match action {
            Action::ShowData => self.show(Screen::Data),
            Action::ShowTrain => self.show(Screen::Train),
            Action::ShowRuns => self.show(Screen::Runs),
            Action::ShowInspect => self.show(Screen::Inspect),
            Action::NextScreen => self.show(self.screen.shifted(1)),
            Action::PreviousScreen => self.show(self.screen.shifted(Screen::ALL.len() - 1)),
            Action::InspectRun => self.inspect_chosen(),
            Action::ResumeRun => self.resume_chosen(),
            Action::Again => self.run_again(),
            Action::Delete => self.ask_to_delete(),
            Action::NextRun => self.inspect_neighbour(true),
            Action::PreviousRun => self.inspect_neighbour(false),
            _ => match self.screen {
                Screen::Data => self.data.act(action, scene),
                Screen::Train => self.train.act(action),
                Screen::Runs => self.runs.act(action, scene),
                Screen::Inspect => self.inspect.act(action),
            },
        }
    }

    fn show(&mut self, screen: Screen) -> Vec<Effect> {
        self.screen = screen;
        match screen {
            Screen::Data | Screen::Train => Vec::new(),
            // Other programs may have added runs.
            Screen::Runs => vec![Effect::LoadRuns],
            Screen::Inspect if self.inspect.run.is_some() => Vec::new(),
            Screen::Inspect => self.inspect_newest(),
        }
    }

    /// Asks first where a run is under way; asked again, leaves at once.
    fn quit(&mut self) -> Vec<Effect> {
        if self.leaving || !self.train.is_running() {
            return vec![Effect::Quit];
        }
        if self.popup == Some(Popup::Question(Question::Quit)) {
            return self.confirm();
        }
        self.popup = Some(Popup::Question(Question::Quit));
        Vec::new()
    }

    fn confirm(&mut self) -> Vec<Effect> {
        match self.popup.take() {
            Some(Popup::Question(Question::Quit)) if self.train.is_running() => {
                self.leaving = true;
                self.screen = Screen::Train;
                self.train.act(Action::Stop)
            }
            Some(Popup::Question(Question::Quit)) => vec![Effect::Quit],
            Some(Popup::Question(Question::Delete { run_id, .. })) => {
                self.runs.detail = None;
                vec![Effect::DeleteRun { run_id }]
            }
            _ => Vec::new(),
        }
    }

    fn ask_to_delete(&mut self) -> Vec<Effect> {
        if let Some(run) = self.runs.chosen() {
            let (run_id, name) = (run.started.id.clone(), run.started.name.clone());
            self.popup = Some(Popup::Question(Question::Delete { run_id, name }));
        }
        Vec::new()
    }

    /// The run the user looks at: the one that ended on Train, the chosen one on Runs.
    fn looked_at(&self) -> Option<&Run> {
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
        match (action, self.place()) {
            (Action::ResumeRun, _) => !self.train.is_running() && run.and_then(runs::resumable).is_some(),
            (Action::InspectRun, _) => run.is_some_and(|run| run.best_epoch.is_some()),
            (Action::Open | Action::Sort | Action::Delete, _) => run.is_some(),
            (Action::Down, Place::Data) => matches!(self.data.state, DataState::Ready(_)),
            (Action::Up | Action::Down | Action::NextMistake | Action::NextRun, Place::Inspect) => {
                self.inspect.case().is_some()
            }
            _ => true,
        }
    }

    /// Opens the form with the settings of the run that is looked at.
    fn run_again(&mut self) -> Vec<Effect> {
        let Some(run) = self.looked_at().cloned() else { return Vec::new() };
        if self.train.is_running() {
            return self.note("a run is under way: its end, or stopping it, makes room for another".into());
        }
        match runs::settings(&run) {
            Some(config) => {
                self.train.prepare(config);
                self.show(Screen::Train)
            }
            None => self.note(format!("the settings of {} are of another version", run.started.name)),
        }
    }

    fn inspect_chosen(&mut self) -> Vec<Effect> {
        let Some(run) = self.looked_at().cloned() else { return Vec::new() };
        if run.best_epoch.is_none() {
            return self.note(format!("{} has no finished epoch, so it can predict nothing yet", run.started.name));
        }
        self.screen = Screen::Inspect;
        self.inspect.choose(&run)
    }

    /// Says in one line why nothing was done.
    fn note(&mut self, text: String) -> Vec<Effect> {
        match (&mut self.train.live, self.screen) {
            (Some(live), Screen::Train) => live.notice = Some(text),
            _ => self.runs.notice = Some(text),
        }
        Vec::new()
    }

    fn inspect_newest(&mut self) -> Vec<Effect> {
        match self.runs.that_predict().first() {
            Some(run) => self.inspect.choose(run),
            None => Vec::new(),
        }
    }

    fn inspect_neighbour(&mut self, forward: bool) -> Vec<Effect> {
        let runs = self.runs.that_predict();
        let at = runs.iter().position(|run| Some(&run.started.id) == self.inspect.run.as_ref().map(|run| &run.id));
        let next = match at {
            None => 0,
            Some(at) if forward => at + 1,
            Some(at) => at.wrapping_sub(1),
        };
        match runs.get(next) {
            Some(run) => self.inspect.choose(run),
            None => Vec::new(),
        }
    }

    fn resume_chosen(&mut self) -> Vec<Effect> {
        if self.train.is_running() {
            return self.note("a run is under way: stop it before another goes on".into());
        }
        let run = self.looked_at().and_then(|run| Some((run.started.clone(), runs::resumable(run)?)));
        let Some((run, config)) = run else {
            return self.note("only a stopped, failed or crashed run can go on".into());
        };
        self.screen = Screen::Train;
        self.train.resume(&run, config)
    }

    fn hear_run(&mut self, message: TrainMessage) -> Vec<Effect> {
        let ended = matches!(message, TrainMessage::Refused(_) | TrainMessage::Event(TrainEvent::Ended(_)));
        let changes =
            ended || matches!(message, TrainMessage::Started { .. } | TrainMessage::Event(TrainEvent::Epoch { .. }));
        if let TrainMessage::Started { run_id, .. } = &message {
            self.runs.expected = Some(run_id.clone());
        }
        let mut effects = self.train.hear(message);
        if ended && self.leaving {
            return vec![Effect::Quit];
        }
        if ended && self.popup == Some(Popup::Question(Question::Quit)) {
            self.popup = None;
        }
        if changes {
            effects.push(Effect::LoadRuns);
        }
        effects
    }

    fn hear_runs(&mut self, message: RunsMessage) -> Vec<Effect> {
        if let RunsMessage::Detail { detail: Ok(detail), .. } = &message {
            self.train.recall(detail);
        }
        match message {
            RunsMessage::Detail { .. } | RunsMessage::Said(_) => {
                self.runs.hear(message);
                Vec::new()
            }
            RunsMessage::Deleted(_) => {
                self.runs.hear(message);
                vec![Effect::LoadRuns]
            }
            RunsMessage::Loaded(_) => {
                self.runs.hear(message);
                let mut effects = self.runs.refresh();
                effects.extend(self.follow_inspected());
                effects
            }
        }
    }

    /// Keeps Inspect in step with the table: a first run to look at, or the end of the one looked at.
    fn follow_inspected(&mut self) -> Vec<Effect> {
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

/// All but the release of a button and the pointer's way.
fn changes_the_frame(message: &Message) -> bool {
    match message {
        Message::Mouse(mouse) => matches!(
            mouse.kind,
            MouseEventKind::Down(MouseButton::Left) | MouseEventKind::ScrollUp | MouseEventKind::ScrollDown
        ),
        _ => true,
    }
}
