mod found;

use std::collections::BTreeSet;

use ratatui::crossterm::event::{KeyCode, KeyModifiers, MouseButton, MouseEvent, MouseEventKind};

use super::case::Case;
use super::filter::Filter;
use super::pane::Pane;
use super::similar::{Alike, Likeness};
use super::{Found, Images, OtherRun, Wanted};
use crate::app::App;
use crate::app::message::{Beside, Checked, Effect, Explained, InspectMessage, Loadable, Message, RunsMessage, Told};
use crate::app::runs::work::{RunsNews, RunsWork};
use crate::app::sample::{self, press, tell, type_text};
use crate::app::scene::{Area, Scene, Tiles};
use crate::dataset::{Class, Split};
use crate::metrics::Threshold;
use crate::picture::HeatMap;
use crate::store::RunState;

const HALF: [Threshold; 2] = [Threshold::HALF; 2];

/// The number of the image that is asked for.
fn asked(effects: &[Effect]) -> Option<usize> {
    effects.iter().find_map(|effect| if let Effect::Show(view) = effect { Some(view.index) } else { None })
}

#[test]
fn sorted_by_loss_the_worst_mistake_is_shown_first() {
    let mut app = sample::inspecting();
    assert_eq!(asked(&press(&mut app, KeyCode::Char('>'))), Some(1));
    assert_eq!(asked(&press(&mut app, KeyCode::Char('j'))), Some(3));
    assert_eq!(asked(&press(&mut app, KeyCode::Char('s'))), Some(4), "turned round, those without an answer lead");
    assert_eq!(asked(&press(&mut app, KeyCode::Char('<'))), Some(4), "the listed order, turned round");
}

#[test]
fn a_filter_holds_while_it_is_typed_and_leaves_the_shown_image_where_it_can() {
    let mut app = sample::inspecting();
    press(&mut app, KeyCode::Char('G'));
    press(&mut app, KeyCode::Char('/'));
    type_text(&mut app, "wron");
    assert_eq!(app.inspect.index, 4, "a word that is begun hides nothing yet");
    assert_eq!(asked(&press(&mut app, KeyCode::Char('g'))), Some(1));
    press(&mut app, KeyCode::Enter);
    assert_eq!(app.inspect.list.places(), [1, 3]);
    assert_eq!(asked(&press(&mut app, KeyCode::Char('j'))), Some(3));
    press(&mut app, KeyCode::Esc);
    assert_eq!((app.inspect.list.places().len(), app.inspect.index), (5, 3), "all again, and still at the same one");
    press(&mut app, KeyCode::Char('/'));
    type_text(&mut app, "loss>");
    press(&mut app, KeyCode::Enter);
    assert!(app.inspect.list.filtering.is_some(), "what is no filter is not kept");
    press(&mut app, KeyCode::Esc);
    assert_eq!(app.inspect.list.places().len(), 5);
}

#[test]
fn another_threshold_is_tried_in_whole_percents_and_given_up() {
    let mut app = sample::inspecting();
    let (_, all) = app.inspect.confusions();
    assert_eq!((all.tp, all.fn_), (1, 1));
    for _ in 0..6 {
        press(&mut app, KeyCode::Char('('));
    }
    assert!((app.inspect.threshold().probability() - 0.44).abs() < 1e-9);
    let (_, all) = app.inspect.confusions();
    assert_eq!((all.tp, all.fn_), (2, 0), "a probability of 0.45 is above it now");
    press(&mut app, KeyCode::Char('='));
    assert_eq!(app.inspect.threshold(), Threshold::HALF);
    for _ in 0..200 {
        press(&mut app, KeyCode::Char(')'));
    }
    assert!((app.inspect.threshold().probability() - 0.99).abs() < 1e-9);
}

#[test]
fn an_answer_that_comes_with_a_heat_map_does_not_take_the_place_of_a_stored_one() {
    let mut app = sample::inspecting();
    press(&mut app, KeyCode::Char('m'));
    let (stored, generation) = (app.inspect.all()[0].logits, app.inspect.generation);
    let run_id = sample::run_id(5);
    let told = Told::Logits(Ok(([9.0, -9.0], None)));
    let answer = InspectMessage::Told { generation, run_id, index: 0, told };
    tell(&mut app, [Message::Inspect(answer)]);
    assert_eq!(app.inspect.all()[0].logits, stored);
}

#[test]
fn what_is_said_of_an_image_is_kept_and_does_not_take_it_away() {
    let mut app = sample::inspecting();
    let effects = press(&mut app, KeyCode::Char('x'));
    let [Effect::MarkImage { file, mark, .. }] = &effects[..] else { panic!("{effects:?}") };
    assert_eq!((file, mark.wrong_label), (&app.inspect.all()[0].file, true));
    press(&mut app, KeyCode::Char('/'));
    type_text(&mut app, "marked");
    press(&mut app, KeyCode::Enter);
    assert_eq!(app.inspect.list.places(), [0]);
    press(&mut app, KeyCode::Char('x'));
    assert_eq!(app.inspect.index, 0, "the user is at it still");
    tell(&mut app, [Message::Inspect(InspectMessage::Marked(Err("runs.db is locked".into())))]);
    assert_eq!(app.inspect.problem.as_deref(), Some("runs.db is locked"));
}

#[test]
fn a_note_is_typed_and_the_list_is_written_with_answers_and_marks() {
    let mut app = sample::inspecting();
    press(&mut app, KeyCode::Char('a'));
    type_text(&mut app, "ribs, clear");
    assert!(matches!(press(&mut app, KeyCode::Enter)[..], [Effect::MarkImage { .. }]));
    press(&mut app, KeyCode::Char('/'));
    type_text(&mut app, "right ");
    press(&mut app, KeyCode::Enter);
    press(&mut app, KeyCode::Char('e'));
    let effects = press(&mut app, KeyCode::Enter);
    let [Effect::Runs(RunsWork::Write { path, text, over: false })] = &effects[..] else { panic!("{effects:?}") };
    let lines: Vec<&str> = text.split("\r\n").collect();
    assert_eq!((path.to_str(), lines.len()), (Some("images.csv"), 4));
    assert!(lines[1].starts_with("test/NORMAL/IM-0001-0001.jpeg,IM-0001,normal,NORMAL,NORMAL,0.5,0.109"), "{text}");
    assert!(lines[1].ends_with(",tn,false,false,false,\"ribs, clear\""), "{text}");
    tell(&mut app, [Message::Runs(RunsMessage::News(RunsNews::Written("images.csv".into())))]);
    assert_eq!((app.popup.is_none(), app.inspect.notice.as_deref()), (true, Some("wrote images.csv")));
}

#[test]
fn held_against_another_run_only_what_they_call_differently_is_shown() {
    let mut app = sample::inspecting();
    press(&mut app, KeyCode::Char('d'));
    let effects = press(&mut app, KeyCode::Enter);
    let [Effect::LoadOther { run_id, other, split: Split::Test }] = &effects[..] else { panic!("{effects:?}") };
    assert_eq!(*run_id, sample::run_id(5));
    let answers = app.inspect.all().iter().take(4).map(|case| (case.file.clone(), [0.0, 1.0])).collect();
    let other = OtherRun { id: other.clone(), name: "run-1".into(), threshold: Threshold::HALF };
    tell(
        &mut app,
        [Message::Inspect(InspectMessage::Other { run_id: sample::run_id(5), other: Ok((other, answers)) })],
    );
    press(&mut app, KeyCode::Char('D'));
    assert_eq!(app.inspect.list.places(), [0, 3], "the other run calls all of them PNEUMONIA");
    press(&mut app, KeyCode::Char('D'));
    press(&mut app, KeyCode::Char('d'));
    press(&mut app, KeyCode::Home);
    press(&mut app, KeyCode::Enter);
    assert_eq!((app.inspect.other.is_none(), app.inspect.all()[0].other), (true, None));
}

#[test]
fn a_look_asks_for_the_picture_anew_and_the_next_image_has_it_but_not_the_zoom() {
    let mut app = sample::inspecting();
    for key in "wb+L".chars() {
        let effects = press(&mut app, KeyCode::Char(key));
        assert!(matches!(&effects[..], [Effect::Show(_)]), "{key}: {effects:?}");
    }
    assert!(matches!(app.inspect.picture, Loadable::Ready(_)), "what is on the screen stays until the other comes");
    let effects = press(&mut app, KeyCode::Char('j'));
    let [Effect::Show(view)] = &effects[..] else { panic!("{effects:?}") };
    assert_eq!((view.look.window, view.part.is_whole()), (240, true));
    press(&mut app, KeyCode::Char('0'));
    assert!(app.inspect.look.is_plain());
    assert_eq!(press(&mut app, KeyCode::Char('0')), [], "nothing changes");
}

#[test]
fn the_mouse_zooms_where_it_points_drags_and_changes_the_window() {
    let mut app = sample::inspecting();
    let scene = Scene { picture_place: Some(Area { x: 10, y: 5, width: 40, height: 20 }), ..Scene::default() };
    let mut mouse = |kind, column, row| {
        let event = MouseEvent { kind, column, row, modifiers: KeyModifiers::NONE };
        app.update(Message::Mouse(event), &scene);
        (app.inspect.look, app.inspect.part)
    };
    let (_, zoomed) = mouse(MouseEventKind::ScrollUp, 10, 5);
    assert!(zoomed.zoom() > 1.2 && zoomed.centre().0 < 0.5 && zoomed.centre().1 < 0.5, "{zoomed:?}");
    mouse(MouseEventKind::Down(MouseButton::Left), 30, 15);
    let (_, panned) = mouse(MouseEventKind::Drag(MouseButton::Left), 26, 15);
    assert!(panned.centre().0 > zoomed.centre().0 && (panned.centre().1 - zoomed.centre().1).abs() < 1e-9);
    mouse(MouseEventKind::Up(MouseButton::Left), 26, 15);
    mouse(MouseEventKind::Down(MouseButton::Right), 30, 15);
    let (look, part) = mouse(MouseEventKind::Drag(MouseButton::Right), 26, 17);
    assert!(look.window < 256 && look.level > 128 && part == panned, "{look:?}");
}

#[test]
fn all_images_of_one_patient_are_a_key_away() {
    let mut app = sample::inspecting();
    press(&mut app, KeyCode::Char('G'));
    press(&mut app, KeyCode::Char('P'));
    assert_eq!(app.inspect.list.places(), [4]);
    press(&mut app, KeyCode::Char('P'));
    assert_eq!(app.inspect.list.places().len(), 5);
}

#[test]
fn a_filter_that_nothing_matches_says_so_and_is_left_with_esc() {
    let mut app = sample::inspecting();
    press(&mut app, KeyCode::Char('/'));
    type_text(&mut app, "poor-quality ");
    press(&mut app, KeyCode::Enter);
    assert!(app.inspect.list.places().is_empty());
    assert_eq!(press(&mut app, KeyCode::Char('j')), []);
    press(&mut app, KeyCode::Esc);
    assert_eq!(app.inspect.list.places().len(), 5);
    let found = sample::found(&app, Vec::new());
    tell(&mut app, [found]);
    for key in "jkGgnN><sP()=x /".chars() {
        press(&mut app, KeyCode::Char(key));
    }
}

/// What is asked for.
fn wanted(effects: &[Effect]) -> Option<Wanted> {
    match effects {
        [Effect::LoadCases { wanted, .. }] => Some(wanted.clone()),
        _ => None,
    }
}

#[test]
fn without_a_run_the_images_of_the_data_set_are_stepped_through() {
    let mut app = sample::with_data();
    tell(&mut app, [Message::Runs(RunsMessage::Loaded(Ok(Vec::new())))]);
    assert_eq!(wanted(&press(&mut app, KeyCode::Char('4'))), Some(Wanted::DataSet));
    let found = sample::found(&app, sample::cases());
    let effects = tell(&mut app, [found]);
    assert_eq!(asked(&effects), Some(0));
    let [Effect::Show(view)] = &press(&mut app, KeyCode::Char('G'))[..] else { panic!() };
    assert_eq!((view.index, view.predict_with.clone()), (4, None), "nobody is asked");
    tell(&mut app, [sample::runs()]);
    assert!(app.inspect.is_of_data_set(), "a run that can answer now takes nobody away from what is looked at");
    assert!(matches!(wanted(&press(&mut app, KeyCode::Char('4'))), Some(Wanted::Run { .. })));
    press(&mut app, KeyCode::Char('1'));
    assert_eq!(wanted(&press(&mut app, KeyCode::Char('i'))), Some(Wanted::DataSet), "from Data, with runs too");
}

#[test]
fn the_splits_of_a_run_are_shown_in_turn() {
    let mut app = sample::inspecting();
    let mut next = |images| {
        let asked = wanted(&press(&mut app, KeyCode::Char('S')));
        let mut found = sample::found(&app, sample::cases());
        if let Message::Inspect(InspectMessage::Cases { found: Ok(found), .. }) = &mut found {
            found.images = images;
        }
        tell(&mut app, [found]);
        let Some(Wanted::Run { split, .. }) = asked else { panic!("{asked:?}") };
        split
    };
    assert_eq!(next(Images::Split(Split::Validation)), Some(Split::Validation));
    assert_eq!(next(Images::Split(Split::Train)), Some(Split::Train));
    assert_eq!(next(Images::Split(Split::Test)), None);
}

#[test]
fn a_pasted_path_opens_a_picture_that_the_run_answers_for_and_esc_leads_back() {
    let mut app = sample::inspecting();
    assert_eq!(tell(&mut app, [Message::Paste("no path".into())]), []);
    let effects = tell(&mut app, [Message::Paste("'/x/a b.png'".into())]);
    assert_eq!(wanted(&effects), Some(Wanted::Files(vec!["/x/a b.png".into()])));
    let found = Found { images: Images::Files, cases: vec![Case::of_file("/x/a b.png".into())], ..nothing() };
    let found = InspectMessage::Cases { request: app.inspect.request, found: Ok(found) };
    let effects = tell(&mut app, [Message::Inspect(found)]);
    let [Effect::Show(view)] = &effects[..] else { panic!("{effects:?}") };
    assert_eq!((view.file.to_str(), view.predict_with.clone()), (Some("/x/a b.png"), Some(sample::run_id(5))));
    let (generation, run_id, logits) = (app.inspect.generation, sample::run_id(5), Ok(([-1.0, 2.0], None)));
    tell(
        &mut app,
        [Message::Inspect(InspectMessage::Told { generation, run_id, index: 0, told: Told::Logits(logits) })],
    );
    let case = app.inspect.case().unwrap();
    assert_eq!((case.predicted(Threshold::HALF), case.is_right(Threshold::HALF)), (Some(Class::Pneumonia), None));
    assert_eq!((case.loss(), app.inspect.confusions().1.total()), (None, 0), "nobody knows the truth");
    assert!(matches!(wanted(&press(&mut app, KeyCode::Esc)), Some(Wanted::Run { .. })));
}

/// Numbers of the images whose small pictures are asked for.
fn asked_tiles(effects: &[Effect]) -> Vec<usize> {
    let images = effects.iter().find_map(|effect| match effect {
        Effect::LoadTiles { images, .. } => Some(images.iter().map(|(index, _)| *index).collect()),
        _ => None,
    });
    images.unwrap_or_default()
}

#[test]
fn the_grid_asks_for_small_pictures_once_the_nearest_first() {
    let mut app = sample::inspecting();
    press(&mut app, KeyCode::Char('j'));
    assert_eq!(asked_tiles(&press(&mut app, KeyCode::Char('t'))), [1, 0, 2, 3, 4]);
    assert_eq!(asked_tiles(&press(&mut app, KeyCode::Char('+'))), Vec::<usize>::new(), "they are on their way");
    let request = app.inspect.request;
    let tiles = (0..5).map(|index| (index, (index != 2).then(sample::picture))).collect();
    tell(&mut app, [Message::Inspect(InspectMessage::Tiles { request, tiles })]);
    assert!(app.inspect.grid.picture(1).is_some() && app.inspect.grid.is_unreadable(2));
    assert_eq!(asked_tiles(&press(&mut app, KeyCode::Char('-'))), Vec::<usize>::new(), "they are here");
    let tiles = vec![(3, None)];
    tell(&mut app, [Message::Inspect(InspectMessage::Tiles { request: request + 1, tiles })]);
    assert!(!app.inspect.grid.is_unreadable(3), "of another list");
}

#[test]
fn in_the_grid_keys_go_along_rows_and_columns_and_marks_are_set_as_ever() {
    let mut app = sample::inspecting();
    press(&mut app, KeyCode::Char('t'));
    let scene = Scene { tiles: Tiles { columns: 2, rows: 2 }, ..Scene::default() };
    let mut at = |key: KeyCode| {
        app.update(Message::Key(key.into()), &scene);
        app.inspect.index
    };
    assert_eq!([at(KeyCode::Down), at(KeyCode::Right), at(KeyCode::Up)], [2, 3, 1]);
    assert_eq!([at(KeyCode::Up), at(KeyCode::PageDown), at(KeyCode::Home)], [1, 4, 0]);
    assert_eq!(at(KeyCode::Char('n')), 1);
    at(KeyCode::Char('x'));
    at(KeyCode::Enter);
    assert!(app.inspect.all()[1].mark.wrong_label && app.inspect.panes.shown == Pane::Picture);
}

#[test]
fn with_two_runs_and_the_heat_map_both_are_explained_side_by_side() {
    let mut app = sample::inspecting();
    let run_id = sample::run_id(5);
    let other = OtherRun { id: "b".into(), name: "run-1".into(), threshold: Threshold::HALF };
    let held = InspectMessage::Other { run_id: run_id.clone(), other: Ok((other, [].into())) };
    tell(&mut app, [Message::Inspect(held)]);
    let effects = press(&mut app, KeyCode::Char('m'));
    let [Effect::Show(view)] = &effects[..] else { panic!("{effects:?}") };
    assert_eq!((view.explain, view.explain_other.as_deref(), view.beside.is_none()), (true, Some("b"), true));
    let map = std::sync::Arc::new(HeatMap { width: 1, height: 1, values: vec![1.0] });
    let explained = Ok(Explained { maps: [map.clone(), map], placed: [None; 2] });
    let generation = app.inspect.generation;
    let told = Told::Explained(explained);
    let known = InspectMessage::Told { generation, run_id: "b".into(), index: 0, told };
    let effects = tell(&mut app, [Message::Inspect(known)]);
    let [Effect::Show(view)] = &effects[..] else { panic!("{effects:?}") };
    assert!(matches!(view.beside, Some(Beside::Other(_))) && view.explain_other.is_none());
    tell(&mut app, [Message::Inspect(InspectMessage::Other { run_id, other: Err("gone".into()) })]);
    press(&mut app, KeyCode::Char('v'));
    assert!(matches!(app.inspect.beside(), Some(Beside::Other(_))), "the other run comes before the network's input");
    app.inspect.stand_alone();
    assert_eq!(app.inspect.beside(), Some(Beside::Input(64)));
}

#[test]
fn points_bars_and_cells_of_the_curves_open_the_images_behind_them() {
    let mut app = sample::inspecting();
    press(&mut app, KeyCode::Char('r'));
    // Margins 4.5 (ill), 0.9, -0.2 (ill), -2.1: at 0.5 two are above.
    let curves = app.inspect.curves().unwrap();
    assert_eq!((curves.cuts.len(), curves.place(app.inspect.confusions().1)), (5, 2));
    // Nearer to the next cut's threshold, -1.15, than to that of its own, 0.35.
    app.inspect.tried = Some(Threshold { margin: -0.15 });
    assert_eq!(curves.place(app.inspect.confusions().1), 2, "what is called counts");
    press(&mut app, KeyCode::Right);
    assert_eq!(curves.place(app.inspect.confusions().1), 3);
    assert_eq!(app.inspect.confusions().1.fn_, 0, "its threshold is tried");
    press(&mut app, KeyCode::Enter);
    let lead: BTreeSet<usize> = app.inspect.list.places()[..2].iter().copied().collect();
    assert_eq!(lead, [0, 3].into(), "the two that it lies between lead");
    assert_eq!(app.inspect.panes.shown, Pane::Grid);

    let mut app = sample::inspecting();
    for key in [KeyCode::Char('r'), KeyCode::Up, KeyCode::Right, KeyCode::Enter] {
        press(&mut app, key);
    }
    assert_eq!((app.inspect.list.view.filter.as_str(), app.inspect.list.places()), ("fp", &[1][..]));

    let mut app = sample::inspecting();
    for key in [KeyCode::Char('r'), KeyCode::Down, KeyCode::Down, KeyCode::Right, KeyCode::Enter] {
        press(&mut app, key);
    }
    assert_eq!(app.inspect.list.view.filter, "p>=0.066667 p<0.133333");
    assert_eq!(app.inspect.list.places(), [0]);
    press(&mut app, KeyCode::Char('r'));
    press(&mut app, KeyCode::Esc);
    assert_eq!(app.inspect.panes.shown, Pane::Grid, "back to where the user was");
}

#[test]
fn the_bars_of_the_reliability_curve_are_all_images_and_none_twice() {
    let filters: Vec<Filter> = (0..15).map(|bin| Filter::parse(&super::curves::filter_of(bin)).unwrap()).collect();
    let cases = found::marked();
    for case in cases.iter().filter(|case| case.logits.is_some()) {
        assert_eq!(filters.iter().filter(|filter| filter.matches(case, HALF)).count(), 1, "{:?}", case.probability());
    }
}

fn alike(file: &str, split: Split) -> Alike {
    Alike { file: file.into(), split, truth: Class::Normal, distance: 0.01, picture: None }
}

#[test]
fn the_most_similar_images_are_asked_for_at_each_step_and_one_of_another_split_is_gone_to() {
    let mut app = sample::inspecting();
    let asked_similar = |effects: &[Effect]| {
        effects
            .iter()
            .find_map(|effect| if let Effect::FindSimilar { index, .. } = effect { Some(*index) } else { None })
    };
    assert_eq!(asked_similar(&press(&mut app, KeyCode::Char('f'))), Some(0));
    assert_eq!(asked_similar(&press(&mut app, KeyCode::Char('x'))), None, "that is on its way");
    assert_eq!(asked_similar(&press(&mut app, KeyCode::Down)), Some(1));
    let request = app.inspect.request;
    let neighbours =
        vec![alike("test/NORMAL/IM-0001-0001.jpeg", Split::Test), alike("train/NORMAL/b.jpeg", Split::Train)];
    let likeness = Ok(Likeness { own: None, neighbours, remoteness: Some(0.5) });
    tell(&mut app, [Message::Inspect(InspectMessage::Similar { request, index: 1, likeness })]);
    press(&mut app, KeyCode::Right);
    let effects = press(&mut app, KeyCode::Enter);
    let to = wanted(&effects);
    assert_eq!(to, Some(Wanted::Run { run_id: sample::run_id(5), split: Some(Split::Train) }));
    let cases = ["train/NORMAL/a.jpeg", "train/NORMAL/b.jpeg"].map(|file| Case::new(file.into(), Class::Normal, None));
    let found = sample::found(&app, cases.to_vec());
    assert_eq!(asked(&tell(&mut app, [found])), Some(1), "the image that was chosen is shown");
}

#[test]
fn a_neighbour_of_the_same_split_is_shown_at_once_and_esc_stops_the_search() {
    let mut app = sample::inspecting();
    press(&mut app, KeyCode::Char('f'));
    let neighbours = vec![alike(&app.inspect.all()[3].file, Split::Test)];
    let (request, likeness) = (app.inspect.request, Ok(Likeness { own: None, neighbours, remoteness: None }));
    tell(&mut app, [Message::Inspect(InspectMessage::Similar { request, index: 0, likeness })]);
    assert_eq!(asked(&press(&mut app, KeyCode::Enter)), Some(3));
    press(&mut app, KeyCode::Char('f'));
    assert_eq!(press(&mut app, KeyCode::Esc), [Effect::StopSimilar]);
}

#[test]
fn near_duplicates_across_splits_are_found_by_their_word() {
    let mut app = sample::inspecting();
    let (request, twin) = (app.inspect.request, app.inspect.all()[2].file.clone());
    let pairs = vec![("train/PNEUMONIA/other.jpeg".to_owned(), twin)];
    tell(&mut app, [Message::Inspect(InspectMessage::NearDuplicates { request, pairs })]);
    press(&mut app, KeyCode::Char('/'));
    type_text(&mut app, "near-duplicate ");
    assert_eq!(app.inspect.list.places(), [2]);
    assert_eq!(app.inspect.all()[2].twin.as_deref(), Some("train/PNEUMONIA/other.jpeg"));
    press(&mut app, KeyCode::Esc);
    press(&mut app, KeyCode::Char('S'));
    let found = sample::found(&app, vec![Case::new("train/PNEUMONIA/other.jpeg".into(), Class::Pneumonia, None)]);
    tell(&mut app, [found]);
    assert!(app.inspect.all()[0].twin.is_some(), "the other one of the pair, in its own split");
}

#[test]
fn a_heat_map_is_checked_on_request_and_what_comes_is_of_the_shown_class() {
    let mut app = sample::inspecting();
    let [Effect::Show(view)] = &press(&mut app, KeyCode::Char('X'))[..] else { panic!() };
    assert_eq!((view.check, view.predict_with.clone()), (Some(Class::Normal), Some(sample::run_id(5))));
    let checked = Checked { class: Class::Normal, by_heat: 0.2, by_chance: [0.5, 0.6], verdict: "lower".into() };
    let (generation, run_id) = (app.inspect.generation, sample::run_id(5));
    let told = Told::Checked(Ok(checked.clone()));
    let message = InspectMessage::Told { generation, run_id, index: 0, told };
    tell(&mut app, [Message::Inspect(message)]);
    assert_eq!(app.inspect.heat.checked(0), Some(&Loadable::Ready(checked)));
    assert_eq!(app.inspect.heat.unchecked(0), None, "it is not asked for again");
    press(&mut app, KeyCode::Char('m'));
    assert_eq!(app.inspect.heat.checked(0), None, "the other class's map was not checked");
}

#[test]
fn each_pane_is_a_key_away_from_each_other_and_leads_back() {
    let mut app = sample::inspecting();
    let mut after = |keys: &str| {
        keys.chars().for_each(|key| drop(press(&mut app, if key == '<' { KeyCode::Esc } else { KeyCode::Char(key) })));
        app.inspect.panes.shown
    };
    assert_eq!([after("t"), after("r"), after("f"), after("r"), after("<")].map(|pane| pane as usize), [1, 2, 3, 2, 1]);
    assert_eq!([after("f"), after("f"), after("t"), after("r"), after("r")].map(|pane| pane as usize), [3, 1, 0, 2, 0]);
}

/// Files from anywhere that answer what was asked for.
fn files(app: &App, names: &[&str]) -> Message {
    let cases = names.iter().map(|name| Case::of_file((*name).into())).collect();
    let found = Found { images: Images::Files, cases, ..nothing() };
    Message::Inspect(InspectMessage::Cases { request: app.inspect.request, found: Ok(found) })
}

#[test]
fn a_warning_stays_with_its_picture() {
    let mut app = sample::inspecting();
    tell(&mut app, [Message::Paste("/a.png /b.png".into())]);
    let found = files(&app, &["/a.png", "/b.png"]);
    tell(&mut app, [found]);
    let (generation, run_id) = (app.inspect.generation, sample::run_id(5));
    let told = Told::Warned(vec!["in colours".into()]);
    tell(&mut app, [Message::Inspect(InspectMessage::Told { generation, run_id, index: 0, told })]);
    press(&mut app, KeyCode::Down);
    press(&mut app, KeyCode::Up);
    assert_eq!(app.inspect.case().unwrap().warnings, ["in colours"]);
}

#[test]
fn what_cannot_be_read_is_left_with_esc_and_an_empty_path_opens_nothing() {
    let mut app = sample::inspecting();
    press(&mut app, KeyCode::Char('o'));
    assert_eq!(press(&mut app, KeyCode::Enter), []);
    assert_eq!(app.inspect.all().len(), 5);
    tell(&mut app, [Message::Paste("/nothing/here".into())]);
    let request = app.inspect.request;
    tell(&mut app, [Message::Inspect(InspectMessage::Cases { request, found: Err("no picture".into()) })]);
    let back = wanted(&press(&mut app, KeyCode::Esc));
    assert_eq!(back, Some(Wanted::Run { run_id: sample::run_id(5), split: None }));
    for split in [Some(Split::Validation), Some(Split::Train), None] {
        let asked = wanted(&press(&mut app, KeyCode::Char('S')));
        assert_eq!(
            asked,
            Some(Wanted::Run { run_id: sample::run_id(5), split }),
            "whatever has come of the one before"
        );
        let request = app.inspect.request;
        tell(&mut app, [Message::Inspect(InspectMessage::Cases { request, found: Err("no list".into()) })]);
    }
}

#[test]
fn only_the_run_that_was_named_answers_even_where_the_table_comes_in_parts() {
    let mut app = sample::with_data();
    app.named_run = Some(sample::run_id(1));
    app.open_pictures(vec!["/a.png".into()]);
    let newest = vec![sample::run(5, RunState::Finished)];
    assert_eq!(tell(&mut app, [Message::Runs(RunsMessage::Loaded(Ok(newest)))]), []);
    let effects = tell(&mut app, [sample::runs()]);
    assert!(matches!(wanted(&effects), Some(Wanted::Files(_))), "{effects:?}");
    assert_eq!(app.inspect.run.as_ref().map(|run| run.id.clone()), Some(sample::run_id(1)));
}

#[test]
fn neighbours_of_an_image_that_was_left_are_dropped() {
    let mut app = sample::inspecting();
    press(&mut app, KeyCode::Char('f'));
    press(&mut app, KeyCode::Down);
    let (request, likeness) =
        (app.inspect.request, Ok(Likeness { own: None, neighbours: Vec::new(), remoteness: None }));
    let effects = tell(&mut app, [Message::Inspect(InspectMessage::Similar { request, index: 0, likeness })]);
    assert_eq!((effects, app.inspect.similar.of(1)), (Vec::new(), Some(&Loadable::Loading)), "nobody asks twice");
}

#[test]
fn without_a_run_what_needs_one_says_so_and_shows_nothing() {
    let mut app = sample::with_data();
    press(&mut app, KeyCode::Char('i'));
    let found = sample::found(&app, sample::cases());
    tell(&mut app, [found]);
    for key in ['m', 'X', 'f'] {
        assert_eq!(press(&mut app, KeyCode::Char(key)), []);
        assert_eq!(app.inspect.problem.take().as_deref(), Some(super::pane::NO_RUN));
    }
    assert_eq!((app.inspect.heat.class, app.inspect.panes.shown), (None, Pane::Picture));
}

#[test]
fn of_two_pictures_side_by_side_the_one_that_is_pointed_at_is_zoomed_into() {
    let mut app = sample::inspecting();
    press(&mut app, KeyCode::Char('v'));
    let scene = Scene { picture_place: Some(Area { x: 0, y: 0, width: 80, height: 20 }), ..Scene::default() };
    let mut zoomed_at = |column| {
        let kind = MouseEventKind::ScrollUp;
        let event = MouseEvent { kind, column, row: 10, modifiers: KeyModifiers::NONE };
        app.update(Message::Mouse(event), &scene);
        let (x, _) = app.inspect.part.centre();
        press(&mut app, KeyCode::Char('0'));
        x
    };
    assert!((zoomed_at(20) - zoomed_at(60)).abs() < 1e-9);
    assert!(zoomed_at(4) < 0.45 && zoomed_at(36) > 0.55);
}

fn nothing() -> Found {
    Found { images: Images::default(), root: "".into(), synthetic: false, cases: Vec::new() }
}

#[test]
fn a_path_that_is_typed_is_opened_and_one_that_is_pasted_into_a_filter_is_text() {
    let mut app = sample::with_runs();
    press(&mut app, KeyCode::Char('4'));
    press(&mut app, KeyCode::Char('o'));
    type_text(&mut app, "~/scans");
    assert_eq!(wanted(&press(&mut app, KeyCode::Enter)), Some(Wanted::Files(vec!["~/scans".into()])));
    let mut app = sample::inspecting();
    press(&mut app, KeyCode::Char('/'));
    tell(&mut app, [Message::Paste("a.png".into())]);
    assert_eq!(
        app.inspect.list.filtering.as_ref().map(|filtering| filtering.input.text().to_owned()),
        Some("a.png".into())
    );
}
