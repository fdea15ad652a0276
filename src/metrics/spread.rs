//! How a figure scatters over runs that ought to give the same.

use serde::{Deserialize, Serialize};

/// Mean and standard deviation of a figure.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Spread {
    pub runs: usize,
    pub mean: f64,
    /// Of the sample, with `runs - 1` in the denominator; `None` for one run.
    pub sd: Option<f64>,
}

impl Spread {
    /// `None` without values, or where one of them is undefined: the others alone would flatter.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "counts of runs stay far below 2^53")]
    pub fn of(values: impl IntoIterator<Item = Option<f64>>) -> Option<Self> {
        let values: Vec<f64> = values.into_iter().collect::<Option<_>>()?;
        let runs = values.len();
        if runs == 0 {
            return None;
        }
        let mean = values.iter().sum::<f64>() / runs as f64;
        let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
        Some(Self { runs, mean, sd: (runs > 1).then(|| (squares / (runs - 1) as f64).sqrt()) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `statistics.mean` and `statistics.stdev` of Python.
    #[test]
    fn a_spread_is_the_samples() {
        let spread = Spread::of([0.714, 0.769, 0.721].map(Some)).unwrap();
        assert!((spread.mean - 0.734_666_666_666_666_7).abs() < 1e-12);
        assert!((spread.sd.unwrap() - 0.029_938_826_518_975_85).abs() < 1e-12);
        assert_eq!(Spread::of([Some(0.5)]).unwrap().sd, None);
    }

    #[test]
    fn an_undefined_figure_leaves_no_spread() {
        assert_eq!(Spread::of([Some(0.5), None]), None);
        assert_eq!(Spread::of([]), None);
    }
}
