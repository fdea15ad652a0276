//! What the run scores: figures with intervals, what they are taken at, and what casts doubt on them.

use super::card::{Block, Facts, Section, Table, figure, number, words};
use super::material::{Material, Scored};
use crate::metrics::alarm::{Checks, collapsed, saturated};
use crate::metrics::rows::{self, Row};
use crate::metrics::{Confusion, Estimate, Interval, Measure, Spread};
use crate::store::{Run, RunState};
use crate::units::count;

pub fn section(material: &Material) -> Section {
    let mut blocks = Vec::new();
    blocks.extend(material.run.problem.as_deref().map(|text| Block::Alarm(super::private::text(text, &material.run))));
    blocks.extend(alarms(material).into_iter().map(Block::Alarm));
    blocks.extend(absence(material).into_iter().map(Block::Text));
    if material.test.figures.is_some() || material.validation.figures.is_some() {
        blocks.push(Block::Facts(decision(material)));
        blocks.push(Block::Table(figures(&material.test, &material.validation)));
        blocks.extend(matrix("test", &material.test).map(Block::Table));
        blocks.extend(matrix("validation", &material.validation).map(Block::Table));
    }
    blocks.extend(folds(&material.folds, material.run.folds()).map(Block::Table));
    Section { title: "Summary", blocks }
}

fn alarms(material: &Material) -> Vec<String> {
    let (test, validation) = (&material.test.figures, &material.validation.figures);
    let of_figures = [test.as_ref().and_then(collapsed), validation.as_ref().and_then(saturated)];
    let of_data = material.run.checks.as_ref().map(Checks::alarms).unwrap_or_default();
    of_figures.into_iter().flatten().chain(of_data).map(|alarm| alarm.to_string()).collect()
}

/// What is missing, and what test means in a part of a cross-validation.
fn absence(material: &Material) -> Vec<String> {
    let mut said = Vec::new();
    let fold = material.config.as_ref().and_then(|config| config.fold);
    said.extend(fold.map(|fold| {
        format!(
            "This run is part {} of {} of a cross-validation: “test” means its own part of the folders train and val; \
             the folder test was left alone.",
            fold.number, fold.of
        )
    }));
    if let Some(folds) = material.run.folds() {
        let begun = count(material.folds.len());
        said.push(format!(
            "This run is a cross-validation of {folds} parts, of which {begun} are begun: each is a run of its own. The \
             test images were not looked at."
        ));
    } else if material.test.is_empty() {
        let kept = material.run.test.and_then(|test| test.confusion.accuracy());
        said.push(kept.map_or_else(
            || "This run has no answers for test images.".into(),
            |accuracy| {
                format!("This run's test accuracy was {accuracy:.3}; its answers for single images were not kept.")
            },
        ));
    }
    said
}

fn decision(material: &Material) -> Facts {
    let point = &material.point;
    let mut facts = vec![
        ("threshold", format!("{:.3}, {}", point.threshold.probability(), source(material))),
        ("test images", images(&material.test)),
        ("validation images", images(&material.validation)),
    ];
    facts.extend(material.looks.map(|looks| ("looks at the test images", looked(looks))));
    facts
}

fn source(material: &Material) -> String {
    let kept = if material.run.operating.is_some() { "" } else { "; chosen now, as none is kept with the run" };
    format!("{}{kept}", material.point.source())
}

fn images(scored: &Scored) -> String {
    let confusion = scored.figures.as_ref().map(|figures| figures.confusion).unwrap_or_default();
    let [normal, ill] = [confusion.tn + confusion.fp, confusion.tp + confusion.fn_].map(whole);
    format!("{} ({normal} NORMAL, {ill} PNEUMONIA)", count(scored.answers.len()))
}

fn looked(looks: u64) -> String {
    let times = if looks == 1 { "time" } else { "times" };
    format!("{looks} {times} in this database, by all runs; the more often, the less the best figure is worth")
}

pub fn whole(value: u64) -> String {
    count(usize::try_from(value).unwrap_or(usize::MAX))
}

/// All figures, test and validation side by side.
fn figures(test: &Scored, validation: &Scored) -> Table {
    let columns = vec![
        words("figure"),
        number("test"),
        number("95 % interval"),
        number("validation"),
        number("95 % interval"),
        words("note"),
    ];
    let of = |scored: &Scored| scored.figures.as_ref().map(rows::rows).unwrap_or_default();
    let [test_rows, validation_rows] = [of(test), of(validation)];
    let is_new = |row: &&Row| test_rows.iter().all(|other| other.name != row.name);
    let all: Vec<&Row> = test_rows.iter().chain(validation_rows.iter().filter(is_new)).collect();
    let find = |rows: &[Row], name: &str| rows.iter().find(|row| row.name == name).map(estimate);
    let both = |name: &str| [&test_rows, &validation_rows].map(|rows| find(rows, name).flatten());
    let mut rows: Vec<Vec<String>> = all.iter().map(|found| row(&found.name, both(&found.name), note(found))).collect();
    rows.push(row("cross entropy", [test, validation].map(|scored| bare(scored.loss)), "nats"));
    Table { caption: "Figures at the threshold, and without one".into(), columns, rows }
}

fn estimate(row: &Row) -> Option<Estimate> {
    Some(Estimate { value: row.value?, interval: row.interval })
}

/// How an interval came about where the row does not say it.
const fn note(row: &Row) -> &'static str {
    match (row.note.is_empty(), row.interval) {
        (true, Some(_)) => "Wilson",
        _ => row.note,
    }
}

fn bare(value: Option<f64>) -> Option<Estimate> {
    value.map(|value| Estimate { value, interval: None })
}

fn row(name: &str, [test, validation]: [Option<Estimate>; 2], note: &str) -> Vec<String> {
    let value = |estimate: Option<Estimate>| figure(estimate.map(|estimate| estimate.value));
    vec![name.into(), value(test), interval(test), value(validation), interval(validation), note.into()]
}

/// `0.930 – 0.965`, or nothing: brackets would be escaped in Markdown.
pub fn interval(estimate: Option<Estimate>) -> String {
    let range = |Interval { low, high }| format!("{} – {}", figure(Some(low)), figure(Some(high)));
    estimate.and_then(|estimate| estimate.interval).map_or_else(String::new, range)
}

fn matrix(split: &str, scored: &Scored) -> Option<Table> {
    let Confusion { tn, fp, fn_, tp } = scored.figures.as_ref()?.confusion;
    Some(Table {
        caption: format!("Confusion matrix, {split} images"),
        columns: vec![words("truth"), number("called NORMAL"), number("called PNEUMONIA")],
        rows: vec![vec!["NORMAL".into(), whole(tn), whole(fp)], vec!["PNEUMONIA".into(), whole(fn_), whole(tp)]],
    })
}

/// The parts of a cross-validation, with mean and deviation over those that are finished.
fn folds(folds: &[(Run, Scored)], of: Option<usize>) -> Option<Table> {
    let columns = vec![
        words("part"),
        words("id"),
        words("state"),
        number("images"),
        number("accuracy"),
        number("95 % interval"),
        number("AUC"),
        number("95 % interval"),
    ];
    let finished = || folds.iter().filter(|(run, _)| run.state == RunState::Finished);
    // The parts that are there would flatter or blacken the whole.
    let is_whole = of == Some(finished().count());
    let of_finished = |pick: Pick| Spread::of(finished().filter(|_| is_whole).map(|(_, scored)| value(pick(scored))));
    let [of_accuracy, of_auc] = [of_finished(accuracy), of_finished(auc)];
    let whole = |name: &str, pick: fn(Spread) -> Option<f64>| {
        let [accuracy, auc] = [of_accuracy, of_auc].map(|spread| figure(spread.and_then(pick)));
        [name, "", "", "", &accuracy, "", &auc, ""].map(str::to_owned).to_vec()
    };
    let mut rows: Vec<Vec<String>> = folds.iter().map(fold).collect();
    rows.extend([whole("mean", |spread| Some(spread.mean)), whole("standard deviation", |spread| spread.sd)]);
    let caption = "Parts of the cross-validation, each scored on images that it did not learn; mean and deviation where \
                   all are finished";
    (!folds.is_empty()).then(|| Table { caption: caption.into(), columns, rows })
}

fn fold((run, scored): &(Run, Scored)) -> Vec<String> {
    let (accuracy, auc) = (accuracy(scored), auc(scored));
    vec![
        run.started.name.clone(),
        run.started.id.clone(),
        run.state.name().into(),
        count(scored.answers.len()),
        figure(value(accuracy)),
        interval(accuracy),
        figure(value(auc)),
        interval(auc),
    ]
}

type Pick = fn(&Scored) -> Option<Estimate>;

fn accuracy(scored: &Scored) -> Option<Estimate> {
    scored.figures.as_ref()?.measure(Measure::Accuracy)
}

fn auc(scored: &Scored) -> Option<Estimate> {
    scored.figures.as_ref()?.auc
}

fn value(estimate: Option<Estimate>) -> Option<f64> {
    estimate.map(|estimate| estimate.value)
}
