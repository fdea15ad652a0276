//! What computes, whether it computes right, and whether the clock can be right.

use jiff::{SignedDuration, Timestamp};

use super::finding::{Said, ok, problem, warning};
use crate::config::Settings;
use crate::error::Result;
use crate::session::Workplace;
use crate::store::health;
use crate::train::doctor::{Agreement, StepAgreement};
use crate::train::machine;
use crate::units::bytes;

/// What the kernels make use of, or could.
const FEATURES: [&str; 6] = ["avx2", "fma", "f16c", "avx512f", "avx512_vnni", "amx_tile"];

pub fn look(settings: &Settings, place: &Workplace) -> Vec<Said> {
    vec![processor(), instructions(), threads(), memory(settings), clock(place)]
}

fn processor() -> Said {
    let name = machine::processor().unwrap_or_else(|| "a processor that the system does not name".into());
    let features = machine::processor_features();
    let features: Vec<&str> = FEATURES.into_iter().filter(|name| features.iter().any(|own| own == name)).collect();
    ok(if features.is_empty() { name } else { format!("{name}; {}", features.join(" ")) })
}

fn instructions() -> Said {
    let (used, here) = (machine::isa().name(), machine::available_isas());
    let what = format!("kernels for {used}; this processor has {}", here.join(", "));
    match here.first() {
        Some(&"portable") => {
            warning(what, "expect training to be slow: train on smaller images (--image-size), or elsewhere")
        }
        Some(&best) if best != used => warning(what, "leave --isa, XRAY_TUI_ISA and `isa` out to have the fastest"),
        _ => ok(what),
    }
}

fn threads() -> Said {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let threads = machine::compute_threads();
    let what = format!("compute threads: {threads}, cores: {cores}");
    if threads > cores {
        warning(what, "more threads than cores slow each other down: lower --threads")
    } else {
        ok(what)
    }
}

fn memory(settings: &Settings) -> Said {
    let config = &settings.train;
    if let Some(lack) = machine::lack_of_memory(config.engine, config.batch_size, config.image_size) {
        return warning(lack, "train with a smaller --batch-size or --image-size, or end other programs");
    }
    let told = |size: Option<u64>| size.map_or_else(|| "not told by the system".into(), bytes);
    let (all, free) = (told(machine::memory_bytes()), told(machine::available_bytes()));
    ok(format!("memory: {all}, free: {free}"))
}

/// Runs are sorted by their start, and changed images are known by their time.
fn clock(place: &Workplace) -> Said {
    let next = "set the clock: runs are sorted by when they began";
    let now = Timestamp::now();
    let year = now.strftime("%Y").to_string();
    if !("2025".."2100").contains(&year.as_str()) {
        return problem(format!("the clock says it is the year {year}"), next);
    }
    let tomorrow = now.saturating_add(SignedDuration::from_hours(24)).unwrap_or(now);
    let program = std::env::current_exe().and_then(std::fs::metadata).and_then(|facts| facts.modified()).ok();
    let program = program.and_then(|made| Timestamp::try_from(made).ok());
    let newest = health::examine(&place.db).ok().flatten().and_then(|health| health.newest_start);
    let newest = newest.and_then(|start| start.parse::<Timestamp>().ok());
    if [program, newest].into_iter().flatten().any(|when| when > tomorrow) {
        return warning(format!("the clock says {now:.0}, but this program or a run is from later"), next);
    }
    ok(format!("clock: {now:.0}"))
}

pub fn check(answering: &Result<Agreement>, training: &Result<StepAgreement>) -> Vec<Said> {
    let next = format!("choose other kernels than {} with --isa, and please report it", machine::isa().name());
    let judge = |sound: bool, what: String| if sound { ok(what) } else { problem(format!("NOT SOUND: {what}"), &next) };
    let answering = match answering {
        Ok(agreement) => judge(agreement.is_sound(), answered(*agreement)),
        Err(error) => problem(error.to_string(), &next),
    };
    let training = match training {
        Ok(agreement) => judge(agreement.is_sound(), trained(*agreement)),
        Err(error) => problem(error.to_string(), &next),
    };
    vec![answering, training]
}

fn answered(Agreement { with_plain, with_reference }: Agreement) -> String {
    format!(
        "one image of 224 x 224 pixels: its logits differ by {with_plain:.1e} from candle's operations', by \
         {with_reference:.1e} from candle-transformers'"
    )
}

fn trained(StepAgreement { gradients, weights }: StepAgreement) -> String {
    format!(
        "one training step: gradients differ by {gradients:.1e} from candle's operations', the new weights by {weights:.1e}"
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cmd::doctor::finding::Status;

    #[test]
    fn kernels_that_compute_wrong_are_a_problem() {
        let agreement = |by| Ok(Agreement { with_plain: by, with_reference: 1e-6 });
        let step = |by| Ok(StepAgreement { gradients: by, weights: 1e-6 });
        let status = |answering, training| [0, 1].map(|which| check(&answering, &training)[which].status);
        assert_eq!(status(agreement(1e-6), step(1e-5)), [Status::Ok, Status::Ok]);
        assert_eq!(status(agreement(0.5), step(0.5)), [Status::Problem, Status::Problem]);
        assert_eq!(status(agreement(f32::NAN), step(f32::NAN)), [Status::Problem, Status::Problem]);
    }
}
