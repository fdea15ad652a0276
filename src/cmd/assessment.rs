//! How figures with their intervals are reported: as JSON and as a table.

use serde_json::{Map, Value, json};

use crate::metrics::calibration::Bin;
use crate::metrics::ranking::Ranking;
use crate::metrics::rows::{Row, rows};
use crate::metrics::{Assessment, Case, Estimate, Interval, Measure};
use crate::units::{self, share};

/// An interval under the contract's form.
pub fn interval_json(interval: Option<Interval>) -> Value {
    interval.map_or(Value::Null, |Interval { low, high }| json!([low, high]))
}

/// The figures under the contract's keys, each with its interval as `<key>_ci`.
pub fn json(assessment: &Assessment) -> Map<String, Value> {
    let mut value = Map::new();
    let mut add = |key: &str, estimate: Option<Estimate>| {
        value.insert(key.to_owned(), json!(estimate.map(|estimate| estimate.value)));
        value.insert(format!("{key}_ci"), interval_json(estimate.and_then(|estimate| estimate.interval)));
    };
    for measure in Measure::ALL {
        add(measure.key(), assessment.measure(measure));
    }
    add("auc", assessment.auc);
    if let Some(at) = assessment.at_prevalence {
        add("ppv_at_prevalence", at.ppv);
        add("npv_at_prevalence", at.npv);
        value.insert("prevalence".into(), json!(at.prevalence));
    }
    let calibrated = assessment.calibrated;
    let by_kind = assessment.by_kind.iter().map(|(kind, estimate)| {
        let of_kind = json!({"sensitivity": estimate.value, "sensitivity_ci": interval_json(estimate.interval)});
        ((*kind).to_owned(), of_kind)
    });
    let by_kind: Map<String, Value> = by_kind.collect();
    let Value::Object(more) = json!({
        "auc_ci_by_patient": interval_json(assessment.auc_by_patient),
        "average_precision": assessment.average_precision,
        "threshold": assessment.terms.threshold.probability(),
        "specificity_at_sensitivity_97": assessment.specificity_at_sensitivity_97,
        "brier": assessment.calibration.brier,
        "ece": assessment.calibration.ece,
        "temperature": assessment.terms.temperature,
        "brier_calibrated": calibrated.and_then(|calibration| calibration.brier),
        "ece_calibrated": calibrated.and_then(|calibration| calibration.ece),
        "by_kind": by_kind,
    }) else {
        return value;
    };
    value.extend(more);
    value
}

/// The points of the curves: `roc` as [1 - specificity, sensitivity], `precision_recall` as [recall, precision], and the
/// bins of `reliability` as [mean probability, share of PNEUMONIA, images], empty ones left out.
pub fn curves(cases: &[Case], assessment: &Assessment) -> Map<String, Value> {
    let ranking = Ranking::of(cases);
    let points = |of: fn(&Ranking) -> Vec<(f64, f64)>| ranking.as_ref().map(of).unwrap_or_default();
    let bins = assessment.calibration.reliability.iter().filter(|bin| bin.images > 0);
    #[expect(clippy::cast_precision_loss, reason = "counts of images stay far below 2^53")]
    let bin = |bin: &Bin| {
        let images = bin.images as f64;
        json!([bin.probability / images, bin.positives as f64 / images, bin.images])
    };
    let mut value = Map::new();
    value.insert("roc".into(), json!(points(Ranking::roc)));
    value.insert("precision_recall".into(), json!(points(Ranking::precision_recall)));
    value.insert("reliability".into(), bins.map(bin).collect());
    value
}

/// The figures as a table: name, value, 95 % interval.
pub fn table(assessment: &Assessment) -> String {
    let head = format!("{:<34}{:>6}   95 % interval", "", "value");
    std::iter::once(head).chain(rows(assessment).iter().map(line)).collect::<Vec<_>>().join("\n")
}

fn line(Row { name, value, interval, note }: &Row) -> String {
    let interval = interval.map_or_else(String::new, |interval| units::interval(interval.low, interval.high));
    format!("{name:<34}{:>6}   {interval:<13}  {note}", share(*value)).trim_end().to_owned()
}
