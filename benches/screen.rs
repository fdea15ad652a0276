//! How fast the terminal program answers: start to first frame, key to frame idle and in training, and what it costs
//! while nothing happens. `cargo bench --bench screen`, or a part of it: `cargo bench --bench screen -- keys`

#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a measurement for the one who runs it")]

#[path = "../tests/support/demo.rs"]
mod demo;
#[path = "../tests/support/desk.rs"]
mod desk;
#[path = "../tests/support/terminal.rs"]
mod terminal;

use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use desk::Desk;
use terminal::{Answers, Key, Terminal};

const PRESSES: usize = 200;

/// As terminals do: what they are at once, nothing about pictures.
const ANSWERS: Answers = &[(b"\x1b[c", b"\x1b[?62;22c")];

fn main() {
    // `cargo test --benches` is no place to measure.
    if !std::env::args().any(|argument| argument == "--bench") {
        return;
    }
    let parts: [(&str, fn()); 4] = [("starts", starts), ("many", many_runs), ("bytes", bytes), ("keys", answers)];
    let named: Vec<String> = std::env::args().skip(1).filter(|argument| !argument.starts_with("--")).collect();
    for (name, part) in parts {
        if named.is_empty() || named.iter().any(|other| other == name) {
            part();
        }
    }
}

fn open(desk: &Desk) -> Terminal {
    let mut terminal = Terminal::start_answering(desk.program(&[]), (40, 120), ANSWERS);
    terminal.patience = Duration::from_mins(3);
    terminal
}

fn milliseconds(since: Instant) -> f64 {
    since.elapsed().as_secs_f64() * 1000.0
}

fn report(what: &str, mut values: Vec<f64>, unit: &str) {
    values.sort_by(f64::total_cmp);
    let last = values.len() - 1;
    let (median, high) = (values[last / 2], values[last * 99 / 100]);
    // Of fewer than a hundred, the hundredth part is none.
    let high = if values.len() < 100 { "      –".into() } else { format!("{high:7.1}") };
    println!("{what:<44} median {median:7.1}  99 % {high}  worst {:7.1} {unit}", values[last]);
}

fn starts() {
    let desk = Desk::with_demo();
    let one = |_| {
        let start = Instant::now();
        let terminal = open(&desk);
        terminal.wait_for("quit");
        let frame = milliseconds(start);
        terminal.wait_for("SYNTHETIC");
        terminal.key(Key::Char('q'));
        terminal.wait_for_exit();
        frame
    };
    report("start to first frame", (0..20).map(one).collect(), "ms");
}

/// With ten thousand runs in the database: start to first frame, to the first page of their
/// table and to all of it, and a key in it.
fn many_runs() {
    let desk = Desk::with_demo();
    let made = Command::new(env!("CARGO"))
        .args(["run", "-q", "--release", "--example", "many_runs", "--"])
        .arg(desk.path("runs.db"))
        .arg("10000")
        .output()
        .unwrap();
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    let (mut frames, mut pages, mut tables) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..20 {
        let start = Instant::now();
        let terminal = open(&desk);
        terminal.wait_for("quit");
        frames.push(milliseconds(start));
        terminal.key(Key::Char('3'));
        terminal.wait_for("run-9990");
        pages.push(milliseconds(start));
        terminal.wait_for("10,000");
        tables.push(milliseconds(start));
        terminal.key(Key::Char('q'));
        terminal.wait_for_exit();
    }
    report("start to first frame, 10,000 runs", frames, "ms");
    report("start to the first page of their table", pages, "ms");
    report("start to all of it", tables, "ms");
    let terminal = open(&desk);
    terminal.key(Key::Char('3'));
    terminal.wait_for("10,000");
    let step = |number: usize| {
        thread::sleep(Duration::from_millis(50 + (number as u64 * 37) % 101));
        let (start, before) = (Instant::now(), terminal.contents());
        terminal.key(if number % 40 < 20 { Key::Down } else { Key::Up });
        terminal.wait_until("another row", |screen| screen.contents() != before);
        milliseconds(start)
    };
    report("key to frame in that table", (0..PRESSES).map(step).collect(), "ms");
    terminal.key(Key::Char('q'));
    terminal.wait_for_exit();
}

/// Bytes that a key press costs on the way to the terminal: a row down, a screen on, the help opened and closed.
fn bytes() {
    let desk = Desk::with_run();
    let terminal = open(&desk);
    terminal.wait_for("SYNTHETIC");
    terminal.key(Key::Char('3'));
    for (what, keys) in
        [("a row down in Runs", "jk"), ("another screen", "\t\t\t\t"), ("help opened and closed", "?\u{1b}")]
    {
        let mut sent = Vec::new();
        for number in 0..40 {
            for key in keys.chars() {
                terminal.settle(Duration::from_millis(60), Duration::from_secs(2));
                let before = terminal.raw().len();
                terminal.send(&key.to_string());
                terminal.settle(Duration::from_millis(60), Duration::from_secs(2));
                // The first ones may find a screen that is still filling.
                if number > 2 {
                    sent.push(f64::from(u32::try_from(terminal.raw().len() - before).unwrap_or(u32::MAX)));
                }
            }
        }
        report(&format!("bytes sent, {what}"), sent, "bytes");
    }
    terminal.key(Key::Char('q'));
    terminal.wait_for_exit();
}

fn answers() {
    let desk = Desk::with_demo();
    let terminal = open(&desk);
    terminal.wait_for("SYNTHETIC");
    report("key to frame, idle", presses(&terminal), "ms");
    println!("{:<44} {:14.2} %", "processor time, idle, of one core", processor_share(&terminal));
    terminal.key(Key::Char('2'));
    terminal.wait_for("▸ epochs");
    let down = "\x1b[B";
    terminal.send(&format!("\r\x15500\r{down}\r\x158\r"));
    terminal.wait_until("batches of 8", |screen| {
        ["▸ batch size         8 ", "epochs             500 "].iter().all(|part| screen.contents().contains(part))
    });
    terminal.key(Key::Char('s'));
    terminal.wait_for("images/s");
    report("key to frame, training at batch 8, 224 px", presses(&terminal), "ms");
    terminal.send("qy");
    terminal.wait_for_exit();
}

/// Opens and closes the help, at moments that have nothing to do with the program's own.
fn presses(terminal: &Terminal) -> Vec<f64> {
    let press = |number: usize| {
        thread::sleep(Duration::from_millis(50 + (number as u64 * 37) % 101));
        let start = Instant::now();
        let opens = number.is_multiple_of(2);
        terminal.key(if opens { Key::Char('?') } else { Key::Escape });
        terminal.wait_until("the help", |screen| screen.contents().contains("search ") == opens);
        milliseconds(start)
    };
    (0..PRESSES).map(press).collect()
}

/// Percent of one core over ten seconds, where the system tells.
fn processor_share(terminal: &Terminal) -> f64 {
    let ticks = || {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", terminal.pid().as_raw_nonzero())).ok()?;
        let fields: Vec<&str> = stat.rsplit(')').next()?.split_whitespace().collect();
        Some(fields[11].parse::<f64>().ok()? + fields[12].parse::<f64>().ok()?)
    };
    let before = ticks();
    thread::sleep(Duration::from_secs(10));
    // A tick is a hundredth of a second.
    before.zip(ticks()).map_or(f64::NAN, |(before, after)| (after - before) / 10.0)
}
