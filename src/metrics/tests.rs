//! Figures against other implementations (`tests/fixtures/metrics/make.py`), and what must hold of any.

use proptest::prelude::*;
use serde_json::Value;

use super::assessment::Terms;
use super::calibration::{brier, expected_error, reliability, temperature};
use super::comparison::{Comparison, Side};
use super::logistic::Logistic;
use super::ranking::Ranking;
use super::threshold::Rule;
use super::*;

const PLAIN: Terms = Terms { threshold: Threshold::HALF, temperature: None, prevalence: None };

fn reference() -> Value {
    serde_json::from_str(include_str!("../../tests/fixtures/metrics/reference.json")).unwrap()
}

/// The answers of one of the made-up networks, with what the others say of them.
fn made_up(look: impl Fn(&str, &[Case], &[Case], &Value)) {
    for (name, case) in reference()["cases"].as_object().unwrap() {
        look(name, &cases(case, "a"), &cases(case, "b"), case);
    }
}

fn cases(of: &Value, margins: &str) -> Vec<Case> {
    let field = |key: &str| of[key].as_array().unwrap().clone();
    let rows = field("truth").into_iter().zip(field("patient")).zip(field(margins));
    rows.map(|((truth, patient), margin)| Case {
        margin: margin.as_f64().unwrap(),
        truth: truth.as_bool().unwrap(),
        patient: usize::try_from(patient.as_u64().unwrap()).unwrap(),
        kind: None,
    })
    .collect()
}

#[track_caller]
fn near(own: f64, other: &Value, tolerance: f64) {
    let other = other.as_f64().unwrap();
    assert!((own - other).abs() <= tolerance, "{own} instead of {other}");
}

#[track_caller]
fn near_interval(own: Option<Interval>, other: &Value, tolerance: f64) {
    let own = own.unwrap();
    near(own.low, &other[0], tolerance);
    near(own.high, &other[1], tolerance);
}

fn case(margin: f64, truth: bool, patient: usize) -> Case {
    Case { margin, truth, patient, kind: None }
}

#[test]
fn figures_at_a_threshold_are_scikit_learns_and_their_intervals_statsmodels() {
    made_up(|name, a, _, expected| {
        let (assessment, expected) = (Assessment::of(a, PLAIN), &expected["at_half"]);
        assert_eq!(serde_json::json!(assessment.confusion), expected["confusion"], "{name}");
        for measure in
            [Measure::Accuracy, Measure::Sensitivity, Measure::Specificity, Measure::Ppv, Measure::Npv, Measure::F1]
        {
            let own = assessment.measure(measure).unwrap();
            near(own.value, &expected[measure.key()][0], 1e-12);
            near_interval(own.interval, &expected[measure.key()][1], 1e-9);
        }
        for measure in [Measure::BalancedAccuracy, Measure::Mcc] {
            near(assessment.measure(measure).unwrap().value, &expected[measure.key()], 1e-12);
        }
    });
}

#[test]
fn wilsons_interval_is_statsmodels_also_where_all_or_none_are_right() {
    for row in reference()["wilson"].as_array().unwrap() {
        let own = Estimate::share(row[0].as_u64().unwrap(), row[1].as_u64().unwrap()).unwrap().interval.unwrap();
        near(own.low, &row[2], 1e-9);
        near(own.high, &row[3], 1e-9);
    }
}

#[test]
fn curves_are_scikit_learns() {
    made_up(|_, a, _, expected| {
        let (ranking, expected) = (Ranking::of(a).unwrap(), &expected["curves"]);
        let at = |rule: Rule| Confusion::at(a, rule.choose(&ranking).unwrap(), |_| 1);
        near(ranking.auc().unwrap(), &expected["auc"], 1e-12);
        near(ranking.average_precision().unwrap(), &expected["average_precision"], 1e-12);
        let youden = at(Rule::Youden);
        near(youden.recall().unwrap() + youden.specificity().unwrap() - 1.0, &expected["best_youden"], 1e-12);
        let at_97 = at(Rule::Sensitivity(0.97)).specificity().unwrap();
        near(at_97, &expected["specificity_at_sensitivity_97"], 1e-12);
        near(
            Assessment::of(a, PLAIN).specificity_at_sensitivity_97.unwrap(),
            &expected["specificity_at_sensitivity_97"],
            1e-12,
        );
        near(at(Rule::Specificity(0.9)).recall().unwrap(), &expected["sensitivity_at_specificity_90"], 1e-12);
    });
}

#[test]
fn delongs_interval_and_paired_test_are_procs() {
    made_up(|_, a, b, expected| {
        near_interval(Assessment::of(a, PLAIN).auc.unwrap().interval, &expected["delong_interval"], 1e-9);
        near(compare(a, b).delong_p.unwrap(), &expected["paired"]["delong_p"], 1e-9);
    });
}

#[test]
fn calibration_is_scikit_learns_and_the_temperature_scipys() {
    made_up(|_, a, _, expected| {
        let expected = &expected["calibration"];
        near(brier(a, 1.0).unwrap(), &expected["brier"], 1e-12);
        near(expected_error(&reliability(a, 1.0)).unwrap(), &expected["ece"], 1e-12);
        near(temperature(a).unwrap(), &expected["temperature"], 1e-5);
    });
}

#[test]
fn the_bootstrap_by_patient_agrees_with_numpys_within_its_own_noise() {
    made_up(|name, a, b, expected| {
        // The 2.5th percentile of 2,000 draws moves by some 6 % of the interval's width from seed to seed.
        let agrees = |own: Option<Interval>, other: &Value| {
            let width = other[1].as_f64().unwrap() - other[0].as_f64().unwrap();
            near_interval(own, other, 0.12 * width);
        };
        if name == "small" {
            return; // Its figures take few values, and a percentile jumps from one to the next.
        }
        let (assessment, compared) = (Assessment::of(a, PLAIN), compare(a, b));
        agrees(assessment.auc_by_patient, &expected["bootstrap"][0]);
        agrees(assessment.measure(Measure::Mcc).unwrap().interval, &expected["bootstrap"][1]);
        agrees(compared.auc_difference_interval, &expected["paired"]["bootstrap"][0]);
        agrees(compared.accuracy_difference_interval, &expected["paired"]["bootstrap"][1]);
    });
}

#[test]
fn mcnemars_exact_test_is_statsmodels() {
    made_up(|_, a, b, expected| {
        let (own, expected) = (compare(a, b), &expected["paired"]);
        assert_eq!(
            (own.right_in_a, own.right_in_b),
            (expected["only_a_right"].as_u64().unwrap(), expected["only_b_right"].as_u64().unwrap())
        );
        near(own.mcnemar_p.unwrap(), &expected["mcnemar_p"], 1e-12);
        near(own.auc_difference.unwrap(), &expected["auc_difference"], 1e-12);
    });
    for row in reference()["mcnemar_p"].as_array().unwrap() {
        let p = comparison::mcnemar(row[0].as_u64().unwrap(), row[1].as_u64().unwrap()).unwrap();
        near(p, &row[2], 1e-9);
    }
    assert_eq!(comparison::mcnemar(0, 0), None);
}

#[test]
fn the_regression_on_plain_features_is_scikit_learns() {
    let expected = &reference()["regression"];
    let rows: Vec<Vec<f64>> = serde_json::from_value(expected["rows"].clone()).unwrap();
    let truths: Vec<bool> = serde_json::from_value(expected["truth"].clone()).unwrap();
    let model = Logistic::fit(&rows, &truths).unwrap();
    for (row, margin) in rows.iter().zip(expected["margins"].as_array().unwrap()) {
        near(model.margin(row), margin, 1e-5);
    }
}

#[test]
fn a_feature_that_never_varies_teaches_nothing() {
    let truths = [true, false, true, false];
    assert_eq!(Logistic::fit(&vec![vec![224.0, 224.0]; 4], &truths), None);
    let model =
        Logistic::fit(&[vec![224.0, 1.0], vec![224.0, 0.0], vec![224.0, 1.0], vec![224.0, 0.0]], &truths).unwrap();
    assert!(model.margin(&[224.0, 1.0]) > 1.0 && model.margin(&[224.0, 0.0]) < -1.0);
    assert!((model.margin(&[224.0, 1.0]) - model.margin(&[1.0, 1.0])).abs() < 1e-12);
}

#[test]
fn with_one_class_alone_what_needs_both_is_undefined() {
    for truth in [true, false] {
        let cases: Vec<Case> = (0..5_u8).map(|i| case(f64::from(i) - 2.5, truth, usize::from(i))).collect();
        let assessment = Assessment::of(&cases, PLAIN);
        assert_eq!(
            (assessment.auc, assessment.auc_by_patient, assessment.specificity_at_sensitivity_97),
            (None, None, None)
        );
        assert!(assessment.measure(Measure::BalancedAccuracy).is_none() && assessment.measure(Measure::Mcc).is_none());
        assert!(assessment.measure(Measure::Accuracy).is_some());
        assert_eq!((Rule::Youden.choose(&Ranking::of(&cases).unwrap()), temperature(&cases)), (None, None));
        assert!(Ranking::of(&cases).unwrap().roc().is_empty());
    }
}

#[test]
fn without_images_nothing_is_defined_and_nothing_fails() {
    let assessment = Assessment::of(&[], Terms { temperature: Some(2.0), prevalence: Some(0.1), ..PLAIN });
    assert!(assessment.measures.iter().all(Option::is_none));
    assert_eq!((assessment.auc, assessment.calibration.brier, assessment.calibration.ece), (None, None, None));
    assert_eq!(assessment.at_prevalence.unwrap().ppv, None);
    assert_eq!(compare(&[], &[]).auc_difference_interval, None);
}

#[test]
fn a_margin_that_is_no_number_leaves_no_ranking() {
    for broken in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
        let cases = [case(broken, true, 0), case(1.0, true, 1), case(0.0, false, 2), case(-1.0, false, 3)];
        assert_eq!((Ranking::of(&cases).is_none(), temperature(&cases)), (true, None));
        assert_eq!(Assessment::of(&cases, PLAIN).auc, None);
    }
}

#[test]
fn wholly_parted_classes_have_an_auc_of_one_without_a_standard_error() {
    let cases: Vec<Case> = (0..8_u8).map(|i| case(f64::from(i), i > 3, usize::from(i))).collect();
    assert_eq!(Assessment::of(&cases, PLAIN).auc, Some(Estimate { value: 1.0, interval: None }));
    assert_eq!(Rule::Youden.choose(&Ranking::of(&cases).unwrap()), Some(Threshold { margin: 3.5 }));
}

#[test]
fn a_network_that_is_always_right_has_no_best_temperature() {
    let of = |margins: [f64; 4]| margins.map(|margin| case(margin, margin > 0.0, 0));
    assert_eq!(temperature(&of([-2.0, -1.0, 1.0, 2.0])), None);
    let mut wrong_once = of([-2.0, -1.0, 1.0, 2.0]);
    wrong_once[2].truth = false;
    assert!(temperature(&wrong_once).is_some());
}

#[test]
fn what_no_draw_of_patients_changes_has_no_interval_by_patient() {
    let parted: Vec<Case> = (0..20).map(|n| case(if n < 10 { 1.0 } else { -1.0 }, n < 10, n)).collect();
    let assessment = Assessment::of(&parted, PLAIN);
    assert_eq!((assessment.auc.unwrap().value, assessment.auc_by_patient), (1.0, None));
    assert_eq!(assessment.measure(Measure::Mcc).unwrap().interval, None);
}

#[test]
fn two_equal_networks_do_not_differ() {
    made_up(|_, a, _, _| {
        let same = compare(a, a);
        assert_eq!((same.disagreements(), same.mcnemar_p, same.delong_p), (0, None, None));
        assert_eq!(same.auc_difference_interval, Some(Interval { low: 0.0, high: 0.0 }));
    });
}

#[test]
fn predictive_values_follow_the_prevalence() {
    // 8 of 10 ill ones found, 9 of 10 healthy ones spared; one in ten of those examined is ill.
    let cases: Vec<Case> = (0..20).map(|i| case(if i < 8 || i == 19 { 1.0 } else { -1.0 }, i < 10, i)).collect();
    let at = Assessment::of(&cases, Terms { prevalence: Some(0.1), ..PLAIN }).at_prevalence.unwrap();
    assert!((at.ppv.unwrap().value - 0.08 / (0.08 + 0.09)).abs() < 1e-12);
    assert!((at.npv.unwrap().value - 0.81 / (0.81 + 0.02)).abs() < 1e-12);
    let interval = at.ppv.unwrap().interval.unwrap();
    assert!(interval.low < 0.47 && interval.high > 0.48);
}

#[test]
fn each_kind_of_pneumonia_has_its_own_sensitivity() {
    let of = |kind, margin| Case { kind: Some(kind), ..case(margin, true, 0) };
    let cases = [of("bacterial", 1.0), of("bacterial", 2.0), of("viral", 1.0), of("viral", -1.0), case(-1.0, false, 1)];
    let by_kind = Assessment::of(&cases, PLAIN).by_kind;
    let values: Vec<_> = by_kind.iter().map(|(kind, estimate)| (*kind, estimate.value)).collect();
    assert_eq!(values, [("bacterial", 1.0), ("viral", 0.5)]);
}

#[test]
#[should_panic(expected = "the same images")]
fn answers_for_different_images_are_not_compared() {
    let _ = compare(&[case(1.0, true, 0)], &[case(1.0, false, 0)]);
}

fn compare(a: &[Case], b: &[Case]) -> Comparison {
    let side = |cases| Side { cases, threshold: Threshold::HALF };
    Comparison::of(side(a), side(b))
}

/// Images of a few patients, with margins of which many are equal.
fn any_cases() -> impl Strategy<Value = Vec<Case>> {
    prop::collection::vec((-6..6_i32, any::<bool>(), 0..8_usize), 0..40).prop_map(|rows| {
        rows.into_iter().map(|(margin, truth, patient)| case(f64::from(margin) / 2.0, truth, patient)).collect()
    })
}

fn pairwise_auc(cases: &[Case]) -> Option<f64> {
    let of = |truth| cases.iter().filter(move |case| case.truth == truth);
    let score = |a: &Case, b: &Case| {
        if a.margin > b.margin {
            1.0
        } else if a.margin < b.margin {
            0.0
        } else {
            0.5
        }
    };
    let pairs: Vec<f64> = of(true).flat_map(|a| of(false).map(move |b| score(a, b))).collect();
    #[expect(clippy::cast_precision_loss, reason = "few pairs")]
    (!pairs.is_empty()).then(|| pairs.iter().sum::<f64>() / pairs.len() as f64)
}

proptest! {
    #[test]
    fn the_auc_is_the_share_of_pairs_in_order(cases in any_cases()) {
        let (own, pairwise) = (Ranking::of(&cases).unwrap().auc(), pairwise_auc(&cases));
        prop_assert_eq!(own.is_some(), pairwise.is_some());
        prop_assert!((own.unwrap_or(0.0) - pairwise.unwrap_or(0.0)).abs() < 1e-12);
    }

    #[test]
    fn what_keeps_the_order_keeps_the_curves(cases in any_cases()) {
        let stretched: Vec<Case> = cases.iter().map(|c| Case { margin: c.margin.powi(3) * 7.0 + c.margin, ..*c }).collect();
        let [a, b] = [&cases, &stretched].map(|cases| Ranking::of(cases).unwrap());
        prop_assert_eq!((a.auc(), a.average_precision(), a.roc()), (b.auc(), b.average_precision(), b.roc()));
    }

    #[test]
    fn every_interval_holds_its_figure(cases in any_cases()) {
        let assessment = Assessment::of(&cases, Terms { prevalence: Some(0.3), ..PLAIN });
        let by_normal = assessment.measures.iter().zip(Measure::ALL).filter(|(_, m)| *m != Measure::Mcc).map(|(e, _)| *e);
        for estimate in by_normal.chain([assessment.auc]).chain(assessment.by_kind.values().map(|e| Some(*e))).flatten() {
            if let Some(Interval { low, high }) = estimate.interval {
                prop_assert!((0.0..=1.0).contains(&low) && (0.0..=1.0).contains(&high), "{estimate:?}");
                prop_assert!(low <= estimate.value && estimate.value <= high, "{estimate:?}");
            }
        }
    }

    #[test]
    fn a_cut_is_what_its_threshold_gives(cases in any_cases()) {
        let cuts = Ranking::of(&cases).unwrap().cuts();
        for cut in &cuts {
            prop_assert_eq!(Confusion::at(&cases, cut.threshold, |_| 1), cut.confusion);
        }
        prop_assert!(cuts.windows(2).all(|pair| pair[0].threshold > pair[1].threshold));
    }

    #[test]
    fn a_chosen_threshold_keeps_its_promise(cases in any_cases(), wanted in 0.0..=1.0_f64) {
        let ranking = Ranking::of(&cases).unwrap();
        let at = |rule: Rule| rule.choose(&ranking).map(|threshold| Confusion::at(&cases, threshold, |_| 1));
        if let Some(found) = at(Rule::Sensitivity(wanted)) {
            prop_assert!(found.recall().unwrap() >= wanted);
        }
        if let Some(found) = at(Rule::Specificity(wanted)) {
            prop_assert!(found.specificity().unwrap() >= wanted);
        }
    }

    #[test]
    fn the_temperature_is_better_than_its_neighbours(cases in any_cases()) {
        let loss = |t: f64| -> f64 {
            cases.iter().map(|c| if c.truth { -c.margin / t } else { c.margin / t }.exp().ln_1p()).sum()
        };
        if let Some(t) = temperature(&cases) {
            prop_assert!(loss(t) <= loss(t * 1.01) + 1e-12 && loss(t) <= loss(t / 1.01) + 1e-12);
        }
    }

    #[test]
    fn the_comparison_of_two_networks_turned_round_is_its_mirror(cases in any_cases()) {
        let other: Vec<Case> = cases.iter().map(|c| Case { margin: -c.margin + 0.5, ..*c }).collect();
        let (forth, back) = (compare(&cases, &other), compare(&other, &cases));
        prop_assert_eq!((forth.right_in_a, forth.mcnemar_p), (back.right_in_b, back.mcnemar_p));
        prop_assert!(forth.mcnemar_p.is_none_or(|p| p > 0.0 && p <= 1.0));
    }
}
