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
}
