//! Pipelines, the gate and the champion, through the program as scripts use it.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

#[path = "support/demo.rs"]
mod demo;
#[path = "support/desk.rs"]
mod desk;
#[path = "support/form.rs"]
mod form;
#[path = "support/program.rs"]
mod program;
#[path = "support/terminal.rs"]
mod terminal;

use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use desk::Desk;
use form::set;
use program::{answer, ask, command, demo, words, xray};
use serde_json::{Value, json};
use terminal::{Key, Terminal};
use xray_tui::store::Store;

/// A short training; every image counts.
const SHORT: [&str; 8] = ["--data", "data/demo", "--epochs", "1", "--batch-size", "8", "--image-size", "32"];

/// One that is still under way when somebody looks.
const LONG: [&str; 10] =
    ["pipeline", "run", "--data", "data/demo", "--epochs", "16", "--batch-size", "8", "--image-size", "32"];

fn pipeline<'a>(more: &[&'a str]) -> Vec<&'a str> {
    [&["pipeline", "run"], &SHORT[..], more].concat()
}

/// A field of every task, in their order.
fn of_tasks(pipeline: &Value, key: &str) -> Value {
    pipeline["tasks"].as_array().unwrap().iter().map(|task| task[key].clone()).collect()
}

fn check<'a>(gate: &'a Value, name: &str) -> &'a Value {
    gate["checks"].as_array().unwrap().iter().find(|check| check["name"] == name).unwrap()
}

#[test]
fn a_run_that_passes_its_gate_becomes_the_champion_and_answers_by_default() {
    let folder = demo();
    let there = folder.path();
    assert_eq!(answer(there, &["models", "list"]), json!({"models": [], "champion": null, "changes": []}));
    assert_eq!(answer(there, &["pipeline", "list"]), json!({"pipelines": []}));
    assert!(!there.join("runs.db").exists(), "asking makes no database");

    let done = answer(there, &pipeline(&["--min-accuracy", "0.1", "--min-auc", "0"]));
    assert_eq!(of_tasks(&done, "name"), json!(["check_data", "train", "evaluate", "gate", "promote"]));
    assert_eq!(of_tasks(&done, "state"), json!(["done", "done", "done", "done", "done"]), "{done}");
    assert_eq!(of_tasks(&done, "attempts"), json!([1, 1, 1, 1, 1]));
    assert_eq!((&done["state"], &done["model_version"]), (&json!("done"), &json!(1)));
    let run_id = done["run_id"].as_str().unwrap();
    let accuracy = answer(there, &["eval", run_id])["accuracy"].clone();
    assert_eq!(check(&done["gate"], "accuracy")["figure"], accuracy, "the run's own answers");
    assert!(check(&done["gate"], "accuracy")["ci"].is_array());
    assert_eq!(done["tasks"][2]["record"]["champion"]["compared"], "none");
    assert_eq!(answer(there, &["eval", run_id])["test_looks"], 1, "its training looked once, and nobody after it");

    // A newer run that is finished, and may well be better.
    answer(there, &[&["train"], &SHORT[..], &["--seed", "7", "--name", "newer"]].concat());
    let predicted = answer(there, &["predict", "data/demo/test"]);
    assert_eq!((&predicted["run_id"], &predicted["champion"]), (&json!(run_id), &json!(true)));
    assert_eq!(answer(there, &["predict", "data/demo/test", "--run", "newer"])["champion"], false);
    assert_eq!(answer(there, &["runs", "show", "champion"])["run_id"], run_id);
    let listed = answer(there, &["runs", "list"]);
    let marked: Vec<&Value> = listed["runs"].as_array().unwrap().iter().map(|run| &run["champion"]).collect();
    assert_eq!(marked, [false, true]);

    for how in [&["runs", "delete", run_id][..], &["runs", "delete", run_id, "--forever"]] {
        let refused = xray(there, how);
        assert_eq!(refused.status.code(), Some(1));
        assert!(words(&refused).contains("is the champion"), "{}", words(&refused));
    }
    assert_eq!(answer(there, &["pipeline", "show"])["tasks"], done["tasks"]);
    assert_eq!(answer(there, &["pipeline", "show", "pipeline-1"])["pipeline_id"], 1);
}

#[test]
fn a_gate_that_says_no_ends_with_exit_code_3_and_is_asked_again_without_training() {
    let folder = demo();
    let there = folder.path();
    let bars = ["--min-accuracy", "1", "--min-sensitivity", "1", "--min-auc", "1"];
    let (code, refused) = ask(there, &pipeline(&bars));
    assert_eq!(code, 3, "{refused}");
    assert_eq!((&refused["state"], &refused["model_version"]), (&json!("refused"), &Value::Null));
    assert_eq!(of_tasks(&refused, "state"), json!(["done", "done", "done", "refused", "skipped"]));
    assert_eq!(refused["gate"]["passed"], false);

    let again = xray(there, &pipeline(&bars));
    assert_eq!(again.status.code(), Some(3));
    assert!(words(&again).contains("the gate said no: ") && words(&again).contains("at least 1 is asked"));
    let shown = answer(there, &["pipeline", "show"]);
    assert_eq!((&shown["pipeline_id"], &shown["run_id"]), (&refused["pipeline_id"], &refused["run_id"]));
    assert_eq!(of_tasks(&shown, "attempts"), json!([2, 1, 1, 2, 0]));
    assert_eq!(answer(there, &["eval", "last"])["test_looks"], 1, "the test images were looked at once");

    let gate = |bar| ask(there, &["pipeline", "gate", "last", "--min-accuracy", bar]);
    assert_eq!((gate("1").0, gate("0").0), (3, 0));
    assert_eq!(gate("1").1["gate"]["checks"][0]["figure"], check(&refused["gate"], "accuracy")["figure"]);
    assert_eq!(gate("2").0, 2, "no bar");
    assert_eq!(answer(there, &["models", "list"])["models"], json!([]));

    // Another bar is another pipeline.
    assert_eq!(answer(there, &pipeline(&["--min-accuracy", "0"]))["pipeline_id"], 2);
}

#[test]
fn a_killed_pipeline_goes_on_with_the_run_that_was_under_way() {
    let folder = demo();
    let there = folder.path();
    let arguments = LONG;
    let mut child = command(there, &arguments).stderr(Stdio::null()).stdout(Stdio::null()).spawn().unwrap();
    let started = Instant::now();
    while ask(there, &["runs", "show", "last"]).1["epochs_done"].as_u64().unwrap_or(0) < 2 {
        assert!(started.elapsed() < Duration::from_mins(2), "no epoch was ever done");
        assert_eq!(child.try_wait().unwrap(), None, "it ended before it was killed");
    }
    let busy = xray(there, &arguments);
    assert_eq!(busy.status.code(), Some(1));
    assert!(words(&busy).contains("another xray-tui runs a pipeline"), "{}", words(&busy));
    child.kill().unwrap();
    child.wait().unwrap();

    let stopped = answer(there, &["pipeline", "show"]);
    assert_eq!((&stopped["state"], &stopped["tasks"][1]["state"]), (&json!("stopped"), &json!("waiting")));
    let done = answer(there, &arguments);
    assert_eq!((&done["pipeline_id"], &done["run_id"]), (&stopped["pipeline_id"], &stopped["run_id"]));
    assert_eq!(of_tasks(&done, "attempts"), json!([2, 2, 1, 1, 1]));
    assert_eq!(done["tasks"][1]["record"]["epochs"], 16);
    let resumed = answer(there, &["runs", "show", "champion"]);
    assert!(resumed["marks"].as_array().unwrap().iter().any(|mark| mark["kind"] == "resume"), "from its checkpoint");

    let anew = answer(there, &pipeline(&[]));
    assert_eq!(anew["pipeline_id"], 2, "one that is done begins anew");
}

#[cfg(unix)]
#[test]
fn a_pipeline_that_was_interrupted_is_stopped_and_goes_on() {
    let folder = demo();
    let there = folder.path();
    let arguments = LONG;
    let mut child = command(there, &arguments).stderr(Stdio::piped()).stdout(Stdio::null()).spawn().unwrap();
    let started = Instant::now();
    while ask(there, &["runs", "show", "last"]).1["epochs_done"].as_u64().unwrap_or(0) < 1 {
        assert!(started.elapsed() < Duration::from_mins(2), "no epoch was ever done");
    }
    let pid = rustix::process::Pid::from_child(&child);
    rustix::process::kill_process(pid, rustix::process::Signal::INT).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(1));
    let stopped = answer(there, &["pipeline", "show"]);
    assert_eq!((&stopped["state"], &stopped["tasks"][1]["state"]), (&json!("stopped"), &json!("waiting")));
    assert_eq!(answer(there, &["runs", "list"])["runs"][0]["state"], "stopped");
    assert_eq!(answer(there, &arguments)["run_id"], stopped["run_id"]);
}

#[test]
fn a_task_is_tried_again_where_the_machine_is_at_fault_and_goes_on_from_there() {
    let folder = demo();
    let there = folder.path();
    std::fs::write(there.join("in-the-way"), "").unwrap();
    let output = command(there, &pipeline(&["--retries", "1", "--json"]))
        .env("XRAY_TUI_CACHE", there.join("in-the-way/cache"))
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(1), "{}", words(&output));
    assert!(words(&output).contains("again in 1 s"), "{}", words(&output));
    let failed = answer(there, &["pipeline", "show"]);
    assert_eq!(failed["state"], "failed");
    assert_eq!(of_tasks(&failed, "state"), json!(["failed", "waiting", "waiting", "waiting", "waiting"]));
    assert_eq!(failed["tasks"][0]["attempts"], 2);
    assert!(failed["tasks"][0]["problem"].as_str().unwrap().contains("in-the-way"));

    let done = answer(there, &pipeline(&[]));
    assert_eq!((&done["pipeline_id"], &done["tasks"][0]["attempts"]), (&json!(1), &json!(3)));
    assert_eq!(answer(there, &pipeline(&["--new"]))["pipeline_id"], 2);
}

#[test]
fn a_setting_that_cannot_be_used_is_wrong_use_and_no_pipeline() {
    let folder = demo();
    let there = folder.path();
    assert_eq!(xray(there, &pipeline(&["--learning-rate", "-1"])).status.code(), Some(2));
    assert_eq!(xray(there, &pipeline(&["--name", "last"])).status.code(), Some(2));
    assert_eq!(xray(there, &pipeline(&["--min-auc", "NaN"])).status.code(), Some(2));
    let negative = xray(there, &pipeline(&["--min-auc", "-0.1"]));
    assert_eq!(negative.status.code(), Some(2));
    assert!(words(&negative).contains("at least 0 and at most 1"), "{}", words(&negative));
    assert_eq!(answer(there, &["pipeline", "list"]), json!({"pipelines": []}));
}

#[test]
fn data_that_changed_begin_a_pipeline_of_their_own() {
    let folder = demo();
    let there = folder.path();
    let bars = ["--min-accuracy", "1", "--min-sensitivity", "1", "--min-auc", "1"];
    assert_eq!(ask(there, &pipeline(&bars)).0, 3);
    std::fs::write(there.join("data/demo/notes.txt"), "one file more").unwrap();
    let first = answer(there, &["pipeline", "show", "1"]);
    let (_, other) = ask(there, &pipeline(&bars));
    assert_eq!(other["pipeline_id"], 2);
    assert_ne!(first["data_hash"], other["data_hash"]);
    assert_eq!(first["state"], "refused");
    assert_eq!(answer(there, &["pipeline", "show", "1"]), first, "what was stays as it was");
}

#[test]
fn a_new_run_is_held_against_the_champion_on_the_same_images() {
    let folder = demo();
    let there = folder.path();
    let first = answer(there, &pipeline(&["--name", "first"]));
    let shown = String::from_utf8(xray(there, &["pipeline", "show"]).stdout).unwrap();
    assert!(shown.contains("nothing was asked"), "{shown}");
    let second = answer(there, &pipeline(&["--name", "second", "--seed", "3"]));
    let against = &second["tasks"][2]["record"]["champion"];
    assert_eq!((&against["version"], &against["stored"]), (&json!(1), &json!(true)), "{against}");
    let compared = answer(there, &["compare", "second", "first"]);
    let said = String::from_utf8(xray(there, &["compare", "second", "first"]).stdout).unwrap();
    assert!(said.contains("accuracy, second less first"), "{said}");
    assert_eq!(check(&second["gate"], "accuracy_against_champion")["difference"], compared["accuracy_difference"]);
    assert_eq!(check(&second["gate"], "auc_against_champion")["difference"], compared["auc_difference"]);
    assert_eq!(second["model_version"], 2);

    // The same images elsewhere, under the same names: what they are counts.
    let copied = there.join("data/copied");
    copy(&there.join("data/demo"), &copied);
    let elsewhere =
        ["pipeline", "run", "--data", "data/copied", "--epochs", "1", "--batch-size", "8", "--image-size", "32"];
    let third = answer(there, &elsewhere);
    assert_eq!(third["tasks"][2]["record"]["champion"]["stored"], true);

    // Other images: the champion is asked, and that is counted.
    answer(there, &["data", "demo", "--out", "data/other", "--images", "40", "--seed", "9"]);
    let other = ["pipeline", "run", "--data", "data/other", "--epochs", "1", "--batch-size", "8", "--image-size", "32"];
    let (_, fourth) = ask(there, &other);
    let record = &fourth["tasks"][2]["record"];
    assert_eq!(record["champion"]["stored"], false, "{fourth}");
    let looks = answer(there, &["eval", fourth["run_id"].as_str().unwrap()])["test_looks"].clone();
    assert_eq!(looks, 2, "its own, and the champion's");
    assert!(first["run_id"] != fourth["run_id"]);
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap().map(Result::unwrap) {
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy(&entry.path(), &target);
        } else {
            std::fs::copy(entry.path(), target).unwrap();
        }
    }
}

#[test]
fn a_rollback_goes_back_step_by_step_and_passes_over_runs_that_are_gone() {
    let folder = demo();
    let there = folder.path();
    for seed in ["1", "2", "3"] {
        answer(there, &[&["train"], &SHORT[..], &["--seed", seed, "--name", seed]].concat());
        let promoted = answer(there, &["runs", "promote", seed, "--reason", "a\ttry"]);
        assert_eq!(promoted["model_version"], json!(seed.parse::<i64>().unwrap()));
    }
    let late = xray(there, &["runs", "promote", "1", "--expected", "2"]);
    assert_eq!(late.status.code(), Some(1), "it was compared with a champion that is none any more");
    assert!(words(&late).contains("it is version 3 now"), "{}", words(&late));
    let again = answer(there, &["runs", "promote", "3", "--expected", "none"]);
    assert_eq!(again["model_version"], 3, "the champion stays what it is");
    answer(there, &["runs", "delete", "2"]);
    let back = answer(there, &["models", "rollback"]);
    assert_eq!((&back["from"], &back["champion"], &back["passed_over"]), (&json!(3), &json!(1), &json!([2])));
    assert_eq!(answer(there, &["predict", "data/demo/test"])["model_version"], 1);
    let refused = xray(there, &["models", "rollback"]);
    assert_eq!(refused.status.code(), Some(1));
    assert!(words(&refused).contains("has no earlier one"), "{}", words(&refused));
    assert_eq!(answer(there, &["models", "rollback", "--to", "3"])["champion"], 3);
    let said = String::from_utf8(xray(there, &["models", "rollback", "--to", "3"]).stdout).unwrap();
    assert!(said.contains("is the champion already"), "{said}");
    assert_eq!(xray(there, &["models", "rollback", "--to", "2"]).status.code(), Some(1), "its run is in the trash");
    assert_eq!(xray(there, &["models", "rollback", "--to", "9"]).status.code(), Some(1));

    let listed = answer(there, &["models", "list"]);
    let of =
        |key: &str| listed["models"].as_array().unwrap().iter().map(|model| model[key].clone()).collect::<Vec<_>>();
    assert_eq!(of("version"), [3, 2, 1]);
    assert_eq!(of("champion"), [true, false, false]);
    assert_eq!(of("run"), ["there", "in the trash", "there"]);
    assert_eq!(of("reason"), ["a\ttry", "a\ttry", "a\ttry"]);
    let table = String::from_utf8(xray(there, &["models", "list"]).stdout).unwrap();
    assert!(table.contains("a try") && !table.contains('\t'), "{table}");
    let steps: Vec<&Value> = listed["changes"].as_array().unwrap().iter().map(|change| &change["step"]).collect();
    assert_eq!(steps, ["promote", "promote", "promote", "rollback", "rollback"]);
}

#[test]
fn only_a_finished_run_with_its_own_weights_can_be_promoted() {
    let folder = demo();
    let there = folder.path();
    answer(there, &[&["train"], &SHORT[..], &["--name", "a"]].concat());
    answer(there, &[&["train"], &SHORT[..], &["--name", "b", "--seed", "5"]].concat());
    let weights = |run: &str| {
        let id = answer(there, &["runs", "show", run])["run_id"].as_str().unwrap().to_owned();
        there.join("checkpoints").join(id).join("best.safetensors")
    };
    std::fs::copy(weights("b"), weights("a")).unwrap();
    let refused = xray(there, &["runs", "promote", "a"]);
    assert_eq!(refused.status.code(), Some(1));
    assert!(words(&refused).contains("other weights"), "{}", words(&refused));
    std::fs::remove_file(weights("a")).unwrap();
    assert!(words(&xray(there, &["runs", "promote", "a"])).contains("is gone"));
    answer(
        there,
        &["cv", "--data", "data/demo", "--folds", "2", "--epochs", "1", "--batch-size", "8", "--image-size", "32"],
    );
    assert!(words(&xray(there, &["runs", "promote", "last"])).contains("cross-validation"));
    let store = Store::open(&there.join("runs.db")).unwrap();
    assert_eq!(store.model_versions().unwrap(), []);
}

#[test]
fn a_pipeline_is_started_and_watched_on_the_screen_and_its_run_is_marked_as_the_champion() {
    let desk = Desk::with_demo();
    let mut terminal = Terminal::start(desk.program(&[]), 24, 80);
    terminal.patience = Duration::from_mins(3);
    terminal.wait_for("SYNTHETIC");
    terminal.key(Key::Char('2'));
    terminal.wait_for("Enter type");
    for (label, value) in [("batch size", "8"), ("image size", "32"), ("epochs", "1")] {
        set(&terminal, label, value);
    }
    terminal.key(Key::Char('P'));
    terminal.wait_for("No pipeline yet");
    terminal.key(Key::Char('s'));
    terminal.wait_for("What the gate asks");
    terminal.key(Key::Enter);
    terminal.wait_for("✓ promote");
    terminal.wait_for("is done: its run is the champion, version 1");
    terminal.key(Key::Escape);
    terminal.wait_for("q quit");
    terminal.key(Key::Char('3'));
    terminal.wait_for("♛ champion pipeline-1");
    terminal.key(Key::Char('q'));
    assert!(terminal.wait_for_exit().success());
}
