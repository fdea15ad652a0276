//! What makes a number hold, as scripts use it: repetition, verification, cross-validation, seeds.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

#[path = "support/demo.rs"]
mod demo;
#[path = "support/program.rs"]
mod program;

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use serde_json::{Value, json};

use program::{answer, ask, command, demo, words, xray};
use xray_tui::dataset::hash::md5_hex;
use xray_tui::store::{ImageMark, Store};

const SMALL: [&str; 8] = ["--epochs", "2", "--batch-size", "8", "--image-size", "33", "--validation-fraction", "0.2"];

fn train(folder: &Path, more: &[&str]) -> Value {
    answer(folder, &[&["train"], &SMALL[..], more].concat())
}

fn change(folder: &Path, sql: &str) {
    let database = rusqlite::Connection::open(folder.join("runs.db")).unwrap();
    assert!(database.execute(sql, []).unwrap() > 0, "{sql}");
}

/// What `reproduce` names as changed since the run, before it trains.
fn tampered(folder: &Path, what: &[&str]) -> String {
    let (code, said) = ask(folder, &[&["reproduce"], what].concat());
    assert_eq!((code, &said["identical"], &said["epochs_compared"]), (1, &json!(false), &json!(0)), "{said}");
    assert_eq!(said["first_difference"]["place"], "before training");
    said["first_difference"]["what"].as_str().unwrap().to_owned()
}

#[test]
fn a_run_repeats_bit_for_bit_at_any_number_of_threads_here_and_from_a_bundle() {
    let folder = demo();
    let at = folder.path();
    train(at, &["--name", "a", "--threads", "2"]);
    for threads in ["1", "3"] {
        let same = answer(at, &["reproduce", "a", "--threads", threads]);
        assert_eq!((&same["identical"], &same["epochs_compared"]), (&json!(true), &json!(2)), "{same}");
        assert!(same["environment"].as_array().unwrap().iter().any(|change| change["what"] == "threads"), "{same}");
    }
    let shown = answer(at, &["runs", "show", "a"]);
    assert_eq!(shown["marks"].as_array().unwrap().iter().filter(|mark| mark["kind"] == "repeat").count(), 2);
    assert_eq!(answer(at, &["eval", "a"])["test_looks"], 1, "the same weights show nothing new");

    answer(at, &["runs", "export", "a", "--bundle", "a.bundle"]);
    let elsewhere = demo();
    std::fs::copy(at.join("a.bundle"), elsewhere.path().join("a.bundle")).unwrap();
    let same = answer(elsewhere.path(), &["reproduce", "a.bundle", "--data", "data/demo"]);
    assert_eq!(same["identical"], true, "{same}");
    assert!(!elsewhere.path().join("checkpoints").exists() && !elsewhere.path().join("runs.db").exists());
    std::fs::write(elsewhere.path().join("b.bundle"), "no bundle").unwrap();
    let refused = xray(elsewhere.path(), &["reproduce", "b.bundle"]);
    assert!(words(&refused).contains("b.bundle"), "{refused:?}");
}

#[test]
fn what_was_changed_since_the_run_is_named_before_training() {
    let folder = demo();
    let at = folder.path();
    let run = train(at, &["--name", "a"]);
    let best = at.join(run["checkpoint"].as_str().unwrap());
    let config = run["config"].to_string();
    let split_hash = answer(at, &["runs", "show", "a"])["split_hash"].as_str().unwrap().to_owned();

    change(at, "UPDATE runs SET seed = '43'");
    assert!(tampered(at, &["a"]).contains("seed"));
    change(at, "UPDATE runs SET config = json_set(config, '$.seed', 43)");
    assert!(tampered(at, &["a"]).contains("setting seed"));
    change(at, &format!("UPDATE runs SET seed = '42', config = json_set('{config}', '$.learning_rate', 0.5)"));
    assert!(tampered(at, &["a"]).contains("setting learning_rate"));
    change(at, &format!("UPDATE runs SET config = '{config}', split_hash = '00'"));
    assert!(tampered(at, &["a"]).contains("record"));
    assert_eq!(ask(at, &["runs", "verify", "a"]).0, 1);
    change(at, &format!("UPDATE runs SET split_hash = '{split_hash}'"));

    let (mut weights, notes) = xray_nn::weights::load(&best).unwrap();
    let bias = weights["fc.bias"].affine(1.0, 0.25).unwrap();
    weights.insert("fc.bias".into(), bias);
    let whole = std::fs::read(&best).unwrap();
    xray_nn::weights::save(&best, &weights, &notes).unwrap();
    let refused = xray(at, &["reproduce", "a"]);
    assert!(words(&refused).contains("best.safetensors"), "{refused:?}");
    assert_eq!(refused.status.code(), Some(1));
    std::fs::write(&best, whole).unwrap();

    let image = first_image(&at.join("data/demo/train/NORMAL"));
    let bytes = std::fs::read(&image).unwrap();
    let other = first_image(&at.join("data/demo/train/PNEUMONIA"));
    std::fs::copy(other, &image).unwrap();
    let name = image.file_name().unwrap().to_string_lossy().into_owned();
    let named = tampered(at, &["a"]);
    assert!(named.contains(&name) && named.contains("another content"), "{named}");
    std::fs::write(&image, &bytes).unwrap();
    // Of the same size and time, as far as the cache can tell.
    answer(at, &["data", "stats"]);
    let time = std::fs::metadata(&image).unwrap().modified().unwrap();
    let mut same_size = bytes.clone();
    *same_size.last_mut().unwrap() ^= 1;
    std::fs::write(&image, same_size).unwrap();
    std::fs::File::open(&image).unwrap().set_modified(time).unwrap();
    assert!(tampered(at, &["a"]).contains(&name));
    std::fs::write(&image, bytes).unwrap();
    assert_eq!(answer(at, &["reproduce", "a"])["identical"], true);

    change(at, "UPDATE epochs SET seconds = -seconds");
    assert!(tampered(at, &["a"]).contains("results"));
    change(at, "UPDATE epochs SET seconds = -seconds");
    let kept = answer(at, &["runs", "show", "a"])["provenance"].to_string();
    for provenance in ["NULL".to_owned(), "json_remove(provenance, '$.seal')".to_owned()] {
        change(at, &format!("UPDATE papers SET provenance = {provenance}"));
        assert!(tampered(at, &["a"]).contains("record"), "{provenance}");
        assert_eq!(ask(at, &["runs", "verify", "a"]).0, 1);
        change(at, &format!("UPDATE papers SET provenance = '{kept}'"));
    }
    change(at, "DELETE FROM manifests");
    assert!(tampered(at, &["a"]).contains("list of images"));
}

fn first_image(folder: &Path) -> PathBuf {
    let mut files: Vec<PathBuf> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files.remove(0)
}

#[test]
fn what_was_changed_in_the_database_is_found() {
    let folder = demo();
    let at = folder.path();
    train(at, &["--name", "a", "--threshold", "youden"]);
    let whole = answer(at, &["runs", "verify"]);
    assert_eq!(whole["differences"], 0, "{whole}");
    assert!(whole["runs"][0]["checked"].as_u64().unwrap() >= 10, "{whole}");
    for (sql, named) in [
        ("UPDATE runs SET test = json_set(test, '$.confusion.tp', 99)", "test figures"),
        ("UPDATE runs SET operating = json_set(operating, '$.threshold.margin', 9.5)", "threshold"),
        ("UPDATE runs SET best_val_accuracy = 0.999", "best_val_accuracy"),
        ("UPDATE epochs SET train = json_set(train, '$.loss', 0.5) WHERE epoch = 1", "all that was stored"),
        ("UPDATE papers SET checks = NULL", "all that was stored"),
        ("UPDATE runs SET closing = NULL", "all that was stored"),
        ("UPDATE runs SET weights = NULL", "fingerprint"),
    ] {
        change(at, sql);
        let (code, found) = ask(at, &["runs", "verify", "a"]);
        assert_eq!(code, 1);
        let differences = found["runs"][0]["differences"].to_string();
        assert!(differences.contains(named), "{named}: {differences}");
    }
}

#[test]
fn a_cross_validation_scores_each_image_once_with_mean_and_deviation() {
    let folder = demo();
    let at = folder.path();
    let found = answer(at, &[&["cv", "--folds", "3", "--name", "cv"], &SMALL[..]].concat());
    let folds = found["folds"].as_array().unwrap();
    assert_eq!((folds.len(), found["state"].as_str()), (3, Some("finished")));
    let of = |key: &str| folds.iter().map(|fold| fold[key].as_f64().unwrap()).collect::<Vec<_>>();
    let accuracies = of("accuracy");
    let mean = accuracies.iter().sum::<f64>() / 3.0;
    assert!((found["mean"]["accuracy"].as_f64().unwrap() - mean).abs() < 1e-12);
    let squares: f64 = accuracies.iter().map(|value| (value - mean).powi(2)).sum();
    assert!((found["sd"]["accuracy"].as_f64().unwrap() - (squares / 2.0).sqrt()).abs() < 1e-12);
    let statistics = answer(at, &["data", "stats"]);
    let train = ["train", "validation"].map(|split| {
        let counts = statistics["splits"][split].as_object().unwrap();
        counts.values().map(|n| n.as_f64().unwrap()).sum::<f64>()
    });
    assert!((of("n").iter().sum::<f64>() - train.iter().sum::<f64>()).abs() < 0.5, "each image is scored once");

    assert_eq!(answer(at, &["runs", "show", "cv"])["mean"], found["mean"]);
    let fold = folds[1]["run_id"].as_str().unwrap();
    assert_eq!(answer(at, &["eval", "cv/2"])["accuracy"], folds[1]["accuracy"]);
    assert_eq!(answer(at, &["reproduce", fold])["identical"], true);
    assert_eq!(ask(at, &["eval", "cv"]).0, 1);

    answer(at, &["runs", "delete", "cv/2"]);
    let part = answer(at, &["runs", "show", "cv"]);
    assert_eq!((part["folds"].as_array().unwrap().len(), &part["mean"]), (2, &Value::Null), "{part}");
    let again = answer(at, &["cv", "--resume", "cv"]);
    assert_eq!((&again["mean"], &again["sd"]), (&found["mean"], &found["sd"]), "the same bits");
    answer(at, &["runs", "delete", "cv", "--forever"]);
    assert_eq!(answer(at, &["runs", "list", "--trash"])["runs"], json!([]), "the fold that was thrown away went too");
    assert_eq!(answer(at, &["runs", "list"])["runs"], json!([]));
    assert!(std::fs::read_dir(at.join("checkpoints")).unwrap().next().is_none());
}

#[test]
fn a_stopped_cross_validation_goes_on_with_the_fold_that_it_was_at() {
    let folder = demo();
    let at = folder.path();
    let long = ["--epochs", "6", "--batch-size", "4", "--image-size", "64", "--validation-fraction", "0.2"];
    let mut child = command(at, &[&["cv", "--folds", "2", "--name", "cv"], &long[..]].concat())
        .stderr(Stdio::piped())
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    wait_for(&mut child, "cv/1");
    Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(1));
    assert_eq!(answer(at, &["runs", "show", "cv"])["state"], "stopped");
    assert_eq!(ask(at, &["train", "--resume", "cv"]).0, 1);
    // Other data would make other parts.
    let image = first_image(&at.join("data/demo/train/NORMAL"));
    let away = at.join("away");
    std::fs::rename(&image, &away).unwrap();
    assert_eq!(ask(at, &["cv", "--resume", "cv"]).0, 1);
    std::fs::rename(&away, &image).unwrap();
    let found = answer(at, &["cv", "--resume", "cv"]);
    assert_eq!(found["folds"].as_array().unwrap().len(), 2);
    assert_eq!(ask(at, &["cv", "--resume", "cv"]).0, 1, "it is finished");
}

/// Reads the child's standard error until `text` comes, and the rest in the background.
fn wait_for(child: &mut Child, text: &str) {
    use std::io::{BufRead, BufReader};
    let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
    assert!(lines.by_ref().any(|line| line.unwrap().contains(text)), "{text} never came");
    std::thread::spawn(move || lines.for_each(drop));
}

/// Marks images of the demo set as Inspect does; an empty mark takes back what was said.
fn mark(folder: &Path, files: &[&str], mark: &ImageMark) {
    let store = Store::open(&folder.join("runs.db")).unwrap();
    for file in files {
        let md5 = md5_hex(&std::fs::read(folder.join("data/demo").join(file)).unwrap());
        store.mark_image((file, &md5), mark).unwrap();
    }
}

fn wrong() -> ImageMark {
    ImageMark { wrong_label: true, ..ImageMark::default() }
}

/// The files of each split that a run has in its list of images: train, validation, test.
fn lists(folder: &Path, run: &str) -> [Vec<String>; 3] {
    let shown = answer(folder, &["runs", "show", run, "--images"]);
    let of = |split| {
        let images = shown["images"].as_array().unwrap().iter().filter(|image| image["split"] == split);
        images.map(|image| image["file"].as_str().unwrap().to_owned()).collect()
    };
    ["train", "validation", "test"].map(of)
}

#[test]
fn marked_images_are_left_out_of_training_and_validation_and_test_stay_the_same() {
    let folder = demo();
    let at = folder.path();
    let none = xray(at, &[&["train", "--name", "whole", "--exclude-marked"], &SMALL[..]].concat());
    assert!(words(&none).contains("none in train and val was marked"), "{}", words(&none));
    let [learned, validation, test] = lists(at, "whole");
    let poor = ImageMark { poor_quality: true, ..ImageMark::default() };
    let liked = ImageMark { favourite: true, note: Some("a fine one".into()), ..ImageMark::default() };
    mark(at, &[&learned[0], &validation[0], &test[0]], &wrong());
    mark(at, &[&learned[1]], &poor);
    mark(at, &[&learned[2]], &liked);
    let said = xray(at, &[&["train", "--name", "a", "--exclude-marked"], &SMALL[..]].concat());
    let expected = "2 marked images are left out of training; marked and kept in validation: 1";
    assert!(words(&said).contains(expected), "{}", words(&said));
    let log = String::from_utf8(xray(at, &["runs", "log", "a"]).stdout).unwrap();
    assert!(log.contains(expected) && !log.contains("\"excluded\""), "{log}");
    assert_eq!(lists(at, "a"), [learned[2..].to_vec(), validation.clone(), test.clone()]);
    let shown = answer(at, &["runs", "show", "a"]);
    assert_eq!((&shown["config"]["exclude_marked"], excluded(&shown)), (&json!(true), 3));
    let card = String::from_utf8(xray(at, &["runs", "show", "a"]).stdout).unwrap();
    assert!(card.contains("left out  3 marked images of train and val") && !card.contains("\"excluded\""), "{card}");
    answer(at, &["report", "a", "--out", "cards"]);
    let cards = std::fs::read_dir(at.join("cards")).unwrap().map(|file| file.unwrap().path());
    let card = cards.filter(|path| path.extension().is_some_and(|end| end == "md")).map(std::fs::read_to_string);
    assert!(
        card.map(Result::unwrap).any(|card| card.contains("| marked images of train and val, not trained on | 3 |"))
    );

    let again = train(at, &["--name", "b", "--exclude-marked", "--seed", "43"]);
    assert_eq!(answer(at, &["runs", "groups"])["groups"][0]["n"], 2, "other seeds leave out the same images");
    assert_eq!(again["config"]["excluded"], shown["config"]["excluded"]);
    mark(at, &[&learned[0]], &ImageMark::default());
    let fewer = train(at, &["--name", "c", "--exclude-marked", "--seed", "44"]);
    assert_eq!(excluded(&fewer), 2, "what is marked when a run begins counts");
    assert_eq!(answer(at, &["runs", "groups"])["groups"][0]["n"], 2, "it is of another group");
    assert_eq!(lists(at, "whole")[0], learned);

    let normal: Vec<&str> =
        learned.iter().chain(&validation).map(String::as_str).filter(|file| file.contains("NORMAL")).collect();
    mark(at, &normal, &wrong());
    for command in [&["train"][..], &["find-rate"], &["cv", "--folds", "2"]] {
        let refused = xray(at, &[command, &SMALL[..], &["--exclude-marked"]].concat());
        let said = words(&refused);
        assert!(said.contains("NORMAL image to train on") && said.contains("take marks back"), "{command:?}: {said}");
    }
}

fn excluded(run: &Value) -> usize {
    run["config"]["excluded"].as_array().unwrap().len()
}

#[test]
fn a_run_goes_on_and_repeats_without_the_images_that_it_began_without_whatever_is_marked_by_then() {
    let folder = demo();
    let at = folder.path();
    train(at, &["--name", "whole"]);
    let [learned, validation, test] = lists(at, "whole");
    mark(at, &[&learned[0], &learned[1]], &wrong());
    let long = ["--epochs", "6", "--batch-size", "4", "--image-size", "64", "--validation-fraction", "0.2"];
    let mut child = command(at, &[&["train", "--name", "a", "--exclude-marked"], &long[..]].concat())
        .stderr(Stdio::piped())
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    wait_for(&mut child, "training epoch 1");
    Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(1));
    mark(at, &[&learned[0], &learned[1]], &ImageMark::default());
    mark(at, &[&learned[2]], &wrong());
    answer(at, &["train", "--resume", "a"]);
    assert_eq!(lists(at, "a"), [learned[2..].to_vec(), validation, test]);
    assert_eq!(answer(at, &["reproduce", "a"])["identical"], true, "as one that went through");

    answer(at, &["runs", "export", "a", "--bundle", "a.bundle"]);
    let elsewhere = demo();
    std::fs::copy(at.join("a.bundle"), elsewhere.path().join("a.bundle")).unwrap();
    let same = answer(elsewhere.path(), &["reproduce", "a.bundle", "--data", "data/demo"]);
    assert_eq!(same["identical"], true, "{same}");
    assert_eq!(answer(at, &["eval", "a", "--split", "validation"])["n"], json!(lists(at, "a")[1].len()));
    assert_eq!(answer(at, &["runs", "verify", "a"])["differences"], 0);
}

#[test]
fn folds_leave_out_what_was_marked_when_their_cross_validation_began() {
    let folder = demo();
    let at = folder.path();
    train(at, &["--name", "whole"]);
    let [learned, ..] = lists(at, "whole");
    mark(at, &[&learned[0], &learned[1]], &wrong());
    let found = answer(at, &[&["cv", "--folds", "2", "--name", "cv", "--exclude-marked"], &SMALL[..]].concat());
    mark(at, &[&learned[0]], &ImageMark::default());
    answer(at, &["runs", "delete", "cv/2", "--forever"]);
    let again = answer(at, &["cv", "--resume", "cv"]);
    assert_eq!(again["mean"], found["mean"], "the same bits");
    let parts = [lists(at, "cv/1"), lists(at, "cv/2")];
    for file in &learned[..2] {
        assert!(parts.iter().all(|[learned, ..]| !learned.contains(file)), "{file} is trained on by neither");
        assert!(parts.iter().any(|[_, _, scored]| scored.contains(file)), "{file} is scored all the same");
    }
}

#[test]
fn runs_that_differ_only_in_their_seed_form_a_group() {
    let folder = demo();
    let at = folder.path();
    for (name, seed) in [("a", "1"), ("b", "2"), ("again", "2")] {
        train(at, &["--name", name, "--seed", seed]);
    }
    train(at, &["--name", "other", "--seed", "3", "--no-flip"]);
    let groups = answer(at, &["runs", "groups"]);
    let group = &groups["groups"][0];
    assert_eq!((groups["groups"].as_array().unwrap().len(), &group["n"]), (1, &json!(2)), "{groups}");
    assert_eq!(group["runs"][1]["name"], "again", "of equal seeds the newest");
    let accuracies = ["a", "again"].map(|name| answer(at, &["eval", name])["accuracy"].as_f64().unwrap());
    let mean = f64::midpoint(accuracies[0], accuracies[1]);
    assert!((group["mean"]["accuracy"].as_f64().unwrap() - mean).abs() < 1e-12);
    let keys = ["mean", "sd", "mean_ci"].map(|of| group[of].as_object().unwrap().keys().collect::<Vec<_>>());
    assert!(keys[0] == keys[1] && keys[0] == keys[2], "{group}");
    let [low, high] = [0, 1].map(|end| group["mean_ci"]["brier"][end].as_f64().unwrap());
    assert!(low < high, "{group}");
    assert_eq!(&answer(at, &["runs", "show", "a"])["seeds"], group);
    assert_eq!(answer(at, &["runs", "show", "other"])["seeds"], Value::Null);
}

#[test]
fn every_epochs_score_is_made_afterwards_once_and_selects_nothing() {
    let folder = demo();
    let at = folder.path();
    let run = train(at, &["--name", "a", "--keep-epochs"]);
    let epoch =
        |number| at.join(run["checkpoint"].as_str().unwrap()).with_file_name(format!("epoch-0000{number}.safetensors"));
    let (first, second) = (std::fs::read(epoch(1)).unwrap(), std::fs::read(epoch(2)).unwrap());
    let other = if run["best_epoch"] == 1 { (2, &first, &second) } else { (1, &second, &first) };
    std::fs::write(epoch(other.0), other.1).unwrap();
    assert_eq!(ask(at, &["eval", "a", "--every-epoch"]).0, 1, "these are another epoch's weights");
    std::fs::write(epoch(other.0), other.2).unwrap();
    let before = answer(at, &["eval", "a"]);
    for _ in 0..2 {
        let curve = answer(at, &["eval", "a", "--every-epoch"]);
        let epochs = curve["epochs"].as_array().unwrap();
        assert_eq!(epochs.len(), 2);
        assert!(curve["note"].as_str().unwrap().contains("selects nothing"));
        assert_eq!(curve["test_looks"], 2, "one look a network, and the best one had looked");
        let best = usize::try_from(curve["best_epoch"].as_u64().unwrap()).unwrap();
        assert_eq!(epochs[best - 1]["accuracy"], before["accuracy"]);
        assert_eq!(epochs[best - 1]["auc"], before["auc"]);
    }
    let after = answer(at, &["eval", "a"]);
    assert_eq!((&after["threshold"], &after["accuracy"]), (&before["threshold"], &before["accuracy"]));
    train(at, &["--name", "b"]);
    assert_eq!(ask(at, &["eval", "b", "--every-epoch"]).0, 1);
    answer(at, &["data", "demo", "--out", "other", "--images", "40", "--seed", "7"]);
    assert_eq!(ask(at, &["eval", "a", "--every-epoch", "--data", "other"]).0, 1, "scores are of the run's own data");
}

#[test]
fn what_can_go_goes_and_what_is_needed_stays() {
    let folder = demo();
    let at = folder.path();
    let run = train(at, &["--name", "a"]);
    let best = at.join(run["checkpoint"].as_str().unwrap());
    let size = |name: &str| std::fs::metadata(best.with_file_name(name)).unwrap().len();
    assert!(size("last.safetensors") < size("best.safetensors") * 3 / 2, "a finished run needs no optimizer's state");
    let orphan = at.join("checkpoints/0123456789ab");
    std::fs::create_dir(&orphan).unwrap();
    std::fs::write(orphan.join("best.safetensors"), vec![0; 1000]).unwrap();
    let an_hour_ago = std::time::SystemTime::now() - std::time::Duration::from_hours(1);
    std::fs::File::open(&orphan).unwrap().set_modified(an_hour_ago).unwrap();
    let theirs = at.join("checkpoints/my notes");
    std::fs::create_dir(&theirs).unwrap();
    std::fs::write(theirs.join("notes.txt"), "mine").unwrap();
    std::fs::write(best.with_file_name(".last.safetensors.partial"), vec![0; 500]).unwrap();
    let looked = answer(at, &["runs", "gc"]);
    assert_eq!((&looked["can_go_bytes"], &looked["freed_bytes"]), (&json!(1500), &json!(0)), "{looked}");
    assert!(orphan.exists());
    assert_eq!(answer(at, &["runs", "gc", "--delete"])["freed_bytes"], 1500);
    assert!(!orphan.exists() && best.exists() && theirs.join("notes.txt").exists());
    // Another database's checkpoints lie in the same folder.
    std::fs::copy(at.join("runs.db"), at.join("other.db")).unwrap();
    std::fs::create_dir(&orphan).unwrap();
    std::fs::write(orphan.join("best.safetensors"), vec![0; 1000]).unwrap();
    std::fs::File::open(&orphan).unwrap().set_modified(an_hour_ago).unwrap();
    assert_eq!(answer(at, &["runs", "gc", "--delete"])["freed_bytes"], 0);
    assert!(orphan.exists());
    std::fs::remove_file(at.join("other.db")).unwrap();
    std::fs::remove_dir_all(&orphan).unwrap();
    assert_eq!(answer(at, &["runs", "gc"])["can_go_bytes"], 0);
    assert_eq!(answer(at, &["predict", "--run", "a", "data/demo/test"])["predictions"].as_array().unwrap().len(), 10);
    assert_eq!(answer(at, &["runs", "verify"])["differences"], 0);
}

#[test]
fn leaks_and_shortcuts_in_the_data_are_alarms() {
    let folder = demo();
    let at = folder.path();
    train(at, &["--name", "clean"]);
    let of_test = first_image(&at.join("data/demo/test/PNEUMONIA"));
    let copy = at.join("data/demo/train/PNEUMONIA/person9001_virus_1.png");
    image_copy(&of_test, &copy);
    train(at, &["--name", "leaky"]);
    let scored = answer(at, &["eval", "leaky"]);
    let kinds: Vec<&str> =
        scored["alarms"].as_array().unwrap().iter().map(|alarm| alarm["kind"].as_str().unwrap()).collect();
    assert!(kinds.contains(&"near_duplicates"), "{scored}");
    let checks = &answer(at, &["runs", "show", "leaky"])["checks"];
    assert!(checks["near_duplicates"].to_string().contains("person9001_virus_1.png"), "{checks}");
    assert!(checks["shortcuts"][0]["feature"].is_string(), "{checks}");
    assert!(!answer(at, &["eval", "clean"])["alarms"].to_string().contains("near_duplicates"));
}

/// The same picture, darker and in another format.
fn image_copy(from: &Path, to: &Path) {
    let picture = xray_tui::predict::read_picture(from).unwrap();
    let pixels = picture.pixels.iter().map(|value| value / 4 * 3).collect();
    let (width, height) = (u32::try_from(picture.width).unwrap(), u32::try_from(picture.height).unwrap());
    image::GrayImage::from_raw(width, height, pixels).unwrap().save(to).unwrap();
}
