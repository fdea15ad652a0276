//! The terminal, taken over and given back whole, whatever happens.

use std::io::{self, BufWriter, IsTerminal, Stdout, Write};
use std::mem::ManuallyDrop;
use std::panic;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, ThreadId};
use std::time::Instant;

use ratatui::backend::CrosstermBackend;
use ratatui::crossterm::cursor::{Hide, Show};
use ratatui::crossterm::event::{DisableBracketedPaste, EnableBracketedPaste};
use ratatui::crossterm::style::Print;
use ratatui::crossterm::terminal::{
    BeginSynchronizedUpdate, EndSynchronizedUpdate, EnterAlternateScreen, LeaveAlternateScreen, disable_raw_mode,
    enable_raw_mode,
};
use ratatui::crossterm::{execute, queue};
use ratatui::layout::{Position, Rect};
use rustix::fs::{Mode, OFlags};

use super::graphics::{self, Graphics, Placed};
use super::log;
use crate::app::App;
use crate::app::scene::Scene;
use crate::ui;

/// Buttons, wheel and what is dragged, in SGR coordinates; not every movement, which would wake the program for nothing.
const MOUSE_ON: &str = "\x1b[?1000h\x1b[?1002h\x1b[?1006h";
const MOUSE_OFF: &str = "\x1b[?1006l\x1b[?1002l\x1b[?1000l";

static TAKEN: AtomicBool = AtomicBool::new(false);

/// The screen while it is ours; dropping it gives it back. ratatui's own drop prints to a terminal that is gone, and panics.
#[derive(Debug)]
pub struct Screen(ManuallyDrop<ratatui::Terminal<CrosstermBackend<BufWriter<Stdout>>>>);

impl Screen {
    /// Takes the terminal over, with its mouse or without.
    ///
    /// # Errors
    /// If there is none, or it refuses.
    pub fn take(mouse: bool) -> io::Result<Self> {
        if !(io::stdin().is_terminal() && io::stdout().is_terminal()) {
            let text = "the terminal program needs a terminal for input and output; \
                        `xray-tui --help` lists the commands that do not";
            return Err(io::Error::other(text));
        }
        restore_on_panic(thread::current().id());
        let _ = read_without_waiting();
        Self::begin(mouse).inspect_err(|_| give_back())
    }

    fn begin(mouse: bool) -> io::Result<Self> {
        let mut out = BufWriter::with_capacity(1 << 16, io::stdout());
        set_up(&mut out, mouse)?;
        Ok(Self(ManuallyDrop::new(ratatui::Terminal::new(CrosstermBackend::new(out))?)))
    }

    /// Gives the terminal back and stops the process, until the shell brings it to the front again.
    ///
    /// # Errors
    /// If the terminal can't be taken again.
    pub fn suspend(&mut self, mouse: bool) -> io::Result<()> {
        self.0.backend_mut().flush()?;
        give_back();
        // Where no shell could bring it back, the system ignores the signal, and the program goes on at once.
        rustix::process::kill_current_process_group(rustix::process::Signal::TSTP)?;
        self.take_again(mouse)
    }

    /// Sets the terminal up anew, whatever was done to it meanwhile.
    ///
    /// # Errors
    /// If the terminal can't be written to.
    pub fn take_again(&mut self, mouse: bool) -> io::Result<()> {
        set_up(self.0.backend_mut(), mouse)?;
        self.clear()
    }

    /// Sends a sequence that shows nothing.
    ///
    /// # Errors
    /// If the terminal can't be written to.
    pub fn send(&mut self, sequence: &str) -> io::Result<()> {
        execute!(self.0.backend_mut(), Print(sequence))
    }

    /// Takes the mouse or leaves it to the terminal.
    ///
    /// # Errors
    /// If the terminal can't be written to.
    pub fn set_mouse(&mut self, mouse: bool) -> io::Result<()> {
        execute!(self.0.backend_mut(), Print(if mouse { MOUSE_ON } else { MOUSE_OFF }))
    }

    /// Draws the app around and over what is printed in pixels; the terminal shows the frame whole or not at all.
    ///
    /// # Errors
    /// If the terminal can't be written to.
    pub fn draw(&mut self, app: &App, graphics: Option<&mut Graphics>) -> io::Result<Scene> {
        let (mut scene, mut gone) = (Scene::default(), false);
        queue!(self.0.backend_mut(), BeginSynchronizedUpdate)?;
        self.0.draw(|frame| {
            scene = ui::draw(frame, app);
            let wanted = Placed::find(app, &scene, frame.area());
            gone = graphics.is_some_and(|graphics| graphics.make_room(frame.buffer_mut(), wanted, Instant::now()));
        })?;
        if gone {
            graphics::delete_all(self.0.backend_mut())?;
        }
        execute!(self.0.backend_mut(), EndSynchronizedUpdate)?;
        Ok(scene)
    }

    /// Makes the next frame draw every cell.
    ///
    /// # Errors
    /// If the terminal can't be written to.
    pub fn clear(&mut self) -> io::Result<()> {
        // ratatui's own `clear` asks the terminal for its cursor and waits for the answer.
        let size = self.0.size()?;
        self.0.resize(Rect::from((Position::ORIGIN, size)))
    }
}

fn set_up(out: &mut impl Write, mouse: bool) -> io::Result<()> {
    enable_raw_mode()?;
    TAKEN.store(true, Ordering::SeqCst);
    execute!(out, EnterAlternateScreen, Print(if mouse { MOUSE_ON } else { "" }), EnableBracketedPaste, Hide)
}

/// Opens the terminal once more as standard input, so that a read never waits for the rest of a sequence: crossterm
/// would, and the screen with it. The old one is shared with standard output and the shell, who want to wait.
fn read_without_waiting() -> rustix::io::Result<()> {
    let name = rustix::termios::ttyname(io::stdin(), Vec::new())?;
    let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
    rustix::stdio::dup2_stdin(rustix::fs::open(name, flags, Mode::empty())?)
}

impl Drop for Screen {
    fn drop(&mut self) {
        let _ = self.0.backend_mut().flush();
        give_back();
    }
}

/// Puts the terminal back as it was; harmless when that is done already. A dead terminal is no reason to fail.
pub fn give_back() {
    if !TAKEN.swap(false, Ordering::SeqCst) {
        return;
    }
    let mut out = io::stdout();
    let _ = execute!(out, EndSynchronizedUpdate);
    let _ = graphics::delete_all(&mut out);
    let _ = execute!(out, DisableBracketedPaste, Print(MOUSE_OFF), LeaveAlternateScreen, Show);
    let _ = disable_raw_mode();
}

/// A panic of the UI thread gives the terminal back and is shown; one of another thread goes to the log, as the
/// program goes on.
fn restore_on_panic(ui: ThreadId) {
    let default = panic::take_hook();
    panic::set_hook(Box::new(move |info| {
        log::line(&format!("panic on thread {}: {info}", thread::current().name().unwrap_or("unnamed")));
        if thread::current().id() == ui {
            give_back();
            default(info);
        }
    }));
}
