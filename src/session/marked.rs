//! Marked images that a run leaves out of training: settled when it begins, so that it repeats whatever is marked later.

use std::collections::BTreeSet;

use super::LoadedData;
use crate::dataset::split::Splits;
use crate::dataset::{Class, Folder};
use crate::error::{Error, Result};
use crate::store::{ImageMark, Store};
use crate::train::TrainConfig;

/// `config` with the list of what it leaves out, as the images of `data` are marked now.
///
/// Copies of a marked image are left out too, as the list has contents. It has the marked images of the folders train
/// and val, whichever split they fall into, so that it is the same for all seeds and all folds.
///
/// # Errors
/// `Store` where the file cannot be read.
pub(super) fn settle(store: &Store, data: &LoadedData, config: &TrainConfig) -> Result<TrainConfig> {
    let excluded = if config.exclude_marked { Some(marked(store, data)?) } else { None };
    Ok(TrainConfig { excluded, ..config.clone() })
}

fn marked(store: &Store, data: &LoadedData) -> Result<Vec<String>> {
    let marked = store.marked_images()?.into_iter().filter(|image| is_unfit(&image.mark));
    let marked: BTreeSet<(String, String)> = marked.map(|image| (image.file, image.md5)).collect();
    let learned = data.dataset.images.iter().enumerate().filter(|(_, image)| image.folder != Folder::Test);
    let found = learned.filter_map(|(index, image)| {
        let facts = data.cache.facts(index);
        // As Inspect shows a mark: of this file with this content.
        let is_marked = marked.contains(&(image.file.clone(), facts.md5.clone()));
        (is_marked && facts.pixels.is_ok()).then(|| facts.md5.clone())
    });
    Ok(found.collect::<BTreeSet<String>>().into_iter().collect())
}

/// Whether its user says that an image should not be learned from; a favourite or a note does not.
const fn is_unfit(mark: &ImageMark) -> bool {
    mark.wrong_label || mark.poor_quality
}

/// How many images are left out, in words; `None` where none was to be.
pub(super) fn said(data: &LoadedData, splits: &Splits, config: &TrainConfig) -> Option<String> {
    if config.excluded.as_ref()?.is_empty() {
        let problem = "no image is left out: none in train and val was marked as wrongly labelled or of poor quality";
        return Some(problem.into());
    }
    let marked = |images: &[usize]| images.iter().filter(|&&image| data.is_left_out(config, image)).count();
    let left_out = match marked(&data.drawn(config).train) {
        0 => "no marked image is".to_owned(),
        1 => "1 marked image is".to_owned(),
        images => format!("{images} marked images are"),
    };
    let rest = match marked(&splits.validation) {
        0 => String::new(),
        images => format!("; marked and kept in validation: {images}"),
    };
    Some(format!("{left_out} left out of training{rest}"))
}

/// As [`Splits::check_trainable`].
///
/// # Errors
/// `BadSetting` where there is something to learn, and all of a class is left out.
pub(super) fn check_trainable(data: &LoadedData, splits: &Splits, config: &TrainConfig) -> Result<()> {
    let checked = splits.check_trainable(&data.dataset);
    if checked.is_ok() || config.excluded.is_none() {
        return checked;
    }
    data.drawn(config).check_trainable(&data.dataset)?;
    let has = |class| splits.train.iter().any(|&image| data.dataset.images[image].class == class);
    let lacking: Vec<&str> = Class::ALL.into_iter().filter(|class| !has(*class)).map(Class::name).collect();
    let part = config.fold.map_or_else(String::new, |fold| format!(" in part {}", fold.number));
    let problem = format!(
        "leaves no {} image to train on{part}: take marks back on Inspect, or leave none out (without --exclude-marked)",
        lacking.join(" and no ")
    );
    Err(Error::BadSetting { setting: "exclude marked", problem })
}

#[cfg(test)]
mod tests {
    use std::ops::ControlFlow;

    use super::*;
    use crate::dataset::demo::{self, DemoConfig};
    use crate::dataset::split::Fold;
    use crate::session::Workplace;

    /// Demo data with a store; the folder is to be kept.
    fn demo_data() -> (tempfile::TempDir, LoadedData, Store) {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        let place = Workplace { data: at("demo"), db: at("runs.db"), cache: at("cache") };
        demo::write(&place.data, &DemoConfig { images: 40, seed: 1 }, &mut |_| ControlFlow::Continue(())).unwrap();
        let data = LoadedData::open(&place, 33, &mut |_| ControlFlow::Continue(())).unwrap();
        let store = Store::open(&place.db).unwrap();
        (folder, data, store)
    }

    fn mark(store: &Store, data: &LoadedData, (image, mark): (usize, ImageMark)) -> String {
        let md5 = data.cache.facts(image).md5.clone();
        store.mark_image((&data.dataset.images[image].file, &md5), &mark).unwrap();
        md5
    }

    fn wrong() -> ImageMark {
        ImageMark { wrong_label: true, ..ImageMark::default() }
    }

    fn config() -> TrainConfig {
        TrainConfig { exclude_marked: true, validation_fraction: 0.2, ..TrainConfig::default() }
    }

    #[test]
    fn wrong_labels_and_poor_pictures_are_left_out_of_training_and_of_nothing_else() {
        let (_folder, data, store) = demo_data();
        let whole = data.splits(&config());
        let poor = ImageMark { poor_quality: true, ..ImageMark::default() };
        let liked = ImageMark { favourite: true, note: Some("a fine one".into()), ..ImageMark::default() };
        let [first, second, third] = [whole.train[0], whole.train[1], whole.train[2]];
        let mut expected = vec![
            mark(&store, &data, (first, wrong())),
            mark(&store, &data, (second, poor)),
            mark(&store, &data, (whole.validation[0], wrong())),
        ];
        expected.sort();
        mark(&store, &data, (third, liked));
        mark(&store, &data, (whole.test[0], wrong()));
        store.mark_image(("elsewhere/a.png", "00"), &wrong()).unwrap();

        let config = settle(&store, &data, &config()).unwrap();
        assert_eq!(config.excluded, Some(expected), "those of the folders train and val of these data");
        let splits = data.splits(&config);
        assert_eq!(splits.train, whole.train[2..]);
        assert_eq!((&splits.validation, &splits.test), (&whole.validation, &whole.test));
        let words = said(&data, &splits, &config).unwrap();
        assert_eq!(words, "2 marked images are left out of training; marked and kept in validation: 1");
        let without = settle(&store, &data, &TrainConfig { exclude_marked: false, ..config }).unwrap();
        assert_eq!((&without.excluded, data.splits(&without)), (&None, whole));
        assert_eq!(said(&data, &splits, &without), None);
    }

    #[test]
    fn what_is_left_out_is_the_same_for_all_seeds_and_folds() {
        let (_folder, data, store) = demo_data();
        for image in (0..data.dataset.images.len()).step_by(7) {
            mark(&store, &data, (image, wrong()));
        }
        let list = |config| settle(&store, &data, &config).unwrap().excluded.unwrap();
        let all = list(config());
        assert!(all.is_sorted() && all.len() > 2);
        assert_eq!(all, list(TrainConfig { seed: 7, ..config() }));
        assert_eq!(all, list(TrainConfig { fold: Some(Fold { number: 2, of: 3 }), ..config() }));
    }

    #[test]
    fn that_none_was_marked_is_said() {
        let (_folder, data, store) = demo_data();
        let config = settle(&store, &data, &config()).unwrap();
        assert_eq!(config.excluded, Some(Vec::new()));
        assert!(said(&data, &data.splits(&config), &config).unwrap().contains("none in train and val was marked"));
    }

    #[test]
    fn leaving_out_all_of_a_class_is_refused_with_what_to_do() {
        let (_folder, data, store) = demo_data();
        for image in data.splits(&config()).train {
            if data.dataset.images[image].class == Class::Normal {
                mark(&store, &data, (image, wrong()));
            }
        }
        let config = settle(&store, &data, &config()).unwrap();
        let refused = check_trainable(&data, &data.splits(&config), &config).unwrap_err();
        assert!(matches!(refused, Error::BadSetting { .. }), "{refused:?}");
        let said = refused.to_string();
        assert!(said.contains("leaves no NORMAL image") && said.contains("take marks back"), "{said}");
    }
}
