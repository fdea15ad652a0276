//! A gate: whether a network is good enough to be used, and not worse than the one in use. Figures in, a verdict out.

use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::comparison::Comparison;
use super::{Estimate, Interval};

/// Below this p of a paired test the champion counts as better.
pub const SIGNIFICANCE: f64 = 0.05;

/// What is asked of a network.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Gate {
    /// The figure itself must reach it, not the lower end of its interval; 0 to 1, as the next two.
    pub min_accuracy: Option<f64>,
    pub min_sensitivity: Option<f64>,
    pub min_auc: Option<f64>,
    /// It must not be worse than the champion on the same images, by the paired tests.
    pub champion: bool,
}

impl Default for Gate {
    fn default() -> Self {
        Self { min_accuracy: None, min_sensitivity: None, min_auc: None, champion: true }
    }
}

/// The figures that a gate may ask for.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub struct Measured {
    pub accuracy: Option<Estimate>,
    pub sensitivity: Option<Estimate>,
    pub auc: Option<Estimate>,
}

/// What a check looks at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CheckKind {
    Accuracy,
    Sensitivity,
    Auc,
    /// McNemar's exact test.
    AccuracyAgainstChampion,
    /// `DeLong`'s paired test.
    AucAgainstChampion,
}

impl CheckKind {
    /// The figure that it looks at, for reading.
    #[must_use]
    pub const fn title(self) -> &'static str {
        match self {
            Self::Accuracy | Self::AccuracyAgainstChampion => "accuracy",
            Self::Sensitivity => "sensitivity",
            Self::Auc | Self::AucAgainstChampion => "AUC",
        }
    }

    #[must_use]
    pub const fn is_against_champion(self) -> bool {
        matches!(self, Self::AccuracyAgainstChampion | Self::AucAgainstChampion)
    }
}

/// One thing that was asked, and whether it holds: it does where the figure is at least the bar.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Check {
    pub name: CheckKind,
    /// Against the champion the p of the paired test where the champion is ahead, else 1. `None` where it is not defined:
    /// then no minimum holds, and a comparison only where the champion is not ahead.
    pub figure: Option<f64>,
    /// 95 %, of the figure or, against the champion, of the difference.
    pub interval: Option<Interval>,
    /// This network's figure less the champion's; against the champion alone.
    pub difference: Option<f64>,
    pub bar: f64,
    pub passed: bool,
}

impl Check {
    /// What does not hold, in words.
    #[must_use]
    pub fn why_not(&self) -> String {
        let title = self.name.title();
        match (self.difference, self.figure) {
            (Some(difference), p) => {
                let p = p.map_or_else(|| "p is not defined".to_owned(), |p| format!("p = {p:.3}"));
                format!("{title} is worse than the champion's by {:.3} ({p})", -difference)
            }
            (None, Some(figure)) => format!("{title} is {figure:.3}, at least {} is asked", self.bar),
            (None, None) => format!("{title} is not defined, at least {} is asked", self.bar),
        }
    }
}

/// What a gate says.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Verdict {
    /// Whether every check holds.
    pub passed: bool,
    pub checks: Vec<Check>,
}

impl Verdict {
    /// Why it says no.
    #[must_use]
    pub fn why_not(&self) -> String {
        let failed = self.checks.iter().filter(|check| !check.passed);
        failed.map(Check::why_not).collect::<Vec<_>>().join("; ")
    }
}

impl Gate {
    /// Judges a network; `against` compares it, as A, with the champion, as B, where there is one.
    #[must_use]
    pub fn judge(&self, measured: &Measured, against: Option<&Comparison>) -> Verdict {
        let least = |name, bar: Option<f64>, estimate| bar.map(|bar| at_least(name, bar, estimate));
        let minima = [
            least(CheckKind::Accuracy, self.min_accuracy, measured.accuracy),
            least(CheckKind::Sensitivity, self.min_sensitivity, measured.sensitivity),
            least(CheckKind::Auc, self.min_auc, measured.auc),
        ];
        let compared = against.filter(|_| self.champion).map(not_worse);
        let checks: Vec<Check> = minima.into_iter().flatten().chain(compared.into_iter().flatten()).collect();
        Verdict { passed: checks.iter().all(|check| check.passed), checks }
    }

    /// As one line asks for it; [`FromStr`] reads it.
    #[must_use]
    pub fn text(&self) -> String {
        let bars =
            [("accuracy", self.min_accuracy), ("sensitivity", self.min_sensitivity), ("auc", self.min_auc)].into_iter();
        let mut words: Vec<String> = bars.filter_map(|(name, bar)| Some(format!("{name}={}", bar?))).collect();
        words.extend((!self.champion).then(|| "champion=off".to_owned()));
        words.join(" ")
    }
}

impl FromStr for Gate {
    type Err = String;

    /// `accuracy=0.9 sensitivity=0.95 auc=0.97 champion=off`: any of them, in any order.
    fn from_str(text: &str) -> Result<Self, String> {
        let mut gate = Self::default();
        for word in text.split([' ', ',']).filter(|word| !word.is_empty()) {
            let (name, value) = word.split_once('=').ok_or_else(|| format!("{word}: write NAME=VALUE"))?;
            match name {
                "accuracy" => gate.min_accuracy = Some(bar(value)?),
                "sensitivity" => gate.min_sensitivity = Some(bar(value)?),
                "auc" => gate.min_auc = Some(bar(value)?),
                "champion" => gate.champion = is_on(value)?,
                _ => return Err(format!("{name}: there are accuracy, sensitivity, auc and champion")),
            }
        }
        Ok(gate)
    }
}

/// A least figure, 0 to 1.
///
/// # Errors
/// Where it is none.
pub fn bar(text: &str) -> Result<f64, String> {
    let inside = text.parse().ok().filter(|bar| (0.0..=1.0).contains(bar));
    inside.ok_or_else(|| format!("{text}: must be at least 0 and at most 1"))
}

fn is_on(text: &str) -> Result<bool, String> {
    match text {
        "on" => Ok(true),
        "off" => Ok(false),
        _ => Err(format!("champion: {text} is neither on nor off")),
    }
}

fn at_least(name: CheckKind, bar: f64, estimate: Option<Estimate>) -> Check {
    let figure = estimate.map(|estimate| estimate.value);
    let interval = estimate.and_then(|estimate| estimate.interval);
    Check { name, figure, interval, difference: None, bar, passed: figure.is_some_and(|figure| figure >= bar) }
}

/// Refuses where the champion is ahead by more than chance, or ahead and the test is not defined.
fn not_worse(found: &Comparison) -> [Check; 2] {
    let check = |name, difference: Option<f64>, (p, interval): (Option<f64>, Option<Interval>)| {
        let is_behind = difference.is_some_and(|difference| difference < 0.0);
        let figure = if is_behind { p } else { difference.map(|_| 1.0) };
        let passed = figure.map_or(!is_behind, |figure| figure >= SIGNIFICANCE);
        Check { name, figure, interval, difference, bar: SIGNIFICANCE, passed }
    };
    [
        check(
            CheckKind::AccuracyAgainstChampion,
            found.accuracy_difference(),
            (found.mcnemar_p, found.accuracy_difference_interval),
        ),
        check(CheckKind::AucAgainstChampion, found.auc_difference, (found.delong_p, found.auc_difference_interval)),
    ]
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const OPEN: Gate = Gate { min_accuracy: None, min_sensitivity: None, min_auc: None, champion: true };

    fn measured(accuracy: Option<f64>, sensitivity: Option<f64>, auc: Option<f64>) -> Measured {
        let interval = Some(Interval { low: 0.1, high: 1.0 });
        let of = |value: Option<f64>| value.map(|value| Estimate { value, interval });
        Measured { accuracy: of(accuracy), sensitivity: of(sensitivity), auc: of(auc) }
    }

    /// Of 100 images: those that only the new one gets right, those that only the champion does; AUC's difference and its p.
    fn compared(right: (u64, u64), auc: (Option<f64>, Option<f64>)) -> Comparison {
        Comparison {
            images: 100,
            right_in_a: right.0,
            right_in_b: right.1,
            mcnemar_p: super::super::comparison::mcnemar(right.0, right.1),
            auc_difference: auc.0,
            auc_difference_interval: None,
            delong_p: auc.1,
            accuracy_difference_interval: None,
        }
    }

    #[test]
    fn a_minimum_holds_for_the_figure_itself_and_for_no_figure_that_is_not_defined() {
        let gate = Gate { min_accuracy: Some(0.9), min_sensitivity: Some(0.95), min_auc: Some(0.97), ..OPEN };
        let cases = [
            (measured(Some(0.9), Some(0.95), Some(0.97)), [true; 3]),
            (measured(Some(0.899_999), Some(1.0), Some(1.0)), [false, true, true]),
            (measured(Some(1.0), Some(0.94), Some(1.0)), [true, false, true]),
            (measured(Some(1.0), Some(1.0), None), [true, true, false]),
            (measured(Some(f64::NAN), Some(1.0), Some(1.0)), [false, true, true]),
        ];
        for (figures, expected) in cases {
            let verdict = gate.judge(&figures, None);
            assert_eq!(verdict.checks.iter().map(|check| check.passed).collect::<Vec<_>>(), expected, "{figures:?}");
            assert_eq!(verdict.passed, expected == [true; 3]);
        }
    }

    #[test]
    fn worse_than_the_champion_is_what_the_paired_tests_call_so() {
        let cases = [
            // Ahead, however clearly.
            (compared((20, 0), (Some(0.1), Some(0.001))), [true, true]),
            // Never different: no p.
            (compared((0, 0), (Some(0.0), None)), [true, true]),
            // Behind by chance: p is 0.0625 for 5 of 5.
            (compared((0, 5), (Some(-0.01), Some(0.4))), [true, true]),
            // Behind by more: 0.03125 for 6 of 6.
            (compared((0, 6), (Some(-0.01), Some(0.4))), [false, true]),
            (compared((3, 3), (Some(-0.05), Some(0.049))), [true, false]),
            (compared((3, 3), (Some(-0.05), Some(0.05))), [true, true]),
            // Behind, and the test has no p: the difference never varies.
            (compared((3, 3), (Some(-0.05), None)), [true, false]),
            // One class alone: there is no AUC.
            (compared((3, 4), (None, None)), [true, true]),
        ];
        for (found, expected) in cases {
            let checks = OPEN.judge(&Measured::default(), Some(&found)).checks;
            assert_eq!(checks.iter().map(|check| check.passed).collect::<Vec<_>>(), expected, "{found:?}");
            let apart = Gate { champion: false, ..OPEN }.judge(&Measured::default(), Some(&found));
            assert_eq!(apart, Verdict { passed: true, checks: Vec::new() });
        }
        let said = OPEN.judge(&Measured::default(), Some(&compared((3, 3), (Some(-0.05), None)))).why_not();
        assert_eq!(said, "AUC is worse than the champion's by 0.050 (p is not defined)");
    }

    #[test]
    fn what_is_asked_is_read_from_a_line_and_written_as_one() {
        let gate: Gate = "auc=.97, accuracy=0.9 champion=off".parse().unwrap();
        assert_eq!(gate, Gate { min_accuracy: Some(0.9), min_auc: Some(0.97), champion: false, ..OPEN });
        assert_eq!(gate.text(), "accuracy=0.9 auc=0.97 champion=off");
        assert_eq!(" ".parse(), Ok(OPEN));
        for wrong in ["accuracy", "accuracy=2", "auc=NaN", "recall=0.9", "champion=no", "accuracy=-0.1"] {
            assert!(wrong.parse::<Gate>().is_err(), "{wrong}");
        }
    }

    fn some_bar() -> impl Strategy<Value = Option<f64>> {
        proptest::option::of(0.0..=1.0)
    }

    proptest! {
        #[test]
        fn a_higher_bar_never_lets_more_through(bars in [some_bar(), some_bar(), some_bar()], figures in [some_bar(), some_bar(), some_bar()], raise in 0.0..1.0_f64) {
            let gate = |[a, s, u]: [Option<f64>; 3]| Gate { min_accuracy: a, min_sensitivity: s, min_auc: u, ..OPEN };
            let figures = measured(figures[0], figures[1], figures[2]);
            let higher = bars.map(|bar| bar.map(|bar: f64| f64::min(bar + raise, 1.0)));
            let [low, high] = [gate(bars), gate(higher)].map(|gate| gate.judge(&figures, None));
            prop_assert!(low.passed || !high.passed);
            prop_assert_eq!(low.checks.len(), bars.iter().flatten().count());
            prop_assert_eq!(low.passed, low.checks.iter().all(|check| check.figure.is_some_and(|figure| figure >= check.bar)));
        }

        #[test]
        fn nobody_is_worse_than_a_champion_that_is_behind(ahead in 0_u64..200, behind in 0_u64..200) {
            let found = compared((ahead.max(behind), ahead.min(behind)), (None, None));
            prop_assert!(OPEN.judge(&Measured::default(), Some(&found)).passed);
        }

        #[test]
        fn a_gate_comes_back_from_its_line(bars in [some_bar(), some_bar(), some_bar()], champion: bool) {
            let gate = Gate { min_accuracy: bars[0], min_sensitivity: bars[1], min_auc: bars[2], champion };
            prop_assert_eq!(gate.text().parse::<Gate>(), Ok(gate));
        }
    }
}
