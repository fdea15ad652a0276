//! The images of the run's data set that its network sees as most like the shown one.

use std::sync::Arc;

use super::pane::Pane;
use super::source::Wanted;
use super::{Images, InspectScreen};
use crate::app::action::Action;
use crate::app::message::{Effect, Loadable};
use crate::dataset::{Class, Split};
use crate::picture::Picture;

/// Images beside the shown one.
pub const NEIGHBOURS: usize = 24;

/// One of them.
#[derive(Debug, Clone, PartialEq)]
pub struct Alike {
    /// Path below the data set's root.
    pub file: String,
    pub split: Split,
    pub truth: Class,
    /// Cosine distance of the features, 0 to 1.
    pub distance: f64,
    /// `None` where it cannot be read.
    pub picture: Option<Arc<Picture>>,
}

/// What the features tell of an image.
#[derive(Debug, Clone, PartialEq)]
pub struct Likeness {
    /// The image itself, as plain as the others; `None` where it cannot be read.
    pub own: Option<Arc<Picture>>,
    /// The nearest first, without the image itself.
    pub neighbours: Vec<Alike>,
    /// Share of the validation images that are nearer to the training images than this one, 0 to 1.
    pub remoteness: Option<f64>,
}

/// How far the features of a run's images are computed, which is done once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Made {
    pub done: usize,
    pub total: usize,
}

#[derive(Debug, Default)]
pub struct Similar {
    /// Of an image, by its number.
    pub known: Option<(usize, Loadable<Likeness>)>,
    pub made: Option<Made>,
    /// The chosen neighbour.
    pub at: usize,
}

impl Similar {
    /// What is known of image `index`.
    #[must_use]
    pub fn of(&self, index: usize) -> Option<&Loadable<Likeness>> {
        self.known.as_ref().filter(|(known, _)| *known == index).map(|(_, likeness)| likeness)
    }

    pub(super) fn take_in(&mut self, index: usize, likeness: Result<Likeness, String>) {
        // What was asked for before a step is of no use any more.
        if self.known.as_ref().is_some_and(|(asked, _)| *asked == index) {
            self.made = None;
            self.known = Some((index, likeness.map_or_else(Loadable::Failed, Loadable::Ready)));
        }
    }
}

impl InspectScreen {
    /// What keys do beside the neighbours; `None` where they do the same as elsewhere on Inspect.
    pub(super) fn act_on_similar(&mut self, action: Action) -> Option<Vec<Effect>> {
        let found = match self.similar.of(self.index) {
            Some(Loadable::Ready(likeness)) => likeness.neighbours.as_slice(),
            _ => &[],
        };
        match action {
            Action::CursorLeft => self.similar.at = self.similar.at.saturating_sub(1),
            Action::CursorRight => self.similar.at = (self.similar.at + 1).min(found.len().saturating_sub(1)),
            Action::ZoomIn | Action::ZoomOut => self.grid.resize(action == Action::ZoomIn),
            Action::Open => {
                let alike = found.get(self.similar.at)?;
                let (split, file) = (alike.split, alike.file.clone());
                return Some(self.open_file(split, file));
            }
            _ => return None,
        }
        Some(Vec::new())
    }

    /// Chooses a neighbour by its place, or opens the chosen one.
    pub fn click_neighbour(&mut self, place: usize) -> Vec<Effect> {
        if self.similar.at == place {
            return self.act_on_similar(Action::Open).unwrap_or_default();
        }
        self.similar.at = place;
        Vec::new()
    }

    /// Shows an image of the run, whatever split it is of.
    fn open_file(&mut self, split: Split, file: String) -> Vec<Effect> {
        self.similar = Similar::default();
        self.panes.show(Pane::Picture);
        self.list.set_filter("");
        if self.images == Images::Split(split)
            && let Some(index) = self.all().iter().position(|case| case.file == file)
        {
            self.arrange();
            return self.show(index);
        }
        let Some(run) = self.run.take() else { return Vec::new() };
        let wanted = Wanted::Run { run_id: run.id.clone(), split: Some(split) };
        self.begin(Some(run), wanted);
        (self.split, self.sought) = (Some(split), Some(file));
        self.load()
    }

    /// Asks for the neighbours of the shown image, where they are shown and nobody has asked yet.
    pub fn ask_for_similar(&mut self) -> Option<Effect> {
        let (run, case) = (self.run.as_ref()?, self.case()?);
        if self.panes.shown != Pane::Similar || self.similar.of(self.index).is_some() {
            return None;
        }
        let (index, file) = (self.index, self.root.join(&case.file));
        let effect = Effect::FindSimilar { request: self.request, run_id: run.id.clone(), index, file };
        (self.similar.known, self.similar.at) = (Some((index, Loadable::Loading)), 0);
        Some(effect)
    }
}
