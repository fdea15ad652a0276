//! The pseudo-terminal that the tests of whole screens stand on, tried with ordinary programs.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

#[path = "support/terminal.rs"]
mod terminal;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use portable_pty::CommandBuilder;
use rustix::process::{Signal, test_kill_process};
use terminal::{Answers, Key, Terminal};

const QUERIES: Answers = &[(b"\x1b_Gi=31", b"\x1b_Gi=31;OK\x1b\\"), (b"\x1b[c", b"\x1b[?62;4c")];

fn shell(script: &str) -> CommandBuilder {
    let mut command = CommandBuilder::new("sh");
    command.args(["-c", script]);
    command
}

fn start(script: &str) -> Terminal {
    Terminal::start(shell(script), 10, 40)
}

/// A terminal without echo that answers, whose program shows all that it reads, without control characters.
fn answering(script: &str) -> Terminal {
    let script = format!("stty raw -echo; printf 'ready '; {script} cat -v");
    Terminal::start_answering(shell(&script), (10, 40), QUERIES)
}

/// What a failed wait says.
fn complaint(wait: impl FnOnce()) -> String {
    let panic = catch_unwind(AssertUnwindSafe(wait)).unwrap_err();
    panic.downcast_ref::<String>().unwrap().clone()
}

#[test]
fn text_is_waited_for_and_the_whole_screen_returned() {
    let terminal = start("printf 'first\\nsecond\\n'; cat");
    assert_eq!(terminal.wait_for("second"), "first\nsecond");
    terminal.send("typed\r");
    terminal.wait_until("the echo and the answer", |screen| screen.contents().matches("typed").count() == 2);
}

#[test]
fn a_wait_in_vain_shows_the_screen_and_what_was_waited_for() {
    let mut terminal = start("printf 'all there is'; cat");
    terminal.wait_for("all there is");
    terminal.patience = Duration::from_millis(1);
    let said = complaint(|| drop(terminal.wait_for("something else")));
    assert!(said.contains("|all there is ") && said.contains("\"something else\""), "{said}");
    assert!(said.contains("the program runs"), "{said}");
}

#[test]
fn a_wait_for_what_an_ended_program_never_wrote_fails_at_once() {
    let mut terminal = start("printf 'last words'; exit 3");
    terminal.patience = Duration::from_secs(100_000);
    let said = complaint(|| terminal.wait_for_raw(b"nothing like it"));
    assert!(said.contains("last words") && said.contains("Exited with code 3"), "{said}");
}

#[test]
fn the_exit_status_comes_with_all_output() {
    let terminal = start("seq 1 3000; exit 7");
    assert_eq!(terminal.wait_for_exit().exit_code(), 7);
    assert!(terminal.contents().ends_with("\n3000"));
    assert!(String::from_utf8(terminal.raw()).unwrap().starts_with("1\r\n2\r\n"));
}

#[test]
fn the_program_sees_a_plain_terminal_whatever_the_outer_one_is() {
    let mut command = shell("echo \"<$TERM|$COLORTERM|$NO_COLOR|$TMUX$STY$ZELLIJ|$(pwd)>\"");
    command.env("NO_COLOR", "mine");
    let terminal = Terminal::start(command, 10, 200);
    terminal.wait_for_exit();
    let folder = std::env::current_dir().unwrap();
    assert_eq!(terminal.contents(), format!("<xterm-256color||mine||{}>", folder.display()));
}

#[test]
fn a_new_size_reaches_the_program_and_the_screen() {
    let terminal = start("trap 'stty size' WINCH; stty size; while :; do read line; done");
    terminal.wait_for("10 40");
    terminal.resize(33, 101);
    terminal.wait_for("33 101");
    assert_eq!(terminal.screen(vt100::Screen::size), (33, 101));
}

#[test]
fn the_other_screen_may_be_resized_to_almost_nothing() {
    let mut terminal = start(
        "trap 'stty size' WINCH; printf '\\033[?1049h\\033[10;39Hxy\\346\\274\\242'; while :; do read line; done",
    );
    terminal.wait_until("the other screen", |screen| screen.alternate_screen() && screen.contents().contains('漢'));
    terminal.resize(2, 9);
    terminal.wait_for("2 9");
    terminal.mark();
    terminal.resize(1, 1);
    terminal.wait_for_raw(b"1 1\r\n");
    terminal.resize(50, 200);
    terminal.wait_for("50 200");
}

#[test]
fn raw_bytes_are_found_since_the_mark_only() {
    let mut terminal = start("stty -echo; printf '\\033[31mred'; read line; printf '\\033[0mplain'; cat");
    terminal.wait_for_raw(b"\x1b[31m");
    terminal.wait_for("red");
    terminal.mark();
    assert_eq!(terminal.raw_since_mark(), b"");
    terminal.key(Key::Enter);
    terminal.wait_for_raw(b"\x1b[0mplain");
    assert!(!terminal.raw_since_mark().windows(5).any(|bytes| bytes == b"\x1b[31m"));
}

#[test]
fn each_query_is_answered_in_order() {
    let terminal = answering("printf '\\033_Gi=31,a=q;AAAA\\033\\\\\\033[c\\033[c';");
    terminal.wait_for("ready ^[_Gi=31;OK^[\\^[[?62;4c^[[?62;4c");
}

#[test]
fn a_query_split_in_two_is_answered_once() {
    let terminal = answering("printf '\\033_Gi'; dd bs=1 count=1 >/dev/null 2>&1; printf '=31\\033\\\\';");
    terminal.wait_for_raw(b"\x1b_Gi");
    terminal.send("\n");
    terminal.wait_for("OK^[\\");
    terminal.send("end");
    let shown = terminal.wait_for("end");
    assert_eq!(shown.matches("^[_Gi=31;OK^[\\").count(), 1, "{shown}");
}

#[test]
fn a_terminal_that_answers_nothing_stays_silent() {
    let terminal = start("stty raw -echo; printf 'ready \\033[c'; cat -v");
    terminal.wait_for_raw(b"\x1b[c");
    terminal.send("end");
    terminal.wait_for("ready end");
}

#[test]
fn keys_and_the_mouse_send_what_xterm_sends() {
    let terminal = answering("");
    terminal.wait_for("ready");
    for key in [Key::Up, Key::Left, Key::BackTab, Key::Control('c'), Key::Function(1), Key::Function(12), Key::Escape] {
        terminal.key(key);
    }
    terminal.wait_for("^[[A^[[D^[[Z^C^[OP^[[24~^[");
    terminal.click(2, 4);
    terminal.scroll(0, 9, true);
    terminal.wait_until("the mouse", |screen| {
        screen.contents().replace('\n', "").ends_with("^[[<0;5;3M^[[<0;5;3m^[[<65;10;1M")
    });
}

#[test]
fn a_click_on_text_finds_its_cell_behind_wide_characters() {
    let terminal = answering("printf '\\346\\274\\242 target\\r\\n';");
    terminal.wait_for("target");
    assert_eq!(terminal.find("target"), Some((0, 9)));
    assert_eq!(terminal.find("nowhere"), None);
    terminal.click_on("target");
    terminal.wait_for("^[[<0;10;1M");
}

#[test]
fn control_c_interrupts_and_a_signal_ends_the_program() {
    let terminal = start("trap 'echo interrupted' INT; echo ready; while :; do read line; done");
    terminal.wait_for("ready");
    terminal.key(Key::Control('c'));
    terminal.wait_for("interrupted");
    terminal.kill(Signal::TERM);
    assert_eq!(terminal.wait_for_exit().signal(), Some("Terminated"));
    terminal.kill(Signal::KILL);
}

#[test]
fn a_hang_up_can_be_caught_and_a_kill_cannot() {
    let terminal = start("trap 'echo hung up; exit 5' HUP; trap '' TERM; echo ready; while :; do read line; done");
    terminal.wait_for("ready");
    terminal.kill(Signal::HUP);
    assert_eq!(terminal.wait_for_exit().exit_code(), 5);
    let terminal = start("trap '' HUP TERM INT; echo ready; exec cat");
    terminal.wait_for("ready");
    terminal.kill(Signal::KILL);
    assert_eq!(terminal.wait_for_exit().signal(), Some("Killed"));
}

#[test]
fn dropping_the_terminal_ends_the_program() {
    let terminal = start("trap '' HUP TERM INT; echo ready; exec cat");
    terminal.wait_for("ready");
    let pid = terminal.pid();
    drop(terminal);
    assert!(test_kill_process(pid).is_err());
}
