//! A run in one file: its record, its best weights and, where it began with others, those.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use candle_core::{Device, Tensor};
use xray_nn::weights;

use super::sealed::{self, open};
use super::{MODEL, RECORD, best_path, prefixed, stripped};
use crate::error::{Error, Result};

/// The notes of `best.safetensors`, in the bundle's.
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
    let best = serde_json::json!(notes).to_string();
    sealed::save(path, &all, HashMap::from([(RECORD.into(), record.to_owned()), (BEST.into(), best)]))
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
    let ((tensors, mut notes), whole) = open(path)?;
    if !whole {
        return Err(bad("is damaged: copy it again from where it was exported"));
    }
    let not_ours = || bad("is no bundle: `xray-tui runs export RUN --bundle FILE` makes one");
    let best = notes.remove(BEST).ok_or_else(not_ours)?;
    let record = notes.remove(RECORD).ok_or_else(not_ours)?;
    let best: HashMap<String, String> = serde_json::from_str(&best).map_err(|_| not_ours())?;
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
