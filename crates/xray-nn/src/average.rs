//! The average of a network over its steps, which often answers better than the network itself.
//!
//! Polyak and Juditsky, 1992, "Acceleration of stochastic approximation by averaging"; Izmailov et al., 2018 (arXiv:1803.05407).
//! Exponential, as timm's `ModelEmaV3`; running statistics are averaged like weights, so that they go on fitting these.
//! The warm-up is that of TensorFlow's `ExponentialMovingAverage`: without one, a random start would keep most of the weight
//! for the first `1 / (1 - decay)` steps.

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use candle_core::{DType, Device, Tensor, Var};
use rayon::prelude::*;

use crate::parameters::View;
use crate::storage::values;
use crate::{Network, Result, arch, check};

/// Values that a task works on.
const VALUES: usize = 1 << 14;

/// An exponential moving average of all of a network's tensors: parameters and running statistics. It holds values of its
/// own, on the CPU.
#[derive(Debug, Clone)]
pub struct Average {
    parameters: Vec<Flat>,
    /// Running means and variances.
    statistics: BTreeMap<String, Vec<f32>>,
    /// Batches that each norm has seen: the network's numbers, not averaged.
    tracked: BTreeMap<String, i64>,
    updates: i64,
}

/// The average of a parameter of the network, which may hold many of torchvision's tensors.
#[derive(Debug, Clone)]
struct Flat {
    views: Vec<View>,
    values: Vec<f32>,
}

impl Average {
    /// The network as it is now, without an update so far.
    ///
    /// # Errors
    /// If candle cannot read a tensor.
    pub fn new(network: &Network) -> Result<Self> {
        let views: Vec<_> = network.parameters().iter().map(|parameter| parameter.views.clone()).collect();
        Self::of(views, &network.state()?, 0)
    }

    /// Moves towards the network as it is now; to be called after each step. Every f32 value becomes
    /// `average + (1 - d) * (value - average)`, where `d` is `decay` or, in the beginning, the smaller
    /// `(1 + updates) / (10 + updates)`: 0.1 at the first update, 0.9 after 80, 0.999 after 8980. An average over about
    /// the last `1 / (1 - decay)` steps results. `num_batches_tracked` is taken as it is.
    ///
    /// # Errors
    /// If `decay` is not from 0 to 1, the network has another number of classes, or its parameters do not lie on the CPU.
    pub fn follow(&mut self, network: &Network, decay: f64) -> Result<()> {
        if !(0.0..=1.0).contains(&decay) {
            return Err(candle_core::Error::Msg(format!("average: a decay of {decay}, not 0 to 1")).into());
        }
        let fits = |(flat, parameter): (&Flat, &crate::Parameter)| flat.views == parameter.views;
        if !self.parameters.iter().zip(network.parameters()).all(fits) {
            return Err(candle_core::Error::Msg("average: the network has other classes".to_owned()).into());
        }
        let share = self.share(decay);
        for (flat, parameter) in self.parameters.iter_mut().zip(network.parameters()) {
            let (storage, layout) = parameter.variable.storage_and_layout();
            approach(&mut flat.values, values(&storage, layout)?, share);
        }
        for (name, variable) in network.statistics() {
            self.follow_statistic((name, variable), share)?;
        }
        self.updates = self.updates.saturating_add(1);
        Ok(())
    }

    /// Updates so far; with [`Average::state`] it is all that there is to keep.
    pub fn updates(&self) -> i64 {
        self.updates
    }

    /// A copy of every tensor by torchvision's name, as [`Network::state`] has them, on the CPU:
    /// [`Inference::new`](crate::Inference::new) and [`Network::from_state`] take it.
    ///
    /// # Errors
    /// If candle cannot make a tensor.
    pub fn state(&self) -> Result<BTreeMap<String, Tensor>> {
        let mut state = BTreeMap::new();
        for Flat { views, values } in &self.parameters {
            for View { name, shape, place } in views {
                let tensor = Tensor::from_slice(&values[place.clone()], shape.as_slice(), &Device::Cpu)?;
                state.insert(name.clone(), tensor);
            }
        }
        for (name, values) in &self.statistics {
            state.insert(name.clone(), Tensor::new(values.as_slice(), &Device::Cpu)?);
        }
        for (name, count) in &self.tracked {
            state.insert(name.clone(), Tensor::new(*count, &Device::Cpu)?);
        }
        Ok(state)
    }

    /// Goes on from a [`Average::state`] after so many updates; nothing is changed on an error.
    ///
    /// # Errors
    /// Names the first tensor that is missing, unknown, or of another shape or type; if `updates` is negative.
    pub fn load_state(&mut self, state: &BTreeMap<String, Tensor>, updates: i64) -> Result<()> {
        if updates < 0 {
            return Err(candle_core::Error::Msg(format!("average: a count of {updates} updates")).into());
        }
        check::state(&arch::tensors(self.classes()), state)?;
        let views = self.parameters.iter().map(|flat| flat.views.clone()).collect();
        *self = Self::of(views, state, updates)?;
        Ok(())
    }

    /// Of the tensors of `state`, which must have those of all `views` and the statistics.
    fn of(views: Vec<Vec<View>>, state: &BTreeMap<String, Tensor>, updates: i64) -> Result<Self> {
        let parameters = views.into_iter().map(|views| Flat::of(views, state)).collect::<Result<_>>()?;
        let (mut statistics, mut tracked) = (BTreeMap::new(), BTreeMap::new());
        for spec in arch::units().iter().flat_map(arch::Unit::tensors).filter(|spec| !spec.role.is_parameter()) {
            let tensor = &state[&spec.name];
            if spec.role.dtype() == DType::I64 {
                tracked.insert(spec.name, tensor.to_scalar()?);
            } else {
                statistics.insert(spec.name, tensor.to_vec1()?);
            }
        }
        Ok(Self { parameters, statistics, tracked, updates })
    }

    /// As many as the head's bias, the last parameter, has values.
    fn classes(&self) -> usize {
        self.parameters.last().map_or(0, |flat| flat.values.len())
    }

    fn follow_statistic(&mut self, (name, variable): (&str, &Var), share: f32) -> Result<()> {
        if let Some(average) = self.statistics.get_mut(name) {
            approach(average, &variable.to_vec1::<f32>()?, share);
        } else if let Some(count) = self.tracked.get_mut(name) {
            *count = variable.to_scalar()?;
        }
        Ok(())
    }

    /// The share of the way to the network that the next update goes.
    #[expect(clippy::cast_possible_truncation, reason = "tensors are f32")]
    #[expect(clippy::cast_precision_loss, reason = "updates fit 53 bits")]
    fn share(&self, decay: f64) -> f32 {
        let updates = self.updates as f64;
        (1.0 - decay.min((1.0 + updates) / (10.0 + updates))) as f32
    }
}

impl Flat {
    fn of(views: Vec<View>, state: &BTreeMap<String, Tensor>) -> Result<Self> {
        let mut values = Vec::with_capacity(views.last().map_or(0, |view| view.place.end));
        for view in &views {
            values.extend(state[&view.name].flatten_all()?.to_vec1::<f32>()?);
        }
        Ok(Self { views, values })
    }
}

/// In this form an average of equal values keeps every bit.
fn approach(average: &mut [f32], values: &[f32], share: f32) {
    let parts = average.par_chunks_mut(VALUES).zip(values.par_chunks(VALUES));
    parts.for_each(|(average, values)| {
        average.iter_mut().zip(values).for_each(|(average, value)| *average += share * (value - *average));
    });
}
