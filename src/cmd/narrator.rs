//! What a run says while it trains, as lines.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use anyhow::Context;
use serde_json::json;

use super::{Output, detach};
use crate::metrics::EpochFigures;
use crate::session::{RunEvent, RunHandle};
use crate::train::{Control, Outcome, Phase, TrainEvent};
use crate::units::{duration, share};

/// Passes on what the run says until it ends; an interrupt or a termination asks it to stop, a second one ends the process.
pub fn follow(handle: &RunHandle, tell: &mut dyn FnMut(&RunEvent)) -> anyhow::Result<Outcome> {
    until_end((&handle.events, &handle.control), &mut |event| match event {
        RunEvent::Train(TrainEvent::Ended(outcome)) => Some(outcome),
        event => {
            tell(&event);
            None
        }
    })
}

/// Hears events until one is the end; an interrupt or a termination asks `control` to stop, a second one ends the process.
pub fn until_end<E, T>(
    (events, control): (&Receiver<E>, &Control),
    hear: &mut dyn FnMut(E) -> Option<T>,
) -> anyhow::Result<T> {
    let interrupted = watch_signals().context("cannot watch for Ctrl-C")?;
    loop {
        if interrupted.load(Ordering::Relaxed) {
            control.stop();
        }
        match events.recv_timeout(Duration::from_millis(50)) {
            Ok(event) => {
                if let Some(end) = hear(event) {
                    return Ok(end);
                }
            }
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => anyhow::bail!("the run's thread died without a word"),
        }
    }
}

/// Whether the process was asked to end. Asked for several times, it watches once: what comes between two runs counts for
/// the second.
fn watch_signals() -> std::io::Result<Arc<AtomicBool>> {
    use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
    static ASKED: OnceLock<Arc<AtomicBool>> = OnceLock::new();
    if let Some(flag) = ASKED.get() {
        return Ok(Arc::clone(flag));
    }
    let flag = Arc::clone(ASKED.get_or_init(Arc::default));
    for signal in [SIGINT, SIGTERM, SIGHUP] {
        signal_hook::flag::register_conditional_shutdown(signal, 1, Arc::clone(&flag))?;
        signal_hook::flag::register(signal, Arc::clone(&flag))?;
    }
    Ok(flag)
}

/// Says what a run tells, each thing once.
pub struct Narrator {
    out: Output,
    /// Once the run is in the store.
    pub run_id: Option<String>,
    /// The study that it belongs to.
    pub study: Option<String>,
    /// The last phase said, so that a phase's counts don't flood the log.
    said: String,
}

impl Narrator {
    pub const fn new(out: Output) -> Self {
        Self { out, run_id: None, study: None, said: String::new() }
    }

    pub fn tell(&mut self, event: &RunEvent) {
        match event {
            RunEvent::Created { run_id, name, config, synthetic } => {
                let mark = if *synthetic { "  SYNTHETIC" } else { "" };
                self.out.progress(&format!("{name}  {run_id}{mark}"));
                self.out.detail(&json!(config).to_string());
                self.run_id = Some(run_id.clone());
                detach::announce(self.study.as_deref(), (run_id, name));
            }
            RunEvent::Train(TrainEvent::Phase(phase)) => self.phase(*phase),
            RunEvent::Train(TrainEvent::Step(s)) => self.out.progress(&format!(
                "epoch {} batch {}/{}  loss {:.4}  accuracy {:.3}  {:.1} images/s",
                s.epoch, s.batch, s.batches, s.loss, s.accuracy, s.images_per_second
            )),
            RunEvent::Train(TrainEvent::Epoch { figures, best }) => self.out.progress(&epoch_line(figures, *best)),
            RunEvent::Train(TrainEvent::Rate { step, learning_rate }) => {
                self.out.progress(&format!("from step {} on, the learning rate is {learning_rate}", step + 1));
            }
            RunEvent::Train(TrainEvent::LastEpoch { epoch, .. }) => {
                self.out.progress(&format!("it is to stop after epoch {epoch}"));
            }
            RunEvent::Train(TrainEvent::Notice(text)) => self.out.progress(&format!("note: {text}")),
            RunEvent::Train(TrainEvent::Answers { .. } | TrainEvent::Ended(_)) => {}
        }
    }

    pub fn phase(&mut self, phase: Phase) {
        let text = match phase {
            Phase::Scanning => "looking for images".to_owned(),
            Phase::Decoding { done, total } => format!("decoding {} of {total}", done - done % 512),
            Phase::Preparing => "preparing the network".to_owned(),
            Phase::Training { epoch, .. } => format!("training epoch {epoch}"),
            Phase::Validating { epoch, total, .. } => format!("validating epoch {epoch} on {total} images"),
            Phase::Testing { total, .. } => format!("testing on {total} images"),
            Phase::Paused => "paused".to_owned(),
            Phase::Stopping => "stopping".to_owned(),
        };
        if text != self.said {
            self.out.progress(&text);
            self.said = text;
        }
    }
}

fn epoch_line(figures: &EpochFigures, best: bool) -> String {
    let (train, validation) = (&figures.train, &figures.validation);
    let harder = figures.harder_auc().map_or_else(String::new, |auc| format!(" harder AUC {}", share(Some(auc))));
    format!(
        "epoch {}  train loss {} accuracy {}  validation loss {} accuracy {}{harder}  {}{}",
        figures.epoch,
        share(train.loss),
        share(train.confusion.accuracy()),
        share(validation.loss),
        share(validation.confusion.accuracy()),
        duration(figures.seconds),
        if best { "  best so far" } else { "" }
    )
}
