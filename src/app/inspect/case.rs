//! One image of the inspected run: whose it is, what the run answered, and how right that is.

use crate::dataset::Class;
use crate::dataset::patient::{self, Kind};
use crate::metrics::{self, Confusion, Threshold};
use crate::store::ImageMark;

/// An image with the run's answer.
#[derive(Debug, Clone, PartialEq)]
pub struct Case {
    /// Path below the data set's root.
    pub file: String,
    /// `None` of a file from anywhere.
    pub truth: Option<Class>,
    /// NORMAL, PNEUMONIA; `None` until known.
    pub logits: Option<[f32; 2]>,
    /// Standard deviation of the probability over the members, where the run is an ensemble.
    pub disagreement: Option<f64>,
    /// What the other run answered, where one is held against it.
    pub other: Option<[f32; 2]>,
    /// As the file's name tells it.
    pub patient: String,
    pub kind: Kind,
    /// What its user says of it.
    pub mark: ImageMark,
    /// Why the answer may mean little, of a file from anywhere.
    pub warnings: Vec<String>,
    /// The file of another split that it is nearly the same as, once that was looked for.
    pub twin: Option<String>,
}

/// How an answer stands to the truth; PNEUMONIA is positive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    TrueNegative,
    FalsePositive,
    FalseNegative,
    TruePositive,
}

impl Verdict {
    /// Row by row of the matrix, truth downward and prediction across.
    pub const ALL: [Self; 4] = [Self::TrueNegative, Self::FalsePositive, Self::FalseNegative, Self::TruePositive];

    /// On screen.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::TrueNegative => "true negatives",
            Self::FalsePositive => "false positives",
            Self::FalseNegative => "false negatives",
            Self::TruePositive => "true positives",
        }
    }

    /// Its images among those that were counted.
    #[must_use]
    pub const fn count(self, counts: Confusion) -> u64 {
        match self {
            Self::TrueNegative => counts.tn,
            Self::FalsePositive => counts.fp,
            Self::FalseNegative => counts.fn_,
            Self::TruePositive => counts.tp,
        }
    }

    /// As it is typed in a filter.
    #[must_use]
    pub const fn key(self) -> &'static str {
        match self {
            Self::TrueNegative => "tn",
            Self::FalsePositive => "fp",
            Self::FalseNegative => "fn",
            Self::TruePositive => "tp",
        }
    }

    #[must_use]
    pub const fn is_right(self) -> bool {
        matches!(self, Self::TrueNegative | Self::TruePositive)
    }
}

impl Case {
    /// An image of a data set with what the run answered, if it did.
    #[must_use]
    pub fn new(file: String, truth: Class, logits: Option<[f32; 2]>) -> Self {
        let patient = patient::parse(&file, truth);
        Self { patient: patient.group(), kind: patient.kind, truth: Some(truth), logits, ..Self::of_file(file) }
    }

    /// A file from anywhere.
    #[must_use]
    pub fn of_file(file: String) -> Self {
        Self {
            file,
            truth: None,
            logits: None,
            disagreement: None,
            other: None,
            patient: String::new(),
            kind: Kind::Unknown,
            mark: ImageMark::default(),
            warnings: Vec::new(),
            twin: None,
        }
    }

    /// The file's name.
    #[must_use]
    pub fn name(&self) -> &str {
        self.file.rsplit('/').next().unwrap_or_default()
    }

    /// Probability of PNEUMONIA, 0 to 1.
    #[must_use]
    pub fn probability(&self) -> Option<f64> {
        self.logits.map(metrics::probability)
    }

    /// Probability of the class that it is called, 0 to 1.
    #[must_use]
    pub fn confidence(&self, threshold: Threshold) -> Option<f64> {
        let probability = self.probability()?;
        Some(if self.predicted(threshold)? == Class::Pneumonia { probability } else { 1.0 - probability })
    }

    /// Cross entropy in nats.
    #[must_use]
    pub fn loss(&self) -> Option<f64> {
        Some(metrics::cross_entropy(self.logits?, self.truth? == Class::Pneumonia))
    }

    /// The predicted class.
    #[must_use]
    pub fn predicted(&self, threshold: Threshold) -> Option<Class> {
        self.logits.map(|logits| called(logits, threshold))
    }

    #[must_use]
    pub fn verdict(&self, threshold: Threshold) -> Option<Verdict> {
        Some(match (self.truth?, self.predicted(threshold)?) {
            (Class::Normal, Class::Normal) => Verdict::TrueNegative,
            (Class::Normal, Class::Pneumonia) => Verdict::FalsePositive,
            (Class::Pneumonia, Class::Normal) => Verdict::FalseNegative,
            (Class::Pneumonia, Class::Pneumonia) => Verdict::TruePositive,
        })
    }

    #[must_use]
    pub fn is_right(&self, threshold: Threshold) -> Option<bool> {
        self.verdict(threshold).map(Verdict::is_right)
    }

    /// Whether two runs call it differently, each by its own threshold.
    #[must_use]
    pub fn differs(&self, [own, other]: [Threshold; 2]) -> Option<bool> {
        Some(self.predicted(own)? != called(self.other?, other))
    }
}

fn called(logits: [f32; 2], threshold: Threshold) -> Class {
    if metrics::margin(logits) > threshold.margin { Class::Pneumonia } else { Class::Normal }
}
