//! Works through the queue, one run after the other; its whole state is in the store, so that it goes on after any end.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::JoinHandle;

use super::labels::Labels;
use super::study::{self, Decision};
use super::{RunEvent, Start, Workplace, start_with, words_of};
use crate::error::{Error, Result};
use crate::store::{Entry, EntryState, RunState, Store};
use crate::train::control::Wish;
use crate::train::{Control, Outcome, TrainConfig, TrainEvent};

/// What a runner of the queue tells.
#[derive(Debug, Clone, PartialEq)]
pub enum QueueEvent {
    /// An entry's run begins or goes on.
    Started(Box<Entry>),
    /// Of the entry that was started last.
    Run(RunEvent),
    /// The entry that was started last is done, has failed, or waits again.
    Ended(Box<Entry>),
    /// A rung of successive halving is over.
    Decided(Decision),
    /// The last message.
    Over(QueueOutcome),
}

/// How a runner ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum QueueOutcome {
    /// Nothing waits any more.
    Done,
    /// On request: the run under way has a checkpoint, and waits with the rest.
    Stopped,
    /// The queue could not go on: its database, or what every run needs, is out of reach, and what was under way waits
    /// again. A run that fails by itself is no reason.
    Failed(String),
}

/// The queue at work.
#[derive(Debug)]
pub struct QueueHandle {
    /// Of the runs, one after the other; a stop is for the queue.
    pub control: Control,
    /// Ends after `QueueEvent::Over`.
    pub events: Receiver<QueueEvent>,
    pub thread: JoinHandle<()>,
}

/// Works through what waits, of one study or all, on a thread of its own; `None` where another runner is at it.
///
/// # Errors
/// `Store` or `Io` where database, lock or thread cannot be had.
pub fn start(place: Workplace, only: Option<String>) -> Result<Option<QueueHandle>> {
    start_under(Control::default(), place, only)
}

/// The same under a control that is there already.
///
/// # Errors
/// As [`start`].
pub fn start_under(control: Control, place: Workplace, only: Option<String>) -> Result<Option<QueueHandle>> {
    let store = Store::open(&place.db)?;
    let Some(lock) = store.queue_lock()? else { return Ok(None) };
    let (listener, events) = channel();
    let runner = Runner { place, only, control: control.clone(), listener };
    let work = move || {
        let done = catch_unwind(AssertUnwindSafe(|| runner.all(&store)));
        let outcome = match done {
            Ok(Ok(outcome)) => outcome,
            Ok(Err(error)) => QueueOutcome::Failed(error.to_string()),
            Err(panic) => QueueOutcome::Failed(format!("internal error: {}", words_of(&*panic))),
        };
        drop(lock);
        runner.tell(QueueEvent::Over(outcome));
    };
    let thread = std::thread::Builder::new().name("queue".into()).spawn(work);
    let thread = thread.map_err(|error| Error::io("start a thread for", "the queue", error))?;
    Ok(Some(QueueHandle { control, events, thread }))
}

struct Runner {
    place: Workplace,
    only: Option<String>,
    control: Control,
    listener: Sender<QueueEvent>,
}

impl Runner {
    fn all(&self, store: &Store) -> Result<QueueOutcome> {
        store.mark_crashed()?;
        store.recover_queue()?;
        loop {
            for decision in study::decide(store)? {
                self.tell(QueueEvent::Decided(decision));
            }
            if self.control.wish() == Wish::Stop {
                return Ok(QueueOutcome::Stopped);
            }
            let Some(next) = store.next_entry(self.only.as_deref())? else { return Ok(QueueOutcome::Done) };
            let Some(entry) = store.begin_entry(next.id)? else { continue };
            let name = entry.new.name.clone();
            let (state, problem) = self.one(store, &entry)?;
            store.end_entry(entry.id, state, problem.as_deref())?;
            let ended = store.queue()?.into_iter().find(|other| other.id == entry.id);
            self.tell(QueueEvent::Ended(Box::new(ended.unwrap_or(entry))));
            if state == EntryState::Waiting {
                let failed = |problem| QueueOutcome::Failed(format!("{name} waits again: {problem}"));
                return Ok(problem.map_or(QueueOutcome::Stopped, failed));
            }
        }
    }

    /// How an entry stands after its turn, and why it failed; one that waits again for a reason would not be alone in that.
    fn one(&self, store: &Store, entry: &Entry) -> Result<(EntryState, Option<String>)> {
        self.tell(QueueEvent::Started(Box::new(entry.clone())));
        let start = match (&entry.run_id, serde_json::from_value::<TrainConfig>(entry.new.config.clone())) {
            (Some(run_id), _) if is_far_enough(store, run_id, entry)? => return Ok((EntryState::Done, None)),
            (Some(run_id), _) => Start::Resume { run_id: run_id.clone() },
            (None, Ok(config)) => {
                // The study's runs are found by its name.
                let labels = Labels { note: None, tags: entry.study.iter().cloned().collect() };
                let labels = if labels.check().is_ok() { labels } else { Labels::default() };
                Start::New { name: Some(entry.new.name.clone()), labels, config: Box::new(config) }
            }
            (None, Err(error)) => {
                let problem = format!("its settings cannot be read: {error}; use the version that made them");
                return Ok((EntryState::Failed, Some(problem)));
            }
        };
        let outage = Arc::default();
        let (run_id, outcome) = self.follow(store, entry, (start, &outage))?;
        Ok(match outcome {
            Outcome::Failed(problem) | Outcome::Refused(problem) if outage.load(Ordering::Relaxed) => {
                (EntryState::Waiting, Some(problem))
            }
            Outcome::Finished { .. } => (EntryState::Done, None),
            Outcome::Failed(problem) | Outcome::Refused(problem) => (EntryState::Failed, Some(problem)),
            Outcome::Stopped => match run_id {
                Some(run_id) if is_far_enough(store, &run_id, entry)? => (EntryState::Done, None),
                _ => (EntryState::Waiting, None),
            },
        })
    }

    /// Runs `start` to its end; answers the run's id, where there is one, and its outcome.
    fn follow(
        &self,
        store: &Store,
        entry: &Entry,
        (start, outage): (Start, &Arc<AtomicBool>),
    ) -> Result<(Option<String>, Outcome)> {
        // What was asked of the run before is not for this one.
        self.control.stop_after(entry.new.until_epoch);
        let _ = self.control.take_learning_rate();
        let place = Workplace { data: entry.new.data.clone(), ..self.place.clone() };
        let handle = start_with(place, start, self.control.clone(), outage.clone())?;
        let (mut id, mut outcome, mut noted) = (None, Outcome::Stopped, Ok(()));
        for event in handle.events {
            match &event {
                RunEvent::Created { run_id, .. } => {
                    id = Some(run_id.clone());
                    noted = store.set_entry_run(entry.id, run_id);
                    if noted.is_err() {
                        self.control.stop();
                    }
                }
                RunEvent::Train(TrainEvent::Ended(ended)) => outcome = ended.clone(),
                RunEvent::Train(_) => {}
            }
            self.tell(QueueEvent::Run(event));
        }
        let _ = handle.thread.join();
        noted.map(|()| (id, outcome))
    }

    /// Nobody listening is no reason to stop.
    fn tell(&self, event: QueueEvent) {
        let _ = self.listener.send(event);
    }
}

/// Whether a run has the epochs that its entry asks for.
fn is_far_enough(store: &Store, run_id: &str, entry: &Entry) -> Result<bool> {
    let run = store.run(run_id)?;
    Ok(run.state == RunState::Finished || entry.new.until_epoch.is_some_and(|until| run.epochs_done >= until))
}
