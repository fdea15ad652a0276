//! The terminal program: takes the terminal, runs the loop, gives it back.

mod graphics;
mod log;
mod terminal;
mod wake;
mod workers;

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use anyhow::Context;
use ratatui::crossterm::event::{self, Event};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM, SIGWINCH};

use crate::app::App;
use crate::app::message::{Effect, Loadable, Message};
use crate::app::scene::{Colours, Display, Scene};
use crate::config::place::environment;
use crate::config::{self, Settings};
use crate::session::Workplace;
use graphics::Graphics;
use terminal::Screen;
use wake::{Wake, Woken};
use workers::Workers;

/// At most 60 frames a second.
const FRAME: Duration = Duration::from_micros(16_667);

/// How long a run may take to stop when the program is told to end by a signal or loses its terminal: a batch of 64
/// takes half a minute on two cores.
const PATIENCE: Duration = Duration::from_mins(5);

/// Opens the terminal program and returns when the user leaves it.
///
/// # Errors
/// Where there is no terminal, or it fails. It is given back in any case.
pub fn run(place: Workplace, settings: &Settings) -> anyhow::Result<()> {
    let shown = settings.screen;
    let mut screen = Screen::take(shown.mouse).context("cannot open the screen")?;
    let wake = Wake::new().context("cannot open a pipe")?;
    let (sender, inbox) = channel();
    let workers = Workers::new(place, wake.outbox(sender));
    let app = App::new(settings.train.clone(), Display { colours: colours(shown.colours), pixels: false });
    let told_to_end = Arc::new(AtomicBool::new(false));
    watch_signals(&wake, &told_to_end).context("cannot watch for signals")?;
    let may_have_pixels = shown.graphics == config::Graphics::Auto;
    let scene = Scene::default();
    let mut program = Program { app, scene, workers, wake, inbox, told_to_end, may_have_pixels, graphics: None };
    let result = program.run(&mut screen);
    drop(screen);
    // Who leaves while the run is still stopping has said that it need not be waited for.
    let hurried = program.app.leaving && !program.lost_terminal();
    program.workers.leave(if hurried { Duration::ZERO } else { PATIENCE });
    // Nobody is left to be told that the terminal has gone.
    if program.lost_terminal() { Ok(()) } else { result.context("the terminal failed") }
}

fn watch_signals(wake: &Wake, told_to_end: &Arc<AtomicBool>) -> io::Result<()> {
    // A second one of those that somebody sends on purpose ends the process at once. A terminal that closes sends
    // hang-ups, from the system and from the shell: they must not cost the run its checkpoint.
    let again = Arc::new(AtomicBool::new(false));
    for signal in [SIGTERM, SIGINT] {
        signal_hook::flag::register_conditional_shutdown(signal, 1, Arc::clone(&again))?;
        signal_hook::flag::register(signal, Arc::clone(&again))?;
    }
    for signal in [SIGTERM, SIGHUP, SIGINT] {
        signal_hook::flag::register(signal, Arc::clone(told_to_end))?;
    }
    wake.on_signals(&[SIGTERM, SIGHUP, SIGINT, SIGWINCH])
}

fn colours(wanted: config::Colours) -> Colours {
    match crate::terminal::colours(wanted, &environment).0 {
        config::Colours::None => Colours::None,
        config::Colours::True => Colours::True,
        config::Colours::Auto | config::Colours::Sixteen | config::Colours::Indexed => Colours::Indexed,
    }
}

struct Program {
    app: App,
    /// What the last frame laid out.
    scene: Scene,
    workers: Workers,
    wake: Wake,
    inbox: Receiver<Message>,
    told_to_end: Arc<AtomicBool>,
    may_have_pixels: bool,
    graphics: Option<Graphics>,
}

impl Program {
    fn run(&mut self, screen: &mut Screen) -> io::Result<()> {
        let effects = self.app.start();
        self.draw(screen)?;
        let mut drawn = Instant::now();
        if !self.carry_out(effects) {
            return Ok(());
        }
        if !self.find_graphics() {
            return Ok(());
        }
        loop {
            let wait = self.app.dirty.then(|| FRAME.saturating_sub(drawn.elapsed()));
            if self.wake.sleep(wait)? == Woken::HungUp {
                self.told_to_end.store(true, Ordering::Relaxed);
            }
            if !self.take_in()? {
                return Ok(());
            }
            if self.app.dirty && drawn.elapsed() >= FRAME {
                self.draw(screen)?;
                drawn = Instant::now();
            }
        }
    }

    /// All input and all messages; false when it is time to leave.
    fn take_in(&mut self) -> io::Result<bool> {
        if self.told_to_end.load(Ordering::Relaxed) {
            return Ok(self.tell(Message::Terminate));
        }
        while event::poll(Duration::ZERO)? {
            if let Some(message) = message_of(event::read()?)
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
            if effect == Effect::Quit {
                return false;
            }
            self.workers.carry_out(effect);
        }
        true
    }

    fn find_graphics(&mut self) -> bool {
        if !self.may_have_pixels {
            return true;
        }
        let (protocol, keys) = graphics::detect();
        self.graphics = protocol.map(Graphics::new);
        self.app.display.pixels = self.graphics.is_some();
        keys.into_iter().all(|key| self.tell(Message::Key(key)))
    }

    fn draw(&mut self, screen: &mut Screen) -> io::Result<()> {
        self.app.dirty = false;
        self.scene = screen.draw(&self.app)?;
        let Some(graphics) = &mut self.graphics else { return Ok(()) };
        if graphics.is_stale(self.scene.picture) {
            graphics.remove()?;
            screen.clear()?;
            self.scene = screen.draw(&self.app)?;
        }
        if let (Some(wanted), Loadable::Ready(picture)) = (self.scene.picture, &self.app.inspect.picture) {
            for key in graphics.show(wanted, picture) {
                self.workers.outbox.send(Message::Key(key));
            }
        }
        Ok(())
    }

    fn lost_terminal(&self) -> bool {
        self.told_to_end.load(Ordering::Relaxed)
    }
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
