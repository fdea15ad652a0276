//! Which runs are shown, in which order, under which groups: derived from the list and the view, never changed itself.

use std::collections::BTreeSet;

use super::column::{Column, Facts};
use super::filter::Filter;
use super::groups::{Group, group};
use super::view::RunsView;
use crate::store::Run;

/// A line of the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Row {
    /// Place in the groups.
    Group(usize),
    /// Place in the list of all runs.
    Run(usize),
}

/// The lines of the table.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Shown {
    pub rows: Vec<Row>,
    pub groups: Vec<Group>,
    /// Places of the runs that match, in the table's order, those of folded groups too.
    pub runs: Vec<usize>,
}

impl Shown {
    /// Filters, then sorts, then groups; the groups in `open` show their runs.
    #[must_use]
    pub fn of(runs: &[Run], view: &RunsView, (filter, facts): (&Filter, &Facts), open: &BTreeSet<String>) -> Self {
        let mut order = matching(runs, filter, facts);
        sort(runs, &mut order, (view.sorted_by, view.descending), facts);
        let Some(grouping) = view.grouped_by else {
            return Self { rows: order.iter().map(|at| Row::Run(*at)).collect(), groups: Vec::new(), runs: order };
        };
        let groups = group(runs, &order, (grouping, (view.sorted_by, view.descending)));
        let mut shown = Self { rows: Vec::new(), runs: Vec::with_capacity(order.len()), groups };
        for (place, group) in shown.groups.iter().enumerate() {
            shown.rows.push(Row::Group(place));
            if open.contains(&group.key) {
                shown.rows.extend(group.runs.iter().map(|at| Row::Run(*at)));
            }
            shown.runs.extend(&group.runs);
        }
        shown
    }
}

/// Places of the runs that a filter lets through.
#[must_use]
pub fn matching(runs: &[Run], filter: &Filter, facts: &Facts) -> Vec<usize> {
    let all = runs.iter().enumerate();
    all.filter(|(_, run)| filter.matches(run, facts)).map(|(at, _)| at).collect()
}

/// Puts places in the order of a column; equal ones stay as they are.
pub fn sort(runs: &[Run], order: &mut Vec<usize>, (column, descending): (Column, bool), facts: &Facts) {
    let mut keyed: Vec<_> = order.iter().map(|at| (column.value(&runs[*at], facts), *at)).collect();
    keyed.sort_by(|(a, _), (b, _)| a.compare(b, descending));
    *order = keyed.into_iter().map(|(_, at)| at).collect();
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::runs::figure::Figure;
    use crate::app::runs::groups::Grouping;
    use crate::app::sample;
    use crate::store::RunState;
    use proptest::prelude::*;

    fn runs() -> Vec<Run> {
        let states = [RunState::Finished, RunState::Stopped, RunState::Crashed, RunState::Failed, RunState::Finished];
        (1..).zip(states).map(|(number, state)| sample::run(number, state)).collect()
    }

    fn shown(view: &RunsView) -> Shown {
        let filter = Filter::parse(&view.filter).unwrap();
        Shown::of(&runs(), view, (&filter, &Facts::default()), &BTreeSet::new())
    }

    #[test]
    fn what_some_runs_lack_puts_those_last_either_way_round() {
        let view = RunsView { sorted_by: Column::Figure(Figure::Test), ..RunsView::default() };
        assert_eq!(shown(&view).runs[..2], [0, 4]);
        assert_eq!(shown(&RunsView { descending: false, ..view }).runs[..2], [0, 4]);
    }

    #[test]
    fn folded_groups_hide_their_runs_but_keep_them() {
        let view = RunsView { grouped_by: Some(Grouping::ButSeed), ..RunsView::default() };
        let shown = shown(&view);
        assert_eq!((shown.rows.len(), shown.runs.len()), (shown.groups.len(), 5));
    }

    proptest! {
        #[test]
        fn sorting_by_any_column_keeps_every_run(place in 0..36_usize, descending in any::<bool>()) {
            let Some(sorted_by) = Column::all().nth(place) else { return Ok(()) };
            let mut found = shown(&RunsView { sorted_by, descending, ..RunsView::default() }).runs;
            found.sort_unstable();
            prop_assert_eq!(found, [0, 1, 2, 3, 4]);
        }
    }
}
