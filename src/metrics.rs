//! Loss and quality figures: plain numbers in, plain numbers out; PNEUMONIA is the positive class.
//!
//! A network's answer for an image is its two logits. Their difference, PNEUMONIA's minus NORMAL's, is the `margin`: the
//! log of the odds that the network gives PNEUMONIA. An image is called PNEUMONIA where its margin lies above the
//! threshold's. Figures that are not defined, such as the sensitivity without ill children, are `None`.

pub mod alarm;
pub mod assessment;
pub mod bootstrap;
pub mod calibration;
pub mod comparison;
pub mod confusion;
mod delong;
pub mod estimate;
mod figures;
mod fingerprint;
pub mod gate;
pub mod logistic;
pub mod means;
mod operating;
pub mod rank;
pub mod ranking;
pub mod rows;
mod spread;
pub mod threshold;

pub use assessment::Assessment;
pub use confusion::{Confusion, Measure};
pub use estimate::{Estimate, Interval};
pub use figures::{Criterion, EpochFigures, Figures, Shifted, cross_entropy, probability};
pub use fingerprint::{Fingerprint, Hasher};
pub use gate::Gate;
pub use operating::{OperatingPoint, ThresholdOn};
pub use spread::Spread;
pub use threshold::{Rule, Threshold};

/// One answered image.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Case {
    /// Log odds of PNEUMONIA, as the network has them.
    pub margin: f64,
    /// Whether it is PNEUMONIA.
    pub truth: bool,
    /// Number of the patient, below the number of patients.
    pub patient: usize,
    /// What kind of PNEUMONIA it is, where that is known.
    pub kind: Option<&'static str>,
}

/// Log odds of PNEUMONIA from the two logits.
#[must_use]
pub fn margin([normal, pneumonia]: [f32; 2]) -> f64 {
    f64::from(pneumonia) - f64::from(normal)
}

/// The probability whose log odds are `margin`.
#[must_use]
pub fn sigmoid(margin: f64) -> f64 {
    1.0 / (1.0 + (-margin).exp())
}

#[cfg(test)]
mod tests;
