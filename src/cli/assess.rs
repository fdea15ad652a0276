//! What can be asked of a trained run: its figures, how it compares, its report, whether it repeats.

use std::path::PathBuf;
use std::str::FromStr;

use clap::{Args, ValueEnum};

use crate::dataset::Split;
use crate::metrics::{Rule, Threshold};

/// `xray-tui eval …`
#[derive(Debug, Clone, Args)]
pub struct EvalArgs {
    /// Id, unique beginning of an id, name, `last`, `best` or `champion`
    pub run: String,
    /// Which images
    #[arg(long, value_enum, default_value_t = EvalSplit::Test)]
    pub split: EvalSplit,
    /// Another threshold than the run's: half, youden, sensitivity=X or specificity=X choose one on the validation images,
    /// made harder where the run's is; a probability is exploratory. Nothing is stored
    #[arg(long, value_name = "RULE|X")]
    pub threshold: Option<Wanted>,
    /// With --json, give the points of the ROC, precision-recall and reliability curves too; with --shifts, the log odds of
    /// all images instead
    #[arg(long)]
    pub curves: bool,
    /// Score the kept weights of every epoch (`train --keep-epochs`): to look at, not to choose by
    #[arg(long, conflicts_with_all = ["threshold", "prevalence", "curves"])]
    pub every_epoch: bool,
    /// Score the images in sixteen ways made harder, one after the other: darker, blurred, closer up, cut off and so on;
    /// nothing is kept, and on the test images every time is one more look
    #[arg(long, conflicts_with_all = ["threshold", "prevalence", "every_epoch"])]
    pub shifts: bool,
    /// Give PPV and NPV where this share of those examined is ill
    #[arg(long, value_name = "X", value_parser = share)]
    pub prevalence: Option<f64>,
}

/// `xray-tui reproduce …`
#[derive(Debug, Clone, Args)]
pub struct ReproduceArgs {
    /// Id, unique beginning of an id, name, `last`, `best` or `champion`; or a file that `runs export` has written
    #[arg(value_name = "RUN|FILE")]
    pub what: String,
}

/// `xray-tui compare …`
#[derive(Debug, Clone, Args)]
pub struct CompareArgs {
    /// Id, unique beginning of an id, name, `last`, `best` or `champion`
    pub a: String,
    /// Another one
    pub b: String,
    /// Which images
    #[arg(long, value_enum, default_value_t = EvalSplit::Test)]
    pub split: EvalSplit,
}

/// A threshold that is asked for.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Wanted {
    /// To be chosen on validation images.
    By(Rule),
    /// At this probability.
    At(Threshold),
}

impl FromStr for Wanted {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let probability = share(text).map(|probability| Self::At(Threshold::at(probability)));
        probability
            .or_else(|_| text.parse().map(Self::By))
            .map_err(|problem: String| format!("{problem}; or a probability"))
    }
}

/// A share above 0 and below 1.
fn share(text: &str) -> Result<f64, String> {
    let inside = text.parse().ok().filter(|share| *share > 0.0 && *share < 1.0);
    inside.ok_or_else(|| "must lie above 0 and below 1".to_owned())
}

/// Splits that can be scored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum EvalSplit {
    Test,
    Validation,
}

impl From<EvalSplit> for Split {
    fn from(split: EvalSplit) -> Self {
        match split {
            EvalSplit::Test => Self::Test,
            EvalSplit::Validation => Self::Validation,
        }
    }
}

/// `xray-tui report …`
#[derive(Debug, Clone, Args)]
pub struct ReportArgs {
    /// Id, unique beginning of an id, name, `last`, `best` or `champion`
    pub run: String,
    /// Folder to write into
    #[arg(long, value_name = "DIR", default_value = ".")]
    pub out: PathBuf,
}
