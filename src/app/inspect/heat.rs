//! The heat map over the picture: where the network looks for a class.

use crate::app::message::{Checked, Explained, Loadable, Overlay};
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
    /// It is that of what the image is called, else of the other class.
    of_called: bool,
    /// 0.1 to 1.
    pub strength: f32,
    pub colours: ColourMap,
    /// Of an image, by its number.
    pub known: Option<(usize, Explained)>,
    /// The same of the other run.
    pub other: Option<(usize, Explained)>,
    /// Its deletion check, of an image and a class.
    pub check: Option<(usize, Class, Loadable<Checked>)>,
}

impl Default for HeatView {
    fn default() -> Self {
        Self {
            class: None,
            of_called: true,
            strength: 0.6,
            colours: ColourMap::Inferno,
            known: None,
            other: None,
            check: None,
        }
    }
}

impl HeatView {
    /// None, the one for `first`, the other, none again.
    pub fn step(&mut self, first: Class) {
        self.of_called = self.class.is_none();
        self.class = match self.class {
            None => Some(first),
            Some(class) if class == first => Some(first.other()),
            Some(_) => None,
        };
    }

    /// Goes along to an image that is called `called`.
    pub fn follow(&mut self, called: Class) {
        let class = if self.of_called { called } else { called.other() };
        self.class = self.class.map(|_| class);
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

    /// Whether the other run's is to be found out for image `index` yet.
    #[must_use]
    pub fn lacks_other(&self, index: usize) -> bool {
        self.class.is_some() && of(self.other.as_ref(), index).is_none()
    }

    /// Where the network looks on image `index`, if that is known.
    #[must_use]
    pub fn of(&self, index: usize) -> Option<&Explained> {
        of(self.known.as_ref(), index)
    }

    /// The class whose heat map is to be checked for image `index` yet.
    #[must_use]
    pub fn unchecked(&self, index: usize) -> Option<Class> {
        self.check
            .as_ref()
            .filter(|(of, _, known)| *of == index && *known == Loadable::Loading)
            .map(|(_, class, _)| *class)
    }

    /// What the check of the shown map has given for image `index`.
    #[must_use]
    pub fn checked(&self, index: usize) -> Option<&Loadable<Checked>> {
        let of_shown = |(of, class, _): &&(usize, Class, _)| *of == index && Some(*class) == self.class;
        self.check.as_ref().filter(of_shown).map(|(_, _, known)| known)
    }

    /// What is laid over image `index`.
    #[must_use]
    pub fn overlay(&self, index: usize) -> Option<Overlay> {
        self.laid(self.of(index)?)
    }

    /// The other run's, for the same class and looked at in the same way.
    #[must_use]
    pub fn other_overlay(&self, index: usize) -> Option<Overlay> {
        self.laid(of(self.other.as_ref(), index)?)
    }

    fn laid(&self, explained: &Explained) -> Option<Overlay> {
        let map = Arc::clone(&explained.maps[self.class?.index()]);
        Some(Overlay { map, strength: self.strength, colours: self.colours })
    }

    /// How it is looked at, without what was found out.
    #[must_use]
    pub fn emptied(&self) -> Self {
        Self { known: None, other: None, check: None, ..self.clone() }
    }
}

fn of(known: Option<&(usize, Explained)>, index: usize) -> Option<&Explained> {
    known.filter(|(known, _)| *known == index).map(|(_, explained)| explained)
}
