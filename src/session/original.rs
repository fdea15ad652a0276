//! A finished run as it is to be repeated: from the store, or from a bundle that came from elsewhere.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::provenance::{Provenance, fingerprint};
use super::{closing, config_of};
use crate::error::{Error, Result};
use crate::metrics::EpochFigures;
use crate::store::{Answer, Mark, MarkKind, Run, RunState, StepPoint, Store};
use crate::train::checkpoint::bundle;
use crate::train::{TrainConfig, checkpoint};

/// The form of bundles that this program writes. 1 knew no answers for images made harder.
const FORMAT: u32 = 2;

/// A run with all that it gave.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Original {
    format: u32,
    pub run: Run,
    pub epochs: Vec<EpochFigures>,
    pub marks: Vec<Mark>,
    pub answers: Vec<Answer>,
    /// The list of its images.
    pub manifest: Option<String>,
    pub first_step: Option<StepPoint>,
    /// Fingerprint of all that was stored of it when it was read; it must be that of its end.
    pub closing: Option<String>,
    /// Where its weights lie.
    #[serde(skip)]
    pub folder: PathBuf,
    /// Where the weights lie that it began with, if it is not where its settings say.
    #[serde(skip)]
    pub pretrained: Option<PathBuf>,
}

impl Original {
    /// A run of the store.
    ///
    /// # Errors
    /// `Run` where it is not finished or was made by a program that kept too little.
    pub fn read(store: &Store, run: Run) -> Result<Self> {
        let id = &run.started.id;
        let refuse = |problem: &str| Error::Run { run: run.started.name.clone(), problem: problem.to_owned() };
        if run.members().is_some() {
            return Err(refuse("is an ensemble: repeat its members, and join them again"));
        }
        if run.folds().is_some() {
            return Err(refuse("is a cross-validation: name one of its folds"));
        }
        if run.state != RunState::Finished {
            return Err(refuse("is not finished: `xray-tui train --resume` goes on with it"));
        }
        let manifest = run.started.manifest.as_deref().map(|digest| store.manifest(digest)).transpose()?.flatten();
        Ok(Self {
            format: FORMAT,
            epochs: store.epochs(id)?,
            marks: store.marks(id)?,
            answers: closing::own_answers(store, &run)?,
            manifest,
            closing: run
                .closing
                .is_some()
                .then(|| closing::fingerprint(store, &run))
                .transpose()?
                .map(|c| c.to_string()),
            first_step: store.steps(id)?.first().copied().filter(|point| point.step == 1),
            folder: store.run_folder(id),
            pretrained: None,
            run,
        })
    }

    /// Writes it to one file.
    ///
    /// # Errors
    /// Where its weights cannot be read or the file cannot be written.
    pub fn export(&self, path: &Path) -> Result<()> {
        let record = serde_json::to_string(self).map_err(|error| self.problem(error.to_string()))?;
        let config = config_of(&self.run)?;
        if path.exists() {
            let problem = "is there already: name another file".to_owned();
            return Err(Error::BadSetting { setting: "bundle", problem: format!("{} {problem}", path.display()) });
        }
        let known = self.provenance().and_then(|provenance| provenance.preparation.pretrained_sha256);
        if let (Some(file), Some(known)) = (&config.pretrained, known)
            && fingerprint(file)? != known
        {
            return Err(self.problem(format!("{} is not the file that it began with any more", file.display())));
        }
        if let Some(weights) = self.run.weights.as_ref()
            && checkpoint::describe(&self.best_path())?.1.to_string() != *weights
        {
            let problem = "holds other weights than the run ended with: put this run's own file back".into();
            return Err(Error::Checkpoint { path: self.best_path(), problem });
        }
        bundle::pack(path, &record, (&self.folder, config.pretrained.as_deref()))
    }

    /// Reads a file that `export` has written; its weights go to `folder`.
    ///
    /// # Errors
    /// Where it is none, is damaged, or was written by a newer program.
    pub fn import(path: &Path, folder: &Path) -> Result<Self> {
        let bad = |problem: String| Error::Checkpoint { path: path.to_owned(), problem };
        let unpacked = bundle::unpack(path, (folder, "pretrained"))?;
        let read: Result<Self, _> = serde_json::from_str(&unpacked.record);
        let original = read.map_err(|error| bad(format!("cannot be read: {error}; use the version that wrote it")))?;
        if original.format > FORMAT {
            let format = original.format;
            return Err(bad(format!(
                "has format {format}, this program knows 1 to {FORMAT}: use the version that wrote it"
            )));
        }
        Ok(Self { folder: folder.to_owned(), pretrained: unpacked.pretrained, ..original })
    }

    /// Its settings, with the place of the weights that it began with as it is here.
    ///
    /// # Errors
    /// `Run` where they cannot be read.
    pub fn config(&self) -> Result<TrainConfig> {
        let config = config_of(&self.run)?;
        let pretrained = self.pretrained.clone().or(config.pretrained);
        Ok(TrainConfig { pretrained, keep_epochs: false, ..config })
    }

    /// What it ran on, if it was written down.
    #[must_use]
    pub fn provenance(&self) -> Option<Provenance> {
        serde_json::from_value(self.run.started.provenance.clone()?).ok()
    }

    /// The learning rates that it was given while it trained, after so many steps.
    #[must_use]
    pub fn rates(&self) -> Vec<(usize, f64)> {
        let rate = |mark: &Mark| (mark.kind == MarkKind::Rate).then_some((mark.step, mark.value?));
        self.marks.iter().filter_map(rate).collect()
    }

    /// The instruction sets that it went on with after stops.
    #[must_use]
    pub fn resumed_with(&self) -> Vec<String> {
        self.marks.iter().filter(|mark| mark.kind == MarkKind::Resume).filter_map(|mark| mark.note.clone()).collect()
    }

    /// The file of its best weights.
    #[must_use]
    pub fn best_path(&self) -> PathBuf {
        checkpoint::best_path(&self.folder)
    }

    fn problem(&self, problem: String) -> Error {
        Error::Run { run: self.run.started.name.clone(), problem }
    }
}
