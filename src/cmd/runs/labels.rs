//! `xray-tui runs rename | note | tag | star`: what is said of a run.

use serde_json::json;

use crate::cmd::Output;
use crate::session::labels;
use crate::store::{Run, Store};

pub fn rename(store: &Store, (run, name): (&Run, &str), out: Output) -> anyhow::Result<()> {
    let (id, old) = (&run.started.id, &run.started.name);
    labels::rename(store, id, name)?;
    out.answer(&json!({"run_id": id, "name": name}), || format!("{old}  {id} is called {name} now"))?;
    Ok(())
}

pub fn note(store: &Store, (run, text): (&Run, &str), out: Output) -> anyhow::Result<()> {
    let (id, name) = (&run.started.id, &run.started.name);
    labels::note(store, id, text)?;
    let kept = store.run(id)?.note;
    out.answer(&json!({"run_id": id, "note": kept}), || match &kept {
        Some(_) => format!("noted with {name}  {id}"),
        None => format!("{name}  {id} has no note"),
    })?;
    Ok(())
}

pub fn tag(store: &Store, (run, tags, remove): (&Run, &[String], bool), out: Output) -> anyhow::Result<()> {
    let (id, name) = (&run.started.id, &run.started.name);
    let left = if remove { labels::untag(store, id, tags)? } else { labels::tag(store, id, tags)? };
    out.answer(&json!({"run_id": id, "tags": left}), || match left.len() {
        0 => format!("{name}  {id} has no tags"),
        _ => format!("{name}  {id} has the tags {}", left.join(", ")),
    })?;
    Ok(())
}

pub fn star(store: &Store, (run, starred): (&Run, bool), out: Output) -> anyhow::Result<()> {
    let (id, name) = (&run.started.id, &run.started.name);
    store.star_run(id, starred)?;
    let word = if starred { "a" } else { "no" };
    out.answer(&json!({"run_id": id, "starred": starred}), || format!("{name}  {id} has {word} star"))?;
    Ok(())
}
