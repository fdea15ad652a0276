//! `xray-tui runs list` as scripts use it: filtered, sorted, and in the forms that other programs read.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

#[path = "support/demo.rs"]
mod demo;
#[path = "support/program.rs"]
mod program;

use std::path::Path;

use program::{answer, words, xray};
use serde_json::{Value, json};
use tempfile::TempDir;
use xray_tui::metrics::{Confusion, Figures};
use xray_tui::store::{NewRun, RunEnd, RunState, Store};
use xray_tui::train::TrainConfig;
use xray_tui::train::recipe::Named;

/// A database of three runs: wide (0.9 on test images, tagged), slow (0.8) and one that failed.
fn three() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(&folder.path().join("runs.db")).unwrap();
    let runs = [("wide", Some(90), 1e-3), ("slow, \"very\"", Some(80), 1e-4), ("broken", None, 1e-3)];
    for (number, (name, right, rate)) in runs.into_iter().enumerate() {
        let id = format!("{number:012x}");
        let config = TrainConfig { learning_rate: rate, ..Named::Plain.config() };
        store.create_run(&new_run(&id, name, &config)).unwrap();
        let test = right
            .map(|tp| Figures { loss: Some(0.3), confusion: Confusion { tp, fn_: 100 - tp, ..Confusion::default() } });
        let (state, problem) = match right {
            Some(_) => (RunState::Finished, None),
            None => (RunState::Failed, Some("no numbers".to_owned())),
        };
        store.end_run(&id, &RunEnd { state, problem, test, operating: None, weights: None }).unwrap();
    }
    store.set_tags(&format!("{:012x}", 0), &["baseline".to_owned()]).unwrap();
    folder
}

fn new_run(id: &str, name: &str, config: &TrainConfig) -> NewRun {
    NewRun {
        id: id.into(),
        name: name.into(),
        data: "/data/chest_xray".into(),
        synthetic: false,
        config: json!(config),
        seed: config.seed,
        git_commit: None,
        git_dirty: None,
        data_hash: "0.dir".into(),
        split_hash: "0".into(),
        device: "cpu".into(),
        versions: json!({}),
        parent: None,
        provenance: None,
        manifest: None,
    }
}

fn list(folder: &Path, arguments: &[&str]) -> String {
    let output = xray(folder, &[&["runs", "list"], arguments].concat());
    assert!(output.status.success(), "{}", words(&output));
    String::from_utf8(output.stdout).unwrap()
}

fn names(value: &Value) -> Vec<&str> {
    value["runs"].as_array().unwrap().iter().map(|run| run["name"].as_str().unwrap()).collect()
}

#[test]
fn the_list_is_filtered_and_sorted_as_on_the_screen() {
    let folder = three();
    let asked = |arguments: &[&str]| answer(folder.path(), &[&["runs", "list"], arguments].concat());
    assert_eq!(
        names(&asked(&["--filter", "test_acc>0.5 !state:failed", "--sort", "test_acc"])),
        ["wide", "slow, \"very\""]
    );
    assert_eq!(names(&asked(&["--sort", "test_acc", "--reverse"])), ["slow, \"very\"", "wide", "broken"]);
    assert_eq!(names(&asked(&["--filter", "tag:baseline"])), ["wide"]);
    assert_eq!(names(&asked(&["--filter", "lr:1e-4"])), ["slow, \"very\""]);
    assert!(list(folder.path(), &["--filter", "nobody"]).contains("no run matches"));
}

#[test]
fn the_list_is_written_as_csv_json_and_markdown() {
    let folder = three();
    let csv = list(folder.path(), &["--format", "csv", "--sort", "name"]);
    assert!(csv.starts_with("id,star,name,state,data,"), "{csv}");
    assert!(csv.contains("\r\n000000000001,false,\"slow, \"\"very\"\"\",finished,/data/chest_xray,"), "{csv}");
    let rows: Value = serde_json::from_str(&list(folder.path(), &["--format", "json", "--filter", "wide"])).unwrap();
    assert_eq!(
        (&rows[0]["test_acc"], &rows[0]["tags"], &rows[0]["seed"]),
        (&json!(0.9), &json!(["baseline"]), &json!(42))
    );
    let markdown = list(folder.path(), &["--format", "markdown", "--filter", "wide"]);
    assert!(markdown.contains("| 000000000000 |  | wide | ✓ finished | – | 0.900 |"), "{markdown}");
    let empty = tempfile::tempdir().unwrap();
    assert_eq!(list(empty.path(), &["--format", "json"]), "[]\n");
}

#[test]
fn a_filter_or_column_that_is_none_is_wrong_use_and_told_at_its_place() {
    let folder = three();
    let said = |arguments: &[&str]| {
        let output = xray(folder.path(), &[&["runs", "list"], arguments].concat());
        assert_eq!(output.status.code(), Some(2));
        words(&output)
    };
    let filter = said(&["--filter", "wide acc>much"]);
    assert!(filter.contains("  wide acc>much\n           ^ \"much\" is no number"), "{filter}");
    assert!(said(&["--sort", "beauty"]).contains("there are star mark name"));
}
