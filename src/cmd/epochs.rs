//! `xray-tui eval --every-epoch`: what the kept weights of each epoch score. It is to be looked at, and selects nothing.

use std::ops::ControlFlow;
use std::path::Path;
use std::process::ExitCode;

use serde_json::{Value, json};

use super::Output;
use super::assessment::interval_json;
use crate::dataset::Split;
use crate::error::Error;
use crate::metrics::assessment::Terms;
use crate::metrics::{Assessment, Measure};
use crate::session::{LoadedData, Workplace, config_of, digest};
use crate::store::{Answer, EpochScore, Run, Store, cases};
use crate::train::checkpoint;
use crate::train::evaluate::answer;
use crate::units::{range, share};

const SAYING: &str = "computed afterwards; it selects nothing: epoch and threshold come from the validation images";

pub fn run(
    store: &Store,
    run: &Run,
    (split, named): (Split, Option<&Path>),
    (place, out): (&Workplace, Output),
) -> anyhow::Result<ExitCode> {
    let kept = kept_epochs(store, run)?;
    let known = store.epoch_scores(&run.started.id, split)?;
    let missing: Vec<usize> =
        kept.iter().copied().filter(|epoch| known.iter().all(|score| score.epoch != *epoch)).collect();
    if !missing.is_empty() {
        score(store, run, (split, named, &missing), (place, out))?;
    }
    let scores = store.epoch_scores(&run.started.id, split)?;
    let looks = if split == Split::Test { store.looks(&run.started.id)? } else { None };
    let value = json!({
        "run_id": run.started.id,
        "split": split.name(),
        "threshold": run.threshold().probability(),
        "best_epoch": run.best_epoch,
        "epochs": scores.iter().map(json_of).collect::<Vec<_>>(),
        "selects": Value::Null,
        "note": SAYING,
        "test_looks": looks,
    });
    out.answer(&value, || text(run, split, &scores))?;
    Ok(ExitCode::SUCCESS)
}

fn kept_epochs(store: &Store, run: &Run) -> Result<Vec<usize>, Error> {
    let folder = store.run_folder(&run.started.id);
    let kept: Vec<usize> =
        (1..=run.epochs_done).filter(|&epoch| checkpoint::epoch_path(&folder, epoch).exists()).collect();
    let known = !store.epoch_scores(&run.started.id, Split::Test)?.is_empty();
    if kept.is_empty() && !known {
        let problem = "kept no weights but the best epoch's: `xray-tui train --keep-epochs` keeps all".into();
        return Err(Error::Run { run: run.started.name.clone(), problem });
    }
    Ok(kept)
}

/// Asks the weights of these epochs and keeps what they score. Each is a look at the images.
fn score(
    store: &Store,
    run: &Run,
    (split, named, epochs): (Split, Option<&Path>, &[usize]),
    (place, out): (&Workplace, Output),
) -> anyhow::Result<()> {
    let config = config_of(run)?;
    let place = Workplace { data: named.unwrap_or(&run.started.data).to_owned(), ..place.clone() };
    let data = LoadedData::open(&place, config.image_size, &mut out.counting("decoding"))?;
    if data.hash()?.id != run.started.data_hash {
        let problem = "is not the data set that the run was trained on: name that with --data".into();
        return Err(Error::BadDataSet { dir: data.dataset.root, problem }.into());
    }
    let splits = data.splits(&config);
    let images = splits.of(split);
    let terms = Terms { threshold: run.threshold(), temperature: None, prevalence: None };
    for &epoch in epochs {
        out.progress(&format!("epoch {epoch}: {} {} images", images.len(), split.name()));
        let path = checkpoint::epoch_path(&store.run_folder(&run.started.id), epoch);
        let (_, network) = checkpoint::load_weights(&path, config.engine)?;
        let answered = answer(&network, (&data.dataset, &data.cache), images, &mut |_| ControlFlow::Continue(()))?;
        let of_image = |answered: &crate::train::Answered| {
            let image = &data.dataset.images[answered.image];
            Answer { split, file: image.file.clone(), truth: image.class, logits: answered.logits }
        };
        let answers: Vec<Answer> = answered.iter().map(of_image).collect();
        let assessed = Assessment::quick(&cases(&answers), terms);
        if split == Split::Test {
            store.add_look(&run.started.id, &digest(&data.dataset, &data.cache, images))?;
        }
        let made = EpochScore { epoch, confusion: assessed.confusion, auc: assessed.auc };
        store.add_epoch_score(&run.started.id, split, &made)?;
    }
    Ok(())
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
        let interval = score.auc.and_then(|auc| auc.interval).map_or_else(String::new, |i| range(i.low, i.high));
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
