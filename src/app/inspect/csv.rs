//! Images with a run's answers and what was said of them, as a table for other programs.

use super::case::Case;
use crate::app::runs::export::quoted;
use crate::dataset::Class;
use crate::metrics::Threshold;

const TITLES: [&str; 14] = [
    "file",
    "patient",
    "kind",
    "truth",
    "called",
    "threshold",
    "probability",
    "disagreement",
    "loss",
    "verdict",
    "favourite",
    "wrong_label",
    "poor_quality",
    "note",
];

/// A line of titles, and one for each image; what is not known is empty.
pub fn write<'a>(cases: impl Iterator<Item = &'a Case>, threshold: Threshold) -> String {
    let line = |fields: &[String]| fields.iter().map(|field| quoted(field)).collect::<Vec<_>>().join(",") + "\r\n";
    let head = line(&TITLES.map(str::to_owned));
    head + &cases.map(|case| line(&fields(case, threshold))).collect::<String>()
}

fn fields(case: &Case, threshold: Threshold) -> [String; 14] {
    let number = |value: Option<f64>| value.map_or_else(String::new, |value| value.to_string());
    let mark = &case.mark;
    [
        case.file.clone(),
        case.patient.clone(),
        case.kind.name().to_owned(),
        case.truth.map_or("", Class::name).to_owned(),
        case.predicted(threshold).map_or("", Class::name).to_owned(),
        number(case.logits.map(|_| threshold.probability())),
        number(case.probability()),
        number(case.disagreement),
        number(case.loss()),
        case.verdict(threshold).map_or("", super::case::Verdict::key).to_owned(),
        mark.favourite.to_string(),
        mark.wrong_label.to_string(),
        mark.poor_quality.to_string(),
        mark.note.clone().unwrap_or_default(),
    ]
}
