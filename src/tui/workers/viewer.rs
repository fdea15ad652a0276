//! Decodes the shown image, its neighbours ahead, on one thread; predicts on another, so that no picture waits for it.

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread::Builder;
use std::time::SystemTime;

use super::slot::Slot;
use crate::app::message::{Explained, InspectMessage, Message, Overlay, Placed, View};
use crate::dataset::GreyImage;
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
    run_id: String,
    index: usize,
    file: PathBuf,
    explain: bool,
}

impl Viewer {
    pub fn start(place: Workplace, outbox: Outbox) -> Self {
        let viewer = Self { pictures: Slot::default(), questions: Slot::default() };
        let mut shelf = Shelf { slot: viewer.pictures.clone(), outbox: outbox.clone(), pictures: VecDeque::new() };
        let mut oracle = Oracle { slot: viewer.questions.clone(), place, outbox, loaded: None };
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
        let (generation, index, file, explain) = (view.generation, view.index, view.file.clone(), view.explain);
        self.questions.put(view.predict_with.clone().map(|run_id| Question {
            generation,
            run_id,
            index,
            file,
            explain,
        }));
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

fn decode(file: &Path) -> std::result::Result<Arc<GreyImage>, String> {
    catch_unwind(|| read_picture(file).map(Arc::new)).unwrap_or_else(|_| Err(PANICKED.to_owned()))
}

/// The part that is shown, with its look; contrast is made equal over the whole picture. The heat map is that of the
/// network's square picture, stretched as that was.
fn shown(original: &GreyImage, view: &View) -> Picture {
    let looked = if view.look.is_plain() { None } else { Some(view.look.apply(original)) };
    let cut = view.part.cut(looked.as_ref().unwrap_or(original));
    let fitted = fit::grey(&cut, SHOWN_SIDE, SHOWN_SIDE);
    let Some(Overlay { map, strength, colours }) = &view.heat else { return Picture::from(&fitted) };
    let heat = map.cut(view.part, original.width, original.height);
    overlay(&fitted, &heat, *strength, *colours)
}

/// A run's network, and when its weights were written.
struct Loaded {
    run_id: String,
    written: Option<SystemTime>,
    predictor: Predictor,
}

/// Answers for images by a run's network.
struct Oracle {
    slot: Slot<Question>,
    place: Workplace,
    outbox: Outbox,
    loaded: Option<Loaded>,
}

impl Oracle {
    fn work(&mut self) {
        loop {
            let Question { generation, run_id, index, file, explain } = self.slot.take();
            let found = catch_unwind(AssertUnwindSafe(|| self.explain(&run_id, (&file, explain))));
            let found = found.unwrap_or_else(|_| Err(PANICKED.to_owned()));
            let (logits, explained) = match found {
                Ok((prediction, explained)) => (Ok(prediction.logits), explained.map(Ok)),
                Err(problem) => (Err(problem.clone()), explain.then_some(Err(problem))),
            };
            let message = InspectMessage::Prediction { generation, run_id: run_id.clone(), index, logits };
            self.outbox.send(Message::Inspect(message));
            if let Some(explained) = explained {
                let message = InspectMessage::Explained { generation, run_id, index, explained };
                self.outbox.send(Message::Inspect(message));
            }
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
        let loaded = match self.loaded.take() {
            Some(loaded) if loaded.run_id == run_id && loaded.written == written => loaded,
            _ => Loaded { run_id: run_id.to_owned(), written, predictor: Predictor::load(&folder)? },
        };
        Ok(&self.loaded.insert(loaded).predictor)
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
