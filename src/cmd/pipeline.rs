//! `xray-tui pipeline`: runs one, asks its gate alone, and shows those there were.

use std::process::ExitCode;

use serde_json::{Value, json};

use super::assessment::interval_json;
use super::narrator::{Narrator, until_end};
use super::{Output, WrongUse, detach, open_store, say};
use crate::cli::{GateArgs, PipelineArgs, PipelineCommand};
use crate::dataset::Split;
use crate::error::Error;
use crate::metrics::Gate;
use crate::metrics::gate::{Check, Verdict};
use crate::pipeline::evaluation::{Asked, Champion, Evaluation, evaluate};
use crate::pipeline::{self, Order, PipelineEvent, PipelineOutcome, Settings};
use crate::session::Workplace;
use crate::store::{Pipeline, Task, TaskName, TaskState};
use crate::train::TrainConfig;
use crate::units::{self, duration, share};

/// The gate said no.
const REFUSED: u8 = 3;

pub fn run(command: &PipelineCommand, plain: &TrainConfig, place: &Workplace, out: Output) -> anyhow::Result<ExitCode> {
    match command {
        PipelineCommand::Run(args) if args.detach => return detach::start(&place.db, "pipeline", out),
        PipelineCommand::Run(args) => return begin(args, plain, place, out),
        PipelineCommand::Gate(args) => return gate(args, place, out),
        PipelineCommand::Show { pipeline } => {
            let found = open_store(place)?.resolve_pipeline(pipeline)?;
            out.answer(&json_of(&found), || text(&found))?;
        }
        PipelineCommand::List if !place.db.exists() => out.answer(&json!({"pipelines": []}), || table(&[]))?,
        PipelineCommand::List => {
            let all = open_store(place)?.pipelines()?;
            out.answer(&json!({"pipelines": all.iter().map(json_of).collect::<Vec<_>>()}), || table(&all))?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn begin(args: &PipelineArgs, plain: &TrainConfig, place: &Workplace, out: Output) -> anyhow::Result<ExitCode> {
    let gate = Gate::from(&args.bars);
    if gate == (Gate { champion: false, ..Gate::default() }) {
        out.progress("note: the gate asks nothing, so every run passes");
    }
    let settings = Settings { config: args.recipe.config(plain), gate, split: args.bars.split.into() };
    let order = Order { settings, name: args.name.clone(), retries: args.retries, anew: args.new };
    let Some(handle) = pipeline::start(place.clone(), order)? else {
        let problem = "another xray-tui runs a pipeline in it: wait for its end, or name another file with --db".into();
        return Err(Error::Store { path: place.db.clone(), problem }.into());
    };
    let mut heard = Heard::new(out);
    let outcome = until_end((&handle.events, &handle.control), &mut |event| match event {
        PipelineEvent::Over(outcome) => Some(outcome),
        event => {
            heard.hear(event);
            None
        }
    })?;
    let _ = handle.thread.join();
    report(&outcome, heard.pipeline.as_ref(), out)
}

/// What was heard of a pipeline, each change said once.
struct Heard {
    out: Output,
    narrator: Narrator,
    pipeline: Option<Pipeline>,
}

impl Heard {
    const fn new(out: Output) -> Self {
        Self { out, narrator: Narrator::new(out), pipeline: None }
    }

    fn hear(&mut self, event: PipelineEvent) {
        match event {
            PipelineEvent::Changed(pipeline) => {
                let before = self.pipeline.as_ref().filter(|before| before.id == pipeline.id);
                if before.is_none() {
                    self.out.progress(&pipeline.name);
                }
                for task in &pipeline.tasks {
                    let was = before.and_then(|before| before.task(task.name)).map(|task| task.state);
                    if was != Some(task.state) && task.state != TaskState::Waiting {
                        self.out.progress(&changed(task));
                    }
                }
                self.pipeline = Some(*pipeline);
            }
            PipelineEvent::Run(event) => self.narrator.tell(&event),
            PipelineEvent::Notice(text) => self.out.progress(&format!("note: {text}")),
            PipelineEvent::Over(_) => {}
        }
    }
}

fn changed(task: &Task) -> String {
    let (title, state) = (task.name.title(), task.state.name());
    match task.state {
        TaskState::Running if task.attempts > 1 => format!("{title}: {state}, attempt {}", task.attempts),
        TaskState::Done => format!("{title}: {state} in {}", duration(task.seconds)),
        _ => format!("{title}: {state}"),
    }
}

fn report(outcome: &PipelineOutcome, pipeline: Option<&Pipeline>, out: Output) -> anyhow::Result<ExitCode> {
    let is_done = matches!(outcome, PipelineOutcome::Done { .. });
    if let Some(pipeline) = pipeline.filter(|_| is_done || out.json) {
        out.answer(&json_of(pipeline), || text(pipeline))?;
    }
    match outcome {
        PipelineOutcome::Done { .. } => Ok(ExitCode::SUCCESS),
        PipelineOutcome::Refused(why) => {
            say_no(why);
            Ok(ExitCode::from(REFUSED))
        }
        PipelineOutcome::Stopped => anyhow::bail!("stopped; the same command goes on with it"),
        PipelineOutcome::Failed(problem) => anyhow::bail!("{problem}"),
        PipelineOutcome::WrongUse(problem) => Err(WrongUse(problem.clone()).into()),
    }
}

/// As a failure is told, as the exit code says that it is none.
fn say_no(why: &str) {
    say(&format!("xray-tui: the gate said no: {why}"));
}

/// Asks the gate about one run.
fn gate(args: &GateArgs, place: &Workplace, out: Output) -> anyhow::Result<ExitCode> {
    let store = open_store(place)?;
    let run = store.resolve(&args.run)?;
    let (gate, split) = (Gate::from(&args.bars), Split::from(args.bars.split));
    let mut asked = Asked { gate: &gate, split, watch: &mut out.counting("images") };
    let evaluation = evaluate(&store, place, &run, &mut asked)?;
    let verdict = evaluation.judge(&gate);
    let mut value = json!(evaluation);
    value["run_id"] = json!(run.started.id);
    value["name"] = json!(run.started.name);
    value["gate"] = verdict_json(&verdict);
    if verdict.passed || out.json {
        out.answer(&value, || gate_text(&evaluation, &verdict))?;
    }
    if verdict.passed {
        return Ok(ExitCode::SUCCESS);
    }
    say_no(&verdict.why_not());
    Ok(ExitCode::from(REFUSED))
}

fn gate_text(evaluation: &Evaluation, verdict: &Verdict) -> String {
    let looked =
        evaluation.looks.map_or_else(String::new, |looks| format!(", looked at {looks} times in this database"));
    let head = format!("{} {} images{looked}", evaluation.images, evaluation.split.name());
    let against = match &evaluation.champion {
        Champion::NotAsked => None,
        Champion::None => Some("there is no champion to compare with yet".to_owned()),
        Champion::With(against) => Some(format!("compared with the champion, version {}", against.version)),
    };
    std::iter::once(head).chain(against).chain(check_lines(verdict)).collect::<Vec<_>>().join("\n")
}

/// The checks, or that there was none to pass.
fn check_lines(verdict: &Verdict) -> Vec<String> {
    if verdict.checks.is_empty() {
        return vec!["nothing was asked: no --min-… and no champion to compare with".into()];
    }
    verdict.checks.iter().map(check_line).collect()
}

fn check_line(check: &Check) -> String {
    let sign = if check.passed { "✓" } else { "✗" };
    let ci = check.interval.map_or_else(String::new, |i| units::interval(i.low, i.high));
    let title = check.name.title();
    match check.difference {
        Some(difference) => {
            let p = check.figure.filter(|_| difference < 0.0).map_or_else(String::new, |p| format!(", p = {p:.3}"));
            format!("{sign} {title:<12}{difference:+.3} {ci} against the champion{p}")
        }
        None if check.name.is_against_champion() => format!("{sign} {title:<12}–      against the champion"),
        None => format!("{sign} {title:<12}{:<6} {ci}, at least {}", share(check.figure), check.bar),
    }
}

/// The gate's verdict, once it was asked.
fn verdict_of(pipeline: &Pipeline) -> Option<Verdict> {
    serde_json::from_value(pipeline.task(TaskName::Gate)?.record.clone()?).ok()
}

fn verdict_json(verdict: &Verdict) -> Value {
    let check = |check: &Check| {
        json!({
            "name": check.name,
            "figure": check.figure,
            "bar": check.bar,
            "passed": check.passed,
            "difference": check.difference,
            "ci": interval_json(check.interval),
        })
    };
    json!({"passed": verdict.passed, "checks": verdict.checks.iter().map(check).collect::<Vec<_>>()})
}

fn version_of(pipeline: &Pipeline) -> Option<i64> {
    pipeline.task(TaskName::Promote)?.record.as_ref()?["model_version"].as_i64()
}

fn json_of(pipeline: &Pipeline) -> Value {
    let task = |task: &Task| {
        json!({
            "name": task.name,
            "state": task.state,
            "attempts": task.attempts,
            "seconds": task.seconds_so_far(),
            "started": task.started_at,
            "ended": task.ended_at,
            "record": task.record,
            "problem": task.problem,
        })
    };
    json!({
        "pipeline_id": pipeline.id,
        "name": pipeline.name,
        "state": pipeline.state,
        "started": pipeline.started_at,
        "ended": pipeline.ended_at,
        "data": pipeline.data.to_string_lossy(),
        "data_hash": pipeline.data_hash,
        "settings": pipeline.settings,
        "tasks": pipeline.tasks.iter().map(task).collect::<Vec<_>>(),
        "run_id": pipeline.run_id,
        "model_version": version_of(pipeline),
        "gate": verdict_of(pipeline).map(|verdict| verdict_json(&verdict)),
    })
}

fn text(pipeline: &Pipeline) -> String {
    let run = pipeline.run_id.as_ref().map_or_else(String::new, |run_id| format!("  run {run_id}"));
    let head = format!("{}  number {}  {}{run}", pipeline.name, pipeline.id, pipeline.state.name());
    let task = |task: &Task| {
        let problem = task.problem.as_ref().map_or_else(String::new, |problem| format!("  {problem}"));
        let attempts = if task.attempts == 1 { "attempt" } else { "attempts" };
        let line = format!(
            "{:<12}{:<9}{:>3} {attempts:<9}{:>9}{problem}",
            task.name.title(),
            task.state.name(),
            task.attempts,
            duration(task.seconds_so_far())
        );
        line.trim_end().to_owned()
    };
    let checks = verdict_of(pipeline).map_or_else(Vec::new, |verdict| check_lines(&verdict));
    let version = version_of(pipeline).map(|version| format!("promoted as version {version}"));
    let lines = std::iter::once(head).chain(pipeline.tasks.iter().map(task));
    lines.chain(checks).chain(version).collect::<Vec<_>>().join("\n")
}

fn table(pipelines: &[Pipeline]) -> String {
    if pipelines.is_empty() {
        return "no pipelines yet; `xray-tui pipeline run` starts one".into();
    }
    let head = format!("{:>4}  {:<18}{:<9}{:<22}{:<14}{:>8}  at", "id", "name", "state", "started", "run", "version");
    let row = |pipeline: &Pipeline| {
        let at = pipeline.next_task().map_or("", TaskName::title);
        let line = format!(
            "{:>4}  {:<18}{:<9}{:<22}{:<14}{:>8}  {at}",
            pipeline.id,
            pipeline.name,
            pipeline.state.name(),
            pipeline.started_at.get(..19).unwrap_or_default(),
            pipeline.run_id.as_deref().unwrap_or("–"),
            version_of(pipeline).map_or_else(|| "–".into(), |version| version.to_string())
        );
        line.trim_end().to_owned()
    };
    std::iter::once(head).chain(pipelines.iter().map(row)).collect::<Vec<_>>().join("\n")
}
