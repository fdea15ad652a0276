//! Max-pooling of 3x3 with stride 2 and padding 1, forward and backward, which candle lacks.

use std::ops::Range;

use candle_core::{CpuStorage, CustomOp1, CustomOp2, Layout, Shape, Tensor, bail};

use crate::storage::cpu_values;

/// Planes of (B, C, H, W) images, each (H, W).
#[derive(Debug, Clone, Copy)]
struct Planes {
    batch: usize,
    channels: usize,
    height: usize,
    width: usize,
}

/// (B, C, H, W) f32 to (B, C, ceil(H/2), ceil(W/2)): each output is the largest of the 3x3 inputs around its place,
/// those beyond the edge left out. Of equal ones the first, row by row, gets the gradient; NaN counts as the largest.
/// Both as in PyTorch.
///
/// # Errors
/// If the images are not of four axes, none of them 0, or not f32.
pub fn max_pool(images: &Tensor) -> candle_core::Result<Tensor> {
    images.contiguous()?.apply_op1(MaxPool)
}

struct MaxPool;

/// The gradient of [`MaxPool`]: its input and its output's gradient to its input's gradient.
struct MaxPoolBackward;

impl CustomOp1 for MaxPool {
    fn name(&self) -> &'static str {
        "max-pool-3x3"
    }

    fn cpu_fwd(&self, storage: &CpuStorage, layout: &Layout) -> candle_core::Result<(CpuStorage, Shape)> {
        let planes = Planes::of(layout)?;
        let output = planes.forward(cpu_values(storage, layout)?);
        Ok((CpuStorage::F32(output), planes.pooled()))
    }

    fn bwd(&self, images: &Tensor, _: &Tensor, gradient: &Tensor) -> candle_core::Result<Option<Tensor>> {
        let gradient = gradient.contiguous()?;
        images.contiguous()?.apply_op2_no_bwd(&gradient, &MaxPoolBackward).map(Some)
    }
}

impl CustomOp2 for MaxPoolBackward {
    fn name(&self) -> &'static str {
        "max-pool-3x3-backward"
    }

    fn cpu_fwd(
        &self,
        images: &CpuStorage,
        images_layout: &Layout,
        gradient: &CpuStorage,
        gradient_layout: &Layout,
    ) -> candle_core::Result<(CpuStorage, Shape)> {
        let planes = Planes::of(images_layout)?;
        if gradient_layout.shape() != &planes.pooled() {
            bail!("max-pool: gradient {:?} for images {:?}", gradient_layout.shape(), images_layout.shape());
        }
        let images = cpu_values(images, images_layout)?;
        let output = planes.backward(images, cpu_values(gradient, gradient_layout)?);
        Ok((CpuStorage::F32(output), images_layout.shape().clone()))
    }
}

impl Planes {
    fn of(layout: &Layout) -> candle_core::Result<Self> {
        let (batch, channels, height, width) = layout.shape().dims4()?;
        if layout.shape().elem_count() == 0 {
            bail!("max-pool: nothing to pool in {:?}", layout.shape());
        }
        Ok(Self { batch, channels, height, width })
    }

    fn pooled(self) -> Shape {
        let (height, width) = self.pooled_size();
        Shape::from((self.batch, self.channels, height, width))
    }

    fn pooled_size(self) -> (usize, usize) {
        (self.height.div_ceil(2), self.width.div_ceil(2))
    }

    fn forward(self, images: &[f32]) -> Vec<f32> {
        let mut output = Vec::with_capacity(self.pooled().elem_count());
        for plane in images.chunks_exact(self.height * self.width) {
            output.extend(self.windows().map(|window| plane[self.winner(plane, window)]));
        }
        output
    }

    fn backward(self, images: &[f32], gradient: &[f32]) -> Vec<f32> {
        let mut output = vec![0.0; images.len()];
        let (size, (rows, columns)) = (self.height * self.width, self.pooled_size());
        let planes = images.chunks_exact(size).zip(output.chunks_exact_mut(size));
        for ((plane, output), gradient) in planes.zip(gradient.chunks_exact(rows * columns)) {
            for (window, gradient) in self.windows().zip(gradient) {
                output[self.winner(plane, window)] += gradient;
            }
        }
        output
    }

    /// The output's places, (row, column), row by row.
    fn windows(self) -> impl Iterator<Item = (usize, usize)> {
        let (rows, columns) = self.pooled_size();
        (0..rows).flat_map(move |row| (0..columns).map(move |column| (row, column)))
    }

    /// Where in the plane the window's largest value lies.
    fn winner(self, plane: &[f32], (row, column): (usize, usize)) -> usize {
        let (rows, columns) = (reach(row, self.height), reach(column, self.width));
        let mut best = rows.start * self.width + columns.start;
        for row in rows {
            for at in row * self.width + columns.start..row * self.width + columns.end {
                if plane[at] > plane[best] || plane[at].is_nan() {
                    best = at;
                }
            }
        }
        best
    }
}

/// The inputs that an output sees along one axis.
fn reach(output: usize, size: usize) -> Range<usize> {
    (2 * output).saturating_sub(1)..(2 * output + 2).min(size)
}

#[cfg(test)]
mod tests;
