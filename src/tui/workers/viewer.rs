//! Decodes the shown image, its neighbours ahead, on one thread; predicts on another, so that no picture waits for it.

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread::Builder;
use std::time::SystemTime;

use super::slot::Slot;
use crate::app::message::{InspectMessage, Message, View};
use crate::dataset::{GreyImage, resize};
use crate::error::Result;
use crate::picture::Picture;
use crate::predict::{Predictor, read_picture};
use crate::session::Workplace;
use crate::store;
use crate::train::{checkpoint, priority};
use crate::tui::wake::Outbox;

/// Pictures that are kept decoded.
const KEPT: usize = 8;

/// Short side of what is shown, in pixels; more than a terminal can show.
const SHOWN_SIDE: usize = 768;

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
        let (generation, index, file) = (view.generation, view.index, view.file.clone());
        self.questions.put(view.predict_with.clone().map(|run_id| Question { generation, run_id, index, file }));
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
            let picture = self.get(&view.file).map(|grey| Arc::new(Picture::from(&*grey)));
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
    let decoded = || read_picture(file).map(|picture| Arc::new(resize::to_short_side(&picture, SHOWN_SIDE)));
    catch_unwind(decoded).unwrap_or_else(|_| Err(PANICKED.to_owned()))
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
            let Question { generation, run_id, index, file } = self.slot.take();
            let logits = catch_unwind(AssertUnwindSafe(|| self.predict(&run_id, &file)));
            let logits = logits.unwrap_or_else(|_| Err(PANICKED.to_owned()));
            self.outbox.send(Message::Inspect(InspectMessage::Prediction { generation, run_id, index, logits }));
        }
    }

    fn predict(&mut self, run_id: &str, file: &Path) -> std::result::Result<[f32; 2], String> {
        let picture = read_picture(file)?;
        let prediction = self.network(run_id).and_then(|predictor| predictor.predict(&picture));
        prediction.map(|prediction| prediction.logits).map_err(|error| error.to_string())
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
