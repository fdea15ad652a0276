//! How fast Inspect answers on real X-rays, in a terminal of 200 x 60 cells: step to picture, heat map, grid, and what
//! 5,000 steps leave in memory. `XRAY_TUI_TEST_DATA=DIR cargo bench --bench inspect`, or a part: `-- steps`

#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a measurement for the one who runs it")]

#[path = "../tests/support/demo.rs"]
mod demo;
#[path = "../tests/support/desk.rs"]
mod desk;
#[path = "../tests/support/peer.rs"]
mod peer;
#[path = "../tests/support/terminal.rs"]
mod terminal;

use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use desk::{Desk, real_xrays};
use peer::{Kind, Peer};
use terminal::{Answers, Key, Terminal};
use xray_tui::session::labels::Labels;
use xray_tui::session::{self, Start, Workplace};
use xray_tui::train::TrainConfig;
use xray_tui::train::recipe::Named;

/// As terminals do: what they are at once, nothing about pictures.
const ANSWERS: Answers = &[(b"\x1b[c", b"\x1b[?62;22c")];

const SIZE: (u16, u16) = (60, 200);

const STEPS: u64 = 200;

/// Measures one thing.
type Part = fn(&Desk, &Path);

fn main() {
    // `cargo test --benches` is no place to measure.
    if !std::env::args().any(|argument| argument == "--bench") {
        return;
    }
    let Some(data) = real_xrays() else { return };
    let desk = Desk::empty();
    train(&desk, data.clone());
    let parts: [(&str, Part); 5] =
        [("steps", steps), ("kitty", kitty), ("heat", heat_maps), ("grid", grids), ("memory", memory)];
    let named: Vec<String> = std::env::args().skip(1).filter(|argument| !argument.starts_with("--")).collect();
    for (name, part) in parts {
        if named.is_empty() || named.iter().any(|other| other == name) {
            part(&desk, &data);
        }
    }
}

/// A run at 224 pixels, on a few images.
fn train(desk: &Desk, data: PathBuf) {
    let config = TrainConfig { epochs: 1, sample_fraction: 0.01, batch_size: 16, ..Named::Plain.config() };
    let place = Workplace { data, ..desk.place() };
    let start = Start::New { name: None, labels: Labels::default(), config: Box::new(config) };
    session::start(place, start).unwrap().thread.join().unwrap();
}

/// The program on Inspect, the first picture shown.
fn open(desk: &Desk, data: &Path, more: &[(&str, &str)]) -> Terminal {
    let mut command = desk.program(&["--data", data.to_str().unwrap()]);
    command.env("COLORTERM", "truecolor");
    for (name, value) in more {
        command.env(name, value);
    }
    let mut terminal = Terminal::start_answering(command, SIZE, ANSWERS);
    terminal.patience = Duration::from_mins(3);
    terminal.wait_for("patients");
    terminal.key(Key::Char('4'));
    terminal.wait_until("a picture", |screen| screen.contents().contains(" 1 of ") && is_drawn(screen));
    terminal
}

fn leave(terminal: &Terminal) {
    terminal.key(Key::Char('q'));
    terminal.wait_for_exit();
}

/// Whether cells about the middle of the picture have colours of their own.
fn is_drawn(screen: &vt100::Screen) -> bool {
    (20..40).all(|row| screen.cell(row, 80).is_some_and(|cell| cell.fgcolor() != vt100::Color::Default))
}

fn milliseconds(since: Instant) -> f64 {
    since.elapsed().as_secs_f64() * 1000.0
}

fn report(what: &str, mut values: Vec<f64>) {
    values.sort_by(f64::total_cmp);
    let last = values.len() - 1;
    println!(
        "{what:<44} median {:7.1}  90 % {:7.1}  worst {:7.1} ms",
        values[last / 2],
        values[last * 9 / 10],
        values[last]
    );
}

/// At moments that have nothing to do with the program's own.
fn pause(number: u64) {
    thread::sleep(Duration::from_millis(50 + (number * 37) % 101));
}

/// From the key to the last cell of the next picture.
fn steps(desk: &Desk, data: &Path) {
    for cells in ["half", "quadrants", "sextants"] {
        let config = desk.path("cells.toml");
        std::fs::write(&config, format!("[screen]\ncells = \"{cells}\"\n")).unwrap();
        let terminal = open(desk, data, &[("XRAY_TUI_CONFIG", config.to_str().unwrap())]);
        let step = |number| {
            pause(number);
            let start = Instant::now();
            terminal.key(Key::Down);
            let title = format!(" {} of ", number + 2);
            terminal.wait_until("the next picture", |screen| screen.contents().contains(&title) && is_drawn(screen));
            milliseconds(start)
        };
        report(&format!("step to picture, {cells}"), (0..STEPS).map(step).collect());
        leave(&terminal);
    }
}

/// From the key to the last byte of the next picture in real pixels, on a terminal that answers as Kitty does from afar: the
/// time that a picture stands still first is in it.
fn kitty(desk: &Desk, data: &Path) {
    let mut command = desk.program(&["--data", data.to_str().unwrap()]);
    command.env("TERM", "xterm-kitty");
    command.env("COLORTERM", "truecolor");
    let peer = Peer::new(Kind::KittyRemote, SIZE.0, Some((9, 18)));
    let mut terminal = Terminal::start_replying(command, (SIZE, (9, 18)), peer.reply());
    terminal.patience = Duration::from_mins(3);
    terminal.wait_for("patients");
    terminal.key(Key::Char('4'));
    let printed = || peer.lock().pictures.len();
    terminal.wait_until("a picture in pixels", |_| printed() > 0);
    let step = |number| {
        pause(number);
        let before = printed();
        let start = Instant::now();
        terminal.key(Key::Down);
        terminal.wait_until("the next picture in pixels", |_| printed() > before);
        milliseconds(start)
    };
    report("step to picture in pixels, Kitty", (0..STEPS / 4).map(step).collect());
    leave(&terminal);
}

/// From the key to the heat map over the picture and what is said of it.
fn heat_maps(desk: &Desk, data: &Path) {
    let terminal = open(desk, data, &[]);
    let map = |number| {
        pause(number);
        let start = Instant::now();
        terminal.key(Key::Char('m'));
        terminal.wait_until("a heat map", |screen| {
            let text = screen.contents();
            text.contains("heat for") && (text.contains("off the") || text.contains("nothing speaks for it"))
        });
        let taken = milliseconds(start);
        for key in ['m', 'm'] {
            terminal.key(Key::Char(key));
        }
        terminal.wait_until("no heat map", |screen| !screen.contents().contains("heat for"));
        terminal.key(Key::Down);
        terminal.wait_for(&format!(" {} of ", number + 2));
        taken
    };
    report("heat map (224 px) to screen", (0..STEPS / 4).map(map).collect());
    leave(&terminal);
}

/// From the key to fifty small pictures: none made yet in this session (the system may have the files in memory), and again.
fn grids(desk: &Desk, data: &Path) {
    let (mut cold, mut warm) = (Vec::new(), Vec::new());
    for number in 0..10 {
        let terminal = open(desk, data, &[]);
        let is_full = |screen: &vt100::Screen| tiles(screen) >= 50;
        for times in [&mut cold, &mut warm] {
            pause(number);
            let start = Instant::now();
            terminal.key(Key::Char('t'));
            terminal.wait_until("fifty small pictures", is_full);
            times.push(milliseconds(start));
            terminal.key(Key::Char('t'));
            terminal.wait_until("one picture", |screen| tiles(screen) == 0 && is_drawn(screen));
        }
        leave(&terminal);
    }
    report("grid of 50 small pictures, cold", cold);
    report("grid of 50 small pictures, warm", warm);
}

/// Small pictures on the screen: cells in colour above where a label begins.
fn tiles(screen: &vt100::Screen) -> usize {
    let is_label = |row: u16, column: u16| {
        let text: String =
            (column..column + 4).filter_map(|x| screen.cell(row, x)).map(vt100::Cell::contents).collect();
        ["✓ tn", "✗ fp", "✗ fn", "✓ tp"].contains(&text.as_str())
    };
    let above = |row: u16, column: u16| {
        screen.cell(row - 4, column + 6).is_some_and(|cell| cell.fgcolor() != vt100::Color::Default)
    };
    let cells = (5..58).flat_map(|row| (0..196).map(move |column| (row, column)));
    cells.filter(|(row, column)| is_label(*row, *column) && above(*row, *column)).count()
}

/// Resident memory after so many steps.
fn memory(desk: &Desk, data: &Path) {
    let terminal = open(desk, data, &[]);
    let mut steps = 0;
    for until in [100, 1000, 2000, 3000, 4000, 5000] {
        while steps < until {
            // To the end of the list and back again.
            let down = (steps / 280) % 2 == 0;
            for _ in 0..20 {
                terminal.key(if down { Key::Down } else { Key::Up });
                thread::sleep(Duration::from_millis(5));
            }
            steps += 20;
        }
        terminal.settle(Duration::from_millis(200), Duration::from_secs(5));
        println!("{:<44} {:14.1} MB", format!("resident memory after {steps} steps"), resident(&terminal));
    }
    leave(&terminal);
}

/// Megabytes, where the system tells.
fn resident(terminal: &Terminal) -> f64 {
    let status =
        std::fs::read_to_string(format!("/proc/{}/status", terminal.pid().as_raw_nonzero())).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kilobytes = line.and_then(|line| line.trim().trim_end_matches(" kB").trim().parse::<f64>().ok());
    kilobytes.map_or(f64::NAN, |kilobytes| kilobytes / 1000.0)
}
