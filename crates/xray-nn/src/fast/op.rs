//! The trunk as one operation of candle's: (images, flat parameters) to the last stage's maps.
//!
//! One operation a layer would let candle keep, copy and add up every map in between, which costs as much as the
//! convolutions themselves. What the backward pass needs lies in a workspace that the operation shares, so that only one
//! forward pass can be in flight: its ticket says which. The parameters' gradient is fetched from there too, as candle
//! would add it to a tensor of zeros first: three passes over all parameters, on one thread.

use std::sync::{Arc, Mutex, MutexGuard, OnceLock, TryLockError};

use candle_core::{CpuStorage, CustomOp2, Layout, Shape, Tensor, bail};

use super::{Plan, Workspace};
use crate::kernel::Compute;
use crate::kernel::norm::Moments;
use crate::kernel::stem::Images;
use crate::simd::Isa;
use crate::storage::{cpu_values, values};

/// The trunk in training.
#[derive(Debug, Clone)]
pub struct Trunk(Arc<Mutex<State>>);

#[derive(Debug)]
struct State {
    plan: Plan,
    workspace: Workspace,
    /// Forward passes begun.
    passes: u64,
    /// The pass whose maps the workspace holds.
    holds: Option<u64>,
    /// The parameters' gradient, from the last backward pass.
    gradient: Option<Vec<f32>>,
}

/// One pass through the trunk.
struct TrunkOp {
    trunk: Trunk,
    /// What stands for the batch's moments in the first units.
    fixed: Vec<Moments>,
    done: Arc<OnceLock<Pass>>,
}

/// What a forward pass leaves with its operation.
struct Pass {
    ticket: u64,
    /// The statistics of each unit that has no fixed ones.
    moments: Vec<Moments>,
}

impl Trunk {
    pub fn new(isa: Isa) -> Self {
        let plan = Plan::new();
        let workspace = Workspace::new(Compute::new(isa), &plan);
        Self(Arc::new(Mutex::new(State { plan, workspace, passes: 0, holds: None, gradient: None })))
    }

    /// Images (B, 3, S, S) f32 and the flat parameters to features (B, 512, S/32, S/32), rounded up, with the moments of
    /// every unit in the order of [`units`](crate::arch::units). The first units are constants if there are `fixed` moments
    /// for them, which stand for the batch's; they get no gradient, and answer no moments. The parameters must be a variable
    /// for candle to come back here; their gradient is then to be had by [`Trunk::take_gradient`].
    ///
    /// # Errors
    /// If an argument does not lie on the CPU, or another pass is under way.
    pub fn forward(
        &self,
        images: &Tensor,
        parameters: &Tensor,
        fixed: Vec<Moments>,
    ) -> candle_core::Result<(Tensor, Vec<Moments>)> {
        let done = Arc::new(OnceLock::new());
        // No gradient is made for the images: candle must not wait for one.
        let images = images.detach().contiguous()?;
        let features = images.apply_op2(parameters, TrunkOp { trunk: self.clone(), fixed, done: done.clone() })?;
        Ok((features, done.get().map(|pass: &Pass| pass.moments.clone()).unwrap_or_default()))
    }

    /// The parameters' gradient, if there was a backward pass since it was last taken.
    ///
    /// # Errors
    /// If a pass is under way.
    pub fn take_gradient(&self) -> candle_core::Result<Option<Vec<f32>>> {
        Ok(self.claim()?.gradient.take())
    }

    /// Lets no backward pass follow the last forward pass.
    ///
    /// # Errors
    /// If a pass is under way.
    pub fn forget(&self) -> candle_core::Result<()> {
        self.claim()?.holds = None;
        Ok(())
    }

    /// The state for a pass. Waiting for another one could wait for ever: it may run below this one, on a thread of the
    /// pool that took up other work.
    fn claim(&self) -> candle_core::Result<MutexGuard<'_, State>> {
        match self.0.try_lock() {
            Ok(state) => Ok(state),
            Err(TryLockError::Poisoned(error)) => Ok(error.into_inner()),
            Err(TryLockError::WouldBlock) => bail!("resnet-trunk: another pass of this network is under way"),
        }
    }
}

impl CustomOp2 for TrunkOp {
    fn name(&self) -> &'static str {
        "resnet-trunk"
    }

    fn cpu_fwd(
        &self,
        images: &CpuStorage,
        images_layout: &Layout,
        parameters: &CpuStorage,
        parameters_layout: &Layout,
    ) -> candle_core::Result<(CpuStorage, Shape)> {
        let images = as_images(cpu_values(images, images_layout)?, images_layout)?;
        let parameters = cpu_values(parameters, parameters_layout)?;
        let State { plan, workspace, passes, holds, gradient } = &mut *self.trunk.claim()?;
        if parameters.len() != plan.len {
            bail!("resnet-trunk: {} parameters where {} are needed", parameters.len(), plan.len);
        }
        (*holds, *gradient) = (None, None);
        *passes += 1;
        let (features, moments) = workspace.forward(plan, images, (parameters, &self.fixed));
        *holds = Some(*passes);
        let _ = self.done.set(Pass { ticket: *passes, moments });
        let extent = workspace.features();
        Ok((CpuStorage::F32(features), (images.count(), crate::arch::FEATURES, extent.height, extent.width).into()))
    }

    fn bwd(
        &self,
        images: &Tensor,
        parameters: &Tensor,
        _: &Tensor,
        gradient: &Tensor,
    ) -> candle_core::Result<(Option<Tensor>, Option<Tensor>)> {
        let of_features = gradient.contiguous()?;
        let (images_storage, images_layout) = images.storage_and_layout();
        let (parameters_storage, parameters_layout) = parameters.storage_and_layout();
        let (gradient_storage, gradient_layout) = of_features.storage_and_layout();
        let images = as_images(values(&images_storage, images_layout)?, images_layout)?;
        let parameters = values(&parameters_storage, parameters_layout)?;
        let of_features = values(&gradient_storage, gradient_layout)?;
        let State { plan, workspace, holds, gradient, .. } = &mut *self.trunk.claim()?;
        if holds.take_if(|held| self.done.get().is_some_and(|pass| *held == pass.ticket)).is_none() {
            bail!("resnet-trunk: its forward pass was followed by another, or used already: run it again");
        }
        let mut result = vec![0.0; parameters.len()];
        workspace.backward(plan, (images, of_features), (parameters, &mut result));
        *gradient = Some(result);
        Ok((None, None))
    }
}

fn as_images<'a>(values: &'a [f32], layout: &Layout) -> candle_core::Result<Images<'a>> {
    let (_, _, height, width) = layout.shape().dims4()?;
    Ok(Images { values, height, width })
}
