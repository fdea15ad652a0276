//! `--detach`: the program starts itself again in a session of its own, which no closing terminal ends.

use std::ffi::OsString;
use std::fs::File;
use std::io::{BufRead, BufReader, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, ExitCode, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::{Value, json};

use super::{Output, printable};
use crate::error::Error;

/// What asks for it.
const ASKED: &str = "--detach";

/// What tells the other process that it is the one to go on; no user says it.
const DONE: &str = "--detached";

/// Starts this very command again without a terminal, waits until its run is in the database, and says how to watch and
/// stop it. Where there is no run, its words, its answer and its exit code are passed on.
///
/// # Errors
/// Where the process or its log cannot be made.
pub fn start(db: &Path, command: &str, out: Output) -> anyhow::Result<ExitCode> {
    let log = log_path(db, command)?;
    let mut child = spawn(&log)?;
    let Some(output) = child.stdout.take() else { anyhow::bail!("the new process has no output") };
    let mut output = BufReader::new(output);
    let mut first = String::new();
    output.read_line(&mut first)?;
    match serde_json::from_str::<Value>(&first) {
        Ok(mut value) if value["detached"] == true => {
            value["log"] = json!(log.to_string_lossy());
            out.answer(&value, || text(&value))?;
            Ok(ExitCode::SUCCESS)
        }
        _ => pass_on(child, (first, output), &log),
    }
}

fn spawn(log: &Path) -> Result<Child, Error> {
    let failed = |error| Error::io("start", "the program again", error);
    let words = std::env::args_os().skip(1).filter(|word| word != ASKED).chain([OsString::from(DONE)]);
    let mut command = Command::new(std::env::current_exe().map_err(failed)?);
    command.args(words).stdin(Stdio::null()).stdout(Stdio::piped());
    command.stderr(File::create(log).map_err(|error| Error::io("create", log, error))?);
    command.spawn().map_err(failed)
}

/// `logs/train-20260131T120000Z-4711.log` beside the database.
fn log_path(db: &Path, command: &str) -> Result<PathBuf, Error> {
    let folder = db.parent().unwrap_or(Path::new("")).join("logs");
    std::fs::create_dir_all(&folder).map_err(|error| Error::io("create", &folder, error))?;
    let at = jiff::Timestamp::now().strftime("%Y%m%dT%H%M%SZ");
    Ok(folder.join(format!("{command}-{at}-{}.log", std::process::id())))
}

/// Says what a process that began no run has said.
fn pass_on(
    mut child: Child,
    (first, mut output): (String, BufReader<ChildStdout>),
    log: &Path,
) -> anyhow::Result<ExitCode> {
    let mut answer = first;
    output.read_to_string(&mut answer)?;
    let status = child.wait()?;
    let said = std::fs::read_to_string(log).unwrap_or_default();
    let _ = std::fs::remove_file(log);
    // A closed pipe is no error.
    let _ = write!(std::io::stderr().lock(), "{}", printable(&said));
    let _ = write!(std::io::stdout().lock(), "{}", printable(&answer));
    Ok(status.code().and_then(|code| u8::try_from(code).ok()).map_or(ExitCode::FAILURE, ExitCode::from))
}

fn text(value: &Value) -> String {
    let word = |key: &str| value[key].as_str().unwrap_or_default();
    let (watch, stop) = match value["study"].as_str() {
        Some(study) => (format!("xray-tui queue show {study}"), "xray-tui queue stop".to_owned()),
        None => (format!("xray-tui runs show {}", word("name")), format!("xray-tui runs stop {}", word("name"))),
    };
    format!(
        "{}  {}  goes on without this terminal, as process {}\nwatch it   `{watch}`, or read {}\nstop it    `{stop}`",
        word("name"),
        word("run_id"),
        value["pid"],
        word("log"),
    )
}

/// Whether another process waits to hear of this one's run.
static AWAITED: AtomicBool = AtomicBool::new(false);

/// Leaves the terminal that this process was started from. One that leads a session already has none to leave.
pub fn leave_terminal() {
    AWAITED.store(true, Ordering::Relaxed);
    let _ = rustix::process::setsid();
}

/// Tells the process that waits, if one does, that there is a run now. What is said on standard output from then on goes
/// where standard error goes.
pub fn announce(study: Option<&str>, (run_id, name): (&str, &str)) {
    if !AWAITED.swap(false, Ordering::Relaxed) {
        return;
    }
    let pid = std::process::id();
    let value = json!({"run_id": run_id, "name": name, "study": study, "pid": pid, "detached": true});
    let _ = writeln!(std::io::stdout().lock(), "{value}");
    let _ = rustix::stdio::dup2_stdout(std::io::stderr());
}
