//! Which images are stepped through, and whose answers stand beside them.

use std::path::PathBuf;

use super::InspectScreen;
use super::case::Case;
use crate::app::message::{Effect, Loadable};
use crate::dataset::Split;
use crate::metrics::Threshold;
use crate::store::{Run, RunState};

/// The run that answers, as it was when it was chosen.
#[derive(Debug, Clone, PartialEq)]
pub struct ShownRun {
    pub id: String,
    pub name: String,
    /// Its data set's folder.
    pub data: PathBuf,
    /// It was trained on synthetic images.
    pub synthetic: bool,
    pub best_epoch: Option<usize>,
    pub state: RunState,
    /// What it decides by.
    pub threshold: Threshold,
    /// Side of the square that its network gets, in pixels; `None` of settings that cannot be read.
    pub image_size: Option<usize>,
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
            image_size: run.started.config["image_size"].as_u64().and_then(|side| usize::try_from(side).ok()),
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

/// What the images are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Images {
    /// A split of the run.
    Split(Split),
    /// All of the data set, without a run.
    DataSet,
    /// Files from anywhere, whose truth nobody knows.
    Files,
}

impl Default for Images {
    fn default() -> Self {
        Self::Split(Split::Test)
    }
}

/// The images that are asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Wanted {
    /// Of a run: a split, or what is to be looked at first.
    Run { run_id: String, split: Option<Split> },
    /// All of the data set.
    DataSet,
    /// Files and folders; the run answers for them.
    Files(Vec<PathBuf>),
}

/// Images as they were found.
#[derive(Debug, Clone, PartialEq)]
pub struct Found {
    pub images: Images,
    /// What their files' paths begin at.
    pub root: PathBuf,
    pub synthetic: bool,
    pub cases: Vec<Case>,
}

impl InspectScreen {
    /// Chooses a run and asks for its images. The same run again keeps place and split.
    pub fn choose(&mut self, run: &Run) -> Vec<Effect> {
        let again = self.run.as_ref().is_some_and(|shown| shown.id == run.started.id);
        let split = self.split.filter(|_| again);
        self.choose_with(run, Wanted::Run { run_id: run.started.id.clone(), split })
    }

    /// Lets a run answer: for the files from anywhere that are shown, else for its own images.
    pub fn answer_by(&mut self, run: &Run) -> Vec<Effect> {
        match &self.wanted {
            Some(files @ Wanted::Files(_)) => self.choose_with(run, files.clone()),
            _ => self.choose(run),
        }
    }

    fn choose_with(&mut self, run: &Run, wanted: Wanted) -> Vec<Effect> {
        let again = self.run.as_ref().is_some_and(|shown| shown.id == run.started.id);
        let (tried, split) = (self.tried.filter(|_| again), self.split.filter(|_| again));
        let index = if again { self.index } else { 0 };
        self.begin(Some(ShownRun::of(run)), wanted);
        (self.index, self.tried, self.split, self.synthetic) = (index, tried, split, run.started.synthetic);
        self.load()
    }

    /// Chooses the data set without a run.
    pub fn choose_data_set(&mut self) -> Vec<Effect> {
        self.begin(None, Wanted::DataSet);
        self.load()
    }

    /// Shows files and folders from anywhere; the chosen run answers for them.
    pub fn choose_files(&mut self, files: Vec<PathBuf>, run: Option<&Run>) -> Vec<Effect> {
        if files.is_empty() {
            return Vec::new();
        }
        self.list.set_filter("");
        let shown = self.run.take();
        self.begin(run.map(ShownRun::of).or(shown), Wanted::Files(files));
        self.load()
    }

    /// The next split of the run; where something else is shown or has failed, the run's images again.
    pub(super) fn choose_split(&mut self) -> Vec<Effect> {
        let shown = match (&self.wanted, self.images) {
            (Some(Wanted::Run { split: Some(asked), .. }), _) => Some(*asked),
            (Some(Wanted::Run { .. }), Images::Split(split)) => Some(split),
            _ => None,
        };
        let next = match shown {
            Some(Split::Test) => Some(Split::Validation),
            Some(Split::Validation) => Some(Split::Train),
            Some(Split::Train) | None => None,
        };
        self.show_split(next)
    }

    /// Asks for a split of the run, or for what is to be looked at first.
    pub(super) fn show_split(&mut self, split: Option<Split>) -> Vec<Effect> {
        let Some(run) = self.run.take() else { return Vec::new() };
        let (tried, wanted) = (self.tried, Wanted::Run { run_id: run.id.clone(), split });
        self.begin(Some(run), wanted);
        (self.tried, self.split) = (tried, split);
        self.load()
    }

    /// Whether Esc leads back from files, or from what could not be read.
    pub(super) fn leads_back(&self) -> bool {
        let failed = matches!(self.cases, Loadable::Failed(_));
        failed || (self.list.view.filter.is_empty() && matches!(self.wanted, Some(Wanted::Files(_))))
    }

    pub(super) fn go_back(&mut self) -> Vec<Effect> {
        if self.run.is_some() { self.show_split(None) } else { self.choose_data_set() }
    }

    /// Has no run any more; files from anywhere stay wanted.
    pub fn forget(&mut self) {
        let list = std::mem::take(&mut self.list).emptied();
        let wanted = self.wanted.take().filter(|wanted| matches!(wanted, Wanted::Files(_)));
        *self = Self { generation: self.generation, since: self.generation, list, wanted, ..Self::default() };
    }

    /// Whether nothing was asked for yet.
    #[must_use]
    pub const fn is_idle(&self) -> bool {
        self.wanted.is_none()
    }

    /// Whether the data set is looked at without a run.
    #[must_use]
    pub fn is_of_data_set(&self) -> bool {
        self.wanted == Some(Wanted::DataSet)
    }

    /// How things are looked at stays; all that is known of the images goes.
    pub(super) fn begin(&mut self, run: Option<ShownRun>, wanted: Wanted) {
        let list = std::mem::take(&mut self.list).emptied();
        let mut panes = self.panes;
        if run.is_none() || matches!(wanted, Wanted::Files(_)) {
            panes.leave_answers();
        }
        *self = Self {
            wanted: Some(wanted),
            request: self.generation + 1,
            look: self.look,
            heat: self.heat.emptied(),
            beside: self.beside,
            panes,
            twins: self.twins.take(),
            grid: self.grid.emptied(),
            curves: self.curves,
            list,
            generation: self.generation + 1,
            since: self.generation + 1,
            run,
            ..Self::default()
        };
    }

    pub(super) fn load(&mut self) -> Vec<Effect> {
        self.cases = Loadable::Loading;
        let wanted = self.wanted.clone().into_iter();
        wanted.map(|wanted| Effect::LoadCases { request: self.request, wanted }).collect()
    }

    /// Takes in the images that were asked for, and shows the one at the place where the user was.
    pub(super) fn take_images(&mut self, found: Result<Found, String>) -> Vec<Effect> {
        match found {
            Ok(found) => {
                // What learned from drawings says nothing of real X-rays.
                let learned_so = self.run.as_ref().is_some_and(|run| run.synthetic);
                self.synthetic = found.synthetic || learned_so;
                (self.images, self.root) = (found.images, found.root);
                self.cases = Loadable::Ready(found.cases);
            }
            Err(problem) => self.cases = Loadable::Failed(problem),
        }
        self.mark_twins();
        self.auc = self.auc_of_answered();
        self.since = self.generation;
        self.index = self.index.min(self.all().len().saturating_sub(1));
        let sought = self.sought.take();
        let place = sought.as_ref().and_then(|file| self.all().iter().position(|case| case.file == *file));
        self.index = place.unwrap_or(self.index);
        self.arrange();
        let nearest = self.list.position(self.index).map(|_| self.index);
        let effects = self.show(nearest.or(self.list.places().first().copied()).unwrap_or(self.index));
        self.problem = sought.filter(|_| place.is_none()).map(|file| format!("{file} is not among these images"));
        effects
    }
}
