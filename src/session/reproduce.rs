//! Runs a finished run again and says whether the same bits come, or what is the first that differs.

use std::ops::ControlFlow;

use serde::Serialize;
use serde_json::{Value, json};

use super::manifest::Manifest;
use super::original::Original;
use super::provenance::{Provenance, fingerprint};
use super::{LoadedData, Start, Workplace, config_of, sampled};
use crate::dataset::Split;
use crate::dataset::cache::Progress;
use crate::error::{Error, Result};
use crate::metrics::comparison::{Comparison, Side};
use crate::metrics::{EpochFigures, Interval};
use crate::store::{Answer, Store, cases};
use crate::train::{EngineKind, checkpoint, machine};

/// How far the first step's loss may be off on other instructions, as a share: rounding alone gives some 1e-7.
const FIRST_LOSS: f64 = 1e-4;

/// The first thing that is not as it was.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Difference {
    /// `before training`, `epoch 3`, `answers`, `figures`.
    pub place: String,
    pub what: String,
    pub was: Value,
    pub is: Value,
}

impl Difference {
    fn new(place: impl Into<String>, what: impl Into<String>, (was, is): (Value, Value)) -> Self {
        Self { place: place.into(), what: what.into(), was, is }
    }
}

/// Something that is otherwise on this machine.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Change {
    pub what: String,
    pub was: Value,
    pub is: Value,
}

/// Where bits cannot be the same, whether a figure is near enough.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Bound {
    pub what: &'static str,
    /// In words.
    pub bound: &'static str,
    pub was: Option<f64>,
    pub is: Option<f64>,
    /// `None` where there is nothing to compare.
    pub within: Option<bool>,
}

/// What came of it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Reproduction {
    /// `None` where bits cannot be compared.
    pub identical: Option<bool>,
    pub first_difference: Option<Difference>,
    pub epochs_compared: usize,
    /// Whether it was trained again; not where something was changed since the run.
    pub was_run: bool,
    /// What is otherwise here than it was there.
    pub environment: Vec<Change>,
    /// Only where bits cannot be compared.
    pub bounds: Vec<Bound>,
}

/// A run that is ready to be run again.
#[derive(Debug)]
pub struct Repetition {
    original: Original,
    environment: Vec<Change>,
    comparable: bool,
    epochs_compared: usize,
    difference: Option<Difference>,
    first_loss: Option<f64>,
}

impl Repetition {
    /// Looks at record, weights and images before anything is trained. `Err` holds what was changed since the run.
    ///
    /// # Errors
    /// Where something cannot be read at all.
    pub fn prepare(
        original: Original,
        place: &Workplace,
        watch: &mut dyn FnMut(Progress) -> ControlFlow<()>,
    ) -> Result<Result<Self, Reproduction>> {
        let environment = environment(&original)?;
        let tampered = match record(&original)? {
            None => match weights(&original)? {
                None => images(&original, place, watch)?,
                found => found,
            },
            found => found,
        };
        if let Some(difference) = tampered {
            let first_difference = Some(difference);
            let bounds = Vec::new();
            return Ok(Err(Reproduction {
                identical: Some(false),
                first_difference,
                epochs_compared: 0,
                was_run: false,
                environment,
                bounds,
            }));
        }
        let comparable = is_comparable(&original, &environment);
        Ok(Ok(Self { original, environment, comparable, epochs_compared: 0, difference: None, first_loss: None }))
    }

    /// Whether the same bits are to be expected: the same instructions compute here.
    #[must_use]
    pub const fn is_comparable(&self) -> bool {
        self.comparable
    }

    /// The run to be started, in a place of its own.
    ///
    /// # Errors
    /// `Run` where its settings cannot be read.
    pub fn start(&self) -> Result<Start> {
        Ok(Start::Repeat { config: Box::new(self.original.config()?), rates: self.original.rates() })
    }

    /// Notes the first step's loss.
    pub const fn see_loss(&mut self, loss: f64) {
        if self.first_loss.is_none() {
            self.first_loss = Some(loss);
        }
    }

    /// Compares an epoch with the same of the original; whether it is worth to go on.
    pub fn see_epoch(&mut self, epoch: &EpochFigures) -> ControlFlow<()> {
        if !self.comparable {
            return ControlFlow::Continue(());
        }
        let place = format!("epoch {}", epoch.epoch);
        match self.original.epochs.iter().find(|was| was.epoch == epoch.epoch) {
            Some(was) => self.difference = differ(&place, &epoch_figures(was), &epoch_figures(epoch)),
            None => self.difference = Some(Difference::new(place, "the epoch", (Value::Null, json!("is new")))),
        }
        if self.difference.is_some() {
            return ControlFlow::Break(());
        }
        self.epochs_compared += 1;
        ControlFlow::Continue(())
    }

    /// What came of it, from the store in which it was run again.
    ///
    /// # Errors
    /// `Store` where the file cannot be read.
    pub fn finish(self, store: &Store) -> Result<Reproduction> {
        let runs = store.runs()?;
        let run = runs.first().ok_or_else(|| Error::Cancelled)?;
        let answers = |split| store.answers(&run.started.id, split);
        let now = [answers(Split::Validation)?, answers(Split::Test)?].concat();
        let was = &self.original;
        let last = || {
            let figures = |run: &crate::store::Run| {
                [
                    ("best epoch", json!(run.best_epoch)),
                    ("threshold and temperature", json!(run.operating)),
                    ("test figures", json!(run.test)),
                    ("weights", json!(run.weights)),
                ]
            };
            first_answer(&was.answers, &now).or_else(|| differ("figures", &figures(&was.run), &figures(run)))
        };
        let (identical, difference, bounds) = if self.comparable {
            let difference = self.difference.clone().or_else(last);
            (Some(difference.is_none()), difference, Vec::new())
        } else {
            (None, None, self.bounds(&now))
        };
        Ok(Reproduction {
            identical,
            first_difference: difference,
            epochs_compared: self.epochs_compared,
            was_run: true,
            environment: self.environment,
            bounds,
        })
    }

    fn bounds(&self, now: &[Answer]) -> Vec<Bound> {
        let was = self.original.first_step.map(|point| point.loss);
        let near = was.zip(self.first_loss).map(|(was, is)| (was - is).abs() <= FIRST_LOSS * was.abs());
        let (bound, is) = ("the same within 1e-4 of it", self.first_loss);
        vec![Bound { what: "loss of the first step", bound, was, is, within: near }, self.auc_bound(now)]
    }

    /// The AUC may differ as far as other images of such patients would make it differ.
    fn auc_bound(&self, now: &[Answer]) -> Bound {
        let (what, bound) = ("AUC on test images", "the 95 % interval of the difference holds 0");
        let sides = [self.original.answers.as_slice(), now].map(|answers| {
            let mut test: Vec<Answer> = answers.iter().filter(|answer| answer.split == Split::Test).cloned().collect();
            test.sort_by(|a, b| a.file.cmp(&b.file));
            cases(&test)
        });
        let threshold = self.original.run.threshold();
        let auc = |cases| crate::metrics::ranking::Ranking::of(cases).and_then(|ranking| ranking.auc());
        let [was, is] = [auc(&sides[0]), auc(&sides[1])];
        if sides[0].len() != sides[1].len() {
            return Bound { what, bound, was, is, within: None };
        }
        let [a, b] = [&sides[0], &sides[1]].map(|cases| Side { cases, threshold });
        let interval = Comparison::of(a, b).auc_difference_interval;
        let within = interval.map(|Interval { low, high }| low <= 0.0 && 0.0 <= high);
        Bound { what, bound, was, is, within }
    }
}

/// What was changed in the run's record; a seed, say.
fn record(original: &Original) -> Result<Option<Difference>> {
    let started = &original.run.started;
    let before = |what: String, was: Value, is: Value| Ok(Some(Difference::new("before training", what, (was, is))));
    let seed = &started.config["seed"];
    if *seed != json!(started.seed) {
        return before(
            "the seed: the run's and that of its settings are not the same".into(),
            json!(started.seed),
            seed.clone(),
        );
    }
    if original.best_path().exists() {
        let (identity, _) = checkpoint::describe(&original.best_path())?;
        let (kept, config) = (json!(identity.config), json!(config_of(&original.run)?));
        let names = kept.as_object().map(|settings| settings.keys().cloned().collect::<Vec<_>>()).unwrap_or_default();
        if let Some(name) = names.iter().find(|name| kept[name.as_str()] != config[name.as_str()]) {
            let what = format!("the setting {name}: the run's checkpoint has another than its record");
            return before(what, kept[name].clone(), config[name].clone());
        }
        if identity.run_id != started.id {
            return before("the checkpoint: it is another run's".into(), json!(started.id), json!(identity.run_id));
        }
    }
    match original.provenance() {
        Some(provenance) if !provenance.is_intact(started) => {
            before("the run's record: it is not as it was written".into(), json!("sealed"), json!("changed"))
        }
        _ => Ok(None),
    }
}

/// Whether the weights that it ended with and those that it began with are still the same.
fn weights(original: &Original) -> Result<Option<Difference>> {
    let before = |what: &str, was: Value, is: Value| Ok(Some(Difference::new("before training", what, (was, is))));
    if let Some(was) = original.run.weights.as_ref().filter(|_| original.best_path().exists()) {
        let (_, is) = checkpoint::describe(&original.best_path())?;
        if is.to_string() != *was {
            return before("the weights in best.safetensors", json!(was), json!(is));
        }
    }
    let Some(file) = original.config()?.pretrained else { return Ok(None) };
    let is = fingerprint(&file)?;
    match original.provenance().and_then(|provenance| provenance.preparation.pretrained_sha256) {
        Some(was) if was != is => before("the pretrained weights", json!(was), json!(is)),
        _ => Ok(None),
    }
}

/// Whether its images are still the same, and split the same.
fn images(
    original: &Original,
    place: &Workplace,
    watch: &mut dyn FnMut(Progress) -> ControlFlow<()>,
) -> Result<Option<Difference>> {
    let config = original.config()?;
    let data = LoadedData::open(place, config.image_size, watch)?;
    let splits = sampled(&data, &config);
    let before = |what: String, was: Value, is: Value| Some(Difference::new("before training", what, (was, is)));
    let kept = original.manifest.as_deref().and_then(Manifest::parse);
    let Some(kept) = kept else {
        let (was, is) = (&original.run.started.split_hash, splits.hash(&data.dataset));
        return Ok((*was != is).then(|| before("the split".into(), json!(was), json!(is))).flatten());
    };
    if let Some(digest) = original.run.started.manifest.as_ref().filter(|digest| **digest != kept.digest()) {
        return Ok(before(
            "the list of images: it is not as it was written".into(),
            json!(digest),
            json!(kept.digest()),
        ));
    }
    let now = Manifest::of(&data, &splits);
    Ok(kept.first_difference(&now).and_then(|what| before(what, json!(kept.digest()), json!(now.digest()))))
}

/// What is otherwise here than where the run was trained.
fn environment(original: &Original) -> Result<Vec<Change>> {
    let here = Provenance::here(&original.config()?)?;
    let Some(there) = original.provenance() else { return Ok(Vec::new()) };
    let facts = |of: &Provenance| {
        let (program, machine) = (of.program.clone(), of.machine.clone());
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
    };
    let changed = |((what, was), (_, is)): ((&str, Value), (&str, Value))| {
        (was != is).then(|| Change { what: what.to_owned(), was, is })
    };
    Ok(facts(&there).into_iter().zip(facts(&here)).filter_map(changed).collect())
}

/// Our kernels give the same bits on the same instructions; candle's choose theirs by the processor.
fn is_comparable(original: &Original, environment: &[Change]) -> bool {
    let changed = |what: &str| environment.iter().any(|change| change.what == what);
    let isa = original.run.started.versions["isa"].as_str().is_none_or(|was| was == machine::isa().name());
    let engine = config_of(&original.run).map_or(EngineKind::Plain, |config| config.engine);
    match engine {
        EngineKind::Fast => isa && !changed("target"),
        EngineKind::Plain => !changed("processor features") && !changed("target"),
    }
}

fn epoch_figures(epoch: &EpochFigures) -> [(&'static str, Value); 5] {
    [
        ("train_loss", json!(epoch.train.loss)),
        ("train confusion", json!(epoch.train.confusion)),
        ("val_loss", json!(epoch.validation.loss)),
        ("validation confusion", json!(epoch.validation.confusion)),
        ("weights", json!(epoch.weights)),
    ]
}

/// The first pair that is not the same. What an older program did not keep cannot differ.
fn differ(place: &str, was: &[(&str, Value)], is: &[(&str, Value)]) -> Option<Difference> {
    let differs = |((what, was), (_, is)): (&(&str, Value), &(&str, Value))| {
        (was != is && !was.is_null()).then(|| Difference::new(place, *what, (was.clone(), is.clone())))
    };
    was.iter().zip(is).find_map(differs)
}

/// The first image that is answered otherwise, bit for bit.
fn first_answer(was: &[Answer], is: &[Answer]) -> Option<Difference> {
    let bits = |answer: &Answer| answer.logits.map(f32::to_bits);
    let place = "answers";
    if was.len() != is.len() {
        return Some(Difference::new(place, "how many images are answered", (json!(was.len()), json!(is.len()))));
    }
    let pair = was.iter().zip(is).find(|(was, is)| was.file != is.file || bits(was) != bits(is))?;
    let what = format!("logits of {} image {}", pair.0.split.name(), pair.0.file);
    Some(Difference::new(place, what, (json!(pair.0.logits), json!(pair.1.logits))))
}
