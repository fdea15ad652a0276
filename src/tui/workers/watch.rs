//! Looks what other processes do to the database, on a thread and a connection of its own: where nobody writes, a look
//! costs one number.

use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::time::Duration;

use crate::app::attached::Watched;
use crate::app::message::{Message, RunsMessage, TrainMessage};
use crate::error::Result;
use crate::session::Workplace;
use crate::store::{Pipeline, PipelineState, Store};
use crate::tui::wake::Outbox;

/// Between two looks, while a run is followed and while none is.
const CLOSE: Duration = Duration::from_millis(250);
const DISTANT: Duration = Duration::from_secs(1);

/// The run to follow.
pub struct Watcher(Sender<Option<String>>);

impl Watcher {
    /// Without its thread other processes' runs are seen when the table is read, and all else goes on.
    pub fn start(place: Workplace, outbox: Outbox) -> Self {
        let (sender, wishes) = channel();
        let _ = std::thread::Builder::new().name("watch".into()).spawn(move || watch(&place, &wishes, &outbox));
        Self(sender)
    }

    pub fn follow(&self, run_id: Option<String>) {
        let _ = self.0.send(run_id);
    }
}

/// The run that is followed, and the newest step that was told of it.
struct Followed {
    run_id: String,
    step: usize,
}

fn watch(place: &Workplace, wishes: &Receiver<Option<String>>, outbox: &Outbox) {
    let (mut followed, mut seen, mut runs): (Option<Followed>, Option<i64>, Option<String>) = (None, None, None);
    let (mut store, mut pipeline) = (None, None);
    loop {
        match wishes.recv_timeout(if followed.is_some() { CLOSE } else { DISTANT }) {
            Ok(run_id) => {
                followed = run_id.map(|run_id| Followed { run_id, step: 0 });
                seen = None;
            }
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => return,
        }
        if store.is_none() && place.db.exists() {
            store = Store::open(&place.db).ok();
        }
        let Some(store) = &store else { continue };
        // A process that was killed says nothing: its lock does.
        let crashed = followed.is_some() && store.mark_crashed().is_ok_and(|crashed| !crashed.is_empty());
        let version = store.data_version().ok();
        // A pipeline whose process was killed says nothing either.
        if (version != seen || is_running(pipeline.as_ref()))
            && let Ok(newest) = store.newest_pipeline()
            && newest != pipeline
        {
            outbox.send(Message::Train(TrainMessage::Pipeline(Ok(newest.clone().map(Box::new)))));
            pipeline = newest;
        }
        if version == seen && !crashed {
            continue;
        }
        seen = version;
        let now = store.summary().ok();
        if runs.is_some() && now != runs {
            outbox.send(Message::Runs(RunsMessage::Changed));
        }
        runs = now;
        if let Some(watched) = followed.as_mut().and_then(|followed| news(store, followed).ok()) {
            outbox.send(Message::Train(TrainMessage::Watched(Box::new(watched))));
        }
    }
}

fn is_running(pipeline: Option<&Pipeline>) -> bool {
    pipeline.is_some_and(|pipeline| pipeline.state == PipelineState::Running)
}

fn news(store: &Store, followed: &mut Followed) -> Result<Watched> {
    let id = &followed.run_id;
    // The row is read last, so that an end is not told before what came before it.
    let (steps, epochs, marks) = (store.steps_after(id, followed.step)?, store.epochs(id)?, store.marks(id)?);
    let run = store.run(id)?;
    followed.step = steps.last().map_or(followed.step, |point| point.step);
    Ok(Watched { run, steps, epochs, marks })
}
