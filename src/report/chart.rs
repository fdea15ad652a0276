//! A chart as data: axes, and layers in the order in which they are drawn.

/// Axes and what lies between them.
#[derive(Debug, Clone, PartialEq)]
pub struct Chart {
    pub title: &'static str,
    /// What it shows, for whoever does not see it.
    pub words: String,
    /// Both axes are equally long.
    pub square: bool,
    pub x: Axis,
    pub y: Axis,
    pub layers: Vec<Layer>,
}

/// An axis with the range that it covers.
#[derive(Debug, Clone, PartialEq)]
pub struct Axis {
    /// With the unit.
    pub label: &'static str,
    pub low: f64,
    pub high: f64,
    /// Values between whole numbers have no meaning.
    pub whole: bool,
}

/// One thing that is drawn, and what it is called in the legend.
#[derive(Debug, Clone, PartialEq)]
pub struct Layer {
    pub name: String,
    pub look: Look,
    pub shape: Shape,
}

/// How a layer is told from others, in colour and without it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Look {
    /// Solid.
    First,
    /// Dashed, or outlined.
    Second,
    /// Dotted and pale: what others are compared with.
    Reference,
}

/// What is drawn, in the axes' units.
#[derive(Debug, Clone, PartialEq)]
pub enum Shape {
    /// Values that are no numbers are gaps.
    Line(Vec<(f64, f64)>),
    Bars(Vec<Bar>),
    /// Places with the share, 0 to 1, that their area has of the largest one's.
    Bubbles(Vec<(f64, f64, f64)>),
    /// One place.
    Ring(f64, f64),
    /// A line from bottom to top.
    Upright(f64),
}

/// From the horizontal axis up.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Bar {
    pub from: f64,
    pub to: f64,
    pub height: f64,
}

impl Axis {
    /// From 0 to 1.
    pub const fn share(label: &'static str) -> Self {
        Self { label, low: 0.0, high: 1.0, whole: false }
    }

    /// With room for what is drawn round its ends.
    #[must_use]
    pub fn widened(self) -> Self {
        let room = 0.04 * (self.high - self.low);
        Self { low: self.low - room, high: self.high + room, ..self }
    }

    /// From 0 to a little over the largest value, or to 1 where there is none.
    pub fn from_zero(label: &'static str, values: impl IntoIterator<Item = f64>) -> Self {
        let largest = values.into_iter().filter(|value| value.is_finite()).fold(0.0, f64::max);
        Self { label, low: 0.0, high: if largest > 0.0 { 1.04 * largest } else { 1.0 }, whole: false }
    }

    /// From the tenth below the smallest share to 1.
    pub fn upper_share(label: &'static str, values: impl IntoIterator<Item = f64>) -> Self {
        let smallest = values.into_iter().filter(|value| value.is_finite()).fold(0.9, f64::min);
        Self { label, low: (smallest.clamp(0.0, 0.9) * 10.0).floor() / 10.0, high: 1.0, whole: false }
    }

    /// Over epochs counted from 1.
    #[expect(clippy::cast_precision_loss, reason = "a count of epochs")]
    pub fn epochs(last: usize) -> Self {
        let margin = if last < 2 { 0.5 } else { 0.0 };
        Self { label: "epoch", low: 1.0 - margin, high: last.max(1) as f64 + margin, whole: true }
    }

    /// Round values on it, four to eight or so, as they are written.
    pub fn ticks(&self) -> Vec<(f64, String)> {
        let (step, decimals) = self.step();
        #[expect(clippy::cast_possible_truncation, reason = "a few steps from zero")]
        let [first, last] = [(self.low / step - 1e-9).ceil(), (self.high / step + 1e-9).floor()].map(|n| n as i32);
        let tick = |n: i32| (f64::from(n) * step, format!("{:.*}", decimals, f64::from(n) * step));
        (first..=last).map(tick).collect()
    }

    /// The distance of ticks, and the digits that it needs.
    fn step(&self) -> (f64, usize) {
        let wanted = (self.high - self.low).max(f64::MIN_POSITIVE) / 6.0;
        let sizes = (-6..309).flat_map(|power| [1.0, 2.0, 5.0].map(|digit| (digit * 10f64.powi(power), power)));
        let fits = |(step, _): &(f64, i32)| *step >= wanted && (!self.whole || *step >= 1.0);
        let (step, power) = sizes.clone().find(fits).unwrap_or((f64::MAX, 308));
        (step, usize::try_from(-power).unwrap_or(0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(axis: &Axis) -> Vec<String> {
        axis.ticks().into_iter().map(|(_, text)| text).collect()
    }

    #[test]
    fn ticks_are_round_and_within_their_axis() {
        assert_eq!(written(&Axis::share("x")), ["0.0", "0.2", "0.4", "0.6", "0.8", "1.0"]);
        assert_eq!(written(&Axis::epochs(10)), ["2", "4", "6", "8", "10"]);
        assert_eq!(written(&Axis::epochs(1)), ["1"]);
        assert_eq!(written(&Axis::from_zero("y", [0.31])), ["0.0", "0.1", "0.2", "0.3"]);
        assert_eq!(written(&Axis::from_zero("y", [f64::NAN])).len(), 6);
        assert_eq!(written(&Axis::upper_share("y", [0.97])), ["0.90", "0.92", "0.94", "0.96", "0.98", "1.00"]);
    }
}
