//! Stored answers as the figures see them.

use std::collections::{BTreeMap, BTreeSet};

use super::Answer;
use crate::dataset::Class;
use crate::dataset::patient::{self, Kind};
use crate::metrics::{Case, Figures, OperatingPoint, Rule, Shifted, Threshold, margin};

/// The answers in their order, with patients and kinds as their files' names tell them.
#[must_use]
pub fn cases(answers: &[Answer]) -> Vec<Case> {
    let mut numbers = BTreeMap::new();
    let case = |answer: &Answer| {
        let patient = patient::parse(&answer.file, answer.truth);
        let next = numbers.len();
        Case {
            margin: margin(answer.logits),
            truth: answer.truth == Class::Pneumonia,
            patient: *numbers.entry(patient.group()).or_insert(next),
            kind: [Kind::Bacterial, Kind::Viral].contains(&patient.kind).then(|| patient.kind.name()),
        }
    };
    answers.iter().map(case).collect()
}

/// Loss and counts of the answers at a threshold.
#[must_use]
pub fn score(answers: &[Answer], threshold: Threshold) -> Figures {
    Figures::at(threshold, answers.iter().map(|answer| (answer.logits, answer.truth == Class::Pneumonia)))
}

/// What images made harder scored, all together.
#[must_use]
pub fn score_harder(answers: &[Answer]) -> Shifted {
    let pair = |answer: &Answer| (answer.logits, answer.truth == Class::Pneumonia);
    Shifted::of(&answers.iter().map(pair).collect::<Vec<_>>())
}

/// Threshold and temperature by `rule` on these answers.
#[must_use]
pub fn decide(rule: Rule, answers: &[Answer]) -> OperatingPoint {
    let images = answers.iter().map(|answer| answer.file.as_str()).collect::<BTreeSet<_>>().len();
    let harder = answers.iter().any(|answer| answer.harder);
    OperatingPoint::choose(rule, &cases(answers), (images, harder))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dataset::Split;

    #[test]
    fn images_of_one_person_are_one_patient_and_kinds_come_from_names() {
        let answer = |file: &str, truth| Answer {
            split: Split::Test,
            harder: false,
            file: file.into(),
            truth,
            logits: [0.5, 2.0],
            disagreement: None,
        };
        let answers = [
            answer("test/PNEUMONIA/person1_bacteria_1.jpeg", Class::Pneumonia),
            answer("test/NORMAL/IM-0001-0001.jpeg", Class::Normal),
            answer("test/PNEUMONIA/person1_virus_2.jpeg", Class::Pneumonia),
        ];
        let cases = cases(&answers);
        assert_eq!(cases.iter().map(|case| case.patient).collect::<Vec<_>>(), [0, 1, 0]);
        assert_eq!(cases.iter().map(|case| case.kind).collect::<Vec<_>>(), [Some("bacterial"), None, Some("viral")]);
        assert!(cases[0].truth && !cases[1].truth && (cases[0].margin - 1.5).abs() < 1e-12);
    }
}
