//! What a run is at MLflow: parameters, tags, points of metrics and a data set, from its rows alone.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::clock::{milliseconds, thousandths};
use super::material::Material;
use crate::dataset::{Class, Split};
use crate::metrics::ranking::Ranking;
use crate::metrics::{EpochFigures, Figures, Spread};
use crate::session::manifest::{Listed, Manifest};
use crate::store::{Answer, MarkKind, Run, RunState, StepPoint, cases};

/// What the names of our own tags begin with.
pub const PREFIX: &str = "xray_tui.";

/// The tag that a run is found by.
pub const RUN_ID: &str = "xray_tui.run_id";

/// The tag of a fold's cross-validation.
pub const PARENT: &str = "xray_tui.parent";

/// Letters of a parameter's value at most.
const LONGEST_PARAM: usize = 6000;

/// Letters of a tag's value at most; older servers cut at less, and say so.
const LONGEST_TAG: usize = 5000;

/// Letters of a data set's digest at most.
const LONGEST_DIGEST: usize = 36;

/// One point of a metric.
#[derive(Debug, Clone, PartialEq)]
pub struct Point {
    pub key: &'static str,
    pub value: f64,
    /// Milliseconds since 1970.
    pub timestamp: i64,
    /// Optimizer steps that were done.
    pub step: i64,
}

impl Point {
    /// As the server takes it: what is no number has a name.
    #[must_use]
    pub fn json(&self) -> Value {
        json!({"key": self.key, "value": number(self.value), "timestamp": self.timestamp, "step": self.step})
    }
}

fn number(value: f64) -> Value {
    match value {
        value if value.is_nan() => json!("NaN"),
        f64::INFINITY => json!("Infinity"),
        f64::NEG_INFINITY => json!("-Infinity"),
        value => json!(value),
    }
}

/// MLflow's word for how a run stands.
#[must_use]
pub const fn status(state: RunState) -> &'static str {
    match state {
        RunState::Running => "RUNNING",
        RunState::Finished => "FINISHED",
        RunState::Stopped => "KILLED",
        RunState::Failed | RunState::Crashed => "FAILED",
    }
}

/// The settings, one key a setting: `augmentation.rotation_degrees`. Of the images that were left out it is their number.
#[must_use]
pub fn params(run: &Run) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    flatten("", &run.started.config, &mut found);
    if let Some(list) = run.started.config["excluded"].as_array() {
        found.insert("excluded".into(), list.len().to_string());
    }
    found
}

fn flatten(key: &str, value: &Value, found: &mut BTreeMap<String, String>) {
    match value {
        Value::Object(fields) => {
            for (name, value) in fields {
                let inner = if key.is_empty() { name.clone() } else { format!("{key}.{name}") };
                flatten(&inner, value, found);
            }
        }
        Value::Null => drop(found.insert(key.to_owned(), "none".into())),
        Value::String(text) => drop(found.insert(key.to_owned(), cut(text, LONGEST_PARAM))),
        other => drop(found.insert(key.to_owned(), cut(&other.to_string(), LONGEST_PARAM))),
    }
}

fn cut(text: &str, most: usize) -> String {
    text.chars().take(most).collect()
}

/// What is said of a run; `user` is who trained it, as far as that is known.
#[must_use]
pub fn tags(material: &Material, user: Option<&str>) -> BTreeMap<String, String> {
    let (run, started) = (&material.run, &material.run.started);
    let mut found: BTreeMap<String, String> = [
        (RUN_ID, started.id.clone()),
        ("mlflow.runName", started.name.clone()),
        ("mlflow.source.name", "xray-tui".into()),
        ("mlflow.source.type", "LOCAL".into()),
        ("xray_tui.use", "research use only, not for clinical use".into()),
        ("xray_tui.state", run.state.name().into()),
        ("xray_tui.data_hash", started.data_hash.clone()),
        ("xray_tui.split_hash", started.split_hash.clone()),
        ("xray_tui.seed", started.seed.to_string()),
        ("xray_tui.device", started.device.clone()),
        ("xray_tui.synthetic", started.synthetic.to_string()),
    ]
    .map(|(key, value)| (key.to_owned(), value))
    .into();
    let mut add = |key: &str, value: Option<String>| {
        found.extend(value.map(|value| (key.to_owned(), cut(&value, LONGEST_TAG))));
    };
    add("mlflow.user", user.map(str::to_owned));
    add("mlflow.source.git.commit", started.git_commit.clone());
    add("xray_tui.git_dirty", started.git_dirty.map(|dirty| dirty.to_string()));
    add("mlflow.note.content", run.note.clone());
    add("xray_tui.problem", run.problem.clone());
    add("xray_tui.weights_sha256", run.weights.clone());
    add("xray_tui.manifest", started.manifest.clone());
    add(PARENT, started.parent.clone());
    add("xray_tui.resumed_after_steps", resumptions(material));
    let versions = started.versions.as_object().into_iter().flatten();
    for (name, version) in versions {
        let version = version.as_str().map_or_else(|| version.to_string(), str::to_owned);
        found.insert(format!("xray_tui.version.{}", safe(name)), cut(&version, LONGEST_TAG));
    }
    found.extend(run.tags.iter().map(|tag| (format!("xray_tui.tag.{}", safe(tag)), "true".to_owned())));
    found
}

/// What a key of MLflow's cannot hold is a dash.
fn safe(name: &str) -> String {
    let is_fine = |letter: char| letter.is_alphanumeric() || "_-. ".contains(letter);
    let name: String = name.chars().map(|letter| if is_fine(letter) { letter } else { '-' }).collect();
    cut(&name, 200)
}

fn resumptions(material: &Material) -> Option<String> {
    let resumed = material.marks.iter().filter(|mark| mark.kind == MarkKind::Resume);
    let steps: Vec<String> = resumed.map(|mark| mark.step.to_string()).collect();
    (!steps.is_empty()).then(|| steps.join(", "))
}

/// Every point of every metric that the rows give, by step.
#[must_use]
pub fn points(material: &Material) -> Vec<Point> {
    let mut points: Vec<Point> = material.steps.iter().flat_map(|step| of_step(material, step)).collect();
    points.extend(material.epochs.iter().flat_map(|epoch| of_epoch(material, epoch)));
    if material.run.state == RunState::Finished {
        points.extend(of_end(material));
    }
    points.sort_by_key(|point| point.step);
    points
}

fn whole(count: usize) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

fn of_step(material: &Material, step: &StepPoint) -> Vec<Point> {
    #[expect(clippy::cast_precision_loss, reason = "bytes of memory stay far below 2^53")]
    let memory = step.memory.map(|bytes| bytes as f64 / 1e6);
    let values = [
        ("batch_loss", Some(step.loss)),
        ("batch_accuracy", Some(step.accuracy)),
        ("learning_rate", step.learning_rate),
        ("images_per_second", Some(step.images_per_second)),
        ("system/process_cores", step.processor),
        ("system/process_memory_megabytes", memory),
    ];
    at((material.clock.at(step), whole(step.step)), values)
}

/// The points of what has a value.
fn at<const N: usize>((timestamp, step): (i64, i64), values: [(&'static str, Option<f64>); N]) -> Vec<Point> {
    let point = |(key, value): (&'static str, Option<f64>)| Some(Point { key, value: value?, timestamp, step });
    values.into_iter().filter_map(point).collect()
}

/// The steps that were done when an epoch was: in a run without steps the epoch stands for them.
fn end_of(material: &Material, epoch: usize) -> i64 {
    whole(epoch * material.batches.max(1))
}

/// At its last step.
fn of_epoch(material: &Material, epoch: &EpochFigures) -> Vec<Point> {
    let (train, validation) = (&epoch.train, &epoch.validation);
    let values = [
        ("train_loss", train.loss),
        ("train_accuracy", train.confusion.accuracy()),
        ("train_precision", train.confusion.precision()),
        ("train_recall", train.confusion.recall()),
        ("train_f1", train.confusion.f1()),
        ("val_loss", validation.loss),
        ("val_accuracy", validation.confusion.accuracy()),
        ("val_precision", validation.confusion.precision()),
        ("val_recall", validation.confusion.recall()),
        ("val_specificity", validation.confusion.specificity()),
        ("val_f1", validation.confusion.f1()),
        ("val_shifted_auc", epoch.harder_auc()),
        ("val_shifted_loss", epoch.shifted.and_then(|shifted| shifted.loss)),
        ("epoch_seconds", Some(epoch.seconds)),
    ];
    at((time_of(material, epoch), end_of(material, epoch.epoch)), values)
}

/// When an epoch's validation was over: as many seconds after its session began as the session's epochs took. One that an
/// earlier session began counts whole, so it may be late by what was done of it there.
fn time_of(material: &Material, epoch: &EpochFigures) -> i64 {
    let end = |epoch: usize| usize::try_from(end_of(material, epoch)).unwrap_or(usize::MAX);
    let (after, began) = material.clock.session(end(epoch.epoch));
    let of_session = |other: &&EpochFigures| other.epoch <= epoch.epoch && end(other.epoch) > after;
    began + thousandths(material.epochs.iter().filter(of_session).map(|other| other.seconds).sum())
}

/// What a finished run scores.
fn of_end(material: &Material) -> Vec<Point> {
    let run = &material.run;
    let time = run.ended_at.as_deref().map_or(0, milliseconds);
    let step = end_of(material, run.epochs_done);
    if run.folds().is_some() {
        return of_folds((time, 0), &material.folds);
    }
    let mut points = at(
        (time, step),
        [
            ("best_epoch", run.best_epoch.map(count)),
            ("best_val_accuracy", run.best_val_accuracy),
            ("best_val_auc", auc(&material.validation)),
            ("threshold", run.operating.map(|point| point.threshold.probability())),
            ("temperature", run.operating.and_then(|point| point.temperature)),
            ("run_seconds", Some(run.seconds)),
            ("test_auc", auc(&material.test)),
        ],
    );
    points.extend(run.test.iter().flat_map(|test| of_test((time, step), test)));
    points
}

#[expect(clippy::cast_precision_loss, reason = "epochs and images stay far below 2^53")]
const fn count(value: usize) -> f64 {
    value as f64
}

fn of_test(when: (i64, i64), test: &Figures) -> Vec<Point> {
    let confusion = &test.confusion;
    let images = |images: u64| usize::try_from(images).ok().map(count);
    at(
        when,
        [
            ("test_loss", test.loss),
            ("test_accuracy", confusion.accuracy()),
            ("test_precision", confusion.precision()),
            ("test_recall", confusion.recall()),
            ("test_specificity", confusion.specificity()),
            ("test_f1", confusion.f1()),
            ("test_tn", images(confusion.tn)),
            ("test_fp", images(confusion.fp)),
            ("test_fn", images(confusion.fn_)),
            ("test_tp", images(confusion.tp)),
        ],
    )
}

/// Mean and deviation over the parts of a cross-validation.
fn of_folds(when: (i64, i64), folds: &[Run]) -> Vec<Point> {
    let accuracy = |run: &Run| run.test.and_then(|test| test.confusion.accuracy());
    let spread = Spread::of(folds.iter().map(accuracy));
    let [mean, sd] = [spread.map(|spread| spread.mean), spread.and_then(|spread| spread.sd)];
    at(when, [("folds", Some(count(folds.len()))), ("test_accuracy", mean), ("test_accuracy_sd", sd)])
}

fn auc(answers: &[Answer]) -> Option<f64> {
    Ranking::of(&cases(answers)).and_then(|ranking| ranking.auc())
}

/// The points that a server does not have, which has points of a metric up to the step that `last` answers.
#[must_use]
pub fn due(points: Vec<Point>, last: impl Fn(&str) -> Option<i64>) -> Vec<Point> {
    points.into_iter().filter(|point| last(point.key).is_none_or(|last| last < point.step)).collect()
}

/// The points in requests of `most` at most, none of which ends within a step: what the server takes whole, it has whole.
#[must_use]
pub fn batches(points: &[Point], most: usize) -> Vec<&[Point]> {
    let mut batches = Vec::new();
    let mut rest = points;
    while !rest.is_empty() {
        let fits = most.min(rest.len());
        let is_between = |&end: &usize| rest.get(end).is_none_or(|next| next.step != rest[end - 1].step);
        let (batch, behind) = rest.split_at((1..=fits).rev().find(is_between).unwrap_or(fits));
        batches.push(batch);
        rest = behind;
    }
    batches
}

/// The data set that a run was trained on, as an input; what is known of its images by split and class is its profile.
#[must_use]
pub fn dataset(run: &Run, manifest: Option<&Manifest>) -> Value {
    let started = &run.started;
    let name = started.data.file_name().map_or_else(|| "data".into(), |name| name.to_string_lossy().into_owned());
    let profile = json!({"split_hash": started.split_hash, "images": manifest.map(counts)});
    let schema = json!({"inputs": "grey images", "outputs": Class::ALL.map(Class::name)});
    json!({
        "tags": [{"key": "mlflow.data.context", "value": "training"}],
        "dataset": {
            "name": name,
            "digest": cut(&started.data_hash, LONGEST_DIGEST),
            "source_type": "local",
            "source": json!({"uri": started.data.to_string_lossy()}).to_string(),
            "schema": schema.to_string(),
            "profile": profile.to_string(),
        },
    })
}

/// Images and patients by split, and the images of each class.
fn counts(manifest: &Manifest) -> Value {
    let of = |split: Split| {
        let listed: Vec<&Listed> = manifest.0.iter().filter(|image| split == image.split).collect();
        let patients: std::collections::BTreeSet<&str> = listed.iter().map(|image| image.patient.as_str()).collect();
        let has = |image: &Listed, class: Class| {
            image.file.split('/').rev().skip(1).any(|part| part.eq_ignore_ascii_case(class.name()))
        };
        let mut value = json!({"images": listed.len(), "patients": patients.len()});
        for class in Class::ALL {
            value[class.name()] = json!(listed.iter().filter(|image| has(image, class)).count());
        }
        (split.name().to_owned(), value)
    };
    Value::Object(Split::ALL.into_iter().map(of).collect())
}

#[cfg(test)]
mod tests;
