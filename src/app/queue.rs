//! The runs that wait for their turn, as they are shown.

use super::App;
use super::action::{Action, Place};
use super::message::Effect;
use super::popup::{Popup, stepped};
use super::scene::Scene;
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
}

impl App {
    /// Why the chosen entry of the queue cannot be tried again; `None` where it can.
    pub(super) fn no_retry(&self) -> Option<&'static str> {
        let Some(Popup::Queue(list)) = &self.popup else { return Some("no queue is shown") };
        let entries = &self.train.queue.entries;
        entries.get(list.row).map_or(Some("none is chosen"), |entry| entry.no_retry(entries))
    }

    /// Moves the chosen row, works through the queue, takes a run out that is not under way, or lets one wait again.
    pub(super) fn act_on_queue(&mut self, action: Action, scene: &Scene) -> Vec<Effect> {
        let (stop, no_retry) = (self.key_of(Place::Live, Action::Stop), self.no_retry());
        let Some(Popup::Queue(list)) = &mut self.popup else { return Vec::new() };
        list.notice = None;
        let chosen = self.train.queue.entries.get(list.row).map(|entry| (entry.id, entry.state));
        match (action, chosen) {
            (Action::Start, _) => return self.run_queue(),
            (Action::Delete, Some((_, EntryState::Running))) => {
                list.notice = Some(format!("under way: first stop it, with {stop} where Train shows it"));
            }
            (Action::Delete, Some((id, _))) => return vec![Effect::RemoveEntries(vec![id])],
            (Action::Retry, Some((id, _))) => match no_retry {
                None => return vec![Effect::RetryEntries(vec![id])],
                Some(why) => list.notice = Some(format!("it cannot be tried again: {why}")),
            },
            _ => {
                let found = self.train.queue.entries.len();
                list.row = stepped(list.row, action, (found, scene.visible_rows.max(1)));
            }
        }
        Vec::new()
    }
}
