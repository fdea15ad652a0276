//! Tensors in and out of files: safetensors with torchvision's names, PyTorch's own files, and ONNX models to run elsewhere.
//!
//! The format of safetensors: eight bytes with the header's length, the header in JSON, the values
//! (<https://github.com/huggingface/safetensors>).

mod file;
pub mod onnx;
mod pickle;
mod pretrained;
mod pth;
#[cfg(test)]
mod tests;

use std::cmp::Reverse;
use std::collections::{BTreeMap, HashMap};
use std::fs::{self, File};
use std::io::{self, BufWriter, Read, Write};
use std::path::{Path, PathBuf};

use candle_core::{CpuStorage, DType, Device, Storage, Tensor};
use rayon::prelude::*;
use safetensors::SafeTensors;
use safetensors::tensor::{Dtype, TensorView};
use serde_json::{Map, Value, json};

use crate::kernel::buffer::Buffer;
use crate::simd::Block;
use crate::{Error, Result, arch, check};
pub use file::Format;
pub use pretrained::{Description, Head, describe, load_pretrained};

/// Notes in a file's header, by name.
pub type Metadata = HashMap<String, String>;

/// Writes tensors (f32, i64 or u8) and notes about them to a safetensors file, so that `path` holds either what it held
/// before or all of the new: a file beside it is written, synchronised, and renamed. The same content gives the same
/// bytes.
///
/// # Errors
/// Names the file if it cannot be written, or the tensor if it holds another type.
pub fn save(path: &Path, tensors: &BTreeMap<String, Tensor>, metadata: &Metadata) -> Result<()> {
    let mut ordered: Vec<(&String, &Tensor)> = tensors.iter().collect();
    // The widest type first, so that every value lies at a multiple of its size.
    ordered.sort_by_key(|(name, tensor)| (Reverse(tensor.dtype().size_in_bytes()), *name));
    let header = header(&ordered, metadata)?;
    replace(path, |file| {
        let failed = |error: io::Error| Error::io("write", path, error);
        file.write_all(&header).map_err(failed)?;
        ordered.iter().try_for_each(|(_, tensor)| file.write_all(&values(tensor)?).map_err(failed))
    })
}

/// Writes a network's state as PyTorch does its own, for `torch.load(path, weights_only=True)`: in torchvision's order, in one
/// step, the same bytes each time.
///
/// # Errors
/// Names the file if it cannot be written, or the first tensor that is missing, unknown, or of another shape or type.
pub fn save_pth(path: &Path, state: &BTreeMap<String, Tensor>) -> Result<()> {
    let specs = arch::tensors(check::classes(state)?);
    check::state(&specs, state)?;
    let ordered: Vec<(String, Tensor)> =
        specs.into_iter().filter_map(|spec| state.get(&spec.name).cloned().map(|tensor| (spec.name, tensor))).collect();
    pth::save(path, &ordered)
}

/// Has `write` fill a file beside `path`, synchronises it, and renames it: `path` holds either what it held before or all of the
/// new.
fn replace(path: &Path, write: impl FnOnce(&mut BufWriter<File>) -> Result<()>) -> Result<()> {
    let failed = |error: io::Error| Error::io("write", path, error);
    let partial = partial_path(path)?;
    let done = File::create(&partial).map_err(failed).and_then(|file| {
        let mut file = BufWriter::new(file);
        write(&mut file)?;
        let file = file.into_inner().map_err(|error| failed(error.into_error()))?;
        file.sync_all().and_then(|()| fs::rename(&partial, path)).map_err(failed)
    });
    if done.is_err() {
        // What went wrong first is what the user must know; a left-over is overwritten by the next attempt.
        _ = fs::remove_file(&partial);
    }
    done?;
    sync_folder(path).map_err(failed)
}

/// The tensors and notes of a safetensors file. The tensors lie on the CPU.
///
/// # Errors
/// Names the file and what is wrong with it: unreadable, cut short, a header that does not match the content, or a type
/// that candle has no use for.
pub fn load(path: &Path) -> Result<(BTreeMap<String, Tensor>, Metadata)> {
    let (buffer, len) = read(path).map_err(|error| Error::io("read", path, error))?;
    let bytes = &buffer.bytes()[..len];
    let damaged = |error| {
        Error::bad_file(path, format!("damaged, or no safetensors file ({error}); copy it again or choose another"))
    };
    let (_, header) = SafeTensors::read_metadata(bytes).map_err(damaged)?;
    let file = SafeTensors::deserialize(bytes).map_err(damaged)?;
    let views: Vec<(&str, TensorView<'_>)> = file.iter().collect();
    let tensor = |(name, view): &(&str, TensorView<'_>)| Ok(((*name).to_owned(), tensor(name, view)?));
    let tensors = views.par_iter().map(tensor).collect::<Result<_>>().map_err(|error: Error| error.in_file(path))?;
    Ok((tensors, header.metadata().clone().unwrap_or_default()))
}

/// The names of a file's tensors and their sizes in bytes, read from its header alone.
///
/// # Errors
/// Names the file if it cannot be read or is none.
pub fn sizes(path: &Path) -> Result<Vec<(String, u64)>> {
    /// No header of ours comes near it; a damaged length may say anything.
    const LONGEST: u64 = 100 << 20;
    let failed = |error| Error::io("read", path, error);
    let damaged = || Error::bad_file(path, "damaged, or no safetensors file; copy it again or choose another");
    let mut file = File::open(path).map_err(failed)?;
    let mut length = [0; 8];
    file.read_exact(&mut length).map_err(failed)?;
    let mut header = Vec::new();
    let length = Some(u64::from_le_bytes(length)).filter(|length| *length <= LONGEST).ok_or_else(damaged)?;
    file.take(length).read_to_end(&mut header).map_err(failed)?;
    let header: Map<String, Value> = serde_json::from_slice(&header).map_err(|_| damaged())?;
    let size = |(name, entry): (String, Value)| {
        let [start, end] = [0, 1].map(|end| entry["data_offsets"][end].as_u64());
        Some((name, end?.checked_sub(start?)?))
    };
    Ok(header.into_iter().filter_map(size).collect())
}

/// A file's content, and its length in bytes. Into large pages, as a checkpoint has many small ones.
fn read(path: &Path) -> io::Result<(Buffer, usize)> {
    let mut file = File::open(path)?;
    let len = usize::try_from(file.metadata()?.len()).map_err(|_| io::ErrorKind::FileTooLarge)?;
    let mut buffer = Buffer::new(len.div_ceil(size_of::<Block>()));
    file.read_exact(&mut buffer.bytes_mut()[..len])?;
    Ok((buffer, len))
}

fn tensor(name: &str, view: &TensorView<'_>) -> Result<Tensor> {
    let dtype = match view.dtype() {
        Dtype::F64 => DType::F64,
        Dtype::F32 => DType::F32,
        Dtype::F16 => DType::F16,
        Dtype::BF16 => DType::BF16,
        Dtype::I64 => DType::I64,
        Dtype::U8 => DType::U8,
        other => {
            let (name, found) = (name.to_owned(), format!("{other:?}"));
            return Err(Error::WrongType { name, found, expected: "f32" });
        }
    };
    Ok(Tensor::from_raw_buffer(view.data(), dtype, view.shape(), &Device::Cpu)?)
}

/// The file's beginning: the header and its length, filled up with blanks to a multiple of 8 bytes.
fn header(tensors: &[(&String, &Tensor)], metadata: &Metadata) -> Result<Vec<u8>> {
    let mut entries = Map::new();
    let notes: BTreeMap<&String, &String> = metadata.iter().collect();
    entries.insert("__metadata__".to_owned(), json!(notes));
    let mut offset = 0;
    for &(name, tensor) in tensors {
        let end = offset + tensor.elem_count() * tensor.dtype().size_in_bytes();
        let entry = json!({"dtype": type_name(name, tensor)?, "shape": tensor.dims(), "data_offsets": [offset, end]});
        entries.insert(name.clone(), entry);
        offset = end;
    }
    let mut json = Value::Object(entries).to_string().into_bytes();
    json.resize(json.len().next_multiple_of(8), b' ');
    let mut header = (json.len() as u64).to_le_bytes().to_vec();
    header.append(&mut json);
    Ok(header)
}

fn type_name(name: &str, tensor: &Tensor) -> Result<&'static str> {
    match tensor.dtype() {
        DType::F32 => Ok("F32"),
        DType::I64 => Ok("I64"),
        DType::U8 => Ok("U8"),
        other => {
            let (name, found) = (name.to_owned(), other.as_str().to_owned());
            Err(Error::WrongType { name, found, expected: "f32, i64 or u8" })
        }
    }
}

/// The tensor's values row by row, the lowest byte first.
fn values(tensor: &Tensor) -> Result<Vec<u8>> {
    let flat = tensor.flatten_all()?;
    Ok(match flat.dtype() {
        DType::I64 => flat.to_vec1::<i64>()?.into_iter().flat_map(i64::to_le_bytes).collect(),
        DType::U8 => flat.to_vec1::<u8>()?,
        _ => flat.to_vec1::<f32>()?.into_iter().flat_map(f32::to_le_bytes).collect(),
    })
}

/// Shows `take` all names and values, the lowest byte first, in the order of the names: what a checksum is made of.
///
/// # Errors
/// Names the tensor if it is of another type than f32, i64 or u8.
pub fn visit(tensors: &BTreeMap<String, Tensor>, take: &mut dyn FnMut(&[u8])) -> Result<()> {
    for (name, tensor) in tensors {
        take(name.as_bytes());
        type_name(name, tensor)?;
        let tensor = tensor.contiguous()?;
        let (storage, layout) = tensor.storage_and_layout();
        let (start, end) = layout.contiguous_offsets().unwrap_or_default();
        match &*storage {
            Storage::Cpu(CpuStorage::F32(values)) => in_parts(&values[start..end], f32::to_le_bytes, take),
            Storage::Cpu(CpuStorage::I64(values)) => in_parts(&values[start..end], i64::to_le_bytes, take),
            Storage::Cpu(CpuStorage::U8(values)) => take(&values[start..end]),
            _ => return Err(candle_core::Error::Msg(format!("tensor {name} does not lie on the CPU")).into()),
        }
    }
    Ok(())
}

fn in_parts<T: Copy, const N: usize>(values: &[T], to_bytes: impl Fn(T) -> [u8; N], take: &mut dyn FnMut(&[u8])) {
    let mut bytes = [0; 1 << 14];
    for values in values.chunks(bytes.len() / N) {
        let (bytes, _) = bytes.split_at_mut(N * values.len());
        for (out, value) in bytes.chunks_exact_mut(N).zip(values) {
            out.copy_from_slice(&to_bytes(*value));
        }
        take(bytes);
    }
}

/// `.<name>.partial` in the same folder, as only there a rename is one step.
fn partial_path(path: &Path) -> Result<PathBuf> {
    let name = path.file_name().ok_or_else(|| Error::bad_file(path, "this names no file; add a file name"))?;
    Ok(path.with_file_name(format!(".{}.partial", name.to_string_lossy())))
}

/// Makes a rename last, where the system can.
fn sync_folder(path: &Path) -> io::Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    if cfg!(unix) { File::open(folder)?.sync_all() } else { Ok(()) }
}
