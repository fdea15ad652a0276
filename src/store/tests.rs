//! The store against real database files.

use proptest::prelude::*;
use serde_json::json;
use tempfile::TempDir;

use super::lock::RunLock;
use super::*;
use crate::dataset::{Class, Split};
use crate::metrics::{Confusion, Figures, Fingerprint, OperatingPoint, Rule, Shifted, Threshold};

fn store() -> (TempDir, Store) {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(&folder.path().join("runs.db")).unwrap();
    (folder, store)
}

fn new_run(id: &str, name: &str) -> NewRun {
    NewRun {
        id: id.into(),
        name: name.into(),
        data: "/data/x".into(),
        synthetic: true,
        config: json!({"epochs": 3}),
        seed: u64::MAX,
        git_commit: Some("abc".into()),
        git_dirty: Some(true),
        data_hash: "00.dir".into(),
        split_hash: "11".into(),
        device: "cpu".into(),
        versions: json!({"candle-core": "0.11.1"}),
        parent: None,
        provenance: Some(json!({"argv": ["xray-tui"]})),
        manifest: Some("22".into()),
    }
}

fn epoch(epoch: usize, right: u64) -> EpochFigures {
    let confusion = Confusion { tn: right, fp: 10 - right, fn_: 0, tp: 0 };
    let figures = Figures { loss: Some(0.1 + 0.2), confusion };
    EpochFigures {
        epoch,
        train: Figures::default(),
        validation: figures,
        seconds: 1.5,
        shifted: Some(Shifted { auc: Some(0.9), loss: Some(0.7) }),
        weights: Some(Fingerprint::of(b"w")),
    }
}

fn step(step: usize) -> StepPoint {
    StepPoint {
        step,
        epoch: 1,
        batches: 40,
        loss: 1.0 / 3.0,
        accuracy: 0.5,
        images_per_second: 2.0,
        seconds: Some(0.1 + 0.2),
        learning_rate: Some(1e-3),
        processor: Some(1.9),
        memory: Some(3 << 30),
    }
}

fn ended(state: RunState) -> RunEnd {
    let operating = OperatingPoint {
        rule: Rule::Youden,
        threshold: Threshold { margin: 0.5 },
        temperature: None,
        images: 4,
        harder: true,
    };
    RunEnd {
        state,
        problem: None,
        test: Some(epoch(1, 9).validation),
        operating: Some(operating),
        weights: Some("33".into()),
    }
}

#[test]
fn a_run_comes_back_as_it_was_written() {
    let (_folder, store) = store();
    let run = new_run("aaaaaaaaaaaa", "run-1");
    store.create_run(&run).unwrap();
    store.add_epoch(&run.id, &epoch(1, 9), true).unwrap();
    store.add_steps(&run.id, &[step(1)]).unwrap();
    store.end_run(&run.id, &ended(RunState::Finished)).unwrap();
    let back = store.run(&run.id).unwrap();
    assert_eq!(back.started, run);
    assert_eq!((back.state, back.epochs_done, back.best_epoch), (RunState::Finished, 1, Some(1)));
    assert_eq!(back.best_val_accuracy, Some(0.9));
    assert_eq!((back.test, back.operating), (ended(RunState::Finished).test, ended(RunState::Finished).operating));
    assert_eq!(store.epochs(&run.id).unwrap(), [epoch(1, 9)]);
    assert_eq!(store.steps(&run.id).unwrap(), [step(1)]);
    assert!(back.started_at.ends_with('Z') && back.started_at.len() == "2026-01-01T00:00:00.000Z".len());
}

#[test]
fn answers_for_harder_images_lie_beside_the_others_and_come_along_to_another_store() {
    let (_folder, store) = store();
    store.create_run(&new_run("aaaaaaaaaaaa", "run-1")).unwrap();
    let answer = |harder| Answer {
        split: Split::Validation,
        harder,
        file: "train/NORMAL/a.png".into(),
        truth: Class::Normal,
        logits: [1.0, 0.5],
        disagreement: None,
    };
    store.replace_answers("aaaaaaaaaaaa", Split::Validation, &[answer(false)]).unwrap();
    store.replace_answers("aaaaaaaaaaaa", Probe::Harder, &[answer(true), answer(true)]).unwrap();
    assert_eq!(store.answers("aaaaaaaaaaaa", Split::Validation).unwrap(), [answer(false)]);
    let all = [answer(false), answer(true), answer(true)];
    assert_eq!(store.all_answers("aaaaaaaaaaaa").unwrap(), all);

    let record = store.record(store.run("aaaaaaaaaaaa").unwrap()).unwrap();
    let text = serde_json::to_string(&record).unwrap();
    assert_eq!(text.matches("harder").count(), 2, "what older seals have no word for is not written");
    let (_folder, other) = self::store();
    let origin = Origin { uri: "http://there".into(), remote_id: "a".into() };
    other.import_run(&serde_json::from_str(&text).unwrap(), &origin).unwrap();
    assert_eq!(other.all_answers("aaaaaaaaaaaa").unwrap(), all);
}

#[test]
fn logits_come_back_bit_for_bit_even_when_they_are_no_numbers() {
    let (_folder, store) = store();
    store.create_run(&new_run("aaaaaaaaaaaa", "run-1")).unwrap();
    let logits = [f32::NAN, f32::NEG_INFINITY];
    let (file, disagreement) = ("test/NORMAL/a.png".into(), Some(0.125));
    let answer = Answer { split: Split::Test, harder: false, file, truth: Class::Normal, logits, disagreement };
    store.replace_answers("aaaaaaaaaaaa", Split::Test, std::slice::from_ref(&answer)).unwrap();
    store.replace_answers("aaaaaaaaaaaa", Split::Test, std::slice::from_ref(&answer)).unwrap();
    let back = store.answers("aaaaaaaaaaaa", Split::Test).unwrap();
    assert_eq!(back.len(), 1);
    assert_eq!((back[0].logits.map(f32::to_bits), back[0].disagreement), (logits.map(f32::to_bits), disagreement));
    assert!(store.answers("aaaaaaaaaaaa", Split::Validation).unwrap().is_empty());
}

#[test]
fn a_figure_that_is_no_number_is_missing_and_the_step_stays() {
    let (_folder, store) = store();
    store.create_run(&new_run("aaaaaaaaaaaa", "run-1")).unwrap();
    let odd = StepPoint {
        seconds: Some(f64::NAN),
        learning_rate: Some(f64::INFINITY),
        processor: Some(f64::NEG_INFINITY),
        memory: Some(u64::MAX),
        ..step(1)
    };
    store.add_steps("aaaaaaaaaaaa", &[odd]).unwrap();
    let bare = StepPoint { seconds: None, learning_rate: None, processor: None, memory: None, ..step(1) };
    assert_eq!(store.steps("aaaaaaaaaaaa").unwrap(), [bare]);
    let text = serde_json::to_string(&bare).unwrap();
    assert!(!text.contains("memory"), "an old point reads in JSON as it always did: {text}");
}

#[test]
fn resuming_drops_what_came_after_the_checkpoint() {
    let (_folder, store) = store();
    store.create_run(&new_run("aaaaaaaaaaaa", "run-1")).unwrap();
    for number in 1..=3 {
        store.add_epoch("aaaaaaaaaaaa", &epoch(number, 5 + number as u64), true).unwrap();
        store.add_steps("aaaaaaaaaaaa", &[step(number)]).unwrap();
    }
    store.end_run("aaaaaaaaaaaa", &ended(RunState::Stopped)).unwrap();
    store.resume_run("aaaaaaaaaaaa", 2, 2).unwrap();
    let run = store.run("aaaaaaaaaaaa").unwrap();
    assert_eq!((run.state, run.epochs_done, run.test), (RunState::Running, 2, None));
    assert_eq!(store.epochs("aaaaaaaaaaaa").unwrap().len(), 2);
    assert_eq!(store.steps("aaaaaaaaaaaa").unwrap().len(), 2);
}

#[test]
fn a_running_run_whose_lock_is_free_has_crashed() {
    let (_folder, store) = store();
    store.create_run(&new_run("aaaaaaaaaaaa", "dead")).unwrap();
    let lock = RunLock::acquire(&store.run_folder("bbbbbbbbbbbb")).unwrap().unwrap();
    store.create_run(&new_run("bbbbbbbbbbbb", "alive")).unwrap();
    assert_eq!(store.mark_crashed().unwrap(), ["aaaaaaaaaaaa"]);
    assert_eq!(store.run("aaaaaaaaaaaa").unwrap().state, RunState::Crashed);
    assert_eq!(store.run("bbbbbbbbbbbb").unwrap().state, RunState::Running);
    assert!(store.delete_run("bbbbbbbbbbbb").unwrap_err().to_string().contains("under way"));
    drop(lock);
    store.delete_run("bbbbbbbbbbbb").unwrap();
    assert!(!store.run_folder("bbbbbbbbbbbb").exists());
}

#[test]
fn a_cross_validation_with_a_fold_under_way_keeps_all_its_folds() {
    let (_folder, store) = store();
    store.create_run(&new_run("aaaaaaaaaaaa", "cv")).unwrap();
    for id in ["bbbbbbbbbbbb", "cccccccccccc"] {
        store.create_run(&NewRun { parent: Some("aaaaaaaaaaaa".into()), ..new_run(id, id) }).unwrap();
    }
    let lock = RunLock::acquire(&store.run_folder("cccccccccccc")).unwrap().unwrap();
    assert!(store.delete_run("aaaaaaaaaaaa").unwrap_err().to_string().contains("under way"));
    assert_eq!(store.folds("aaaaaaaaaaaa").unwrap().len(), 2);
    drop(lock);
    store.delete_run("aaaaaaaaaaaa").unwrap();
    assert!(store.runs().unwrap().is_empty());
}

#[test]
fn what_is_in_the_trash_is_not_seen_and_comes_back_as_it_was() {
    let (_folder, store) = store();
    for id in ["aaaaaaaaaaaa", "bbbbbbbbbbbb"] {
        store.create_run(&new_run(id, id)).unwrap();
        store.add_epoch(id, &epoch(1, 9), true).unwrap();
        store.end_run(id, &ended(RunState::Finished)).unwrap();
    }
    let before = store.run("bbbbbbbbbbbb").unwrap();
    store.trash_run("bbbbbbbbbbbb").unwrap();
    assert!(store.trash_run("bbbbbbbbbbbb").unwrap_err().to_string().contains("already"));
    let ids = |runs: Vec<Run>| runs.into_iter().map(|run| run.started.id).collect::<Vec<_>>();
    assert_eq!(ids(store.runs().unwrap()), ["aaaaaaaaaaaa"]);
    assert_eq!(ids(store.newest(9).unwrap()), ["aaaaaaaaaaaa"]);
    assert_eq!(ids(store.trashed().unwrap()), ["bbbbbbbbbbbb"]);
    for word in ["last", "best"] {
        assert_eq!(store.resolve(word).unwrap().started.id, "aaaaaaaaaaaa");
    }
    assert!(store.resolve("bb").unwrap_err().to_string().contains("runs restore"));
    assert_eq!(store.resolve_anywhere("bb").unwrap().started.id, "bbbbbbbbbbbb");
    assert!(store.resolve_anywhere("champion").is_err());
    assert!(store.resolve_trashed("aa").unwrap_err().to_string().contains("--trash"));
    assert_eq!(store.names().unwrap().len(), 2, "its name is not given to another run");

    store.restore_run(&store.resolve_trashed("last").unwrap().started.id).unwrap();
    assert_eq!(store.run("bbbbbbbbbbbb").unwrap(), before);
    assert!(store.restore_run("bbbbbbbbbbbb").unwrap_err().to_string().contains("not in the trash"));
}

#[test]
fn folds_go_to_the_trash_and_come_back_with_their_cross_validation() {
    let (_folder, store) = store();
    store.create_run(&new_run("aaaaaaaaaaaa", "cv")).unwrap();
    let fold = |id: &str, number: usize| NewRun {
        parent: Some("aaaaaaaaaaaa".into()),
        config: json!({"fold": {"number": number}}),
        ..new_run(id, id)
    };
    for (id, number) in [("bbbbbbbbbbbb", 1), ("cccccccccccc", 2)] {
        store.create_run(&fold(id, number)).unwrap();
    }
    let lock = RunLock::acquire(&store.run_folder("cccccccccccc")).unwrap().unwrap();
    assert!(store.trash_run("aaaaaaaaaaaa").unwrap_err().to_string().contains("under way"));
    assert_eq!(store.runs().unwrap().len(), 3);
    drop(lock);
    // One alone, some time before the rest.
    store.trash_run("bbbbbbbbbbbb").unwrap();
    std::thread::sleep(std::time::Duration::from_millis(5));
    store.trash_run("aaaaaaaaaaaa").unwrap();
    assert!(store.runs().unwrap().is_empty());
    assert_eq!(store.folds("aaaaaaaaaaaa").unwrap().len(), 1);
    assert!(store.restore_run("cccccccccccc").unwrap_err().to_string().contains("restore that"));
    store.restore_run("aaaaaaaaaaaa").unwrap();
    assert_eq!(store.folds("aaaaaaaaaaaa").unwrap()[0].started.id, "cccccccccccc");
    // Its place was taken since.
    store.create_run(&fold("dddddddddddd", 1)).unwrap();
    assert!(store.restore_run("bbbbbbbbbbbb").unwrap_err().to_string().contains("dddddddddddd"));
    store.delete_run("dddddddddddd").unwrap();
    store.restore_run("bbbbbbbbbbbb").unwrap();
    assert_eq!(store.folds("aaaaaaaaaaaa").unwrap().len(), 2);
    store.trash_run("bbbbbbbbbbbb").unwrap();
    store.delete_run("aaaaaaaaaaaa").unwrap();
    assert!(store.trashed().unwrap().is_empty());
}

#[test]
fn what_is_said_of_a_run_comes_back_and_folds_are_called_after_their_cross_validation() {
    let (_folder, store) = store();
    store.create_run(&new_run("aaaaaaaaaaaa", "cv")).unwrap();
    for (id, name) in [("bbbbbbbbbbbb", "cv/1"), ("cccccccccccc", "own"), ("dddddddddddd", "cvx/1")] {
        store.create_run(&NewRun { parent: Some("aaaaaaaaaaaa".into()), ..new_run(id, name) }).unwrap();
    }
    store.rename_run("aaaaaaaaaaaa", "five parts").unwrap();
    store.set_note("aaaaaaaaaaaa", Some("one\ntwo")).unwrap();
    store.set_tags("aaaaaaaaaaaa", &["a".into(), "b".into()]).unwrap();
    store.star_run("aaaaaaaaaaaa", true).unwrap();
    let names: Vec<String> = store.runs().unwrap().into_iter().rev().map(|run| run.started.name).collect();
    assert_eq!(names, ["five parts", "five parts/1", "own", "cvx/1"]);
    let run = store.run("aaaaaaaaaaaa").unwrap();
    assert_eq!((run.note.as_deref(), run.starred), (Some("one\ntwo"), true));
    assert_eq!(run.tags, ["a", "b"]);
    store.set_tags("aaaaaaaaaaaa", &[]).unwrap();
    store.set_note("aaaaaaaaaaaa", None).unwrap();
    let run = store.run("aaaaaaaaaaaa").unwrap();
    assert!(run.tags.is_empty() && run.note.is_none());
}

#[test]
fn lists_leave_out_what_is_long_and_a_run_alone_has_it() {
    let (_folder, store) = store();
    let run = new_run("aaaaaaaaaaaa", "run-1");
    store.create_run(&run).unwrap();
    store.set_checks("aaaaaaaaaaaa", &Checks::default()).unwrap();
    let listed = store.runs().unwrap().remove(0);
    assert_eq!((listed.started.provenance, listed.checks), (None, None));
    let whole = store.resolve("last").unwrap();
    assert_eq!((whole.started.provenance, whole.checks), (run.provenance, Some(Checks::default())));
    assert_eq!(store.known_checks("22", 0).unwrap(), None);
}

#[test]
fn deleting_a_run_deletes_its_figures() {
    let (_folder, store) = store();
    store.create_run(&new_run("aaaaaaaaaaaa", "run-1")).unwrap();
    store.add_epoch("aaaaaaaaaaaa", &epoch(1, 9), true).unwrap();
    store.delete_run("aaaaaaaaaaaa").unwrap();
    assert!(store.runs().unwrap().is_empty());
    assert!(store.epochs("aaaaaaaaaaaa").unwrap().is_empty());
}

#[test]
fn a_run_is_found_by_id_beginning_name_last_and_best() {
    let (_folder, store) = store();
    for (id, right) in [("aa0000000000", 9), ("ab0000000000", 9), ("cc0000000000", 5)] {
        store.create_run(&new_run(id, &format!("name-{id}"))).unwrap();
        store.add_epoch(id, &epoch(1, right), true).unwrap();
        store.end_run(id, &ended(RunState::Finished)).unwrap();
    }
    let found = |word: &str| store.resolve(word).map(|run| run.started.id).map_err(|error| error.to_string());
    assert_eq!(found("cc").unwrap(), "cc0000000000");
    assert_eq!(found("name-aa0000000000").unwrap(), "aa0000000000");
    assert_eq!(found("last").unwrap(), "cc0000000000");
    assert_eq!(found("best").unwrap(), "ab0000000000");
    assert!(found("a").unwrap_err().contains("means 2 runs"));
    assert!(found("zz").unwrap_err().contains("runs list"));
    assert!(found("champion").is_err());
}

#[test]
fn the_best_run_is_the_one_that_holds_on_harder_images() {
    let (_folder, store) = store();
    let scored = |right, auc: Option<f64>| EpochFigures {
        shifted: auc.map(|auc| Shifted { auc: Some(auc), loss: None }),
        ..epoch(1, right)
    };
    for (id, figures) in [
        ("aaaaaaaaaaaa", scored(7, Some(0.95))),
        ("bbbbbbbbbbbb", scored(10, None)),
        ("cccccccccccc", scored(8, Some(0.9))),
    ] {
        store.create_run(&new_run(id, id)).unwrap();
        store.add_epoch(id, &figures, true).unwrap();
        store.end_run(id, &ended(RunState::Finished)).unwrap();
    }
    assert_eq!(store.resolve("best").unwrap().started.id, "aaaaaaaaaaaa");
    store.trash_run("aaaaaaaaaaaa").unwrap();
    store.trash_run("cccccccccccc").unwrap();
    assert_eq!(store.resolve("best").unwrap().started.id, "bbbbbbbbbbbb", "where none is judged so, by accuracy");
}

#[test]
fn a_new_database_may_be_opened_by_many_at_once() {
    for _ in 0..30 {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("runs.db");
        std::thread::scope(|scope| {
            let opened: Vec<_> = (0..4).map(|_| scope.spawn(|| Store::open(&path).map(drop))).collect();
            for thread in opened {
                thread.join().unwrap().unwrap();
            }
        });
    }
}

#[test]
fn two_stores_at_once_lose_nothing() {
    let (_folder, store) = store();
    store.create_run(&new_run("aaaaaaaaaaaa", "run-1")).unwrap();
    let path = store.path().to_owned();
    std::thread::scope(|scope| {
        let (one, two) = (path.clone(), path);
        for (path, from) in [(one, 1), (two, 101)] {
            scope.spawn(move || {
                let own = Store::open(&path).unwrap();
                (0..100).for_each(|n| own.add_steps("aaaaaaaaaaaa", &[step(from + n)]).unwrap());
            });
        }
    });
    assert_eq!(store.steps("aaaaaaaaaaaa").unwrap().len(), 200);
}

#[test]
fn who_watches_a_run_reads_what_came_since_and_hears_when_something_did() {
    let (_folder, store) = store();
    store.create_run(&new_run("aaaaaaaaaaaa", "run-1")).unwrap();
    store.add_steps("aaaaaaaaaaaa", &[step(1), step(2)]).unwrap();
    let watcher = Store::open(store.path()).unwrap();
    let before = watcher.data_version().unwrap();
    assert_eq!(watcher.data_version().unwrap(), before);
    store.add_steps("aaaaaaaaaaaa", &[step(3), step(4)]).unwrap();
    assert_ne!(watcher.data_version().unwrap(), before);
    assert_eq!(watcher.steps_after("aaaaaaaaaaaa", 2).unwrap(), [step(3), step(4)]);
    assert!(watcher.steps_after("aaaaaaaaaaaa", 4).unwrap().is_empty());
    assert_eq!(watcher.steps_after("aaaaaaaaaaaa", 0).unwrap(), watcher.steps("aaaaaaaaaaaa").unwrap());
}

#[test]
fn opening_a_new_file_from_many_threads_works() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("new").join("runs.db");
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| Store::open(&path).unwrap());
        }
    });
}

#[test]
fn a_file_that_is_no_database_is_refused_and_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("notes.db");
    std::fs::write(&path, "these are my notes, not a database, and they are long enough").unwrap();
    let before = std::fs::read(&path).unwrap();
    assert!(Store::open(&path).unwrap_err().to_string().contains("is no database"));
    assert_eq!(std::fs::read(&path).unwrap(), before);
}

#[test]
fn a_damaged_row_is_named_with_its_run() {
    let (_folder, store) = store();
    store.create_run(&new_run("aaaaaaaaaaaa", "run-1")).unwrap();
    store.change("UPDATE runs SET seed = '4a'", []).unwrap();
    let said = store.runs().unwrap_err().to_string();
    assert!(said.contains("run aaaaaaaaaaaa is damaged") && said.contains("restore a copy"), "{said}");
}

#[test]
fn another_programs_database_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("other.db");
    Connection::open(&path).unwrap().execute_batch("CREATE TABLE things (a)").unwrap();
    assert!(Store::open(&path).unwrap_err().to_string().contains("another program"));
}

#[test]
fn a_database_of_a_newer_version_is_refused() {
    let (_folder, store) = store();
    store.connection.pragma_update(None, "user_version", 99).unwrap();
    let path = store.path().to_owned();
    assert!(Store::open(&path).unwrap_err().to_string().contains("newer xray-tui (schema 99"));
}

#[test]
fn a_database_of_any_schema_so_far_opens_with_its_run() {
    let schemas = [
        include_str!("../../tests/fixtures/store/v1.sql"),
        include_str!("../../tests/fixtures/store/v2.sql"),
        include_str!("../../tests/fixtures/store/v3.sql"),
        include_str!("../../tests/fixtures/store/v4.sql"),
    ];
    let expected = [(0, None, 1), (4, None, 1), (4, Some(1), 1), (1, Some(1), 6)];
    for (schema, (batches, looks, answers)) in schemas.into_iter().zip(expected) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("old.db");
        Connection::open(&path).unwrap().execute_batch(schema).unwrap();
        let store = Store::open(&path).unwrap();
        let run = store.resolve("last").unwrap();
        assert_eq!((run.started.name.as_str(), run.state), ("run-1", RunState::Finished));
        assert_eq!(store.epochs(&run.started.id).unwrap().len(), 1);
        let first = store.steps(&run.started.id).unwrap()[0];
        assert_eq!((first.batches, first.seconds, first.memory), (batches, None, None));
        assert_eq!(store.answers(&run.started.id, Split::Test).unwrap().len(), answers);
        assert_eq!(store.looks(&run.started.id).unwrap(), looks);
        assert_eq!(run.operating.is_some(), looks.is_some());
        let has_seals = answers > 1;
        assert_eq!(run.started.parent, None);
        assert_eq!([run.started.provenance.is_some(), run.checks.is_some(), run.closing.is_some()], [has_seals; 3]);
        assert_eq!(store.marks(&run.started.id).unwrap().len(), if has_seals { 2 } else { 0 });
    }
}

#[test]
fn a_run_that_is_restored_while_the_trash_is_emptied_stays_whole() {
    let (_folder, store) = store();
    let id = "aaaaaaaaaaaa";
    store.create_run(&new_run(id, "run-1")).unwrap();
    store.end_run(id, &ended(RunState::Finished)).unwrap();
    store.trash_run(id).unwrap();
    let listed = store.trashed().unwrap();
    store.restore_run(id).unwrap();
    assert!(!store.delete_trashed(&listed[0].started.id).unwrap());
    assert!(store.run(id).is_ok() && store.run_folder(id).is_dir());
    store.trash_run(id).unwrap();
    assert!(store.delete_trashed(id).unwrap());
    assert!(store.run(id).is_err() && !store.run_folder(id).exists());
    assert!(store.restore_run(id).is_err() && !store.run_folder(id).exists());
}

#[test]
fn a_summary_sees_every_change_of_what_is_said_of_runs() {
    let (_folder, store) = store();
    for (id, name) in [("aaaaaaaaaaaa", "run-1"), ("bbbbbbbbbbbb", "run-2")] {
        store.create_run(&new_run(id, name)).unwrap();
    }
    let id = "aaaaaaaaaaaa";
    let mut seen = vec![store.summary().unwrap()];
    let mut look = || seen.push(store.summary().unwrap());
    look();
    store.rename_run(id, "run-3").unwrap();
    look();
    store.set_tags(id, &["one".into()]).unwrap();
    look();
    store.set_tags(id, &["two".into()]).unwrap();
    look();
    store.star_run(id, true).unwrap();
    look();
    store.star_run(id, false).unwrap();
    store.star_run("bbbbbbbbbbbb", true).unwrap();
    look();
    assert_eq!(seen[0], seen[1]);
    assert!(seen[1..].windows(2).all(|pair| pair[0] != pair[1]), "{seen:?}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(8))]

    #[test]
    fn a_curve_of_any_length_keeps_its_ends_in_bounds(blocks in 1_usize..12, size in 100_usize..1500) {
        let (_folder, store) = store();
        store.create_run(&new_run("aaaaaaaaaaaa", "run-1")).unwrap();
        for block in 0..blocks {
            let points: Vec<StepPoint> = (1..=size).map(|n| step(block * size + n)).collect();
            store.add_steps("aaaaaaaaaaaa", &points).unwrap();
        }
        let kept = store.steps("aaaaaaaaaaaa").unwrap();
        prop_assert!(kept.len() <= 4096);
        prop_assert_eq!(kept[0].step, 1);
        prop_assert_eq!(kept[kept.len() - 1].step, blocks * size);
        prop_assert!(kept.windows(2).all(|pair| pair[0].step < pair[1].step));
    }
}
