//! A curve of any length in fixed memory: when it is full, neighbours merge into their smallest and largest value.

/// Spans that a curve holds before it halves.
const MOST: usize = 1024;

/// A point on the way of a run, by all its measures.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Moment {
    /// Epochs done, with their part.
    pub epochs: f64,
    /// Optimizer steps done.
    pub step: f64,
    /// Seconds that the run had been running.
    pub seconds: f64,
}

/// What a run's way is measured by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Axis {
    #[default]
    Epoch,
    Time,
    Step,
}

impl Axis {
    #[must_use]
    pub const fn next(self) -> Self {
        match self {
            Self::Epoch => Self::Time,
            Self::Time => Self::Step,
            Self::Step => Self::Epoch,
        }
    }
}

impl Moment {
    #[must_use]
    pub const fn along(self, axis: Axis) -> f64 {
        match axis {
            Axis::Epoch => self.epochs,
            Axis::Time => self.seconds,
            Axis::Step => self.step,
        }
    }
}

/// What a stretch of a curve went through.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Span {
    /// Where it starts.
    pub start: Moment,
    pub min: f64,
    pub max: f64,
    /// Of its values that are numbers; NaN where none is.
    pub mean: f64,
    /// Its last value.
    pub last: f64,
}

impl Span {
    /// One value.
    #[must_use]
    pub const fn at(start: Moment, value: f64) -> Self {
        Self { start, min: value, max: value, mean: value, last: value }
    }
}

/// Points in the order of their moments.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Curve {
    spans: Vec<Span>,
    /// Points a span holds; 0 means 1.
    width: usize,
    /// Points in the newest span.
    filled: usize,
    /// Values that were no numbers.
    pub broken: usize,
}

impl Curve {
    /// Adds a point; a value that is no number breaks the line, unless it has merged with others.
    pub fn push(&mut self, moment: Moment, value: f64) {
        self.broken += usize::from(!value.is_finite());
        if self.filled > 0
            && self.filled < self.width.max(1)
            && let Some(span) = self.spans.last_mut()
        {
            *span = merged((*span, self.filled), (Span::at(moment, value), 1));
            self.filled += 1;
            return;
        }
        if self.spans.len() == MOST {
            self.halve();
        }
        self.spans.push(Span::at(moment, value));
        self.filled = 1;
    }

    fn halve(&mut self) {
        let join = |pair: &[Span]| match pair {
            [a, b] => merged((*a, 1), (*b, 1)),
            _ => pair[0],
        };
        self.spans = self.spans.chunks(2).map(join).collect();
        self.width = self.width.max(1) * 2;
    }

    #[must_use]
    pub fn spans(&self) -> &[Span] {
        &self.spans
    }

    /// Points a span holds.
    #[must_use]
    pub fn width(&self) -> usize {
        self.width.max(1)
    }

    #[must_use]
    pub fn last(&self) -> Option<f64> {
        self.spans.last().map(|span| span.last)
    }

    /// The smallest and the largest number.
    #[must_use]
    pub fn extremes(&self) -> Option<(f64, f64)> {
        let numbers = self.spans.iter().filter(|span| span.min.is_finite() && span.max.is_finite());
        numbers.map(|span| (span.min, span.max)).reduce(|a, b| (a.0.min(b.0), a.1.max(b.1)))
    }
}

#[expect(clippy::cast_precision_loss, reason = "points of a span")]
fn merged((a, points): (Span, usize), (b, more): (Span, usize)) -> Span {
    let mean = match (a.mean.is_finite(), b.mean.is_finite()) {
        (true, true) => (a.mean * points as f64 + b.mean * more as f64) / (points + more) as f64,
        (true, false) => a.mean,
        _ => b.mean,
    };
    Span { start: a.start, min: a.min.min(b.min), max: a.max.max(b.max), mean, last: b.last }
}

/// Weights that a smoothed line gives to what came before, a value; the first is none.
pub const SMOOTHING: [f64; 10] = [0.0, 0.5, 0.7, 0.8, 0.9, 0.95, 0.97, 0.98, 0.99, 0.995];

/// An exponential moving average, its start corrected as Adam's moments are (Kingma and Ba 2015): each span of so many
/// points gets the value that the average has at its end. What is no number is passed over.
#[must_use]
pub fn smoothed(spans: &[Span], width: usize, weight: f64) -> Vec<Span> {
    let keep = weight.powi(i32::try_from(width).unwrap_or(i32::MAX));
    let (mut sum, mut total) = (0.0, 0.0);
    let line = spans.iter().map(|span| {
        if !span.mean.is_finite() {
            return *span;
        }
        sum = keep * sum + (1.0 - keep) * span.mean;
        total = keep * total + (1.0 - keep);
        Span::at(span.start, sum / total)
    });
    line.collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn at(step: f64) -> Moment {
        Moment { epochs: step / 10.0, step, seconds: step * 2.0 }
    }

    fn curve(values: &[f64]) -> Curve {
        let mut curve = Curve::default();
        for (step, value) in (0..).zip(values) {
            curve.push(at(f64::from(step)), *value);
        }
        curve
    }

    #[test]
    fn smoothing_is_the_moving_average_that_others_draw() {
        // TensorBoard's, computed by hand for weight 0.5: 1, (0.5 + 1) / 0.75 …
        let spans = curve(&[1.0, 2.0, f64::NAN, 4.0]);
        let line: Vec<f64> = smoothed(spans.spans(), 1, 0.5).iter().map(|span| span.last).collect();
        let expected = [1.0, 1.25 / 0.75, f64::NAN, 2.625 / 0.875];
        for (found, expected) in line.iter().zip(expected) {
            assert!((found - expected).abs() < 1e-12 || found.is_nan() && expected.is_nan(), "{line:?}");
        }
    }

    #[test]
    fn what_is_no_number_is_counted() {
        assert_eq!(curve(&[1.0, f64::NAN, f64::INFINITY]).broken, 2);
    }

    proptest! {
        #[test]
        fn a_curve_of_any_length_stays_small_and_keeps_its_extremes(values in prop::collection::vec(-1e3..1e3, 1..9000)) {
            let curve = curve(&values);
            prop_assert!(curve.spans().len() <= MOST);
            let low = values.iter().copied().reduce(f64::min).unwrap();
            let high = values.iter().copied().reduce(f64::max).unwrap();
            prop_assert_eq!(curve.extremes(), Some((low, high)));
            prop_assert_eq!(curve.last(), values.last().copied());
        }

        #[test]
        fn smoothing_stays_between_the_extremes(values in prop::collection::vec(-1e3..1e3, 1..3000), level in 0..10_usize) {
            let curve = curve(&values);
            let (low, high) = curve.extremes().unwrap();
            for span in smoothed(curve.spans(), curve.width(), SMOOTHING[level]) {
                prop_assert!(span.last >= low - 1e-9 && span.last <= high + 1e-9);
            }
        }
    }
}
