//! Divides a data set into train, validation and test by patient, and draws a part of train.

use std::collections::BTreeMap;

use rand::seq::SliceRandom;
use serde::{Deserialize, Serialize};

use super::patient::{Kind, Patient};
use super::random::{Purpose, stream};
use super::{Class, Dataset, Folder, Split, hash};
use crate::error::{Error, Result};
use crate::words::words;

mod stratify;
#[cfg(test)]
mod tests;

/// Which images each split holds: ascending indices into [`Dataset::images`].
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Splits {
    pub train: Vec<usize>,
    pub validation: Vec<usize>,
    pub test: Vec<usize>,
}

/// One part of a cross-validation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fold {
    /// Counted from 1.
    pub number: usize,
    /// Parts in all, at least 2.
    pub of: usize,
}

words! {
    /// Families of file names that validation may be made of, so that it differs from training as another source would.
    HeldOut {
        /// None: a share of the patients validates.
        #[default] None = "none",
        /// Healthy children of the series `IM`, ill ones with a virus.
        ImVirus = "im-virus",
        /// Healthy children of the series `NORMAL2-IM`, ill ones with bacteria.
        Normal2Bacteria = "normal2-bacteria",
    }
}

impl HeldOut {
    /// Whether validation gets the patient's images.
    fn has(self, patient: &Patient) -> bool {
        let (series, kind) = match self {
            Self::None => return false,
            Self::ImVirus => ("IM-", Kind::Viral),
            Self::Normal2Bacteria => ("NORMAL2-IM-", Kind::Bacterial),
        };
        patient.kind == kind || (patient.kind == Kind::Normal && patient.id.starts_with(series))
    }
}

/// Images that must stay together: those of one patient, and those of equal person numbers.
struct Group {
    images: Vec<usize>,
    /// Images a class.
    counts: [usize; 2],
}

impl Splits {
    /// Test is the folder test. Validation gets `validation_fraction` (above 0, below 1) of the images of train and
    /// val, of each class, as near as whole patients allow.
    ///
    /// Where a class has two or more patients, train and validation get at least one each; the only patient of a class
    /// stays in train. The same images and seed give the same splits in whatever order they were found.
    #[must_use]
    pub fn make(dataset: &Dataset, validation_fraction: f64, seed: u64) -> Self {
        let (test, rest): (Vec<_>, Vec<_>) =
            (0..dataset.images.len()).partition(|&index| dataset.images[index].folder == Folder::Test);
        let mut groups = groups(dataset, &rest);
        groups.shuffle(&mut stream(seed, Purpose::Split, [0, 0]));
        let (validation, train) = take(groups, validation_fraction);
        Self { train: images(&train), validation: images(&validation), test }
    }

    /// The splits of one fold: train and val are divided into parts of whole patients, of each class as near to equal as
    /// these allow. The fold's own part takes the place of the test images, which are left alone; the other parts are
    /// divided into train and validation as [`Splits::make`] does.
    #[must_use]
    pub fn fold(dataset: &Dataset, fold: Fold, validation_fraction: f64, seed: u64) -> Self {
        let rest: Vec<_> =
            (0..dataset.images.len()).filter(|&index| dataset.images[index].folder != Folder::Test).collect();
        let mut left = groups(dataset, &rest);
        left.shuffle(&mut stream(seed, Purpose::Fold, [fold.of as u64, 0]));
        let mut parts: Vec<Vec<Group>> = Vec::new();
        for to_come in (1..=fold.of).rev() {
            let (part, others) = if to_come == 1 { (left, Vec::new()) } else { take(left, part_of(to_come)) };
            parts.push(part);
            left = others;
        }
        let test = if fold.number <= parts.len() { parts.remove(fold.number - 1) } else { Vec::new() };
        let (validation, train) = take(parts.into_iter().flatten().collect(), validation_fraction);
        Self { train: images(&train), validation: images(&validation), test: images(&test) }
    }

    /// Test is the folder test; of train and val, validation gets the images of these families and train all others.
    #[must_use]
    pub fn hold_out(dataset: &Dataset, held_out: HeldOut) -> Self {
        let mut splits = Self::default();
        for (index, image) in dataset.images.iter().enumerate() {
            let split = match image.folder {
                Folder::Test => &mut splits.test,
                _ if held_out.has(&image.patient) => &mut splits.validation,
                _ => &mut splits.train,
            };
            split.push(index);
        }
        splits
    }

    /// Keeps `fraction` (above 0, at most 1) of the patients of train, of each class, and at least one of each.
    ///
    /// With the same seed a smaller part lies within a larger one.
    pub fn sample_train(&mut self, dataset: &Dataset, fraction: f64, seed: u64) {
        let mut groups = groups(dataset, &self.train);
        groups.shuffle(&mut stream(seed, Purpose::Sample, [0, 0]));
        let mut strata: BTreeMap<[bool; 2], Vec<Group>> = BTreeMap::new();
        for group in groups {
            strata.entry(group.counts.map(|count| count > 0)).or_default().push(group);
        }
        self.train = strata.values().flat_map(|groups| part(groups, fraction)).flat_map(|g| g.images.clone()).collect();
        self.train.sort_unstable();
    }

    /// Drops the images for which `keep` says no: unreadable ones.
    pub fn retain(&mut self, keep: impl Fn(usize) -> bool) {
        for images in [&mut self.train, &mut self.validation, &mut self.test] {
            images.retain(|&index| keep(index));
        }
    }

    /// The images of one split.
    #[must_use]
    pub fn of(&self, split: Split) -> &[usize] {
        match split {
            Split::Train => &self.train,
            Split::Validation => &self.validation,
            Split::Test => &self.test,
        }
    }

    /// A fingerprint of which file is in which split: 32 hexadecimal digits, the same in whatever order they were found.
    #[must_use]
    pub fn hash(&self, dataset: &Dataset) -> String {
        let mut lines: Vec<_> = Split::ALL
            .into_iter()
            .flat_map(|split| self.of(split).iter().map(move |&index| (split, index)))
            .map(|(split, index)| format!("{}\0{}\n", split.name(), dataset.images[index].file))
            .collect();
        lines.sort_unstable();
        hash::md5_hex(lines.concat().as_bytes())
    }

    /// Checks that there is something to learn and something to judge it by; a missing test split is allowed.
    ///
    /// # Errors
    /// `BadDataSet` says which class train lacks, or that nothing is left for validation, and the next step.
    pub fn check_trainable(&self, dataset: &Dataset) -> Result<()> {
        let has = |class| self.train.iter().any(|&index| dataset.images[index].class == class);
        let problem = match Class::ALL.map(has) {
            [true, true] if !self.validation.is_empty() => return Ok(()),
            [true, true] => {
                "all readable images of train and val belong to one patient a class, or none is of the family that is held \
                 out, which leaves none for validation: add images of other patients, or hold out no family"
                    .to_owned()
            }
            [false, false] => {
                "train has no readable image: put images into train/NORMAL and train/PNEUMONIA".to_owned()
            }
            [has_normal, _] => lacks(if has_normal { Class::Pneumonia } else { Class::Normal }),
        };
        Err(Error::BadDataSet { dir: dataset.root.clone(), problem })
    }
}

/// The groups that come nearest to `fraction` of each class, and the others.
fn take(groups: Vec<Group>, fraction: f64) -> (Vec<Group>, Vec<Group>) {
    let counts: Vec<_> = groups.iter().map(|group| group.counts).collect();
    let chosen = stratify::choose(&counts, fraction);
    let (taken, left): (Vec<_>, Vec<_>) = groups.into_iter().zip(chosen).partition(|(_, chosen)| *chosen);
    let bare = |groups: Vec<(Group, bool)>| groups.into_iter().map(|(group, _)| group).collect();
    (bare(taken), bare(left))
}

#[expect(clippy::cast_precision_loss, reason = "few parts")]
fn part_of(parts: usize) -> f64 {
    1.0 / parts as f64
}

/// Ascending.
fn images(groups: &[Group]) -> Vec<usize> {
    let mut images: Vec<usize> = groups.iter().flat_map(|group| group.images.iter().copied()).collect();
    images.sort_unstable();
    images
}

fn lacks(class: Class) -> String {
    let name = class.name();
    format!("train has no readable {name} image, and training needs both classes: put images into train/{name}")
}

/// The patient groups of `images`, in an order that depends on names alone.
fn groups(dataset: &Dataset, images: &[usize]) -> Vec<Group> {
    let mut groups: BTreeMap<String, Group> = BTreeMap::new();
    for &index in images {
        let image = &dataset.images[index];
        let group = groups.entry(image.patient.group()).or_insert(Group { images: Vec::new(), counts: [0; 2] });
        group.images.push(index);
        group.counts[image.class.index()] += 1;
    }
    groups.into_values().collect()
}

/// The first `fraction` of the groups, rounded, at least one.
#[allow(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "counts of patients"
)]
fn part(groups: &[Group], fraction: f64) -> &[Group] {
    let wanted = (groups.len() as f64 * fraction).round() as usize;
    &groups[..wanted.clamp(1.min(groups.len()), groups.len())]
}
