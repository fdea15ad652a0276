//! Makes small pictures for the grid on threads of their own, in the order in which they are asked for.

use std::num::NonZero;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread::{self, Builder};

use super::slot::Slot;
use super::viewer::decode;
use crate::app::message::{InspectMessage, Message};
use crate::picture::{Picture, fit};
use crate::tui::wake::Outbox;

/// Longer side of a small picture, in pixels.
const SIDE: usize = 128;

/// Pictures that a thread makes before they are shown.
const AT_ONCE: usize = 4;

/// Images by their numbers.
type Images = Vec<(usize, PathBuf)>;

pub struct Tiles(Slot<(u64, Images)>);

impl Tiles {
    pub fn start(outbox: Outbox) -> Self {
        let slot = Slot::default();
        let tiles = Self(slot.clone());
        // Without the thread the grid stays empty, and all else goes on.
        let _ = Builder::new().name("tiles".into()).spawn(move || work(&slot, &outbox));
        tiles
    }

    /// Replaces what was asked before.
    pub fn load(&self, request: u64, images: Images) {
        self.0.put(Some((request, images)));
    }
}

fn work(slot: &Slot<(u64, Images)>, outbox: &Outbox) {
    loop {
        let (request, images) = slot.take();
        for images in images.chunks(threads() * AT_ONCE) {
            if slot.is_waiting() {
                break;
            }
            let tiles = made(images);
            outbox.send(Message::Inspect(InspectMessage::Tiles { request, tiles }));
        }
    }
}

fn threads() -> usize {
    thread::available_parallelism().map_or(1, NonZero::get)
}

/// In the order of the images. Not on the compute threads: a run under way has those.
pub fn made(images: &[(usize, PathBuf)]) -> Vec<(usize, Option<Arc<Picture>>)> {
    let tile = |(index, file): &(usize, PathBuf)| (*index, tile(file));
    thread::scope(|scope| {
        let parts = images.chunks(images.len().div_ceil(threads()).max(1));
        let parts: Vec<_> = parts.map(|part| scope.spawn(move || part.iter().map(tile).collect::<Vec<_>>())).collect();
        parts.into_iter().flat_map(|part| part.join().unwrap_or_default()).collect()
    })
}

fn tile(file: &Path) -> Option<Arc<Picture>> {
    let original = decode(file).ok()?;
    Some(Arc::new(Picture::from(&fit::grey(&original, SIDE, SIDE))))
}
