//! Makes the pictures of `assets/` from real screens: starts the program in a terminal, walks through it by keys, and
//! saves screens as SVG. `cargo build --release && cargo run --release --example screenshot`

mod shapes;
mod svg;
#[path = "../../tests/support/terminal.rs"]
mod terminal;

use std::env::consts::EXE_SUFFIX;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use clap::Parser;
use portable_pty::CommandBuilder;
use terminal::Terminal;

const ROWS: u16 = 40;
const COLUMNS: u16 = 120;

/// A frame comes in pieces: its picture is taken once nothing more comes, or at the latest after `LONGEST`.
const QUIET: Duration = Duration::from_millis(80);
const LONGEST: Duration = Duration::from_secs(2);

/// Makes pictures of the program's screens.
#[derive(Parser)]
struct Arguments {
    /// The folder to save pictures to.
    #[arg(long, default_value = "assets")]
    out: PathBuf,
    /// The program, if not the one built beside this example.
    #[arg(long)]
    program: Option<PathBuf>,
    /// The longest that one step may take, in seconds.
    #[arg(long, default_value_t = 300)]
    patience: u64,
}

/// One step of the walk: keys, what the screen must show after them, and where to save it.
struct Step {
    /// As the terminal sends them: Enter is `\r`, Tab `\t`, Escape `\x1b`, the arrow down `\x1b[B`.
    keys: &'static str,
    /// The screen shows all of these at once; one of them must be new with these keys, or the step waits for nothing.
    shows: &'static [&'static str],
    save: Option<Picture>,
}

struct Picture {
    file: &'static str,
    title: &'static str,
}

const fn step(keys: &'static str, shows: &'static [&'static str]) -> Step {
    Step { keys, shows, save: None }
}

const fn saved(keys: &'static str, shows: &'static [&'static str], file: &'static str, title: &'static str) -> Step {
    Step { keys, shows, save: Some(Picture { file, title }) }
}

/// From an empty folder to two finished runs; a setting is typed by Enter, Ctrl-U, its value and Enter.
const WALK: [Step; 22] = [
    step("", &["No chest X-rays found"]),
    saved("d", &["SYNTHETIC", "Samples"], "data.svg", "The Data screen: what is in the data set"),
    step("2", &["▸ recipe             default"]),
    step("\x1b[C", &["▸ recipe             fast"]),
    step("\x1b[B\r\x154\r", &["▸ epochs             4 "]),
    step("\x1b[B\r\x1516\r", &["▸ batch size         16 "]),
    saved("s", &["epoch 4 of 4, batch 6"], "train.svg", "The Train screen: loss and accuracy of a run under way"),
    step("", &["✓ finished"]),
    step("n", &["▸ batch size"]),
    step("\x1b[B\r\x150.0003\r", &["▸ learning rate      0.0003 "]),
    step("s", &["run-2", "✓ finished"]),
    step("3", &["run-2", "run-1", "best val"]),
    step(" j ", &["2 marked"]),
    saved("g", &["2 marked", "test acc"], "runs.svg", "The Runs screen: past runs and their figures"),
    saved(
        "=",
        &["side by side", "less run"],
        "compare.svg",
        "Two runs side by side: what differs, and whether it matters",
    ),
    step("\x1b", &["2 marked", "test acc"]),
    step("M", &["run-2"]),
    saved("\r", &["Figures", "AUC"], "run.svg", "One run: its curves, and its figures with intervals"),
    step("\x1b", &["run-2", "best val"]),
    step("4", &["1 of 100", "▀", "prediction"]),
    saved("n", &["✗ wrong", "▀"], "inspect.svg", "The Inspect screen: a test image and its prediction"),
    step("q", &[]),
];

fn main() -> Result<()> {
    let arguments = Arguments::parse();
    let program = match arguments.program {
        Some(program) => program,
        None => built_program()?,
    };
    fs::create_dir_all(&arguments.out).with_context(|| format!("making {}", arguments.out.display()))?;
    let folder = tempfile::tempdir().context("making a folder to work in")?;
    let mut terminal = Terminal::start(command(&program, folder.path())?, ROWS, COLUMNS);
    terminal.patience = Duration::from_secs(arguments.patience);
    for step in &WALK {
        walk(&terminal, step, (&arguments.out, folder.path()))?;
    }
    let status = terminal.wait_for_exit();
    if !status.success() {
        bail!("{} ended badly after the last step: {status}", program.display());
    }
    Ok(())
}

/// The program beside this example: `target/<profile>/xray-tui` beside `target/<profile>/examples/screenshot`.
fn built_program() -> Result<PathBuf> {
    let own = std::env::current_exe().context("finding this example's own place")?;
    let folder = own.ancestors().nth(2).context("this example lies in no target folder; name the --program")?;
    let program = folder.join(format!("xray-tui{EXE_SUFFIX}"));
    if !program.exists() {
        let flag = if folder.ends_with("debug") { "" } else { " --release" };
        bail!("there is no {}: run `cargo build{flag}` first, or name the --program", program.display());
    }
    Ok(program)
}

/// The program in an empty folder with nothing of the user's, whose name is the same in every picture.
fn command(program: &Path, folder: &Path) -> Result<CommandBuilder> {
    let work = folder.join("work");
    fs::create_dir(&work).context("making a folder to work in")?;
    let program = fs::canonicalize(program).with_context(|| format!("finding {}", program.display()))?;
    let mut command = CommandBuilder::new(program);
    command.cwd(&work);
    command.env("COLORTERM", "truecolor");
    command.env("XRAY_TUI_CACHE", folder.join("cache"));
    // Whoever makes the pictures may have settings of their own.
    command.env("XDG_CONFIG_HOME", folder.join("config"));
    command.env("XDG_STATE_HOME", folder.join("state"));
    command.env("LC_ALL", "C.UTF-8");
    command.env_remove("XRAY_TUI_DATA");
    Ok(command)
}

fn walk(terminal: &Terminal, step: &Step, (out, folder): (&Path, &Path)) -> Result<()> {
    terminal.send(step.keys);
    terminal.wait_until(&format!("{:?} after the keys {:?}", step.shows, step.keys), |screen| {
        let contents = screen.contents();
        step.shows.iter().all(|text| contents.contains(text))
    });
    let Some(Picture { file, title }) = &step.save else { return Ok(()) };
    terminal.settle(QUIET, LONGEST);
    let path = out.join(file);
    // Where it was made is nobody's business.
    let picture = terminal.screen(|screen| svg::render(screen, title));
    let picture = picture.replace(&*folder.to_string_lossy(), "/home/ada/x-rays");
    fs::write(&path, picture).with_context(|| format!("writing {}", path.display()))
}
