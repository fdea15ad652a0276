//! `xray-tui runs log`: what happened to a run, line by line.

use std::time::Duration;

use serde_json::json;

use crate::cmd::Output;
use crate::session::journal::{Follower, last_lines};
use crate::store::{Run, Store, lock};

/// How often a log that is followed is looked at.
const BETWEEN_LOOKS: Duration = Duration::from_millis(200);

/// Prints the last `most` lines.
pub fn show(store: &Store, (run, most): (&Run, usize), out: Output) -> anyhow::Result<()> {
    let lines = last_lines(&store.run_folder(&run.started.id), most)?;
    let origin = store.origin(&run.started.id)?;
    let name = &run.started.name;
    out.answer(&json!({"run_id": run.started.id, "lines": lines}), || match (lines.len(), &origin) {
        (0, Some(from)) => format!("{name} has no log here: it came from MLflow ({}), and logs stay behind", from.uri),
        (0, None) => {
            format!("{name} has no log: an older xray-tui kept none, and a cross-validation's folds have theirs")
        }
        _ => lines.join("\n"),
    })?;
    Ok(())
}

/// Prints the last `most` lines and then what comes, until the run has ended.
pub fn follow(store: &Store, (run, most): (&Run, usize), out: Output) -> anyhow::Result<()> {
    let folder = store.run_folder(&run.started.id);
    let mut follower = Follower::new(&folder);
    let mut lines = follower.new_lines()?;
    lines.drain(..lines.len().saturating_sub(most));
    let mut told = 0;
    loop {
        // Asked before reading: what a run writes while it ends must be read.
        let has_ended = !lock::is_held(&folder)?;
        lines.extend(follower.new_lines()?);
        for line in &lines[told..] {
            if out.line(line)?.is_break() {
                return Ok(());
            }
        }
        told = lines.len();
        if has_ended {
            break;
        }
        std::thread::sleep(BETWEEN_LOOKS);
    }
    if out.json {
        out.answer(&json!({"run_id": run.started.id, "lines": lines}), String::new)?;
    }
    Ok(())
}
