//! What the last frame laid out: where a click lands and where pictures go.

use super::action::Action;
use super::inspect::curves::Behind;

/// The colours that the terminal can show.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Colours {
    /// None at all, as `NO_COLOR` asks.
    None,
    /// The terminal's own sixteen.
    Sixteen,
    /// 256.
    #[default]
    Indexed,
    True,
}

/// Which colours mean what; the colour-blind safe ones are told apart with any kind of colour vision.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ThemeName {
    #[default]
    Dark,
    Light,
    ColourBlind,
    ColourBlindLight,
}

impl ThemeName {
    pub const ALL: [Self; 4] = [Self::Dark, Self::Light, Self::ColourBlind, Self::ColourBlindLight];

    /// As configuration and command line have it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Dark => "dark",
            Self::Light => "light",
            Self::ColourBlind => "colour-blind",
            Self::ColourBlindLight => "colour-blind-light",
        }
    }

    /// Whether it is made for a light background.
    #[must_use]
    pub const fn is_light(self) -> bool {
        matches!(self, Self::Light | Self::ColourBlindLight)
    }

    #[must_use]
    pub fn next(self) -> Self {
        Self::ALL[(self as usize + 1) % Self::ALL.len()]
    }
}

/// What a cell shows of a picture, where there are no real pixels.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Cells {
    /// Its upper and its lower half.
    #[default]
    Half,
    /// Two colours among its quarters.
    Quadrants,
    /// Two colours among its sixths, or its quarters where that comes nearer.
    Sextants,
}

/// How the terminal shows things.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Display {
    pub colours: Colours,
    pub theme: ThemeName,
    /// The user has chosen the theme: the background does not.
    pub theme_chosen: bool,
    /// Letters and signs of ASCII alone.
    pub ascii: bool,
    /// The mouse is ours; else the terminal selects text with it.
    pub mouse: bool,
    pub cells: Cells,
    /// Pixels of a cell, width and height; `None` where the terminal does not say.
    pub cell: Option<(u16, u16)>,
}

impl Display {
    /// Takes the theme that suits the background, unless the user has chosen one.
    pub const fn suit_background(&mut self, light: bool) {
        if !self.theme_chosen {
            self.theme = if light { ThemeName::Light } else { ThemeName::Dark };
        }
    }
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

impl Area {
    /// Where a cell lies in it, in 0 to 1 of its width and height; beside it below 0 or above 1.
    #[must_use]
    pub fn share(self, (x, y): (u16, u16)) -> (f64, f64) {
        let share =
            |at: u16, start: u16, length: u16| (f64::from(at) + 0.5 - f64::from(start)) / f64::from(length.max(1));
        (share(x, self.x, self.width), share(y, self.y, self.height))
    }
}

/// What a click on an area means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Target {
    Action(Action),
    /// Row of the shown table or list, counted over all rows from 0.
    Row(usize),
    /// The images that a cell, a bar or a point stands for.
    Images(Behind),
    /// Field of the form, counted from 0.
    Field(usize),
    /// Column of the table, counted from 0.
    Column(usize),
}

/// Where a chart's lines lie, and what of the axis it shows.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ChartArea {
    pub area: Area,
    pub from: f64,
    pub to: f64,
}

impl ChartArea {
    /// The place on the axis of a column; of one beside the area the nearest.
    #[must_use]
    pub fn place_of(&self, column: u16) -> f64 {
        let last = self.area.width.saturating_sub(1).max(1);
        let share = f64::from(column.saturating_sub(self.area.x).min(last)) / f64::from(last);
        self.from + share * (self.to - self.from)
    }
}

/// How many small pictures stand beside and below each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Tiles {
    pub columns: usize,
    pub rows: usize,
}

/// The last frame as the app needs to know it.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Scene {
    /// Later entries lie above earlier ones.
    pub targets: Vec<(Area, Target)>,
    /// Rows of the main table that fit on the screen, for paging.
    pub visible_rows: usize,
    /// Cells that the columns of the main table have.
    pub table_width: usize,
    /// Lines that the shown text can be scrolled down.
    pub scroll_limit: usize,
    /// Cells of the picture on Inspect where nothing lies over it: real pixels may be printed there.
    pub picture: Option<Area>,
    pub tiles: Tiles,
    /// Cells that the picture on Inspect covers.
    pub picture_place: Option<Area>,
    pub charts: Vec<ChartArea>,
}

impl Scene {
    /// The chart that has a cell.
    #[must_use]
    pub fn chart_at(&self, x: u16, y: u16) -> Option<&ChartArea> {
        self.charts.iter().find(|chart| chart.area.contains(x, y))
    }

    /// What a click on a cell means.
    #[must_use]
    pub fn target_at(&self, x: u16, y: u16) -> Option<Target> {
        self.targets.iter().rev().find(|(area, _)| area.contains(x, y)).map(|(_, target)| *target)
    }
}
