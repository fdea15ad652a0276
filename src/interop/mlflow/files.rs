//! The files of a run that MLflow keeps beside its figures.
//!
//! The weights lie in a folder of their own, which is what a model's version in the registry names. It holds no `MLmodel`:
//! no flavour of MLflow's could load them, and a file that says otherwise would be wrong.

use std::fmt::Write as _;
use std::fs::File;
use std::io::Read;
use std::path::PathBuf;

use serde_json::json;

use crate::error::{Error, Result};
use crate::metrics::EpochFigures;
use crate::report;
use crate::session::journal;
use crate::store::{RunState, StepPoint, Store};
use crate::train::checkpoint;

/// The folder of what predicts.
pub const MODEL: &str = "model";

/// The best epoch's weights.
pub const CHECKPOINT: &str = "model/best.safetensors";

/// All that the store has of the run: `mlflow pull` brings it in whole.
pub const RECORD: &str = "xray-tui/run.json";

/// A file of a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Artifact {
    /// Below the run's folder of artifacts.
    pub path: &'static str,
    pub content: Content,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Content {
    Text(String),
    File(PathBuf),
}

impl Artifact {
    /// What is in it, and how many bytes that are.
    ///
    /// # Errors
    /// `Io` where the file cannot be read.
    pub fn open(&self) -> Result<(Box<dyn Read + '_>, u64)> {
        match &self.content {
            Content::Text(text) => Ok((Box::new(text.as_bytes()), text.len() as u64)),
            Content::File(path) => {
                let failed = |error| Error::io("read", path, error);
                let file = File::open(path).map_err(failed)?;
                let bytes = file.metadata().map_err(failed)?.len();
                // A log may grow meanwhile.
                Ok((Box::new(file.take(bytes)), bytes))
            }
        }
    }
}

/// The files of a run that is not under way.
///
/// # Errors
/// `Store` where the database cannot be read, `Run` where the run is gone.
pub fn artifacts(store: &Store, run_id: &str) -> Result<Vec<Artifact>> {
    let record = store.record(store.run(run_id)?)?;
    let folder = store.run_folder(run_id);
    let text = |path, text| Artifact { path, content: Content::Text(text) };
    let mut found = vec![
        text("config.json", pretty(&record.run.started.config)),
        text("curves/epochs.csv", epochs(&record.epochs)),
        text("curves/steps.csv", steps(&record.steps)),
        text(RECORD, json!(record).to_string()),
    ];
    if record.run.state == RunState::Finished {
        let [html, markdown] = report::texts(store, record.run.clone())?;
        found.extend([text("report/report.html", html), text("report/report.md", markdown)]);
    }
    let files = [(CHECKPOINT, checkpoint::best_path(&folder)), ("log.txt", folder.join(journal::FILE))];
    let there = files.into_iter().filter(|(_, file)| file.is_file());
    found.extend(there.map(|(path, file)| Artifact { path, content: Content::File(file) }));
    found.extend(record.run.best_epoch.map(|_| text("model/config.json", pretty(&record.run.started.config))));
    Ok(found)
}

fn pretty(value: &serde_json::Value) -> String {
    format!("{value:#}\n")
}

fn cell(value: Option<f64>) -> String {
    value.map_or_else(String::new, |value| value.to_string())
}

fn epochs(epochs: &[EpochFigures]) -> String {
    let mut text =
        "epoch,train_loss,train_accuracy,val_loss,val_accuracy,val_precision,val_recall,val_f1,val_shifted_auc,seconds\n".to_owned();
    for epoch in epochs {
        let (train, validation) = (&epoch.train, &epoch.validation);
        let figures = [
            train.loss,
            train.confusion.accuracy(),
            validation.loss,
            validation.confusion.accuracy(),
            validation.confusion.precision(),
            validation.confusion.recall(),
            validation.confusion.f1(),
            epoch.harder_auc(),
            Some(epoch.seconds),
        ];
        let _ = writeln!(text, "{},{}", epoch.epoch, figures.map(cell).join(","));
    }
    text
}

fn steps(steps: &[StepPoint]) -> String {
    let mut text = "step,epoch,loss,accuracy,learning_rate,images_per_second,seconds\n".to_owned();
    for point in steps {
        let figures =
            [Some(point.loss), Some(point.accuracy), point.learning_rate, Some(point.images_per_second), point.seconds];
        let _ = writeln!(text, "{},{},{}", point.step, point.epoch, figures.map(cell).join(","));
    }
    text
}
