//! The filter while it is typed: it holds at once, and a text that is no filter yet leaves the last good one.

use super::RunsScreen;
use super::column::{ALIASES, Column};
use super::filter::{FLAGS, Filter};
use crate::app::action::Action;
use crate::app::input::Input;
use crate::app::query::Filtering;
use crate::train::setting;

impl RunsScreen {
    /// Begins to type a filter, with the one there is.
    pub fn begin_filter(&mut self) {
        self.filtering = Some(Filtering::begin(&self.view.filter));
    }

    /// Changes the text that is typed.
    pub fn type_filter(&mut self, change: impl FnOnce(&mut Input) -> bool) {
        let Some(filtering) = &mut self.filtering else { return };
        if let Some(held) = filtering.change(change, Filter::parse, words()) {
            self.filter = Filter::parse(&held).unwrap_or_default();
            self.view.filter = held;
            self.arrange();
        }
    }

    /// Keeps what is typed, unless it is no filter, or goes back to the filter before.
    pub fn end_filter(&mut self, action: Action) {
        let Some(filtering) = self.filtering.take() else { return };
        match action {
            Action::Keep if filtering.problem.is_some() => self.filtering = Some(filtering),
            Action::Keep => self.set_filter(filtering.input.text()),
            _ => self.set_filter(&filtering.before),
        }
    }

    /// Shows the runs that match; all, where the text is no filter.
    pub fn set_filter(&mut self, text: &str) {
        let filter = Filter::parse(text).ok();
        text.clone_into(&mut self.view.filter);
        if filter.is_none() {
            self.view.filter.clear();
        }
        self.filter = filter.unwrap_or_default();
        self.arrange();
    }
}

/// What a word that is being typed may become, and whether that asks for something by itself.
fn words() -> impl Iterator<Item = (&'static str, bool)> {
    let settings = setting::ALL
        .iter()
        .filter(|setting| setting.is_stored())
        .map(|setting| setting.name)
        .filter(|name| Column::all().all(|column| column.key() != *name));
    let keys = Column::all().map(Column::key).chain(ALIASES.map(|(alias, _)| alias)).chain(settings);
    keys.map(|key| (key, false)).chain(FLAGS.map(|flag| (flag, true)))
}
