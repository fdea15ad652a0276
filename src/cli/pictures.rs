//! What can be asked about image files from anywhere.

use std::path::PathBuf;

use clap::Args;

/// `xray-tui predict …`
#[derive(Debug, Clone, Args)]
pub struct PredictArgs {
    /// Image files, or folders with images below them
    #[arg(required = true, value_name = "FILE|DIR")]
    pub paths: Vec<PathBuf>,
    /// Id, unique beginning of an id, name, `last`, `best` or `champion` [default: champion, else best, else
    /// last]
    #[arg(long)]
    pub run: Option<String>,
    /// Show each picture in the terminal too
    #[arg(long)]
    pub show: bool,
}

/// `xray-tui inspect …`
#[derive(Debug, Clone, Args)]
pub struct InspectArgs {
    /// Image files, or folders with images below them
    #[arg(required = true, value_name = "FILE|DIR")]
    pub paths: Vec<PathBuf>,
    /// Id, unique beginning of an id, name, `last`, `best` or `champion` of the run that answers [default: champion,
    /// else the newest that can]
    #[arg(long)]
    pub run: Option<String>,
}
