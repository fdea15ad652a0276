//! `xray-tui data`: what is in a data set, which version it is, and the synthetic one.

mod tracking;

use std::fmt::Write;
use std::path::Path;
use std::process::ExitCode;

use serde_json::json;

use super::Output;
use crate::cli::DataCommand;
use crate::dataset::demo::{self, DemoConfig};
use crate::dataset::statistics::{Range, Statistics, gather};
use crate::dataset::{Class, Split};
use crate::session::{LoadedData, Workplace};
use crate::train::TrainConfig;

pub fn run(command: &DataCommand, plain: &TrainConfig, place: &Workplace, out: Output) -> anyhow::Result<ExitCode> {
    match command {
        DataCommand::Demo { out: folder, images, seed } => make_demo(folder, (*images, *seed), out),
        DataCommand::Stats => stats(plain, place, out),
        DataCommand::Track { paths } => tracking::track(paths, place, out),
        DataCommand::Verify { path, run: Some(run) } => tracking::verify_run((path.as_deref(), run), place, out),
        DataCommand::Verify { path, run: None } => tracking::verify(path.as_deref(), place, out),
    }
}

fn make_demo(folder: &Path, (images, seed): (Option<usize>, Option<u64>), out: Output) -> anyhow::Result<ExitCode> {
    let plain = DemoConfig::default();
    let config = DemoConfig { images: images.unwrap_or(plain.images), seed: seed.unwrap_or(plain.seed) };
    let mut tell = out.counting("drawing");
    demo::write(folder, &config, &mut tell)?;
    let answer =
        json!({"data": folder.to_string_lossy(), "images": config.images, "seed": config.seed, "synthetic": true});
    out.answer(&answer, || {
        let folder = folder.display();
        format!("{} synthetic images in {folder}; train on them with --data {folder}", config.images)
    })?;
    Ok(ExitCode::SUCCESS)
}

/// The splits are those that a run with these settings makes.
fn stats(plain: &TrainConfig, place: &Workplace, out: Output) -> anyhow::Result<ExitCode> {
    let data = LoadedData::open(place, plain.image_size, &mut out.counting("decoding"))?;
    let splits = data.splits(plain);
    let statistics = gather(&data.dataset, &splits, &data.cache, &data.hash()?);
    out.detail(&format!("decoded {} images; the others were in the cache", data.cache.decoded()));
    out.answer(&json!(statistics), || text(&statistics))?;
    Ok(ExitCode::SUCCESS)
}

fn text(statistics: &Statistics) -> String {
    let mut text = String::new();
    let synthetic = if statistics.synthetic { "  SYNTHETIC" } else { "" };
    let _ = writeln!(text, "{}{synthetic}\n{}\n", statistics.data, statistics.data_hash);
    let _ = writeln!(text, "{:<12}{:>8}{:>11}{:>10}", "split", "NORMAL", "PNEUMONIA", "patients");
    for split in Split::ALL {
        let patients = statistics.patients.get(split.name()).copied().unwrap_or(0);
        let [normal, pneumonia] = Class::ALL.map(|class| statistics.count(split, class));
        let _ = writeln!(text, "{:<12}{normal:>8}{pneumonia:>11}{patients:>10}", split.name());
    }
    let _ = writeln!(text, "\nwidths   {}\nheights  {}", range(statistics.widths), range(statistics.heights));
    let _ = writeln!(text, "groups of identical files  {}", statistics.duplicates.len());
    let _ = writeln!(text, "patients in two splits     {}", statistics.patients_in_two_splits.len());
    let _ = writeln!(text, "unreadable files           {}", statistics.unreadable.len());
    for file in statistics.unreadable.iter().chain(&statistics.flagged) {
        let _ = writeln!(text, "  {}: {}", file.file, file.reason);
    }
    text
}

fn range(range: Option<Range>) -> String {
    range.map_or_else(|| "–".into(), |r| format!("{} to {} pixels, median {}", r.min, r.max, r.median))
}
