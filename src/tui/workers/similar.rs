//! Finds the images that a run's network sees as most like one; computes the features of all of them first, once.

use std::ops::ControlFlow;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::Builder;
use std::time::{Duration, Instant};

use super::features::{self, Kept};
use super::networks::Networks;
use super::slot::Slot;
use super::tiles;
use super::viewer::PANICKED;
use crate::app::inspect::similar::{Alike, Likeness, Made, NEIGHBOURS};
use crate::app::message::{InspectMessage, Message};
use crate::dataset::Split;
use crate::dataset::cache::Progress;
use crate::error::{Error, Result};
use crate::predict::neighbours::{Gallery, Listed, Pictures};
use crate::predict::{Predictor, read_picture};
use crate::session::{LoadedData, Workplace};
use crate::store::{Run, Store};
use crate::train::priority;
use crate::tui::wake::Outbox;

/// Counts are told at most this often.
const PACE: Duration = Duration::from_millis(100);

/// What is wanted.
pub struct Wish {
    pub request: u64,
    pub run_id: String,
    pub index: usize,
    pub file: PathBuf,
}

pub struct Similar {
    slot: Slot<Wish>,
    stopped: Arc<AtomicBool>,
}

impl Similar {
    pub fn start(place: Workplace, outbox: Outbox) -> Self {
        let (slot, stopped) = (Slot::default(), Arc::default());
        let similar = Self { slot, stopped };
        let (slot, stopped, gallery) = (similar.slot.clone(), Arc::clone(&similar.stopped), Kept::default());
        let mut finder = Finder { slot, stopped, place, outbox, gallery, told: None };
        // Without the thread nothing similar is found, and all else goes on.
        let _ = Builder::new().name("similar".into()).spawn(move || {
            priority::lower();
            finder.work();
        });
        similar
    }

    /// Replaces what was asked before.
    pub fn find(&self, wish: Wish) {
        self.stopped.store(false, Ordering::Relaxed);
        self.slot.put(Some(wish));
    }

    /// Nobody waits for it any more.
    pub fn stop(&self) {
        self.stopped.store(true, Ordering::Relaxed);
        self.slot.put(None);
    }
}

struct Finder {
    slot: Slot<Wish>,
    stopped: Arc<AtomicBool>,
    place: Workplace,
    outbox: Outbox,
    gallery: Kept,
    /// The request that was told of near-duplicates.
    told: Option<u64>,
}

impl Finder {
    fn work(&mut self) {
        let mut networks = Networks::default();
        loop {
            let wish = self.slot.take();
            // A decoder that panics must not end the search for good.
            let found = catch_unwind(AssertUnwindSafe(|| self.likeness(&wish, &mut networks)));
            let likeness = match found {
                Ok(Err(Error::Cancelled)) => continue,
                Ok(likeness) => likeness.map_err(|error| error.to_string()),
                Err(_) => Err(PANICKED.to_owned()),
            };
            let message = InspectMessage::Similar { request: wish.request, index: wish.index, likeness };
            self.outbox.send(Message::Inspect(message));
            let _ = catch_unwind(AssertUnwindSafe(|| self.tell_near_duplicates(&wish)));
        }
    }

    fn likeness(&mut self, wish: &Wish, networks: &mut Networks) -> Result<Likeness> {
        let store = Store::open(&self.place.db)?;
        let run = store.run(&wish.run_id)?;
        // Nobody looks at test images before a run has come to its test.
        let tested = !store.answers(&wish.run_id, Split::Test)?.is_empty();
        let predictor = networks.get(&self.place, &wish.run_id)?;
        let gallery = match self.gallery.open(&self.place, &wish.run_id) {
            Some(gallery) => gallery,
            None => Arc::new(self.make((wish, &run), predictor, &store)?),
        };
        let unreadable = |problem| Error::Image { path: wish.file.clone(), problem };
        let seen = predictor.explain(&read_picture(&wish.file).map_err(unreadable)?)?;
        let own = wish.file.strip_prefix(&run.started.data).unwrap_or(&wish.file).to_string_lossy();
        let may_be_seen = |listed: &Listed| listed.file != own && (tested || listed.split != Split::Test);
        let nearest = gallery.nearest(&seen.features, NEIGHBOURS, may_be_seen);
        let others = nearest.iter().map(|near| run.started.data.join(&near.file));
        let files: Vec<_> = std::iter::once(wish.file.clone()).chain(others).enumerate().collect();
        let mut pictures = tiles::made(&files).into_iter();
        let own = pictures.next().and_then(|(_, picture)| picture);
        let alike = nearest.into_iter().zip(pictures).map(|(near, (_, picture))| Alike {
            file: near.file,
            split: near.split,
            truth: near.truth,
            distance: near.distance,
            picture,
        });
        Ok(Likeness { own, neighbours: alike.collect(), remoteness: gallery.remoteness(&seen.features) })
    }

    /// Computes the features of all images of the run and keeps them.
    fn make(&self, (wish, run): (&Wish, &Run), predictor: &Predictor, store: &Store) -> Result<Gallery> {
        let list = features::listed(store, run)?;
        let place = Workplace { data: run.started.data.clone(), ..self.place.clone() };
        let mut watch = self.watch(wish);
        let data = LoadedData::open(&place, predictor.image_size(), &mut watch)?;
        let gallery = Gallery::make(predictor, Pictures::Prepared(&data.dataset, &data.cache), &list, &mut watch)?;
        if let Err(error) = gallery.save(&store.run_folder(&wish.run_id)) {
            // They are computed anew next time; what they tell is as good.
            crate::tui::log::line(&format!("cannot keep features: {error}"));
        }
        Ok(gallery)
    }

    /// Tells how far it is; stops where nobody waits for this run any more.
    fn watch<'a>(&'a self, wish: &'a Wish) -> impl FnMut(Progress) -> ControlFlow<()> + 'a {
        let mut told: Option<Instant> = None;
        move |Progress { done, total }| {
            let elsewhere = self.slot.peek(|waiting| waiting.run_id != wish.run_id).unwrap_or(false);
            if elsewhere || self.stopped.load(Ordering::Relaxed) {
                return ControlFlow::Break(());
            }
            if told.is_none_or(|at| at.elapsed() >= PACE) {
                told = Some(Instant::now());
                let message = InspectMessage::SimilarMade { request: wish.request, made: Made { done, total } };
                self.outbox.send(Message::Inspect(message));
            }
            ControlFlow::Continue(())
        }
    }

    /// Once for what is looked at: it takes seconds.
    fn tell_near_duplicates(&mut self, wish: &Wish) {
        if self.told == Some(wish.request) || self.slot.is_waiting() {
            return;
        }
        let Some(gallery) = self.gallery.open(&self.place, &wish.run_id) else { return };
        let file = |index: usize| gallery.listed()[index].file.clone();
        let pairs = gallery.near_duplicates().into_iter().map(|pair| (file(pair.a), file(pair.b))).collect();
        self.outbox.send(Message::Inspect(InspectMessage::NearDuplicates { request: wish.request, pairs }));
        self.told = Some(wish.request);
    }
}
