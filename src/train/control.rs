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
pub struct Control(Arc<(Mutex<Wanted>, Condvar)>);

#[derive(Debug)]
struct Wanted {
    wish: Wish,
    learning_rate: Option<f64>,
    last_epoch: Option<usize>,
}

impl Default for Control {
    fn default() -> Self {
        Self(Arc::new((Mutex::new(Wanted { wish: Wish::Run, learning_rate: None, last_epoch: None }), Condvar::new())))
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
        self.lock().wish = Wish::Stop;
        self.0.1.notify_all();
    }

    #[must_use]
    pub fn wish(&self) -> Wish {
        self.lock().wish
    }

    /// Gives the next batch and those after it another learning rate, above 0.
    pub fn set_learning_rate(&self, learning_rate: f64) {
        self.lock().learning_rate = Some(learning_rate);
    }

    /// The learning rate that was asked for since the last time.
    #[must_use]
    pub fn take_learning_rate(&self) -> Option<f64> {
        self.lock().learning_rate.take()
    }

    /// Ends the run as stopped once this epoch, counted from 1, is done and validated; the test images are not looked at.
    /// Asked again, the newer epoch counts.
    pub fn stop_after(&self, epoch: usize) {
        self.lock().last_epoch = Some(epoch);
    }

    /// Whether the run is to end after `epoch`.
    #[must_use]
    pub fn stops_after(&self, epoch: usize) -> bool {
        self.lock().last_epoch.is_some_and(|last| epoch >= last)
    }

    /// Sleeps while the wish is `Pause`.
    pub fn wait_while_paused(&self) {
        drop(self.0.1.wait_while(self.lock(), |wanted| wanted.wish == Wish::Pause));
    }

    fn change(&self, from: Wish, to: Wish) {
        let mut wanted = self.lock();
        if wanted.wish == from {
            wanted.wish = to;
            self.0.1.notify_all();
        }
    }

    fn lock(&self) -> MutexGuard<'_, Wanted> {
        self.0.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
