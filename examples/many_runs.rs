//! Fills a database with runs as real ones are, without training any, and measures how fast they are listed.
//!
//! ```text
//! cargo run --release --example many_runs -- FILE COUNT
//! ```

#![allow(clippy::print_stdout, reason = "it is asked for figures")]

use std::path::PathBuf;
use std::time::Instant;

use anyhow::{Result, ensure};
use clap::Parser;
use serde_json::json;
use xray_tui::dataset::{Class, Split};
use xray_tui::metrics::alarm::{Baseline, Checks, NearDuplicate, Shortcut};
use xray_tui::metrics::{
    Confusion, Criterion, EpochFigures, Figures, Fingerprint, OperatingPoint, Rule, Threshold, ThresholdOn,
};
use xray_tui::session::provenance::{self, Provenance};
use xray_tui::store::{Answer, Mark, MarkKind, NewRun, RunEnd, RunState, StepPoint, Store, score};
use xray_tui::train::TrainConfig;

/// Runs of the newest that have answers for their images, which are long.
const ANSWERED: usize = 20;
/// Images of the public data set's test split, and of a validation split.
const IMAGES: [(Split, usize); 2] = [(Split::Validation, 521), (Split::Test, 624)];
const STEPS_AN_EPOCH: usize = 6;

/// Fills a new database with runs, and says how fast they are listed.
#[derive(Parser)]
struct Arguments {
    /// The database to write; must be new.
    file: PathBuf,
    /// How many runs.
    count: usize,
}

fn main() -> Result<()> {
    let Arguments { file, count } = Arguments::parse();
    ensure!(!file.exists(), "{} is there already: name another file", file.display());
    let store = Store::open(&file)?;
    let here = Provenance::here(&TrainConfig::default())?;
    let started = Instant::now();
    for number in 0..count {
        write(&store, &here, (number, number + ANSWERED >= count))?;
    }
    println!("{count} runs written in {:.1} s", started.elapsed().as_secs_f64());
    drop(store);
    spread_over_days(&file)?;
    measure(&Store::open(&file)?)
}

/// One run from its beginning to its end.
fn write(store: &Store, here: &Provenance, (number, is_answered): (usize, bool)) -> Result<()> {
    let config = config(number);
    let run = new_run(number, &config, here);
    store.begin_run(&run, ("", Some(&checks(number))))?;
    let state = state(number);
    let done = if state == RunState::Finished { config.epochs } else { number % config.epochs };
    let epochs: Vec<EpochFigures> = (1..=done).map(|epoch| epoch_figures(number, epoch)).collect();
    let mut best: Option<&EpochFigures> = None;
    for epoch in &epochs {
        let is_best = best.is_none_or(|best| epoch.beats(best, Criterion::Accuracy));
        best = if is_best { Some(epoch) } else { best };
        store.add_epoch(&run.id, epoch, is_best)?;
    }
    store.add_steps(&run.id, &(1..=done * STEPS_AN_EPOCH).map(step).collect::<Vec<_>>())?;
    let seconds = 60.0 * count(done) + count(number % 60);
    store.add_seconds(&run.id, seconds, (done > 0).then_some(80.0 + count(number % 11)))?;
    if number.is_multiple_of(9) && done > 1 {
        store.add_mark(&run.id, &Mark { value: Some(3e-4), ..Mark::now(STEPS_AN_EPOCH, MarkKind::Rate) })?;
    }
    let mut test = Some(figures(number, done, 624));
    if is_answered {
        for (split, images) in IMAGES {
            let answers: Vec<Answer> = (0..images).map(|image| answer(split, image, number)).collect();
            store.replace_answers(&run.id, split, &answers)?;
            test = Some(score(&answers, Threshold::HALF));
        }
    }
    let problem = (state == RunState::Failed).then(|| "loss or weights are no numbers any more at epoch 3".to_owned());
    let end = if state == RunState::Finished {
        let weights = best.and_then(|best| best.weights).map(|weights| weights.to_string());
        RunEnd { state, problem, test, operating: Some(operating(number)), weights }
    } else {
        RunEnd { state, problem, test: None, operating: None, weights: None }
    };
    store.end_run(&run.id, &end)?;
    if state == RunState::Finished {
        store.close_run(&run.id, &Fingerprint::of(run.id.as_bytes()).to_string())?;
    }
    Ok(())
}

/// Of ten runs seven finish.
const fn state(number: usize) -> RunState {
    match number % 10 {
        3 | 8 => RunState::Stopped,
        5 => RunState::Failed,
        _ => RunState::Finished,
    }
}

fn config(number: usize) -> TrainConfig {
    let plain = TrainConfig::default();
    TrainConfig {
        epochs: [5, 10, 20][number % 3],
        batch_size: [16, 32, 64][number / 3 % 3],
        learning_rate: [1e-3, 3e-4, 1e-4][number / 9 % 3],
        image_size: [128, 224][number / 27 % 2],
        seed: 42 + u64::try_from(number / 54 % 5).unwrap_or_default(),
        threshold: if number.is_multiple_of(2) { Rule::Youden } else { Rule::Half },
        threshold_on: ThresholdOn::Plain,
        ..plain
    }
}

fn new_run(number: usize, config: &TrainConfig, here: &Provenance) -> NewRun {
    let mut run = NewRun {
        id: format!("{:012x}", number * 0x9e37_79b9_7f4a % (1 << 48)),
        name: format!("run-{}", number + 1),
        data: "/data/chest_xray".into(),
        synthetic: false,
        config: json!(config),
        seed: config.seed,
        git_commit: Some("0f1e2d3c4b5a69788796a5b4c3d2e1f00f1e2d3c".into()),
        git_dirty: Some(false),
        data_hash: "4c5f1d0e6a2b39877f0d1e2c3b4a5968.dir".into(),
        split_hash: "9a8b7c6d5e4f30219a8b7c6d5e4f3021".into(),
        device: "cpu".into(),
        versions: provenance::versions(),
        parent: None,
        provenance: None,
        manifest: Some(Fingerprint::of(b"images").to_string()),
    };
    run.provenance = Some(provenance::sealed(here, &run));
    run
}

/// With the near-duplicates that a data set of that size has.
fn checks(number: usize) -> Checks {
    let pair = |n: usize| NearDuplicate {
        files: [format!("train/PNEUMONIA/person{n}_virus_{n}.jpeg"), format!("test/PNEUMONIA/person{n}_virus_9.jpeg")],
        splits: ["train".into(), "test".into()],
        correlation: 0.97,
    };
    let shortcut = |feature: &str| Shortcut {
        feature: feature.to_owned(),
        validation: Baseline::default(),
        test: Baseline::default(),
    };
    Checks {
        patients_in_two_splits: Vec::new(),
        near_duplicates: (0..20 + number % 20).map(pair).collect(),
        near_duplicate_pairs: 20 + number % 20,
        shortcuts: vec![shortcut("size"), shortcut("brightness")],
    }
}

fn epoch_figures(number: usize, epoch: usize) -> EpochFigures {
    let name = format!("{number} {epoch}");
    EpochFigures {
        epoch,
        train: figures(number, epoch, 4695),
        validation: figures(number + 1, epoch, 521),
        seconds: 60.0 + count(number % 7),
        shifted: None,
        weights: Some(Fingerprint::of(name.as_bytes())),
    }
}

/// Of so many images, fewer of them wrong from epoch to epoch.
fn figures(number: usize, epoch: usize, images: u64) -> Figures {
    let wrong = images / (4 + epoch as u64 % 20) / 2 + number as u64 % 7;
    let ill = images * 5 / 8;
    let confusion = Confusion { tn: images - ill - wrong / 2, fp: wrong / 2, fn_: wrong / 2, tp: ill - wrong / 2 };
    Figures { loss: Some(0.7 / count(epoch.max(1)) + 0.01 * count(number % 7)), confusion }
}

fn step(step: usize) -> StepPoint {
    StepPoint {
        step,
        epoch: step.div_ceil(STEPS_AN_EPOCH),
        batches: STEPS_AN_EPOCH,
        loss: 0.9 / (1.0 + count(step) / 15.0) + 0.05 * count(step % 5),
        accuracy: (0.55 + count(step) / 200.0).min(1.0),
        images_per_second: 80.0 + count(step % 9),
        seconds: Some(10.0 * count(step)),
        learning_rate: Some(1e-3),
        processor: Some(1.9),
        memory: Some(1_900_000_000),
    }
}

fn operating(number: usize) -> OperatingPoint {
    let threshold = Threshold { margin: 0.1 * count(number % 5) };
    OperatingPoint { rule: config(number).threshold, threshold, temperature: Some(1.4), images: 521, harder: false }
}

fn answer(split: Split, image: usize, number: usize) -> Answer {
    let truth = if image % 8 < 3 { Class::Normal } else { Class::Pneumonia };
    let file = format!("{}/{}/person{image}_bacteria_{image}.jpeg", split.name(), truth.name());
    // Rather right than wrong.
    let margin = if truth == Class::Pneumonia { 2.0 } else { -2.0 }
        + f32::from(i8::try_from((image * 37 + number) % 100).unwrap_or_default()) / 25.0
        - 2.0;
    Answer { split, harder: false, file, truth, logits: [-margin / 2.0, margin / 2.0], disagreement: None }
}

/// The store dates runs as they begin: here one began every two hours.
fn spread_over_days(file: &std::path::Path) -> Result<()> {
    let sql = "UPDATE runs SET started_at = strftime('%Y-%m-%dT%H:%M:%fZ', '2026-11-01', (2 * (rowid - (SELECT max(rowid) FROM runs))) || ' hours'), \
               ended_at = strftime('%Y-%m-%dT%H:%M:%fZ', '2026-11-01', (2 * (rowid - (SELECT max(rowid) FROM runs)) + 1) || ' hours')";
    rusqlite::Connection::open(file)?.execute_batch(sql)?;
    Ok(())
}

fn measure(store: &Store) -> Result<()> {
    best_of_five("the newest 100", || store.newest(100).map(|runs| runs.len()))?;
    best_of_five("all", || store.runs().map(|runs| runs.len()))?;
    best_of_five("the best", || store.resolve("best").map(|_| 1))?;
    best_of_five("looking for crashed ones", || store.mark_crashed().map(|runs| runs.len()))
}

fn best_of_five(what: &str, work: impl Fn() -> xray_tui::error::Result<usize>) -> Result<()> {
    let mut times = Vec::new();
    for _ in 0..5 {
        let started = Instant::now();
        let found = work()?;
        times.push((started.elapsed(), found));
    }
    if let Some((time, found)) = times.into_iter().min() {
        println!("{what:<26}{:>9.2} ms, {found} runs", time.as_secs_f64() * 1000.0);
    }
    Ok(())
}

#[expect(clippy::cast_precision_loss, reason = "small counts")]
fn count(n: usize) -> f64 {
    n as f64
}
