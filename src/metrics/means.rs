//! Figures of several networks together, and how far their means are known.

use super::calibration::{brier, expected_error, reliability};
use super::ranking::Ranking;
use super::threshold::best_specificity;
use super::{Case, Confusion, Interval, Measure, Spread, Threshold, bootstrap};

/// A network's answers, and where it begins to call PNEUMONIA.
pub type Network = (Vec<Case>, Threshold);

/// Figures by their keys in JSON.
pub type Row = [(&'static str, Option<f64>); FIGURES];

const MEASURES: usize = Measure::ALL.len();
const FIGURES: usize = MEASURES + 5;
const CALIBRATION_ERROR: usize = FIGURES - 1;

/// What one network scored: figures of an [`super::Assessment`], without its intervals, as each draw makes them anew.
#[must_use]
pub fn figures((cases, threshold): &Network) -> Row {
    let ranking = Ranking::of(cases);
    let ranking = ranking.as_ref();
    let others = [
        ("auc", ranking.and_then(Ranking::auc)),
        ("average_precision", ranking.and_then(Ranking::average_precision)),
        (
            "specificity_at_sensitivity_97",
            ranking.and_then(|ranking| best_specificity(ranking, 0.97)?.confusion.specificity()),
        ),
        ("brier", brier(cases, 1.0)),
        ("ece", expected_error(&reliability(cases, 1.0))),
    ];
    let confusion = Confusion::at(cases, *threshold, |_| 1);
    let measure = |measure: Measure| (measure.key(), confusion.estimate(measure).map(|estimate| estimate.value));
    std::array::from_fn(|at| at.checked_sub(MEASURES).map_or_else(|| measure(Measure::ALL[at]), |at| others[at]))
}

/// 95 % intervals of the figures' means over networks that answered the same images in the same order: patients are drawn
/// anew, the same ones for all networks. That other networks of the same recipe would differ is not in them.
#[must_use]
pub fn intervals(networks: &[Network]) -> [Option<Interval>; FIGURES] {
    let patients = networks.first().map_or(0, |(cases, _)| bootstrap::patients(cases));
    let found = bootstrap::intervals(patients, |drawn| {
        let rows: Vec<Row> = networks.iter().map(|network| figures(&redrawn(network, drawn))).collect();
        std::array::from_fn(|at| Spread::of(rows.iter().map(|row| row[at].1)).map(|spread| spread.mean))
    });
    // Where no draw changes a figure, an interval of no width would claim certainty.
    let mut found = found.map(|interval| interval.filter(|interval| interval.low < interval.high));
    let own =
        Spread::of(networks.iter().map(|network| figures(network)[CALIBRATION_ERROR].1)).map(|spread| spread.mean);
    found[CALIBRATION_ERROR] = found[CALIBRATION_ERROR].zip(own).map(|(interval, own)| turned(interval, own));
    found
}

/// Chance adds to every bin of a calibration error, so that draws have larger ones than the images themselves. By as much
/// these have a larger one than all others: the basic bootstrap (Davison & Hinkley 1997) turns the interval about the figure.
fn turned(Interval { low, high }: Interval, own: f64) -> Interval {
    Interval { low: (2.0 * own - high).max(0.0), high: (2.0 * own - low).max(0.0) }
}

/// Each image as often as its patient was drawn.
fn redrawn((cases, threshold): &Network, drawn: &[u32]) -> Network {
    let times = |case: &Case| std::iter::repeat_n(*case, drawn[case.patient] as usize);
    (cases.iter().flat_map(times).collect(), *threshold)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::Assessment;
    use crate::metrics::assessment::Terms;

    fn of(key: &str, networks: &[Network]) -> Option<Interval> {
        let place = figures(&networks[0]).iter().position(|(name, _)| *name == key).unwrap();
        intervals(networks)[place]
    }

    /// Forty patients of two images each; the margins are right but for some.
    fn network(offset: usize) -> Network {
        let margin = |at: usize, truth: bool| {
            let size = f64::from(u32::try_from((at * 7 + offset) % 11).unwrap()) - 2.5;
            if truth { size } else { -size }
        };
        let case = |at| Case { margin: margin(at, at % 4 < 2), truth: at % 4 < 2, patient: at / 2, kind: None };
        ((0..80).map(case).collect(), Threshold::HALF)
    }

    fn assessed((cases, threshold): &Network) -> Assessment {
        Assessment::of(cases, Terms { threshold: *threshold, temperature: None, prevalence: None })
    }

    #[test]
    fn the_figures_are_those_of_an_assessment() {
        let own = assessed(&network(0));
        let figures = std::collections::BTreeMap::from(figures(&network(0)));
        assert_eq!(figures["accuracy"], own.measure(Measure::Accuracy).map(|estimate| estimate.value));
        assert_eq!(figures["mcc"], own.measure(Measure::Mcc).map(|estimate| estimate.value));
        assert_eq!(figures["auc"], own.auc.map(|auc| auc.value));
        assert_eq!(figures["average_precision"], own.average_precision);
        assert_eq!(figures["specificity_at_sensitivity_97"], own.specificity_at_sensitivity_97);
        assert_eq!((figures["brier"], figures["ece"]), (own.calibration.brier, own.calibration.ece));
    }

    #[test]
    fn of_one_network_the_intervals_are_its_own() {
        let own = assessed(&network(0));
        assert_eq!(of("auc", &[network(0)]), own.auc_by_patient);
        assert_eq!(of("mcc", &[network(0)]), own.measure(Measure::Mcc).unwrap().interval);
    }

    #[test]
    fn the_interval_of_a_calibration_error_is_freed_of_what_drawing_adds() {
        let (networks, places) = ([network(0), network(3), network(5)], figures(&network(0)));
        assert_eq!(places[CALIBRATION_ERROR].0, "ece");
        let [a, b, c] = networks.each_ref().map(|network| figures(network)[CALIBRATION_ERROR].1.unwrap());
        let (mean, found) = ((a + b + c) / 3.0, of("ece", &networks).unwrap());
        assert!(0.0 <= found.low && found.low < mean && found.high - mean < mean - found.low, "{mean} {found:?}");
    }

    #[test]
    fn the_mean_of_networks_that_err_elsewhere_is_known_better_than_one_alone() {
        let width = |networks: &[Network]| of("accuracy", networks).map(|i| i.high - i.low).unwrap();
        assert!(width(&[network(0), network(3), network(5)]) < width(&[network(0)]));
        assert_eq!(of("accuracy", &[network(0), network(0)]), of("accuracy", &[network(0)]));
    }

    #[test]
    fn a_network_that_answers_no_number_leaves_the_rest_their_intervals() {
        let mut broken = network(0);
        broken.0[0].margin = f64::NAN;
        assert_eq!(of("auc", &[broken.clone()]), None);
        assert!(of("accuracy", &[broken]).is_some());
        assert_eq!(intervals(&[]), [None; FIGURES]);
    }
}
