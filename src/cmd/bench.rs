//! `xray-tui bench`: how fast this machine trains, answers and decodes.

use std::process::ExitCode;

use serde_json::{Value, json};

use super::Output;
use crate::cli::BenchArgs;
use crate::dataset::{self, Dataset};
use crate::error::Error;
use crate::session::Workplace;
use crate::train::bench::{Measured, Settings, Work, measure};
use crate::train::machine;

pub fn run(args: BenchArgs, place: &Workplace, out: Output) -> anyhow::Result<ExitCode> {
    let settings = Settings::from(args);
    settings.validate()?;
    let decodes = settings.only.is_none_or(|work| work == Work::Decode);
    let dataset = if decodes { data(place, out)? } else { None };
    let results = measure(&settings, dataset.as_ref(), &mut |name| out.progress(&format!("measuring {name}")))?;
    let value = json!({
        "isa": machine::isa().name(),
        "threads": machine::compute_threads(),
        "cpu": machine::processor(),
        "engine": settings.engine,
        "image_size": settings.image_size,
        "data": dataset.as_ref().map(|dataset| &dataset.root),
        "synthetic": dataset.as_ref().is_none_or(|dataset| dataset.synthetic),
        "results": results.iter().map(result_json).collect::<Vec<_>>(),
    });
    out.answer(&value, || text(&value, &results))?;
    Ok(ExitCode::SUCCESS)
}

/// The data set to decode; where there is none, synthetic X-rays do.
fn data(place: &Workplace, out: Output) -> Result<Option<Dataset>, Error> {
    match dataset::find(&place.data) {
        Ok(dataset) => Ok(Some(dataset)),
        Err(error) if error.is_missing_data() => {
            out.progress(&format!("no data set in {}: decoding synthetic X-rays", place.data.display()));
            Ok(None)
        }
        Err(error) => Err(error),
    }
}

fn result_json(result: &Measured) -> Value {
    json!({
        "name": result.name,
        "batch": result.batch,
        "precision": result.precision,
        "images_per_second": result.images_per_second,
        "peak_bytes": result.peak_bytes,
        "passes": result.passes,
    })
}

fn text(value: &Value, results: &[Measured]) -> String {
    let cpu = value["cpu"].as_str().unwrap_or("unknown processor");
    let (isa, size) = (value["isa"].as_str().unwrap_or_default(), &value["image_size"]);
    let decoded = value["data"].as_str().unwrap_or("X-rays made in memory");
    let synthetic = if value["synthetic"] == true { "  SYNTHETIC" } else { "" };
    let mut lines = vec![
        format!("{cpu}, {isa}, threads: {}, network input: {size} x {size} pixels", value["threads"]),
        format!("decoded, on one thread: {decoded}{synthetic}"),
        String::new(),
        format!("{:<8}{:>7}{:>11}{:>12}{:>14}{:>9}", "", "batch", "precision", "images/s", "peak memory", "passes"),
    ];
    lines.extend(results.iter().map(row));
    lines.join("\n")
}

fn row(result: &Measured) -> String {
    let peak = result.peak_bytes.map_or_else(|| "–".into(), |bytes| format!("{} MB", bytes / 1_000_000));
    let precision = result.precision.unwrap_or("–");
    format!(
        "{:<8}{:>7}{precision:>11}{:>12.2}{peak:>14}{:>9}",
        result.name, result.batch, result.images_per_second, result.passes
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn results() -> [Measured; 2] {
        let train = Measured {
            name: "train",
            batch: 8,
            precision: Some("f32"),
            images_per_second: 2.345,
            passes: 3,
            peak_bytes: Some(1_234_567_890),
        };
        [train, Measured { name: "decode", batch: 1, precision: None, peak_bytes: None, ..train }]
    }

    #[test]
    fn the_table_is_aligned_and_marks_what_is_synthetic() {
        let value = json!({"isa": "avx2", "threads": 2, "cpu": "A", "image_size": 64, "data": null, "synthetic": true});
        let expected = "\
A, avx2, threads: 2, network input: 64 x 64 pixels
decoded, on one thread: X-rays made in memory  SYNTHETIC

          batch  precision    images/s   peak memory   passes
train         8        f32        2.35       1234 MB        3
decode        1          –        2.35             –        3";
        assert_eq!(text(&value, &results()), expected);
    }

    #[test]
    fn what_the_system_does_not_tell_is_null() {
        let [_, decode] = results().map(|result| result_json(&result));
        assert_eq!((&decode["peak_bytes"], &decode["precision"]), (&Value::Null, &Value::Null));
    }
}
