//! `xray-tui doctor`: whether this machine computes right and what else may stand in the way. It reads only.

mod computing;
mod finding;
mod material;
mod screen;

use std::process::ExitCode;

use serde_json::{Value, json};

use super::Output;
use crate::config::Settings;
use crate::session::Workplace;
use crate::train::doctor::{Agreement, StepAgreement, examine, examine_training};
use crate::train::machine;
use finding::{Finding, Said, Status};

pub fn run(settings: &Settings, place: &Workplace, out: Output) -> anyhow::Result<ExitCode> {
    let (answering, training) = (examine(), examine_training());
    let sections = [
        ("settings", self::settings(settings)),
        ("terminal", screen::look(settings)),
        ("machine", computing::look(settings, place)),
        ("kernels", computing::check(&answering, &training)),
        ("data", material::data(place)),
        ("cache", material::cache(place)),
        ("database", material::database(place)),
    ];
    let of = |(section, all): (&'static str, Vec<Said>)| all.into_iter().map(move |said| said.of(section));
    let findings: Vec<Finding> = sections.into_iter().flat_map(of).collect();
    let mut value = computed(answering.ok(), training.ok());
    value["findings"] = json!(findings);
    out.answer(&value, || text(&findings))?;
    match findings.iter().filter(|finding| finding.status == Status::Problem).count() {
        0 => Ok(ExitCode::SUCCESS),
        1 => anyhow::bail!("there is a problem: the line with ✗ says what to do"),
        n => anyhow::bail!("there are {n} problems: the lines with ✗ say what to do"),
    }
}

/// What the kernels computed; `null` where they could not.
fn computed(answering: Option<Agreement>, training: Option<StepAgreement>) -> Value {
    let sound = answering.is_some_and(Agreement::is_sound) && training.is_some_and(StepAgreement::is_sound);
    json!({
        "isa": machine::isa().name(),
        "threads": machine::compute_threads(),
        "cpu": machine::processor(),
        "largest_difference": answering.map(Agreement::largest),
        "with_plain": answering.map(|agreement| agreement.with_plain),
        "with_reference": answering.map(|agreement| agreement.with_reference),
        "training": training.map(|step| json!({"gradients": step.gradients, "weights": step.weights})),
        "sound": sound,
    })
}

fn settings(settings: &Settings) -> Vec<Said> {
    let path = settings.place.path.as_ref().map_or_else(|| "–".into(), |path| path.display().to_string());
    let keys = || super::keymap(settings).err().map(|error| error.to_string());
    if let Some(problem) = settings.problem.clone().or_else(keys) {
        let next = "correct it there; `xray-tui config init` writes a file that explains every setting";
        return vec![finding::problem(problem, next)];
    }
    vec![match &settings.file {
        Some(file) => finding::ok(format!("{} is right", file.path.display())),
        None => finding::ok(format!("no file at {path}: everything is at its default")),
    }]
}

fn text(findings: &[Finding]) -> String {
    let mut lines = Vec::new();
    let mut section = "";
    for finding in findings {
        if finding.section != section {
            section = finding.section;
            lines.push(format!("{}{section}", if lines.is_empty() { "" } else { "\n" }));
        }
        lines.push(format!("  {} {}", finding.status.mark(), finding.what));
        lines.extend(finding.next.as_ref().map(|next| format!("      {next}")));
    }
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn findings_are_grouped_and_say_what_to_do() {
        let findings = [
            finding::ok("80 x 24".into()).of("terminal"),
            finding::warning("no mouse".into(), "use keys").of("terminal"),
            finding::problem("full".into(), "free some space").of("database"),
        ];
        let expected =
            "terminal\n  ✓ 80 x 24\n  ! no mouse\n      use keys\n\ndatabase\n  ✗ full\n      free some space";
        assert_eq!(text(&findings), expected);
        let json = json!(findings[1]);
        assert_eq!(json, json!({"section": "terminal", "status": "warning", "what": "no mouse", "do": "use keys"}));
        assert_eq!(json!(findings[0])["do"], Value::Null);
    }
}
