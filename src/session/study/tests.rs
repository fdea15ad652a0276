//! What the rungs of a search decide, on a store without any training.

use serde_json::Value;

use super::*;
use crate::metrics::{Confusion, EpochFigures, Figures};
use crate::store::NewRun;
use crate::train::TrainConfig;
use crate::train::space::{Halving, Strategy};

/// A study of so many candidates with so many seeds, halved by three from one epoch to nine.
fn study(candidates: usize, seeds: usize) -> (tempfile::TempDir, Store) {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(&folder.path().join("runs.db")).unwrap();
    let base = TrainConfig { epochs: 9, ..TrainConfig::default() };
    let halving = Some(Halving { eta: 3, min_epochs: Some(1) });
    let search = Search { base, variants: Vec::new(), axes: Vec::new(), strategy: Strategy::Grid, halving };
    let rungs = search.rungs(candidates);
    let entry = |number: usize| NewEntry {
        name: format!("s/{number}"),
        data: "/data/x".into(),
        config: json!({"epochs": 9}),
        candidate: number / seeds,
        settings: vec![("batch_size".into(), json!(number / seeds))],
        until_epoch: rungs[0].until_epoch,
    };
    let entries: Vec<NewEntry> = (0..candidates * seeds).map(entry).collect();
    store.add_study(("s", &json!(Plan { search, rungs })), &entries).unwrap();
    (folder, store)
}

/// Ends an entry with a run of one epoch that was right about so many of 100 images.
fn end(store: &Store, entry: &Entry, right: u64) {
    let id = format!("{:012x}", entry.id);
    let run: Value = json!({
        "id": id, "name": entry.new.name, "data": "/data/x", "synthetic": true, "config": {}, "seed": 1, "data_hash": "",
        "split_hash": "", "device": "cpu", "versions": {},
    });
    if entry.run_id.is_none() {
        store.create_run(&serde_json::from_value::<NewRun>(run).unwrap()).unwrap();
        store.set_entry_run(entry.id, &id).unwrap();
    }
    let confusion = Confusion { tn: right, fp: 100 - right, fn_: 0, tp: 0 };
    let validation = Figures { loss: Some(0.5), confusion };
    let epoch = entry.new.until_epoch.unwrap_or(9);
    let figures =
        EpochFigures { epoch, train: Figures::default(), validation, seconds: 1.0, shifted: None, weights: None };
    store.add_epoch(&id, &figures, true).unwrap();
    store.end_entry(entry.id, EntryState::Done, None).unwrap();
}

fn states(store: &Store) -> Vec<(EntryState, usize)> {
    store.study_entries("s").unwrap().iter().map(|entry| (entry.state, entry.rung)).collect()
}

#[test]
fn the_best_third_of_each_rung_goes_on_and_the_last_one_to_its_end() {
    let (_folder, store) = study(9, 1);
    let entries = store.study_entries("s").unwrap();
    for (place, entry) in entries.iter().enumerate() {
        assert_eq!(decide(&store).unwrap(), [], "a rung is decided once all have done it");
        end(&store, entry, [50, 90, 60, 70, 80, 55, 56, 57, 58][place]);
    }
    let decided = Decision { study: "s".into(), rung: 0, kept: 3, of: 9 };
    assert_eq!(decide(&store).unwrap(), [decided]);
    assert_eq!(decide(&store).unwrap(), []);
    let on = store.study_entries("s").unwrap();
    let waiting: Vec<usize> = (0..9).filter(|&place| on[place].state == EntryState::Waiting).collect();
    assert_eq!(waiting, [1, 3, 4]);
    assert!(waiting.iter().all(|&place| (on[place].rung, on[place].new.until_epoch) == (1, Some(3))));
    assert_eq!(states(&store).iter().filter(|state| **state == (EntryState::Skipped, 0)).count(), 6);

    for (&place, right) in waiting.iter().zip([90, 95, 80]) {
        end(&store, &on[place], right);
    }
    assert_eq!(decide(&store).unwrap().len(), 1);
    let last = store.next_entry(Some("s")).unwrap().unwrap();
    assert_eq!((last.new.candidate, last.rung, last.new.until_epoch), (3, 2, None));
    end(&store, &last, 96);
    assert_eq!(decide(&store).unwrap(), []);
    let standings = store.standings("s").unwrap();
    let order: Vec<usize> = standings.iter().map(|standing| standing.candidate).collect();
    assert_eq!(order, [3, 1, 4, 2, 8, 7, 6, 5, 0], "those that came further are first");
    assert!(standings[0].is_finished() && !standings[1].is_finished());
}

#[test]
fn a_candidate_is_the_mean_of_its_seeds_and_a_failed_one_is_out() {
    let (_folder, store) = study(3, 2);
    let entries = store.study_entries("s").unwrap();
    for (entry, right) in entries.iter().zip([99, 40, 70, 72, 98, 98]) {
        end(&store, entry, right);
    }
    store.end_entry(entries[5].id, EntryState::Failed, Some("no room")).unwrap();
    let decisions = decide(&store).unwrap();
    assert_eq!((decisions[0].kept, decisions[0].of), (1, 3));
    let on: Vec<usize> = (0..6).filter(|&place| states(&store)[place].0 == EntryState::Waiting).collect();
    assert_eq!(on, [2, 3], "both seeds of the better mean");
    assert_eq!(states(&store)[4..], [(EntryState::Skipped, 0), (EntryState::Failed, 0)]);
}

#[test]
fn a_search_whose_candidates_have_all_failed_is_over() {
    let (_folder, store) = study(3, 1);
    for entry in store.study_entries("s").unwrap() {
        store.end_entry(entry.id, EntryState::Failed, Some("no room")).unwrap();
    }
    assert_eq!(decide(&store).unwrap(), []);
    assert_eq!(store.next_entry(None).unwrap(), None);
}

#[test]
fn a_candidate_with_a_failed_seed_is_the_last_of_all() {
    let (_folder, store) = study(3, 2);
    let entries = store.study_entries("s").unwrap();
    for (entry, right) in entries.iter().zip([99, 99, 70, 72, 60, 60]) {
        end(&store, entry, right);
    }
    store.end_entry(entries[1].id, EntryState::Failed, Some("no room")).unwrap();
    let standings = store.standings("s").unwrap();
    let order: Vec<(usize, bool)> = standings.iter().map(|one| (one.candidate, one.score.is_some())).collect();
    assert_eq!(order, [(1, true), (2, true), (0, false)]);
}

#[test]
fn a_made_up_name_is_not_that_of_a_study_whose_runs_are_all_that_is_left() {
    let named = |name: &str| Study { name: name.into(), plan: Value::Null, at: String::new() };
    assert_eq!(next_name(&[], &[]), "sweep-1");
    assert_eq!(next_name(&[named("sweep-2"), named("mine")], &["run-9".into()]), "sweep-3");
    assert_eq!(next_name(&[named("sweep-2")], &["sweep-7/12".into(), "sweep-x/9".into()]), "sweep-8");
}
