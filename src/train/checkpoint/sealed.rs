//! Files of tensors with checksums, so that one flipped bit shows.

use std::collections::{BTreeMap, HashMap};
use std::path::Path;

use candle_core::Tensor;
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

/// Writes tensors (f32, i64 or u8) and a record about them in one step, with checksums of both: a reader sees the old file or
/// the new one.
///
/// # Errors
/// Where the file cannot be written; the old one is then still whole.
pub fn seal(path: &Path, tensors: &BTreeMap<String, Tensor>, record: String) -> Result<()> {
    save(path, tensors, HashMap::from([(RECORD.into(), record)]))
}

/// The tensors and the record that [`seal`] has written; `None` where the file has other content than was written, or is
/// none of that kind.
///
/// # Errors
/// Where the file cannot be read.
pub fn unseal(path: &Path) -> Result<Option<(BTreeMap<String, Tensor>, String)>> {
    let ((tensors, mut notes), is_whole) = match open(path) {
        Err(Error::Checkpoint { .. }) => return Ok(None),
        opened => opened?,
    };
    let is_sealed = is_whole && [CHECKSUM, RECORD_CHECKSUM].iter().all(|note| notes.contains_key(*note));
    Ok(notes.remove(RECORD).filter(|_| is_sealed).map(|record| (tensors, record)))
}

/// What goes wrong with a file of the user's and with one of ours calls for different next steps.
pub(super) fn load(path: &Path) -> Result<Content> {
    let ((tensors, notes), is_whole) = open(path)?;
    let is_sealed = notes.contains_key(CHECKSUM) && notes.contains_key(RECORD_CHECKSUM);
    let needs_seal = read_record(path, &notes)?.format > 1;
    if is_whole && (is_sealed || !needs_seal) { Ok((tensors, notes)) } else { Err(damaged(path)) }
}

/// The content, and whether it agrees with such checksums as there are.
pub(super) fn open(path: &Path) -> Result<(Content, bool)> {
    let (tensors, notes) = weights::load(path).map_err(|error| match error {
        xray_nn::Error::BadFile { .. } => damaged(path),
        other => other.into(),
    })?;
    let agrees = |note: &str, found: &str| notes.get(note).is_none_or(|noted| noted == found);
    let is_whole = agrees(CHECKSUM, &checksum(&tensors)?) && agrees(RECORD_CHECKSUM, &record_checksum(&notes));
    Ok(((tensors, notes), is_whole))
}

fn damaged(path: &Path) -> Error {
    let problem = "is damaged: put a copy back if there is one, or start a new run with the same settings".into();
    Error::Checkpoint { path: path.to_owned(), problem }
}

/// SHA-256 over names and values, little-endian, in the order of the names.
///
/// # Errors
/// Where a tensor is of another type than f32, i64 or u8, or on another device.
pub fn fingerprint(tensors: &BTreeMap<String, Tensor>) -> Result<Fingerprint> {
    let mut hasher = Hasher::default();
    weights::visit(tensors, &mut |part| hasher.update(part))?;
    Ok(hasher.finish())
}

fn record_checksum(notes: &HashMap<String, String>) -> String {
    format!("{:08x}", crc32fast::hash(notes.get(RECORD).map(String::as_str).unwrap_or_default().as_bytes()))
}

/// CRC-32 over names and values, little-endian, in the order of the names.
fn checksum(tensors: &BTreeMap<String, Tensor>) -> Result<String> {
    let mut hasher = crc32fast::Hasher::new();
    weights::visit(tensors, &mut |part| hasher.update(part))?;
    Ok(format!("{:08x}", hasher.finalize()))
}
