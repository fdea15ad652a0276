//! The `xray-tui` program: the terminal program without a command, else the command line.

#![forbid(unsafe_code)]

use std::process::ExitCode;

use clap::Parser;
use xray_tui::cli::Cli;
use xray_tui::{cmd, train, tui};

fn main() -> ExitCode {
    let cli = Cli::parse();
    train::priority::start_compute_threads(cli.common.threads);
    let done = if cli.command.is_none() {
        tui::run(cmd::workplace(&cli.common)).map(|()| ExitCode::SUCCESS)
    } else {
        cmd::run(cli)
    };
    done.unwrap_or_else(|error| {
        #[expect(clippy::print_stderr, reason = "the last word of the program, its screen closed")]
        {
            eprintln!("xray-tui: {error:#}");
        }
        cmd::exit_code(&error)
    })
}
