//! A small synthetic data set, and a place for its runs, to train through the session.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

use tempfile::TempDir;
use xray_tui::session::labels::Labels;
use xray_tui::session::{Start, Workplace};
use xray_tui::train::TrainConfig;

pub struct Bench {
    pub _folder: TempDir,
    pub place: Workplace,
}

pub fn bench() -> Bench {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let place = Workplace { data: at("demo"), db: at("runs.db"), cache: at("cache") };
    crate::demo::copy_to(&place.data, 5);
    Bench { _folder: folder, place }
}

pub fn new(config: TrainConfig) -> Start {
    Start::New { name: None, labels: Labels::default(), config: Box::new(config) }
}
