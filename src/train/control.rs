//! How a run is stopped, paused and resumed from another thread.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

/// What the run is wanted to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wish {
    Run,
    Pause,
    Stop,
}

/// A handle on a run's wish; clones share it.
#[derive(Debug, Clone)]
pub struct Control(Arc<(Mutex<Wish>, Condvar)>);

impl Default for Control {
    fn default() -> Self {
        Self(Arc::new((Mutex::new(Wish::Run), Condvar::new())))
    }
}

impl Control {
    /// Asks the run to pause before its next batch. A stop already asked for stays.
    pub fn pause(&self) {
        self.change(Wish::Run, Wish::Pause);
    }

    /// Lets a paused run go on.
    pub fn resume(&self) {
        self.change(Wish::Pause, Wish::Run);
    }

    /// Asks the run to stop before its next batch; final.
    pub fn stop(&self) {
        *self.lock() = Wish::Stop;
        self.0.1.notify_all();
    }

    #[must_use]
    pub fn wish(&self) -> Wish {
        *self.lock()
    }

    /// Sleeps while the wish is `Pause`.
    pub fn wait_while_paused(&self) {
        drop(self.0.1.wait_while(self.lock(), |wish| *wish == Wish::Pause));
    }

    fn change(&self, from: Wish, to: Wish) {
        let mut wish = self.lock();
        if *wish == from {
            *wish = to;
            self.0.1.notify_all();
        }
    }

    fn lock(&self) -> MutexGuard<'_, Wish> {
        self.0.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
