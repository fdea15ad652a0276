//! Runs that differ in nothing but their seed.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::{Run, RunState};

/// Settings that no figure depends on, and the seed itself.
const BESIDE_THE_POINT: [&str; 2] = ["seed", "keep_epochs"];

/// What runs of one group have in common, as text.
#[must_use]
pub fn recipe(run: &Run) -> String {
    let settings = run.started.config.as_object().cloned().unwrap_or_default();
    let settings: Map<String, Value> =
        settings.into_iter().filter(|(name, _)| !BESIDE_THE_POINT.contains(&name.as_str())).collect();
    json!([settings, run.started.data_hash]).to_string()
}

/// Finished runs of the same settings on the same data by seed, of each seed the newest one; at least two seeds. `runs`
/// come newest first, and so do the groups. Folds and cross-validations are in none.
#[must_use]
pub fn groups(runs: &[Run]) -> Vec<Vec<&Run>> {
    let mut places: BTreeMap<String, usize> = BTreeMap::new();
    let mut groups: Vec<BTreeMap<u64, &Run>> = Vec::new();
    let alone = |run: &&Run| run.started.parent.is_none() && run.folds().is_none();
    for run in runs.iter().filter(|run| run.state == RunState::Finished).filter(alone) {
        let place = *places.entry(recipe(run)).or_insert_with(|| {
            groups.push(BTreeMap::new());
            groups.len() - 1
        });
        groups[place].entry(run.started.seed).or_insert(run);
    }
    groups.into_iter().filter(|group| group.len() > 1).map(|group| group.into_values().collect()).collect()
}

/// The group of a run; `None` where no other seed was tried.
#[must_use]
pub fn group_of<'a>(runs: &'a [Run], run: &Run) -> Option<Vec<&'a Run>> {
    let own = recipe(run);
    groups(runs).into_iter().find(|group| group.iter().any(|other| recipe(other) == own))
}
