//! The Runs screen: a table of past runs, one run whole, and some side by side.

mod acting;
pub mod column;
pub mod compare;
pub mod export;
pub mod figure;
pub mod filter;
pub mod groups;
pub mod layout;
mod lists;
pub mod marks;
mod news;
pub mod picker;
pub mod scatter;
pub mod shown;
#[cfg(test)]
mod tests;
mod typing;
pub mod value;
pub mod view;
pub mod work;

use std::collections::BTreeSet;

use super::action::{Action, Place};
use super::message::{Effect, Loadable, RunDetail, RunsMessage};
use super::query::Filtering;
use super::scene::Scene;
use crate::store::{NewRun, Run, RunState};
use crate::train::TrainConfig;
use column::{Column, Facts};
use compare::Compare;
use filter::Filter;
use scatter::{Point, Scatter};
use shown::{Row, Shown};
use view::RunsView;

#[derive(Debug, Default)]
pub struct RunsScreen {
    pub runs: Loadable<Vec<Run>>,
    pub detail: Option<Loadable<Box<RunDetail>>>,
    /// The run whose detail was asked for last.
    opened: String,
    /// The chosen row.
    pub row: usize,
    /// The first row that is seen, as far as it goes with the chosen one.
    pub top: usize,
    /// Columns that are shifted out of sight.
    pub shift: usize,
    pub view: RunsView,
    pub facts: Facts,
    shown: Shown,
    /// Keys of the groups that show their runs.
    pub unfolded: BTreeSet<String>,
    filter: Filter,
    /// The filter that is being typed.
    pub filtering: Option<Filtering>,
    pub compare: Option<Compare>,
    pub scatter: Option<Scatter>,
    points: Vec<Point>,
    /// What was moved to the trash, by ids, the last last.
    trash: Vec<Vec<String>>,
    /// Runs in the trash, whoever moved them there; `None` until that is told, and where it has changed since.
    pub in_trash: Option<usize>,
    /// Runs whose size was asked for.
    measured: BTreeSet<String>,
    /// What was done or went wrong, in one line.
    pub notice: Option<String>,
    /// A run that has just begun; it is chosen as soon as the table has it.
    pub expected: Option<String>,
}

/// What a row is, whatever its place.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Anchor {
    Run(String),
    Group(String),
}

impl RunsScreen {
    /// Reads the table (again); what is there stays until then.
    pub fn load(&mut self) -> Effect {
        if !matches!(self.runs, Loadable::Ready(_)) {
            self.runs = Loadable::Loading;
        }
        Effect::LoadRuns
    }

    /// Looks at the table as it was looked at before.
    pub fn set_view(&mut self, view: RunsView) {
        self.filter = Filter::parse(&view.filter).unwrap_or_default();
        self.view = view;
        self.arrange();
    }

    /// Runs with a finished epoch, whose network can predict, newest first.
    #[must_use]
    pub fn that_predict(&self) -> Vec<&Run> {
        let mut runs: Vec<&Run> = self.rows().iter().filter(|run| run.best_epoch.is_some()).collect();
        runs.sort_by(|a, b| b.started_at.cmp(&a.started_at));
        runs
    }

    /// All runs, newest first.
    #[must_use]
    pub fn rows(&self) -> &[Run] {
        match &self.runs {
            Loadable::Ready(runs) => runs,
            _ => &[],
        }
    }

    /// The lines of the table.
    #[must_use]
    pub const fn shown(&self) -> &Shown {
        &self.shown
    }

    /// The runs that match, in the table's order.
    pub fn matching(&self) -> impl Iterator<Item = &Run> {
        self.shown.runs.iter().filter_map(|at| self.rows().get(*at))
    }

    /// The run with this id.
    #[must_use]
    pub fn run(&self, run_id: &str) -> Option<&Run> {
        self.rows().iter().find(|run| run.started.id == run_id)
    }

    /// The run that the others are compared with.
    #[must_use]
    pub fn baseline(&self) -> Option<&Run> {
        self.run(self.view.baseline.as_ref()?)
    }

    /// The run that keys act on: the open one, the chosen one of those compared, the one under the cursor, that of the row.
    #[must_use]
    pub fn chosen(&self) -> Option<&Run> {
        match (&self.detail, &self.compare, &self.scatter) {
            (Some(Loadable::Ready(detail)), ..) => Some(&detail.run),
            (_, Some(compare), _) => self.run(compare.run_ids.get(compare.chosen)?),
            (_, _, Some(scatter)) => self.rows().get(self.points().get(scatter.cursor)?.run),
            _ => match self.shown.rows.get(self.row)? {
                Row::Run(at) => self.rows().get(*at),
                Row::Group(_) => None,
            },
        }
    }

    /// The points of the scatter chart, where it is shown.
    #[must_use]
    pub fn points(&self) -> &[Point] {
        &self.points
    }

    /// Makes the points anew.
    fn plot(&mut self) {
        let scatter = self.scatter.as_ref();
        self.points = scatter.map_or_else(Vec::new, |scatter| scatter.points(self.rows(), &self.shown.runs));
    }

    #[must_use]
    pub fn place(&self) -> Place {
        match () {
            () if self.detail.is_some() => Place::Detail,
            () if self.filtering.is_some() => Place::Filter,
            () if self.compare.is_some() => Place::Compare,
            () if self.scatter.is_some() => Place::Scatter,
            () => Place::Runs,
        }
    }

    pub fn hear(&mut self, message: RunsMessage) {
        match message {
            RunsMessage::Loaded(Ok(runs)) => self.fill(runs),
            RunsMessage::Loaded(Err(problem)) => self.runs = Loadable::Failed(problem),
            RunsMessage::Detail { run_id, detail } if self.detail.is_some() && self.opened == run_id => {
                self.detail = Some(detail.map_or_else(Loadable::Failed, Loadable::Ready));
            }
            RunsMessage::Detail { .. }
            | RunsMessage::Changed
            | RunsMessage::News(_)
            | RunsMessage::Earlier { .. }
            | RunsMessage::Log { .. } => {}
            RunsMessage::Said(text) => self.notice = Some(text),
        }
    }

    fn fill(&mut self, runs: Vec<Run>) {
        let expected = self.expected.take_if(|id| runs.iter().any(|run| run.started.id == *id));
        let anchor = expected.map(Anchor::Run).or_else(|| self.anchor());
        let ids: BTreeSet<&str> = runs.iter().map(|run| run.started.id.as_str()).collect();
        self.facts.marks.retain(|id| ids.contains(id));
        self.measured.retain(|id| ids.contains(id.as_str()));
        for run in runs.iter().filter(|run| run.state == RunState::Running) {
            // It grows.
            self.measured.remove(&run.started.id);
        }
        if self.compare.as_ref().is_some_and(|compare| !compare.run_ids.iter().all(|id| ids.contains(id.as_str()))) {
            self.compare = None;
        }
        self.runs = Loadable::Ready(runs);
        self.arrange_around(anchor.as_ref());
    }

    fn anchor(&self) -> Option<Anchor> {
        match self.shown.rows.get(self.row)? {
            Row::Run(at) => self.rows().get(*at).map(|run| Anchor::Run(run.started.id.clone())),
            Row::Group(at) => self.shown.groups.get(*at).map(|group| Anchor::Group(group.key.clone())),
        }
    }

    /// Filters, sorts and groups anew; the chosen row stays the chosen one as long as it is shown.
    fn arrange(&mut self) {
        let anchor = self.anchor();
        self.arrange_around(anchor.as_ref());
    }

    fn arrange_around(&mut self, anchor: Option<&Anchor>) {
        let facts = (&self.filter, &self.facts);
        self.shown = Shown::of(self.rows(), &self.view, facts, &self.unfolded);
        let is_it = |row: &Row| match (row, anchor) {
            (Row::Run(at), Some(Anchor::Run(id))) => self.rows()[*at].started.id == *id,
            (Row::Group(at), Some(Anchor::Group(key))) => self.shown.groups[*at].key == *key,
            _ => false,
        };
        let again = self.shown.rows.iter().position(is_it);
        self.row = again.unwrap_or(self.row).min(self.shown.rows.len().saturating_sub(1));
        self.plot();
    }

    /// Sorts by a column; once more turns the order round.
    pub fn sort_by(&mut self, column: Column) {
        let again = self.view.sorted_by == column;
        self.view.descending = if again { !self.view.descending } else { column.starts_descending() };
        self.view.sorted_by = column;
        self.arrange();
    }

    /// Sorts by the next of the shown columns, or by the one before.
    fn shift_sort(&mut self, forward: bool, scene: &Scene) {
        let (columns, count) = (&self.view.columns, self.view.columns.len().max(1));
        let now = columns.iter().position(|column| *column == self.view.sorted_by);
        let next = match (now, forward) {
            (None, _) => 0,
            (Some(now), true) => (now + 1) % count,
            (Some(now), false) => (now + count - 1) % count,
        };
        if let Some(column) = columns.get(next).copied() {
            self.sort_by(column);
            self.shift = layout::shift_to(&self.view, column, (self.shift, scene.table_width));
        }
    }

    /// Moves within the table and changes how it is looked at.
    pub fn act(&mut self, action: Action, scene: &Scene) -> Vec<Effect> {
        self.notice = None;
        let (page, last) = (scene.visible_rows.max(1), self.shown.rows.len().saturating_sub(1));
        match action {
            Action::Up => self.row = self.row.saturating_sub(1),
            Action::Down => self.row = (self.row + 1).min(last),
            Action::PageUp => self.row = self.row.saturating_sub(page),
            Action::PageDown => self.row = (self.row + page).min(last),
            Action::First => self.row = 0,
            Action::Last => self.row = last,
            Action::Sort => self.shift_sort(true, scene),
            Action::SortBack => self.shift_sort(false, scene),
            Action::TurnSort => self.sort_by(self.view.sorted_by),
            Action::ColumnLeft => self.shift = self.shift.saturating_sub(1),
            Action::ColumnRight => self.shift = (self.shift + 1).min(layout::shiftable(&self.view).saturating_sub(1)),
            Action::Mark => self.mark(last),
            Action::ClearMarks => self.facts.marks.clear(),
            Action::Baseline => self.pin(),
            Action::Open => return self.open(),
            Action::Back => self.step_back(),
            Action::Report => return self.of_chosen("writing…", |run_id| Effect::WriteReport { run_id }),
            Action::Verify => return self.of_chosen("looking…", |run_id| Effect::VerifyRun { run_id }),
            _ => {}
        }
        self.top = layout::first_row(self.row, (self.top, self.shown.rows.len()), page);
        Vec::new()
    }

    /// Marks the chosen run or the group's, or no more, and goes on to the next row.
    fn mark(&mut self, last: usize) {
        let ids: Vec<String> = match (self.shown.rows.get(self.row), self.scatter.is_some()) {
            (Some(Row::Group(group)), false) => {
                let runs = self.shown.groups[*group].runs.iter().filter_map(|at| self.rows().get(*at));
                runs.map(|run| run.started.id.clone()).collect()
            }
            _ => self.chosen().map(|run| run.started.id.clone()).into_iter().collect(),
        };
        let marked = !ids.iter().all(|id| self.facts.marks.place_of(id).is_some());
        for id in &ids {
            self.facts.marks.set(id, marked);
        }
        if self.scatter.is_none() {
            self.row = (self.row + 1).min(last);
        }
        if self.view.sorted_by == Column::Mark || self.filter.asks_for(Column::Mark) {
            self.arrange();
        }
    }

    /// Makes the chosen run the baseline, or no more.
    fn pin(&mut self) {
        let chosen = self.chosen().map(|run| run.started.id.clone());
        self.view.baseline = chosen.filter(|id| self.view.baseline.as_ref() != Some(id));
    }

    fn of_chosen(&mut self, meanwhile: &str, effect: impl Fn(String) -> Effect) -> Vec<Effect> {
        let effects = self.chosen().map(|run| effect(run.started.id.clone()));
        self.notice = effects.as_ref().map(|_| meanwhile.to_owned());
        effects.into_iter().collect()
    }

    /// Opens the chosen run; a group it unfolds or folds.
    fn open(&mut self) -> Vec<Effect> {
        let group = self.shown.rows.get(self.row).filter(|_| self.compare.is_none() && self.scatter.is_none());
        if let Some(Row::Group(at)) = group {
            let key = self.shown.groups[*at].key.clone();
            if !self.unfolded.remove(&key) {
                self.unfolded.insert(key);
            }
            self.arrange();
            return Vec::new();
        }
        let Some(run_id) = self.chosen().map(|run| run.started.id.clone()) else { return Vec::new() };
        self.opened.clone_from(&run_id);
        self.detail = Some(Loadable::Loading);
        vec![Effect::LoadRun { run_id }]
    }

    /// Leaves the open run, else the comparison, else the scatter chart, else shows all runs again.
    fn step_back(&mut self) {
        if self.detail.take().is_none() && self.compare.take().is_none() && self.scatter.take().is_none() {
            self.set_filter("");
        }
    }

    /// Reads the open run again where the table knows more of it, or closes it where it is gone.
    pub fn refresh(&mut self) -> Vec<Effect> {
        let (Some(Loadable::Ready(detail)), Loadable::Ready(runs)) = (&self.detail, &self.runs) else {
            return Vec::new();
        };
        let run_id = detail.run.started.id.clone();
        match runs.iter().find(|run| run.started.id == run_id) {
            Some(run) if *run == brief(&detail.run) => Vec::new(),
            Some(_) => vec![Effect::LoadRun { run_id }],
            None => {
                self.detail = None;
                Vec::new()
            }
        }
    }
}

/// A run as the list of all has it, without what is long.
fn brief(run: &Run) -> Run {
    let started = NewRun { provenance: None, ..run.started.clone() };
    Run { started, checks: None, ..run.clone() }
}

/// A run's settings, where it can go on.
#[must_use]
pub fn resumable(run: &Run) -> Option<TrainConfig> {
    let over = matches!(run.state, RunState::Stopped | RunState::Failed | RunState::Crashed);
    settings(run).filter(|_| over && run.folds().is_none() && run.members().is_none())
}

/// A run's settings.
#[must_use]
pub fn settings(run: &Run) -> Option<TrainConfig> {
    serde_json::from_value(run.started.config.clone()).ok()
}
