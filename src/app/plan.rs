//! What is to be tried: values of some settings, and in which way; nothing of it is one run.

use crate::app::form::Field;
use crate::train::TrainConfig;
use crate::train::space::{Axis, Halving, Search, Strategy};

/// Candidates by chance where nobody says how many.
const DRAWS: usize = 10;

/// Of so many candidates one goes on in successive halving, where nobody says otherwise.
const ETA: usize = 3;

/// How candidates are found, and whether weak ones end early.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Way {
    /// So many by chance; else every combination.
    pub random: Option<usize>,
    /// Of so many candidates one goes on.
    pub halving: Option<usize>,
}

impl Way {
    /// `grid`, `random 20`, `grid, halving 3`.
    #[must_use]
    pub fn text(self) -> String {
        let first = self.random.map_or_else(|| "grid".to_owned(), |draws| format!("random {draws}"));
        self.halving.map_or_else(|| first.clone(), |eta| format!("{first}, halving {eta}"))
    }

    /// # Errors
    /// What was typed instead, and what can be.
    pub fn parse(text: &str) -> Result<Self, String> {
        let mut way = Self::default();
        for part in text.split(',').map(str::trim).filter(|part| !part.is_empty()) {
            let mut words = part.split_whitespace();
            let (name, number) = (words.next(), words.next());
            let number = number.map(|n| n.parse().map_err(|_| format!("{n:?} is no whole number"))).transpose()?;
            match (name, words.next()) {
                (Some("grid"), None) if number.is_none() => way.random = None,
                (Some("random"), None) => way.random = Some(number.unwrap_or(DRAWS)),
                (Some("halving"), None) => way.halving = Some(number.unwrap_or(ETA)),
                _ => return Err(format!("{part:?} is none of grid, random N, halving N")),
            }
        }
        Ok(way)
    }

    /// The next usual way.
    #[must_use]
    pub fn stepped(self, up: bool) -> Self {
        const USUAL: [(bool, bool); 4] = [(false, false), (false, true), (true, false), (true, true)];
        let now = (self.random.is_some(), self.halving.is_some());
        let at = USUAL.iter().position(|usual| *usual == now).unwrap_or(0);
        let (random, halving) = USUAL[(at + if up { 1 } else { USUAL.len() - 1 }) % USUAL.len()];
        Self { random: random.then_some(DRAWS), halving: halving.then_some(ETA) }
    }
}

/// Values that some settings are tried with.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Plan {
    axes: Vec<(Field, Axis)>,
    pub way: Way,
}

impl Plan {
    /// Whether typed text means several values of a setting.
    #[must_use]
    pub fn is_list(field: Field, text: &str) -> bool {
        field != Field::PRETRAINED && (text.contains(',') || text.contains(".."))
    }

    /// Tries a setting with the typed values.
    ///
    /// # Errors
    /// What is wrong with the text, or with the runs that it would make.
    pub fn set(&mut self, (field, text): (Field, &str), base: &TrainConfig) -> Result<(), String> {
        let axis = Axis::of(field.setting().name, text)?;
        let mut next = self.clone();
        next.axes.retain(|(other, _)| *other != field);
        next.axes.push((field, axis));
        // A range without a number of draws has no end: it is drawn from.
        if next.search(base).candidates().is_err() && next.way.random.is_none() {
            next.way.random = Some(DRAWS);
        }
        next.search(base).candidates().map_err(|error| error.to_string())?;
        *self = next;
        Ok(())
    }

    /// One value again.
    pub fn unset(&mut self, field: Field) {
        self.axes.retain(|(other, _)| *other != field);
    }

    /// The values of a setting that has several.
    #[must_use]
    pub fn text(&self, field: Field) -> Option<String> {
        let axis = &self.axes.iter().find(|(other, _)| *other == field)?.1;
        Some(axis.text().split_once('=').map_or_else(|| axis.text(), |(_, values)| values.trim().to_owned()))
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.axes.is_empty()
    }

    /// The search that it is, around these settings.
    #[must_use]
    pub fn search(&self, base: &TrainConfig) -> Search {
        Search {
            variants: Vec::new(),
            base: base.clone(),
            axes: self.axes.iter().map(|(_, axis)| axis.clone()).collect(),
            strategy: self.way.random.map_or(Strategy::Grid, Strategy::Random),
            halving: self.way.halving.map(|eta| Halving { eta, min_epochs: None }),
        }
    }

    /// Runs that it makes.
    ///
    /// # Errors
    /// Why it makes none.
    pub fn runs(&self, base: &TrainConfig) -> Result<usize, String> {
        let candidates = self.search(base).candidates().map_err(|error| error.to_string())?;
        Ok(candidates.iter().map(|candidate| candidate.configs.len()).sum())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn several_values_make_a_grid_of_runs() {
        let (mut plan, base) = (Plan::default(), TrainConfig::default());
        plan.set((Field::LEARNING_RATE, "1e-3, 3e-4"), &base).unwrap();
        plan.set((Field::SEED, "1..3"), &base).unwrap();
        assert_eq!(plan.runs(&base), Ok(6));
        assert_eq!(plan.text(Field::LEARNING_RATE).as_deref(), Some("1e-3, 3e-4"));
        plan.unset(Field::SEED);
        assert_eq!(plan.runs(&base), Ok(2));
    }

    #[test]
    fn a_range_is_drawn_from() {
        let (mut plan, base) = (Plan::default(), TrainConfig::default());
        plan.set((Field::LEARNING_RATE, "1e-4..1e-2"), &base).unwrap();
        assert_eq!((plan.way.random, plan.runs(&base)), (Some(DRAWS), Ok(DRAWS)));
    }

    #[test]
    fn values_out_of_range_are_refused_before_anything_starts() {
        let (mut plan, base) = (Plan::default(), TrainConfig::default());
        assert!(plan.set((Field::LEARNING_RATE, "1e-3, -1"), &base).is_err());
        assert!(plan.set((Field::EPOCHS, "5, many"), &base).is_err());
        assert!(plan.is_empty());
    }

    #[test]
    fn ways_are_typed_as_they_are_shown() {
        for way in [(None, None), (Some(20), None), (None, Some(4)), (Some(7), Some(2))] {
            let way = Way { random: way.0, halving: way.1 };
            assert_eq!(Way::parse(&way.text()), Ok(way));
        }
        assert!(Way::parse("annealing").unwrap_err().contains("grid, random N, halving N"));
    }

    #[test]
    fn stepping_goes_through_all_ways_and_back() {
        let mut way = Way::default();
        for _ in 0..4 {
            assert_eq!(way.stepped(true).stepped(false), way);
            way = way.stepped(true);
        }
        assert_eq!(way, Way::default());
    }
}
