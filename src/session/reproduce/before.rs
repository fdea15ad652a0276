//! What was changed since a run, and what is otherwise on this machine: looked at before anything is trained.

use std::ops::ControlFlow;
use std::path::Path;

use serde_json::{Value, json};

use super::{Change, Difference};
use crate::dataset::Dataset;
use crate::dataset::cache::Progress;
use crate::dataset::hash::file_md5;
use crate::error::{Error, Result};
use crate::metrics::Fingerprint;
use crate::session::manifest::Manifest;
use crate::session::original::Original;
use crate::session::provenance::{self, Provenance, fingerprint};
use crate::session::{LoadedData, Workplace, config_of};
use crate::train::{TrainConfig, checkpoint};

fn before(what: impl Into<String>, was: Value, is: Value) -> Difference {
    Difference::new("before training", what, (was, is))
}

/// The first thing that was changed since the run; a seed, say.
///
/// # Errors
/// Where something cannot be read at all.
pub fn tampered(
    original: &Original,
    place: &Workplace,
    watch: &mut dyn FnMut(Progress) -> ControlFlow<()>,
) -> Result<Option<Difference>> {
    let kept = if original.best_path().exists() { Some(checkpoint::describe(&original.best_path())?) } else { None };
    let found = record(original, kept.as_ref().map(|(identity, _)| identity))?;
    if found.is_some() {
        return Ok(found);
    }
    match weights(original, kept.map(|(_, weights)| weights))? {
        None => images(original, place, watch),
        found => Ok(found),
    }
}

fn record(original: &Original, kept: Option<&checkpoint::Identity>) -> Result<Option<Difference>> {
    let started = &original.run.started;
    let seed = &started.config["seed"];
    if *seed != json!(started.seed) {
        let what = "the seed: the run's and that of its settings are not the same";
        return Ok(Some(before(what, json!(started.seed), seed.clone())));
    }
    if let Some(identity) = kept {
        let (kept, config) = (json!(identity.config), json!(config_of(&original.run)?));
        let names = kept.as_object().map(|settings| settings.keys().cloned().collect::<Vec<_>>()).unwrap_or_default();
        if let Some(name) = names.iter().find(|name| kept[name.as_str()] != config[name.as_str()]) {
            let what = format!("the setting {name}: the run's checkpoint has another than its record");
            return Ok(Some(before(what, kept[name].clone(), config[name].clone())));
        }
        if identity.run_id != started.id {
            return Ok(Some(before("the checkpoint: it is another run's", json!(started.id), json!(identity.run_id))));
        }
    }
    let seal = provenance::is_intact(started);
    if seal == Some(false) {
        let what = "the run's record: it is not as it was written";
        return Ok(Some(before(what, json!("sealed"), json!("changed"))));
    }
    let (closing, found) = (&original.run.closing, &original.closing);
    let is_as_closed = closing == found && (closing.is_some() || seal.is_none());
    let what = "the run's results: they are not all as they were when it finished (`xray-tui runs verify` says more)";
    Ok((!is_as_closed).then(|| before(what, json!(closing), json!(found))))
}

/// Whether the weights that it ended with and those that it began with are still the same.
fn weights(original: &Original, kept: Option<Fingerprint>) -> Result<Option<Difference>> {
    let of_best = original.epochs.iter().find(|epoch| Some(epoch.epoch) == original.run.best_epoch);
    let known = [original.run.weights.clone(), of_best.and_then(|epoch| Some(epoch.weights?.to_string()))];
    for was in known.into_iter().flatten() {
        if let Some(is) = kept.filter(|is| is.to_string() != was) {
            return Ok(Some(before("the weights in best.safetensors", json!(was), json!(is))));
        }
    }
    let Some(file) = original.config()?.pretrained else { return Ok(None) };
    let gone = |error: Error| Error::Run {
        run: original.run.started.name.clone(),
        problem: format!("{error}; these are the weights that it began with: put them back"),
    };
    let is = fingerprint(&file).map_err(gone)?;
    let was = original.provenance().and_then(|provenance| provenance.preparation.pretrained_sha256);
    Ok(was.filter(|was| *was != is).map(|was| before("the pretrained weights", json!(was), json!(is))))
}

/// Whether its images are still the same, and split the same.
fn images(
    original: &Original,
    place: &Workplace,
    watch: &mut dyn FnMut(Progress) -> ControlFlow<()>,
) -> Result<Option<Difference>> {
    let config = original.config()?;
    let data = LoadedData::open(place, config.image_size, watch)?;
    let splits = data.sampled(&config);
    let Some(digest) = &original.run.started.manifest else {
        // An older program kept the names alone.
        let (was, is) = (&original.run.started.split_hash, splits.hash(&data.dataset));
        return Ok((*was != is).then(|| before("the split", json!(was), json!(is))));
    };
    let Some(kept) = original.manifest.as_deref().and_then(Manifest::parse) else {
        return Ok(Some(before("the list of images: it is gone or damaged", json!(digest), Value::Null)));
    };
    if kept.digest() != *digest {
        let what = "the list of images: it is not as it was written";
        return Ok(Some(before(what, json!(digest), json!(kept.digest()))));
    }
    let now = Manifest::of(&data, &splits);
    if let Some(what) = kept.first_difference(&now) {
        return Ok(Some(before(what, json!(kept.digest()), json!(now.digest()))));
    }
    contents(&kept, &data.dataset)
}

/// Reads every image: the cache believes size and time of a file.
fn contents(kept: &Manifest, dataset: &Dataset) -> Result<Option<Difference>> {
    for image in &kept.0 {
        let is = file_md5(&dataset.root.join(Path::new(&image.file)))?;
        if is != image.md5 {
            let what = format!("image {} has another content", image.file);
            return Ok(Some(before(what, json!(image.md5), json!(is))));
        }
    }
    Ok(None)
}

/// What is otherwise here than where the run was trained.
///
/// # Errors
/// Where the run's settings cannot be read.
pub fn environment(original: &Original) -> Result<Vec<Change>> {
    // The weights that it began with are looked at by themselves.
    let here = Provenance::here(&TrainConfig { pretrained: None, ..original.config()? })?;
    let change = |what: &str, was: Value, is: Value| (was != is).then(|| Change { what: what.to_owned(), was, is });
    let Some(there) = original.provenance() else {
        return Ok(vec![Change { what: UNKNOWN.into(), was: Value::Null, is: json!(here.machine.cpu) }]);
    };
    let pairs = facts(&there).into_iter().zip(facts(&here));
    let mut changes: Vec<Change> = pairs.filter_map(|((what, was), (_, is))| change(what, was, is)).collect();
    let isa = json!(here.machine.isa);
    let later = original.resumed_with().into_iter().filter_map(|was| change(RESUMED, json!(was), isa.clone()));
    changes.extend(later);
    Ok(changes)
}

/// An older program did not write down what it ran on.
pub const UNKNOWN: &str = "what it ran on was not kept";
/// A part of the run had other instructions than this process.
pub const RESUMED: &str = "instructions after a resumption";

fn facts(of: &Provenance) -> [(&'static str, Value); 14] {
    let (program, machine) = (&of.program, &of.machine);
    [
        ("executable", json!(program.sha256)),
        ("version", json!(program.version)),
        ("lock file", json!(program.lock_sha256)),
        ("rustc", json!(program.rustc)),
        ("target", json!(program.target)),
        ("profile", json!(program.profile)),
        ("target features", json!(program.target_features)),
        ("processor", json!(machine.cpu)),
        ("processor features", json!(machine.cpu_features)),
        ("instructions", json!(machine.isa)),
        ("threads", json!(machine.threads)),
        ("system", json!(machine.os)),
        ("preparation of the images", json!(of.preparation.sha256)),
        ("commit", json!(of.git.as_ref().map(|git| git.commit.clone()))),
    ]
}
