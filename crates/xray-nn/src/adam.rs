//! Adam and AdamW, with PyTorch's arithmetic, and a state that goes into a checkpoint.
//!
//! Kingma and Ba, 2014 (arXiv:1412.6980), algorithm 1; weight decay as Loshchilov and Hutter, 2017 (arXiv:1711.05101),
//! apart from the gradient. As in `torch.optim.AdamW`, `epsilon` is added after the second moment's bias is corrected and
//! its root taken. Decay is for weights proper: He et al., 2019, "Bag of Tricks for Image Classification with
//! Convolutional Neural Networks" (arXiv:1812.01187), section 3.1. The arithmetic itself is in `kernel::update`.

use std::collections::BTreeMap;
use std::iter;
use std::ops::Range;
use std::sync::{Mutex, PoisonError};

use candle_core::{CpuStorage, DType, Device, InplaceOp2, Layout, Tensor, bail};

use crate::kernel::update::{Moving, Step, update};
use crate::parameters::{Gradients, Parameter, View};
use crate::simd::Isa;
use crate::{Error, Result, check};

const BETA_1: f64 = 0.9;
const BETA_2: f64 = 0.999;
const EPSILON: f64 = 1e-8;

const STEPS: &str = "adam.steps";
const OF: &str = "this optimizer's state";

/// The optimizer of some parameters.
#[derive(Debug)]
pub struct Adam {
    isa: Isa,
    learning_rate: f64,
    weight_decay: f64,
    steps: i64,
    slots: Vec<Slot>,
}

/// A parameter with the moving averages of its gradient and of its square.
#[derive(Debug)]
struct Slot {
    parameter: Parameter,
    moments: Mutex<Moments>,
}

#[derive(Debug, Clone, PartialEq)]
struct Moments {
    mean: Vec<f32>,
    square: Vec<f32>,
}

impl Adam {
    /// An optimizer that has not stepped yet, without weight decay. It shares the parameters' values.
    pub fn new(parameters: &[Parameter], learning_rate: f64) -> Self {
        let slot = |parameter: &Parameter| {
            let zeros = vec![0.0; parameter.variable.elem_count()];
            let moments = Moments { mean: zeros.clone(), square: zeros };
            Slot { parameter: parameter.clone(), moments: Mutex::new(moments) }
        };
        let slots = parameters.iter().map(slot).collect();
        Self { isa: Isa::best(), learning_rate, weight_decay: 0.0, steps: 0, slots }
    }

    /// Shrinks weights by `learning rate * weight_decay` of their size a step: AdamW. Weights are the tensors of two or more
    /// dimensions; batch norm's scale and shift and a layer's bias do not decay, nor do frozen parts.
    #[must_use]
    pub fn with_weight_decay(self, weight_decay: f64) -> Self {
        Self { weight_decay, ..self }
    }

    /// Computes with these instructions.
    #[must_use]
    pub fn with_isa(self, isa: Isa) -> Self {
        Self { isa, ..self }
    }

    /// The rate of the steps to come; it is a matter of the schedule and so no part of [`Adam::state`].
    pub fn set_learning_rate(&mut self, learning_rate: f64) {
        self.learning_rate = learning_rate;
    }

    /// Moves every parameter against its gradient. What is frozen stays, and so do its moments.
    ///
    /// # Errors
    /// If a gradient has another size than its parameter: nothing has moved then. If one lies on another device: those
    /// before it have.
    pub fn step(&mut self, gradients: &Gradients) -> Result<()> {
        let fits = |(slot, gradient): (&Slot, &Tensor)| slot.parameter.variable.elem_count() == gradient.elem_count();
        if self.slots.len() != gradients.values.len() || !self.slots.iter().zip(&gradients.values).all(fits) {
            let shapes: Vec<_> = gradients.values.iter().map(Tensor::shape).collect();
            return Err(candle_core::Error::Msg(format!("adam: gradients {shapes:?} do not fit the parameters")).into());
        }
        self.steps = self.steps.saturating_add(1);
        let step = self.coefficients();
        let frozen = iter::once(gradients.frozen).chain(iter::repeat(0));
        for ((slot, gradient), frozen) in self.slots.iter().zip(&gradients.values).zip(frozen) {
            let runs = runs(&slot.parameter.views, frozen, self.weight_decay > 0.0);
            let operation = StepOp { isa: self.isa, step, runs: &runs, moments: &slot.moments };
            slot.parameter.variable.inplace_op2(&gradient.contiguous()?, &operation)?;
        }
        Ok(())
    }

    /// The coefficients of the step whose count has just been taken. The moments start at zero and so are too small by a factor.
    #[expect(clippy::cast_possible_truncation, reason = "parameters are f32")]
    fn coefficients(&self) -> Step {
        let steps = i32::try_from(self.steps).unwrap_or(i32::MAX);
        let (of_mean, of_square) = (1.0 - BETA_1.powi(steps), 1.0 - BETA_2.powi(steps));
        Step {
            beta_1: BETA_1 as f32,
            beta_2: BETA_2 as f32,
            epsilon: EPSILON as f32,
            rate: (self.learning_rate / of_mean) as f32,
            root_correction: (1.0 / of_square.sqrt()) as f32,
            decay: (1.0 - self.learning_rate * self.weight_decay) as f32,
            one_less_betas: [(1.0 - BETA_1) as f32, (1.0 - BETA_2) as f32],
        }
    }

    /// `adam.steps` (i64 scalar) and per tensor `adam.mean.<name>` and `adam.square.<name>`, of its shape. Later
    /// steps leave it as it is.
    ///
    /// # Errors
    /// If candle cannot make a tensor.
    pub fn state(&self) -> Result<BTreeMap<String, Tensor>> {
        let mut state = BTreeMap::from([(STEPS.to_owned(), Tensor::new(self.steps, &Device::Cpu)?)]);
        for slot in &self.slots {
            let moments = slot.lock();
            for view in &slot.parameter.views {
                let tensor = |values: &[f32]| {
                    Tensor::from_slice(&values[view.place.clone()], view.shape.as_slice(), &Device::Cpu)
                };
                state.insert(mean_name(&view.name), tensor(&moments.mean)?);
                state.insert(square_name(&view.name), tensor(&moments.square)?);
            }
        }
        Ok(state)
    }

    /// Goes on from a state; nothing is changed on an error.
    ///
    /// # Errors
    /// Names the first tensor that is missing, unknown, or of another shape or type.
    pub fn load_state(&mut self, state: &BTreeMap<String, Tensor>) -> Result<()> {
        let steps = check::tensor(state, (STEPS, &[], DType::I64), OF)?.to_scalar()?;
        if steps < 0 {
            return Err(candle_core::Error::Msg(format!("adam: a count of {steps} steps")).into());
        }
        let moments: Vec<Moments> = self.slots.iter().map(|slot| slot.read(state)).collect::<Result<_>>()?;
        self.refuse_unknown(state)?;
        for (slot, moments) in self.slots.iter_mut().zip(moments) {
            *slot.lock() = moments;
        }
        self.steps = steps;
        Ok(())
    }

    fn refuse_unknown(&self, state: &BTreeMap<String, Tensor>) -> Result<()> {
        let known = self.state()?;
        let unknown = state.keys().find(|name| !known.contains_key(*name));
        unknown.map_or(Ok(()), |name| Err(Error::UnexpectedTensor { name: name.clone(), of: OF }))
    }
}

impl Slot {
    fn lock(&self) -> std::sync::MutexGuard<'_, Moments> {
        self.moments.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The moments that `state` has for this slot.
    fn read(&self, state: &BTreeMap<String, Tensor>) -> Result<Moments> {
        let mut moments = Moments { mean: Vec::new(), square: Vec::new() };
        for View { name, shape, .. } in &self.parameter.views {
            let of = |name: &str| -> Result<Vec<f32>> {
                Ok(check::tensor(state, (name, shape, DType::F32), OF)?.flatten_all()?.to_vec1()?)
            };
            moments.mean.extend(of(&mean_name(name))?);
            moments.square.extend(of(&square_name(name))?);
        }
        Ok(moments)
    }
}

/// Neighbouring values of a parameter that move alike.
#[derive(Debug, PartialEq)]
struct Run {
    place: Range<usize>,
    decays: bool,
}

/// The runs of a parameter's views, without those among its first `frozen` values. As few as can be, as each is a task for
/// all threads; `decay` says whether weights do.
fn runs(views: &[View], frozen: usize, decay: bool) -> Vec<Run> {
    let mut runs: Vec<Run> = Vec::new();
    for View { shape, place, .. } in views.iter().filter(|view| view.place.end > frozen) {
        let decays = decay && shape.len() > 1;
        if let Some(run) = runs.last_mut().filter(|run| run.decays == decays && run.place.end == place.start) {
            run.place.end = place.end;
        } else {
            runs.push(Run { place: place.clone(), decays });
        }
    }
    runs
}

/// A step as an operation of candle's on (parameter, gradient).
struct StepOp<'a> {
    isa: Isa,
    step: Step,
    /// What moves; all else stays.
    runs: &'a [Run],
    moments: &'a Mutex<Moments>,
}

impl InplaceOp2 for StepOp<'_> {
    fn name(&self) -> &'static str {
        "adam-step"
    }

    fn cpu_fwd(
        &self,
        parameter: &mut CpuStorage,
        layout: &Layout,
        gradient: &CpuStorage,
        gradient_layout: &Layout,
    ) -> candle_core::Result<()> {
        let (CpuStorage::F32(parameter), Some((start, end))) = (parameter, layout.contiguous_offsets()) else {
            bail!("adam: a parameter must be contiguous and f32");
        };
        let Some((from, to)) = gradient_layout.contiguous_offsets().filter(|(from, to)| to - from == end - start)
        else {
            bail!("adam: gradient {:?} for parameter {:?}", gradient_layout.shape(), layout.shape());
        };
        let Moments { mean, square } = &mut *self.moments.lock().unwrap_or_else(PoisonError::into_inner);
        let (parameter, gradient) = (&mut parameter[start..end], &gradient.as_slice::<f32>()?[from..to]);
        for Run { place, decays } in self.runs {
            let step = if *decays { self.step } else { Step { decay: 1.0, ..self.step } };
            let (parameter, gradient) = (&mut parameter[place.clone()], &gradient[place.clone()]);
            let (mean, square) = (&mut mean[place.clone()], &mut square[place.clone()]);
            update(self.isa, step, Moving { parameter, mean, square, gradient });
        }
        Ok(())
    }
}

fn mean_name(parameter: &str) -> String {
    format!("adam.mean.{parameter}")
}

fn square_name(parameter: &str) -> String {
    format!("adam.square.{parameter}")
}

#[cfg(test)]
mod tests;
