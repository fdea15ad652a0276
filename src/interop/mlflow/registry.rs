//! The registry of models: a run's weights as a version of a model, and the alias that names the one in use.

use serde_json::json;

use super::files::{CHECKPOINT, MODEL};
use super::plan::RUN_ID;
use super::push::Sent;
use super::{Target, remote};
use crate::error::{Error, Result};
use crate::store::Store;

/// The alias of the version in use.
pub const CHAMPION: &str = "champion";

/// A version of a model.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Registered {
    pub model: String,
    /// As the server counts.
    pub version: String,
}

/// Makes a run's weights a version of `model`, if they are none yet, and gives it the alias `champion`. The run must have
/// been pushed; `number` is the version's number here, where it has one.
///
/// # Errors
/// `Run` where it has no weights here, or the server has none of its files; `Remote` or `Unreachable` where the server refuses
/// or is out of reach.
pub fn register(
    store: &Store,
    target: &Target,
    sent: &Sent,
    (model, number): (&str, Option<usize>),
) -> Result<Registered> {
    let run = store.run(&sent.run_id)?;
    if run.weights.is_none() {
        let problem = "is not finished, so it is no model yet: name a finished run".into();
        return Err(Error::Run { run: run.started.name, problem });
    }
    let there = remote::run(target, &sent.remote_id)?.ok_or_else(|| super::push::gone(target, &sent.remote_id))?;
    if there.artifacts().is_none() {
        let problem =
            format!("cannot be registered at MLflow, as its files lie past the server in {}", there.artifact_uri);
        return Err(Error::Run { run: run.started.name, problem });
    }
    make_model(target, model)?;
    let version = match version_of(target, (model, &sent.remote_id))? {
        Some(version) => version,
        None => make_version(target, (model, &sent.remote_id), &run.started.id)?,
    };
    let mut tags = vec![("weights_sha256", run.weights.unwrap_or_default()), ("file", CHECKPOINT.to_owned())];
    tags.extend(number.map(|number| ("xray_tui.version", number.to_string())));
    for (key, value) in tags {
        let asked = json!({"name": model, "version": version, "key": key, "value": value});
        target.server.post("model-versions/set-tag", &asked)?;
    }
    target.server.post("registered-models/alias", &json!({"name": model, "alias": CHAMPION, "version": version}))?;
    Ok(Registered { model: model.to_owned(), version })
}

fn make_model(target: &Target, model: &str) -> Result<()> {
    let about = "ResNet-18 that tells pneumonia on chest X-rays. Research use only, not for clinical use.";
    match target.server.try_post("registered-models/create", &json!({"name": model, "description": about}))? {
        Ok(_) => Ok(()),
        Err(refusal) if refusal.code == "RESOURCE_ALREADY_EXISTS" => Ok(()),
        Err(refusal) => {
            let place = format!("{}, model {model}", target.server.base());
            Err(Error::Remote { place, problem: refusal.explain() })
        }
    }
}

/// The version that the run is already.
fn version_of(target: &Target, (model, remote_id): (&str, &str)) -> Result<Option<String>> {
    let filter = format!("run_id='{remote_id}'");
    let found = target.server.get("model-versions/search", &[("filter", &filter)])?;
    let versions = found["model_versions"].as_array().into_iter().flatten();
    let mut of_model = versions.filter(|version| version["name"] == model);
    Ok(of_model.find_map(|version| version["version"].as_str()).map(str::to_owned))
}

fn make_version(target: &Target, (model, remote_id): (&str, &str), run_id: &str) -> Result<String> {
    let asked = json!({
        "name": model,
        "source": format!("runs:/{remote_id}/{MODEL}"),
        "run_id": remote_id,
        "tags": [{"key": RUN_ID, "value": run_id}],
    });
    let made = target.server.post("model-versions/create", &asked)?;
    Ok(made["model_version"]["version"].as_str().unwrap_or_default().to_owned())
}
