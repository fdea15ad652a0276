//! `xray-tui train`: a run without a screen.

use std::process::ExitCode;

use serde_json::{Value, json};

use super::narrator::{Narrator, follow};
use super::{Output, WrongUse, detach, run_json};
use crate::cli::TrainArgs;
use crate::session::labels::Labels;
use crate::session::{self, Start, Workplace};
use crate::store::Store;
use crate::train::{Outcome, TrainConfig, checkpoint};
use crate::units::share;

pub fn run(args: &TrainArgs, plain: &TrainConfig, place: &Workplace, out: Output) -> anyhow::Result<ExitCode> {
    if args.detach {
        return detach::start(&place.db, "train", out);
    }
    let config = args.recipe.config(plain);
    config.validate()?;
    let store = Store::open(&place.db)?;
    store.mark_crashed()?;
    let start = match &args.resume {
        Some(name) => Start::Resume { run_id: store.resolve(name)?.started.id },
        None => Start::New {
            name: args.name.clone(),
            labels: Labels { note: args.note.clone(), tags: args.tag.clone() },
            config: Box::new(config),
        },
    };
    let handle = session::start(place.clone(), start)?;
    let mut narrator = Narrator::new(out);
    let outcome = follow(&handle, &mut |event| narrator.tell(event))?;
    let _ = handle.thread.join();
    report(&outcome, narrator.run_id.as_deref(), &store, out)
}

fn report(outcome: &Outcome, run_id: Option<&str>, store: &Store, out: Output) -> anyhow::Result<ExitCode> {
    let Some(run_id) = run_id else {
        match outcome {
            Outcome::Refused(problem) => return Err(WrongUse(problem.clone()).into()),
            Outcome::Failed(problem) => anyhow::bail!("{problem}"),
            _ => anyhow::bail!("stopped before training began; start again"),
        }
    };
    let value = answer(store, run_id)?;
    match outcome {
        Outcome::Finished { .. } => {
            out.answer(&value, || summary(&value))?;
            Ok(ExitCode::SUCCESS)
        }
        Outcome::Stopped => {
            if out.json {
                out.answer(&value, String::new)?;
            }
            anyhow::bail!("run {run_id} was stopped; go on with `xray-tui train --resume {run_id}`")
        }
        Outcome::Failed(problem) | Outcome::Refused(problem) => {
            if out.json {
                out.answer(&value, String::new)?;
            }
            anyhow::bail!("{problem}")
        }
    }
}

pub(super) fn answer(store: &Store, run_id: &str) -> anyhow::Result<Value> {
    let run = store.run(run_id)?;
    let mut value = run_json(&run);
    value["epochs"] = json!(run.epochs_done);
    let best = store.epochs(run_id)?.into_iter().find(|epoch| Some(epoch.epoch) == run.best_epoch);
    value["best_val_shifted_auc"] = json!(best.and_then(|best| best.harder_auc()));
    value["checkpoint"] = json!(checkpoint::best_path(&store.run_folder(run_id)).to_string_lossy());
    Ok(value)
}

pub(super) fn summary(value: &Value) -> String {
    let figure = |key: &str| share(value[key].as_f64());
    format!(
        "{}  {}\nbest epoch      {}  validation accuracy {}  harder AUC {}\ntest accuracy   {}  precision {}  recall {}  F1 {}\ncheckpoint      {}",
        value["name"].as_str().unwrap_or_default(),
        value["run_id"].as_str().unwrap_or_default(),
        value["best_epoch"],
        figure("best_val_accuracy"),
        figure("best_val_shifted_auc"),
        figure("test_accuracy"),
        figure("test_precision"),
        figure("test_recall"),
        figure("test_f1"),
        value["checkpoint"].as_str().unwrap_or_default(),
    )
}
