//! The runs that wait for their turn, as they are shown.

use super::action::Action;
use super::message::Effect;
use crate::store::{Entry, EntryState};

/// The queue as it was read last.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Queue {
    pub entries: Vec<Entry>,
    /// Why it cannot be read.
    pub problem: Option<String>,
    /// This program works through it.
    pub at_work: bool,
    /// It is to be worked through when the run under way has ended.
    pub is_next: bool,
}

impl Queue {
    pub fn hear(&mut self, entries: Result<Vec<Entry>, String>) {
        match entries {
            Ok(entries) => (self.entries, self.problem) = (entries, None),
            Err(problem) => self.problem = Some(problem),
        }
    }

    /// Runs that wait.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.entries.iter().filter(|entry| entry.state == EntryState::Waiting).count()
    }

    /// Moves the chosen row, or takes a waiting run out.
    pub fn act(&self, action: Action, (row, page): (&mut usize, usize)) -> Vec<Effect> {
        let last = self.entries.len().saturating_sub(1);
        match action {
            Action::Up => *row = row.saturating_sub(1),
            Action::Down => *row = (*row + 1).min(last),
            Action::PageUp => *row = row.saturating_sub(page),
            Action::PageDown => *row = (*row + page).min(last),
            Action::First => *row = 0,
            Action::Last => *row = last,
            Action::Delete => {
                let entry = self.entries.get(*row).filter(|entry| entry.state != EntryState::Running);
                return entry.map(|entry| Effect::RemoveEntries(vec![entry.id])).into_iter().collect();
            }
            _ => {}
        }
        Vec::new()
    }
}
