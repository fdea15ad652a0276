//! Several finished runs as one, which answers with the mean of their logits (Lakshminarayanan et al. 2017).
//!
//! All were trained and validated on the same images: the ensemble's threshold is chosen on images that none of its members
//! was trained on. Its file holds all members' weights, so that it outlives them.

use std::ops::ControlFlow;
use std::path::PathBuf;

use super::beginning::{Beginning, folder_lock, new_run, next_name};
use super::labels::check_name;
use super::manifest::Manifest;
use super::recorder::Recorder;
use super::resuming::changed_images;
use super::{LoadedData, Workplace, config_of};
use crate::error::{Error, Result};
use crate::store::{Run, RunState, Store};
use crate::train::checkpoint::Identity;
use crate::train::ensemble::{Member, assemble};
use crate::train::{Control, Job, Outcome, TrainConfig};

/// Joins `runs` under a name, and scores them together; answers the new run's id. The settings that are recorded are the
/// first one's.
///
/// # Errors
/// `Run` names the one that cannot be joined and why; where data or weights are not as the runs had them.
pub fn make(
    place: &Workplace,
    store: &Store,
    (name, runs): (Option<String>, &[Run]),
    control: &Control,
) -> Result<String> {
    check_name(name.as_deref())?;
    let config = check(runs)?;
    let first = &runs[0].started;
    let data = if first.data.is_dir() { first.data.clone() } else { place.data.clone() };
    let data =
        LoadedData::open(&Workplace { data, ..place.clone() }, config.image_size, &mut |_| ControlFlow::Continue(()))?;
    let splits = data.sampled(&config);
    if let Some(difference) = changed_images(store, &runs[0], (&data, &splits))? {
        let problem = format!("was trained on other images than are there now ({difference}): put them back");
        return Err(refuse(&runs[0], &problem));
    }
    let manifest = Manifest::of(&data, &splits);
    let name = name.map_or_else(|| Ok(next_name(&store.names()?, "ensemble")), Ok::<_, Error>)?;
    let members = runs.iter().map(|run| run.started.id.clone()).collect();
    let beginning = Beginning { name: Some(name), members, ..(&config).into() };
    let new = new_run(store, (&data, &splits, &manifest), &beginning)?;
    let _lock = folder_lock(store, &new.id)?;
    store.begin_run(&new, (&manifest.text(), None))?;
    let identity = Identity { run_id: new.id.clone(), config, split_hash: new.split_hash.clone() };
    let (dataset, cache, folder) = (&data.dataset, &data.cache, store.run_folder(&new.id));
    let job = Job { identity, dataset, splits: &splits, cache, folder, rates: Vec::new() };
    let mut recorder = Recorder::new(store, &job, 0)?;
    let folders: Vec<PathBuf> = runs.iter().map(|run| store.run_folder(&run.started.id)).collect();
    let members: Vec<Member> =
        folders.iter().zip(runs).map(|(folder, run)| (folder.as_path(), run.weights.as_deref())).collect();
    let outcome = assemble(&job, &members, control, &mut |mut event| recorder.record(&mut event));
    let failed = |error: &Error| Outcome::Failed(error.to_string());
    recorder.end(outcome.as_ref().map_or_else(failed, Clone::clone))?;
    outcome.map(|_| new.id)
}

/// Refuses runs that cannot be joined; answers the settings that are recorded.
fn check(runs: &[Run]) -> Result<TrainConfig> {
    let Some((first, others)) = runs.split_first().filter(|(_, others)| !others.is_empty()) else {
        let problem = "names a single run: an ensemble joins two or more".to_owned();
        return Err(Error::BadSetting { setting: "RUN", problem });
    };
    for (place, run) in runs.iter().enumerate() {
        run.started.refuse_foreign()?;
        let why = match run.state {
            _ if runs[..place].iter().any(|before| before.started.id == run.started.id) => "is named twice",
            _ if run.trashed_at.is_some() => "is in the trash: `xray-tui runs restore` brings it back",
            _ if run.folds().is_some() || run.started.parent.is_some() => "belongs to a cross-validation",
            _ if run.members().is_some() => "is an ensemble itself: name its members",
            RunState::Finished => continue,
            _ => "is not finished: go on with it first",
        };
        return Err(refuse(run, why));
    }
    let config = config_of(first)?;
    for run in others {
        let other = config_of(run)?;
        if run.started.data_hash != first.started.data_hash || run.started.split_hash != first.started.split_hash {
            let problem = "was trained on other images than the first one: train both with the same --split-seed";
            return Err(refuse(run, problem));
        }
        if (other.image_size, other.look()) != (config.image_size, config.look()) {
            let problem =
                "looks at pictures otherwise than the first one: another size, normalisation or test augmentation";
            return Err(refuse(run, problem));
        }
    }
    Ok(config)
}

fn refuse(run: &Run, problem: &str) -> Error {
    Error::Run { run: run.started.name.clone(), problem: problem.to_owned() }
}
