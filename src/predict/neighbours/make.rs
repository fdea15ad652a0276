//! A gallery is made: every image of the list goes through the network once.

use std::ops::ControlFlow;
use std::path::Path;

use rayon::prelude::*;

use super::{Gallery, Listed, Row, file};
use crate::dataset::cache::{Cache, Progress};
use crate::dataset::{Dataset, resize};
use crate::error::{Error, Result};
use crate::predict::{Predictor, heat, read_picture};

/// Images at once: as many pictures are in memory, and after each so many it can be stopped.
const BATCH: usize = 16;

/// Where the pictures of a list come from.
#[derive(Debug, Clone, Copy)]
pub enum Pictures<'a> {
    /// The files below a data set's root, decoded.
    Files(&'a Path),
    /// A data set's pictures as they are prepared for a network's size, many times as fast; the files of those that are not.
    Prepared(&'a Dataset, &'a Cache),
}

/// A picture of the network's size, and the size of its file's.
struct Square {
    pixels: Vec<u8>,
    size: [u32; 2],
}

impl Gallery {
    /// Asks the network for the features of all images of `list`, telling `watch` before every few. Files that cannot be read
    /// are left out and counted.
    ///
    /// # Errors
    /// `Cancelled` where `watch` breaks, `BadDataSet` where not one file can be read; what the network cannot do.
    pub fn make(
        predictor: &Predictor,
        pictures: Pictures<'_>,
        list: &[Listed],
        watch: &mut dyn FnMut(Progress) -> ControlFlow<()>,
    ) -> Result<Self> {
        let mut rows = Vec::with_capacity(list.len());
        for (chunk, first) in list.chunks(BATCH).zip((0..).step_by(BATCH)) {
            if watch(Progress { done: first, total: list.len() }).is_break() {
                return Err(Error::Cancelled);
            }
            let squares: Vec<Option<Square>> =
                chunk.par_iter().map(|listed| pictures.square(&listed.file, predictor.image_size)).collect();
            let read = (first..).zip(squares).filter_map(|(index, square)| Some((index, square?)));
            rows.extend(predictor.rows(read.unzip())?);
        }
        if rows.is_empty() && !list.is_empty() {
            let problem =
                format!("none of the run's {} images can be read: is it the data set of the run?", list.len());
            return Err(Error::BadDataSet { dir: pictures.root().to_owned(), problem });
        }
        Ok(Self::new(
            list.to_vec(),
            rows,
            file::record(predictor.weights(), (predictor.image_size, predictor.look), list),
        ))
    }
}

impl Predictor {
    fn rows(&self, (indices, squares): (Vec<usize>, Vec<Square>)) -> Result<Vec<Row>> {
        if squares.is_empty() {
            return Ok(Vec::new());
        }
        let (pixels, sizes): (Vec<_>, Vec<_>) = squares.into_iter().map(|square| (square.pixels, square.size)).unzip();
        let normalised = |mut pixels: Vec<u8>| {
            self.look.normalisation.apply(&mut pixels, self.image_size);
            pixels
        };
        let pixels: Vec<Vec<u8>> = pixels.into_iter().map(normalised).collect();
        let maps = self.network.features(&self.input(&pixels)?)?;
        let features = heat::means(&maps).and_then(|means| means.to_vec2::<f32>()).map_err(xray_nn::Error::from)?;
        let rows = indices.into_iter().zip(sizes).zip(features);
        Ok(rows.map(|((index, size), features)| Row::new(index, size, features)).collect())
    }
}

impl Pictures<'_> {
    fn root(&self) -> &Path {
        match self {
            Self::Files(root) => root,
            Self::Prepared(dataset, _) => &dataset.root,
        }
    }

    /// `None` for a file that cannot be read.
    fn square(&self, file: &str, side: usize) -> Option<Square> {
        if let Self::Prepared(dataset, cache) = self
            && let Some(square) = prepared((dataset, cache), file, side)
        {
            return Some(square);
        }
        let picture = read_picture(&self.root().join(file)).ok()?;
        let original = [picture.width, picture.height].map(|pixels| u32::try_from(pixels).unwrap_or(u32::MAX));
        Some(Square { pixels: resize::to_square(&picture, side).pixels, size: original })
    }
}

fn prepared((dataset, cache): (&Dataset, &Cache), file: &str, side: usize) -> Option<Square> {
    let index = dataset.images.binary_search_by(|image| image.file.as_str().cmp(file)).ok()?;
    let facts = cache.facts(index).pixels.as_ref().ok()?;
    let mut pixels = vec![0; side * side];
    cache.read_evaluation(index, &mut pixels).ok()?;
    Some(Square { pixels, size: [facts.width, facts.height] })
}
