//! Listens for what other processes want of a run, on a thread and a connection of its own.

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, Thread};
use std::time::Duration;

use crate::store::{CommandKind, Store};
use crate::train::Control;

/// How long a command may lie before it is seen.
const BETWEEN_LOOKS: Duration = Duration::from_millis(200);

/// Runs `work` while commands for the run are passed on to `control`. What was asked before is forgotten: it was meant for
/// an earlier session of the run.
pub fn while_listening<T>(db: &Path, (run_id, control): (&str, &Control), work: impl FnOnce() -> T) -> T {
    let done = AtomicBool::new(false);
    thread::scope(|scope| {
        let listening = scope.spawn(|| listen(db, (run_id, control), &done));
        let _end = End { done: &done, listening: listening.thread() };
        work()
    })
}

/// Ends the listening when it is dropped, by a panic too.
struct End<'a> {
    done: &'a AtomicBool,
    listening: &'a Thread,
}

impl Drop for End<'_> {
    fn drop(&mut self) {
        self.done.store(true, Ordering::Relaxed);
        self.listening.unpark();
    }
}

/// A database that cannot be read just now is asked again: the run itself says what is wrong with it.
fn listen(db: &Path, (run_id, control): (&str, &Control), done: &AtomicBool) {
    let Ok(store) = Store::open(db) else { return };
    let _ = store.take_commands(run_id);
    while !done.load(Ordering::Relaxed) {
        for (kind, value) in store.take_commands(run_id).unwrap_or_default() {
            match (kind, value) {
                (CommandKind::Stop, _) => control.stop(),
                (CommandKind::Finish, _) => control.finish_epoch(),
                (CommandKind::Pause, _) => control.pause(),
                (CommandKind::Continue, _) => control.resume(),
                (CommandKind::Rate, Some(rate)) => control.set_learning_rate(rate),
                (CommandKind::Rate, None) => {}
            }
        }
        thread::park_timeout(BETWEEN_LOOKS);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_ends_the_listening_too() {
        let folder = tempfile::tempdir().unwrap();
        let control = Control::default();
        let work =
            || while_listening(&folder.path().join("runs.db"), ("aaaaaaaaaaaa", &control), || panic!("on purpose"));
        assert!(std::panic::catch_unwind(std::panic::AssertUnwindSafe(work)).is_err());
    }
}
