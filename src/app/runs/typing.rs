//! The filter while it is typed: it holds at once, and a text that is no filter yet leaves the last good one.

use super::RunsScreen;
use super::column::{ALIASES, Column};
use super::filter::{FLAGS, Filter, Problem};
use crate::app::action::Action;
use crate::app::input::Input;

/// A filter that is being typed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Filtering {
    pub input: Input,
    pub problem: Option<Problem>,
    /// What was shown before.
    before: String,
}

impl RunsScreen {
    /// Begins to type a filter, with the one there is.
    pub fn begin_filter(&mut self) {
        let before = self.view.filter.clone();
        self.filtering = Some(Filtering { input: Input::from(before.clone()), problem: None, before });
    }

    /// Changes the text that is typed.
    pub fn type_filter(&mut self, change: impl FnOnce(&mut Input) -> bool) {
        let Some(filtering) = &mut self.filtering else { return };
        change(&mut filtering.input);
        let text = filtering.input.text().to_owned();
        filtering.problem = Filter::parse(&text).err();
        let held = &text[..text.len() - begun(&text)];
        if let (None, Ok(filter)) = (&filtering.problem, Filter::parse(held)) {
            self.filter = filter;
            held.clone_into(&mut self.view.filter);
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

/// Bytes of the word at the end of a text that may become `acc>0.9`: until it is kept or goes on, it holds nothing back, or
/// the table would go blank for a moment.
fn begun(text: &str) -> usize {
    let last = text.rsplit(char::is_whitespace).next().unwrap_or_default();
    let word = last.trim_start_matches('!').to_lowercase();
    let mut keys = Column::all().map(Column::key).chain(ALIASES.map(|(alias, _)| alias));
    let is_begun = !FLAGS.contains(&word.as_str()) && keys.any(|key| key.starts_with(&word));
    if is_begun { last.len() } else { 0 }
}
