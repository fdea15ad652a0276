//! How charts are looked at: which one, smoothed or not, along which axis, which part, and where the cursor stands.

use serde::{Deserialize, Serialize};

use super::action::Action;
use super::curve::{Axis, SMOOTHING};
use super::history::History;

/// What a chart shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Page {
    #[default]
    Loss,
    Accuracy,
    /// Precision, recall and F1 on the validation images.
    Validation,
    Rate,
    Speed,
    Processor,
    Memory,
}

impl Page {
    pub const ALL: [Self; 7] =
        [Self::Loss, Self::Accuracy, Self::Validation, Self::Rate, Self::Speed, Self::Processor, Self::Memory];

    /// Its title with its unit.
    #[must_use]
    pub const fn title(self) -> &'static str {
        match self {
            Self::Loss => "loss",
            Self::Accuracy => "accuracy",
            Self::Validation => "validation",
            Self::Rate => "learning rate",
            Self::Speed => "images/s",
            Self::Processor => "CPU, cores busy",
            Self::Memory => "memory, GiB",
        }
    }

    /// The one so many places further, round and round.
    #[must_use]
    pub fn shifted(self, by: usize) -> Self {
        Self::ALL[(self as usize + by) % Self::ALL.len()]
    }
}

/// The part of the axis that is shown.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub enum Window {
    /// All that there is and, in epochs, all that there will be.
    #[default]
    All,
    /// Frozen.
    Fixed(f64, f64),
    /// So much of the newest.
    Last(f64),
}

/// What the user has chosen about charts; the same on all screens.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct ChartView {
    /// The first chart; others follow where there is room.
    pub page: Page,
    /// Place in [`SMOOTHING`].
    pub smoothing: usize,
    pub log: bool,
    pub axis: Axis,
    #[serde(skip)]
    pub window: Window,
    /// Where on the axis all values are read.
    #[serde(skip)]
    pub cursor: Option<f64>,
    /// Other runs are laid behind.
    pub overlay: bool,
    /// A stretch that the mouse is marking, from and to on the axis.
    #[serde(skip)]
    pub dragged: Option<(f64, f64)>,
}

impl Default for ChartView {
    fn default() -> Self {
        Self {
            page: Page::default(),
            smoothing: 0,
            log: false,
            axis: Axis::default(),
            window: Window::default(),
            cursor: None,
            overlay: true,
            dragged: None,
        }
    }
}

/// The smallest share of the whole that can be zoomed to.
const CLOSEST: f64 = 1e-4;

impl ChartView {
    /// From and to on the axis, of a run.
    #[must_use]
    pub fn range(&self, history: &History) -> (f64, f64) {
        let whole = self.whole(history);
        match self.window {
            Window::All => whole,
            Window::Fixed(from, to) => (from, to),
            Window::Last(width) => {
                let now = history.now.along(self.axis).max(whole.0 + width);
                (now - width, now)
            }
        }
    }

    fn whole(&self, history: &History) -> (f64, f64) {
        let now = history.now.along(self.axis);
        #[expect(clippy::cast_precision_loss, reason = "epochs")]
        let planned = if self.axis == Axis::Epoch { history.planned.max(1) as f64 } else { 0.0 };
        let last_epoch = history.epochs.last().map_or(0.0, |(end, _)| end.along(self.axis));
        let end = now.max(planned).max(last_epoch);
        (0.0, if end > 0.0 { end } else { 1.0 })
    }

    /// The weight that a smoothed line gives to what came before.
    #[must_use]
    pub fn weight(&self) -> f64 {
        SMOOTHING[self.smoothing.min(SMOOTHING.len() - 1)]
    }

    /// Does what the action says of charts; false where it says nothing of them.
    pub fn act(&mut self, action: Action, history: &History) -> bool {
        match action {
            Action::Smoother => self.smoothing = (self.smoothing + 1).min(SMOOTHING.len() - 1),
            Action::Rougher => self.smoothing = self.smoothing.saturating_sub(1),
            Action::Unsmoothed => self.smoothing = 0,
            Action::LogScale => self.log = !self.log,
            Action::NextAxis => self.change_axis(),
            Action::NextChart => self.page = self.page.shifted(1),
            Action::PreviousChart => self.page = self.page.shifted(Page::ALL.len() - 1),
            Action::ZoomIn => self.zoom(0.5, None, history),
            Action::ZoomOut => self.zoom(2.0, None, history),
            Action::PanLeft => self.pan(-0.25, history),
            Action::PanRight => self.pan(0.25, history),
            Action::Follow => self.follow(history),
            Action::Overlay => self.overlay = !self.overlay,
            Action::CursorLeft => self.move_cursor(-1.0, history),
            Action::CursorRight => self.move_cursor(1.0, history),
            Action::CursorFirst => self.cursor = Some(self.range(history).0),
            Action::CursorLast => self.cursor = Some(self.end_of_data(history)),
            _ => return false,
        }
        true
    }

    /// Steps out one layer: the cursor goes, then the zoom; false where neither is there.
    pub fn step_out(&mut self) -> bool {
        let there = self.cursor.is_some() || self.window != Window::All;
        if self.cursor.take().is_none() {
            self.window = Window::All;
        }
        there
    }

    fn change_axis(&mut self) {
        self.axis = self.axis.next();
        // Places on the old axis mean nothing on the new one.
        (self.window, self.cursor, self.dragged) = (Window::All, None, None);
    }

    /// Shows `factor` times as much around a place: `about`, else the cursor, else the middle; the newest end where the
    /// newest is followed.
    pub fn zoom(&mut self, factor: f64, about: Option<f64>, history: &History) {
        let (whole, (from, to)) = (self.whole(history), self.range(history));
        let length = whole.1 - whole.0;
        let width = ((to - from) * factor).clamp(length * CLOSEST, length);
        if let (Window::Last(_), None) = (self.window, about.or(self.cursor)) {
            self.window = if width >= length { Window::All } else { Window::Last(width) };
            return;
        }
        let about = about.or(self.cursor).unwrap_or_else(|| f64::midpoint(from, to)).clamp(from, to);
        let start = about - (about - from) * width / (to - from);
        self.set(start, width, whole);
    }

    fn pan(&mut self, share: f64, history: &History) {
        let (from, to) = self.range(history);
        let whole = self.whole(history);
        if self.window != Window::All {
            self.set(from + (to - from) * share, to - from, whole);
        }
    }

    /// Shows the stretch between two places; nothing where they are the same.
    pub fn show(&mut self, from: f64, to: f64, history: &History) {
        let whole = self.whole(history);
        let width = (to - from).max((whole.1 - whole.0) * CLOSEST);
        self.set(from, width, whole);
    }

    fn set(&mut self, from: f64, width: f64, whole: (f64, f64)) {
        let from = from.clamp(whole.0, (whole.1 - width).max(whole.0));
        let all = width >= whole.1 - whole.0;
        self.window = if all { Window::All } else { Window::Fixed(from, from + width) };
    }

    /// From all to frozen, to following the newest part, and back.
    fn follow(&mut self, history: &History) {
        let (from, to) = self.range(history);
        self.window = match self.window {
            Window::All => Window::Fixed(from, to),
            Window::Fixed(from, to) => Window::Last(to - from),
            Window::Last(_) => Window::All,
        };
    }

    /// A hundredth of what is shown; the first time to the newest value.
    fn move_cursor(&mut self, by: f64, history: &History) {
        let (from, to) = self.range(history);
        let end = self.end_of_data(history).clamp(from, to);
        let next = self.cursor.map_or(end, |cursor| cursor + by * (to - from) / 100.0);
        self.cursor = Some(next.clamp(from, to));
    }

    fn end_of_data(&self, history: &History) -> f64 {
        let last_epoch = history.epochs.last().map_or(0.0, |(end, _)| end.along(self.axis));
        history.now.along(self.axis).max(last_epoch)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::sample;
    use proptest::prelude::*;

    fn history() -> History {
        let mut history = History::new(10);
        for number in 1..=73 {
            history.add_step(&sample::step(number));
        }
        history
    }

    #[test]
    fn freezing_keeps_what_is_shown_while_the_run_goes_on() {
        let (mut view, mut history) = (ChartView { axis: Axis::Step, ..ChartView::default() }, history());
        let before = view.range(&history);
        view.act(Action::Follow, &history);
        history.add_step(&sample::step(200));
        assert_eq!(view.range(&history), before);
        view.act(Action::Follow, &history);
        assert_eq!(view.range(&history), (200.0 - 73.0, 200.0), "the newest part of the same width");
        view.act(Action::Follow, &history);
        assert_eq!(view.range(&history), (0.0, 200.0));
    }

    #[test]
    fn zooming_keeps_the_place_under_the_cursor() {
        let (mut view, history) = (ChartView::default(), history());
        view.zoom(0.5, Some(2.0), &history);
        assert_eq!(view.range(&history), (1.0, 6.0));
        view.act(Action::ZoomOut, &history);
        assert_eq!(view.window, Window::All);
    }

    #[test]
    fn escape_takes_the_cursor_away_before_the_zoom() {
        let (mut view, history) = (ChartView::default(), history());
        view.act(Action::ZoomIn, &history);
        view.act(Action::CursorRight, &history);
        assert!(view.step_out() && view.cursor.is_none() && view.window != Window::All);
        assert!(view.step_out() && view.window == Window::All);
        assert!(!view.step_out());
    }

    proptest! {
        #[test]
        fn whatever_is_done_the_range_is_a_stretch_of_the_axis(actions in prop::collection::vec(0..20_usize, 0..60)) {
            const ALL: [Action; 11] = [
                Action::NextAxis, Action::ZoomIn, Action::ZoomOut, Action::PanLeft, Action::PanRight, Action::Follow,
                Action::CursorLeft, Action::CursorRight, Action::CursorFirst, Action::CursorLast, Action::Smoother,
            ];
            let (mut view, history) = (ChartView::default(), history());
            for action in actions {
                view.act(ALL[action % ALL.len()], &history);
                let (from, to) = view.range(&history);
                prop_assert!(from.is_finite() && to > from, "{view:?}");
                prop_assert!(view.cursor.is_none_or(f64::is_finite));
            }
        }
    }
}
