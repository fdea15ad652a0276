//! A search for settings in the store: its candidates wait in the queue, and each rung decides who goes on.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use serde_json::json;

use super::Workplace;
use super::labels::check_name;
use crate::dataset;
use crate::error::{Error, Result};
use crate::metrics::rank::{Score, ranking};
use crate::store::{Entry, EntryState, NewEntry, Standing, Store, Study};
use crate::train::TrainConfig;
use crate::train::space::{Rung, Search};

/// What the store keeps of a search.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Plan {
    pub search: Search,
    /// Settled at the start.
    pub rungs: Vec<Rung>,
}

/// What a rung of successive halving decided.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decision {
    pub study: String,
    /// That is over, counted from 0.
    pub rung: usize,
    /// Candidates that go on, of so many.
    pub kept: usize,
    pub of: usize,
}

/// What a search would run: the plan, and its entries in order, under a name that is free.
///
/// # Errors
/// `BadSetting` where settings or the name cannot be used, `NoDataSet` where there are no images.
pub fn plan(
    store: &Store,
    place: &Workplace,
    (name, search): (Option<&str>, &Search),
) -> Result<(String, Plan, Vec<NewEntry>)> {
    let free = || Ok::<_, Error>(next_name(&store.studies()?, &store.names()?));
    let name = name.map_or_else(free, |name| Ok(name.to_owned()))?;
    let candidates = search.candidates()?;
    let rungs = search.rungs(candidates.len());
    let root = dataset::find(&place.data)?.root;
    let data = root.canonicalize().map_err(|error| Error::io("find", &root, error))?;
    let until_epoch = rungs.first().and_then(|rung| rung.until_epoch);
    let each = candidates.into_iter().enumerate().flat_map(|(number, candidate)| {
        let settings = candidate.settings;
        candidate.configs.into_iter().map(move |config| (number, settings.clone(), config))
    });
    let entries = each.enumerate().map(|(place, (candidate, settings, config))| NewEntry {
        name: format!("{name}/{}", place + 1),
        data: data.clone(),
        config: json!(config),
        candidate,
        settings,
        until_epoch,
    });
    let entries: Vec<NewEntry> = entries.collect();
    check_name(Some(&name))?;
    check_name(entries.last().map(|entry| entry.name.as_str()))?;
    Ok((name, Plan { search: search.clone(), rungs }, entries))
}

/// Puts a search into the queue; answers its name.
///
/// # Errors
/// As [`plan`]; `BadSetting` where the name is taken, `Store` where the file cannot be written.
pub fn add(store: &Store, place: &Workplace, (name, search): (Option<&str>, &Search)) -> Result<String> {
    let (name, plan, entries) = plan(store, place, (name, search))?;
    store.add_study((&name, &json!(plan)), &entries)?;
    Ok(name)
}

/// Puts one run by itself into the queue; answers its name.
///
/// # Errors
/// `BadSetting` where settings cannot be used, `NoDataSet` where there are no images, `Store` where the file cannot be
/// written.
pub fn add_one(store: &Store, place: &Workplace, config: &TrainConfig) -> Result<String> {
    config.validate()?;
    let root = dataset::find(&place.data)?.root;
    let data = root.canonicalize().map_err(|error| Error::io("find", &root, error))?;
    // Runs outlive their entries.
    let waiting = store.queue()?.into_iter().map(|entry| entry.new.name);
    let taken: BTreeSet<String> = waiting.chain(store.names()?).collect();
    // One more than there are names: one of them is free.
    let free = |number| Some(format!("next-{number}")).filter(|name| !taken.contains(name));
    let name = (1..=taken.len() + 1).find_map(free).unwrap_or_default();
    let (config, settings) = (json!(config), Vec::new());
    store.enqueue(&[NewEntry { name: name.clone(), data, config, candidate: 0, settings, until_epoch: None }])?;
    Ok(name)
}

/// The plan of a study.
///
/// # Errors
/// `Run` where another version wrote a plan that this one cannot read.
pub fn plan_of(study: &Study) -> Result<Plan> {
    serde_json::from_value(study.plan.clone()).map_err(|error| Error::Run {
        run: study.name.clone(),
        problem: format!("its plan cannot be read: {error}; use the version that made it"),
    })
}

/// `sweep-1`, `sweep-2`, …: one more than the highest there is, or was: its runs, `sweep-2/1` and so on, outlive it.
fn next_name(studies: &[Study], runs: &[String]) -> String {
    let number = |name: &str| name.split('/').next()?.strip_prefix("sweep-")?.parse::<u64>().ok();
    let names = studies.iter().map(|study| &study.name).chain(runs);
    format!("sweep-{}", names.filter_map(|name| number(name)).max().unwrap_or(0).saturating_add(1))
}

/// Decides every rung that is over.
///
/// # Errors
/// `Store` where the file cannot be read or written, `Run` where a plan cannot be read.
pub fn decide(store: &Store) -> Result<Vec<Decision>> {
    let mut decisions = Vec::new();
    for study in store.studies()? {
        decisions.extend(decide_one(store, &study)?);
    }
    Ok(decisions)
}

fn decide_one(store: &Store, study: &Study) -> Result<Option<Decision>> {
    let entries = store.study_entries(&study.name)?;
    let Some(rung) = rung_that_is_over(&entries) else { return Ok(None) };
    let plan = plan_of(study)?;
    let Some(next) = plan.rungs.get(rung + 1) else { return Ok(None) };
    let standings: Vec<Standing> = store.standings(&study.name)?.into_iter().filter(is_open).collect();
    let scores: Vec<Option<Score>> = standings.iter().map(|one| one.score.filter(|_| !has_failed(one))).collect();
    let kept: BTreeSet<usize> = ranking(&scores).into_iter().take(next.candidates).collect();
    let ids = |kept_ones: bool| -> Vec<i64> {
        let places = standings.iter().enumerate().filter(|(place, _)| kept.contains(place) == kept_ones);
        let entries = places.flat_map(|(_, standing)| &standing.entries).map(|(entry, _)| entry);
        entries.filter(|entry| entry.state == EntryState::Done).map(|entry| entry.id).collect()
    };
    store.promote((&ids(true), &ids(false)), (rung + 1, next.until_epoch))?;
    Ok(Some(Decision { study: study.name.clone(), rung, kept: kept.len(), of: standings.len() }))
}

/// Whether it is still in the race.
fn is_open(standing: &Standing) -> bool {
    standing.entries.iter().any(|(entry, _)| entry.state == EntryState::Done)
}

/// A candidate is as good as all of its seeds.
fn has_failed(standing: &Standing) -> bool {
    standing.entries.iter().any(|(entry, _)| entry.state != EntryState::Done)
}

/// The rung that all who are still in the race have done; `None` while one of them is not there, or at the end.
fn rung_that_is_over(entries: &[Entry]) -> Option<usize> {
    let mut rungs = BTreeMap::new();
    for entry in entries {
        match entry.state {
            EntryState::Waiting | EntryState::Running => return None,
            EntryState::Failed | EntryState::Skipped => {}
            EntryState::Done => *rungs.entry((entry.rung, entry.new.until_epoch.is_some())).or_insert(0) += 1,
        }
    }
    let (&(rung, goes_on), _) = rungs.first_key_value()?;
    (goes_on && rungs.len() == 1).then_some(rung)
}

#[cfg(test)]
mod tests;
