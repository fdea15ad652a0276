//! The networks of runs that were asked last.

use std::collections::VecDeque;
use std::time::SystemTime;

use crate::error::Result;
use crate::predict::Predictor;
use crate::session::Workplace;
use crate::store;
use crate::train::checkpoint;

/// So many are kept: two runs are looked at side by side.
const KEPT: usize = 2;

/// A run's network, and when its weights were written.
struct Loaded {
    run_id: String,
    written: Option<SystemTime>,
    predictor: Predictor,
}

/// The one that was asked last comes last.
#[derive(Default)]
pub struct Networks(VecDeque<Loaded>);

impl Networks {
    /// The run's best network; read again when its weights have changed, as those of a run under way do.
    ///
    /// # Errors
    /// Where the run has no checkpoint, or a damaged one.
    pub fn get(&mut self, place: &Workplace, run_id: &str) -> Result<&Predictor> {
        let folder = store::run_folder(&place.db, run_id);
        let written = checkpoint::best_path(&folder).metadata().and_then(|meta| meta.modified()).ok();
        let kept = self.0.iter().position(|loaded| loaded.run_id == run_id).and_then(|at| self.0.remove(at));
        let loaded = match kept.filter(|loaded| loaded.written == written) {
            Some(loaded) => loaded,
            None => Loaded { run_id: run_id.to_owned(), written, predictor: Predictor::load(&folder)? },
        };
        if self.0.len() == KEPT {
            self.0.pop_front();
        }
        self.0.push_back(loaded);
        Ok(&self.0[self.0.len() - 1].predictor)
    }
}
