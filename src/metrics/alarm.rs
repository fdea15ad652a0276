//! What must be known before a figure is believed.

use std::fmt;

use super::Assessment;

/// From here on an AUC on validation images has no room left to tell a better network from a worse one.
const SATURATED: f64 = 0.99;

/// A reason for doubt.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Alarm {
    /// All images, of both classes, are called the same.
    Collapsed { positive: bool },
    /// Validation images are told apart so well that they say nothing about others.
    SaturatedValidation { auc: f64 },
}

impl Alarm {
    /// The key in JSON.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Collapsed { .. } => "collapsed",
            Self::SaturatedValidation { .. } => "saturated_validation",
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
        }
    }
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
    fn validation_images_that_are_told_apart_wholly_are_saturated() {
        assert!(saturated(&assess(&[(1.0, true), (2.0, true), (-1.0, false)])).is_some());
        assert_eq!(saturated(&assess(&[(1.0, true), (-2.0, true), (-1.0, false)])), None);
    }
}
