//! What a user is told of a run before it begins: what settings and data together come to.

use super::{LoadedData, marked};
use crate::dataset::Class;
use crate::dataset::split::Splits;
use crate::train::TrainConfig;
use crate::train::config::Schedule;
use crate::train::schedule::{self, PATIENCE};

pub(super) fn all(data: &LoadedData, splits: &Splits, config: &TrainConfig) -> Vec<String> {
    let told = [
        marked::said(data, splits, config),
        large_batch(config, splits.train.len()),
        one_class(data, splits),
        long_warmup(config),
        short_patience(config),
    ];
    told.into_iter().flatten().collect()
}

fn large_batch(config: &TrainConfig, images: usize) -> Option<String> {
    let told = || {
        let batch = config.batch_size;
        format!(
            "the batch size, {batch}, is larger than the {images} training images: every epoch is one batch of {images}"
        )
    };
    (config.batch_size > images).then(told)
}

fn one_class(data: &LoadedData, splits: &Splits) -> Option<String> {
    let has = |class: &Class| splits.validation.iter().any(|&image| data.dataset.images[image].class == *class);
    let missing = Class::ALL.into_iter().find(|class| !has(class))?;
    Some(format!(
        "validation has no {} image: there is no AUC and no threshold but 0.5, and the best epoch is chosen by one class \
         alone; images of more patients, or another held-out family, change that",
        missing.name()
    ))
}

/// The rate comes to its height at the very end, or never.
fn long_warmup(config: &TrainConfig) -> Option<String> {
    #[expect(clippy::cast_precision_loss, reason = "a count of epochs")]
    let is_long = config.warmup_epochs > 0.0 && config.warmup_epochs >= config.epochs as f64;
    is_long.then(|| {
        format!(
            "the warm-up takes the whole run ({} of {} epochs): the learning rate rises to the end",
            config.warmup_epochs, config.epochs
        )
    })
}

fn short_patience(config: &TrainConfig) -> Option<String> {
    let grows = schedule::image_size(config, 1) != config.image_size;
    let is_short = config.schedule == Schedule::Plateau && (1..=PATIENCE).contains(&config.early_stopping) && !grows;
    is_short.then(|| {
        format!(
            "early stopping after {} epochs ends the run before the plateau, after {PATIENCE}, lowers the learning rate",
            config.early_stopping
        )
    })
}

#[cfg(test)]
mod tests {
    use std::ops::ControlFlow;

    use super::*;
    use crate::dataset::demo::{self, DemoConfig};
    use crate::session::Workplace;

    #[test]
    fn validation_with_one_class_alone_is_told() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        let place = Workplace { data: at("demo"), db: at("runs.db"), cache: at("cache") };
        demo::write(&place.data, &DemoConfig { images: 40, seed: 1 }, &mut |_| ControlFlow::Continue(())).unwrap();
        let data = LoadedData::open(&place, 33, &mut |_| ControlFlow::Continue(())).unwrap();
        let mut splits = data.splits(&TrainConfig::default());
        assert_eq!(one_class(&data, &splits), None);
        splits.validation.retain(|&image| data.dataset.images[image].class == Class::Pneumonia);
        assert!(one_class(&data, &splits).unwrap().contains("no NORMAL image"));
    }

    #[test]
    fn a_run_that_ends_before_its_plateau_is_told() {
        let with = |schedule, early_stopping| {
            short_patience(&TrainConfig { schedule, early_stopping, ..TrainConfig::default() })
        };
        assert!(with(Schedule::Plateau, 3).unwrap().contains("before the plateau"));
        assert_eq!(
            [(Schedule::Plateau, 0), (Schedule::Plateau, 4), (Schedule::Cosine, 1)].map(|(s, e)| with(s, e)),
            [None, None, None]
        );
    }

    #[test]
    fn a_warmup_as_long_as_the_run_is_told() {
        let warm =
            |warmup_epochs, epochs| long_warmup(&TrainConfig { epochs, warmup_epochs, ..TrainConfig::default() });
        assert_eq!((warm(0.5, 1), warm(0.0, 1), warm(1.0, 16)), (None, None, None));
        assert!(warm(1.0, 1).unwrap().contains("rises to the end") && warm(20.0, 16).is_some());
    }
}
