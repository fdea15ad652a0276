//! `xray-tui sweep`: a search for settings, from what is tried to the ranking.

use std::process::ExitCode;

use serde_json::{Map, Value, json};

use super::{Output, WrongUse, detach, queue};
use crate::cli::SweepArgs;
use crate::dataset::split::HeldOut;
use crate::error::Error;
use crate::metrics::Criterion;
use crate::session::Workplace;
use crate::session::study::{self, Plan};
use crate::store::{Entry, EntryState, NewEntry, Run, Standing, Store};
use crate::train::TrainConfig;
use crate::train::space::file::File;
use crate::train::space::{Axis, Halving, Search, Settings, Strategy, Values, text};
use crate::units::{count, share};

/// More runs than anybody waits for.
const MOST_SEEDS: usize = 10_000;

pub fn run(args: &SweepArgs, plain: &TrainConfig, place: &Workplace, out: Output) -> anyhow::Result<ExitCode> {
    if args.detach {
        return detach::start(&place.db, "sweep", out);
    }
    let (name, search) = search(args, plain)?;
    // Wrong settings are told before a database is made.
    search.candidates()?;
    let store = Store::open(&place.db)?;
    store.mark_crashed()?;
    let (name, planned, entries) = study::plan(&store, place, (name.as_deref(), &search))?;
    let lines = plan_lines(&name, &planned, &entries);
    if args.dry_run {
        out.answer(&plan_json(&name, &planned, &entries), || lines.join("\n"))?;
        return Ok(ExitCode::SUCCESS);
    }
    study::add(&store, place, (Some(&name), &search))?;
    for line in &lines {
        out.progress(line);
    }
    if args.queue_only {
        let value = plan_json(&name, &planned, &entries);
        out.answer(&value, || format!("{name} waits: `xray-tui queue run` starts it"))?;
        return Ok(ExitCode::SUCCESS);
    }
    let Some(outcome) = queue::work(place, Some(name.clone()), out)? else {
        let value = plan_json(&name, &planned, &entries);
        out.answer(&value, || {
            format!("{name} waits: another xray-tui works through the queue; `xray-tui queue list` shows how far it is")
        })?;
        return Ok(ExitCode::SUCCESS);
    };
    let standings = store.standings(&name)?;
    let ended = queue::ended(&outcome);
    if ended.is_ok() || out.json {
        out.answer(&results_json(&name, &standings), || results_text(&name, &standings))?;
    }
    ended?;
    let finished = standings.iter().any(Standing::is_finished);
    Ok(if finished { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// What is asked for: flags, then the file, then defaults.
fn search(args: &SweepArgs, plain: &TrainConfig) -> anyhow::Result<(Option<String>, Search)> {
    let file = match &args.file {
        Some(path) => {
            let text = std::fs::read_to_string(path).map_err(|error| Error::io("read", path, error))?;
            File::parse(&text).map_err(|problem| WrongUse(format!("{}: {problem}", path.display())))?
        }
        None => File::default(),
    };
    let base = args.recipe.config(&file.config(plain).map_err(WrongUse)?);
    let is_said = |axis: &&Axis| args.over.iter().all(|said| said.setting != axis.setting);
    let mut axes: Vec<Axis> = file.axes.iter().filter(is_said).chain(&args.over).cloned().collect();
    axes.extend(args.seeds.or(file.seeds).map(|seeds| seeds_from(base.seed, seeds)).transpose()?);
    if axes.is_empty() && file.variants.is_empty() {
        let example = "name a setting and its values: --over learning_rate=1e-3,3e-4, or repeat one with --seeds N";
        return Err(WrongUse(example.to_owned()).into());
    }
    let strategy = args.random.or(file.random).map_or(Strategy::Grid, Strategy::Random);
    let min_epochs = args.min_epochs.or(file.min_epochs);
    let halving = args.halving.or(file.halving).map(|eta| Halving { eta, min_epochs });
    if halving.is_none() && min_epochs.is_some() {
        return Err(WrongUse("min epochs are for halving: add --halving".to_owned()).into());
    }
    Ok((args.name.clone().or(file.name), Search { base, variants: file.variants, axes, strategy, halving }))
}

/// As many seeds as are asked for, each another one.
fn seeds_from(first: u64, seeds: usize) -> Result<Axis, WrongUse> {
    if !(1..=MOST_SEEDS).contains(&seeds) {
        return Err(WrongUse(format!("seeds must be 1 to {}, not {}", count(MOST_SEEDS), count(seeds))));
    }
    let values = (0..seeds as u64).map(|number| json!(first.saturating_add(number))).collect();
    Ok(Axis { setting: "seed".into(), values: Values::List(values) })
}

fn plan_lines(name: &str, plan: &Plan, entries: &[NewEntry]) -> Vec<String> {
    let candidates = entries.last().map_or(0, |entry| entry.candidate + 1);
    let mut lines = vec![format!("{name}: {}, {}", counted(candidates, "candidate"), counted(entries.len(), "run"))];
    if plan.rungs.len() > 1 {
        lines.extend(plan.rungs.iter().map(|rung| {
            let until = rung.until_epoch.map_or_else(
                || format!("to the end, epoch {}", plan.search.base.epochs),
                |until| format!("to epoch {until}"),
            );
            format!("  {} {until}", counted(rung.candidates, "candidate"))
        }));
    }
    let repetition = |entry: &NewEntry| text(&repetition(entry));
    lines.extend(
        entries.iter().map(|entry| format!("  {:<20} {}, {}", entry.name, text(&entry.settings), repetition(entry))),
    );
    lines
}

/// `1 run`, `12 runs`.
fn counted(number: usize, what: &str) -> String {
    format!("{} {what}{}", count(number), if number == 1 { "" } else { "s" })
}

fn plan_json(name: &str, plan: &Plan, entries: &[NewEntry]) -> Value {
    let run = |entry: &NewEntry| json!({"run_id": null, "name": entry.name, "settings": settings_json(entry)});
    json!({
        "study": name,
        "runs": entries.iter().map(run).collect::<Vec<_>>(),
        "rungs": plan.rungs,
        "best": null,
    })
}

/// What an entry has otherwise than the others, with what repeats it.
fn settings_json(entry: &NewEntry) -> Map<String, Value> {
    entry.settings.iter().cloned().chain(repetition(entry)).collect()
}

/// Its seed, and the family that is held out where one is.
fn repetition(entry: &NewEntry) -> Settings {
    let value = |name: &str| (name.to_owned(), entry.config[name].clone());
    let held_out = value("held_out");
    let is_held_out = held_out.1.as_str().is_some_and(|family| family != HeldOut::None.name());
    is_held_out.then_some(held_out).into_iter().chain([value("seed")]).collect()
}

/// A study's candidates and runs, the best first. Test figures are not among them: they choose nothing.
pub fn results_json(name: &str, standings: &[Standing]) -> Value {
    let runs: Vec<Value> = standings.iter().flat_map(runs_json).collect();
    let best = standings.first().filter(|standing| standing.score.is_some()).and_then(best_run);
    let best = best.and_then(|id| runs.iter().find(|run| run["run_id"] == id).cloned());
    let candidates: Vec<Value> = standings.iter().enumerate().map(|(place, one)| candidate_json(place, one)).collect();
    json!({"study": name, "runs": runs, "candidates": candidates, "best": best})
}

/// The id of a candidate's best run.
fn best_run(standing: &Standing) -> Option<&str> {
    let runs = standing.entries.iter().zip(&standing.best);
    let scored = runs.filter_map(|((entry, _), best)| Some((entry.run_id.as_deref()?, best.as_ref()?)));
    scored.reduce(|best, other| if other.1.beats(best.1, standing.by) { other } else { best }).map(|(id, _)| id)
}

fn candidate_json(place: usize, standing: &Standing) -> Value {
    let settings: Map<String, Value> = standing.settings.iter().cloned().collect();
    json!({
        "rank": standing.score.map(|_| place + 1),
        "settings": settings,
        "runs": standing.entries.iter().map(|(entry, _)| &entry.run_id).collect::<Vec<_>>(),
        "n": standing.entries.len(),
        "rung": standing.rung(),
        "finished": standing.is_finished(),
        "best_val_accuracy_mean": standing.accuracy.map(|spread| spread.mean),
        "best_val_accuracy_sd": standing.accuracy.and_then(|spread| spread.sd),
        "best_val_auc_mean": standing.auc.map(|spread| spread.mean),
        "best_val_auc_sd": standing.auc.and_then(|spread| spread.sd),
        "best_val_loss_mean": standing.loss(),
        "best_shifted_auc_mean": standing.shifted_auc().map(|spread| spread.mean),
        "best_shifted_auc_sd": standing.shifted_auc().and_then(|spread| spread.sd),
    })
}

fn runs_json(standing: &Standing) -> Vec<Value> {
    let run = |((entry, run), best): (&(Entry, Option<Run>), &Option<crate::metrics::EpochFigures>)| {
        json!({
            "run_id": entry.run_id,
            "name": entry.new.name,
            "settings": settings_json(&entry.new),
            "state": run.as_ref().map(|run| run.state),
            "entry_state": entry.state,
            "rung": entry.rung,
            "epochs": run.as_ref().map_or(0, |run| run.epochs_done),
            "best_epoch": best.map(|best| best.epoch),
            "best_val_accuracy": best.and_then(|best| best.validation.confusion.accuracy()),
            "best_val_loss": best.and_then(|best| best.validation.loss),
            "best_shifted_auc": best.and_then(|best| best.shifted).and_then(|shifted| shifted.auc),
            "best_shifted_loss": best.and_then(|best| best.shifted).and_then(|shifted| shifted.loss),
            "problem": entry.problem,
        })
    };
    standing.entries.iter().zip(&standing.best).map(run).collect()
}

/// A study's candidates as a table, the best first.
pub fn results_text(name: &str, standings: &[Standing]) -> String {
    let by = match standings.first().map(|standing| standing.by).unwrap_or_default() {
        Criterion::Accuracy => "validation accuracy, ties by validation loss",
        Criterion::Loss => "validation loss",
        Criterion::Shifted => "the AUC of the validation images made harder",
    };
    let head = format!(
        "{name}, ranked by {by}\n{:>4}{:>12}{:>11}{:>8}{:>8}{:>10}{:>7}  {}",
        "rank", "validation", "deviation", "AUC", "loss", "harder", "epochs", "settings"
    );
    let rows = standings.iter().enumerate().map(|(place, standing)| row(place, standing));
    let entries = standings.iter().flat_map(|standing| &standing.entries).map(|(entry, _)| entry);
    let failed = entries.filter(|entry| entry.state == EntryState::Failed).map(|entry| {
        format!("{} failed: {}", entry.new.name, entry.problem.as_deref().unwrap_or("for an unknown reason"))
    });
    std::iter::once(head).chain(rows).chain(failed).collect::<Vec<_>>().join("\n")
}

fn row(place: usize, standing: &Standing) -> String {
    let rank = standing.score.map_or_else(|| "–".into(), |_| (place + 1).to_string());
    let epochs = standing.entries.iter().filter_map(|(_, run)| run.as_ref()).map(|run| run.epochs_done).max();
    let names: Vec<&str> = standing.entries.iter().map(|(entry, _)| entry.new.name.as_str()).collect();
    let names = match names.as_slice() {
        [first, .., last] => format!("{first} … {last}"),
        names => names.concat(),
    };
    format!(
        "{rank:>4}{:>12}{:>11}{:>8}{:>8}{:>10}{:>7}  {}   {names}",
        share(standing.accuracy.map(|spread| spread.mean)),
        share(standing.accuracy.and_then(|spread| spread.sd)),
        share(standing.auc.map(|spread| spread.mean)),
        share(standing.loss()),
        share(standing.shifted_auc().map(|spread| spread.mean)),
        epochs.unwrap_or(0),
        text(&standing.settings),
    )
}
