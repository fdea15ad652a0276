//! What the settings of training do to whole runs, on a small synthetic data set.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

#[path = "support/bench.rs"]
mod bench;
#[path = "support/demo.rs"]
mod demo;
#[path = "support/program.rs"]
mod program;

use std::path::{Path, PathBuf};

use bench::{Bench, bench, new};
use program::{answer, demo, words, xray};
use serde_json::{Value, json};
use xray_tui::dataset::augment::Augmentation;
use xray_tui::dataset::look::TestAugmentation;
use xray_tui::dataset::normalisation::Normalisation;
use xray_tui::dataset::{Probe, Split};
use xray_tui::metrics::{Criterion, EpochFigures, Rule, ThresholdOn, cross_entropy, probability};
use xray_tui::session::verify::verify;
use xray_tui::session::{self, RunEvent, Start, Workplace};
use xray_tui::store::{Answer, Run, Store};
use xray_tui::train::config::{ClassBalance, Schedule};
use xray_tui::train::recipe::Named;
use xray_tui::train::{Outcome, TrainConfig, TrainEvent, checkpoint};

/// Two short epochs.
fn small() -> TrainConfig {
    TrainConfig { epochs: 2, batch_size: 8, image_size: 64, validation_fraction: 0.2, ..Named::Plain.config() }
}

/// Everything that a run may be told at once.
fn rich() -> TrainConfig {
    TrainConfig {
        schedule: Schedule::Cosine,
        warmup_epochs: 0.5,
        weight_decay: 0.05,
        clip_norm: 0.5,
        label_smoothing: 0.1,
        class_balance: ClassBalance::Weights,
        averaging: 0.9,
        first_image_size: 32,
        normalisation: Normalisation::Clahe,
        test_augmentation: TestAugmentation::Views,
        choose_by: Criterion::Shifted,
        threshold: Rule::Youden,
        threshold_on: ThresholdOn::Shifted,
        augmentation: Augmentation {
            horizontal_flip: true,
            crop_scale: 0.3,
            rotation_degrees: 5.0,
            translation: 0.05,
            brightness: 0.3,
            contrast: 0.3,
            gamma: 0.4,
            erasing: 0.5,
        },
        ..small()
    }
}

/// Follows a run to its end, or stops it after a step; answers its id and what it told.
fn follow(place: &Workplace, start: Start, stop_at: Option<usize>) -> (String, Vec<TrainEvent>) {
    let handle = session::start(place.clone(), start).unwrap();
    let (mut id, mut told) = (None, Vec::new());
    for event in &handle.events {
        match event {
            RunEvent::Created { run_id, .. } => id = Some(run_id),
            RunEvent::Train(event) => {
                if matches!(&event, TrainEvent::Step(step) if Some(step.step) == stop_at) {
                    handle.control.stop();
                }
                told.push(event);
            }
        }
    }
    handle.thread.join().unwrap();
    (id.unwrap(), told)
}

fn finished(place: &Workplace, config: TrainConfig) -> (String, Vec<TrainEvent>) {
    let (id, told) = follow(place, new(config), None);
    assert!(matches!(told.last(), Some(TrainEvent::Ended(Outcome::Finished { .. }))), "{:?}", told.last());
    (id, told)
}

fn store(place: &Workplace) -> Store {
    Store::open(&place.db).unwrap()
}

fn run_of(place: &Workplace, id: &str) -> Run {
    store(place).run(id).unwrap()
}

fn file(place: &Workplace, id: &str) -> PathBuf {
    checkpoint::last_path(&store(place).run_folder(id))
}

fn rates(told: &[TrainEvent]) -> Vec<f64> {
    let rate = |event: &TrainEvent| match event {
        TrainEvent::Step(step) => step.learning_rate,
        _ => None,
    };
    told.iter().filter_map(rate).collect()
}

fn epochs(place: &Workplace, id: &str) -> Vec<EpochFigures> {
    store(place).epochs(id).unwrap()
}

#[test]
fn a_run_with_every_setting_goes_on_after_a_stop_to_the_same_bits() {
    let Bench { place, _folder } = &bench();
    let (whole, _) = finished(place, rich());
    let (stopped, told) = follow(place, new(rich()), Some(2));
    assert_eq!(told.last(), Some(&TrainEvent::Ended(Outcome::Stopped)));
    let moving = xray_nn::weights::load(&file(place, &stopped)).unwrap().0;
    assert!(moving.keys().any(|name| name.starts_with("average.")), "the averaged weights are kept");
    follow(place, Start::Resume { run_id: stopped.clone() }, None);
    let bare = |id: &str| {
        epochs(place, id).into_iter().map(|epoch| EpochFigures { seconds: 0.0, ..epoch }).collect::<Vec<_>>()
    };
    assert_eq!(bare(&whole), bare(&stopped));
    assert!(bare(&whole).iter().all(|epoch| epoch.shifted.is_some()));
    assert_eq!(run_of(place, &whole).test, run_of(place, &stopped).test);
    let seen = || verify(&store(place), &run_of(place, &whole)).unwrap().differences;
    assert_eq!(seen(), []);
    let harder = store(place).answers(&whole, Probe::Harder).unwrap();
    store(place).replace_answers(&whole, Probe::Harder, &harder[1..]).unwrap();
    let found: Vec<String> = seen().into_iter().map(|difference| difference.what).collect();
    assert!(found.iter().any(|what| what.starts_with("figures of harder images")), "{found:?}");
    assert!(found.iter().any(|what| what == "the harder images that are answered"), "{found:?}");
}

#[test]
fn a_schedule_is_in_the_steps() {
    let Bench { place, _folder } = &bench();
    let config = TrainConfig { schedule: Schedule::Cosine, warmup_epochs: 1.0, ..small() };
    let (_, told) = finished(place, config);
    let rates = rates(&told);
    let highest = rates.iter().copied().fold(0.0, f64::max);
    assert!(rates.windows(2).any(|pair| pair[0] < pair[1]), "it rises first: {rates:?}");
    assert!(rates.last().unwrap() < &(0.5 * highest) && highest <= 1e-3, "and falls: {rates:?}");
}

#[test]
fn a_run_ends_early_where_nothing_gets_better_and_is_finished() {
    let Bench { place, _folder } = &bench();
    // A rate so small that no epoch can change an answer.
    let config =
        TrainConfig { epochs: 9, learning_rate: 1e-12, early_stopping: 2, choose_by: Criterion::Accuracy, ..small() };
    let (id, _) = finished(place, config);
    let run = run_of(place, &id);
    assert!(run.epochs_done < 9 && run.test.is_some(), "{} epochs", run.epochs_done);
    assert_eq!(run.epochs_done, run.best_epoch.unwrap() + 2);
}

#[test]
fn a_balanced_run_has_as_many_images_of_each_class_in_an_epoch() {
    let Bench { place, _folder } = &bench();
    let (id, _) = finished(place, TrainConfig { class_balance: ClassBalance::Sampling, ..small() });
    let counted = epochs(place, &id)[0].train.confusion;
    assert_eq!(counted.tp + counted.fn_, counted.tn + counted.fp);
}

#[test]
fn the_epoch_that_is_best_on_harder_images_is_kept() {
    let Bench { place, _folder } = &bench();
    let (id, _) = finished(place, TrainConfig { epochs: 4, choose_by: Criterion::Shifted, ..small() });
    let epochs = epochs(place, &id);
    let auc = |epoch: &EpochFigures| epoch.shifted.unwrap().auc.unwrap();
    let highest = epochs.iter().map(auc).fold(0.0, f64::max);
    let best = epochs.iter().find(|epoch| run_of(place, &id).best_epoch == Some(epoch.epoch)).unwrap();
    assert!(auc(best).to_bits() == highest.to_bits());
}

#[test]
fn a_threshold_is_chosen_on_harder_images_and_what_they_said_is_kept_and_verified() {
    let Bench { place, _folder } = &bench();
    let base = TrainConfig { threshold: Rule::Youden, choose_by: Criterion::Accuracy, ..small() };
    let (plain, _) = finished(place, TrainConfig { threshold_on: ThresholdOn::Plain, ..base.clone() });
    let (harder, _) = finished(place, TrainConfig { threshold_on: ThresholdOn::Shifted, ..base });
    let (store, point) = (store(place), |id: &str| run_of(place, id).operating.unwrap());
    assert_eq!(run_of(place, &plain).weights, run_of(place, &harder).weights, "the network is the same");
    assert_eq!((point(&plain).harder, point(&harder).harder), (false, true));
    assert_ne!(point(&plain).temperature, point(&harder).temperature);
    assert_eq!(point(&plain).images, point(&harder).images, "of as many images, each shown in two ways");
    let answers = store.answers(&harder, Probe::Harder).unwrap();
    assert_eq!((answers.len(), answers[0].split), (2 * point(&harder).images, Split::Validation));
    assert_eq!(store.answers(&plain, Probe::Harder).unwrap(), []);
    assert!(epochs(place, &harder).iter().all(|epoch| epoch.shifted.is_none()), "no epoch is judged by them");

    let seen = |id: &str| verify(&store, &run_of(place, id)).unwrap().differences;
    assert_eq!(seen(&harder), []);
    let turned: Vec<_> = answers.into_iter().map(|a| Answer { logits: [a.logits[1], a.logits[0]], ..a }).collect();
    store.replace_answers(&harder, Probe::Harder, &turned).unwrap();
    let found: Vec<String> = seen(&harder).into_iter().map(|difference| difference.what).collect();
    assert!(found.iter().any(|what| what == "threshold and temperature"), "{found:?}");
}

#[test]
fn harder_images_are_looked_at_as_often_as_those_that_their_threshold_divides() {
    let Bench { place, _folder } = &bench();
    let config = TrainConfig { epochs: 1, choose_by: Criterion::Shifted, ..small() };
    let with = |threshold_on, test_augmentation| {
        let (id, _) = finished(place, TrainConfig { threshold_on, test_augmentation, ..config.clone() });
        epochs(place, &id)[0].shifted
    };
    let single = with(ThresholdOn::Plain, TestAugmentation::None);
    assert_eq!(with(ThresholdOn::Plain, TestAugmentation::Flip), single, "to judge an epoch one look is enough");
    assert_eq!(with(ThresholdOn::Shifted, TestAugmentation::None), single);
    assert_ne!(with(ThresholdOn::Shifted, TestAugmentation::Flip), single);
}

#[test]
fn frozen_parts_keep_their_weights_and_the_rest_learns() {
    let Bench { place, _folder } = &bench();
    let (first, _) = finished(place, small());
    let start = checkpoint::best_path(&store(place).run_folder(&first));
    let split_seed = small().seed;
    let config = TrainConfig { pretrained: Some(start.clone()), frozen_stages: 2, seed: 7, split_seed, ..small() };
    let (second, _) = finished(place, config);
    let tensors = |path: &Path| xray_nn::weights::load(path).unwrap().0;
    let (before, after) = (tensors(&start), tensors(&checkpoint::best_path(&store(place).run_folder(&second))));
    let is_same = |name: &str| {
        let values = |tensor: &candle_core::Tensor| tensor.flatten_all().unwrap().to_vec1::<f32>().unwrap();
        values(&before[name]) == values(&after[name])
    };
    assert!(is_same("conv1.weight") && is_same("layer1.1.bn2.weight") && is_same("bn1.running_mean"));
    assert!(!is_same("layer2.0.conv1.weight") && !is_same("fc.weight"));
}

#[test]
fn test_images_are_left_alone_where_they_are_not_to_be_scored() {
    let folder = demo();
    let at = folder.path();
    let few = ["--epochs", "1", "--batch-size", "8", "--image-size", "33", "--name", "a", "--score-test=false"];
    let run = answer(at, &[&["train"], &few[..]].concat());
    assert_eq!((&run["state"], &run["test_accuracy"]), (&json!("finished"), &Value::Null));
    assert_eq!(answer(at, &["eval", "a", "--split", "validation"])["test_looks"], Value::Null);
    assert_eq!(answer(at, &["eval", "a"])["test_looks"], 1);
    // The later look takes nothing from what the run itself left.
    assert_eq!(answer(at, &["runs", "verify", "a"])["differences"], 0);
    assert!(xray(at, &["reproduce", "a"]).status.success());
}

#[test]
fn weights_that_have_learned_what_would_judge_a_run_are_refused() {
    let folder = demo();
    let at = folder.path();
    let few = ["--epochs", "1", "--batch-size", "8", "--image-size", "33", "--recipe", "plain"];
    let run = answer(at, &[&["train", "--name", "a", "--seed", "1"], &few[..]].concat());
    let file = format!("checkpoints/{}/best.safetensors", run["run_id"].as_str().unwrap());
    let from = |more: &[&str]| xray(at, &[more, &["--pretrained", &file, "--seed", "2"], &few[..]].concat());
    let said = |more: &[&str]| String::from_utf8(from(more).stderr).unwrap();
    let refused = said(&["train"]);
    assert!(refused.contains("have learned") && refused.contains("split the images as that run did"), "{refused}");
    let refused = said(&["cv", "--folds", "2"]);
    assert!(refused.contains("have learned"), "{refused}");
    assert!(from(&["train", "--split-seed", "1"]).status.success());
    let elsewhere = said(&["train", "--db", "other.db"]);
    assert!(elsewhere.contains("this database does not have"), "{elsewhere}");
    // Nor does another form of the same weights hide it, or a run in between.
    answer(at, &["weights", "export", "a", "--out", "a.safetensors"]);
    let exported = [&["train", "--pretrained", "a.safetensors", "--seed", "2"], &few[..]].concat();
    assert!(words(&xray(at, &exported)).contains("have learned"));
    let child = answer(at, &[&exported, &["--split-seed", "1", "--name", "b"][..]].concat());
    std::fs::remove_file(at.join("a.safetensors")).unwrap();
    let file = format!("checkpoints/{}/best.safetensors", child["run_id"].as_str().unwrap());
    let grandchild = [&["train", "--pretrained", &file, "--seed", "2"], &few[..]].concat();
    assert!(words(&xray(at, &grandchild)).contains("have learned"));
}

#[test]
fn a_run_is_scored_on_its_images_made_harder_one_way_after_the_other() {
    let folder = demo();
    let at = folder.path();
    answer(at, &["train", "--epochs", "1", "--batch-size", "8", "--image-size", "33", "--name", "a"]);
    let epoch = &answer(at, &["runs", "show", "a"])["epochs"][0];
    assert!(epoch["val_shifted_auc"].is_f64() && epoch["val_shifted_loss"].is_f64(), "{epoch}");
    let log = String::from_utf8(xray(at, &["runs", "log", "a"]).stdout).unwrap();
    assert!(log.contains("harder AUC"), "{log}");
    let found = answer(at, &["eval", "a", "--split", "validation", "--shifts"]);
    let rows = found["shifts"].as_array().unwrap();
    assert_eq!(rows.len(), 17);
    assert_eq!((&rows[0]["shift"], &rows[1]["shift"]), (&json!("none"), &json!("darker")));
    let plain = answer(at, &["eval", "a", "--split", "validation"]);
    assert_eq!(rows[0]["accuracy"], plain["accuracy"]);
    assert_eq!(rows[0]["margins"], Value::Null);
    let full = answer(at, &["eval", "a", "--split", "validation", "--shifts", "--curves"]);
    let margins = |class: &str| full["shifts"][16]["margins"][class].as_array().unwrap().len();
    assert_eq!(json!(margins("NORMAL") + margins("PNEUMONIA")), full["n"]);
    let table = xray(at, &["eval", "a", "--split", "validation", "--shifts"]).stdout;
    assert!(String::from_utf8(table).unwrap().contains("as they are"));
}

#[test]
fn a_recipe_comes_first_and_flags_change_it() {
    let folder = demo();
    let at = folder.path();
    std::fs::write(at.join("c.toml"), "[train]\nrecipe = \"plain\"\nepochs = 1\nbatch_size = 8\nimage_size = 33\n")
        .unwrap();
    let run = answer(at, &["train", "--config", "c.toml", "--clip-norm", "2"]);
    let config = &run["config"];
    assert_eq!(
        (&config["epochs"], &config["clip_norm"], &config["schedule"]),
        (&json!(1), &json!(2.0), &json!("constant"))
    );
    let shown = answer(at, &["config", "show", "--config", "c.toml"]);
    let row = shown["settings"].as_array().unwrap().iter().find(|row| row["key"] == "train.recipe").unwrap();
    assert_eq!((&row["value"], &row["from"]), (&json!("own"), &json!("file")));
}

#[test]
fn variants_are_tried_one_by_one_and_families_repeat_them() {
    let folder = demo();
    let at = folder.path();
    let study = "name = \"s\"\n[base]\nepochs = 1\nbatch_size = 8\nimage_size = 33\nscore_test = false\n\
                 [[try]]\n[[try]]\nclip_norm = 1.0\n[over]\nseed = [1, 2]\n";
    std::fs::write(at.join("s.toml"), study).unwrap();
    let found = answer(at, &["sweep", "--file", "s.toml"]);
    let candidates = found["candidates"].as_array().unwrap();
    assert_eq!(candidates.len(), 2);
    assert!(candidates.iter().all(|one| one["n"] == 2 && one["best_val_auc_mean"].is_f64()), "{candidates:?}");
    let settings: Vec<&Value> = candidates.iter().map(|one| &one["settings"]).collect();
    assert!(settings.contains(&&json!({})) && settings.contains(&&json!({"clip_norm": 1.0})));
}

/// The mean of the logits of the looks: not of their probabilities.
#[test]
fn several_looks_make_other_answers_than_one() {
    let Bench { place, _folder } = &bench();
    let answers = |looks: TestAugmentation| -> Vec<Answer> {
        let (id, _) = finished(place, TrainConfig { test_augmentation: looks, ..small() });
        store(place).answers(&id, xray_tui::dataset::Split::Test).unwrap()
    };
    let (one, four) = (answers(TestAugmentation::None), answers(TestAugmentation::Views));
    assert_eq!(one.len(), four.len());
    assert!(one.iter().zip(&four).any(|(a, b)| a.logits.map(f32::to_bits) != b.logits.map(f32::to_bits)));
    assert!(four.iter().all(|answer| cross_entropy(answer.logits, true).is_finite()));
}

#[test]
fn an_ensemble_is_a_run_that_answers_for_several_and_says_how_far_they_disagree() {
    let folder = demo();
    let at = folder.path();
    let train = |name: &str, seed: &str, split: &str| {
        let few = ["--epochs", "1", "--batch-size", "8", "--image-size", "33", "--validation-fraction", "0.2"];
        let named = ["--name", name, "--seed", seed, "--split-seed", split];
        answer(at, &[&["train"], &few[..], &named[..]].concat())
    };
    train("a", "1", "5");
    train("b", "2", "5");
    train("c", "3", "6");
    let said = |arguments: &[&str]| {
        let output = xray(at, arguments);
        assert!(!output.status.success(), "{arguments:?}");
        words(&output)
    };
    assert!(said(&["ensemble", "a", "c"]).contains("--split-seed"));
    assert!(said(&["ensemble", "a", "a"]).contains("named twice"));
    let both = answer(at, &["ensemble", "a", "b", "--name", "both"]);
    assert_eq!((&both["state"], &both["name"], &both["epochs"]), (&json!("finished"), &json!("both"), &json!(1)));

    // On the test images: the mean of the members' logits, up to rounding.
    let database = store(&Workplace { data: at.join("data"), db: at.join("runs.db"), cache: at.join("cache") });
    let answers = |name: &str| -> Vec<Answer> {
        let run = database.resolve(name).unwrap();
        database.answers(&run.started.id, xray_tui::dataset::Split::Test).unwrap()
    };
    let (a, b, joined) = (answers("a"), answers("b"), answers("both"));
    for ((a, b), joined) in a.iter().zip(&b).zip(&joined) {
        for class in 0..2 {
            let mean = f32::midpoint(a.logits[class], b.logits[class]);
            assert!((joined.logits[class] - mean).abs() < 1e-4, "{}", joined.file);
        }
        let [first, second] = [a, b].map(|member| probability(member.logits));
        let deviation = (first - second).abs() / 2.0_f64.sqrt();
        assert!((joined.disagreement.unwrap() - deviation).abs() < 1e-4 && a.disagreement.is_none(), "{}", joined.file);
    }
    assert_eq!(answer(at, &["eval", "both"])["test_looks"], 4, "three runs before, and its own");
    assert_eq!(answer(at, &["eval", "both"])["n"], joined.len());
    assert!(xray(at, &["runs", "verify"]).status.success());

    let image = at.join("data/demo").join(&joined[0].file);
    let image = image.to_str().unwrap();
    let disagreement =
        |run: &str| answer(at, &["predict", image, "--run", run])["predictions"][0]["disagreement"].clone();
    assert!(disagreement("both").as_f64().is_some_and(|by| by > 0.0) && disagreement("a").is_null());
    assert!(said(&["ensemble", "a", "both"]).contains("is an ensemble itself"));
    assert!(said(&["weights", "export", "both", "--out", "w.pth"]).contains("export its members"));
    assert!(said(&["reproduce", "both"]).contains("repeat its members"));
    answer(at, &["runs", "promote", "both"]);
    answer(at, &["runs", "delete", "a", "--forever"]);
    assert_eq!(answer(at, &["predict", image])["name"], "both", "it outlives its members");
    answer(at, &["report", "both", "--out", "card"]);
    let change = "UPDATE runs SET state = 'crashed' WHERE name = 'both'";
    assert_eq!(rusqlite::Connection::open(at.join("runs.db")).unwrap().execute(change, []).unwrap(), 1);
    assert!(said(&["train", "--resume", "both"]).contains("join its members again"));
    assert_eq!(answer(at, &["eval", "both"])["n"], joined.len(), "what it has answered stays to be seen");
    let unasked = "DELETE FROM answers";
    rusqlite::Connection::open(at.join("runs.db")).unwrap().execute(unasked, []).unwrap();
    assert!(said(&["eval", "both"]).contains("before the end"));
    assert!(said(&["eval", "both", "--shifts"]).contains("before the end"));
}
