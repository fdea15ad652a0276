//! How far the mean of a figure over several networks is known, all of which answered the same images.

use super::ranking::Ranking;
use super::threshold::best_specificity;
use super::{Case, Confusion, Interval, Measure, Spread, Threshold, bootstrap};

/// The answers of a network, and where it begins to call PNEUMONIA.
pub type Network = (Vec<Case>, Threshold);

/// Keys in JSON of figures that are neither of the [`Measure`]s.
pub const AUC: &str = "auc";
pub const SPECIFICITY_AT_SENSITIVITY_97: &str = "specificity_at_sensitivity_97";

const MEASURES: usize = Measure::ALL.len();
const FIGURES: usize = MEASURES + 2;

/// 95 % intervals of the means over these networks, by the figures' keys: patients are drawn anew, the same ones for all
/// networks. Other networks of the same recipe would widen them. None where the images of the networks differ.
#[must_use]
pub fn intervals(networks: &[Network]) -> Vec<(&'static str, Interval)> {
    let rankings: Option<Vec<Ranking>> = networks.iter().map(|(cases, _)| Ranking::of(cases)).collect();
    let (Some(rankings), Some((first, _)), true) = (rankings, networks.first(), is_of_one_list(networks)) else {
        return Vec::new();
    };
    let found: [_; FIGURES] = bootstrap::intervals(bootstrap::patients(first), |drawn| {
        let rows: Vec<_> = networks.iter().zip(&rankings).map(|network| figures(network, drawn)).collect();
        std::array::from_fn(|at| Spread::of(rows.iter().map(|row| row[at])).map(|spread| spread.mean))
    });
    let keys = Measure::ALL.map(Measure::key).into_iter().chain([AUC, SPECIFICITY_AT_SENSITIVITY_97]);
    // Where no draw changes a figure, an interval of no width would claim certainty.
    let known = |(key, interval): (_, Option<Interval>)| Some((key, interval.filter(|i| i.low < i.high)?));
    keys.zip(found).filter_map(known).collect()
}

fn is_of_one_list(networks: &[Network]) -> bool {
    let images = |(cases, _): &Network| cases.iter().map(|case| (case.patient, case.truth)).collect::<Vec<_>>();
    networks.windows(2).all(|pair| images(&pair[0]) == images(&pair[1]))
}

/// Of one network, where each patient counts as often as it was drawn.
fn figures(((cases, threshold), ranking): (&Network, &Ranking), drawn: &[u32]) -> [Option<f64>; FIGURES] {
    let weight = |case: &Case| u64::from(drawn[case.patient]);
    let confusion = Confusion::at(cases, *threshold, weight);
    let specificity = || best_specificity(ranking.weighted_cuts(weight), 0.97)?.confusion.specificity();
    std::array::from_fn(|at| match at.checked_sub(MEASURES) {
        None => confusion.estimate(Measure::ALL[at]).map(|estimate| estimate.value),
        Some(0) => ranking.weighted_auc(weight),
        Some(_) => specificity(),
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::metrics::Assessment;
    use crate::metrics::assessment::Terms;

    fn case((margin, truth, patient): (f64, bool, usize)) -> Case {
        Case { margin, truth, patient, kind: None }
    }

    fn of(key: &str, networks: &[Network]) -> Option<Interval> {
        intervals(networks).into_iter().find(|(name, _)| *name == key).map(|(_, interval)| interval)
    }

    /// Forty patients of two images each; the margins are right but for some.
    fn network(offset: usize) -> Network {
        let margin = |at: usize, truth: bool| {
            let size = f64::from(u32::try_from((at * 7 + offset) % 11).unwrap()) - 2.5;
            if truth { size } else { -size }
        };
        let cases = (0..80).map(|at| (margin(at, at % 4 < 2), at % 4 < 2, at / 2)).map(case).collect();
        (cases, Threshold::HALF)
    }

    #[test]
    fn of_one_network_the_intervals_are_its_own() {
        let (cases, threshold) = network(0);
        let own = Assessment::of(&cases, Terms { threshold, temperature: None, prevalence: None });
        assert_eq!(of(AUC, &[network(0)]), own.auc_by_patient);
        assert_eq!(of(Measure::Mcc.key(), &[network(0)]), own.measure(Measure::Mcc).unwrap().interval);
    }

    #[test]
    fn the_mean_of_networks_that_err_elsewhere_is_known_better_than_one_alone() {
        let width = |networks: &[Network]| of("accuracy", networks).map(|i| i.high - i.low).unwrap();
        assert!(width(&[network(0), network(3), network(5)]) < width(&[network(0)]));
        assert_eq!(of("accuracy", &[network(0), network(0)]), of("accuracy", &[network(0)]));
    }

    #[test]
    fn networks_of_other_images_have_none() {
        let (mut cases, threshold) = network(0);
        cases.pop();
        assert_eq!(intervals(&[network(0), (cases, threshold)]), []);
        assert_eq!(intervals(&[]), []);
    }

    proptest! {
        #[test]
        fn an_image_that_counts_twice_counts_as_two(
            images in prop::collection::vec((-3_i32..4, any::<bool>(), 0..3_usize), 1..20)
        ) {
            let cases: Vec<Case> =
                images.iter().map(|(margin, truth, times)| case((f64::from(*margin), *truth, *times))).collect();
            let repeated: Vec<Case> = cases.iter().flat_map(|case| vec![*case; case.patient]).collect();
            let [weighted, plain] = [&cases, &repeated].map(|cases| Ranking::of(cases).unwrap());
            let specificity = |cuts| best_specificity(cuts, 0.97).and_then(|cut| cut.confusion.specificity());
            let weight = |case: &Case| case.patient as u64;
            prop_assert_eq!(specificity(weighted.weighted_cuts(weight)), specificity(plain.cuts()));
            prop_assert_eq!(weighted.weighted_auc(weight), plain.auc());
        }
    }
}
