//! What a run achieved, as columns of the table and as axes of the scatter chart.

use crate::store::Run;
use crate::units::{duration, share};

/// A number that a run ended with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Figure {
    /// Accuracy of the best epoch on the validation images.
    Validation,
    BestEpoch,
    /// Accuracy on the test images.
    Test,
    Precision,
    Sensitivity,
    Specificity,
    F1,
    /// Mean cross entropy of the test images in nats.
    Loss,
    /// Images trained a second.
    Speed,
    /// Seconds of running.
    Time,
    /// Epochs done.
    Epochs,
}

impl Figure {
    pub const ALL: [Self; 11] = [
        Self::Validation,
        Self::BestEpoch,
        Self::Test,
        Self::Precision,
        Self::Sensitivity,
        Self::Specificity,
        Self::F1,
        Self::Loss,
        Self::Speed,
        Self::Time,
        Self::Epochs,
    ];

    #[must_use]
    pub const fn key(self) -> &'static str {
        match self {
            Self::Validation => "val_acc",
            Self::BestEpoch => "best_epoch",
            Self::Test => "test_acc",
            Self::Precision => "precision",
            Self::Sensitivity => "sens",
            Self::Specificity => "spec",
            Self::F1 => "f1",
            Self::Loss => "test_loss",
            Self::Speed => "speed",
            Self::Time => "time",
            Self::Epochs => "epochs",
        }
    }

    #[must_use]
    pub const fn title(self) -> &'static str {
        match self {
            Self::Validation => "best val",
            Self::BestEpoch => "best ep.",
            Self::Test => "test acc",
            Self::Precision => "precision",
            Self::Sensitivity => "sens.",
            Self::Specificity => "spec.",
            Self::F1 => "F1",
            Self::Loss => "test loss",
            Self::Speed => "images/s",
            Self::Time => "time",
            Self::Epochs => "epochs",
        }
    }

    /// In full.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::Validation => "best validation accuracy",
            Self::BestEpoch => "best epoch",
            Self::Test => "test accuracy",
            Self::Precision => "test precision",
            Self::Sensitivity => "test sensitivity",
            Self::Specificity => "test specificity",
            Self::F1 => "test F1",
            Self::Loss => "test loss",
            Self::Speed => "images/s in training",
            Self::Time => "time running",
            Self::Epochs => "epochs done",
        }
    }

    /// Cells across; with `spread` where means and deviations stand in it.
    #[must_use]
    pub const fn width(self, spread: bool) -> usize {
        match self {
            Self::Time if spread => 16,
            _ if spread => 13,
            Self::Precision | Self::Loss => 10,
            Self::Sensitivity | Self::Specificity | Self::F1 | Self::Epochs => 8,
            _ => 9,
        }
    }

    /// Of a run; `None` where it has none.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "epochs stay far below 2^53")]
    pub fn of(self, run: &Run) -> Option<f64> {
        let test = run.test.map(|figures| figures.confusion);
        match self {
            Self::Validation => run.best_val_accuracy,
            Self::BestEpoch => run.best_epoch.map(|epoch| epoch as f64),
            Self::Test => test?.accuracy(),
            Self::Precision => test?.precision(),
            Self::Sensitivity => test?.recall(),
            Self::Specificity => test?.specificity(),
            Self::F1 => test?.f1(),
            Self::Loss => run.test?.loss,
            Self::Speed => run.images_per_second,
            Self::Time => Some(run.seconds),
            Self::Epochs => Some(run.epochs_done as f64),
        }
    }

    /// A value of it, for reading.
    #[must_use]
    pub fn text(self, value: Option<f64>) -> String {
        match (self, value) {
            (_, None) => "–".into(),
            (Self::Time, Some(seconds)) => duration(seconds),
            (Self::Speed, Some(speed)) => format!("{speed:.1}"),
            (Self::BestEpoch | Self::Epochs, Some(epochs)) => format!("{epochs:.0}"),
            (_, value) => share(value),
        }
    }

    /// That of a run, with how many epochs there were to be.
    #[must_use]
    pub fn text_of(self, run: &Run, value: Option<f64>) -> String {
        let planned =
            || run.started.config["epochs"].as_u64().map_or_else(|| "–".to_owned(), |epochs| epochs.to_string());
        match (self, run.folds(), run.members()) {
            (Self::Epochs, Some(folds), _) => format!("{folds} folds"),
            (Self::Epochs, None, Some(members)) => format!("{} runs", members.len()),
            (Self::Epochs, None, None) => format!("{}/{}", run.epochs_done, planned()),
            _ => self.text(value),
        }
    }

    /// How far a value lies above another, with its sign.
    #[must_use]
    pub fn difference(self, value: f64, base: f64) -> String {
        self.spread_difference((value, None), base)
    }

    /// How far a mean lies above a value, with its sign, and the standard deviation about the mean.
    #[must_use]
    pub fn spread_difference(self, (mean, sd): (f64, Option<f64>), base: f64) -> String {
        let sign = if mean < base { "-" } else { "+" };
        format!("{sign}{}", self.spread((mean - base).abs(), sd))
    }

    /// A mean and a standard deviation, for reading.
    #[must_use]
    pub fn spread(self, mean: f64, sd: Option<f64>) -> String {
        match (self, sd) {
            (_, None) => self.text(Some(mean)),
            (Self::Time, Some(sd)) => format!("{} ±{}", duration(mean), duration(sd)),
            (Self::Speed | Self::BestEpoch | Self::Epochs, Some(sd)) => format!("{mean:.1} ±{sd:.1}"),
            (_, Some(sd)) => format!("{mean:.3} ±{sd:.3}"),
        }
    }

    /// Whether more of it is better; `None` where neither is.
    #[must_use]
    pub const fn more_is_better(self) -> Option<bool> {
        match self {
            Self::BestEpoch | Self::Epochs | Self::Time => None,
            Self::Loss => Some(false),
            _ => Some(true),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_difference_has_its_sign() {
        assert_eq!(Figure::Test.difference(0.91, 0.9), "+0.010");
        assert_eq!(Figure::Test.difference(0.9, 0.9), "+0.000");
        assert_eq!(Figure::Time.difference(60.0, 120.0), "-1m 00s");
        assert_eq!(Figure::Speed.difference(30.0, 36.5), "-6.5");
    }

    #[test]
    fn a_mean_is_held_against_a_value_with_its_deviation() {
        assert_eq!(Figure::Test.spread_difference((0.91, Some(0.0123)), 0.9), "+0.010 ±0.012");
        assert_eq!(Figure::Time.spread_difference((60.0, Some(9.0)), 120.0), "-1m 00s ±9.0 s");
        assert_eq!(Figure::Epochs.spread_difference((9.5, Some(0.5)), 10.0), "-0.5 ±0.5");
        assert_eq!(Figure::Epochs.spread_difference((12.0, None), 10.0), "+2", "of one run alone");
    }

    #[test]
    fn an_ensemble_has_runs_where_others_have_epochs() {
        let mut run = crate::app::sample::run(1, crate::store::RunState::Finished);
        assert_eq!(Figure::Epochs.text_of(&run, None), "10/10");
        run.started.config["ensemble"] = serde_json::json!(["aaaaaaaaaaaa", "bbbbbbbbbbbb"]);
        assert_eq!(Figure::Epochs.text_of(&run, None), "2 runs");
    }

    #[test]
    fn one_run_has_a_mean_and_no_deviation() {
        assert_eq!(Figure::Test.spread(0.9, None), "0.900");
        assert_eq!(Figure::Test.spread(0.9, Some(0.0123)), "0.900 ±0.012");
    }
}
