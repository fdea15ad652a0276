//! The run of this program: started through the session, its events passed on as messages.

use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use crate::app::message::{Message, TrainMessage};
use crate::dataset::Split;
use crate::metrics::Gate;
use crate::pipeline::{self, PipelineEvent, PipelineHandle, PipelineOutcome};
use crate::session::queue::{self, QueueEvent, QueueHandle, QueueOutcome};
use crate::session::{self, RunEvent, RunHandle, Start, Workplace};
use crate::train::range_test::{RateEvent, RateOutcome, RateRange};
use crate::train::{Control, TrainConfig, TrainEvent};
use crate::tui::wake::Outbox;

#[derive(Default)]
pub struct CurrentRun {
    control: Option<Control>,
    thread: Option<JoinHandle<()>>,
}

impl CurrentRun {
    pub fn start(place: &Workplace, start: Start, outbox: &Outbox) -> Self {
        match session::start(place.clone(), start).and_then(|handle| follow(handle, outbox.clone())) {
            Ok(run) => run,
            Err(error) => {
                outbox.send(Message::Train(TrainMessage::Refused(error.to_string())));
                Self::default()
            }
        }
    }

    /// Works through the queue, unless another process does; the database is opened on a thread of its own.
    pub fn start_queue(place: &Workplace, outbox: &Outbox) -> Self {
        let (place, theirs, control) = (place.clone(), outbox.clone(), Control::default());
        let own = control.clone();
        let work = move || {
            if let Err(problem) = follow_queue(queue::start_under(own, place, None), &theirs) {
                theirs.send(Message::Train(TrainMessage::QueueOver(Err(problem))));
            }
        };
        match std::thread::Builder::new().name("queue-events".into()).spawn(work) {
            Ok(thread) => Self { control: Some(control), thread: Some(thread) },
            Err(error) => {
                let problem = format!("cannot start a thread: {error}");
                outbox.send(Message::Train(TrainMessage::QueueOver(Err(problem))));
                Self::default()
            }
        }
    }

    /// Runs a pipeline, unless another process does; the database is opened on a thread of its own.
    pub fn start_pipeline(place: &Workplace, (config, gate): (TrainConfig, Gate), outbox: &Outbox) -> Self {
        let (place, theirs, control) = (place.clone(), outbox.clone(), Control::default());
        let own = control.clone();
        let settings = pipeline::Settings { config, gate, split: Split::Test };
        let order = pipeline::Order { settings, name: None, retries: 0, anew: false };
        let work = move || {
            let said = follow_pipeline(pipeline::start_under(own, place, order), &theirs);
            theirs.send(Message::Train(TrainMessage::PipelineOver(said)));
        };
        match std::thread::Builder::new().name("pipeline-events".into()).spawn(work) {
            Ok(thread) => Self { control: Some(control), thread: Some(thread) },
            Err(error) => {
                let said = format!("did not begin: cannot start a thread: {error}");
                outbox.send(Message::Train(TrainMessage::PipelineOver(said)));
                Self::default()
            }
        }
    }

    pub fn control(&self, change: impl FnOnce(&Control)) {
        if let Some(control) = &self.control {
            change(control);
        }
    }

    /// Stops the run and waits for its end, so long at most.
    pub fn finish(&mut self, patience: Duration) {
        let Some(thread) = self.thread.take() else { return };
        self.control(Control::stop);
        let start = Instant::now();
        while !thread.is_finished() && start.elapsed() < patience {
            std::thread::park_timeout(Duration::from_millis(20));
        }
    }
}

fn of_run(event: RunEvent) -> TrainMessage {
    match event {
        RunEvent::Created { run_id, name, config, synthetic } => {
            TrainMessage::Started { run_id, name, config, synthetic }
        }
        RunEvent::Train(event) => TrainMessage::Event(event),
    }
}

/// Passes on what the queue tells, until it is over.
fn follow_queue(started: crate::error::Result<Option<QueueHandle>>, outbox: &Outbox) -> Result<(), String> {
    let elsewhere = || "another process works through it, and takes these runs too".to_owned();
    let handle = started.map_err(|error| error.to_string())?.ok_or_else(elsewhere)?;
    for event in handle.events {
        let message = match event {
            QueueEvent::Started(entry) => TrainMessage::Next(entry),
            QueueEvent::Run(event) => of_run(event),
            QueueEvent::Over(QueueOutcome::Failed(problem)) => TrainMessage::QueueOver(Err(problem)),
            QueueEvent::Over(QueueOutcome::Done | QueueOutcome::Stopped) => TrainMessage::QueueOver(Ok(())),
            QueueEvent::Ended(_) | QueueEvent::Decided(_) => continue,
        };
        outbox.send(Message::Train(message));
    }
    let _ = handle.thread.join();
    Ok(())
}

/// Passes on what a pipeline tells, until it is over; how it ended, in words.
fn follow_pipeline(started: crate::error::Result<Option<PipelineHandle>>, outbox: &Outbox) -> String {
    let handle = match started {
        Ok(Some(handle)) => handle,
        Ok(None) => return "did not begin: another process runs one in this database".to_owned(),
        Err(error) => return format!("did not begin: {error}"),
    };
    let mut said = String::new();
    for event in handle.events {
        let message = match event {
            PipelineEvent::Changed(pipeline) => TrainMessage::Pipeline(Ok(Some(pipeline))),
            PipelineEvent::Run(event) => of_run(event),
            PipelineEvent::Notice(text) => TrainMessage::Event(TrainEvent::Notice(text)),
            PipelineEvent::Over(outcome) => {
                said = match outcome {
                    PipelineOutcome::Done { version } => format!("is done: its run is the champion, version {version}"),
                    PipelineOutcome::Refused(why) => format!("ended at its gate, which said no: {why}"),
                    PipelineOutcome::Stopped => "was stopped".to_owned(),
                    PipelineOutcome::Failed(problem) | PipelineOutcome::WrongUse(problem) => {
                        format!("failed: {problem}")
                    }
                };
                continue;
            }
        };
        outbox.send(Message::Train(message));
    }
    let _ = handle.thread.join();
    said
}

/// The search for a learning rate; dropping it lets it end by itself.
#[derive(Default)]
pub struct Finding(Option<Control>);

impl Finding {
    /// `search` is the number of the search, which goes with all that it tells.
    pub fn start(place: &Workplace, (search, config): (u64, TrainConfig), outbox: &Outbox) -> Self {
        let (failed, outbox) = (outbox.clone(), outbox.clone());
        let told = move |event| Message::Train(TrainMessage::Rate { search, event });
        let started = session::find_rate(place.clone(), config, RateRange::default()).and_then(|handle| {
            let pass_on = move || handle.events.iter().for_each(|event| outbox.send(told(event)));
            let spawned = std::thread::Builder::new().name("rate-events".into()).spawn(pass_on);
            spawned.map_err(|error| crate::error::Error::io("start", "the search", error))?;
            Ok(handle.control)
        });
        match started {
            Ok(control) => Self(Some(control)),
            Err(error) => {
                let ended = RateEvent::Ended(RateOutcome::Failed(error.to_string()));
                failed.send(told(ended));
                Self(None)
            }
        }
    }

    pub fn stop(&self) {
        if let Some(control) = &self.0 {
            control.stop();
        }
    }
}

fn follow(handle: RunHandle, outbox: Outbox) -> crate::error::Result<CurrentRun> {
    let RunHandle { control, events, thread } = handle;
    let pass_on = move || {
        for event in events {
            outbox.send(Message::Train(of_run(event)));
        }
    };
    let spawned = std::thread::Builder::new().name("run-events".into()).spawn(pass_on);
    spawned.map_err(|error| crate::error::Error::io("start", "the run", error))?;
    Ok(CurrentRun { control: Some(control), thread: Some(thread) })
}
