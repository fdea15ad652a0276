//! `xray-tui reproduce`: a finished run once more, and whether it gave the same bits.

use std::ops::ControlFlow;
use std::path::Path;
use std::process::ExitCode;

use serde_json::{Value, json};

use super::narrator::{Narrator, follow};
use super::{Output, open_store};
use crate::cli::ReproduceArgs;
use crate::session::original::Original;
use crate::session::reproduce::{Bound, Repetition, Reproduction};
use crate::session::scratch::Scratch;
use crate::session::{self, RunEvent, Workplace};
use crate::store::{Mark, MarkKind, Run, Store};
use crate::train::{Outcome, TrainEvent};
use crate::units::share;

/// `named` is the data set that the user named; without one it is the run's own.
pub fn run(args: &ReproduceArgs, named: Option<&Path>, place: &Workplace, out: Output) -> anyhow::Result<ExitCode> {
    let scratch = Scratch::new(&place.db)?;
    let file = Path::new(&args.what);
    let (store, original) = if file.is_file() {
        (None, Original::import(file, scratch.path())?)
    } else {
        let store = open_store(place)?;
        let run = store.resolve(&args.what)?;
        let original = Original::read(&store, run)?;
        (Some(store), original)
    };
    let run = original.run.clone();
    let data = named.unwrap_or(&run.started.data).to_owned();
    let there = Workplace { data, db: scratch.path().join("runs.db"), cache: place.cache.clone() };
    let found = match Repetition::prepare(original, &there, &mut out.counting("decoding"))? {
        Ok(repetition) => repeat(repetition, &there, out)?,
        Err(tampered) => tampered,
    };
    if let Some(store) = store {
        note(&store, &run, &found)?;
    }
    answer(&run, &found, out)
}

/// Trains it again; a first difference ends it.
fn repeat(mut repetition: Repetition, there: &Workplace, out: Output) -> anyhow::Result<Reproduction> {
    if !repetition.is_comparable() {
        out.progress("note: other instructions compute here, so this is not comparable bit for bit");
    }
    let handle = session::start(there.clone(), repetition.start()?)?;
    let mut narrator = Narrator::new(out);
    let mut differs = false;
    let outcome = follow(&handle, &mut |event| {
        narrator.tell(event);
        let seen = match event {
            RunEvent::Train(TrainEvent::Step(step)) => {
                repetition.see_loss(step.loss);
                ControlFlow::Continue(())
            }
            RunEvent::Train(TrainEvent::Epoch { figures, .. }) => repetition.see_epoch(figures),
            _ => ControlFlow::Continue(()),
        };
        if seen.is_break() {
            differs = true;
            handle.control.stop();
        }
    })?;
    match outcome {
        Outcome::Finished { .. } => {}
        Outcome::Stopped if differs => {}
        Outcome::Stopped => anyhow::bail!("stopped before it was known whether the same bits come"),
        Outcome::Failed(problem) | Outcome::Refused(problem) => anyhow::bail!("{problem}"),
    }
    Ok(repetition.finish(&Store::open(&there.db)?)?)
}

/// Keeps in the store that the run was run again, and whether the same bits came.
fn note(store: &Store, run: &Run, found: &Reproduction) -> anyhow::Result<()> {
    let steps = store.steps(&run.started.id)?.last().map_or(0, |point| point.step);
    // It may have been deleted meanwhile.
    if let Some(identical) = found.identical.filter(|_| found.was_run && store.run(&run.started.id).is_ok()) {
        let value = Some(f64::from(identical));
        store.add_mark(&run.started.id, &Mark { value, ..Mark::now(steps, MarkKind::Repeat) })?;
    }
    Ok(())
}

fn answer(run: &Run, found: &Reproduction, out: Output) -> anyhow::Result<ExitCode> {
    let mut value = json!(found);
    value["run_id"] = json!(run.started.id);
    value["name"] = json!(run.started.name);
    out.answer(&value, || text(run, found))?;
    let [near, far] = [true, false].map(|within| found.bounds.iter().any(|bound| bound.within == Some(within)));
    let near = found.identical.is_none() && near && !far;
    Ok(if found.identical == Some(true) || near { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn text(run: &Run, found: &Reproduction) -> String {
    let name = &run.started.name;
    let mut lines = vec![match (found.identical, &found.first_difference) {
        (Some(true), _) => {
            format!(
                "{name} is bit-identical: {} epochs, all answers and all weights are the same",
                found.epochs_compared
            )
        }
        (Some(false), Some(difference)) => {
            format!(
                "{name} is not the same. First difference, {}: {}\n  was {}\n  is  {}",
                difference.place, difference.what, difference.was, difference.is
            )
        }
        (None, Some(difference)) => format!(
            "{name} gave something else, {}: {}; what it ran on was not kept, so this may be the machine's doing",
            difference.place, difference.what
        ),
        _ => format!("{name} is not comparable bit for bit here"),
    }];
    if !found.not_compared.is_empty() {
        lines.push(format!("not kept with the run, and so not compared: {}", found.not_compared.join(", ")));
    }
    lines.extend(found.bounds.iter().map(bound));
    if !found.environment.is_empty() {
        lines.push("otherwise than when it was trained:".into());
        lines.extend(found.environment.iter().map(|change| {
            format!("  {:<26}was {}\n{:<28}is  {}", change.what, short(&change.was), "", short(&change.is))
        }));
    }
    lines.join("\n")
}

fn bound(bound: &Bound) -> String {
    let verdict = match bound.within {
        Some(true) => "within",
        Some(false) => "NOT within",
        None => "cannot be compared with",
    };
    format!("  {}: was {}, is {}: {verdict} the bound ({})", bound.what, share(bound.was), share(bound.is), bound.bound)
}

fn short(value: &Value) -> String {
    let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    if text.chars().count() > 72 { text.chars().take(71).chain(['…']).collect() } else { text }
}
