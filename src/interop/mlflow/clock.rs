//! When a step was done, from what the store has of a run.
//!
//! A run keeps when it began and, with each step, how long it had been running over all its sessions. So a step of the
//! first session was done so many seconds after the beginning. When a later session began is a mark; how long the run had
//! been running then is taken from the first step of the session: what its record says, less what the batch itself took.
//! Reading the checkpoint is not in it, so these may be early by that, some seconds. In a run of an older program, which
//! kept no time with its steps, the batches of an epoch count as evenly long.

use crate::metrics::EpochFigures;
use crate::store::{Mark, MarkKind, Run, StepPoint};

/// A run's sessions, the first one first.
#[derive(Debug, Clone, PartialEq)]
pub struct Clock {
    sessions: Vec<Session>,
    /// When the last epoch of an older program's run ended, in seconds after its beginning, by epoch.
    epochs: Vec<f64>,
}

#[derive(Debug, Clone, Copy, PartialEq)]
struct Session {
    /// Steps done before it.
    after: usize,
    /// Milliseconds since 1970.
    began: i64,
    /// Seconds that the run had been running by then.
    before: f64,
}

/// Milliseconds since 1970 of a time as the store keeps it; 0 where it is none.
#[must_use]
pub fn milliseconds(time: &str) -> i64 {
    time.parse::<jiff::Timestamp>().map_or(0, jiff::Timestamp::as_millisecond)
}

impl Clock {
    /// Of a run with its marks and epochs; `first` answers the first step after so many.
    #[must_use]
    pub fn of(
        run: &Run,
        (marks, epochs): (&[Mark], &[EpochFigures]),
        first: impl Fn(usize) -> Option<StepPoint>,
    ) -> Self {
        let mut sessions = vec![Session { after: 0, began: milliseconds(&run.started_at), before: 0.0 }];
        for mark in marks.iter().filter(|mark| mark.kind == MarkKind::Resume) {
            // What a session did beyond the checkpoint that the next one began from was taken back.
            sessions.retain(|session| session.after < mark.step || session.after == 0);
            let before = first(mark.step).and_then(|point| Some(point.seconds? - took(run, &point)));
            let session = |before: f64| Session { after: mark.step, began: milliseconds(&mark.at), before };
            sessions.extend(before.map(session));
        }
        let ends = epochs.iter().scan(0.0, |sum, epoch| {
            *sum += epoch.seconds;
            Some(*sum)
        });
        Self { sessions, epochs: ends.collect() }
    }

    /// When a step was done, in milliseconds since 1970.
    #[must_use]
    pub fn at(&self, point: &StepPoint) -> i64 {
        match point.seconds {
            Some(seconds) => {
                let found = self.sessions.iter().rfind(|session| session.after < point.step);
                found.map_or(0, |session| session.began + thousandths((seconds - session.before).max(0.0)))
            }
            None => self.sessions.first().map_or(0, |session| session.began + thousandths(self.evenly(point))),
        }
    }

    /// The steps that were done before the session of a step, and when it began, in milliseconds since 1970.
    #[must_use]
    pub fn session(&self, step: usize) -> (usize, i64) {
        let found = self.sessions.iter().rfind(|session| session.after < step);
        found.map_or((0, 0), |session| (session.after, session.began))
    }

    /// Seconds after the beginning, where batches are evenly long.
    #[expect(clippy::cast_precision_loss, reason = "counts of batches stay far below 2^53")]
    fn evenly(&self, point: &StepPoint) -> f64 {
        let end = |epoch: usize| epoch.checked_sub(1).and_then(|place| self.epochs.get(place)).copied();
        let began = end(point.epoch.saturating_sub(1)).unwrap_or(0.0);
        let seconds = end(point.epoch).map_or(0.0, |end| end - began);
        let done = point.step.saturating_sub(point.epoch.saturating_sub(1) * point.batches);
        let share = if point.batches == 0 { 1.0 } else { done as f64 / point.batches as f64 };
        seconds.mul_add(share.min(1.0), began)
    }
}

/// Seconds that a step took.
fn took(run: &Run, point: &StepPoint) -> f64 {
    let batch = run.started.config["batch_size"].as_f64().unwrap_or(0.0);
    if point.images_per_second > 0.0 { batch / point.images_per_second } else { 0.0 }
}

/// Seconds as milliseconds.
#[must_use]
#[expect(clippy::cast_possible_truncation, reason = "a float that is too large for it becomes the largest")]
pub fn thousandths(seconds: f64) -> i64 {
    (seconds * 1000.0).round() as i64
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::sample;
    use crate::metrics::Figures;
    use crate::store::RunState;

    const BEGAN: &str = "2026-01-01T00:00:00.000Z";

    fn run() -> Run {
        let mut run = sample::run(1, RunState::Finished);
        run.started_at = BEGAN.into();
        run.started.config["batch_size"] = 8.into();
        run
    }

    fn point(step: usize, seconds: Option<f64>) -> StepPoint {
        StepPoint {
            step,
            epoch: 1 + (step - 1) / 4,
            batches: 4,
            loss: 0.5,
            accuracy: 0.5,
            images_per_second: 4.0,
            seconds,
            learning_rate: None,
            processor: None,
            memory: None,
        }
    }

    fn resumed(step: usize, at: &str) -> Mark {
        Mark { at: at.into(), ..Mark::now(step, MarkKind::Resume) }
    }

    #[test]
    fn a_step_was_done_as_long_after_the_beginning_as_the_run_had_been_running() {
        let clock = Clock::of(&run(), (&[], &[]), |_| None);
        assert_eq!(clock.at(&point(3, Some(2.5))), milliseconds(BEGAN) + 2500);
    }

    #[test]
    fn a_later_session_counts_from_its_own_beginning() {
        let marks = [resumed(6, "2026-01-01T10:00:00.000Z"), resumed(4, "2026-01-01T11:00:00.000Z")];
        // It had been running for 100 seconds when the first of these steps, which took 2, began.
        let clock = Clock::of(&run(), (&marks, &[]), |after| Some(point(after + 1, Some(102.0))));
        assert_eq!(clock.at(&point(4, Some(8.0))), milliseconds(BEGAN) + 8000);
        assert_eq!(clock.at(&point(5, Some(102.0))), milliseconds("2026-01-01T11:00:02.000Z"));
        assert_eq!(clock.at(&point(7, Some(106.0))), milliseconds("2026-01-01T11:00:06.000Z"));
    }

    #[test]
    fn without_times_the_batches_of_an_epoch_are_evenly_long() {
        let epoch = |epoch, seconds| {
            let (train, validation) = (Figures::default(), Figures::default());
            EpochFigures { epoch, train, validation, seconds, shifted: None, weights: None }
        };
        let clock = Clock::of(&run(), (&[], &[epoch(1, 8.0), epoch(2, 4.0)]), |_| None);
        assert_eq!(clock.at(&point(2, None)), milliseconds(BEGAN) + 4000);
        assert_eq!(clock.at(&point(6, None)), milliseconds(BEGAN) + 10_000);
    }
}
