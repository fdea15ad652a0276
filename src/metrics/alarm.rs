//! What must be known before a figure is believed.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::{Assessment, Estimate};

/// From here on an AUC on validation images has no room left to tell a better network from a worse one.
const SATURATED: f64 = 0.99;

/// From here on, what tells classes apart by a picture's size or brightness alone is a reason for doubt.
const SHORTCUT: f64 = 0.75;

/// What is found out about a run's data before it is trained.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Checks {
    /// Patients with images in more than one split.
    pub patients_in_two_splits: Vec<String>,
    /// Images of different splits that show nearly the same, the most alike first; the first thousand.
    pub near_duplicates: Vec<NearDuplicate>,
    /// All of them.
    pub near_duplicate_pairs: usize,
    pub shortcuts: Vec<Shortcut>,
}

/// Two images of different splits that show nearly the same.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct NearDuplicate {
    pub files: [String; 2],
    pub splits: [String; 2],
    /// Of their edges, at most 1.
    pub correlation: f64,
}

/// What a logistic regression on something plain scores, fitted on the training images.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Shortcut {
    /// What it sees: `size` (width, height and their ratio) or `brightness` (mean).
    pub feature: String,
    pub validation: Baseline,
    pub test: Baseline,
}

/// What a baseline scores on a split; `None` where its images do not tell.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub struct Baseline {
    pub auc: Option<Estimate>,
    pub accuracy: Option<Estimate>,
}

impl Checks {
    /// The reasons for doubt.
    #[must_use]
    pub fn alarms(&self) -> Vec<Alarm> {
        let patients = self.patients_in_two_splits.len();
        let pairs = self.near_duplicate_pairs;
        let leaks = (patients > 0).then_some(Alarm::PatientsInTwoSplits { patients });
        let copies = (pairs > 0).then_some(Alarm::NearDuplicates { pairs });
        leaks.into_iter().chain(copies).chain(self.shortcuts.iter().filter_map(Shortcut::alarm)).collect()
    }
}

impl Shortcut {
    fn alarm(&self) -> Option<Alarm> {
        let aucs = [self.validation.auc, self.test.auc].into_iter().flatten().map(|auc| auc.value);
        let auc = aucs.max_by(f64::total_cmp)?;
        let feature = if self.feature == "size" { "size" } else { "brightness" };
        (auc >= SHORTCUT).then_some(Alarm::Shortcut { feature, auc })
    }
}

/// A reason for doubt.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Alarm {
    /// All images, of both classes, are called the same.
    Collapsed { positive: bool },
    /// Validation images are told apart so well that they say nothing about others.
    SaturatedValidation { auc: f64 },
    /// Patients have images in more than one split.
    PatientsInTwoSplits { patients: usize },
    /// Images of different splits show nearly the same.
    NearDuplicates { pairs: usize },
    /// Something plain tells the classes apart.
    Shortcut { feature: &'static str, auc: f64 },
}

impl Alarm {
    /// The key in JSON.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Collapsed { .. } => "collapsed",
            Self::SaturatedValidation { .. } => "saturated_validation",
            Self::PatientsInTwoSplits { .. } => "patients_in_two_splits",
            Self::NearDuplicates { .. } => "near_duplicates",
            Self::Shortcut { .. } => "shortcut",
        }
    }
}

impl fmt::Display for Alarm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Collapsed { positive } => {
                let class = if *positive { "PNEUMONIA" } else { "NORMAL" };
                write!(f, "collapsed: every image is called {class}, so the figures tell the mix of classes alone")
            }
            Self::SaturatedValidation { auc } => write!(
                f,
                "saturated validation: AUC {auc:.3} on validation images leaves no room to choose a better network by, and \
                 says nothing about images from elsewhere"
            ),
            Self::PatientsInTwoSplits { patients } => write!(
                f,
                "patients in two splits: {patients} {}, so that the network is scored on people whom it has learned",
                if *patients == 1 { "has images in more than one" } else { "have images in more than one" }
            ),
            Self::NearDuplicates { pairs } => write!(
                f,
                "near-duplicates: {pairs} {} of images in different splits {} nearly the same",
                if *pairs == 1 { "pair" } else { "pairs" },
                if *pairs == 1 { "shows" } else { "show" }
            ),
            Self::Shortcut { feature, auc } => write!(
                f,
                "shortcut: the {feature} of a picture alone tells the classes apart with an AUC of {auc:.3}, so a network \
                 may do the same instead of looking at lungs"
            ),
        }
    }
}

/// All reasons for doubt about a network that was assessed on some images: those that it gives there, those that its
/// validation images give, and those about its data.
#[must_use]
pub fn all(assessed: &Assessment, validation: &Assessment, checks: Option<&Checks>) -> Vec<Alarm> {
    let of_data = checks.map(Checks::alarms).unwrap_or_default();
    [collapsed(assessed), saturated(validation)].into_iter().flatten().chain(of_data).collect()
}

/// Whether every image is called the same though both classes are there.
#[must_use]
pub fn collapsed(assessment: &Assessment) -> Option<Alarm> {
    let counts = assessment.confusion;
    let both = counts.tp + counts.fn_ > 0 && counts.tn + counts.fp > 0;
    let called = [counts.tn + counts.fn_, counts.tp + counts.fp];
    (both && called.contains(&0)).then_some(Alarm::Collapsed { positive: called[0] == 0 })
}

/// Whether validation images tell nothing any more.
#[must_use]
pub fn saturated(validation: &Assessment) -> Option<Alarm> {
    let auc = validation.auc?.value;
    (auc >= SATURATED).then_some(Alarm::SaturatedValidation { auc })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::{Case, Threshold, assessment::Terms};

    fn assess(margins: &[(f64, bool)]) -> Assessment {
        let cases: Vec<Case> = margins
            .iter()
            .enumerate()
            .map(|(patient, &(margin, truth))| Case { margin, truth, patient, kind: None })
            .collect();
        Assessment::of(&cases, Terms { threshold: Threshold::HALF, temperature: None, prevalence: None })
    }

    #[test]
    fn a_network_that_always_says_the_same_has_collapsed() {
        assert_eq!(collapsed(&assess(&[(1.0, true), (2.0, false)])), Some(Alarm::Collapsed { positive: true }));
        assert_eq!(collapsed(&assess(&[(-1.0, true), (-2.0, false)])), Some(Alarm::Collapsed { positive: false }));
        assert_eq!(collapsed(&assess(&[(1.0, true), (-2.0, false)])), None);
        assert_eq!(collapsed(&assess(&[(1.0, true), (2.0, true)])), None, "there is nothing else to say");
    }

    #[test]
    fn what_is_wrong_with_the_data_is_said_and_nothing_where_nothing_is() {
        let baseline = |auc| Baseline { auc: Some(Estimate { value: auc, interval: None }), accuracy: None };
        let shortcut = |auc| Shortcut { feature: "size".into(), validation: baseline(0.6), test: baseline(auc) };
        let mut checks = Checks { shortcuts: vec![shortcut(0.74)], ..Checks::default() };
        assert_eq!(checks.alarms(), []);
        checks.shortcuts.push(shortcut(0.9));
        checks.patients_in_two_splits.push("person1_virus".into());
        let said: Vec<String> = checks.alarms().iter().map(Alarm::to_string).collect();
        assert_eq!(checks.alarms().iter().map(Alarm::kind).collect::<Vec<_>>(), ["patients_in_two_splits", "shortcut"]);
        assert!(said[0].contains("1 has images") && said[1].contains("AUC of 0.900"), "{said:?}");
    }

    #[test]
    fn validation_images_that_are_told_apart_wholly_are_saturated() {
        assert!(saturated(&assess(&[(1.0, true), (2.0, true), (-1.0, false)])).is_some());
        assert_eq!(saturated(&assess(&[(1.0, true), (-2.0, true), (-1.0, false)])), None);
    }
}
