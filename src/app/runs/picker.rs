//! The list in which the columns of the table are chosen and ordered.

use super::column::Column;
use crate::app::action::Action;
use crate::app::input::Input;

/// All columns, the shown ones first and in their order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Picker {
    pub entries: Vec<(Column, bool)>,
    /// Place among those found.
    pub row: usize,
    pub search: Input,
    /// Letters go into the search.
    pub searching: bool,
}

impl Picker {
    /// With these columns shown.
    #[must_use]
    pub fn of(shown: &[Column]) -> Self {
        let others = Column::all().filter(|column| !shown.contains(column)).map(|column| (column, false));
        let entries = shown.iter().map(|column| (*column, true)).chain(others).collect();
        Self { entries, row: 0, search: Input::default(), searching: false }
    }

    /// Places of the columns that the search finds.
    #[must_use]
    pub fn found(&self) -> Vec<usize> {
        let words: Vec<String> = self.search.text().to_lowercase().split_whitespace().map(str::to_owned).collect();
        let matches = |(_, (column, _)): &(usize, &(Column, bool))| {
            let text = format!("{} {} {}", column.key(), column.title(), column.label()).to_lowercase();
            words.iter().all(|word| text.contains(word))
        };
        self.entries.iter().enumerate().filter(matches).map(|(at, _)| at).collect()
    }

    /// The columns that are to be shown, in their order.
    #[must_use]
    pub fn columns(&self) -> Vec<Column> {
        self.entries.iter().filter(|(_, shown)| *shown).map(|(column, _)| *column).collect()
    }

    /// Does what the action says of it; `page` rows are to be seen.
    pub fn act(&mut self, action: Action, page: usize) {
        let found = self.found();
        let last = found.len().saturating_sub(1);
        let row = self.row.min(last);
        self.row = match action {
            Action::Up => row.saturating_sub(1),
            Action::Down => row + 1,
            Action::PageUp => row.saturating_sub(page),
            Action::PageDown => row + page,
            Action::First => 0,
            Action::Last => last,
            _ => row,
        }
        .min(last);
        let Some(&at) = found.get(self.row) else { return };
        match action {
            Action::Mark => self.toggle(at),
            Action::MoveUp => self.swap((at, self.row.checked_sub(1)), &found),
            Action::MoveDown => self.swap((at, Some(self.row + 1)), &found),
            _ => {}
        }
    }

    /// The last one that is shown stays.
    fn toggle(&mut self, at: usize) {
        if self.columns().len() > 1 || !self.entries[at].1 {
            self.entries[at].1 = !self.entries[at].1;
        }
    }

    /// Changes places with the neighbour that is to be seen, and follows.
    fn swap(&mut self, (at, row): (usize, Option<usize>), found: &[usize]) {
        if let Some((row, other)) = row.and_then(|row| Some((row, *found.get(row)?))) {
            self.entries.swap(at, other);
            self.row = row;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::runs::view::RunsView;
    use proptest::prelude::*;

    #[test]
    fn a_column_is_moved_and_taken_away() {
        let mut picker = Picker::of(&[Column::Name, Column::State, Column::Tags]);
        picker.act(Action::MoveDown, 5);
        assert_eq!(picker.columns(), [Column::State, Column::Name, Column::Tags]);
        assert_eq!(picker.row, 1, "the choice goes with it");
        picker.act(Action::Mark, 5);
        assert_eq!(picker.columns(), [Column::State, Column::Tags]);
    }

    #[test]
    fn a_search_finds_a_column_to_be_shown() {
        let mut picker = Picker::of(&[Column::Name]);
        picker.search = Input::from("sensit".to_owned());
        picker.act(Action::Mark, 5);
        assert_eq!(picker.columns().len(), 2);
        assert_eq!(picker.columns()[1].key(), "sens");
    }

    proptest! {
        #[test]
        fn whatever_is_done_no_column_is_lost_and_one_is_shown(actions in prop::collection::vec(0..7_usize, 0..60)) {
            const ALL: [Action; 7] = [
                Action::Up, Action::Down, Action::PageDown, Action::Mark, Action::MoveUp, Action::MoveDown, Action::Last,
            ];
            let mut picker = Picker::of(&RunsView::default().columns);
            for action in actions {
                picker.act(ALL[action], 3);
            }
            prop_assert!(!picker.columns().is_empty());
            prop_assert_eq!(picker.entries.len(), Column::all().count());
            prop_assert!(Column::all().all(|column| picker.entries.iter().filter(|(c, _)| *c == column).count() == 1));
        }
    }
}
