//! Inspect in a real pseudo-terminal: images found, marked, explained, and marked still in the next session.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

#[path = "support/desk.rs"]
mod desk;
#[path = "support/terminal.rs"]
mod terminal;

use std::time::Duration;

use desk::Desk;
use terminal::{Key, Terminal};
use xray_tui::store::Store;

/// The program on Inspect, with the ten test images of the demo set.
fn inspecting(desk: &Desk) -> Terminal {
    let mut screen = Terminal::start(desk.program(&[]), 24, 80);
    screen.patience = Duration::from_mins(2);
    screen.wait_for("SYNTHETIC");
    screen.key(Key::Char('4'));
    screen.wait_for("1 of 10");
    screen
}

fn leave(screen: &Terminal) {
    screen.key(Key::Char('q'));
    assert!(screen.wait_for_exit().success());
}

#[test]
fn an_image_is_marked_found_by_its_mark_and_marked_still_in_the_next_session() {
    let desk = Desk::with_run();
    let screen = inspecting(&desk);
    screen.key(Key::Down);
    screen.wait_for("2 of 10");
    screen.key(Key::Char('x'));
    screen.wait_for("≠ label");
    screen.key(Key::Char('a'));
    screen.wait_for("A note to");
    screen.send("an old film");
    screen.key(Key::Enter);
    screen.wait_for("✎ note");
    leave(&screen);

    let screen = inspecting(&desk);
    screen.key(Key::Char('/'));
    screen.send("marked film ");
    screen.wait_for("1 of 1 (10 in all)");
    screen.key(Key::Enter);
    screen.wait_for("≠ label");
    screen.key(Key::Char('x'));
    screen.key(Key::Char('e'));
    screen.wait_for("images.csv");
    screen.key(Key::Enter);
    screen.wait_for("wrote images.csv");
    leave(&screen);
    let written = std::fs::read_to_string(desk.path("images.csv")).unwrap();
    assert!(written.lines().count() == 2 && written.contains("an old film"), "{written}");
    let marked = Store::open(&desk.path("runs.db")).unwrap().marked_images().unwrap();
    assert_eq!((marked.len(), marked[0].mark.wrong_label), (1, false));
}

#[test]
fn a_heat_map_and_a_look_are_laid_over_the_picture_and_taken_off() {
    let desk = Desk::with_run();
    let screen = inspecting(&desk);
    screen.key(Key::Char('m'));
    screen.wait_until("where the heat lies", |screen| {
        let text = screen.contents();
        text.contains("heat for") && (text.contains("off the") || text.contains("nothing speaks for it"))
    });
    for key in ['w', 'c', '+'] {
        screen.key(Key::Char(key));
    }
    screen.wait_for("window 240");
    screen.wait_for("zoom 1.2");
    screen.key(Key::Char('0'));
    screen.key(Key::Char('m'));
    screen.key(Key::Char('m'));
    screen.wait_until("the plain picture", |screen| {
        let text = screen.contents();
        !text.contains("heat for") && !text.contains("window 2")
    });
    leave(&screen);
}
