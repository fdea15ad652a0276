//! PyTorch's zip form since 1.6: its archive read record by record, and written so that `torch.load(weights_only=True)` takes it.

use std::fs::File;
use std::io::{self, BufReader, Read, Seek, Write};
use std::path::Path;

use candle_core::{DType, Tensor};
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, DateTime, ZipArchive, ZipWriter};

use super::{LONGEST_PICKLE, bad, damaged};
use crate::weights::{replace, values};
use crate::{Error, Result};

/// An archive and the folder in it that holds everything.
pub struct Archive {
    zip: ZipArchive<BufReader<File>>,
    folder: String,
}

impl std::fmt::Debug for Archive {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Archive").field("folder", &self.folder).finish_non_exhaustive()
    }
}

impl Archive {
    /// # Errors
    /// Names the file where it is no such archive.
    pub fn open(path: &Path) -> Result<Self> {
        let file = File::open(path).map_err(|error| Error::io("read", path, error))?;
        let zip = ZipArchive::new(BufReader::new(file)).map_err(|error| damaged(path, &error.to_string()))?;
        let pickle = zip.file_names().filter_map(Result::ok).find(|name| name.ends_with("data.pkl"));
        let pickle = pickle.ok_or_else(|| damaged(path, "no data.pkl in it"))?.into_owned();
        let folder = pickle.trim_end_matches("data.pkl").to_owned();
        let mut archive = Self { zip, folder };
        if archive.record("byteorder", 16).is_ok_and(|order| order == b"big") {
            return Err(bad(path, "its numbers have their highest byte first"));
        }
        Ok(archive)
    }

    /// What says which tensors there are.
    pub fn pickle(&mut self) -> Result<Vec<u8>, String> {
        self.record("data.pkl", LONGEST_PICKLE)
    }

    /// A storage's bytes. They lie as they are, so that there are no more of them than the file has.
    pub fn storage(&mut self, key: &str) -> Result<Vec<u8>, String> {
        self.record(&format!("data/{key}"), u64::MAX)
    }

    /// A record's bytes, their checksum checked.
    fn record(&mut self, name: &str, longest: u64) -> Result<Vec<u8>, String> {
        let name = format!("{}{name}", self.folder);
        let mut file = self.zip.by_name(&name).map_err(|error| format!("{name}: {error}"))?;
        if file.size() > longest {
            return Err(format!("{name} has {} bytes", file.size()));
        }
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes).map_err(|error| format!("{name}: {error}"))?;
        Ok(bytes)
    }
}

/// Writes tensors (f32 or i64) in this order as a `state_dict`, so that `path` holds either what it held before or all of the
/// new. The same content gives the same bytes.
///
/// # Errors
/// Names the file if it cannot be written, or the tensor if it holds another type.
pub fn save(path: &Path, tensors: &[(String, Tensor)]) -> Result<()> {
    let pickle = pickle(tensors)?;
    replace(path, |file| {
        let failed = |error: io::Error| Error::io("write", path, error);
        let mut zip = ZipWriter::new(file);
        put(&mut zip, "data.pkl", &pickle).map_err(failed)?;
        put(&mut zip, "byteorder", b"little").map_err(failed)?;
        for (key, (_, tensor)) in tensors.iter().enumerate() {
            put(&mut zip, &format!("data/{key}"), &values(tensor)?).map_err(failed)?;
        }
        put(&mut zip, "version", b"3\n").map_err(failed)?;
        zip.finish().map_err(|error| failed(error.into()))?;
        Ok(())
    })
}

/// PyTorch's own records begin at multiples of 64 bytes too, so that they can be mapped into memory.
fn put(zip: &mut ZipWriter<impl Write + Seek>, name: &str, bytes: &[u8]) -> io::Result<()> {
    let options = SimpleFileOptions::default()
        .compression_method(CompressionMethod::Stored)
        .last_modified_time(DateTime::default())
        .with_alignment(64);
    zip.start_file(format!("weights/{name}"), options)?;
    zip.write_all(bytes)
}

/// An `OrderedDict` of tensors in pickle's protocol 2, each the call that rebuilds it.
fn pickle(tensors: &[(String, Tensor)]) -> Result<Vec<u8>> {
    const ORDERED_DICT: &[u8] = b"ccollections\nOrderedDict\n)R";
    let mut out = [&[0x80, 2][..], ORDERED_DICT, b"("].concat();
    for (key, (name, tensor)) in tensors.iter().enumerate() {
        text(&mut out, name);
        out.extend_from_slice(b"ctorch._utils\n_rebuild_tensor_v2\n((");
        text(&mut out, "storage");
        out.extend_from_slice(format!("ctorch\n{}\n", class(name, tensor)?).as_bytes());
        text(&mut out, &key.to_string());
        text(&mut out, "cpu");
        number(&mut out, tensor.elem_count());
        out.extend_from_slice(b"tQK\0");
        tuple(&mut out, tensor.dims());
        tuple(&mut out, tensor.contiguous()?.stride());
        // Not learnt, and no hooks.
        out.extend_from_slice(&[&[0x89][..], ORDERED_DICT, b"tR"].concat());
    }
    out.extend_from_slice(b"u.");
    Ok(out)
}

fn class(name: &str, tensor: &Tensor) -> Result<&'static str> {
    match tensor.dtype() {
        DType::F32 => Ok("FloatStorage"),
        DType::I64 => Ok("LongStorage"),
        other => {
            let (name, found) = (name.to_owned(), other.as_str().to_owned());
            Err(Error::WrongType { name, found, expected: "f32 or i64" })
        }
    }
}

fn text(out: &mut Vec<u8>, text: &str) {
    out.push(b'X');
    out.extend_from_slice(&length(text.len()));
    out.extend_from_slice(text.as_bytes());
}

/// As a signed number of four bytes: a network's tensors have fewer elements than that.
fn number(out: &mut Vec<u8>, number: usize) {
    out.push(b'J');
    out.extend_from_slice(&length(number));
}

fn length(length: usize) -> [u8; 4] {
    i32::try_from(length).unwrap_or(i32::MAX).to_le_bytes()
}

fn tuple(out: &mut Vec<u8>, numbers: &[usize]) {
    out.push(b'(');
    for size in numbers {
        number(out, *size);
    }
    out.push(b't');
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use candle_core::Device;

    use super::*;
    use crate::weights::pth::PthFile;

    fn few() -> Vec<(String, Tensor)> {
        let matrix = Tensor::new(&[[1.0_f32, -2.0, 3.5], [0.5, f32::INFINITY, -0.0]], &Device::Cpu).unwrap();
        let count = Tensor::new(-7_i64, &Device::Cpu).unwrap();
        vec![("b.weight".to_owned(), matrix), ("a.num_batches_tracked".to_owned(), count)]
    }

    #[test]
    fn tensors_come_back_as_they_were_and_the_same_ones_give_the_same_bytes() {
        let folder = tempfile::tempdir().unwrap();
        let [first, second] = ["a.pth", "b.pth"].map(|name| folder.path().join(name));
        save(&first, &few()).unwrap();
        save(&second, &few()).unwrap();
        assert_eq!(std::fs::read(&first).unwrap(), std::fs::read(&second).unwrap());
        let mut file = PthFile::open_zip(&first).unwrap();
        let read = file.read(&["b.weight", "a.num_batches_tracked"]).unwrap();
        let expected: BTreeMap<String, Tensor> = few().into_iter().collect();
        for (name, tensor) in &expected {
            assert_eq!(values(tensor).unwrap(), values(&read[name]).unwrap(), "{name}");
            assert_eq!(tensor.dims(), read[name].dims());
        }
    }

    #[test]
    fn a_tensor_of_another_type_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let bytes = vec![("x".to_owned(), Tensor::new(1.0_f64, &Device::Cpu).unwrap())];
        assert!(save(&folder.path().join("x.pth"), &bytes).unwrap_err().to_string().contains("tensor x holds f64"));
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
    }
}
