//! `xray-tui mlflow`: runs at an MLflow server, and the thread that follows runs there while they train.

use std::process::ExitCode;
use std::time::Duration;

use serde_json::{Value, json};

use super::{Output, WrongUse, open_store, say};
use crate::cli::{Command, MlflowCommand, MlflowPlace, ModelsCommand, PipelineCommand, QueueCommand, RunsCommand};
use crate::config::MlflowSettings;
use crate::config::place::environment;
use crate::error::Error;
use crate::interop::mlflow::{self, Following, Pulled, Pusher, Registered, Sent, Server, Target, register};
use crate::session::Workplace;
use crate::store::lock::RunLock;
use crate::store::{Run, RunState, Store};
use crate::units::{count, quoted};

/// How long the end of a process waits for what is not sent yet.
const PATIENCE: Duration = Duration::from_secs(10);

/// Between two tries to be the one that sends.
const BETWEEN_TRIES: Duration = Duration::from_millis(100);

pub fn run(
    command: &MlflowCommand,
    settings: &MlflowSettings,
    place: &Workplace,
    out: Output,
) -> anyhow::Result<ExitCode> {
    match command {
        MlflowCommand::Push { runs, all, champion, model, place: there } => {
            if *champion && runs.len() > 1 {
                return Err(WrongUse("there is one champion: name one run".into()).into());
            }
            let champion = champion.then(|| model.as_deref().unwrap_or(&settings.model));
            let target = target(there, settings)?;
            let store = open_store(place)?;
            let runs = if *all { own_runs(&store)? } else { resolve(&store, runs)? };
            push(&store, &target, (&runs, champion), out)
        }
        MlflowCommand::Pull { ids, place: there } => {
            let target = target(there, settings)?;
            pull(&Store::open(&place.db)?, &target, ids, out)
        }
        MlflowCommand::Export { runs, dir, experiment } => {
            let store = open_store(place)?;
            let runs = if runs.is_empty() { ended(&store)? } else { resolve(&store, runs)? };
            let ids: Vec<String> = runs.into_iter().map(|run| run.started.id).collect();
            let experiment = experiment.as_deref().unwrap_or(&settings.experiment);
            export(&mlflow::export(&store, (dir, experiment), &ids)?, out)
        }
    }
}

/// The server and experiment that are meant.
fn target(said: &MlflowPlace, settings: &MlflowSettings) -> anyhow::Result<Target> {
    let missing = "name the MLflow server: --uri http://HOST:5000, MLFLOW_TRACKING_URI, or uri in [mlflow] of the configuration \
                   file";
    let uri = said.uri.as_deref().or(settings.uri.as_deref()).ok_or_else(|| WrongUse(missing.into()))?;
    let variable = |name: &str| environment(name).map(|value| value.to_string_lossy().into_owned());
    let experiment = said.experiment.clone().unwrap_or_else(|| settings.experiment.clone());
    Ok(Target { server: Server::new(uri, &variable)?, experiment })
}

fn resolve(store: &Store, words: &[String]) -> anyhow::Result<Vec<Run>> {
    let mut runs = Vec::new();
    for word in words {
        let run = store.resolve(word)?;
        // A part's cross-validation goes first, so that the part is shown below it.
        let parts = if run.folds().is_some() { store.folds(&run.started.id)? } else { Vec::new() };
        runs.push(run);
        runs.extend(parts);
    }
    Ok(runs)
}

/// The runs that were trained here, the oldest first.
fn own_runs(store: &Store) -> anyhow::Result<Vec<Run>> {
    let mut own = Vec::new();
    for run in store.runs()?.into_iter().rev() {
        if store.origin(&run.started.id)?.is_none() {
            own.push(run);
        }
    }
    Ok(own)
}

fn ended(store: &Store) -> anyhow::Result<Vec<Run>> {
    Ok(own_runs(store)?.into_iter().filter(|run| run.state != RunState::Running).collect())
}

/// The lock of whoever sends; it is waited for, as it is held for one sending at a time.
fn lock(store: &Store, tell: &dyn Fn(&str)) -> anyhow::Result<RunLock> {
    let mut told = false;
    loop {
        if let Some(lock) = store.mirror_lock()? {
            return Ok(lock);
        }
        if !std::mem::replace(&mut told, true) {
            tell("another xray-tui sends to MLflow just now: waiting for it");
        }
        std::thread::sleep(BETWEEN_TRIES);
    }
}

/// Who is named as the one that trained.
fn user() -> Option<String> {
    let name = ["USER", "LOGNAME", "USERNAME"].into_iter().find_map(environment);
    name.map(|name| name.to_string_lossy().into_owned())
}

fn push(
    store: &Store,
    target: &Target,
    (runs, champion): (&[Run], Option<&str>),
    out: Output,
) -> anyhow::Result<ExitCode> {
    let mut pusher = Pusher::new(target.clone(), user());
    let (mut values, mut lines, mut problems) = (Vec::new(), Vec::new(), Vec::new());
    for run in runs {
        let _lock = lock(store, &|text| out.progress(text))?;
        out.progress(&format!("sending {}  {}", run.started.name, run.started.id));
        let sent = match pusher.push(store, &run.started.id) {
            Ok(sent) => sent,
            // One of many holds no other back.
            Err(error @ (Error::Remote { .. } | Error::Run { .. })) if runs.len() > 1 => {
                say(&format!("note: {error}"));
                problems.push(error.to_string());
                continue;
            }
            Err(error) => return Err(error.into()),
        };
        let model = match champion.filter(|_| values.is_empty()) {
            Some(model) => Some(register(store, target, &sent, (model, None))?),
            None => None,
        };
        values.push(sent_json(target, &sent, model.as_ref()));
        lines.push(sent_text(target, run, (&sent, model.as_ref())));
    }
    let (uri, experiment) = (target.server.base(), &target.experiment);
    let value = json!({"uri": uri, "experiment": experiment, "runs": values, "problems": problems});
    out.answer(&value, || lines.join("\n"))?;
    Ok(if problems.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn sent_json(target: &Target, sent: &Sent, model: Option<&Registered>) -> Value {
    json!({
        "run_id": sent.run_id,
        "mlflow_run_id": sent.remote_id,
        "url": target.server.page(&sent.experiment_id, &sent.remote_id),
        "params": sent.params,
        "tags": sent.tags,
        "metrics": sent.metrics,
        "artifacts": sent.artifacts,
        "problem": sent.left,
        "model": model.map(|found| json!({"name": found.model, "version": found.version, "alias": "champion"})),
    })
}

fn sent_text(target: &Target, run: &Run, (sent, model): (&Sent, Option<&Registered>)) -> String {
    let nothing = sent.params + sent.tags + sent.metrics + sent.artifacts == 0;
    let what = if nothing {
        "nothing new".to_owned()
    } else {
        let [params, tags, metrics, files] = [sent.params, sent.tags, sent.metrics, sent.artifacts].map(count);
        format!("{params} parameters, {tags} tags, {metrics} points of metrics, {files} files")
    };
    let mut lines = vec![
        format!("{}  {}  {what}", run.started.name, run.started.id),
        format!("  {}", target.server.page(&sent.experiment_id, &sent.remote_id)),
    ];
    lines.extend(sent.left.iter().map(|problem| format!("  {problem}")));
    lines.extend(model.map(|model| format!("  {} version {} is champion", model.model, model.version)));
    lines.join("\n")
}

fn pull(store: &Store, target: &Target, ids: &[String], out: Output) -> anyhow::Result<ExitCode> {
    let ids = if ids.is_empty() { mlflow::remote_ids(target)? } else { ids.to_vec() };
    let (mut pulled, mut problems) = (Vec::new(), Vec::new());
    for id in &ids {
        out.progress(&format!("bringing in {id}"));
        match mlflow::pull(store, target, id) {
            Ok(done) => pulled.push(done),
            // One of many holds no other back.
            Err(error) if ids.len() > 1 => {
                say(&format!("note: {error}"));
                problems.push(error.to_string());
            }
            Err(error) => return Err(error.into()),
        }
    }
    let value = json!({
        "uri": target.server.base(),
        "experiment": target.experiment,
        "runs": pulled.iter().map(pulled_json).collect::<Vec<_>>(),
        "problems": problems,
    });
    out.answer(&value, || match ids.len() {
        0 => format!("experiment {} has no runs", target.experiment),
        _ => pulled.iter().map(pulled_text).collect::<Vec<_>>().join("\n"),
    })?;
    Ok(if problems.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn pulled_json(pulled: &Pulled) -> Value {
    json!({
        "mlflow_run_id": pulled.remote_id,
        "run_id": pulled.run_id,
        "name": pulled.name,
        "pulled": pulled.passed_over.is_none(),
        "reason": pulled.passed_over,
        "foreign": pulled.foreign,
        "weights": pulled.weights,
    })
}

fn pulled_text(pulled: &Pulled) -> String {
    let what = match (&pulled.passed_over, pulled.foreign, pulled.weights) {
        (Some(reason), ..) => reason.as_str(),
        (None, true, _) => "brought in, as far as its metrics have usual names",
        (None, false, true) => "brought in, with its weights",
        (None, false, false) => "brought in, without weights",
    };
    format!("{}  {}  {what}", pulled.name, pulled.run_id)
}

fn export(done: &mlflow::Exported, out: Output) -> anyhow::Result<ExitCode> {
    let run = |run: &mlflow::ExportedRun| {
        json!({
            "run_id": run.run_id,
            "mlflow_run_id": run.remote_id,
            "params": run.params,
            "metrics": run.metrics,
            "artifacts": run.artifacts,
        })
    };
    let folder = done.folder.to_string_lossy().into_owned();
    let value = json!({
        "dir": folder,
        "experiment_id": done.experiment_id,
        "runs": done.runs.iter().map(run).collect::<Vec<_>>(),
    });
    let runs = match done.runs.len() {
        1 => "1 run".to_owned(),
        many => format!("{} runs", count(many)),
    };
    out.answer(&value, || {
        format!(
            "wrote {runs} into {folder}; into a database with\n  mlflow migrate-filestore --source {} --target \
             sqlite:///mlflow.db",
            quoted(&folder)
        )
    })?;
    Ok(ExitCode::SUCCESS)
}

/// Follows the runs of a process, where the settings say so.
///
/// # Errors
/// `WrongUse` and `Config` where they do not say how; `Io` where the thread cannot be started.
pub fn follow_runs(
    settings: &MlflowSettings,
    place: &Workplace,
    tell: mlflow::Tell,
) -> anyhow::Result<Option<Following>> {
    if !settings.mirror {
        return Ok(None);
    }
    let target = target(&MlflowPlace { uri: None, experiment: None }, settings)?;
    let place = (place.db.clone(), settings.model.clone());
    Ok(Some(Following::start(place, Pusher::new(target, user()), tell)?))
}

/// Follows what `command` trains or promotes, where it does. A slip in the settings is told, and keeps no schedule from
/// training.
pub fn follow_command(
    command: &Command,
    settings: &MlflowSettings,
    place: &Workplace,
    out: Output,
) -> Option<Following> {
    let is_told = match command {
        Command::Train(args) => !args.detach,
        Command::Sweep(args) => !args.detach && !args.dry_run && !args.queue_only,
        Command::Queue(QueueCommand::Run { detach, .. }) => !detach,
        Command::Pipeline(PipelineCommand::Run(args)) => !args.detach,
        Command::Runs(RunsCommand::Promote { .. })
        | Command::Models(ModelsCommand::Rollback { .. })
        | Command::Cv(_) => true,
        _ => false,
    };
    if !is_told {
        return None;
    }
    let tell = move |text: &str| out.progress(&format!("note: {text}"));
    follow_runs(settings, place, Box::new(tell)).unwrap_or_else(|error| {
        tell(&format!("not followed at MLflow: {error:#}"));
        None
    })
}

/// Sends the rest, and says what is left.
pub fn stop_following(following: Option<Following>, quiet: bool) {
    let Some(following) = following else { return };
    let seconds = PATIENCE.as_secs();
    let waiting = || {
        if !quiet {
            say(&format!("sending the rest to MLflow ({seconds} s at most)"));
        }
    };
    if let Some(left) = following.finish(PATIENCE, waiting) {
        say(&format!("note: MLflow: {left}"));
    }
}
