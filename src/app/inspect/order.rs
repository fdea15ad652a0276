//! In which order the images of a run are stepped through.

use std::cmp::Ordering;

use serde::{Deserialize, Serialize};

use super::case::Case;
use crate::app::runs::value::natural;
use crate::metrics::Threshold;

/// What they are sorted by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Order {
    /// As the data set lists them.
    #[default]
    Listed,
    /// The largest loss first: the gravest mistakes, then the least certain.
    Loss,
    /// The nearest to the threshold first.
    Doubt,
    /// The surest first, right or wrong.
    Confidence,
    /// What the members of an ensemble disagree on most first; of a single network as they are listed.
    Disagreement,
    /// The most probably ill first.
    Probability,
    Patient,
}

impl Order {
    pub const ALL: [Self; 7] =
        [Self::Listed, Self::Loss, Self::Doubt, Self::Confidence, Self::Disagreement, Self::Probability, Self::Patient];

    /// On screen.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Listed => "as listed",
            Self::Loss => "by loss",
            Self::Doubt => "by doubt",
            Self::Confidence => "by confidence",
            Self::Disagreement => "by disagreement",
            Self::Probability => "by probability",
            Self::Patient => "by patient",
        }
    }

    /// The one after or before, in a ring.
    #[must_use]
    pub fn stepped(self, forward: bool) -> Self {
        let at = Self::ALL.iter().position(|order| *order == self).unwrap_or(0);
        let step = if forward { 1 } else { Self::ALL.len() - 1 };
        Self::ALL[(at + step) % Self::ALL.len()]
    }

    /// The order of two images; those without an answer come last, and equal ones as they are listed.
    #[must_use]
    pub fn compare(self, (a, b): (&Case, &Case), threshold: Threshold) -> Ordering {
        // The smallest comes first.
        let key = |case: &Case| match self {
            Self::Listed | Self::Patient => None,
            Self::Loss => case.loss().map(|loss| -loss),
            Self::Doubt => case.logits.map(|logits| (crate::metrics::margin(logits) - threshold.margin).abs()),
            Self::Confidence => case.confidence(threshold).map(|confidence| -confidence),
            Self::Disagreement => case.disagreement.map(|by| -by),
            Self::Probability => case.logits.map(|logits| -crate::metrics::margin(logits)),
        };
        match (self, key(a), key(b)) {
            (Self::Patient, ..) => natural(&a.patient, &b.patient),
            (_, Some(a), Some(b)) => a.total_cmp(&b),
            (_, a, b) => b.is_some().cmp(&a.is_some()),
        }
    }
}
