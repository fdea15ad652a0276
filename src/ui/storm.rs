//! A storm of keys, mouse events, sizes and workers' messages, in any order: nothing of it may break the screens.

use rand::seq::IndexedRandom;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use ratatui::Terminal;
use ratatui::backend::TestBackend;
use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyModifiers, MouseButton, MouseEvent, MouseEventKind};

use super::draw;
use crate::app::App;
use crate::app::attached::Watched;
use crate::app::inspect::{Found, Images};
use crate::app::message::{DataMessage, Effect, InspectMessage, Message, RunsMessage, TrainMessage};
use crate::app::sample;
use crate::app::scene::{Colours, Scene, ThemeName};
use crate::metrics::EpochFigures;
use crate::store::{Entry, EntryState, NewEntry, Run, RunState, StepPoint};
use crate::train::range_test::{RateCurve, RateEvent, RateOutcome, RatePoint};
use crate::train::{Outcome, Phase, TrainEvent};

const NAMED: [KeyCode; 16] = [
    KeyCode::Enter,
    KeyCode::Esc,
    KeyCode::Tab,
    KeyCode::BackTab,
    KeyCode::Backspace,
    KeyCode::Delete,
    KeyCode::Up,
    KeyCode::Down,
    KeyCode::Left,
    KeyCode::Right,
    KeyCode::PageUp,
    KeyCode::PageDown,
    KeyCode::Home,
    KeyCode::End,
    KeyCode::Insert,
    KeyCode::F(5),
];

const LETTERS: [char; 8] = ['é', '肺', '🩻', '\u{202e}', '\u{0}', '\u{301}', '\t', '\u{1b}'];

fn any_key(rng: &mut ChaCha8Rng) -> Message {
    let code = match rng.random_range(0..10) {
        0..4 => *NAMED.choose(rng).unwrap(),
        4 if rng.random_bool(0.1) => KeyCode::Char(*LETTERS.choose(rng).unwrap()),
        _ => KeyCode::Char(char::from(rng.random_range(b' '..=b'~'))),
    };
    let modifiers = match rng.random_range(0..20) {
        0 => KeyModifiers::CONTROL,
        1 => KeyModifiers::ALT,
        2 => KeyModifiers::SHIFT,
        _ => KeyModifiers::NONE,
    };
    Message::Key(KeyEvent::new(code, modifiers))
}

fn any_mouse(rng: &mut ChaCha8Rng) -> Message {
    let kinds = [
        MouseEventKind::Down(MouseButton::Left),
        MouseEventKind::Drag(MouseButton::Left),
        MouseEventKind::Up(MouseButton::Left),
        MouseEventKind::Down(MouseButton::Right),
        MouseEventKind::ScrollUp,
        MouseEventKind::ScrollDown,
        MouseEventKind::Moved,
    ];
    let (kind, modifiers) = (*kinds.choose(rng).unwrap(), KeyModifiers::NONE);
    Message::Mouse(MouseEvent { kind, column: rng.random_range(0..310), row: rng.random_range(0..110), modifiers })
}

fn point(number: usize) -> StepPoint {
    let step = sample::step(number.max(1));
    StepPoint {
        step: step.step,
        epoch: step.epoch,
        batches: if number.is_multiple_of(7) { 0 } else { step.batches },
        loss: if number.is_multiple_of(5) { f64::NAN } else { step.loss },
        accuracy: step.accuracy,
        images_per_second: if number.is_multiple_of(11) { f64::INFINITY } else { 36.0 },
        seconds: (!number.is_multiple_of(3)).then_some(f64::from(u32::try_from(number).unwrap_or(0))),
        learning_rate: (!number.is_multiple_of(2)).then_some(1e-3),
        processor: None,
        memory: (!number.is_multiple_of(4)).then_some(1 << 30),
    }
}

fn any_run(number: usize) -> Run {
    let states = [RunState::Running, RunState::Finished, RunState::Stopped, RunState::Failed, RunState::Crashed];
    sample::run(number % 6, states[number % 5])
}

fn any_epoch(number: usize) -> EpochFigures {
    let mut figures = sample::epoch(number.max(1));
    if number.is_multiple_of(3) {
        figures.validation.loss = Some(f64::NAN);
    }
    figures
}

/// Of every state in turn.
pub(super) fn entry(number: usize) -> Entry {
    let states = [EntryState::Waiting, EntryState::Running, EntryState::Done, EntryState::Failed, EntryState::Skipped];
    Entry {
        id: i64::try_from(number).unwrap_or(0),
        study: (!number.is_multiple_of(2)).then(|| "sweep-1".into()),
        new: NewEntry {
            name: format!("sweep-1/{number}"),
            data: "data".into(),
            config: if number.is_multiple_of(3) { serde_json::json!({}) } else { any_run(number).started.config },
            candidate: number,
            settings: vec![("learning_rate".into(), serde_json::json!(1e-3))],
            until_epoch: (!number.is_multiple_of(2)).then_some(number),
        },
        rung: 0,
        state: states[number % 5],
        run_id: Some(sample::run_id(number % 6)),
        problem: (number % 5 == 3).then(|| "no room ".repeat(30)),
        added_at: String::new(),
        started_at: None,
        ended_at: None,
    }
}

fn train_news(number: usize) -> TrainMessage {
    let event = TrainMessage::Event;
    let rate = |event| TrainMessage::Rate { search: 1 + number as u64 % 2, event };
    match number % 19 {
        0 => event(TrainEvent::Step(sample::step(number % 300 + 1))),
        1 => event(TrainEvent::Epoch { figures: any_epoch(number % 40), best: number.is_multiple_of(3) }),
        2 => event(TrainEvent::Ended(Outcome::Stopped)),
        3 => event(TrainEvent::Ended(Outcome::Failed("no room ".repeat(60)))),
        4 => event(TrainEvent::Phase(Phase::Paused)),
        5 => event(TrainEvent::Phase(Phase::Validating { epoch: number, done: number, total: 0 })),
        6 => event(TrainEvent::Rate { step: number, learning_rate: 3e-4 }),
        7 => event(TrainEvent::Notice("word ".repeat(number % 60))),
        8 => TrainMessage::Refused("batch size must be 2 to 100,000".into()),
        9 => TrainMessage::Next(Box::new(entry(number))),
        10 => TrainMessage::QueueOver(if number.is_multiple_of(2) { Ok(()) } else { Err("no room".into()) }),
        11 => TrainMessage::Queue(Ok((0..number % 90).map(entry).collect())),
        12 => TrainMessage::Queued(if number.is_multiple_of(2) { Ok("sweep-1".into()) } else { Err("no data".into()) }),
        13 => rate(RateEvent::Point(RatePoint {
            learning_rate: [1e-7, 1e-4, 0.0, f64::NAN][number % 4],
            loss: [0.7, f64::NAN, 1e9][number % 3],
            smoothed: 0.7,
        })),
        14 => {
            let suggestion = [Some(1e-3), None, Some(0.0)][number % 3];
            let curve = RateCurve { points: Vec::new(), suggestion, diverged: false };
            rate(RateEvent::Ended(RateOutcome::Done(curve)))
        }
        15 => rate(RateEvent::Ended(RateOutcome::Failed("no room".into()))),
        _ => TrainMessage::Watched(Box::new(Watched {
            run: any_run(number),
            steps: (number % 200..number % 200 + number % 9).map(point).collect(),
            epochs: (1..number % 12).map(any_epoch).collect(),
            marks: Vec::new(),
        })),
    }
}

/// What the workers may say, whether it was asked for or not.
fn any_news(rng: &mut ChaCha8Rng) -> Message {
    let number = rng.random_range(0..1000_usize);
    match rng.random_range(0..16) {
        0 => sample::summary(number.is_multiple_of(2)),
        1 => Message::Data(DataMessage::Missing { dir: "data".into() }),
        2 => Message::Data(DataMessage::Failed("no permission".into())),
        3 => sample::runs(),
        4 => Message::Runs(RunsMessage::Loaded(Ok((0..number % 40).map(any_run).collect()))),
        5 => sample::detail(),
        6 => Message::Runs(RunsMessage::Log {
            run_id: sample::run_id(number % 6),
            lines: Ok((0..number % 70).map(|n| format!("2026-11-26T09:00:00Z epoch {n} {}", "x".repeat(n))).collect()),
        }),
        7 => Message::Inspect(InspectMessage::Cases {
            request: u64::try_from(number % 9).unwrap_or(0),
            found: Ok(Found {
                images: [Images::default(), Images::DataSet, Images::Files][number % 3],
                root: "data".into(),
                synthetic: false,
                cases: if number.is_multiple_of(4) { Vec::new() } else { sample::cases() },
            }),
        }),
        8 => Message::Inspect(InspectMessage::Picture {
            generation: u64::try_from(number % 9).unwrap_or(0),
            picture: Ok(sample::picture()),
        }),
        9 => Message::Paste("0.5, 1e-3..\n\u{1b}肺".into()),
        10 => Message::Runs(RunsMessage::Changed),
        _ => Message::Train(train_news(number)),
    }
}

fn any_message(rng: &mut ChaCha8Rng) -> Message {
    match rng.random_range(0..12) {
        0..7 => any_key(rng),
        7..9 => any_mouse(rng),
        _ => any_news(rng),
    }
}

fn any_size(rng: &mut ChaCha8Rng) -> (u16, u16) {
    match rng.random_range(0..4) {
        0 => (rng.random_range(1..=300), rng.random_range(1..=100)),
        1 => (80, 24),
        2 => (rng.random_range(60..=120), rng.random_range(16..=40)),
        _ => (rng.random_range(1..=70), rng.random_range(1..=20)),
    }
}

/// So many events, each taken in and drawn, from this seed.
fn weather(events: usize, seed: u64) {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let mut app = App::default_for_tests();
    let mut terminal = Terminal::new(TestBackend::new(80, 24)).unwrap();
    let mut scene = Scene::default();
    for number in 0..events {
        if rng.random_bool(0.01) {
            let (width, height) = any_size(&mut rng);
            terminal.backend_mut().resize(width, height);
            app.update(Message::Resize, &scene);
            app.display.ascii = rng.random_bool(0.1);
            app.display.colours = *[Colours::None, Colours::Sixteen, Colours::True].choose(&mut rng).unwrap();
            app.display.theme = *ThemeName::ALL.choose(&mut rng).unwrap();
        }
        let effects = app.update(any_message(&mut rng), &scene);
        if effects.contains(&Effect::Quit) || number % 2000 == 1999 {
            app = App::default_for_tests();
        }
        terminal.draw(|frame| scene = draw(frame, &app)).unwrap();
        let size = terminal.size().unwrap();
        for (area, target) in &scene.targets {
            let inside = area.x + area.width <= size.width && area.y + area.height <= size.height;
            assert!(inside, "event {number}: {target:?} at {area:?} lies outside {size}");
        }
    }
}

impl App {
    fn default_for_tests() -> Self {
        let mut app = sample::empty();
        app.start();
        app
    }
}

#[test]
fn a_storm_of_events_breaks_nothing() {
    weather(6000, 1);
}

#[test]
#[ignore = "takes minutes: cargo test --release --lib -- --ignored a_million_events"]
fn a_million_events_break_nothing() {
    std::thread::scope(|scope| {
        for seed in 2..4 {
            scope.spawn(move || weather(500_000, seed));
        }
    });
}
