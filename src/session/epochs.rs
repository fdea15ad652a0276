//! What the kept weights of each epoch score, asked once a run is done.

use std::ops::ControlFlow;
use std::path::Path;

use super::{LoadedData, Workplace, answers_of, config_of, digest};
use crate::dataset::Split;
use crate::dataset::cache::Progress;
use crate::error::{Error, Result};
use crate::metrics::assessment::Terms;
use crate::metrics::{Assessment, EpochFigures};
use crate::store::{EpochScore, Run, RunState, Store, cases};
use crate::train::checkpoint;
use crate::train::evaluate::answer;

/// Scores the epochs of a finished run that are not scored yet, and answers all scores in order. A network that is asked
/// for test images for the first time is one more look at them.
///
/// # Errors
/// `Run` where the run is not finished or kept no weights, `BadDataSet` where its data were changed, `Cancelled` where
/// `watch` breaks.
pub fn scores(
    store: &Store,
    run: &Run,
    (split, place): (Split, &Workplace),
    watch: &mut dyn FnMut(Progress) -> ControlFlow<()>,
) -> Result<Vec<EpochScore>> {
    let known = store.epoch_scores(&run.started.id, split)?;
    let kept = kept_epochs(store, run, known.is_empty())?;
    let missing: Vec<usize> =
        kept.into_iter().filter(|epoch| known.iter().all(|score| score.epoch != *epoch)).collect();
    if !missing.is_empty() || place.data != run.started.data {
        score(store, run, (split, place, &missing), watch)?;
    }
    store.epoch_scores(&run.started.id, split)
}

fn kept_epochs(store: &Store, run: &Run, none_known: bool) -> Result<Vec<usize>> {
    let refuse = |problem: &str| Err(Error::Run { run: run.started.name.clone(), problem: problem.to_owned() });
    if run.state != RunState::Finished {
        return refuse("is not finished: test images are not looked at before the end");
    }
    let folder = store.run_folder(&run.started.id);
    let kept: Vec<usize> =
        (1..=run.epochs_done).filter(|&epoch| checkpoint::epoch_path(&folder, epoch).exists()).collect();
    if kept.is_empty() && none_known {
        return refuse("kept no weights but the best epoch's: `xray-tui train --keep-epochs` keeps all");
    }
    Ok(kept)
}

/// Refuses weights that the epoch did not have.
fn check_weights(path: &Path, epoch: Option<&EpochFigures>) -> Result<()> {
    let (_, found) = checkpoint::describe(path)?;
    if epoch.and_then(|epoch| epoch.weights).is_none_or(|weights| weights == found) {
        return Ok(());
    }
    let problem = "holds other weights than the epoch had: put this run's own file back, or delete it".into();
    Err(Error::Checkpoint { path: path.to_owned(), problem })
}

fn score(
    store: &Store,
    run: &Run,
    (split, place, epochs): (Split, &Workplace, &[usize]),
    watch: &mut dyn FnMut(Progress) -> ControlFlow<()>,
) -> Result<()> {
    let config = config_of(run)?;
    let data = LoadedData::open(place, config.image_size, &mut |_| ControlFlow::Continue(()))?;
    if data.hash()?.id != run.started.data_hash {
        let problem = "is not the data set that the run was trained on: name that with --data".into();
        return Err(Error::BadDataSet { dir: data.dataset.root, problem });
    }
    let splits = data.splits(&config);
    let images = splits.of(split);
    let terms = Terms { threshold: run.threshold(), temperature: None, prevalence: None };
    for (done, &epoch) in epochs.iter().enumerate() {
        if watch(Progress { done, total: epochs.len() }).is_break() {
            return Err(Error::Cancelled);
        }
        // The best epoch's network has been asked already.
        let kept = if Some(epoch) == run.best_epoch { store.answers(&run.started.id, split)? } else { Vec::new() };
        let is_look = split == Split::Test && kept.is_empty();
        let answers = if kept.is_empty() {
            let path = checkpoint::epoch_path(&store.run_folder(&run.started.id), epoch);
            check_weights(&path, store.epochs(&run.started.id)?.iter().find(|figures| figures.epoch == epoch))?;
            let (_, network) = checkpoint::load_weights(&path, config.engine)?;
            let answered = answer((&network, config.look()), (&data.dataset, &data.cache), images, &mut |_| {
                ControlFlow::Continue(())
            })?;
            answers_of(&data.dataset, split, &answered)
        } else {
            kept
        };
        let assessed = Assessment::quick(&cases(&answers), terms);
        if is_look {
            store.add_look(&run.started.id, &digest(&data.dataset, &data.cache, images))?;
        }
        let made = EpochScore { epoch, confusion: assessed.confusion, auc: assessed.auc };
        store.add_epoch_score(&run.started.id, split, &made)?;
    }
    Ok(())
}
