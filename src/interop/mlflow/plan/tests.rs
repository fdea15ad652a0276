//! What is due of a run, given what a server has.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::app::sample;
use crate::interop::mlflow::clock::Clock;
use crate::store::Mark;

fn step(step: usize) -> StepPoint {
    StepPoint {
        step,
        epoch: 1 + (step - 1) / 4,
        batches: 4,
        loss: 1.0 / f64::from(u32::try_from(step).unwrap()),
        accuracy: 0.5,
        images_per_second: 30.0,
        seconds: Some(f64::from(u32::try_from(step).unwrap())),
        learning_rate: Some(1e-3),
        processor: None,
        memory: Some(1_500_000_000),
    }
}

/// A run of so many steps, four an epoch.
fn material(steps: usize, state: RunState) -> Material {
    let mut run = sample::run(2, state);
    run.epochs_done = steps / 4;
    let epochs: Vec<EpochFigures> = (1..=steps / 4).map(sample::epoch).collect();
    Material {
        clock: Clock::of(&run, (&[], &epochs), |_| None),
        batches: 4,
        steps: (1..=steps).map(step).collect(),
        test: Vec::new(),
        validation: Vec::new(),
        folds: Vec::new(),
        marks: Vec::new(),
        epochs,
        run,
    }
}

/// What a server has, by metric: steps and how often each is there.
#[derive(Default)]
struct There(BTreeMap<&'static str, BTreeMap<i64, usize>>);

impl There {
    fn last(&self, key: &str) -> Option<i64> {
        self.0.get(key)?.last_key_value().map(|(step, _)| *step)
    }

    fn take(&mut self, points: &[Point]) {
        for point in points {
            *self.0.entry(point.key).or_default().entry(point.step).or_default() += 1;
        }
    }
}

#[test]
fn settings_are_flat_and_images_left_out_are_counted() {
    let mut run = sample::run(1, RunState::Finished);
    run.started.config["excluded"] = json!(["0a", "0b"]);
    let params = params(&run);
    assert_eq!(params["epochs"], "10");
    assert_eq!(params["augmentation.rotation_degrees"], "10.0");
    assert_eq!((params["pretrained"].as_str(), params["excluded"].as_str()), ("none", "2"));
    assert!(params.values().all(|value| value.len() <= LONGEST_PARAM));
}

#[test]
fn tags_say_where_a_run_comes_from_and_that_it_is_for_research_only() {
    let mut material = material(4, RunState::Finished);
    material.run.tags = vec!["a/b".into()];
    material.run.note = Some("a note".into());
    material.marks = vec![Mark::now(4, MarkKind::Resume)];
    let tags = tags(&material, Some("ada"));
    assert_eq!(tags[RUN_ID], sample::run_id(2));
    assert_eq!(tags["mlflow.runName"], "run-2");
    assert_eq!(tags["mlflow.user"], "ada");
    assert_eq!(tags["mlflow.note.content"], "a note");
    assert_eq!(tags["mlflow.source.git.commit"].len(), 40);
    assert_eq!(tags["xray_tui.version.candle-core"], "0.11.0");
    assert_eq!(tags["xray_tui.tag.a-b"], "true");
    assert_eq!(tags["xray_tui.resumed_after_steps"], "4");
    assert!(tags["xray_tui.use"].contains("research use only"));
}

#[test]
fn figures_of_an_epoch_stand_at_its_last_step_and_those_of_the_end_at_the_runs() {
    let points = points(&material(8, RunState::Finished));
    let steps = |key: &str| points.iter().filter(|point| point.key == key).map(|p| p.step).collect::<Vec<_>>();
    assert_eq!(steps("batch_loss"), (1..=8).collect::<Vec<_>>());
    assert_eq!(steps("val_accuracy"), [4, 8]);
    assert_eq!((steps("test_accuracy"), steps("best_epoch")), (vec![8], vec![8]));
    assert!(points.iter().all(|point| point.timestamp > 1_700_000_000_000), "{points:?}");
}

#[test]
fn what_is_not_known_is_no_point_and_what_is_no_number_has_a_name() {
    let points = points(&material(4, RunState::Running));
    assert!(points.iter().all(|point| point.key != "system/process_cores" && point.key != "test_loss"));
    let point = |value| Point { key: "batch_loss", value, timestamp: 1, step: 2 }.json()["value"].clone();
    assert_eq!([f64::NAN, f64::INFINITY, 0.5].map(point), [json!("NaN"), json!("Infinity"), json!(0.5)]);
}

#[test]
fn a_data_set_has_its_hash_as_its_digest_and_its_images_by_class() {
    let image = |file: &str, split| Listed { file: file.into(), md5: "0".into(), patient: file.into(), split };
    let list = Manifest(vec![image("train/NORMAL/a.png", Split::Train), image("train/PNEUMONIA/b.png", Split::Train)]);
    let input = dataset(&sample::run(2, RunState::Running), Some(&list));
    assert_eq!(input["dataset"]["name"], "chest_xray");
    assert_eq!(input["dataset"]["digest"], "4c5f1d0e6a2b39877f0d1e2c3b4a5968.dir");
    let profile: Value = serde_json::from_str(input["dataset"]["profile"].as_str().unwrap()).unwrap();
    assert_eq!(profile["images"]["train"], json!({"images": 2, "patients": 2, "NORMAL": 1, "PNEUMONIA": 1}));
}

#[test]
fn a_request_ends_with_a_whole_step() {
    let all = points(&material(9, RunState::Running));
    for batch in batches(&all, 12) {
        let step = batch[batch.len() - 1].step;
        assert_eq!(
            batch.iter().filter(|p| p.step == step).count(),
            all.iter().filter(|p| p.step == step).count().min(12)
        );
    }
    assert_eq!(batches(&all, 12).concat(), all);
    assert_eq!(batches(&all, 1).concat(), all, "a step that is too large is parted all the same");
}

proptest! {
    /// The sender may stop between any two batches, and asks the server for what it has before it goes on.
    #[test]
    fn however_often_sending_is_cut_off_every_point_is_there_once(
        steps in 1_usize..30,
        batch in 1_usize..40,
        cuts in prop::collection::vec(0_usize..6, 0..8),
    ) {
        let all = points(&material(steps, RunState::Finished));
        let mut there = There::default();
        for cut in cuts.into_iter().chain([usize::MAX]) {
            let left = due(all.clone(), |key| there.last(key));
            for part in batches(&left, batch).into_iter().take(cut) {
                there.take(part);
            }
        }
        let expected: BTreeSet<(&str, i64)> = all.iter().map(|point| (point.key, point.step)).collect();
        let found: BTreeSet<(&str, i64)> =
            there.0.iter().flat_map(|(key, steps)| steps.keys().map(move |step| (*key, *step))).collect();
        prop_assert_eq!(found, expected);
        prop_assert!(there.0.values().flat_map(BTreeMap::values).all(|times| *times == 1));
    }

    /// A run that is resumed takes steps again that were sent: they stay as they are, and those behind them follow.
    #[test]
    fn steps_that_are_taken_again_are_not_sent_again(sent in 1_usize..30, total in 1_usize..40) {
        let mut there = There::default();
        there.take(&due(points(&material(sent, RunState::Stopped)), |_| None));
        there.take(&due(points(&material(total, RunState::Running)), |key| there.last(key)));
        let losses = &there.0["batch_loss"];
        prop_assert_eq!(losses.len(), sent.max(total));
        prop_assert!(losses.values().all(|times| *times == 1));
    }
}
