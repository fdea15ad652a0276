//! Decodes the shown image, its neighbours ahead, on one thread; predicts on another, so that no picture waits for it.

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread::Builder;
use std::time::SystemTime;

use super::slot::Slot;
use crate::app::message::{Beside, Explained, InspectMessage, Message, Overlay, Placed, View};
use crate::dataset::{GreyImage, resize};
use crate::error::Result;
use crate::picture::{HeatMap, Picture, fit, overlay};
use crate::predict::heat::at_input;
use crate::predict::placement::placement;
use crate::predict::{Prediction, Predictor, read_picture};
use crate::session::Workplace;
use crate::store;
use crate::train::{checkpoint, priority};
use crate::tui::wake::Outbox;

/// Pictures that are kept decoded.
const KEPT: usize = 8;

/// Networks that are kept: two runs are looked at side by side.
const NETWORKS: usize = 2;

/// Longer side of what is shown, in pixels; more than a terminal can show.
const SHOWN_SIDE: usize = 1024;

const PANICKED: &str = "internal error while showing it; the log has the details";

/// The two threads' requests, newest first.
pub struct Viewer {
    pictures: Slot<View>,
    questions: Slot<Question>,
}

/// A prediction that is wanted.
struct Question {
    generation: u64,
    index: usize,
    file: PathBuf,
    /// The run that answers, and whether it is to tell where it looked.
    own: Option<(String, bool)>,
    /// The other run, that is to tell so too.
    other: Option<String>,
}

impl Viewer {
    pub fn start(place: Workplace, outbox: Outbox) -> Self {
        let viewer = Self { pictures: Slot::default(), questions: Slot::default() };
        let mut shelf = Shelf { slot: viewer.pictures.clone(), outbox: outbox.clone(), pictures: VecDeque::new() };
        let mut oracle = Oracle { slot: viewer.questions.clone(), place, outbox, loaded: VecDeque::new() };
        // Without the threads Inspect shows no picture or no answer, and all else goes on.
        let _ = Builder::new().name("viewer".into()).spawn(move || shelf.work());
        let lowered = move || {
            priority::lower();
            oracle.work();
        };
        let _ = Builder::new().name("predict".into()).spawn(lowered);
        viewer
    }

    /// Replaces what was asked before.
    pub fn show(&self, view: View) {
        let own = view.predict_with.clone().map(|run_id| (run_id, view.explain));
        let (generation, index, other) = (view.generation, view.index, view.explain_other.clone());
        let is_wanted = own.is_some() || other.is_some();
        let question = is_wanted.then(|| Question { generation, index, file: view.file.clone(), own, other });
        self.questions.put(question);
        self.pictures.put(Some(view));
    }
}

/// The newest pictures, the newest last.
struct Shelf {
    slot: Slot<View>,
    outbox: Outbox,
    pictures: VecDeque<(PathBuf, Arc<GreyImage>)>,
}

impl Shelf {
    fn work(&mut self) {
        loop {
            let view = self.slot.take();
            let picture = self.get(&view.file).map(|original| Arc::new(shown(&original, &view)));
            self.outbox.send(Message::Inspect(InspectMessage::Picture { generation: view.generation, picture }));
            for file in &view.neighbours {
                if self.slot.is_waiting() {
                    break;
                }
                // What is wrong with it is said when it is shown.
                let _ = self.get(file);
            }
        }
    }

    fn get(&mut self, file: &Path) -> std::result::Result<Arc<GreyImage>, String> {
        let kept = self.pictures.iter().position(|(path, _)| path == file).and_then(|at| self.pictures.remove(at));
        let entry = match kept {
            Some(entry) => entry,
            None => (file.to_owned(), decode(file)?),
        };
        let picture = Arc::clone(&entry.1);
        if self.pictures.len() == KEPT {
            self.pictures.pop_front();
        }
        self.pictures.push_back(entry);
        Ok(picture)
    }
}

pub fn decode(file: &Path) -> std::result::Result<Arc<GreyImage>, String> {
    catch_unwind(|| read_picture(file).map(Arc::new)).unwrap_or_else(|_| Err(PANICKED.to_owned()))
}

/// The part that is shown, with its look; contrast is made equal over the whole picture.
fn shown(original: &GreyImage, view: &View) -> Picture {
    let looked = if view.look.is_plain() { None } else { Some(view.look.apply(original)) };
    let looked = looked.as_ref().unwrap_or(original);
    let own = part(looked, view, view.heat.as_ref());
    match &view.beside {
        None => own,
        Some(Beside::Other(overlay)) => own.beside(&part(looked, view, Some(overlay))),
        Some(Beside::Input(side)) => {
            let square = resize::to_square(original, *side);
            let square = part(&square, view, view.heat.as_ref());
            own.beside(&square.enlarged(own.height.div_ceil(square.height.max(1))))
        }
    }
}

/// The heat map is that of the network's square picture, stretched as that was.
fn part(picture: &GreyImage, view: &View, heat: Option<&Overlay>) -> Picture {
    let fitted = fit::grey(&view.part.cut(picture), SHOWN_SIDE, SHOWN_SIDE);
    let Some(Overlay { map, strength, colours }) = heat else { return Picture::from(&fitted) };
    let heat = map.cut(view.part, picture.width, picture.height);
    overlay(&fitted, &heat, *strength, *colours)
}

/// A run's network, and when its weights were written.
struct Loaded {
    run_id: String,
    written: Option<SystemTime>,
    predictor: Predictor,
}

/// Answers for images by the networks of runs.
struct Oracle {
    slot: Slot<Question>,
    place: Workplace,
    outbox: Outbox,
    /// The one that was asked last comes last.
    loaded: VecDeque<Loaded>,
}

impl Oracle {
    fn work(&mut self) {
        loop {
            let Question { generation, index, file, own, other } = self.slot.take();
            if let Some((run_id, explain)) = own {
                self.tell((generation, index), &run_id, (&file, explain));
            }
            if let Some(other) = other.filter(|_| !self.slot.is_waiting()) {
                self.tell((generation, index), &other, (&file, true));
            }
        }
    }

    /// Tells what a run answers for a picture, and where it looked.
    fn tell(&mut self, (generation, index): (u64, usize), run_id: &str, (file, explain): (&Path, bool)) {
        let found = catch_unwind(AssertUnwindSafe(|| self.explain(run_id, (file, explain))));
        let found = found.unwrap_or_else(|_| Err(PANICKED.to_owned()));
        let (logits, explained) = match found {
            Ok((prediction, explained)) => (Ok(prediction.logits), explained.map(Ok)),
            Err(problem) => (Err(problem.clone()), explain.then_some(Err(problem))),
        };
        let run_id = run_id.to_owned();
        let message = InspectMessage::Prediction { generation, run_id: run_id.clone(), index, logits };
        self.outbox.send(Message::Inspect(message));
        if let Some(explained) = explained {
            let message = InspectMessage::Explained { generation, run_id, index, explained };
            self.outbox.send(Message::Inspect(message));
        }
    }

    /// The answer for a picture, and where the network looked where that is asked for.
    fn explain(
        &mut self,
        run_id: &str,
        (file, explain): (&Path, bool),
    ) -> std::result::Result<(Prediction, Option<Explained>), String> {
        let picture = read_picture(file)?;
        let predictor = self.network(run_id).map_err(|error| error.to_string())?;
        if !explain {
            return Ok((predictor.predict(&picture).map_err(|error| error.to_string())?, None));
        }
        let found = predictor.explain(&picture).map_err(|error| error.to_string())?;
        Ok((found.prediction, Some(explained(found.maps))))
    }

    /// The run's best network; read again when its weights have changed, as those of a run under way do.
    fn network(&mut self, run_id: &str) -> Result<&Predictor> {
        let folder = store::run_folder(&self.place.db, run_id);
        let written = checkpoint::best_path(&folder).metadata().and_then(|meta| meta.modified()).ok();
        let kept = self.loaded.iter().position(|loaded| loaded.run_id == run_id);
        let kept = kept.and_then(|at| self.loaded.remove(at)).filter(|loaded| loaded.written == written);
        let loaded = match kept {
            Some(loaded) => loaded,
            None => Loaded { run_id: run_id.to_owned(), written, predictor: Predictor::load(&folder)? },
        };
        if self.loaded.len() == NETWORKS {
            self.loaded.pop_front();
        }
        self.loaded.push_back(loaded);
        Ok(&self.loaded[self.loaded.len() - 1].predictor)
    }
}

/// Places a side at which it is reckoned where heat lies; finer changes nothing.
const MAP_SIDE: usize = 224;

fn explained(maps: [HeatMap; 2]) -> Explained {
    let placed = maps.each_ref().map(|map| {
        let placement = placement(&at_input(map, MAP_SIDE))?;
        Some(Placed { border: placement.border, outside: placement.outside_lungs })
    });
    Explained { maps: maps.map(Arc::new), placed }
}
