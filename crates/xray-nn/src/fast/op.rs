//! The trunk as one operation of candle's: (images, flat parameters) to the last stage's maps.
//!
//! One operation a layer would let candle keep, copy and add up every map in between, which costs as much as the
//! convolutions themselves. What the backward pass needs lies in a workspace that the operation shares, so that only one
//! forward pass can be in flight: its ticket says which.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use candle_core::{CpuStorage, CustomOp2, Layout, Shape, Storage, Tensor, bail};

use super::{Plan, Workspace};
use crate::kernel::Compute;
use crate::kernel::norm::Moments;
use crate::kernel::stem::Images;
use crate::simd::Isa;

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
    /// Each unit's statistics in the last pass.
    moments: Vec<Moments>,
}

/// One pass through the trunk.
struct TrunkOp {
    trunk: Trunk,
    ticket: u64,
}

impl Trunk {
    pub fn new(isa: Isa) -> Self {
        let plan = Plan::new();
        let workspace = Workspace::new(Compute::new(isa), &plan);
        Self(Arc::new(Mutex::new(State { plan, workspace, passes: 0, holds: None, moments: Vec::new() })))
    }

    /// Images (B, 3, S, S) f32 and the flat parameters to features (B, 512, S/32, S/32), rounded up, with the moments of
    /// every unit in the order of [`units`](crate::arch::units). A gradient flows to the parameters.
    ///
    /// # Errors
    /// If an argument does not lie on the CPU.
    pub fn forward(&self, images: &Tensor, parameters: &Tensor) -> candle_core::Result<(Tensor, Vec<Moments>)> {
        let ticket = {
            let mut state = self.lock();
            state.passes += 1;
            state.passes
        };
        let features = images.contiguous()?.apply_op2(parameters, TrunkOp { trunk: self.clone(), ticket })?;
        Ok((features, std::mem::take(&mut self.lock().moments)))
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
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
        let images = as_images(contiguous(images, images_layout)?, images_layout)?;
        let parameters = contiguous(parameters, parameters_layout)?;
        let State { plan, workspace, holds, moments, .. } = &mut *self.trunk.lock();
        *holds = None;
        let (features, of_units) = workspace.forward(plan, images, parameters);
        (*holds, *moments) = (Some(self.ticket), of_units);
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
        let mut result = vec![0.0; parameters.elem_count()];
        {
            let gradient = gradient.contiguous()?;
            let (images_storage, images_layout) = images.storage_and_layout();
            let (parameters_storage, parameters_layout) = parameters.storage_and_layout();
            let (gradient_storage, gradient_layout) = gradient.storage_and_layout();
            let images = as_images(on_cpu(&images_storage, images_layout)?, images_layout)?;
            let parameters = on_cpu(&parameters_storage, parameters_layout)?;
            let State { plan, workspace, holds, .. } = &mut *self.trunk.lock();
            if holds.take_if(|held| *held == self.ticket).is_none() {
                bail!("resnet-trunk: its forward pass was followed by another, or used already: run it again");
            }
            let of_features = on_cpu(&gradient_storage, gradient_layout)?;
            workspace.backward(plan, (images, of_features), (parameters, &mut result));
        }
        Ok((None, Some(Tensor::from_vec(result, parameters.shape(), parameters.device())?)))
    }
}

fn as_images<'a>(values: &'a [f32], layout: &Layout) -> candle_core::Result<Images<'a>> {
    let (_, _, height, width) = layout.shape().dims4()?;
    Ok(Images { values, height, width })
}

fn on_cpu<'a>(storage: &'a Storage, layout: &Layout) -> candle_core::Result<&'a [f32]> {
    match storage {
        Storage::Cpu(storage) => contiguous(storage, layout),
        _ => bail!("resnet-trunk: the fast path is for the CPU; use the plain engine on other devices"),
    }
}

fn contiguous<'a>(storage: &'a CpuStorage, layout: &Layout) -> candle_core::Result<&'a [f32]> {
    match layout.contiguous_offsets() {
        Some((start, end)) => Ok(&storage.as_slice::<f32>()?[start..end]),
        None => bail!("resnet-trunk: arguments must be contiguous, not {layout:?}"),
    }
}
