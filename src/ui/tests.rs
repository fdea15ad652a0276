//! The screens as text, on terminals of every size.

use proptest::prelude::*;
use ratatui::Terminal;
use ratatui::backend::TestBackend;
use ratatui::buffer::Buffer;
use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyModifiers, MouseButton, MouseEvent, MouseEventKind};
use ratatui::style::Color;

use super::draw;
use crate::app::message::{DataMessage, InspectMessage, Message, RunsMessage};
use crate::app::scene::{Colours, Scene};
use crate::app::{App, sample};
use crate::dataset::Split;
use crate::metrics::Threshold;
use crate::train::{Outcome, Phase, TrainEvent};

const SIZES: [(u16, u16); 4] = [(60, 16), (80, 24), (120, 40), (200, 60)];

fn frame(app: &App, (width, height): (u16, u16)) -> (Buffer, Scene) {
    let mut terminal = Terminal::new(TestBackend::new(width, height)).unwrap();
    let mut scene = Scene::default();
    terminal.draw(|frame| scene = draw(frame, app)).unwrap();
    (terminal.backend().buffer().clone(), scene)
}

fn text(app: &App, size: (u16, u16)) -> String {
    let (buffer, _) = frame(app, size);
    let rows = buffer.content.chunks(usize::from(size.0));
    let lines = rows.map(|row| row.iter().map(ratatui::buffer::Cell::symbol).collect::<String>());
    lines.map(|line| line.trim_end().to_owned() + "\n").collect()
}

fn assert_looks(name: &str, app: &App, sizes: &[(u16, u16)]) {
    for size in sizes {
        insta::assert_snapshot!(format!("{name}_{}x{}", size.0, size.1), text(app, *size));
    }
}

/// Just `SIZES[1]`, for what matters less.
const USUAL: &[(u16, u16)] = &[(80, 24)];

fn pressed(mut app: App, keys: &[KeyCode]) -> App {
    for key in keys {
        sample::press(&mut app, *key);
    }
    app
}

fn told(mut app: App, messages: impl IntoIterator<Item = Message>) -> App {
    sample::tell(&mut app, messages);
    app
}

#[test]
fn data_shows_what_is_in_the_data_set() {
    assert_looks("data", &sample::with_data(), &SIZES);
}

#[test]
fn data_offers_the_demo_set_where_there_is_none() {
    let missing = DataMessage::Missing { dir: "data".into() };
    assert_looks("data_missing", &told(sample::empty(), [Message::Data(missing)]), &[(60, 16), (80, 24)]);
}

#[test]
fn data_tells_how_far_it_is_read_and_what_went_wrong() {
    let busy = DataMessage::Progress { what: "decoding", done: 1204, total: 5216 };
    assert_looks("data_busy", &told(sample::empty(), [Message::Data(busy)]), USUAL);
    let problem = "data/chest_xray has no test folder; put the images below train and test, each with NORMAL and \
                   PNEUMONIA";
    let failed = DataMessage::Failed(problem.into());
    assert_looks("data_failed", &told(sample::empty(), [Message::Data(failed)]), &[(60, 16), (80, 24)]);
}

#[test]
fn train_begins_with_the_settings() {
    let app = pressed(sample::with_data(), &[KeyCode::Char('2')]);
    assert_looks("train_form", &app, &SIZES);
}

#[test]
fn the_last_setting_is_shown_on_a_small_screen_when_it_is_chosen() {
    let down = [KeyCode::Char('j'); 12];
    let keys = [&[KeyCode::Char('2')], &down[..]].concat();
    assert_looks("train_last", &pressed(sample::with_data(), &keys), &[(60, 16)]);
    let wrong = [&keys[..], &[KeyCode::Enter, KeyCode::Char('x'), KeyCode::Enter]].concat();
    assert_looks("train_last_wrong", &pressed(sample::with_data(), &wrong), &[(60, 16)]);
}

#[test]
fn a_value_that_cannot_be_is_named_below_the_settings() {
    let keys = [KeyCode::Char('2'), KeyCode::Enter, KeyCode::Char('x'), KeyCode::Enter];
    assert_looks("train_editing", &pressed(sample::with_data(), &keys), USUAL);
}

#[test]
fn train_shows_bars_and_charts_of_the_run_under_way() {
    assert_looks("train_live", &sample::training(), &SIZES);
}

#[test]
fn train_shows_a_pause_and_how_the_run_ended() {
    let paused = told(sample::training(), [sample::event(TrainEvent::Phase(Phase::Paused))]);
    assert_looks("train_paused", &paused, USUAL);
    assert_looks("train_ended", &told(sample::training(), sample::ending()), USUAL);
    let problem = "epoch 4: the loss is not a number; a lower learning rate helps";
    let failed = [sample::event(TrainEvent::Ended(Outcome::Failed(problem.into())))];
    assert_looks("train_failed", &told(sample::training(), failed), USUAL);
}

#[test]
fn a_run_that_decodes_says_how_far_it_is() {
    let keys = [KeyCode::Char('2'), KeyCode::Char('s')];
    let decoding = sample::event(TrainEvent::Phase(Phase::Decoding { done: 1204, total: 5216 }));
    assert_looks("train_decoding", &told(pressed(sample::with_data(), &keys), [decoding]), USUAL);
}

#[test]
fn runs_is_a_table() {
    assert_looks("runs", &pressed(sample::with_runs(), &[KeyCode::Char('3')]), &SIZES);
    let none = Message::Runs(RunsMessage::Loaded(Ok(Vec::new())));
    assert_looks("runs_none", &pressed(told(sample::empty(), [none]), &[KeyCode::Char('3')]), USUAL);
}

#[test]
fn a_run_is_shown_with_its_curves() {
    assert_looks("detail", &sample::with_detail(), &SIZES);
}

#[test]
fn a_question_lies_over_the_screen() {
    assert_looks("delete", &pressed(sample::with_runs(), &[KeyCode::Char('3'), KeyCode::Char('x')]), USUAL);
    assert_looks("quit", &pressed(sample::training(), &[KeyCode::Char('q')]), &[(60, 16), (80, 24)]);
}

#[test]
fn inspect_shows_picture_truth_and_prediction() {
    assert_looks("inspect", &sample::inspecting(), &SIZES);
}

#[test]
fn inspect_says_where_pneumonia_begins_and_that_images_are_not_the_test_images() {
    let mut app = sample::inspecting();
    let shown = app.inspect.run.as_mut().unwrap();
    shown.threshold = Threshold::at(0.43);
    let cases = InspectMessage::Cases { run_id: shown.id.clone(), cases: Ok((Split::Validation, sample::cases())) };
    let said = text(&told(app, [Message::Inspect(cases)]), USUAL[0]);
    assert!(said.contains("called PNEUMONIA from 43 %"), "{said}");
    assert!(said.contains("1 of 5, validation images"), "{said}");
}

#[test]
fn inspect_says_why_it_has_nothing_to_show() {
    let failed = Message::Runs(RunsMessage::Loaded(Err("runs.db: no database; name another file with --db".into())));
    assert_looks("inspect_failed", &pressed(told(sample::empty(), [failed]), &[KeyCode::Char('4')]), USUAL);
}

#[test]
fn help_lists_every_key() {
    assert_looks("help", &pressed(sample::with_data(), &[KeyCode::Char('?')]), &[(60, 16), (80, 24), (200, 60)]);
}

#[test]
fn a_terminal_too_small_is_told_so() {
    assert_looks("small", &sample::training(), &[(40, 10)]);
}

/// Every state of interest.
fn gallery() -> Vec<App> {
    vec![
        sample::with_data(),
        told(sample::empty(), [sample::summary(true)]),
        pressed(sample::with_data(), &[KeyCode::Char('2')]),
        told(sample::training(), [sample::event(TrainEvent::Ended(Outcome::Failed("no room ".repeat(200))))]),
        sample::training(),
        pressed(sample::training(), &[KeyCode::Char('q')]),
        pressed(sample::with_runs(), &[KeyCode::Char('3')]),
        sample::with_detail(),
        sample::inspecting(),
        pressed(sample::inspecting(), &[KeyCode::Char('?')]),
    ]
}

#[test]
fn no_colour_is_used_where_none_is_wanted() {
    for mut app in gallery() {
        app.display.colours = Colours::None;
        let (buffer, _) = frame(&app, (120, 40));
        let coloured = buffer.content.iter().find(|cell| cell.fg != Color::Reset || cell.bg != Color::Reset);
        assert_eq!(coloured, None, "{:?}", app.screen);
    }
}

#[test]
fn help_and_quit_are_in_every_footer_that_takes_them() {
    for row in 0..5 {
        let mut app = pressed(sample::with_runs(), &[KeyCode::Char('3')]);
        app.runs.row = row;
        for size in SIZES {
            let text = text(&app, size);
            assert!(text.trim_end().ends_with("? help  q quit"), "{text}");
        }
    }
}

#[test]
fn synthetic_data_is_marked_in_a_colour_of_its_own() {
    let (buffer, _) = frame(&told(sample::empty(), [sample::summary(true)]), (80, 24));
    let header: String = (0..80).map(|x| buffer[(x, 0)].symbol()).collect();
    let x = u16::try_from(header.find("SYNTHETIC").unwrap()).unwrap();
    assert_eq!((buffer[(x, 0)].fg, buffer[(x, 0)].bg), (Color::Indexed(16), Color::Indexed(221)));
}

#[test]
fn an_xray_is_drawn_in_its_greys() {
    let (buffer, _) = frame(&sample::inspecting(), (80, 24));
    let greys: std::collections::BTreeSet<u8> = buffer
        .content
        .iter()
        .filter(|cell| cell.symbol() == "▀")
        .filter_map(|cell| if let Color::Rgb(r, g, b) = cell.fg { (r == g && g == b).then_some(r) } else { None })
        .collect();
    assert!([60, 130, 190].iter().all(|level| greys.contains(level)), "{greys:?}");
}

#[test]
fn names_full_of_controls_and_wide_letters_stay_in_their_cells() {
    let mut app = sample::inspecting();
    let mut cases = sample::cases();
    cases[0].file = "test/NORMAL/\u{1b}[31m\u{7}肺炎の画像とても長い名前です\u{202e}👩‍⚕️.jpeg".into();
    let run_id = sample::run_id(5);
    sample::tell(&mut app, [Message::Inspect(InspectMessage::Cases { run_id, cases: Ok((Split::Test, cases)) })]);
    for size in SIZES {
        let (buffer, _) = frame(&app, size);
        assert!(buffer.content.iter().all(|cell| !cell.symbol().chars().any(char::is_control)));
        for y in 1..size.1 - 1 {
            let edge = buffer[(size.0 - 1, y)].symbol();
            assert!("│╮╯".contains(edge) && !edge.is_empty(), "{edge:?} ends row {y} of {size:?}");
        }
    }
}

fn any_key() -> impl Strategy<Value = Message> {
    let codes = prop_oneof![
        prop::sample::select("1234jkhlgGnNrsixdpy?q <>[]0.9é".chars().map(KeyCode::Char).collect::<Vec<_>>()),
        prop::sample::select(vec![KeyCode::Tab, KeyCode::BackTab, KeyCode::Enter, KeyCode::Esc, KeyCode::Backspace]),
        prop::sample::select(vec![KeyCode::Up, KeyCode::Down, KeyCode::Left, KeyCode::Right, KeyCode::PageDown]),
        prop::sample::select(vec![KeyCode::Home, KeyCode::End, KeyCode::Delete, KeyCode::PageUp, KeyCode::F(5)]),
    ];
    codes.prop_map(|code| Message::Key(KeyEvent::new(code, KeyModifiers::NONE)))
}

fn any_mouse() -> impl Strategy<Value = Message> {
    let kinds = vec![
        MouseEventKind::Down(MouseButton::Left),
        MouseEventKind::Up(MouseButton::Left),
        MouseEventKind::ScrollUp,
        MouseEventKind::ScrollDown,
    ];
    (prop::sample::select(kinds), 0..210_u16, 0..70_u16)
        .prop_map(|(kind, column, row)| Message::Mouse(MouseEvent { kind, column, row, modifiers: KeyModifiers::NONE }))
}

/// What the workers may say, in any order and at any time.
fn any_news() -> impl Strategy<Value = Message> {
    (0..14_u8, 1..200_usize).prop_map(|(kind, number)| match kind {
        0 => sample::summary(number % 2 == 0),
        1 => Message::Data(DataMessage::Missing { dir: "data".into() }),
        2 => Message::Data(DataMessage::Failed("no permission".into())),
        3 => sample::runs(),
        4 => Message::Runs(RunsMessage::Loaded(Ok(Vec::new()))),
        5 => sample::detail(),
        6 => sample::event(TrainEvent::Step(sample::step(number))),
        7 => sample::event(TrainEvent::Epoch { figures: sample::epoch(number), best: number % 3 == 0 }),
        8 => sample::event(TrainEvent::Ended(Outcome::Stopped)),
        9 => Message::Inspect(InspectMessage::Cases {
            run_id: sample::run_id(5),
            cases: Ok((Split::Test, sample::cases())),
        }),
        10 => {
            Message::Inspect(InspectMessage::Cases { run_id: sample::run_id(5), cases: Ok((Split::Test, Vec::new())) })
        }
        11 => {
            let logits = Ok([f32::NAN, 1.0]);
            let (generation, run_id, index) = (u64::MAX, sample::run_id(5), number % 7);
            Message::Inspect(InspectMessage::Prediction { generation, run_id, index, logits })
        }
        12 => {
            let generation = u64::try_from(number % 9).unwrap();
            Message::Inspect(InspectMessage::Picture { generation, picture: Ok(sample::picture()) })
        }
        _ => Message::Paste("0.5\n\u{1b}".into()),
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(192))]

    #[test]
    fn whatever_comes_in_whatever_order_the_screen_is_drawn_and_targets_lie_on_it(
        messages in prop::collection::vec(prop_oneof![4 => any_key(), 2 => any_mouse(), 2 => any_news()], 1..50),
        sizes in prop::collection::vec((1..210_u16, 1..70_u16), 1..4),
    ) {
        let mut app = sample::empty();
        app.start();
        let mut scene = Scene::default();
        for (number, message) in messages.into_iter().enumerate() {
            app.update(message, &scene);
            let size = sizes[number / 16 % sizes.len()];
            scene = frame(&app, size).1;
            for (area, target) in &scene.targets {
                prop_assert!(area.x + area.width <= size.0 && area.y + area.height <= size.1, "{target:?}: {area:?}");
            }
        }
    }

    #[test]
    fn every_screen_fits_every_size(size in (1..260_u16, 1..90_u16)) {
        for app in gallery() {
            frame(&app, size);
        }
    }
}
