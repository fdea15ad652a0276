//! Searching for settings, and the queue that its runs wait in, on the command line.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::Recipe;
use crate::train::range_test::RateRange;
use crate::train::space::Axis;

/// `xray-tui sweep …`
#[derive(Debug, Clone, Args)]
pub struct SweepArgs {
    /// A setting and what it may be: learning_rate=1e-3,3e-4 or, with --random, learning_rate=1e-4..1e-2, which `log` or
    /// `linear` may follow; again for another setting. Every candidate runs with each value of `seed`
    #[arg(long, value_name = "SETTING=VALUES", value_parser = Axis::parse)]
    pub over: Vec<Axis>,
    /// Draw so many candidates by chance, which --seed decides, instead of trying every combination
    #[arg(long, value_name = "N")]
    pub random: Option<usize>,
    /// Train all candidates a little, then the best of every ETA for ETA times as long, and so on [default: 3]
    #[arg(long, value_name = "ETA", num_args = 0..=1, default_missing_value = "3")]
    pub halving: Option<usize>,
    /// Epochs that every candidate gets in halving [default: as many as leave one for the last rung]
    #[arg(long, value_name = "N")]
    pub min_epochs: Option<usize>,
    /// Runs of each candidate, with seeds from --seed on
    #[arg(long, value_name = "N")]
    pub seeds: Option<usize>,
    /// The study's name; its runs are NAME/1, NAME/2 and so on [default: sweep-1 and so on]
    #[arg(long, value_name = "STUDY")]
    pub name: Option<String>,
    /// A search in a TOML file: name, random, halving, `min_epochs`, seeds, `base` settings and what is tried `over`; flags
    /// count before it
    #[arg(long, value_name = "FILE")]
    pub file: Option<PathBuf>,
    /// Put the runs into the queue, for `queue run`
    #[arg(long)]
    pub queue_only: bool,
    /// Say what would run
    #[arg(long, conflicts_with = "queue_only")]
    pub dry_run: bool,
    /// Go on in the background, whatever becomes of this terminal; come back once the first run has begun
    #[arg(long, conflicts_with_all = ["queue_only", "dry_run"])]
    pub detach: bool,
    #[command(flatten)]
    pub recipe: Recipe,
}

/// `xray-tui queue …`
#[derive(Debug, Clone, Subcommand)]
pub enum QueueCommand {
    /// List the runs that wait, run and are done
    List,
    /// Run what waits, one after the other; Ctrl-C stops, leaving the rest
    Run {
        /// Of this study alone
        #[arg(long)]
        study: Option<String>,
        /// Go on in the background, whatever becomes of this terminal; come back once a run has begun
        #[arg(long)]
        detach: bool,
    },
    /// Stop whoever runs the queue: the run under way keeps a checkpoint and waits with the rest
    Stop,
    /// Rank a study's candidates by their validation figures
    Show { study: String },
    /// Let what has failed wait again, for `queue run`; what has a checkpoint goes on from it
    Retry {
        /// Numbers, as `queue list` has them [default: all that have failed]
        #[arg(value_name = "ID")]
        ids: Vec<i64>,
    },
    /// Remove what waits from the queue; runs that have begun stay as they are
    Clear {
        /// Remove what is done, failed or skipped too
        #[arg(long)]
        all: bool,
    },
    /// Remove entries from the queue; their runs stay
    Remove {
        /// Numbers, as `queue list` has them
        #[arg(required = true, value_name = "ID")]
        ids: Vec<i64>,
    },
}

/// `xray-tui find-rate …`
#[derive(Debug, Clone, Args)]
pub struct FindRateArgs {
    /// Batches to train, through further epochs where one has fewer
    #[arg(long, value_name = "N", default_value_t = 100)]
    pub steps: usize,
    /// Learning rate of the first batch
    #[arg(long, value_name = "X", default_value_t = 1e-7)]
    pub lowest: f64,
    /// Learning rate of the last batch
    #[arg(long, value_name = "X", default_value_t = 1.0)]
    pub highest: f64,
    #[command(flatten)]
    pub recipe: Recipe,
}

impl From<&FindRateArgs> for RateRange {
    fn from(args: &FindRateArgs) -> Self {
        Self { low: args.lowest, high: args.highest, steps: args.steps }
    }
}
