//! Finds the images that Inspect steps through, with what the store knows of them.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::thread::Builder;

use super::features;
use crate::app::inspect::case::Case;
use crate::app::inspect::{Found, Images, Wanted};
use crate::app::message::{InspectMessage, Message};
use crate::dataset::hash::md5_hex;
use crate::dataset::{self, Dataset, Folder, Split};
use crate::error::{Error, Result};
use crate::predict;
use crate::session::Workplace;
use crate::store::{Answer, ImageMark, MarkedImage, Run, Store};
use crate::tui::wake::Outbox;

/// Looks for files on a thread of its own: folders may be large, and the store has others to answer.
pub fn look_for(place: &Workplace, (request, wanted): (u64, Wanted), outbox: &Outbox) {
    let (place, theirs) = (place.clone(), outbox.clone());
    let look = move || {
        let found = Store::open(&place.db).and_then(|store| find(&store, &place, &wanted));
        let found = found.map_err(|error| error.to_string());
        theirs.send(Message::Inspect(InspectMessage::Cases { request, found }));
    };
    if let Err(error) = Builder::new().name("files".into()).spawn(look) {
        let found = Err(format!("cannot start a thread: {error}"));
        outbox.send(Message::Inspect(InspectMessage::Cases { request, found }));
    }
}

/// The images that are asked for, with answers and marks.
pub fn find(store: &Store, place: &Workplace, wanted: &Wanted) -> Result<Found> {
    let mut found = match wanted {
        Wanted::Run { run_id, split } => of_run(store, &store.run(run_id)?, *split)?,
        Wanted::DataSet => of_data_set(&place.data)?,
        Wanted::Files(paths) => of_files(paths)?,
    };
    let mut marks: BTreeMap<String, Vec<MarkedImage>> = BTreeMap::new();
    for marked in store.marked_images()? {
        marks.entry(marked.file.clone()).or_default().push(marked);
    }
    for case in &mut found.cases {
        if let Some(marks) = marks.get(&case.file) {
            case.mark = mark_of(&found.root.join(&case.file), marks);
        }
    }
    Ok(found)
}

/// What was said of the image that a file holds now, not of one that was there before.
fn mark_of(path: &Path, marks: &[MarkedImage]) -> ImageMark {
    let md5 = std::fs::read(path).map(|bytes| md5_hex(&bytes)).unwrap_or_default();
    marks.iter().find(|marked| marked.md5 == md5).map(|marked| marked.mark.clone()).unwrap_or_default()
}

/// Of a run the split that is asked for. Without a wish its test images; of one that has not come to the test its
/// validation images, as nobody looks at test images before the end; of one without any answers the test images of its
/// data set, unanswered.
fn of_run(store: &Store, run: &Run, split: Option<Split>) -> Result<Found> {
    let found = |split, cases| {
        let (root, synthetic) = (run.started.data.clone(), run.started.synthetic);
        Found { images: Images::Split(split), root, synthetic, cases }
    };
    let answered = |split| store.answers(&run.started.id, split).map(|answers| cases(answers, split));
    match split {
        Some(Split::Train) => return Ok(found(Split::Train, of_training(store, run)?)),
        Some(split) => {
            let (split, cases) = answered(split)?;
            if !cases.is_empty() {
                return Ok(found(split, cases));
            }
        }
        None => {}
    }
    for split in [Split::Test, Split::Validation] {
        let (split, cases) = answered(split)?;
        if !cases.is_empty() {
            return Ok(found(split, cases));
        }
    }
    let images = dataset::find(&run.started.data)?.images;
    let test = images.into_iter().filter(|image| image.folder == Folder::Test);
    Ok(found(Split::Test, test.map(|image| Case::new(image.file, image.class, None)).collect()))
}

fn cases(answers: Vec<Answer>, split: Split) -> (Split, Vec<Case>) {
    let case = |answer: Answer| Case {
        disagreement: answer.disagreement,
        ..Case::new(answer.file, answer.truth, Some(answer.logits))
    };
    (split, answers.into_iter().map(case).collect())
}

/// The images that a run was trained on. It keeps no answers for them.
fn of_training(store: &Store, run: &Run) -> Result<Vec<Case>> {
    let training = features::listed(store, run)?.into_iter().filter(|image| image.split == Split::Train);
    Ok(training.map(|image| Case::new(image.file, image.truth, None)).collect())
}

fn of_data_set(folder: &Path) -> Result<Found> {
    let Dataset { root, synthetic, images, .. } = dataset::find(folder)?;
    let cases = images.into_iter().map(|image| Case::new(image.file, image.class, None)).collect();
    Ok(Found { images: Images::DataSet, root, synthetic, cases })
}

fn of_files(paths: &[PathBuf]) -> Result<Found> {
    let paths: Vec<PathBuf> = paths.iter().map(|path| at_home(path)).collect();
    let files = match predict::image_files(&paths) {
        // Its text is of the command line.
        Err(Error::BadSetting { .. }) => {
            let path = paths.into_iter().next().unwrap_or_default();
            return Err(Error::Image { path, problem: "there is no .jpeg, .jpg or .png file in it".into() });
        }
        files => files?,
    };
    let cases = files.iter().map(|file| Case::of_file(file.to_string_lossy().into_owned())).collect();
    Ok(Found { images: Images::Files, root: PathBuf::new(), synthetic: false, cases })
}

/// `~` is the home folder, as in a shell.
fn at_home(path: &Path) -> PathBuf {
    match (path.strip_prefix("~"), std::env::home_dir()) {
        (Ok(rest), Some(home)) => home.join(rest),
        _ => path.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_image_that_was_put_in_the_place_of_a_marked_one_is_not_marked() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.png");
        let mark = ImageMark { favourite: true, ..ImageMark::default() };
        let marks = [MarkedImage { file: "a.png".into(), md5: md5_hex(b"one"), mark: mark.clone(), at: String::new() }];
        std::fs::write(&path, b"one").unwrap();
        assert_eq!(mark_of(&path, &marks), mark);
        std::fs::write(&path, b"other").unwrap();
        assert!(mark_of(&path, &marks).is_empty());
        std::fs::remove_file(&path).unwrap();
        assert!(mark_of(&path, &marks).is_empty(), "nor is one that is gone");
    }
}
