//! How the Train screen and the charts behave.

use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyModifiers, MouseButton, MouseEvent, MouseEventKind};

use super::action::{Action, Place};
use super::attached::Watched;
use super::chart::Window;
use super::form::Field;
use super::message::{Effect, Message, RunsMessage, TrainMessage};
use super::popup::Popup;
use super::sample::{self, press, tell, type_text};
use super::scene::{Area, ChartArea, Scene, Target};
use super::{App, Screen};
use crate::store::{CommandKind, Entry, EntryState, Mark, MarkKind, NewEntry, RunState};
use crate::train::range_test::{RateCurve, RateEvent, RateOutcome};
use crate::train::space::Strategy;
use crate::train::{Outcome, Phase, TrainEvent};

fn on_form() -> App {
    let mut app = sample::with_data();
    press(&mut app, KeyCode::Char('2'));
    app
}

/// Types a value into the line of a setting, to which the cursor is moved down.
fn typed(app: &mut App, field: Field, text: &str) {
    press(app, KeyCode::Home);
    for _ in 0..field.place() {
        press(app, KeyCode::Down);
    }
    press(app, KeyCode::Enter);
    let key = KeyEvent::new(KeyCode::Char('u'), KeyModifiers::CONTROL);
    tell(app, [Message::Key(key)]);
    type_text(app, text);
    press(app, KeyCode::Enter);
}

#[test]
fn a_list_of_values_makes_a_grid_that_goes_into_the_queue() {
    let mut app = on_form();
    typed(&mut app, Field::LEARNING_RATE, "1e-3, 3e-4");
    typed(&mut app, Field::SEED, "1..3");
    let effects = press(&mut app, KeyCode::Char('s'));
    let [Effect::EnqueueSearch(search)] = &effects[..] else { panic!("{effects:?}") };
    assert_eq!((search.strategy, search.candidates().unwrap().len()), (Strategy::Grid, 2));
    let queued = TrainMessage::Queued(Ok("sweep-1 waits for its turn".into()));
    assert_eq!(tell(&mut app, [Message::Train(queued)]), [Effect::RunQueue]);
    assert!(app.train.is_running(), "from here on another run waits");
}

#[test]
fn one_value_again_is_one_run_again() {
    let mut app = on_form();
    typed(&mut app, Field::LEARNING_RATE, "1e-3, 3e-4");
    press(&mut app, KeyCode::Right);
    assert!(app.train.plan.is_empty());
    typed(&mut app, Field::LEARNING_RATE, "1e-3, 3e-4");
    typed(&mut app, Field::LEARNING_RATE, "0.01");
    assert!(matches!(press(&mut app, KeyCode::Char('s'))[..], [Effect::StartRun(_)]));
}

#[test]
fn values_that_cannot_be_are_refused_where_they_are_typed() {
    let mut app = on_form();
    typed(&mut app, Field::BATCH_SIZE, "16, 1");
    assert!(app.train.problem.as_ref().unwrap().contains("batch size"), "{:?}", app.train.problem);
    assert_eq!(app.train.place(), Place::Editing, "what was typed is still there to be mended");
}

fn entry(name: &str) -> Entry {
    let config = sample::run(1, RunState::Finished).started.config;
    let settings = vec![("learning_rate".to_owned(), serde_json::json!(3e-4))];
    Entry {
        id: 7,
        study: Some("sweep-1".into()),
        new: NewEntry { name: name.into(), data: "data".into(), config, candidate: 0, settings, until_epoch: None },
        rung: 0,
        state: EntryState::Running,
        run_id: None,
        problem: None,
        added_at: String::new(),
        started_at: None,
        ended_at: None,
    }
}

#[test]
fn the_queues_runs_follow_each_other_on_the_screen_until_nothing_waits() {
    let mut app = sample::training();
    tell(&mut app, [Message::Train(TrainMessage::Next(Box::new(entry("sweep-1/1"))))]);
    assert_eq!(app.train.live.as_ref().unwrap().name, "sweep-1/1");
    tell(&mut app, [sample::event(TrainEvent::Ended(Outcome::Stopped))]);
    assert_eq!(app.train.place(), Place::Live, "the next one is on its way");
    tell(&mut app, [Message::Train(TrainMessage::Next(Box::new(entry("sweep-1/2"))))]);
    assert_eq!(app.train.live.as_ref().unwrap().name, "sweep-1/2");
    tell(
        &mut app,
        [sample::event(TrainEvent::Ended(Outcome::Stopped)), Message::Train(TrainMessage::QueueOver(Ok(())))],
    );
    assert_eq!((app.train.place(), app.train.is_running()), (Place::Ended, false));
}

/// The chosen row of the queue, and why the last key did nothing.
fn in_queue(app: &App) -> (usize, Option<&str>) {
    let Some(Popup::Queue(list)) = &app.popup else { panic!("{:?}", app.popup) };
    (list.row, list.notice.as_deref())
}

#[test]
fn a_waiting_run_is_taken_out_of_the_queue_and_of_one_under_way_it_is_said_how() {
    let mut app = on_form();
    press(&mut app, KeyCode::Char('Q'));
    let waiting = Entry { id: 8, state: EntryState::Waiting, ..entry("sweep-1/2") };
    tell(&mut app, [Message::Train(TrainMessage::Queue(Ok(vec![entry("sweep-1/1"), waiting])))]);
    assert_eq!(press(&mut app, KeyCode::Char('x')), []);
    assert_eq!(in_queue(&app), (0, Some("under way: first stop it, with s where Train shows it")));
    press(&mut app, KeyCode::Down);
    assert_eq!(in_queue(&app), (1, None), "of another run it would not be true");
    assert_eq!(press(&mut app, KeyCode::Char('x')), [Effect::RemoveEntries(vec![8])]);
    let area = Area { x: 0, y: 0, width: 1, height: 1 };
    let scene = Scene { targets: vec![(area, Target::Row(0))], ..Scene::default() };
    let (kind, modifiers) = (MouseEventKind::Down(MouseButton::Left), KeyModifiers::NONE);
    app.update(Message::Mouse(MouseEvent { kind, column: 0, row: 0, modifiers }), &scene);
    assert_eq!(in_queue(&app), (0, None), "a click chooses a line");
}

#[test]
fn a_run_of_the_queue_that_failed_is_tried_again_unless_its_study_is_a_rung_further() {
    let mut app = on_form();
    press(&mut app, KeyCode::Char('Q'));
    let failed = |id: i64, study: Option<&str>| Entry {
        id,
        study: study.map(str::to_owned),
        state: EntryState::Failed,
        problem: Some("no room".into()),
        ..entry("run")
    };
    let further = Entry { id: 9, rung: 1, ..entry("sweep-1/2") };
    let entries = vec![failed(7, None), failed(8, Some("sweep-1")), further];
    tell(&mut app, [Message::Train(TrainMessage::Queue(Ok(entries)))]);
    assert!(app.can(Action::Retry), "the footer has it");
    assert_eq!(press(&mut app, KeyCode::Char('t')), [Effect::RetryEntries(vec![7])]);
    for (row, why) in [(1, "its study is a rung further"), (2, "it has not failed")] {
        press(&mut app, KeyCode::Down);
        assert_eq!(press(&mut app, KeyCode::Char('t')), []);
        assert_eq!(in_queue(&app), (row, Some(format!("it cannot be tried again: {why}").as_str())));
        assert!(!app.can(Action::Retry));
    }
}

#[test]
fn a_learning_rate_is_searched_for_and_taken() {
    let mut app = on_form();
    assert!(matches!(press(&mut app, KeyCode::Char('F'))[..], [Effect::FindRate { search: 1, .. }]));
    press(&mut app, KeyCode::Enter);
    assert_eq!(app.train.place(), Place::Finder, "nothing to take yet");
    let curve = RateCurve { points: Vec::new(), suggestion: Some(0.002_345), diverged: true };
    let ended = |search, curve| {
        Message::Train(TrainMessage::Rate { search, event: RateEvent::Ended(RateOutcome::Done(curve)) })
    };
    tell(&mut app, [ended(0, curve.clone())]);
    assert!(!app.train.finder.as_ref().unwrap().is_over(), "what an older search tells is not for this one");
    tell(&mut app, [ended(1, curve)]);
    press(&mut app, KeyCode::Enter);
    assert_eq!((app.train.config.learning_rate.to_string(), app.train.place()), ("0.0023".into(), Place::Form));
}

#[test]
fn leaving_the_search_for_a_learning_rate_stops_it() {
    let mut app = on_form();
    press(&mut app, KeyCode::Char('F'));
    assert_eq!(press(&mut app, KeyCode::Esc), [Effect::StopFinding]);
    assert_eq!(app.train.place(), Place::Form);
}

/// With a run that another process trains in the table, which Train follows.
fn attached() -> App {
    let mut app = sample::with_data();
    let running = sample::run(4, RunState::Running);
    let effects = tell(&mut app, [Message::Runs(RunsMessage::Loaded(Ok(vec![running])))]);
    assert!(effects.contains(&Effect::Watch(Some(sample::run_id(4)))));
    app
}

#[test]
fn a_run_of_another_process_is_asked_through_the_store() {
    let mut app = attached();
    press(&mut app, KeyCode::Char('2'));
    assert_eq!(app.train.place(), Place::Live);
    let asked = |effects: Vec<Effect>| match &effects[..] {
        [Effect::Ask { run_id, kind, value }] if *run_id == sample::run_id(4) => Some((*kind, *value)),
        _ => None,
    };
    assert_eq!(asked(press(&mut app, KeyCode::Char('<'))), Some((CommandKind::Rate, Some(3e-4))));
    assert_eq!(asked(press(&mut app, KeyCode::Char(' '))), Some((CommandKind::Pause, None)));
    assert_eq!(asked(press(&mut app, KeyCode::Char('S'))), Some((CommandKind::Finish, None)));
    assert_eq!(press(&mut app, KeyCode::Char('s')), [], "somebody else's run is not stopped without a question");
    assert_eq!(asked(press(&mut app, KeyCode::Char('y'))), Some((CommandKind::Stop, None)));
    assert_eq!(press(&mut app, KeyCode::Char('q')), [Effect::Quit], "nothing of ours is lost by leaving");
}

#[test]
fn what_another_process_writes_is_shown_as_it_comes() {
    let mut app = attached();
    let mut run = sample::run(4, RunState::Running);
    let steps = match sample::detail() {
        Message::Runs(RunsMessage::Detail { detail: Ok(detail), .. }) => detail.history,
        _ => panic!("no detail"),
    };
    let watched = |run, marks| {
        let watched = Watched { run, steps: Vec::new(), epochs: vec![sample::epoch(1)], marks };
        Message::Train(TrainMessage::Watched(Box::new(watched)))
    };
    let pause = Mark::now(3, MarkKind::Pause);
    tell(&mut app, [watched(run.clone(), vec![pause])]);
    let live = app.train.live.as_ref().unwrap();
    assert_eq!((live.phase, live.history.epochs.len(), steps.epochs.len()), (Phase::Paused, 1, 5));
    run.state = RunState::Crashed;
    tell(&mut app, [watched(run, Vec::new())]);
    assert!(matches!(app.train.live.as_ref().unwrap().outcome, Some(Outcome::Failed(_))));
    press(&mut app, KeyCode::Char('2'));
    assert_eq!(app.place(), Place::Ended);
}

#[test]
fn nobody_is_torn_from_the_settings_by_a_run_that_begins_elsewhere() {
    let mut app = on_form();
    let running = sample::run(4, RunState::Running);
    tell(&mut app, [Message::Runs(RunsMessage::Loaded(Ok(vec![running])))]);
    assert_eq!((app.screen, app.place()), (Screen::Train, Place::Form));
    assert!(app.can(Action::Attach), "but they are told of it");
    assert_eq!(press(&mut app, KeyCode::Char('a')), [Effect::Watch(Some(sample::run_id(4)))]);
    assert_eq!(app.place(), Place::Live);
}

fn chart_scene() -> Scene {
    let area = Area { x: 10, y: 5, width: 101, height: 20 };
    Scene { charts: vec![ChartArea { area, from: 0.0, to: 10.0 }], ..Scene::default() }
}

fn mouse(app: &mut App, kind: MouseEventKind, column: u16) {
    let event = MouseEvent { kind, column, row: 8, modifiers: KeyModifiers::NONE };
    app.update(Message::Mouse(event), &chart_scene());
}

#[test]
fn dragging_over_a_chart_zooms_to_what_was_marked() {
    let mut app = sample::training();
    mouse(&mut app, MouseEventKind::Down(MouseButton::Left), 30);
    app.dirty = false;
    mouse(&mut app, MouseEventKind::Drag(MouseButton::Left), 50);
    assert!(app.dirty, "what is being marked shows");
    mouse(&mut app, MouseEventKind::Up(MouseButton::Left), 50);
    assert_eq!((app.chart.window, app.chart.dragged), (Window::Fixed(2.0, 4.0), None));
}

#[test]
fn a_click_on_a_chart_sets_the_cursor_and_the_wheel_zooms_about_the_pointer() {
    let mut app = sample::training();
    mouse(&mut app, MouseEventKind::Down(MouseButton::Left), 60);
    mouse(&mut app, MouseEventKind::Up(MouseButton::Left), 60);
    assert_eq!(app.chart.cursor, Some(5.0));
    mouse(&mut app, MouseEventKind::ScrollUp, 60);
    assert_eq!(app.chart.window, Window::Fixed(1.0, 9.0));
}

#[test]
fn escape_steps_out_one_layer_at_a_time() {
    let mut app = sample::with_detail();
    for key in ['z', '.', 'l'] {
        press(&mut app, KeyCode::Char(key));
    }
    assert!(app.zoomed && app.chart.cursor.is_some() && app.chart.window != Window::All);
    press(&mut app, KeyCode::Esc);
    assert!(app.chart.cursor.is_none() && app.chart.window != Window::All);
    press(&mut app, KeyCode::Esc);
    assert!(app.chart.window == Window::All && app.zoomed);
    press(&mut app, KeyCode::Esc);
    assert!(!app.zoomed && app.place() == Place::Detail);
    press(&mut app, KeyCode::Esc);
    assert_eq!(app.place(), Place::Runs);
}

#[test]
fn the_end_of_a_run_is_told_whatever_is_on_the_screen() {
    let mut app = sample::training();
    press(&mut app, KeyCode::Char('1'));
    let effects = tell(&mut app, sample::ending());
    assert!(effects.contains(&Effect::Notify("run-3 has finished".into())), "{effects:?}");
}

#[test]
fn an_open_log_is_read_again_when_something_happens() {
    let mut app = sample::training();
    let load = Effect::LoadLog { run_id: sample::run_id(3) };
    assert_eq!(press(&mut app, KeyCode::Char('o')), std::slice::from_ref(&load));
    let step = sample::event(TrainEvent::Step(sample::step(74)));
    assert_eq!(tell(&mut app, [step]), [], "not for every step");
    let epoch = sample::event(TrainEvent::Epoch { figures: sample::epoch(4), best: false });
    assert!(tell(&mut app, [epoch]).contains(&load));
    press(&mut app, KeyCode::Char('o'));
    assert!(app.log_of(Some(&sample::run_id(3))).is_none());
}

#[test]
fn a_run_that_was_queued_behind_a_single_one_starts_when_that_one_has_ended() {
    let mut app = sample::training();
    press(&mut app, KeyCode::Char('n'));
    assert!(matches!(press(&mut app, KeyCode::Char('s'))[..], [Effect::Enqueue(_)]));
    tell(&mut app, [Message::Train(TrainMessage::Queued(Ok("next-1 waits".into())))]);
    assert!(tell(&mut app, sample::ending()).contains(&Effect::RunQueue));
}

#[test]
fn a_run_of_another_process_that_was_left_is_not_shown_again_by_itself() {
    let mut app = attached();
    press(&mut app, KeyCode::Char('2'));
    assert_eq!(press(&mut app, KeyCode::Esc), [Effect::Watch(None)]);
    press(&mut app, KeyCode::Char('1'));
    let running = sample::run(4, RunState::Running);
    tell(&mut app, [Message::Runs(RunsMessage::Loaded(Ok(vec![running])))]);
    assert!(app.train.live.is_none());
    press(&mut app, KeyCode::Char('3'));
    press(&mut app, KeyCode::Char('a'));
    assert_eq!((app.screen, app.train.attached().is_some()), (Screen::Train, true));
}

#[test]
fn leaving_waits_for_the_queues_end() {
    let mut app = sample::training();
    tell(&mut app, [Message::Train(TrainMessage::Next(Box::new(entry("sweep-1/1"))))]);
    press(&mut app, KeyCode::Char('q'));
    assert_eq!(press(&mut app, KeyCode::Char('y')), [Effect::StopRun]);
    let ended = tell(&mut app, [sample::event(TrainEvent::Ended(Outcome::Stopped))]);
    assert!(!ended.contains(&Effect::Quit), "the queue notes it first");
    assert_eq!(tell(&mut app, [Message::Train(TrainMessage::QueueOver(Ok(())))]), [Effect::Quit]);
}

#[test]
fn why_the_queue_stands_still_stays_on_the_screen() {
    let mut app = on_form();
    tell(&mut app, [Message::Train(TrainMessage::QueueOver(Err("the disk is full".into())))]);
    tell(&mut app, [Message::Train(TrainMessage::Queue(Ok(Vec::new())))]);
    assert!(app.train.problem.as_ref().unwrap().contains("disk is full"));
}
