//! `xray-tui airflow`: DAGs that call this program.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use serde_json::json;

use super::Output;
use crate::cli::AirflowCommand;
use crate::error::Error;
use crate::interop::airflow::{Defaults, write};
use crate::session::Workplace;

pub fn run(command: &AirflowCommand, place: &Workplace, out: Output) -> anyhow::Result<ExitCode> {
    let AirflowCommand::Init { out: folder, force } = command;
    let program = std::env::current_exe().map_err(|error| Error::io("find", "this program", error))?;
    let defaults = Defaults { program, data: absolute(&place.data)?, db: absolute(&place.db)? };
    let files = write(folder, &defaults, *force)?;
    let said = |path: &Path| path.to_string_lossy().into_owned();
    let value = json!({
        "files": files.iter().map(|file| said(file)).collect::<Vec<_>>(),
        "program": said(&defaults.program),
        "data": said(&defaults.data),
        "db": said(&defaults.db),
    });
    out.answer(&value, || {
        let written = files.iter().map(|file| format!("wrote {}", file.display()));
        let call = format!(
            "they call {} (elsewhere: XRAY_TUI_PROGRAM) with the data in {} and the database {}, which can be set for each DAG \
             run; all three can be changed in the files",
            defaults.program.display(),
            defaults.data.display(),
            defaults.db.display()
        );
        let next = "try one with `airflow dags test xray_tui_pipeline`".to_owned();
        written.chain([call, next]).collect::<Vec<_>>().join("\n")
    })?;
    Ok(ExitCode::SUCCESS)
}

fn absolute(path: &Path) -> Result<PathBuf, Error> {
    std::path::absolute(path).map_err(|error| Error::io("find", path, error))
}
