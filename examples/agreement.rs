//! Trains on the same batches from the same weights with both engines, and writes batches and weights down for PyTorch.
//!
//! ```text
//! cargo run --release --example agreement -- --data DIR --out FOLDER [--seed N] [--epochs N] [--image-size N]
//! python benches/peers/agreement.py FOLDER…
//! ```

use std::collections::{BTreeMap, HashMap};
use std::fs;
use std::ops::ControlFlow;
use std::path::PathBuf;

use anyhow::{Context, Result};
use candle_core::{Device, Tensor};
use clap::Parser;
use serde_json::{Value, json};
use xray_nn::{Adam, Network, weights};
use xray_tui::dataset::Split;
use xray_tui::dataset::batch::{Batch, IMAGENET_MEAN, IMAGENET_STD, Source, evaluation_batch, order, training_batch};
use xray_tui::dataset::cache;
use xray_tui::dataset::look::Look;
use xray_tui::dataset::normalisation::Normalisation;
use xray_tui::dataset::random::{Purpose, stream};
use xray_tui::dataset::split::Splits;
use xray_tui::session::{LoadedData, Workplace};
use xray_tui::train::recipe::Named;
use xray_tui::train::step::{Aim, step};
use xray_tui::train::{EngineKind, TrainConfig, evaluate, loader, machine, priority};

/// Trains with both engines on the same batches and writes them down.
#[derive(Parser)]
struct Arguments {
    /// The data set's folder.
    #[arg(long)]
    data: PathBuf,
    /// Where batches, weights and results go.
    #[arg(long)]
    out: PathBuf,
    #[arg(long, default_value_t = 1)]
    seed: u64,
    #[arg(long, default_value_t = 3)]
    epochs: usize,
    #[arg(long, default_value_t = 128)]
    image_size: usize,
    #[arg(long, default_value_t = 32)]
    batch_size: usize,
    #[arg(long, default_value_t = 0.1)]
    sample_fraction: f64,
}

fn main() -> Result<()> {
    let arguments = Arguments::parse();
    priority::start_compute_threads(0);
    fs::create_dir_all(&arguments.out)?;
    let place = Workplace { data: arguments.data.clone(), db: PathBuf::new(), cache: cache::default_folder() };
    let data = LoadedData::open(&place, arguments.image_size, &mut |_| ControlFlow::Continue(()))?;
    let mut splits = data.splits(&TrainConfig { seed: arguments.seed, ..TrainConfig::default() });
    splits.sample_train(&data.dataset, arguments.sample_fraction, arguments.seed);
    let batches = batches(&arguments, &data, &splits)?;
    write_down(&arguments, &data, &splits, &batches)?;
    let results: Vec<Value> = [EngineKind::Fast, EngineKind::Plain]
        .into_iter()
        .map(|engine| train(engine, (&arguments, &batches), (&data, &splits)))
        .collect::<Result<_>>()?;
    fs::write(arguments.out.join("engines.json"), serde_json::to_string_pretty(&results)?)?;
    Ok(())
}

fn batches(arguments: &Arguments, data: &LoadedData, splits: &Splits) -> Result<Vec<Batch>> {
    let augmentation = Named::Plain.config().augmentation;
    let source = Source {
        dataset: &data.dataset,
        cache: &data.cache,
        augmentation,
        normalisation: Normalisation::None,
        size: arguments.image_size,
        seed: arguments.seed,
    };
    let mut batches = Vec::new();
    for epoch in 1..=arguments.epochs {
        let images = order(&splits.train, arguments.seed, epoch);
        for cut in loader::cut(&images, arguments.batch_size) {
            batches.push(training_batch(&source, cut, epoch)?);
        }
    }
    Ok(batches)
}

fn network(engine: EngineKind, seed: u64) -> Result<Network> {
    Ok(Network::new(2, &mut stream(seed, Purpose::Weights, [0, 0]), &engine.here())?)
}

/// Losses of every step, then what the last weights score.
fn train(
    engine: EngineKind,
    (arguments, batches): (&Arguments, &[Batch]),
    (data, splits): (&LoadedData, &Splits),
) -> Result<Value> {
    let network = network(engine, arguments.seed)?;
    let mut adam = Adam::new(network.parameters(), Named::Plain.config().learning_rate).with_isa(machine::isa());
    let mut losses = Vec::new();
    for batch in batches {
        losses.push(step((&network, &mut adam), (batch, arguments.image_size), Aim::PLAIN)?.0);
    }
    let inference = network.inference()?;
    let mut accuracy = BTreeMap::new();
    for split in [Split::Validation, Split::Test] {
        let sets = (&data.dataset, &data.cache);
        let answers =
            evaluate::answer(
                (&inference, Look::default()),
                sets,
                splits.of(split),
                &mut |_| ControlFlow::Continue(()),
            )?;
        accuracy.insert(split.name(), evaluate::figures(&data.dataset, &answers).confusion.accuracy());
    }
    Ok(json!({"engine": engine, "losses": losses, "accuracy": accuracy}))
}

/// Weights at the start, training batches and both evaluated splits, as grey levels.
fn write_down(arguments: &Arguments, data: &LoadedData, splits: &Splits, batches: &[Batch]) -> Result<()> {
    let state = network(EngineKind::Plain, arguments.seed)?.state()?;
    weights::save(&arguments.out.join("start.safetensors"), &state, &HashMap::new())?;
    let mut tensors = BTreeMap::new();
    for (index, batch) in batches.iter().enumerate() {
        add(&mut tensors, &format!("batch.{index:05}"), batch, arguments.image_size)?;
    }
    for split in [Split::Validation, Split::Test] {
        let all = evaluation_batch((&data.dataset, &data.cache), splits.of(split), Look::default())?;
        add(&mut tensors, split.name(), &all, arguments.image_size)?;
    }
    weights::save(&arguments.out.join("images.safetensors"), &tensors, &HashMap::new()).context("writing the images")
}

/// Red planes as the grey levels that they were made of, and labels.
fn add(tensors: &mut BTreeMap<String, Tensor>, name: &str, batch: &Batch, size: usize) -> Result<()> {
    let planes = batch.pixels.chunks_exact(size * size).step_by(3).flatten();
    let grey: Vec<f32> = planes.map(|value| ((value * IMAGENET_STD[0] + IMAGENET_MEAN[0]) * 255.0).round()).collect();
    let labels: Vec<i64> = batch.labels.iter().map(|label| i64::from(*label)).collect();
    let count = labels.len();
    tensors.insert(format!("{name}.grey"), Tensor::from_vec(grey, (count, size, size), &Device::Cpu)?);
    tensors.insert(format!("{name}.labels"), Tensor::from_vec(labels, count, &Device::Cpu)?);
    Ok(())
}
