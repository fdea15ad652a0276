//! How busy this process keeps the processor.

use std::time::{Duration, Instant};

use rustix::time::{ClockId, clock_gettime};

/// Reads the processor's use from one look to the next.
#[derive(Debug)]
pub struct Meter {
    cores: f64,
    looked: Instant,
    /// Processor time of all threads at the last look.
    busy: Option<Duration>,
}

impl Default for Meter {
    fn default() -> Self {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        #[expect(clippy::cast_precision_loss, reason = "a count of cores")]
        let cores = cores as f64;
        Self { cores, looked: Instant::now(), busy: busy() }
    }
}

impl Meter {
    /// Cores that all threads together kept busy since the last look, 0 to the number of cores; `None` where no time has
    /// passed, or the system's clock says what cannot be.
    pub fn look(&mut self) -> Option<f64> {
        let (now, busy) = (Instant::now(), busy());
        let passed = now.duration_since(std::mem::replace(&mut self.looked, now)).as_secs_f64();
        let before = std::mem::replace(&mut self.busy, busy);
        let used = busy?.checked_sub(before?)?.as_secs_f64();
        (passed > 0.0).then(|| (used / passed).min(self.cores))
    }
}

/// Processor time of all threads of this process so far.
fn busy() -> Option<Duration> {
    Duration::try_from(clock_gettime(ClockId::ProcessCPUTime)).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_busy_thread_is_seen_and_no_more_cores_than_there_are() {
        let mut meter = Meter::default();
        let started = Instant::now();
        while started.elapsed() < Duration::from_millis(100) {
            std::hint::black_box(started);
        }
        let cores = meter.look().unwrap();
        assert!(cores > 0.0 && cores <= meter.cores, "{cores}");
    }
}
