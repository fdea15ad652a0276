//! The Inspect screen: the test images of a run, one by one, with truth and prediction.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;

use super::action::Action;
use super::message::{Case, Effect, InspectMessage, Loadable, View};
use crate::dataset::{Class, Split};
use crate::metrics::assessment::Terms;
use crate::metrics::{self, Assessment, Confusion, Estimate, Threshold};
use crate::picture::Picture;
use crate::store::{Run, RunState};

/// Images that a page key steps over.
const PAGE: usize = 10;

/// The run whose test images are shown, as it was when it was chosen.
#[derive(Debug, Clone, PartialEq)]
pub struct ShownRun {
    pub id: String,
    pub name: String,
    /// Its data set's folder.
    pub data: PathBuf,
    pub synthetic: bool,
    pub best_epoch: Option<usize>,
    pub state: RunState,
    /// What it decides by.
    pub threshold: Threshold,
}

impl ShownRun {
    fn of(run: &Run) -> Self {
        Self {
            id: run.started.id.clone(),
            name: run.started.name.clone(),
            data: run.started.data.clone(),
            synthetic: run.started.synthetic,
            best_epoch: run.best_epoch,
            state: run.state,
            threshold: run.threshold(),
        }
    }
}

#[derive(Debug, Default)]
pub struct InspectScreen {
    pub run: Option<ShownRun>,
    pub cases: Loadable<Vec<Case>>,
    /// What they are; validation images until the run has come to the test.
    pub split: Split,
    pub index: usize,
    /// Counts the pictures asked for; a reply to an older one is dropped.
    pub generation: u64,
    /// Answers to what was asked before are of another network or list, and dropped.
    since: u64,
    pub picture: Loadable<Arc<Picture>>,
    pub problem: Option<String>,
    /// Images shown so far.
    pub seen: BTreeSet<usize>,
    /// Of all answered images, with DeLong's interval.
    pub auc: Option<Estimate>,
}

impl InspectScreen {
    /// Chooses a run and asks for its test images. The same run again keeps the place.
    pub fn choose(&mut self, run: &Run) -> Vec<Effect> {
        let again = self.run.as_ref().is_some_and(|shown| shown.id == run.started.id);
        *self = Self {
            run: Some(ShownRun::of(run)),
            cases: Loadable::Loading,
            index: if again { self.index } else { 0 },
            generation: self.generation + 1,
            since: self.generation + 1,
            ..Self::default()
        };
        vec![Effect::LoadCases { run_id: run.started.id.clone() }]
    }

    /// Has no run any more.
    pub fn forget(&mut self) {
        *self = Self { generation: self.generation, since: self.generation, ..Self::default() };
    }

    #[must_use]
    pub fn list(&self) -> &[Case] {
        match &self.cases {
            Loadable::Ready(cases) => cases,
            _ => &[],
        }
    }

    #[must_use]
    pub fn case(&self) -> Option<&Case> {
        self.list().get(self.index)
    }

    pub fn hear(&mut self, message: InspectMessage) -> Vec<Effect> {
        match message {
            InspectMessage::Cases { run_id, cases } if self.is_shown(&run_id) => {
                self.split = cases.as_ref().map_or(Split::Test, |(split, _)| *split);
                self.cases = cases.map_or_else(Loadable::Failed, |(_, cases)| Loadable::Ready(cases));
                self.auc = self.auc_of_answered();
                self.since = self.generation;
                return self.show(self.index.min(self.list().len().saturating_sub(1)));
            }
            InspectMessage::Picture { generation, picture } if generation == self.generation => {
                self.picture = picture.map_or_else(Loadable::Failed, Loadable::Ready);
            }
            InspectMessage::Prediction { generation, run_id, index, logits }
                if generation > self.since && self.is_shown(&run_id) =>
            {
                self.answer(index, logits, generation);
            }
            InspectMessage::Cases { .. } | InspectMessage::Picture { .. } | InspectMessage::Prediction { .. } => {}
        }
        Vec::new()
    }

    fn is_shown(&self, run_id: &str) -> bool {
        self.run.as_ref().is_some_and(|shown| shown.id == run_id)
    }

    fn answer(&mut self, index: usize, logits: Result<[f32; 2], String>, generation: u64) {
        match (logits, &mut self.cases) {
            (Ok(logits), Loadable::Ready(cases)) => {
                if let Some(case) = cases.get_mut(index) {
                    case.logits = Some(logits);
                }
                self.auc = self.auc_of_answered();
            }
            (Err(problem), _) if generation == self.generation => self.problem = Some(problem),
            _ => {}
        }
    }

    /// Shows image `index`: at once what is known of it, the picture as soon as it comes.
    pub fn show(&mut self, index: usize) -> Vec<Effect> {
        let (Some(run), Some(case)) = (&self.run, self.list().get(index)) else { return Vec::new() };
        let file = |case: &Case| run.data.join(&case.file);
        let near = [Some(index + 1), index.checked_sub(1)].into_iter().flatten();
        let view = View {
            generation: self.generation + 1,
            index,
            file: file(case),
            predict_with: case.logits.is_none().then(|| run.id.clone()),
            neighbours: near.filter_map(|index| self.list().get(index)).map(file).collect(),
        };
        self.index = index;
        self.generation = view.generation;
        self.picture = Loadable::Loading;
        self.problem = None;
        self.seen.insert(index);
        vec![Effect::Show(Box::new(view))]
    }

    pub fn act(&mut self, action: Action) -> Vec<Effect> {
        let last = self.list().len().saturating_sub(1);
        let to = match action {
            Action::Up => self.index.saturating_sub(1),
            Action::Down => (self.index + 1).min(last),
            Action::PageUp => self.index.saturating_sub(PAGE),
            Action::PageDown => (self.index + PAGE).min(last),
            Action::First => 0,
            Action::Last => last,
            Action::NextMistake => self.mistakes().find(|at| *at > self.index).unwrap_or(self.index),
            Action::PreviousMistake => self.mistakes().take_while(|at| *at < self.index).last().unwrap_or(self.index),
            _ => self.index,
        };
        if to == self.index { Vec::new() } else { self.show(to) }
    }

    /// What the shown run decides by.
    #[must_use]
    pub fn threshold(&self) -> Threshold {
        self.run.as_ref().map_or(Threshold::HALF, |run| run.threshold)
    }

    fn mistakes(&self) -> impl Iterator<Item = usize> {
        self.list()
            .iter()
            .enumerate()
            .filter(|(_, case)| case.is_right(self.threshold()) == Some(false))
            .map(|(at, _)| at)
    }

    fn auc_of_answered(&self) -> Option<Estimate> {
        let answered = self.list().iter().filter_map(|case| {
            let margin = metrics::margin(case.logits?);
            Some(metrics::Case { margin, truth: case.truth == Class::Pneumonia, patient: 0, kind: None })
        });
        let terms = Terms { threshold: self.threshold(), temperature: None, prevalence: None };
        Assessment::quick(&answered.collect::<Vec<_>>(), terms).auc
    }

    /// Truth against prediction over the images shown so far, and over all that are answered.
    #[must_use]
    pub fn confusions(&self) -> (Confusion, Confusion) {
        let (mut seen, mut all) = (Confusion::default(), Confusion::default());
        for (index, case) in self.list().iter().enumerate() {
            let Some(logits) = case.logits else { continue };
            let (truth, predicted) =
                (case.truth == Class::Pneumonia, metrics::margin(logits) > self.threshold().margin);
            all.count(truth, predicted);
            if self.seen.contains(&index) {
                seen.count(truth, predicted);
            }
        }
        (seen, all)
    }
}

impl Case {
    /// The predicted class.
    #[must_use]
    pub fn predicted(&self, threshold: Threshold) -> Option<Class> {
        let positive = metrics::margin(self.logits?) > threshold.margin;
        Some(if positive { Class::Pneumonia } else { Class::Normal })
    }

    #[must_use]
    pub fn is_right(&self, threshold: Threshold) -> Option<bool> {
        Some(self.predicted(threshold)? == self.truth)
    }
}
