//! The run of this program: started through the session, its events passed on as messages.

use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use crate::app::message::{Message, TrainMessage};
use crate::session::queue::{self, QueueEvent, QueueHandle, QueueOutcome};
use crate::session::{self, RunEvent, RunHandle, Start, Workplace};
use crate::train::range_test::{RateEvent, RateOutcome, RateRange};
use crate::train::{Control, TrainConfig};
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

    /// Works through the queue, unless another process does.
    pub fn start_queue(place: &Workplace, outbox: &Outbox) -> Self {
        let over = |problem: String| outbox.send(Message::Train(TrainMessage::QueueOver(Err(problem))));
        match queue::start(place.clone(), None) {
            Ok(Some(handle)) => return follow_queue(handle, outbox.clone()).unwrap_or_default(),
            Ok(None) => over("another process works through the queue: it takes these runs too".into()),
            Err(error) => over(error.to_string()),
        }
        Self::default()
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

fn follow_queue(handle: QueueHandle, outbox: Outbox) -> crate::error::Result<CurrentRun> {
    let QueueHandle { control, events, thread } = handle;
    let pass_on = move || {
        for event in events {
            let message = match event {
                QueueEvent::Started(entry) => TrainMessage::Next(entry),
                QueueEvent::Run(event) => of_run(event),
                QueueEvent::Over(QueueOutcome::Failed(problem)) => TrainMessage::QueueOver(Err(problem)),
                QueueEvent::Over(QueueOutcome::Done | QueueOutcome::Stopped) => TrainMessage::QueueOver(Ok(())),
                QueueEvent::Ended(_) | QueueEvent::Decided(_) => continue,
            };
            outbox.send(Message::Train(message));
        }
    };
    let spawned = std::thread::Builder::new().name("run-events".into()).spawn(pass_on);
    spawned.map_err(|error| crate::error::Error::io("start", "the queue", error))?;
    Ok(CurrentRun { control: Some(control), thread: Some(thread) })
}

/// The search for a learning rate; dropping it lets it end by itself.
#[derive(Default)]
pub struct Finding(Option<Control>);

impl Finding {
    pub fn start(place: &Workplace, config: TrainConfig, outbox: &Outbox) -> Self {
        let (failed, outbox) = (outbox.clone(), outbox.clone());
        let started = session::find_rate(place.clone(), config, RateRange::default()).and_then(|handle| {
            let pass_on = move || handle.events.iter().for_each(|e| outbox.send(Message::Train(TrainMessage::Rate(e))));
            let spawned = std::thread::Builder::new().name("rate-events".into()).spawn(pass_on);
            spawned.map_err(|error| crate::error::Error::io("start", "the search", error))?;
            Ok(handle.control)
        });
        match started {
            Ok(control) => Self(Some(control)),
            Err(error) => {
                let ended = RateEvent::Ended(RateOutcome::Failed(error.to_string()));
                failed.send(Message::Train(TrainMessage::Rate(ended)));
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
