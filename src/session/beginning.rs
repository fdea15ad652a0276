//! What is written of a run before its first batch.

use rand::Rng;

use super::labels::Labels;
use super::manifest::Manifest;
use super::provenance::{self, Provenance};
use super::tracking;
use super::{LoadedData, Workplace};
use crate::dataset::split::Splits;
use crate::error::{Error, Result};
use crate::store::lock::RunLock;
use crate::store::{NewRun, Store};
use crate::train::{TrainConfig, weights};

/// What a new run begins with.
#[derive(Debug, Clone)]
pub(super) struct Beginning<'a> {
    pub name: Option<String>,
    pub labels: Labels,
    pub config: &'a TrainConfig,
    /// The cross-validation that it is a fold of.
    pub parent: Option<NewRun>,
    pub rates: Vec<(usize, f64)>,
    /// Its settings have the list of images that it leaves out: another run has begun with it.
    pub settled: bool,
    /// It is not looked at what its data are like.
    pub unchecked: bool,
    /// Parts, of a cross-validation.
    pub folds: Option<usize>,
    /// The runs that an ensemble joins, by id.
    pub members: Vec<String>,
}

impl<'a> From<&'a TrainConfig> for Beginning<'a> {
    fn from(config: &'a TrainConfig) -> Self {
        Self {
            name: None,
            labels: Labels::default(),
            config,
            parent: None,
            rates: Vec::new(),
            settled: false,
            unchecked: false,
            folds: None,
            members: Vec::new(),
        }
    }
}

/// The settings with the file of pretrained weights that they mean, to be found again from whatever folder the run is repeated.
pub(super) fn with_weights(place: &Workplace, config: &TrainConfig) -> Result<TrainConfig> {
    let find = |file| weights::find(file, &place.cache);
    let pretrained = config.pretrained.as_deref().map(find).transpose()?;
    Ok(TrainConfig { pretrained, ..config.clone() })
}

/// What is known of a run before its first batch.
pub(super) fn new_run(
    store: &Store,
    (data, splits, manifest): (&LoadedData, &Splits, &Manifest),
    beginning: &Beginning,
) -> Result<NewRun> {
    let config = beginning.config;
    let hash = data.hash()?;
    let provenance = Provenance { data_version: tracking::version(data, &hash)?, ..Provenance::here(config)? };
    let absolute = |e| Error::io("find", &data.dataset.root, e);
    let mut run = NewRun {
        id: new_id(),
        name: beginning.name.clone().map_or_else(|| Ok(next_name(&store.names()?, "run")), Ok::<_, Error>)?,
        data: data.dataset.root.canonicalize().map_err(absolute)?,
        synthetic: data.dataset.synthetic,
        config: serde_json::json!(config),
        seed: config.seed,
        git_commit: provenance.git.as_ref().map(|git| git.commit.clone()),
        git_dirty: provenance.git.as_ref().map(|git| git.dirty),
        data_hash: hash.id,
        split_hash: splits.hash(&data.dataset),
        device: "cpu".into(),
        versions: provenance::versions(),
        parent: beginning.parent.as_ref().map(|parent| parent.id.clone()),
        provenance: None,
        manifest: Some(manifest.digest()),
    };
    if beginning.parent.as_ref().is_some_and(|parent| parent.data_hash != run.data_hash) {
        let problem = format!("{} is not as it was when the cross-validation began: put it back", run.data.display());
        return Err(Error::Run { run: run.name, problem });
    }
    if let Some(folds) = beginning.folds {
        run.config["folds"] = folds.into();
    }
    if !beginning.members.is_empty() {
        run.config["ensemble"] = beginning.members.clone().into();
    }
    run.provenance = Some(provenance::sealed(&provenance, &run));
    Ok(run)
}

pub(super) fn new_id() -> String {
    format!("{:012x}", rand::rng().random_range(0..1_u64 << 48))
}

/// The lock of a run, made with its folder.
///
/// # Errors
/// `Run` where somebody else holds it.
pub(super) fn folder_lock(store: &Store, run_id: &str) -> Result<RunLock> {
    let problem = "is under way in another xray-tui; stop it there before resuming it here";
    let held = || Error::Run { run: run_id.to_owned(), problem: problem.into() };
    RunLock::acquire(&store.run_folder(run_id))?.ok_or_else(held)
}

/// `run-1`, `run-2`, …: one more than the highest there is.
pub(super) fn next_name(names: &[String], kind: &str) -> String {
    let number = |name: &String| name.strip_prefix(kind)?.strip_prefix('-')?.parse::<u64>().ok();
    format!("{kind}-{}", names.iter().filter_map(number).max().unwrap_or(0).saturating_add(1))
}
