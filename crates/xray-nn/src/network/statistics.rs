//! The running statistics: how they follow the batches, and how they stand for one.

use candle_core::{Tensor, Var};

use super::Network;
use crate::arch::{self, MOMENTUM};
use crate::kernel::norm::Moments;
use crate::plain::variable;
use crate::{Error, Result};

impl Network {
    /// Moves the running statistics of all units that are not frozen towards the batch's.
    pub(super) fn track(&self, moments: &[Moments]) -> Result<()> {
        let units = arch::units();
        let tracked = &units[arch::units_of(self.frozen)..];
        if tracked.len() != moments.len() {
            return Err(Error::PassUsed);
        }
        for (unit, moments) in tracked.iter().zip(moments) {
            let unbiased: Vec<f64> = moments.squares.iter().map(|squares| squares / (moments.count - 1.0)).collect();
            follow(&self.statistic(unit, "running_mean")?, &moments.mean)?;
            follow(&self.statistic(unit, "running_var")?, &unbiased)?;
            let tracked = self.statistic(unit, "num_batches_tracked")?;
            let seen = tracked.as_detached_tensor();
            tracked.set(&(&seen + seen.ones_like()?)?)?;
        }
        Ok(())
    }

    /// What the frozen units are normalised by in place of the batch's moments: the running ones, said as moments.
    pub(super) fn fixed(&self) -> Result<Vec<Moments>> {
        let units = arch::units();
        units.iter().take(arch::units_of(self.frozen)).map(|unit| self.running(unit)).collect()
    }

    fn running(&self, unit: &arch::Unit) -> Result<Moments> {
        let values = |part: &str| -> Result<Vec<f64>> {
            let values = self.statistic(unit, part)?.to_vec1::<f32>()?;
            Ok(values.into_iter().map(f64::from).collect())
        };
        // Squares over a count of 1 are the variance.
        Ok(Moments { count: 1.0, mean: values("running_mean")?, squares: values("running_var")? })
    }

    fn statistic(&self, unit: &arch::Unit, part: &str) -> Result<Var> {
        variable(&self.statistics, &format!("{}.{part}", unit.norm))
    }
}

#[expect(clippy::cast_possible_truncation, reason = "statistics are f32")]
fn follow(running: &Var, batch: &[f64]) -> Result<()> {
    let mut values = running.to_vec1::<f32>()?;
    for (value, batch) in values.iter_mut().zip(batch) {
        *value = (f64::from(*value) * (1.0 - MOMENTUM) + batch * MOMENTUM) as f32;
    }
    Ok(running.set(&Tensor::new(values, running.device())?)?)
}
