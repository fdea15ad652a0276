//! Runs as a folder of the form that MLflow kept them in before it had a database: `mlflow migrate-filestore` reads it.
//!
//! Each `meta.yaml` holds JSON, which is YAML too.

use std::fmt::Write as _;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use super::clock::milliseconds;
use super::files;
use super::material::Material;
use super::plan::{self, Point};
use crate::dataset::hash::md5_hex;
use crate::error::{Error, Result};
use crate::store::{RunState, Store};

/// The state of what is not deleted.
const ACTIVE: &str = "active";

/// What was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exported {
    pub folder: PathBuf,
    pub experiment_id: String,
    pub runs: Vec<ExportedRun>,
}

/// A run that was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExportedRun {
    pub run_id: String,
    pub remote_id: String,
    pub params: usize,
    pub metrics: usize,
    pub artifacts: usize,
}

/// Writes runs into `mlruns` below `folder`, in the experiment of that name. A run that was written there before is written
/// anew; whatever else is there stays.
///
/// # Errors
/// `Io` where something cannot be written, `Store` where the database cannot be read, `Run` where a run is under way.
pub fn export(store: &Store, (folder, experiment): (&Path, &str), run_ids: &[String]) -> Result<Exported> {
    let root = absolute(folder)?.join("mlruns");
    let id = experiment_id(experiment);
    let there = root.join(&id);
    write_experiment(&root.join("0"), ("0", "Default"))?;
    write_experiment(&there, (&id, experiment))?;
    let runs = run_ids.iter().map(|run_id| write_run(store, (&there, &id), run_id)).collect::<Result<_>>()?;
    Ok(Exported { folder: root, experiment_id: id, runs })
}

fn absolute(folder: &Path) -> Result<PathBuf> {
    fs::create_dir_all(folder).map_err(|error| Error::io("create", folder, error))?;
    folder.canonicalize().map_err(|error| Error::io("find", folder, error))
}

/// The same name has the same number, which fits the columns of every database.
fn experiment_id(name: &str) -> String {
    (1 + crc32fast::hash(name.as_bytes()) % 0x7fff_0000).to_string()
}

/// As long as MLflow's own, and the same for the same run.
fn remote_id(run_id: &str) -> String {
    md5_hex(format!("xray-tui {run_id}").as_bytes())
}

fn address(path: &Path) -> String {
    let escape = |letter: char| match letter {
        '%' => "%25".to_owned(),
        ' ' => "%20".to_owned(),
        '#' => "%23".to_owned(),
        '?' => "%3F".to_owned(),
        other => other.to_string(),
    };
    format!("file://{}", path.to_string_lossy().chars().map(escape).collect::<String>())
}

fn write(path: &Path, text: &str) -> Result<()> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).map_err(|error| Error::io("create", folder, error))?;
    }
    fs::write(path, text).map_err(|error| Error::io("write", path, error))
}

fn write_meta(folder: &Path, value: &Value) -> Result<()> {
    write(&folder.join("meta.yaml"), &format!("{value:#}\n"))
}

fn write_experiment(folder: &Path, (id, name): (&str, &str)) -> Result<()> {
    if folder.join("meta.yaml").exists() {
        return Ok(());
    }
    let now = jiff::Timestamp::now().as_millisecond();
    let value = json!({
        "artifact_location": address(folder),
        "creation_time": now,
        "experiment_id": id,
        "last_update_time": now,
        "lifecycle_stage": ACTIVE,
        "name": name,
    });
    write_meta(folder, &value)
}

fn write_run(store: &Store, (experiment, experiment_id): (&Path, &str), run_id: &str) -> Result<ExportedRun> {
    let material = Material::gather(store, run_id, 0)?;
    if material.run.state == RunState::Running {
        let problem = "is under way: wait for its end".into();
        return Err(Error::Run { run: material.run.started.name, problem });
    }
    let id = remote_id(run_id);
    let folder = experiment.join(&id);
    match fs::remove_dir_all(&folder) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(Error::io("replace", &folder, error)),
        _ => {}
    }
    write_meta(&folder, &meta(&material, (&folder, &id, experiment_id)))?;
    let params = plan::params(&material.run);
    for (key, value) in &params {
        write(&folder.join("params").join(key), value)?;
    }
    let mut tags = plan::tags(&material, None);
    tags.extend(material.run.started.parent.as_ref().map(|parent| ("mlflow.parentRunId".into(), remote_id(parent))));
    for (key, value) in &tags {
        write(&folder.join("tags").join(key), value)?;
    }
    let metrics = write_points(&folder, &plan::points(&material))?;
    write_input(store, &material, (experiment, &folder))?;
    let artifacts = write_files(store, run_id, &folder.join("artifacts"))?;
    Ok(ExportedRun { run_id: run_id.to_owned(), remote_id: id, params: params.len(), metrics, artifacts })
}

fn meta(material: &Material, (folder, id, experiment_id): (&Path, &str, &str)) -> Value {
    let run = &material.run;
    // The numbers of MLflow's states.
    let status = match plan::status(run.state) {
        "FINISHED" => 3,
        "FAILED" => 4,
        "KILLED" => 5,
        _ => 1,
    };
    json!({
        "artifact_uri": address(&folder.join("artifacts")),
        "end_time": run.ended_at.as_deref().map(milliseconds),
        "entry_point_name": "",
        "experiment_id": experiment_id,
        "lifecycle_stage": ACTIVE,
        "run_id": id,
        "run_name": run.started.name,
        "run_uuid": id,
        "source_name": "",
        "source_type": 4,
        "source_version": "",
        "start_time": milliseconds(&run.started_at),
        "status": status,
        "tags": [],
        "user_id": "",
    })
}

/// One file a metric, one line a point; answers how many points there are.
fn write_points(folder: &Path, points: &[Point]) -> Result<usize> {
    let mut lines = std::collections::BTreeMap::<&str, String>::new();
    for Point { key, value, timestamp, step } in points {
        let value = if value.is_nan() { "nan".to_owned() } else { value.to_string() };
        let _ = writeln!(lines.entry(key).or_default(), "{timestamp} {value} {step}");
    }
    lines.iter().try_for_each(|(key, text)| write(&folder.join("metrics").join(key), text))?;
    Ok(points.len())
}

/// The data set beside the runs, and that this run had it.
fn write_input(store: &Store, material: &Material, (experiment, folder): (&Path, &Path)) -> Result<()> {
    let input = plan::dataset(&material.run, material.manifest(store)?.as_ref());
    let data = &input["dataset"];
    let name = format!("{}{}", data["name"].as_str().unwrap_or_default(), data["digest"].as_str().unwrap_or_default());
    let dataset_id = md5_hex(name.as_bytes());
    write_meta(&experiment.join("datasets").join(&dataset_id), data)?;
    let input_id = md5_hex(format!("{dataset_id}{}", material.run.started.id).as_bytes());
    let value = json!({
        "source_type": "DATASET",
        "source_id": dataset_id,
        "destination_type": "RUN",
        "destination_id": dataset_id,
        "tags": {"mlflow.data.context": "training"},
    });
    write_meta(&folder.join("inputs").join(input_id), &value)
}

fn write_files(store: &Store, run_id: &str, folder: &Path) -> Result<usize> {
    let found = files::artifacts(store, run_id)?;
    for artifact in &found {
        let path = folder.join(artifact.path);
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent).map_err(|error| Error::io("create", parent, error))?;
        }
        let (mut from, _) = artifact.open()?;
        let written = File::create(&path).and_then(|mut file| io::copy(&mut from, &mut file));
        written.map_err(|error| Error::io("write", &path, error))?;
    }
    Ok(found.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_of_experiments_and_runs_are_such_as_mlflow_has() {
        assert_eq!(experiment_id("xray-tui"), experiment_id("xray-tui"));
        assert!(experiment_id("a").parse::<i32>().unwrap() > 0);
        assert_eq!(remote_id("abc").len(), 32);
        assert_eq!(address(Path::new("/a b/c#")), "file:///a%20b/c%23");
    }
}
