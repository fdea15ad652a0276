//! What must be known of the data before a run is believed: leaks between its splits, and shortcuts.

use super::LoadedData;
use crate::dataset::cache::Cache;
use crate::dataset::split::Splits;
use crate::dataset::{Class, Dataset, Split, similar, statistics};
use crate::error::Result;
use crate::metrics::alarm::{Baseline, Checks, NearDuplicate, Shortcut};
use crate::metrics::assessment::Terms;
use crate::metrics::logistic::Logistic;
use crate::metrics::{Assessment, Case, Measure, Threshold};

/// Pairs that are kept by name; more are a matter of the whole data set.
const MOST_PAIRS: usize = 1000;

/// Looks for patients and pictures that are in two splits, and for what plain features score.
///
/// # Errors
/// Where an image cannot be read any more.
pub fn check(data: &LoadedData, splits: &Splits) -> Result<Checks> {
    let LoadedData { dataset, cache } = data;
    let pairs = similar::across_splits(cache, splits)?;
    let named = |pair: &similar::Pair| NearDuplicate {
        files: [pair.a, pair.b].map(|(image, _)| dataset.images[image].file.clone()),
        splits: [pair.a, pair.b].map(|(_, split)| split.name().to_owned()),
        correlation: f64::from(pair.correlation),
    };
    Ok(Checks {
        patients_in_two_splits: statistics::patients_in_two_splits(dataset, splits),
        near_duplicate_pairs: pairs.len(),
        near_duplicates: pairs.iter().take(MOST_PAIRS).map(named).collect(),
        shortcuts: [Feature::Size, Feature::Brightness]
            .into_iter()
            .filter_map(|feature| shortcut(feature, (dataset, cache), splits))
            .collect(),
    })
}

/// What a baseline sees of an image.
#[derive(Debug, Clone, Copy)]
enum Feature {
    Size,
    Brightness,
}

impl Feature {
    const fn name(self) -> &'static str {
        match self {
            Self::Size => "size",
            Self::Brightness => "brightness",
        }
    }

    /// `None` for an image that cannot be read.
    fn of(self, cache: &Cache, image: usize) -> Option<Vec<f64>> {
        let facts = cache.facts(image).pixels.as_ref().ok()?;
        let (width, height) = (f64::from(facts.width), f64::from(facts.height));
        Some(match self {
            Self::Size => vec![width, height, width / height],
            Self::Brightness => vec![f64::from(facts.mean)],
        })
    }
}

/// `None` where the feature does not vary or a class is missing.
fn shortcut(feature: Feature, (dataset, cache): (&Dataset, &Cache), splits: &Splits) -> Option<Shortcut> {
    let seen = |split| -> Vec<(usize, Vec<f64>)> {
        splits.of(split).iter().filter_map(|&image| Some((image, feature.of(cache, image)?))).collect()
    };
    let is_ill = |image: usize| dataset.images[image].class == Class::Pneumonia;
    let (images, rows): (Vec<usize>, Vec<Vec<f64>>) = seen(Split::Train).into_iter().unzip();
    let model = Logistic::fit(&rows, &images.into_iter().map(is_ill).collect::<Vec<_>>())?;
    let score = |split| {
        let cases: Vec<Case> = seen(split)
            .into_iter()
            .enumerate()
            .map(|(patient, (image, row))| Case {
                margin: model.margin(&row),
                truth: is_ill(image),
                patient,
                kind: None,
            })
            .collect();
        baseline(&cases)
    };
    let (validation, test) = (score(Split::Validation), score(Split::Test));
    Some(Shortcut { feature: feature.name().into(), validation, test })
}

fn baseline(cases: &[Case]) -> Baseline {
    let terms = Terms { threshold: Threshold::HALF, temperature: None, prevalence: None };
    let assessment = Assessment::quick(cases, terms);
    Baseline { auc: assessment.auc, accuracy: assessment.measure(Measure::Accuracy) }
}
