//! The run of this program: started through the session, its events passed on as messages.

use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use crate::app::message::{Message, TrainMessage};
use crate::session::{self, RunEvent, RunHandle, Start, Workplace};
use crate::train::Control;
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

fn follow(handle: RunHandle, outbox: Outbox) -> crate::error::Result<CurrentRun> {
    let RunHandle { control, events, thread } = handle;
    let pass_on = move || {
        for event in events {
            outbox.send(Message::Train(match event {
                RunEvent::Created { run_id, name, config, synthetic } => {
                    TrainMessage::Started { run_id, name, config, synthetic }
                }
                RunEvent::Train(event) => TrainMessage::Event(event),
            }));
        }
    };
    let spawned = std::thread::Builder::new().name("run-events".into()).spawn(pass_on);
    spawned.map_err(|error| crate::error::Error::io("start", "the run", error))?;
    Ok(CurrentRun { control: Some(control), thread: Some(thread) })
}
