//! Many images at once, as small pictures.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Arc;

use super::InspectScreen;
use super::pane::Pane;
use crate::app::action::Action;
use crate::app::message::Effect;
use crate::app::scene::Tiles;
use crate::picture::Picture;

/// Small pictures that are kept: more than a large terminal shows, and some 25 MB.
const KEPT: usize = 512;

/// So many about the chosen one are asked for.
const NEAR: usize = 256;

/// Widths of a tile, in cells.
const WIDTHS: [u16; 5] = [10, 16, 24, 36, 54];

/// What of the grid is kept while other things are shown.
#[derive(Debug)]
pub struct Grid {
    size: usize,
    /// By the image's number; `None` where it cannot be read.
    pictures: BTreeMap<usize, Option<Arc<Picture>>>,
    /// Numbers of those that are on their way.
    asked: BTreeSet<usize>,
}

impl Default for Grid {
    fn default() -> Self {
        Self { size: 1, pictures: BTreeMap::new(), asked: BTreeSet::new() }
    }
}

impl Grid {
    /// Cells that a tile is wide.
    #[must_use]
    pub const fn width(&self) -> u16 {
        WIDTHS[self.size]
    }

    /// The small picture of an image; `None` until it comes, and where it cannot be read.
    #[must_use]
    pub fn picture(&self, index: usize) -> Option<&Picture> {
        self.pictures.get(&index)?.as_deref()
    }

    /// Whether an image was found not to be readable.
    #[must_use]
    pub fn is_unreadable(&self, index: usize) -> bool {
        matches!(self.pictures.get(&index), Some(None))
    }

    pub fn take_in(&mut self, pictures: Vec<(usize, Option<Arc<Picture>>)>) {
        for (index, picture) in pictures {
            self.asked.remove(&index);
            self.pictures.insert(index, picture);
        }
    }

    /// As it is looked at, without the pictures.
    #[must_use]
    pub fn emptied(&self) -> Self {
        Self { size: self.size, ..Self::default() }
    }

    pub(super) fn resize(&mut self, larger: bool) {
        self.size = if larger { (self.size + 1).min(WIDTHS.len() - 1) } else { self.size.saturating_sub(1) };
    }
}

impl InspectScreen {
    /// What keys do in the grid; `None` where they do the same as with one picture.
    pub(super) fn act_on_grid(&mut self, action: Action, tiles: Tiles) -> Option<Vec<Effect>> {
        let (columns, page) = (tiles.columns.max(1), tiles.columns.max(1) * tiles.rows.max(1));
        let at = self.list.position(self.index).unwrap_or(0);
        let to = match action {
            Action::CursorLeft => at.saturating_sub(1),
            Action::CursorRight => at + 1,
            Action::Up => at.checked_sub(columns).unwrap_or(at),
            Action::Down => at + columns,
            Action::PageUp => at.saturating_sub(page),
            Action::PageDown => at + page,
            Action::ZoomIn | Action::ZoomOut => {
                self.grid.resize(action == Action::ZoomIn);
                return Some(Vec::new());
            }
            Action::Open => {
                self.panes.show(Pane::Picture);
                return Some(Vec::new());
            }
            _ => return None,
        };
        Some(self.show_place(to))
    }

    /// Shows the image at a place of the list; beyond its end the last one.
    pub fn show_place(&mut self, place: usize) -> Vec<Effect> {
        let places = self.list.places();
        let index = places.get(place).or(places.last()).copied();
        index.filter(|index| *index != self.index).map_or_else(Vec::new, |index| self.show(index))
    }

    /// Asks for the small pictures about the chosen one that are neither here nor on their way.
    pub fn ask_for_tiles(&mut self) -> Option<Effect> {
        if self.panes.shown != Pane::Grid {
            return None;
        }
        let near = self.near();
        if self.grid.pictures.len() > KEPT {
            let keep: BTreeSet<usize> = near.iter().copied().collect();
            self.grid.pictures.retain(|index, _| keep.contains(index));
        }
        let lacking: Vec<usize> = near.into_iter().filter(|index| !self.grid.pictures.contains_key(index)).collect();
        if lacking.iter().all(|index| self.grid.asked.contains(index)) {
            return None;
        }
        self.grid.asked = lacking.iter().copied().collect();
        let file = |index: usize| Some((index, self.root.join(&self.all().get(index)?.file)));
        let images: Vec<(usize, PathBuf)> = lacking.into_iter().filter_map(file).collect();
        Some(Effect::LoadTiles { request: self.request, images })
    }

    /// Numbers of the images about the chosen one, the nearest first.
    fn near(&self) -> Vec<usize> {
        let (at, places) = (self.list.position(self.index).unwrap_or(0), self.list.places());
        let from = at.saturating_sub(NEAR / 2);
        let mut near: Vec<usize> = (from..places.len().min(from + NEAR)).collect();
        near.sort_by_key(|place| place.abs_diff(at));
        near.into_iter().map(|place| places[place]).collect()
    }
}
