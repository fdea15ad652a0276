//! The Data screen: what lies in the data set.

use std::path::PathBuf;

use super::action::{Action, Place};
use super::message::{DataMessage, DataSummary, Effect};
use super::scene::Scene;

/// How far the data set is read.
#[derive(Debug, Clone, Default, PartialEq)]
pub enum DataState {
    #[default]
    Idle,
    /// What is being done, with counts where there are some.
    Working {
        what: &'static str,
        done: usize,
        total: usize,
    },
    /// No data set there: the demo set is offered.
    Missing {
        dir: PathBuf,
    },
    Ready(Box<DataSummary>),
    Failed(String),
}

#[derive(Debug, Default)]
pub struct DataScreen {
    pub state: DataState,
    /// Lines scrolled down.
    pub scroll: usize,
}

impl DataScreen {
    /// Reads the data set (again).
    pub fn load(&mut self) -> Vec<Effect> {
        self.state = DataState::Working { what: "looking for images", done: 0, total: 0 };
        vec![Effect::LoadData]
    }

    pub fn hear(&mut self, message: DataMessage) {
        self.state = match message {
            DataMessage::Missing { dir } => DataState::Missing { dir },
            DataMessage::Progress { what, done, total } => DataState::Working { what, done, total },
            DataMessage::Ready(summary) => DataState::Ready(summary),
            DataMessage::Failed(problem) => DataState::Failed(problem),
        };
    }

    pub fn act(&mut self, action: Action, scene: &Scene) -> Vec<Effect> {
        match action {
            Action::Reload => return self.load(),
            Action::MakeDemo => {
                self.state = DataState::Working { what: "drawing synthetic X-rays", done: 0, total: 0 };
                return vec![Effect::MakeDemo];
            }
            Action::Up => self.scroll = self.scroll.saturating_sub(1),
            Action::Down => self.scroll = (self.scroll + 1).min(scene.scroll_limit),
            _ => {}
        }
        Vec::new()
    }

    #[must_use]
    pub const fn place(&self) -> Place {
        match self.state {
            DataState::Missing { .. } => Place::DataMissing,
            DataState::Idle | DataState::Working { .. } => Place::DataBusy,
            DataState::Ready(_) | DataState::Failed(_) => Place::Data,
        }
    }

    /// Whether what is shown is synthetic.
    #[must_use]
    pub fn is_synthetic(&self) -> bool {
        matches!(&self.state, DataState::Ready(summary) if summary.synthetic)
    }
}
