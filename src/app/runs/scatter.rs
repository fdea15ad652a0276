//! Runs as points: a setting across, a figure upward.

use super::column::{Column, Facts, Kind};
use super::figure::Figure;
use crate::app::action::Action;
use crate::app::form::Field;
use crate::store::Run;

/// What is drawn against what, and where the cursor stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Scatter {
    pub across: Field,
    pub upward: Figure,
    /// Place among the points, from the left.
    pub cursor: usize,
    /// Turned round from what is usual for the setting.
    pub other_scale: bool,
}

/// A run in the chart.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Point {
    /// Place in the list of all runs.
    pub run: usize,
    pub x: f64,
    pub y: f64,
}

impl Default for Scatter {
    fn default() -> Self {
        Self { across: Field::LEARNING_RATE, upward: Figure::Validation, cursor: 0, other_scale: false }
    }
}

impl Scatter {
    /// The settings that are numbers, or on and off.
    fn settings() -> Vec<Field> {
        let is_number = |field: &Field| Column::Setting(*field).kind() != Kind::Words;
        Field::stored().filter(is_number).collect()
    }

    /// Whether the setting is drawn on a logarithmic scale, as a learning rate is unless told otherwise.
    #[must_use]
    pub fn is_log(&self) -> bool {
        (self.across == Field::LEARNING_RATE) != self.other_scale
    }

    /// The runs that have both, from left to right, then upward; without those that a logarithm has no place for.
    #[must_use]
    pub fn points(&self, runs: &[Run], shown: &[usize]) -> Vec<Point> {
        let facts = Facts::default();
        let point = |at: &usize| {
            let run = runs.get(*at)?;
            let x = Column::Setting(self.across).value(run, &facts).number()?;
            let y = self.upward.of(run)?;
            let is_drawn = x.is_finite() && y.is_finite() && (!self.is_log() || x > 0.0);
            is_drawn.then_some(Point { run: *at, x, y })
        };
        let mut points: Vec<Point> = shown.iter().filter_map(point).collect();
        points.sort_by(|a, b| a.x.total_cmp(&b.x).then(a.y.total_cmp(&b.y)));
        points
    }

    /// Does what the action says of it; `points` is how many there are.
    pub fn act(&mut self, action: Action, points: usize) {
        let last = points.saturating_sub(1);
        match action {
            Action::CursorLeft => self.cursor = self.cursor.min(last).saturating_sub(1),
            Action::CursorRight => self.cursor = (self.cursor + 1).min(last),
            Action::First => self.cursor = 0,
            Action::Last => self.cursor = last,
            Action::NextSetting => self.across = next(&Self::settings(), self.across, 1),
            Action::PreviousSetting => self.across = next(&Self::settings(), self.across, usize::MAX),
            Action::NextFigure => self.upward = next(&Figure::ALL, self.upward, 1),
            Action::PreviousFigure => self.upward = next(&Figure::ALL, self.upward, usize::MAX),
            Action::LogScale => self.other_scale = !self.other_scale,
            _ => {}
        }
        if matches!(action, Action::NextSetting | Action::PreviousSetting) {
            self.other_scale = false;
        }
    }
}

/// The one after, or with `usize::MAX` the one before, round and round.
fn next<T: Copy + PartialEq>(all: &[T], now: T, by: usize) -> T {
    let at = all.iter().position(|known| *known == now).unwrap_or(0);
    all[if by == 1 { (at + 1) % all.len() } else { (at + all.len() - 1) % all.len() }]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::sample;
    use crate::store::RunState;

    #[test]
    fn a_run_without_the_figure_is_no_point() {
        let runs =
            [sample::run(2, RunState::Stopped), sample::run(1, RunState::Finished), sample::run(3, RunState::Failed)];
        let points = Scatter::default().points(&runs, &[0, 1, 2]);
        assert_eq!(points.iter().map(|point| point.run).collect::<Vec<_>>(), [1, 0], "from below upward");
    }

    #[test]
    fn the_learning_rate_is_logarithmic_until_told_otherwise_and_the_keys_go_round() {
        let mut scatter = Scatter::default();
        assert!(scatter.is_log());
        scatter.act(Action::LogScale, 3);
        assert!(!scatter.is_log());
        for _ in 0..Scatter::settings().len() {
            scatter.act(Action::NextSetting, 3);
        }
        assert_eq!(scatter, Scatter::default(), "another setting has its usual scale");
        scatter.act(Action::PreviousFigure, 3);
        assert_eq!(scatter.upward, Figure::Epochs);
        for _ in 0..9 {
            scatter.act(Action::CursorRight, 3);
        }
        assert_eq!(scatter.cursor, 2);
    }
}
