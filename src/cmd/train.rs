//! `xray-tui train`: a run without a screen.

use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::RecvTimeoutError;
use std::time::Duration;

use anyhow::Context;
use serde_json::{Value, json};

use super::{Output, WrongUse, run_json};
use crate::cli::TrainArgs;
use crate::metrics::EpochFigures;
use crate::session::{self, RunEvent, RunHandle, Start, Workplace};
use crate::store::Store;
use crate::train::{Outcome, Phase, TrainEvent, checkpoint};
use crate::units::{duration, share};

pub fn run(args: &TrainArgs, place: &Workplace, out: Output) -> anyhow::Result<ExitCode> {
    let config = args.config();
    config.validate()?;
    let store = Store::open(&place.db)?;
    store.mark_crashed()?;
    let start = match &args.resume {
        Some(name) => Start::Resume { run_id: store.resolve(name)?.started.id },
        None => Start::New { name: args.name.clone(), config: Box::new(config) },
    };
    let handle = session::start(place.clone(), start)?;
    let mut narrator = Narrator { out, run_id: None, said: String::new() };
    let outcome = follow(&handle, &mut narrator)?;
    let _ = handle.thread.join();
    report(&outcome, narrator.run_id.as_deref(), &store, out)
}

/// Tells what the run says until it ends; an interrupt or a termination asks it to stop, a second one ends the process.
fn follow(handle: &RunHandle, narrator: &mut Narrator) -> anyhow::Result<Outcome> {
    let interrupted = watch_signals().context("cannot watch for Ctrl-C")?;
    loop {
        if interrupted.load(Ordering::Relaxed) {
            handle.control.stop();
        }
        match handle.events.recv_timeout(Duration::from_millis(50)) {
            Ok(RunEvent::Train(TrainEvent::Ended(outcome))) => return Ok(outcome),
            Ok(event) => narrator.tell(&event),
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => anyhow::bail!("the run's thread died without a word"),
        }
    }
}

fn watch_signals() -> std::io::Result<Arc<AtomicBool>> {
    use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
    let flag = Arc::new(AtomicBool::new(false));
    for signal in [SIGINT, SIGTERM, SIGHUP] {
        signal_hook::flag::register_conditional_shutdown(signal, 1, Arc::clone(&flag))?;
        signal_hook::flag::register(signal, Arc::clone(&flag))?;
    }
    Ok(flag)
}

fn report(outcome: &Outcome, run_id: Option<&str>, store: &Store, out: Output) -> anyhow::Result<ExitCode> {
    let Some(run_id) = run_id else {
        match outcome {
            Outcome::Refused(problem) => return Err(WrongUse(problem.clone()).into()),
            Outcome::Failed(problem) => anyhow::bail!("{problem}"),
            _ => anyhow::bail!("stopped before training began; start again"),
        }
    };
    let value = answer(store, run_id)?;
    match outcome {
        Outcome::Finished { .. } => {
            out.answer(&value, || summary(&value))?;
            Ok(ExitCode::SUCCESS)
        }
        Outcome::Stopped => {
            if out.json {
                out.answer(&value, String::new)?;
            }
            anyhow::bail!("run {run_id} was stopped; go on with `xray-tui train --resume {run_id}`")
        }
        Outcome::Failed(problem) | Outcome::Refused(problem) => {
            if out.json {
                out.answer(&value, String::new)?;
            }
            anyhow::bail!("{problem}")
        }
    }
}

fn answer(store: &Store, run_id: &str) -> anyhow::Result<Value> {
    let run = store.run(run_id)?;
    let mut value = run_json(&run);
    value["epochs"] = json!(run.epochs_done);
    value["checkpoint"] = json!(checkpoint::best_path(&store.run_folder(run_id)).to_string_lossy());
    Ok(value)
}

fn summary(value: &Value) -> String {
    let figure = |key: &str| share(value[key].as_f64());
    format!(
        "{}  {}\nbest epoch      {}  validation accuracy {}\ntest accuracy   {}  precision {}  recall {}  F1 {}\ncheckpoint      {}",
        value["name"].as_str().unwrap_or_default(),
        value["run_id"].as_str().unwrap_or_default(),
        value["best_epoch"],
        figure("best_val_accuracy"),
        figure("test_accuracy"),
        figure("test_precision"),
        figure("test_recall"),
        figure("test_f1"),
        value["checkpoint"].as_str().unwrap_or_default(),
    )
}

/// Says what a run tells, each thing once.
struct Narrator {
    out: Output,
    run_id: Option<String>,
    /// The last phase said, so that a phase's counts don't flood the log.
    said: String,
}

impl Narrator {
    fn tell(&mut self, event: &RunEvent) {
        match event {
            RunEvent::Created { run_id, name, config, synthetic } => {
                let mark = if *synthetic { "  SYNTHETIC" } else { "" };
                self.out.progress(&format!("{name}  {run_id}{mark}"));
                self.out.detail(&json!(config).to_string());
                self.run_id = Some(run_id.clone());
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
            RunEvent::Train(TrainEvent::Notice(text)) => self.out.progress(&format!("note: {text}")),
            RunEvent::Train(TrainEvent::Answers { .. } | TrainEvent::Ended(_)) => {}
        }
    }

    fn phase(&mut self, phase: Phase) {
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
    format!(
        "epoch {}  train loss {} accuracy {}  validation loss {} accuracy {}  {}{}",
        figures.epoch,
        share(train.loss),
        share(train.confusion.accuracy()),
        share(validation.loss),
        share(validation.confusion.accuracy()),
        duration(figures.seconds),
        if best { "  best so far" } else { "" }
    )
}
