//! Where a run's numbers come from: code, program, machine and preparation of the images.

use std::path::Path;
use std::process::Command;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::dataset::preparation;
use crate::dataset::version::DataVersion;
use crate::error::{Error, Result};
use crate::metrics::{Fingerprint, Hasher};
use crate::store::NewRun;
use crate::train::{TrainConfig, machine};

/// Differences to the commit beyond this many bytes are cut off.
const LONGEST_DIFF: usize = 1 << 20;

/// All that a run's numbers may depend on beside settings and images.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Provenance {
    /// Of the working folder; `None` outside a repository or without git.
    pub git: Option<Git>,
    pub program: Program,
    pub machine: Machine,
    /// The command line.
    pub argv: Vec<String>,
    pub preparation: Preparation,
    /// The version of the data that DVC tracks; `None` where it tracks none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub data_version: Option<DataVersion>,
}

/// A git state.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Git {
    /// The full commit id.
    pub commit: String,
    /// `None` where no branch is checked out.
    pub branch: Option<String>,
    /// Whether tracked files differ from the commit.
    pub dirty: bool,
    /// How they differ, at most 1 MiB of it.
    pub diff: Option<String>,
}

/// The program that trained.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Program {
    pub version: String,
    /// Of the executable file.
    pub sha256: Option<Fingerprint>,
    /// Of `Cargo.lock`.
    pub lock_sha256: Fingerprint,
    pub rustc: String,
    pub target: String,
    pub profile: String,
    /// What the compiler may use without asking the processor.
    pub target_features: String,
}

/// The machine that trained.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Machine {
    pub cpu: Option<String>,
    /// Those that matter to floating point.
    pub cpu_features: Vec<String>,
    /// The instruction set of the kernels.
    pub isa: String,
    pub cores: usize,
    pub threads: usize,
    pub memory_bytes: Option<u64>,
    pub os: String,
}

/// How images become the network's input, and the weights it starts from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Preparation {
    /// In words; another text means other pixels.
    pub steps: String,
    pub sha256: Fingerprint,
    /// Of the file with pretrained weights.
    pub pretrained_sha256: Option<Fingerprint>,
}

impl Provenance {
    /// Of a run that starts now in this process.
    ///
    /// # Errors
    /// `Io` where the pretrained weights cannot be read.
    pub fn here(config: &TrainConfig) -> Result<Self> {
        Ok(Self {
            git: Git::here(),
            program: Program::here(),
            machine: Machine::here(),
            argv: std::env::args_os().map(|word| word.to_string_lossy().into_owned()).collect(),
            preparation: Preparation::of(config)?,
            data_version: None,
        })
    }
}

/// The key of the seal in a provenance.
const SEAL: &str = "seal";

/// The provenance of `run` as the store keeps it, with a seal over the run's whole record.
#[must_use]
pub fn sealed(provenance: &Provenance, run: &NewRun) -> Value {
    let mut value = json!(provenance);
    value[SEAL] = json!(seal_of(run, &value));
    value
}

/// Whether the run's record is as it was written; `None` for runs of a program that wrote no seal.
#[must_use]
pub fn is_intact(run: &NewRun) -> Option<bool> {
    match &run.provenance {
        // The list of images came with the seal.
        None if run.manifest.is_none() => None,
        None => Some(false),
        Some(provenance) => Some(provenance[SEAL] == json!(seal_of(run, provenance))),
    }
}

/// Over all but the name and the data's folder, which may change.
fn seal_of(run: &NewRun, provenance: &Value) -> Fingerprint {
    let mut bare = provenance.clone();
    if let Some(fields) = bare.as_object_mut() {
        fields.remove(SEAL);
    }
    let record = json!({
        "id": run.id,
        "config": run.config,
        "seed": run.seed,
        "data_hash": run.data_hash,
        "split_hash": run.split_hash,
        "manifest": run.manifest,
        "device": run.device,
        "versions": run.versions,
        "synthetic": run.synthetic,
        "parent": run.parent,
        "git": [json!(run.git_commit), json!(run.git_dirty)],
        "provenance": bare,
    });
    Fingerprint::of(record.to_string().as_bytes())
}

impl Git {
    fn here() -> Option<Self> {
        let commit = ask(&["rev-parse", "HEAD"])?.trim().to_owned();
        let dirty = !ask(&["status", "--porcelain", "--untracked-files=no"])?.trim().is_empty();
        let branch = ask(&["symbolic-ref", "--short", "-q", "HEAD"]).map(|name| name.trim().to_owned());
        let diff = if dirty { ask(&["diff", "HEAD"]).map(|diff| cut(diff, LONGEST_DIFF)) } else { None };
        Some(Self { commit, branch, dirty, diff })
    }
}

pub(super) fn ask(arguments: &[&str]) -> Option<String> {
    let output = Command::new("git").args(arguments).output().ok()?;
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).into_owned())
}

/// At most so many bytes of `text`, whole letters.
fn cut(mut text: String, most: usize) -> String {
    if text.len() > most {
        let end = (0..=most).rev().find(|&end| text.is_char_boundary(end)).unwrap_or(0);
        text.truncate(end);
    }
    text
}

impl Program {
    fn here() -> Self {
        let sha256 = std::env::current_exe().ok().and_then(|file| fingerprint(&file).ok());
        Self {
            version: env!("CARGO_PKG_VERSION").into(),
            sha256,
            lock_sha256: Fingerprint::of(LOCK.as_bytes()),
            rustc: env!("XRAY_TUI_RUSTC").into(),
            target: env!("XRAY_TUI_TARGET").into(),
            profile: env!("XRAY_TUI_PROFILE").into(),
            target_features: env!("XRAY_TUI_TARGET_FEATURES").into(),
        }
    }
}

impl Machine {
    fn here() -> Self {
        Self {
            cpu: machine::processor(),
            cpu_features: machine::processor_features(),
            isa: machine::isa().name().into(),
            cores: std::thread::available_parallelism().map_or(1, usize::from),
            threads: machine::compute_threads(),
            memory_bytes: machine::memory_bytes(),
            os: machine::system(),
        }
    }
}

impl Preparation {
    fn of(config: &TrainConfig) -> Result<Self> {
        let steps = preparation(config.image_size, config.look());
        let pretrained = config.pretrained.as_deref().map(fingerprint).transpose()?;
        Ok(Self { sha256: Fingerprint::of(steps.as_bytes()), steps, pretrained_sha256: pretrained })
    }
}

/// Of a file's content.
///
/// # Errors
/// `Io` where it cannot be read.
pub fn fingerprint(file: &Path) -> Result<Fingerprint> {
    let failed = |error| Error::io("read", file, error);
    let mut reader = std::fs::File::open(file).map_err(failed)?;
    let (mut hasher, mut bytes) = (Hasher::default(), vec![0; 1 << 16]);
    loop {
        match std::io::Read::read(&mut reader, &mut bytes).map_err(failed)? {
            0 => return Ok(hasher.finish()),
            read => hasher.update(&bytes[..read]),
        }
    }
}

const LOCK: &str = include_str!("../../Cargo.lock");

/// The program's version, those of the libraries that decide a run's numbers, as built, and the instructions in use.
#[must_use]
pub fn versions() -> Value {
    json!({
        "xray-tui": env!("CARGO_PKG_VERSION"),
        "isa": machine::isa().name(),
        "candle-core": locked(LOCK, "candle-core"),
        "gemm": locked(LOCK, "gemm"),
        "image": locked(LOCK, "image"),
        "zune-jpeg": locked(LOCK, "zune-jpeg"),
        "fast_image_resize": locked(LOCK, "fast_image_resize"),
    })
}

/// The version of `package` in a lock file's text.
fn locked<'a>(lock: &'a str, package: &str) -> Option<&'a str> {
    let (_, rest) = lock.split_once(&format!("name = \"{package}\"\nversion = \""))?;
    rest.split('"').next()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_name_the_libraries_that_decide_the_numbers() {
        let versions = versions();
        assert!(versions["candle-core"].as_str().unwrap().starts_with("0.11"));
        assert!(versions.as_object().unwrap().values().all(Value::is_string));
    }

    #[test]
    fn a_package_that_is_not_locked_has_no_version() {
        assert_eq!(locked("name = \"a\"\nversion = \"1\"\n", "b"), None);
        assert_eq!(locked("name = \"a\"\nversion = \"1\"\n", "a"), Some("1"));
    }

    #[test]
    fn a_long_difference_is_cut_between_letters() {
        assert_eq!(cut("aé".into(), 2), "a");
        assert_eq!(cut("aé".into(), 3), "aé");
    }

    #[test]
    fn the_provenance_of_a_run_here_is_whole() {
        let here = Provenance::here(&TrainConfig::default()).unwrap();
        assert!(here.program.rustc.starts_with("rustc 1.") && here.program.sha256.is_some());
        assert!(here.machine.threads > 0 && !here.machine.os.is_empty());
        let back: Provenance = serde_json::from_value(json!(here)).unwrap();
        assert_eq!(back, here);
    }
}
