//! `xray-tui runs show`: all that is known of one run.

use serde_json::{Value, json};

use super::seeds;
use crate::cmd::{Output, figures_json, figures_text, run_json};
use crate::dataset::version::{self, DataVersion};
use crate::metrics::EpochFigures;
use crate::metrics::alarm::Checks;
use crate::session::disk;
use crate::session::manifest::{Listed, Manifest};
use crate::store::{Mark, MarkKind, Run, Store};
use crate::units::{duration, share};

pub fn run(store: &Store, run: &Run, (images, out): (bool, Output)) -> anyhow::Result<()> {
    let epochs = store.epochs(&run.started.id)?;
    let mut value = run_json(run);
    value["epochs"] = epochs.iter().map(epoch_json).collect();
    value["test"] = run.test.as_ref().map_or(Value::Null, figures_json);
    value["git"] = json!({"commit": run.started.git_commit, "dirty": run.started.git_dirty});
    value["data_hash"] = json!(run.started.data_hash);
    value["split_hash"] = json!(run.started.split_hash);
    value["seed"] = json!(run.started.seed);
    value["device"] = json!(run.started.device);
    value["versions"] = run.started.versions.clone();
    value[version::KEY] = json!(DataVersion::of(run.started.provenance.as_ref()));
    value["provenance"] = json!(run.started.provenance);
    value["manifest"] = json!(run.started.manifest);
    value["weights_sha256"] = json!(run.weights);
    value["checks"] = json!(run.checks);
    value["disk_bytes"] = json!(disk::size_of(store, &run.started.id));
    let champion = store.champion()?.filter(|champion| champion.new.run_id == run.started.id);
    let version = store.version_of(&run.started.id)?;
    value["champion"] = json!(champion.is_some());
    value["model_version"] = json!(version);
    let origin = store.origin(&run.started.id)?;
    value["origin"] =
        origin.as_ref().map_or(Value::Null, |from| json!({"uri": from.uri, "mlflow_run_id": from.remote_id}));
    let marks = store.marks(&run.started.id)?;
    value["marks"] = json!(marks);
    if images {
        value["images"] = self::images(store, run)?;
    }
    let seeds = seeds::of(store, run)?;
    value["seeds"] = seeds.as_ref().map_or(Value::Null, |(value, _)| value.clone());
    if run.folds().is_some() {
        let (folds, words) = crate::cmd::cv::answer(store, run)?;
        for key in ["k", "folds", "mean", "sd"] {
            value[key] = folds[key].clone();
        }
        out.answer(&value, || words)?;
        return Ok(());
    }
    let crown = if champion.is_some() { ", the champion" } else { "" };
    let model = version.map(|version| format!("model     version {version}{crown}"));
    out.answer(&value, || text((run, &epochs), &marks, (model, seeds.map(|(_, words)| words))))?;
    Ok(())
}

/// The list of a run's images: what each is, and what it was used for.
fn images(store: &Store, run: &Run) -> anyhow::Result<Value> {
    let list = run.started.manifest.as_deref().map(|digest| store.manifest(digest)).transpose()?.flatten();
    let listed = list.as_deref().and_then(Manifest::parse).map(|list| list.0).unwrap_or_default();
    let image =
        |image: &Listed| json!({"file": image.file, "md5": image.md5, "patient": image.patient, "split": image.split});
    Ok(listed.iter().map(image).collect())
}

/// An epoch under the contract's names.
fn epoch_json(epoch: &EpochFigures) -> Value {
    let (train, validation) = (&epoch.train, &epoch.validation);
    json!({
        "epoch": epoch.epoch,
        "train_loss": train.loss,
        "train_accuracy": train.confusion.accuracy(),
        "val_loss": validation.loss,
        "val_accuracy": validation.confusion.accuracy(),
        "val_precision": validation.confusion.precision(),
        "val_recall": validation.confusion.recall(),
        "val_f1": validation.confusion.f1(),
        "val_shifted_auc": epoch.harder_auc(),
        "val_shifted_loss": epoch.shifted.and_then(|shifted| shifted.loss),
        "seconds": epoch.seconds,
        "weights_sha256": epoch.weights,
    })
}

/// `model` and `seeds` are lines that it may have besides.
fn text(
    (run, epochs): (&Run, &[EpochFigures]),
    marks: &[Mark],
    (model, seeds): (Option<String>, Option<String>),
) -> String {
    let mut lines = vec![
        format!(
            "{}  {}  {}{}",
            run.started.name,
            run.started.id,
            run.state.name(),
            if run.starred { "  ★" } else { "" }
        ),
        format!("started   {}   time {}", run.started_at, duration(run.seconds)),
        format!("data      {}  {}", run.started.data.display(), run.started.data_hash),
    ];
    let tracked = DataVersion::of(run.started.provenance.as_ref());
    lines.extend(tracked.map(|version| format!("tracked   {}", version.text())));
    lines.push(format!("config    {}", without_list(&run.started.config)));
    let left_out = run.started.config["excluded"].as_array();
    lines.extend(
        left_out
            .map(|list| format!("left out  {} marked images of train and val; those in validation stay", list.len())),
    );
    lines.extend(model);
    lines.extend((!run.tags.is_empty()).then(|| format!("tags      {}", run.tags.join(" "))));
    lines.extend(run.note.iter().map(|note| format!("note      {}", note.replace('\n', "\n          "))));
    lines.extend(marks.iter().map(mark));
    lines.extend(run.checks.iter().flat_map(Checks::alarms).map(|alarm| format!("! {alarm}")));
    lines.extend(run.problem.iter().map(|problem| format!("problem   {problem}")));
    lines.push(format!("{:>5}{:>12}{:>10}{:>10}{:>10}", "epoch", "train loss", "accuracy", "val loss", "accuracy"));
    lines.extend(epochs.iter().map(|epoch| {
        let (train, validation) = (&epoch.train, &epoch.validation);
        format!(
            "{:>5}{:>12}{:>10}{:>10}{:>10}{}",
            epoch.epoch,
            share(train.loss),
            share(train.confusion.accuracy()),
            share(validation.loss),
            share(validation.confusion.accuracy()),
            if Some(epoch.epoch) == run.best_epoch { "  best" } else { "" }
        )
    }));
    lines.extend(run.test.as_ref().map(|test| format!("\ntest\n{}", figures_text(test))));
    lines.extend(seeds.map(|words| format!("\n{words}")));
    lines.join("\n")
}

/// Settings without the images that were left out: there may be hundreds.
fn without_list(config: &Value) -> Value {
    let mut config = config.clone();
    if let Value::Object(settings) = &mut config {
        settings.remove("excluded");
    }
    config
}

fn mark(mark: &Mark) -> String {
    let what = match (mark.kind, mark.value) {
        (MarkKind::Rate, Some(rate)) => format!("learning rate {rate}"),
        (MarkKind::Finish, Some(epoch)) => format!("asked to stop after epoch {epoch}"),
        (MarkKind::Repeat, Some(1.0)) => "repeated, bit-identical".to_owned(),
        (MarkKind::Repeat, _) => "repeated, not the same".to_owned(),
        (MarkKind::Resume, _) => format!("resume, on {}", mark.note.as_deref().unwrap_or("–")),
        (kind, _) => kind.name().to_owned(),
    };
    format!("mark      {what} after step {}, {}", mark.step, mark.at)
}
