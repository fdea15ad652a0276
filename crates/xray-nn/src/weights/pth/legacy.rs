//! PyTorch's form from before 1.6: a magic number, the form's version, facts about the machine, the object and the list of its
//! storages, each a pickle; then the storages, each with the count of its elements before it.

use std::collections::{BTreeMap, HashMap};
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::Path;

use super::{LONGEST_PICKLE, Stored, bad, damaged, list};
use crate::weights::pickle::Pickle;
use crate::{Error, Result};

const MAGIC: i128 = 0x1950_a86a_20f9_469c_fc6c;
const VERSION: i128 = 1001;

/// The file, and where in it each storage lies: its first byte and the number of bytes.
#[derive(Debug)]
pub struct Storages {
    file: File,
    places: HashMap<String, (u64, u64)>,
}

/// Reads what the file says about its tensors.
///
/// # Errors
/// Names the file and what is wrong with it.
pub fn open(path: &Path) -> Result<(BTreeMap<String, Stored>, Storages)> {
    let failed = |error: io::Error| Error::io("read", path, error);
    let mut file = File::open(path).map_err(failed)?;
    let mut bytes = Vec::new();
    file.by_ref().take(LONGEST_PICKLE).read_to_end(&mut bytes).map_err(failed)?;
    let mut rest = bytes.as_slice();
    let mut next = || {
        let pickle = Pickle::read(rest)?;
        rest = &rest[pickle.length..];
        Ok(pickle)
    };
    let refused = |problem: String| bad(path, &problem);
    let (magic, version, machine) = (next().map_err(refused)?, next().map_err(refused)?, next().map_err(refused)?);
    if magic.int() != Some(MAGIC) || version.int() != Some(VERSION) {
        return Err(damaged(path, "it is no PyTorch file"));
    }
    if machine.flag("little_endian") == Some(false) {
        return Err(bad(path, "its numbers have their highest byte first"));
    }
    let (object, keys) = (next().map_err(refused)?, next().map_err(refused)?);
    let tensors = list(&object).map_err(refused)?;
    let keys = keys.texts().ok_or_else(|| damaged(path, "it does not list its storages"))?;
    let first = bytes.len() - rest.len();
    let sizes: HashMap<&str, u64> =
        object.storages().map(|storage| (storage.key, storage.elements.size() as u64)).collect();
    let places = find(&mut file, first as u64, (&keys, &sizes)).map_err(|problem| damaged(path, &problem))?;
    Ok((tensors, Storages { file, places }))
}

/// Goes from count to count, from the byte `at` on.
fn find(
    file: &mut File,
    mut at: u64,
    (keys, sizes): (&[&str], &HashMap<&str, u64>),
) -> Result<HashMap<String, (u64, u64)>, String> {
    let short = || "it is cut short".to_owned();
    let end = file.metadata().map_err(|error| error.to_string())?.len();
    let mut places = HashMap::new();
    for key in keys {
        let mut count = [0; 8];
        file.seek(SeekFrom::Start(at)).and_then(|_| file.read_exact(&mut count)).map_err(|_| short())?;
        let size = sizes.get(key).ok_or_else(|| format!("nothing says what its storage {key} holds"))?;
        let bytes = u64::from_le_bytes(count).checked_mul(*size).ok_or_else(short)?;
        let first = at + 8;
        at = first.checked_add(bytes).filter(|next| *next <= end).ok_or_else(short)?;
        places.insert((*key).to_owned(), (first, bytes));
    }
    Ok(places)
}

impl Storages {
    /// A storage's bytes.
    pub fn read(&mut self, key: &str) -> Result<Vec<u8>, String> {
        let (first, length) = *self.places.get(key).ok_or_else(|| format!("its storage {key} is missing"))?;
        let mut bytes = Vec::new();
        let read = self.file.seek(SeekFrom::Start(first));
        read.and_then(|_| self.file.by_ref().take(length).read_to_end(&mut bytes))
            .map_err(|error| error.to_string())?;
        Ok(bytes)
    }
}
