//! `xray-tui doctor`: whether this machine computes right, and with what.

use std::process::ExitCode;

use serde_json::{Value, json};

use super::Output;
use crate::train::doctor::{Agreement, examine};
use crate::train::machine;

pub fn run(out: Output) -> anyhow::Result<ExitCode> {
    let agreement = examine()?;
    let value = json!({
        "isa": machine::isa().name(),
        "threads": machine::compute_threads(),
        "cpu": machine::processor(),
        "largest_difference": agreement.largest(),
        "with_plain": agreement.with_plain,
        "with_reference": agreement.with_reference,
        "sound": agreement.is_sound(),
    });
    out.answer(&value, || text(&value, agreement))?;
    if agreement.is_sound() {
        return Ok(ExitCode::SUCCESS);
    }
    anyhow::bail!(
        "the kernels for {} do not compute what they should: choose others with --isa, and please report it",
        machine::isa().name()
    )
}

fn text(value: &Value, agreement: Agreement) -> String {
    let Agreement { with_plain, with_reference } = agreement;
    format!(
        "processor           {}\ninstructions        {}\nthreads             {}\n\
         one image of 224 x 224 pixels through this program's kernels, largest relative difference of a logit\n  \
         from candle's operations     {with_plain:.1e}\n  from candle-transformers     {with_reference:.1e}\n{}",
        value["cpu"].as_str().unwrap_or("unknown"),
        value["isa"].as_str().unwrap_or_default(),
        value["threads"],
        if agreement.is_sound() { "sound: rounding explains that" } else { "NOT SOUND" },
    )
}
