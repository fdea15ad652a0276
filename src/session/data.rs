//! A data set with its decoded pictures, and what its images are.

use std::ops::ControlFlow;

use super::Workplace;
use crate::dataset::cache::{self, Cache};
use crate::dataset::hash::folder_hash;
use crate::dataset::split::{HeldOut, Splits};
use crate::dataset::{self, Dataset};
use crate::error::Result;
use crate::train::TrainConfig;

/// A data set with its decoded pictures.
#[derive(Debug)]
pub struct LoadedData {
    pub dataset: Dataset,
    pub cache: Cache,
}

impl LoadedData {
    /// Finds the images of `place` and makes what the cache lacks for `image_size`.
    ///
    /// # Errors
    /// No data set, no room or right to write the cache, `Cancelled` where `watch` breaks.
    pub fn open(
        place: &Workplace,
        image_size: usize,
        watch: &mut dyn FnMut(cache::Progress) -> ControlFlow<()>,
    ) -> Result<Self> {
        let dataset = dataset::find(&place.data)?;
        let cache = Cache::open(&place.cache, &dataset, image_size, watch)?;
        Ok(Self { dataset, cache })
    }

    /// The splits that `config` asks for, readable images only, before sampling; train lacks what a run leaves out.
    #[must_use]
    pub fn splits(&self, config: &TrainConfig) -> Splits {
        let mut splits = self.whole_splits(config);
        splits.train.retain(|&image| !self.is_left_out(config, image));
        splits
    }

    /// The splits that a run trains on and is scored by. Marks are left out of what was drawn: the rest is what a run without
    /// them draws.
    pub(super) fn sampled(&self, config: &TrainConfig) -> Splits {
        let mut splits = self.drawn(config);
        splits.train.retain(|&image| !self.is_left_out(config, image));
        splits
    }

    /// The same as if `config` left nothing out.
    pub(super) fn drawn(&self, config: &TrainConfig) -> Splits {
        let mut splits = self.whole_splits(config);
        splits.sample_train(&self.dataset, config.sample_fraction, config.seed_of_split());
        splits
    }

    /// The splits before sampling, as if `config` left nothing out.
    pub(super) fn whole_splits(&self, config: &TrainConfig) -> Splits {
        let (fraction, seed) = (config.validation_fraction, config.seed_of_split());
        let mut splits = match config.fold {
            Some(fold) => Splits::fold(&self.dataset, fold, fraction, seed),
            None if config.held_out != HeldOut::None => Splits::hold_out(&self.dataset, config.held_out),
            None => Splits::make(&self.dataset, fraction, seed),
        };
        splits.retain(|image| self.cache.facts(image).pixels.is_ok());
        splits
    }

    /// Whether no training split may hold an image.
    pub(super) fn is_left_out(&self, config: &TrainConfig, image: usize) -> bool {
        config.leaves_out(&self.cache.facts(image).md5)
    }

    /// The id that DVC gives the data folder.
    ///
    /// # Errors
    /// Where a file of the folder cannot be read.
    pub fn hash(&self) -> Result<dataset::hash::FolderHash> {
        folder_hash(&self.dataset.root, &|file| self.known_md5(file))
    }

    /// The md5 of an image by its path below the root, which was read when its picture was made.
    pub(super) fn known_md5(&self, file: &str) -> Option<String> {
        let index = self.dataset.images.binary_search_by(|image| image.file.as_str().cmp(file)).ok()?;
        Some(self.cache.facts(index).md5.clone()).filter(|md5| !md5.is_empty())
    }
}

/// What these images are, by content and label: the same in whatever folder, order and under whatever names.
#[must_use]
pub fn digest(dataset: &Dataset, cache: &Cache, images: &[usize]) -> String {
    let line = |&index: &usize| format!("{} {}\n", cache.facts(index).md5, dataset.images[index].class.name());
    let mut lines: Vec<String> = images.iter().map(line).collect();
    lines.sort_unstable();
    dataset::hash::md5_hex(lines.concat().as_bytes())
}
