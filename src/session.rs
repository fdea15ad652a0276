//! A run as a thread: joins train and store, and tells whoever listens. Every front end is an equal client of it.

mod beginning;
mod checks;
pub mod closing;
mod data;
pub mod disk;
pub mod ensemble;
pub mod epochs;
pub mod folds;
pub mod journal;
pub mod labels;
mod learned;
mod listener;
pub mod manifest;
mod marked;
pub mod models;
mod notices;
pub mod original;
pub mod provenance;
pub mod queue;
mod rate;
mod recorder;
pub mod reproduce;
mod resuming;
pub mod scratch;
pub mod seeds;
pub mod study;
pub mod tracking;
pub mod verify;

use std::any::Any;
use std::ops::ControlFlow;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::JoinHandle;

use crate::dataset::cache;
use crate::dataset::split::Splits;
use crate::error::{Error, Result};
use crate::metrics::alarm::Checks;
use crate::store::{NewRun, Run, Store};
use crate::train::checkpoint::{self, Checkpoint, Identity};
use crate::train::control::Wish;
use crate::train::{Control, Job, Outcome, Phase, TrainConfig, TrainEvent, machine, priority, train};
use beginning::{Beginning, folder_lock, new_run, with_weights};
pub use data::{LoadedData, digest};
use journal::Journal;
use labels::Labels;
pub use labels::check_name;
use learned::Learned;
use manifest::Manifest;
pub use rate::{RateHandle, find_rate};
use recorder::Recorder;
pub use recorder::answers_of;

/// The folders and files a front end works with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Workplace {
    /// The data set's folder.
    pub data: PathBuf,
    /// The database; checkpoints lie beside it.
    pub db: PathBuf,
    /// Decoded pictures.
    pub cache: PathBuf,
}

/// What to run.
#[derive(Debug, Clone, PartialEq)]
pub enum Start {
    New {
        /// Shown in tables; one is made where there is none.
        name: Option<String>,
        labels: Labels,
        config: Box<TrainConfig>,
    },
    /// A part of a cross-validation, whose id is given; the settings name the part.
    Fold { parent: String, config: Box<TrainConfig> },
    /// What an earlier run did: its settings, and the learning rates that it was given after so many steps.
    Repeat { config: Box<TrainConfig>, rates: Vec<(usize, f64)> },
    /// Go on with a stopped, failed or crashed run, by id.
    Resume { run_id: String },
}

/// What a run tells.
#[derive(Debug, Clone, PartialEq)]
pub enum RunEvent {
    /// The run is in the store.
    Created {
        run_id: String,
        name: String,
        config: Box<TrainConfig>,
        synthetic: bool,
    },
    Train(TrainEvent),
}

/// A run under way.
#[derive(Debug)]
pub struct RunHandle {
    pub control: Control,
    /// Ends after `TrainEvent::Ended`.
    pub events: Receiver<RunEvent>,
    pub thread: JoinHandle<()>,
}

/// Starts a run on a thread of its own. All that can go wrong comes as `TrainEvent::Ended`.
///
/// # Errors
/// `Io` where the thread cannot be started.
pub fn start(place: Workplace, start: Start) -> Result<RunHandle> {
    start_with(place, start, Control::default(), Arc::default())
}

/// As [`start`], with a control that the caller has already, and with what becomes true before the run ends where the
/// machine's state is at fault, so that others would fail as well.
///
/// # Errors
/// As [`start`].
pub fn start_with(place: Workplace, start: Start, control: Control, outage: Arc<AtomicBool>) -> Result<RunHandle> {
    let (sender, events) = channel();
    let (theirs, back) = (control.clone(), sender);
    let work = move || {
        priority::lower();
        let journal = Journal::default();
        let (place, control, outage) = (&place, &theirs, &*outage);
        let run = || Session { place, control, listener: &back, journal: &journal, outage }.run(&start);
        let outcome = catch_unwind(AssertUnwindSafe(run)).unwrap_or_else(|panic| Outcome::Failed(describe(&*panic)));
        journal.end(&outcome);
        machine::give_memory_back();
        let _ = back.send(RunEvent::Train(TrainEvent::Ended(outcome)));
    };
    let thread =
        std::thread::Builder::new().name("run".into()).spawn(work).map_err(|e| Error::io("start", "the run", e))?;
    Ok(RunHandle { control, events, thread })
}

fn describe(panic: &(dyn Any + Send)) -> String {
    format!("internal error: {}; the run goes on from its last checkpoint with resume", words_of(panic))
}

/// What a panic said.
#[must_use]
pub fn words_of(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<String>().map(String::as_str).or(panic.downcast_ref::<&str>().copied());
    text.unwrap_or("unknown")
}

struct Session<'a> {
    place: &'a Workplace,
    control: &'a Control,
    listener: &'a Sender<RunEvent>,
    journal: &'a Journal,
    outage: &'a AtomicBool,
}

impl Session<'_> {
    fn run(&self, start: &Start) -> Outcome {
        match self.try_run(start) {
            Ok(outcome) => outcome,
            Err(Error::Cancelled) => Outcome::Stopped,
            Err(error @ Error::BadSetting { .. }) => Outcome::Refused(error.to_string()),
            Err(error) => self.failed(&error),
        }
    }

    fn failed(&self, error: &Error) -> Outcome {
        if error.is_outage() {
            self.outage.store(true, Ordering::Relaxed);
        }
        Outcome::Failed(error.to_string())
    }

    fn try_run(&self, start: &Start) -> Result<Outcome> {
        let store = Store::open(&self.place.db)?;
        match start {
            Start::New { name, labels, config } => {
                let (name, labels) = (name.clone(), labels.clone());
                self.begin(&store, &Beginning { name, labels, ..config.as_ref().into() })
            }
            Start::Fold { parent, config } => {
                let parent = store.run(parent)?;
                let name = config.fold.map(|fold| format!("{}/{}", parent.started.name, fold.number));
                let there = Session { place: &self.place_of(&parent), ..*self };
                let parent = Some(parent.started);
                there.begin(&store, &Beginning { name, parent, settled: true, ..config.as_ref().into() })
            }
            Start::Repeat { config, rates } => {
                let rates = rates.clone();
                self.begin(&store, &Beginning { rates, settled: true, unchecked: true, ..config.as_ref().into() })
            }
            Start::Resume { run_id } => self.resume(&store, run_id),
        }
    }

    fn begin(&self, store: &Store, beginning: &Beginning) -> Result<Outcome> {
        beginning.config.validate()?;
        check_name(beginning.name.as_deref())?;
        beginning.labels.check()?;
        let config = with_weights(self.place, beginning.config)?;
        let data = self.load(&config)?;
        let config = &if beginning.settled { config } else { marked::settle(store, &data, &config)? };
        let beginning = &Beginning { config, ..beginning.clone() };
        let splits = self.split(&data, config)?;
        if !beginning.unchecked {
            self.check_weights(store, beginning, (&data, &splits))?;
        }
        if let Some(problem) = self.lack_of_memory(config, splits.train.len()) {
            return Err(too_large(&problem));
        }
        let manifest = Manifest::of(&data, &splits);
        let row = new_run(store, (&data, &splits, &manifest), beginning)?;
        let checks = if beginning.unchecked { None } else { Some(self.check(store, &row, (&data, &splits))?) };
        let (folder, lock) = (store.run_folder(&row.id), folder_lock(store, &row.id)?);
        store.begin_run(&row, (&manifest.text(), checks.as_ref()))?;
        beginning.labels.write(store, &row.id)?;
        let identity = Identity { run_id: row.id.clone(), config: config.clone(), split_hash: row.split_hash.clone() };
        self.tell_created(&row.name, &identity, row.synthetic);
        let rates = beginning.rates.clone();
        let job = Job { identity, dataset: &data.dataset, splits: &splits, cache: &data.cache, folder, rates };
        self.journal.open(&job, ("begun", &row.name, &row.data_hash));
        let outcome = self.train(store, &job, None);
        drop(lock);
        outcome
    }

    /// Refuses weights that have learned images which judge the run; those of a cross-validation were looked at when it began.
    fn check_weights(
        &self,
        store: &Store,
        beginning: &Beginning,
        (data, splits): (&LoadedData, &Splits),
    ) -> Result<()> {
        let learned = Learned::of(store, beginning.config)?;
        if let Some(text) = learned.doubt() {
            self.notice(text);
        }
        if beginning.parent.is_some() { Ok(()) } else { learned.check(data, splits) }
    }

    /// Finds out about the data what must be known before the run is believed, and says it.
    fn check(&self, store: &Store, run: &NewRun, (data, splits): (&LoadedData, &Splits)) -> Result<Checks> {
        let known = store.known_checks(run.manifest.as_deref().unwrap_or_default(), data.cache.image_size())?;
        let checks = known.map_or_else(|| checks::check(data, splits), Ok)?;
        for alarm in checks.alarms() {
            self.notice(alarm.to_string());
        }
        Ok(checks)
    }

    fn train(&self, store: &Store, job: &Job, resume: Option<Checkpoint>) -> Result<Outcome> {
        let mut recorder = Recorder::new(store, job, resume.as_ref().map_or(0, |found| found.position.steps))?;
        let run = || {
            train(job, resume, self.control, &mut |mut event| {
                recorder.record(&mut event)?;
                self.tell(event);
                Ok(())
            })
        };
        let listening = (job.identity.run_id.as_str(), self.control);
        let run = || listener::while_listening(store.path(), listening, run);
        let outcome = match catch_unwind(AssertUnwindSafe(run)) {
            Ok(Ok(outcome)) => outcome,
            Ok(Err(error)) => self.failed(&error),
            Err(panic) => Outcome::Failed(describe(&*panic)),
        };
        let outcome = recorder.end(outcome)?;
        if matches!(outcome, Outcome::Finished { .. })
            && let Err(error) = checkpoint::slim_last(&job.folder)
        {
            self.notice(format!("the last checkpoint keeps its optimizer's state: {error}"));
        }
        // While the run's lock is held: who follows the log reads to the end.
        self.journal.end(&outcome);
        Ok(outcome)
    }

    fn load(&self, config: &TrainConfig) -> Result<LoadedData> {
        self.tell(TrainEvent::Phase(Phase::Scanning));
        LoadedData::open(self.place, config.image_size, &mut |p| self.decoding(p))
    }

    fn decoding(&self, progress: cache::Progress) -> ControlFlow<()> {
        self.tell(TrainEvent::Phase(Phase::Decoding { done: progress.done, total: progress.total }));
        if self.control.wish() == Wish::Stop { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    }

    fn split(&self, data: &LoadedData, config: &TrainConfig) -> Result<Splits> {
        let splits = data.sampled(config);
        marked::check_trainable(data, &splits, config)?;
        for text in notices::all(data, &splits, config) {
            self.notice(text);
        }
        Ok(splits)
    }

    /// What other programs leave too little of is an outage; what this machine never has is the run's own fault.
    fn lack_of_memory(&self, config: &TrainConfig, images: usize) -> Option<String> {
        let problem = lack_of_memory(config, images)?;
        if machine::is_large_enough(config.engine, config.batch_size.min(images), config.image_size) {
            self.outage.store(true, Ordering::Relaxed);
        }
        Some(problem)
    }

    fn tell_created(&self, name: &str, identity: &Identity, synthetic: bool) {
        let created = RunEvent::Created {
            run_id: identity.run_id.clone(),
            name: name.to_owned(),
            config: Box::new(identity.config.clone()),
            synthetic,
        };
        let _ = self.listener.send(created);
    }

    fn notice(&self, text: String) {
        self.tell(TrainEvent::Notice(text));
    }

    fn tell(&self, event: TrainEvent) {
        self.journal.hear(&event);
        self.pass_on(event);
    }

    /// Nobody listening is no reason to stop a run.
    fn pass_on(&self, event: TrainEvent) {
        let _ = self.listener.send(RunEvent::Train(event));
    }
}

/// What is wrong where memory has no room for a batch of so many images.
fn lack_of_memory(config: &TrainConfig, images: usize) -> Option<String> {
    machine::lack_of_memory(config.engine, config.batch_size.min(images), config.image_size)
}

/// What to do about it, for what has not begun.
fn too_large(problem: &str) -> Error {
    let problem = format!("{problem}: choose a smaller one, or a smaller image size");
    Error::BadSetting { setting: "batch size", problem }
}

/// The settings a run was started with.
///
/// # Errors
/// `Run` where a newer or older program wrote settings that this one cannot read, or another program trained it.
pub fn config_of(run: &Run) -> Result<TrainConfig> {
    run.started.refuse_foreign()?;
    serde_json::from_value(run.started.config.clone()).map_err(|error| Error::Run {
        run: run.started.id.clone(),
        problem: format!("its settings cannot be read: {error}; use the version that made it"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(target_os = "linux")]
    #[test]
    fn what_memory_has_no_room_for_is_said_with_what_it_needs() {
        let config = TrainConfig { batch_size: 100_000, image_size: 512, ..TrainConfig::default() };
        let said = lack_of_memory(&config, 100_000).unwrap();
        assert!(said.contains("100000 images of 512 x 512") && said.contains("are free"), "{said}");
        assert_eq!(lack_of_memory(&config, 8), None, "only so many images as there are go through at once");
    }
}
