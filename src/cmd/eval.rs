//! `xray-tui eval`: a run's best checkpoint scored on a split.

use std::ops::ControlFlow;
use std::path::Path;
use std::process::ExitCode;

use serde_json::json;

use super::{Output, figures_json, figures_text, open_store};
use crate::cli::EvalArgs;
use crate::dataset::Split;
use crate::error::Error;
use crate::predict::Predictor;
use crate::session::{LoadedData, Workplace, config_of};
use crate::train::evaluate::{answer, figures};

/// `named` is the data set that the user named; without one it is the run's own.
pub fn run(args: &EvalArgs, named: Option<&Path>, place: &Workplace, out: Output) -> anyhow::Result<ExitCode> {
    let store = open_store(place)?;
    let run = store.resolve(&args.run)?;
    let config = config_of(&run)?;
    let predictor = Predictor::load(&store.run_folder(&run.started.id))?;
    let folder = named.unwrap_or(&run.started.data).to_owned();
    let data = LoadedData::open(
        &Workplace { data: folder, ..place.clone() },
        config.image_size,
        &mut out.counting("decoding"),
    )?;
    let split = Split::from(args.split);
    let splits = data.splits(config.validation_fraction, config.seed);
    let images = splits.of(split);
    if images.is_empty() {
        let problem = format!("has no readable {} images; check the folder", split.name());
        return Err(Error::BadDataSet { dir: data.dataset.root, problem }.into());
    }
    let differs = data.hash()?.id != run.started.data_hash;
    if differs && split == Split::Validation {
        let problem = "is not the data set that the run was trained on: another split could hold images that it has \
                       learned; score the test split, or name the run's own with --data";
        return Err(Error::BadDataSet { dir: data.dataset.root, problem: problem.into() }.into());
    }
    if differs {
        out.progress("note: the data set differs from the one this run was trained on");
    }
    let watch = &mut |p: crate::dataset::cache::Progress| {
        out.detail(&format!("{} of {}", p.done, p.total));
        ControlFlow::Continue(())
    };
    let answers = answer(predictor.network(), (&data.dataset, &data.cache), images, watch)?;
    let scored = figures(&data.dataset, &answers);
    let mut value = figures_json(&scored);
    value["run_id"] = json!(run.started.id);
    value["split"] = json!(split.name());
    value["data_differs"] = json!(differs);
    value["synthetic"] = json!(data.dataset.synthetic);
    out.answer(&value, || format!("{} on {}\n{}", run.started.name, split.name(), figures_text(&scored)));
    Ok(ExitCode::SUCCESS)
}
