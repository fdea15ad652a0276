//! A real pseudo-terminal with a program in it and the screen that it draws, for tests that wait for text, not time.

#![allow(dead_code, reason = "each test and example uses its own part of it")]
#![allow(clippy::unwrap_used, reason = "a test may panic")]

use std::fmt::Write as _;
use std::io::{ErrorKind, Read, Write};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use portable_pty::{Child, CommandBuilder, ExitStatus, MasterPty, PtySize, native_pty_system};
use rustix::io::Errno;
use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, kill_process, kill_process_group, waitid};

/// Whatever would tell the program about the terminal that the tests run in.
const OUTER: [&str; 18] = [
    "COLORTERM",
    "NO_COLOR",
    "TMUX",
    "STY",
    "ZELLIJ",
    "TERM_PROGRAM",
    "TERM_PROGRAM_VERSION",
    "LC_TERMINAL",
    "KITTY_WINDOW_ID",
    "KITTY_PID",
    "WEZTERM_EXECUTABLE",
    "VTE_VERSION",
    "XTERM_VERSION",
    "KONSOLE_VERSION",
    "ALACRITTY_WINDOW_ID",
    "WT_SESSION",
    "LINES",
    "COLUMNS",
];

/// How long a dropped terminal waits for the output to end; a stray grandchild may hold it open for ever.
const PARTING: Duration = Duration::from_secs(5);

/// Queries, each with what the terminal replies. The first that matches at a place is the one that is answered.
pub type Answers = &'static [(&'static [u8], &'static [u8])];

/// What a terminal replies to each piece of the program's output, which may be cut anywhere.
pub type Reply = Box<dyn FnMut(&[u8]) -> Vec<u8> + Send>;

/// Keys as xterm sends them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Key {
    Up,
    Down,
    Right,
    Left,
    Home,
    End,
    PageUp,
    PageDown,
    Insert,
    Delete,
    Backspace,
    Enter,
    Tab,
    BackTab,
    /// Followed at once by another key it reads as Alt with that key: wait for its effect first.
    Escape,
    Function(u8),
    /// Control with a letter.
    Control(char),
    Char(char),
}

impl Key {
    /// The bytes that the key sends.
    pub fn bytes(self) -> String {
        match self {
            Self::Up => "\x1b[A".into(),
            Self::Down => "\x1b[B".into(),
            Self::Right => "\x1b[C".into(),
            Self::Left => "\x1b[D".into(),
            Self::Home => "\x1b[H".into(),
            Self::End => "\x1b[F".into(),
            Self::Insert => "\x1b[2~".into(),
            Self::Delete => "\x1b[3~".into(),
            Self::PageUp => "\x1b[5~".into(),
            Self::PageDown => "\x1b[6~".into(),
            Self::Backspace => "\x7f".into(),
            Self::Enter => "\r".into(),
            Self::Tab => "\t".into(),
            Self::BackTab => "\x1b[Z".into(),
            Self::Escape => "\x1b".into(),
            Self::Function(number) => function_key(number),
            Self::Control(letter) => char::from(u8::try_from(letter).unwrap() & 0x1f).into(),
            Self::Char(letter) => letter.into(),
        }
    }
}

fn function_key(number: u8) -> String {
    match number {
        1..=4 => format!("\x1bO{}", char::from(b'O' + number)),
        5 => "\x1b[15~".into(),
        6..=10 => format!("\x1b[{}~", number + 11),
        11 | 12 => format!("\x1b[{}~", number + 12),
        _ => panic!("there is no key F{number}"),
    }
}

/// What has come from the program so far.
struct State {
    parser: vt100::Parser,
    raw: Vec<u8>,
    /// Whether more output may come.
    open: bool,
    /// Whether the parser has panicked.
    broken: bool,
    exit: Option<ExitStatus>,
}

impl State {
    /// The whole screen in a frame, with what is known of the program, for a test that fails.
    fn picture(&self) -> String {
        let screen = self.parser.screen();
        let (rows, columns) = screen.size();
        let edge = format!("+{}+\n", "-".repeat(columns.into()));
        let mut text = format!("the screen, {rows} rows of {columns}:\n{edge}");
        for row in screen.rows(0, columns) {
            let _ = writeln!(text, "|{row}{}|", " ".repeat(usize::from(columns).saturating_sub(row.chars().count())));
        }
        let ended = self.exit.as_ref().map_or("runs".into(), |status| format!("ended ({status})"));
        let output = if self.open { "open" } else { "closed" };
        format!("{text}{edge}the program {ended}, its output is {output}, {} bytes came from it", self.raw.len())
    }
}

struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

impl Shared {
    /// A failed assertion in a waiting closure must not hide the screen from what comes after it.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn change(&self, change: impl FnOnce(&mut State)) {
        change(&mut self.lock());
        self.changed.notify_all();
    }

    fn wait<'a>(&self, state: MutexGuard<'a, State>, at_most: Duration) -> MutexGuard<'a, State> {
        self.changed.wait_timeout(state, at_most).unwrap_or_else(PoisonError::into_inner).0
    }
}

/// A program in a pseudo-terminal. Dropping it kills the program.
pub struct Terminal {
    /// How long a wait may last before it fails; 60 seconds at first.
    pub patience: Duration,
    shared: Arc<Shared>,
    master: Box<dyn MasterPty + Send>,
    /// Pixels of a cell, across and down.
    cell: (u16, u16),
    writer: Arc<Mutex<Box<dyn Write + Send>>>,
    pid: Pid,
    /// Where in the raw output `wait_for_raw` begins to look.
    mark: usize,
    reader: Option<JoinHandle<()>>,
    waiter: Option<JoinHandle<()>>,
}

impl Terminal {
    /// Starts `command` in a terminal that answers no query. It runs in the caller's folder unless `command` names
    /// one, with `TERM=xterm-256color` and without hints of the outer terminal unless `command` sets them.
    pub fn start(command: CommandBuilder, rows: u16, columns: u16) -> Self {
        Self::start_answering(command, (rows, columns), &[])
    }

    /// Starts `command` in a terminal of `size`, rows and columns, that replies to each query of `answers` whenever
    /// it comes.
    pub fn start_answering(command: CommandBuilder, size: (u16, u16), answers: Answers) -> Self {
        let mut unanswered = Vec::new();
        let reply = move |piece: &[u8]| {
            unanswered.extend_from_slice(piece);
            let (replies, at) = answer(&unanswered, answers);
            unanswered.drain(..at);
            replies.concat()
        };
        Self::start_replying(command, (size, (0, 0)), Box::new(reply))
    }

    /// Starts `command` in a terminal of a size, rows and columns, whose cells have so many pixels across and down, that
    /// replies as `reply` says.
    pub fn start_replying(command: CommandBuilder, (size, cell): ((u16, u16), (u16, u16)), reply: Reply) -> Self {
        let pair = native_pty_system().openpty(pty_size(size, cell)).unwrap();
        let child = pair.slave.spawn_command(sheltered(command)).unwrap();
        drop(pair.slave);
        let pid = Pid::from_raw(child.process_id().unwrap().try_into().unwrap()).unwrap();
        let output = pair.master.try_clone_reader().unwrap();
        let writer = Arc::new(Mutex::new(pair.master.take_writer().unwrap()));
        let (rows, columns) = screen_size(size);
        let parser = vt100::Parser::new(rows, columns, 0);
        let state = State { parser, raw: Vec::new(), open: true, broken: false, exit: None };
        let shared = Arc::new(Shared { state: Mutex::new(state), changed: Condvar::new() });
        let reader = thread::spawn({
            let (shared, writer) = (Arc::clone(&shared), Arc::clone(&writer));
            move || read(output, &shared, reply, |reply| drop(writer.lock().unwrap().write_all(reply)))
        });
        let waiter = thread::spawn({
            let shared = Arc::clone(&shared);
            move || reap(child, pid, &shared)
        });
        Self {
            patience: Duration::from_mins(1),
            shared,
            master: pair.master,
            cell,
            writer,
            pid,
            mark: 0,
            reader: Some(reader),
            waiter: Some(waiter),
        }
    }

    /// Waits until the screen's text contains `text`, and returns all of the screen's text.
    #[track_caller]
    pub fn wait_for(&self, text: &str) -> String {
        self.wait(&format!("the text {text:?}"), |state| {
            Some(state.parser.screen().contents()).filter(|contents| contents.contains(text))
        })
    }

    /// Waits until `holds` says so of the screen; `what` names it in the failure. A frame comes in several pieces:
    /// ask for all that one screen must show in one call.
    #[track_caller]
    pub fn wait_until(&self, what: &str, mut holds: impl FnMut(&vt100::Screen) -> bool) {
        self.wait(what, |state| holds(state.parser.screen()).then_some(()));
    }

    /// Waits until the raw output since the mark contains `bytes`.
    #[track_caller]
    pub fn wait_for_raw(&self, bytes: &[u8]) {
        let mut from = self.mark;
        self.wait(&format!("the bytes {:?}", String::from_utf8_lossy(bytes)), |state| {
            let found = find(&state.raw[from..], bytes);
            from = (state.raw.len() + 1).saturating_sub(bytes.len()).max(from);
            found.map(drop)
        });
    }

    /// Waits until the program has ended and all of its output is here; a process that it has left behind with the
    /// terminal open is waited for too.
    #[track_caller]
    pub fn wait_for_exit(&self) -> ExitStatus {
        self.wait("the program's end", |state| state.exit.clone().filter(|_| !state.open))
    }

    /// Waits until nothing has come for `quiet`, or `at_most` has gone by, for a picture of a whole frame. Tests have
    /// no use for it: they wait for what must come. Returns whether it became quiet.
    pub fn settle(&self, quiet: Duration, at_most: Duration) -> bool {
        let deadline = Instant::now() + at_most;
        let mut state = self.shared.lock();
        let (mut length, mut since) = (state.raw.len(), Instant::now());
        loop {
            if state.raw.len() != length {
                (length, since) = (state.raw.len(), Instant::now());
            }
            let now = Instant::now();
            if !state.open || now >= since + quiet || now >= deadline {
                return now < deadline;
            }
            state = self.shared.wait(state, (since + quiet).min(deadline) - now);
        }
    }

    #[track_caller]
    fn wait<T>(&self, what: &str, mut found: impl FnMut(&State) -> Option<T>) -> T {
        let deadline = Instant::now() + self.patience;
        let mut state = self.shared.lock();
        loop {
            if let Some(value) = found(&state) {
                return value;
            }
            let left = deadline.saturating_duration_since(Instant::now());
            assert!(!state.broken, "waited for {what}, but the output broke the parser; {}", state.picture());
            let over = !state.open && state.exit.is_some();
            assert!(!over, "waited for {what}, but the program ended; {}", state.picture());
            assert!(!left.is_zero(), "waited {:?} in vain for {what}; {}", self.patience, state.picture());
            state = self.shared.wait(state, left);
        }
    }

    /// Types `text`, which may be any bytes of a terminal. At most some 4000 bytes fit while the program reads none.
    #[track_caller]
    pub fn send(&self, text: &str) {
        let mut writer = self.writer.lock().unwrap();
        writer.write_all(text.as_bytes()).unwrap();
        writer.flush().unwrap();
    }

    /// Presses a key.
    #[track_caller]
    pub fn key(&self, key: Key) {
        self.send(&key.bytes());
    }

    /// Presses and releases the left mouse button over a cell, counted from 0.
    #[track_caller]
    pub fn click(&self, row: u16, column: u16) {
        let (x, y) = (column + 1, row + 1);
        self.send(&format!("\x1b[<0;{x};{y}M\x1b[<0;{x};{y}m"));
    }

    /// Waits until `text` is on the screen, and clicks on its first cell.
    #[track_caller]
    pub fn click_on(&self, text: &str) {
        let (row, column) =
            self.wait(&format!("{text:?}, to click on it"), |state| position(state.parser.screen(), text));
        self.click(row, column);
    }

    /// Turns the mouse wheel over a cell, counted from 0, by one notch.
    #[track_caller]
    pub fn scroll(&self, row: u16, column: u16, down: bool) {
        self.send(&format!("\x1b[<{};{};{}M", if down { 65 } else { 64 }, column + 1, row + 1));
    }

    /// Where `text` first stands on the screen: row and column of its first cell, counted from 0.
    pub fn find(&self, text: &str) -> Option<(u16, u16)> {
        self.screen(|screen| position(screen, text))
    }

    /// Gives the terminal another size, and tells the program.
    #[track_caller]
    pub fn resize(&self, rows: u16, columns: u16) {
        // The screen first, so that what the program draws for the new size finds it.
        let (seen_rows, seen_columns) = screen_size((rows, columns));
        self.shared.change(|state| state.parser.screen_mut().set_size(seen_rows, seen_columns));
        self.master.resize(pty_size((rows, columns), self.cell)).unwrap();
    }

    /// The program's process number.
    pub fn pid(&self) -> Pid {
        self.pid
    }

    /// Sends a signal to the program, unless it has ended.
    #[track_caller]
    pub fn kill(&self, signal: Signal) {
        let state = self.shared.lock();
        if state.exit.is_none() {
            kill_process(self.pid, signal).unwrap();
        }
    }

    /// All bytes that the program has written.
    pub fn raw(&self) -> Vec<u8> {
        self.shared.lock().raw.clone()
    }

    /// The bytes since the mark.
    pub fn raw_since_mark(&self) -> Vec<u8> {
        self.shared.lock().raw[self.mark..].to_vec()
    }

    /// Lets `wait_for_raw` look only at what comes from now on.
    pub fn mark(&mut self) {
        self.mark = self.shared.lock().raw.len();
    }

    /// Looks at the screen as it is now.
    pub fn screen<T>(&self, look: impl FnOnce(&vt100::Screen) -> T) -> T {
        look(self.shared.lock().parser.screen())
    }

    /// The screen's text as it is now.
    pub fn contents(&self) -> String {
        self.screen(vt100::Screen::contents)
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        let state = self.shared.lock();
        if state.exit.is_none() {
            // The program leads a group of its own: what it started goes with it.
            let _ = kill_process_group(self.pid, Signal::KILL);
        }
        drop(state);
        let _ = self.waiter.take().map(JoinHandle::join);
        let deadline = Instant::now() + PARTING;
        let mut state = self.shared.lock();
        while state.open {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return;
            }
            state = self.shared.wait(state, left);
        }
        drop(state);
        let _ = self.reader.take().map(JoinHandle::join);
    }
}

fn pty_size((rows, cols): (u16, u16), (across, down): (u16, u16)) -> PtySize {
    PtySize { rows, cols, pixel_width: cols * across, pixel_height: rows * down }
}

/// The parser panics where a line wraps on a single row, or a wide character comes to a single column: it keeps a
/// screen of at least two of each, whatever the program is told.
fn screen_size((rows, columns): (u16, u16)) -> (u16, u16) {
    (rows.max(2), columns.max(2))
}

/// `command` without traces of the outer terminal, except for what the caller has set itself.
fn sheltered(mut command: CommandBuilder) -> CommandBuilder {
    let own: Vec<String> = command.iter_extra_env_as_str().map(|(name, _)| name.to_owned()).collect();
    let is_own = |name: &str| own.iter().any(|known| known == name);
    OUTER.iter().filter(|name| !is_own(name)).for_each(|name| command.env_remove(name));
    if !is_own("TERM") {
        command.env("TERM", "xterm-256color");
    }
    if command.get_cwd().is_none() {
        command.cwd(std::env::current_dir().unwrap());
    }
    command
}

/// Says that no more output will come, however the reader ends.
struct Closing<'a>(&'a Shared);

impl Drop for Closing<'_> {
    fn drop(&mut self) {
        self.0.change(|state| {
            state.open = false;
            state.broken = thread::panicking();
        });
    }
}

fn read(mut output: impl Read, shared: &Shared, mut reply: Reply, send: impl Fn(&[u8])) {
    let _closing = Closing(shared);
    let mut piece = [0; 8192];
    loop {
        let length = match output.read(&mut piece) {
            Ok(0) => return,
            Ok(length) => length,
            Err(error) if error.kind() == ErrorKind::Interrupted => continue,
            Err(_) => return,
        };
        let mut replies = Vec::new();
        shared.change(|state| {
            state.parser.process(&piece[..length]);
            state.raw.extend_from_slice(&piece[..length]);
            replies = reply(&piece[..length]);
        });
        send(&replies);
    }
}

/// The replies to the queries in `raw`, and where to look on when more has come: a query may be split.
fn answer(raw: &[u8], answers: Answers) -> (Vec<&'static [u8]>, usize) {
    let (mut replies, mut at) = (Vec::new(), 0);
    while at < raw.len() {
        let rest = &raw[at..];
        if let Some((query, reply)) = answers.iter().find(|(query, _)| rest.starts_with(query)) {
            replies.push(*reply);
            at += query.len();
        } else if answers.iter().any(|(query, _)| query.starts_with(rest)) {
            break;
        } else {
            at += 1;
        }
    }
    (replies, at)
}

/// Waits for the program's end. It is reaped under the lock, so that no signal can go to a process number that has
/// been given to another.
fn reap(mut child: Box<dyn Child + Send + Sync>, pid: Pid, shared: &Shared) {
    let left_unreaped = WaitIdOptions::EXITED | WaitIdOptions::NOWAIT;
    while waitid(WaitId::Pid(pid), left_unreaped).is_err_and(|error| error == Errno::INTR) {}
    shared.change(|state| state.exit = child.wait().ok());
}

fn find(bytes: &[u8], wanted: &[u8]) -> Option<usize> {
    bytes.windows(wanted.len().max(1)).position(|window| window == wanted)
}

fn position(screen: &vt100::Screen, text: &str) -> Option<(u16, u16)> {
    (0..screen.size().0).find_map(|row| Some((row, column_of(screen, row, text)?)))
}

fn column_of(screen: &vt100::Screen, row: u16, text: &str) -> Option<u16> {
    let mut line = String::new();
    let mut starts = Vec::new();
    for column in 0..screen.size().1 {
        let cell = screen.cell(row, column)?;
        if !cell.is_wide_continuation() {
            starts.push((line.len(), column));
            line.push_str(if cell.has_contents() { cell.contents() } else { " " });
        }
    }
    let at = line.find(text)?;
    starts.iter().find(|(start, _)| *start == at).map(|(_, column)| *column)
}
