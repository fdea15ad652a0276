//! `xray-tui ensemble`: several finished runs as one.

use std::process::ExitCode;

use super::train::answer;
use super::{Output, open_store, train};
use crate::cli::EnsembleArgs;
use crate::session::{Workplace, ensemble};
use crate::store::Run;
use crate::train::Control;

pub fn run(args: &EnsembleArgs, place: &Workplace, out: Output) -> anyhow::Result<ExitCode> {
    let store = open_store(place)?;
    let runs = args.runs.iter().map(|name| store.resolve(name)).collect::<Result<Vec<Run>, _>>()?;
    let id = ensemble::make(place, &store, (args.name.clone(), &runs), &Control::default())?;
    let value = answer(&store, &id)?;
    out.answer(&value, || train::summary(&value))?;
    Ok(ExitCode::SUCCESS)
}
