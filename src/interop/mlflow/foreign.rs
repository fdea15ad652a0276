//! Runs of other programs, as far as their figures mean the same here.
//!
//! Losses by epoch and the best validation accuracy are taken where a metric has one of the usual names. Counts of images
//! cannot be made again from shares, so the rest stays as words in the run's note.

use serde_json::{Map, Value, json};

use super::Target;
use super::remote::{Remote, whole};
use crate::dataset::hash::md5_hex;
use crate::error::Result;
use crate::metrics::{EpochFigures, Figures};
use crate::store::{NewRun, Record, Run, RunState};

const TRAIN_LOSS: [&str; 5] = ["train_loss", "train/loss", "training_loss", "loss", "train_loss_epoch"];
const VAL_LOSS: [&str; 6] = ["val_loss", "val/loss", "valid_loss", "validation_loss", "eval_loss", "eval/loss"];
const VAL_ACCURACY: [&str; 7] =
    ["val_accuracy", "val_acc", "val/accuracy", "val/acc", "valid_acc", "validation_accuracy", "eval_accuracy"];

/// Letters of a note at most.
const LONGEST_NOTE: usize = 2000;

/// The settings that mean the same here, by the names that others give them.
const SETTINGS: [(&str, &[&str]); 4] = [
    ("epochs", &["epochs", "max_epochs", "num_epochs", "n_epochs", "num_train_epochs"]),
    ("batch_size", &["batch_size", "per_device_train_batch_size"]),
    ("learning_rate", &["learning_rate", "lr", "optimizer.lr"]),
    ("seed", &["seed", "random_state"]),
];

/// The run as this program can show it.
///
/// # Errors
/// `Remote` or `Unreachable` where the server refuses or is out of reach.
pub fn record(target: &Target, there: &Remote) -> Result<Record> {
    let value = target.server.get("runs/get", &[("run_id", &there.id)])?;
    let info = &value["run"]["info"];
    let history = |names: &[&str]| match names.iter().find(|name| there.last.contains_key(**name)) {
        Some(name) => history(target, &there.id, name),
        None => Ok(Vec::new()),
    };
    let (train, validation, accuracy) = (history(&TRAIN_LOSS)?, history(&VAL_LOSS)?, history(&VAL_ACCURACY)?);
    let epochs = epochs(&train, &validation);
    let best = accuracy.iter().map(|(_, value)| *value).filter(|value| value.is_finite()).reduce(f64::max);
    let place = best.and_then(|best| accuracy.iter().position(|(_, value)| *value >= best));
    let (start, end) = (whole(&info["start_time"]).unwrap_or(0), there.end_time);
    #[expect(clippy::cast_precision_loss, reason = "milliseconds of a run stay far below 2^53")]
    let seconds = end.map_or(0.0, |end| end.saturating_sub(start).max(0) as f64 / 1000.0);
    let run = Run {
        started: started(target.server.base(), there, info["run_name"].as_str().unwrap_or(&there.id)),
        started_at: time(start),
        ended_at: Some(time(end.unwrap_or(start))),
        state: state(&there.status),
        problem: None,
        seconds,
        images_per_second: None,
        epochs_done: epochs.len(),
        best_epoch: None,
        best_val_accuracy: best.filter(|best| place.is_some() && (0.0..=1.0).contains(best)),
        test: None,
        operating: None,
        checks: None,
        weights: None,
        closing: None,
        note: Some(note(there, &value)),
        tags: Vec::new(),
        starred: false,
        trashed_at: None,
    };
    Ok(Record { run, epochs, steps: Vec::new(), marks: Vec::new(), answers: Vec::new(), manifest: None })
}

/// All points of a metric by step; of several at one step the last.
fn history(target: &Target, remote_id: &str, key: &str) -> Result<Vec<(i64, f64)>> {
    let (mut points, mut token) = (std::collections::BTreeMap::new(), String::new());
    loop {
        let mut query = vec![("run_id", remote_id), ("metric_key", key), ("max_results", "5000")];
        if !token.is_empty() {
            query.push(("page_token", &token));
        }
        let value = target.server.get("metrics/get-history", &query)?;
        let metrics = value["metrics"].as_array().into_iter().flatten();
        points.extend(metrics.map(|metric| (whole(&metric["step"]).unwrap_or(0), number(&metric["value"]))));
        match value["next_page_token"].as_str() {
            Some(next) if !next.is_empty() => next.clone_into(&mut token),
            _ => return Ok(points.into_iter().collect()),
        }
    }
}

fn number(value: &Value) -> f64 {
    value.as_f64().or_else(|| value.as_str()?.parse().ok()).unwrap_or(f64::NAN)
}

/// One epoch for each point of the validation loss or, without one, of the training loss. A training loss that has more
/// points counts at the epochs' ends.
fn epochs(train: &[(i64, f64)], validation: &[(i64, f64)]) -> Vec<EpochFigures> {
    let ends = if validation.is_empty() { train } else { validation };
    let finite = |value: Option<f64>| value.filter(|value| value.is_finite());
    let last = |points: &[(i64, f64)], end: i64| points.iter().rfind(|(step, _)| *step <= end).map(|(_, value)| *value);
    let figures = |loss| Figures { loss: finite(loss), ..Figures::default() };
    let at = |(place, (end, _)): (usize, &(i64, f64))| EpochFigures {
        epoch: place + 1,
        train: figures(last(train, *end)),
        validation: figures(validation.get(place).map(|(_, value)| *value)),
        seconds: 0.0,
        shifted: None,
        weights: None,
    };
    ends.iter().enumerate().map(at).collect()
}

fn state(status: &str) -> RunState {
    match status {
        "FINISHED" => RunState::Finished,
        "KILLED" => RunState::Stopped,
        "FAILED" => RunState::Failed,
        _ => RunState::Running,
    }
}

fn time(milliseconds: i64) -> String {
    format!("{:.3}", jiff::Timestamp::from_millisecond(milliseconds).unwrap_or_default())
}

/// The id here of a run there: the same each time, and another one for each server.
fn local_id(uri: &str, remote_id: &str) -> String {
    md5_hex(format!("{uri} {remote_id}").as_bytes()).chars().take(12).collect()
}

fn started(uri: &str, there: &Remote, name: &str) -> NewRun {
    let digest = there.inputs.first().cloned().unwrap_or_default();
    NewRun {
        id: local_id(uri, &there.id),
        name: name.to_owned(),
        data: NewRun::ELSEWHERE.into(),
        synthetic: false,
        config: config(there),
        seed: there.params.get("seed").and_then(|seed| seed.parse().ok()).unwrap_or(0),
        git_commit: there.tags.get("mlflow.source.git.commit").cloned(),
        git_dirty: None,
        data_hash: digest,
        split_hash: String::new(),
        device: NewRun::ELSEWHERE.into(),
        versions: json!({}),
        parent: None,
        provenance: None,
        manifest: None,
    }
}

/// Its parameters; those that mean the same here under the names that they have here. The engine is another program, so
/// that nothing takes them for settings to train with.
fn config(there: &Remote) -> Value {
    let named = |names: &[&str]| names.iter().find_map(|name| there.params.get(*name)?.parse::<f64>().ok());
    let number = |value: f64| {
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "it is whole and in range")]
        if value.fract() == 0.0 && (0.0..1e15).contains(&value) { json!(value as u64) } else { json!(value) }
    };
    let mut config: Map<String, Value> =
        SETTINGS.iter().filter_map(|(key, names)| Some(((*key).to_owned(), number(named(names)?)))).collect();
    config.insert("engine".into(), json!(NewRun::ELSEWHERE));
    config.insert("mlflow".into(), json!(there.params));
    Value::Object(config)
}

/// Where it comes from, and the last value of every metric.
fn note(there: &Remote, value: &Value) -> String {
    let metrics = value["run"]["data"]["metrics"].as_array().into_iter().flatten();
    let last =
        metrics.map(|metric| format!("{} {}", metric["key"].as_str().unwrap_or_default(), number(&metric["value"])));
    let text = format!(
        "from MLflow, run {}, by another program; last values: {}",
        there.id,
        last.collect::<Vec<_>>().join(", ")
    );
    text.chars().take(LONGEST_NOTE).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn epochs_are_the_points_of_the_validation_loss() {
        let train: Vec<(i64, f64)> =
            (1..=8).map(|step| (step, 1.0 / f64::from(i32::try_from(step).unwrap()))).collect();
        let epochs = epochs(&train, &[(4, 0.5), (8, f64::NAN)]);
        assert_eq!(epochs.len(), 2);
        assert_eq!((epochs[0].train.loss, epochs[0].validation.loss), (Some(0.25), Some(0.5)));
        assert_eq!((epochs[1].train.loss, epochs[1].validation.loss), (Some(0.125), None));
        assert_eq!(super::epochs(&train, &[]).len(), 8);
    }

    #[test]
    fn settings_of_others_get_our_names_and_are_none_to_train_with() {
        let params = [("lr", "0.01"), ("max_epochs", "5"), ("arch", "vit")].map(|(k, v)| (k.to_owned(), v.to_owned()));
        let there = Remote { params: params.into(), id: "ABCDEF0123456789".into(), ..Remote::default() };
        let config = config(&there);
        assert_eq!((&config["learning_rate"], &config["epochs"]), (&json!(0.01), &json!(5)));
        assert_eq!(config["mlflow"]["arch"], "vit");
        assert!(serde_json::from_value::<crate::train::TrainConfig>(config).is_err());
    }

    #[test]
    fn every_run_has_12_digits_of_its_own_whatever_its_id_there() {
        let id =
            |uri: &str, remote_id: &str| started(uri, &Remote { id: remote_id.into(), ..Remote::default() }, "x").id;
        let ids = [id("http://a", ""), id("http://a", "zzz"), id("http://a", "../.."), id("http://b", "zzz")];
        assert!(ids.iter().all(|id| id.len() == 12 && id.bytes().all(|byte| b"0123456789abcdef".contains(&byte))));
        assert_eq!(ids.iter().collect::<std::collections::BTreeSet<_>>().len(), 4);
        assert_eq!(id("http://a", "zzz"), ids[1]);
    }
}
