//! How fast frames of 200 x 60 are made: Train after many steps, and the table of runs, sorted, filtered and grouped, of
//! a database that `examples/many_runs.rs` made. `cargo bench --bench frames -- FILE`

#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a measurement for the one who runs it")]

use std::path::Path;
use std::time::Instant;

use ratatui::Terminal;
use ratatui::backend::TestBackend;
use ratatui::crossterm::event::{KeyCode, KeyEvent};
use xray_tui::app::App;
use xray_tui::app::message::{Message, RunsMessage, TrainMessage};
use xray_tui::app::runs::column::Column;
use xray_tui::app::runs::groups::Grouping;
use xray_tui::app::runs::view::RunsView;
use xray_tui::app::scene::{Display, Scene};
use xray_tui::store::Store;
use xray_tui::train::{Step, TrainConfig, TrainEvent};
use xray_tui::ui;

const TIMES: usize = 50;
/// As a run of 1,000 epochs of the real images has.
const STEPS: usize = 80_000;

fn main() {
    // `cargo test --benches` is no place to measure.
    if !std::env::args().any(|argument| argument == "--bench") {
        return;
    }
    train();
    match std::env::args().skip(1).find(|argument| !argument.starts_with("--")) {
        Some(file) => measure(Path::new(&file)),
        None => println!("name a database: cargo run --release --example many_runs -- FILE 10000 makes one"),
    }
}

/// A run of many steps on Train, as it goes on.
fn train() {
    let mut app = App::new(TrainConfig::default(), Display::default());
    for key in ['2', 's'] {
        press(&mut app, KeyCode::Char(key));
    }
    for number in 1..=STEPS {
        app.update(step(number), &Scene::default());
    }
    print(&format!("Train after {STEPS} steps, 200 x 60"), &drawing(&app));
    let mut number = STEPS;
    let next = || {
        number += 1;
        app.update(step(number), &Scene::default());
    };
    print("a step taken in", &timed(TIMES, next));
}

#[expect(clippy::cast_precision_loss, reason = "counts of steps stay far below 2^53")]
fn step(number: usize) -> Message {
    let wave = (number as f64 / 7.0).sin();
    let step = Step {
        step: number,
        epoch: (number - 1) / 80 + 1,
        batch: (number - 1) % 80 + 1,
        batches: 80,
        images: 64,
        loss: 0.3 + 0.2 * wave,
        accuracy: 0.9 + 0.05 * wave,
        images_per_second: 60.0 + wave,
        seconds: Some(number as f64),
        learning_rate: Some(1e-3),
        processor: Some(2.0),
        memory: Some(1 << 30),
    };
    Message::Train(TrainMessage::Event(TrainEvent::Step(step)))
}

fn measure(file: &Path) {
    let runs = Store::open(file).unwrap().runs().unwrap();
    println!("{} runs", runs.len());
    let mut app = App::new(TrainConfig::default(), Display::default());
    press(&mut app, KeyCode::Char('3'));
    report("the list taken in", TIMES, || {
        let message = Message::Runs(RunsMessage::Loaded(Ok(runs.clone())));
        let start = Instant::now();
        app.update(message, &Scene::default());
        start.elapsed()
    });
    let columns: Vec<Column> = Column::all().collect();
    let mut slowest = Vec::new();
    for column in &columns {
        let times = timed(5, || app.runs.sort_by(*column));
        slowest.push((times[2], column.key()));
    }
    slowest.sort_by(|a, b| a.0.total_cmp(&b.0));
    let (middle, last) = (slowest[slowest.len() / 2], slowest[slowest.len() - 1]);
    println!("{:<40} median {:6.2} ms, slowest column {:6.2} ms ({})", "sorting", middle.0, last.0, last.1);
    for filter in ["acc>0.8", "!crashed baseline", "lr:1e-4 epochs>=5 state:finished test_acc>0.8 started>=2026-01-01"]
    {
        print(&format!("filter {filter}"), &timed(TIMES, || app.runs.set_filter(filter)));
    }
    app.runs.set_filter("");
    print("a letter typed into the filter, and drawn", &typing(&mut app));
    print("drawing, 200 x 60", &drawing(&app));
    app.runs.set_view(RunsView { columns, ..RunsView::default() });
    print("drawing, 200 x 60, all columns", &drawing(&app));
    let grouped = RunsView { grouped_by: Some(Grouping::ButSeed), ..RunsView::default() };
    print("grouping by all but the seed", &timed(TIMES, || app.runs.set_view(grouped.clone())));
    print("drawing, 200 x 60, grouped", &drawing(&app));
    app.runs.set_view(RunsView::default());
    press(&mut app, KeyCode::Char('p'));
    print("drawing all as points, 200 x 60", &drawing(&app));
}

fn press(app: &mut App, code: KeyCode) {
    app.update(Message::Key(KeyEvent::from(code)), &Scene::default());
}

fn typing(app: &mut App) -> Vec<f64> {
    let mut terminal = Terminal::new(TestBackend::new(200, 60)).unwrap();
    press(app, KeyCode::Char('/'));
    let letters: Vec<char> = "acc>0.85 lr:1e-4 !crashed epochs>=5 star".chars().collect();
    let mut letters = letters.iter().cycle();
    let times = timed(40, || {
        press(app, KeyCode::Char(*letters.next().unwrap()));
        terminal.draw(|frame| drop(ui::draw(frame, app))).unwrap();
    });
    press(app, KeyCode::Esc);
    times
}

fn drawing(app: &App) -> Vec<f64> {
    let mut terminal = Terminal::new(TestBackend::new(200, 60)).unwrap();
    timed(TIMES, || {
        terminal.draw(|frame| drop(ui::draw(frame, app))).unwrap();
    })
}

/// Milliseconds, the shortest first.
fn timed(times: usize, mut work: impl FnMut()) -> Vec<f64> {
    let mut one = |_| {
        let start = Instant::now();
        work();
        start.elapsed().as_secs_f64() * 1000.0
    };
    let mut found: Vec<f64> = (0..times).map(&mut one).collect();
    found.sort_by(f64::total_cmp);
    found
}

fn report(what: &str, times: usize, mut work: impl FnMut() -> std::time::Duration) {
    let mut found: Vec<f64> = (0..times).map(|_| work().as_secs_f64() * 1000.0).collect();
    found.sort_by(f64::total_cmp);
    print(what, &found);
}

fn print(what: &str, found: &[f64]) {
    println!("{what:<40.60} median {:6.2} ms, worst {:6.2} ms", found[found.len() / 2], found[found.len() - 1]);
}
