//! The `xray-tui` program.

#![forbid(unsafe_code)]

use std::io::Write;
use std::process::ExitCode;

use clap::Parser;
use xray_tui::cli::{Cli, Command};
use xray_tui::error::Error;
use xray_tui::tui::Opening;
use xray_tui::{cmd, train, tui};

fn main() -> ExitCode {
    run(&Cli::parse()).unwrap_or_else(|error| {
        // Our own errors say all in one line; others tell their causes after a colon.
        let own = error.downcast_ref::<Error>().map(ToString::to_string);
        let said = cmd::printable(&own.unwrap_or_else(|| format!("{error:#}")));
        let _ = writeln!(std::io::stderr(), "xray-tui: {said}");
        cmd::exit_code(&error)
    })
}

fn run(cli: &Cli) -> anyhow::Result<ExitCode> {
    let settings = cmd::settings(cli)?;
    train::priority::start_compute_threads(settings.threads.into());
    let opening = match &cli.command {
        None => Opening::default(),
        Some(Command::Inspect(args)) => {
            let (pictures, run_id) = cmd::opening(args, &settings)?;
            Opening { pictures, run_id }
        }
        Some(command) => return cmd::run(command, &cli.common, &settings),
    };
    cmd::settle_isa(settings.isa)?;
    let (place, keymap) = (cmd::workplace(&settings), cmd::keymap(&settings)?);
    // The runs' logs say how that goes: what is printed would wreck the screen. Whoever has slipped in the settings is told
    // before it opens, and can mend them.
    let following = cmd::follow_runs(&settings.mlflow, &place, Box::new(|_| ()))?;
    let done = tui::run(place, &settings, keymap, opening);
    cmd::stop_following(following, false);
    done?;
    Ok(ExitCode::SUCCESS)
}
