//! A place for one request: a newer one replaces what nobody has begun yet.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

/// Clones share the place.
#[derive(Debug)]
pub struct Slot<T>(Arc<(Mutex<Option<T>>, Condvar)>);

impl<T> Default for Slot<T> {
    fn default() -> Self {
        Self(Arc::new((Mutex::new(None), Condvar::new())))
    }
}

impl<T> Clone for Slot<T> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<T> Slot<T> {
    /// Replaces what waits; `None` takes it back.
    pub fn put(&self, request: Option<T>) {
        *self.lock() = request;
        self.0.1.notify_one();
    }

    /// Waits for a request.
    pub fn take(&self) -> T {
        let mut waiting = self.lock();
        loop {
            if let Some(request) = waiting.take() {
                return request;
            }
            waiting = self.0.1.wait(waiting).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Whether a newer request has come.
    pub fn is_waiting(&self) -> bool {
        self.lock().is_some()
    }

    /// What a look at the newer request tells, where one has come.
    pub fn peek<U>(&self, look: impl FnOnce(&T) -> U) -> Option<U> {
        self.lock().as_ref().map(look)
    }

    fn lock(&self) -> MutexGuard<'_, Option<T>> {
        self.0.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_request_is_the_one_that_is_taken() {
        let slot = Slot::default();
        slot.put(Some(1));
        slot.put(Some(2));
        assert_eq!(slot.take(), 2);
        assert!(!slot.is_waiting());
    }

    #[test]
    fn a_request_from_another_thread_ends_the_wait() {
        let slot = Slot::default();
        let theirs = slot.clone();
        let waiting = std::thread::spawn(move || theirs.take());
        slot.put(Some("picture"));
        assert_eq!(waiting.join().unwrap(), "picture");
    }
}
