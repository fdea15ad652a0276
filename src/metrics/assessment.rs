//! All figures of one network on one set of images.

use std::collections::BTreeMap;

use super::calibration::{self, BINS, Bin};
use super::confusion::{Confusion, Measure};
use super::delong::Placements;
use super::ranking::Ranking;
use super::threshold::best_specificity;
use super::{Case, Estimate, Interval, Threshold, bootstrap};

/// What the figures are to be taken at.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Terms {
    /// Chosen on other images than those that are assessed.
    pub threshold: Threshold,
    /// Margins are divided by it before they become probabilities, for calibration alone; `None` leaves them as they are.
    pub temperature: Option<f64>,
    /// Share of PNEUMONIA, above 0 and below 1, among those who will be examined.
    pub prevalence: Option<f64>,
}

/// Figures of a set of answered images.
#[derive(Debug, Clone, PartialEq)]
pub struct Assessment {
    pub terms: Terms,
    pub confusion: Confusion,
    /// In the order of [`Measure::ALL`]. Wilson's intervals, Matthews' coefficient with the bootstrap's.
    pub measures: [Option<Estimate>; Measure::ALL.len()],
    /// Area under the ROC curve with DeLong's interval.
    pub auc: Option<Estimate>,
    /// Its interval where patients are drawn anew.
    pub auc_by_patient: Option<Interval>,
    /// Area under the precision-recall curve.
    pub average_precision: Option<f64>,
    /// The best specificity with a sensitivity of at least .97, read off these very images: not at the threshold.
    pub specificity_at_sensitivity_97: Option<f64>,
    /// Sensitivity at the threshold for each kind of PNEUMONIA.
    pub by_kind: BTreeMap<&'static str, Estimate>,
    pub calibration: Calibration,
    /// The same after division by the temperature.
    pub calibrated: Option<Calibration>,
    pub at_prevalence: Option<AtPrevalence>,
}

/// How far probabilities are from the truth.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Calibration {
    /// Mean squared difference, 0 to 1.
    pub brier: Option<f64>,
    /// Expected calibration error, 0 to 1.
    pub ece: Option<f64>,
    pub reliability: [Bin; BINS],
}

/// Predictive values where another share of those examined is ill than among the images.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct AtPrevalence {
    pub prevalence: f64,
    pub ppv: Option<Estimate>,
    pub npv: Option<Estimate>,
}

impl Assessment {
    /// All figures with all intervals. Those by patient take a moment: 10 ms for 624 images.
    #[must_use]
    pub fn of(cases: &[Case], terms: Terms) -> Self {
        let ranking = Ranking::of(cases);
        let [auc, mcc, ppv, npv] = bootstrap::intervals(bootstrap::patients(cases), |drawn| {
            let weight = |case: &Case| u64::from(drawn[case.patient]);
            let drawn = Confusion::at(cases, terms.threshold, weight);
            let values = terms.prevalence.and_then(|prevalence| predictive_values(drawn, prevalence));
            let auc = ranking.as_ref().and_then(|ranking| ranking.weighted_auc(weight));
            [auc, drawn.mcc(), values.and_then(|v| v.0), values.and_then(|v| v.1)]
        })
        // Where no draw changes a figure, an interval of no width would claim certainty.
        .map(|interval| interval.filter(|interval| interval.low < interval.high));
        let mut assessment = Self { auc_by_patient: auc, ..Self::quick(cases, terms) };
        let give = |estimate: &mut Option<Estimate>, interval| estimate.iter_mut().for_each(|e| e.interval = interval);
        give(&mut assessment.measures[Measure::Mcc as usize], mcc);
        if let Some(at) = &mut assessment.at_prevalence {
            give(&mut at.ppv, ppv);
            give(&mut at.npv, npv);
        }
        assessment
    }

    /// The same without the intervals by patient.
    #[must_use]
    pub fn quick(cases: &[Case], terms: Terms) -> Self {
        let confusion = Confusion::at(cases, terms.threshold, |_| 1);
        let ranking = Ranking::of(cases);
        let auc_interval = Placements::of(cases).and_then(|placements| placements.interval());
        Self {
            terms,
            confusion,
            measures: Measure::ALL.map(|measure| confusion.estimate(measure)),
            auc: ranking.as_ref().and_then(Ranking::auc).map(|value| Estimate { value, interval: auc_interval }),
            auc_by_patient: None,
            average_precision: ranking.as_ref().and_then(Ranking::average_precision),
            specificity_at_sensitivity_97: ranking
                .as_ref()
                .and_then(|r| best_specificity(r, 0.97)?.confusion.specificity()),
            by_kind: by_kind(cases, terms.threshold),
            calibration: Calibration::of(cases, 1.0),
            calibrated: terms.temperature.map(|temperature| Calibration::of(cases, temperature)),
            at_prevalence: terms.prevalence.map(|prevalence| AtPrevalence::of(confusion, prevalence)),
        }
    }

    /// One of the measures of the four counts.
    #[must_use]
    pub const fn measure(&self, measure: Measure) -> Option<Estimate> {
        self.measures[measure as usize]
    }
}

impl AtPrevalence {
    fn of(confusion: Confusion, prevalence: f64) -> Self {
        let bare = |value| Estimate { value, interval: None };
        let values = predictive_values(confusion, prevalence);
        Self { prevalence, ppv: values.and_then(|v| v.0).map(bare), npv: values.and_then(|v| v.1).map(bare) }
    }
}

impl Calibration {
    fn of(cases: &[Case], temperature: f64) -> Self {
        let reliability = calibration::reliability(cases, temperature);
        let brier = calibration::brier(cases, temperature);
        Self { brier, ece: calibration::expected_error(&reliability), reliability }
    }
}

fn by_kind(cases: &[Case], threshold: Threshold) -> BTreeMap<&'static str, Estimate> {
    let mut counts: BTreeMap<&'static str, (u64, u64)> = BTreeMap::new();
    for case in cases.iter().filter(|case| case.truth) {
        if let Some(kind) = case.kind {
            let (found, all) = counts.entry(kind).or_default();
            *found += u64::from(case.margin > threshold.margin);
            *all += 1;
        }
    }
    counts.into_iter().filter_map(|(kind, (found, all))| Some((kind, Estimate::share(found, all)?))).collect()
}

/// PPV and NPV by Bayes' rule from sensitivity and specificity; `None` where these are not defined, each where it is 0/0.
fn predictive_values(confusion: Confusion, prevalence: f64) -> Option<(Option<f64>, Option<f64>)> {
    let (sensitivity, specificity) = (confusion.recall()?, confusion.specificity()?);
    let share = |right: f64, wrong: f64| (right + wrong > 0.0).then(|| right / (right + wrong));
    let ppv = share(sensitivity * prevalence, (1.0 - specificity) * (1.0 - prevalence));
    let npv = share(specificity * (1.0 - prevalence), (1.0 - sensitivity) * prevalence);
    Some((ppv, npv))
}
