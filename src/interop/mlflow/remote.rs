//! Experiments and runs as the server has them.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::Target;
use super::plan::RUN_ID;
use crate::error::{Error, Result};

/// A run as the server has it.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Remote {
    pub id: String,
    pub experiment_id: String,
    pub artifact_uri: String,
    pub status: String,
    /// Milliseconds since 1970.
    pub end_time: Option<i64>,
    pub params: BTreeMap<String, String>,
    pub tags: BTreeMap<String, String>,
    /// The last step of each metric.
    pub last: BTreeMap<String, i64>,
    /// Digests of the data sets that it has as inputs.
    pub inputs: Vec<String>,
}

impl Remote {
    /// Of what the server says of a run.
    #[must_use]
    pub fn of(run: &Value) -> Self {
        let (info, data) = (&run["info"], &run["data"]);
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let pairs = |list: &Value| {
            let pair = |entry: &Value| (text(&entry["key"]), text(&entry["value"]));
            list.as_array().into_iter().flatten().map(pair).collect()
        };
        let metrics = data["metrics"].as_array().into_iter().flatten();
        let inputs = run["inputs"]["dataset_inputs"].as_array().into_iter().flatten();
        Self {
            id: text(&info["run_id"]),
            experiment_id: text(&info["experiment_id"]),
            artifact_uri: text(&info["artifact_uri"]),
            status: text(&info["status"]),
            end_time: whole(&info["end_time"]),
            params: pairs(&data["params"]),
            tags: pairs(&data["tags"]),
            last: metrics.map(|metric| (text(&metric["key"]), whole(&metric["step"]).unwrap_or(0))).collect(),
            inputs: inputs.map(|input| text(&input["dataset"]["digest"])).collect(),
        }
    }

    /// Where the server's own store of artifacts has those of this run; `None` where the server does not take them.
    #[must_use]
    pub fn artifacts(&self) -> Option<String> {
        let below = match self.artifact_uri.split_once("mlflow-artifacts:") {
            Some(("", path)) => path.trim_start_matches('/'),
            _ => self.artifact_uri.split_once("/api/2.0/mlflow-artifacts/artifacts/")?.1,
        };
        // `mlflow-artifacts://host/path` names the server too.
        let is_host = self.artifact_uri.starts_with("mlflow-artifacts://");
        Some(if is_host { below.split_once('/')?.1 } else { below }.to_owned())
    }
}

/// JSON of 64-bit numbers may have them as text.
pub fn whole(value: &Value) -> Option<i64> {
    value.as_i64().or_else(|| value.as_str()?.parse().ok())
}

/// The id of the target's experiment, which is made where it is missing.
///
/// # Errors
/// `Remote` where the server is out of reach or refuses, or where the experiment was deleted there.
pub fn experiment(target: &Target) -> Result<String> {
    if let Some(id) = known_experiment(target)? {
        return Ok(id);
    }
    let made = target.server.try_post("experiments/create", &json!({"name": target.experiment}))?;
    match made {
        Ok(value) => Ok(value["experiment_id"].as_str().unwrap_or_default().to_owned()),
        // Somebody was faster.
        Err(refusal) if refusal.code == "RESOURCE_ALREADY_EXISTS" => {
            known_experiment(target)?.ok_or_else(|| problem(target, &refusal.explain()))
        }
        Err(refusal) => Err(problem(target, &refusal.explain())),
    }
}

/// The id of the target's experiment; `None` where there is none.
///
/// # Errors
/// As [`experiment`].
pub fn known_experiment(target: &Target) -> Result<Option<String>> {
    let found = target.server.try_get("experiments/get-by-name", &[("experiment_name", &target.experiment)])?;
    match found {
        Ok(value) if value["experiment"]["lifecycle_stage"] == "deleted" => {
            let id = value["experiment"]["experiment_id"].as_str().unwrap_or_default().to_owned();
            let said = format!(
                "was deleted there: bring it back with `mlflow experiments restore --experiment-id {id}`, or name another \
                 with --experiment"
            );
            Err(problem(target, &said))
        }
        Ok(value) => Ok(value["experiment"]["experiment_id"].as_str().map(str::to_owned)),
        Err(refusal) if refusal.is_missing() => Ok(None),
        Err(refusal) => Err(problem(target, &refusal.explain())),
    }
}

fn problem(target: &Target, problem: &str) -> Error {
    Error::Remote {
        place: format!("{}, experiment {}", target.server.base(), target.experiment),
        problem: problem.into(),
    }
}

/// The run with this id there; `None` where it is gone or was deleted.
///
/// # Errors
/// `Remote` where the server is out of reach or refuses.
pub fn run(target: &Target, remote_id: &str) -> Result<Option<Remote>> {
    match target.server.try_get("runs/get", &[("run_id", remote_id)])? {
        Ok(value) if value["run"]["info"]["lifecycle_stage"] == "deleted" => Ok(None),
        Ok(value) => Ok(Some(Remote::of(&value["run"]))),
        Err(refusal) if refusal.is_missing() => Ok(None),
        Err(refusal) => Err(problem(target, &refusal.explain())),
    }
}

/// The run of the experiment that is tagged with our run's id; `None` where there is none.
///
/// # Errors
/// `Remote` where the server is out of reach or refuses.
pub fn tagged(target: &Target, experiment_id: &str, run_id: &str) -> Result<Option<Remote>> {
    let filter = format!("tags.`{RUN_ID}` = '{run_id}'");
    let asked = json!({"experiment_ids": [experiment_id], "filter": filter, "max_results": 1});
    let value = target.server.post("runs/search", &asked)?;
    Ok(value["runs"].get(0).map(Remote::of))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn artifacts_go_to_the_servers_own_store_alone() {
        let of = |uri: &str| Remote { artifact_uri: uri.into(), ..Remote::default() }.artifacts();
        assert_eq!(of("mlflow-artifacts:/1/abc/artifacts").as_deref(), Some("1/abc/artifacts"));
        assert_eq!(of("mlflow-artifacts://host:5000/1/abc/artifacts").as_deref(), Some("1/abc/artifacts"));
        let proxied = "http://host/api/2.0/mlflow-artifacts/artifacts/1/abc/artifacts";
        assert_eq!(of(proxied).as_deref(), Some("1/abc/artifacts"));
        for elsewhere in ["s3://bucket/1/abc/artifacts", "/srv/mlruns/1/abc/artifacts", "file:///srv/a"] {
            assert_eq!(of(elsewhere), None, "{elsewhere}");
        }
    }

    #[test]
    fn a_run_is_read_with_the_last_step_of_each_metric() {
        let value = json!({
            "info": {"run_id": "r", "experiment_id": "1", "status": "RUNNING", "end_time": "12"},
            "data": {"metrics": [{"key": "loss", "value": 1, "step": "7"}], "tags": [{"key": "a", "value": "b"}]},
            "inputs": {"dataset_inputs": [{"dataset": {"digest": "d"}}]},
        });
        let run = Remote::of(&value);
        assert_eq!((run.last["loss"], run.end_time, run.tags["a"].as_str()), (7, Some(12), "b"));
        assert_eq!(run.inputs, ["d"]);
    }
}
