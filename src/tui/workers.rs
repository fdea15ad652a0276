//! The threads that carry out the app's effects and answer with messages.

mod data;
mod features;
mod images;
mod networks;
mod run;
mod runs;
mod similar;
mod slot;
mod store;
mod tiles;
mod viewer;
mod watch;

use std::time::Duration;

use super::wake::Outbox;
use crate::app::inspect::Wanted;
use crate::app::message::Effect;
use crate::session::labels::Labels;
use crate::session::{Start, Workplace};
use crate::train::TrainConfig;
use run::{CurrentRun, Finding};
use similar::{Similar, Wish};
use store::StoreWorker;
use tiles::Tiles;
use viewer::Viewer;
use watch::Watcher;

pub struct Workers {
    place: Workplace,
    plain: TrainConfig,
    pub outbox: Outbox,
    store: StoreWorker,
    viewer: Viewer,
    tiles: Tiles,
    similar: Similar,
    watcher: Watcher,
    run: CurrentRun,
    finding: Finding,
}

impl Workers {
    /// `plain` is how the data set is divided where nothing else is said.
    pub fn new(place: Workplace, plain: TrainConfig, outbox: Outbox) -> Self {
        Self {
            plain,
            store: StoreWorker::start(place.clone(), outbox.clone()),
            viewer: Viewer::start(place.clone(), outbox.clone()),
            tiles: Tiles::start(outbox.clone()),
            similar: Similar::start(place.clone(), outbox.clone()),
            watcher: Watcher::start(place.clone(), outbox.clone()),
            run: CurrentRun::default(),
            finding: Finding::default(),
            place,
            outbox,
        }
    }

    /// Hands the effect to the thread it is for; never blocks.
    pub fn carry_out(&mut self, effect: Effect) {
        match effect {
            Effect::Quit
            | Effect::Suspend
            | Effect::Redraw
            | Effect::TakeMouse(_)
            | Effect::Notify(_)
            | Effect::Copy(_) => {}
            Effect::LoadData => data::load(&self.place, &self.plain, &self.outbox),
            Effect::MakeDemo => data::make_demo(&self.place, &self.plain, &self.outbox),
            Effect::StartRun(config) => self.start(Start::New { name: None, labels: Labels::default(), config }),
            Effect::ResumeRun { run_id } => self.start(Start::Resume { run_id }),
            Effect::RunQueue => self.run_by(CurrentRun::start_queue),
            Effect::StartPipeline { config, gate } => {
                self.run_by(|place, outbox| CurrentRun::start_pipeline(place, (*config, gate), outbox));
            }
            Effect::FindRate { search, config } => {
                self.finding.stop();
                self.finding = Finding::start(&self.place, (search, *config), &self.outbox);
            }
            Effect::StopFinding => self.finding.stop(),
            Effect::SetLearningRate(rate) => self.run.control(|control| control.set_learning_rate(rate)),
            Effect::PauseRun => self.run.control(crate::train::Control::pause),
            Effect::ContinueRun => self.run.control(crate::train::Control::resume),
            Effect::FinishEpoch => self.run.control(crate::train::Control::finish_epoch),
            Effect::StopRun => self.run.control(crate::train::Control::stop),
            Effect::Watch(run_id) => self.watcher.follow(run_id),
            Effect::LoadRuns
            | Effect::Ask { .. }
            | Effect::LoadEarlier { .. }
            | Effect::LoadLog { .. }
            | Effect::Enqueue(_)
            | Effect::EnqueueSearch(_)
            | Effect::LoadQueue
            | Effect::LoadPipeline
            | Effect::RemoveEntries(_)
            | Effect::RetryEntries(_)
            | Effect::LoadRun { .. }
            | Effect::Runs(_)
            | Effect::LoadOther { .. }
            | Effect::MarkImage { .. }
            | Effect::WriteReport { .. }
            | Effect::VerifyRun { .. } => {
                self.store.ask(effect);
            }
            Effect::LoadCases { request, wanted } => {
                self.similar.stop();
                match wanted {
                    Wanted::Files(_) => images::look_for(&self.place, (request, wanted), &self.outbox),
                    _ => self.store.ask(Effect::LoadCases { request, wanted }),
                }
            }
            Effect::Show(view) => self.viewer.show(*view),
            Effect::FindSimilar { request, run_id, index, file } => {
                self.similar.find(Wish { request, run_id, index, file });
            }
            Effect::StopSimilar => self.similar.stop(),
            Effect::LoadTiles { request, images } => self.tiles.load(request, images),
        }
    }

    /// A run has the machine and the screen to itself.
    fn make_room(&self) {
        self.finding.stop();
        self.similar.stop();
        self.watcher.follow(None);
    }

    fn start(&mut self, start: Start) {
        self.run_by(|place, outbox| CurrentRun::start(place, start, outbox));
    }

    fn run_by(&mut self, start: impl FnOnce(&Workplace, &Outbox) -> CurrentRun) {
        self.make_room();
        self.run = start(&self.place, &self.outbox);
    }

    /// Stops a run and waits for it so long at most. A run that takes longer counts as crashed, and goes on from its
    /// last checkpoint when it is resumed.
    pub fn leave(&mut self, patience: Duration) {
        self.finding.stop();
        self.run.finish(patience);
    }
}
