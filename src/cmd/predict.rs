//! `xray-tui predict`: answers for image files.

use std::io::IsTerminal;
use std::path::Path;
use std::process::ExitCode;

use serde_json::{Value, json};

use super::{Output, open_store, trained};
use crate::cli::PredictArgs;
use crate::dataset::GreyImage;
use crate::metrics::Threshold;
use crate::predict::{Prediction, Predictor, image_files, read_picture};
use crate::session::Workplace;
use crate::store::{Run, Store};

pub fn run(args: &PredictArgs, place: &Workplace, out: Output) -> anyhow::Result<ExitCode> {
    let files = image_files(&args.paths)?;
    let store = open_store(place)?;
    let run = choose(&store, args.run.as_deref())?;
    let champion = store.champion()?.filter(|champion| champion.new.run_id == run.started.id);
    let version = champion.map(|champion| champion.version);
    let predictor = Predictor::load(&store.run_folder(&run.started.id))?;
    let answers: Vec<(Value, bool)> =
        files.iter().map(|file| answer(&predictor, (file, run.threshold()), args.show, out)).collect();
    let answered = answers.iter().any(|(_, good)| *good);
    let predictions: Vec<Value> = answers.into_iter().map(|(value, _)| value).collect();
    let value = json!({
        "run_id": run.started.id,
        "name": run.started.name,
        "champion": version.is_some(),
        "model_version": version,
        "threshold": run.threshold().probability(),
        "predictions": predictions,
    });
    out.answer(&value, || text((&run, version), &predictions))?;
    if answered { Ok(ExitCode::SUCCESS) } else { anyhow::bail!("none of the {} files could be read", files.len()) }
}

/// The run that was named; else the champion, else the best finished one, else the newest.
fn choose(store: &Store, named: Option<&str>) -> anyhow::Result<Run> {
    match named {
        Some(name) => trained(store.resolve(name)?),
        None => match store.champion_run()? {
            Some(champion) => Ok(champion),
            None => trained(store.resolve("best").or_else(|_| store.resolve("last"))?),
        },
    }
}

fn answer(predictor: &Predictor, (file, threshold): (&Path, Threshold), show: bool, out: Output) -> (Value, bool) {
    let answered = read_picture(file).and_then(|picture| {
        let prediction = predictor.predict(&picture).map_err(|error| error.to_string())?;
        if show {
            display(&picture, out);
        }
        Ok(prediction)
    });
    match answered {
        Ok(prediction) => (prediction_json(file, prediction, threshold), true),
        Err(problem) => (json!({"file": file.to_string_lossy(), "error": problem}), false),
    }
}

/// Shows the picture in half blocks, which every terminal has and which asks the terminal nothing.
fn display(picture: &GreyImage, out: Output) {
    if !std::io::stdout().is_terminal() {
        return;
    }
    let (Ok(width), Ok(height)) = (u32::try_from(picture.width), u32::try_from(picture.height)) else { return };
    let Some(grey) = image::GrayImage::from_raw(width, height, picture.pixels.clone()) else { return };
    let config = viuer::Config {
        absolute_offset: false,
        height: Some(20),
        use_kitty: false,
        use_iterm: false,
        use_sixel: false,
        ..viuer::Config::default()
    };
    if let Err(error) = viuer::print(&image::DynamicImage::ImageLuma8(grey), &config) {
        out.progress(&format!("cannot show the picture: {error}"));
    }
}

fn prediction_json(file: &Path, prediction: Prediction, threshold: Threshold) -> Value {
    let label = prediction.class(threshold).name();
    let (probability, disagreement) = (prediction.probability(), prediction.disagreement);
    json!({"file": file.to_string_lossy(), "label": label, "probability": probability, "disagreement": disagreement})
}

fn text((run, version): (&Run, Option<i64>), predictions: &[Value]) -> String {
    let mut lines = vec![format!(
        "{}  {}{}  PNEUMONIA above p {:.3}",
        run.started.name,
        run.started.id,
        version.map_or_else(String::new, |version| format!("  champion, version {version}")),
        run.threshold().probability()
    )];
    lines.extend(predictions.iter().map(|value| {
        // A line break in a name would look like another answer.
        let file = value["file"].as_str().unwrap_or_default().replace('\n', "\u{fffd}");
        match value["error"].as_str() {
            Some(problem) => format!("unreadable          {file}: {problem}"),
            None => format!(
                "{:<10}p {:.3}{}   {file}",
                value["label"].as_str().unwrap_or_default(),
                value["probability"].as_f64().unwrap_or_default(),
                value["disagreement"].as_f64().map_or_else(String::new, |by| format!(" ± {by:.3}")),
            ),
        }
    }));
    lines.push("Research use only, not for clinical use.".into());
    lines.join("\n")
}
