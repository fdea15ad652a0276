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
pub mod log;
pub mod message;
pub mod plan;
pub mod popup;
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

use std::path::Path;

use ratatui::crossterm::event::{KeyEvent, KeyEventKind, MouseButton, MouseEvent, MouseEventKind};

use crate::store::{Run, RunState};
use crate::train::{Phase, TrainConfig, TrainEvent};
use action::{Action, Place};
use chart::ChartView;
use data::{DataScreen, DataState};
use finder::Finder;
use history::History;
use input::Input;
use inspect::InspectScreen;
use key::Key;
use keymap::{BINDINGS, Keymap};
use log::Log;
use message::{Earlier, Effect, Loadable, Message, RunsMessage, TrainMessage};
use popup::{Commands, Popup, Question};
use runs::RunsScreen;
use runs::work::RunsWork;
use scene::{Display, Scene, Target, ThemeName};
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
    /// The theme that was chosen in this session.
    pub new_theme: Option<ThemeName>,
    pub chart: ChartView,
    /// What earlier runs went through.
    earlier: Vec<Earlier>,
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
        self.dirty |= changes_the_frame(&message) || self.chart.dragged.is_some();
        let mut effects = self.take_in(message, scene);
        if self.screen == Screen::Runs {
            effects.extend(self.measure(scene));
        }
        effects
    }

    fn take_in(&mut self, message: Message, scene: &Scene) -> Vec<Effect> {
        match message {
            Message::Key(key) => self.key(key, scene),
            Message::Mouse(mouse) => self.mouse(mouse, scene),
            Message::Paste(text) => {
                self.type_with(|input| {
                    input.paste(&text);
                    true
                });
                Vec::new()
            }
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
            (Some(Popup::Commands(_)), _) => Place::Commands,
            (Some(Popup::Question(_)), _) => Place::Question,
            (Some(Popup::Queue(_)), _) => Place::Queue,
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
            Screen::Inspect => Place::Inspect,
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
        let (key, place) = (Key::of(key), self.place());
        match self.keymap.action_of(key, place) {
            Some(action) => self.act(action, scene),
            None => {
                self.type_with(|input| input.press(key));
                Vec::new()
            }
        }
    }

    /// Changes the text that is being typed, where there is one.
    fn type_with(&mut self, change: impl FnOnce(&mut Input) -> bool) {
        match &mut self.popup {
            Some(Popup::Commands(commands)) => {
                change(&mut commands.input);
                commands.row = 0;
            }
            Some(Popup::Prompt(prompt)) => {
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
            Some(Popup::Question(_) | Popup::Queue(_) | Popup::Columns(_)) | None => {}
        }
    }

    fn mouse(&mut self, mouse: MouseEvent, scene: &Scene) -> Vec<Effect> {
        let at = (mouse.column, mouse.row);
        if self.popup.is_none() && self.mouse_on_chart(mouse.kind, at, scene) {
            return Vec::new();
        }
        match mouse.kind {
            MouseEventKind::Down(MouseButton::Left) => match scene.target_at(at.0, at.1) {
                Some(target) => self.click(target, scene),
                None => Vec::new(),
            },
            MouseEventKind::ScrollUp => self.act(Action::Up, scene),
            MouseEventKind::ScrollDown => self.act(Action::Down, scene),
            _ => Vec::new(),
        }
    }

    /// Dragging marks a stretch to zoom to, a click sets the cursor, the wheel zooms.
    fn mouse_on_chart(&mut self, kind: MouseEventKind, (x, y): (u16, u16), scene: &Scene) -> bool {
        // What began in a chart goes on beside it.
        let held = scene.charts.first().filter(|_| self.chart.dragged.is_some());
        let Some(place) = scene.chart_at(x, y).or(held).map(|chart| chart.place_of(x)) else { return false };
        let Some(history) = history_of(&self.train, &self.runs, self.screen) else { return false };
        match (kind, self.chart.dragged) {
            (MouseEventKind::Down(MouseButton::Left), _) => self.chart.dragged = Some((place, place)),
            (MouseEventKind::Drag(MouseButton::Left), Some((from, _))) => self.chart.dragged = Some((from, place)),
            (MouseEventKind::Up(MouseButton::Left), Some((from, to))) => {
                self.chart.dragged = None;
                if from.to_bits() == to.to_bits() {
                    self.chart.cursor = Some(to);
                } else {
                    self.chart.show(from.min(to), from.max(to), history);
                }
            }
            (MouseEventKind::ScrollUp, _) => self.chart.zoom(0.8, Some(place), history),
            (MouseEventKind::ScrollDown, _) => self.chart.zoom(1.25, Some(place), history),
            _ => return false,
        }
        true
    }

    fn click(&mut self, target: Target, scene: &Scene) -> Vec<Effect> {
        match target {
            Target::Action(action) => return self.act(action, scene),
            Target::Row(row) if matches!(self.popup, Some(Popup::Commands(_))) => {
                return self.click_command(row, scene);
            }
            Target::Row(row) if self.popup.is_some() => return self.click_list(row, scene),
            _ if self.popup.is_some() => {}
            Target::Row(_) | Target::Column(_) => return self.click_runs(target, scene),
            Target::Field(field) => self.train.choose(field),
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
            (Action::Start, Some(Popup::Queue(_))) => self.run_queue(),
            (action, Some(Popup::Queue(row))) => self.train.queue.act(action, (row, scene.visible_rows.max(1))),
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

    /// A click chooses a command; one on the chosen one does it.
    fn click_command(&mut self, row: usize, scene: &Scene) -> Vec<Effect> {
        let Some(Popup::Commands(commands)) = &mut self.popup else { return Vec::new() };
        if commands.row == row {
            return self.act_on_commands(Action::Open, scene);
        }
        commands.row = row;
        Vec::new()
    }

    fn open(&mut self, commands: Commands) -> Vec<Effect> {
        self.popup = Some(Popup::Commands(commands));
        Vec::new()
    }

    fn act_on_screen(&mut self, action: Action, scene: &Scene) -> Vec<Effect> {
        let history = history_of(&self.train, &self.runs, self.screen);
        if history.is_some_and(|history| self.chart.act(action, history)) {
            return Vec::new();
        }
        match action {
            Action::Back if self.step_out() => Vec::new(),
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
                self.popup = Some(Popup::Queue(0));
                vec![Effect::LoadQueue]
            }
            Action::Attach => self.attach_chosen(),
            Action::ResumeRun => self.resume_chosen(),
            Action::Again => self.run_again(),
            Action::NextRun => self.inspect_neighbour(true),
            Action::PreviousRun => self.inspect_neighbour(false),
            _ => match self.screen {
                Screen::Data => self.data.act(action, scene),
                Screen::Train => self.train.act(action),
                Screen::Runs => self.act_on_runs(action, scene),
                Screen::Inspect => self.inspect.act(action),
            },
        }
    }

    /// Leaves the innermost of cursor, zoomed stretch and zoomed pane; false where there is none.
    fn step_out(&mut self) -> bool {
        let charts = history_of(&self.train, &self.runs, self.screen).is_some();
        (charts && self.chart.step_out()) || std::mem::take(&mut self.zoomed)
    }

    /// Works through the queue, unless that goes on already.
    fn run_queue(&mut self) -> Vec<Effect> {
        if self.train.is_running() || self.train.queue.waiting() == 0 {
            return Vec::new();
        }
        self.train.queue.at_work = true;
        self.popup = None;
        self.screen = Screen::Train;
        vec![Effect::RunQueue]
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
                self.train.act(Action::Stop)
            }
            Some(Popup::Question(Question::Quit)) => vec![Effect::Quit],
            Some(Popup::Question(Question::EmptyTrash)) => vec![Effect::Runs(RunsWork::EmptyTrash)],
            Some(Popup::Question(Question::Overwrite { path })) => self.export(&path, true),
            _ => Vec::new(),
        }
    }

    /// The newest run, where it can go on.
    #[must_use]
    pub fn newest_resumable(&self) -> Option<&Run> {
        let newest = self.runs.rows().iter().max_by(|a, b| a.started_at.cmp(&b.started_at))?;
        runs::resumable(newest).map(|_| newest)
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
            (Action::ResumeRun, Place::Form) => !self.train.is_running() && self.newest_resumable().is_some(),
            (Action::Keep, Place::Finder) => self.train.finder.as_ref().and_then(Finder::rate).is_some(),
            (Action::Back, Place::Form) => self.train.planning,
            (Action::ResumeRun, _) => !self.train.is_running() && run.and_then(runs::resumable).is_some(),
            (Action::InspectRun, _) => run.is_some_and(|run| run.best_epoch.is_some()),
            (Action::Attach, _) => run.is_some_and(|run| run.state == RunState::Running),
            (Action::Compare, Place::Runs) => !self.runs.comparable().is_empty(),
            (Action::Undo, _) => self.runs.can_undo(),
            (Action::Open | Action::Sort | Action::Filter, Place::Runs) => !self.runs.rows().is_empty(),
            (Action::Delete | Action::Mark, Place::Runs) => !self.runs.shown().rows.is_empty(),
            (Action::Baseline | Action::Star | Action::Rename | Action::Note | Action::CopyValue, _) => run.is_some(),
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
        let chosen = if self.place() == Place::Form { self.newest_resumable() } else { self.looked_at() };
        let run = chosen.and_then(|run| Some((run.started.clone(), runs::resumable(run)?)));
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
        let mut asked = Vec::new();
        if let TrainMessage::Started { run_id, .. } = &message {
            self.runs.expected = Some(run_id.clone());
            asked.push(self.load_earlier(run_id, None));
        }
        // A step says nothing that the log would.
        let told =
            !matches!(message, TrainMessage::Event(TrainEvent::Step(_) | TrainEvent::Phase(Phase::Training { .. })));
        asked.extend(self.log.iter().filter(|_| told).map(Log::load));
        let mut effects = self.train.hear(message);
        effects.extend(asked);
        if ended {
            effects.extend(self.train.live.as_ref().map(|live| Effect::Notify(live.ending())));
        }
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

    /// The earlier runs to be laid behind the curves of a run.
    #[must_use]
    pub fn earlier(&self, run_id: Option<&str>) -> Vec<(&str, &History)> {
        let others = self.earlier.iter().filter(|earlier| Some(earlier.run_id.as_str()) != run_id);
        others.map(|earlier| (earlier.name.as_str(), &earlier.history)).collect()
    }

    /// The log of a run, where it is shown.
    #[must_use]
    pub fn log_of(&self, run_id: Option<&str>) -> Option<&Log> {
        self.log.as_ref().filter(|log| Some(log.run_id.as_str()) == run_id)
    }

    /// Asks for the newest finished runs on the same data as the one that is shown.
    fn load_earlier(&mut self, run_id: &str, data: Option<&Path>) -> Effect {
        const MOST: usize = 3;
        let finished = self.runs.rows().iter().filter(|run| run.state == RunState::Finished && run.folds().is_none());
        let same = |run: &&Run| run.started.id != run_id && data.is_none_or(|data| run.started.data == data);
        let mut others: Vec<&Run> = finished.filter(same).filter(|run| run.started.parent.is_none()).collect();
        others.sort_by(|a, b| b.started_at.cmp(&a.started_at));
        Effect::LoadEarlier(others.into_iter().take(MOST).map(|run| run.started.id.clone()).collect())
    }

    /// Shows the log of the run that is looked at, or no more.
    fn toggle_log(&mut self) -> Vec<Effect> {
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

    /// Shows a run that another process trains on Train, where there is nothing else and nobody is busy with it.
    fn attach_to_newest(&mut self) -> Vec<Effect> {
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

    /// Shows the chosen run on Train, where it is under way.
    fn attach_chosen(&mut self) -> Vec<Effect> {
        let Some(run) = self.runs.chosen().filter(|run| run.state == RunState::Running).cloned() else {
            return Vec::new();
        };
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

/// What the charts of a screen show.
fn history_of<'a>(train: &'a TrainScreen, runs: &'a RunsScreen, screen: Screen) -> Option<&'a History> {
    match (screen, &runs.detail) {
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
