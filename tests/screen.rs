//! The terminal program in a real pseudo-terminal, by keys and eyes alone, from the empty folder to the shell after it.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

#[path = "support/demo.rs"]
mod demo;
#[path = "support/desk.rs"]
mod desk;
#[path = "support/form.rs"]
mod form;
#[path = "support/terminal.rs"]
mod terminal;

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use desk::{Desk, real_xrays};
use form::set;
use rustix::process::Signal;
use terminal::{Answers, Key, Terminal};
use xray_tui::dataset::{self, Split};
use xray_tui::store::{RunState, Store};
use xray_tui::train::checkpoint;

const SMALL: (u16, u16) = (24, 80);

fn open(desk: &Desk) -> Terminal {
    patient(Terminal::start(desk.program(&[]), SMALL.0, SMALL.1))
}

/// Training on a busy machine takes its time.
fn patient(mut terminal: Terminal) -> Terminal {
    terminal.patience = Duration::from_mins(2);
    terminal
}

/// Chooses the settings by keys and starts.
fn train(terminal: &Terminal, settings: &[(&str, &str)]) {
    terminal.key(Key::Char('2'));
    terminal.wait_for("Enter type");
    for (label, value) in settings {
        set(terminal, label, value);
    }
    terminal.key(Key::Char('s'));
}

const QUICK: [(&str, &str); 2] = [("batch size", "8"), ("image size", "32")];

/// A run that ends only when it is told to.
fn train_long(terminal: &Terminal) {
    terminal.wait_for("SYNTHETIC");
    train(terminal, &[&QUICK[..], &[("epochs", "500")]].concat());
    terminal.wait_for("epoch 2 of 500");
}

fn has_braille(text: &str) -> bool {
    text.chars().any(|c| ('\u{2801}'..='\u{28ff}').contains(&c))
}

fn leave(terminal: &Terminal) {
    terminal.key(Key::Char('q'));
    assert!(terminal.wait_for_exit().success());
}

/// The bytes that give the terminal back: mouse, paste, other screen, cursor.
#[track_caller]
fn assert_given_back(terminal: &Terminal) {
    let raw = terminal.raw();
    let text = String::from_utf8_lossy(&raw);
    for (on, off) in [
        ("\x1b[?1049h", "\x1b[?1049l"),
        ("\x1b[?25l", "\x1b[?25h"),
        ("\x1b[?1000h", "\x1b[?1000l"),
        ("\x1b[?2004h", "\x1b[?2004l"),
        ("\x1b[?2026h", "\x1b[?2026l"),
    ] {
        assert!(text.rfind(off) > text.rfind(on), "{on:?} is not taken back");
    }
}

#[test]
fn from_an_empty_folder_to_a_run_that_is_inspected_and_the_shell_after_it() {
    let desk = Desk::empty();
    let script = "stty -g > before; \"$0\"; echo the program gave $?; stty -g > after; read line";
    let shell = desk.command("sh", &["-c", script, env!("CARGO_BIN_EXE_xray-tui")]);
    let terminal = patient(Terminal::start(shell, SMALL.0, SMALL.1));

    terminal.wait_for("No chest X-rays found");
    terminal.key(Key::Char('d'));
    terminal.wait_until("what is in the demo set", |screen| {
        let text = screen.contents();
        ["SYNTHETIC", "data/demo", "400 images"].iter().all(|part| text.contains(part))
    });

    train(&terminal, &[&QUICK[..], &[("epochs", "2"), ("sample fraction", "0.3")]].concat());
    terminal.wait_until("points on the chart", |screen| has_braille(&screen.contents()));
    terminal.key(Key::Char('1'));
    terminal.wait_until("the run in the header of another screen", |screen| {
        let text = screen.contents();
        text.contains("Samples") && text.contains('●')
    });
    terminal.key(Key::Char('2'));
    terminal.wait_for("✓ finished");

    terminal.key(Key::Char('3'));
    terminal.wait_until("the run in the table", |screen| {
        let text = screen.contents();
        ["run-1", "✓ finished", "2/2", "SYNTHETIC"].iter().all(|part| text.contains(part))
    });
    terminal.key(Key::Enter);
    terminal.wait_for("AUC");
    terminal.key(Key::Char('v'));
    terminal.wait_for("are as they were");
    terminal.key(Key::Char('w'));
    terminal.wait_for("wrote");
    terminal.key(Key::Char('4'));
    terminal.wait_until("the first image with its answer", |screen| {
        let text = screen.contents();
        ["1 of 100", "▀", "truth", "prediction", "accuracy"].iter().all(|part| text.contains(part))
    });
    terminal.key(Key::Char('j'));
    terminal.wait_until("the second image", |screen| {
        let text = screen.contents();
        text.contains("2 of 100") && text.contains('▀')
    });

    terminal.key(Key::Char('q'));
    terminal.wait_for("the program gave 0");
    assert_given_back(&terminal);
    terminal.key(Key::Enter);
    terminal.wait_for_exit();
    let settings = |name| std::fs::read_to_string(desk.path(name)).unwrap();
    assert_eq!(settings("before"), settings("after"));

    let runs = desk.runs();
    assert_eq!((runs.len(), runs[0].state, runs[0].epochs_done), (1, RunState::Finished, 2));
    assert!(desk.path("run-1.html").exists() && desk.path("run-1.md").exists());
    let answers = Store::open(&desk.path("runs.db")).unwrap().answers(&runs[0].started.id, Split::Test).unwrap();
    assert_eq!(answers.len(), 100);
}

#[test]
fn a_run_is_paused_stopped_and_goes_on() {
    let desk = Desk::with_demo();
    let terminal = open(&desk);
    terminal.wait_for("SYNTHETIC");
    train(&terminal, &[&QUICK[..], &[("epochs", "6")]].concat());
    terminal.wait_for("epoch 2 of 6");
    terminal.key(Key::Char(' '));
    terminal.wait_for("◌ paused; Space goes on");
    terminal.key(Key::Char(' '));
    terminal.wait_for("● epoch");
    terminal.key(Key::Char('s'));
    terminal.wait_until("the end, and the key to go on with it", |screen| {
        let text = screen.contents();
        text.contains("◌ stopped; c goes on") && text.contains("c continue")
    });
    assert_eq!(desk.runs()[0].state, RunState::Stopped);
    terminal.key(Key::Char('c'));
    terminal.wait_for("✓ finished");
    let runs = desk.runs();
    assert_eq!((runs.len(), runs[0].state, runs[0].epochs_done), (1, RunState::Finished, 6));
    leave(&terminal);
}

#[test]
fn the_screen_follows_every_new_size_while_a_run_is_under_way() {
    let desk = Desk::with_demo();
    let terminal = open(&desk);
    train_long(&terminal);
    for (rows, columns) in [(60, 200), (16, 60), (40, 120)] {
        terminal.resize(rows, columns);
        terminal.wait_until("the run at the new size", |screen| {
            let text = screen.contents();
            let corner = screen.cell(rows - 2, columns - 1).is_some_and(|cell| cell.contents() == "╯");
            corner && text.contains("v.loss") && text.contains("images/s")
        });
    }
    terminal.resize(10, 40);
    terminal.wait_for("make it larger");
    terminal.resize(1, 1);
    terminal.resize(SMALL.0, SMALL.1);
    terminal.wait_for("images/s");
    terminal.key(Key::Char('s'));
    terminal.wait_for("◌ stopped");
    leave(&terminal);
}

#[test]
fn a_killed_run_is_shown_as_crashed_and_goes_on() {
    let desk = Desk::with_demo();
    let terminal = open(&desk);
    terminal.wait_for("SYNTHETIC");
    train(&terminal, &[&QUICK[..], &[("epochs", "4")]].concat());
    terminal.wait_for("epoch 3 of 4");
    terminal.kill(Signal::KILL);
    assert!(!terminal.wait_for_exit().success());

    let terminal = open(&desk);
    terminal.key(Key::Char('3'));
    terminal.wait_for("✗ crashed");
    terminal.key(Key::Char('c'));
    terminal.wait_for("✓ finished");
    let runs = desk.runs();
    assert_eq!((runs.len(), runs[0].state, runs[0].epochs_done), (1, RunState::Finished, 4));
    leave(&terminal);
}

#[test]
fn leaving_in_mid_training_asks_and_stops_the_run_with_a_checkpoint() {
    let desk = Desk::with_demo();
    let terminal = open(&desk);
    train_long(&terminal);
    terminal.key(Key::Char('q'));
    terminal.wait_for("Sure?");
    terminal.key(Key::Char('n'));
    terminal.wait_until("no question", |screen| !screen.contents().contains("Sure?"));
    terminal.key(Key::Control('c'));
    terminal.wait_for("Sure?");
    terminal.key(Key::Char('y'));
    assert!(terminal.wait_for_exit().success());
    assert_given_back(&terminal);
    let run = &desk.runs()[0];
    assert_eq!(run.state, RunState::Stopped);
    let store = Store::open(&desk.path("runs.db")).unwrap();
    assert!(checkpoint::last_path(&store.run_folder(&run.started.id)).exists());
}

#[test]
fn a_signal_leaves_a_clean_terminal_and_a_stopped_run() {
    let desk = Desk::with_demo();
    for signal in [Signal::TERM, Signal::HUP, Signal::INT] {
        let terminal = open(&desk);
        train_long(&terminal);
        terminal.kill(signal);
        if signal == Signal::HUP {
            // The shell sends one too.
            terminal.wait_for_raw(b"\x1b[?1049l");
            terminal.kill(signal);
        }
        assert!(terminal.wait_for_exit().success(), "{signal:?}");
        assert_given_back(&terminal);
        assert_eq!(desk.runs()[0].state, RunState::Stopped, "{signal:?}");
    }
}

#[test]
fn an_unfinished_escape_sequence_stops_no_frame() {
    let desk = Desk::with_demo();
    let terminal = open(&desk);
    train_long(&terminal);
    terminal.send("\x1b[");
    terminal.wait_for("epoch 4 of 500");
    terminal.send("A");
    terminal.kill(Signal::TERM);
    assert!(terminal.wait_for_exit().success());
}

#[test]
fn the_mouse_chooses_screens_rows_and_keys() {
    let desk = Desk::with_run();
    let terminal = open(&desk);
    terminal.wait_for("SYNTHETIC");
    terminal.click_on("3 Runs");
    terminal.wait_for("run-1");
    terminal.click_on("run-1");
    // The open run's keys stand elsewhere than the table's.
    terminal.wait_for("Esc back");
    terminal.click_on("i inspect");
    terminal.wait_for("1 of 10");
    // Beside the picture: over it the wheel zooms.
    terminal.scroll(10, 70, true);
    terminal.wait_for("2 of 10");
    terminal.click_on("? help");
    // A frame comes in several pieces, the footer last.
    terminal.wait_until("help, and its footer", |screen| {
        let text = screen.contents();
        text.contains("next mistake") && text.contains("Esc close") && !text.contains("q quit")
    });
    terminal.key(Key::Escape);
    terminal.wait_for("q quit");
    terminal.click_on("q quit");
    assert!(terminal.wait_for_exit().success());
}

#[test]
fn the_palette_finds_a_command_by_its_words_and_does_it() {
    let desk = Desk::with_run();
    let terminal = open(&desk);
    terminal.wait_for("SYNTHETIC");
    terminal.key(Key::Control('p'));
    terminal.wait_for("Commands");
    terminal.send("next scr");
    terminal.wait_for("▸ Tab");
    terminal.key(Key::Enter);
    terminal.wait_for("Enter type");
    terminal.key(Key::Char('?'));
    terminal.wait_for("Help");
    terminal.send("settings");
    terminal.wait_until("only what has to do with settings", |screen| {
        let text = screen.contents();
        text.contains("search settings") && text.contains("Train: settings") && !text.contains("screen before")
    });
    terminal.key(Key::Escape);
    terminal.wait_until("the settings again", |screen| {
        let text = screen.contents();
        text.contains("q quit") && !text.contains("search settings")
    });
    leave(&terminal);
}

#[test]
fn control_z_gives_the_shell_its_terminal_and_fg_brings_the_screen_back_whole() {
    let desk = Desk::with_run();
    let script = "set -m; \"$0\"; echo it is stopped, $?; read line; fg; echo the program gave $?; read line";
    let shell = desk.command("bash", &["-c", script, env!("CARGO_BIN_EXE_xray-tui")]);
    let mut terminal = patient(Terminal::start(shell, SMALL.0, SMALL.1));
    terminal.wait_for("SYNTHETIC");
    terminal.key(Key::Char('3'));
    terminal.wait_for("run-1");
    terminal.key(Key::Control('z'));
    terminal.wait_for("it is stopped");
    assert_given_back(&terminal);
    terminal.resize(30, 100);
    terminal.mark();
    terminal.key(Key::Enter);
    terminal.wait_for_raw(b"\x1b[?1049h");
    terminal.wait_until("the same screen, in the new size", |screen| {
        let text = screen.contents();
        text.contains("run-1") && text.contains("q quit") && screen.cell(28, 99).is_some_and(|c| c.contents() == "╯")
    });
    terminal.click_on("1 Data");
    terminal.wait_for("Samples");
    terminal.key(Key::Char('q'));
    terminal.wait_for("the program gave 0");
    assert_given_back(&terminal);
    terminal.key(Key::Enter);
    terminal.wait_for_exit();
}

#[test]
fn the_end_of_a_run_is_told_to_who_is_elsewhere_and_its_log_is_at_hand() {
    let desk = Desk::with_demo();
    let mut terminal = open(&desk);
    terminal.wait_for("SYNTHETIC");
    train(&terminal, &[&QUICK[..], &[("epochs", "1")]].concat());
    terminal.wait_for_raw(b"\x1b]9;xray-tui: run-1 has finished\x1b\\\x07");
    terminal.wait_for("✓ finished");
    terminal.mark();
    terminal.key(Key::Char('o'));
    terminal.wait_for("epoch 1");
    terminal.wait_until("how it ended", |screen| screen.contents().matches("finished").count() >= 2);
    leave(&terminal);
}

#[test]
fn how_charts_are_looked_at_is_kept_for_the_next_session() {
    let desk = Desk::with_run();
    for again in [false, true] {
        let terminal = open(&desk);
        terminal.wait_for("SYNTHETIC");
        terminal.key(Key::Char('3'));
        terminal.wait_for("run-1");
        terminal.key(Key::Enter);
        terminal.wait_for(if again { "smooth 0.5" } else { "loss" });
        if !again {
            terminal.send("+");
            terminal.wait_for("smooth 0.5");
            terminal.send("h");
            terminal.wait_for("▏epoch");
            terminal.key(Key::Escape);
            terminal.wait_until("no cursor", |screen| !screen.contents().contains("▏epoch"));
        }
        leave(&terminal);
    }
}

/// A picture drawn in cells; bars have none of these.
fn has_blocks(text: &str) -> bool {
    text.chars().any(|c| "▀▘▝▖▗▙▟▛▜▚▞".contains(c) || ('\u{1fb00}'..='\u{1fb3b}').contains(&c))
}

#[test]
fn a_light_background_gets_dark_letters_and_keys_are_the_users() {
    const LIGHT: Answers = &[(b"\x1b]11;?\x1b\\", b"\x1b]11;rgb:ffff/ffff/ffff\x1b\\"), (b"\x1b[c", b"\x1b[?62;c")];
    let desk = Desk::with_run();
    std::fs::create_dir_all(desk.path("config/xray-tui")).unwrap();
    std::fs::write(desk.path("config/xray-tui/config.toml"), "[keys.everywhere]\nshow-runs = \"f2\"\n").unwrap();
    let mut terminal = patient(Terminal::start_answering(desk.program(&[]), SMALL, LIGHT));
    terminal.wait_for("SYNTHETIC");
    // The accent of the light theme.
    terminal.wait_for_raw(b"38;5;25");
    terminal.mark();
    terminal.key(Key::Char('3'));
    terminal.key(Key::Function(2));
    terminal.wait_for("run-1");
    leave(&terminal);
    let command = desk.program(&["--theme", "dark"]);
    let terminal = patient(Terminal::start_answering(command, SMALL, LIGHT));
    terminal.wait_for("SYNTHETIC");
    leave(&terminal);
    let raw = terminal.raw();
    assert!(!String::from_utf8_lossy(&raw).contains("38;5;25m"), "who has chosen a theme keeps it");
}

#[test]
fn a_terminal_that_answers_nothing_gets_half_blocks() {
    let desk = Desk::with_run();
    let terminal = open(&desk);
    terminal.wait_for("SYNTHETIC");
    terminal.key(Key::Char('4'));
    terminal.wait_for("▀");
    leave(&terminal);
    let raw = terminal.raw();
    assert!(!String::from_utf8_lossy(&raw).contains("a=d"), "no picture was printed, so none is deleted");
}

#[test]
fn no_color_means_no_colour_at_all() {
    let desk = Desk::with_run();
    let mut command = desk.program(&[]);
    command.env("NO_COLOR", "1");
    let terminal = patient(Terminal::start(command, SMALL.0, SMALL.1));
    terminal.wait_for("SYNTHETIC");
    terminal.key(Key::Char('4'));
    terminal.wait_for("1 of 10");
    leave(&terminal);
    let raw = terminal.raw();
    let text = String::from_utf8_lossy(&raw);
    assert!(!["\x1b[38", "\x1b[48", "\x1b[3;38"].iter().any(|code| text.contains(code)));
}

#[test]
fn a_runs_db_that_is_no_database_is_named_and_left_alone() {
    let desk = Desk::with_demo();
    std::fs::write(desk.path("runs.db"), "shopping list: bread, milk and a great many other things").unwrap();
    let terminal = open(&desk);
    terminal.wait_for("SYNTHETIC");
    terminal.key(Key::Char('3'));
    terminal.wait_for("runs.db");
    train(&terminal, &QUICK);
    terminal.wait_for("✗ did not begin");
    leave(&terminal);
    assert!(std::fs::read_to_string(desk.path("runs.db")).unwrap().starts_with("shopping list"));
}

#[test]
fn without_a_terminal_it_says_what_to_do() {
    let desk = Desk::empty();
    let output = Command::new(env!("CARGO_BIN_EXE_xray-tui"))
        .current_dir(desk.path(""))
        .env("XDG_CONFIG_HOME", desk.path("config"))
        .stdin(Stdio::null())
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(1));
    let words = String::from_utf8(output.stderr).unwrap();
    assert!(words.contains("needs a terminal") && words.contains("--help"), "{words}");
}

#[test]
fn a_network_trained_on_real_xrays_answers_for_real_test_images() {
    let Some(data): Option<PathBuf> = real_xrays() else { return };
    let desk = Desk::empty();
    let linked = link_some(&dataset::find(&data).unwrap().root, &desk.path("data/xrays"));
    let terminal = patient(Terminal::start(desk.program(&[]), 40, 120));
    terminal.wait_for("PNEUMONIA");
    assert!(!terminal.contents().contains("SYNTHETIC"));
    train(&terminal, &[("sample fraction", "0.2"), ("epochs", "1"), ("batch size", "16"), ("image size", "32")]);
    terminal.wait_for("✓ finished");
    terminal.key(Key::Char('i'));
    terminal.wait_until("a real test image with its answer", |screen| {
        let text = screen.contents();
        ["1 of ", ".jpeg", "NORMAL", "seen so far"].iter().all(|part| text.contains(part))
            && has_blocks(&text)
            && (text.contains("right") || text.contains("wrong"))
    });
    leave(&terminal);
    assert!(desk.runs()[0].test.is_some_and(|figures| figures.confusion.total() == linked && linked > 20));
}

/// Links every tenth image of `from`, as all of them would take a debug build a minute; how many of them are for testing.
fn link_some(from: &Path, to: &Path) -> u64 {
    let every_tenth = |split: &str, class: &str| {
        let below = Path::new(split).join(class);
        std::fs::create_dir_all(to.join(&below)).unwrap();
        let mut names: Vec<_> =
            std::fs::read_dir(from.join(&below)).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        names.sort();
        let some = names.iter().step_by(10).map(|name| below.join(name));
        some.map(|file| std::os::unix::fs::symlink(from.join(&file), to.join(&file)).unwrap()).count() as u64
    };
    let both = |split: &str| every_tenth(split, "NORMAL") + every_tenth(split, "PNEUMONIA");
    assert!(both("train") > 100);
    both("test")
}
