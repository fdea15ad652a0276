//! Does the tasks of a pipeline one after the other, and notes each in the store before and after.

use std::ops::ControlFlow;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::Sender;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::evaluation::{Asked, Champion, Evaluation, evaluate};
use super::reopen::reopen;
use super::{Order, PipelineEvent, PipelineOutcome, Settings};
use crate::dataset::cache::Progress;
use crate::dataset::{Class, Dataset, Split, statistics};
use crate::error::{Error, Result};
use crate::session::labels::Labels;
use crate::session::models::{self, Grounds};
use crate::session::{LoadedData, RunEvent, Start, Workplace, start_with};
use crate::store::{Pipeline, PipelineState, Run, RunState, Store, TaskName, TaskState, now};
use crate::train::control::Wish;
use crate::train::{Control, Outcome, Phase, TrainEvent};

/// The pause before a task is tried again; each is twice as long as the one before.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_mins(1);

pub(super) struct Runner {
    pub place: Workplace,
    pub order: Order,
    pub control: Control,
    pub listener: Sender<PipelineEvent>,
}

/// Why a task is not done.
enum Ended {
    Stopped,
    /// Of the gate, with its record.
    Refused(Value, String),
    Failed {
        problem: String,
        /// The same may well work later.
        outage: bool,
    },
    WrongUse(String),
}

impl From<Error> for Ended {
    fn from(error: Error) -> Self {
        match error {
            Error::Cancelled => Self::Stopped,
            Error::BadSetting { .. } => Self::WrongUse(error.to_string()),
            error => Self::Failed { problem: error.to_string(), outage: error.is_outage() },
        }
    }
}

impl Runner {
    pub(super) fn all(&self, store: &Store) -> Result<PipelineOutcome> {
        let settings = &self.order.settings;
        if settings.split == Split::Test && !settings.config.score_test {
            let problem = "must be on in a pipeline whose gate asks for the test images".to_owned();
            return Err(Error::BadSetting { setting: "score test", problem });
        }
        store.mark_crashed()?;
        store.recover_pipelines()?;
        let data = std::path::absolute(&self.place.data).map_err(|error| Error::io("find", &self.place.data, error))?;
        let mut pipeline = self.open(store, &data)?;
        while let Some(task) = pipeline.next_task() {
            if let Err(ended) = self.do_task(store, &mut pipeline, task)? {
                return self.over(store, &mut pipeline, ended);
            }
        }
        self.end(store, &mut pipeline, PipelineState::Done)?;
        let version = pipeline.task(TaskName::Promote).and_then(|task| task.record.as_ref()?["model_version"].as_i64());
        Ok(PipelineOutcome::Done { version: version.unwrap_or_default() })
    }

    /// The pipeline that goes on, else a new one.
    fn open(&self, store: &Store, data: &Path) -> Result<Pipeline> {
        let settings = &self.order.settings;
        let is_same = |other: &Pipeline| {
            let is_named = self.order.name.as_ref().is_none_or(|name| *name == other.name);
            // Read anew: what an older program had no setting for means what it did then.
            let theirs = serde_json::from_value::<Settings>(other.settings.clone());
            theirs.is_ok_and(|theirs| theirs == *settings) && other.data == data && is_named
        };
        let newest = store.pipelines()?.into_iter().find(is_same);
        let Some(mut pipeline) = newest.filter(|found| !self.order.anew && found.state != PipelineState::Done) else {
            return self.create(store, data);
        };
        if self.has_other_data(&pipeline) {
            self.notice(format!("the data have changed since {} began: a new one begins", pipeline.name));
            return self.create(store, data);
        }
        self.notice(format!("goes on with {}, which was {}", pipeline.name, pipeline.state.name()));
        reopen(&mut pipeline, store.champion()?.map(|champion| champion.version));
        pipeline.state = PipelineState::Running;
        store.save_pipeline(&pipeline)?;
        for task in &pipeline.tasks {
            store.save_task(pipeline.id, task)?;
        }
        self.tell(PipelineEvent::Changed(Box::new(pipeline.clone())));
        Ok(pipeline)
    }

    /// Whether the data are others than those that a pipeline began with. Asked before anything of it is changed: it stays
    /// what it was then. Where this cannot be told, its first task says why.
    fn has_other_data(&self, pipeline: &Pipeline) -> bool {
        let Some(before) = &pipeline.data_hash else { return false };
        let hash = self.load_data().and_then(|data| data.hash());
        hash.is_ok_and(|hash| hash.id != *before)
    }

    fn load_data(&self) -> Result<LoadedData> {
        LoadedData::open(&self.place, self.order.settings.config.image_size, &mut |Progress { done, total }| {
            self.watch(Phase::Decoding { done, total })
        })
    }

    fn create(&self, store: &Store, data: &Path) -> Result<Pipeline> {
        let pipeline = store.create_pipeline((self.order.name.as_deref(), &json!(self.order.settings)), data)?;
        self.tell(PipelineEvent::Changed(Box::new(pipeline.clone())));
        Ok(pipeline)
    }

    /// Does one task, again where the machine was at fault and another try is allowed.
    fn do_task(&self, store: &Store, pipeline: &mut Pipeline, task: TaskName) -> Result<Result<(), Ended>> {
        let mut pause = FIRST_PAUSE;
        for left in (0..=self.order.retries).rev() {
            let begun = Instant::now();
            self.note(store, (pipeline, task), |task| {
                (task.state, task.problem, task.record) = (TaskState::Running, None, None);
                (task.attempts, task.started_at, task.ended_at) = (task.attempts + 1, Some(now()), None);
            })?;
            let done = self.carry_out(store, pipeline, task);
            let (state, record, problem) = outcome_of(&done);
            self.note(store, (pipeline, task), |task| {
                (task.state, task.record, task.problem) = (state, record, problem);
                task.seconds += begun.elapsed().as_secs_f64();
                task.ended_at = Some(now());
            })?;
            match done {
                Err(Ended::Failed { problem, outage: true }) if left > 0 => {
                    self.notice(format!("{}: {problem}; again in {} s", task.title(), pause.as_secs()));
                    if !self.rest(pause) {
                        return Ok(Err(Ended::Stopped));
                    }
                    pause = (2 * pause).min(LONGEST_PAUSE);
                }
                done => return Ok(done.map(|_| ())),
            }
        }
        Ok(Err(Ended::Stopped))
    }

    /// Notes what becomes of a task, in the store first.
    fn note(
        &self,
        store: &Store,
        (pipeline, name): (&mut Pipeline, TaskName),
        change: impl FnOnce(&mut crate::store::Task),
    ) -> Result<()> {
        if let Some(task) = pipeline.tasks.iter_mut().find(|task| task.name == name) {
            change(task);
            store.save_task(pipeline.id, task)?;
        }
        self.tell(PipelineEvent::Changed(Box::new(pipeline.clone())));
        Ok(())
    }

    /// How a pipeline ends that is not done.
    fn over(&self, store: &Store, pipeline: &mut Pipeline, ended: Ended) -> Result<PipelineOutcome> {
        let (state, outcome) = match ended {
            Ended::Stopped => (PipelineState::Stopped, PipelineOutcome::Stopped),
            Ended::Failed { problem, .. } => (PipelineState::Failed, PipelineOutcome::Failed(problem)),
            Ended::WrongUse(problem) => (PipelineState::Failed, PipelineOutcome::WrongUse(problem)),
            Ended::Refused(_, problem) => {
                self.note(store, (pipeline, TaskName::Promote), |task| task.state = TaskState::Skipped)?;
                (PipelineState::Refused, PipelineOutcome::Refused(problem))
            }
        };
        self.end(store, pipeline, state)?;
        Ok(outcome)
    }

    fn end(&self, store: &Store, pipeline: &mut Pipeline, state: PipelineState) -> Result<()> {
        pipeline.state = state;
        store.save_pipeline(pipeline)?;
        *pipeline = store.pipeline(pipeline.id)?;
        self.tell(PipelineEvent::Changed(Box::new(pipeline.clone())));
        Ok(())
    }

    /// Does a task; answers what is recorded of it.
    fn carry_out(&self, store: &Store, pipeline: &mut Pipeline, task: TaskName) -> Result<Value, Ended> {
        if self.control.wish() == Wish::Stop {
            return Err(Ended::Stopped);
        }
        match task {
            TaskName::CheckData => self.check_data(store, pipeline),
            TaskName::Train => self.train(store, pipeline),
            TaskName::Evaluate => self.evaluate(store, pipeline),
            TaskName::Gate => self.ask_gate(pipeline),
            TaskName::Promote => promote(store, pipeline),
        }
    }

    fn check_data(&self, store: &Store, pipeline: &mut Pipeline) -> Result<Value, Ended> {
        let settings = &self.order.settings;
        let data = self.load_data()?;
        let splits = data.splits(&settings.config);
        splits.check_trainable(&data.dataset)?;
        check_judged(&data.dataset, (settings.split, splits.of(settings.split)))?;
        let hash = data.hash()?;
        if pipeline.data_hash.as_ref().is_some_and(|before| *before != hash.id) {
            let problem = "the data have changed since it began: the same command begins a new one".into();
            return Err(Ended::Failed { problem, outage: false });
        }
        let found = statistics::gather(&data.dataset, &splits, &data.cache, &hash);
        pipeline.data_hash = Some(hash.id);
        store.save_pipeline(pipeline)?;
        Ok(json!({
            "data": data.dataset.root.to_string_lossy(),
            "data_hash": found.data_hash,
            "synthetic": found.synthetic,
            "splits": found.splits,
            "unreadable": found.unreadable.len(),
            "duplicates": found.duplicates.len(),
            "patients_in_two_splits": found.patients_in_two_splits.len(),
        }))
    }

    /// Begins the run, goes on with it, or finds it finished.
    fn train(&self, store: &Store, pipeline: &mut Pipeline) -> Result<Value, Ended> {
        let before = pipeline.run_id.as_ref().map(|run_id| store.run(run_id)).transpose()?;
        if let Some(run) = before.as_ref().filter(|run| run.state == RunState::Finished && run.trashed_at.is_none()) {
            return Ok(record_of(run));
        }
        let start = match before {
            Some(run) => Start::Resume { run_id: run.started.id },
            None => Start::New {
                name: Some(pipeline.name.clone()),
                labels: Labels::default(),
                config: Box::new(self.order.settings.config.clone()),
            },
        };
        // What was asked of a run before is not for this one.
        self.control.stop_after(None);
        let _ = self.control.take_learning_rate();
        let outage: Arc<AtomicBool> = Arc::default();
        let handle = start_with(self.place.clone(), start, self.control.clone(), outage.clone())?;
        let (mut outcome, mut noted) = (Outcome::Stopped, Ok(()));
        for event in handle.events {
            match &event {
                RunEvent::Created { run_id, .. } => {
                    pipeline.run_id = Some(run_id.clone());
                    noted = store.save_pipeline(pipeline);
                    self.tell(PipelineEvent::Changed(Box::new(pipeline.clone())));
                    if noted.is_err() {
                        self.control.stop();
                    }
                }
                RunEvent::Train(TrainEvent::Ended(ended)) => outcome = ended.clone(),
                RunEvent::Train(_) => {}
            }
            self.tell(PipelineEvent::Run(event));
        }
        let _ = handle.thread.join();
        noted?;
        match (outcome, &pipeline.run_id) {
            (Outcome::Finished { .. }, Some(run_id)) => Ok(record_of(&store.run(run_id)?)),
            (Outcome::Finished { .. } | Outcome::Stopped, _) => Err(Ended::Stopped),
            (Outcome::Refused(problem), _) => Err(Ended::WrongUse(problem)),
            (Outcome::Failed(problem), _) => Err(Ended::Failed { problem, outage: outage.load(Ordering::Relaxed) }),
        }
    }

    fn evaluate(&self, store: &Store, pipeline: &Pipeline) -> Result<Value, Ended> {
        let run = store.run(run_id(pipeline)?)?;
        let (gate, split) = (&self.order.settings.gate, self.order.settings.split);
        let mut asked =
            Asked { gate, split, watch: &mut |Progress { done, total }| self.watch(Phase::Testing { done, total }) };
        Ok(json!(evaluate(store, &self.place, &run, &mut asked)?))
    }

    fn ask_gate(&self, pipeline: &Pipeline) -> Result<Value, Ended> {
        let verdict = evaluation(pipeline)?.judge(&self.order.settings.gate);
        let record = json!(verdict);
        if verdict.passed { Ok(record) } else { Err(Ended::Refused(record, verdict.why_not())) }
    }

    /// Tells how far long work is, as a run would.
    fn watch(&self, phase: Phase) -> ControlFlow<()> {
        self.tell(PipelineEvent::Run(RunEvent::Train(TrainEvent::Phase(phase))));
        if self.control.wish() == Wish::Stop { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    }

    /// Waits; false where a stop comes meanwhile.
    fn rest(&self, pause: Duration) -> bool {
        let begun = Instant::now();
        while begun.elapsed() < pause && self.control.wish() != Wish::Stop {
            std::thread::sleep(Duration::from_millis(50));
        }
        self.control.wish() != Wish::Stop
    }

    fn notice(&self, text: String) {
        self.tell(PipelineEvent::Notice(text));
    }

    /// Nobody listening is no reason to stop.
    pub(super) fn tell(&self, event: PipelineEvent) {
        let _ = self.listener.send(event);
    }
}

/// A task's state, record and problem after it was tried.
fn outcome_of(done: &Result<Value, Ended>) -> (TaskState, Option<Value>, Option<String>) {
    match done {
        Ok(record) => (TaskState::Done, Some(record.clone()), None),
        Err(Ended::Stopped) => (TaskState::Waiting, None, None),
        Err(Ended::Refused(record, problem)) => (TaskState::Refused, Some(record.clone()), Some(problem.clone())),
        Err(Ended::Failed { problem, .. } | Ended::WrongUse(problem)) => {
            (TaskState::Failed, None, Some(problem.clone()))
        }
    }
}

/// The gate has nothing to look at where a class is missing: it is said before hours of training.
fn check_judged(dataset: &Dataset, (split, images): (Split, &[usize])) -> Result<()> {
    let has = |class: &Class| images.iter().any(|&image| dataset.images[image].class == *class);
    match Class::ALL.iter().find(|class| !has(class)) {
        None => Ok(()),
        Some(class) => Err(Error::BadDataSet {
            dir: dataset.root.clone(),
            problem: format!(
                "has no readable {} image to {} with, which the gate looks at: add some, or choose another --split",
                class.name(),
                if split == Split::Test { "test" } else { "validate" }
            ),
        }),
    }
}

fn record_of(run: &Run) -> Value {
    json!({
        "run_id": run.started.id,
        "name": run.started.name,
        "epochs": run.epochs_done,
        "best_epoch": run.best_epoch,
        "best_val_accuracy": run.best_val_accuracy,
        "seconds": run.seconds,
    })
}

fn run_id(pipeline: &Pipeline) -> Result<&str, Ended> {
    let gone = || "its run is not in this database any more: begin anew with --new".to_owned();
    pipeline.run_id.as_deref().ok_or_else(|| Ended::Failed { problem: gone(), outage: false })
}

fn evaluation(pipeline: &Pipeline) -> Result<Evaluation, Ended> {
    let problem = || "its evaluation cannot be read: use the version that made it, or begin anew with --new".to_owned();
    Evaluation::of(pipeline).ok_or_else(|| Ended::Failed { problem: problem(), outage: false })
}

/// Where the gate asked for a comparison, the champion must be the one that was compared with still.
fn promote(store: &Store, pipeline: &Pipeline) -> Result<Value, Ended> {
    let expected = match evaluation(pipeline)?.champion {
        Champion::NotAsked => store.champion()?.map(|champion| champion.version),
        compared => compared.version(),
    };
    let grounds = Grounds { pipeline: Some(pipeline.id), reason: None };
    let version = models::promote(store, run_id(pipeline)?, (&grounds, expected))?;
    Ok(json!({"model_version": version.version, "run_id": version.new.run_id}))
}
