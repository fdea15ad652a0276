//! Check the data, train, evaluate, ask the gate, promote: one unit, whose whole state is in the store, so that it goes on
//! after any end.

pub mod evaluation;
mod reopen;
mod runner;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{Receiver, channel};
use std::thread::JoinHandle;

use serde::{Deserialize, Serialize};

use crate::dataset::Split;
use crate::error::{Error, Result};
use crate::metrics::Gate;
use crate::session::{RunEvent, Workplace, check_name, words_of};
use crate::store::{Pipeline, Store};
use crate::train::{Control, TrainConfig};
use runner::Runner;

/// What a pipeline does. Pipelines of the same data with the same settings are the same one.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Settings {
    pub config: TrainConfig,
    pub gate: Gate,
    /// Whose answers the gate looks at.
    pub split: Split,
}

/// A pipeline that is asked for.
#[derive(Debug, Clone, PartialEq)]
pub struct Order {
    pub settings: Settings,
    /// Its name, and its run's; one is made where there is none.
    pub name: Option<String>,
    /// How often a task is tried again where the machine's state was at fault and not what was asked for.
    pub retries: u32,
    /// Begin a new one, although one with these settings could go on.
    pub anew: bool,
}

/// What a pipeline tells.
#[derive(Debug, Clone, PartialEq)]
pub enum PipelineEvent {
    /// It begins, goes on, or one of its tasks stands otherwise.
    Changed(Box<Pipeline>),
    /// Of its run.
    Run(RunEvent),
    /// Something the user should know.
    Notice(String),
    /// The last message.
    Over(PipelineOutcome),
}

/// How a pipeline ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PipelineOutcome {
    /// Its run is the champion, under this version.
    Done {
        version: i64,
    },
    /// The gate said no, and why.
    Refused(String),
    /// On request; it can go on.
    Stopped,
    Failed(String),
    /// A setting cannot be used; there is no run.
    WrongUse(String),
}

/// A pipeline at work.
#[derive(Debug)]
pub struct PipelineHandle {
    /// Of its run; a stop is for the pipeline.
    pub control: Control,
    /// Ends after `PipelineEvent::Over`.
    pub events: Receiver<PipelineEvent>,
    pub thread: JoinHandle<()>,
}

/// Begins a pipeline, or goes on with the one that has these settings and is not done, on a thread of its own; `None` where
/// another one is at work in this database.
///
/// # Errors
/// `BadSetting` where a setting cannot be used; `Store` or `Io` where database, lock or thread cannot be had.
pub fn start(place: Workplace, order: Order) -> Result<Option<PipelineHandle>> {
    start_under(Control::default(), place, order)
}

/// The same under a control that is there already.
///
/// # Errors
/// As [`start`].
pub fn start_under(control: Control, place: Workplace, order: Order) -> Result<Option<PipelineHandle>> {
    order.settings.config.validate()?;
    check_name(order.name.as_deref())?;
    let store = Store::open(&place.db)?;
    let Some(lock) = store.pipeline_lock()? else { return Ok(None) };
    let (listener, events) = channel();
    let runner = Runner { place, order, control: control.clone(), listener };
    let work = move || {
        let done = catch_unwind(AssertUnwindSafe(|| runner.all(&store)));
        let outcome = match done {
            Ok(Ok(outcome)) => outcome,
            Ok(Err(error)) => PipelineOutcome::Failed(error.to_string()),
            Err(panic) => PipelineOutcome::Failed(format!("internal error: {}", words_of(&*panic))),
        };
        drop(lock);
        runner.tell(PipelineEvent::Over(outcome));
    };
    let thread = std::thread::Builder::new().name("pipeline".into()).spawn(work);
    let thread = thread.map_err(|error| Error::io("start a thread for", "the pipeline", error))?;
    Ok(Some(PipelineHandle { control, events, thread }))
}
