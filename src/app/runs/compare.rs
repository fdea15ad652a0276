//! Some runs side by side: what differs in their settings, data, program, figures and curves.

use super::column::{Column, Facts, done, state_text};
use super::figure::Figure;
use crate::app::action::Action;
use crate::app::chart::ChartView;
use crate::app::form::Field;
use crate::app::history::History;
use crate::app::message::Loadable;
use crate::dataset::difference::Difference;
use crate::metrics::comparison::Comparison;
use crate::metrics::{EpochFigures, Estimate, Measure};
use crate::store::Run;
use crate::units::{interval, share};

/// Runs that are told apart by colour and stroke.
pub const MOST: usize = 24;

/// Files that are named where two runs saw different ones.
const MOST_FILES: usize = 200;

const ORIGIN: &str = "data and program";

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
    /// What is read for it, of each run.
    pub compared: Loadable<Vec<Compared>>,
    /// How its charts are looked at: they go along epochs.
    pub chart: ChartView,
    /// Of exactly two.
    pub paired: Loadable<Box<Comparison>>,
}

/// What a comparison has of a run beside its line in the table.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Compared {
    pub run_id: String,
    /// Its epochs, without steps.
    pub history: History,
    /// Accuracy of the best epoch on the validation images, 0 to 1, with Wilson's interval.
    pub validation: Option<Estimate>,
    /// Area under the ROC curve of the best epoch's answers for them, with DeLong's interval; `None` without answers.
    pub validation_auc: Option<Estimate>,
    /// The same for the test images.
    pub test_auc: Option<Estimate>,
    /// How the images that the first of the runs saw (A) differ from those that it saw (B); `None` for the first itself.
    pub images: Option<Difference>,
}

/// A line of the comparison: a heading, what each run has, or a text across all.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Line {
    Heading(&'static str),
    Values { name: String, cells: Vec<String> },
    Text(String),
}

impl Compare {
    /// Of runs with their places, the first of them where there are too many.
    #[must_use]
    pub fn of(runs: Vec<(String, usize)>) -> Self {
        let (run_ids, places) = runs.into_iter().take(MOST).unzip();
        let (chart, compared, paired) = (ChartView::default(), Loadable::Loading, Loadable::Idle);
        Self { run_ids, places, all: false, top: 0, chosen: 0, compared, chart, paired }
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
        longest(&self.compared).map(|history| (&mut self.chart, history))
    }

    /// The epochs that its charts show, from and to.
    #[must_use]
    pub fn across(&self) -> (f64, f64) {
        longest(&self.compared).map_or((0.0, 1.0), |history| self.chart.range(history))
    }

    /// The curves of a run.
    #[must_use]
    pub fn history(&self, run_id: &str) -> Option<&History> {
        self.of_run(run_id).map(|run| &run.history)
    }

    fn of_run(&self, run_id: &str) -> Option<&Compared> {
        let Loadable::Ready(compared) = &self.compared else { return None };
        compared.iter().find(|run| run.run_id == run_id)
    }

    /// The table of these runs.
    #[must_use]
    pub fn lines(&self, runs: &[&Run]) -> Vec<Line> {
        let compared: Vec<Option<&Compared>> = runs.iter().map(|run| self.of_run(&run.started.id)).collect();
        let sections = [
            ("run", identity(runs)),
            ("settings", settings(runs)),
            (ORIGIN, origin(runs)),
            ("figures, 95 % intervals", figures(runs, &compared)),
            ("curves", curves(&compared)),
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
            if heading == ORIGIN {
                lines.extend(self.images(runs, &compared));
            }
        }
        lines
    }

    /// What images the runs saw beside those of the first; of two runs with the files that differ.
    fn images(&self, runs: &[&Run], compared: &[Option<&Compared>]) -> Vec<Line> {
        let Some(first) = runs.first().map(|run| run.started.name.as_str()) else { return Vec::new() };
        let mut lines = Vec::new();
        for (run, difference) in
            runs.iter().zip(compared).filter_map(|(run, of)| Some((run, of.as_ref()?.images.as_ref()?)))
        {
            let names = [first, run.started.name.as_str()];
            if self.all || !difference.is_none() {
                lines.push(Line::Text(format!("{} against {first}: {}", names[1], difference.summary(names))));
            }
            let files = difference.images.iter().filter(|_| runs.len() == 2).flat_map(|images| images.lines(names));
            let files: Vec<String> = files.collect();
            lines.extend(files.iter().take(MOST_FILES).map(|file| Line::Text(format!("  {file}"))));
            let more = files.len().saturating_sub(MOST_FILES);
            lines.extend(
                (more > 0).then(|| Line::Text(format!("  and {more} more, all of them with `compare --json`"))),
            );
        }
        if !lines.is_empty() {
            lines.insert(0, Line::Heading("images seen"));
        }
        lines
    }
}

fn longest(compared: &Loadable<Vec<Compared>>) -> Option<&History> {
    let Loadable::Ready(compared) = compared else { return None };
    compared.iter().map(|run| &run.history).max_by_key(|history| history.epochs.len())
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
    let cells = |field| runs.iter().map(|run| done(run, field).to_string()).collect();
    Field::stored().map(|field| (field.label().0.to_owned(), cells(field))).collect()
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

fn figures(runs: &[&Run], compared: &[Option<&Compared>]) -> Values {
    type Of = fn(&Compared) -> Option<Estimate>;
    let measured = Measure::ALL.map(|measure| {
        let cell = |run: &&Run| estimated(run.test.and_then(|test| test.confusion.estimate(measure)));
        (format!("test {}", measure.name()), runs.iter().map(cell).collect())
    });
    let area = |name: &str, of: Of| {
        (name.to_owned(), compared.iter().map(|run| estimated(run.and_then(of))).collect::<Vec<_>>())
    };
    // Until it is read, the table's own value, which has no interval.
    let validation = |(run, compared): (&&Run, Option<&Compared>)| {
        let known = compared.and_then(|compared| compared.validation);
        known.map_or_else(|| share(run.best_val_accuracy), |known| estimated(Some(known)))
    };
    let column = |figure: Figure| of_columns(runs, [(figure.label().to_owned(), Column::Figure(figure))]);
    let mut values: Values = measured.into_iter().collect();
    values.push(area("test AUC", |run| run.test_auc));
    values.extend(column(Figure::Loss));
    values.push((
        Figure::Validation.label().to_owned(),
        runs.iter().zip(compared.iter().copied()).map(validation).collect(),
    ));
    values.push(area("validation AUC", |run| run.validation_auc));
    values.extend([Figure::BestEpoch, Figure::Epochs, Figure::Speed, Figure::Time].into_iter().flat_map(column));
    values
}

/// A figure and, after a space, its interval.
fn estimated(estimate: Option<Estimate>) -> String {
    let known = estimate.and_then(|estimate| estimate.interval);
    let known = known.map_or_else(String::new, |known| format!(" {}", interval(known.low, known.high)));
    share(estimate.map(|estimate| estimate.value)) + &known
}

/// Best, last, smallest and largest of the curves of epochs.
fn curves(compared: &[Option<&Compared>]) -> Values {
    type Of = fn(&EpochFigures) -> Option<f64>;
    let curves: [(&str, bool, Of); 4] = [
        ("validation loss", false, |epoch| epoch.validation.loss),
        ("validation accuracy", true, |epoch| epoch.validation.confusion.accuracy()),
        ("training loss", false, |epoch| epoch.train.loss),
        ("training accuracy", true, |epoch| epoch.train.confusion.accuracy()),
    ];
    let mut values = Vec::new();
    for (name, more_is_better, of) in curves {
        let summaries: Vec<Option<[f64; 3]>> = compared
            .iter()
            .map(|run| summary(run.as_ref()?.history.epochs.iter().filter_map(|(_, e)| of(e))))
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
    use crate::dataset::difference::Images;
    use crate::metrics::Interval;
    use crate::store::RunState;

    fn names(lines: &[Line]) -> Vec<String> {
        let name = |line: &Line| match line {
            Line::Heading(text) => format!("[{text}]"),
            Line::Values { name, .. } => name.clone(),
            Line::Text(text) => text.clone(),
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
    fn two_runs_on_different_data_are_told_with_the_files_that_differ() {
        let (mut a, mut b) = (sample::run(1, RunState::Finished), sample::run(3, RunState::Finished));
        (a.started.name, b.started.name) = ("one".into(), "two".into());
        let mut compare = Compare::of(vec![(sample::run_id(1), 0), (sample::run_id(3), 1)]);
        let only_a = (0..300).map(|n| format!("train/NORMAL/{n}.jpeg")).collect();
        let images = Images { only_a, changed: vec!["test/x.jpeg".into()], ..Images::default() };
        let different = Difference { same_data: false, same_splits: true, images: Some(images) };
        let same = Difference { same_data: true, same_splits: true, images: Some(Images::default()) };
        let mut told = |images: Option<Difference>, runs: &[&Run]| {
            let of = |number, images| Compared { run_id: sample::run_id(number), images, ..Compared::default() };
            compare.compared = Loadable::Ready(vec![of(1, None), of(3, images)]);
            let lines = compare.lines(runs);
            lines.into_iter().filter_map(|line| if let Line::Text(text) = line { Some(text) } else { None }).collect()
        };
        let lines: Vec<String> = told(Some(different.clone()), &[&a, &b]);
        assert_eq!(lines[0], "two against one: data differ: images 300 only in one, 1 changed");
        assert_eq!(lines[1..3], ["  changed: test/x.jpeg", "  only in one: train/NORMAL/0.jpeg"]);
        assert_eq!((lines.len(), lines[201].as_str()), (202, "  and 101 more, all of them with `compare --json`"));
        let lines: Vec<String> = told(Some(different), &[&a, &b, &a]);
        assert_eq!(lines.len(), 1, "of three no files are named");
        let lines: Vec<String> = told(Some(same), &[&a, &b]);
        assert!(lines.is_empty(), "what is the same is not shown");
    }

    #[test]
    fn curves_are_told_by_best_last_and_the_other_end() {
        let (a, b) = (sample::run(1, RunState::Finished), sample::run(3, RunState::Finished));
        let mut compare = Compare::of(vec![(sample::run_id(1), 0), (sample::run_id(3), 1)]);
        let history = |epochs: usize| History::of(10, &[], &(1..=epochs).map(sample::epoch).collect::<Vec<_>>());
        let run = |number: usize, epochs| Compared {
            run_id: sample::run_id(number),
            history: history(epochs),
            ..Compared::default()
        };
        compare.compared = Loadable::Ready(vec![run(1, 5), run(3, 2)]);
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
    fn figures_of_answers_have_their_intervals_and_runs_without_answers_none() {
        let (a, b) = (sample::run(1, RunState::Finished), sample::run(3, RunState::Finished));
        let mut compare = Compare::of(vec![(sample::run_id(1), 0), (sample::run_id(3), 1)]);
        let auc = Some(Estimate { value: 0.953, interval: Some(Interval { low: 0.941, high: 0.965 }) });
        let answered = Compared {
            run_id: sample::run_id(1),
            validation: Estimate::share(455, 500),
            validation_auc: auc,
            test_auc: auc,
            ..Compared::default()
        };
        let bare = Compared { run_id: sample::run_id(3), ..Compared::default() };
        compare.compared = Loadable::Ready(vec![answered, bare]);
        let lines = compare.lines(&[&a, &b]);
        let row =
            |name: &str, cells: [&str; 2]| Line::Values { name: name.into(), cells: cells.map(Into::into).into() };
        for row in [
            row("test AUC", ["0.953 [0.941, 0.965]", "–"]),
            row("best validation accuracy", ["0.910 [0.882, 0.932]", "0.930"]),
            row("validation AUC", ["0.953 [0.941, 0.965]", "–"]),
        ] {
            assert!(lines.contains(&row), "{row:?}: {lines:?}");
        }
    }

    #[test]
    fn no_more_runs_are_compared_than_can_be_told_apart() {
        let compare = Compare::of((0..100).map(|place| (place.to_string(), place)).collect());
        assert_eq!(compare.run_ids.len(), MOST);
    }
}
