//! The screens' state and its one pure function, `App::update`: messages in, effects out; no I/O, no clock, no drawing.

pub mod action;
pub mod attached;
pub mod chart;
pub mod curve;
pub mod data;
pub mod finder;
pub mod form;
pub mod history;
pub mod input;
pub mod inspect;
pub mod key;
pub mod keymap;
pub mod live;
pub mod log;
mod looked_at;
pub mod message;
mod news;
pub mod pipeline;
pub mod plan;
mod pointer;
pub mod popup;
pub mod query;
pub mod queue;
pub mod runs;
#[cfg(test)]
pub mod sample;
pub mod scene;
#[cfg(test)]
mod tests;
pub mod train;
#[cfg(test)]
mod train_tests;
pub mod view;

use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyEventKind, MouseButton, MouseEventKind};

use crate::train::TrainConfig;
use action::{Action, Place};
use chart::ChartView;
use data::DataScreen;
use history::History;
use input::Input;
use inspect::InspectScreen;
use key::Key;
use keymap::{BINDINGS, Keymap};
use log::Log;
use message::{Earlier, Effect, Loadable, Message};
use popup::{Commands, Popup, Question, QueueList};
use runs::RunsScreen;
use runs::work::RunsWork;
use scene::{Display, Scene, ThemeName};
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

/// Everything the screens show.
#[derive(Debug)]
pub struct App {
    pub screen: Screen,
    pub data: DataScreen,
    pub train: TrainScreen,
    pub runs: RunsScreen,
    pub inspect: InspectScreen,
    pub popup: Option<Popup>,
    pub keymap: Keymap,
    pub display: Display,
    /// The chart or picture has the whole screen.
    pub zoomed: bool,
    /// The run that is to answer for pictures from anywhere, where one was named.
    pub named_run: Option<String>,
    /// The theme that was chosen in this session.
    pub new_theme: Option<ThemeName>,
    pub chart: ChartView,
    /// What earlier runs went through, by the run that they are laid behind: those of Train and of the open run.
    earlier: Vec<(String, Vec<Earlier>)>,
    /// The log that is shown, where one is.
    log: Option<Log>,
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
            keymap: Keymap::default(),
            display,
            zoomed: false,
            named_run: None,
            new_theme: None,
            chart: ChartView::default(),
            earlier: Vec::new(),
            log: None,
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
        self.dirty |= changes_the_frame(&message) || self.is_dragging();
        let mut effects = self.take_in(message, scene);
        match self.screen {
            Screen::Runs => effects.extend(self.measure(scene)),
            Screen::Inspect => {
                effects.extend(self.inspect.ask_for_tiles());
                effects.extend(self.inspect.ask_for_similar());
            }
            Screen::Data | Screen::Train => {}
        }
        effects
    }

    fn take_in(&mut self, message: Message, scene: &Scene) -> Vec<Effect> {
        match message {
            Message::Key(key) => self.key(key, scene),
            Message::Mouse(mouse) => self.mouse(mouse, scene),
            Message::Paste(text) => self.paste(&text),
            Message::Resize => Vec::new(),
            Message::Terminate => vec![Effect::Quit],
            Message::Data(message) => {
                self.data.hear(message);
                self.follow_inspected()
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
            (Some(Popup::Commands(_)), _) => Place::Commands,
            (Some(Popup::Question(_)), _) => Place::Question,
            (Some(Popup::Queue(_)), _) => Place::Queue,
            (Some(Popup::Pipeline), _) => Place::Pipeline,
            (Some(Popup::Prompt(_)), _) => Place::Prompt,
            (Some(Popup::Choice(_)), _) => Place::Choice,
            (Some(Popup::Columns(picker)), _) if picker.searching => Place::ColumnSearch,
            (Some(Popup::Columns(_)), _) => Place::Columns,
            (None, _) => self.place_below(),
        }
    }

    /// Where the next key would land without a popup.
    #[must_use]
    pub fn place_below(&self) -> Place {
        match self.screen {
            Screen::Data => self.data.place(),
            Screen::Train => self.train.place(),
            Screen::Runs => self.runs.place(),
            Screen::Inspect => self.inspect.place(),
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
            Screen::Inspect => self.inspect.synthetic,
        }
    }

    fn key(&mut self, key: KeyEvent, scene: &Scene) -> Vec<Effect> {
        if key.kind == KeyEventKind::Release {
            return Vec::new();
        }
        let (key, place) = (Key::of(key), self.place());
        // Home and End belong to the list until there is a text to move in.
        let in_text =
            matches!(key.code, KeyCode::Home | KeyCode::End) && self.popup.as_ref().is_some_and(Popup::is_searched);
        if let Some(action) = self.keymap.action_of(key, place).filter(|_| !in_text) {
            return self.act(action, scene);
        }
        self.type_with(|input| input.press(key))
    }

    /// Changes the text that is being typed, where there is one.
    fn type_with(&mut self, change: impl FnOnce(&mut Input) -> bool) -> Vec<Effect> {
        match &mut self.popup {
            Some(Popup::Commands(commands)) => {
                change(&mut commands.input);
                commands.row = 0;
            }
            Some(Popup::Prompt(prompt)) if !prompt.writing => {
                change(&mut prompt.input);
                prompt.problem = None;
            }
            Some(Popup::Choice(choice)) => {
                change(&mut choice.input);
                choice.row = 0;
            }
            Some(Popup::Columns(picker)) if picker.searching => {
                change(&mut picker.search);
                picker.row = 0;
            }
            None if self.screen == Screen::Train => drop(self.train.editing.as_mut().map(change)),
            None if self.screen == Screen::Runs => self.runs.type_filter(change),
            None if self.screen == Screen::Inspect => return self.inspect.type_filter(change),
            Some(Popup::Question(_) | Popup::Queue(_) | Popup::Pipeline | Popup::Columns(_) | Popup::Prompt(_))
            | None => {}
        }
        Vec::new()
    }

    fn act(&mut self, action: Action, scene: &Scene) -> Vec<Effect> {
        match (action, &mut self.popup) {
            (Action::Quit, _) => self.quit(),
            (Action::Suspend, _) => vec![Effect::Suspend],
            (Action::Yes, Some(Popup::Question(_))) => self.confirm(),
            (Action::No | Action::Back, Some(_)) => {
                self.popup = None;
                Vec::new()
            }
            (action, Some(Popup::Commands(_))) => self.act_on_commands(action, scene),
            (action, Some(Popup::Queue(_))) => self.act_on_queue(action, scene),
            (action, Some(Popup::Pipeline)) => self.act_on_pipeline(action),
            (action, Some(Popup::Prompt(_))) => self.act_on_prompt(action),
            (action, Some(Popup::Choice(_))) => self.act_on_choice(action, scene),
            (action, Some(Popup::Columns(_))) => self.act_on_columns(action, scene),
            (_, Some(_)) => Vec::new(),
            (action, None) => self.act_on_screen(action, scene),
        }
    }

    fn act_on_commands(&mut self, action: Action, scene: &Scene) -> Vec<Effect> {
        let below = self.place_below();
        let Some(Popup::Commands(commands)) = &mut self.popup else { return Vec::new() };
        let found = commands.found(&self.keymap, below);
        commands.step(action, (found.len(), scene.visible_rows.max(1)));
        let chosen = found.get(commands.row).map(|line| BINDINGS[*line]);
        let Some(binding) = chosen.filter(|_| action == Action::Open) else { return Vec::new() };
        if !below.layers().contains(&binding.place) {
            return Vec::new();
        }
        self.popup = None;
        self.act(binding.action, scene)
    }

    fn open(&mut self, commands: Commands) -> Vec<Effect> {
        self.popup = Some(Popup::Commands(commands));
        Vec::new()
    }

    fn act_on_screen(&mut self, action: Action, scene: &Scene) -> Vec<Effect> {
        if self.charts(scene).is_some_and(|(view, history)| view.act(action, history)) {
            return Vec::new();
        }
        match action {
            Action::Back if self.step_out(scene) => Vec::new(),
            Action::Stop if self.train.attached().is_some() && self.screen == Screen::Train => {
                let name = self.train.live.as_ref().map(|live| live.name.clone()).unwrap_or_default();
                self.popup = Some(Popup::Question(Question::StopElsewhere { name }));
                Vec::new()
            }
            Action::Help => self.open(Commands::help()),
            Action::Palette => self.open(Commands::default()),
            Action::Redraw => vec![Effect::Redraw],
            Action::ToggleMouse => self.toggle_mouse(),
            Action::NextTheme => self.next_theme(),
            Action::Zoom => self.zoom(),
            Action::ShowData => self.show(Screen::Data),
            Action::ShowTrain => self.show(Screen::Train),
            Action::ShowRuns => self.show(Screen::Runs),
            Action::ShowInspect => self.show(Screen::Inspect),
            Action::NextScreen => self.show(self.screen.shifted(1)),
            Action::PreviousScreen => self.show(self.screen.shifted(Screen::ALL.len() - 1)),
            Action::InspectRun => self.inspect_chosen(),
            Action::ShowLog => self.toggle_log(),
            Action::ShowQueue => {
                self.popup = Some(Popup::Queue(QueueList::default()));
                vec![Effect::LoadQueue]
            }
            Action::ShowPipeline => self.show_pipeline(),
            Action::Attach => self.attach_chosen(),
            Action::ResumeRun => self.resume_chosen(),
            Action::Again => self.run_again(),
            _ if self.screen == Screen::Inspect && self.ask_about_image(action) => Vec::new(),
            Action::NextRun => self.inspect_neighbour(true),
            Action::PreviousRun => self.inspect_neighbour(false),
            _ => match self.screen {
                Screen::Data => self.data.act(action, scene),
                Screen::Train => self.train.act(action),
                Screen::Runs => self.act_on_runs(action, scene),
                Screen::Inspect => self.inspect.act(action, scene),
            },
        }
    }

    /// Leaves the innermost of cursor, zoomed stretch and zoomed pane; false where there is none.
    fn step_out(&mut self, scene: &Scene) -> bool {
        self.charts(scene).is_some_and(|(view, _)| view.step_out()) || std::mem::take(&mut self.zoomed)
    }

    /// How the charts on the screen are looked at, and the run that they go along. Those of a comparison only where there
    /// was room for them: without, the same keys are for its table.
    fn charts(&mut self, scene: &Scene) -> Option<(&mut ChartView, &History)> {
        if self.place_below() == Place::Compare {
            return self.runs.compare.as_mut()?.charts().filter(|_| !scene.charts.is_empty());
        }
        history_of(&self.train, &self.runs, self.screen).map(|history| (&mut self.chart, history))
    }

    /// Whether the mouse is marking a stretch of a chart.
    fn is_dragging(&self) -> bool {
        let compared = self.runs.compare.as_ref().map(|compare| &compare.chart);
        compared.into_iter().chain([&self.chart]).any(|view| view.dragged.is_some())
    }

    /// Works through the queue, unless that goes on already.
    fn run_queue(&mut self) -> Vec<Effect> {
        if self.train.is_running() || self.train.queue.waiting() == 0 {
            return Vec::new();
        }
        self.popup = None;
        self.screen = Screen::Train;
        self.train.run_queue()
    }

    fn zoom(&mut self) -> Vec<Effect> {
        self.zoomed = !self.zoomed;
        Vec::new()
    }

    fn toggle_mouse(&mut self) -> Vec<Effect> {
        self.display.mouse = !self.display.mouse;
        vec![Effect::TakeMouse(self.display.mouse)]
    }

    fn next_theme(&mut self) -> Vec<Effect> {
        self.display.theme = self.display.theme.next();
        self.display.theme_chosen = true;
        self.new_theme = Some(self.display.theme);
        Vec::new()
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
                self.train.stop_own()
            }
            Some(Popup::Question(Question::StopElsewhere { .. })) => self.train.act(Action::Stop),
            Some(Popup::Question(Question::Quit)) => vec![Effect::Quit],
            Some(Popup::Question(Question::EmptyTrash)) => self.empty_trash(),
            Some(Popup::Question(Question::Promote { run_id, .. })) => vec![Effect::Runs(RunsWork::Promote(run_id))],
            Some(Popup::Question(Question::RollBack)) => vec![Effect::Runs(RunsWork::RollBack)],
            Some(Popup::Question(Question::Overwrite { path })) => self.export(&path, true),
            _ => Vec::new(),
        }
    }
}

/// What the charts of a screen show.
fn history_of<'a>(train: &'a TrainScreen, runs: &'a RunsScreen, screen: Screen) -> Option<&'a History> {
    match (screen, &runs.detail) {
        (Screen::Train, _) if train.shows_form() || train.finder.is_some() => None,
        (Screen::Train, _) => train.live.as_ref().map(|live| &live.history),
        (Screen::Runs, Some(Loadable::Ready(detail))) => Some(&detail.history),
        _ => None,
    }
}

/// All but the release of a button and the pointer's way.
fn changes_the_frame(message: &Message) -> bool {
    match message {
        Message::Mouse(mouse) => matches!(
            mouse.kind,
            MouseEventKind::Down(MouseButton::Left)
                | MouseEventKind::Drag(MouseButton::Left)
                | MouseEventKind::ScrollUp
                | MouseEventKind::ScrollDown
        ),
        _ => true,
    }
}
