//! Where PNEUMONIA begins, and how to choose that on validation images.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::ranking::{Cut, Ranking};
use super::sigmoid;

/// An image is called PNEUMONIA where its margin is larger.
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd, Serialize, Deserialize)]
pub struct Threshold {
    /// Log odds. Kept so, as probabilities near 1 have no room for small differences.
    pub margin: f64,
}

impl Threshold {
    /// Probability 0.5: the class that the network finds more probable.
    pub const HALF: Self = Self { margin: 0.0 };

    /// The probability that it stands for, 0 to 1.
    #[must_use]
    pub fn probability(self) -> f64 {
        sigmoid(self.margin)
    }

    /// The threshold at a probability between 0 and 1.
    #[must_use]
    pub fn at(probability: f64) -> Self {
        Self { margin: (probability / (1.0 - probability)).ln() }
    }
}

/// How a threshold is chosen. As text: `half`, `youden`, `sensitivity=0.97` or `specificity=0.9`.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub enum Rule {
    /// Probability 0.5, whatever the images say.
    #[default]
    Half,
    /// The largest sum of sensitivity and specificity (Youden 1950).
    Youden,
    /// The best specificity with at least this sensitivity.
    Sensitivity(f64),
    /// The best sensitivity with at least this specificity.
    Specificity(f64),
}

impl Rule {
    /// The threshold by this rule on these images; of equally good ones the nearest to 0.5. `None` where a class has no
    /// image.
    #[must_use]
    pub fn choose(self, ranking: &Ranking) -> Option<Threshold> {
        match self {
            Self::Half => Some(Threshold::HALF),
            Self::Youden => best(ranking, |sensitivity, specificity| Some(sensitivity + specificity)),
            Self::Sensitivity(least) => best_specificity(ranking, least).map(|cut| cut.threshold),
            Self::Specificity(least) => {
                best(ranking, |sensitivity, specificity| (specificity >= least).then_some(sensitivity))
            }
        }
    }
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Half => f.write_str("half"),
            Self::Youden => f.write_str("youden"),
            Self::Sensitivity(least) => write!(f, "sensitivity={least}"),
            Self::Specificity(least) => write!(f, "specificity={least}"),
        }
    }
}

impl FromStr for Rule {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let share = |text: &str| text.parse().ok().filter(|share| (0.0..=1.0).contains(share));
        let (name, least) = text.split_once('=').map_or((text, None), |(name, least)| (name, share(least)));
        match (name, least) {
            ("half", None) if text == name => Ok(Self::Half),
            ("youden", None) if text == name => Ok(Self::Youden),
            ("sensitivity", Some(least)) => Ok(Self::Sensitivity(least)),
            ("specificity", Some(least)) => Ok(Self::Specificity(least)),
            _ => Err("must be half, youden, sensitivity=X or specificity=X, with X from 0 to 1".to_owned()),
        }
    }
}

impl From<Rule> for String {
    fn from(rule: Rule) -> Self {
        rule.to_string()
    }
}

impl TryFrom<String> for Rule {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

/// The best specificity that leaves at least this sensitivity, as read off the ROC curve of these very images.
#[must_use]
pub fn best_specificity(ranking: &Ranking, least: f64) -> Option<Cut> {
    best_cut(ranking, |sensitivity, specificity| (sensitivity >= least).then_some(specificity))
}

fn best(ranking: &Ranking, score: impl Fn(f64, f64) -> Option<f64>) -> Option<Threshold> {
    best_cut(ranking, score).map(|cut| cut.threshold)
}

/// The cut with the highest score of (sensitivity, specificity).
fn best_cut(ranking: &Ranking, score: impl Fn(f64, f64) -> Option<f64>) -> Option<Cut> {
    let scored = |cut: Cut| Some((score(cut.confusion.recall()?, cut.confusion.specificity()?)?, cut));
    let rank = |(score, cut): &(f64, Cut)| (*score, -cut.threshold.margin.abs());
    let better = |a: &(f64, Cut), b: &(f64, Cut)| rank(a).partial_cmp(&rank(b)).unwrap_or(std::cmp::Ordering::Equal);
    ranking.cuts().into_iter().filter_map(scored).max_by(better).map(|(_, cut)| cut)
}
