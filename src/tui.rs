//! The terminal program: takes the terminal, runs the loop, gives it back.

mod clipboard;
mod graphics;
mod late;
mod log;
mod memory;
mod notify;
mod terminal;
mod typed;
mod wake;
mod workers;

use std::io::{self, Write};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use anyhow::Context;
use ratatui::crossterm::event::{self, Event, KeyCode, KeyEvent, KeyModifiers};
use signal_hook::consts::{SIGCONT, SIGHUP, SIGINT, SIGTERM, SIGWINCH};

use crate::app::App;
use crate::app::keymap::Keymap;
use crate::app::message::{Effect, Message};
use crate::app::scene::{Cells, Colours, Display, Scene, ThemeName};
use crate::app::view::View;
use crate::config::place::environment;
use crate::config::{self, ScreenSettings, Settings};
use crate::session::Workplace;
use graphics::Graphics;
use late::LateAnswer;
use terminal::Screen;
use wake::{Wake, Woken};
use workers::Workers;

/// At most 60 frames a second.
const FRAME: Duration = Duration::from_micros(16_667);

/// A frame waits so long at most for a picture that is on its way: most files are decoded by then.
const PICTURE: Duration = Duration::from_millis(30);

/// How long a run may take to stop when the program is told to end by a signal or loses its terminal: a batch of 64
/// takes half a minute on two cores.
const PATIENCE: Duration = Duration::from_mins(5);

/// What the terminal program begins with, where that is not the data set.
#[derive(Debug, Clone, Default)]
pub struct Opening {
    pub pictures: Vec<PathBuf>,
    /// The run that answers for them.
    pub run_id: Option<String>,
}

/// Opens the terminal program and returns when the user leaves it.
///
/// # Errors
/// Where there is no terminal, or it fails. It is given back in any case.
pub fn run(place: Workplace, settings: &Settings, keymap: Keymap, opening: Opening) -> anyhow::Result<()> {
    let shown = settings.screen;
    let mut app = App::new(settings.train.clone(), display(shown));
    (app.keymap, app.named_run) = (keymap, opening.run_id);
    let view = memory::recall();
    view.apply(&mut app);
    let mut screen = Screen::take(shown.mouse).context("cannot open the screen")?;
    let wake = Wake::new().context("cannot open a pipe")?;
    let (sender, inbox) = channel();
    let workers = Workers::new(place, settings.train.clone(), wake.outbox(sender));
    let told = Told::default();
    watch_signals(&wake, &told).context("cannot watch for signals")?;
    let (scene, wants) = (Scene::default(), Vec::new());
    let (graphics, cell, late, awaited) = (None, None, None, None);
    let mut program = Program { app, scene, workers, wake, inbox, told, shown, graphics, cell, late, wants, awaited };
    let result = program.run(&mut screen, opening.pictures);
    drop(screen);
    memory::keep(&View::of(&program.app, &view));
    // Who leaves while the run is still stopping has said that it need not be waited for.
    let hurried = program.app.leaving && !program.lost_terminal();
    program.workers.leave(if hurried { Duration::ZERO } else { PATIENCE });
    // Nobody is left to be told that the terminal has gone.
    if program.lost_terminal() { Ok(()) } else { result.context("the terminal failed") }
}

/// What signals have told and nobody has obeyed yet.
#[derive(Debug, Clone, Default)]
struct Told {
    end: Arc<AtomicBool>,
    /// By an interrupt, which viuer raises too where it reads Ctrl-C.
    interrupt: Arc<AtomicBool>,
    /// The next signal that somebody sends on purpose ends the process at once.
    again: Arc<AtomicBool>,
    /// The process goes on after it was stopped: the shell had the terminal meanwhile.
    go_on: Arc<AtomicBool>,
}

impl Told {
    fn to_end(&self) -> bool {
        self.end.load(Ordering::Relaxed) || self.interrupt.load(Ordering::Relaxed)
    }

    /// Takes an interrupt back, as if it had not come; whether it had.
    fn forget_interrupt(&self) -> bool {
        let come = self.interrupt.swap(false, Ordering::Relaxed);
        if come {
            self.again.store(false, Ordering::Relaxed);
        }
        come
    }
}

fn watch_signals(wake: &Wake, told: &Told) -> io::Result<()> {
    // A second one of those that somebody sends on purpose ends the process at once. A terminal that closes sends
    // hang-ups, from the system and from the shell: they must not cost the run its checkpoint.
    for signal in [SIGTERM, SIGINT] {
        signal_hook::flag::register_conditional_shutdown(signal, 1, Arc::clone(&told.again))?;
        signal_hook::flag::register(signal, Arc::clone(&told.again))?;
    }
    for signal in [SIGTERM, SIGHUP] {
        signal_hook::flag::register(signal, Arc::clone(&told.end))?;
    }
    signal_hook::flag::register(SIGINT, Arc::clone(&told.interrupt))?;
    signal_hook::flag::register(SIGCONT, Arc::clone(&told.go_on))?;
    wake.on_signals(&[SIGTERM, SIGHUP, SIGINT, SIGWINCH, SIGCONT])
}

/// As the settings and the environment have it; what only the terminal knows comes later.
fn display(shown: ScreenSettings) -> Display {
    let colours = match crate::terminal::colours(shown.colours, &environment).0 {
        config::Colours::None => Colours::None,
        config::Colours::Sixteen => Colours::Sixteen,
        config::Colours::True => Colours::True,
        config::Colours::Auto | config::Colours::Indexed => Colours::Indexed,
    };
    let theme = match shown.theme {
        config::Theme::Auto if crate::terminal::background::is_light(&environment) == Some(true) => ThemeName::Light,
        config::Theme::Auto | config::Theme::Dark => ThemeName::Dark,
        config::Theme::Light => ThemeName::Light,
        config::Theme::ColourBlind => ThemeName::ColourBlind,
        config::Theme::ColourBlindLight => ThemeName::ColourBlindLight,
    };
    let cells = match crate::terminal::cells::cells(shown.cells, &environment).0 {
        config::Cells::Auto | config::Cells::Half => Cells::Half,
        config::Cells::Quadrants => Cells::Quadrants,
        config::Cells::Sextants => Cells::Sextants,
    };
    let ascii = crate::terminal::is_ascii(shown.ascii, &environment);
    Display {
        colours,
        theme,
        theme_chosen: shown.theme != config::Theme::Auto,
        ascii,
        mouse: shown.mouse,
        cells,
        cell: None,
    }
}

struct Program {
    app: App,
    /// What the last frame laid out.
    scene: Scene,
    workers: Workers,
    wake: Wake,
    inbox: Receiver<Message>,
    told: Told,
    shown: ScreenSettings,
    graphics: Option<Graphics>,
    /// Pixels of a cell, as the terminal said when it was asked; the system may know it better.
    cell: Option<(u16, u16)>,
    /// An answer of the terminal that has not come yet.
    late: Option<LateAnswer>,
    /// What is to be done to the terminal once all input is taken in.
    wants: Vec<Effect>,
    /// The picture that is waited for, and since when.
    awaited: Option<(u64, Instant)>,
}

impl Program {
    fn run(&mut self, screen: &mut Screen, pictures: Vec<PathBuf>) -> io::Result<()> {
        let mut effects = self.app.start();
        if !pictures.is_empty() {
            effects.extend(self.app.open_pictures(pictures));
        }
        self.draw(screen)?;
        let mut drawn = Instant::now();
        if !self.carry_out(effects) {
            return Ok(());
        }
        if !self.ask_terminal() {
            return Ok(());
        }
        loop {
            let rest = self.graphics.as_ref().and_then(|graphics| graphics.rest(Instant::now()));
            let wait = if self.app.dirty { Some(self.until_due(drawn)) } else { rest };
            if self.wake.sleep(wait)? == Woken::HungUp {
                self.told.end.store(true, Ordering::Relaxed);
            }
            if !self.take_in()? {
                return Ok(());
            }
            self.obey(screen)?;
            if self.app.dirty && self.until_due(drawn).is_zero() {
                self.draw(screen)?;
                drawn = Instant::now();
            }
            if !self.print() {
                return Ok(());
            }
        }
    }

    /// How long the next frame has time. One that waits for a picture waits a little longer: it would be seen without it for
    /// a moment, and flicker.
    fn until_due(&mut self, drawn: Instant) -> Duration {
        let frame = FRAME.saturating_sub(drawn.elapsed());
        let Some(generation) = self.app.awaited_picture() else { return frame };
        let since = match self.awaited {
            Some((of, since)) if of == generation => since,
            _ => self.awaited.insert((generation, Instant::now())).1,
        };
        // Where keys come faster than pictures, the screen goes on all the same.
        let patience = PICTURE.saturating_sub(since.elapsed()).min((2 * PICTURE).saturating_sub(drawn.elapsed()));
        frame.max(patience)
    }

    /// What was asked of the terminal itself, by the user or by a signal.
    fn obey(&mut self, screen: &mut Screen) -> io::Result<()> {
        let mouse = self.app.display.mouse;
        let went_on = self.told.go_on.swap(false, Ordering::Relaxed);
        if self.wants.is_empty() && !went_on {
            return Ok(());
        }
        let wiped = went_on || self.wants.iter().any(|effect| matches!(effect, Effect::Suspend | Effect::Redraw));
        for effect in std::mem::take(&mut self.wants) {
            match effect {
                Effect::Suspend => screen.suspend(mouse)?,
                Effect::TakeMouse(mouse) => screen.set_mouse(mouse)?,
                Effect::Notify(text) => screen.send(&notify::bytes(&text, self.shown.notify))?,
                _ => screen.clear()?,
            }
        }
        if went_on {
            screen.take_again(mouse)?;
        }
        if !wiped {
            return Ok(());
        }
        self.app.dirty = true;
        self.graphics.as_mut().map_or(Ok(()), Graphics::remove)
    }

    /// All input and all messages; false when it is time to leave.
    fn take_in(&mut self) -> io::Result<bool> {
        if self.told.to_end() {
            return Ok(self.tell(Message::Terminate));
        }
        while event::poll(Duration::ZERO)? {
            let event = event::read()?;
            if let (Event::Key(key), Some(late)) = (&event, &mut self.late)
                && late.takes(*key)
            {
                continue;
            }
            if let Some(message) = message_of(event)
                && !self.tell(message)
            {
                return Ok(false);
            }
        }
        while let Ok(message) = self.inbox.try_recv() {
            if !self.tell(message) {
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn tell(&mut self, message: Message) -> bool {
        let effects = self.app.update(message, &self.scene);
        self.carry_out(effects)
    }

    fn carry_out(&mut self, effects: Vec<Effect>) -> bool {
        for effect in effects {
            match effect {
                Effect::Quit => return false,
                Effect::Suspend | Effect::Redraw | Effect::TakeMouse(_) | Effect::Notify(_) => self.wants.push(effect),
                Effect::Copy(text) => copy(&text),
                _ => self.workers.carry_out(effect),
            }
        }
        true
    }

    /// Asks the terminal for its background and what pictures it shows.
    fn ask_terminal(&mut self) -> bool {
        let found = crate::terminal::graphics::detect(self.shown.graphics == config::Graphics::Auto);
        self.graphics = found.protocol.map(Graphics::new);
        self.cell = found.cell;
        self.late = (found.asked && (found.light.is_none() || !found.answered)).then(LateAnswer::new);
        // Pictures may have to be drawn in another shape now.
        self.app.dirty |= found.cell.is_some();
        if let Some(light) = found.light {
            self.app.display.suit_background(light);
            self.app.dirty = true;
        }
        self.press(typed::keys(&found.typed))
    }

    fn draw(&mut self, screen: &mut Screen) -> io::Result<()> {
        self.app.dirty = false;
        self.app.display.cell = crate::terminal::cell().or(self.cell);
        self.scene = screen.draw(&self.app, self.graphics.as_mut())?;
        Ok(())
    }

    /// Prints the picture in pixels once it stands still; false when it is time to leave.
    fn print(&mut self) -> bool {
        let now = Instant::now();
        let due = |graphics: &&mut Graphics| graphics.rest(now) == Some(Duration::ZERO);
        let Some(graphics) = self.graphics.as_mut().filter(due) else { return true };
        if self.app.dirty || self.told.to_end() {
            return true;
        }
        let mut keys = graphics.print();
        if self.told.forget_interrupt() {
            keys.push(KeyEvent::new(KeyCode::Char('c'), KeyModifiers::CONTROL));
        }
        self.press(keys)
    }

    fn press(&mut self, keys: Vec<KeyEvent>) -> bool {
        keys.into_iter().all(|key| self.tell(Message::Key(key)))
    }

    fn lost_terminal(&self) -> bool {
        self.told.to_end()
    }
}

/// Into the terminal's clipboard. One that refuses says nothing.
fn copy(text: &str) {
    let mut out = io::stdout().lock();
    let _ = out.write_all(clipboard::bytes(text, notify::in_tmux()).as_bytes()).and_then(|()| out.flush());
}

fn message_of(event: Event) -> Option<Message> {
    match event {
        Event::Key(key) => Some(Message::Key(key)),
        Event::Mouse(mouse) => Some(Message::Mouse(mouse)),
        Event::Paste(text) => Some(Message::Paste(text)),
        Event::Resize(..) => Some(Message::Resize),
        Event::FocusGained | Event::FocusLost => None,
    }
}
