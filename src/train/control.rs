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
    last_epoch: Option<LastEpoch>,
}

/// After which epoch a run is to stop.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum LastEpoch {
    /// The one that is under way.
    ThisOne,
    Number(usize),
}

impl Default for Control {
    fn default() -> Self {
        let wanted = Wanted { wish: Wish::Run, learning_rate: None, last_epoch: None };
        Self(Arc::new((Mutex::new(wanted), Condvar::new())))
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

    /// Asks the run to stop once the epoch that is under way is trained, validated and in its checkpoint. A run whose last
    /// epoch is under way finishes instead; a pause or a stop still counts at once.
    pub fn finish_epoch(&self) {
        self.lock().last_epoch = Some(LastEpoch::ThisOne);
    }

    /// Asks the run to stop, without a look at test images, once epoch `epoch`, counted from 1, is validated and in its
    /// checkpoint; at the next end of an epoch where that one is done. It finishes where it was to have no more epochs, and
    /// with `None`, which takes back what was asked before.
    pub fn stop_after(&self, epoch: Option<usize>) {
        self.lock().last_epoch = epoch.map(LastEpoch::Number);
    }

    /// The epoch after which the run is to stop, if it was asked to, while `epoch` is under way.
    #[must_use]
    pub fn last_epoch(&self, epoch: usize) -> Option<usize> {
        let last = &mut self.lock().last_epoch;
        if *last == Some(LastEpoch::ThisOne) {
            *last = Some(LastEpoch::Number(epoch));
        }
        match *last {
            Some(LastEpoch::Number(number)) => Some(number),
            _ => None,
        }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_epoch_under_way_when_it_is_seen_is_the_last_and_stays_so() {
        let control = Control::default();
        assert_eq!(control.last_epoch(2), None);
        control.finish_epoch();
        assert_eq!([3, 4].map(|epoch| control.last_epoch(epoch)), [Some(3), Some(3)]);
        control.stop_after(Some(7));
        assert_eq!(control.last_epoch(4), Some(7));
        assert_eq!(control.wish(), Wish::Run, "it trains on until then");
    }
}
