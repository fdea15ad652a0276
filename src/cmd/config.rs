//! `xray-tui config`: the settings in force, and the file that holds them.

use std::fs::{self, OpenOptions};
use std::io::{ErrorKind, Write};
use std::path::Path;
use std::process::ExitCode;

use anyhow::Context;
use serde_json::{Value, json};

use super::{Output, WrongUse};
use crate::cli::ConfigCommand;
use crate::config::{Row, Settings, TEMPLATE};
use crate::error::Error;

pub fn run(command: ConfigCommand, settings: &Settings, out: Output) -> anyhow::Result<ExitCode> {
    match command {
        ConfigCommand::Init { force } => init(force, settings, out),
        ConfigCommand::Path => path(settings, out),
        ConfigCommand::Show => show(settings, out),
    }?;
    Ok(ExitCode::SUCCESS)
}

/// Where the file belongs.
fn place(settings: &Settings) -> anyhow::Result<&Path> {
    settings.place.path.as_deref().context("there is no home folder to look for settings in: name a file with --config")
}

fn init(force: bool, settings: &Settings, out: Output) -> anyhow::Result<()> {
    let path = place(settings)?;
    if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        fs::create_dir_all(folder).map_err(|error| Error::io("create", folder, error))?;
    }
    let mut how = OpenOptions::new();
    how.write(true).truncate(force).create(force).create_new(!force);
    let written = how.open(path).and_then(|mut file| file.write_all(TEMPLATE.as_bytes()));
    match written {
        Err(error) if error.kind() == ErrorKind::AlreadyExists && !force => {
            let problem = format!("{} is there already: --force overwrites it", path.display());
            return Err(WrongUse(problem).into());
        }
        other => other.map_err(|error| Error::io("write", path, error))?,
    }
    let text = || format!("{}  (every setting in it is at its default)", path.display());
    Ok(out.answer(&json!({"config": path.to_string_lossy()}), text)?)
}

fn path(settings: &Settings, out: Output) -> anyhow::Result<()> {
    let path = place(settings)?;
    let value = json!({"config": path.to_string_lossy(), "found": path.exists(), "from": settings.place.by});
    Ok(out.answer(&value, || path.display().to_string())?)
}

fn show(settings: &Settings, out: Output) -> anyhow::Result<()> {
    let rows = settings.rows();
    let path = settings.place.path.as_ref().map(|path| path.to_string_lossy().into_owned());
    let value = json!({"config": path, "found": settings.file.is_some(), "settings": rows});
    let found = if settings.file.is_some() { "" } else { "  (not there)" };
    let head = format!("file  {}{found}", path.as_deref().unwrap_or("–"));
    Ok(out.answer(&value, || format!("{head}\n\n{}", table(&rows)))?)
}

fn table(rows: &[Row]) -> String {
    let cells: Vec<[String; 3]> =
        rows.iter().map(|row| [row.key.clone(), words(&row.value), row.from.name().to_owned()]).collect();
    let width = |place: usize| cells.iter().map(|cells| cells[place].chars().count()).max().unwrap_or(0);
    let (first, second) = (width(0), width(1));
    let line = |[key, value, from]: &[String; 3]| format!("{key:<first$}  {value:<second$}  {from}");
    cells.iter().map(line).collect::<Vec<_>>().join("\n")
}

fn words(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Null => "–".into(),
        Value::Array(list) => list.iter().map(words).collect::<Vec<_>>().join(", "),
        other => other.to_string(),
    }
}
