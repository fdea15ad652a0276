//! All figures of an assessment as the rows of a table.

use super::{Assessment, Estimate, Interval, Measure};

/// A figure by its name.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    pub name: String,
    pub value: Option<f64>,
    pub interval: Option<Interval>,
    /// How the interval came about, or what the figure is not.
    pub note: &'static str,
}

impl Row {
    fn estimate(name: impl Into<String>, estimate: Option<Estimate>, note: &'static str) -> Self {
        let interval = estimate.and_then(|estimate| estimate.interval);
        Self { name: name.into(), value: estimate.map(|estimate| estimate.value), interval, note }
    }

    fn bare(name: impl Into<String>, value: Option<f64>, note: &'static str) -> Self {
        Self { name: name.into(), value, interval: None, note }
    }
}

/// The figures in the order in which every table has them.
#[must_use]
pub fn rows(assessment: &Assessment) -> Vec<Row> {
    let measure = |measure: Measure| Row::estimate(measure.name(), assessment.measure(measure), note_of(measure));
    let of_kind =
        |(kind, estimate): (&&str, &Estimate)| Row::estimate(format!("sensitivity, {kind}"), Some(*estimate), "");
    let mut rows: Vec<Row> = Measure::ALL.into_iter().map(measure).collect();
    rows.extend(assessment.by_kind.iter().map(of_kind));
    if let Some(at) = assessment.at_prevalence {
        rows.push(Row::estimate(format!("PPV where {:.3} are ill", at.prevalence), at.ppv, "by patient"));
        rows.push(Row::estimate(format!("NPV where {:.3} are ill", at.prevalence), at.npv, "by patient"));
    }
    rows.push(Row::estimate("AUC", assessment.auc, "DeLong"));
    if let Some(interval) = assessment.auc_by_patient {
        let value = assessment.auc.map(|auc| auc.value);
        rows.push(Row { name: "AUC, patients drawn".into(), value, interval: Some(interval), note: "by patient" });
    }
    rows.push(Row::bare("average precision", assessment.average_precision, ""));
    let read_off = "read off these images, not at the threshold";
    rows.push(Row::bare("specificity at sensitivity 0.97", assessment.specificity_at_sensitivity_97, read_off));
    rows.push(Row::bare("Brier score", assessment.calibration.brier, ""));
    rows.push(Row::bare("expected calibration error", assessment.calibration.ece, "15 bins"));
    if let (Some(temperature), Some(calibrated)) = (assessment.terms.temperature, assessment.calibrated) {
        rows.push(Row::bare("temperature", Some(temperature), "least loss on what the threshold was chosen on"));
        rows.push(Row::bare("Brier score, calibrated", calibrated.brier, "with the temperature"));
        rows.push(Row::bare("calibration error, calibrated", calibrated.ece, "with the temperature"));
    }
    rows
}

const fn note_of(measure: Measure) -> &'static str {
    match measure {
        Measure::Mcc => "by patient",
        Measure::Ppv | Measure::Npv => "for this mix of classes",
        Measure::BalancedAccuracy => "MOVER",
        _ => "",
    }
}
