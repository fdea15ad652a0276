//! A run that goes on when its terminal is closed.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

#[path = "support/demo.rs"]
mod demo;
#[path = "support/desk.rs"]
mod desk;
#[path = "support/terminal.rs"]
mod terminal;

use std::time::{Duration, Instant};

use desk::Desk;
use terminal::Terminal;
use xray_tui::store::RunState;

#[test]
fn a_detached_run_outlives_the_terminal_that_it_was_started_from() {
    let desk = Desk::with_demo();
    let program = env!("CARGO_BIN_EXE_xray-tui");
    let settings = "--epochs 8 --batch-size 8 --image-size 32 --name behind";
    let script = format!("'{program}' train {settings} --detach && printf 'the shell is %s\\n' back; exec cat");
    let terminal = Terminal::start(desk.command("sh", &["-c", &script]), 24, 200);
    let shown = terminal.wait_for("the shell is back");
    assert!(shown.contains("behind") && shown.contains("xray-tui runs stop behind"), "{shown}");
    assert_eq!(desk.runs()[0].started.name, "behind");
    drop(terminal);
    assert_eq!(desk.runs()[0].state, RunState::Running, "it had ended before its terminal was closed");

    let started = Instant::now();
    while desk.runs()[0].state == RunState::Running {
        assert!(started.elapsed() < Duration::from_mins(2), "the run never ended");
        std::thread::sleep(Duration::from_millis(100));
    }
    let run = &desk.runs()[0];
    assert_eq!((run.state, run.epochs_done), (RunState::Finished, 8));
}
