//! The subcommands: one file each, human text or one JSON object; progress and errors go to standard error.

mod airflow;
mod assessment;
mod bench;
mod compare;
mod config;
mod cv;
mod data;
mod detach;
mod doctor;
mod ensemble;
mod epochs;
mod eval;
mod find_rate;
mod mlflow;
mod models;
mod narrator;
mod pipeline;
mod predict;
mod queue;
mod report;
mod reproduce;
mod runs;
mod shifts;
mod spread;
mod sweep;
mod train;
mod weights;

use std::io::Write;
use std::ops::ControlFlow;
use std::path::PathBuf;
use std::process::ExitCode;

use serde_json::{Value, json};

use crate::app::keymap::Keymap;
use crate::cli::{Cli, Command, Common, InspectArgs};
use crate::config::place::environment;
use crate::config::{Isa, Settings};
use crate::dataset::cache::Progress;
use crate::error::Error;
use crate::metrics::Figures;
use crate::predict::image_files;
use crate::session::Workplace;
use crate::store::{Run, Store};
use crate::train::machine;
use crate::units::share;
pub use mlflow::{follow_runs, stop_following};

/// The settings in force. What helps to put a wrong configuration file right works without it.
///
/// # Errors
/// What is wrong in file or environment.
pub fn settings(cli: &Cli) -> Result<Settings, Error> {
    let said = cli.said();
    match &cli.command {
        Some(command) if command.stands_a_wrong_file() => Settings::read_anyway(&said, &environment),
        _ => Settings::read(&said, &environment),
    }
}

/// Carries out `command`; the code is the process's.
///
/// # Errors
/// What failed, in words for the user.
pub fn run(command: &Command, common: &Common, settings: &Settings) -> anyhow::Result<ExitCode> {
    if common.detached {
        detach::leave_terminal();
    }
    let out = Output::new(common);
    let place = workplace(settings);
    settle_isa(settings.isa)?;
    let following = mlflow::follow_command(command, &settings.mlflow, &place, out);
    let done = carry_out(command, settings, &place, out);
    stop_following(following, out.quiet);
    done
}

fn carry_out(command: &Command, settings: &Settings, place: &Workplace, out: Output) -> anyhow::Result<ExitCode> {
    let plain = &settings.train;
    match command {
        Command::Data(command) => data::run(command, plain, place, out),
        Command::Train(args) => train::run(args, plain, place, out),
        Command::Eval(args) => eval::run(args, settings.named_data(), place, out),
        Command::Compare(args) => compare::run(args, place, out),
        Command::Ensemble(args) => ensemble::run(args, place, out),
        Command::Cv(args) => cv::run(args, plain, place, out),
        Command::Sweep(args) => sweep::run(args, plain, place, out),
        Command::Queue(command) => queue::run(command, place, out),
        Command::Pipeline(command) => pipeline::run(command, plain, place, out),
        Command::Models(command) => models::run(*command, place, out),
        Command::Airflow(command) => airflow::run(command, place, out),
        Command::FindRate(args) => find_rate::run(args, plain, place, out),
        Command::Reproduce(args) => reproduce::run(args, settings.named_data(), place, out),
        Command::Predict(args) => predict::run(args, place, out),
        Command::Inspect(_) => anyhow::bail!("the terminal program takes this command"),
        Command::Report(args) => report::run(args, place, out),
        Command::Runs(command) => runs::run(command, place, out),
        Command::Mlflow(command) => mlflow::run(command, &settings.mlflow, place, out),
        Command::Weights(command) => weights::run(command, place, out),
        Command::Doctor => doctor::run(settings, place, out),
        Command::Config(command) => config::run(*command, settings, out),
        Command::Completions { shell } => {
            let script = crate::cli::completions(*shell);
            out.answer(&json!({"shell": shell.to_string(), "script": script}), || script.clone())?;
            Ok(ExitCode::SUCCESS)
        }
        Command::Bench(args) => bench::run(*args, place, out),
    }
}

/// The pictures that the terminal program is to begin with, and the run that answers for them.
///
/// # Errors
/// Where there is no such file, or no such run.
pub fn opening(args: &InspectArgs, settings: &Settings) -> anyhow::Result<(Vec<PathBuf>, Option<String>)> {
    let pictures = image_files(&args.paths)?;
    if let Some(missing) = pictures.iter().find(|path| !path.exists()) {
        return Err(WrongUse(format!("{} is not there", missing.display())).into());
    }
    let Some(named) = &args.run else { return Ok((pictures, None)) };
    let run = open_store(&workplace(settings))?.resolve(named)?;
    if run.best_epoch.is_none() {
        let problem = "has no finished epoch, so it can answer nothing: name another run".to_owned();
        return Err(Error::Run { run: run.started.name, problem }.into());
    }
    Ok((pictures, Some(run.started.id)))
}

/// Settles which instructions the kernels use.
///
/// # Errors
/// Where this processor does not have them.
pub fn settle_isa(isa: Isa) -> Result<(), Error> {
    match isa {
        Isa::Auto => Ok(()),
        Isa::Avx512 => machine::choose_isa("avx512"),
        Isa::Avx2 => machine::choose_isa("avx2"),
        Isa::Portable => machine::choose_isa("portable"),
    }
}

/// A setting that a run cannot be started with.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct WrongUse(String);

/// Wrong use is 2, everything else that fails is 1.
#[must_use]
pub fn exit_code(error: &anyhow::Error) -> ExitCode {
    let wrong_setting = matches!(error.downcast_ref(), Some(Error::BadSetting { .. } | Error::Config { .. }));
    let wrong_use = wrong_setting || error.is::<WrongUse>();
    ExitCode::from(if wrong_use { 2 } else { 1 })
}

/// The keys as the settings have them.
///
/// # Errors
/// A place, an action or a key that there is not, with where it stands in the file.
pub fn keymap(settings: &Settings) -> Result<Keymap, Error> {
    Keymap::with(&settings.keys).map_err(|wrong| match &settings.file {
        Some(file) => file.problem(&wrong.path(), &wrong.problem),
        None => Error::BadSetting { setting: "keys", problem: wrong.problem },
    })
}

/// The folders and files that the settings name.
#[must_use]
pub fn workplace(settings: &Settings) -> Workplace {
    Workplace { data: settings.data.clone(), db: settings.db.clone(), cache: settings.cache.clone() }
}

/// How a command speaks.
#[derive(Debug, Clone, Copy)]
struct Output {
    json: bool,
    quiet: bool,
    verbose: bool,
}

impl Output {
    const fn new(common: &Common) -> Self {
        Self { json: common.json, quiet: common.quiet, verbose: common.verbose }
    }

    /// A line of progress.
    fn progress(self, text: &str) {
        if !self.quiet {
            say(text);
        }
    }

    /// A line of progress that only `-v` shows.
    fn detail(self, text: &str) {
        if self.verbose {
            say(text);
        }
    }

    /// The answer: `value` on one line with `--json`, else `text`. A closed pipe is no error.
    ///
    /// # Errors
    /// Where standard output cannot be written.
    fn answer(self, value: &Value, text: impl FnOnce() -> String) -> Result<(), Error> {
        let text = if self.json { value.to_string() } else { text() };
        match writeln!(std::io::stdout().lock(), "{}", printable(text.trim_end())) {
            Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => {
                Err(Error::io("write", "the answer to standard output", error))
            }
            _ => Ok(()),
        }
    }

    /// One line of an answer that comes bit by bit: on standard output, with `--json` on standard error. Breaks where nobody
    /// reads it any more.
    ///
    /// # Errors
    /// Where standard output cannot be written.
    fn line(self, text: &str) -> Result<ControlFlow<()>, Error> {
        if self.json {
            self.progress(text);
            return Ok(ControlFlow::Continue(()));
        }
        match writeln!(std::io::stdout().lock(), "{}", printable(text)) {
            Ok(()) => Ok(ControlFlow::Continue(())),
            Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => Ok(ControlFlow::Break(())),
            Err(error) => Err(Error::io("write", "the answer to standard output", error)),
        }
    }

    /// Tells how far `what` is, at every tenth.
    fn counting(self, what: &'static str) -> impl FnMut(Progress) -> ControlFlow<()> {
        let (out, mut told) = (self, 0);
        move |progress| {
            let tenth = progress.done * 10 / progress.total.max(1);
            if tenth > told {
                told = tenth;
                out.progress(&format!("{what} {} of {}", progress.done, progress.total));
            }
            ControlFlow::Continue(())
        }
    }
}

/// An answer for another program, as it is but for the control characters that a terminal would obey. A closed pipe is
/// no error.
///
/// # Errors
/// Where standard output cannot be written.
fn put_out(text: &str) -> Result<(), Error> {
    let is_kept = |letter: char| !letter.is_control() || "\r\n\t".contains(letter);
    let text: String = text.chars().map(|letter| if is_kept(letter) { letter } else { '\u{fffd}' }).collect();
    match std::io::stdout().lock().write_all(text.as_bytes()) {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => {
            Err(Error::io("write", "the answer to standard output", error))
        }
        _ => Ok(()),
    }
}

/// A line on standard error. That nobody reads it any more is no reason to stop a run.
fn say(text: &str) {
    let _ = writeln!(std::io::stderr().lock(), "{}", printable(text));
}

/// Without the control characters that a file's name may hold and a terminal would obey.
#[must_use]
pub fn printable(text: &str) -> String {
    text.chars().map(|letter| if letter.is_control() && letter != '\n' { '\u{fffd}' } else { letter }).collect()
}

/// The store with the state of dead runs put right. Asking about runs makes no database.
///
/// # Errors
/// Where there is none, or it cannot be used.
fn open_store(place: &Workplace) -> anyhow::Result<Store> {
    if !place.db.exists() {
        let problem = "is not there: check the path given with --db, or train a run first".into();
        return Err(Error::Store { path: place.db.clone(), problem }.into());
    }
    let store = Store::open(&place.db)?;
    store.mark_crashed()?;
    Ok(store)
}

/// A cross-validation has no weights of its own.
fn trained(run: Run) -> anyhow::Result<Run> {
    run.started.refuse_foreign()?;
    if run.folds().is_some() {
        let problem = "is a cross-validation and has no weights: name one of its folds".into();
        return Err(Error::Run { run: run.started.name, problem }.into());
    }
    Ok(run)
}

/// What a split scored, as every command reports it.
fn figures_json(figures: &Figures) -> Value {
    let confusion = figures.confusion;
    json!({
        "n": confusion.total(),
        "loss": figures.loss,
        "accuracy": confusion.accuracy(),
        "precision": confusion.precision(),
        "recall": confusion.recall(),
        "f1": confusion.f1(),
        "confusion": confusion,
    })
}

/// What a split scored, for reading.
fn figures_text(figures: &Figures) -> String {
    let c = figures.confusion;
    format!(
        "accuracy  {}\nprecision {}\nrecall    {}\nF1        {}\nimages    {} (right {}, false alarms {}, missed {})",
        share(c.accuracy()),
        share(c.precision()),
        share(c.recall()),
        share(c.f1()),
        c.total(),
        c.tp + c.tn,
        c.fp,
        c.fn_
    )
}

/// The keys that every report of a run shares.
fn run_json(run: &Run) -> Value {
    let test = run.test.map(|figures| figures.confusion);
    json!({
        "run_id": run.started.id,
        "name": run.started.name,
        "state": run.state,
        "started": run.started_at,
        "ended": run.ended_at,
        "seconds": run.seconds,
        "images_per_second": run.images_per_second,
        "data": run.started.data.to_string_lossy(),
        "synthetic": run.started.synthetic,
        "config": run.started.config,
        "epochs_done": run.epochs_done,
        "best_epoch": run.best_epoch,
        "best_val_accuracy": run.best_val_accuracy,
        "test_accuracy": test.and_then(|c| c.accuracy()),
        "test_precision": test.and_then(|c| c.precision()),
        "test_recall": test.and_then(|c| c.recall()),
        "test_f1": test.and_then(|c| c.f1()),
        "problem": run.problem,
        "note": run.note,
        "tags": run.tags,
        "starred": run.starred,
        "trashed_at": run.trashed_at,
    })
}
