//! PyTorch's own files, in and out, without ever running the pickled code in them.
//!
//! Since PyTorch 1.6 they are zip archives: `data.pkl` says what there is, `data/<key>` holds a storage's values. Before,
//! they were pickles one behind the other, then the storages. PyTorch's `torch/serialization.py` is the description.

mod legacy;
mod zipped;

use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};

use candle_core::{DType, Device, Tensor};

use super::pickle::{self, Pickle};
use crate::{Error, Result};
pub use zipped::save;

/// Names under which training scripts wrap the tensors.
const WRAPPINGS: [&str; 3] = ["state_dict", "model_state_dict", "model"];
/// Bytes that a file may say about its tensors; a ResNet-18's says 20,000.
const LONGEST_PICKLE: u64 = 16 << 20;
/// What to do with a file that holds more than tensors.
const SAVE_TENSORS: &str = "in Python, torch.save(model.state_dict(), \"weights.pth\") writes one that can be read";

/// Where a tensor's values lie; the counts are in elements.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stored {
    storage: String,
    pub dtype: DType,
    offset: usize,
    pub shape: Vec<usize>,
    strides: Vec<usize>,
}

/// A file, read as far as the names and shapes of its tensors.
#[derive(Debug)]
pub struct PthFile {
    path: PathBuf,
    pub tensors: BTreeMap<String, Stored>,
    values: Values,
}

#[derive(Debug)]
enum Values {
    Zip(Box<zipped::Archive>),
    Legacy(legacy::Storages),
}

impl PthFile {
    /// Reads what a file in the zip form says about its tensors.
    ///
    /// # Errors
    /// Names the file and what is wrong with it, or which code it would run.
    pub fn open_zip(path: &Path) -> Result<Self> {
        let mut archive = zipped::Archive::open(path)?;
        let pickled = archive.pickle().map_err(|problem| damaged(path, &problem))?;
        let tensors = Pickle::read(&pickled).and_then(|pickle| list(&pickle)).map_err(|problem| bad(path, &problem))?;
        Ok(Self { path: path.to_owned(), tensors, values: Values::Zip(Box::new(archive)) })
    }

    /// The same of a file in the form from before PyTorch 1.6.
    ///
    /// # Errors
    /// As [`PthFile::open_zip`].
    pub fn open_legacy(path: &Path) -> Result<Self> {
        let (tensors, storages) = legacy::open(path)?;
        Ok(Self { path: path.to_owned(), tensors, values: Values::Legacy(storages) })
    }

    /// The values of the tensors called so, on the CPU; each storage is read once.
    ///
    /// # Errors
    /// Names the file and what is wrong with it.
    pub fn read(&mut self, names: &[&str]) -> Result<BTreeMap<String, Tensor>> {
        let mut of_storage: HashMap<&str, Vec<(&str, &Stored)>> = HashMap::new();
        for (name, stored) in names.iter().filter_map(|name| self.tensors.get_key_value(*name)) {
            of_storage.entry(&stored.storage).or_default().push((name, stored));
        }
        let mut tensors = BTreeMap::new();
        for (key, wanted) in of_storage {
            let bytes = match &mut self.values {
                Values::Zip(archive) => archive.storage(key),
                Values::Legacy(storages) => storages.read(key),
            };
            let bytes = bytes.map_err(|problem| damaged(&self.path, &problem))?;
            for (name, stored) in wanted {
                let problem = |problem: String| damaged(&self.path, &format!("tensor {name}: {problem}"));
                tensors.insert(name.to_owned(), stored.tensor(&bytes).map_err(problem)?);
            }
        }
        Ok(tensors)
    }
}

fn damaged(path: &Path, problem: &str) -> Error {
    Error::bad_file(path, format!("damaged, or no PyTorch file ({problem}); copy it again or choose another"))
}

/// What the pickle says is no accident.
fn bad(path: &Path, problem: &str) -> Error {
    Error::bad_file(path, format!("{problem}; nothing was run, and the file was not used: {SAVE_TENSORS}"))
}

/// The tensors of the pickled dictionary; other entries are left out, and those of types that candle has not.
fn list(pickle: &Pickle<'_>) -> Result<BTreeMap<String, Stored>, String> {
    let tensors = pickle.tensors(&WRAPPINGS).ok_or("it holds no dictionary of tensors")?;
    let stored = |(name, tensor): (&str, &pickle::Tensor<'_>)| Some((name.to_owned(), Stored::of(tensor)?));
    let stored: BTreeMap<String, Stored> = tensors.into_iter().filter_map(stored).collect();
    if stored.is_empty() { Err("it holds no tensors".to_owned()) } else { Ok(stored) }
}

impl Stored {
    fn of(tensor: &pickle::Tensor<'_>) -> Option<Self> {
        let pickle::Tensor { storage, offset, shape, strides } = tensor.clone();
        let offset = storage.start.checked_add(offset)?;
        Some(Self { storage: storage.key.to_owned(), dtype: storage.elements.dtype()?, offset, shape, strides })
    }

    fn tensor(&self, bytes: &[u8]) -> Result<Tensor, String> {
        let size = self.dtype.size_in_bytes();
        let places = self.places(bytes.len() / size).ok_or("its shape does not fit its values")?;
        let values: Vec<u8> =
            places.iter().flat_map(|place| &bytes[place * size..(place + 1) * size]).copied().collect();
        let tensor = Tensor::from_raw_buffer(&values, self.dtype, &self.shape, &Device::Cpu);
        tensor.map_err(|error| error.to_string())
    }

    /// Where each element lies, row by row; `None` unless all lie within so many stored ones.
    fn places(&self, stored: usize) -> Option<Vec<usize>> {
        let elements = self.shape.iter().try_fold(1_usize, |product, size| product.checked_mul(*size))?;
        if elements == 0 || elements > stored || self.shape.len() != self.strides.len() {
            return None;
        }
        let axes = || self.shape.iter().zip(&self.strides);
        let last = axes().try_fold(self.offset, |place, (size, stride)| {
            place.checked_add(size.checked_sub(1)?.checked_mul(*stride)?)
        });
        last.filter(|last| *last < stored)?;
        Some(axes().fold(vec![self.offset], |places, (&size, &stride)| {
            places.iter().flat_map(|place| (0..size).map(move |index| place + index * stride)).collect()
        }))
    }
}
