//! The features of a run's images, from the file in its folder.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::SystemTime;

use crate::dataset::hash::md5_hex;
use crate::dataset::{self, Class, Split};
use crate::error::{Error, Result};
use crate::predict::neighbours::{self, Gallery, Listed};
use crate::session::Workplace;
use crate::session::manifest::Manifest;
use crate::store::{self, Run, Store};
use crate::train::checkpoint;

/// The images of a run's splits, as its list has them.
///
/// # Errors
/// `Run` where it keeps no list, `Store` where that cannot be read, and where its data set is gone.
pub fn listed(store: &Store, run: &Run) -> Result<Vec<Listed>> {
    let lacks = || {
        let problem = "keeps no list of its images: it is older than such lists, or has not begun to train";
        Error::Run { run: run.started.name.clone(), problem: problem.into() }
    };
    let Manifest(images) = Manifest::of_run(store, &run.started)?.ok_or_else(lacks)?;
    let classes: BTreeMap<String, Class> =
        dataset::find(&run.started.data)?.images.into_iter().map(|image| (image.file, image.class)).collect();
    let listed = |image: crate::session::manifest::Listed| {
        Some(Listed { truth: *classes.get(&image.file)?, file: image.file, split: image.split })
    };
    Ok(images.into_iter().filter_map(listed).collect())
}

/// Split and file of a run's images, by their content.
type ByContent = BTreeMap<String, (Split, String)>;

/// The images of the run that was asked about last.
#[derive(Default)]
pub struct Lists(Option<(String, ByContent)>);

impl Lists {
    /// The split and the file of the image that a run has with the content of `path`.
    pub fn find(&mut self, place: &Workplace, run_id: &str, path: &Path) -> Option<&(Split, String)> {
        if self.0.as_ref().is_none_or(|(of, _)| of != run_id) {
            let store = Store::open(&place.db).ok()?;
            let Manifest(images) = Manifest::of_run(&store, &store.run(run_id).ok()?.started).ok()??;
            let by_content = images.into_iter().map(|image| (image.md5, (image.split, image.file))).collect();
            self.0 = Some((run_id.to_owned(), by_content));
        }
        self.0.as_ref()?.1.get(&md5_hex(&std::fs::read(path).ok()?))
    }
}

/// When the file of the features and that of the weights were written.
type Written = [Option<SystemTime>; 2];

/// The gallery that was read last; read again when its file has changed, or the weights that it was made with.
#[derive(Default)]
pub struct Kept(Option<(String, Written, Arc<Gallery>)>);

impl Kept {
    /// The run's gallery, where one is there for its weights and images.
    pub fn open(&mut self, place: &Workplace, run_id: &str) -> Option<Arc<Gallery>> {
        let folder = store::run_folder(&place.db, run_id);
        let written = [neighbours::path(&folder), checkpoint::best_path(&folder)]
            .map(|file| file.metadata().and_then(|meta| meta.modified()).ok());
        if let Some((of, at, gallery)) = &self.0
            && (of.as_str(), *at) == (run_id, written)
        {
            return Some(Arc::clone(gallery));
        }
        let store = Store::open(&place.db).ok()?;
        let list = listed(&store, &store.run(run_id).ok()?).ok()?;
        let gallery = Arc::new(Gallery::open(&folder, &list)?);
        self.0 = Some((run_id.to_owned(), written, Arc::clone(&gallery)));
        Some(gallery)
    }
}
