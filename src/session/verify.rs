//! Makes every stored figure of a run again from its stored answers, and compares.

use std::path::Path;

use serde::Serialize;
use serde_json::{Value, json};

use super::{closing, config_of, manifest::Manifest, provenance};
use crate::dataset::shift::WAYS_AN_IMAGE;
use crate::dataset::{Probe, Split};
use crate::error::Result;
use crate::metrics::rank::best_epoch;
use crate::metrics::{EpochFigures, Fingerprint, Threshold};
use crate::store::{Answer, Run, RunState, Store, decide, score, score_harder};
use crate::train::checkpoint;

/// Two figures are the same where they differ by no more than this share: another machine's logarithm may end otherwise.
const ROUNDING: f64 = 1e-12;

/// What was looked at, and what is not as it is stored.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
pub struct Verification {
    pub checked: usize,
    pub differences: Vec<Difference>,
}

/// Something that is stored otherwise than it ought to be.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Difference {
    pub what: String,
    pub stored: Value,
    pub found: Value,
}

impl Verification {
    fn compare(&mut self, what: &str, stored: Value, found: Value) {
        self.checked += 1;
        if !same(&stored, &found) {
            self.differences.push(Difference { what: what.to_owned(), stored, found });
        }
    }
}

/// Whether two values are the same, numbers but for rounding.
fn same(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Array(a), Value::Array(b)) => a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(a, b)),
        (Value::Object(a), Value::Object(b)) => {
            a.len() == b.len() && a.iter().all(|(key, value)| b.get(key).is_some_and(|other| same(value, other)))
        }
        (Value::Number(x), Value::Number(y)) => {
            x == y || x.as_f64().zip(y.as_f64()).is_some_and(|(x, y)| (x - y).abs() <= ROUNDING * x.abs().max(y.abs()))
        }
        _ => a == b,
    }
}

/// Looks at everything that is stored of a run.
///
/// # Errors
/// `Store` where the file cannot be read.
pub fn verify(store: &Store, run: &Run) -> Result<Verification> {
    let mut seen = Verification::default();
    let id = &run.started.id;
    let kept = Kept {
        validation: store.answers(id, Split::Validation)?,
        harder: store.answers(id, Probe::Harder)?,
        test: store.answers(id, Split::Test)?,
        epochs: store.epochs(id)?,
    };
    record(run, &mut seen);
    if let Some(closing) = expected_closing(run) {
        let found = closing::fingerprint(store, run)?;
        seen.compare("all that was stored when it finished", json!(closing), json!(found));
    }
    // What another program has computed is made again from nothing that is here.
    if !run.started.is_foreign() {
        figures(run, &kept, &mut seen);
    }
    images(store, (run, &kept), &mut seen)?;
    weights(&store.run_folder(id), (run, &kept.epochs), &mut seen);
    later_scores(store, (run, &kept.test), &mut seen)?;
    Ok(seen)
}

/// What a finished run must have; a run of a program that wrote no seals has none.
fn expected_closing(run: &Run) -> Option<String> {
    let must =
        run.state == RunState::Finished && run.folds().is_none() && provenance::is_intact(&run.started).is_some();
    run.closing.clone().or_else(|| must.then(|| "a fingerprint, which is gone".to_owned()))
}

fn record(run: &Run, seen: &mut Verification) {
    let Some(intact) = provenance::is_intact(&run.started) else { return };
    let found = if intact { "whole" } else { "changed" };
    seen.compare("the record as it was written at the start", json!("whole"), json!(found));
    seen.compare("the seed among the settings", run.started.config["seed"].clone(), json!(run.started.seed));
}

/// What is stored of a run for its figures to be made again from.
struct Kept {
    validation: Vec<Answer>,
    harder: Vec<Answer>,
    test: Vec<Answer>,
    epochs: Vec<EpochFigures>,
}

impl Kept {
    fn of(&self, probe: Probe) -> &[Answer] {
        match probe {
            Probe::Plain(Split::Test) => &self.test,
            Probe::Plain(_) => &self.validation,
            Probe::Harder => &self.harder,
        }
    }
}

fn figures(run: &Run, kept: &Kept, seen: &mut Verification) {
    let Kept { validation, harder, test, epochs } = kept;
    let by = config_of(run).map(|config| config.choose_by).unwrap_or_default();
    let best = best_epoch(epochs, by);
    seen.compare("best_epoch", json!(run.best_epoch), json!(best.map(|best| best.epoch)));
    let accuracy = best.and_then(|best| best.validation.confusion.accuracy());
    seen.compare("best_val_accuracy", json!(run.best_val_accuracy), json!(accuracy));
    if let (Some(best), false) = (best, validation.is_empty()) {
        let found = score(validation, Threshold::HALF);
        seen.compare(&format!("validation figures of epoch {}", best.epoch), json!(best.validation), json!(found));
    }
    if let (Some((epoch, shifted)), false) =
        (best.and_then(|best| Some((best.epoch, best.shifted?))), harder.is_empty())
    {
        seen.compare(&format!("figures of harder images, epoch {epoch}"), json!(shifted), json!(score_harder(harder)));
    }
    // An older program kept no point; what is there is always looked at.
    let has_point = run.operating.is_some() || provenance::is_intact(&run.started).is_some();
    let is_done = run.state == RunState::Finished && run.folds().is_none();
    if let (true, Ok(config)) = (is_done && has_point, config_of(run)) {
        let found = decide(config.threshold, kept.of(config.decides_on()));
        seen.compare("threshold and temperature", json!(run.operating), json!(found));
    }
    // Where a run leaves the test images alone, `eval` may have asked them later.
    let asks_test = config_of(run).is_ok_and(|config| config.asks_test());
    if run.test.is_some() || (is_done && asks_test && !test.is_empty()) {
        seen.compare("test figures", json!(run.test), json!(score(test, run.threshold())));
    }
}

/// The list of images is the one it is filed under, and the answers are for its images.
fn images(store: &Store, (run, kept): (&Run, &Kept), seen: &mut Verification) -> Result<()> {
    let Some(digest) = &run.started.manifest else { return Ok(()) };
    let manifest = store.manifest(digest)?.and_then(|text| Manifest::parse(&text));
    let found = manifest.as_ref().map(Manifest::digest);
    seen.compare("the list of images", json!(digest), json!(found));
    for probe in Probe::KEPT {
        let mut answered: Vec<&str> = kept.of(probe).iter().map(|answer| answer.file.as_str()).collect();
        answered.sort_unstable();
        let times = if probe == Probe::Harder { WAYS_AN_IMAGE } else { 1 };
        if let (Some(manifest), false) = (&manifest, answered.is_empty()) {
            let images = manifest.0.iter().filter(|image| image.split == probe.split());
            let listed: Vec<&str> = images.flat_map(|image| std::iter::repeat_n(image.file.as_str(), times)).collect();
            seen.compare(&format!("the {} images that are answered", probe.name()), json!(listed), json!(answered));
        }
    }
    Ok(())
}

/// The files hold the weights that the run had: the best ones, and those of every epoch where they are kept.
fn weights(folder: &Path, (run, epochs): (&Run, &[EpochFigures]), seen: &mut Verification) {
    let of_best = epochs.iter().find(|epoch| Some(epoch.epoch) == run.best_epoch).and_then(|epoch| epoch.weights);
    if let (RunState::Finished, Some(of_best)) = (run.state, of_best) {
        seen.compare("the weights' fingerprint", json!(run.weights), json!(of_best));
    }
    let mut file = |path: &Path, stored: Fingerprint| {
        let found = match checkpoint::describe(path) {
            Ok((_, fingerprint)) => json!(fingerprint),
            Err(error) => json!(error.to_string()),
        };
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        seen.compare(&format!("the weights in {name}"), json!(stored), found);
    };
    if let Some(stored) = of_best {
        file(&checkpoint::best_path(folder), stored);
    }
    for epoch in epochs {
        let path = checkpoint::epoch_path(folder, epoch.epoch);
        if let Some(stored) = epoch.weights.filter(|_| path.exists()) {
            file(&path, stored);
        }
    }
}

/// Of the scores that were made afterwards, the best epoch's must be that of the kept answers.
fn later_scores(store: &Store, (run, test): (&Run, &[Answer]), seen: &mut Verification) -> Result<()> {
    let scores = store.epoch_scores(&run.started.id, Split::Test)?;
    if let (Some(score_of_best), false) = (scores.iter().find(|s| Some(s.epoch) == run.best_epoch), test.is_empty()) {
        let found = score(test, run.threshold()).confusion;
        seen.compare("the best epoch among the later scores", json!(score_of_best.confusion), json!(found));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_the_same_but_for_rounding_and_nothing_else_is() {
        assert!(same(&json!({"a": [0.1 + 0.2, null]}), &json!({"a": [0.3, null]})));
        assert!(!same(&json!(0.3), &json!(0.300_000_1)));
        assert!(!same(&json!({"a": 1}), &json!({"a": 1, "b": 2})));
        assert!(!same(&json!([1, 2]), &json!([1])));
        assert!(!same(&json!(null), &json!(0)));
    }
}
