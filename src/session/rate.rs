//! The learning-rate range test as a thread, in the manner of a run; nothing of it is stored.

use std::ops::ControlFlow;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{Receiver, channel};
use std::thread::JoinHandle;

use super::beginning::with_weights;
use super::{LoadedData, Workplace, lack_of_memory, marked, too_large, words_of};
use crate::error::{Error, Result};
use crate::store::Store;
use crate::train::control::Wish;
use crate::train::range_test::{RangeJob, RateCurve, RateEvent, RateOutcome, RateRange, Tell, test_range};
use crate::train::{Control, Phase, TrainConfig, machine, priority};

/// A test under way.
#[derive(Debug)]
pub struct RateHandle {
    pub control: Control,
    /// Ends after `RateEvent::Ended`.
    pub events: Receiver<RateEvent>,
    pub thread: JoinHandle<()>,
}

/// Starts a range test of `config` on a thread of its own. All that can go wrong comes as `RateEvent::Ended`.
///
/// # Errors
/// `Io` where the thread cannot be started.
pub fn find_rate(place: Workplace, config: TrainConfig, range: RateRange) -> Result<RateHandle> {
    let control = Control::default();
    let (sender, events) = channel();
    let theirs = control.clone();
    let work = move || {
        priority::lower();
        // Nobody listening is no reason to stop.
        let mut tell = |event| drop(sender.send(event));
        let test = || test(&place, (&config, range), &theirs, &mut tell);
        let outcome = match catch_unwind(AssertUnwindSafe(test)) {
            Ok(Ok(curve)) => RateOutcome::Done(curve),
            Ok(Err(Error::Cancelled)) => RateOutcome::Stopped,
            Ok(Err(error @ Error::BadSetting { .. })) => RateOutcome::Refused(error.to_string()),
            Ok(Err(error)) => RateOutcome::Failed(error.to_string()),
            Err(panic) => RateOutcome::Failed(format!("internal error: {}", words_of(&*panic))),
        };
        machine::give_memory_back();
        tell(RateEvent::Ended(outcome));
    };
    let thread = std::thread::Builder::new().name("range-test".into()).spawn(work);
    let thread = thread.map_err(|error| Error::io("start", "the range test", error))?;
    Ok(RateHandle { control, events, thread })
}

fn test(
    place: &Workplace,
    (config, range): (&TrainConfig, RateRange),
    control: &Control,
    tell: Tell,
) -> Result<RateCurve> {
    config.validate()?;
    range.validate()?;
    let config = &with_weights(place, config)?;
    tell(RateEvent::Phase(Phase::Scanning));
    let data = LoadedData::open(place, config.image_size, &mut |progress| {
        tell(RateEvent::Phase(Phase::Decoding { done: progress.done, total: progress.total }));
        if control.wish() == Wish::Stop { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    })?;
    let config = &settled(place, &data, config)?;
    let splits = data.sampled(config);
    marked::check_trainable(&data, &splits, config)?;
    if let Some(text) = marked::said(&data, &splits, config) {
        tell(RateEvent::Notice(text));
    }
    if let Some(problem) = lack_of_memory(config, splits.train.len()) {
        return Err(too_large(&problem));
    }
    let job = RangeJob { config, range, dataset: &data.dataset, cache: &data.cache, images: &splits.train };
    test_range(&job, control, tell)
}

/// As [`marked::settle`]; the store is not made for it where there is none.
fn settled(place: &Workplace, data: &LoadedData, config: &TrainConfig) -> Result<TrainConfig> {
    if config.exclude_marked && place.db.exists() {
        return marked::settle(&Store::open(&place.db)?, data, config);
    }
    let excluded = config.exclude_marked.then(Vec::new);
    Ok(TrainConfig { excluded, ..config.clone() })
}
