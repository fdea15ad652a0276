//! The screens as text, on terminals of every size.

use proptest::prelude::*;
use ratatui::Terminal;
use ratatui::backend::TestBackend;
use ratatui::buffer::Buffer;
use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyModifiers, MouseButton, MouseEvent, MouseEventKind};
use ratatui::style::Color;

use super::theme::Theme;
use super::{draw, storm};
use crate::app::history::History;
use crate::app::inspect::case::Case;
use crate::app::inspect::similar::{Alike, Likeness, Made};
use crate::app::inspect::{Found, Images};
use crate::app::message::{DataMessage, InspectMessage, Message, RunsMessage, Told, TrainMessage};
use crate::app::popup::{Popup, Question};
use crate::app::runs::compare::Compared;
use crate::app::runs::work::RunsNews;
use crate::app::scene::{Colours, Scene, Target};
use crate::app::{App, sample};
use crate::dataset::{Class, Split};
use crate::metrics::comparison::{Comparison, Side};
use crate::metrics::{self, Threshold};
use crate::store::RunState;
use crate::train::{Outcome, Phase, TrainEvent};

const SIZES: [(u16, u16); 4] = [(60, 16), (80, 24), (120, 40), (200, 60)];

pub(super) fn frame(app: &App, (width, height): (u16, u16)) -> (Buffer, Scene) {
    let mut terminal = Terminal::new(TestBackend::new(width, height)).unwrap();
    let mut scene = Scene::default();
    terminal.draw(|frame| scene = draw(frame, app)).unwrap();
    (terminal.backend().buffer().clone(), scene)
}

pub(super) fn text(app: &App, size: (u16, u16)) -> String {
    let (buffer, _) = frame(app, size);
    let rows = buffer.content.chunks(usize::from(size.0));
    let lines = rows.map(|row| row.iter().map(ratatui::buffer::Cell::symbol).collect::<String>());
    lines.map(|line| line.trim_end().to_owned() + "\n").collect()
}

pub(super) fn assert_looks(name: &str, app: &App, sizes: &[(u16, u16)]) {
    for size in sizes {
        insta::assert_snapshot!(format!("{name}_{}x{}", size.0, size.1), text(app, *size));
    }
}

/// Just `SIZES[1]`, for what matters less.
const USUAL: &[(u16, u16)] = &[(80, 24)];

pub(super) fn pressed(mut app: App, keys: &[KeyCode]) -> App {
    for key in keys {
        sample::press(&mut app, *key);
    }
    app
}

pub(super) fn told(mut app: App, messages: impl IntoIterator<Item = Message>) -> App {
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
    let running = Message::Runs(RunsMessage::Loaded(Ok(vec![sample::run(4, RunState::Running)])));
    assert_looks("train_form_elsewhere", &told(app, [running]), USUAL);
}

#[test]
fn the_last_setting_is_shown_on_a_small_screen_when_it_is_chosen() {
    let keys = [KeyCode::Char('2'), KeyCode::Char('G')];
    assert_looks("train_last", &pressed(sample::with_data(), &keys), &[(60, 16)]);
    let wrong = [&keys[..], &[KeyCode::Enter, KeyCode::Char('x'), KeyCode::Enter]].concat();
    assert_looks("train_last_wrong", &pressed(sample::with_data(), &wrong), &[(60, 16)]);
}

#[test]
fn a_value_that_cannot_be_is_named_below_the_settings() {
    let keys = [KeyCode::Char('2'), KeyCode::Down, KeyCode::Enter, KeyCode::Char('x'), KeyCode::Enter];
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

/// On Runs with twelve runs, after these letters.
pub(super) fn typed(letters: &str) -> App {
    let mut app = sample::with_varied();
    sample::type_text(&mut app, letters);
    app
}

/// From the smallest terminal there is, which is told so, on.
const ALL_SIZES: [(u16, u16); 5] = [(40, 10), (60, 16), (80, 24), (120, 40), (200, 60)];

#[test]
fn a_filter_is_typed_over_the_table_with_what_is_wrong_below_its_place() {
    assert_looks("runs_filter", &typed("/acc>0.9 lr:1e-4"), &ALL_SIZES);
    assert_looks("runs_filter_wrong", &typed("/acc>0.9 colour:red"), &[(60, 16), (120, 40)]);
    assert_looks("runs_filter_empty", &typed("/acc>2"), USUAL);
}

#[test]
fn runs_are_marked_grouped_and_held_against_one() {
    assert_looks("runs_marked", &typed("  j \u{20}jb"), &ALL_SIZES);
    let grouped = pressed(typed("Bbut the seed"), &[KeyCode::Enter, KeyCode::Enter]);
    assert_looks("runs_grouped", &grouped, &ALL_SIZES);
    assert_looks("runs_shifted", &typed("llllllll"), &[(60, 16), (80, 24)]);
}

#[test]
fn some_runs_lie_side_by_side_with_their_curves() {
    assert_looks("compare", &sample::comparing(), &ALL_SIZES);
    assert_looks("compare_all", &pressed(sample::comparing(), &[KeyCode::Char('a'), KeyCode::Char(']')]), USUAL);
    assert_looks("compare_zoomed", &pressed(sample::comparing(), &[KeyCode::Char('z')]), USUAL);
}

#[test]
fn two_runs_are_told_apart_by_paired_tests() {
    let mut app = typed("  =");
    let case = |margin: f64, patient| metrics::Case { margin, truth: patient % 2 == 0, patient, kind: None };
    let cases = |shift: f64| {
        (0..60_u8).map(|n| case(f64::from(u16::from(n) * 37 % 11) - 5.0 + shift, n.into())).collect::<Vec<_>>()
    };
    let (a, b) = (cases(0.0), cases(1.5));
    let side = |cases| Side { cases, threshold: Threshold::HALF };
    let found = Box::new(Comparison::of(side(&a), side(&b)));
    let pair = [sample::run_id(12), sample::run_id(11)];
    sample::tell(&mut app, [Message::Runs(RunsMessage::News(RunsNews::Paired(pair, Ok(found))))]);
    assert_looks("compare_paired", &app, &[(80, 24), (120, 40)]);
}

#[test]
fn runs_are_points() {
    assert_looks("scatter", &typed("  pll"), &ALL_SIZES);
}

#[test]
fn names_groups_and_columns_are_asked_for_in_popups() {
    assert_looks("prompt", &typed("n"), &[(60, 16), (80, 24)]);
    let empty = pressed(typed("t"), &[KeyCode::Char('\''), KeyCode::Enter]);
    assert_looks("prompt_wrong", &empty, USUAL);
    assert_looks("choice", &typed("Bra"), &[(60, 16), (80, 24)]);
    assert_looks("columns", &typed("vjj"), &[(60, 16), (80, 24), (120, 40)]);
    assert_looks("columns_search", &typed("v/test"), USUAL);
    let mut app = typed("e");
    app.popup = Some(Popup::Question(Question::Overwrite { path: "runs.csv".into() }));
    assert_looks("overwrite", &app, USUAL);
    let refused = RunsNews::NotWritten("cannot write runs.csv: Permission denied (os error 13); ".repeat(4));
    assert_looks("not_written", &told(pressed(typed("e"), &[KeyCode::Enter]), [news(refused)]), USUAL);
}

/// The style of the first cell of a word in the row that has a name.
fn colour_of(app: &App, name: &str, word: &str) -> Color {
    let (buffer, _) = frame(app, (120, 40));
    let row = |y: u16| (0..120).map(|x| buffer[(x, y)].symbol().to_owned()).collect::<Vec<_>>();
    let y = (0..40).find(|y| row(*y).concat().contains(name)).unwrap();
    let cells = row(y);
    let x = (0..120).find(|x| cells[*x..].concat().starts_with(word)).unwrap();
    buffer[(u16::try_from(x).unwrap(), y)].fg
}

#[test]
fn better_and_worse_than_the_baseline_have_their_colours_and_marked_runs_theirs() {
    let app = typed("jjjjb/name=run-9 ");
    let better = sample::varied().into_iter().find(|run| run.started.name == "run-7").unwrap();
    assert_eq!(better.best_val_accuracy, None, "a run without a figure has no difference");
    // Off the row: the chosen one has a single colour, which its ground is readable under.
    let app = pressed(app, &[KeyCode::Esc, KeyCode::Char('G')]);
    let theme = Theme { colours: Colours::True, name: app.display.theme };
    let shown = text(&app, (120, 40));
    assert!(shown.contains("against run-8"), "{shown}");
    assert_eq!(colour_of(&app, "run-9 ", "+0.0"), theme.good().fg.unwrap(), "{shown}");
    assert_eq!(colour_of(&app, "run-5 ", "-0.0"), theme.bad().fg.unwrap(), "{shown}");
    let marked = typed("  j");
    assert_eq!(colour_of(&marked, "run-12", "◆"), theme.series(0).fg.unwrap());
    assert_eq!(colour_of(&marked, "run-11", "◆"), theme.series(1).fg.unwrap());
}

#[test]
fn a_run_keeps_its_colour_when_another_is_marked_no_more() {
    let mut app = typed("   ");
    let theme = Theme { colours: Colours::True, name: app.display.theme };
    sample::type_text(&mut app, "g G");
    assert_eq!(colour_of(&app, "run-11", "◆"), theme.series(1).fg.unwrap());
}

#[test]
fn a_click_on_a_title_sorts_by_that_column() {
    let mut app = sample::with_varied();
    let scene = frame(&app, (120, 40)).1;
    let column = app.runs.view.columns.iter().position(|column| column.key() == "test_acc").unwrap();
    let (area, _) = scene.targets.iter().find(|(_, target)| *target == Target::Column(column)).unwrap();
    let kind = MouseEventKind::Down(MouseButton::Left);
    let click = MouseEvent { kind, column: area.x + 1, row: area.y, modifiers: KeyModifiers::NONE };
    app.update(Message::Mouse(click), &scene);
    assert_eq!(app.runs.view.sorted_by.key(), "test_acc");
}

#[test]
fn a_run_is_shown_with_its_curves() {
    assert_looks("detail", &sample::with_detail(), &SIZES);
}

#[test]
fn the_queue_says_why_a_run_failed_and_how_it_is_tried_again() {
    let entries = TrainMessage::Queue(Ok((0..5).map(storm::entry).collect()));
    let keys = ['2', 'Q', 'j', 'j', 'j'].map(KeyCode::Char);
    let app = pressed(told(sample::with_data(), [Message::Train(entries)]), &keys);
    assert_looks("queue", &app, &[(60, 16), (80, 24)]);
}

#[test]
fn a_question_lies_over_the_screen() {
    let mut emptying = sample::with_varied();
    emptying.popup = Some(Popup::Question(Question::EmptyTrash));
    assert_looks("empty_trash", &emptying, USUAL);
    assert!(text(&told(emptying, [news(RunsNews::InTrash(3))]), USUAL[0]).contains("all 3 runs in the trash, their"));
    assert_looks("quit", &pressed(sample::training(), &[KeyCode::Char('q')]), &[(60, 16), (80, 24)]);
}

#[test]
fn inspect_shows_picture_truth_and_prediction() {
    assert_looks("inspect", &sample::inspecting(), &SIZES);
}

#[test]
fn inspect_shows_how_far_an_ensemble_disagrees() {
    let app = sample::inspecting();
    let cases = sample::cases().into_iter().map(|case| Case { disagreement: Some(0.041), ..case });
    let found = sample::found(&app, cases.collect());
    let shown = text(&told(app, [found]), USUAL[0]);
    assert!(shown.contains("± 0.041") && shown.contains("loss"), "{shown}");
}

#[test]
fn inspect_shows_many_images_at_once() {
    let mut app = pressed(sample::inspecting(), &[KeyCode::Char('j'), KeyCode::Char('t')]);
    let tiles = (0..4).map(|index| (index, (index != 3).then(sample::picture))).collect();
    let request = app.inspect.request;
    sample::tell(&mut app, [Message::Inspect(InspectMessage::Tiles { request, tiles })]);
    assert_looks("inspect_grid", &app, &SIZES);
}

#[test]
fn inspect_shows_the_curves_of_all_answers() {
    let app = pressed(sample::inspecting(), &[KeyCode::Char('r')]);
    assert_looks("inspect_curves", &app, &SIZES);
    let app = pressed(app, &[KeyCode::Down, KeyCode::Down]);
    assert_looks("inspect_reliability", &app, &[(80, 24)]);
    assert_looks("inspect_matrix", &pressed(app, &[KeyCode::Down]), &[(80, 24)]);
}

#[test]
fn inspect_shows_what_the_network_sees_as_similar() {
    let mut app = pressed(sample::inspecting(), &[KeyCode::Char('f')]);
    let request = app.inspect.request;
    let made = Made { done: 1234, total: 5510 };
    sample::tell(&mut app, [Message::Inspect(InspectMessage::SimilarMade { request, made })]);
    assert_looks("inspect_features", &app, &[(80, 24)]);
    let alike = |at: usize| Alike {
        file: format!("train/NORMAL/{at}.jpeg"),
        split: Split::ALL[at % 3],
        truth: Class::ALL[at % 2],
        distance: 0.002 * f64::from(u32::try_from(at).unwrap()),
        picture: (at != 3).then(sample::picture),
    };
    let likeness =
        Ok(Likeness { own: Some(sample::picture()), neighbours: (1..9).map(alike).collect(), remoteness: Some(0.42) });
    sample::tell(&mut app, [Message::Inspect(InspectMessage::Similar { request, index: 0, likeness })]);
    assert_looks("inspect_similar", &app, &SIZES);
}

#[test]
fn inspect_shows_a_picture_from_anywhere_and_images_without_a_run() {
    let mut app = sample::inspecting();
    app.inspect.choose_files(vec!["/scans".into()], None);
    let (request, cases) = (app.inspect.request, vec![Case::of_file("/scans/of today/a.png".into())]);
    let found = Ok(Found { images: Images::Files, root: "".into(), synthetic: false, cases });
    sample::tell(&mut app, [Message::Inspect(InspectMessage::Cases { request, found })]);
    sample::show_picture(&mut app);
    let (generation, run_id, warnings) = (app.inspect.generation, sample::run_id(5), vec!["in colours".to_owned()]);
    let warned = InspectMessage::Told { generation, run_id, index: 0, told: Told::Warned(warnings) };
    sample::tell(&mut app, [Message::Inspect(warned)]);
    assert_looks("inspect_file", &app, USUAL);
    let mut app = pressed(sample::with_data(), &[KeyCode::Char('i')]);
    let cases = sample::cases().into_iter().map(|case| Case { logits: None, ..case }).collect();
    let found = Found { images: Images::DataSet, root: "data".into(), synthetic: false, cases };
    let request = app.inspect.request;
    sample::tell(&mut app, [Message::Inspect(InspectMessage::Cases { request, found: Ok(found) })]);
    sample::show_picture(&mut app);
    assert_looks("inspect_data_set", &app, USUAL);
}

#[test]
fn inspect_says_where_pneumonia_begins_and_that_images_are_not_the_test_images() {
    let mut app = sample::inspecting();
    let shown = app.inspect.run.as_mut().unwrap();
    shown.threshold = Threshold::at(0.43);
    let mut found = sample::found(&app, sample::cases());
    if let Message::Inspect(InspectMessage::Cases { found: Ok(found), .. }) = &mut found {
        found.images = Images::Split(Split::Validation);
    }
    let said = text(&told(app, [found]), USUAL[0]);
    assert!(said.contains("threshold 0.430"), "{said}");
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

thread_local! {
    /// Made once, as it takes longer than drawing it.
    static GALLERY: Vec<App> = gallery();
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
        typed("  jb/acc> colour"),
        pressed(typed("Bbut the seed"), &[KeyCode::Enter, KeyCode::Enter]),
        sample::comparing(),
        typed("  pll"),
        typed("n"),
        typed("vjj"),
        typed("Bra"),
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
    let found = sample::found(&app, cases);
    sample::tell(&mut app, [found]);
    for size in SIZES {
        let (buffer, _) = frame(&app, size);
        assert!(buffer.content.iter().all(|cell| !cell.symbol().chars().any(char::is_control)));
        for y in 1..size.1 - 1 {
            let edge = buffer[(size.0 - 1, y)].symbol();
            assert!("│╮╯".contains(edge) && !edge.is_empty(), "{edge:?} ends row {y} of {size:?}");
        }
    }
}

/// Images that may answer what was asked for.
fn any_cases(number: usize, cases: Vec<Case>) -> Message {
    let images = [Images::Split(Split::Train), Images::DataSet, Images::Files][number % 3];
    let found = Found { images, root: "data".into(), synthetic: number.is_multiple_of(2), cases };
    Message::Inspect(InspectMessage::Cases { request: u64::try_from(number % 9).unwrap(), found: Ok(found) })
}

fn any_key() -> impl Strategy<Value = Message> {
    let codes = prop_oneof![
        prop::sample::select(
            "1234jkhlgGnNrsixdpy?q <>[]0.9é/=*bBvtTeEuMYXKJLao:\"".chars().map(KeyCode::Char).collect::<Vec<_>>()
        ),
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

fn compared(number: usize) -> Compared {
    let (run_id, history) = (sample::run_id(number % 13), History::new(number));
    Compared { run_id, history, ..Compared::default() }
}

fn news(news: RunsNews) -> Message {
    Message::Runs(RunsMessage::News(news))
}

/// What the workers may say, in any order and at any time.
fn any_news() -> impl Strategy<Value = Message> {
    (0..21_u8, 1..200_usize).prop_map(|(kind, number)| match kind {
        14 => Message::Runs(RunsMessage::Loaded(Ok(sample::varied().into_iter().skip(number % 13).collect()))),
        15 => news(RunsNews::Trashed { runs: vec![(sample::run_id(number % 6), "run".into())], problem: None }),
        16 => news(RunsNews::Compared(vec![compared(number)])),
        17 => news(RunsNews::Sizes(vec![(sample::run_id(number % 13), number as u64)])),
        18 => news(RunsNews::Exists("runs.csv".into())),
        19 => news(RunsNews::NotWritten("no permission ".repeat(number))),
        0 => sample::summary(number % 2 == 0),
        1 => Message::Data(DataMessage::Missing { dir: "data".into() }),
        2 => Message::Data(DataMessage::Failed("no permission".into())),
        3 => sample::runs(),
        4 => Message::Runs(RunsMessage::Loaded(Ok(Vec::new()))),
        5 => sample::detail(),
        6 => sample::event(TrainEvent::Step(sample::step(number))),
        7 => sample::event(TrainEvent::Epoch { figures: sample::epoch(number), best: number % 3 == 0 }),
        8 => sample::event(TrainEvent::Ended(Outcome::Stopped)),
        9 => any_cases(number, sample::cases()),
        10 => any_cases(number, Vec::new()),
        11 => {
            let logits = Ok(([f32::NAN, 1.0], None));
            let (generation, run_id, index) = (u64::MAX, sample::run_id(5), number % 7);
            Message::Inspect(InspectMessage::Told { generation, run_id, index, told: Told::Logits(logits) })
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
        GALLERY.with(|apps| apps.iter().for_each(|app| drop(frame(app, size))));
    }
}
