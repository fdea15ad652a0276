//! Inspect in a real pseudo-terminal: images found, marked, explained, and marked still in the next session.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

#[path = "support/demo.rs"]
mod demo;
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
    inspecting_at(desk, (24, 80))
}

fn inspecting_at(desk: &Desk, (rows, columns): (u16, u16)) -> Terminal {
    let mut screen = Terminal::start(desk.program(&[]), rows, columns);
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

#[test]
fn many_images_are_shown_at_once_and_a_cell_of_the_matrix_opens_its_own() {
    let desk = Desk::with_run();
    let screen = inspecting(&desk);
    screen.key(Key::Char('t'));
    screen.wait_until("small pictures with what they are called", |screen| {
        let text = screen.contents();
        text.contains("research use only")
            && (text.contains("tn 0.") || text.contains("fp 0.") || text.contains("1.00"))
    });
    screen.key(Key::Char('r'));
    screen.wait_for("ROC curve");
    screen.key(Key::Up);
    screen.wait_for("Confusion matrix");
    screen.key(Key::Char('l'));
    screen.wait_for("false positives");
    screen.key(Key::Enter);
    screen.wait_for(": fp");
    screen.key(Key::Escape);
    screen.wait_for("╮╭");
    leave(&screen);
}

#[test]
fn the_features_of_all_images_are_computed_once_and_similar_ones_of_train_are_gone_to() {
    let desk = Desk::with_run();
    let screen = inspecting_at(&desk, (40, 120));
    screen.key(Key::Char('f'));
    screen.wait_for("nearer to the training images");
    // Below each of the pictures stand its distance and its split.
    let splits = |text: &str| -> Vec<String> {
        let words: Vec<&str> = text.split_whitespace().collect();
        let is_distance = |word: &str| word.len() == 6 && word.starts_with("0.");
        words.windows(2).filter(|pair| is_distance(pair[0])).map(|pair| pair[1].to_owned()).collect()
    };
    screen.wait_until("a neighbour of train", |screen| splits(&screen.contents()).iter().any(|split| split == "train"));
    let train = splits(&screen.contents()).iter().position(|split| split == "train").unwrap();
    for _ in 0..train {
        screen.key(Key::Char('l'));
    }
    screen.key(Key::Enter);
    screen.wait_for("training images");
    leave(&screen);
    let runs = desk.runs();
    let folder = desk.path("checkpoints").join(&runs[0].started.id);
    assert!(folder.join("features.safetensors").is_file());
}

#[test]
fn pictures_from_anywhere_are_shown_with_an_answer_by_command_and_by_a_pasted_path() {
    let desk = Desk::with_run();
    let picture = desk.path("a scan.png");
    image::RgbImage::from_fn(90, 60, |x, y| image::Rgb([(x * 2).to_le_bytes()[0], (y * 4).to_le_bytes()[0], 90]))
        .save(&picture)
        .unwrap();
    let mut screen = Terminal::start(desk.program(&["inspect", "a scan.png"]), 24, 80);
    screen.patience = Duration::from_mins(2);
    screen.wait_for("1 of 1, files");
    screen.wait_until("its answer and a warning", |screen| {
        let text = screen.contents();
        text.contains("not known")
            && text.contains("confidence ")
            && text.contains("! ")
            && !text.contains("confidence –")
    });
    screen.key(Key::Escape);
    screen.wait_for("1 of 10");
    screen.send(&format!("\x1b[200~{}\x1b[201~", picture.display().to_string().replace(' ', "\\ ")));
    screen.wait_for("1 of 1, files");
    let test = desk.path("data/demo/test/NORMAL");
    let known = test.read_dir().unwrap().map(|entry| entry.unwrap().path()).min().unwrap();
    screen.send(&format!("\x1b[200~{}\x1b[201~", known.display()));
    screen.wait_for("counted");
    leave(&screen);
    let wrong = Terminal::start(desk.program(&["inspect", "none.png"]), 24, 80);
    assert_eq!(wrong.wait_for_exit().exit_code(), 2);
    assert!(wrong.contents().contains("none.png is not there"), "{}", wrong.contents());
}

#[test]
fn without_a_run_the_images_of_the_data_set_are_stepped_through() {
    let desk = Desk::with_demo();
    let mut screen = Terminal::start(desk.program(&[]), 24, 80);
    screen.patience = Duration::from_mins(2);
    screen.wait_for("SYNTHETIC");
    screen.key(Key::Char('i'));
    screen.wait_for("1 of 40, data set");
    screen.key(Key::Down);
    screen.wait_for("2 of 40, data set");
    screen.wait_for("no run");
    leave(&screen);
}
