//! `xray-tui weights`: a run's weights for other programs, and others' weights to start from.

use std::path::Path;
use std::process::ExitCode;

use serde_json::{Value, json};

use super::{Output, open_store, trained};
use crate::cli::{PublicWeights, WeightsCommand};
use crate::error::Error;
use crate::interop::weights::{self as remote, Order};
use crate::session::Workplace;
use crate::train::weights::{self, Description, Format, RESNET18};
use crate::units::{bytes, count};

pub fn run(command: &WeightsCommand, place: &Workplace, out: Output) -> anyhow::Result<ExitCode> {
    match command {
        WeightsCommand::Export { run, out: path, format, force } => {
            export(run, (path, format.map(Format::from), *force), place, out)?;
        }
        WeightsCommand::Show { file } => show(file, out)?,
        WeightsCommand::Fetch { name: PublicWeights::Resnet18, out: file, url, sha256, force } => {
            let url = url.as_deref().unwrap_or(RESNET18.url);
            let usual = RESNET18.path(&place.cache, url);
            let file = file.as_ref().unwrap_or(&usual);
            let sha256 = sha256.as_deref().or_else(|| sha256_of(url));
            fetch(&Order { url, file, sha256 }, (*force, *file == usual), out)?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// All of it where the name in the address is that of the public weights, else as much as the name tells.
fn sha256_of(url: &str) -> Option<&str> {
    let digits = remote::sha256_in_name(url)?;
    Some(if RESNET18.sha256.starts_with(digits) { RESNET18.sha256 } else { digits })
}

fn export(
    run: &str,
    (path, format, force): (&Path, Option<Format>, bool),
    place: &Workplace,
    out: Output,
) -> anyhow::Result<()> {
    let refused =
        |problem: &str| Error::BadSetting { setting: "out", problem: format!("{} {problem}", path.display()) };
    let untold = || refused("does not tell its format by its ending: add --format safetensors, pth or onnx");
    let format = format.or_else(|| Format::of(path)).ok_or_else(untold)?;
    let store = open_store(place)?;
    let run = trained(store.resolve(run)?)?;
    let id = &run.started.id;
    let folder = store.run_folder(id);
    if folder.parent().is_some_and(|runs| is_within(path, runs)) {
        return Err(refused("lies among the runs' own files: choose another folder").into());
    }
    if path.exists() && !force {
        return Err(refused("is there already: --force overwrites it").into());
    }
    let written = weights::export(&folder, (format, path), run.threshold())?;
    let size = std::fs::metadata(path).map_or(0, |facts| facts.len());
    let value = json!({
        "run_id": id,
        "file": path.to_string_lossy(),
        "format": format.name(),
        "bytes": size,
        "image_size": written.image_size,
        "threshold": run.threshold().probability(),
        "weights_sha256": written.weights.to_string(),
    });
    out.answer(&value, || {
        let next = match format {
            Format::Pth => "in Python: torchvision.models.resnet18(num_classes=2).load_state_dict(torch.load(FILE, weights_only=True))",
            Format::Safetensors => {
                "in Python: torchvision.models.resnet18(num_classes=2).load_state_dict(safetensors.torch.load_file(FILE))"
            }
            Format::Onnx => "takes pixel_values (N, 3, S, S), gives logits and probabilities; its metadata says how to prepare images",
        };
        format!(
            "{}  {}  weights of {}  {id}\n{next}\nResearch use only, not for clinical use.",
            path.display(),
            bytes(size),
            run.started.name
        )
    })?;
    Ok(())
}

/// Whether a file there would lie in the folder of all `runs` or in that of one of them, wherever links lead.
fn is_within(path: &Path, runs: &Path) -> bool {
    let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let Ok(parent) = parent.canonicalize() else { return false };
    let each = runs.read_dir().into_iter().flatten().filter_map(|entry| Some(entry.ok()?.path()));
    let mut folders = std::iter::once(runs.to_owned()).chain(each);
    folders.any(|folder| folder.canonicalize().is_ok_and(|folder| parent.starts_with(folder)))
}

fn show(file: &Path, out: Output) -> anyhow::Result<()> {
    let found = weights::describe(file)?;
    let tensor =
        |(name, dtype, shape): &(String, &str, Vec<usize>)| json!({"name": name, "dtype": dtype, "shape": shape});
    let value = json!({
        "file": file.to_string_lossy(),
        "format": found.format,
        "parameters": found.parameters,
        "classes": found.classes,
        "pretrained": found.fit.is_ok(),
        "head": found.fit.as_ref().ok().map(|loaded| if *loaded { "loaded" } else { "new" }),
        "problem": found.fit.as_ref().err(),
        "notes": found.notes,
        "tensors": found.tensors.iter().map(tensor).collect::<Vec<Value>>(),
    });
    out.answer(&value, || text(file, &found))?;
    Ok(())
}

/// The tensors, and below them what they come to.
fn text(file: &Path, found: &Description) -> String {
    let widest = found.tensors.iter().map(|(name, ..)| name.chars().count()).max().unwrap_or(0).min(60);
    let row = |(name, dtype, shape): &(String, &str, Vec<usize>)| format!("{name:<widest$}  {dtype:<4}  {shape:?}");
    let mut lines: Vec<String> = found.tensors.iter().map(row).collect();
    let many = |number: usize, one: &'static str, more: &'static str| {
        format!("{} {}", count(number), if number == 1 { one } else { more })
    };
    let classes = found.classes.map_or_else(String::new, |classes| format!(", {}", many(classes, "class", "classes")));
    lines.push(format!(
        "\n{}  {}, {}, {}{classes}",
        file.display(),
        found.format,
        many(found.tensors.len(), "tensor", "tensors"),
        many(found.parameters, "parameter", "parameters")
    ));
    lines.push(match &found.fit {
        Ok(true) => "`xray-tui train --pretrained` takes it, with its last layer".to_owned(),
        Ok(false) => "`xray-tui train --pretrained` takes it; the last layer starts anew, for two classes".to_owned(),
        Err(problem) => format!("`xray-tui train --pretrained` does not take it: {problem}"),
    });
    lines.join("\n")
}

/// Where the file is the usual one, its name alone is enough for `--pretrained`.
fn fetch(order: &Order<'_>, (force, is_usual): (bool, bool), out: Output) -> anyhow::Result<()> {
    let (url, file) = (order.shown_url(), order.file);
    let shown = file.display();
    let value = |(sha256, size, resumed_at): (String, u64, u64), fetched: bool| {
        json!({
            "name": RESNET18.name,
            "file": file.to_string_lossy(),
            "url": url,
            "sha256": sha256,
            "bytes": size,
            "resumed_at": resumed_at,
            "fetched": fetched,
        })
    };
    if file.exists() && !force {
        let Some(sha256) = remote::is_kept(order)? else {
            let problem = format!("{shown} is there already and is something else: --force overwrites it");
            return Err(Error::BadSetting { setting: "out", problem }.into());
        };
        let size = std::fs::metadata(file).map_or(0, |facts| facts.len());
        out.answer(&value((sha256.to_string(), size, 0), false), || {
            format!("{shown} is there already; --force gets it again")
        })?;
        return Ok(());
    }
    out.progress(&format!("fetching {url}, about {}", bytes(RESNET18.about_bytes)));
    let done = remote::fetch(order, &mut telling(out))?;
    if order.sha256.is_none() {
        out.progress(
            "note: nothing says which SHA-256 it must have: compare it with its publisher's, or give --sha256",
        );
    }
    out.answer(&value((done.sha256.to_string(), done.bytes, done.resumed_at), true), || {
        let named = if is_usual { RESNET18.name.to_owned() } else { shown.to_string() };
        format!(
            "{shown}  {}  SHA-256 {}\nstart from it with `xray-tui train --pretrained {named}`",
            bytes(done.bytes),
            done.sha256
        )
    })?;
    Ok(())
}

/// Tells how much has come, at every tenth and at the end, or at every 5 MB where nobody knows how much it will be.
fn telling(out: Output) -> impl FnMut(u64, Option<u64>) {
    let mut told = 0;
    move |length, total| {
        let step = total.map_or(5_000_000, |total| total.div_ceil(10)).max(1);
        // What is left over makes the last part a little shorter than the others.
        let part = if total == Some(length) { u64::MAX } else { length / step };
        if part != told {
            told = part;
            let of = total.map_or_else(String::new, |total| format!(" of {}", bytes(total)));
            out.progress(&format!("fetched {}{of}", bytes(length)));
        }
    }
}
