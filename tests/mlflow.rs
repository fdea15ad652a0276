//! `xray-tui mlflow` and the thread that follows runs, against a server in this process that keeps every point as it came.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

#[path = "support/demo.rs"]
mod demo;
#[path = "support/program.rs"]
mod program;
#[path = "support/tracking.rs"]
mod tracking;

use std::collections::{BTreeMap, BTreeSet};
use std::net::TcpListener;
use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tempfile::TempDir;
use xray_tui::store::{Run, Store};

use program::{answer, command, demo, words, xray};
use tracking::{Kept, Tracking};

const SMALL: [&str; 10] =
    ["train", "--epochs", "2", "--batch-size", "8", "--image-size", "32", "--validation-fraction", "0.2", "--seed=7"];

fn trained() -> (TempDir, String) {
    let folder = demo();
    let id = answer(folder.path(), &SMALL)["run_id"].as_str().unwrap().to_owned();
    (folder, id)
}

fn push(folder: &Path, server: &Tracking) -> Value {
    answer(folder, &["mlflow", "push", "last", "--uri", &server.uri()])["runs"][0].clone()
}

/// What the store has of its only run.
fn stored(folder: &Path) -> (Store, Run) {
    let store = Store::open(&folder.join("runs.db")).unwrap();
    let run = store.resolve("last").unwrap();
    (store, run)
}

/// Every point is there once, and with the value that the store has.
fn check_points(folder: &Path, kept: &Kept) {
    let (store, run) = stored(folder);
    let id = &run.started.id;
    let (steps, epochs) = (store.steps(id).unwrap(), store.epochs(id).unwrap());
    assert_eq!(kept.steps("batch_loss"), (1..=i64::try_from(steps.len()).unwrap()).collect::<Vec<_>>());
    let losses = kept.metrics.iter().filter(|point| point.0 == "batch_loss").map(|point| point.2.as_f64().unwrap());
    assert!(losses.zip(&steps).all(|(sent, step)| sent.to_bits() == step.loss.to_bits()));
    assert_eq!(kept.steps("val_loss").len(), epochs.len());
    let once: BTreeSet<(&str, i64)> = kept.metrics.iter().map(|point| (point.0.as_str(), point.1)).collect();
    assert_eq!(once.len(), kept.metrics.len(), "a point is there twice");
}

#[test]
fn a_pushed_run_is_there_whole_and_pushing_again_sends_nothing() {
    let (folder, id) = trained();
    let (at, server) = (folder.path(), Tracking::start());
    let sent = push(at, &server);
    let kept = server.only();
    check_points(at, &kept);
    assert_eq!(sent["run_id"], id.as_str());
    assert_eq!(sent["metrics"].as_u64().unwrap(), kept.metrics.len() as u64);
    assert_eq!(sent["tags"].as_u64().unwrap(), kept.tags.len() as u64);
    assert_eq!((&kept.info["status"], kept.tags["xray_tui.run_id"].as_str()), (&"FINISHED".into(), id.as_str()));
    assert_eq!((kept.params["epochs"].as_str(), kept.params["seed"].as_str()), ("2", "7"));
    let shown = answer(at, &["runs", "show", "last"]);
    assert_eq!(kept.inputs[0]["dataset"]["digest"], shown["data_hash"]);
    let test = kept.metrics.iter().find(|point| point.0 == "test_accuracy").unwrap();
    assert_eq!(test.2, shown["test_accuracy"]);
    assert!(kept.metrics.iter().all(|point| point.3 > 1_600_000_000_000));
    let weights = std::fs::read(at.join("checkpoints").join(&id).join("best.safetensors")).unwrap();
    {
        let shelf = server.shelf.lock().unwrap();
        let file = |name: &str| shelf.artifacts.iter().find(|(path, _)| path.ends_with(name)).unwrap().1;
        assert_eq!(*file("model/best.safetensors"), weights);
        assert!(String::from_utf8_lossy(file("report/report.html")).contains("not for clinical use"));
        assert_eq!(shelf.artifacts.len() as u64, sent["artifacts"].as_u64().unwrap());
    }
    let again = push(at, &server);
    for what in ["params", "tags", "metrics", "artifacts"] {
        assert_eq!(again[what], 0, "{what}");
    }
    assert_eq!(again["mlflow_run_id"], sent["mlflow_run_id"]);
    check_points(at, &server.only());
}

#[test]
fn a_tag_that_is_taken_away_goes_there_too_and_those_of_others_stay() {
    let (folder, _) = trained();
    let (at, server) = (folder.path(), Tracking::start());
    answer(at, &["runs", "tag", "last", "old"]);
    push(at, &server);
    assert_eq!(server.only().tags["xray_tui.tag.old"], "true");
    for run in server.shelf.lock().unwrap().runs.values_mut() {
        run.tags.insert("theirs".into(), "x".into());
    }
    answer(at, &["runs", "tag", "last", "old", "--remove"]);
    answer(at, &["runs", "note", "last", "said later"]);
    assert_eq!(push(at, &server)["tags"], 1);
    let tags = server.only().tags;
    assert!(!tags.contains_key("xray_tui.tag.old") && tags["theirs"] == "x", "{tags:?}");
    assert_eq!(tags["mlflow.note.content"], "said later");
}

#[test]
fn what_was_sent_is_found_again_where_the_local_notes_of_it_are_gone() {
    let (folder, _) = trained();
    let (at, server) = (folder.path(), Tracking::start());
    push(at, &server);
    let before = server.only().metrics.len();
    let db = rusqlite::Connection::open(at.join("runs.db")).unwrap();
    db.execute("DELETE FROM mirrors", []).unwrap();
    let again = push(at, &server);
    assert_eq!((&again["metrics"], &again["artifacts"]), (&0.into(), &0.into()));
    assert_eq!(server.only().metrics.len(), before);
}

#[test]
fn an_answer_that_gets_lost_makes_nothing_twice() {
    let (folder, _) = trained();
    let (at, server) = (folder.path(), Tracking::start());
    for words in ["runs/create", "runs/log-inputs", "\"metrics\"", "model/best"] {
        server.shelf.lock().unwrap().lose = Some((words.to_owned(), 1));
        let failed = xray(at, &["mlflow", "push", "last", "--uri", &server.uri()]);
        assert_eq!(failed.status.code(), Some(1), "{words}: {}", self::words(&failed));
    }
    push(at, &server);
    let kept = server.only();
    check_points(at, &kept);
    assert_eq!(kept.inputs.len(), 1);
    assert_eq!(kept.info["status"], "FINISHED");
}

#[test]
fn a_server_that_refuses_is_heard_and_a_password_never_seen() {
    let (folder, _) = trained();
    let (at, server) = (folder.path(), Tracking::start());
    let host = format!("127.0.0.1:{}", server.port);
    let uri = format!("http://me:secret@{host}");
    let said = |status, body: &str| {
        server.refuse(status, body);
        let output = xray(at, &["mlflow", "push", "last", "--uri", &uri, "-v"]);
        assert_eq!(output.status.code(), Some(1));
        words(&output)
    };
    let invalid = said(403, "Invalid Host header - possible DNS rebinding attack detected");
    assert!(invalid.contains("Invalid Host header - possible DNS") && invalid.contains("--allowed-hosts"), "{invalid}");
    assert!(said(401, "You are not authenticated").contains("MLFLOW_TRACKING_USERNAME"));
    assert!(said(404, "<html>no such page</html>").contains("no MLflow server answers there"));
    let own = said(400, r#"{"error_code": "INVALID_PARAMETER_VALUE", "message": "the server's own words"}"#);
    assert!(own.contains("the server's own words"), "{own}");
    assert!(!invalid.contains("secret"), "{invalid}");
    assert_eq!(server.shelf.lock().unwrap().login.as_deref(), Some("Basic bWU6c2VjcmV0"));
    server.shelf.lock().unwrap().refusal = None;
    assert!(xray(at, &["mlflow", "push", "last", "--uri", &uri]).status.success());
    for name in ["runs.db", "runs.db-wal"] {
        let bytes = std::fs::read(at.join(name)).unwrap_or_default();
        assert!(!bytes.windows(6).any(|part| part == b"secret"), "{name}");
    }
    let shown = command(at, &["config", "show", "--json"]).env("MLFLOW_TRACKING_URI", &uri).output().unwrap();
    let text = String::from_utf8_lossy(&shown.stdout).into_owned();
    assert!(text.contains(&host) && !text.contains("secret"), "{text}");
}

#[test]
fn nothing_that_answers_is_said_with_what_to_do() {
    let (folder, _) = trained();
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let output = xray(folder.path(), &["mlflow", "push", "last", "--uri", &format!("http://127.0.0.1:{port}")]);
    assert!(words(&output).contains("start the server, or check the address"), "{}", words(&output));
    let unnamed = xray(folder.path(), &["mlflow", "push", "last"]);
    assert_eq!(unnamed.status.code(), Some(2));
    assert!(words(&unnamed).contains("MLFLOW_TRACKING_URI"));
    for uri in ["localhost:5731", "", "file:///x"] {
        let wrong = xray(folder.path(), &["mlflow", "push", "last", "--uri", uri]);
        assert_eq!(wrong.status.code(), Some(2), "{uri}: {}", words(&wrong));
    }
}

#[test]
fn a_champion_is_one_version_however_often_it_is_named() {
    let (folder, _) = trained();
    let (at, server) = (folder.path(), Tracking::start());
    let arguments = ["mlflow", "push", "last", "--champion", "--uri", &server.uri()];
    let first = answer(at, &arguments);
    assert_eq!(answer(at, &arguments)["runs"][0]["model"], first["runs"][0]["model"]);
    let shelf = server.shelf.lock().unwrap();
    assert_eq!((shelf.versions.len(), shelf.aliases["champion"].as_str()), (1, "1"));
    let source = shelf.versions[0]["source"].as_str().unwrap();
    assert!(source.starts_with("runs:/") && source.ends_with("/model"), "{source}");
}

#[test]
fn a_promotion_that_the_server_missed_is_told_by_the_next_process_and_only_once() {
    let (folder, id) = trained();
    let (at, port) = (folder.path(), free_port());
    follow(at, port);
    let promote = || words(&xray(at, &["runs", "promote", "last"]));
    let said = promote();
    assert!(said.contains("the champion is not registered there yet"), "{said}");
    let server = Tracking::again(port, std::sync::Arc::default());
    let said = promote();
    assert!(said.contains("champion at MLflow: xray-tui-pneumonia version 1"), "{said}");
    assert_eq!(server.only().tags["xray_tui.run_id"], id);
    assert_eq!(server.shelf.lock().unwrap().aliases["champion"], "1");
    // Somebody there has a reason.
    server.shelf.lock().unwrap().aliases.insert("champion".into(), "9".into());
    promote();
    let shelf = server.shelf.lock().unwrap();
    assert_eq!((shelf.versions.len(), shelf.aliases["champion"].as_str()), (1, "9"));
}

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// Waits for what is wanted.
fn wait(what: &str, mut done: impl FnMut() -> bool) {
    let started = Instant::now();
    while !done() {
        assert!(started.elapsed() < Duration::from_mins(2), "{what} never came");
        std::thread::sleep(Duration::from_millis(20));
    }
}

fn follow(folder: &Path, port: u16) {
    let place = folder.join("config/xray-tui");
    std::fs::create_dir_all(&place).unwrap();
    let text = format!("[mlflow]\nuri = \"http://127.0.0.1:{port}\"\nmirror = true\n");
    std::fs::write(place.join("config.toml"), text).unwrap();
}

#[test]
fn a_run_is_followed_through_the_death_of_the_server() {
    let folder = demo();
    let (at, server) = (folder.path(), Tracking::start());
    follow(at, server.port);
    let long = [&SMALL[..2], &["12"], &SMALL[3..]].concat();
    let mut run = command(at, &long).stderr(Stdio::piped()).spawn().unwrap();
    wait("the first point", || server.shelf.lock().unwrap().runs.values().any(|run| !run.metrics.is_empty()));
    server.shelf.lock().unwrap().lose = Some(("\"metrics\"".into(), 1));
    wait("an answer that gets lost", || server.shelf.lock().unwrap().lose.as_ref().is_some_and(|(_, left)| *left == 0));
    let (port, shelf) = server.kill();
    let server = Tracking::again(port, shelf);
    assert!(run.wait().unwrap().success());
    let kept = server.only();
    check_points(at, &kept);
    assert_eq!(kept.info["status"], "FINISHED");
    let told = answer(at, &["runs", "log", "last"]).to_string();
    assert!(told.contains("followed at MLflow"), "{told}");
}

#[test]
fn a_fold_that_was_pushed_before_its_cross_validation_learns_where_it_belongs() {
    let folder = demo();
    let (at, server) = (folder.path(), Tracking::start());
    let small = ["--epochs", "1", "--batch-size", "8", "--image-size", "32"];
    answer(at, &[&["cv", "--folds", "2", "--name", "cv"], &small[..]].concat());
    let pushed = |word: &str| answer(at, &["mlflow", "push", word, "--uri", &server.uri()])["runs"].clone();
    let parent = |id: &Value| {
        let shelf = server.shelf.lock().unwrap();
        let kept = &shelf.runs[id.as_str().unwrap()];
        kept.tags.get("mlflow.parentRunId").cloned()
    };
    let fold = pushed("cv/1")[0]["mlflow_run_id"].clone();
    assert_eq!(parent(&fold), None);
    let all = pushed("cv");
    let whole = all[0]["mlflow_run_id"].as_str().unwrap().to_owned();
    assert_eq!(all[1]["mlflow_run_id"], fold);
    for part in [&all[1], &all[2]] {
        assert_eq!(parent(&part["mlflow_run_id"]), Some(whole.clone()));
    }
}

#[test]
fn a_slip_in_the_settings_keeps_nobody_from_training() {
    let folder = demo();
    let place = folder.path().join("config/xray-tui");
    std::fs::create_dir_all(&place).unwrap();
    std::fs::write(place.join("config.toml"), "[mlflow]\nuri = \"databricks\"\nmirror = true\n").unwrap();
    let trained = xray(folder.path(), &[&SMALL[..2], &["1"], &SMALL[3..]].concat());
    assert!(trained.status.success() && words(&trained).contains("not followed at MLflow"), "{}", words(&trained));
}

#[test]
fn a_server_that_was_away_all_the_time_gets_the_run_from_the_next_process() {
    let folder = demo();
    let at = folder.path();
    let port = free_port();
    follow(at, port);
    let first = xray(at, &SMALL);
    assert!(first.status.success(), "{}", words(&first));
    let said = words(&first);
    assert_eq!(said.matches("what is due is sent later").count(), 1, "{said}");
    assert!(said.contains("not wholly at MLflow yet"), "{said}");
    let said = words(&xray(at, &["runs", "promote", "last"]));
    assert!(said.contains("1 run not wholly at MLflow yet, the champion is not registered there yet"), "{said}");
    let server = Tracking::again(port, std::sync::Arc::default());
    let second = xray(at, &[&SMALL[..], &["--name", "second"]].concat());
    assert!(second.status.success(), "{}", words(&second));
    let shelf = server.shelf.lock().unwrap();
    assert_eq!(shelf.runs.len(), 2);
    assert!(shelf.runs.values().all(|run| run.info["status"] == "FINISHED" && run.steps("val_loss").len() == 2));
    assert_eq!(shelf.aliases["champion"], "1");
}

#[test]
fn a_run_that_was_pulled_is_as_it_was_and_goes_on_nowhere() {
    let (folder, id) = trained();
    let (at, server) = (folder.path(), Tracking::start());
    push(at, &server);
    let there = tempfile::tempdir().unwrap();
    let pull = ["mlflow", "pull", "--uri", &server.uri()];
    let pulled = answer(there.path(), &pull);
    assert_eq!((&pulled["runs"][0]["run_id"], &pulled["runs"][0]["weights"]), (&id.as_str().into(), &true.into()));
    let [was, mut is] = [at, there.path()].map(|at| answer(at, &["runs", "show", "last"]));
    assert_eq!((&is["origin"]["uri"], &is["tags"]), (&server.uri().into(), &serde_json::json!(["mlflow"])));
    // The log stays where it was written.
    for key in ["disk_bytes", "origin", "tags"] {
        is[key] = was[key].clone();
    }
    assert_eq!(is, was);
    let (was, is) = (stored(at), stored(there.path()));
    let mut is = is.0.record(is.1).unwrap();
    is.run.tags.clear();
    assert_eq!(is, was.0.record(was.1).unwrap());
    assert!(xray(there.path(), &["runs", "verify", "last"]).status.success());
    let resumed = xray(there.path(), &["train", "--resume", "last"]);
    assert!(!resumed.status.success());
    let again = answer(there.path(), &pull);
    assert_eq!(again["runs"][0]["reason"], "is here already");
    let image = std::fs::read_dir(at.join("data/demo/test/NORMAL")).unwrap().next().unwrap().unwrap().path();
    let predicted = answer(there.path(), &["predict", image.to_str().unwrap(), "--run", "last"]);
    assert!(predicted["predictions"][0]["probability"].is_f64(), "{predicted}");
}

/// A run of another program, which has ended before it began.
fn foreign() -> Kept {
    let point = |key: &str, step: i64, value: f64| (key.to_owned(), step, json!(value), 1_700_000_000_000 + step);
    Kept {
        info: json!({
            "run_id": "f".repeat(32),
            "experiment_id": "0",
            "run_name": "of-another-program",
            "status": "FINISHED",
            "start_time": 1_700_000_001_000_i64,
            "end_time": 1_700_000_000_000_i64,
            "artifact_uri": "s3://there/f",
        }),
        params: BTreeMap::from([("lr".to_owned(), "0.1".to_owned())]),
        metrics: vec![point("val_loss", 1, 0.5), point("val_loss", 2, 0.4), point("val_accuracy", 2, 1.0)],
        ..Kept::default()
    }
}

#[test]
fn a_run_of_another_program_has_its_figures_here_and_is_taken_for_nothing_that_has_weights() {
    let (folder, id) = trained();
    let (at, server) = (folder.path(), Tracking::start());
    let (there, name) = ("f".repeat(32), "of-another-program");
    server.shelf.lock().unwrap().runs.insert(there.clone(), foreign());
    let pull = ["mlflow", "pull", &there, "--uri", &server.uri()];
    assert_eq!(answer(at, &pull)["runs"][0]["foreign"], true);
    let shown = answer(at, &["runs", "show", name]);
    assert_eq!((&shown["best_val_accuracy"], &shown["seconds"]), (&json!(1.0), &json!(0.0)));
    assert_eq!(answer(at, &["runs", "show", "best"])["run_id"], id.as_str());
    assert!(xray(at, &["runs", "verify"]).status.success());
    let listed = String::from_utf8_lossy(&xray(at, &["runs", "list"]).stdout).into_owned();
    assert!(listed.contains("of-another-program  finished"), "{listed}");
    let refused: [&[&str]; 6] = [
        &["eval", name],
        &["compare", "best", name],
        &["reproduce", name],
        &["runs", "promote", name],
        &["runs", "export", name, "--bundle", "a.bundle"],
        &["data", "verify", "data/demo", "--run", name],
    ];
    for arguments in refused {
        let said = words(&xray(at, arguments));
        assert!(said.contains("was trained by another program and came from MLflow"), "{arguments:?}: {said}");
    }
    let log = String::from_utf8_lossy(&xray(at, &["runs", "log", name]).stdout).into_owned();
    assert!(log.contains("has no log here: it came from MLflow"), "{log}");
    answer(at, &["runs", "delete", name]);
    let reason = answer(at, &pull)["runs"][0]["reason"].clone();
    assert!(reason.as_str().unwrap().contains("in the trash: `xray-tui runs restore"), "{reason}");
}

#[test]
fn an_exported_folder_has_every_point_in_a_file_of_its_metric() {
    let (folder, _) = trained();
    let at = folder.path();
    let written = answer(at, &["mlflow", "export", "--dir", "out"]);
    let place = at.join("out/mlruns").join(written["experiment_id"].as_str().unwrap());
    let run = place.join(written["runs"][0]["mlflow_run_id"].as_str().unwrap());
    let lines = std::fs::read_to_string(run.join("metrics/batch_loss")).unwrap();
    let (store, stored) = stored(at);
    let steps = store.steps(&stored.started.id).unwrap();
    let values: Vec<f64> = lines.lines().map(|line| line.split(' ').nth(1).unwrap().parse().unwrap()).collect();
    assert_eq!(values, steps.iter().map(|step| step.loss).collect::<Vec<_>>());
    assert!(run.join("artifacts/model/best.safetensors").is_file());
    assert_eq!(answer(at, &["mlflow", "export", "--dir", "out"])["runs"], written["runs"], "it is written anew");
    let told = String::from_utf8_lossy(&xray(at, &["mlflow", "export", "--dir", "a b"]).stdout).into_owned();
    assert!(told.contains("wrote 1 run into") && told.contains("/a b/mlruns' --target"), "{told}");
}
