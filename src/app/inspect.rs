//! The Inspect screen: the test images of a run, one by one, with truth and prediction.

mod asking;
pub mod case;
mod csv;
pub mod filter;
pub mod heat;
pub mod list;
pub mod looking;
pub mod order;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Arc;

use super::action::{Action, Place};
use super::input::Input;
use super::message::{Effect, InspectMessage, Loadable, View};
use crate::dataset::{Class, Split};
use crate::metrics::assessment::Terms;
use crate::metrics::{self, Assessment, Confusion, Estimate, Threshold};
use crate::picture::{Look, Part, Picture};
use crate::store::{ImageMark, Run, RunState};
use case::Case;
use heat::HeatView;
use list::List;

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

/// Another run, whose answers for the same images stand beside.
#[derive(Debug, Clone, PartialEq)]
pub struct OtherRun {
    pub id: String,
    pub name: String,
    pub threshold: Threshold,
}

#[derive(Debug, Default)]
pub struct InspectScreen {
    pub run: Option<ShownRun>,
    pub cases: Loadable<Vec<Case>>,
    /// What they are; validation images until the run has come to the test.
    pub split: Split,
    /// Of the shown image, among all.
    pub index: usize,
    /// Those that are stepped through.
    pub list: List,
    /// How the picture's grey levels are shown.
    pub look: Look,
    /// Which part of it; all of the next picture.
    pub part: Part,
    pub heat: HeatView,
    /// Where the mouse holds the picture, in 0 to 1 of its width and height.
    pub held: Option<(f64, f64)>,
    /// The run that its answers are held against.
    pub other: Option<OtherRun>,
    /// Another threshold than the run's, to see what it would do.
    pub tried: Option<Threshold>,
    /// Counts the pictures asked for; a reply to an older one is dropped.
    pub generation: u64,
    /// Answers to what was asked before are of another network or list, and dropped.
    since: u64,
    pub picture: Loadable<Arc<Picture>>,
    pub problem: Option<String>,
    /// What has become of a key that was pressed.
    pub notice: Option<String>,
    /// Images shown so far.
    pub seen: BTreeSet<usize>,
    /// Of all answered images, with DeLong's interval.
    pub auc: Option<Estimate>,
}

impl InspectScreen {
    /// Chooses a run and asks for its test images. The same run again keeps the place.
    pub fn choose(&mut self, run: &Run) -> Vec<Effect> {
        let again = self.run.as_ref().is_some_and(|shown| shown.id == run.started.id);
        let list = std::mem::take(&mut self.list).emptied();
        *self = Self {
            run: Some(ShownRun::of(run)),
            cases: Loadable::Loading,
            index: if again { self.index } else { 0 },
            tried: self.tried.filter(|_| again),
            look: self.look,
            heat: HeatView { known: None, ..std::mem::take(&mut self.heat) },
            list,
            generation: self.generation + 1,
            since: self.generation + 1,
            ..Self::default()
        };
        vec![Effect::LoadCases { run_id: run.started.id.clone() }]
    }

    /// Has no run any more.
    pub fn forget(&mut self) {
        let list = std::mem::take(&mut self.list).emptied();
        *self = Self { generation: self.generation, since: self.generation, list, ..Self::default() };
    }

    /// All images.
    #[must_use]
    pub fn all(&self) -> &[Case] {
        match &self.cases {
            Loadable::Ready(cases) => cases,
            _ => &[],
        }
    }

    #[must_use]
    pub fn case(&self) -> Option<&Case> {
        self.all().get(self.index)
    }

    pub fn hear(&mut self, message: InspectMessage) -> Vec<Effect> {
        match message {
            InspectMessage::Cases { run_id, cases } if self.is_shown(&run_id) => {
                self.split = cases.as_ref().map_or(Split::Test, |(split, _)| *split);
                self.cases = cases.map_or_else(Loadable::Failed, |(_, cases)| Loadable::Ready(cases));
                self.auc = self.auc_of_answered();
                self.since = self.generation;
                self.index = self.index.min(self.all().len().saturating_sub(1));
                self.arrange();
                let nearest = self.list.position(self.index).map(|_| self.index);
                return self.show(nearest.or(self.list.places().first().copied()).unwrap_or(self.index));
            }
            InspectMessage::Picture { generation, picture } if generation == self.generation => {
                self.picture = picture.map_or_else(Loadable::Failed, Loadable::Ready);
            }
            InspectMessage::Prediction { generation, run_id, index, logits }
                if generation > self.since && self.is_shown(&run_id) =>
            {
                self.answer(index, logits, generation);
            }
            InspectMessage::Explained { generation, run_id, index, explained }
                if generation > self.since && self.is_shown(&run_id) =>
            {
                return self.see_heat(index, explained);
            }
            InspectMessage::Other { run_id, other } if self.is_shown(&run_id) => return self.hold_against(other),
            InspectMessage::Marked(kept) => self.problem = kept.err().or(self.problem.take()),
            InspectMessage::Explained { .. }
            | InspectMessage::Other { .. }
            | InspectMessage::Cases { .. }
            | InspectMessage::Picture { .. }
            | InspectMessage::Prediction { .. } => {}
        }
        Vec::new()
    }

    /// Takes in the answers of another run, for the images that both have.
    fn hold_against(&mut self, other: Result<(OtherRun, BTreeMap<String, [f32; 2]>), String>) -> Vec<Effect> {
        match (other, &mut self.cases) {
            (Ok((other, answers)), Loadable::Ready(cases)) => {
                for case in cases.iter_mut() {
                    case.other = answers.get(&case.file).copied();
                }
                self.other = Some(other);
            }
            (Err(problem), _) => self.problem = Some(problem),
            (Ok(_), _) => {}
        }
        self.arrange_and_show()
    }

    /// Holds it against no other run any more.
    pub fn stand_alone(&mut self) -> Vec<Effect> {
        self.other = None;
        if let Loadable::Ready(cases) = &mut self.cases {
            for case in cases.iter_mut() {
                case.other = None;
            }
        }
        self.arrange_and_show()
    }

    fn is_shown(&self, run_id: &str) -> bool {
        self.run.as_ref().is_some_and(|shown| shown.id == run_id)
    }

    fn answer(&mut self, index: usize, logits: Result<[f32; 2], String>, generation: u64) {
        match (logits, &mut self.cases) {
            (Ok(logits), Loadable::Ready(cases)) => {
                // What the run has in the store stays: a heat map brings an answer too, which another machine may round
                // otherwise.
                if let Some(case) = cases.get_mut(index).filter(|case| case.logits.is_none()) {
                    case.logits = Some(logits);
                    self.auc = self.auc_of_answered();
                }
            }
            (Err(problem), _) if generation == self.generation => self.problem = Some(problem),
            _ => {}
        }
    }

    /// Puts the images that are stepped through in order anew.
    pub fn arrange(&mut self) {
        let thresholds = self.thresholds();
        let cases = match &self.cases {
            Loadable::Ready(cases) => cases.as_slice(),
            _ => &[],
        };
        self.list.arrange(cases, thresholds);
    }

    /// Puts them in order anew, and shows the first where the shown image is not among them any more.
    fn arrange_and_show(&mut self) -> Vec<Effect> {
        self.arrange();
        match (self.list.position(self.index), self.list.places().first()) {
            (None, Some(&first)) => self.show(first),
            _ => Vec::new(),
        }
    }

    /// Shows image `index`: at once what is known of it, the picture as soon as it comes.
    pub fn show(&mut self, index: usize) -> Vec<Effect> {
        if self.all().get(index).is_none() {
            return Vec::new();
        }
        (self.index, self.part, self.picture) = (index, Part::WHOLE, Loadable::Loading);
        (self.problem, self.notice) = (None, None);
        self.seen.insert(index);
        self.ask()
    }

    /// Asks for the shown image with its look and part; what is on the screen stays until it comes.
    fn ask(&mut self) -> Vec<Effect> {
        let (Some(run), Some(case), index) = (&self.run, self.case(), self.index) else { return Vec::new() };
        let file = |case: &Case| run.data.join(&case.file);
        let position = self.list.position(index).unwrap_or(0);
        let near = [Some(position + 1), position.checked_sub(1)].into_iter().flatten();
        let near = near.filter_map(|position| self.all().get(*self.list.places().get(position)?));
        let view = View {
            generation: self.generation + 1,
            index,
            file: file(case),
            look: self.look,
            part: self.part,
            heat: self.heat.overlay(index),
            explain: self.heat.lacks(index),
            predict_with: (case.logits.is_none() || self.heat.lacks(index)).then(|| run.id.clone()),
            neighbours: near.map(file).collect(),
        };
        self.generation = view.generation;
        vec![Effect::Show(Box::new(view))]
    }

    /// Where keys land.
    #[must_use]
    pub const fn place(&self) -> Place {
        if self.list.filtering.is_some() { Place::Filter } else { Place::Inspect }
    }

    pub fn act(&mut self, action: Action) -> Vec<Effect> {
        match action {
            Action::Filter => self.list.begin_filter(),
            Action::Keep | Action::Discard => return self.end_filter(action == Action::Keep),
            Action::Sort | Action::SortBack => {
                self.list.view.order = self.list.view.order.stepped(action == Action::Sort);
                return self.show_first();
            }
            Action::TurnSort => {
                self.list.view.turned ^= true;
                return self.show_first();
            }
            Action::ThresholdUp | Action::ThresholdDown => return self.try_threshold(action == Action::ThresholdUp),
            Action::OwnThreshold => {
                self.tried = None;
                return self.arrange_and_show();
            }
            _ if looking::is_of_look(action) => return self.look_otherwise(action),
            Action::Heat | Action::Stronger | Action::Weaker | Action::NextColours => return self.act_on_heat(action),
            Action::Favourite => return self.mark(|mark| mark.favourite ^= true),
            Action::WrongLabel => return self.mark(|mark| mark.wrong_label ^= true),
            Action::PoorQuality => return self.mark(|mark| mark.poor_quality ^= true),
            Action::SamePatient => return self.of_patient(),
            Action::OnlyDiffering => return self.toggle_filter("differs"),
            Action::Back => {
                self.list.set_filter("");
                return self.arrange_and_show();
            }
            _ => return self.step(action),
        }
        Vec::new()
    }

    fn show_first(&mut self) -> Vec<Effect> {
        self.arrange();
        let first = self.list.places().first().copied();
        first.map_or_else(Vec::new, |first| self.show(first))
    }

    fn step(&mut self, action: Action) -> Vec<Effect> {
        let (at, places) = (self.list.position(self.index).unwrap_or(0), self.list.places());
        let last = places.len().saturating_sub(1);
        let to = match action {
            Action::Up => at.saturating_sub(1),
            Action::Down => (at + 1).min(last),
            Action::PageUp => at.saturating_sub(PAGE),
            Action::PageDown => (at + PAGE).min(last),
            Action::First => 0,
            Action::Last => last,
            Action::NextMistake => self.mistakes().find(|mistake| *mistake > at).unwrap_or(at),
            Action::PreviousMistake => self.mistakes().take_while(|mistake| *mistake < at).last().unwrap_or(at),
            _ => at,
        };
        match places.get(to) {
            Some(&index) if index != self.index => self.show(index),
            _ => Vec::new(),
        }
    }

    /// Changes the text of the filter that is typed.
    pub fn type_filter(&mut self, change: impl FnOnce(&mut Input) -> bool) -> Vec<Effect> {
        if self.list.type_filter(change) { self.arrange_and_show() } else { Vec::new() }
    }

    fn end_filter(&mut self, keep: bool) -> Vec<Effect> {
        self.list.end_filter(keep);
        self.arrange_and_show()
    }

    /// Says something of the shown image. It stays where it is, whatever the filter: the user is at it.
    fn mark(&mut self, change: impl FnOnce(&mut ImageMark)) -> Vec<Effect> {
        let (Some(run), Loadable::Ready(cases)) = (&self.run, &mut self.cases) else { return Vec::new() };
        let Some(case) = cases.get_mut(self.index) else { return Vec::new() };
        change(&mut case.mark);
        vec![Effect::MarkImage { data: run.data.clone(), file: case.file.clone(), mark: case.mark.clone() }]
    }

    /// Writes a note to the shown image; an empty one takes it away.
    pub fn note(&mut self, text: &str) -> Vec<Effect> {
        self.mark(|mark| mark.note = (!text.is_empty()).then(|| text.to_owned()))
    }

    /// The images that are stepped through, with the run's answers and what was said of them, as RFC 4180 has it.
    #[must_use]
    pub fn csv(&self) -> String {
        let cases = self.list.places().iter().map(|place| &self.all()[*place]);
        csv::write(cases, self.threshold())
    }

    /// Only images of the one who is shown; all again, where only they are stepped through.
    fn of_patient(&mut self) -> Vec<Effect> {
        let filter = self.case().map(|case| format!("patient={}", case.patient));
        filter.map_or_else(Vec::new, |filter| self.toggle_filter(&filter))
    }

    /// Lets a filter hold, or none where it does already.
    fn toggle_filter(&mut self, filter: &str) -> Vec<Effect> {
        let is_on = self.list.view.filter == filter;
        self.list.set_filter(if is_on { "" } else { filter });
        self.arrange_and_show()
    }

    /// Moves the threshold to the next whole percent.
    fn try_threshold(&mut self, up: bool) -> Vec<Effect> {
        let percent = self.threshold().probability() * 100.0;
        // A hair beyond, as 0.29 is a little less than 29 hundredths.
        let next = if up { (percent + 1e-6).floor() + 1.0 } else { (percent - 1e-6).ceil() - 1.0 };
        self.tried = Some(Threshold::at(next.clamp(1.0, 99.0) / 100.0));
        self.arrange_and_show()
    }

    /// What images are called by: what is tried, or what the run decides by.
    #[must_use]
    pub fn threshold(&self) -> Threshold {
        self.tried.or(self.run.as_ref().map(|run| run.threshold)).unwrap_or(Threshold::HALF)
    }

    /// The run's, and the other run's.
    #[must_use]
    pub fn thresholds(&self) -> [Threshold; 2] {
        [self.threshold(), self.other.as_ref().map_or(Threshold::HALF, |other| other.threshold)]
    }

    /// Positions of those that the run calls wrong.
    fn mistakes(&self) -> impl Iterator<Item = usize> {
        let is_wrong = |place: &usize| self.all()[*place].is_right(self.threshold()) == Some(false);
        self.list.places().iter().enumerate().filter(move |(_, place)| is_wrong(place)).map(|(at, _)| at)
    }

    fn auc_of_answered(&self) -> Option<Estimate> {
        let answered = self.all().iter().filter_map(|case| {
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
        for (index, case) in self.all().iter().enumerate() {
            let Some(predicted) = case.predicted(self.threshold()) else { continue };
            let (truth, predicted) = (case.truth == Class::Pneumonia, predicted == Class::Pneumonia);
            all.count(truth, predicted);
            if self.seen.contains(&index) {
                seen.count(truth, predicted);
            }
        }
        (seen, all)
    }
}
