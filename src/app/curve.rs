//! A curve of any length in fixed memory: when it is full, neighbours merge into their smallest and largest value.

/// Spans that a curve holds before it halves.
const MOST: usize = 1024;

/// What a stretch of a curve went through.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Span {
    /// Where it starts, in epochs.
    pub start: f64,
    pub min: f64,
    pub max: f64,
    /// Its last value.
    pub last: f64,
}

/// Points in the order of their `x`.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Curve {
    spans: Vec<Span>,
    /// Points a span holds; 0 means 1.
    width: usize,
    /// Points in the newest span.
    filled: usize,
}

impl Curve {
    /// Adds a point; a value that is no number breaks the line, unless it has merged with others.
    pub fn push(&mut self, x: f64, y: f64) {
        if self.filled > 0
            && self.filled < self.width.max(1)
            && let Some(span) = self.spans.last_mut()
        {
            *span = merged(*span, Span { start: x, min: y, max: y, last: y });
            self.filled += 1;
            return;
        }
        if self.spans.len() == MOST {
            self.halve();
        }
        self.spans.push(Span { start: x, min: y, max: y, last: y });
        self.filled = 1;
    }

    fn halve(&mut self) {
        self.spans = self.spans.chunks(2).map(|pair| pair.iter().copied().reduce(merged).unwrap_or(pair[0])).collect();
        self.width = self.width.max(1) * 2;
    }

    #[must_use]
    pub fn spans(&self) -> &[Span] {
        &self.spans
    }

    #[must_use]
    pub fn last(&self) -> Option<f64> {
        self.spans.last().map(|span| span.last)
    }
}

fn merged(a: Span, b: Span) -> Span {
    Span { start: a.start, min: a.min.min(b.min), max: a.max.max(b.max), last: b.last }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_curve_of_any_length_stays_small_and_keeps_its_extremes(values in prop::collection::vec(-1e3..1e3, 1..9000)) {
            let mut curve = Curve::default();
            for (x, y) in values.iter().enumerate() {
                curve.push(f64::from(u32::try_from(x).unwrap()), *y);
            }
            let fold = |f: fn(f64, f64) -> f64, of: fn(&Span) -> f64| curve.spans().iter().map(of).reduce(f).unwrap();
            prop_assert!(curve.spans().len() <= MOST);
            let (low, high) = (values.iter().copied().reduce(f64::min), values.iter().copied().reduce(f64::max));
            prop_assert_eq!(Some(fold(f64::min, |s| s.min)), low);
            prop_assert_eq!(Some(fold(f64::max, |s| s.max)), high);
            prop_assert_eq!(curve.last(), values.last().copied());
        }
    }
}
