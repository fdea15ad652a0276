//! `xray-tui runs`: past runs as a table, one run whole, and the end of one.

mod audit;
mod labels;
mod list;
mod log;
mod seeds;
mod show;

use std::process::ExitCode;

use serde_json::json;

use super::{Output, models, open_store};
use crate::cli::RunsCommand;
use crate::error::Error;
use crate::session::Workplace;
use crate::store::{CommandKind, Run, RunState, Store};

pub fn run(command: &RunsCommand, place: &Workplace, out: Output) -> anyhow::Result<ExitCode> {
    if let RunsCommand::List(args) = command
        && list::none(place, args, out)?
    {
        return Ok(ExitCode::SUCCESS);
    }
    let store = open_store(place)?;
    match command {
        RunsCommand::List(args) => list::run(&store, args, out)?,
        RunsCommand::Show { run, images } => show::run(&store, &store.resolve(run)?, (*images, out))?,
        RunsCommand::Log { run, follow: false, lines } => {
            log::show(&store, (&store.resolve(run)?, lines.unwrap_or(usize::MAX)), out)?;
        }
        RunsCommand::Log { run, follow: true, lines } => {
            log::follow(&store, (&store.resolve(run)?, lines.unwrap_or(usize::MAX)), out)?;
        }
        RunsCommand::Stop { run, after_epoch: false } => ask(&store, run, (CommandKind::Stop, None), out)?,
        RunsCommand::Stop { run, after_epoch: true } => ask(&store, run, (CommandKind::Finish, None), out)?,
        RunsCommand::Pause { run } => ask(&store, run, (CommandKind::Pause, None), out)?,
        RunsCommand::Continue { run } => ask(&store, run, (CommandKind::Continue, None), out)?,
        RunsCommand::Rate { run, learning_rate } => ask(&store, run, (CommandKind::Rate, Some(*learning_rate)), out)?,
        RunsCommand::Groups => seeds::run(&store, out)?,
        RunsCommand::Verify { run } => return audit::verify(&store, run.as_deref(), out),
        RunsCommand::Gc { delete } => audit::clear(&store, *delete, out)?,
        RunsCommand::Export { run, bundle } => audit::export(&store, (&store.resolve(run)?, bundle), out)?,
        RunsCommand::Rename { run, name } => labels::rename(&store, (&store.resolve(run)?, name), out)?,
        RunsCommand::Note { run, text } => labels::note(&store, (&store.resolve(run)?, text), out)?,
        RunsCommand::Tag { run, tags, remove } => labels::tag(&store, (&store.resolve(run)?, tags, *remove), out)?,
        RunsCommand::Star { run, off } => labels::star(&store, (&store.resolve(run)?, !off), out)?,
        RunsCommand::Promote { run, reason, expected } => {
            let champion = store.champion()?.map(|champion| champion.version);
            let expected = expected.map_or(champion, |expected| expected.0);
            models::promote(&store, &store.resolve(run)?, (reason.as_ref(), expected), out)?;
        }
        RunsCommand::Delete { run, forever: false } => trash(&store, &store.resolve(run)?, out)?,
        RunsCommand::Delete { run, forever: true } => delete(&store, &store.resolve_anywhere(run)?, out)?,
        RunsCommand::Restore { run } => restore(&store, &store.resolve_trashed(run)?, out)?,
    }
    Ok(ExitCode::SUCCESS)
}

/// Asks a run under way to do something.
fn ask(store: &Store, word: &str, (kind, value): (CommandKind, Option<f64>), out: Output) -> anyhow::Result<()> {
    let run = store.resolve(word)?;
    let (id, name) = (&run.started.id, &run.started.name);
    if run.state != RunState::Running || run.folds().is_some() {
        let problem = "is not training: `xray-tui runs list` shows which run is".into();
        return Err(Error::Run { run: name.clone(), problem }.into());
    }
    store.add_command(id, kind, value)?;
    let asked = kind.name();
    let words = if kind == CommandKind::Finish { "stop after this epoch" } else { asked };
    out.answer(&json!({"run_id": id, "asked": asked, "value": value}), || format!("asked {name}  {id} to {words}"))?;
    Ok(())
}

fn trash(store: &Store, run: &Run, out: Output) -> anyhow::Result<()> {
    store.trash_run(&run.started.id)?;
    let (id, name) = (&run.started.id, &run.started.name);
    out.answer(&json!({"run_id": id, "deleted": true, "trashed": true}), || {
        format!(
            "moved {name}  {id} to the trash; `xray-tui runs restore {id}` brings it back, `xray-tui runs gc --delete` \
             empties the trash"
        )
    })?;
    Ok(())
}

fn delete(store: &Store, run: &Run, out: Output) -> anyhow::Result<()> {
    store.delete_run(&run.started.id)?;
    let (id, name) = (&run.started.id, &run.started.name);
    let place = if run.trashed_at.is_some() { ", which was in the trash," } else { "" };
    out.answer(&json!({"run_id": id, "deleted": true, "trashed": false}), || {
        format!("deleted {name}  {id}{place} for good")
    })?;
    Ok(())
}

fn restore(store: &Store, run: &Run, out: Output) -> anyhow::Result<()> {
    store.restore_run(&run.started.id)?;
    let (id, name) = (&run.started.id, &run.started.name);
    out.answer(&json!({"run_id": id, "restored": true}), || format!("brought {name}  {id} back from the trash"))?;
    Ok(())
}
