//! What can be asked of an MLflow server.

use std::path::PathBuf;

use clap::{Args, Subcommand};

/// `xray-tui mlflow …`
#[derive(Debug, Subcommand)]
pub enum MlflowCommand {
    /// Send runs to a tracking server: settings, curves, figures, data set, files and state
    ///
    /// What the server has already is not sent again, so a run may be pushed as often as you like, under way or not.
    /// Login and certificates come from the variables of MLflow's own client: MLFLOW_TRACKING_USERNAME and
    /// MLFLOW_TRACKING_PASSWORD, or MLFLOW_TRACKING_TOKEN; MLFLOW_TRACKING_SERVER_CERT_PATH or SSL_CERT_FILE. With
    /// `mirror = true` in the configuration file, runs are sent by themselves while they train.
    Push {
        /// Id, unique beginning of an id, name, `last`, `best` or `champion`
        #[arg(value_name = "RUN", required_unless_present = "all")]
        runs: Vec<String>,
        /// All runs but those that came from MLflow themselves
        #[arg(long, conflicts_with = "runs")]
        all: bool,
        /// Make the run a version of a registered model, and give it the alias `champion`
        #[arg(long, conflicts_with = "all")]
        champion: bool,
        /// The registered model [default: as the configuration file says, or xray-tui-pneumonia]
        #[arg(long, value_name = "NAME", requires = "champion")]
        model: Option<String>,
        #[command(flatten)]
        place: Place,
    },
    /// Bring runs in from a tracking server, for comparison
    ///
    /// Runs that an xray-tui has pushed come whole, with their weights. Of runs of other programs the losses by epoch and
    /// the best validation accuracy are shown, where their metrics have usual names; the rest is in the run's note.
    Pull {
        /// Ids that the server gave them [default: all runs of the experiment]
        #[arg(value_name = "RUN_ID")]
        ids: Vec<String>,
        #[command(flatten)]
        place: Place,
    },
    /// Write runs as a folder `mlruns`, which `mlflow migrate-filestore` reads into a database
    Export {
        /// Id, unique beginning of an id, name, `last`, `best` or `champion` [default: all runs that have ended]
        #[arg(value_name = "RUN")]
        runs: Vec<String>,
        /// The folder that gets the folder `mlruns`
        #[arg(long, value_name = "DIR")]
        dir: PathBuf,
        /// The experiment's name [env: MLFLOW_EXPERIMENT_NAME] [default: xray-tui]
        #[arg(long, value_name = "NAME")]
        experiment: Option<String>,
    },
}

/// A server, and an experiment there.
#[derive(Debug, Clone, Args)]
pub struct Place {
    /// The tracking server, as http://HOST:5000 [env: MLFLOW_TRACKING_URI]
    #[arg(long, value_name = "URL")]
    pub uri: Option<String>,
    /// The experiment's name [env: MLFLOW_EXPERIMENT_NAME] [default: xray-tui]
    #[arg(long, value_name = "NAME")]
    pub experiment: Option<String>,
}
