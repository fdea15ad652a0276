//! `xray-tui find-rate`: how the loss answers to a rising learning rate, and which rate that suggests.

use std::process::ExitCode;

use serde_json::json;

use super::narrator::{Narrator, until_end};
use super::{Output, WrongUse};
use crate::cli::FindRateArgs;
use crate::session::{self, Workplace};
use crate::train::TrainConfig;
use crate::train::range_test::{RateCurve, RateEvent, RateOutcome, RatePoint};

/// Lines of the table.
const ROWS: usize = 20;

pub fn run(args: &FindRateArgs, plain: &TrainConfig, place: &Workplace, out: Output) -> anyhow::Result<ExitCode> {
    let handle = session::find_rate(place.clone(), args.recipe.config(plain), args.into())?;
    let mut narrator = Narrator::new(out);
    let outcome = until_end((&handle.events, &handle.control), &mut |event| match event {
        RateEvent::Ended(outcome) => Some(outcome),
        event => {
            tell(&event, &mut narrator, out);
            None
        }
    })?;
    let _ = handle.thread.join();
    match outcome {
        RateOutcome::Done(curve) => {
            out.answer(&json!(curve), || text(&curve))?;
            Ok(ExitCode::SUCCESS)
        }
        RateOutcome::Stopped => anyhow::bail!("stopped before it was done; start again"),
        RateOutcome::Failed(problem) => anyhow::bail!("{problem}"),
        RateOutcome::Refused(problem) => Err(WrongUse(problem).into()),
    }
}

fn tell(event: &RateEvent, narrator: &mut Narrator, out: Output) {
    match event {
        RateEvent::Phase(phase) => narrator.phase(*phase),
        RateEvent::Notice(text) => out.progress(&format!("note: {text}")),
        RateEvent::Point(point) => out.progress(&line(point)),
        RateEvent::Ended(_) => {}
    }
}

fn line(point: &RatePoint) -> String {
    format!("learning rate {:.2e}  loss {:.4}  smoothed {:.4}", point.learning_rate, point.loss, point.smoothed)
}

/// Every few points, and always the suggested one.
fn text(curve: &RateCurve) -> String {
    let every = curve.points.len().div_ceil(ROWS).max(1);
    let is_suggested = |point: &RatePoint| Some(point.learning_rate) == curve.suggestion;
    let shown = curve.points.iter().enumerate().filter(|(at, point)| at % every == 0 || is_suggested(point));
    let rows = shown.map(|(_, point)| {
        let mark = if is_suggested(point) { "  steepest" } else { "" };
        format!("{:>13}{:>10.4}{:>10.4}{mark}", format!("{:.2e}", point.learning_rate), point.loss, point.smoothed)
    });
    let head = format!("{:>13}{:>10}{:>10}", "learning rate", "loss", "smoothed");
    let end = curve.diverged.then(|| "the loss rose too far there: higher rates were not tried".to_owned());
    let suggestion = curve.suggestion.map_or_else(
        || "no rate made the loss fall: try more --steps, or check the data".to_owned(),
        |rate| format!("suggestion: --learning-rate {rate:.1e}, where the smoothed loss falls most steeply"),
    );
    std::iter::once(head).chain(rows).chain(end).chain([suggestion]).collect::<Vec<_>>().join("\n")
}
