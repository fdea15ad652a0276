//! A gallery in its file: `features.safetensors`, beside the weights that it was made with.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use candle_core::{Device, Tensor};

use super::{FEATURES, Gallery, Listed, Row};
use crate::dataset::look::Look;
use crate::dataset::preparation;
use crate::error::Result;
use crate::metrics::{Fingerprint, Hasher};
use crate::train::checkpoint;

/// To be raised with the tensors below.
const FORMAT: u32 = 1;
/// (N, 512) f32.
const FEATURES_OF: &str = "features";
/// (N) i64: the image's place in the list.
const INDICES: &str = "indices";
/// (N, 2) i64: width and height of the file's picture, in pixels.
const SIZES: &str = "sizes";
/// (V) f32: of the validation images that were read, the distance to the nearest training image, ascending.
const USUAL: &str = "usual";

type Tensors = BTreeMap<String, Tensor>;

/// Where a run's gallery lies, in the [folder of the run](crate::train::checkpoint).
#[must_use]
pub fn path(folder: &Path) -> PathBuf {
    folder.join("features.safetensors")
}

/// What a gallery is made of, as text: another text, another gallery.
pub(super) fn record(weights: Fingerprint, (image_size, look): (usize, Look), list: &[Listed]) -> String {
    let mut hasher = Hasher::default();
    for Listed { file, split, truth } in list {
        hasher.update(format!("{file}\0{}\0{}\0", split.name(), truth.name()).as_bytes());
    }
    let (preparation, images) = (preparation(image_size, look), hasher.finish());
    serde_json::json!({"format": FORMAT, "weights": weights, "preparation": preparation, "images": images}).to_string()
}

impl Gallery {
    /// Reads the gallery of the run whose checkpoints lie in `folder`. `None` where there is none, where it is damaged, or
    /// where it was made with other weights than the best ones there or of other images than `list`: then it is to be made.
    #[must_use]
    pub fn open(folder: &Path, list: &[Listed]) -> Option<Self> {
        let (tensors, found) = checkpoint::unseal(&path(folder)).ok()??;
        let (identity, weights) = checkpoint::describe(&checkpoint::best_path(folder)).ok()?;
        let config = identity.config;
        let record = record(weights, (config.image_size, config.look()), list);
        (found == record).then_some(())?;
        let rows = rows(&tensors, list.len()).ok()??;
        let usual = tensors.get(USUAL)?.to_vec1().ok()?;
        Some(Self { listed: list.to_vec(), rows, record, usual })
    }

    /// Writes it to the folder of its run in one step: a reader sees the old file or the new one.
    ///
    /// # Errors
    /// Where the file cannot be written.
    pub fn save(&self, folder: &Path) -> Result<()> {
        let tensors = self.tensors().map_err(xray_nn::Error::from)?;
        checkpoint::seal(&path(folder), &tensors, self.record.clone())
    }

    fn tensors(&self) -> candle_core::Result<Tensors> {
        let (count, device) = (self.rows.len(), &Device::Cpu);
        let width = self.rows.first().map_or(FEATURES, |row| row.features.len());
        let features: Vec<f32> = self.rows.iter().flat_map(|row| row.features.iter().copied()).collect();
        let indices: Vec<i64> = self.rows.iter().map(|row| i64::try_from(row.index).unwrap_or(i64::MAX)).collect();
        let sizes: Vec<i64> = self.rows.iter().flat_map(|row| row.size.map(i64::from)).collect();
        Ok(Tensors::from([
            (FEATURES_OF.to_owned(), Tensor::from_vec(features, (count, width), device)?),
            (INDICES.to_owned(), Tensor::from_vec(indices, count, device)?),
            (SIZES.to_owned(), Tensor::from_vec(sizes, (count, 2), device)?),
            (USUAL.to_owned(), Tensor::from_vec(self.usual.clone(), self.usual.len(), device)?),
        ]))
    }
}

/// The rows of a file; `None` where its tensors do not belong together.
fn rows(tensors: &Tensors, listed: usize) -> candle_core::Result<Option<Vec<Row>>> {
    let [Some(features), Some(indices), Some(sizes)] = [FEATURES_OF, INDICES, SIZES].map(|name| tensors.get(name))
    else {
        return Ok(None);
    };
    let (features, indices, sizes): (Vec<Vec<f32>>, Vec<i64>, Vec<Vec<i64>>) =
        (features.to_vec2()?, indices.to_vec1()?, sizes.to_vec2()?);
    let all = features.len() == indices.len() && sizes.len() == indices.len();
    let row = |((index, size), features): ((i64, Vec<i64>), Vec<f32>)| {
        let index = usize::try_from(index).ok().filter(|index| *index < listed)?;
        let &[width, height] = size.as_slice() else { return None };
        let size = [u32::try_from(width).ok()?, u32::try_from(height).ok()?];
        (features.len() % FEATURES == 0 && !features.is_empty()).then(|| Row::new(index, size, features))
    };
    let rows = indices.into_iter().zip(sizes).zip(features).map(row);
    Ok(rows.collect::<Option<Vec<_>>>().filter(|_| all))
}
