//! A fingerprint of all that a finished run left in the store: what cannot be made again from answers shows by it.

use serde_json::json;

use crate::dataset::Split;
use crate::error::Result;
use crate::metrics::{EpochFigures, Fingerprint};
use crate::store::{Answer, Run, StepPoint, Store};

/// Of a run's rows as they are now.
///
/// # Errors
/// `Store` where the file cannot be read.
pub fn fingerprint(store: &Store, run: &Run) -> Result<Fingerprint> {
    let id = &run.started.id;
    Ok(of(run, (&store.epochs(id)?, &store.steps(id)?, &own_answers(store, run)?)))
}

/// All that a run answered by itself: where it has no test figures, its test images were asked later.
///
/// # Errors
/// `Store` where the file cannot be read.
pub fn own_answers(store: &Store, run: &Run) -> Result<Vec<Answer>> {
    let mut answers = store.all_answers(&run.started.id)?;
    answers.retain(|answer| answer.split != Split::Test || run.test.is_some());
    Ok(answers)
}

fn of(run: &Run, (epochs, steps, answers): (&[EpochFigures], &[StepPoint], &[Answer])) -> Fingerprint {
    let record = json!({
        "id": run.started.id,
        "state": run.state,
        "epochs_done": run.epochs_done,
        "best_epoch": run.best_epoch,
        "best_val_accuracy": run.best_val_accuracy,
        "test": run.test,
        "operating": run.operating,
        "checks": run.checks,
        "weights": run.weights,
        "epochs": epochs,
        "steps": steps,
        "answers": answers,
    });
    Fingerprint::of(record.to_string().as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::session::provenance;

    #[test]
    fn the_seals_of_a_run_of_an_older_program_are_whole_in_this_one() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("runs.db");
        let schema = include_str!("../../tests/fixtures/store/v4.sql");
        rusqlite::Connection::open(&path).unwrap().execute_batch(schema).unwrap();
        let store = Store::open(&path).unwrap();
        let run = store.resolve("last").unwrap();
        assert_eq!(provenance::is_intact(&run.started), Some(true));
        assert_eq!(run.closing, Some(fingerprint(&store, &run).unwrap().to_string()));
    }
}
