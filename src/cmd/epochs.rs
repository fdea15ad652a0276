//! `xray-tui eval --every-epoch`: what the kept weights of each epoch score. It is to be looked at, and selects nothing.

use std::path::Path;
use std::process::ExitCode;

use serde_json::{Value, json};

use super::Output;
use super::assessment::interval_json;
use crate::dataset::Split;
use crate::metrics::Measure;
use crate::session::{Workplace, epochs};
use crate::store::{EpochScore, Run, Store};
use crate::units::{self, share};

const SAYING: &str = "computed afterwards; it selects nothing: epoch and threshold come from the validation images";

pub fn run(
    store: &Store,
    run: &Run,
    (split, named): (Split, Option<&Path>),
    (place, out): (&Workplace, Output),
) -> anyhow::Result<ExitCode> {
    let place = Workplace { data: named.unwrap_or(&run.started.data).to_owned(), ..place.clone() };
    let scores = epochs::scores(store, run, (split, &place), &mut out.counting("epochs"))?;
    let gone: Vec<usize> =
        (1..=run.epochs_done).filter(|epoch| scores.iter().all(|score| score.epoch != *epoch)).collect();
    if !gone.is_empty() {
        out.progress(&format!("note: the weights of epochs {gone:?} are not there"));
    }
    let looks = if split == Split::Test { store.looks(&run.started.id)? } else { None };
    let value = json!({
        "run_id": run.started.id,
        "split": split.name(),
        "threshold": run.threshold().probability(),
        "best_epoch": run.best_epoch,
        "epochs": scores.iter().map(json_of).collect::<Vec<_>>(),
        "missing_epochs": gone,
        "note": SAYING,
        "test_looks": looks,
    });
    out.answer(&value, || text(run, split, &scores))?;
    Ok(ExitCode::SUCCESS)
}

fn json_of(score: &EpochScore) -> Value {
    let mut value = json!({
        "epoch": score.epoch,
        "auc": score.auc.map(|auc| auc.value),
        "auc_ci": interval_json(score.auc.and_then(|auc| auc.interval)),
    });
    for measure in Measure::ALL {
        let estimate = score.confusion.estimate(measure);
        value[measure.key()] = json!(estimate.map(|estimate| estimate.value));
        value[format!("{}_ci", measure.key())] = interval_json(estimate.and_then(|estimate| estimate.interval));
    }
    value
}

fn text(run: &Run, split: Split, scores: &[EpochScore]) -> String {
    let mut lines = vec![
        format!("{} on {} images, epoch by epoch", run.started.name, split.name()),
        SAYING.to_owned(),
        format!(
            "{:>5}{:>8}   {:<15}{:>10}{:>13}{:>13}",
            "epoch", "AUC", "95 %", "accuracy", "sensitivity", "specificity"
        ),
    ];
    lines.extend(scores.iter().map(|score| {
        let interval =
            score.auc.and_then(|auc| auc.interval).map_or_else(String::new, |i| units::interval(i.low, i.high));
        let auc = share(score.auc.map(|auc| auc.value));
        let c = score.confusion;
        format!(
            "{:>5}{auc:>8}   {interval:<15}{:>10}{:>13}{:>13}{}",
            score.epoch,
            share(c.accuracy()),
            share(c.recall()),
            share(c.specificity()),
            if Some(score.epoch) == run.best_epoch { "  chosen on validation" } else { "" }
        )
    }));
    lines.join("\n")
}
