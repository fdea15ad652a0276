//! The log of a run, as far as it is shown.

use super::message::Effect;

/// Lines that are read of a log; the whole is in the run's folder.
pub const LINES: usize = 200;

/// The end of a run's log.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Log {
    pub run_id: String,
    /// The oldest first: a time (RFC 3339), a space, and what happened.
    pub lines: Vec<String>,
    /// Why it cannot be read.
    pub problem: Option<String>,
}

impl Log {
    #[must_use]
    pub fn new(run_id: &str) -> Self {
        Self { run_id: run_id.to_owned(), ..Self::default() }
    }

    /// Takes in what was read, where it is still wanted.
    pub fn hear(&mut self, run_id: &str, lines: Result<Vec<String>, String>) {
        if self.run_id != run_id {
            return;
        }
        match lines {
            Ok(lines) => (self.lines, self.problem) = (lines, None),
            Err(problem) => self.problem = Some(problem),
        }
    }

    #[must_use]
    pub fn load(&self) -> Effect {
        Effect::LoadLog { run_id: self.run_id.clone() }
    }
}
