//! Which images the run had, how they were divided, and what is known against them.

use std::collections::BTreeSet;

use super::card::{Block, Facts, Section, Table, UNKNOWN, figure, known, number, words};
use super::material::Material;
use super::private;
use super::summary::interval;
use crate::dataset::split::HeldOut;
use crate::dataset::version::DataVersion;
use crate::dataset::{Class, Split};
use crate::metrics::alarm::{Baseline, Checks, NearDuplicate, Shortcut};
use crate::session::manifest::{Listed, Manifest};
use crate::store::Answer;
use crate::units::count;

/// Near-duplicates that are named.
const MOST_PAIRS: usize = 10;

/// Patients in two splits that are named.
const MOST_PATIENTS: usize = 20;

pub fn section(material: &Material) -> Section {
    let run = &material.run;
    let mut blocks = Vec::new();
    if run.started.synthetic {
        blocks.push(Block::Alarm("SYNTHETIC: the images are computed, and show nobody.".into()));
    }
    let mut facts =
        vec![("folder", private::name(&run.started.data)), ("data hash (DVC)", run.started.data_hash.clone())];
    let tracked = DataVersion::of(run.started.provenance.as_ref());
    facts.extend(tracked.map(|version| ("tracked by DVC", version.text())));
    blocks.push(Block::Facts(facts));
    blocks.push(match &material.manifest {
        Some(manifest) => Block::Table(counts(manifest, run.folds().is_some())),
        None => Block::Table(counts_of_answers([&material.validation.answers, &material.test.answers])),
    });
    match &run.checks {
        Some(checks) => blocks.extend(found(checks)),
        None if run.folds().is_some() => {
            blocks.push(Block::Text("Leaks and shortcuts were looked for in each part: see its own card.".into()));
        }
        None => blocks.push(Block::Text("Leaks and shortcuts were not looked for when this run was made.".into())),
    }
    Section { title: "Data", blocks }
}

/// The class that a file's folder tells.
fn class(file: &str) -> Option<Class> {
    let named = |part: &str| Class::ALL.into_iter().find(|class| part.eq_ignore_ascii_case(class.name()));
    file.split('/').rev().skip(1).find_map(named)
}

fn columns() -> Vec<super::card::Column> {
    vec![words("split"), number("images"), number("patients"), number("NORMAL"), number("PNEUMONIA")]
}

fn counts(manifest: &Manifest, has_folds: bool) -> Table {
    let all = Split::ALL.map(Some).into_iter().chain([None]);
    let row = |split: Option<Split>| {
        let listed: Vec<&Listed> = manifest.0.iter().filter(|image| split.is_none_or(|s| s == image.split)).collect();
        let patients: BTreeSet<&str> = listed.iter().map(|image| image.patient.as_str()).collect();
        let of = |wanted| count(listed.iter().filter(|image| class(&image.file) == Some(wanted)).count());
        vec![
            split.map_or("all", Split::name).to_owned(),
            count(listed.len()),
            count(patients.len()),
            of(Class::Normal),
            of(Class::Pneumonia),
        ]
    };
    let caption = if has_folds {
        "Images as a single run would divide them; the parts divide train and validation anew, and leave test alone"
    } else {
        "Images that were used, by split"
    };
    Table { caption: caption.into(), columns: columns(), rows: all.map(row).collect() }
}

fn counts_of_answers(splits: [&Vec<Answer>; 2]) -> Table {
    let row = |(name, answers): (&str, &Vec<Answer>)| {
        let of = |class| count(answers.iter().filter(|answer| answer.truth == class).count());
        vec![name.into(), count(answers.len()), UNKNOWN.into(), of(Class::Normal), of(Class::Pneumonia)]
    };
    let rows = ["validation", "test"].into_iter().zip(splits).map(row).collect();
    let caption = "Images that were answered, by split; the list of all images was not kept".into();
    Table { caption, columns: columns(), rows }
}

fn found(checks: &Checks) -> Vec<Block> {
    let mut blocks = vec![Block::Facts(vec![
        ("patients in two splits", patients(&checks.patients_in_two_splits)),
        ("near-duplicates across splits", pairs(checks.near_duplicate_pairs)),
    ])];
    if !checks.near_duplicates.is_empty() {
        blocks.push(Block::Table(duplicates(&checks.near_duplicates)));
    }
    if checks.shortcuts.is_empty() {
        blocks.push(Block::Text("Size and brightness of the pictures could not be tried as shortcuts.".into()));
    } else {
        blocks.push(Block::Table(shortcuts(&checks.shortcuts)));
    }
    blocks
}

fn patients(ids: &[String]) -> String {
    let more = if ids.len() > MOST_PATIENTS { ", …" } else { "" };
    let named = ids.iter().take(MOST_PATIENTS).map(String::as_str).collect::<Vec<_>>().join(", ");
    if ids.is_empty() { "none".into() } else { format!("{}: {named}{more}", count(ids.len())) }
}

fn pairs(found: usize) -> String {
    match found {
        0 => "none".into(),
        1..=MOST_PAIRS => format!("{} (pairs)", count(found)),
        _ => format!("{} (pairs), of which the {MOST_PAIRS} most alike are listed", count(found)),
    }
}

fn duplicates(pairs: &[NearDuplicate]) -> Table {
    let row = |pair: &NearDuplicate| {
        let [a, b] = &pair.files;
        vec![a.clone(), pair.splits[0].clone(), b.clone(), pair.splits[1].clone(), figure(Some(pair.correlation))]
    };
    Table {
        caption: "Images of different splits that show nearly the same".into(),
        columns: vec![words("image"), words("split"), words("and"), words("split"), number("correlation of edges")],
        rows: pairs.iter().take(MOST_PAIRS).map(row).collect(),
    }
}

fn shortcuts(shortcuts: &[Shortcut]) -> Table {
    let row = |(shortcut, (split, baseline)): (&Shortcut, (&str, Baseline))| {
        vec![
            shortcut.feature.clone(),
            split.to_owned(),
            figure(baseline.auc.map(|auc| auc.value)),
            interval(baseline.auc),
            figure(baseline.accuracy.map(|accuracy| accuracy.value)),
            interval(baseline.accuracy),
        ]
    };
    let both = |s: &Shortcut| [("validation", s.validation), ("test", s.test)];
    Table {
        caption: "What a logistic regression scores that sees a picture's size or brightness alone".into(),
        columns: vec![
            words("it sees"),
            words("on"),
            number("AUC"),
            number("95 % interval"),
            number("accuracy"),
            number("95 % interval"),
        ],
        rows: shortcuts.iter().flat_map(|s| both(s).map(|scored| row((s, scored)))).collect(),
    }
}

pub fn split_section(material: &Material) -> Section {
    let run = &material.run;
    let mut facts: Facts = vec![("seed", run.started.seed.to_string())];
    if let Some(config) = &material.config {
        facts.push(match config.held_out {
            HeldOut::None => {
                ("validation fraction", format!("{} of the images of each class", config.validation_fraction))
            }
            family => ("validation", format!("all images of the family {}", family.name())),
        });
        facts.extend((config.split_seed > 0).then(|| ("seed of the split", config.split_seed.to_string())));
        facts.push(("share of the training patients", config.sample_fraction.to_string()));
        facts.extend(config.fold.map(|fold| ("part", format!("{} of {}", fold.number, fold.of))));
    }
    facts.push(("split hash", run.started.split_hash.clone()));
    facts.push(("SHA-256 of the list of images", known(run.started.manifest.as_deref())));
    let is_part = material.config.as_ref().is_some_and(|config| config.fold.is_some());
    let how = Block::Text(how(is_part || run.folds().is_some()).into());
    Section { title: "Split", blocks: vec![how, Block::Facts(facts)] }
}

const fn how(in_parts: bool) -> &'static str {
    if in_parts {
        "The folders train and val were divided into parts of whole patients, seeded; the part that a run is scored on is \
         called test in its card. Validation images were drawn from the other parts, whole patients too. Who a patient is, \
         the file's name tells; bare numbers that agree are kept together."
    } else {
        "The folder test stays as it is. Validation images were drawn from the folders train and val together, whole \
         patients of each class, seeded. Who a patient is, the file's name tells; bare numbers that agree are kept together."
    }
}
