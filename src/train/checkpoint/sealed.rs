//! Files of tensors with checksums, so that one flipped bit shows.

use std::collections::{BTreeMap, HashMap};
use std::path::Path;

use candle_core::{CpuStorage, Storage, Tensor};
use xray_nn::weights;

use super::{RECORD, read_record};
use crate::error::{Error, Result};
use crate::metrics::{Fingerprint, Hasher};

type Content = (BTreeMap<String, Tensor>, HashMap<String, String>);

/// The notes that hold the checksums of all tensors and of the record.
const CHECKSUM: &str = "xray_tui_crc32";
const RECORD_CHECKSUM: &str = "xray_tui_record_crc32";

pub(super) fn save(path: &Path, tensors: &BTreeMap<String, Tensor>, mut notes: HashMap<String, String>) -> Result<()> {
    notes.insert(CHECKSUM.into(), checksum(tensors)?);
    notes.insert(RECORD_CHECKSUM.into(), record_checksum(&notes));
    Ok(weights::save(path, tensors, &notes)?)
}

/// What goes wrong with a file of the user's and with one of ours calls for different next steps.
pub(super) fn load(path: &Path) -> Result<Content> {
    let damaged = || Error::Checkpoint {
        path: path.to_owned(),
        problem: "is damaged: put a copy back if there is one, or start a new run with the same settings".into(),
    };
    let (tensors, notes) = weights::load(path).map_err(|error| match error {
        xray_nn::Error::BadFile { .. } => damaged(),
        other => other.into(),
    })?;
    let agrees = |note: &str, found: &str| notes.get(note).is_none_or(|noted| noted == found);
    let is_whole = agrees(CHECKSUM, &checksum(&tensors)?) && agrees(RECORD_CHECKSUM, &record_checksum(&notes));
    let is_sealed = notes.contains_key(CHECKSUM) && notes.contains_key(RECORD_CHECKSUM);
    let needs_seal = read_record(path, &notes)?.format > 1;
    if is_whole && (is_sealed || !needs_seal) { Ok((tensors, notes)) } else { Err(damaged()) }
}

/// SHA-256 over names and values, little-endian, in the order of the names.
///
/// # Errors
/// Where a tensor is of another type than f32, i64 or u8, or on another device.
pub fn fingerprint(tensors: &BTreeMap<String, Tensor>) -> Result<Fingerprint> {
    let mut hasher = Hasher::default();
    for_each_part(tensors, &mut |part| hasher.update(part))?;
    Ok(hasher.finish())
}

fn record_checksum(notes: &HashMap<String, String>) -> String {
    format!("{:08x}", crc32fast::hash(notes.get(RECORD).map(String::as_str).unwrap_or_default().as_bytes()))
}

/// CRC-32 over names and values, little-endian, in the order of the names.
fn checksum(tensors: &BTreeMap<String, Tensor>) -> Result<String> {
    let mut hasher = crc32fast::Hasher::new();
    for_each_part(tensors, &mut |part| hasher.update(part))?;
    Ok(format!("{:08x}", hasher.finalize()))
}

/// Shows `take` all names and values.
fn for_each_part(tensors: &BTreeMap<String, Tensor>, take: &mut dyn FnMut(&[u8])) -> Result<()> {
    for (name, tensor) in tensors {
        take(name.as_bytes());
        values(tensor, take).map_err(xray_nn::Error::from)?;
    }
    Ok(())
}

fn values(tensor: &Tensor, take: &mut dyn FnMut(&[u8])) -> candle_core::Result<()> {
    let tensor = tensor.contiguous()?;
    let (storage, layout) = tensor.storage_and_layout();
    let (start, end) = layout.contiguous_offsets().unwrap_or_default();
    match &*storage {
        Storage::Cpu(CpuStorage::F32(values)) => bytes(&values[start..end], f32::to_le_bytes, take),
        Storage::Cpu(CpuStorage::I64(values)) => bytes(&values[start..end], i64::to_le_bytes, take),
        Storage::Cpu(CpuStorage::U8(values)) => take(&values[start..end]),
        _ => candle_core::bail!("a checkpoint holds f32, i64 and u8 on the CPU, not {:?}", tensor.dtype()),
    }
    Ok(())
}

fn bytes<T: Copy, const N: usize>(values: &[T], to_bytes: impl Fn(T) -> [u8; N], take: &mut dyn FnMut(&[u8])) {
    let mut bytes = [0; 1 << 14];
    for values in values.chunks(bytes.len() / N) {
        let (bytes, _) = bytes.split_at_mut(N * values.len());
        for (out, value) in bytes.chunks_exact_mut(N).zip(values) {
            out.copy_from_slice(&to_bytes(*value));
        }
        take(bytes);
    }
}
