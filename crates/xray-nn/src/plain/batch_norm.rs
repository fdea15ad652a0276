//! Batch normalisation with PyTorch's running statistics.
//!
//! candle's own keeps its statistics to itself; here they are the network's tensors, so that they are saved and loaded.
//! Ioffe and Szegedy, 2015 (arXiv:1502.03167).

use candle_core::{Tensor, Var};

use crate::arch::{EPSILON, MOMENTUM};
use crate::{Mode, Result};

/// The tensors of one batch norm over `C` channels; clones share their values with the network.
#[derive(Debug)]
pub struct BatchNorm {
    /// (C)
    pub scale: Var,
    /// (C)
    pub shift: Var,
    /// (C)
    pub running_mean: Var,
    /// (C), the unbiased variance.
    pub running_variance: Var,
    /// i64 scalar.
    pub batches_tracked: Var,
}

impl BatchNorm {
    /// (B, C, H, W) to the same shape: normalised by the batch's statistics, which the running ones then follow, or by
    /// the running ones.
    ///
    /// # Errors
    /// If the shape does not fit.
    pub fn forward(&self, images: &Tensor, mode: Mode) -> Result<Tensor> {
        match mode {
            Mode::Train => self.train(images),
            Mode::Evaluate => self.evaluate(images),
        }
    }

    fn train(&self, images: &Tensor) -> Result<Tensor> {
        let mean = channel_mean(images)?;
        let centred = images.broadcast_sub(&mean)?;
        let variance = channel_mean(&centred.sqr()?)?;
        self.track(images, &mean.detach(), &variance.detach())?;
        let factor = per_channel(&self.scale)?.div(&(variance + EPSILON)?.sqrt()?)?;
        Ok(centred.broadcast_mul(&factor)?.broadcast_add(&per_channel(&self.shift)?)?)
    }

    fn evaluate(&self, images: &Tensor) -> Result<Tensor> {
        let deviation = (self.running_variance.as_detached_tensor() + EPSILON)?.sqrt()?;
        let factor = self.scale.as_detached_tensor().div(&deviation)?;
        let shift = (self.shift.as_detached_tensor() - (self.running_mean.as_detached_tensor() * &factor)?)?;
        Ok(images.broadcast_mul(&per_channel(&factor)?)?.broadcast_add(&per_channel(&shift)?)?)
    }

    /// Moves the running statistics towards this batch's, (1, C, 1, 1) each.
    #[expect(clippy::cast_precision_loss, reason = "pixels of a batch fit 53 bits")]
    fn track(&self, images: &Tensor, mean: &Tensor, variance: &Tensor) -> Result<()> {
        let values = (images.elem_count() / mean.elem_count()) as f64;
        let unbiased = (variance * (values / (values - 1.0)))?;
        follow(&self.running_mean, mean)?;
        follow(&self.running_variance, &unbiased)?;
        let seen = self.batches_tracked.as_detached_tensor();
        self.batches_tracked.set(&(&seen + seen.ones_like()?)?)?;
        Ok(())
    }
}

fn follow(running: &Var, batch: &Tensor) -> Result<()> {
    let kept = (running.as_detached_tensor() * (1.0 - MOMENTUM))?;
    running.set(&(kept + (batch.flatten_all()? * MOMENTUM)?)?)?;
    Ok(())
}

/// (B, C, H, W) to the (1, C, 1, 1) means of the channels: picture by picture, as that rounds least.
fn channel_mean(images: &Tensor) -> Result<Tensor> {
    per_channel(&images.flatten_from(2)?.mean(2)?.mean(0)?)
}

/// (C) to (1, C, 1, 1).
fn per_channel(values: &Tensor) -> Result<Tensor> {
    Ok(values.reshape((1, (), 1, 1))?)
}

#[cfg(test)]
mod tests {
    use candle_core::{Device, IndexOp};

    use super::*;

    fn var(values: &[f32]) -> Var {
        Var::from_tensor(&Tensor::new(values, &Device::Cpu).unwrap()).unwrap()
    }

    fn norm() -> BatchNorm {
        BatchNorm {
            scale: var(&[2.0, 1.0]),
            shift: var(&[0.5, 0.0]),
            running_mean: var(&[1.0, 0.0]),
            running_variance: var(&[4.0, 1.0]),
            batches_tracked: Var::from_tensor(&Tensor::new(3_i64, &Device::Cpu).unwrap()).unwrap(),
        }
    }

    /// Channel 0 holds 1, 2, 3, 6 (mean 3, biased variance 3.5), channel 1 only 5.
    fn images() -> Tensor {
        let values: [f32; 8] = [1.0, 2.0, 5.0, 5.0, 3.0, 6.0, 5.0, 5.0];
        Tensor::from_slice(&values, (2, 2, 1, 2), &Device::Cpu).unwrap()
    }

    #[test]
    fn training_normalises_by_the_batch_and_moves_the_running_statistics() {
        let norm = norm();
        let out = norm.forward(&images(), Mode::Train).unwrap();
        let first: f32 = out.i((0, 0, 0, 0)).unwrap().to_scalar().unwrap();
        assert!((first - (2.0 * (1.0 - 3.0) / (3.5_f32 + 1e-5).sqrt() + 0.5)).abs() < 1e-5, "{first}");
        let mean = norm.running_mean.to_vec1::<f32>().unwrap();
        let variance = norm.running_variance.to_vec1::<f32>().unwrap();
        assert!((mean[0] - 1.2).abs() < 1e-6 && (mean[1] - 0.5).abs() < 1e-6, "{mean:?}");
        assert!((variance[0] - (3.6 + 0.1 * 14.0 / 3.0)).abs() < 1e-5, "unbiased, so 14/3: {variance:?}");
        assert!((variance[1] - 0.9).abs() < 1e-6, "{variance:?}");
        assert_eq!(norm.batches_tracked.to_scalar::<i64>().unwrap(), 4);
    }

    #[test]
    fn evaluation_uses_the_running_statistics_and_leaves_them() {
        let norm = norm();
        let out = norm.forward(&images(), Mode::Evaluate).unwrap();
        let last: f32 = out.i((1, 0, 0, 1)).unwrap().to_scalar().unwrap();
        assert!((last - (2.0 * (6.0 - 1.0) / (4.0_f32 + 1e-5).sqrt() + 0.5)).abs() < 1e-5, "{last}");
        assert_eq!(norm.running_mean.to_vec1::<f32>().unwrap(), [1.0, 0.0]);
        assert_eq!(norm.batches_tracked.to_scalar::<i64>().unwrap(), 3);
    }
}
