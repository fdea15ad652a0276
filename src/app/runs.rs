//! The Runs screen: a table of past runs, and one run whole.

use std::cmp::Ordering;

use super::action::Action;
use super::message::{Effect, Loadable, RunDetail, RunsMessage};
use super::scene::Scene;
use crate::store::{Run, RunState};
use crate::train::TrainConfig;

/// A column of the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Column {
    Name,
    State,
    Data,
    Started,
    Duration,
    Epochs,
    Batch,
    Rate,
    Size,
    Sample,
    Validation,
    Test,
    F1,
}

impl Column {
    pub const ALL: [Self; 13] = [
        Self::Name,
        Self::State,
        Self::Data,
        Self::Started,
        Self::Duration,
        Self::Epochs,
        Self::Batch,
        Self::Rate,
        Self::Size,
        Self::Sample,
        Self::Validation,
        Self::Test,
        Self::F1,
    ];

    fn compare(self, a: &Run, b: &Run) -> Ordering {
        let number = |run: &Run, key: &str| run.started.config[key].as_f64();
        let by = |key: &str| compare(number(a, key), number(b, key));
        match self {
            Self::Name => a.started.name.cmp(&b.started.name),
            Self::State => (a.state as u8).cmp(&(b.state as u8)),
            Self::Data => a.started.data.cmp(&b.started.data),
            Self::Started => a.started_at.cmp(&b.started_at),
            Self::Duration => a.seconds.total_cmp(&b.seconds),
            Self::Epochs => a.epochs_done.cmp(&b.epochs_done),
            Self::Batch => by("batch_size"),
            Self::Rate => by("learning_rate"),
            Self::Size => by("image_size"),
            Self::Sample => by("sample_fraction"),
            Self::Validation => compare(a.best_val_accuracy, b.best_val_accuracy),
            Self::Test => compare(test(a, false), test(b, false)),
            Self::F1 => compare(test(a, true), test(b, true)),
        }
    }
}

fn test(run: &Run, f1: bool) -> Option<f64> {
    let confusion = run.test?.confusion;
    if f1 { confusion.f1() } else { confusion.accuracy() }
}

/// Undefined is below everything.
fn compare(a: Option<f64>, b: Option<f64>) -> Ordering {
    a.unwrap_or(f64::NEG_INFINITY).total_cmp(&b.unwrap_or(f64::NEG_INFINITY))
}

#[derive(Debug)]
pub struct RunsScreen {
    pub runs: Loadable<Vec<Run>>,
    pub detail: Option<Loadable<Box<RunDetail>>>,
    /// The run whose detail was asked for last.
    opened: String,
    /// The chosen row.
    pub row: usize,
    pub sorted_by: Column,
    pub descending: bool,
    /// What was done or went wrong, in one line.
    pub notice: Option<String>,
    /// A run that has just begun; it is chosen as soon as the table has it.
    pub expected: Option<String>,
}

impl Default for RunsScreen {
    fn default() -> Self {
        Self {
            runs: Loadable::Idle,
            detail: None,
            opened: String::new(),
            row: 0,
            sorted_by: Column::Started,
            descending: true,
            notice: None,
            expected: None,
        }
    }
}

impl RunsScreen {
    /// Reads the table (again); what is there stays until then.
    pub fn load(&mut self) -> Effect {
        if !matches!(self.runs, Loadable::Ready(_)) {
            self.runs = Loadable::Loading;
        }
        Effect::LoadRuns
    }

    /// Runs with a finished epoch, whose network can predict, newest first.
    #[must_use]
    pub fn that_predict(&self) -> Vec<&Run> {
        let mut runs: Vec<&Run> = self.rows().iter().filter(|run| run.best_epoch.is_some()).collect();
        runs.sort_by(|a, b| b.started_at.cmp(&a.started_at));
        runs
    }

    /// The runs in the order of the table.
    #[must_use]
    pub fn rows(&self) -> &[Run] {
        match &self.runs {
            Loadable::Ready(runs) => runs,
            _ => &[],
        }
    }

    #[must_use]
    pub fn chosen(&self) -> Option<&Run> {
        match &self.detail {
            Some(Loadable::Ready(detail)) => Some(&detail.run),
            _ => self.rows().get(self.row),
        }
    }

    pub fn hear(&mut self, message: RunsMessage) {
        match message {
            RunsMessage::Loaded(Ok(runs)) => self.fill(runs),
            RunsMessage::Loaded(Err(problem)) => self.runs = Loadable::Failed(problem),
            RunsMessage::Detail { run_id, detail } if self.detail.is_some() && self.opened == run_id => {
                self.detail = Some(detail.map_or_else(Loadable::Failed, Loadable::Ready));
            }
            RunsMessage::Detail { .. } | RunsMessage::Changed | RunsMessage::Earlier(_) | RunsMessage::Log { .. } => {}
            RunsMessage::Deleted(Ok(name)) => self.notice = Some(format!("{name} was deleted")),
            RunsMessage::Deleted(Err(text)) | RunsMessage::Said(text) => self.notice = Some(text),
        }
    }

    fn fill(&mut self, runs: Vec<Run>) {
        let expected = self.expected.take_if(|id| runs.iter().any(|run| run.started.id == *id));
        let chosen = expected.or_else(|| self.rows().get(self.row).map(|run| run.started.id.clone()));
        self.runs = Loadable::Ready(runs);
        self.sort();
        let again = self.rows().iter().position(|run| Some(&run.started.id) == chosen.as_ref());
        self.row = again.unwrap_or(self.row).min(self.rows().len().saturating_sub(1));
    }

    fn sort(&mut self) {
        let (column, descending) = (self.sorted_by, self.descending);
        if let Loadable::Ready(runs) = &mut self.runs {
            runs.sort_by(|a, b| {
                let order = column.compare(a, b);
                if descending { order.reverse() } else { order }
            });
        }
    }

    /// Sorts by a column; once more turns the order round.
    pub fn sort_by(&mut self, column: Column) {
        self.descending = if self.sorted_by == column { !self.descending } else { column != Column::Name };
        self.sorted_by = column;
        self.sort();
    }

    fn shift_sort(&mut self, by: usize) {
        let count = Column::ALL.len();
        let now = Column::ALL.iter().position(|column| *column == self.sorted_by).unwrap_or(0);
        self.sort_by(Column::ALL[(now + by) % count]);
    }

    pub fn act(&mut self, action: Action, scene: &Scene) -> Vec<Effect> {
        self.notice = None;
        let (page, last) = (scene.visible_rows.max(1), self.rows().len().saturating_sub(1));
        match action {
            Action::Up => self.row = self.row.saturating_sub(1),
            Action::Down => self.row = (self.row + 1).min(last),
            Action::PageUp => self.row = self.row.saturating_sub(page),
            Action::PageDown => self.row = (self.row + page).min(last),
            Action::First => self.row = 0,
            Action::Last => self.row = last,
            Action::Sort => self.shift_sort(1),
            Action::SortBack => self.shift_sort(Column::ALL.len() - 1),
            Action::Open => return self.open(),
            Action::Back => self.detail = None,
            Action::Report => return self.of_chosen("writing…", |run_id| Effect::WriteReport { run_id }),
            Action::Verify => return self.of_chosen("looking…", |run_id| Effect::VerifyRun { run_id }),
            _ => {}
        }
        Vec::new()
    }

    fn of_chosen(&mut self, meanwhile: &str, effect: impl Fn(String) -> Effect) -> Vec<Effect> {
        let effects = self.chosen().map(|run| effect(run.started.id.clone()));
        self.notice = effects.as_ref().map(|_| meanwhile.to_owned());
        effects.into_iter().collect()
    }

    fn open(&mut self) -> Vec<Effect> {
        let Some(run) = self.rows().get(self.row) else { return Vec::new() };
        let run_id = run.started.id.clone();
        self.opened.clone_from(&run_id);
        self.detail = Some(Loadable::Loading);
        vec![Effect::LoadRun { run_id }]
    }

    /// Reads the open run again where the table knows more of it, or closes it where it is gone.
    pub fn refresh(&mut self) -> Vec<Effect> {
        let (Some(Loadable::Ready(detail)), Loadable::Ready(runs)) = (&self.detail, &self.runs) else {
            return Vec::new();
        };
        let run_id = detail.run.started.id.clone();
        match runs.iter().find(|run| run.started.id == run_id) {
            Some(run) if *run == detail.run => Vec::new(),
            Some(_) => vec![Effect::LoadRun { run_id }],
            None => {
                self.detail = None;
                Vec::new()
            }
        }
    }
}

/// A run's settings, where it can go on.
#[must_use]
pub fn resumable(run: &Run) -> Option<TrainConfig> {
    let over = matches!(run.state, RunState::Stopped | RunState::Failed | RunState::Crashed) && run.folds().is_none();
    settings(run).filter(|_| over)
}

/// A run's settings.
#[must_use]
pub fn settings(run: &Run) -> Option<TrainConfig> {
    serde_json::from_value(run.started.config.clone()).ok()
}
