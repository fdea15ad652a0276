//! What the keys of the Runs screen do beyond the table: the trash, copies, comparison, scatter chart, popups.

use super::RunsScreen;
use super::column::Column;
use super::compare::Compare;
use super::export::{self, MOST_COPIED};
use super::groups::Grouping;
use super::scatter::Scatter;
use super::value::Value;
use super::work::RunsWork;
use crate::app::App;
use crate::app::action::{Action, Place};
use crate::app::message::{Effect, Loadable};
use crate::app::popup::{Popup, Question};
use crate::app::scene::{Scene, Target};
use crate::store::{NewRun, Run, RunState};

impl App {
    pub(in crate::app) fn act_on_runs(&mut self, action: Action, scene: &Scene) -> Vec<Effect> {
        self.runs.notice = None;
        match action {
            Action::Filter => self.runs.begin_filter(),
            Action::Keep | Action::Discard => self.runs.end_filter(action),
            Action::Rename => self.ask_name(),
            Action::Note => self.ask_note(),
            Action::Tags => self.ask_tags(),
            Action::Export => self.ask_file(),
            Action::GroupBy => self.choose_group(),
            Action::ChooseColumns => self.choose_columns(),
            Action::EmptyTrash => self.ask_to_empty_trash(),
            Action::Delete => return vec![Effect::Runs(RunsWork::Trash(self.marked_or_chosen()))],
            Action::Promote => self.ask_to_promote(),
            Action::RollBack => self.popup = Some(Popup::Question(Question::RollBack)),
            Action::Undo => return self.runs.undo(),
            Action::Star => return self.runs.star(),
            Action::CopyValue => return self.runs.copy_value(),
            Action::CopyRow => return self.runs.copy_row(),
            Action::Compare => return self.runs.begin_compare(),
            Action::Open if self.runs.opens_comparison() => return self.runs.begin_compare(),
            Action::Scatter => self.runs.begin_scatter(),
            _ => return self.act_in_place(action, scene),
        }
        Vec::new()
    }

    fn act_in_place(&mut self, action: Action, scene: &Scene) -> Vec<Effect> {
        let points = self.runs.points().len();
        match (self.runs.place(), action) {
            (_, Action::Open | Action::Back | Action::Baseline) => {}
            (Place::Compare, _) => {
                let limits = (scene.scroll_limit, scene.visible_rows.max(1));
                self.runs.compare.iter_mut().for_each(|compare| compare.act(action, limits));
                return Vec::new();
            }
            (Place::Scatter, action) if action != Action::Mark => {
                self.runs.scatter.iter_mut().for_each(|scatter| scatter.act(action, points));
                self.runs.plot();
                return Vec::new();
            }
            _ => {}
        }
        self.runs.act(action, scene)
    }

    /// The marked runs, where there are some and a table is shown, else the chosen one.
    pub(in crate::app) fn marked_or_chosen(&self) -> Vec<String> {
        // What the filter hides is not meant.
        let is_marked = |id: &String| self.runs.facts.marks.place_of(id).is_some();
        let shown = self.runs.matching().map(|run| run.started.id.clone());
        let marked: Vec<String> =
            if self.runs.detail.is_none() { shown.filter(is_marked).collect() } else { Vec::new() };
        if !marked.is_empty() {
            return marked;
        }
        self.runs.chosen().map(|run| run.started.id.clone()).into_iter().collect()
    }

    /// A click on a row, a point or a title.
    pub(in crate::app) fn click_runs(&mut self, target: Target, scene: &Scene) -> Vec<Effect> {
        match (target, &mut self.runs.compare, &mut self.runs.scatter) {
            (Target::Column(column), Some(compare), _) => compare.choose(column),
            (Target::Row(row), None, Some(scatter)) if scatter.cursor != row => scatter.cursor = row,
            (Target::Row(row), None, None) if self.runs.row != row => self.runs.row = row,
            (Target::Row(_), None, _) => return self.act(Action::Open, scene),
            (Target::Column(column), None, None) => {
                if let Some(column) = self.runs.view.columns.get(column).copied() {
                    self.runs.sort_by(column);
                }
            }
            _ => {}
        }
        Vec::new()
    }

    fn ask_to_promote(&mut self) {
        let Some(run) = self.runs.chosen() else { return };
        let (run_id, name) = (run.started.id.clone(), run.started.name.clone());
        match self.runs.no_promotion(run) {
            Some(why) => self.runs.notice = Some(format!("{name} {why}")),
            None => self.popup = Some(Popup::Question(Question::Promote { run_id, name })),
        }
    }

    /// The sizes of runs on disk that are to be seen and not known yet.
    pub(in crate::app) fn measure(&mut self, scene: &Scene) -> Vec<Effect> {
        let unknown = self.runs.unmeasured(scene.visible_rows.max(1));
        if unknown.is_empty() { Vec::new() } else { vec![Effect::Runs(RunsWork::Measure(unknown))] }
    }
}

impl RunsScreen {
    /// Why a run cannot become the champion; `None` where it can.
    #[must_use]
    pub fn no_promotion(&self, run: &Run) -> Option<&'static str> {
        match () {
            () if self.facts.champion_version(run).is_some() => Some("is the champion already"),
            () if run.started.is_foreign() => Some(NewRun::FOREIGN),
            () if run.folds().is_some() || run.started.parent.is_some() => {
                Some("belongs to a cross-validation: run its settings again, as one run")
            }
            () if run.state != RunState::Finished => Some("is not finished: only a finished run can be the champion"),
            () => None,
        }
    }

    /// Groups the table, or no more.
    pub(super) fn group_by(&mut self, grouping: Option<Grouping>) {
        self.view.grouped_by = grouping;
        self.unfolded.clear();
        self.arrange();
    }

    fn begin_scatter(&mut self) {
        self.scatter = Some(Scatter::default());
        self.plot();
    }

    /// Brings back what was thrown away last.
    fn undo(&mut self) -> Vec<Effect> {
        if let Some(run_ids) = self.trash.pop() {
            return vec![Effect::Runs(RunsWork::Restore(run_ids))];
        }
        self.notice = Some("nothing was moved to the trash since the program was opened".into());
        Vec::new()
    }

    /// Whether something can be brought back.
    #[must_use]
    pub const fn can_undo(&self) -> bool {
        !self.trash.is_empty()
    }

    fn star(&self) -> Vec<Effect> {
        let of = |run: &crate::store::Run| {
            Effect::Runs(RunsWork::Star { run_id: run.started.id.clone(), starred: !run.starred })
        };
        self.chosen().map(of).into_iter().collect()
    }

    /// What the sorted column says of the chosen run; its id, where that says nothing or only what run it is.
    fn copy_value(&mut self) -> Vec<Effect> {
        let Some(run) = self.chosen() else { return Vec::new() };
        let column = self.view.sorted_by;
        let telling = !matches!(column, Column::Started | Column::Mark | Column::Star | Column::Name | Column::State);
        let value = column.value(run, &self.facts);
        let (what, text) = match value {
            value if telling && value != Value::None => (column.title(), value.to_string()),
            _ => ("id", run.started.id.clone()),
        };
        let said = format!("copied the {what} of {}: {text}", run.started.name);
        self.copy(text, said)
    }

    fn copy_row(&mut self) -> Vec<Effect> {
        let Some(run) = self.chosen() else { return Vec::new() };
        let said = format!("copied the row of {} with its titles", run.started.name);
        let text = export::row(&self.view.columns, run, &self.facts);
        self.copy(text, said)
    }

    fn copy(&mut self, text: String, said: String) -> Vec<Effect> {
        if text.len() > MOST_COPIED {
            self.notice = Some(format!("{} bytes are more than a terminal takes: {MOST_COPIED}", text.len()));
            return Vec::new();
        }
        self.notice = Some(said);
        vec![Effect::Copy(text)]
    }

    /// The runs that a comparison would be of: the marked ones, or the baseline and the chosen one.
    #[must_use]
    pub fn comparable(&self) -> Vec<(String, usize)> {
        let marks = &self.facts.marks;
        if marks.len() > 1 {
            let ids = marks.ids().into_iter();
            return ids.filter_map(|id| marks.place_of(&id).map(|place| (id, place))).collect();
        }
        let ids = self.baseline().zip(self.chosen()).map(|(a, b)| [a.started.id.clone(), b.started.id.clone()]);
        ids.filter(|[a, b]| a != b).map_or_else(Vec::new, |ids| ids.into_iter().zip(0..).collect())
    }

    /// Whether Enter compares: on a row that is marked with others.
    fn opens_comparison(&self) -> bool {
        let marked = self.chosen().is_some_and(|run| self.facts.marks.place_of(&run.started.id).is_some());
        self.place() == Place::Runs && marked && self.facts.marks.len() > 1
    }

    fn begin_compare(&mut self) -> Vec<Effect> {
        let runs = self.comparable();
        if runs.is_empty() {
            self.notice = Some("mark two runs or more, or pin one as the baseline and choose another".into());
            return Vec::new();
        }
        let left_out = runs.len().saturating_sub(super::compare::MOST);
        if left_out > 0 {
            let most = super::compare::MOST;
            self.notice = Some(format!("the first {most} marked runs; {left_out} more could not be told apart"));
        }
        let compare = Compare::of(runs);
        let mut effects = vec![Effect::Runs(RunsWork::Compare(compare.run_ids.clone()))];
        let pair = <[String; 2]>::try_from(compare.run_ids.clone()).ok();
        effects.extend(pair.map(|pair| Effect::Runs(RunsWork::Pair(pair))));
        let paired = if effects.len() > 1 { Loadable::Loading } else { Loadable::Idle };
        self.compare = Some(Compare { paired, ..compare });
        effects
    }

    /// Runs whose size was not asked for yet: all, where the table is sorted or filtered by it, else the seen ones.
    fn unmeasured(&mut self, fits: usize) -> Vec<String> {
        let decides = self.view.sorted_by == Column::Size || self.filter.asks_for(Column::Size);
        if self.place() != Place::Runs && self.place() != Place::Filter {
            return Vec::new();
        }
        let ids: Vec<String> = if decides {
            self.rows().iter().map(|run| run.started.id.clone()).collect()
        } else if self.view.columns.contains(&Column::Size) {
            let seen = self.shown.rows.iter().skip(self.top).take(fits);
            let run = |row: &super::Row| match row {
                super::Row::Run(at) => self.rows().get(*at).map(|run| run.started.id.clone()),
                super::Row::Group(_) => None,
            };
            seen.filter_map(run).collect()
        } else {
            Vec::new()
        };
        ids.into_iter().filter(|id| self.measured.insert(id.clone())).collect()
    }
}
