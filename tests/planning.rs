//! Several runs planned on the screen, and the search for a learning rate; all in a real pseudo-terminal.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

#[path = "support/demo.rs"]
mod demo;
#[path = "support/desk.rs"]
mod desk;
#[path = "support/form.rs"]
mod form;
#[path = "support/terminal.rs"]
mod terminal;

use std::time::Duration;

use desk::Desk;
use form::set;
use terminal::{Key, Terminal};
use xray_tui::store::RunState;

fn open(desk: &Desk) -> Terminal {
    let mut terminal = Terminal::start(desk.program(&[]), 24, 80);
    terminal.patience = Duration::from_mins(2);
    terminal.wait_for("SYNTHETIC");
    terminal.key(Key::Char('2'));
    terminal.wait_for("Enter type");
    for (label, value) in [("batch size", "8"), ("image size", "32"), ("epochs", "1")] {
        set(&terminal, label, value);
    }
    terminal
}

#[test]
fn several_values_make_runs_that_follow_each_other() {
    let desk = Desk::with_demo();
    let terminal = open(&desk);
    set(&terminal, "learning rate", "1e-3, 3e-4");
    terminal.wait_for("adds 2 runs to the queue");
    terminal.key(Key::Char('s'));
    terminal.wait_until("the second run's end", |screen| {
        let text = screen.contents();
        text.contains("sweep-1/2") && text.contains("✓ finished") && text.contains("n new run")
    });
    terminal.key(Key::Char('Q'));
    terminal.wait_until("both done", |screen| screen.contents().matches("✓ done").count() == 2);
    terminal.key(Key::Escape);
    terminal.wait_for("q quit");
    let rates: Vec<f64> = desk.runs().iter().map(|run| run.started.config["learning_rate"].as_f64().unwrap()).collect();
    assert_eq!(rates, [3e-4, 1e-3]);
    terminal.key(Key::Char('q'));
    assert!(terminal.wait_for_exit().success());
}

#[test]
fn a_next_run_is_planned_while_one_is_under_way_and_starts_when_it_has_ended() {
    let desk = Desk::with_demo();
    let terminal = open(&desk);
    set(&terminal, "epochs", "30");
    terminal.key(Key::Char('s'));
    terminal.wait_for("epoch 1 of 30");
    terminal.key(Key::Char('n'));
    terminal.wait_for("Next run");
    set(&terminal, "epochs", "1");
    terminal.key(Key::Char('s'));
    terminal.wait_for("waits for its turn");
    terminal.key(Key::Escape);
    terminal.wait_for("1 in the queue");
    terminal.key(Key::Char('S'));
    terminal.wait_until("the next run's end", |screen| {
        let text = screen.contents();
        text.contains("next-1") && text.contains("✓ finished") && text.contains("n new run")
    });
    let states: Vec<RunState> = desk.runs().iter().map(|run| run.state).collect();
    assert_eq!(states, [RunState::Finished, RunState::Stopped]);
    terminal.key(Key::Char('q'));
    assert!(terminal.wait_for_exit().success());
}

#[test]
fn a_learning_rate_is_searched_for_and_taken_into_the_settings() {
    let desk = Desk::with_demo();
    let terminal = open(&desk);
    terminal.key(Key::Char('F'));
    terminal.wait_for("Enter take it");
    terminal.key(Key::Enter);
    terminal.wait_until("the settings with another rate", |screen| {
        let text = screen.contents();
        text.contains("Enter type")
            && text.lines().any(|line| line.contains("learning rate") && !line.contains(" 0.001 "))
    });
    assert!(desk.runs().is_empty(), "a search is no run");
    terminal.key(Key::Char('q'));
    assert!(terminal.wait_for_exit().success());
}
