//! The marked runs, each with a place that it keeps as long as it is marked: its colour and stroke come from it.

use std::collections::{BTreeMap, BTreeSet};

/// Marked runs by id.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Marks {
    places: BTreeMap<String, usize>,
    /// Places below the highest one that nobody has.
    free: BTreeSet<usize>,
}

impl Marks {
    /// The place of a run; `None` where it is not marked.
    #[must_use]
    pub fn place_of(&self, run_id: &str) -> Option<usize> {
        self.places.get(run_id).copied()
    }

    #[must_use]
    pub fn len(&self) -> usize {
        self.places.len()
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.places.is_empty()
    }

    /// Marks a run, or no more.
    pub fn set(&mut self, run_id: &str, marked: bool) {
        if !marked {
            self.free.extend(self.places.remove(run_id));
        } else if !self.places.contains_key(run_id) {
            let next = self.places.len();
            let place = self.free.pop_first().unwrap_or(next);
            self.places.insert(run_id.to_owned(), place);
        }
    }

    pub fn clear(&mut self) {
        *self = Self::default();
    }

    /// Forgets runs that are gone.
    pub fn retain(&mut self, is_there: impl Fn(&str) -> bool) {
        let gone: Vec<String> = self.places.keys().filter(|id| !is_there(id)).cloned().collect();
        for id in gone {
            self.set(&id, false);
        }
    }

    /// The ids in the order of their places.
    #[must_use]
    pub fn ids(&self) -> Vec<String> {
        let mut ids: Vec<_> = self.places.iter().collect();
        ids.sort_by_key(|(_, place)| **place);
        ids.into_iter().map(|(id, _)| id.clone()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_run_keeps_its_place_while_others_come_and_go() {
        let mut marks = Marks::default();
        for id in ["a", "b", "c"] {
            marks.set(id, true);
        }
        marks.set("a", false);
        assert_eq!((marks.place_of("b"), marks.place_of("c")), (Some(1), Some(2)));
        marks.set("d", true);
        assert_eq!(marks.ids(), ["d", "b", "c"], "the freed place is taken first");
    }

    proptest! {
        #[test]
        fn no_two_runs_share_a_place(changes in prop::collection::vec(("[a-e]", any::<bool>()), 0..40)) {
            let mut marks = Marks::default();
            for (id, marked) in changes {
                marks.set(&id, marked);
                let places: BTreeSet<_> = marks.places.values().collect();
                prop_assert_eq!(places.len(), marks.len());
                prop_assert!(marks.places.values().all(|place| *place < 5));
            }
        }
    }
}
