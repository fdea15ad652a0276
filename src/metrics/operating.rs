//! What a network decides with: chosen on its validation images and kept with its run.

use serde::{Deserialize, Serialize};

use super::Case;
use super::calibration::temperature;
use super::ranking::Ranking;
use super::threshold::{Rule, Threshold};
use crate::words::words;

words! {
    /// Which pictures a threshold is chosen on.
    ThresholdOn {
        /// The validation images as they are.
        #[default] Plain = "plain",
        /// The validation images made harder (`dataset::shift`), after Tomani et al. 2021.
        Shifted = "shifted",
    }
}

/// A threshold and a temperature, and where they come from.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct OperatingPoint {
    pub rule: Rule,
    pub threshold: Threshold,
    /// Best on the same images; `None` where none is.
    pub temperature: Option<f64>,
    /// Validation images that it was chosen on.
    pub images: usize,
    /// They were made harder. Not written where they were not, as seals of older runs know nothing of it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub harder: bool,
}

impl OperatingPoint {
    /// By `rule` on the answers for so many validation images, made harder or not; where these cannot tell, at 0.5.
    #[must_use]
    pub fn choose(rule: Rule, validation: &[Case], (images, harder): (usize, bool)) -> Self {
        let chosen = Ranking::of(validation).and_then(|ranking| rule.choose(&ranking));
        let (rule, threshold) = chosen.map_or((Rule::Half, Threshold::HALF), |threshold| (rule, threshold));
        Self { rule, threshold, temperature: temperature(validation), images, harder }
    }

    /// How the threshold came about, in words.
    #[must_use]
    pub fn source(&self) -> String {
        match self.rule {
            Rule::Half => "fixed".to_owned(),
            rule => {
                let made = if self.harder { " made harder" } else { "" };
                format!("{rule} on the run's {} validation images{made}", self.images)
            }
        }
    }
}
