//! Whether the weights that a run begins with have learned images that it is judged by.

use std::collections::HashSet;
use std::path::Path;

use super::LoadedData;
use super::manifest::Manifest;
use crate::dataset::Split;
use crate::dataset::split::Splits;
use crate::error::{Error, Result};
use crate::store::Store;
use crate::train::TrainConfig;
use crate::train::checkpoint::{self, Identity};

/// Answers what is to be said where nobody can know: the weights are of a run that this database lacks.
///
/// # Errors
/// `BadSetting` where they have learned some; `Store` where the file cannot be read.
pub(super) fn check(
    store: &Store,
    config: &TrainConfig,
    (data, splits): (&LoadedData, &Splits),
) -> Result<Option<String>> {
    let Some((file, learner)) = config.pretrained.as_deref().and_then(|file| Some((file, learner(file)?))) else {
        return Ok(None);
    };
    let run = store.run(&learner.run_id).ok();
    let Some(list) = run.map(|run| Manifest::of_run(store, &run.started)).transpose()?.flatten() else {
        let is_same = learner.split_hash == splits.hash(&data.dataset);
        return Ok((!is_same).then(|| unknown(file)));
    };
    let judged = || splits.validation.iter().chain(&splits.test);
    match count(&list, data, judged()) {
        0 => Ok(None),
        known => Err(refusal(config, (file, &learner), (known, judged().count()))),
    }
}

/// The run that has trained the weights, where the file says so.
fn learner(file: &Path) -> Option<Identity> {
    checkpoint::describe(file).ok().map(|(identity, _)| identity)
}

/// How many of the images are in the list's training split: the same files, as copies are the data's own matter.
fn count<'a>(list: &Manifest, data: &LoadedData, images: impl Iterator<Item = &'a usize>) -> usize {
    let trained = list.0.iter().filter(|image| image.split == Split::Train);
    let learned: HashSet<(&str, &str)> = trained.map(|image| (image.file.as_str(), image.md5.as_str())).collect();
    let is_learned = |image: usize| {
        learned.contains(&(data.dataset.images[image].file.as_str(), data.cache.facts(image).md5.as_str()))
    };
    images.filter(|&&image| is_learned(image)).count()
}

fn unknown(file: &Path) -> String {
    format!(
        "{} comes from a run that this database does not know, with another split: it may have learned images that validate \
         here, and figures may be too good",
        file.display()
    )
}

fn refusal(config: &TrainConfig, (file, learner): (&Path, &Identity), (count, judged): (usize, usize)) -> Error {
    let todo = match config.fold {
        Some(fold) => format!("part {} needs weights that know none of them", fold.number),
        None => format!(
            "split as it did, with split seed {}, validation fraction {} and held out {}",
            learner.config.seed_of_split(),
            learner.config.validation_fraction,
            learner.config.held_out.name(),
        ),
    };
    let problem = format!("{} has learned {count} of the {judged} images that judge this run: {todo}", file.display());
    Error::BadSetting { setting: "pretrained", problem }
}
