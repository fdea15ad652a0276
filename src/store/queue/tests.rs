//! The queue against a real database file.

use serde_json::json;
use tempfile::TempDir;

use super::*;
use crate::store::NewRun;

fn store() -> (TempDir, Store) {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(&folder.path().join("runs.db")).unwrap();
    (folder, store)
}

fn new(name: &str) -> NewEntry {
    NewEntry {
        name: name.into(),
        data: "/data/x".into(),
        config: json!({"epochs": 3}),
        candidate: 0,
        settings: vec![("learning_rate".into(), json!(3e-4)), ("flip".into(), json!(false))],
        until_epoch: None,
    }
}

fn run(store: &Store, id: &str, name: &str) {
    let run = json!({
        "id": id, "name": name, "data": "/data/x", "synthetic": true, "config": {}, "seed": 1, "data_hash": "",
        "split_hash": "", "device": "cpu", "versions": {},
    });
    store.create_run(&serde_json::from_value::<NewRun>(run).unwrap()).unwrap();
}

#[test]
fn entries_come_back_in_their_order_as_they_were_added() {
    let (_folder, store) = store();
    let ids = store.enqueue(&[new("a"), new("b")]).unwrap();
    let queue = store.queue().unwrap();
    assert_eq!(queue.iter().map(|entry| entry.id).collect::<Vec<_>>(), ids);
    assert_eq!((&queue[0].new, queue[0].state, &queue[0].run_id), (&new("a"), EntryState::Waiting, &None));
    assert_eq!(store.next_entry(None).unwrap().unwrap().id, ids[0]);
    assert_eq!(store.next_entry(Some("other")).unwrap(), None);
}

#[test]
fn one_runner_at_a_time_holds_the_queue() {
    let (_folder, store) = store();
    let lock = store.queue_lock().unwrap();
    assert!(lock.is_some() && store.is_queue_worked().unwrap());
    assert!(store.queue_lock().unwrap().is_none());
    drop(lock);
    assert!(!store.is_queue_worked().unwrap());
}

#[test]
fn what_a_dead_runner_left_running_waits_again_with_its_run() {
    let (_folder, store) = store();
    let ids = store.enqueue(&[new("noted"), new("begun"), new("not begun")]).unwrap();
    for id in &ids {
        store.begin_entry(*id).unwrap().unwrap();
    }
    run(&store, "aaaaaaaaaaaa", "noted");
    run(&store, "bbbbbbbbbbbb", "begun");
    store.set_entry_run(ids[0], "aaaaaaaaaaaa").unwrap();
    assert!(store.queue().unwrap().iter().all(|entry| entry.state == EntryState::Waiting), "nobody holds the lock");
    store.recover_queue().unwrap();
    let runs: Vec<Option<String>> = store.queue().unwrap().into_iter().map(|entry| entry.run_id).collect();
    assert_eq!(runs, [Some("aaaaaaaaaaaa".into()), Some("bbbbbbbbbbbb".into()), None]);
    assert_eq!(store.next_entry(None).unwrap().unwrap().id, ids[0]);
}

#[test]
fn an_entry_under_way_is_not_removed_and_others_are() {
    let (_folder, store) = store();
    let ids = store.enqueue(&[new("a"), new("b")]).unwrap();
    let _lock = store.queue_lock().unwrap().unwrap();
    store.begin_entry(ids[0]).unwrap().unwrap();
    let said = store.remove_entries(&ids).unwrap_err().to_string();
    assert!(said.contains("runs stop a"), "{said}");
    assert_eq!(store.queue().unwrap().len(), 2, "all or none");
    store.remove_entries(&ids[1..]).unwrap();
    assert_eq!(store.begin_entry(ids[1]).unwrap(), None);
    let said = store.remove_entries(&ids[1..]).unwrap_err().to_string();
    assert!(said.contains("has no entry") && said.contains("queue list"), "{said}");
}

#[test]
fn an_entry_outlives_its_run() {
    let (_folder, store) = store();
    let ids = store.enqueue(&[new("a")]).unwrap();
    run(&store, "aaaaaaaaaaaa", "a");
    store.set_entry_run(ids[0], "aaaaaaaaaaaa").unwrap();
    store.end_entry(ids[0], EntryState::Failed, Some("no room")).unwrap();
    store.delete_run("aaaaaaaaaaaa").unwrap();
    let entry = store.queue().unwrap().remove(0);
    assert_eq!((entry.run_id, entry.state, entry.problem.as_deref()), (None, EntryState::Failed, Some("no room")));
    assert!(entry.ended_at.is_some());
}

#[test]
fn a_study_goes_with_its_last_entry_and_its_name_is_its_own() {
    let (_folder, store) = store();
    store.add_study(("s", &json!({})), &[new("s/1"), new("s/2")]).unwrap();
    let said = store.add_study(("s", &json!({})), &[new("s/1")]).unwrap_err().to_string();
    assert!(said.contains("queue run"), "{said}");
    assert_eq!(store.queue().unwrap().len(), 2);
    assert_eq!(store.standings("s").unwrap()[0].entries.len(), 2);
    let ids: Vec<i64> = store.queue().unwrap().iter().map(|entry| entry.id).collect();
    store.remove_entries(&ids).unwrap();
    assert!(store.studies().unwrap().is_empty());
    assert!(store.standings("s").unwrap_err().to_string().contains("queue list"));
}

#[test]
fn what_failed_waits_again_unless_its_study_is_a_rung_further() {
    let (_folder, store) = store();
    let alone = store.enqueue(&[new("a"), new("b")]).unwrap();
    store.add_study(("s", &json!({})), &[new("s/1"), new("s/2")]).unwrap();
    let study: Vec<i64> = store.study_entries("s").unwrap().iter().map(|entry| entry.id).collect();
    for id in [alone[0], study[0]] {
        store.end_entry(id, EntryState::Failed, Some("no room")).unwrap();
    }
    store.promote((&study[1..], &[]), (1, None)).unwrap();
    for (id, why) in [(alone[1], "has not failed"), (study[0], "a rung further"), (99, "none has that number")] {
        let said = store.retry_entries(&[alone[0], id]).unwrap_err().to_string();
        assert!(said.contains(&format!("entry {id}")) && said.contains(why) && said.contains("queue list"), "{said}");
    }
    assert_eq!(store.queue().unwrap()[0].state, EntryState::Failed, "all or none");
    assert_eq!(store.retry_entries(&[]).unwrap(), [alone[0]]);
    let entry = store.queue().unwrap().remove(0);
    assert_eq!((entry.state, entry.problem, entry.ended_at), (EntryState::Waiting, None, None));
}
