//! The command line: what can be asked for, and with which words.

#![allow(clippy::doc_markdown, reason = "the comments are help texts")]

mod assess;
mod bench;
mod data;
mod mlflow;
mod pictures;
mod pipeline;
mod recipe;
mod runs;
mod search;
mod weights;

use std::path::PathBuf;
use std::str::FromStr;

use clap::builder::{PossibleValuesParser, TypedValueParser};
use clap::{Args, CommandFactory, Parser, Subcommand, ValueEnum};
use clap_complete::Shell;

use crate::config::{self, Ascii, Colours, Isa, Said, Theme};
use crate::train::EngineKind;
pub use assess::{CompareArgs, EvalArgs, EvalSplit, ReportArgs, ReproduceArgs, Wanted};
pub use bench::{BenchArgs, Work};
pub use data::DataCommand;
pub use mlflow::{MlflowCommand, Place as MlflowPlace};
pub use pictures::{InspectArgs, PredictArgs};
pub use pipeline::{AirflowCommand, Bars, GateArgs, ModelsCommand, PipelineArgs, PipelineCommand};
pub use recipe::Recipe;
pub use runs::{ListArgs, RunsCommand, TableFormat};
pub use search::{FindRateArgs, QueueCommand, SweepArgs};
pub use weights::{PublicWeights, WeightsCommand, WeightsFormat};

/// What `--version` says: the program, and what it is built with.
const BUILD: &str = concat!(
    env!("CARGO_PKG_VERSION"),
    "\n",
    env!("XRAY_TUI_RUSTC"),
    "\ntarget ",
    env!("XRAY_TUI_TARGET"),
    ", profile ",
    env!("XRAY_TUI_PROFILE"),
    "\nresearch use only, not for clinical use"
);

/// A terminal workbench for pneumonia detection on chest X-rays
///
/// Without a command, the full-screen terminal program opens. Research use only, not for clinical use.
#[derive(Debug, Parser)]
#[command(version, long_version = BUILD, propagate_version = true, disable_help_subcommand = true)]
pub struct Cli {
    #[command(flatten)]
    pub common: Common,
    #[command(flatten)]
    pub screen: ScreenArgs,
    /// Without one, the terminal program opens.
    #[command(subcommand)]
    pub command: Option<Command>,
}

/// What every command takes.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "With every command")]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag")]
pub struct Common {
    /// Configuration file [env: XRAY_TUI_CONFIG] [default: see `config path`]
    #[arg(long, global = true, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Folder of the data set, or one that holds it [env: XRAY_TUI_DATA] [default: data; for eval, the run's own]
    #[arg(long, global = true, value_name = "DIR")]
    pub data: Option<PathBuf>,
    /// Database of the runs; checkpoints lie beside it [env: XRAY_TUI_DB] [default: runs.db]
    #[arg(long, global = true, value_name = "FILE")]
    pub db: Option<PathBuf>,
    /// Compute threads; 0 is one a core [env: XRAY_TUI_THREADS] [default: 0]
    #[arg(long, global = true, value_name = "N", value_parser = config::threads)]
    pub threads: Option<u16>,
    /// Instruction set of the kernels; `auto` is the best that this processor has [env: XRAY_TUI_ISA] [default: auto]
    #[arg(long, global = true, value_parser = words::<Isa>(Isa::NAMES))]
    pub isa: Option<Isa>,
    /// Where to compute; so far on the CPU only
    #[arg(long, global = true, value_enum, default_value_t = Device::Cpu)]
    pub device: Device,
    /// Print one JSON object as the last line of standard output
    #[arg(long, global = true)]
    pub json: bool,
    /// Say nothing on standard error but errors
    #[arg(short, long, global = true, conflicts_with = "verbose")]
    pub quiet: bool,
    /// Say more on standard error
    #[arg(short, long, global = true)]
    pub verbose: bool,
    /// This is the process that `--detach` has started
    #[arg(long, global = true, hide = true)]
    pub detached: bool,
}

/// How the terminal program shows itself.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "The terminal program")]
pub struct ScreenArgs {
    /// Colours of the screen [env: XRAY_TUI_THEME] [default: auto]
    #[arg(long, value_parser = words::<Theme>(Theme::NAMES))]
    pub theme: Option<Theme>,
    /// How many colours the terminal gets [default: auto]
    #[arg(long, value_parser = words::<Colours>(Colours::NAMES))]
    pub colours: Option<Colours>,
    /// Draw in ASCII alone [default: auto, where the locale is not UTF-8]
    #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = "on")]
    #[arg(value_parser = words::<Ascii>(Ascii::NAMES))]
    pub ascii: Option<Ascii>,
    /// Leave the mouse to the terminal
    #[arg(long)]
    pub no_mouse: bool,
}

/// Reads one of a setting's words.
fn words<T>(names: &'static [&'static str]) -> impl TypedValueParser<Value = T>
where
    T: FromStr<Err = String> + Clone + Send + Sync + 'static,
{
    PossibleValuesParser::new(names).try_map(|word| word.parse::<T>())
}

impl Cli {
    /// What is said about settings.
    #[must_use]
    pub fn said(&self) -> Said {
        let Common { config, data, db, threads, isa, .. } = self.common.clone();
        let ScreenArgs { theme, colours, ascii, no_mouse } = self.screen;
        Said { config, data, db, threads, isa, theme, colours, ascii, mouse: no_mouse.then_some(false) }
    }
}

/// What computes the network.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Engine {
    Fast,
    Plain,
}

impl From<Engine> for EngineKind {
    fn from(engine: Engine) -> Self {
        match engine {
            Engine::Fast => Self::Fast,
            Engine::Plain => Self::Plain,
        }
    }
}

/// Devices.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Device {
    Cpu,
}

/// The subcommands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Look at a data set, track and verify it with DVC's files, or make a synthetic one
    #[command(subcommand)]
    Data(DataCommand),
    /// Train a ResNet-18
    Train(TrainArgs),
    /// Score a run's best checkpoint on a split
    Eval(EvalArgs),
    /// Compare two runs on the same images: do they differ, and by how much
    Compare(CompareArgs),
    /// Join finished runs of the same split: they answer with the mean of their logits
    Ensemble(EnsembleArgs),
    /// Cross-validate: divide the patients into parts and train a network for each
    Cv(CvArgs),
    /// Search for settings: train with many, and rank them by their validation figures
    Sweep(SweepArgs),
    /// Runs that wait for their turn
    #[command(subcommand)]
    Queue(QueueCommand),
    /// Check data, train, evaluate, ask a gate and promote, as one
    #[command(subcommand)]
    Pipeline(PipelineCommand),
    /// Versions of the model: the runs that were promoted
    #[command(subcommand)]
    Models(ModelsCommand),
    /// Let Apache Airflow call this program
    #[command(subcommand)]
    Airflow(AirflowCommand),
    /// Find a learning rate: train with a rising one and see where the loss falls most steeply
    FindRate(FindRateArgs),
    /// Run a finished run again and say whether the same bits come
    Reproduce(ReproduceArgs),
    /// Answer for image files
    Predict(PredictArgs),
    /// Look at image files in the terminal program, each with its prediction
    Inspect(InspectArgs),
    /// Write a run's model card, as one HTML file and one Markdown file
    Report(ReportArgs),
    /// Look at past runs
    #[command(subcommand)]
    Runs(RunsCommand),
    /// Runs at an MLflow tracking server: send them, bring them in, or write them as a folder
    #[command(subcommand)]
    Mlflow(MlflowCommand),
    /// Weights for other programs, and from them
    #[command(subcommand)]
    Weights(WeightsCommand),
    /// Check that this machine computes right, and look at terminal, data, disk and settings; changes nothing
    Doctor,
    /// Look at the settings, or write a file of them
    #[command(subcommand)]
    Config(ConfigCommand),
    /// Measure how fast this machine trains, answers and decodes
    Bench(BenchArgs),
    /// Print a script that completes commands and flags in a shell
    Completions {
        #[arg(value_enum)]
        shell: Shell,
    },
}

impl Command {
    /// Whether it works with a wrong configuration file, since it helps to put it right or has no use for it.
    #[must_use]
    pub const fn stands_a_wrong_file(&self) -> bool {
        let helps = matches!(self, Self::Doctor | Self::Config(ConfigCommand::Init { .. } | ConfigCommand::Path));
        helps || matches!(self, Self::Completions { .. })
    }
}

/// `xray-tui config …`
#[derive(Debug, Clone, Copy, Subcommand)]
pub enum ConfigCommand {
    /// Write the configuration file, with every setting explained and at its default
    Init {
        /// Overwrite the one that is there
        #[arg(long)]
        force: bool,
    },
    /// Say where the configuration file is looked for
    Path,
    /// Show every setting in force, and whether flag, environment, file or default says so
    Show,
}

/// The completion script of a shell.
#[must_use]
pub fn completions(shell: Shell) -> String {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "xray-tui", &mut script);
    String::from_utf8_lossy(&script).into_owned()
}

/// `xray-tui train …`
#[derive(Debug, Clone, Args)]
pub struct TrainArgs {
    /// The run's name in tables
    #[arg(long, value_name = "S")]
    pub name: Option<String>,
    /// A word to find the run by; may be given several times
    #[arg(long, value_name = "T")]
    pub tag: Vec<String>,
    /// What is to be remembered of the run
    #[arg(long, value_name = "S")]
    pub note: Option<String>,
    /// Go on with a stopped, failed or crashed run, with its own settings
    #[arg(long, value_name = "RUN", conflicts_with_all = ["Recipe", "name", "tag", "note"])]
    pub resume: Option<String>,
    /// Go on in the background, whatever becomes of this terminal; come back once the run has begun
    #[arg(long)]
    pub detach: bool,
    #[command(flatten)]
    pub recipe: Recipe,
}

/// `xray-tui ensemble …`
#[derive(Debug, Clone, Args)]
pub struct EnsembleArgs {
    /// Two or more: id, unique beginning of an id or name of each
    #[arg(required = true, num_args = 2.., value_name = "RUN")]
    pub runs: Vec<String>,
    /// The name in tables [default: ensemble-1 and so on]
    #[arg(long, value_name = "S")]
    pub name: Option<String>,
}

/// `xray-tui cv …`
#[derive(Debug, Clone, Args)]
pub struct CvArgs {
    /// Parts of whole patients: each is scored once by a network trained on the others
    #[arg(long, value_name = "K", default_value_t = 5, value_parser = clap::value_parser!(u16).range(2..=100))]
    pub folds: u16,
    /// The name in tables; its folds are NAME/1, NAME/2 and so on
    #[arg(long, value_name = "S")]
    pub name: Option<String>,
    /// Go on with one that was stopped, with its own settings
    #[arg(long, value_name = "RUN", conflicts_with_all = ["Recipe", "name", "folds"])]
    pub resume: Option<String>,
    #[command(flatten)]
    pub recipe: Recipe,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::train::TrainConfig;

    #[test]
    fn the_command_line_is_well_formed() {
        Cli::command().debug_assert();
    }

    #[test]
    fn nothing_said_is_the_default_recipe() {
        let cli = Cli::try_parse_from(["xray-tui", "train"]).unwrap();
        let Some(Command::Train(args)) = cli.command else { panic!("not train") };
        assert_eq!(args.recipe.config(&TrainConfig::default()), TrainConfig::default());
    }

    #[test]
    fn a_switch_that_the_file_turns_on_can_be_turned_off() {
        let plain = TrainConfig { keep_epochs: true, ..TrainConfig::default() };
        let config = |flags: &[&str]| {
            let cli = Cli::try_parse_from([&["xray-tui", "train"], flags].concat()).unwrap();
            let Some(Command::Train(args)) = cli.command else { panic!("not train") };
            args.recipe.config(&plain)
        };
        assert!(config(&[]).keep_epochs && config(&["--keep-epochs"]).keep_epochs);
        assert!(!config(&["--keep-epochs=false"]).keep_epochs);
        assert!(config(&["--exclude-marked"]).exclude_marked && !config(&["--exclude-marked=false"]).exclude_marked);
        assert!(!config(&["--no-flip"]).augmentation.horizontal_flip);
        assert!(config(&["--no-flip=false"]).augmentation.horizontal_flip);
        assert!(config(&["--flip"]).augmentation.horizontal_flip);
        assert!(!config(&["--flip=false"]).augmentation.horizontal_flip);
    }

    /// What `train` makes of these flags, or what is wrong with them.
    fn heard(flags: &[&str]) -> Result<TrainConfig, String> {
        let cli = Cli::try_parse_from([&["xray-tui", "train"], flags].concat()).map_err(|error| error.to_string())?;
        let Some(Command::Train(args)) = cli.command else { panic!("not train") };
        Ok(args.recipe.config(&TrainConfig::default()))
    }

    #[test]
    fn every_setting_has_a_flag() {
        let config =
            heard(&["--schedule", "cosine", "--crop-scale", "0.8", "--early-stopping=5", "--seed", "7"]).unwrap();
        assert_eq!((config.schedule.name(), config.augmentation.crop_scale), ("cosine", 0.8));
        assert_eq!((config.early_stopping, config.seed), (5, 7));
        assert_eq!(heard(&["--pretrained", "w.pth"]).unwrap().pretrained, Some("w.pth".into()));
    }

    #[test]
    fn a_flag_with_a_wrong_value_is_named_with_what_is_allowed() {
        let said = |flags: &[&str]| heard(flags).unwrap_err();
        for (flags, what) in [
            (["--epochs", "many"], "is no whole number"),
            (["--rotation", "much"], "is no number"),
            (["--schedule", "slow"], "cosine"),
            (["--threshold", "best"], "must be half, youden"),
        ] {
            assert!(said(&flags).contains(flags[0]) && said(&flags).contains(what), "{}", said(&flags));
        }
        assert!(said(&["--flip", "--no-flip"]).contains("cannot be used with"));
        assert!(said(&["--keep-epochs=maybe"]).contains("--keep-epochs"));
    }

    #[test]
    fn resuming_takes_no_other_settings() {
        for setting in [&["--epochs", "3"][..], &["--name", "x"], &["--no-flip"], &["--keep-epochs"], &["--tag", "x"]] {
            let words = [&["xray-tui", "train", "--resume", "last"], setting].concat();
            assert!(Cli::try_parse_from(words).is_err(), "{setting:?}");
        }
        assert!(Cli::try_parse_from(["xray-tui", "cv", "--resume", "last", "--folds", "3"]).is_err());
        assert!(Cli::try_parse_from(["xray-tui", "cv", "--resume", "last"]).is_ok());
    }
}
