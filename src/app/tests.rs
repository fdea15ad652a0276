use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyModifiers, MouseButton, MouseEvent, MouseEventKind};

use super::action::{Action, Place};
use super::inspect::Wanted;
use super::message::{DataMessage, Effect, InspectMessage, Message, RunsMessage, Told, TrainMessage};
use super::popup::{Popup, Question};
use super::runs::work::RunsWork;
use super::sample::{self, press, tell, type_text};
use super::scene::{Area, Scene, Target};
use super::{App, Screen};
use crate::store::RunState;
use crate::train::{Outcome, Phase, TrainConfig, TrainEvent};

fn asks_for_view(effects: &[Effect]) -> Option<usize> {
    effects.iter().find_map(|effect| if let Effect::Show(view) = effect { Some(view.index) } else { None })
}

fn clicked(app: &mut App, target: Target) -> Vec<Effect> {
    let area = Area { x: 0, y: 0, width: 1, height: 1 };
    let scene = Scene { targets: vec![(area, target)], ..Scene::default() };
    let kind = MouseEventKind::Down(MouseButton::Left);
    app.update(Message::Mouse(MouseEvent { kind, column: 0, row: 0, modifiers: KeyModifiers::NONE }), &scene)
}

#[test]
fn at_first_the_data_set_and_the_runs_are_read() {
    assert_eq!(sample::empty().start(), [Effect::LoadData, Effect::LoadRuns]);
}

#[test]
fn without_data_a_key_makes_the_demo_set() {
    let mut app = sample::empty();
    tell(&mut app, [Message::Data(DataMessage::Missing { dir: "data".into() })]);
    assert_eq!(app.place(), Place::DataMissing);
    assert_eq!(press(&mut app, KeyCode::Char('d')), [Effect::MakeDemo]);
    assert_eq!(app.place(), Place::DataBusy);
}

#[test]
fn tab_goes_round_the_screens() {
    let mut app = sample::with_data();
    for screen in [Screen::Train, Screen::Runs, Screen::Inspect, Screen::Data] {
        press(&mut app, KeyCode::Tab);
        assert_eq!(app.screen, screen);
    }
    press(&mut app, KeyCode::BackTab);
    assert_eq!(app.screen, Screen::Inspect);
}

#[test]
fn a_typed_value_is_kept_by_enter_and_forgotten_by_escape() {
    let mut app = sample::with_data();
    app.train.config.epochs = 10;
    press(&mut app, KeyCode::Char('2'));
    press(&mut app, KeyCode::Down);
    press(&mut app, KeyCode::Enter);
    press(&mut app, KeyCode::Backspace);
    type_text(&mut app, "2q");
    assert_eq!(app.train.editing.as_ref().map(super::input::Input::text), Some("12q"), "letters are typed, not obeyed");
    press(&mut app, KeyCode::Enter);
    assert!(app.train.problem.is_some() && app.train.config.epochs == 10);
    press(&mut app, KeyCode::Backspace);
    press(&mut app, KeyCode::Enter);
    assert_eq!((app.train.config.epochs, app.place()), (12, Place::Form));
    press(&mut app, KeyCode::Enter);
    type_text(&mut app, "9");
    press(&mut app, KeyCode::Esc);
    assert_eq!(app.train.config.epochs, 12);
}

#[test]
fn a_click_on_another_setting_ends_the_typing() {
    let mut app = sample::with_data();
    press(&mut app, KeyCode::Char('2'));
    press(&mut app, KeyCode::Enter);
    type_text(&mut app, "9");
    clicked(&mut app, Target::Field(2));
    assert_eq!((app.train.field, app.place()), (2, Place::Form));
    assert_eq!(app.train.config, TrainConfig::default());
}

#[test]
fn a_click_shows_even_when_the_release_comes_with_it() {
    let mut app = sample::with_data();
    app.dirty = false;
    clicked(&mut app, Target::Action(Action::ShowRuns));
    let up = MouseEventKind::Up(MouseButton::Left);
    let release = MouseEvent { kind: up, column: 0, row: 0, modifiers: KeyModifiers::NONE };
    tell(&mut app, [Message::Mouse(release)]);
    assert!(app.dirty);
    app.dirty = false;
    tell(&mut app, [Message::Mouse(release)]);
    assert!(!app.dirty, "a release alone changes nothing");
}

#[test]
fn a_question_takes_clicks_and_keys_from_what_lies_below() {
    let mut app = sample::with_runs();
    press(&mut app, KeyCode::Char('3'));
    app.popup = Some(Popup::Question(Question::EmptyTrash));
    clicked(&mut app, Target::Row(3));
    press(&mut app, KeyCode::Char('j'));
    press(&mut app, KeyCode::Char('1'));
    assert_eq!((app.runs.row, app.screen, app.place()), (0, Screen::Runs, Place::Question));
    assert_eq!(press(&mut app, KeyCode::Char('y')), [Effect::Runs(RunsWork::EmptyTrash)]);
}

#[test]
fn the_learning_rate_of_a_run_under_way_steps_through_ones_and_threes() {
    let mut app = sample::training();
    assert_eq!(press(&mut app, KeyCode::Char('<')), [Effect::SetLearningRate(3e-4)]);
    assert_eq!(press(&mut app, KeyCode::Char('<')), [Effect::SetLearningRate(1e-4)]);
    assert_eq!(press(&mut app, KeyCode::Char('>')), [Effect::SetLearningRate(3e-4)]);
    tell(&mut app, [sample::event(TrainEvent::Rate { step: 73, learning_rate: 3e-4 })]);
    let live = app.train.live.as_ref().unwrap();
    assert!(live.notice.as_ref().unwrap().contains("from step 74 on, the learning rate is 0.0003"));
}

#[test]
fn an_open_run_is_reported_and_verified_and_the_answer_is_said() {
    let mut app = sample::with_detail();
    let run_id = sample::run_id(5);
    assert_eq!(press(&mut app, KeyCode::Char('w')), [Effect::WriteReport { run_id: run_id.clone() }]);
    assert_eq!(press(&mut app, KeyCode::Char('v')), [Effect::VerifyRun { run_id }]);
    assert_eq!(app.runs.notice.as_deref(), Some("looking…"));
    tell(&mut app, [Message::Runs(RunsMessage::Said("as they were".into()))]);
    assert_eq!(app.runs.notice.as_deref(), Some("as they were"));
}

#[test]
fn the_settings_of_a_run_are_taken_to_train_for_a_next_run_where_one_is_under_way() {
    let mut app = sample::with_runs();
    press(&mut app, KeyCode::Char('3'));
    press(&mut app, KeyCode::Char('r'));
    assert_eq!((app.screen, app.train.place()), (Screen::Train, Place::Form));
    assert_eq!(app.train.config.batch_size, 32, "the run's, not the default");

    let mut app = sample::training();
    tell(&mut app, [sample::runs()]);
    press(&mut app, KeyCode::Char('3'));
    press(&mut app, KeyCode::Char('r'));
    assert_eq!((app.screen, app.train.place()), (Screen::Train, Place::Form));
    assert!(app.train.planning, "the run under way is only covered");
    assert!(matches!(press(&mut app, KeyCode::Char('s'))[..], [Effect::Enqueue(_)]));
    press(&mut app, KeyCode::Esc);
    assert_eq!(app.train.place(), Place::Live);
}

#[test]
fn pause_and_stop_say_at_once_that_they_were_heard() {
    let mut app = sample::training();
    assert_eq!(press(&mut app, KeyCode::Char(' ')), [Effect::PauseRun]);
    assert!(app.train.live.as_ref().unwrap().asked.is_some());
    tell(&mut app, [sample::event(TrainEvent::Phase(Phase::Paused))]);
    assert_eq!(app.train.live.as_ref().unwrap().asked, None);
    assert_eq!(press(&mut app, KeyCode::Char(' ')), [Effect::ContinueRun]);
    assert_eq!(press(&mut app, KeyCode::Char('s')), [Effect::StopRun]);
    assert_eq!(press(&mut app, KeyCode::Char('s')), [], "once is enough");
}

#[test]
fn a_run_goes_on_while_other_screens_are_looked_at() {
    let mut app = sample::training();
    press(&mut app, KeyCode::Char('1'));
    tell(&mut app, [sample::event(TrainEvent::Step(sample::step(74)))]);
    assert_eq!(app.train.live.as_ref().unwrap().step.unwrap().step, 74);
    assert!(app.train.is_running());
}

#[test]
fn leaving_while_a_run_is_under_way_asks_then_stops_it_then_leaves() {
    let mut app = sample::training();
    assert_eq!(press(&mut app, KeyCode::Char('q')), []);
    assert_eq!(app.popup, Some(Popup::Question(Question::Quit)));
    assert_eq!(press(&mut app, KeyCode::Char('y')), [Effect::StopRun]);
    let ended = tell(&mut app, [sample::event(TrainEvent::Ended(Outcome::Stopped))]);
    assert_eq!(ended.last(), Some(&Effect::Quit));
}

#[test]
fn the_question_whether_to_leave_goes_away_when_the_run_ends_by_itself() {
    let mut app = sample::training();
    press(&mut app, KeyCode::Char('q'));
    let effects = tell(&mut app, sample::ending());
    assert_eq!((app.popup.as_ref(), effects.contains(&Effect::Quit)), (None, false));
    assert_eq!(press(&mut app, KeyCode::Char('q')), [Effect::Quit]);
}

#[test]
fn a_signal_leaves_without_a_question() {
    assert_eq!(tell(&mut sample::training(), [Message::Terminate]), [Effect::Quit]);
}

#[test]
fn control_c_asks_as_q_does_even_while_a_value_is_typed() {
    let mut app = sample::with_data();
    press(&mut app, KeyCode::Char('2'));
    press(&mut app, KeyCode::Enter);
    let key = KeyEvent::new(KeyCode::Char('c'), KeyModifiers::CONTROL);
    assert_eq!(tell(&mut app, [Message::Key(key)]), [Effect::Quit]);
}

#[test]
fn a_run_that_could_not_start_says_why() {
    let mut app = sample::with_data();
    press(&mut app, KeyCode::Char('2'));
    assert!(matches!(press(&mut app, KeyCode::Char('s'))[..], [Effect::StartRun(_)]));
    tell(&mut app, [Message::Train(TrainMessage::Refused("runs.db is no database".into()))]);
    let live = app.train.live.as_ref().unwrap();
    assert_eq!(live.outcome, Some(Outcome::Refused("runs.db is no database".into())));
    assert_eq!(live.ending(), "the run did not begin: runs.db is no database");
    press(&mut app, KeyCode::Char('n'));
    assert_eq!(app.place(), Place::Form);
}

#[test]
fn the_table_sorts_by_any_column_and_keeps_the_chosen_run() {
    let mut app = sample::with_runs();
    press(&mut app, KeyCode::Char('3'));
    press(&mut app, KeyCode::Char('j'));
    let names = |app: &App| app.runs.matching().map(|run| run.started.name.clone()).collect::<Vec<_>>();
    assert_eq!(names(&app), ["run-5", "run-4", "run-3", "run-2", "run-1"]);
    clicked(&mut app, Target::Column(2));
    assert_eq!(names(&app), ["run-1", "run-2", "run-3", "run-4", "run-5"]);
    clicked(&mut app, Target::Column(2));
    assert_eq!(names(&app)[0], "run-5");
    clicked(&mut app, Target::Row(3));
    tell(&mut app, [sample::runs()]);
    assert_eq!(app.runs.chosen().unwrap().started.name, "run-2");
}

#[test]
fn a_run_that_begins_is_the_chosen_one_in_the_table() {
    let mut app = sample::with_runs();
    press(&mut app, KeyCode::Char('2'));
    press(&mut app, KeyCode::Char('s'));
    tell(&mut app, sample::run_events());
    tell(&mut app, [sample::runs()]);
    assert_eq!(app.runs.chosen().unwrap().started.name, "run-3");
    app.runs.row = 0;
    tell(&mut app, [sample::runs()]);
    assert_eq!(app.runs.chosen().unwrap().started.name, "run-5", "only once");
}

#[test]
fn only_what_can_go_on_is_resumed() {
    let mut app = sample::with_runs();
    press(&mut app, KeyCode::Char('3'));
    assert!(!app.can(Action::ResumeRun), "run-5 is finished");
    assert_eq!(press(&mut app, KeyCode::Char('c')), []);
    press(&mut app, KeyCode::Down);
    press(&mut app, KeyCode::Down);
    assert_eq!(app.runs.chosen().unwrap().state, RunState::Crashed);
    let run_id = sample::run_id(3);
    assert!(press(&mut app, KeyCode::Char('c')).contains(&Effect::ResumeRun { run_id }));
    assert_eq!(app.screen, Screen::Train);
}

#[test]
fn a_second_run_is_not_started_beside_the_first() {
    let mut app = sample::training();
    tell(&mut app, [sample::runs()]);
    press(&mut app, KeyCode::Char('3'));
    press(&mut app, KeyCode::Down);
    press(&mut app, KeyCode::Down);
    assert!(!press(&mut app, KeyCode::Char('c')).iter().any(|effect| matches!(effect, Effect::ResumeRun { .. })));
}

#[test]
fn the_detail_of_another_run_is_not_shown_for_it() {
    let mut app = sample::with_runs();
    press(&mut app, KeyCode::Char('3'));
    press(&mut app, KeyCode::Enter);
    press(&mut app, KeyCode::Esc);
    press(&mut app, KeyCode::Down);
    press(&mut app, KeyCode::Enter);
    tell(&mut app, [sample::detail()]);
    assert_eq!(app.runs.detail, Some(super::message::Loadable::Loading), "run-4 is still to come");
}

#[test]
fn an_open_run_is_read_again_when_the_table_knows_more() {
    let mut app = sample::with_detail();
    assert_eq!(tell(&mut app, [sample::runs()]), [], "nothing new");
    let mut newer = sample::run(5, RunState::Finished);
    newer.seconds += 1.0;
    let run_id = sample::run_id(5);
    let loaded = |runs| Message::Runs(RunsMessage::Loaded(Ok(runs)));
    assert_eq!(tell(&mut app, [loaded(vec![newer])]), [Effect::LoadRun { run_id }]);
    tell(&mut app, [loaded(Vec::new())]);
    assert_eq!(app.runs.detail, None, "it was deleted elsewhere");
}

#[test]
fn a_synthetic_run_is_marked_whatever_the_data_set_on_screen() {
    let mut app = sample::with_runs();
    press(&mut app, KeyCode::Char('3'));
    press(&mut app, KeyCode::Down);
    press(&mut app, KeyCode::Down);
    press(&mut app, KeyCode::Char('c'));
    assert!(app.screen == Screen::Train && app.is_synthetic());
}

/// The run whose images are asked for.
fn asked_run(effects: &[Effect]) -> Option<String> {
    match effects {
        [Effect::LoadCases { wanted: Wanted::Run { run_id, .. }, .. }] => Some(run_id.clone()),
        _ => None,
    }
}

#[test]
fn when_the_inspected_run_is_deleted_the_next_one_takes_its_place() {
    let mut app = sample::inspecting();
    let left = vec![sample::run(1, RunState::Finished)];
    let effects = tell(&mut app, [Message::Runs(RunsMessage::Loaded(Ok(left)))]);
    assert_eq!(asked_run(&effects), Some(sample::run_id(1)));
}

#[test]
fn inspect_begins_with_the_newest_run_that_can_predict() {
    let mut app = sample::with_runs();
    assert_eq!(asked_run(&press(&mut app, KeyCode::Char('4'))), Some(sample::run_id(5)));
}

#[test]
fn stepping_asks_for_the_picture_and_for_no_answer_that_is_known() {
    let mut app = sample::inspecting();
    let effects = press(&mut app, KeyCode::Char('j'));
    let [Effect::Show(view)] = &effects[..] else { panic!("{effects:?}") };
    assert_eq!((view.index, view.predict_with.as_ref(), view.neighbours.len()), (1, None, 2));
    let effects = press(&mut app, KeyCode::Char('G'));
    let [Effect::Show(view)] = &effects[..] else { panic!("{effects:?}") };
    assert_eq!((view.index, view.predict_with.clone()), (4, Some(sample::run_id(5))));
}

#[test]
fn n_steps_from_mistake_to_mistake() {
    let mut app = sample::inspecting();
    assert_eq!(asks_for_view(&press(&mut app, KeyCode::Char('n'))), Some(1));
    assert_eq!(asks_for_view(&press(&mut app, KeyCode::Char('n'))), Some(3));
    assert_eq!(asks_for_view(&press(&mut app, KeyCode::Char('n'))), None, "there is no more");
    assert_eq!(asks_for_view(&press(&mut app, KeyCode::Char('N'))), Some(1));
}

#[test]
fn a_picture_that_comes_too_late_is_dropped() {
    let mut app = sample::inspecting();
    let generation = app.inspect.generation;
    press(&mut app, KeyCode::Char('j'));
    tell(&mut app, [Message::Inspect(InspectMessage::Picture { generation, picture: Err("late".into()) })]);
    assert_eq!(app.inspect.picture, super::message::Loadable::Loading);
}

#[test]
fn the_confusion_matrix_counts_what_was_seen() {
    let mut app = sample::inspecting();
    press(&mut app, KeyCode::Char('j'));
    press(&mut app, KeyCode::Char('k'));
    let (seen, all) = app.inspect.confusions();
    assert_eq!((seen.tn, seen.fp, seen.fn_, seen.tp), (1, 1, 0, 0));
    assert_eq!((all.tn, all.fp, all.fn_, all.tp), (1, 1, 1, 1));
}

#[test]
fn an_answer_for_another_run_is_not_shown() {
    let mut app = sample::inspecting();
    let logits = Ok(([0.0, 1.0], Some(0.25)));
    let generation = app.inspect.generation;
    let told = || Told::Logits(logits.clone());
    let answer = |run_id| InspectMessage::Told { generation, run_id, index: 4, told: told() };
    tell(&mut app, [Message::Inspect(answer(sample::run_id(1)))]);
    assert_eq!(app.inspect.all()[4].logits, None);
    tell(&mut app, [Message::Inspect(answer(sample::run_id(5)))]);
    assert_eq!(app.inspect.all()[4].is_right(app.inspect.threshold()), Some(true));
    assert_eq!(app.inspect.all()[4].disagreement, Some(0.25));
}
