//! `xray-tui queue`: the runs that wait for their turn, and whoever works through them.

use std::process::ExitCode;
use std::time::Duration;

use serde_json::json;

use super::narrator::{Narrator, until_end};
use super::{Output, detach, open_store, sweep};
use crate::cli::QueueCommand;
use crate::error::Error;
use crate::session::Workplace;
use crate::session::queue::{self, QueueEvent, QueueOutcome};
use crate::store::{CommandKind, Entry, EntryState, RunState, Store};
use crate::train::space::text;

/// How long a stop is waited for: a batch may take its time.
const LONGEST_STOP: Duration = Duration::from_secs(20);

/// A run that is just beginning hears of nothing that was asked before.
const BETWEEN_ASKING: Duration = Duration::from_millis(250);

pub fn run(command: &QueueCommand, place: &Workplace, out: Output) -> anyhow::Result<ExitCode> {
    if matches!(command, QueueCommand::List) && !place.db.exists() {
        out.answer(&json!({"queue": [], "running": false}), || table(&[]))?;
        return Ok(ExitCode::SUCCESS);
    }
    let store = open_store(place)?;
    match command {
        QueueCommand::List => list(&store, out)?,
        QueueCommand::Run { detach: true, .. } => return detach::start(&place.db, "queue", out),
        QueueCommand::Run { study, .. } => return work_all(&store, (place, study.clone()), out),
        QueueCommand::Stop => stop(&store, out)?,
        QueueCommand::Show { study } => {
            let standings = store.standings(study)?;
            out.answer(&sweep::results_json(study, &standings), || sweep::results_text(study, &standings))?;
        }
        QueueCommand::Retry { ids } => {
            let ids = store.retry_entries(ids)?;
            out.answer(&json!({"retried": ids}), || match ids.len() {
                0 => "nothing in the queue has failed".to_owned(),
                waiting => format!("{waiting} wait again: `xray-tui queue run` starts them"),
            })?;
        }
        QueueCommand::Clear { all } => {
            let goes =
                |entry: &Entry| entry.state == EntryState::Waiting || (*all && entry.state != EntryState::Running);
            let ids: Vec<i64> = store.queue()?.iter().filter(|entry| goes(entry)).map(|entry| entry.id).collect();
            remove(&store, &ids, out)?;
        }
        QueueCommand::Remove { ids } => remove(&store, ids, out)?,
    }
    Ok(ExitCode::SUCCESS)
}

fn list(store: &Store, out: Output) -> anyhow::Result<()> {
    let (entries, running) = (store.queue()?, store.is_queue_worked()?);
    out.answer(&json!({"queue": entries, "running": running}), || table(&entries))?;
    Ok(())
}

fn table(entries: &[Entry]) -> String {
    if entries.is_empty() {
        return "nothing waits; `xray-tui sweep --over SETTING=VALUES` adds runs".into();
    }
    let head =
        format!("{:>5}  {:<20}{:<10}{:>5}{:>7}  {:<14}{}", "id", "name", "state", "rung", "until", "run", "settings");
    let row = |entry: &Entry| {
        let until = entry.new.until_epoch.map_or_else(|| "end".into(), |epoch| epoch.to_string());
        let problem = entry.problem.as_ref().map_or_else(String::new, |problem| format!("   {problem}"));
        format!(
            "{:>5}  {:<20}{:<10}{:>5}{until:>7}  {:<14}{}{problem}",
            entry.id,
            entry.new.name,
            entry.state.name(),
            entry.rung + 1,
            entry.run_id.as_deref().unwrap_or("–"),
            text(&entry.new.settings)
        )
    };
    std::iter::once(head).chain(entries.iter().map(row)).collect::<Vec<_>>().join("\n")
}

fn remove(store: &Store, ids: &[i64], out: Output) -> anyhow::Result<()> {
    store.remove_entries(ids)?;
    out.answer(&json!({"removed": ids}), || format!("removed {} from the queue", ids.len()))?;
    Ok(())
}

/// Asks the run under way to stop, and with it the queue, until nobody works through it any more.
fn stop(store: &Store, out: Output) -> anyhow::Result<()> {
    let asked = store.is_queue_worked()?;
    for _ in 0..LONGEST_STOP.as_millis() / BETWEEN_ASKING.as_millis() {
        if !store.is_queue_worked()? {
            let said = if asked { "the queue has stopped" } else { "nobody works through the queue" };
            out.answer(&json!({"asked": asked, "running": false}), || said.to_owned())?;
            return Ok(());
        }
        let running = store.queue()?.into_iter().find(|entry| entry.state == EntryState::Running);
        if let Some(run_id) = running.and_then(|entry| entry.run_id)
            && store.run(&run_id)?.state == RunState::Running
        {
            store.add_command(&run_id, CommandKind::Stop, None)?;
        }
        std::thread::sleep(BETWEEN_ASKING);
    }
    out.answer(&json!({"asked": true, "running": true}), || {
        "asked the queue to stop: it does after this batch".to_owned()
    })?;
    Ok(())
}

fn work_all(store: &Store, (place, study): (&Workplace, Option<String>), out: Output) -> anyhow::Result<ExitCode> {
    let Some(outcome) = work(place, study, out)? else {
        let problem = "another xray-tui works through its queue already; it takes what waits".into();
        return Err(Error::Store { path: place.db.clone(), problem }.into());
    };
    let queue = store.queue()?;
    let count = |state: EntryState| queue.iter().filter(|entry| entry.state == state).count();
    let [done, failed, waiting, skipped] =
        [EntryState::Done, EntryState::Failed, EntryState::Waiting, EntryState::Skipped].map(count);
    let value = json!({"done": done, "failed": failed, "skipped": skipped, "waiting": waiting});
    let ended = ended(&outcome);
    if ended.is_ok() || out.json {
        out.answer(&value, || format!("done {done}, failed {failed}, skipped {skipped}, waiting {waiting}"))?;
    }
    ended.map(|()| ExitCode::SUCCESS)
}

/// Works through the queue, saying what happens; `None` where somebody else does.
pub fn work(place: &Workplace, study: Option<String>, out: Output) -> anyhow::Result<Option<QueueOutcome>> {
    let Some(handle) = queue::start(place.clone(), study)? else { return Ok(None) };
    let mut narrator = Narrator::new(out);
    let outcome = until_end((&handle.events, &handle.control), &mut |event| match event {
        QueueEvent::Over(outcome) => Some(outcome),
        event => {
            tell(&event, &mut narrator, out);
            None
        }
    })?;
    let _ = handle.thread.join();
    Ok(Some(outcome))
}

fn tell(event: &QueueEvent, narrator: &mut Narrator, out: Output) {
    match event {
        QueueEvent::Started(entry) => {
            narrator.study.clone_from(&entry.study);
            out.progress(&format!("{}: {}", entry.new.name, text(&entry.new.settings)));
        }
        QueueEvent::Run(event) => narrator.tell(event),
        QueueEvent::Ended(entry) => {
            let problem = entry.problem.as_ref().map_or_else(String::new, |problem| format!(": {problem}"));
            out.progress(&format!("{} {}{problem}", entry.new.name, entry.state.name()));
        }
        QueueEvent::Decided(decision) => out.progress(&format!(
            "{}: {} of {} candidates go on after rung {}",
            decision.study,
            decision.kept,
            decision.of,
            decision.rung + 1
        )),
        QueueEvent::Over(_) => {}
    }
}

/// Whether a runner ended as it should.
pub fn ended(outcome: &QueueOutcome) -> anyhow::Result<()> {
    match outcome {
        QueueOutcome::Done => Ok(()),
        QueueOutcome::Stopped => anyhow::bail!("stopped; go on with `xray-tui queue run`"),
        QueueOutcome::Failed(problem) => anyhow::bail!("{problem}; go on with `xray-tui queue run`"),
    }
}
