//! `xray-tui compare`: two runs on the same images.

use std::collections::BTreeMap;
use std::process::ExitCode;

use serde_json::json;

use super::assessment::interval_json;
use super::{Output, open_store};
use crate::cli::CompareArgs;
use crate::dataset::Split;
use crate::error::Error;
use crate::metrics::Interval;
use crate::metrics::comparison::{Comparison, Side};
use crate::session::Workplace;
use crate::store::{Answer, Run, Store, cases};
use crate::units::range;

pub fn run(args: &CompareArgs, place: &Workplace, out: Output) -> anyhow::Result<ExitCode> {
    let store = open_store(place)?;
    let split = Split::from(args.split);
    let [a, b] = [store.resolve(&args.a)?, store.resolve(&args.b)?];
    let (of_a, of_b) = common(answers(&store, &a, split)?, answers(&store, &b, split)?);
    if of_a.is_empty() {
        let problem =
            format!("shares no {} image with {}: compare runs on the same data set", split.name(), b.started.name);
        return Err(Error::Run { run: a.started.name, problem }.into());
    }
    let [cases_a, cases_b] = [cases(&of_a), cases(&of_b)];
    let side = |cases, run: &Run| Side { cases, threshold: run.threshold() };
    let found = Comparison::of(side(&cases_a, &a), side(&cases_b, &b));
    let value = json!({
        "a": a.started.id,
        "b": b.started.id,
        "split": split.name(),
        "n": found.images,
        "disagreements": found.disagreements(),
        "a_right": found.right_in_a,
        "b_right": found.right_in_b,
        "mcnemar_p": found.mcnemar_p,
        "auc_difference": found.auc_difference,
        "auc_difference_ci": interval_json(found.auc_difference_interval),
        "delong_p": found.delong_p,
        "accuracy_difference": found.accuracy_difference(),
        "accuracy_difference_ci": interval_json(found.accuracy_difference_interval),
    });
    out.answer(&value, || text(&found, [&a.started.name, &b.started.name], split))?;
    Ok(ExitCode::SUCCESS)
}

/// The answers that a run has given for a split.
fn answers(store: &Store, run: &Run, split: Split) -> Result<Vec<Answer>, Error> {
    let answers = store.answers(&run.started.id, split)?;
    if answers.is_empty() {
        let name = split.name();
        let problem = format!(
            "has no answers for {name} images yet: `xray-tui eval {} --split {name}` makes them",
            run.started.id
        );
        return Err(Error::Run { run: run.started.name.clone(), problem });
    }
    Ok(answers)
}

/// Those for the images that both have, in one order. The same file with another label is another image.
fn common(a: Vec<Answer>, b: Vec<Answer>) -> (Vec<Answer>, Vec<Answer>) {
    let mut of_b: BTreeMap<_, _> = b.into_iter().map(|answer| ((answer.file.clone(), answer.truth), answer)).collect();
    a.into_iter()
        .filter_map(|answer| of_b.remove(&(answer.file.clone(), answer.truth)).map(|other| (answer, other)))
        .unzip()
}

fn text(found: &Comparison, [a, b]: [&str; 2], split: Split) -> String {
    let p = |p: Option<f64>| {
        p.map_or_else(|| "–".into(), |p| if p < 0.001 { "p < 0.001".into() } else { format!("p = {p:.3}") })
    };
    let signed = |value: Option<f64>| value.map_or_else(|| "–".into(), |value| format!("{value:+.3}"));
    let interval = |interval: Option<Interval>| interval.map_or_else(|| "–".into(), |i| range(i.low, i.high));
    let difference = format!("AUC, {a} less {b}");
    let rows = [
        ("McNemar, exact", p(found.mcnemar_p)),
        (
            &difference,
            format!("{}  95 % interval {}", signed(found.auc_difference), interval(found.auc_difference_interval)),
        ),
        ("DeLong, paired", p(found.delong_p)),
        (
            "accuracy, the same",
            format!(
                "{}  95 % interval {}",
                signed(found.accuracy_difference()),
                interval(found.accuracy_difference_interval)
            ),
        ),
    ];
    let width = rows.iter().map(|(name, _)| name.chars().count()).max().unwrap_or(0);
    let mut lines = vec![
        format!("{a} against {b} on {} {} images", found.images, split.name()),
        format!(
            "{} of {} differ: {a} is right in {}, {b} in {}",
            found.disagreements(),
            found.images,
            found.right_in_a,
            found.right_in_b
        ),
    ];
    lines.extend(rows.iter().map(|(name, text)| format!("{name:<width$}  {text}")));
    lines.join("\n")
}
