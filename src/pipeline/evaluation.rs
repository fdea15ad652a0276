//! What a gate looks at: the figures of a run's stored answers, and how they compare with the champion's on the same images.

use std::collections::BTreeSet;
use std::ops::ControlFlow;

use serde::{Deserialize, Serialize};

use crate::dataset::cache::Progress;
use crate::dataset::{Class, Split};
use crate::error::{Error, Result};
use crate::metrics::assessment::Terms;
use crate::metrics::comparison::{Comparison, Side};
use crate::metrics::gate::{Measured, Verdict};
use crate::metrics::{Assessment, Gate, Measure};
use crate::session::manifest::Manifest;
use crate::session::{LoadedData, Workplace, answers_of, config_of, digest};
use crate::store::{Answer, ModelVersion, Pipeline, Run, Store, TaskName, cases};
use crate::train::evaluate::answer;
use crate::train::{EngineKind, checkpoint};

/// The figures of a run on a split.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Evaluation {
    pub split: Split,
    pub images: usize,
    /// The run's own, as a probability.
    pub threshold: f64,
    #[serde(flatten)]
    pub measured: Measured,
    /// Looks of all runs at these test images so far.
    pub looks: Option<u64>,
    pub champion: Champion,
}

/// How a run compares with the champion.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "compared")]
pub enum Champion {
    /// The gate does not ask.
    NotAsked,
    /// There was none.
    None,
    With(Against),
}

/// A run, as A, against the champion, as B.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Against {
    pub version: i64,
    pub run_id: String,
    /// Its answers for these images were stored; else its network was asked now, which is one more look at them.
    pub stored: bool,
    pub comparison: Comparison,
}

impl Champion {
    /// The version that was compared with.
    #[must_use]
    pub const fn version(&self) -> Option<i64> {
        match self {
            Self::With(against) => Some(against.version),
            Self::NotAsked | Self::None => None,
        }
    }

    /// Whether `now` is another champion than the one that was asked.
    #[must_use]
    pub fn is_asked_of_another(&self, now: Option<i64>) -> bool {
        *self != Self::NotAsked && self.version() != now
    }
}

impl Evaluation {
    /// That of a pipeline, once it is made.
    #[must_use]
    pub fn of(pipeline: &Pipeline) -> Option<Self> {
        let record = pipeline.task(TaskName::Evaluate)?.record.clone()?;
        serde_json::from_value(record).ok()
    }

    #[must_use]
    pub fn judge(&self, gate: &Gate) -> Verdict {
        let comparison = match &self.champion {
            Champion::With(against) => Some(&against.comparison),
            Champion::NotAsked | Champion::None => None,
        };
        gate.judge(&self.measured, comparison)
    }
}

/// What the gate is to look at, and who watches.
pub struct Asked<'a> {
    pub gate: &'a Gate,
    pub split: Split,
    pub watch: &'a mut dyn FnMut(Progress) -> ControlFlow<()>,
}

impl std::fmt::Debug for Asked<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Asked").field("gate", &self.gate).field("split", &self.split).finish_non_exhaustive()
    }
}

/// Evaluates a finished run on its stored answers. Where the champion has none for the same images, its network is asked,
/// which is counted as a look of its at them.
///
/// # Errors
/// `Run` where the run has no answers, or the champion cannot be compared on these images; what its network cannot do;
/// `Cancelled` where the watch breaks.
pub fn evaluate(store: &Store, place: &Workplace, run: &Run, asked: &mut Asked) -> Result<Evaluation> {
    let answers = store.given(run, asked.split)?;
    let terms = Terms { threshold: run.threshold(), temperature: None, prevalence: None };
    let assessed = Assessment::quick(&cases(&answers), terms);
    let measured = Measured {
        accuracy: assessed.measure(Measure::Accuracy),
        sensitivity: assessed.measure(Measure::Sensitivity),
        auc: assessed.auc,
    };
    let champion = match (asked.gate.champion, store.champion()?) {
        (false, _) => Champion::NotAsked,
        (true, None) => Champion::None,
        (true, Some(champion)) => Champion::With(against(store, (place, &champion), (run, &answers), asked)?),
    };
    Ok(Evaluation {
        split: asked.split,
        images: answers.len(),
        threshold: run.threshold().probability(),
        measured,
        looks: if asked.split == Split::Test { store.looks(&run.started.id)? } else { None },
        champion,
    })
}

/// What an image is, whatever its file is called.
type Content = (String, Class);

fn against(
    store: &Store,
    (place, champion): (&Workplace, &ModelVersion),
    (run, answers): (&Run, &[Answer]),
    asked: &mut Asked,
) -> Result<Against> {
    let other = store.run(&champion.new.run_id)?;
    let ours = known(store, run, answers)?;
    let theirs = known(store, &other, &store.answers(&other.started.id, asked.split)?)?;
    let stored = pair(&ours, &theirs);
    let is_stored = stored.is_some();
    let (ours, theirs) = match stored {
        Some(pairs) => pairs,
        None => asked_now(store, (place, champion, &other), (run, &ours), asked)?,
    };
    let [a, b] = [cases(&ours), cases(&theirs)];
    let comparison = Comparison::of(
        Side { cases: &a, threshold: run.threshold() },
        Side { cases: &b, threshold: other.threshold() },
    );
    Ok(Against { version: champion.version, run_id: other.started.id, stored: is_stored, comparison })
}

/// Answers with what their images are, in the order of that.
fn known(store: &Store, run: &Run, answers: &[Answer]) -> Result<Vec<(Content, Answer)>> {
    let list = Manifest::of_run(store, &run.started)?.map_or_else(Vec::new, |list| list.0);
    let md5 = |file: &String| Some(list[list.binary_search_by(|image| image.file.cmp(file)).ok()?].md5.clone());
    let of = |answer: &Answer| Some(((md5(&answer.file)?, answer.truth), answer.clone()));
    let missing = || Error::Run {
        run: run.started.name.clone(),
        problem: "does not say which images it answered for, so it cannot be compared: train it again, or leave the \
                  champion out with --no-champion-check"
            .into(),
    };
    let mut known = answers.iter().map(of).collect::<Option<Vec<_>>>().ok_or_else(missing)?;
    known.sort_by(|a, b| (&a.0, &a.1.file).cmp(&(&b.0, &b.1.file)));
    Ok(known)
}

/// The answers of both in one order, both under the first one's names; `None` where they are not for the same images.
fn pair(ours: &[(Content, Answer)], theirs: &[(Content, Answer)]) -> Option<(Vec<Answer>, Vec<Answer>)> {
    let is_same = ours.len() == theirs.len() && ours.iter().zip(theirs).all(|(a, b)| a.0 == b.0);
    let renamed = |((_, a), (_, b)): (&(Content, Answer), &(Content, Answer))| {
        (a.clone(), Answer { file: a.file.clone(), ..b.clone() })
    };
    is_same.then(|| ours.iter().zip(theirs).map(renamed).unzip())
}

/// Asks the champion's network for the test images that it has no stored answers for.
fn asked_now(
    store: &Store,
    (place, champion, other): (&Workplace, &ModelVersion, &Run),
    (run, ours): (&Run, &[(Content, Answer)]),
    asked: &mut Asked,
) -> Result<(Vec<Answer>, Vec<Answer>)> {
    let refuse = |problem: String| Error::Run { run: other.started.name.clone(), problem };
    if asked.split != Split::Test {
        let name = asked.split.name();
        return Err(refuse(format!(
            "is the champion and was not scored on these {name} images, of which it may have learned: let the gate look at \
             the test images, or leave the champion out with --no-champion-check"
        )));
    }
    let contents: BTreeSet<&str> = ours.iter().map(|((md5, _), _)| md5.as_str()).collect();
    let list = Manifest::of_run(store, &other.started)?.map_or_else(Vec::new, |list| list.0);
    let learned =
        list.iter().filter(|image| image.split != Split::Test && contents.contains(image.md5.as_str())).count();
    if learned > 0 {
        return Err(refuse(format!(
            "is the champion and has learned from {learned} of these {} test images, so it cannot be compared on them: leave \
             it out with --no-champion-check",
            ours.len()
        )));
    }
    let (config, network, weights) =
        checkpoint::load_best_known(&store.run_folder(&other.started.id), EngineKind::Fast)?;
    if weights.to_string() != champion.new.weights {
        return Err(refuse(format!("has other weights than version {} was promoted with", champion.version)));
    }
    let folder = if run.started.data.is_dir() { run.started.data.clone() } else { place.data.clone() };
    let data = LoadedData::open(&Workplace { data: folder, ..place.clone() }, config.image_size, asked.watch)?;
    let splits = data.splits(&config_of(run)?);
    let images = splits.of(asked.split);
    let answered = answer((&network, config.look()), (&data.dataset, &data.cache), images, asked.watch)?;
    store.add_look(&other.started.id, &digest(&data.dataset, &data.cache, images))?;
    let content = |answer: Answer, image: &usize| ((data.cache.facts(*image).md5.clone(), answer.truth), answer);
    let answers = answers_of(&data.dataset, asked.split, &answered);
    let mut theirs: Vec<(Content, Answer)> = answers.into_iter().zip(images).map(|(a, i)| content(a, i)).collect();
    theirs.sort_by(|a, b| (&a.0, &a.1.file).cmp(&(&b.0, &b.1.file)));
    pair(ours, &theirs).ok_or_else(|| Error::BadDataSet {
        dir: data.dataset.root.clone(),
        problem: format!("has other test images now than {} was scored on: put them back", run.started.name),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answered(images: &[(&str, &str, f32)]) -> Vec<(Content, Answer)> {
        let one = |(md5, file, logit): &(&str, &str, f32)| {
            let truth = Class::Normal;
            let answer = Answer {
                split: Split::Test,
                harder: false,
                file: (*file).to_owned(),
                truth,
                logits: [*logit, 0.0],
                disagreement: None,
            };
            (((*md5).to_owned(), truth), answer)
        };
        images.iter().map(one).collect()
    }

    #[test]
    fn answers_are_paired_by_what_the_images_are_and_not_by_their_names() {
        let ours = answered(&[("00", "a", 1.0), ("11", "b", 2.0), ("11", "c", 3.0)]);
        let theirs = answered(&[("00", "x/z", 4.0), ("11", "x/y", 5.0), ("11", "x/z", 6.0)]);
        let (a, b) = pair(&ours, &theirs).unwrap();
        let of = |answers: &[Answer]| answers.iter().map(|a| (a.file.clone(), a.logits[0])).collect::<Vec<_>>();
        assert_eq!(of(&a), [("a".into(), 1.0), ("b".into(), 2.0), ("c".into(), 3.0)]);
        assert_eq!(of(&b), [("a".into(), 4.0), ("b".into(), 5.0), ("c".into(), 6.0)]);
    }

    #[test]
    fn one_image_more_or_another_label_is_not_the_same() {
        let ours = answered(&[("00", "a", 1.0), ("11", "b", 2.0)]);
        assert_eq!(pair(&ours, &answered(&[("00", "a", 1.0)])), None);
        assert_eq!(pair(&ours, &[]), None);
        let mut relabelled = answered(&[("00", "a", 1.0), ("11", "b", 2.0)]);
        relabelled[1].0.1 = Class::Pneumonia;
        assert_eq!(pair(&ours, &relabelled), None);
    }
}
