//! Which topics of CLAIM's 2024 update (Tejani et al., Radiology: Artificial Intelligence 2024) a card answers.

use super::card::{Block, Section, Table, words};
use super::material::Material;

pub fn section(material: &Material) -> Section {
    let answered =
        |(topic, place, holds): &(&str, &str, bool)| holds.then(|| vec![(*topic).to_owned(), (*place).to_owned()]);
    let topics = topics(material);
    let open =
        topics.iter().filter(|(_, _, holds)| !holds).map(|(topic, ..)| format!("{topic} (not kept with this run)"));
    let open = AUTHORS.into_iter().map(str::to_owned).chain(open).collect();
    let about = "The Checklist for Artificial Intelligence in Medical Imaging, 2024 update (Tejani et al., Radiology: \
                 Artificial Intelligence 2024). Topics are named in short and not numbered.";
    let table = Table {
        caption: "Topics that this card answers".into(),
        columns: vec![words("topic"), words("where")],
        rows: topics.iter().filter_map(answered).collect(),
    };
    Section {
        title: "CLAIM checklist",
        blocks: vec![
            Block::Text(about.into()),
            Block::Table(table),
            Block::Heading("Topics for the authors to answer"),
            Block::List(open),
        ],
    }
}

/// A topic, where it is answered, and whether this run has the answer.
type Topic = (&'static str, &'static str, bool);

fn topics(material: &Material) -> Vec<Topic> {
    let (settings, scored) = (material.config.is_some(), !material.test.is_empty());
    let (origin, listed) = (material.provenance.is_some(), material.manifest.is_some());
    vec![
        ("Preprocessing of the images", "Reproducibility and environment", origin),
        ("Selection of a subset of the data", "Split: share of the training patients", settings),
        ("How data were assigned to partitions, and in what proportions", "Split; Data", settings && listed),
        ("Level at which partitions are disjoint: patients", "Split; Data: patients in two splits", true),
        ("Number of images and patients in each partition", "Data", listed),
        ("The model: inputs, outputs, layers", "Recipe", settings),
        ("Software and versions", "Reproducibility and environment", true),
        ("Initialisation of the parameters", "Recipe; Reproducibility and environment", settings),
        ("Training: augmentation, hyperparameters, course", "Recipe; Curves", settings),
        ("How the best model was selected", "Recipe", settings),
        ("Whether models were combined: one network, no ensemble", "Recipe", settings),
        ("Measures of performance", "Summary", scored),
        ("Uncertainty of the measures", "Summary: 95 % intervals", scored),
        ("Testing on internal data", "Summary", scored),
        ("Accuracy with its precision, ROC curve", "Summary; Curves", scored),
        ("Performance in subgroups", "Summary: sensitivity by kind", has_kinds(material)),
        ("Failure analysis", "Summary: confusion matrix; Worst mistakes", scored),
        ("Limitations of data and method", "Limits", true),
    ]
}

fn has_kinds(material: &Material) -> bool {
    material.test.figures.as_ref().is_some_and(|figures| !figures.by_kind.is_empty())
}

const AUTHORS: [&str; 14] = [
    "Title and abstract",
    "Background, intended use and clinical role; aims and hypotheses",
    "Whether the study is prospective or retrospective, and its goal",
    "Sources of the data; who was included and excluded; flow of patients",
    "De-identification, and how missing data were handled",
    "How the images were acquired",
    "The reference standard: what it is, why, who set it and how, and how far they agree",
    "Intended sample size",
    "Robustness, and methods that explain the model's answers",
    "Testing on external data",
    "Demographic and clinical characteristics of each partition",
    "Implications for practice",
    "Registration of the trial, and the full protocol",
    "Availability of software, model and data; funding",
];
