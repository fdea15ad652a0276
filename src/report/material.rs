//! All that a card is made of, gathered from the store and, for the pictures, from the data folder.

use super::card::Picture;
use super::mistakes;
use crate::dataset::Split;
use crate::error::{Error, Result};
use crate::metrics::assessment::Terms;
use crate::metrics::{Assessment, Case, EpochFigures, OperatingPoint, Rule};
use crate::session::config_of;
use crate::session::manifest::Manifest;
use crate::session::provenance::Provenance;
use crate::store::{Answer, EpochScore, Mark, Run, Store, cases, decide, score};
use crate::train::TrainConfig;

/// What is known of a run; what an older or unfinished one lacks is empty or `None`.
#[derive(Debug, Clone, PartialEq)]
pub struct Material {
    pub run: Run,
    /// `None` where another version wrote settings that this one cannot read.
    pub config: Option<TrainConfig>,
    pub provenance: Option<Provenance>,
    pub manifest: Option<Manifest>,
    pub epochs: Vec<EpochFigures>,
    pub marks: Vec<Mark>,
    /// What decides: kept with the run, else what its rule gives now.
    pub point: OperatingPoint,
    pub test: Scored,
    pub validation: Scored,
    /// Looks at the test images in this database.
    pub looks: Option<u64>,
    /// Of each epoch's weights on the test images.
    pub epoch_scores: Vec<EpochScore>,
    /// Of a cross-validation.
    pub folds: Vec<(Run, Scored)>,
    /// Name of the cross-validation that it is a part of.
    pub parent: Option<String>,
    /// Test images called wrong, or why there are no pictures of them.
    pub mistakes: Vec<Picture>,
    pub data_is_gone: bool,
}

/// A split's answers and what they amount to.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Scored {
    pub answers: Vec<Answer>,
    pub cases: Vec<Case>,
    /// `None` without answers.
    pub figures: Option<Assessment>,
    /// Mean cross entropy in nats.
    pub loss: Option<f64>,
}

impl Scored {
    #[must_use]
    pub fn of(answers: Vec<Answer>, point: &OperatingPoint) -> Self {
        let cases = cases(&answers);
        let terms = Terms { threshold: point.threshold, temperature: point.temperature, prevalence: None };
        let loss = score(&answers, point.threshold).loss;
        Self { figures: (!cases.is_empty()).then(|| Assessment::of(&cases, terms)), loss, cases, answers }
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.answers.is_empty()
    }
}

impl Material {
    /// # Errors
    /// `Store` where the database cannot be read.
    pub fn gather(store: &Store, run: Run) -> Result<Self> {
        let id = run.started.id.clone();
        let manifest = Manifest::of_run(store, &run.started)?;
        let validation = store.answers(&id, Split::Validation)?;
        let config = config_of(&run).ok();
        let point = point(store, &run, config.as_ref())?;
        let test = Scored::of(store.answers(&id, Split::Test)?, &point);
        let provenance = run.started.provenance.clone();
        Ok(Self {
            mistakes: mistakes::find(&run, (&test, &point), manifest.as_ref()),
            data_is_gone: !run.started.data.is_dir(),
            provenance: provenance.and_then(|value| serde_json::from_value(value).ok()),
            manifest,
            epochs: store.epochs(&id)?,
            marks: store.marks(&id)?,
            validation: Scored::of(validation, &point),
            test,
            looks: store.looks(&id)?,
            epoch_scores: store.epoch_scores(&id, Split::Test)?,
            folds: store.folds(&id)?.into_iter().map(|fold| scored_fold(store, fold)).collect::<Result<_>>()?,
            parent: run.started.parent.as_deref().map(|parent| name_of(store, parent)).transpose()?,
            config,
            point,
            run,
        })
    }
}

/// As `eval` decides.
fn point(store: &Store, run: &Run, config: Option<&TrainConfig>) -> Result<OperatingPoint> {
    let chosen =
        |config: &TrainConfig| Ok(decide(config.threshold, &store.answers(&run.started.id, config.decides_on())?));
    let none = || Ok(decide(Rule::Half, &[]));
    run.operating.map_or_else(|| config.map_or_else(none, chosen), Ok)
}

fn scored_fold(store: &Store, fold: Run) -> Result<(Run, Scored)> {
    let id = &fold.started.id;
    let point = point(store, &fold, config_of(&fold).ok().as_ref())?;
    let scored = Scored::of(store.answers(id, Split::Test)?, &point);
    Ok((fold, scored))
}

/// The run's name, or its id where it is gone.
fn name_of(store: &Store, run_id: &str) -> Result<String> {
    match store.run(run_id) {
        Ok(run) => Ok(run.started.name),
        Err(Error::Run { .. }) => Ok(run_id.to_owned()),
        Err(error) => Err(error),
    }
}
