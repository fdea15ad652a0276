//! Whether the weights that a run begins with have learned images that it is judged by.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use super::manifest::{Listed, Manifest};
use super::{LoadedData, config_of};
use crate::dataset::Split;
use crate::dataset::split::Splits;
use crate::error::{Error, Result};
use crate::store::{Run, Store};
use crate::train::TrainConfig;
use crate::train::checkpoint;

/// What is known of the weights that a run begins with, and of those that they began with themselves.
#[derive(Debug, Default)]
pub(super) struct Learned {
    /// The content of each image, by its md5.
    images: HashSet<String>,
    /// The runs that learned them, the last one first.
    runs: Vec<Run>,
    /// A file that came from a run whose images this database does not have.
    unknown: Option<PathBuf>,
}

impl Learned {
    /// Nothing, where the weights are not of this program.
    ///
    /// # Errors
    /// `Store` where the file cannot be read.
    pub(super) fn of(store: &Store, config: &TrainConfig) -> Result<Self> {
        let mut learned = Self::default();
        let mut next = config.pretrained.clone();
        while let Some(file) = next.take() {
            let Some(run_id) = checkpoint::run_of(&file) else { break };
            if learned.runs.iter().any(|run| run.started.id == run_id) {
                break;
            }
            match run_with_list(store, &run_id)? {
                Some((run, list)) => {
                    learned.images.extend(trained(&list));
                    next = config_of(&run).ok().and_then(|config| config.pretrained);
                    learned.runs.push(run);
                }
                None => learned.unknown = Some(file),
            }
        }
        Ok(learned)
    }

    /// # Errors
    /// `BadSetting` where they have learned images that judge a run on these splits.
    pub(super) fn check(&self, data: &LoadedData, splits: &Splits) -> Result<()> {
        let judging = || splits.validation.iter().chain(&splits.test);
        let known = judging().filter(|&&image| self.images.contains(&data.cache.facts(image).md5)).count();
        let Some(run) = self.runs.first().filter(|_| known > 0) else { return Ok(()) };
        let problem = format!(
            "the weights have learned {known} of the {} images that would judge this run, in {}: split the images as that \
             run did (`xray-tui runs show {}` has its settings), or choose other weights",
            judging().count(),
            run.started.name,
            run.started.id,
        );
        Err(Error::BadSetting { setting: "pretrained", problem })
    }

    /// What is to be said where nobody can know.
    pub(super) fn doubt(&self) -> Option<String> {
        self.unknown.as_deref().map(doubt)
    }
}

fn run_with_list(store: &Store, run_id: &str) -> Result<Option<(Run, Manifest)>> {
    let Ok(run) = store.run(run_id) else { return Ok(None) };
    Ok(Manifest::of_run(store, &run.started)?.map(|list| (run, list)))
}

/// The contents that a run has learned, but for those of which it has a copy elsewhere: that is the data's own matter.
fn trained(list: &Manifest) -> impl Iterator<Item = String> {
    let is_trained = |image: &&Listed| image.split == Split::Train;
    let (trained, others): (Vec<&Listed>, Vec<&Listed>) = list.0.iter().partition(is_trained);
    let others: HashSet<&str> = others.iter().map(|image| image.md5.as_str()).collect();
    trained.into_iter().filter(move |image| !others.contains(image.md5.as_str())).map(|image| image.md5.clone())
}

fn doubt(file: &Path) -> String {
    format!(
        "{} comes from a run whose images this database does not have: it may have learned some that judge this run, and \
         figures may be too good",
        file.display()
    )
}
