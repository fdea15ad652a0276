//! The search for a learning rate: a short training with a rising rate, and the rate where the loss falls most steeply.

use crate::train::Phase;
use crate::train::range_test::{RateCurve, RateEvent, RateOutcome, RatePoint};

/// A search under way or over.
#[derive(Debug, Clone, PartialEq)]
pub struct Finder {
    /// Counts the searches of a session: what an older one tells is not for this one.
    pub search: u64,
    pub phase: Phase,
    pub points: Vec<RatePoint>,
    pub notice: Option<String>,
    /// The learning rate found, or why there is none.
    pub found: Option<Result<f64, String>>,
}

impl Finder {
    #[must_use]
    pub const fn new(search: u64) -> Self {
        Self { search, phase: Phase::Scanning, points: Vec::new(), notice: None, found: None }
    }

    pub fn hear(&mut self, event: RateEvent) {
        match event {
            RateEvent::Phase(phase) => self.phase = phase,
            RateEvent::Notice(text) => self.notice = Some(text),
            RateEvent::Point(point) => self.points.push(point),
            RateEvent::Ended(outcome) => self.found = Some(found(outcome)),
        }
    }

    /// Two digits of what was found, as people write learning rates.
    #[must_use]
    pub fn rate(&self) -> Option<f64> {
        let rate = self.found.as_ref()?.as_ref().ok()?;
        format!("{rate:.1e}").parse().ok()
    }

    #[must_use]
    pub const fn is_over(&self) -> bool {
        self.found.is_some()
    }
}

fn found(outcome: RateOutcome) -> Result<f64, String> {
    match outcome {
        RateOutcome::Done(RateCurve { suggestion: Some(rate), .. }) => Ok(rate),
        RateOutcome::Done(_) => Err("the loss never falls: another batch size or image size may help".into()),
        RateOutcome::Stopped => Err("stopped".into()),
        RateOutcome::Failed(problem) | RateOutcome::Refused(problem) => Err(problem),
    }
}
