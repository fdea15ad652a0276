//! Some runs side by side: what differs in their settings, data, program, figures and curves.

use super::column::{Column, Facts, state_text};
use super::figure::Figure;
use crate::app::action::Action;
use crate::app::chart::ChartView;
use crate::app::form::Field;
use crate::app::history::History;
use crate::app::message::Loadable;
use crate::metrics::comparison::Comparison;
use crate::metrics::{EpochFigures, Measure};
use crate::store::Run;
use crate::units::{range, share};

/// Runs that are told apart by colour and stroke.
pub const MOST: usize = 24;

/// The runs that are compared, and how they are looked at.
#[derive(Debug, Clone, PartialEq)]
pub struct Compare {
    pub run_ids: Vec<String>,
    /// Their colours and strokes.
    pub places: Vec<usize>,
    /// What is the same in all is shown too.
    pub all: bool,
    /// Lines scrolled down.
    pub top: usize,
    /// The run that keys act on.
    pub chosen: usize,
    /// By id.
    pub curves: Loadable<Vec<(String, History)>>,
    /// How its charts are looked at: they go along epochs.
    pub chart: ChartView,
    /// Of exactly two.
    pub paired: Loadable<Box<Comparison>>,
}

/// A line of the comparison: a heading, or what each run has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Line {
    Heading(&'static str),
    Values { name: String, cells: Vec<String> },
}

impl Compare {
    /// Of runs with their places, the first of them where there are too many.
    #[must_use]
    pub fn of(runs: Vec<(String, usize)>) -> Self {
        let (run_ids, places) = runs.into_iter().take(MOST).unzip();
        let (chart, curves, paired) = (ChartView::default(), Loadable::Loading, Loadable::Idle);
        Self { run_ids, places, all: false, top: 0, chosen: 0, curves, chart, paired }
    }

    /// Does what the action says of it; `lines` can be scrolled so far. The cursor's keys come here where no chart is
    /// shown.
    pub fn act(&mut self, action: Action, (limit, page): (usize, usize)) {
        let last = self.run_ids.len().saturating_sub(1);
        self.top = match action {
            Action::Up => self.top.min(limit).saturating_sub(1),
            Action::Down => self.top + 1,
            Action::PageUp => self.top.min(limit).saturating_sub(page),
            Action::PageDown => self.top + page,
            Action::First | Action::CursorFirst | Action::ShowAll => 0,
            Action::Last | Action::CursorLast => limit,
            _ => self.top,
        }
        .min(limit);
        match action {
            Action::ShowAll => self.all = !self.all,
            Action::ColumnLeft | Action::CursorLeft => self.chosen = self.chosen.saturating_sub(1),
            Action::ColumnRight | Action::CursorRight => self.chosen = (self.chosen + 1).min(last),
            _ => {}
        }
    }

    /// Makes a run the one that keys act on.
    pub const fn choose(&mut self, place: usize) {
        if place < self.run_ids.len() {
            self.chosen = place;
        }
    }

    /// How its charts are looked at, and the run that has come farthest: they end where it does.
    pub fn charts(&mut self) -> Option<(&mut ChartView, &History)> {
        longest(&self.curves).map(|history| (&mut self.chart, history))
    }

    /// The epochs that its charts show, from and to.
    #[must_use]
    pub fn across(&self) -> (f64, f64) {
        longest(&self.curves).map_or((0.0, 1.0), |history| self.chart.range(history))
    }

    /// The curves of a run.
    #[must_use]
    pub fn history(&self, run_id: &str) -> Option<&History> {
        let Loadable::Ready(curves) = &self.curves else { return None };
        curves.iter().find(|(id, _)| id == run_id).map(|(_, history)| history)
    }

    /// The table of these runs.
    #[must_use]
    pub fn lines(&self, runs: &[&Run]) -> Vec<Line> {
        let histories: Vec<Option<&History>> = runs.iter().map(|run| self.history(&run.started.id)).collect();
        let sections = [
            ("run", identity(runs)),
            ("settings", settings(runs)),
            ("data and program", origin(runs)),
            ("figures, 95 % intervals", figures(runs)),
            ("curves", curves(&histories)),
        ];
        let mut lines = Vec::new();
        for (heading, values) in sections {
            let is_shown = |(_, cells): &(String, Vec<String>)| {
                let differs = cells.windows(2).any(|pair| pair[0] != pair[1]);
                differs || (self.all && cells.iter().any(|cell| cell != "–" && !cell.is_empty()))
            };
            let shown: Vec<_> = values.into_iter().filter(is_shown).collect();
            if !shown.is_empty() {
                lines.push(Line::Heading(heading));
                lines.extend(shown.into_iter().map(|(name, cells)| Line::Values { name, cells }));
            }
        }
        lines
    }
}

fn longest(curves: &Loadable<Vec<(String, History)>>) -> Option<&History> {
    let Loadable::Ready(curves) = curves else { return None };
    curves.iter().map(|(_, history)| history).max_by_key(|history| history.epochs.len())
}

type Values = Vec<(String, Vec<String>)>;

fn of_columns(runs: &[&Run], columns: impl IntoIterator<Item = (String, Column)>) -> Values {
    let facts = Facts::default();
    let cells = |column: Column| runs.iter().map(|run| column.text(run, &facts)).collect();
    columns.into_iter().map(|(name, column)| (name, cells(column))).collect()
}

fn identity(runs: &[&Run]) -> Values {
    let columns = [Column::Started, Column::Tags, Column::Note].map(|column| (column.title().to_owned(), column));
    let mut values = vec![("state".to_owned(), runs.iter().map(|run| state_text(run.state)).collect())];
    values.extend(of_columns(runs, columns));
    values
}

fn settings(runs: &[&Run]) -> Values {
    of_columns(runs, Field::ALL.map(|field| (field.label().0.to_owned(), Column::Setting(field))))
}

/// Where its data and its program came from.
fn origin(runs: &[&Run]) -> Values {
    let short = |text: &str| text.chars().take(12).collect::<String>();
    let each = |name: &str, of: &dyn Fn(&Run) -> String| (name.to_owned(), runs.iter().map(|run| of(run)).collect());
    let mut values = vec![
        each("data", &|run| run.started.data.display().to_string()),
        each("data hash", &|run| short(&run.started.data_hash)),
        each("split hash", &|run| short(&run.started.split_hash)),
        each("git commit", &|run| {
            let changed = if run.started.git_dirty == Some(true) { ", changed" } else { "" };
            run.started.git_commit.as_ref().map_or("–".into(), |commit| format!("{}{changed}", short(commit)))
        }),
        each("device", &|run| run.started.device.clone()),
    ];
    let mut names: Vec<&String> =
        runs.iter().filter_map(|run| run.started.versions.as_object()).flat_map(serde_json::Map::keys).collect();
    names.sort();
    names.dedup();
    values.extend(names.into_iter().map(|name| {
        each(name, &|run| run.started.versions[name].as_str().map_or_else(|| "–".to_owned(), str::to_owned))
    }));
    values
}

fn figures(runs: &[&Run]) -> Values {
    let measured = Measure::ALL.map(|measure| {
        let cell = |run: &&Run| {
            let estimate = run.test.and_then(|test| test.confusion.estimate(measure));
            let interval = estimate.and_then(|estimate| estimate.interval);
            let interval = interval.map_or_else(String::new, |i| format!(" ({})", range(i.low, i.high)));
            share(estimate.map(|estimate| estimate.value)) + &interval
        };
        (format!("test {}", measure.name()), runs.iter().map(cell).collect())
    });
    let plain = [Figure::Loss, Figure::Validation, Figure::BestEpoch, Figure::Epochs, Figure::Speed, Figure::Time];
    let mut values: Values = measured.into_iter().collect();
    values.extend(of_columns(runs, plain.map(|figure| (figure.label().to_owned(), Column::Figure(figure)))));
    values
}

/// Best, last, smallest and largest of the curves of epochs.
fn curves(histories: &[Option<&History>]) -> Values {
    type Of = fn(&EpochFigures) -> Option<f64>;
    let curves: [(&str, bool, Of); 4] = [
        ("validation loss", false, |epoch| epoch.validation.loss),
        ("validation accuracy", true, |epoch| epoch.validation.confusion.accuracy()),
        ("training loss", false, |epoch| epoch.train.loss),
        ("training accuracy", true, |epoch| epoch.train.confusion.accuracy()),
    ];
    let mut values = Vec::new();
    for (name, more_is_better, of) in curves {
        let summaries: Vec<Option<[f64; 3]>> = histories
            .iter()
            .map(|history| summary(history.as_ref()?.epochs.iter().filter_map(|(_, e)| of(e))))
            .collect();
        // Of a loss the smallest is the best, and said once.
        let words = if more_is_better { ["min", "best", "last"] } else { ["best", "max", "last"] };
        for (place, word) in words.into_iter().enumerate() {
            let cells = summaries.iter().map(|summary| share(summary.map(|summary| summary[place]))).collect();
            values.push((format!("{name}, {word}"), cells));
        }
    }
    values
}

/// Smallest, largest and last.
fn summary(values: impl Iterator<Item = f64>) -> Option<[f64; 3]> {
    let finite = values.filter(|value| value.is_finite());
    finite.fold(None, |known, value| match known {
        None => Some([value; 3]),
        Some([low, high, _]) => Some([value.min(low), value.max(high), value]),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::sample;
    use crate::store::RunState;

    fn names(lines: &[Line]) -> Vec<String> {
        let name = |line: &Line| match line {
            Line::Heading(text) => format!("[{text}]"),
            Line::Values { name, .. } => name.clone(),
        };
        lines.iter().map(name).collect()
    }

    #[test]
    fn only_what_differs_is_shown_until_all_is_asked_for() {
        let (a, mut b) = (sample::run(1, RunState::Finished), sample::run(3, RunState::Finished));
        b.started.config["learning_rate"] = 1e-4.into();
        let mut compare = Compare::of(vec![("a".into(), 0), ("b".into(), 1)]);
        let lines = compare.lines(&[&a, &b]);
        let expected = [
            "[run]",
            "started (UTC)",
            "[settings]",
            "learning rate",
            "[figures, 95 % intervals]",
            "best validation accuracy",
            "time running",
        ];
        assert_eq!(names(&lines), expected);
        assert!(
            lines
                .contains(&Line::Values { name: "learning rate".into(), cells: vec!["0.001".into(), "0.0001".into()] })
        );
        compare.act(Action::ShowAll, (0, 1));
        let all = names(&compare.lines(&[&a, &b]));
        assert!(all.contains(&"candle-core".to_owned()) && all.contains(&"test F1".to_owned()), "{all:?}");
        assert!(!all.contains(&"pretrained".to_owned()), "what none has is not shown");
    }

    #[test]
    fn curves_are_told_by_best_last_and_the_other_end() {
        let (a, b) = (sample::run(1, RunState::Finished), sample::run(3, RunState::Finished));
        let mut compare = Compare::of(vec![(sample::run_id(1), 0), (sample::run_id(3), 1)]);
        let history = |epochs: usize| History::of(10, &[], &(1..=epochs).map(sample::epoch).collect::<Vec<_>>());
        compare.curves = Loadable::Ready(vec![(sample::run_id(1), history(5)), (sample::run_id(3), history(2))]);
        let lines = compare.lines(&[&a, &b]);
        let cells = |wanted: &str| {
            lines.iter().find_map(|line| match line {
                Line::Values { name, cells } if name == wanted => Some(cells.join(" ")),
                _ => None,
            })
        };
        assert_eq!(cells("validation loss, best").as_deref(), Some("0.160 0.360"));
        assert_eq!(cells("validation loss, last").as_deref(), Some("0.184 0.360"));
        assert_eq!(cells("validation accuracy, min").as_deref(), None, "the same in both");
    }

    #[test]
    fn no_more_runs_are_compared_than_can_be_told_apart() {
        let compare = Compare::of((0..100).map(|place| (place.to_string(), place)).collect());
        assert_eq!(compare.run_ids.len(), MOST);
    }
}
