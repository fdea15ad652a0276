//! The command line as scripts use it: JSON on standard output, words on standard error, exit codes.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

#[path = "support/demo.rs"]
mod demo;
#[path = "support/program.rs"]
mod program;

use std::path::Path;

use serde_json::Value;

use program::{answer, command, demo, words, xray};

const SMALL: [&str; 8] = ["--epochs", "1", "--batch-size", "8", "--image-size", "33", "--validation-fraction", "0.2"];

/// What a command that must fail with `code` says.
fn complaint(folder: &Path, arguments: &[&str], code: i32) -> String {
    let output = xray(folder, arguments);
    assert_eq!(output.status.code(), Some(code), "{arguments:?}: {}", words(&output));
    words(&output)
}

#[test]
fn the_whole_way_from_demo_to_prediction_speaks_json() {
    let folder = demo();
    let at = folder.path();
    let statistics = answer(at, &["data", "stats"]);
    assert_eq!(statistics["synthetic"], true);
    assert_eq!(statistics["splits"]["test"]["NORMAL"], 5);
    assert_eq!(statistics["data_hash"].as_str().unwrap().len(), "d41d8cd98f00b204e9800998ecf8427e.dir".len());

    let run = answer(at, &[&["train", "--name", "first", "--threshold", "half"], &SMALL[..]].concat());
    assert_eq!((run["state"].as_str(), run["epochs"].as_u64()), (Some("finished"), Some(1)));
    assert!(at.join(run["checkpoint"].as_str().unwrap()).exists());
    for key in ["seconds", "images_per_second", "best_epoch", "best_val_accuracy", "test_accuracy"] {
        assert!(run[key].is_number(), "{key}: {run}");
    }

    let id = run["run_id"].as_str().unwrap();
    let listed = answer(at, &["runs", "list"]);
    assert_eq!(listed["runs"][0]["run_id"], id);
    let shown = answer(at, &["runs", "show", "first"]);
    assert_eq!(shown["epochs"][0]["epoch"], 1);
    assert_eq!(shown["data_hash"], statistics["data_hash"]);
    assert_eq!(shown["test"]["accuracy"], run["test_accuracy"]);

    let scored = answer(at, &["eval", id]);
    assert_eq!((&scored["n"], &scored["accuracy"]), (&Value::from(10), &run["test_accuracy"]));
    let validated = answer(at, &["eval", "last", "--split", "validation"]);
    assert_eq!(validated["accuracy"], run["best_val_accuracy"]);

    std::fs::write(at.join("data/demo/test/broken.jpeg"), "no picture").unwrap();
    let predicted = answer(at, &["predict", "data/demo/test"]);
    let predictions = predicted["predictions"].as_array().unwrap();
    assert_eq!(predictions.len(), 11);
    assert_eq!(predictions.iter().filter(|p| p["error"].is_string()).count(), 1);
    assert!(predictions.iter().any(|p| p["probability"].is_number() && p["label"].is_string()));

    answer(at, &["runs", "delete", "first"]);
    assert_eq!(answer(at, &["runs", "list"])["runs"].as_array().unwrap().len(), 0);
}

#[test]
fn figures_come_with_intervals_and_test_images_are_looked_at_once_a_run() {
    let folder = demo();
    let at = folder.path();
    for (name, seed) in [("a", "1"), ("b", "2")] {
        answer(at, &[&["train", "--name", name, "--seed", seed, "--threshold", "youden"], &SMALL[..]].concat());
    }
    for _ in 0..2 {
        let scored = answer(at, &["eval", "a", "--prevalence", "0.1"]);
        assert_eq!(scored["test_looks"], 2, "one for each run, none for asking again");
        for key in ["accuracy", "balanced_accuracy", "sensitivity", "specificity", "npv", "auc"] {
            let [low, high] = [0, 1].map(|end| scored[format!("{key}_ci")][end].as_f64());
            if let (Some(low), Some(high), Some(value)) = (low, high, scored[key].as_f64()) {
                assert!(low <= value && value <= high, "{key}: {scored}");
            }
        }
        for key in
            ["mcc", "threshold", "specificity_at_sensitivity_97", "brier", "ece", "temperature", "by_kind", "alarms"]
        {
            assert!(scored.get(key).is_some(), "{key}: {scored}");
        }
        let source = scored["threshold_source"].as_str().unwrap();
        assert!(source.starts_with("youden on the run's") || source == "fixed", "{source}");
    }
    let curves = answer(at, &["eval", "a", "--curves"]);
    let roc = curves["roc"].as_array().unwrap();
    assert_eq!((roc[0].to_string(), roc[roc.len() - 1].to_string()), ("[0.0,0.0]".into(), "[1.0,1.0]".into()));
    let area: f64 = roc.windows(2).map(|pair| trapezium(&pair[0], &pair[1])).sum();
    assert!((area - curves["auc"].as_f64().unwrap()).abs() < 1e-9, "{curves}");
    let images = curves["reliability"].as_array().unwrap().iter().map(|bin| bin[2].as_u64().unwrap()).sum::<u64>();
    assert_eq!(images, 10);
    let exploratory = answer(at, &["eval", "a", "--threshold", "0.25"]);
    assert_eq!(exploratory["threshold"], 0.25);
    assert!(exploratory["threshold_source"].as_str().unwrap().starts_with("exploratory"));
    assert_ne!(answer(at, &["eval", "a"])["threshold"], 0.25, "it is not stored");
    assert!(complaint(at, &["eval", "a", "--threshold", "youdn"], 2).contains("must be half, youden"));

    let compared = answer(at, &["compare", "a", "b"]);
    let [right_in_a, right_in_b] = ["a_right", "b_right"].map(|key| compared[key].as_u64().unwrap());
    assert_eq!((&compared["n"], compared["disagreements"].as_u64()), (&Value::from(10), Some(right_in_a + right_in_b)));
    for key in ["mcnemar_p", "delong_p", "auc_difference", "auc_difference_ci"] {
        assert!(compared.get(key).is_some(), "{key}: {compared}");
    }
    answer(at, &["runs", "delete", "b"]);
    assert_eq!(answer(at, &["eval", "a"])["test_looks"], 2, "a look is a look, also of a run that is gone");
}

#[test]
fn completions_and_the_builds_facts_are_told() {
    let folder = tempfile::tempdir().unwrap();
    for shell in ["bash", "zsh", "fish"] {
        let output = xray(folder.path(), &["completions", shell]);
        let script = String::from_utf8(output.stdout).unwrap();
        assert!(output.status.success() && script.contains("xray-tui") && script.contains("reproduce"), "{shell}");
    }
    let version = String::from_utf8(xray(folder.path(), &["--version"]).stdout).unwrap();
    assert!(version.contains("rustc 1.") && version.contains("not for clinical use"), "{version}");
}

fn trapezium(a: &Value, b: &Value) -> f64 {
    let [ax, ay, bx, by] = [&a[0], &a[1], &b[0], &b[1]].map(|value| value.as_f64().unwrap());
    (bx - ax) * f64::midpoint(ay, by)
}

#[test]
fn wrong_use_exits_with_2_and_names_the_setting() {
    let folder = tempfile::tempdir().unwrap();
    assert!(complaint(folder.path(), &["train", "--epochs", "0"], 2).contains("epochs: must be 1 to 100,000"));
    assert!(complaint(folder.path(), &["train", "--batch-size", "1"], 2).contains("batch size"));
    assert!(complaint(folder.path(), &["train", "--learning-rate", "NaN"], 2).contains("learning rate"));
    assert!(complaint(folder.path(), &["fly"], 2).contains("fly"));
    let huge = ["bench", "--batch-size", "100000", "--image-size", "512"];
    assert!(complaint(folder.path(), &huge, 2).contains("choose a smaller one"));
}

#[test]
fn a_run_whose_settings_cannot_be_used_is_wrong_use_too() {
    let folder = demo();
    let named = complaint(folder.path(), &["train", "--name", "best"], 2);
    assert!(named.contains("already means a run"), "{named}");
    assert_eq!(answer(folder.path(), &["runs", "list"])["runs"].as_array().unwrap().len(), 0);
}

#[test]
fn a_validation_split_is_not_made_of_other_images() {
    let folder = demo();
    let at = folder.path();
    answer(at, &[&["train"], &SMALL[..]].concat());
    std::fs::rename(at.join("data/demo"), at.join("own")).unwrap();
    assert_eq!(answer(at, &["eval", "last"])["n"], 10, "its answers are kept, wherever the images have gone");
    assert_eq!(answer(at, &["eval", "last", "--data", "own"])["data_differs"], false);
    answer(at, &["data", "demo", "--out", "other", "--images", "24", "--seed", "7"]);
    assert_eq!(answer(at, &["eval", "last", "--data", "other"])["data_differs"], true);
    let other = ["eval", "last", "--data", "other", "--split", "validation"];
    assert!(complaint(at, &other, 1).contains("not the data set"));
}

#[test]
fn a_missing_folder_exits_with_1_and_offers_the_demo_set() {
    let folder = tempfile::tempdir().unwrap();
    let said = complaint(folder.path(), &["train", "--data", "nowhere"], 1);
    assert!(said.contains("nowhere") && said.contains("data demo"), "{said}");
    assert!(complaint(folder.path(), &["data", "stats"], 1).contains("data demo"));
}

#[test]
fn a_database_that_is_none_is_named() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("runs.db"), "not a database at all, but long enough for a header").unwrap();
    let said = complaint(folder.path(), &["runs", "list"], 1);
    assert!(said.contains("runs.db") && said.contains("is no database"), "{said}");
}

#[test]
fn one_class_alone_cannot_be_trained_on() {
    let folder = demo();
    std::fs::remove_dir_all(folder.path().join("data/demo/train/NORMAL")).unwrap();
    let said = complaint(folder.path(), &[&["train"], &SMALL[..]].concat(), 1);
    assert!(said.contains("NORMAL"), "{said}");
}

#[test]
fn weights_of_another_shape_are_refused() {
    let folder = demo();
    std::fs::write(folder.path().join("weights.safetensors"), "no weights").unwrap();
    let said = complaint(folder.path(), &[&["train", "--pretrained", "weights.safetensors"], &SMALL[..]].concat(), 1);
    assert!(said.contains("weights.safetensors"), "{said}");
    let said = complaint(folder.path(), &[&["train", "--pretrained", "none.pth"], &SMALL[..]].concat(), 1);
    assert!(said.contains("none.pth"), "{said}");
}

#[test]
fn a_batch_larger_than_the_data_is_said_and_trained_as_one_batch() {
    let folder = demo();
    let output =
        xray(folder.path(), &[&["train"], &SMALL[..2], &["--image-size", "33", "--batch-size", "900"]].concat());
    assert!(output.status.success(), "{}", words(&output));
    assert!(words(&output).contains("the batch size, 900, is larger than"), "{}", words(&output));
}

#[test]
fn a_run_killed_in_training_is_shown_as_crashed_and_resumes() {
    let folder = demo();
    let mut child = command(folder.path(), &[&["train", "--epochs", "2"], &SMALL[2..]].concat())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    let said = std::io::BufReader::new(child.stderr.take().unwrap());
    let seen = std::io::BufRead::lines(said).map_while(Result::ok).any(|line| line.starts_with("epoch 1  train loss"));
    assert!(seen, "the first epoch never ended");
    child.kill().unwrap();
    child.wait().unwrap();
    assert_eq!(answer(folder.path(), &["runs", "list"])["runs"][0]["state"], "crashed");
    let run = answer(folder.path(), &["train", "--resume", "last"]);
    assert_eq!((run["state"].as_str(), run["epochs"].as_u64()), (Some("finished"), Some(2)));
}

const BENCH: [&str; 7] = ["bench", "--image-size", "32", "--batch-size", "2", "--seconds", "1"];

#[test]
fn bench_measures_training_evaluation_and_decoding() {
    let folder = tempfile::tempdir().unwrap();
    let measured = answer(folder.path(), &[&BENCH[..], &["--threads", "1"]].concat());
    assert!(["avx512", "avx2", "portable"].contains(&measured["isa"].as_str().unwrap()));
    assert_eq!((&measured["threads"], &measured["synthetic"]), (&Value::from(1), &Value::from(true)));
    assert!(measured["cpu"].is_string() || measured["cpu"].is_null());
    let results = measured["results"].as_array().unwrap();
    let names: Vec<_> = results.iter().map(|r| (r["name"].as_str().unwrap(), r["batch"].as_u64().unwrap())).collect();
    assert_eq!(names, [("train", 2), ("eval", 1), ("eval", 16), ("eval", 64), ("decode", 1)]);
    for result in results {
        assert!(result["images_per_second"].as_f64().unwrap() > 0.0, "{result}");
        assert!(result["peak_bytes"].as_u64().unwrap_or(1) > 0, "{result}");
        let precision = if result["name"] == "decode" { Value::Null } else { "f32".into() };
        assert_eq!(result["precision"], precision);
    }
}

#[test]
fn bench_decodes_the_data_set_that_is_there() {
    let folder = demo();
    let measured = answer(folder.path(), &BENCH);
    assert!(measured["data"].as_str().unwrap().ends_with("demo"), "{measured}");
    let said = complaint(folder.path(), &["bench", "--seconds", "0"], 2);
    assert!(said.contains("seconds: must be above 0"), "{said}");
}

#[test]
fn bench_measures_one_kind_of_work_alone() {
    let folder = tempfile::tempdir().unwrap();
    let flags = ["bench", "--only", "eval", "--image-size", "32", "--batch-size", "1", "--seconds", "0.1"];
    let results = answer(folder.path(), &flags)["results"].as_array().unwrap().clone();
    assert_eq!(results.len(), 1);
    assert_eq!((&results[0]["name"], &results[0]["batch"]), (&Value::from("eval"), &Value::from(1)));
}

#[test]
fn doctor_finds_this_machine_sound_with_the_instructions_that_were_asked_for() {
    let folder = tempfile::tempdir().unwrap();
    let found = answer(folder.path(), &["doctor", "--isa", "portable", "--threads", "2"]);
    assert_eq!((&found["isa"], &found["threads"]), (&Value::from("portable"), &Value::from(2)));
    assert_eq!(found["sound"], true, "{found}");
    assert!(found["largest_difference"].as_f64().unwrap() < 1e-3, "{found}");
}

#[test]
fn a_run_ends_with_the_same_numbers_on_any_number_of_threads() {
    let folder = demo();
    let at = folder.path();
    let run = |threads: &str| {
        answer(at, &[&["train", "--name", threads, "--threads", threads], &SMALL[..]].concat());
        let shown = answer(at, &["runs", "show", threads]);
        ["train_loss", "val_loss"].map(|figure| shown["epochs"][0][figure].as_f64().unwrap().to_bits())
    };
    assert_eq!(run("1"), run("3"));
}

#[test]
fn a_run_says_what_computed_it_and_the_engines_agree() {
    let folder = demo();
    let at = folder.path();
    let run = |engine: &str| {
        let run =
            answer(at, &[&["train", "--name", engine, "--engine", engine, "--isa", "portable"], &SMALL[..]].concat());
        let shown = answer(at, &["runs", "show", engine]);
        assert_eq!(shown["config"]["engine"], engine);
        assert_eq!(shown["versions"]["isa"], "portable");
        assert_eq!(run["state"], "finished");
        shown["epochs"][0]["train_loss"].as_f64().unwrap()
    };
    let (fast, plain) = (run("fast"), run("plain"));
    assert!((fast - plain).abs() < 0.05 * plain, "training losses {fast} and {plain}");
}
