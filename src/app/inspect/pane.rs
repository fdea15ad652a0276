//! What of Inspect is shown at the left, and how one gets from one to another.

use super::InspectScreen;
use super::similar::Similar;
use crate::app::action::{Action, Place};
use crate::app::message::Effect;
use crate::store::RunState;

/// Why a key does nothing.
pub const NO_RUN: &str = "no run answers here: ] chooses one, or train one on 2";

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Pane {
    /// One image.
    #[default]
    Picture,
    /// Many at once.
    Grid,
    /// Of all answers.
    Curves,
    /// The images most like the shown one.
    Similar,
}

/// The pane that is shown, and the one that the images are stepped through in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Panes {
    pub shown: Pane,
    /// [`Pane::Picture`] or [`Pane::Grid`]: what the others lead back to.
    base: Pane,
}

impl Panes {
    /// Shows one; the same again leads back.
    pub fn toggle(&mut self, pane: Pane) {
        let back = if pane == Pane::Grid { Pane::Picture } else { self.base };
        self.show(if self.shown == pane { back } else { pane });
    }

    /// Away from what is of answers: there are none.
    pub const fn leave_answers(&mut self) {
        if matches!(self.shown, Pane::Curves | Pane::Similar) {
            self.shown = self.base;
        }
    }

    pub const fn show(&mut self, pane: Pane) {
        self.shown = pane;
        if matches!(pane, Pane::Picture | Pane::Grid) {
            self.base = pane;
        }
    }
}

impl InspectScreen {
    /// Where keys land.
    #[must_use]
    pub const fn place(&self) -> Place {
        match (&self.list.filtering, self.panes.shown) {
            (Some(_), _) => Place::Filter,
            (None, Pane::Picture) => Place::Inspect,
            (None, Pane::Grid) => Place::Grid,
            (None, Pane::Curves) => Place::Curves,
            (None, Pane::Similar) => Place::Similar,
        }
    }

    /// Says why a key does nothing.
    pub(super) fn say(&mut self, why: &str) -> Vec<Effect> {
        self.problem = Some(why.to_owned());
        Vec::new()
    }

    /// Goes to the pane that a key is for, or back from it; `None` where the key is for something else.
    pub(super) fn change_pane(&mut self, action: Action) -> Option<Vec<Effect>> {
        let pane = match (action, self.panes.shown) {
            (Action::Grid, _) => Pane::Grid,
            (Action::Curves, _) => Pane::Curves,
            (Action::Similar, _) => match &self.run {
                Some(run) if run.state == RunState::Running => {
                    return Some(
                        self.say("the run is under way, and its features change with each epoch: wait for its end"),
                    );
                }
                Some(_) => Pane::Similar,
                None => return Some(self.say(NO_RUN)),
            },
            (Action::Back, shown) if shown != Pane::Picture => shown,
            _ => return None,
        };
        let was_similar = self.panes.shown == Pane::Similar;
        self.panes.toggle(pane);
        if !was_similar {
            return Some(Vec::new());
        }
        // Nobody waits for the features any more.
        self.similar = Similar::default();
        Some(vec![Effect::StopSimilar])
    }
}
