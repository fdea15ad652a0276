//! A run in one file: its record, its best weights and, where it began with others, those.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use candle_core::{Device, Tensor};
use serde_json::Value;
use xray_nn::weights;

use super::sealed::{self, open};
use super::{MODEL, RECORD, best_path, prefixed, stripped};
use crate::error::{Error, Result};

/// The run's record, and the notes of its `best.safetensors`.
const RUN: &str = "run";
const BEST: &str = "best";
/// The tensor with the bytes of the file that the run began with.
const PRETRAINED: &str = "pretrained";

/// Writes a bundle to `path`: `record`, the weights of the run in `folder`, the content of `pretrained`.
///
/// # Errors
/// Where a file cannot be read or written, or the run's weights are damaged.
pub fn pack(path: &Path, record: &str, (folder, pretrained): (&Path, Option<&Path>)) -> Result<()> {
    let (tensors, notes) = sealed::load(&best_path(folder))?;
    let mut all = prefixed(MODEL, tensors);
    if let Some(file) = pretrained {
        let bytes = std::fs::read(file).map_err(|error| Error::io("read the pretrained weights", file, error))?;
        let length = bytes.len();
        let tensor = Tensor::from_vec(bytes, length, &Device::Cpu).map_err(xray_nn::Error::from)?;
        all.insert(PRETRAINED.into(), tensor);
    }
    // Both in one note, which has a checksum.
    let record = serde_json::json!({RUN: record, BEST: notes}).to_string();
    sealed::seal(path, &all, record)
}

/// What was in a bundle.
#[derive(Debug)]
pub struct Unpacked {
    pub record: String,
    /// The file with the weights that the run began with.
    pub pretrained: Option<PathBuf>,
}

/// Reads a bundle and writes its files into `folder`: `best.safetensors` and, under `name`, the pretrained weights.
///
/// # Errors
/// Where the file is no bundle or damaged, or the folder cannot be written.
pub fn unpack(path: &Path, (folder, name): (&Path, &str)) -> Result<Unpacked> {
    let bad = |problem: &str| Error::Checkpoint { path: path.to_owned(), problem: problem.to_owned() };
    let damaged = || bad("is damaged, or no bundle: copy it again from where `xray-tui runs export` wrote it");
    let ((tensors, notes), whole) = open(path).map_err(|error| match error {
        Error::Checkpoint { .. } => damaged(),
        other => other,
    })?;
    if !whole {
        return Err(damaged());
    }
    let read = notes.get(RECORD).and_then(|note| serde_json::from_str::<Value>(note).ok()).ok_or_else(damaged)?;
    let record = read[RUN].as_str().ok_or_else(damaged)?.to_owned();
    let best: HashMap<String, String> = serde_json::from_value(read[BEST].clone()).map_err(|_| damaged())?;
    weights::save(&best_path(folder), &stripped(MODEL, &tensors), &best)?;
    let pretrained = tensors.get(PRETRAINED).map(|tensor| write(tensor, &folder.join(name))).transpose()?;
    Ok(Unpacked { record, pretrained })
}

fn write(tensor: &Tensor, path: &Path) -> Result<PathBuf> {
    let bytes = tensor.to_vec1::<u8>().map_err(xray_nn::Error::from)?;
    std::fs::write(path, bytes).map_err(|error| Error::io("write", path, error))?;
    Ok(path.to_owned())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    #[test]
    fn what_is_no_bundle_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("some.safetensors");
        let tensors =
            BTreeMap::from([("a".to_owned(), Tensor::zeros(2, candle_core::DType::F32, &Device::Cpu).unwrap())]);
        weights::save(&path, &tensors, &HashMap::new()).unwrap();
        let said = unpack(&path, (folder.path(), "pretrained")).unwrap_err().to_string();
        assert!(said.contains("some.safetensors"), "{said}");
        std::fs::write(&path, "no tensors at all").unwrap();
        assert!(unpack(&path, (folder.path(), "pretrained")).unwrap_err().to_string().contains("some.safetensors"));
    }
}
