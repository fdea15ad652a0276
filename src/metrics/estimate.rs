//! Figures with the intervals that they are known to.

use serde::{Deserialize, Serialize};

/// The normal distribution's 97.5th percentile: intervals hold 95 %.
const Z: f64 = 1.959_963_984_540_054;

/// Where a figure lies with 95 % confidence, both ends included.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Interval {
    pub low: f64,
    pub high: f64,
}

impl Interval {
    /// `value` and 1.96 standard errors to each side, cut at 0 and 1.
    #[must_use]
    pub fn normal(value: f64, standard_error: f64) -> Self {
        let half = Z * standard_error;
        Self { low: (value - half).max(0.0), high: (value + half).min(1.0) }
    }

    /// The same interval of a figure that grows with this one.
    #[must_use]
    pub fn map(self, grow: impl Fn(f64) -> f64) -> Self {
        Self { low: grow(self.low), high: grow(self.high) }
    }
}

/// A figure, with its interval where there is one.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Estimate {
    pub value: f64,
    pub interval: Option<Interval>,
}

impl Estimate {
    /// A share of images with Wilson's score interval (Wilson 1927); `None` without images.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "counts of images stay far below 2^53")]
    pub fn share(part: u64, whole: u64) -> Option<Self> {
        if whole == 0 {
            return None;
        }
        let (n, value) = (whole as f64, part as f64 / whole as f64);
        let widening = 1.0 + Z * Z / n;
        let centre = (value + Z * Z / (2.0 * n)) / widening;
        let half = Z / widening * (value * (1.0 - value) / n + Z * Z / (4.0 * n * n)).sqrt();
        // In exact numbers the interval reaches 0 and 1 where the share does, and always holds it.
        let interval = Interval { low: (centre - half).clamp(0.0, value), high: (centre + half).clamp(value, 1.0) };
        Some(Self { value, interval: Some(interval) })
    }

    /// The mean of two shares of different images, its interval from theirs (MOVER; Zou and Donner 2008).
    #[must_use]
    pub fn mean(a: Self, b: Self) -> Self {
        let value = f64::midpoint(a.value, b.value);
        let of = |a_end: f64, b_end: f64| 0.5 * (a.value - a_end).hypot(b.value - b_end);
        let interval = a
            .interval
            .zip(b.interval)
            .map(|(ia, ib)| Interval { low: value - of(ia.low, ib.low), high: value + of(ia.high, ib.high) });
        Self { value, interval }
    }

    /// The same of a figure that grows with this one.
    #[must_use]
    pub fn map(self, grow: impl Fn(f64) -> f64) -> Self {
        Self { value: grow(self.value), interval: self.interval.map(|interval| interval.map(&grow)) }
    }
}
