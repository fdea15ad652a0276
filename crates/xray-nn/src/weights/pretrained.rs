//! Starting from weights that others trained: torchvision's files, or a run's own checkpoint.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use candle_core::{DType, Tensor};

use super::{load, pth};
use crate::arch::{FEATURES, HEAD_BIAS, HEAD_WEIGHT};
use crate::{Error, Network, Result};

/// What became of the network's last layer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Head {
    /// It was in the file.
    Loaded,
    /// The file's is for so many other classes: the network keeps its own.
    Kept { classes_in_file: usize },
}

/// Gives the network the weights of a `.safetensors` file or one saved by PyTorch in the zip form (`.pth`), with
/// torchvision's names, `module.` before them or not. A head of another number of classes, as ImageNet's 1000, is left
/// out. On an error the network is as before.
///
/// # Errors
/// Names the file, and the tensor where one is missing, unknown or of another shape.
pub fn load_pretrained(network: &Network, path: &Path) -> Result<Head> {
    let tensors = read(path)?;
    let own = network.state()?;
    let (state, head) = fit(tensors, &own).map_err(|error| error.in_file(path))?;
    network.load_state(&state).map_err(|error| error.in_file(path))?;
    Ok(head)
}

/// Reads by what the file is, whatever it is called.
fn read(path: &Path) -> Result<BTreeMap<String, Tensor>> {
    match &beginning(path).map_err(|error| Error::io("read", path, error))? {
        b"PK" => pth::read(path),
        [0x80, _] => Err(Error::bad_file(path, legacy(path))),
        _ => Ok(load(path)?.0),
    }
}

fn beginning(path: &Path) -> io::Result<[u8; 2]> {
    let mut bytes = Vec::new();
    File::open(path)?.take(2).read_to_end(&mut bytes)?;
    Ok(bytes.try_into().unwrap_or_default())
}

fn legacy(path: &Path) -> String {
    format!(
        "this is PyTorch's format from before version 1.6, which cannot be read; save it again in Python: \
         torch.save(torch.load({:?}, map_location=\"cpu\"), \"weights.pth\")",
        path.display().to_string()
    )
}

/// A network's whole state out of a file's tensors; what the file may lack comes from `own`.
fn fit(tensors: BTreeMap<String, Tensor>, own: &BTreeMap<String, Tensor>) -> Result<(BTreeMap<String, Tensor>, Head)> {
    let mut state = BTreeMap::new();
    for (name, tensor) in tensors {
        let name = name.strip_prefix("module.").unwrap_or(&name).to_owned();
        let tensor = if tensor.dtype().is_float() { tensor.to_dtype(DType::F32)? } else { tensor };
        state.insert(name, tensor);
    }
    // Files from before PyTorch 0.4.1 don't count batches.
    for (name, tensor) in own.iter().filter(|(name, _)| name.ends_with("num_batches_tracked")) {
        state.entry(name.clone()).or_insert_with(|| tensor.clone());
    }
    let head = fit_head(&mut state, own);
    Ok((state, head))
}

fn fit_head(state: &mut BTreeMap<String, Tensor>, own: &BTreeMap<String, Tensor>) -> Head {
    let classes =
        |tensors: &BTreeMap<String, Tensor>| match (tensors.get(HEAD_WEIGHT)?.dims(), tensors.get(HEAD_BIAS)?.dims()) {
            (&[rows, FEATURES], &[values]) if rows == values => Some(rows),
            _ => None,
        };
    match classes(state) {
        Some(classes_in_file) if classes(own) != Some(classes_in_file) => {
            state.extend(
                [HEAD_WEIGHT, HEAD_BIAS].into_iter().filter_map(|name| Some((name.to_owned(), own.get(name)?.clone()))),
            );
            Head::Kept { classes_in_file }
        }
        // A damaged one too: the check that follows names it.
        _ => Head::Loaded,
    }
}
