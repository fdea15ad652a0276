//! An app in every state that the tests look at, filled by messages as the program fills it.

#![allow(clippy::cast_precision_loss, reason = "small numbers")]
#![allow(clippy::missing_panics_doc, reason = "for tests")]

use std::path::PathBuf;
use std::sync::Arc;

use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

use super::history::History;
use super::inspect::case::Case;
use super::inspect::{Found, Images};
use super::message::{
    Assessed, DataMessage, DataSummary, InspectMessage, Message, RunDetail, RunsMessage, TrainMessage,
};
use super::runs::compare::Compared;
use super::runs::work::RunsNews;
use super::scene::{Colours, Display, Scene};
use super::{App, Effect};
use crate::dataset::statistics::{Range, Statistics, UnreadableFile};
use crate::dataset::{Class, GreyImage};
use crate::metrics::alarm::Alarm;
use crate::metrics::assessment::Terms;
use crate::metrics::{
    self, Assessment, Confusion, EpochFigures, Estimate, Figures, Interval, OperatingPoint, Rule, Shifted, Spread,
    Threshold,
};
use crate::picture::Picture;
use crate::store::{
    Mark, MarkKind, NewRun, Pipeline, PipelineState, Run, RunState, StepPoint, Task, TaskName, TaskState,
};
use crate::train::recipe::Named;
use crate::train::{Outcome, Phase, Step, TrainConfig, TrainEvent};

pub fn empty() -> App {
    App::new(TrainConfig::default(), Display { colours: Colours::True, ..Display::default() })
}

pub fn press(app: &mut App, key: KeyCode) -> Vec<Effect> {
    app.update(Message::Key(KeyEvent::new(key, KeyModifiers::NONE)), &Scene::default())
}

pub fn type_text(app: &mut App, text: &str) {
    for letter in text.chars() {
        press(app, KeyCode::Char(letter));
    }
}

pub fn tell(app: &mut App, messages: impl IntoIterator<Item = Message>) -> Vec<Effect> {
    messages.into_iter().flat_map(|message| app.update(message, &Scene::default())).collect()
}

/// A chest drawn with three ellipses, enough to tell top from bottom and left from right.
pub fn picture() -> Arc<Picture> {
    let (width, height) = (160, 120);
    let within = |x: usize, y: usize, (cx, cy): (usize, usize), (rx, ry): (usize, usize)| {
        let part = |a: usize, b: usize, r: usize| (a.abs_diff(b) * a.abs_diff(b) * 1000) / (r * r);
        part(x, cx, rx) + part(y, cy, ry) <= 1000
    };
    let shade = |x, y| match () {
        () if within(x, y, (95, 75), (22, 26)) => 190,
        () if within(x, y, (48, 58), (26, 42)) || within(x, y, (112, 58), (26, 42)) => 60,
        () => 130,
    };
    let pixels = (0..height).flat_map(|y| (0..width).map(move |x| shade(x, y))).collect();
    Arc::new(Picture::from(&GreyImage { width, height, pixels }))
}

/// The figures of the well-known set, with a few bad files put in.
pub fn statistics(synthetic: bool) -> Statistics {
    let class = |normal, pneumonia| [("NORMAL", normal), ("PNEUMONIA", pneumonia)].into();
    let reason = |file: &str, reason: &str| UnreadableFile { file: file.into(), reason: reason.into() };
    Statistics {
        data: "data/chest_xray".into(),
        synthetic,
        data_hash: "4c5f1d0e6a2b39877f0d1e2c3b4a5968.dir".into(),
        splits: [("train", class(1207, 3488)), ("validation", class(134, 387)), ("test", class(234, 390))].into(),
        patients: [("train", 2470), ("validation", 275), ("test", 442)].into(),
        unknown_patients: 3,
        kinds: [("bacterial", 2780), ("viral", 1493), ("normal", 1583), ("unknown", 0)].into(),
        bytes: 1_235_900_000,
        unreadable: vec![
            reason("train/NORMAL/IM-0007-0001.jpeg", "the file is empty"),
            reason("train/PNEUMONIA/person9_bacteria_38.jpeg", "the picture ends early"),
        ],
        duplicates: vec![vec!["train/NORMAL/a.jpeg".into(), "train/NORMAL/b.jpeg".into()]],
        patients_in_two_splits: vec!["person1".into()],
        widths: Some(Range { min: 384, median: 1280, max: 2916 }),
        heights: Some(Range { min: 127, median: 888, max: 2713 }),
        channels: [("grey".to_owned(), 5573), ("rgb".to_owned(), 283)].into(),
        brightness: [0.08, 0.03, 0.04, 0.05, 0.06, 0.08, 0.09, 0.1, 0.1, 0.1, 0.09, 0.07, 0.05, 0.03, 0.02, 0.01],
        flagged: vec![reason("val/NORMAL/dot.png", "1x1 pixels")],
    }
}

pub fn summary(synthetic: bool) -> Message {
    let sample = |class, file: &str| (class, file.to_owned(), picture());
    let samples = vec![
        sample(Class::Normal, "train/NORMAL/IM-0115-0001.jpeg"),
        sample(Class::Normal, "train/NORMAL/IM-0117-0001.jpeg"),
        sample(Class::Pneumonia, "train/PNEUMONIA/person1_bacteria_1.jpeg"),
        sample(Class::Pneumonia, "train/PNEUMONIA/person3_virus_16.jpeg"),
    ];
    let statistics = statistics(synthetic);
    let root = PathBuf::from("data/chest_xray");
    Message::Data(DataMessage::Ready(Box::new(DataSummary { root, synthetic, statistics, samples })))
}

fn config() -> TrainConfig {
    TrainConfig { epochs: 10, batch_size: 32, image_size: 64, ..Named::Plain.config() }
}

const fn figures(loss: f64, (tn, fp, fn_, tp): (u64, u64, u64, u64)) -> Figures {
    Figures { loss: Some(loss), confusion: Confusion { tn, fp, fn_, tp } }
}

/// Figures that get better, and then a little worse.
pub fn epoch(number: usize) -> EpochFigures {
    let gain = [20, 60, 90, 110, 104][(number - 1).min(4)];
    EpochFigures {
        epoch: number,
        train: figures(0.7 / number as f64, (900 + 2 * gain, 307 - 2 * gain, 300 - gain, 3188 + gain)),
        validation: figures(0.6 - 0.004 * gain as f64, (gain, 134 - gain, 127 - gain, 260 + gain)),
        seconds: 61.5,
        shifted: Some(Shifted { auc: Some(0.84 + 0.001 * gain as f64), loss: Some(0.7 - 0.004 * gain as f64) }),
        weights: None,
    }
}

/// Step `number` of epochs of 20.
pub fn step(number: usize) -> Step {
    let wave = [0.0, 0.06, -0.03, 0.09, -0.05][number % 5];
    Step {
        step: number,
        epoch: number.div_ceil(20),
        batch: (number - 1) % 20 + 1,
        batches: 20,
        images: 32,
        loss: 0.9 / (1.0 + number as f64 / 15.0) + wave,
        accuracy: (0.55 + number as f64 / 200.0 + wave).min(1.0),
        images_per_second: 36.0,
        seconds: Some(number as f64 * 0.9),
        learning_rate: Some(0.001),
        processor: Some(7.6),
        memory: Some(1_900_000_000),
    }
}

pub fn event(event: TrainEvent) -> Message {
    Message::Train(TrainMessage::Event(event))
}

/// All that a run says from its start to the middle of its fourth epoch.
pub fn run_events() -> Vec<Message> {
    let (run_id, name, config) = (run_id(3), "run-3".into(), Box::new(config()));
    let started = TrainMessage::Started { run_id, name, config, synthetic: false };
    let mut messages = vec![Message::Train(started), event(TrainEvent::Phase(Phase::Preparing))];
    for number in 1..=73 {
        messages.push(event(TrainEvent::Step(step(number))));
        if number % 20 == 0 {
            let figures = epoch(number / 20);
            messages.push(event(TrainEvent::Epoch { figures, best: true }));
        }
    }
    messages.push(event(TrainEvent::Phase(Phase::Training { epoch: 4, batch: 13, batches: 20 })));
    messages
}

pub fn ending() -> [Message; 1] {
    let test = Some(figures(0.41, (180, 54, 8, 382)));
    [event(TrainEvent::Ended(Outcome::Finished { best_epoch: 3, test }))]
}

pub fn run_id(number: usize) -> String {
    format!("{number:012x}")
}

pub fn run(number: usize, state: RunState) -> Run {
    let finished = state == RunState::Finished;
    Run {
        started: NewRun {
            id: run_id(number),
            name: format!("run-{number}"),
            data: if number.is_multiple_of(2) { "/home/ada/chest_xray" } else { "/home/ada/data/demo" }.into(),
            synthetic: !number.is_multiple_of(2),
            config: serde_json::to_value(config()).unwrap(),
            seed: 42,
            git_commit: Some("0f1e2d3c4b5a69788796a5b4c3d2e1f00f1e2d3c".into()),
            git_dirty: Some(number.is_multiple_of(2)),
            data_hash: "4c5f1d0e6a2b39877f0d1e2c3b4a5968.dir".into(),
            split_hash: "9a8b7c6d5e4f".into(),
            device: "cpu".into(),
            versions: serde_json::json!({ "xray-tui": "0.1.0", "candle-core": "0.11.0" }),
            parent: None,
            provenance: None,
            manifest: None,
        },
        started_at: format!("2026-11-{:02}T09:30:00Z", number + 1),
        ended_at: Some(format!("2026-11-{:02}T10:05:00Z", number + 1)),
        state,
        problem: (state == RunState::Failed).then(|| "epoch 2: the loss is not a number".to_owned()),
        seconds: 615.0 * number as f64,
        images_per_second: Some(36.2),
        epochs_done: if finished { 10 } else { 4 },
        best_epoch: (state != RunState::Failed).then_some(4),
        best_val_accuracy: (state != RunState::Failed).then_some(0.9 + 0.01 * number as f64),
        test: finished.then_some(figures(0.41, (180, 54, 8, 382))),
        operating: finished.then_some(OperatingPoint {
            rule: Rule::Half,
            threshold: Threshold::HALF,
            temperature: Some(1.4),
            images: 521,
            harder: false,
        }),
        checks: None,
        weights: None,
        closing: None,
        note: None,
        tags: Vec::new(),
        starred: false,
        trashed_at: None,
    }
}

pub fn runs() -> Message {
    let states = [RunState::Finished, RunState::Stopped, RunState::Crashed, RunState::Failed, RunState::Finished];
    let runs = (1..).zip(states).map(|(number, state)| run(number, state)).collect();
    Message::Runs(RunsMessage::Loaded(Ok(runs)))
}

/// Three rates of four seeds each, one of them starred and tagged, one noted, one failed, one synthetic.
pub fn varied() -> Vec<Run> {
    let one = |number: usize| {
        let state = if number == 7 { RunState::Failed } else { RunState::Finished };
        let mut run = run(2 * number, state);
        let (rate, seed) = ([1e-3, 3e-4, 1e-4][(number - 1) / 4], 42 + (number - 1) % 4);
        run.started.id = run_id(number);
        run.started.name = format!("run-{number}");
        run.started.config["learning_rate"] = rate.into();
        run.started.config["seed"] = seed.into();
        run.started.seed = seed as u64;
        run.started_at = format!("2026-11-{:02}T09:30:00Z", number + 1);
        run.seconds = 600.0 + 7.0 * number as f64;
        run.best_val_accuracy = run.best_val_accuracy.map(|_| 0.88 + 0.007 * (number * 5 % 12) as f64);
        run.test = run.test.map(|_| figures(0.4, (180 + number as u64 % 5, 54 - number as u64 % 5, 8, 382)));
        run
    };
    let mut runs: Vec<Run> = (1..=12).rev().map(one).collect();
    (runs[0].starred, runs[0].tags) = (true, vec!["baseline".into(), "wide".into()]);
    runs[1].note = Some("the first that converged".into());
    (runs[2].started.synthetic, runs[2].started.name) =
        (true, "a name that is quite a lot longer than its column".into());
    runs
}

/// On Runs with twelve runs of three rates.
pub fn with_varied() -> App {
    let mut app = with_data();
    tell(&mut app, [Message::Runs(RunsMessage::Loaded(Ok(varied())))]);
    press(&mut app, KeyCode::Char('3'));
    app
}

fn auc(value: f64) -> Estimate {
    Estimate { value, interval: Some(Interval::normal(value, 0.009)) }
}

/// With three of them side by side and their curves there.
pub fn comparing() -> App {
    let mut app = with_varied();
    for key in "   =".chars() {
        press(&mut app, KeyCode::Char(key));
    }
    let curve = |epochs: usize| History::of(0, &[], &(1..=epochs).map(epoch).collect::<Vec<_>>());
    let compared = [(12, 5, 880), (11, 3, 929), (10, 4, 894)].map(|(number, epochs, right)| Compared {
        run_id: run_id(number),
        history: curve(epochs),
        validation: Estimate::share(right, 1000),
        // Of the oldest there are no answers.
        test_auc: (number > 10).then(|| auc(0.9 + 0.004 * number as f64)),
        validation_auc: (number > 10).then(|| auc(0.994)),
        images: None,
    });
    tell(&mut app, [Message::Runs(RunsMessage::News(RunsNews::Compared(compared.into())))]);
    app
}

/// Figures of 624 test images and 521 validation images.
fn assessed() -> Assessed {
    let cases = |positives: usize, negatives: usize, gap: f64| -> Vec<metrics::Case> {
        let all = positives + negatives;
        let case = |patient: usize| {
            let truth = patient < positives;
            let spread = ((patient * 37 % 101) as f64 / 101.0 - 0.5) * 6.0;
            let kind = truth.then_some(if patient.is_multiple_of(3) { "viral" } else { "bacterial" });
            metrics::Case { margin: spread + if truth { gap } else { -gap }, truth, patient, kind }
        };
        (0..all).map(case).collect()
    };
    let terms = Terms { threshold: Threshold::HALF, temperature: Some(1.4), prevalence: None };
    let (test, validation) = (cases(390, 234, 2.1), cases(387, 134, 2.6));
    let (test, validation) = (Assessment::of(&test, terms), Assessment::of(&validation, terms));
    let alarms = vec![Alarm::SaturatedValidation { auc: 0.998 }];
    Assessed { test, validation, source: "youden on the run's 521 validation images".into(), looks: Some(4), alarms }
}

pub fn detail() -> Message {
    let steps = (1..=100).map(step).map(|step| StepPoint {
        step: step.step,
        epoch: step.epoch,
        batches: step.batches,
        loss: step.loss,
        accuracy: step.accuracy,
        images_per_second: step.images_per_second,
        seconds: step.seconds,
        learning_rate: step.learning_rate,
        processor: step.processor,
        memory: step.memory,
    });
    let run = run(5, RunState::Finished);
    let assessed = Some(Box::new(assessed()));
    let seeds = Some(Spread { runs: 3, mean: 0.735, sd: Some(0.03) });
    let epochs: Vec<EpochFigures> = (1..=5).map(epoch).collect();
    let marks = vec![Mark { value: Some(3e-4), ..Mark::now(30, MarkKind::Rate) }];
    let history = History::of(10, &steps.collect::<Vec<_>>(), &epochs);
    let history = History { marks, best_epoch: run.best_epoch, ..history };
    let detail = RunDetail { run, history, assessed, folds: Vec::new(), seeds };
    Message::Runs(RunsMessage::Detail { run_id: run_id(5), detail: Ok(Box::new(detail)) })
}

/// Five test images: right, wrong, right, wrong, not answered yet.
pub fn cases() -> Vec<Case> {
    let case = |file: &str, truth, logits| Case::new(format!("test/{file}"), truth, logits);
    vec![
        case("NORMAL/IM-0001-0001.jpeg", Class::Normal, Some([1.2, -0.9])),
        case("NORMAL/NORMAL2-IM-0288-0001.jpeg", Class::Normal, Some([-0.4, 0.5])),
        case("PNEUMONIA/person1_virus_6.jpeg", Class::Pneumonia, Some([-2.0, 2.5])),
        case("PNEUMONIA/person80_bacteria_393.jpeg", Class::Pneumonia, Some([0.3, 0.1])),
        case("PNEUMONIA/person100_bacteria_475.jpeg", Class::Pneumonia, None),
    ]
}

/// With data, runs, and a first test image on the screen.
pub fn inspecting() -> App {
    let mut app = with_runs();
    press(&mut app, KeyCode::Char('4'));
    let cases = found(&app, cases());
    tell(&mut app, [cases]);
    show_picture(&mut app);
    app
}

/// Test images that answer what Inspect has asked for.
pub fn found(app: &App, cases: Vec<Case>) -> Message {
    let found = Found { images: Images::default(), root: "data/chest_xray".into(), synthetic: false, cases };
    Message::Inspect(InspectMessage::Cases { request: app.inspect.request, found: Ok(found) })
}

pub fn show_picture(app: &mut App) {
    let generation = app.inspect.generation;
    tell(app, [Message::Inspect(InspectMessage::Picture { generation, picture: Ok(picture()) })]);
}

pub fn with_data() -> App {
    let mut app = empty();
    app.start();
    tell(&mut app, [summary(false)]);
    app
}

pub fn with_runs() -> App {
    let mut app = with_data();
    tell(&mut app, [runs()]);
    app
}

/// On Train, in the middle of a run.
pub fn training() -> App {
    let mut app = with_data();
    press(&mut app, KeyCode::Char('2'));
    press(&mut app, KeyCode::Char('s'));
    tell(&mut app, run_events());
    app
}

/// On Runs with the newest run open.
pub fn with_detail() -> App {
    let mut app = with_runs();
    press(&mut app, KeyCode::Char('3'));
    press(&mut app, KeyCode::Enter);
    tell(&mut app, [detail()]);
    app
}

/// A pipeline with tasks in these states; those that are done have recorded something, and so has a gate that said no.
pub fn pipeline(state: PipelineState, states: [TaskState; 5]) -> Message {
    let splits =
        serde_json::json!({"train": {"NORMAL": 1207, "PNEUMONIA": 3488}, "test": {"NORMAL": 234, "PNEUMONIA": 390}});
    let check = |name: &str, figure: f64, (bar, passed): (f64, bool)| {
        let interval = serde_json::json!({"low": figure - 0.02, "high": figure + 0.015});
        serde_json::json!({"name": name, "figure": figure, "interval": interval, "difference": null, "bar": bar, "passed": passed})
    };
    let mut against = check("accuracy_against_champion", 0.021, (0.05, false));
    (against["difference"], against["interval"]) =
        ((-0.031).into(), serde_json::json!({"low": -0.058, "high": -0.006}));
    let checks = vec![check("accuracy", 0.901, (0.9, true)), check("auc", 0.968, (0.97, false)), against];
    let record = |name| match name {
        TaskName::CheckData => serde_json::json!({"splits": splits}),
        TaskName::Train => serde_json::json!({"name": "pipeline-3", "best_epoch": 7}),
        TaskName::Evaluate => serde_json::json!({"accuracy": {"value": 0.901}, "auc": {"value": 0.968}}),
        TaskName::Gate => serde_json::json!({"passed": false, "checks": checks}),
        TaskName::Promote => serde_json::json!({"model_version": 4}),
    };
    let task = |(name, state): (TaskName, TaskState)| {
        let is_over = matches!(state, TaskState::Done | TaskState::Refused);
        Task {
            name,
            state,
            attempts: u32::from(!matches!(state, TaskState::Waiting | TaskState::Skipped)),
            seconds: if is_over { 12.5 * f64::from(name as u8) + 0.4 } else { 0.0 },
            started_at: None,
            ended_at: None,
            record: is_over.then(|| record(name)),
            problem: (state == TaskState::Failed).then(|| "cannot write runs.db: the disk is full".into()),
        }
    };
    let pipeline = Pipeline {
        id: 3,
        name: "pipeline-3".into(),
        settings: serde_json::Value::Null,
        data: PathBuf::from("/data/chest_xray"),
        data_hash: None,
        state,
        run_id: Some(run_id(4)),
        started_at: "2026-11-06T09:30:00.000Z".into(),
        ended_at: None,
        tasks: TaskName::ALL.into_iter().zip(states).map(task).collect(),
    };
    Message::Train(TrainMessage::Pipeline(Ok(Some(Box::new(pipeline)))))
}
