//! The `xray-tui` program.

#![forbid(unsafe_code)]

use std::io::Write;
use std::process::ExitCode;

use clap::Parser;
use xray_tui::cli::Cli;
use xray_tui::error::Error;
use xray_tui::{cmd, train, tui};

fn main() -> ExitCode {
    let cli = Cli::parse();
    train::priority::start_compute_threads(cli.common.threads.map_or(0, usize::from));
    let done = match &cli.command {
        Some(command) => cmd::run(command, &cli.common),
        None => cmd::settle_isa(cli.common.isa)
            .map_err(Into::into)
            .and_then(|()| tui::run(cmd::workplace(&cli.common)))
            .map(|()| ExitCode::SUCCESS),
    };
    done.unwrap_or_else(|error| {
        // Our own errors say all in one line; others tell their causes after a colon.
        let own = error.downcast_ref::<Error>().map(ToString::to_string);
        let _ = writeln!(std::io::stderr(), "xray-tui: {}", own.unwrap_or_else(|| format!("{error:#}")));
        cmd::exit_code(&error)
    })
}
