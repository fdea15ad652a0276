//! How figures with their intervals are reported: as JSON and as a table.

use serde_json::{Map, Value, json};

use crate::metrics::{Assessment, Estimate, Interval, Measure};
use crate::units::share;

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

/// The figures as a table: name, value, 95 % interval.
pub fn table(assessment: &Assessment) -> String {
    let mut lines = vec![format!("{:<34}{:>6}   95 % interval", "", "value")];
    let mut add = |name: &str, estimate: Option<Estimate>, note: &str| {
        let interval = estimate.and_then(|estimate| estimate.interval);
        lines.push(row(name, estimate.map(|estimate| estimate.value), interval, note));
    };
    for measure in Measure::ALL {
        add(measure.name(), assessment.measure(measure), if measure == Measure::Mcc { "by patient" } else { "" });
    }
    for (kind, estimate) in &assessment.by_kind {
        add(&format!("sensitivity, {kind}"), Some(*estimate), "");
    }
    if let Some(at) = assessment.at_prevalence {
        add(&format!("PPV where {} are ill", share(Some(at.prevalence))), at.ppv, "by patient");
        add(&format!("NPV where {} are ill", share(Some(at.prevalence))), at.npv, "by patient");
    }
    add("AUC", assessment.auc, "DeLong");
    lines.push(row("", None, assessment.auc_by_patient, "by patient"));
    let mut add = |name: &str, value: Option<f64>, note: &str| lines.push(row(name, value, None, note));
    add("average precision", assessment.average_precision, "");
    let read_off = "read off these images, not at the threshold";
    add("specificity at sensitivity 0.97", assessment.specificity_at_sensitivity_97, read_off);
    add("Brier score", assessment.calibration.brier, "");
    add("expected calibration error", assessment.calibration.ece, "15 bins");
    if let (Some(temperature), Some(calibrated)) = (assessment.terms.temperature, assessment.calibrated) {
        add("temperature", Some(temperature), "best on validation images; with it:");
        add("  Brier score", calibrated.brier, "");
        add("  expected calibration error", calibrated.ece, "15 bins");
    }
    lines.join("\n")
}

fn row(name: &str, value: Option<f64>, interval: Option<Interval>, note: &str) -> String {
    let interval = interval.map_or_else(String::new, range);
    let value = if name.is_empty() { String::new() } else { share(value) };
    format!("{name:<34}{value:>6}   {interval:<13}  {note}").trim_end().to_owned()
}

/// `0.930 – 0.965`
pub fn range(Interval { low, high }: Interval) -> String {
    format!("{} – {}", share(Some(low)), share(Some(high)))
}
