//! Searching for settings on a small synthetic data set: through the session as every front end uses it, and as scripts do.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

#[path = "support/demo.rs"]
mod demo;
#[path = "support/program.rs"]
mod program;

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use serde_json::Value;

use program::{answer, ask, command, demo, words, xray};
use xray_tui::session::labels::Labels;
use xray_tui::session::queue::{self, QueueEvent, QueueOutcome};
use xray_tui::session::{self, RunEvent, Start, Workplace, study};
use xray_tui::store::{EntryState, RunState, Store};
use xray_tui::train::recipe::Named;
use xray_tui::train::space::{Axis, Halving, Search, Strategy};
use xray_tui::train::{Control, TrainConfig, TrainEvent, checkpoint};

const SMALL: [&str; 8] = ["--epochs", "1", "--batch-size", "8", "--image-size", "32", "--validation-fraction", "0.2"];

fn place(folder: &Path) -> Workplace {
    Workplace { data: folder.join("data/demo"), db: folder.join("runs.db"), cache: folder.join("cache") }
}

fn small(epochs: usize) -> TrainConfig {
    TrainConfig { epochs, batch_size: 8, image_size: 32, validation_fraction: 0.2, ..Named::Plain.config() }
}

fn search(base: TrainConfig, axes: &[&str]) -> Search {
    let axes = axes.iter().map(|text| Axis::parse(text).unwrap()).collect();
    Search { base, variants: Vec::new(), axes, strategy: Strategy::Grid, halving: None }
}

/// Works through the queue, showing each event to `watch`.
fn work(place: &Workplace, watch: impl Fn(&QueueEvent, &Control)) -> QueueOutcome {
    let handle = queue::start(place.clone(), None).unwrap().unwrap();
    let mut outcome = None;
    for event in &handle.events {
        watch(&event, &handle.control);
        if let QueueEvent::Over(over) = event {
            outcome = Some(over);
        }
    }
    handle.thread.join().unwrap();
    outcome.unwrap()
}

fn states(store: &Store) -> Vec<EntryState> {
    store.queue().unwrap().into_iter().map(|entry| entry.state).collect()
}

/// What a command that must fail with `code` says.
fn complaint(folder: &Path, arguments: &[&str], code: i32) -> String {
    let output = xray(folder, arguments);
    assert_eq!(output.status.code(), Some(code), "{arguments:?}: {}", words(&output));
    words(&output)
}

#[test]
fn a_sweep_trains_every_combination_and_ranks_by_validation_figures() {
    let folder = demo();
    let at = folder.path();
    let sweep = ["sweep", "--over", "learning_rate=1e-3,1e-4", "--seeds", "2", "--name", "rates"];
    let found = answer(at, &[&sweep[..], &SMALL].concat());
    let runs = found["runs"].as_array().unwrap();
    assert_eq!((found["study"].as_str(), runs.len()), (Some("rates"), 4));
    let settings: BTreeSet<String> = runs.iter().map(|run| run["settings"].to_string()).collect();
    assert_eq!(settings.len(), 4, "{settings:?}");
    assert!(runs.iter().all(|run| run["state"] == "finished" && run["best_val_accuracy"].is_number()), "{found}");
    let means: Vec<f64> = found["candidates"]
        .as_array()
        .unwrap()
        .iter()
        .map(|candidate| candidate["best_shifted_auc_mean"].as_f64().unwrap())
        .collect();
    assert!(means[0] >= means[1] && found["candidates"][0]["best_val_accuracy_sd"].is_number(), "{found}");
    assert!(found["candidates"][0]["runs"].as_array().unwrap().contains(&found["best"]["run_id"]));
    assert!(!found.to_string().contains("test"), "test figures choose nothing: {found}");

    let listed = answer(at, &["runs", "list"]);
    let names: BTreeSet<&str> =
        listed["runs"].as_array().unwrap().iter().map(|run| run["name"].as_str().unwrap()).collect();
    assert_eq!(names, BTreeSet::from(["rates/1", "rates/2", "rates/3", "rates/4"]));
    assert_eq!(answer(at, &["queue", "show", "rates"]), found);
    let again = complaint(at, &[&sweep[..], &SMALL].concat(), 2);
    assert!(again.contains("there is a study rates already"), "{again}");
}

#[test]
fn what_a_sweep_would_run_is_said_and_queued_and_removed() {
    let folder = demo();
    let at = folder.path();
    std::fs::write(
        at.join("study.toml"),
        "name = \"mine\"\nrandom = 3\n[base]\nepochs = 1\nimage_size = 32\n[over]\nlearning_rate = \"1e-4..1e-2\"\n",
    )
    .unwrap();
    let dry = answer(at, &["sweep", "--file", "study.toml", "--dry-run", "--batch-size", "8"]);
    assert_eq!((dry["study"].as_str(), dry["runs"].as_array().unwrap().len()), (Some("mine"), 3));
    assert_eq!(answer(at, &["queue", "list"])["queue"].as_array().unwrap().len(), 0);

    let queued = answer(at, &["sweep", "--file", "study.toml", "--queue-only", "--batch-size", "8"]);
    assert_eq!(queued["runs"], dry["runs"], "the same draws");
    let listed = answer(at, &["queue", "list"]);
    let entries = listed["queue"].as_array().unwrap();
    assert_eq!((entries.len(), &listed["running"]), (3, &Value::from(false)));
    assert_eq!((&entries[0]["state"], &entries[0]["config"]["batch_size"]), (&"waiting".into(), &Value::from(8)));
    let id = entries[1]["id"].to_string();
    answer(at, &["queue", "remove", &id]);
    assert!(complaint(at, &["queue", "remove", &id], 1).contains("queue list"));
    answer(at, &["queue", "clear"]);
    assert_eq!(answer(at, &["queue", "list"])["queue"].as_array().unwrap().len(), 0);
    assert_eq!(answer(at, &["queue", "run"])["done"], 0);
    assert_eq!(answer(at, &["queue", "stop"])["running"], false);
}

#[test]
fn what_cannot_be_searched_is_wrong_use_and_leaves_no_trace() {
    let folder = demo();
    let at = folder.path();
    let said = |arguments: &[&str]| complaint(at, &[&["sweep"], arguments].concat(), 2);
    assert!(said(&[]).contains("--over learning_rate"));
    assert!(said(&["--over", "speed=1"]).contains("is no setting"));
    assert!(said(&["--over", "learning_rate=1e-3,x"]).contains("letter 20"));
    assert!(said(&["--over", "image_size=9999"]).contains("32 to 512"));
    assert!(said(&["--over", "rotation=0..20"]).contains("--random N"));
    assert!(said(&["--over", "flip=on,off", "--min-epochs", "2"]).contains("--halving"));
    std::fs::write(at.join("bad.toml"), "[over]\nflip = 3\n").unwrap();
    assert!(said(&["--file", "bad.toml"]).contains("bad.toml: [over] flip"));
    assert!(complaint(at, &["sweep", "--file", "none.toml"], 1).contains("none.toml"));
    assert!(!at.join("runs.db").exists());
}

#[test]
fn halving_keeps_losers_resumable_and_its_survivors_have_the_bits_of_whole_runs() {
    let folder = demo();
    let place = &place(folder.path());
    let halved = Search {
        halving: Some(Halving { eta: 2, min_epochs: Some(1) }),
        ..search(small(3), &["learning_rate=1e-3,3e-4,1e-4,3e-5"])
    };
    let store = Store::open(&place.db).unwrap();
    let name = study::add(&store, place, (Some("halved"), &halved)).unwrap();
    let decided = std::cell::Cell::new(0);
    let outcome = work(place, |event, _| {
        if matches!(event, QueueEvent::Decided(_)) {
            decided.set(decided.get() + 1);
        }
    });
    assert_eq!((outcome, decided.get()), (QueueOutcome::Done, 2));
    let standings = store.standings(&name).unwrap();
    let reached: Vec<(usize, RunState, usize)> = standings
        .iter()
        .map(|standing| {
            let run = standing.entries[0].1.as_ref().unwrap();
            (standing.rung(), run.state, run.epochs_done)
        })
        .collect();
    let stopped = RunState::Stopped;
    assert_eq!(reached, [(2, RunState::Finished, 3), (1, stopped, 2), (0, stopped, 1), (0, stopped, 1)]);
    let tested = |id: &str| store.looks(id).unwrap().is_some();
    let ids: Vec<String> = standings.iter().map(|one| one.entries[0].0.run_id.clone().unwrap()).collect();
    assert_eq!(ids.iter().map(|id| tested(id)).collect::<Vec<_>>(), [true, false, false, false]);

    let config = session::config_of(&store.run(&ids[0]).unwrap()).unwrap();
    let whole =
        session::start(place.clone(), Start::New { name: None, labels: Labels::default(), config: Box::new(config) })
            .unwrap();
    whole.thread.join().unwrap();
    let whole = store.resolve("last").unwrap();
    assert_eq!(whole.weights, store.run(&ids[0]).unwrap().weights);
    let fingerprints = |id: &str| store.epochs(id).unwrap().iter().map(|epoch| epoch.weights).collect::<Vec<_>>();
    assert_eq!(fingerprints(&ids[0]), fingerprints(&whole.started.id));

    let loser = session::start(place.clone(), Start::Resume { run_id: ids[3].clone() }).unwrap();
    loser.thread.join().unwrap();
    assert_eq!(store.run(&ids[3]).unwrap().state, RunState::Finished);
    assert!(checkpoint::best_path(&store.run_folder(&ids[3])).exists());
}

#[test]
fn a_stopped_queue_goes_on_where_it_was_and_a_failed_run_does_not_end_it() {
    let folder = demo();
    let place = &place(folder.path());
    let store = Store::open(&place.db).unwrap();
    let axes = ["pretrained=none,missing.pth", "seed=1..2"];
    study::add(&store, place, (None, &search(small(2), &axes))).unwrap();
    let outcome = work(place, |event, control| {
        if matches!(event, QueueEvent::Run(RunEvent::Train(TrainEvent::Epoch { .. }))) {
            assert!(queue::start(place.clone(), None).unwrap().is_none(), "one runner at a time");
            control.stop();
        }
    });
    assert_eq!(outcome, QueueOutcome::Stopped);
    assert_eq!(states(&store), [EntryState::Waiting; 4]);
    let begun = store.queue().unwrap()[0].run_id.clone().unwrap();
    assert_eq!(store.run(&begun).unwrap().state, RunState::Stopped);

    assert_eq!(work(place, |_, _| {}), QueueOutcome::Done);
    assert_eq!(states(&store), [EntryState::Done, EntryState::Done, EntryState::Failed, EntryState::Failed]);
    let queue = store.queue().unwrap();
    assert_eq!(queue[0].run_id.as_deref(), Some(begun.as_str()));
    assert!(queue[2].problem.as_ref().unwrap().contains("missing.pth"), "{:?}", queue[2].problem);
    assert_eq!(store.runs().unwrap().iter().filter(|run| run.state == RunState::Finished).count(), 2);
}

#[test]
fn what_every_run_would_fail_of_ends_the_queue_and_all_waits() {
    let folder = demo();
    let (place, away) = (&place(folder.path()), folder.path().join("away"));
    let store = Store::open(&place.db).unwrap();
    study::add(&store, place, (None, &search(small(1), &["seed=1..2"]))).unwrap();
    std::fs::rename(&place.data, &away).unwrap();
    let QueueOutcome::Failed(problem) = work(place, |_, _| {}) else { panic!("nothing can be trained") };
    assert!(problem.starts_with("sweep-1/1 waits again: ") && problem.contains("data"), "{problem}");
    assert_eq!(states(&store), [EntryState::Waiting; 2]);
    std::fs::rename(&away, &place.data).unwrap();
    assert_eq!(work(place, |_, _| {}), QueueOutcome::Done);
    assert_eq!(states(&store), [EntryState::Done; 2]);
}

/// The studies in `experiments/`.
fn experiments() -> Vec<String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("experiments");
    let files = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    files
        .filter(|file| file.extension().is_some_and(|ext| ext == "toml"))
        .map(|f| std::fs::read_to_string(f).unwrap())
        .collect()
}

#[test]
fn every_study_in_the_repository_and_its_documentation_can_be_started() {
    let folder = demo();
    let shown = include_str!("../docs/searching.md").split("```toml\n").skip(1);
    let shown: Vec<String> = shown.map(|rest| rest.split("```").next().unwrap().to_owned()).collect();
    let studies = [experiments(), shown].concat();
    assert!(studies.len() > 4, "{}", studies.len());
    for study in studies {
        std::fs::write(folder.path().join("study.toml"), &study).unwrap();
        let planned = answer(folder.path(), &["sweep", "--file", "study.toml", "--dry-run"]);
        assert!(!planned["runs"].as_array().unwrap().is_empty(), "{study}");
    }
}

#[test]
fn a_study_in_the_repository_stays_the_same_whatever_a_new_run_has() {
    for study in experiments() {
        assert!(study.contains("[base]\nrecipe = \"plain\"\nseed = 1\n"), "{study}");
    }
}

#[test]
fn seeds_have_bounds_that_are_told_at_once() {
    let folder = demo();
    for seeds in ["0", "10001", "18446744073709551615"] {
        let said = complaint(folder.path(), &["sweep", "--seeds", seeds, "--dry-run"], 2);
        assert!(said.contains("1 to 10,000"), "{said}");
    }
}

#[test]
fn a_killed_sweep_goes_on_with_its_run_and_all_that_waits() {
    let folder = demo();
    let at = folder.path();
    let sweep = ["sweep", "--over", "seed=1..2", "--epochs", "2", "--name", "killed"];
    let mut child = command(at, &[&sweep[..], &SMALL[2..]].concat()).stderr(Stdio::piped()).spawn().unwrap();
    let said = std::io::BufReader::new(child.stderr.take().unwrap());
    let seen = std::io::BufRead::lines(said).map_while(Result::ok).any(|line| line.starts_with("epoch 1  train loss"));
    assert!(seen, "the first epoch never ended");
    child.kill().unwrap();
    child.wait().unwrap();
    let listed = answer(at, &["queue", "list"]);
    let left = |place: usize| listed["queue"][place]["state"].clone();
    assert_eq!((left(0), left(1), &listed["running"]), ("waiting".into(), "waiting".into(), &Value::from(false)));
    let begun = listed["queue"][0]["run_id"].clone();
    assert!(begun.is_string(), "{listed}");

    let done = answer(at, &["queue", "run"]);
    assert_eq!((&done["done"], &done["waiting"]), (&Value::from(2), &Value::from(0)));
    let shown = answer(at, &["queue", "show", "killed"]);
    assert!(
        shown["runs"].as_array().unwrap().iter().any(|run| run["run_id"] == begun && run["epochs"] == 2),
        "{shown}"
    );
    assert_eq!(answer(at, &["runs", "list"])["runs"].as_array().unwrap().len(), 2);
}

#[test]
fn a_sweep_in_the_background_is_watched_and_stopped_from_elsewhere() {
    let folder = demo();
    let at = folder.path();
    let sweep = ["sweep", "--over", "seed=1..2", "--epochs", "500", "--name", "long", "--detach"];
    let begun = answer(at, &[&sweep[..], &SMALL[2..]].concat());
    assert_eq!((&begun["study"], &begun["detached"], &begun["name"]), (&"long".into(), &true.into(), &"long/1".into()));
    assert!(begun["pid"].is_number() && at.join(begun["log"].as_str().unwrap()).exists(), "{begun}");
    assert_eq!(answer(at, &["queue", "list"])["running"], true);
    assert!(complaint(at, &["queue", "run"], 1).contains("already"));
    assert_eq!(answer(at, &["queue", "stop"])["running"], false);
    let listed = answer(at, &["queue", "list"]);
    assert!(listed["queue"].as_array().unwrap().iter().all(|entry| entry["state"] == "waiting"), "{listed}");
    assert_eq!(answer(at, &["runs", "show", "long/1"])["state"], "stopped");
}

#[test]
fn a_detached_run_that_cannot_begin_says_why_with_its_exit_code() {
    let folder = demo();
    let at = folder.path();
    assert!(complaint(at, &["train", "--detach", "--epochs", "0"], 2).contains("epochs: must be 1 to 100,000"));
    assert!(complaint(at, &["train", "--detach", "--data", "nowhere"], 1).contains("there is no folder nowhere"));
    assert_eq!(std::fs::read_dir(at.join("logs")).unwrap().count(), 0);
    assert_eq!(ask(at, &["train", "--detach", "--name", "best"]).0, 2);
}

#[test]
fn a_detached_run_ends_by_itself_and_its_log_has_the_summary() {
    let folder = demo();
    let at = folder.path();
    let begun = answer(at, &[&["train", "--detach", "--name", "behind"], &SMALL[..]].concat());
    let store = Store::open(&at.join("runs.db")).unwrap();
    let started = Instant::now();
    while store.run(begun["run_id"].as_str().unwrap()).unwrap().state == RunState::Running {
        assert!(started.elapsed() < Duration::from_mins(2), "it never ended");
        std::thread::sleep(Duration::from_millis(50));
    }
    assert_eq!(store.run(begun["run_id"].as_str().unwrap()).unwrap().state, RunState::Finished);
    let log = || std::fs::read_to_string(at.join(begun["log"].as_str().unwrap())).unwrap();
    while !log().contains("\"test_accuracy\"") {
        assert!(started.elapsed() < Duration::from_mins(2), "{}", log());
        std::thread::sleep(Duration::from_millis(50));
    }
}

#[test]
fn a_range_test_gives_the_same_curve_for_the_same_seed_and_stores_nothing() {
    let folder = demo();
    let at = folder.path();
    let find = |seed: &str| answer(at, &[&["find-rate", "--steps", "12", "--seed", seed], &SMALL[2..]].concat());
    let curve = find("1");
    let points = curve["points"].as_array().unwrap();
    assert!(!points.is_empty() && points.len() <= 12, "{curve}");
    assert!(points.windows(2).all(|pair| pair[0]["learning_rate"].as_f64() < pair[1]["learning_rate"].as_f64()));
    for key in ["learning_rate", "loss", "smoothed"] {
        assert!(points.iter().all(|point| point[key].is_number()), "{key}: {curve}");
    }
    assert!(curve.get("suggestion").is_some());
    assert_eq!(find("1"), curve);
    assert_ne!(find("2"), curve);
    assert!(!at.join("runs.db").exists());
    let output = xray(at, &[&["find-rate", "--steps", "12"], &SMALL[2..]].concat());
    assert!(String::from_utf8_lossy(&output.stdout).contains("learning rate"), "{}", words(&output));
    assert!(complaint(at, &["find-rate", "--steps", "3"], 2).contains("steps: must be 10 to 10,000"));
    assert!(complaint(at, &["find-rate", "--lowest", "2"], 2).contains("range of rates"));
}
