//! Pipelines, the models that they promote, and Airflow, on the command line.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::{EvalSplit, Recipe};
use crate::metrics::Gate;
use crate::metrics::gate::bar;

/// `xray-tui pipeline …`
#[derive(Debug, Clone, Subcommand)]
pub enum PipelineCommand {
    /// Check the data, train, evaluate, ask the gate, promote: exit code 3 where the gate says no
    ///
    /// A pipeline that was interrupted, failed or refused goes on from that task where it is run again with the same data
    /// and settings; one that is done begins anew. Ctrl-C stops it, with a checkpoint of its run.
    Run(Box<PipelineArgs>),
    /// Ask the gate about a finished run, and promote nothing: exit code 3 where it says no
    Gate(GateArgs),
    /// Show a pipeline with its tasks and what they recorded
    Show {
        /// Number or name
        #[arg(default_value = "last")]
        pipeline: String,
    },
    /// List all pipelines, newest first
    List,
}

/// `xray-tui pipeline run …`
#[derive(Debug, Clone, Args)]
pub struct PipelineArgs {
    /// Try a task again so often where the machine is at fault, as with a full disk: after 1 s, then 2 s, 4 s and so on. A
    /// gate that says no is not asked again
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub retries: u32,
    /// The name of the pipeline and its run [default: pipeline-1 and so on]
    #[arg(long, value_name = "S")]
    pub name: Option<String>,
    /// Begin a new one, although one with these settings could go on
    #[arg(long)]
    pub new: bool,
    /// Go on in the background, whatever becomes of this terminal; come back once the run has begun
    #[arg(long)]
    pub detach: bool,
    #[command(flatten)]
    pub bars: Bars,
    #[command(flatten)]
    pub recipe: Recipe,
}

/// `xray-tui pipeline gate …`
#[derive(Debug, Clone, Args)]
pub struct GateArgs {
    /// Id, unique beginning of an id, name, `last`, `best` or `champion`
    pub run: String,
    #[command(flatten)]
    pub bars: Bars,
}

/// What the gate asks.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "The gate")]
pub struct Bars {
    /// Least accuracy; as the next two, of the figure itself, whose interval is recorded with it
    #[arg(long, value_name = "X", value_parser = bar, allow_negative_numbers = true)]
    min_accuracy: Option<f64>,
    /// Least sensitivity
    #[arg(long, value_name = "X", value_parser = bar, allow_negative_numbers = true)]
    min_sensitivity: Option<f64>,
    /// Least area under the ROC curve
    #[arg(long, value_name = "X", value_parser = bar, allow_negative_numbers = true)]
    min_auc: Option<f64>,
    /// Whom the run must not be worse than on the same images: it is where McNemar's exact test (accuracy) or DeLong's paired
    /// test (AUC) says so with p < 0.05. A champion that has not answered for these images is asked, which is counted as a
    /// look at them; one that has learned from some of them cannot be compared, and the gate fails
    #[arg(long, value_name = "champion", value_parser = ["champion"], default_value = "champion")]
    not_worse_than: String,
    /// Do not compare with the champion
    #[arg(long, conflicts_with = "not_worse_than")]
    no_champion_check: bool,
    /// Whose stored answers are looked at. Epoch and threshold were chosen on the validation images, which flatter
    #[arg(long, value_enum, default_value_t = EvalSplit::Test)]
    pub split: EvalSplit,
}

impl From<&Bars> for Gate {
    fn from(bars: &Bars) -> Self {
        Self {
            min_accuracy: bars.min_accuracy,
            min_sensitivity: bars.min_sensitivity,
            min_auc: bars.min_auc,
            champion: !bars.no_champion_check,
        }
    }
}

/// `xray-tui models …`
#[derive(Debug, Clone, Copy, Subcommand)]
pub enum ModelsCommand {
    /// List the versions of the model, newest first, and which is the champion
    List,
    /// Make the champion before this one the champion again; again, the one before that
    Rollback {
        /// Make this version the champion
        #[arg(long, value_name = "VERSION")]
        to: Option<i64>,
    },
}

/// `xray-tui airflow …`
#[derive(Debug, Clone, Subcommand)]
pub enum AirflowCommand {
    /// Write two DAGs for Airflow 2.8 to 3.x that call this program: `xray_tui_pipeline` trains, validates and promotes,
    /// `xray_tui_sweep` trains with several settings
    Init {
        /// Folder to write into: Airflow's folder of DAGs
        #[arg(long, value_name = "DIR")]
        out: PathBuf,
        /// Overwrite files that are there
        #[arg(long)]
        force: bool,
    },
}
