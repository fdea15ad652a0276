//! Runs of other processes on the screen, and what the screen asks of them; all in a real pseudo-terminal.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

#[path = "support/demo.rs"]
mod demo;
#[path = "support/desk.rs"]
mod desk;
#[path = "support/terminal.rs"]
mod terminal;

use std::time::Duration;

use desk::Desk;
use rustix::process::Signal;
use terminal::{Key, Terminal};
use xray_tui::store::{MarkKind, RunState, Store};

const LONG: [&str; 7] = ["train", "--batch-size", "8", "--image-size", "32", "--epochs", "500"];

fn start(desk: &Desk, arguments: &[&str]) -> Terminal {
    let mut terminal = Terminal::start(desk.program(arguments), 24, 80);
    terminal.patience = Duration::from_mins(2);
    terminal
}

/// A run in another terminal, and the screen that shows it on Train.
fn attached(desk: &Desk) -> (Terminal, Terminal) {
    let run = start(desk, &LONG);
    run.wait_for("training epoch 2");
    let screen = start(desk, &[]);
    screen.wait_for("SYNTHETIC");
    screen.key(Key::Char('2'));
    screen.wait_until("the run with its curves", |screen| {
        let text = screen.contents();
        text.contains("of 500")
            && text.contains("images/s")
            && text.chars().any(|c| ('\u{2801}'..='\u{28ff}').contains(&c))
    });
    (run, screen)
}

#[test]
fn a_run_of_another_terminal_is_paused_slowed_and_finishes_its_epoch() {
    let desk = Desk::with_demo();
    let (run, screen) = attached(&desk);
    screen.key(Key::Char(' '));
    screen.wait_for("◌ paused; Space goes on");
    screen.key(Key::Char('<'));
    screen.key(Key::Char(' '));
    screen.wait_for("● epoch");
    screen.key(Key::Char('S'));
    screen.wait_for("◌ stopped");
    assert!(!run.wait_for_exit().success(), "a stopped run says so to scripts");
    let store = Store::open(&desk.path("runs.db")).unwrap();
    let stored = &store.runs().unwrap()[0];
    assert_eq!(stored.state, RunState::Stopped);
    let marks = store.marks(&stored.started.id).unwrap();
    let kinds: Vec<MarkKind> = marks.iter().map(|mark| mark.kind).collect();
    for kind in [MarkKind::Pause, MarkKind::Continue, MarkKind::Rate, MarkKind::Finish] {
        assert!(kinds.contains(&kind), "{kind:?} in {kinds:?}");
    }
    let batches = *store.steps(&stored.started.id).unwrap().last().unwrap();
    assert_eq!(batches.step % batches.batches, 0, "it stopped between epochs");
    screen.key(Key::Char('q'));
    assert!(screen.wait_for_exit().success(), "nothing of its own is under way: no question");
}

#[test]
fn leaving_the_screen_leaves_the_run_of_another_terminal_alone() {
    let desk = Desk::with_demo();
    let (run, screen) = attached(&desk);
    screen.key(Key::Char('q'));
    assert!(screen.wait_for_exit().success());
    let epoch = desk.runs()[0].epochs_done;
    run.wait_for(&format!("training epoch {}", epoch + 2));
    run.kill(Signal::TERM);
    run.wait_for_exit();
}

#[test]
fn a_run_that_is_killed_elsewhere_is_shown_as_crashed() {
    let desk = Desk::with_demo();
    let (run, screen) = attached(&desk);
    run.kill(Signal::KILL);
    run.wait_for_exit();
    screen.wait_for("its process died");
    assert_eq!(desk.runs()[0].state, RunState::Crashed);
    screen.key(Key::Char('q'));
    screen.wait_for_exit();
}

#[test]
fn a_run_that_begins_elsewhere_appears_in_the_open_table() {
    let desk = Desk::with_run();
    let screen = start(&desk, &[]);
    screen.wait_for("SYNTHETIC");
    screen.key(Key::Char('3'));
    screen.wait_for("run-1");
    let run = start(&desk, &LONG);
    screen.wait_until("both runs", |screen| {
        let text = screen.contents();
        text.contains("run-2") && text.contains("● running")
    });
    screen.key(Key::Char('q'));
    screen.wait_for_exit();
    run.kill(Signal::TERM);
    run.wait_for_exit();
}
