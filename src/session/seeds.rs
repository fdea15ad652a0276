//! Runs that differ in nothing but their seed.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::json;

use super::config_of;
use crate::error::Result;
use crate::store::{Run, RunState, Store};
use crate::train::TrainConfig;

/// What runs of one group have in common: settings, data, and the program and instructions that trained. `None` where the
/// settings cannot be read.
fn recipe(run: &Run) -> Option<String> {
    let own = config_of(run).ok()?;
    // None of them decides a figure but the seed itself, and what is left out: a list without images is as good as none.
    let excluded = own.excluded.clone().filter(|list| !list.is_empty());
    let config = TrainConfig { seed: 0, keep_epochs: false, exclude_marked: false, excluded, ..own };
    Some(json!([config, run.started.data_hash, run.started.versions]).to_string())
}

/// Finished runs of the same settings on the same data by seed, of each seed the newest one; at least two seeds. The
/// newest group comes first. Folds, cross-validations and runs whose learning rate was changed are in none.
///
/// # Errors
/// `Store` where the file cannot be read.
pub fn groups(store: &Store) -> Result<Vec<Vec<Run>>> {
    let changed = store.runs_with_changed_rates()?;
    Ok(group(store.runs()?, &changed))
}

/// The group of a run; `None` where it is in none.
///
/// # Errors
/// `Store` where the file cannot be read.
pub fn group_of(store: &Store, run: &Run) -> Result<Option<Vec<Run>>> {
    let is_in = |group: &Vec<Run>| group.iter().any(|other| other.started.id == run.started.id);
    Ok(groups(store)?.into_iter().find(is_in))
}

fn group(runs: Vec<Run>, changed: &BTreeSet<String>) -> Vec<Vec<Run>> {
    let mut places: BTreeMap<String, usize> = BTreeMap::new();
    let mut groups: Vec<BTreeMap<u64, Run>> = Vec::new();
    let counts = |run: &Run| {
        let is_whole = run.started.parent.is_none() && run.folds().is_none() && run.members().is_none();
        run.state == RunState::Finished && is_whole && !changed.contains(&run.started.id)
    };
    for run in runs.into_iter().filter(counts) {
        let Some(recipe) = recipe(&run) else { continue };
        let place = *places.entry(recipe).or_insert_with(|| {
            groups.push(BTreeMap::new());
            groups.len() - 1
        });
        groups[place].entry(run.started.seed).or_insert(run);
    }
    groups.into_iter().filter(|group| group.len() > 1).map(|group| group.into_values().collect()).collect()
}
