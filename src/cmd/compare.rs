//! `xray-tui compare`: two runs on the same images.

use std::process::ExitCode;

use serde_json::json;

use super::assessment::interval_json;
use super::{Output, open_store};
use crate::cli::CompareArgs;
use crate::dataset::Split;
use crate::dataset::difference::Difference;
use crate::error::Error;
use crate::metrics::Interval;
use crate::metrics::comparison::Comparison;
use crate::session::Workplace;
use crate::session::manifest::Manifest;
use crate::units;

/// Files that are named in words.
const MOST_FILES: usize = 20;

pub fn run(args: &CompareArgs, place: &Workplace, out: Output) -> anyhow::Result<ExitCode> {
    let store = open_store(place)?;
    let split = Split::from(args.split);
    let [a, b] = [store.resolve(&args.a)?, store.resolve(&args.b)?];
    let data = Manifest::difference(&store, [&a.started, &b.started])?;
    let names = [a.started.name.as_str(), b.started.name.as_str()];
    // Runs on other data may have no image in common: what differs is said then too.
    let tell = |_: &Error| {
        if !data.is_none() {
            out.progress(&data_text(&data, names));
        }
    };
    let found = store.compare([&a, &b], split).inspect_err(tell)?;
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
        "data": data,
    });
    out.answer(&value, || format!("{}\n{}", text(&found, names, split), data_text(&data, names)))?;
    Ok(ExitCode::SUCCESS)
}

/// Whether they saw the same data, and the first files that differ.
fn data_text(data: &Difference, names: [&str; 2]) -> String {
    let mut lines = vec![data.summary(names)];
    let all = data.images.as_ref().map(|images| images.lines(names)).unwrap_or_default();
    lines.extend(all.iter().take(MOST_FILES).map(|line| format!("  {line}")));
    if all.len() > MOST_FILES {
        lines.push(format!("  and {} more, all of them with --json", all.len() - MOST_FILES));
    }
    lines.join("\n")
}

fn text(found: &Comparison, [a, b]: [&str; 2], split: Split) -> String {
    let p = |p: Option<f64>| {
        p.map_or_else(|| "–".into(), |p| if p < 0.001 { "p < 0.001".into() } else { format!("p = {p:.3}") })
    };
    let signed = |value: Option<f64>| value.map_or_else(|| "–".into(), |value| format!("{value:+.3}"));
    let interval = |interval: Option<Interval>| interval.map_or_else(|| "–".into(), |i| units::interval(i.low, i.high));
    let [auc, accuracy] = ["AUC", "accuracy"].map(|name| format!("{name}, {a} less {b}"));
    let rows = [
        ("McNemar, exact", p(found.mcnemar_p)),
        (&auc, format!("{}  95 % interval {}", signed(found.auc_difference), interval(found.auc_difference_interval))),
        ("DeLong, paired", p(found.delong_p)),
        (
            &accuracy,
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
