//! What a run needs to go on: weights, optimizer state and its place, in two files of its folder.
//!
//! `last.safetensors` continues the run bit for bit; `best.safetensors` holds the best epoch's weights alone, under
//! torchvision's names. Random numbers need no state: each is derived from the seed and its place.

use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};

use candle_core::{Device, Tensor};
use serde::{Deserialize, Serialize};
use xray_nn::{Adam, Average, Inference, Network, weights};

use crate::dataset::Class;
use crate::error::{Error, Result};
use crate::metrics::{EpochFigures, Figures, Fingerprint};
use crate::train::{EngineKind, TrainConfig, schedule};

pub mod bundle;
mod sealed;

pub use sealed::{fingerprint, seal, unseal};
use sealed::{load, save};

/// Since 2, the record has a checksum too.
const FORMAT: u32 = 2;
const MODEL: &str = "model.";
const OPTIMIZER: &str = "adam.";
const AVERAGE: &str = "average.";
/// How often the averaged weights were moved, i64.
const UPDATES: &str = "average-updates";
/// The metadata key that holds the record as JSON.
const RECORD: &str = "xray-tui";

/// A network's tensors by torchvision's names.
type State = BTreeMap<String, Tensor>;

/// Where a run stands between two batches.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Position {
    /// Epochs that are trained and validated.
    pub epochs_done: usize,
    /// Batches done of the next epoch.
    pub batches_done: usize,
    /// Optimizer steps done in the whole run.
    pub steps: usize,
    /// Sum of the losses and counts of the next epoch's images so far.
    pub partial: Partial,
    /// Seconds spent in the next epoch so far.
    pub epoch_seconds: f64,
    /// Figures of the epochs done.
    pub history: Vec<EpochFigures>,
    /// The best epoch, counted from 1.
    pub best_epoch: Option<usize>,
    /// Where it was changed while the run went on.
    #[serde(default)]
    pub learning_rate: Option<f64>,
}

/// An epoch's training figures in the making.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub struct Partial {
    pub loss_sum: f64,
    pub confusion: crate::metrics::Confusion,
}

impl Partial {
    /// The figures over the images so far.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "counts of images stay far below 2^53")]
    pub fn figures(&self) -> Figures {
        let n = self.confusion.total();
        Figures { loss: (n > 0).then(|| self.loss_sum / n as f64), confusion: self.confusion }
    }
}

impl Position {
    /// Before the first batch.
    #[must_use]
    pub fn start() -> Self {
        Self {
            epochs_done: 0,
            batches_done: 0,
            steps: 0,
            partial: Partial::default(),
            epoch_seconds: 0.0,
            history: Vec::new(),
            best_epoch: None,
            learning_rate: None,
        }
    }

    /// The best epoch's figures.
    #[must_use]
    pub fn best(&self) -> Option<&EpochFigures> {
        self.best_epoch.and_then(|epoch| self.history.get(epoch.checked_sub(1)?))
    }
}

/// What the file's header says beside the tensors.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Record {
    format: u32,
    run_id: String,
    config: TrainConfig,
    split_hash: String,
    position: Position,
}

/// Which run a checkpoint belongs to.
#[derive(Debug, Clone)]
pub struct Identity {
    pub run_id: String,
    pub config: TrainConfig,
    /// Fingerprint of the split the run trains on; resuming on another is refused.
    pub split_hash: String,
}

/// A run's state as read from `last.safetensors`.
#[derive(Debug)]
pub struct Checkpoint {
    pub identity: Identity,
    pub position: Position,
    model: State,
    optimizer: State,
    average: State,
    /// How often the average was moved.
    updates: Option<i64>,
}

/// The state to go on from.
#[must_use]
pub fn last_path(folder: &Path) -> PathBuf {
    folder.join("last.safetensors")
}

/// The best epoch's weights.
#[must_use]
pub fn best_path(folder: &Path) -> PathBuf {
    folder.join("best.safetensors")
}

/// What moves from step to step.
#[derive(Debug)]
pub struct Learning<'a> {
    pub network: &'a Network,
    pub adam: &'a Adam,
    /// Where weights are averaged.
    pub average: Option<&'a Average>,
}

/// Writes `last.safetensors` in one step: a reader sees the old file or the new one.
///
/// # Errors
/// Where the file cannot be written; the old one is then still whole.
pub fn save_last(folder: &Path, identity: &Identity, position: &Position, learning: &Learning) -> Result<()> {
    let mut tensors = prefixed(MODEL, learning.network.state()?);
    tensors.extend(prefixed(OPTIMIZER, learning.adam.state()?));
    if let Some(average) = learning.average {
        tensors.extend(prefixed(AVERAGE, average.state()?));
        tensors.insert(UPDATES.into(), Tensor::new(average.updates(), &Device::Cpu).map_err(xray_nn::Error::from)?);
    }
    save(&last_path(folder), &tensors, header(identity, position)?)
}

/// Writes `best.safetensors`: `state` are a network's tensors under torchvision's names.
///
/// # Errors
/// Where the file cannot be written; the old one is then still whole.
pub fn save_best(folder: &Path, identity: &Identity, position: &Position, state: &State) -> Result<()> {
    save(&best_path(folder), state, header(identity, position)?)
}

/// The weights of epoch `epoch`, where every epoch's are kept.
#[must_use]
pub fn epoch_path(folder: &Path, epoch: usize) -> PathBuf {
    folder.join(format!("epoch-{epoch:05}.safetensors"))
}

/// Writes the weights of the newest epoch, in the form of `best.safetensors`.
///
/// # Errors
/// Where the file cannot be written.
pub fn save_epoch(folder: &Path, identity: &Identity, position: &Position, state: &State) -> Result<()> {
    save(&epoch_path(folder, position.epochs_done), state, header(identity, position)?)
}

/// Whether only a run that goes on needs the tensor.
fn is_for_going_on(name: &str) -> bool {
    [OPTIMIZER, AVERAGE, UPDATES].iter().any(|prefix| name.starts_with(prefix))
}

/// Takes the optimizer's state, two thirds of the file, out of `last.safetensors`: a finished run does not go on.
///
/// # Errors
/// Where the file is missing or damaged or cannot be written; it is then as it was.
pub fn slim_last(folder: &Path) -> Result<()> {
    let path = last_path(folder);
    let (mut tensors, notes) = load(&path)?;
    tensors.retain(|name, _| !is_for_going_on(name));
    save(&path, &tensors, notes)
}

/// Bytes of the optimizer's state in a checkpoint; 0 where there is none or the file cannot be read.
#[must_use]
pub fn optimizer_bytes(path: &Path) -> u64 {
    weights::sizes(path).unwrap_or_default().iter().filter(|(name, _)| is_for_going_on(name)).map(|(_, b)| b).sum()
}

/// Reads `last.safetensors`.
///
/// # Errors
/// `Checkpoint` or `Network` name the file and what is wrong with it.
pub fn load_last(folder: &Path) -> Result<Checkpoint> {
    let path = last_path(folder);
    let (tensors, metadata) = load(&path)?;
    let record = read_record(&path, &metadata)?;
    let [model, optimizer, average] = [MODEL, OPTIMIZER, AVERAGE].map(|prefix| stripped(prefix, &tensors));
    let updates = tensors.get(UPDATES).and_then(|tensor| tensor.to_scalar().ok());
    let identity = Identity { run_id: record.run_id, config: record.config, split_hash: record.split_hash };
    Ok(Checkpoint { identity, position: record.position, model, optimizer, average, updates })
}

/// The settings of the run, and the network with its best epoch's weights, computed by `engine`.
///
/// # Errors
/// Where the file is missing, damaged, of another shape or not one of ours.
pub fn load_best(folder: &Path, engine: EngineKind) -> Result<(TrainConfig, Inference)> {
    load_weights(&best_path(folder), engine)
}

/// The same, with the fingerprint of the weights.
///
/// # Errors
/// As [`load_best`].
pub fn load_best_known(folder: &Path, engine: EngineKind) -> Result<(TrainConfig, Inference, Fingerprint)> {
    let path = best_path(folder);
    let (tensors, metadata) = load(&path)?;
    let config = read_record(&path, &metadata)?.config;
    // Of 45 MB: at once, as a user waits for the first answer.
    let (network, weights) = rayon::join(|| Inference::new(&tensors, &engine.here()), || fingerprint(&tensors));
    Ok((config, network?, weights?))
}

/// The best epoch's weights under torchvision's names, the run that they are of, and their fingerprint.
///
/// # Errors
/// Where the file is missing, damaged or not one of ours.
pub fn best_state(folder: &Path) -> Result<(BTreeMap<String, Tensor>, Identity, Fingerprint)> {
    let path = existing_best(folder)?;
    let (tensors, metadata) = load(&path)?;
    let Record { run_id, config, split_hash, .. } = read_record(&path, &metadata)?;
    let weights = fingerprint(&tensors)?;
    Ok((tensors, Identity { run_id, config, split_hash }, weights))
}

/// [`best_path`], if the file is there.
///
/// # Errors
/// `Checkpoint` says why it may not be, and what to do.
pub fn existing_best(folder: &Path) -> Result<PathBuf> {
    let path = best_path(folder);
    if path.exists() {
        return Ok(path);
    }
    // The other file knows whether there was one.
    let problem = match load_last(folder).map(|last| last.position.best_epoch) {
        Ok(Some(_)) => "is gone: put a copy back, or train again with the same settings",
        Ok(None) => "is not there: the run has not finished an epoch yet; train on, or choose another run",
        Err(_) => {
            "is not there: the run has not finished an epoch yet, came from elsewhere without weights, or has lost its \
             files; put a copy back, or choose another run"
        }
    };
    Err(Error::Checkpoint { path, problem: problem.to_owned() })
}

/// The same of any file that holds weights alone.
///
/// # Errors
/// As [`load_best`].
pub fn load_weights(path: &Path, engine: EngineKind) -> Result<(TrainConfig, Inference)> {
    let (tensors, metadata) = load(path)?;
    let config = read_record(path, &metadata)?.config;
    Ok((config, Inference::new(&tensors, &engine.here())?))
}

/// What a file of weights says of itself: the run, its settings, and the fingerprint of its tensors.
///
/// # Errors
/// Where the file is missing, damaged or not one of ours.
pub fn describe(path: &Path) -> Result<(Identity, Fingerprint)> {
    let (tensors, metadata) = load(path)?;
    let Record { run_id, config, split_hash, .. } = read_record(path, &metadata)?;
    Ok((Identity { run_id, config, split_hash }, fingerprint(&tensors)?))
}

/// The run that has trained the weights of a file, where it says so: a checkpoint, or what `weights export` has written as
/// safetensors.
#[must_use]
pub fn run_of(path: &Path) -> Option<String> {
    let mut notes = weights::describe(path, Class::ALL.len()).ok()?.notes;
    let checkpoint = read_record(path, &notes).ok();
    checkpoint.map(|record| record.run_id).or_else(|| notes.remove("run_id"))
}

/// Checks that `best.safetensors` is there, whole, and of this run's best epoch so far.
///
/// # Errors
/// `Checkpoint` says what is wrong with it.
pub fn check_best(folder: &Path, run_id: &str, best_epoch: usize) -> Result<()> {
    let path = best_path(folder);
    let bad = |problem: &str| Error::Checkpoint { path: path.clone(), problem: problem.to_owned() };
    if !path.exists() {
        return Err(bad("is gone: put a copy back, or start a new run with the same settings"));
    }
    let record = read_record(&path, &load(&path)?.1)?;
    // It is written before `last`, and so may be an epoch ahead.
    if record.run_id == run_id && record.position.best_epoch.is_some_and(|epoch| epoch >= best_epoch) {
        return Ok(());
    }
    Err(bad("belongs to another run or an earlier epoch: put this run's own back, or start a new one"))
}

impl Checkpoint {
    /// Puts the saved weights and optimizer state in place.
    ///
    /// # Errors
    /// Where a tensor is missing or has another shape.
    pub fn restore(&self, network: &Network, adam: &mut Adam, average: Option<&mut Average>) -> Result<()> {
        network.load_state(&self.model)?;
        // A run that was done has none; its row may have been lost, and it only has to be tested again.
        let config = &self.identity.config;
        let Position { best_epoch, epochs_done, .. } = self.position;
        if self.optimizer.is_empty()
            && (epochs_done >= config.epochs || schedule::ends_early(config, best_epoch, epochs_done))
        {
            return Ok(());
        }
        if let Some(average) = average {
            average.load_state(&self.average, self.updates.unwrap_or_default())?;
        }
        Ok(adam.load_state(&self.optimizer)?)
    }
}

fn header(identity: &Identity, position: &Position) -> Result<HashMap<String, String>> {
    let record = Record {
        format: FORMAT,
        run_id: identity.run_id.clone(),
        config: identity.config.clone(),
        split_hash: identity.split_hash.clone(),
        position: position.clone(),
    };
    let text = serde_json::to_string(&record)
        .map_err(|error| Error::Run { run: identity.run_id.clone(), problem: error.to_string() })?;
    Ok(HashMap::from([(RECORD.into(), text), ("format".into(), "pt".into())]))
}

fn read_record(path: &Path, metadata: &HashMap<String, String>) -> Result<Record> {
    let bad = |problem: String| Error::Checkpoint { path: path.to_owned(), problem };
    let text = metadata.get(RECORD).ok_or_else(|| bad("was not written by xray-tui".into()))?;
    let record: Record = serde_json::from_str(text).map_err(|e| bad(format!("its header cannot be read: {e}")))?;
    if (1..=FORMAT).contains(&record.format) {
        return Ok(record);
    }
    Err(bad(format!("has format {}, this program knows 1 to {FORMAT}: use the version that wrote it", record.format)))
}

fn prefixed(prefix: &str, tensors: BTreeMap<String, Tensor>) -> BTreeMap<String, Tensor> {
    tensors.into_iter().map(|(name, tensor)| (format!("{prefix}{name}"), tensor)).collect()
}

fn stripped(prefix: &str, tensors: &BTreeMap<String, Tensor>) -> BTreeMap<String, Tensor> {
    tensors.iter().filter_map(|(name, t)| Some((name.strip_prefix(prefix)?.to_owned(), t.clone()))).collect()
}
