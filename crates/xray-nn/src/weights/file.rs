//! A file of weights of any form, told by its content and not by its name: what is in it, and the values that are asked for.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use candle_core::{DType, Tensor};

use super::pth::PthFile;
use super::{Metadata, load};
use crate::{Error, Result};

/// How a file of weights is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    Safetensors,
    /// PyTorch's, since version 1.6 a zip archive.
    Pth,
    /// PyTorch's from before.
    LegacyPth,
}

impl Format {
    /// For reading.
    pub fn name(self) -> &'static str {
        match self {
            Self::Safetensors => "safetensors",
            Self::Pth => "pth",
            Self::LegacyPth => "pth from before PyTorch 1.6",
        }
    }
}

/// A tensor without its values.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    pub dtype: DType,
    pub shape: Vec<usize>,
}

/// An opened file of weights.
#[derive(Debug)]
pub struct WeightFile {
    pub format: Format,
    pub tensors: BTreeMap<String, Listed>,
    /// Notes in its header; a `.pth` has none.
    pub notes: Metadata,
    values: Values,
}

#[derive(Debug)]
enum Values {
    Read(BTreeMap<String, Tensor>),
    Pth(PthFile),
}

impl WeightFile {
    /// Reads which tensors a file holds. Code in it is never run.
    ///
    /// # Errors
    /// Names the file and what is wrong with it.
    pub fn open(path: &Path) -> Result<Self> {
        let beginning = beginning(path).map_err(|error| Error::io("read", path, error))?;
        match beginning.as_slice() {
            // First, as the length of its header may look like any of the others' beginnings.
            [_, _, _, _, 0, 0, 0, 0, b'{', ..] => Self::of_safetensors(path),
            [b'P', b'K', ..] => Ok(Self::of_pth(Format::Pth, PthFile::open_zip(path)?)),
            [0x80, _, ..] => Ok(Self::of_pth(Format::LegacyPth, PthFile::open_legacy(path)?)),
            // An archive's magic word. No PyTorch of today writes one, nor reads one safely.
            bytes if bytes.get(257..262) == Some(b"ustar") => Err(Error::bad_file(
                path,
                "this is a tar archive, PyTorch's form from before 2017: save it again with a newer PyTorch",
            )),
            // The field with the version of ONNX, which has had 13.
            [0x08, 1..=32, ..] => Err(Error::bad_file(
                path,
                "this is an ONNX model, made to be run: take the weights that it was made from, as .pth or safetensors",
            )),
            _ => Self::of_safetensors(path),
        }
    }

    fn of_pth(format: Format, file: PthFile) -> Self {
        let listed = file
            .tensors
            .iter()
            .map(|(name, stored)| (name.clone(), Listed { dtype: stored.dtype, shape: stored.shape.clone() }));
        Self { format, tensors: listed.collect(), notes: Metadata::new(), values: Values::Pth(file) }
    }

    fn of_safetensors(path: &Path) -> Result<Self> {
        let (tensors, notes) = load(path)?;
        let listed = tensors
            .iter()
            .map(|(name, tensor)| (name.clone(), Listed { dtype: tensor.dtype(), shape: tensor.dims().to_vec() }));
        Ok(Self { format: Format::Safetensors, tensors: listed.collect(), notes, values: Values::Read(tensors) })
    }

    /// The values of the tensors called so, on the CPU.
    ///
    /// # Errors
    /// Names the file and what is wrong with it.
    pub fn read(&mut self, names: &[&str]) -> Result<BTreeMap<String, Tensor>> {
        match &mut self.values {
            Values::Read(tensors) => {
                Ok(names.iter().filter_map(|name| Some(((*name).to_owned(), tensors.get(*name)?.clone()))).collect())
            }
            Values::Pth(file) => file.read(names),
        }
    }
}

fn beginning(path: &Path) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    File::open(path)?.take(512).read_to_end(&mut bytes)?;
    Ok(bytes)
}
