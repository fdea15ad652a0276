//! Whether an earlier run can go on, and whether its images are still what they were.

use super::LoadedData;
use super::manifest::Manifest;
use crate::dataset::split::Splits;
use crate::error::Result;
use crate::store::{Run, RunState, Store};

/// Why a run cannot go on, whatever is done; `None` where it can.
pub(super) fn why_it_ended(store: &Store, run: &Run) -> Result<Option<String>> {
    if run.trashed_at.is_some() {
        return Ok(Some("is in the trash: `xray-tui runs restore` brings it back".into()));
    }
    if let Some(origin) = store.origin(&run.started.id)? {
        return Ok(Some(format!("came from MLflow ({}): it can go on where it was trained alone", origin.uri)));
    }
    if run.state == RunState::Finished {
        return Ok(Some("is finished; start a new one, with --pretrained to begin from its weights".into()));
    }
    if run.members().is_some() {
        return Ok(Some("is an ensemble: join its members again with `xray-tui ensemble`".into()));
    }
    let is_whole = run.folds().is_some();
    Ok(is_whole.then(|| "is a cross-validation: `xray-tui cv --resume` goes on with it".into()))
}

/// What is otherwise with a run's images now, in words; `None` where nothing is.
pub(super) fn changed_images(
    store: &Store,
    run: &Run,
    (data, splits): (&LoadedData, &Splits),
) -> Result<Option<String>> {
    let digest = run.started.manifest.as_deref();
    let kept = digest.map(|digest| store.manifest(digest)).transpose()?.flatten();
    let listed = kept.as_deref().and_then(Manifest::parse);
    let difference = listed.and_then(|kept| kept.first_difference(&Manifest::of(data, splits)));
    let other_split = || (splits.hash(&data.dataset) != run.started.split_hash).then(|| "another split".to_owned());
    Ok(difference.or_else(other_split))
}
