//! The Inspect screen: the images of a run, of the data set or from anywhere, one by one, with truth and prediction.

mod asking;
pub mod case;
mod csv;
pub mod curves;
pub mod filter;
pub mod grid;
pub mod heat;
pub mod list;
pub mod looking;
pub mod order;
pub mod pane;
pub mod paths;
pub mod similar;
pub mod source;
#[cfg(test)]
mod tests;
mod told;

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Arc;

use super::action::Action;
use super::input::Input;
use super::message::{Effect, InspectMessage, Loadable, View};
use super::scene::Scene;
use crate::dataset::{Class, Split};
use crate::metrics::assessment::Terms;
use crate::metrics::{Assessment, Confusion, Estimate, Threshold};
use crate::picture::{Look, Part, Picture};
use crate::store::ImageMark;
use case::Case;
use curves::CurvesView;
use grid::Grid;
use heat::HeatView;
use list::List;
use pane::{Pane, Panes};
use similar::Similar;
pub use source::{Found, Images, OtherRun, ShownRun, Wanted};

/// Images that a page key steps over.
const PAGE: usize = 10;

#[derive(Debug, Default)]
pub struct InspectScreen {
    /// The run that answers; without one the images are shown all the same.
    pub run: Option<ShownRun>,
    /// What was asked for last, and the number of that request.
    wanted: Option<Wanted>,
    pub request: u64,
    /// The split that the user has chosen.
    split: Option<Split>,
    pub cases: Loadable<Vec<Case>>,
    /// What they are.
    pub images: Images,
    /// What their files' paths begin at.
    root: PathBuf,
    pub synthetic: bool,
    /// Of the shown image, among all.
    pub index: usize,
    /// Those that are stepped through.
    pub list: List,
    /// How the picture's grey levels are shown.
    pub look: Look,
    /// Which part of it; all of the next picture.
    pub part: Part,
    pub heat: HeatView,
    /// What the network gets stands beside the picture.
    pub beside: bool,
    pub panes: Panes,
    pub grid: Grid,
    pub curves: CurvesView,
    pub similar: Similar,
    /// A run, and its files that are nearly the same as one of another split, each with that one.
    twins: Option<(String, BTreeMap<String, String>)>,
    /// The file that is to be shown once its split's images are here.
    sought: Option<String>,
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
            InspectMessage::Cases { request, found } if request == self.request => {
                return self.take_images(found);
            }
            InspectMessage::Picture { generation, picture } if generation == self.generation => {
                self.picture = picture.map_or_else(Loadable::Failed, Loadable::Ready);
            }
            InspectMessage::Other { run_id, other } if self.is_shown(&run_id) => return self.hold_against(other),
            InspectMessage::Marked(kept) => self.problem = kept.err().or(self.problem.take()),
            InspectMessage::Tiles { request, tiles } if request == self.request => self.grid.take_in(tiles),
            InspectMessage::Similar { request, index, likeness } if request == self.request => {
                self.similar.take_in(index, likeness);
            }
            InspectMessage::SimilarMade { request, made } if request == self.request => self.similar.made = Some(made),
            InspectMessage::NearDuplicates { request, pairs } if request == self.request => self.know_twins(pairs),
            InspectMessage::Told { generation, run_id, index, told } if generation > self.since => {
                return self.be_told((generation, index), &run_id, told);
            }
            InspectMessage::Told { .. }
            | InspectMessage::Similar { .. }
            | InspectMessage::SimilarMade { .. }
            | InspectMessage::NearDuplicates { .. }
            | InspectMessage::Tiles { .. }
            | InspectMessage::Other { .. }
            | InspectMessage::Cases { .. }
            | InspectMessage::Picture { .. } => {}
        }
        Vec::new()
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
        if let Some(called) = self.all()[index].predicted(self.threshold()) {
            self.heat.follow(called);
        }
        self.ask()
    }

    /// Asks for the shown image with its look and part; what is on the screen stays until it comes.
    fn ask(&mut self) -> Vec<Effect> {
        let (Some(case), index) = (self.case(), self.index) else { return Vec::new() };
        let file = |case: &Case| self.root.join(&case.file);
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
            beside: self.beside(),
            explain: self.heat.lacks(index),
            explain_other: self.other.as_ref().filter(|_| self.heat.lacks_other(index)).map(|run| run.id.clone()),
            check: self.heat.unchecked(index),
            is_foreign: self.images == Images::Files,
            predict_with: self.asked_run(case),
            neighbours: near.map(file).collect(),
        };
        self.generation = view.generation;
        vec![Effect::Show(Box::new(view))]
    }

    /// The run that is asked about an image, where something is not known of it yet.
    fn asked_run(&self, case: &Case) -> Option<String> {
        let checks = self.heat.unchecked(self.index).is_some();
        let lacks = case.logits.is_none() || self.heat.lacks(self.index) || checks;
        self.run.as_ref().filter(|_| lacks).map(|run| run.id.clone())
    }

    pub fn act(&mut self, action: Action, scene: &Scene) -> Vec<Effect> {
        let done = match self.panes.shown {
            Pane::Picture => None,
            Pane::Grid => self.act_on_grid(action, scene.tiles),
            Pane::Curves => self.act_on_curves(action),
            Pane::Similar => self.act_on_similar(action),
        };
        if let Some(effects) = done.or_else(|| self.change_pane(action)) {
            return effects;
        }
        match action {
            Action::CheckHeat => return self.check_heat(),
            Action::NetworkView if self.run.is_none() => return self.say(pane::NO_RUN),
            Action::NetworkView => {
                self.beside ^= true;
                return self.ask();
            }
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
            Action::NextSplit => return self.choose_split(),
            Action::SamePatient => return self.of_patient(),
            Action::OnlyDiffering => return self.toggle_filter("differs"),
            Action::Back if self.leads_back() => return self.go_back(),
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
        let Loadable::Ready(cases) = &mut self.cases else { return Vec::new() };
        let Some(case) = cases.get_mut(self.index) else { return Vec::new() };
        change(&mut case.mark);
        vec![Effect::MarkImage { data: self.root.clone(), file: case.file.clone(), mark: case.mark.clone() }]
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
        let terms = Terms { threshold: self.threshold(), temperature: None, prevalence: None };
        Assessment::quick(&self.answered(), terms).auc
    }

    /// Truth against prediction over the images shown so far, and over all that are answered.
    #[must_use]
    pub fn confusions(&self) -> (Confusion, Confusion) {
        let (mut seen, mut all) = (Confusion::default(), Confusion::default());
        for (index, case) in self.all().iter().enumerate() {
            let Some((truth, predicted)) = case.truth.zip(case.predicted(self.threshold())) else { continue };
            let (truth, predicted) = (truth == Class::Pneumonia, predicted == Class::Pneumonia);
            all.count(truth, predicted);
            if self.seen.contains(&index) {
                seen.count(truth, predicted);
            }
        }
        (seen, all)
    }
}
