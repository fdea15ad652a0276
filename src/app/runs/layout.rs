//! Which columns of the table fit, and which rows: the same for drawing and for the keys that move.

use super::column::Column;
use super::view::RunsView;

/// Cells before the first column: the chosen row's sign, and the baseline's.
pub const GUTTER: usize = 2;
/// Where groups say in it what their runs have in common.
const GROUP_NAME: usize = 24;
/// A name of any length takes what is left, up to so many cells.
const LONGEST_NAME: usize = 28;

/// A column where it is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shown {
    /// Place among the view's columns.
    pub place: usize,
    pub column: Column,
    /// Cells across.
    pub width: usize,
}

/// The columns that fit into so many cells: first those that stay, then the others from the `shift`th on.
#[must_use]
pub fn columns(view: &RunsView, shift: usize, width: usize) -> Vec<Shown> {
    let spread = view.grouped_by.is_some();
    let width_of = |column: Column| if spread && column == Column::Name { GROUP_NAME } else { column.width(spread) };
    let shown = |(place, column): (usize, &Column)| Shown { place, column: *column, width: width_of(*column) };
    let all: Vec<Shown> = view.columns.iter().enumerate().map(shown).collect();
    let (fixed, rest): (Vec<Shown>, Vec<Shown>) = all.into_iter().partition(|shown| shown.column.is_fixed());
    let mut used = GUTTER;
    let mut fitting: Vec<Shown> = Vec::new();
    for shown in fixed.into_iter().chain(rest.into_iter().skip(shift)) {
        if used + shown.width > width {
            break;
        }
        used += shown.width + 1;
        fitting.push(shown);
    }
    // The last one has no gap after it.
    let left = (width + 1).saturating_sub(used);
    for shown in fitting.iter_mut().filter(|shown| shown.column == Column::Name) {
        shown.width = (shown.width + left).min(LONGEST_NAME);
    }
    fitting
}

/// How many columns can be shifted.
#[must_use]
pub fn shiftable(view: &RunsView) -> usize {
    view.columns.iter().filter(|column| !column.is_fixed()).count()
}

/// The least shift, beginning with the one there is, at which a column is to be seen.
#[must_use]
pub fn shift_to(view: &RunsView, column: Column, (shift, width): (usize, usize)) -> usize {
    let is_seen = |shift: usize| columns(view, shift, width).iter().any(|shown| shown.column == column);
    let last = shiftable(view).saturating_sub(1);
    if is_seen(shift) || column.is_fixed() {
        return shift;
    }
    (shift..=last).chain((0..shift).rev()).find(|shift| is_seen(*shift)).unwrap_or(shift)
}

/// The first row to be shown of `rows`, so that the chosen one is among the `fits` that are seen: as before where that does.
#[must_use]
pub fn first_row(chosen: usize, (first, rows): (usize, usize), fits: usize) -> usize {
    let fits = fits.max(1);
    let lowest = (chosen + 1).saturating_sub(fits);
    first.min(rows.saturating_sub(fits)).clamp(lowest, chosen.max(lowest))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn columns_are_shifted_under_the_name() {
        let view = RunsView::default();
        let titles = |shift| columns(&view, shift, 56).iter().map(|shown| shown.column.key()).collect::<Vec<_>>();
        assert_eq!(titles(0), ["mark", "star", "name", "state", "val_acc", "test_acc"]);
        assert_eq!(titles(3), ["mark", "star", "name", "f1", "epochs", "time", "lr"]);
    }

    #[test]
    fn a_column_out_of_sight_is_brought_into_it() {
        let view = RunsView::default();
        let shift = shift_to(&view, Column::Tags, (0, 56));
        assert!(columns(&view, shift, 56).iter().any(|shown| shown.column == Column::Tags));
        assert_eq!(shift_to(&view, Column::State, (shift, 56)), 0);
        assert_eq!(shift_to(&view, Column::Name, (shift, 56)), shift);
    }

    proptest! {
        #[test]
        fn the_columns_never_take_more_than_there_is(shift in 0..40_usize, width in 0..260_usize) {
            let view = RunsView { columns: Column::all().collect(), ..RunsView::default() };
            let shown = columns(&view, shift, width);
            let used: usize = GUTTER + shown.iter().map(|shown| shown.width + 1).sum::<usize>();
            prop_assert!(shown.is_empty() || used - 1 <= width);
        }

        #[test]
        fn the_chosen_row_is_always_seen(chosen in 0..50_usize, first in 0..60_usize, fits in 1..30_usize) {
            let top = first_row(chosen, (first, 50), fits);
            prop_assert!((top..top + fits).contains(&chosen));
        }
    }
}
