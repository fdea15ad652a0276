//! Where the run's numbers come from, and how to get them again.

use super::card::{Block, Facts, Section, UNKNOWN, known};
use super::material::Material;
use super::private;
use crate::session::provenance::{self, Git, Machine, Preparation, Program, Provenance};
use crate::store::{NewRun, Run, RunState};
use crate::units::{bytes, count, quoted};

pub fn section(material: &Material) -> Section {
    let run = &material.run;
    let mut blocks = again(run);
    blocks.push(Block::Facts(vec![
        ("SHA-256 of the weights", known(run.weights.as_deref())),
        ("libraries", versions(&run.started.versions)),
    ]));
    match &material.provenance {
        Some(provenance) => blocks.extend(whole(provenance, &run.started)),
        None => blocks.extend([
            Block::Text("This run was made before code, program and machine were kept with it.".into()),
            Block::Facts(vec![("commit", known(run.started.git_commit.as_deref()))]),
        ]),
    }
    Section { title: "Reproducibility and environment", blocks }
}

/// How to repeat it.
fn again(run: &Run) -> Vec<Block> {
    let said = |text: &str| vec![Block::Text(text.into())];
    if run.folds().is_some() {
        return said("Each part is a run of its own, and can be repeated as its own card says.");
    }
    if run.state != RunState::Finished {
        return said("Only a finished run can be repeated.");
    }
    let mut blocks = said("The same images, program, instruction set and settings give the same weights, bit for bit:");
    blocks.push(Block::Command(format!("xray-tui reproduce {}", run.started.id)));
    blocks
}

fn whole(known: &Provenance, run: &NewRun) -> Vec<Block> {
    let mut blocks = Vec::new();
    if provenance::is_intact(run) == Some(false) {
        blocks
            .push(Block::Alarm("The record of this run was changed after it was written: its seal is broken.".into()));
    }
    let argv: Vec<String> = known.argv.iter().map(|word| quoted(&private::word(word))).collect();
    blocks.extend([
        Block::Heading("Command line"),
        Block::Command(argv.join(" ")),
        Block::Heading("Code and program"),
        Block::Facts([git(known.git.as_ref()), program(&known.program)].concat()),
        Block::Heading("Machine"),
        Block::Facts(machine(&known.machine)),
        Block::Heading("Preparation of the images"),
        Block::Facts(preparation(&known.preparation)),
    ]);
    blocks
}

/// `candle-core 0.11.1, gemm 0.19.0`
fn versions(versions: &serde_json::Value) -> String {
    let Some(versions) = versions.as_object() else { return UNKNOWN.into() };
    let said = versions.iter().filter_map(|(name, version)| Some(format!("{name} {}", version.as_str()?)));
    said.collect::<Vec<_>>().join(", ")
}

fn git(git: Option<&Git>) -> Facts {
    let Some(Git { commit, branch, dirty, diff }) = git else {
        return vec![("commit", "none: it was not started in a git repository".into())];
    };
    let lines = diff.as_ref().map_or(0, |diff| diff.lines().count());
    let state =
        if *dirty { format!("changed: a difference of {} lines is kept", count(lines)) } else { "clean".into() };
    vec![("commit", commit.clone()), ("branch", known(branch.as_deref())), ("tracked files", state)]
}

fn program(program: &Program) -> Facts {
    vec![
        ("version", program.version.clone()),
        ("SHA-256 of the executable", known(program.sha256)),
        ("SHA-256 of Cargo.lock", program.lock_sha256.to_string()),
        ("compiler", program.rustc.clone()),
        ("target", format!("{}, profile {}", program.target, program.profile)),
        ("target features", program.target_features.clone()),
    ]
}

fn machine(machine: &Machine) -> Facts {
    vec![
        ("processor", known(machine.cpu.as_deref())),
        ("instruction set of the kernels", machine.isa.clone()),
        ("threads", format!("{} on {} cores", machine.threads, machine.cores)),
        ("memory", known(machine.memory_bytes.map(bytes))),
        ("system", machine.os.clone()),
    ]
}

fn preparation(preparation: &Preparation) -> Facts {
    vec![
        ("steps", preparation.steps.clone()),
        ("SHA-256 of the steps", preparation.sha256.to_string()),
        ("SHA-256 of the pretrained weights", known(preparation.pretrained_sha256)),
    ]
}
