//! How the user looks at things, kept from one session to the next.

use serde::{Deserialize, Serialize};

use super::App;
use super::chart::ChartView;
use super::inspect::list::ListView;
use super::runs::view::RunsView;
use super::scene::ThemeName;

/// What is kept. A part that cannot be read is as it is at first.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct View {
    pub chart: ChartView,
    /// Where the user has chosen one in the program.
    pub theme: Option<ThemeName>,
    pub runs: RunsView,
    pub inspect: ListView,
}

impl View {
    /// As `app` is looked at now; `before` is how it was when it opened.
    #[must_use]
    pub fn of(app: &App, before: &Self) -> Self {
        Self {
            chart: app.chart,
            theme: app.new_theme.or(before.theme),
            runs: app.runs.view.clone(),
            inspect: app.inspect.list.view.clone(),
        }
    }

    /// Lets `app` look at things that way; a theme that the settings name goes before.
    pub fn apply(&self, app: &mut App) {
        app.chart = self.chart;
        app.runs.set_view(self.runs.clone());
        app.inspect.list.view.clone_from(&self.inspect);
        if let Some(theme) = self.theme.filter(|_| !app.display.theme_chosen) {
            (app.display.theme, app.display.theme_chosen) = (theme, true);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::sample;
    use ratatui::crossterm::event::KeyCode;

    #[test]
    fn what_was_chosen_is_found_again_in_the_next_session() {
        let mut app = sample::training();
        for key in ['+', '+', 'L', 'X', ']'] {
            sample::press(&mut app, KeyCode::Char(key));
        }
        let text = serde_json::to_string(&View::of(&app, &View::default())).unwrap();
        let mut next = sample::empty();
        serde_json::from_str::<View>(&text).unwrap().apply(&mut next);
        assert_eq!(next.chart, app.chart);
    }

    #[test]
    fn images_are_in_the_same_order_in_the_next_session_and_not_filtered() {
        let mut app = sample::inspecting();
        sample::press(&mut app, KeyCode::Char('>'));
        app.inspect.list.set_filter("wrong");
        let text = serde_json::to_string(&View::of(&app, &View::default())).unwrap();
        let mut next = sample::empty();
        serde_json::from_str::<View>(&text).unwrap().apply(&mut next);
        let view = &next.inspect.list.view;
        assert_eq!((view.order, view.filter.as_str()), (app.inspect.list.view.order, ""));
    }

    #[test]
    fn a_zoomed_stretch_is_of_one_run_and_not_kept() {
        let mut app = sample::training();
        sample::press(&mut app, KeyCode::Char('.'));
        let text = serde_json::to_string(&View::of(&app, &View::default())).unwrap();
        assert_eq!(serde_json::from_str::<View>(&text).unwrap().chart, ChartView::default());
    }
}
