//! Which images of a run are stepped through, and in which order.

use serde::{Deserialize, Serialize};

use super::case::Case;
use super::filter::{self, Filter};
use super::order::Order;
use crate::app::input::Input;
use crate::app::query::Filtering;
use crate::metrics::Threshold;

/// How the user goes through the images; the order is kept from one session to the next.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct ListView {
    /// As it was typed; without one all images are shown.
    #[serde(skip)]
    pub filter: String,
    pub order: Order,
    /// The other way round.
    pub turned: bool,
}

/// The images that are stepped through.
#[derive(Debug, Default)]
pub struct List {
    pub view: ListView,
    /// While it is typed.
    pub filtering: Option<Filtering>,
    filter: Filter,
    /// Their numbers among all.
    places: Vec<usize>,
}

impl List {
    /// The same without any images yet.
    #[must_use]
    pub fn emptied(self) -> Self {
        Self { places: Vec::new(), ..self }
    }

    /// Numbers of the images that are stepped through, in their order.
    #[must_use]
    pub fn places(&self) -> &[usize] {
        &self.places
    }

    /// Where image `index` stands among them.
    #[must_use]
    pub fn position(&self, index: usize) -> Option<usize> {
        self.places.iter().position(|place| *place == index)
    }

    /// Puts them in order anew.
    pub fn arrange(&mut self, cases: &[Case], thresholds: [Threshold; 2]) {
        let matching = cases.iter().enumerate().filter(|(_, case)| self.filter.matches(case, thresholds));
        self.places = matching.map(|(place, _)| place).collect();
        let order = self.view.order;
        self.places.sort_by(|a, b| order.compare((&cases[*a], &cases[*b]), thresholds[0]));
        if self.view.turned {
            self.places.reverse();
        }
    }

    /// Begins to type a filter, with the one there is.
    pub fn begin_filter(&mut self) {
        self.filtering = Some(Filtering::begin(&self.view.filter));
    }

    /// Changes the text that is typed; whether another filter holds now.
    pub fn type_filter(&mut self, change: impl FnOnce(&mut Input) -> bool) -> bool {
        let Some(filtering) = &mut self.filtering else { return false };
        let held = filtering.change(change, Filter::parse, filter::words());
        held.is_some_and(|held| {
            let is_other = held != self.view.filter;
            self.set_filter(&held);
            is_other
        })
    }

    /// Keeps what is typed, unless it is no filter, or goes back to the filter before.
    pub fn end_filter(&mut self, keep: bool) {
        let Some(filtering) = self.filtering.take() else { return };
        match (keep, filtering.problem.is_some()) {
            (true, true) => self.filtering = Some(filtering),
            (true, false) => self.set_filter(filtering.input.text()),
            (false, _) => self.set_filter(&filtering.before),
        }
    }

    /// Lets another filter hold; one that cannot be read shows all.
    pub fn set_filter(&mut self, text: &str) {
        let filter = Filter::parse(text);
        self.view.filter = if filter.is_ok() { text.to_owned() } else { String::new() };
        self.filter = filter.unwrap_or_default();
    }
}
