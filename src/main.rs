//! The `xray-tui` program.

#![forbid(unsafe_code)]

use std::io::Write;
use std::process::ExitCode;

use clap::Parser;
use xray_tui::cli::Cli;
use xray_tui::{cmd, train, tui};

fn main() -> ExitCode {
    let cli = Cli::parse();
    train::priority::start_compute_threads(cli.common.threads);
    let done = match &cli.command {
        Some(command) => cmd::run(command, &cli.common),
        None => tui::run(cmd::workplace(&cli.common)).map(|()| ExitCode::SUCCESS),
    };
    done.unwrap_or_else(|error| {
        let _ = writeln!(std::io::stderr(), "xray-tui: {error:#}");
        cmd::exit_code(&error)
    })
}
