//! Whole runs on a small synthetic data set, through the session as every front end uses it.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

#[path = "support/bench.rs"]
mod bench;
#[path = "support/demo.rs"]
mod demo;
#[path = "support/program.rs"]
mod program;

use std::cell::Cell;
use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use bench::{Bench, bench, new};
use candle_core::{DType, Tensor};
use program::{answer, ask, command, demo, words, xray};
use tempfile::TempDir;
use xray_tui::dataset::{Class, Probe, Split};
use xray_tui::metrics::ThresholdOn;
use xray_tui::predict::Predictor;
use xray_tui::session::original::Original;
use xray_tui::session::reproduce::Repetition;
use xray_tui::session::{self, RunEvent, Start, Workplace, disk, journal, verify};
use xray_tui::store::lock::RunLock;
use xray_tui::store::{Answer, CommandKind, MarkKind, Run, RunState, Store};
use xray_tui::train::recipe::Named;
use xray_tui::train::{Control, Outcome, TrainConfig, TrainEvent, checkpoint};

fn small() -> TrainConfig {
    TrainConfig { epochs: 2, batch_size: 8, image_size: 33, validation_fraction: 0.2, ..Named::Plain.config() }
}

/// Follows a run to its end, showing each event to `watch`; returns the run's id and its outcome.
fn follow(place: &Workplace, start: Start, watch: impl Fn(&TrainEvent, &Control)) -> (Option<String>, Outcome) {
    let handle = session::start(place.clone(), start).unwrap();
    let (mut id, mut outcome) = (None, None);
    for event in &handle.events {
        match event {
            RunEvent::Created { run_id, .. } => id = Some(run_id),
            RunEvent::Train(TrainEvent::Ended(ended)) => outcome = Some(ended),
            RunEvent::Train(event) => watch(&event, &handle.control),
        }
    }
    handle.thread.join().unwrap();
    (id, outcome.unwrap())
}

fn run_of(place: &Workplace, id: &str) -> Run {
    Store::open(&place.db).unwrap().run(id).unwrap()
}

/// The checkpoint's numbers bit by bit, by name; step counts as they are.
fn tensors(path: &Path) -> BTreeMap<String, Vec<u64>> {
    let (tensors, _) = xray_nn::weights::load(path).unwrap();
    tensors.iter().map(|(name, tensor)| (name.clone(), bits(tensor))).collect()
}

fn bits(tensor: &Tensor) -> Vec<u64> {
    let flat = tensor.flatten_all().unwrap();
    match flat.dtype() {
        DType::I64 => flat.to_vec1::<i64>().unwrap().into_iter().map(i64::cast_unsigned).collect(),
        _ => flat.to_vec1::<f32>().unwrap().into_iter().map(|value| u64::from(value.to_bits())).collect(),
    }
}

fn last(place: &Workplace, id: &str) -> PathBuf {
    checkpoint::last_path(&Store::open(&place.db).unwrap().run_folder(id))
}

#[test]
fn a_run_stopped_in_an_epoch_and_resumed_ends_with_the_same_bits() {
    let Bench { place, _folder } = &bench();
    let (whole, outcome) = follow(place, new(small()), |_, _| {});
    assert!(matches!(outcome, Outcome::Finished { .. }), "{outcome:?}");
    let (stopped, outcome) = follow(place, new(small()), |event, control| {
        if matches!(event, TrainEvent::Step(step) if step.step == 2) {
            control.stop();
        }
    });
    let (whole, stopped) = (whole.unwrap(), stopped.unwrap());
    assert_eq!(outcome, Outcome::Stopped);
    assert_eq!(run_of(place, &stopped).state, RunState::Stopped);

    let (resumed, outcome) = follow(place, Start::Resume { run_id: stopped.clone() }, |_, _| {});
    assert!(matches!(outcome, Outcome::Finished { .. }), "{outcome:?}");
    assert_eq!(resumed.as_deref(), Some(stopped.as_str()));
    assert_eq!(tensors(&last(place, &whole)), tensors(&last(place, &stopped)));

    let store = Store::open(&place.db).unwrap();
    let figures = |id: &str| store.epochs(id).unwrap().into_iter().map(|e| (e.train, e.validation)).collect::<Vec<_>>();
    assert_eq!(figures(&whole), figures(&stopped));
    assert_eq!(store.run(&whole).unwrap().test, store.run(&stopped).unwrap().test);
    assert_eq!(store.answers(&whole, Split::Test).unwrap(), store.answers(&stopped, Split::Test).unwrap());
    assert_eq!(store.answers(&whole, Split::Test).unwrap().len(), 10);
    assert!(!store.answers(&whole, Split::Validation).unwrap().is_empty());
}

#[test]
fn a_run_that_fails_in_mid_epoch_keeps_its_batches() {
    let Bench { place, _folder } = &bench();
    let (whole, _) = follow(place, new(small()), |_, _| {});
    let rename = |from: &str, to: &str| {
        let database = rusqlite::Connection::open(&place.db).unwrap();
        database.busy_timeout(std::time::Duration::from_secs(30)).unwrap();
        database.execute_batch(&format!("ALTER TABLE {from} RENAME TO {to}")).unwrap();
    };
    let (failed, outcome) = follow(place, new(small()), |event, _| {
        if matches!(event, TrainEvent::Step(step) if step.step == 2) {
            rename("steps", "away");
        }
    });
    assert!(matches!(&outcome, Outcome::Failed(problem) if problem.contains("runs.db")), "{outcome:?}");
    rename("away", "steps");

    let (whole, failed) = (whole.unwrap(), failed.unwrap());
    assert!(last(place, &failed).exists());
    let (_, outcome) = follow(place, Start::Resume { run_id: failed.clone() }, |event, _| {
        assert!(!matches!(event, TrainEvent::Step(step) if step.step <= 2), "{event:?} was done already");
    });
    assert!(matches!(outcome, Outcome::Finished { .. }), "{outcome:?}");
    assert_eq!(tensors(&last(place, &whole)), tensors(&last(place, &failed)));
}

#[test]
fn a_run_goes_on_without_the_weights_that_it_began_with() {
    let Bench { place, _folder } = &bench();
    let (first, _) = follow(place, new(TrainConfig { epochs: 1, ..small() }), |_, _| {});
    let best = checkpoint::best_path(&Store::open(&place.db).unwrap().run_folder(&first.unwrap()));
    let pretrained = place.db.with_file_name("weights.safetensors");
    std::fs::copy(best, &pretrained).unwrap();
    let (id, _) =
        follow(place, new(TrainConfig { pretrained: Some(pretrained.clone()), ..small() }), |event, control| {
            if matches!(event, TrainEvent::Step(_)) {
                control.stop();
            }
        });
    std::fs::remove_file(pretrained).unwrap();
    let (_, outcome) = follow(place, Start::Resume { run_id: id.unwrap() }, |_, _| {});
    assert!(matches!(outcome, Outcome::Finished { .. }), "{outcome:?}");
}

#[test]
fn weights_that_are_no_numbers_are_refused() {
    let Bench { place, _folder } = &bench();
    let (first, _) = follow(place, new(TrainConfig { epochs: 1, ..small() }), |_, _| {});
    let best = checkpoint::best_path(&Store::open(&place.db).unwrap().run_folder(&first.unwrap()));
    let (mut weights, _) = xray_nn::weights::load(&best).unwrap();
    let stem = &weights["conv1.weight"];
    weights.insert("conv1.weight".into(), stem.affine(f64::NAN, 0.0).unwrap());
    let pretrained = place.db.with_file_name("nan.safetensors");
    xray_nn::weights::save(&pretrained, &weights, &std::collections::HashMap::new()).unwrap();
    let (_, outcome) = follow(place, new(TrainConfig { pretrained: Some(pretrained), ..small() }), |_, _| {});
    assert!(matches!(&outcome, Outcome::Failed(problem) if problem.contains("conv1.weight")), "{outcome:?}");
}

#[test]
fn a_finished_run_is_not_resumed_but_predicts() {
    let Bench { place, _folder } = &bench();
    let (id, _) = follow(place, new(TrainConfig { epochs: 1, ..small() }), |_, _| {});
    let id = id.unwrap();
    let (_, outcome) = follow(place, Start::Resume { run_id: id.clone() }, |_, _| {});
    assert!(matches!(outcome, Outcome::Failed(problem) if problem.contains("is finished")));
    assert_eq!(run_of(place, &id).state, RunState::Finished);

    let store = Store::open(&place.db).unwrap();
    let predictor = Predictor::load(&store.run_folder(&id)).unwrap();
    for answer in store.answers(&id, Split::Test).unwrap() {
        let picture = xray_tui::predict::read_picture(&place.data.join(&answer.file)).unwrap();
        let own = predictor.predict(&picture).unwrap().logits;
        let near = own.iter().zip(answer.logits).all(|(a, b)| (a - b).abs() < 1e-4);
        assert!(near, "{}: {own:?} alone, {:?} in the run", answer.file, answer.logits);
    }
}

#[test]
fn answers_of_earlier_weights_are_forgotten_when_better_ones_come() {
    let Bench { place, _folder } = &bench();
    let (id, _) = follow(place, new(small()), |event, control| {
        if matches!(event, TrainEvent::Step(_)) {
            control.stop();
        }
    });
    let id = id.unwrap();
    let store = Store::open(&place.db).unwrap();
    let old = Answer {
        harder: false,
        split: Split::Test,
        file: "a.png".into(),
        truth: Class::Normal,
        logits: [0.0, 1.0],
        disagreement: None,
    };
    store.replace_answers(&id, Split::Test, &[old]).unwrap();
    follow(place, Start::Resume { run_id: id.clone() }, |event, control| {
        if matches!(event, TrainEvent::Epoch { .. }) {
            control.stop();
        }
    });
    assert!(store.answers(&id, Split::Test).unwrap().iter().all(|answer| answer.file != "a.png"));
}

#[test]
fn answers_of_another_epoch_than_the_best_are_made_again_at_the_end() {
    let Bench { place, _folder } = &bench();
    let (first, _) = follow(place, new(small()), |_, _| {});
    let store = Store::open(&place.db).unwrap();
    // Nothing moves, so that the first epoch stays the best.
    let config = || TrainConfig {
        learning_rate: 1e-12,
        threshold_on: ThresholdOn::Shifted,
        pretrained: Some(checkpoint::best_path(&store.run_folder(first.as_ref().unwrap()))),
        frozen_stages: 5,
        ..small()
    };
    let (whole, _) = follow(place, new(config()), |_, _| {});
    let (cut, _) = follow(place, new(config()), |event, control| {
        if matches!(event, TrainEvent::Step(step) if step.epoch == 2) {
            control.stop();
        }
    });
    let (whole, cut) = (whole.unwrap(), cut.unwrap());
    assert_eq!(run_of(place, &cut).state, RunState::Stopped);
    let turned = |answer: Answer| Answer { logits: [answer.logits[1], answer.logits[0]], ..answer };
    let stale: Vec<Answer> = store.answers(&cut, Split::Validation).unwrap().into_iter().map(turned).collect();
    store.replace_answers(&cut, Split::Validation, &stale).unwrap();
    store.replace_answers(&cut, Probe::Harder, &[]).unwrap();
    follow(place, Start::Resume { run_id: cut.clone() }, |_, _| {});
    assert_eq!(run_of(place, &cut).best_epoch, Some(1));
    assert_eq!(store.all_answers(&cut).unwrap(), store.all_answers(&whole).unwrap());
    assert_eq!(run_of(place, &cut).operating, run_of(place, &whole).operating);
}

#[test]
fn a_checkpoint_of_another_run_is_refused() {
    let Bench { place, _folder } = &bench();
    let stopped = || {
        let stop = |event: &TrainEvent, control: &Control| {
            if matches!(event, TrainEvent::Epoch { .. }) {
                control.stop();
            }
        };
        follow(place, new(small()), stop).0.unwrap()
    };
    let [one, other] = [stopped(), stopped()];
    std::fs::copy(last(place, &other), last(place, &one)).unwrap();
    let (_, outcome) = follow(place, Start::Resume { run_id: one.clone() }, |_, _| {});
    assert!(matches!(&outcome, Outcome::Failed(problem) if problem.contains("belongs to another run")), "{outcome:?}");
    assert_eq!(run_of(place, &one).state, RunState::Stopped);
}

#[test]
fn a_damaged_checkpoint_is_named_and_the_run_stays_as_it_was() {
    let Bench { place, _folder } = &bench();
    let (id, _) = follow(place, new(small()), |event, control| {
        if matches!(event, TrainEvent::Epoch { .. }) {
            control.stop();
        }
    });
    let id = id.unwrap();
    let path = last(place, &id);
    let whole = std::fs::read(&path).unwrap();
    let mut changed = whole.clone();
    changed[whole.len() / 2] ^= 1;
    // One bit of the number of epochs that are done, in the header.
    let mut header = whole.clone();
    let epochs = b"\\\"epochs_done\\\":";
    let place_of_epochs = whole.windows(epochs.len()).position(|bytes| bytes == epochs).unwrap() + epochs.len();
    header[place_of_epochs] ^= 2;
    for damaged in [Some(&whole[..whole.len() / 2]), Some(&changed[..]), Some(&header[..]), None] {
        match damaged {
            Some(bytes) => std::fs::write(&path, bytes).unwrap(),
            None => std::fs::remove_file(&path).unwrap(),
        }
        let (_, outcome) = follow(place, Start::Resume { run_id: id.clone() }, |_, _| {});
        let named = |problem: &str| problem.contains("last.safetensors") && problem.contains("put a copy back");
        assert!(matches!(&outcome, Outcome::Failed(problem) if named(problem)), "{outcome:?}");
        assert_eq!(run_of(place, &id).state, RunState::Stopped);
        assert_eq!(Store::open(&place.db).unwrap().epochs(&id).unwrap().len(), 1);
    }
}

#[test]
fn changed_data_are_refused_when_resuming() {
    let Bench { place, _folder } = &bench();
    let (id, _) = follow(place, new(small()), |event, control| {
        if matches!(event, TrainEvent::Step(_)) {
            control.stop();
        }
    });
    let id = id.unwrap();
    std::fs::write(place.data.join("notes.txt"), "no image").unwrap();
    let told = Cell::new(false);
    follow(place, Start::Resume { run_id: id.clone() }, |event, control| match event {
        TrainEvent::Notice(text) => told.set(told.get() || text.contains("something in the data folder has changed")),
        TrainEvent::Step(_) => control.stop(),
        _ => {}
    });
    assert!(told.get(), "another file says nothing of the images, but may move their places");
    let train = place.data.join("train/NORMAL");
    let file = std::fs::read_dir(train).unwrap().next().unwrap().unwrap().path();
    std::fs::remove_file(file).unwrap();
    let (_, outcome) = follow(place, Start::Resume { run_id: id }, |_, _| {});
    assert!(matches!(&outcome, Outcome::Failed(problem) if problem.contains("other images")), "{outcome:?}");
}

#[test]
fn a_learning_rate_that_was_changed_is_marked_outlives_a_stop_and_is_repeated() {
    let Bench { place, _folder } = &bench();
    let (plain, _) = follow(place, new(small()), |_, _| {});
    let (id, outcome) = follow(place, new(small()), |event, control| match event {
        TrainEvent::Step(step) if step.step == 1 => control.set_learning_rate(3e-4),
        TrainEvent::Step(step) if step.step == 3 => control.stop(),
        _ => {}
    });
    let id = id.unwrap();
    assert_eq!(outcome, Outcome::Stopped);
    let (_, outcome) = follow(place, Start::Resume { run_id: id.clone() }, |_, _| {});
    assert!(matches!(outcome, Outcome::Finished { .. }), "{outcome:?}");

    let store = Store::open(&place.db).unwrap();
    let marks: Vec<_> = store.marks(&id).unwrap().iter().map(|mark| (mark.kind, mark.value)).collect();
    assert_eq!(marks, [(MarkKind::Rate, Some(3e-4)), (MarkKind::Stop, None), (MarkKind::Resume, None)]);
    // The change is heeded before the next batch, or, the loader being quick, before the one after that.
    let after = store.marks(&id).unwrap()[0].step;
    assert!((1..=2).contains(&after), "{after}");
    assert_ne!(tensors(&last(place, &plain.unwrap())), tensors(&last(place, &id)));

    let original = Original::read(&store, store.run(&id).unwrap()).unwrap();
    assert_eq!(original.rates(), [(after, 3e-4)]);
    let there = Workplace { db: place.db.with_file_name("again.db"), ..place.clone() };
    let repetition = Repetition::prepare(original, &there, &mut |_| ControlFlow::Continue(())).unwrap();
    let mut repetition = repetition.unwrap();
    let handle = session::start(there.clone(), repetition.start().unwrap()).unwrap();
    for event in &handle.events {
        if let RunEvent::Train(TrainEvent::Epoch { figures, .. }) = event {
            assert!(repetition.see_epoch(&figures).is_continue());
        }
    }
    let found = repetition.finish(&Store::open(&there.db).unwrap()).unwrap();
    assert_eq!((found.identical, found.first_difference, found.epochs_compared), (Some(true), None, 2));
}

#[test]
fn a_learning_rate_asked_for_after_the_last_batch_of_a_run_that_stops_is_for_the_rest_of_it() {
    let Bench { place, _folder } = &bench();
    let (id, _) = follow(place, new(small()), |event, control| match event {
        TrainEvent::Step(step) if step.batch == step.batches => {
            control.set_learning_rate(3e-4);
            control.finish_epoch();
        }
        _ => {}
    });
    let id = id.unwrap();
    follow(place, Start::Resume { run_id: id.clone() }, |_, _| {});
    let store = Store::open(&place.db).unwrap();
    assert!(store.marks(&id).unwrap().iter().any(|mark| (mark.kind, mark.value) == (MarkKind::Rate, Some(3e-4))));
    assert_eq!(store.steps(&id).unwrap().last().unwrap().learning_rate, Some(3e-4));
}

#[test]
fn a_run_obeys_other_processes() {
    let Bench { place, _folder } = &bench();
    let config = TrainConfig { epochs: 500, ..small() };
    let handle = session::start(place.clone(), new(config)).unwrap();
    let store = Store::open(&place.db).unwrap();
    let ask = |kind, value| store.add_command(&store.runs().unwrap()[0].started.id, kind, value).unwrap();
    let (mut asked, mut outcome) = (false, None);
    for event in &handle.events {
        match event {
            RunEvent::Train(TrainEvent::Step(_)) if !asked => {
                ask(CommandKind::Rate, Some(2e-4));
                ask(CommandKind::Pause, None);
                asked = true;
            }
            RunEvent::Train(TrainEvent::Phase(xray_tui::train::Phase::Paused)) => {
                ask(CommandKind::Continue, None);
                ask(CommandKind::Stop, None);
            }
            RunEvent::Train(TrainEvent::Ended(ended)) => outcome = Some(ended),
            _ => {}
        }
    }
    assert_eq!(outcome, Some(Outcome::Stopped));
    let id = store.runs().unwrap()[0].started.id.clone();
    let marks = store.marks(&id).unwrap();
    assert!([MarkKind::Pause, MarkKind::Stop].iter().all(|kind| marks.iter().any(|mark| mark.kind == *kind)));
    // What was asked of a run that is over is forgotten when it goes on.
    store.add_command(&id, CommandKind::Stop, None).unwrap();
    assert_eq!(store.take_commands(&id).unwrap(), [(CommandKind::Stop, None)]);
    assert_eq!(store.take_commands(&id).unwrap(), []);
}

#[test]
fn a_paused_run_waits_and_goes_on() {
    let Bench { place, _folder } = &bench();
    let (id, outcome) = follow(place, new(TrainConfig { epochs: 1, ..small() }), |event, control| match event {
        TrainEvent::Step(step) if step.step == 1 => control.pause(),
        TrainEvent::Phase(xray_tui::train::Phase::Paused) => control.resume(),
        _ => {}
    });
    assert!(matches!(outcome, Outcome::Finished { .. }), "{outcome:?}");
    let marks = Store::open(&place.db).unwrap().marks(&id.unwrap()).unwrap();
    let marks: Vec<_> = marks.iter().map(|mark| (mark.kind, mark.step)).collect();
    // After the step that it was asked at, or the one that was under way by then.
    assert!(
        [1, 2].map(|step| [(MarkKind::Pause, step), (MarkKind::Continue, step)].to_vec()).contains(&marks),
        "{marks:?}"
    );
}

#[test]
fn a_run_that_is_to_end_after_an_epoch_validates_it_and_goes_on_to_the_same_bits() {
    let Bench { place, _folder } = &bench();
    let (whole, _) = follow(place, new(small()), |_, _| {});
    let (id, outcome) = follow(place, new(small()), |event, control| match event {
        TrainEvent::Step(step) if step.step == 1 => control.finish_epoch(),
        _ => {}
    });
    let (whole, id) = (whole.unwrap(), id.unwrap());
    assert_eq!(outcome, Outcome::Stopped);
    let store = Store::open(&place.db).unwrap();
    let run = store.run(&id).unwrap();
    assert_eq!((run.state, run.epochs_done, run.best_epoch, run.test), (RunState::Stopped, 1, Some(1), None));
    let steps = store.steps(&id).unwrap();
    assert!(steps.iter().all(|point| point.epoch == 1) && steps.len() == steps[0].batches, "{steps:?}");
    let marks: Vec<_> = store.marks(&id).unwrap().iter().map(|mark| (mark.kind, mark.value)).collect();
    assert_eq!(marks, [(MarkKind::Finish, Some(1.0)), (MarkKind::Stop, None)]);

    // An epoch that is done already ends it before the next one.
    let (_, outcome) = follow(place, Start::Resume { run_id: id.clone() }, |event, control| {
        if *event == TrainEvent::Phase(xray_tui::train::Phase::Preparing) {
            control.stop_after(Some(1));
        }
    });
    assert_eq!((outcome, run_of(place, &id).epochs_done), (Outcome::Stopped, 1));
    let (_, outcome) = follow(place, Start::Resume { run_id: id.clone() }, |_, _| {});
    assert!(matches!(outcome, Outcome::Finished { .. }), "{outcome:?}");
    assert_eq!(tensors(&last(place, &whole)), tensors(&last(place, &id)));
}

#[test]
fn a_run_in_its_last_epoch_finishes_and_a_plain_stop_still_counts_at_once() {
    let Bench { place, _folder } = &bench();
    let (_, outcome) = follow(place, new(TrainConfig { epochs: 1, ..small() }), |event, control| match event {
        TrainEvent::Step(step) if step.step == 1 => control.finish_epoch(),
        _ => {}
    });
    assert!(matches!(outcome, Outcome::Finished { .. }), "{outcome:?}");
    let (id, outcome) = follow(place, new(TrainConfig { epochs: 500, ..small() }), |event, control| match event {
        TrainEvent::Step(step) if step.step == 1 => control.stop_after(Some(400)),
        TrainEvent::Step(_) => control.stop(),
        _ => {}
    });
    assert_eq!(outcome, Outcome::Stopped);
    assert!(run_of(place, &id.unwrap()).epochs_done < 400, "a plain stop is not for the end of an epoch");
}

#[test]
fn every_step_says_when_it_was_done_at_which_rate_and_what_it_cost() {
    let Bench { place, _folder } = &bench();
    let (id, _) = follow(place, new(small()), |event, control| match event {
        TrainEvent::Step(step) if step.step == 1 => control.stop(),
        TrainEvent::Step(step) => assert!(step.seconds.is_some() && step.learning_rate == Some(1e-3), "{step:?}"),
        _ => {}
    });
    let id = id.unwrap();
    let before = run_of(place, &id).seconds;
    follow(place, Start::Resume { run_id: id.clone() }, |_, _| {});
    let steps = Store::open(&place.db).unwrap().steps(&id).unwrap();
    assert!(steps.windows(2).all(|pair| pair[0].seconds < pair[1].seconds), "{steps:?}");
    assert!(steps.last().unwrap().seconds.unwrap() > before, "the time of both sessions counts");
    assert!(steps.iter().all(|point| point.processor.is_some_and(|cores| cores >= 0.0)), "{steps:?}");
    assert!(
        cfg!(not(target_os = "linux")) || steps.iter().all(|point| point.memory.is_some_and(|held| held > 1_000_000))
    );
}

/// A folder with a demo set and a finished run of that name.
fn with_run(name: &str) -> TempDir {
    let folder = demo();
    train(folder.path(), &["--name", name]);
    folder
}

fn train(folder: &Path, more: &[&str]) -> String {
    let small = ["train", "--epochs", "1", "--batch-size", "8", "--image-size", "33", "--validation-fraction", "0.2"];
    answer(folder, &[&small[..], more].concat())["run_id"].as_str().unwrap().to_owned()
}

#[test]
fn a_log_tells_what_happened_over_all_sessions_and_is_in_nobodys_way() {
    let Bench { place, _folder } = &bench();
    let (id, _) = follow(place, new(small()), |event, control| match event {
        TrainEvent::Step(step) if step.step == 1 => {
            control.set_learning_rate(2e-4);
            control.finish_epoch();
        }
        _ => {}
    });
    let id = id.unwrap();
    follow(place, Start::Resume { run_id: id.clone() }, |_, _| {});
    let store = Store::open(&place.db).unwrap();
    let lines = journal::last_lines(&store.run_folder(&id), usize::MAX).unwrap();
    let mut rest = lines.iter();
    for wanted in [
        "begun: run-1",
        "settings: {",
        "SYNTHETIC",
        "threads",
        "the learning rate is 0.0002",
        "epoch 1: train loss",
        "stopping",
        "stopped",
        "resumed after 1 whole epochs",
        "epoch 2: train loss",
        "finished: best epoch",
    ] {
        assert!(rest.any(|line| line.contains(wanted)), "{wanted}: {lines:#?}");
    }
    assert_eq!(lines.iter().filter(|line| line.contains("epoch 1: ")).count(), 1, "{lines:#?}");
    // The run may be some batches ahead of who asks.
    assert!(lines.iter().any(|line| line.contains("asked to stop after epoch 1")), "{lines:#?}");
    assert!(lines.iter().all(|line| line.as_bytes()[10] == b'T' && line.as_bytes()[23] == b'Z'), "{lines:#?}");
    assert!(verify::verify(&store, &store.run(&id).unwrap()).unwrap().differences.is_empty());
    // Without the run's row, a folder with a log is one of this program's like any other.
    store.delete_run(&id).unwrap();
    std::fs::create_dir_all(store.run_folder(&id)).unwrap();
    std::fs::write(store.run_folder(&id).join(journal::FILE), "a line\n").unwrap();
    let usage = disk::survey(&store).unwrap();
    assert!(usage[0].run_id.is_none() && usage[0].bytes == 7, "{usage:?}");
}

#[test]
fn a_run_without_room_for_its_log_trains_all_the_same() {
    let Bench { place, _folder } = &bench();
    let (id, _) = follow(place, new(small()), |event, control| {
        if matches!(event, TrainEvent::Step(_)) {
            control.stop();
        }
    });
    let id = id.unwrap();
    let path = Store::open(&place.db).unwrap().run_folder(&id).join(journal::FILE);
    std::fs::remove_file(&path).unwrap();
    std::fs::create_dir(&path).unwrap();
    let (_, outcome) = follow(place, Start::Resume { run_id: id }, |_, _| {});
    assert!(matches!(outcome, Outcome::Finished { .. }), "{outcome:?}");
}

#[test]
fn a_log_is_followed_until_its_run_has_ended_and_a_run_ends_after_an_epoch_when_asked() {
    let folder = demo();
    let at = folder.path();
    let endless = ["train", "--epochs", "500", "--batch-size", "8", "--image-size", "33", "--name", "long", "-q"];
    let mut run = command(at, &endless).spawn().unwrap();
    let began = || at.join("runs.db").exists() && ask(at, &["runs", "log", "long"]).1["lines"][0].is_string();
    while !began() {
        std::thread::sleep(std::time::Duration::from_millis(50));
    }
    let following =
        command(at, &["runs", "log", "long", "--follow"]).stdout(std::process::Stdio::piped()).spawn().unwrap();
    let asked = answer(at, &["runs", "stop", "long", "--after-epoch"]);
    assert_eq!(asked["asked"], "finish");
    assert_eq!(run.wait().unwrap().code(), Some(1), "it was stopped");
    let followed = String::from_utf8(following.wait_with_output().unwrap().stdout).unwrap();
    assert!(
        followed.contains(" begun: long") && followed.trim_end().ends_with("stopped; it can be resumed"),
        "{followed}"
    );
    assert_eq!(answer(at, &["runs", "log", "long", "--lines", "2"])["lines"].as_array().unwrap().len(), 2);
    let shown = answer(at, &["runs", "show", "long"]);
    let marks = shown["marks"].as_array().unwrap();
    let kinds: Vec<_> = marks.iter().map(|mark| mark["kind"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["finish", "stop"]);
    assert_eq!(shown["epochs_done"].as_f64(), marks[0]["value"].as_f64());
}

#[test]
fn a_deleted_run_can_be_had_back_until_the_trash_is_emptied() {
    let folder = with_run("kept");
    let at = folder.path();
    let id = train(at, &["--name", "gone", "--seed", "43"]);
    let shown = answer(at, &["runs", "show", "gone"]);
    let deleted = answer(at, &["runs", "delete", "gone"]);
    assert_eq!((&deleted["deleted"], &deleted["trashed"]), (&true.into(), &true.into()));
    let names = |arguments: &[&str]| -> Vec<String> {
        let runs = answer(at, arguments)["runs"].as_array().unwrap().clone();
        runs.iter().map(|run| run["name"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(names(&["runs", "list"]), ["kept"]);
    assert_eq!(names(&["runs", "list", "--trash"]), ["gone"]);
    assert_eq!(names(&["runs", "verify"]), ["kept"]);
    assert_eq!(answer(at, &["runs", "groups"])["groups"], serde_json::json!([]));
    for command in
        [&["eval", "gone"][..], &["reproduce", &id], &["train", "--resume", "gone"], &["runs", "delete", "gone"]]
    {
        let refused = xray(at, command);
        assert!(words(&refused).contains("runs restore"), "{command:?}: {}", words(&refused));
    }
    let handle = session::start(place_of(at), Start::Resume { run_id: id.clone() }).unwrap();
    let refused = handle.events.iter().any(|event| matches!(event, RunEvent::Train(TrainEvent::Ended(Outcome::Failed(problem))) if problem.contains("trash")));
    assert!(refused, "by its id neither");
    assert_eq!(answer(at, &["eval", "kept"])["test_looks"], 2, "a look stays counted");

    assert_eq!(answer(at, &["runs", "restore", "gone"])["restored"], true);
    assert_eq!(answer(at, &["runs", "show", "gone"]), shown);
    assert_eq!(answer(at, &["runs", "groups"])["groups"][0]["n"], 2);
    answer(at, &["runs", "delete", "gone"]);
    let found = answer(at, &["runs", "gc"]);
    let usage =
        found["folders"].as_array().unwrap().iter().find(|usage| usage["run_id"] == id.as_str()).unwrap().clone();
    assert_eq!((&usage["trashed"], &usage["bytes"]), (&true.into(), &usage["can_go_bytes"]));
    assert_eq!((&found["trashed_runs"], &found["freed_bytes"]), (&1.into(), &0.into()));
    let lock = RunLock::acquire(&at.join("checkpoints").join(&id)).unwrap();
    let held = xray(at, &["--json", "runs", "gc", "--delete"]);
    assert!(!held.status.success() && words(&held).contains("gone is under way"), "{}", words(&held));
    assert_eq!(names(&["runs", "list", "--trash"]), ["gone"]);
    drop(lock);
    let freed = answer(at, &["runs", "gc", "--delete"])["freed_bytes"].as_u64().unwrap();
    assert!(freed >= usage["bytes"].as_u64().unwrap(), "{freed}");
    assert!(names(&["runs", "list", "--trash"]).is_empty() && !at.join("checkpoints").join(&id).exists());
    assert_eq!(answer(at, &["eval", "kept"])["test_looks"], 2);

    answer(at, &["runs", "delete", "kept"]);
    let deleted = answer(at, &["runs", "delete", "kept", "--forever"]);
    assert_eq!((&deleted["deleted"], &deleted["trashed"]), (&true.into(), &false.into()));
    assert_eq!(ask(at, &["runs", "restore", "kept"]).0, 1);
}

fn place_of(folder: &Path) -> Workplace {
    Workplace { data: folder.join("data"), db: folder.join("runs.db"), cache: folder.join("cache") }
}

#[test]
fn names_notes_tags_and_stars_change_at_any_time_and_no_seal_minds() {
    let folder = demo();
    let at = folder.path();
    let id =
        train(at, &["--name", "first", "--tag", "lr", "--tag", "lr", "--tag", "seed-42", "--note", "a first look"]);
    let shown = answer(at, &["runs", "show", "first"]);
    assert_eq!((&shown["note"], &shown["tags"]), (&"a first look".into(), &serde_json::json!(["lr", "seed-42"])));
    assert_eq!(shown["starred"], false);
    let files = std::fs::read_dir(at.join("checkpoints").join(&id)).unwrap();
    let bytes: u64 = files.map(|file| file.unwrap().metadata().unwrap().len()).sum();
    assert!(shown["disk_bytes"] == bytes && bytes > 1_000_000, "{shown}");
    assert_eq!(answer(at, &["runs", "rename", "first", "the first one"])["name"], "the first one");
    assert_eq!(answer(at, &["runs", "tag", &id, "new", "lr"])["tags"], serde_json::json!(["lr", "seed-42", "new"]));
    assert_eq!(
        answer(at, &["runs", "tag", &id, "lr", "none", "--remove"])["tags"],
        serde_json::json!(["seed-42", "new"])
    );
    assert_eq!(answer(at, &["runs", "note", &id])["note"], serde_json::Value::Null);
    assert_eq!(answer(at, &["runs", "note", &id, "a second look"])["note"], "a second look");
    assert_eq!(answer(at, &["runs", "star", "last"])["starred"], true);
    let table = String::from_utf8(xray(at, &["runs", "list"]).stdout).unwrap();
    let row = table.lines().nth(1).unwrap();
    assert!(row.contains("★ the first one") && row.ends_with("seed-42 new"), "{table}");
    assert_eq!(answer(at, &["runs", "list"])["runs"][0]["starred"], true);
    assert_eq!(answer(at, &["runs", "verify"])["differences"], 0);
    assert_eq!(answer(at, &["reproduce", &id])["identical"], true);
    assert_eq!(answer(at, &["runs", "star", "last", "--off"])["starred"], false);
    for wrong in [&["runs", "rename", &id, "last"][..], &["runs", "tag", &id, "a,b"], &["train", "--tag", "two words"]]
    {
        let refused = xray(at, wrong);
        assert_eq!(refused.status.code(), Some(2), "{wrong:?}: {}", words(&refused));
    }
}
