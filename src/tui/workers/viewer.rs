//! Decodes and predicts for the shown image: one slot, the newest request wins, neighbours are decoded ahead.

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::SystemTime;

use crate::app::message::{InspectMessage, Message, View};
use crate::dataset::{GreyImage, resize};
use crate::error::Result;
use crate::predict::{Predictor, read_picture};
use crate::session::Workplace;
use crate::store;
use crate::train::checkpoint;
use crate::tui::wake::Outbox;

/// Pictures that are kept decoded.
const KEPT: usize = 8;

/// Short side of what is shown, in pixels; more than a terminal can show.
const SHOWN_SIDE: usize = 768;

type Slot = Arc<(Mutex<Option<View>>, Condvar)>;

pub struct Viewer(Slot);

impl Viewer {
    pub fn start(place: Workplace, outbox: Outbox) -> Self {
        let slot = Slot::default();
        let mut desk = Desk { slot: Arc::clone(&slot), place, outbox, pictures: VecDeque::new(), predictor: None };
        // Without the thread Inspect shows no picture, and all else goes on.
        let _ = std::thread::Builder::new().name("viewer".into()).spawn(move || desk.work());
        Self(slot)
    }

    /// Replaces what was asked before.
    pub fn show(&self, view: View) {
        *self.0.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(view);
        self.0.1.notify_one();
    }
}

/// A picture as it was decoded, for the network, and as it is shown.
struct Picture {
    file: PathBuf,
    decoded: GreyImage,
    shown: Arc<GreyImage>,
}

/// A run's network, and when its weights were written.
struct Loaded {
    run_id: String,
    written: Option<SystemTime>,
    predictor: Predictor,
}

struct Desk {
    slot: Slot,
    place: Workplace,
    outbox: Outbox,
    /// The newest last.
    pictures: VecDeque<Picture>,
    predictor: Option<Loaded>,
}

impl Desk {
    fn work(&mut self) {
        loop {
            let view = self.next();
            let generation = view.generation;
            if catch_unwind(AssertUnwindSafe(|| self.serve(&view))).is_err() {
                let problem = "internal error while showing it; the log has the details".to_owned();
                self.outbox.send(Message::Inspect(InspectMessage::Picture { generation, picture: Err(problem) }));
            }
        }
    }

    fn next(&self) -> View {
        let (slot, changed) = &*self.slot;
        let mut waiting = slot.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            if let Some(view) = waiting.take() {
                return view;
            }
            waiting = changed.wait(waiting).unwrap_or_else(PoisonError::into_inner);
        }
    }

    fn is_outdated(&self) -> bool {
        self.slot.0.lock().unwrap_or_else(PoisonError::into_inner).is_some()
    }

    fn serve(&mut self, view: &View) {
        let picture = self.picture(&view.file);
        self.outbox.send(Message::Inspect(InspectMessage::Picture { generation: view.generation, picture }));
        if let Some(run_id) = view.predict_with.as_ref().filter(|_| !self.is_outdated()) {
            let logits = self.predict(run_id, &view.file);
            let answer = InspectMessage::Prediction { run_id: run_id.clone(), index: view.index, logits };
            self.outbox.send(Message::Inspect(answer));
        }
        for file in &view.neighbours {
            if self.is_outdated() {
                return;
            }
            // What is wrong with it is said when it is shown.
            let _ = self.picture(file);
        }
    }

    fn picture(&mut self, file: &Path) -> std::result::Result<Arc<GreyImage>, String> {
        self.decode(file).map(|picture| Arc::clone(&picture.shown))
    }

    fn decode(&mut self, file: &Path) -> std::result::Result<&Picture, String> {
        let kept = self.pictures.iter().position(|picture| picture.file == file);
        let picture = if let Some(picture) = kept.and_then(|at| self.pictures.remove(at)) {
            picture
        } else {
            let decoded = read_picture(file)?;
            let shown = Arc::new(resize::to_short_side(&decoded, SHOWN_SIDE));
            Picture { file: file.to_owned(), decoded, shown }
        };
        if self.pictures.len() == KEPT {
            self.pictures.pop_front();
        }
        self.pictures.push_back(picture);
        self.pictures.back().ok_or_else(String::new)
    }

    fn predict(&mut self, run_id: &str, file: &Path) -> std::result::Result<[f32; 2], String> {
        self.load(run_id).map_err(|error| error.to_string())?;
        let decoded = self.decode(file)?.decoded.clone();
        let loaded = self.predictor.as_ref().ok_or_else(String::new)?;
        loaded.predictor.predict(&decoded).map(|prediction| prediction.logits).map_err(|error| error.to_string())
    }

    /// Reads the weights unless they are there; those of a run under way get better with time.
    fn load(&mut self, run_id: &str) -> Result<()> {
        let folder = store::run_folder(&self.place.db, run_id);
        let written = checkpoint::best_path(&folder).metadata().and_then(|meta| meta.modified()).ok();
        if self.predictor.as_ref().is_some_and(|loaded| loaded.run_id == run_id && loaded.written == written) {
            return Ok(());
        }
        self.predictor = None;
        let predictor = Predictor::load(&folder)?;
        self.predictor = Some(Loaded { run_id: run_id.to_owned(), written, predictor });
        Ok(())
    }
}
