//! What can be asked of a data set.

use std::path::PathBuf;

use clap::Subcommand;

/// `xray-tui data …`
#[derive(Debug, Subcommand)]
pub enum DataCommand {
    /// Write a synthetic data set of chest X-rays
    Demo {
        /// Folder to write; must be new, empty or an earlier demo set
        #[arg(long, value_name = "DIR")]
        out: PathBuf,
        /// Images in all
        #[arg(long, value_name = "N")]
        images: Option<usize>,
        /// The same seed gives the same files
        #[arg(long, value_name = "N")]
        seed: Option<u64>,
    },
    /// Count what is in the data set
    Stats,
    /// Put data under DVC's control, as `dvc add` does: into its cache, with a .dvc file beside them
    Track {
        /// Folders or files in a DVC repository [default: the data set's folder]
        paths: Vec<PathBuf>,
    },
    /// Compare data with the version that their .dvc file tells, or with what a run saw; exit 1 where they differ
    Verify {
        /// Folder or file [default: the data set's folder; with --run, the run's own]
        path: Option<PathBuf>,
        /// The images that this run used: id, unique beginning of an id, name, `last`, `best` or `champion`
        #[arg(long)]
        run: Option<String>,
    },
}
