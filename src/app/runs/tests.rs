use ratatui::crossterm::event::KeyCode;

use super::column::Column;
use super::figure::Figure;
use super::groups::Grouping;
use super::shown::Row;
use super::work::{RunsNews, RunsWork};
use crate::app::action::Place;
use crate::app::form::Field;
use crate::app::message::{Effect, Loadable, Message, RunsMessage};
use crate::app::popup::{Popup, Question};
use crate::app::sample::{self, press, run_id, tell, type_text};
use crate::app::scene::Scene;
use crate::app::{App, Screen};
use crate::metrics::comparison::Comparison;

/// On Runs, after these letters.
fn typed(letters: &str) -> App {
    let mut app = sample::with_varied();
    type_text(&mut app, letters);
    app
}

fn names(app: &App) -> Vec<&str> {
    app.runs.matching().map(|run| run.started.name.as_str()).collect()
}

fn chosen(app: &App) -> &str {
    app.runs.chosen().map_or("none", |run| run.started.name.as_str())
}

fn news(app: &mut App, news: RunsNews) -> Vec<Effect> {
    tell(app, [Message::Runs(RunsMessage::News(news))])
}

fn work(effects: &[Effect]) -> Vec<&RunsWork> {
    effects.iter().filter_map(|effect| if let Effect::Runs(work) = effect { Some(work) } else { None }).collect()
}

#[test]
fn the_filter_holds_while_it_is_typed_and_a_half_typed_one_changes_nothing() {
    let mut app = typed("/lr:1e-4");
    assert_eq!((app.place(), names(&app).len()), (Place::Filter, 4));
    type_text(&mut app, " acc>");
    assert_eq!(names(&app).len(), 4, "the last good filter stays");
    assert_eq!(app.runs.filtering.as_ref().unwrap().problem.as_ref().unwrap().at, 12);
    assert_eq!(app.runs.view.filter, "lr:1e-4 ", "nor does the beginning of a column's name hide all runs");
    press(&mut app, KeyCode::Enter);
    assert_eq!(app.place(), Place::Filter, "what is no filter is not kept");
    type_text(&mut app, "0.9");
    press(&mut app, KeyCode::Enter);
    assert_eq!((app.place(), app.runs.view.filter.as_str()), (Place::Runs, "lr:1e-4 acc>0.9"));
}

#[test]
fn a_word_that_nothing_has_hides_all_runs_once_it_is_kept() {
    let mut app = typed("/acc");
    assert_eq!(names(&app).len(), 12);
    press(&mut app, KeyCode::Enter);
    assert_eq!((names(&app).len(), app.runs.view.filter.as_str()), (0, "acc"));
    let app = typed("/zzz");
    assert_eq!(names(&app).len(), 0);
}

#[test]
fn escape_steps_back_to_the_filter_before() {
    let mut app = typed("/lr:1e-4");
    press(&mut app, KeyCode::Enter);
    type_text(&mut app, "/ seed:42");
    assert_eq!(names(&app).len(), 1);
    press(&mut app, KeyCode::Esc);
    assert_eq!((names(&app).len(), app.place()), (4, Place::Runs), "what was typed is forgotten");
    press(&mut app, KeyCode::Esc);
    assert_eq!(names(&app).len(), 12, "and so is what was kept");
}

#[test]
fn the_chosen_run_stays_chosen_while_it_is_shown() {
    let mut app = typed("jjjj");
    let before = chosen(&app).to_owned();
    type_text(&mut app, "/seed:42");
    assert_ne!(chosen(&app), before, "it is not among them");
    press(&mut app, KeyCode::Esc);
    type_text(&mut app, "g");
    let first = chosen(&app).to_owned();
    type_text(&mut app, "s");
    assert_eq!((chosen(&app), app.runs.row), (first.as_str(), 11), "the order turned round");
}

#[test]
fn sorting_goes_through_the_shown_columns_and_shifts_them_into_sight() {
    let mut app = sample::with_varied();
    let scene = Scene { table_width: 56, visible_rows: 10, ..Scene::default() };
    let press = |app: &mut App, letter: char| {
        let key = ratatui::crossterm::event::KeyEvent::from(KeyCode::Char(letter));
        app.update(Message::Key(key), &scene);
    };
    press(&mut app, '<');
    assert_eq!(app.runs.view.sorted_by, Column::Data);
    assert!(app.runs.shift > 0);
    for _ in 0..4 {
        press(&mut app, '>');
    }
    assert_eq!(app.runs.view.sorted_by, Column::Star, "round and round");
    press(&mut app, '>');
    press(&mut app, '>');
    press(&mut app, '>');
    assert_eq!((app.runs.view.sorted_by, app.runs.shift), (Column::Figure(Figure::Validation), 0));
    press(&mut app, 'l');
    assert_eq!(app.runs.shift, 1);
    press(&mut app, 'h');
    assert_eq!(app.runs.shift, 0);
}

#[test]
fn marked_runs_go_to_the_trash_together_and_come_back_together() {
    let mut app = typed("  ");
    let ids = vec![run_id(12), run_id(11)];
    assert_eq!(work(&press(&mut app, KeyCode::Char('x'))), [&RunsWork::Trash(ids.clone())]);
    let runs = vec![(run_id(12), "run-12".into()), (run_id(11), "run-11".into())];
    assert_eq!(news(&mut app, RunsNews::Trashed { runs, problem: None }), [Effect::LoadRuns]);
    assert_eq!(app.runs.notice.as_deref(), Some("run-12 and run-11 are in the trash; u brings them back"));
    let left = sample::varied().into_iter().skip(2).collect();
    tell(&mut app, [Message::Runs(RunsMessage::Loaded(Ok(left)))]);
    assert!(app.runs.facts.marks.is_empty(), "what is gone is not marked");
    assert_eq!(work(&press(&mut app, KeyCode::Char('u'))), [&RunsWork::Restore(ids)]);
    assert_eq!(
        news(
            &mut app,
            RunsNews::Restored { names: vec!["run-12".into(), "run-11".into()], left: Vec::new(), problem: None }
        ),
        [Effect::LoadRuns]
    );
    assert_eq!(press(&mut app, KeyCode::Char('u')), [], "there is no more to undo");
}

#[test]
fn one_run_goes_to_the_trash_without_a_question_also_from_its_own_page() {
    let mut app = typed("x");
    assert_eq!((app.popup.as_ref(), app.place()), (None, Place::Runs));
    let mut app2 = sample::with_detail();
    assert_eq!(work(&press(&mut app2, KeyCode::Char('x'))), [&RunsWork::Trash(vec![run_id(5)])]);
    news(&mut app2, RunsNews::Trashed { runs: vec![(run_id(5), "run-5".into())], problem: None });
    assert_eq!(
        (app2.place(), app2.runs.notice.as_deref()),
        (Place::Runs, Some("run-5 is in the trash; u brings it back"))
    );
    let problem = Some("run run-12: is under way; stop it before deleting it".to_owned());
    news(&mut app, RunsNews::Trashed { runs: Vec::new(), problem: problem.clone() });
    assert_eq!(app.runs.notice, problem);
    assert!(!app.runs.can_undo());
}

#[test]
fn emptying_the_trash_is_in_the_palette_and_asks_where_there_is_something_in_it() {
    let mut app = typed("");
    news(&mut app, RunsNews::InTrash(0));
    type_text(&mut app, ":empty");
    press(&mut app, KeyCode::Enter);
    assert_eq!((app.popup.as_ref(), app.runs.notice.as_deref()), (None, Some("the trash is empty")));
    news(&mut app, RunsNews::Trashed { runs: vec![(run_id(12), "run-12".into())], problem: None });
    type_text(&mut app, ":empty");
    press(&mut app, KeyCode::Enter);
    assert_eq!(app.popup, Some(Popup::Question(Question::EmptyTrash)));
    assert_eq!(work(&press(&mut app, KeyCode::Enter)), [&RunsWork::EmptyTrash]);
    news(&mut app, RunsNews::Emptied { runs: 3, bytes: 135_000_000, left: Vec::new() });
    assert_eq!(app.runs.notice.as_deref(), Some("3 runs are gone for good, 135.0 MB of files with them"));
    news(&mut app, RunsNews::Emptied { runs: 1, bytes: 45_000_000, left: Vec::new() });
    assert_eq!(app.runs.notice.as_deref(), Some("1 run is gone for good, 45.0 MB of files with it"));
    news(&mut app, RunsNews::Emptied { runs: 0, bytes: 0, left: Vec::new() });
    assert_eq!(app.runs.notice.as_deref(), Some("the trash is empty"), "another program was first");
}

#[test]
fn a_run_that_stays_in_the_trash_is_named_with_its_reason_and_can_be_brought_back_still() {
    let mut app = typed("");
    let pair = |number: usize| (run_id(number), format!("run-{number}"));
    news(&mut app, RunsNews::Trashed { runs: vec![pair(11), pair(12)], problem: None });
    news(&mut app, RunsNews::Trashed { runs: vec![pair(10)], problem: None });
    let left = vec![(run_id(12), "run-12 is under way; stop it before deleting it".to_owned())];
    news(&mut app, RunsNews::Emptied { runs: 2, bytes: 90_000_000, left });
    let said = "2 runs are gone for good, 90.0 MB of files with them; run-12 is under way; stop it before deleting it";
    assert_eq!(app.runs.notice.as_deref(), Some(said));
    assert_eq!(work(&press(&mut app, KeyCode::Char('u'))), [&RunsWork::Restore(vec![run_id(12)])]);
    assert!(!app.runs.can_undo());
}

#[test]
fn a_name_a_note_and_tags_are_typed_and_a_star_is_given() {
    let mut app = typed("n");
    assert_eq!(app.place(), Place::Prompt);
    type_text(&mut app, "b");
    let name = RunsWork::Rename { run_id: run_id(12), name: "run-12b".into() };
    assert_eq!(work(&press(&mut app, KeyCode::Enter)), [&name]);
    assert_eq!(news(&mut app, RunsNews::Labelled("run-12 is called run-12b now".into())), [Effect::LoadRuns]);
    type_text(&mut app, "Nwhy not");
    let note = RunsWork::Note { run_id: run_id(12), text: "why not".into() };
    assert_eq!(work(&press(&mut app, KeyCode::Enter)), [&note]);
    type_text(&mut app, "t,new");
    let tags = RunsWork::Tags { run_ids: vec![run_id(12)], tags: vec!["baseline".into(), "wide".into(), "new".into()] };
    assert_eq!(work(&press(&mut app, KeyCode::Enter)), [&tags]);
    let star = RunsWork::Star { run_id: run_id(12), starred: false };
    assert_eq!(work(&press(&mut app, KeyCode::Char('*'))), [&star], "it had one");
    type_text(&mut app, "n");
    press(&mut app, KeyCode::Esc);
    assert_eq!((app.popup.as_ref(), app.place()), (None, Place::Runs));
}

#[test]
fn an_empty_name_stays_in_its_prompt_with_what_is_wrong() {
    let mut app = typed("n");
    for _ in 0..6 {
        press(&mut app, KeyCode::Backspace);
    }
    assert_eq!(press(&mut app, KeyCode::Enter), []);
    let Some(Popup::Prompt(prompt)) = &app.popup else { panic!("{:?}", app.popup) };
    assert!(prompt.problem.as_ref().unwrap().contains("must be called something"));
    type_text(&mut app, "x");
    let Some(Popup::Prompt(prompt)) = &app.popup else { panic!("{:?}", app.popup) };
    assert_eq!(prompt.problem, None);
}

#[test]
fn runs_are_grouped_by_what_is_chosen_and_enter_unfolds() {
    let mut app = typed("Bbut the seed");
    press(&mut app, KeyCode::Enter);
    assert_eq!(app.runs.view.grouped_by, Some(Grouping::ButSeed));
    let labels: Vec<&str> = app.runs.shown().groups.iter().map(|group| group.label.as_str()).collect();
    assert_eq!(labels, ["rate 0.0001", "rate 0.0003", "rate 0.001"]);
    assert_eq!((app.runs.shown().rows.len(), chosen(&app)), (3, "none"));
    press(&mut app, KeyCode::Enter);
    assert_eq!(app.runs.shown().rows[..3], [Row::Group(0), Row::Run(0), Row::Run(1)]);
    press(&mut app, KeyCode::Down);
    assert_eq!(chosen(&app), "run-12");
    press(&mut app, KeyCode::Up);
    press(&mut app, KeyCode::Char(' '));
    assert_eq!(app.runs.facts.marks.len(), 4, "the whole group");
    type_text(&mut app, "Bnot at all");
    press(&mut app, KeyCode::Enter);
    assert_eq!((app.runs.shown().rows.len(), app.runs.view.grouped_by), (12, None));
}

#[test]
fn columns_are_chosen_and_ordered_in_a_list_and_show_at_once() {
    let mut app = typed("v");
    assert_eq!(app.place(), Place::Columns);
    type_text(&mut app, "/sensit");
    assert_eq!(app.place(), Place::ColumnSearch);
    press(&mut app, KeyCode::Enter);
    press(&mut app, KeyCode::Char(' '));
    assert_eq!(app.runs.view.columns.last(), Some(&Column::Figure(Figure::Sensitivity)));
    press(&mut app, KeyCode::Esc);
    type_text(&mut app, "vJJ");
    assert_eq!(app.runs.view.columns[..3], [Column::Star, Column::Name, Column::Mark]);
    press(&mut app, KeyCode::Char('v'));
    assert_eq!(app.place(), Place::Runs);
}

#[test]
fn sizes_are_asked_for_where_they_are_seen_and_once() {
    let mut app = typed("v/disk");
    press(&mut app, KeyCode::Enter);
    let scene = Scene { visible_rows: 3, ..Scene::default() };
    let key = |code| Message::Key(ratatui::crossterm::event::KeyEvent::from(code));
    assert_eq!(
        app.update(key(KeyCode::Char(' ')), &scene),
        [Effect::Runs(RunsWork::Measure(vec![run_id(12), run_id(11), run_id(10)]))]
    );
    press(&mut app, KeyCode::Esc);
    assert_eq!(app.update(key(KeyCode::Down), &scene), []);
    assert_eq!(app.update(key(KeyCode::End), &scene).len(), 1);
    news(&mut app, RunsNews::Sizes(vec![(run_id(12), 45_000_000)]));
    let run = app.runs.run(&run_id(12)).unwrap();
    assert_eq!(Column::Size.text(run, &app.runs.facts), "45.0 MB");
    type_text(&mut app, "/size>1MB");
    assert_eq!(names(&app), ["run-12"]);
}

#[test]
fn a_baseline_is_pinned_and_taken_away() {
    let mut app = typed("jb");
    assert_eq!(app.runs.baseline().map(|run| run.started.name.as_str()), Some("run-11"));
    type_text(&mut app, "b");
    assert_eq!(app.runs.view.baseline, None);
}

#[test]
fn the_marked_runs_are_compared_and_two_of_them_paired() {
    let mut app = typed("  =");
    let pair = [run_id(12), run_id(11)];
    assert_eq!(app.place(), Place::Compare);
    assert_eq!(app.runs.compare.as_ref().unwrap().paired, Loadable::Loading);
    press(&mut app, KeyCode::Esc);
    let effects = press(&mut app, KeyCode::Char('='));
    assert_eq!(work(&effects), [&RunsWork::Compare(pair.to_vec()), &RunsWork::Pair(pair.clone())]);
    let case = |margin| crate::metrics::Case { margin, truth: margin > 0.0, patient: 0, kind: None };
    let side = crate::metrics::comparison::Side {
        cases: &[case(1.0), case(-1.0)],
        threshold: crate::metrics::Threshold::HALF,
    };
    let found = Box::new(Comparison::of(side, side));
    let other = [run_id(1), run_id(2)];
    news(&mut app, RunsNews::Paired(other, Ok(found.clone())));
    assert_eq!(app.runs.compare.as_ref().unwrap().paired, Loadable::Loading, "that is of other runs");
    news(&mut app, RunsNews::Paired(pair, Ok(found.clone())));
    assert_eq!(app.runs.compare.as_ref().unwrap().paired, Loadable::Ready(found));
}

#[test]
fn enter_compares_on_a_marked_row_and_opens_on_another() {
    let mut app = typed("  ");
    assert!(matches!(press(&mut app, KeyCode::Enter)[..], [Effect::LoadRun { .. }]), "run-10 is not marked");
    press(&mut app, KeyCode::Esc);
    type_text(&mut app, "g");
    press(&mut app, KeyCode::Enter);
    assert_eq!(app.place(), Place::Compare);
    type_text(&mut app, "]");
    assert_eq!(press(&mut app, KeyCode::Enter), [Effect::LoadRun { run_id: run_id(11) }], "the second one");
    press(&mut app, KeyCode::Esc);
    assert_eq!(app.place(), Place::Compare, "back where it was opened");
}

#[test]
fn the_chosen_run_is_compared_with_the_baseline_and_with_nothing_else() {
    let mut app = typed("=");
    assert!(app.runs.notice.as_ref().unwrap().contains("pin one as the baseline"));
    type_text(&mut app, "b=");
    assert_eq!(app.runs.compare, None, "not with itself");
    type_text(&mut app, "j=");
    assert_eq!(app.runs.compare.as_ref().unwrap().run_ids, [run_id(12), run_id(11)]);
}

#[test]
fn points_are_walked_through_and_opened() {
    let mut app = typed("p");
    assert_eq!((app.place(), app.runs.points().len()), (Place::Scatter, 11), "the failed run has no figure");
    let first = app.runs.points()[0];
    assert!((first.x - 1e-4).abs() < 1e-12);
    type_text(&mut app, "l");
    let second = app.runs.rows()[app.runs.points()[1].run].started.name.clone();
    assert_eq!(chosen(&app), second);
    type_text(&mut app, "xxx");
    assert_eq!(app.runs.scatter.unwrap().across, Field::SEED);
    assert!(matches!(press(&mut app, KeyCode::Enter)[..], [Effect::LoadRun { .. }]));
    press(&mut app, KeyCode::Esc);
    press(&mut app, KeyCode::Esc);
    assert_eq!(app.place(), Place::Runs);
}

#[test]
fn what_is_copied_is_said() {
    let mut app = typed("y");
    assert_eq!(app.runs.notice.as_deref(), Some("copied the id of run-12: 00000000000c"));
    app.runs.sort_by(Column::Setting(Field::LEARNING_RATE));
    type_text(&mut app, "g");
    assert_eq!(press(&mut app, KeyCode::Char('y')), [Effect::Copy("0.0001".into())]);
    assert!(app.runs.notice.as_ref().unwrap().starts_with("copied the rate of run-"));
    let effects = press(&mut app, KeyCode::Char('Y'));
    let [Effect::Copy(row)] = &effects[..] else { panic!("{effects:?}") };
    assert!(row.starts_with("mark\tstar\tname\t") && row.lines().count() == 2, "{row}");
}

#[test]
fn the_shown_table_is_written_to_a_file_and_over_another_only_after_a_question() {
    let mut app = typed("/lr:1e-4");
    press(&mut app, KeyCode::Enter);
    type_text(&mut app, "e");
    for _ in 0..4 {
        press(&mut app, KeyCode::Backspace);
    }
    assert_eq!(press(&mut app, KeyCode::Enter), [], "runs is no table");
    type_text(&mut app, ".csv");
    let effects = press(&mut app, KeyCode::Enter);
    let [RunsWork::Write { path, text, over: false }] = work(&effects)[..] else { panic!("{effects:?}") };
    assert_eq!((path.to_str(), text.lines().count()), (Some("runs.csv"), 5));
    assert_eq!(app.place(), Place::Prompt, "until it is written");
    news(&mut app, RunsNews::Exists("runs.csv".into()));
    assert_eq!(app.place(), Place::Question);
    let effects = press(&mut app, KeyCode::Char('y'));
    assert!(matches!(work(&effects)[..], [RunsWork::Write { over: true, .. }]), "{effects:?}");
    news(&mut app, RunsNews::Written("runs.csv".into()));
    assert_eq!((app.place(), app.runs.notice.as_deref()), (Place::Runs, Some("wrote runs.csv")));
}

/// The path in the prompt for a file, and why it cannot be written.
fn file(app: &App) -> (&str, Option<&str>) {
    let Some(Popup::Prompt(prompt)) = &app.popup else { panic!("{:?}", app.popup) };
    (prompt.input.text(), prompt.problem.as_deref())
}

#[test]
fn a_path_that_cannot_be_written_stays_in_its_prompt_to_be_mended() {
    let mut app = typed("e");
    assert_eq!(work(&press(&mut app, KeyCode::Enter)).len(), 1);
    assert_eq!(press(&mut app, KeyCode::Enter), [], "it is being written");
    type_text(&mut app, "x");
    assert_eq!(file(&app), ("runs.csv", None), "what is typed too soon is no command and spoils no path");
    let problem = "cannot write runs.csv: Permission denied";
    news(&mut app, RunsNews::NotWritten(problem.into()));
    assert_eq!(file(&app), ("runs.csv", Some(problem)));
    press(&mut app, KeyCode::Home);
    type_text(&mut app, "my ");
    assert_eq!(file(&app), ("my runs.csv", None));
    press(&mut app, KeyCode::Enter);
    news(&mut app, RunsNews::Exists("my runs.csv".into()));
    press(&mut app, KeyCode::Char('y'));
    news(&mut app, RunsNews::NotWritten(problem.into()));
    assert_eq!(file(&app), ("my runs.csv", Some(problem)), "also after the question");
    press(&mut app, KeyCode::Enter);
    press(&mut app, KeyCode::Esc);
    news(&mut app, RunsNews::NotWritten(problem.into()));
    assert_eq!((app.place(), app.runs.notice.as_deref()), (Place::Runs, Some(problem)), "it was left");
}

#[test]
fn a_view_kept_from_yesterday_is_taken_up_again() {
    let mut app = sample::with_varied();
    let view = super::view::RunsView { filter: "lr:1e-4".into(), descending: false, ..Default::default() };
    app.runs.set_view(view);
    assert_eq!(names(&app), ["run-9", "a name that is quite a lot longer than its column", "run-11", "run-12"]);
    app.runs.set_view(super::view::RunsView { filter: "acc>".into(), ..Default::default() });
    assert_eq!(names(&app).len(), 12, "what is no filter any more holds nothing back");
    assert_eq!(app.screen, Screen::Runs);
}
