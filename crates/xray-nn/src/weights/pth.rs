//! PyTorch's own files in their zip form, read without ever running the pickled code in them.
//!
//! candle unpickles; its tensors are not used, as it prints what it skips and trusts the numbers in the file.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufReader, Read};
use std::path::Path;

use candle_core::pickle::{Object, Stack};
use candle_core::{DType, Device, Tensor};
use zip::ZipArchive;

use crate::{Error, Result};

type Archive = ZipArchive<BufReader<File>>;

/// Names under which training scripts wrap the tensors.
const WRAPPINGS: [&str; 3] = ["state_dict", "model_state_dict", "model"];

/// Every tensor of a saved `state_dict`, or of one within a dictionary under a usual name, on the CPU.
///
/// # Errors
/// Names the file and what is wrong with it.
pub fn read(path: &Path) -> Result<BTreeMap<String, Tensor>> {
    let file = File::open(path).map_err(|error| Error::io("read", path, error))?;
    let mut archive = ZipArchive::new(BufReader::new(file)).map_err(|error| damaged(path, &error.to_string()))?;
    let pickle = archive.file_names().filter_map(Result::ok).find(|name| name.ends_with("data.pkl"));
    let pickle = pickle.ok_or_else(|| damaged(path, "no data.pkl in it"))?.into_owned();
    let folder = pickle.trim_end_matches("data.pkl").to_owned();
    let pickled = record(&mut archive, &pickle).map_err(|problem| damaged(path, &problem))?;
    let mut tensors = BTreeMap::new();
    for (name, stored) in entries(&pickled).map_err(|problem| Error::bad_file(path, problem))? {
        let read =
            record(&mut archive, &format!("{folder}data/{}", stored.record)).and_then(|bytes| stored.tensor(&bytes));
        tensors.insert(name.clone(), read.map_err(|problem| damaged(path, &format!("tensor {name}: {problem}")))?);
    }
    Ok(tensors)
}

fn damaged(path: &Path, problem: &str) -> Error {
    Error::bad_file(path, format!("damaged, or no PyTorch file ({problem}); copy it again or choose another"))
}

/// A record's bytes, their checksum checked.
fn record(archive: &mut Archive, name: &str) -> Result<Vec<u8>, String> {
    let mut bytes = Vec::new();
    let mut file = archive.by_name(name).map_err(|error| format!("{name}: {error}"))?;
    file.read_to_end(&mut bytes).map_err(|error| format!("{name}: {error}"))?;
    Ok(bytes)
}

/// The names and places of the pickled dictionary's tensors; other entries are left out.
fn entries(pickled: &[u8]) -> Result<Vec<(String, Stored)>, String> {
    let mut stack = Stack::empty();
    let mut rest = pickled;
    stack.read_loop(&mut rest).map_err(|error| format!("its pickle cannot be read ({error})"))?;
    let object = stack.finalize().map_err(|error| error.to_string())?;
    let Object::Dict(entries) = object else {
        return Err("it holds no dictionary of tensors; save model.state_dict(), not the model itself".to_owned());
    };
    let entry = |(name, value): (Object, Object)| Some((name.unicode().ok()?, Stored::parse(value)?));
    let tensors: Vec<_> = unwrapped(entries).into_iter().filter_map(entry).collect();
    if tensors.is_empty() { Err("it holds no tensors; save model.state_dict()".to_owned()) } else { Ok(tensors) }
}

fn unwrapped(mut entries: Vec<(Object, Object)>) -> Vec<(Object, Object)> {
    let wraps = |(name, value): &(Object, Object)| matches!((name, value), (Object::Unicode(name), Object::Dict(_)) if WRAPPINGS.contains(&name.as_str()));
    match entries.iter().position(wraps).map(|place| entries.swap_remove(place)) {
        Some((_, Object::Dict(inner))) => inner,
        _ => entries,
    }
}

/// Where a tensor's values lie; the counts are in elements.
#[derive(Debug, PartialEq)]
struct Stored {
    record: String,
    dtype: DType,
    offset: usize,
    shape: Vec<usize>,
    strides: Vec<usize>,
}

impl Stored {
    /// From the call that would rebuild the tensor; `None` if it is another call.
    fn parse(value: Object) -> Option<Self> {
        let (callable, arguments) = value.reduce().ok()?;
        let (module, function) = callable.class().ok()?;
        let mut arguments = arguments.tuple().ok()?.into_iter();
        match (module.as_str(), function.as_str()) {
            ("torch._utils", "_rebuild_tensor_v2") => Self::parse_arguments(arguments),
            ("torch._utils", "_rebuild_parameter") => Self::parse(arguments.next()?),
            _ => None,
        }
    }

    /// The arguments: (storage, offset, shape, strides, ...), the storage being ("storage", type, record, ...).
    fn parse_arguments(mut arguments: impl Iterator<Item = Object>) -> Option<Self> {
        let mut storage = arguments.next()?.persistent_load().ok()?.tuple().ok()?.into_iter();
        let (_, class) = storage.nth(1)?.class().ok()?;
        Some(Self {
            record: storage.next()?.unicode().ok()?,
            dtype: dtype(&class)?,
            offset: count(arguments.next()?)?,
            shape: arguments.next()?.tuple().ok()?.into_iter().map(count).collect::<Option<_>>()?,
            strides: arguments.next()?.tuple().ok()?.into_iter().map(count).collect::<Option<_>>()?,
        })
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

fn count(number: Object) -> Option<usize> {
    number.int_or_long().ok().and_then(|number| usize::try_from(number).ok())
}

fn dtype(storage: &str) -> Option<DType> {
    match storage {
        "FloatStorage" => Some(DType::F32),
        "DoubleStorage" => Some(DType::F64),
        "HalfStorage" => Some(DType::F16),
        "BFloat16Storage" => Some(DType::BF16),
        "LongStorage" => Some(DType::I64),
        _ => None,
    }
}
