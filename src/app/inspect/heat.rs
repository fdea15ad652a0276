//! The heat map over the picture: where the network looks for a class.

use crate::app::message::{Explained, Overlay};
use crate::dataset::Class;
use crate::picture::ColourMap;
use std::sync::Arc;

/// How much a key changes the strength.
const STEP: f32 = 0.1;

/// What of it is shown, and how.
#[derive(Debug, Clone, PartialEq)]
pub struct HeatView {
    /// `None` where none is shown.
    pub class: Option<Class>,
    /// 0.1 to 1.
    pub strength: f32,
    pub colours: ColourMap,
    /// Of an image, by its number.
    pub known: Option<(usize, Explained)>,
}

impl Default for HeatView {
    fn default() -> Self {
        Self { class: None, strength: 0.6, colours: ColourMap::Inferno, known: None }
    }
}

impl HeatView {
    /// None, the one for `first`, the other, none again.
    pub fn step(&mut self, first: Class) {
        self.class = match self.class {
            None => Some(first),
            Some(class) if class == first => Some(first.other()),
            Some(_) => None,
        };
    }

    /// Stronger or weaker, in tenths.
    pub fn change_strength(&mut self, up: bool) {
        let step = if up { STEP } else { -STEP };
        self.strength = ((self.strength + step) * 10.0).round().clamp(1.0, 10.0) / 10.0;
    }

    /// Whether it is to be found out for image `index` yet.
    #[must_use]
    pub fn lacks(&self, index: usize) -> bool {
        self.class.is_some() && self.of(index).is_none()
    }

    /// Where the network looks on image `index`, if that is known.
    #[must_use]
    pub fn of(&self, index: usize) -> Option<&Explained> {
        self.known.as_ref().filter(|(known, _)| *known == index).map(|(_, explained)| explained)
    }

    /// What is laid over image `index`.
    #[must_use]
    pub fn overlay(&self, index: usize) -> Option<Overlay> {
        let map = Arc::clone(&self.of(index)?.maps[self.class?.index()]);
        Some(Overlay { map, strength: self.strength, colours: self.colours })
    }
}
