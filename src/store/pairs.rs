//! Two runs on the same images.

use std::collections::BTreeMap;

use super::{Answer, Run, RunState, Store, cases};
use crate::dataset::Split;
use crate::error::{Error, Result};
use crate::metrics::comparison::{Comparison, Side};

impl Store {
    /// What differs between the answers of two runs for the images of a split that both have.
    ///
    /// # Errors
    /// `Run` where one has no answers, or they share no image; `Store` where the file cannot be read.
    pub fn compare(&self, [a, b]: [&Run; 2], split: Split) -> Result<Comparison> {
        let (of_a, of_b) = common(self.given(a, split)?, self.given(b, split)?);
        if of_a.is_empty() {
            let problem =
                format!("shares no {} image with {}: compare runs on the same data set", split.name(), b.started.name);
            return Err(Error::Run { run: a.started.name.clone(), problem });
        }
        let [cases_a, cases_b] = [cases(&of_a), cases(&of_b)];
        let side = |cases, run: &Run| Side { cases, threshold: run.threshold() };
        Ok(Comparison::of(side(&cases_a, a), side(&cases_b, b)))
    }

    /// The answers that a run has given for a split.
    ///
    /// # Errors
    /// `Run` where it has none yet, or another program trained it; `Store` where the file cannot be read.
    pub fn given(&self, run: &Run, split: Split) -> Result<Vec<Answer>> {
        let answers = self.answers(&run.started.id, split)?;
        if answers.is_empty() {
            run.started.refuse_foreign()?;
            let name = split.name();
            let todo = if split == Split::Test && run.state != RunState::Finished {
                "they come when the run has finished".to_owned()
            } else {
                format!("`xray-tui eval {} --split {name}` makes them", run.started.id)
            };
            let problem = format!("has no answers for {name} images yet: {todo}");
            return Err(Error::Run { run: run.started.name.clone(), problem });
        }
        Ok(answers)
    }
}

/// Those for the images that both have, in one order. The same file with another label is another image.
fn common(a: Vec<Answer>, b: Vec<Answer>) -> (Vec<Answer>, Vec<Answer>) {
    let mut of_b: BTreeMap<_, _> = b.into_iter().map(|answer| ((answer.file.clone(), answer.truth), answer)).collect();
    a.into_iter()
        .filter_map(|answer| of_b.remove(&(answer.file.clone(), answer.truth)).map(|other| (answer, other)))
        .unzip()
}
