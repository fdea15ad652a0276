//! What the last frame laid out: where a click lands and where pictures go.

use super::action::Action;

/// The colours that the terminal can show.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Colours {
    /// None at all, as `NO_COLOR` asks.
    None,
    #[default]
    Indexed,
    True,
}

/// How the terminal shows things.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Display {
    pub colours: Colours,
    /// Pictures can be shown in real pixels.
    pub pixels: bool,
}

/// A rectangle of cells.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Hash)]
pub struct Area {
    pub x: u16,
    pub y: u16,
    pub width: u16,
    pub height: u16,
}

impl Area {
    #[must_use]
    pub fn contains(self, x: u16, y: u16) -> bool {
        (self.x..self.x.saturating_add(self.width)).contains(&x)
            && (self.y..self.y.saturating_add(self.height)).contains(&y)
    }
}

/// What a click on an area means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Target {
    Action(Action),
    /// Row of the shown table or list, counted over all rows from 0.
    Row(usize),
    /// Field of the form, counted from 0.
    Field(usize),
    /// Column of the table, counted from 0.
    Column(usize),
}

/// A picture that the frame shows in half blocks, and that real pixels may replace.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct PictureArea {
    /// Cells that the picture covers, its aspect kept.
    pub area: Area,
    /// Changes with the shown picture.
    pub generation: u64,
}

/// The last frame as the app needs to know it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Scene {
    /// Later entries lie above earlier ones.
    pub targets: Vec<(Area, Target)>,
    /// Rows of the main table that fit on the screen, for paging.
    pub visible_rows: usize,
    /// Lines that the shown text can be scrolled down.
    pub scroll_limit: usize,
    pub picture: Option<PictureArea>,
}

impl Scene {
    /// What a click on a cell means.
    #[must_use]
    pub fn target_at(&self, x: u16, y: u16) -> Option<Target> {
        self.targets.iter().rev().find(|(area, _)| area.contains(x, y)).map(|(_, target)| *target)
    }
}
