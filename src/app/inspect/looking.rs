//! How the picture on Inspect is looked at: its grey levels, the part that is shown, and the heat map over it.

use super::InspectScreen;
use super::pane::NO_RUN;
use crate::app::action::Action;
use crate::app::message::{Beside, Checked, Effect, Explained, Loadable};
use crate::dataset::Class;
use crate::picture::{Look, Part};

/// How much a key zooms.
pub const ZOOM: f64 = 1.25;

/// How far a key moves a zoomed picture, as a share of what is shown.
const PAN: f64 = 0.2;

/// Whether it changes how the picture is shown.
pub const fn is_of_look(action: Action) -> bool {
    use Action as A;
    matches!(
        action,
        A::Narrower
            | A::Wider
            | A::Brighter
            | A::Darker
            | A::GammaUp
            | A::GammaDown
            | A::Invert
            | A::Equalise
            | A::ZoomIn
            | A::ZoomOut
            | A::PanLeft
            | A::PanRight
            | A::PanUp
            | A::PanDown
            | A::PlainLook
    )
}

impl InspectScreen {
    pub(super) fn look_otherwise(&mut self, action: Action) -> Vec<Effect> {
        const MIDDLE: (f64, f64) = (0.5, 0.5);
        let (look, part) = (self.look, self.part);
        match action {
            Action::Narrower => self.show_as(look.narrower(), part),
            Action::Wider => self.show_as(look.wider(), part),
            Action::Brighter => self.show_as(look.level_down(), part),
            Action::Darker => self.show_as(look.level_up(), part),
            Action::GammaUp => self.show_as(look.gamma_up(), part),
            Action::GammaDown => self.show_as(look.gamma_down(), part),
            Action::Invert => self.show_as(Look { inverted: !look.inverted, ..look }, part),
            Action::Equalise => self.show_as(Look { equalised: !look.equalised, ..look }, part),
            Action::ZoomIn => self.show_as(look, part.zoomed(ZOOM, MIDDLE)),
            Action::ZoomOut => self.show_as(look, part.zoomed(1.0 / ZOOM, MIDDLE)),
            Action::PanLeft => self.show_as(look, part.panned(-PAN, 0.0)),
            Action::PanRight => self.show_as(look, part.panned(PAN, 0.0)),
            Action::PanUp => self.show_as(look, part.panned(0.0, -PAN)),
            Action::PanDown => self.show_as(look, part.panned(0.0, PAN)),
            _ => self.show_as(Look::default(), Part::WHOLE),
        }
    }

    /// Shows the picture with another look, or another part of it.
    pub fn show_as(&mut self, look: Look, part: Part) -> Vec<Effect> {
        if (look, part) == (self.look, self.part) {
            return Vec::new();
        }
        (self.look, self.part) = (look, part);
        self.ask()
    }

    /// Takes in where the run's network looks on an image, or the other run's.
    pub(super) fn see_heat(
        &mut self,
        index: usize,
        explained: Result<Explained, String>,
        of_other: bool,
    ) -> Vec<Effect> {
        if index != self.index {
            return Vec::new();
        }
        match explained {
            Ok(explained) => {
                *(if of_other { &mut self.heat.other } else { &mut self.heat.known }) = Some((index, explained));
                self.ask()
            }
            Err(problem) => {
                self.heat.class = self.heat.class.filter(|_| of_other);
                self.say(&problem)
            }
        }
    }

    /// Checks the shown heat map, or the one for what the image is called.
    pub(super) fn check_heat(&mut self) -> Vec<Effect> {
        let called = self.case().and_then(|case| case.predicted(self.threshold()));
        if self.run.is_none() {
            return self.say(NO_RUN);
        }
        let Some(class) = self.heat.class.or(called) else { return Vec::new() };
        self.heat.class = Some(class);
        self.heat.check = Some((self.index, class, Loadable::Loading));
        self.ask()
    }

    pub(super) fn take_check(&mut self, index: usize, checked: Result<Checked, String>) {
        if let Some((of, class, known)) = &mut self.heat.check
            && *of == index
            && checked.as_ref().map_or(true, |checked| checked.class == *class)
        {
            *known = checked.map_or_else(Loadable::Failed, Loadable::Ready);
        }
    }

    /// What stands beside the picture: of two runs with their heat maps the other's, else what the network gets.
    #[must_use]
    pub fn beside(&self) -> Option<Beside> {
        let other = self.other.as_ref().and_then(|_| self.heat.other_overlay(self.index));
        let input = self.run.as_ref().and_then(|run| run.image_size).filter(|_| self.beside);
        other.map(Beside::Other).or(input.map(Beside::Input))
    }

    /// Changes what of the heat map is shown, and how.
    pub(super) fn act_on_heat(&mut self, action: Action) -> Vec<Effect> {
        if self.run.is_none() {
            return self.say(NO_RUN);
        }
        let first = self.case().and_then(|case| case.predicted(self.threshold())).unwrap_or(Class::Pneumonia);
        match action {
            Action::Heat => self.heat.step(first),
            Action::Stronger | Action::Weaker => self.heat.change_strength(action == Action::Stronger),
            _ => self.heat.colours = self.heat.colours.next(),
        }
        self.ask()
    }
}
