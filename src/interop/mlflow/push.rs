//! Sends of a run what the server does not have.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::clock::milliseconds;
use super::material::Material;
use super::plan::{self, PARENT};
use super::remote::{self, Remote};
use super::{Target, files};
use crate::error::{Error, Result};
use crate::store::{Mirror, RunState, Store};

/// Points in one request at most, as the server has it.
const MOST_POINTS: usize = 1000;

/// Parameters or tags in one request at most.
const MOST_PAIRS: usize = 100;

/// Behind the last step of any run.
const NO_STEPS: usize = usize::MAX >> 1;

/// What was sent of a run.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Sent {
    pub run_id: String,
    pub remote_id: String,
    pub experiment_id: String,
    pub params: usize,
    pub tags: usize,
    /// Points of metrics.
    pub metrics: usize,
    pub artifacts: usize,
    /// What could not be sent, and why; nothing for a retry.
    pub left: Option<String>,
}

/// Sends runs to one experiment, and remembers what the server has.
#[derive(Debug)]
pub struct Pusher {
    target: Target,
    /// Tells this sender from others of the same database.
    token: String,
    user: Option<String>,
    experiment_id: Option<String>,
    known: BTreeMap<String, Remote>,
}

impl Pusher {
    /// `user` is who is named as the one that trained.
    #[must_use]
    pub fn new(target: Target, user: Option<String>) -> Self {
        let token = format!("{:016x}", rand::random::<u64>());
        Self { target, token, user, experiment_id: None, known: BTreeMap::new() }
    }

    #[must_use]
    pub const fn target(&self) -> &Target {
        &self.target
    }

    /// Sends what is due of a run. Whoever asks holds [`Store::mirror_lock`].
    ///
    /// # Errors
    /// `Run` where the run was brought in from MLflow; `Remote` or `Unreachable` where the server refuses or is out of
    /// reach; `Store` where the database cannot be read or written. What was sent before stays there and is not sent
    /// again.
    pub fn push(&mut self, store: &Store, run_id: &str) -> Result<Sent> {
        if let Some(origin) = store.origin(run_id)? {
            let problem = format!("came from MLflow ({}) itself: it is there already", origin.uri);
            return Err(Error::Run { run: run_id.to_owned(), problem });
        }
        let kept = store.mirror(run_id, self.target.key())?;
        let mut mirror = kept.unwrap_or_else(|| Mirror::new(run_id, self.target.key()));
        let mine = mirror.sender.as_ref() == Some(&self.token);
        let known = self.known.remove(run_id).filter(|_| mine);
        let (mut remote, tags) = known.map_or_else(|| self.find(store, &mut mirror), |known| Ok((known, 0)))?;
        // Where this fails, the server is asked anew the next time.
        let mut sent = self.send(store, (&mut mirror, &mut remote))?;
        sent.tags += tags;
        self.known.insert(run_id.to_owned(), remote);
        Ok(sent)
    }

    /// The run as the server has it; it is made where the server has none, with so many tags.
    fn find(&mut self, store: &Store, mirror: &mut Mirror) -> Result<(Remote, usize)> {
        let experiment_id = match &self.experiment_id {
            Some(id) => id.clone(),
            None => remote::experiment(&self.target)?,
        };
        let there = mirror.remote_id.as_deref().map(|id| remote::run(&self.target, id)).transpose()?.flatten();
        let found = match there {
            Some(found) => Some(found),
            None => remote::tagged(&self.target, &experiment_id, &mirror.run_id)?,
        };
        let made = || self.create(store, (&mirror.run_id, &experiment_id));
        let (remote, tags) = found.map_or_else(made, |found| Ok((found, 0)))?;
        self.experiment_id = Some(experiment_id);
        (mirror.remote_id, mirror.sender) = (Some(remote.id.clone()), Some(self.token.clone()));
        store.set_mirror(mirror)?;
        Ok((remote, tags))
    }

    /// With its tags at once, so that it is found again whatever happens before the answer comes; and how many of them it
    /// has then.
    fn create(&self, store: &Store, (run_id, experiment_id): (&str, &str)) -> Result<(Remote, usize)> {
        let material = Material::gather(store, run_id, NO_STEPS)?;
        let tags: BTreeMap<String, String> = self.tags(store, &material)?.into_iter().take(MOST_PAIRS).collect();
        let asked = json!({
            "experiment_id": experiment_id,
            "run_name": material.run.started.name,
            "start_time": milliseconds(&material.run.started_at),
            "user_id": self.user,
            "tags": pairs(&tags),
        });
        let remote = Remote::of(&self.target.server.post("runs/create", &asked)?["run"]);
        // What it did not take is sent, and counted, with what has changed.
        let taken = tags.iter().filter(|(key, value)| remote.tags.get(*key) == Some(*value)).count();
        Ok((remote, taken))
    }

    /// Those of the run, a fold's with the id there of its cross-validation, where that one is there.
    fn tags(&self, store: &Store, material: &Material) -> Result<BTreeMap<String, String>> {
        let mut tags = plan::tags(material, self.user.as_deref());
        if let Some(parent) = tags.get(PARENT) {
            let there = store.mirror(parent, self.target.key())?.and_then(|mirror| mirror.remote_id);
            tags.extend(there.map(|id| ("mlflow.parentRunId".to_owned(), id)));
        }
        Ok(tags)
    }

    fn send(&self, store: &Store, (mirror, remote): (&mut Mirror, &mut Remote)) -> Result<Sent> {
        let material = Material::gather(store, &mirror.run_id, first_due(remote))?;
        let (run_id, remote_id, experiment_id) =
            (mirror.run_id.clone(), remote.id.clone(), remote.experiment_id.clone());
        let mut sent = Sent { run_id, remote_id, experiment_id, ..Sent::default() };
        let tags = self.tags(store, &material)?;
        self.send_settings(&material, &tags, (remote, &mut sent))?;
        self.send_data(store, &material, remote)?;
        self.send_points(&material, (remote, &mut sent))?;
        self.send_end(store, &material, (remote, &mut sent))?;
        let closed = if material.run.state == RunState::Running { None } else { material.run.ended_at.clone() };
        if mirror.closed != closed {
            mirror.closed = closed;
            store.set_mirror(mirror)?;
        }
        Ok(sent)
    }

    fn batch(&self, remote: &Remote, content: (&str, Vec<Value>)) -> Result<()> {
        let mut asked = json!({"run_id": remote.id});
        asked[content.0] = content.1.into();
        self.target.server.post("runs/log-batch", &asked).map(|_| ())
    }

    /// Parameters once, tags where they say something else now.
    fn send_settings(
        &self,
        material: &Material,
        tags: &BTreeMap<String, String>,
        (remote, sent): (&mut Remote, &mut Sent),
    ) -> Result<()> {
        let params = plan::params(&material.run);
        let new: BTreeMap<String, String> =
            params.into_iter().filter(|(key, _)| !remote.params.contains_key(key)).collect();
        for part in pairs(&new).chunks(MOST_PAIRS) {
            self.batch(remote, ("params", part.to_vec()))?;
        }
        let changed: BTreeMap<String, String> =
            tags.iter().filter(|(k, v)| remote.tags.get(*k) != Some(v)).map(|(k, v)| (k.clone(), v.clone())).collect();
        for part in pairs(&changed).chunks(MOST_PAIRS) {
            self.batch(remote, ("tags", part.to_vec()))?;
        }
        (sent.params, sent.tags) = (new.len(), changed.len());
        self.delete_tags(remote, tags)?;
        remote.params.extend(new);
        remote.tags.extend(changed);
        Ok(())
    }

    /// What is not so any more: the problem of a run that went on, a tag that its user took away. Tags that others have given
    /// the run there stay.
    fn delete_tags(&self, remote: &mut Remote, tags: &BTreeMap<String, String>) -> Result<()> {
        let is_gone = |key: &&String| key.starts_with(plan::PREFIX) && !tags.contains_key(*key);
        let gone: Vec<String> = remote.tags.keys().filter(is_gone).cloned().collect();
        for key in gone {
            self.target.server.post("runs/delete-tag", &json!({"run_id": remote.id, "key": key}))?;
            remote.tags.remove(&key);
        }
        Ok(())
    }

    fn send_data(&self, store: &Store, material: &Material, remote: &mut Remote) -> Result<()> {
        if !remote.inputs.is_empty() {
            return Ok(());
        }
        let manifest = material.manifest(store)?;
        let input = plan::dataset(&material.run, manifest.as_ref());
        self.target.server.post("runs/log-inputs", &json!({"run_id": remote.id, "datasets": [input]}))?;
        remote.inputs.push(material.run.started.data_hash.clone());
        Ok(())
    }

    fn send_points(&self, material: &Material, (remote, sent): (&mut Remote, &mut Sent)) -> Result<()> {
        let due = plan::due(plan::points(material), |key| remote.last.get(key).copied());
        for part in plan::batches(&due, MOST_POINTS) {
            self.batch(remote, ("metrics", part.iter().map(plan::Point::json).collect()))?;
            remote.last.extend(part.iter().map(|point| (point.key.to_owned(), point.step)));
            sent.metrics += part.len();
        }
        Ok(())
    }

    /// The files and then the status, last of all: a run whose end is there is there whole.
    fn send_end(&self, store: &Store, material: &Material, (remote, sent): (&mut Remote, &mut Sent)) -> Result<()> {
        let run = &material.run;
        let running = run.state == RunState::Running;
        let (status, end) = (plan::status(run.state), run.ended_at.as_deref().map(milliseconds).filter(|_| !running));
        if remote.status == status && (running || remote.end_time == end) {
            return Ok(());
        }
        if !running {
            self.send_files(store, (remote, sent))?;
        }
        let asked = json!({"run_id": remote.id, "status": status, "end_time": end, "run_name": run.started.name});
        self.target.server.post("runs/update", &asked)?;
        (remote.status, remote.end_time) = (status.to_owned(), end);
        Ok(())
    }

    fn send_files(&self, store: &Store, (remote, sent): (&Remote, &mut Sent)) -> Result<()> {
        let Some(root) = remote.artifacts() else {
            sent.left = Some(format!(
                "its files were not sent: the experiment keeps them in {}, past the server; start the server with \
                 --serve-artifacts and use a new experiment",
                remote.artifact_uri
            ));
            return Ok(());
        };
        for artifact in files::artifacts(store, &sent.run_id)? {
            let (mut from, bytes) = artifact.open()?;
            self.target.server.upload(&format!("{root}/{}", artifact.path), (&mut *from, bytes))?;
            sent.artifacts += 1;
        }
        Ok(())
    }
}

/// Steps up to this one are there, with every figure that a step has.
fn first_due(remote: &Remote) -> usize {
    let keys = ["batch_loss", "batch_accuracy", "images_per_second"];
    let had: BTreeSet<Option<i64>> = keys.into_iter().map(|key| remote.last.get(key).copied()).collect();
    had.first().copied().flatten().and_then(|step| usize::try_from(step).ok()).unwrap_or(0)
}

fn pairs(map: &BTreeMap<String, String>) -> Vec<Value> {
    map.iter().map(|(key, value)| json!({"key": key, "value": value})).collect()
}

/// Where an error says that the run is gone there.
pub fn gone(target: &Target, remote_id: &str) -> Error {
    let problem = format!("has no run {remote_id}: check the id, or whether it was deleted there");
    Error::Remote { place: target.server.base().to_owned(), problem }
}

#[cfg(test)]
mod tests {
    use super::super::Server;
    use super::*;
    use crate::app::sample;
    use crate::store::{Origin, Record};

    #[test]
    fn a_run_that_came_from_a_server_is_not_sent_back() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&folder.path().join("runs.db")).unwrap();
        let (run, steps, marks) = (sample::run(1, RunState::Finished), Vec::new(), Vec::new());
        let record = Record { run, epochs: Vec::new(), steps, marks, answers: Vec::new(), manifest: None };
        store.import_run(&record, &Origin { uri: "http://there".into(), remote_id: "a".into() }).unwrap();
        // Nobody listens there, so whoever asked would say something else.
        let target = Target { server: Server::new("http://127.0.0.1:1", &|_| None).unwrap(), experiment: "x".into() };
        let said = Pusher::new(target, None).push(&store, &sample::run_id(1)).unwrap_err().to_string();
        assert!(said.contains("came from MLflow (http://there) itself: it is there already"), "{said}");
    }
}
