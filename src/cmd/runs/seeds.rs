//! `xray-tui runs groups`: runs that differ only in their seed.

use serde_json::{Value, json};

use crate::cmd::Output;
use crate::cmd::spread::Table;
use crate::error::Error;
use crate::session::seeds;
use crate::store::{Run, Store};

pub fn run(store: &Store, out: Output) -> anyhow::Result<()> {
    let groups: Vec<(Value, String)> =
        seeds::groups(store)?.iter().map(|group| describe(store, group)).collect::<Result<_, _>>()?;
    let (values, words): (Vec<Value>, Vec<String>) = groups.into_iter().unzip();
    out.answer(&json!({"groups": values}), || {
        if words.is_empty() {
            return "no finished runs differ in their seed alone; try `xray-tui train --seed 43`".into();
        }
        words.join("\n\n")
    })?;
    Ok(())
}

/// The group of a run, as JSON and in words; `None` where no other seed was tried.
pub fn of(store: &Store, run: &Run) -> Result<Option<(Value, String)>, Error> {
    seeds::group_of(store, run)?.map(|group| describe(store, &group)).transpose()
}

fn describe(store: &Store, group: &[Run]) -> Result<(Value, String), Error> {
    let table = Table::with_intervals(store, &group.iter().collect::<Vec<_>>())?;
    let [mean, sd] = table.summary();
    let member = |run: &Run| json!({"run_id": run.started.id, "name": run.started.name, "seed": run.started.seed});
    let value = json!({
        "runs": group.iter().map(member).collect::<Vec<_>>(),
        "n": group.len(),
        "mean": mean,
        "mean_ci": table.intervals(),
        "sd": sd,
    });
    let members: Vec<String> =
        group.iter().map(|run| format!("{} (seed {})", run.started.name, run.started.seed)).collect();
    let head = format!("{} seeds, on test images: {}", group.len(), members.join(", "));
    Ok((value, format!("{head}\n{}", table.text())))
}
