//! What a run went through, as curves: the same for a run under way, a past one, and one that another process trains.

use super::curve::{Curve, Moment, Span};
use crate::metrics::EpochFigures;
use crate::store::{Mark, StepPoint};
use crate::train::Step;

/// One optimizer step.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Point {
    moment: Moment,
    /// Mean cross entropy of the batch in nats.
    loss: f64,
    /// Of the batch, 0 to 1.
    accuracy: f64,
    images_per_second: f64,
    /// What was not measured is not drawn.
    learning_rate: Option<f64>,
    /// Cores kept busy.
    processor: Option<f64>,
    /// Resident bytes.
    memory: Option<f64>,
}

/// All curves of a run, its epochs and what was done to it.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct History {
    pub loss: Curve,
    pub accuracy: Curve,
    pub speed: Curve,
    pub learning_rate: Curve,
    pub processor: Curve,
    pub memory: Curve,
    /// Each with the moment of its end.
    pub epochs: Vec<(Moment, EpochFigures)>,
    pub marks: Vec<Mark>,
    pub best_epoch: Option<usize>,
    /// Epochs that the run is to have.
    pub planned: usize,
    /// Of the newest step.
    pub now: Moment,
    /// Batches in an epoch, once that is known.
    pub batches: usize,
}

impl History {
    #[must_use]
    pub fn new(planned: usize) -> Self {
        Self { planned, ..Self::default() }
    }

    /// Of what the store has.
    #[must_use]
    pub fn of(planned: usize, steps: &[StepPoint], epochs: &[EpochFigures]) -> Self {
        let mut history = Self::new(planned);
        // Where they were not written, the last step of an epoch tells how many there are in one.
        history.batches = steps.iter().map(|point| point.step.div_ceil(point.epoch.max(1))).max().unwrap_or(0);
        for point in steps {
            history.add_row(point);
        }
        for figures in epochs {
            history.add_epoch(*figures);
        }
        history
    }

    pub fn add_row(&mut self, row: &StepPoint) {
        let moment = self.moment((row.step, row.batches), row.seconds);
        self.add(&Point {
            moment,
            loss: row.loss,
            accuracy: row.accuracy,
            images_per_second: row.images_per_second,
            learning_rate: row.learning_rate,
            processor: row.processor,
            memory: row.memory.map(float),
        });
    }

    pub fn add_step(&mut self, step: &Step) {
        let moment = self.moment((step.step, step.batches), step.seconds);
        self.add(&Point {
            moment,
            loss: step.loss,
            accuracy: step.accuracy,
            images_per_second: step.images_per_second,
            learning_rate: step.learning_rate,
            processor: step.processor,
            memory: step.memory.map(float),
        });
    }

    /// An epoch that has just ended, or that ended before the steps that are known.
    pub fn add_epoch(&mut self, figures: EpochFigures) {
        let seconds = self.epochs.last().map_or(0.0, |(end, _)| end.seconds) + figures.seconds;
        let (epochs, step) = (index(figures.epoch), index(figures.epoch * self.batches));
        // What is known of the time comes from the steps; an epoch alone tells how long it took.
        let known = self.loss.spans().iter().rev().find(|span| span.start.epochs <= epochs);
        let seconds = known.map_or(seconds, |span| span.start.seconds.max(seconds));
        self.epochs.push((Moment { epochs, step, seconds }, figures));
    }

    #[expect(clippy::cast_precision_loss, reason = "steps stay far below 2^53")]
    fn moment(&mut self, (step, batches): (usize, usize), seconds: Option<f64>) -> Moment {
        self.batches = if batches == 0 { self.batches.max(1) } else { batches };
        let seconds = seconds.unwrap_or(self.now.seconds);
        Moment { epochs: step as f64 / self.batches as f64, step: step as f64, seconds }
    }

    fn add(&mut self, point: &Point) {
        self.now = point.moment;
        self.loss.push(point.moment, point.loss);
        self.accuracy.push(point.moment, point.accuracy);
        self.speed.push(point.moment, point.images_per_second);
        let measured = [
            (&mut self.learning_rate, point.learning_rate),
            (&mut self.processor, point.processor),
            (&mut self.memory, point.memory),
        ];
        for (curve, value) in measured {
            if let Some(value) = value {
                curve.push(point.moment, value);
            }
        }
    }

    /// A figure of each epoch at its end; undefined ones are gaps.
    #[must_use]
    pub fn of_epochs(&self, value: impl Fn(&EpochFigures) -> Option<f64>) -> Vec<Span> {
        let point = |(end, figures): &(Moment, EpochFigures)| Span::at(*end, value(figures).unwrap_or(f64::NAN));
        self.epochs.iter().map(point).collect()
    }

    /// The moment of a step, as near as the curve tells.
    #[must_use]
    pub fn moment_of(&self, step: usize) -> Moment {
        let (step, batches) = (index(step), index(self.batches.max(1)));
        let at = self.loss.spans().partition_point(|span| span.start.step <= step);
        let seconds = at.checked_sub(1).and_then(|at| self.loss.spans().get(at)).map_or(0.0, |span| span.start.seconds);
        Moment { epochs: step / batches, step, seconds }
    }

    /// What the user must know of these curves.
    #[must_use]
    pub fn alert(&self) -> Option<String> {
        let epochs = self.epochs.iter().filter(|(_, e)| e.validation.loss.is_some_and(|loss| !loss.is_finite()));
        let epochs: Vec<String> = epochs.map(|(_, figures)| figures.epoch.to_string()).collect();
        match (self.loss.broken, epochs.as_slice()) {
            (0, []) => None,
            (0, epochs) => Some(format!("the validation loss of epoch {} is no number", epochs.join(", "))),
            (steps, _) => Some(format!("the loss of {steps} steps is no number: the line has gaps there")),
        }
    }
}

#[expect(clippy::cast_precision_loss, reason = "steps and epochs stay far below 2^53")]
const fn index(n: usize) -> f64 {
    n as f64
}

#[expect(clippy::cast_precision_loss, reason = "bytes of memory stay far below 2^53")]
const fn float(bytes: u64) -> f64 {
    bytes as f64
}
