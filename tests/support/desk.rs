//! A folder for one test to work in, with the program as a user would start it there.

#![allow(dead_code, reason = "each test uses its own part of it")]
#![allow(clippy::unwrap_used, reason = "a test may panic")]

use std::path::{Path, PathBuf};

use portable_pty::CommandBuilder;
use tempfile::TempDir;
use xray_tui::session::labels::Labels;
use xray_tui::session::{self, Start, Workplace};
use xray_tui::store::{Run, Store};
use xray_tui::train::TrainConfig;
use xray_tui::train::recipe::Named;

/// A fresh folder; nothing of the user's is seen or touched from it.
pub struct Desk(TempDir);

impl Desk {
    pub fn empty() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    /// With a small synthetic data set where the program looks for one.
    pub fn with_demo() -> Self {
        let desk = Self::empty();
        crate::demo::copy_to(&desk.path("data/demo"), 5);
        desk
    }

    /// With a finished run of one epoch too.
    pub fn with_run() -> Self {
        let desk = Self::with_demo();
        let config = TrainConfig { epochs: 1, batch_size: 8, image_size: 32, ..Named::Plain.config() };
        let handle = session::start(
            desk.place(),
            Start::New { name: None, labels: Labels::default(), config: Box::new(config) },
        )
        .unwrap();
        handle.thread.join().unwrap();
        desk
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    pub fn place(&self) -> Workplace {
        Workplace { data: self.path("data"), db: self.path("runs.db"), cache: self.path("cache") }
    }

    /// `program` started in the folder.
    pub fn command(&self, program: &str, arguments: &[&str]) -> CommandBuilder {
        let mut command = CommandBuilder::new(program);
        command.args(arguments);
        command.cwd(self.0.path());
        command.env("XRAY_TUI_CACHE", self.path("cache"));
        command.env("XDG_STATE_HOME", self.path("state"));
        for name in ["CONFIG", "DATA", "DB", "THREADS", "ISA", "THEME"] {
            command.env_remove(format!("XRAY_TUI_{name}"));
        }
        command.env("XDG_CONFIG_HOME", self.path("config"));
        command.env("LC_ALL", "C.UTF-8");
        command
    }

    /// The terminal program.
    pub fn program(&self, arguments: &[&str]) -> CommandBuilder {
        self.command(env!("CARGO_BIN_EXE_xray-tui"), arguments)
    }

    /// The runs that the database has, newest first.
    pub fn runs(&self) -> Vec<Run> {
        Store::open(&self.path("runs.db")).unwrap().runs().unwrap()
    }
}

/// The real X-rays, if this machine has them; says so where not.
pub fn real_xrays() -> Option<PathBuf> {
    let usual = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/data/chest_xray");
    let folder = std::env::var_os("XRAY_TUI_TEST_DATA").map_or(usual, PathBuf::from);
    if folder.is_dir() {
        return Some(folder);
    }
    assert!(std::env::var_os("XRAY_TUI_NO_SKIP").is_none(), "no real X-rays in {}", folder.display());
    #[expect(clippy::print_stderr, reason = "a skipped test says so")]
    {
        eprintln!("skipped: no real X-rays in {}; XRAY_TUI_TEST_DATA names another folder", folder.display());
    }
    None
}
